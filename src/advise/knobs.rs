//! The knobs: those that advice may turn, and those that articles turn in vain: one row each, with the direction that helps, its range, its scope and its risks. Facts: kernel
//! sources and experiments; a knob without a proven effect on a finding has no business here.

/// Where a setting counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One network namespace: a container or pod has its own, with the kernel's defaults.
    Namespace,
    /// The whole host.
    Host,
}

/// What a value is and which way helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number of which more helps, up to the maximum.
    Higher {
        /// Largest value proposed.
        max: i64,
    },
    /// A number of which less helps, down to the minimum.
    Lower {
        /// Smallest value proposed.
        min: i64,
    },
    /// Values in the order of their effect, weakest first.
    Order(&'static [i64]),
    /// `low high`; wider helps.
    PortRange,
    /// Three numbers of pages; more helps.
    Triple,
    /// A list of ports; more entries protect more.
    PortList,
    /// No finding asks for it: it is explained and never proposed.
    Never,
}

/// Where a pod of Kubernetes can set it (Kubernetes documentation, "Using sysctls in a Kubernetes Cluster").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pod {
    /// In the pod's securityContext, from this version on.
    Safe(&'static str),
    /// In the pod's securityContext, if the kubelet allows it (--allowed-unsafe-sysctls).
    Unsafe,
    /// On the node only: the host has one.
    Node,
}

/// One knob.
#[derive(Debug, PartialEq, Eq)]
pub struct Knob {
    /// Dotted name.
    pub name: &'static str,
    /// Kind and direction.
    pub kind: Kind,
    /// Scope.
    pub scope: Scope,
    /// Where a pod can set it.
    pub pod: Pod,
    /// Value of a kernel that nobody has tuned.
    pub default: &'static str,
    /// First kernel that has it per namespace, or has it at all.
    pub since: &'static str,
    /// What it really does.
    pub effect: &'static str,
    /// What is said of it and is not so; empty if nothing is.
    pub folklore: &'static str,
    /// What would justify changing it; empty if nothing here does.
    pub justify: &'static str,
    /// What can go wrong.
    pub risk: &'static str,
    /// What it does not do, whatever articles say.
    pub not_fixed: &'static str,
}

