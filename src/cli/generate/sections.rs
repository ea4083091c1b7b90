//! What tcpvet(1) says beyond the definitions of options.

/// Sections that no definition holds.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    (
        "EXIT STATUS",
        &[
            "2 beats 3, 3 beats 1. Info findings change no status. A closed pipe is silent and leaves the status as it is. Signals end with 128+n.",
            "run ends with the status of its command if that is not 0 (128+n for a signal, 126 and 127 as in a shell), else with that of the verdict.",
        ],
    ),
    (
        "FILES",
        &[
            "/etc/tcpvet.toml, then $XDG_CONFIG_HOME/tcpvet/config.toml (or ~/.config/tcpvet/config.toml): which rules run and their thresholds. A later file wins, --select, --ignore and --set win over both, --config FILE stands in place of both. 'tcpvet config' shows what is in force and where it came from.",
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            "XDG_CONFIG_HOME, HOME: where the user's own configuration lies.",
            "NO_COLOR, CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM: whether colour is used; --color wins over all of them.",
            "COLUMNS: width of a terminal that does not tell its own. In a pipe nothing is wrapped or cut.",
        ],
    ),
    (
        "PRIVILEGES",
        &[
            "Sockets, states, queues, counters and settings need none. The owners of other users' sockets need CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, or root; another network namespace needs CAP_SYS_ADMIN. What could not be seen is said in every output.",
        ],
    ),
    (
        "OVERHEAD",
        &[
            "One walk of the kernel's socket table, which costs about as much as the kernel needs to list it; a second, narrow one only where a rule asks. The descriptors of all processes are read only if a finding or a list needs owners, and that walk costs about 1 microsecond a descriptor.",
        ],
    ),
    (
        "CAVEATS",
        &[
            "The kernel's dump is not atomic: under churn a socket may be missed or shown twice. Exhaustion of NAT or conntrack elsewhere cannot be seen from sockets. A capture holds addresses and process names; it is written for its owner alone.",
        ],
    ),
    (
        "SEE ALSO",
        &[
            "ss(8), netstat(8), nstat(8), sysctl(8), tcp(7), proc(5), sock_diag(7); tcpvet-rules(7) for the rules, tcpvet-SUBCOMMAND(1) for each subcommand.",
        ],
    ),
];