/// Every knob that articles and people turn, those that advice proposes and those it never does. Where one must be set before another,
/// it stands before it: the plan keeps this order.
pub static KNOBS: &[Knob] = &[
    Knob {
        name: "net.ipv4.ip_local_reserved_ports",
        kind: Kind::PortList,
        scope: Scope::Namespace,
        pod: Pod::Safe("1.27"),
        default: "empty",
        since: "3.16",
        effect: "keeps ports out of the automatic choice of connect() and bind(0); explicit binds still get them",
        folklore: "",
        justify: "a service or NodePort inside ip_local_port_range",
        risk: "none known; writing it replaces the whole list, so the present entries are kept in the proposal",
        not_fixed: "it frees no port that is already taken",
    },
    Knob {
        name: "net.ipv4.ip_local_port_range",
        kind: Kind::PortRange,
        scope: Scope::Namespace,
        pod: Pod::Safe("1.0"),
        default: "32768 60999",
        since: "3.13",
        effect: "ports that connect() and bind(0) choose from, for TCP and UDP",
        folklore: "'1024 65535 is safe': it takes the ports of services, for which a client's TIME_WAIT is in the way for a minute",
        justify: "less than half of the ports toward a destination free, after connections are reused",
        risk: "a connection may take the port of a service that is not running at that moment, unless it is reserved; past half of the range each connect() searches longer, and the longer the range the longer",
        not_fixed: "the rate stays limited to ports / 60 s for each destination while this side closes first; programs that bind() before connect() use another pool",
    },
    Knob {
        name: "net.ipv4.ip_unprivileged_port_start",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Safe("1.22"),
        default: "1024",
        since: "4.11",
        effect: "lowest port that bind() gives without CAP_NET_BIND_SERVICE",
        folklore: "",
        justify: "",
        risk: "every user may take the ports from it on",
        not_fixed: "no effect on ephemeral ports, but the range cannot begin below it",
    },
    Knob {
        name: "net.ipv4.ip_autobind_reuse",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0",
        since: "5.7",
        effect: "lets bind(0) with SO_REUSEADDR share ports when all are taken",
        folklore: "",
        justify: "",
        risk: "connect() then fails with EADDRNOTAVAIL where two share a destination",
        not_fixed: "IP_BIND_ADDRESS_NO_PORT in the application does the same without harm",
    },
    Knob {
        name: "net.ipv4.tcp_timestamps",
        kind: Kind::Higher { max: 1 },
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "1",
        since: "4.13",
        effect: "timestamps on new connections: PAWS, better round trip times, and the condition for tcp_tw_reuse",
        folklore: "'turn it off for speed, or so that nobody learns the uptime': offsets have been random since 4.10, and reuse stops working",
        justify: "it is 0",
        risk: "12 bytes a segment; counts for connections opened from now on",
        not_fixed: "it helps only if the other side uses timestamps too",
    },
    Knob {
        name: "net.ipv4.tcp_tw_reuse",
        kind: Kind::Order(&[0, 2, 1]),
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "2 (0 before 4.19)",
        since: "4.11",
        effect: "connect() takes over a port in TIME_WAIT after tcp_tw_reuse_delay (1 s) toward the same destination; 1 everywhere, 2 on loopback only",
        folklore: "'it reduces TIME_WAIT' and 'it helps servers': it does neither, it lets a client use ports again; 'SO_REUSEADDR does the same for clients': not for a port that the kernel chooses",
        justify: "more than half of the ports toward a destination in TIME_WAIT, timestamps at both ends",
        risk: "low; a peer or a middlebox that drops a SYN to a connection it still remembers makes connect() slower",
        not_fixed: "no effect for servers, for incoming connections, for peers without timestamps, or for programs that bind() before connect()",
    },
    Knob {
        name: "net.ipv4.tcp_tw_reuse_delay",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "1000 (ms)",
        since: "6.14",
        effect: "age at which a port in TIME_WAIT may be reused",
        folklore: "",
        justify: "a measured rate above the usable ports a second toward one destination",
        risk: "a peer whose timestamp clock ticks more slowly drops the new SYN (PAWS)",
        not_fixed: "it matters only above ports / 1 s to one destination",
    },
    Knob {
        name: "net.ipv4.tcp_tw_recycle",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0; gone since 4.12",
        since: "until 4.11",
        effect: "dropped SYNs whose timestamps seemed to go backwards, counting all clients behind one address as one",
        folklore: "'turn it on to get rid of TIME_WAIT': the setting does not exist any more, and broke clients behind NAT while it did",
        justify: "never",
        risk: "loses clients behind NAT",
        not_fixed: "nothing that tcp_tw_reuse does not do",
    },
    Knob {
        name: "net.ipv4.tcp_max_tw_buckets",
        kind: Kind::Higher { max: 2_000_000 },
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "half of the hash table, by memory: 131072, 262144",
        since: "4.11",
        effect: "most TIME_WAIT sockets; beyond it a closing connection skips TIME_WAIT (TcpExt TCPTimeWaitOverflow)",
        folklore: "'lower it to clean up TIME_WAIT': that takes the protection away and frees no port",
        justify: "TcpExt TCPTimeWaitOverflow grows",
        risk: "about 0.25 to 0.5 KiB of kernel memory a socket",
        not_fixed: "it frees no port; lowering it does not clean TIME_WAIT up, it only drops its protection",
    },
    Knob {
        name: "net.core.somaxconn",
        kind: Kind::Higher { max: 65_535 },
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "4096 (128 before 5.4)",
        since: "3.9",
        effect: "caps the backlog of listen() at the moment of the call",
        folklore: "'the default is 128': it has been 4096 since Linux 5.4",
        justify: "a listener's Send-Q equals it while its drops grow",
        risk: "none by itself; a longer queue lets clients wait longer",
        not_fixed: "a running listener keeps its limit until it calls listen() again, and the application must ask for more too",
    },
    Knob {
        name: "net.ipv4.tcp_max_syn_backlog",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "128 or more, by memory",
        since: "4.11",
        effect: "with tcp_syncookies 0: SYNs are dropped when a queue of half-open handshakes is three quarters as long",
        folklore: "'it is the length of the SYN queue': with SYN cookies on, which is the default, it is ignored, and the listener's backlog counts",
        justify: "practically never",
        risk: "none",
        not_fixed: "anything, while tcp_syncookies is not 0",
    },
    Knob {
        name: "net.ipv4.tcp_syncookies",
        kind: Kind::Order(&[0, 2, 1]),
        scope: Scope::Namespace,
        pod: Pod::Safe("1.0"),
        default: "1",
        since: "4.6",
        effect: "1: a full queue of half-open handshakes is answered by cookies; 2: every SYN is; 0: what does not fit is dropped",
        folklore: "'2 for protection': it takes options from every connection",
        justify: "it is 0",
        risk: "a connection by cookie keeps only the options that its timestamp carries",
        not_fixed: "a full accept queue drops clients all the same",
    },
    Knob {
        name: "net.ipv4.tcp_abort_on_overflow",
        kind: Kind::Order(&[1, 0]),
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0",
        since: "4.15",
        effect: "1 answers the last ACK of a handshake by a reset if the accept queue is full",
        folklore: "'fail fast': SYNs are dropped without a word all the same, and a burst kills connections",
        justify: "it is 1",
        risk: "with 1, clients are reset in a burst of an instant",
        not_fixed: "the full queue",
    },
    Knob {
        name: "net.ipv4.tcp_synack_retries",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "5 (63 s)",
        since: "4.6",
        effect: "how often an unanswered SYN-ACK is sent again",
        folklore: "'lower it against floods': cookies need no queue",
        justify: "",
        risk: "slow clients fail",
        not_fixed: "a flood",
    },
    Knob {
        name: "net.ipv4.tcp_syn_retries",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "6 (127 s; 131 s from 6.5 on)",
        since: "4.6",
        effect: "how often an unanswered SYN is sent again before connect() fails",
        folklore: "",
        justify: "",
        risk: "every connect() of the namespace",
        not_fixed: "a destination that does not answer; timeouts of the application are better",
    },
    Knob {
        name: "net.ipv4.tcp_syn_linear_timeouts",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "4",
        since: "6.5",
        effect: "the first so many retries of a SYN come a second apart",
        folklore: "",
        justify: "",
        risk: "more SYNs to a destination that is down",
        not_fixed: "",
    },
    Knob {
        name: "net.ipv4.tcp_fin_timeout",
        kind: Kind::Lower { min: 10 },
        scope: Scope::Namespace,
        pod: Pod::Safe("1.29"),
        default: "60",
        since: "4.6",
        effect: "seconds that an orphaned FIN_WAIT2 socket waits for the peer's FIN",
        folklore: "'tcp_fin_timeout=30 shortens TIME_WAIT': TIME_WAIT lasts 60 s, a constant of the kernel",
        justify: "many FIN_WAIT2 without a process",
        risk: "a peer that sends late gets a reset",
        not_fixed: "it never shortens TIME_WAIT, which lasts 60 s whatever is set here",
    },
    Knob {
        name: "net.ipv4.tcp_orphan_retries",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0, which means 8",
        since: "4.6",
        effect: "how often the FIN of a closed connection is sent again",
        folklore: "'0 means none': it means 8",
        justify: "many FIN_WAIT1 and LAST_ACK without a process",
        risk: "with small values the ends of answers are lost",
        not_fixed: "peers that do not read: a closed window is probed for as long as it is answered",
    },
    Knob {
        name: "net.ipv4.tcp_retries2",
        kind: Kind::Lower { min: 8 },
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "15 (about 924 s)",
        since: "4.6",
        effect: "how often unacknowledged data is sent again before the connection is given up",
        folklore: "",
        justify: "open connections that retry for the ninth time and more",
        risk: "a short outage ends connections; RFC 1122 wants at least 100 s, which is 8",
        not_fixed: "idle connections: only keepalive or a timeout of the application notices those",
    },
    Knob {
        name: "net.ipv4.tcp_rto_max_ms",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "120000",
        since: "6.15",
        effect: "longest wait between two retransmissions",
        folklore: "",
        justify: "",
        risk: "more retransmissions toward peers that are away; tcp_retries2 then means less time",
        not_fixed: "",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_time",
        kind: Kind::Lower { min: 60 },
        scope: Scope::Namespace,
        pod: Pod::Safe("1.29"),
        default: "7200",
        since: "4.5",
        effect: "seconds of idleness before the first keepalive probe",
        folklore: "'it turns keepalive on': only SO_KEEPALIVE does",
        justify: "connections with keepalive behind a load balancer or NAT gateway",
        risk: "more probes",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE and without a TCP_KEEPIDLE of their own",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_intvl",
        kind: Kind::Lower { min: 5 },
        scope: Scope::Namespace,
        pod: Pod::Safe("1.29"),
        default: "75",
        since: "4.5",
        effect: "seconds between keepalive probes that are not answered",
        folklore: "",
        justify: "",
        risk: "more probes",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_probes",
        kind: Kind::Lower { min: 3 },
        scope: Scope::Namespace,
        pod: Pod::Safe("1.29"),
        default: "9",
        since: "4.5",
        effect: "unanswered keepalive probes before the connection is given up",
        folklore: "",
        justify: "",
        risk: "a short outage ends connections",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE",
    },
    Knob {
        name: "net.ipv4.tcp_mtu_probing",
        kind: Kind::Order(&[0, 1, 2]),
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0",
        since: "4.1",
        effect: "1: after timeouts the kernel tries smaller segments, in case full ones vanish on the way; 2: always",
        folklore: "",
        justify: "full segments are not answered while small ones are",
        risk: "segments stay smaller than the way would bear",
        not_fixed: "loss of any other kind",
    },
    Knob {
        name: "net.ipv4.tcp_slow_start_after_idle",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "1",
        since: "4.15",
        effect: "an idle connection begins slowly again",
        folklore: "'0 is always better': a long-lived connection then sends a burst into a network it knows nothing of",
        justify: "",
        risk: "bursts",
        not_fixed: "",
    },
    Knob {
        name: "net.ipv4.tcp_rmem",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Safe("1.32"),
        default: "4096 131072 6291456, the last by memory (32 MiB on recent kernels)",
        since: "4.15",
        effect: "least, first and largest receive buffer of a connection; a new namespace copies them from the initial one",
        folklore: "'huge is fast': the kernel tunes the size by itself up to the last value",
        justify: "a window that limits connections over long ways",
        risk: "memory times the number of connections",
        not_fixed: "net.core.rmem_max does not bound it",
    },
    Knob {
        name: "net.ipv4.tcp_wmem",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Safe("1.32"),
        default: "4096 16384 4194304",
        since: "4.15",
        effect: "least, first and largest send buffer of a connection; a new namespace copies them from the initial one",
        folklore: "'huge is fast': the kernel tunes the size by itself up to the last value",
        justify: "",
        risk: "memory times the number of connections",
        not_fixed: "net.core.wmem_max does not bound it",
    },
    Knob {
        name: "net.ipv4.tcp_rfc1337",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "0",
        since: "4.15",
        effect: "1 ignores resets that come for TIME_WAIT",
        folklore: "the documents say it the other way round",
        justify: "",
        risk: "",
        not_fixed: "",
    },
    Knob {
        name: "net.ipv4.tcp_max_orphans",
        kind: Kind::Higher { max: 1_048_576 },
        scope: Scope::Host,
        pod: Pod::Node,
        default: "half of the hash table, by memory",
        since: "2.4",
        effect: "closed connections that still send; beyond it new ones are reset",
        folklore: "'a limit of one application': it is the host's",
        justify: "orphans above half of it while TcpExt TCPAbortOnMemory grows",
        risk: "64 KiB and more of kernel memory each",
        not_fixed: "peers that do not read",
    },
    Knob {
        name: "net.ipv4.tcp_mem",
        kind: Kind::Triple,
        scope: Scope::Host,
        pod: Pod::Node,
        default: "by memory, in pages",
        since: "2.4",
        effect: "memory of all TCP sockets: below the first no care, above the second pressure, at the third data is dropped",
        folklore: "set in bytes by articles: its unit is pages",
        justify: "/proc/net/sockstat mem above the second value",
        risk: "takes memory from everything else on the host",
        not_fixed: "readers that do not read",
    },
    Knob {
        name: "net.core.netdev_max_backlog",
        kind: Kind::Higher { max: 65_536 },
        scope: Scope::Host,
        pod: Pod::Node,
        default: "1000",
        since: "2.4",
        effect: "queue of received packets of each processor, for interfaces without NAPI, loopback and RPS",
        folklore: "'against SYN floods': it comes before TCP",
        justify: "column 2 of /proc/net/softnet_stat grows",
        risk: "packets wait longer",
        not_fixed: "a processor that is too slow for good",
    },
    Knob {
        name: "fs.file-max",
        kind: Kind::Higher { max: i64::MAX },
        scope: Scope::Host,
        pod: Pod::Node,
        default: "by memory",
        since: "2.4",
        effect: "open files of the whole host",
        folklore: "'raise it against EMFILE': EMFILE is the process's own limit (RLIMIT_NOFILE), fs.file-max gives ENFILE",
        justify: "fs.file-nr near it",
        risk: "kernel memory",
        not_fixed: "Too many open files of one process",
    },
    Knob {
        name: "fs.nr_open",
        kind: Kind::Never,
        scope: Scope::Host,
        pod: Pod::Node,
        default: "1048576",
        since: "2.6",
        effect: "largest RLIMIT_NOFILE that may be set",
        folklore: "",
        justify: "",
        risk: "",
        not_fixed: "it raises no process's limit by itself",
    },
    Knob {
        name: "net.netfilter.nf_conntrack_max",
        kind: Kind::Higher { max: 4_194_304 },
        scope: Scope::Host,
        pod: Pod::Node,
        default: "by memory",
        since: "2.6",
        effect: "connections that the firewall tracks, counted by namespace; new ones beyond it are dropped",
        folklore: "",
        justify: "nf_conntrack_count above 80 % of it",
        risk: "about 300 bytes an entry; raise the number of buckets with it",
        not_fixed: "which traffic is tracked at all",
    },
    Knob {
        name: "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "120",
        since: "2.6",
        effect: "seconds that a closed connection keeps its entry in the firewall's table",
        folklore: "'1 fixes TIME_WAIT': it changes entries of the firewall, no socket",
        justify: "conntrack-pressure",
        risk: "late segments count as new or invalid",
        not_fixed: "TIME_WAIT sockets: they stay 60 s",
    },
    Knob {
        name: "net.netfilter.nf_conntrack_tcp_timeout_established",
        kind: Kind::Never,
        scope: Scope::Namespace,
        pod: Pod::Unsafe,
        default: "432000 (5 days)",
        since: "2.6",
        effect: "seconds that an idle open connection keeps its entry in the firewall's table",
        folklore: "",
        justify: "conntrack-pressure",
        risk: "idle connections behind the firewall are cut without a word",
        not_fixed: "",
    },
];

/// The row of a knob, by its dotted name or the last part of it.
pub fn find(name: &str) -> Option<&'static Knob> {
    KNOBS.iter().find(|k| k.name == name || k.name.rsplit('.').next() == Some(name))
}

/// The last part of a knob's name: the id of its advice.
pub fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_complete() {
        let mut names: Vec<_> = KNOBS.iter().map(|k| short(k.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KNOBS.len());
        assert!(
            KNOBS
                .iter()
                .filter(|k| k.kind != Kind::Never)
                .all(|k| !k.effect.is_empty() && !k.risk.is_empty() && !k.not_fixed.is_empty())
        );
        assert_eq!(find("tcp_tw_recycle").map(|k| k.kind), Some(Kind::Never));
        assert_eq!(find("somaxconn").map(|k| k.name), Some("net.core.somaxconn"));
    }

    #[test]
    fn a_reservation_comes_before_the_range_and_timestamps_before_reuse() {
        let at = |name| KNOBS.iter().position(|k| k.name.ends_with(name)).unwrap();
        assert!(at("ip_local_reserved_ports") < at("ip_local_port_range"));
        assert!(at("tcp_timestamps") < at("tcp_tw_reuse"));
    }
}
