//! The knobs that advice may turn: one row each, with the direction that helps, its range, its scope and its risks. Facts: kernel
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
    /// A list of ports; more entries protect more.
    PortList,
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
    /// Value of a kernel that nobody has tuned.
    pub default: &'static str,
    /// First kernel that has it per namespace, or has it at all.
    pub since: &'static str,
    /// What it really does.
    pub effect: &'static str,
    /// What can go wrong.
    pub risk: &'static str,
    /// What it does not do, whatever articles say.
    pub not_fixed: &'static str,
}

/// Every knob. Where one must be set before another, it stands before it: the plan keeps this order.
pub static KNOBS: &[Knob] = &[
    Knob {
        name: "net.ipv4.ip_local_reserved_ports",
        kind: Kind::PortList,
        scope: Scope::Namespace,
        default: "empty",
        since: "3.16",
        effect: "keeps ports out of the automatic choice of connect() and bind(0); explicit binds still get them",
        risk: "none known; writing it replaces the whole list, so the present entries are kept in the proposal",
        not_fixed: "it frees no port that is already taken",
    },
    Knob {
        name: "net.ipv4.ip_local_port_range",
        kind: Kind::PortRange,
        scope: Scope::Namespace,
        default: "32768 60999",
        since: "3.13",
        effect: "ports that connect() and bind(0) choose from, for TCP and UDP",
        risk: "a connection may take the port of a service that is not running at that moment, unless it is reserved; past half of the range each connect() searches longer, and the longer the range the longer",
        not_fixed: "the rate stays limited to ports / 60 s for each destination while this side closes first; programs that bind() before connect() use another pool",
    },
    Knob {
        name: "net.ipv4.tcp_timestamps",
        kind: Kind::Higher { max: 1 },
        scope: Scope::Namespace,
        default: "1",
        since: "4.13",
        effect: "timestamps on new connections: PAWS, better round trip times, and the condition for tcp_tw_reuse",
        risk: "12 bytes a segment; counts for connections opened from now on",
        not_fixed: "it helps only if the other side uses timestamps too",
    },
    Knob {
        name: "net.ipv4.tcp_tw_reuse",
        kind: Kind::Order(&[0, 2, 1]),
        scope: Scope::Namespace,
        default: "2 (0 before 4.19)",
        since: "4.11",
        effect: "connect() takes over a port in TIME_WAIT after tcp_tw_reuse_delay (1 s) toward the same destination; 1 everywhere, 2 on loopback only",
        risk: "low; a peer or a middlebox that drops a SYN to a connection it still remembers makes connect() slower",
        not_fixed: "no effect for servers, for incoming connections, for peers without timestamps, or for programs that bind() before connect()",
    },
    Knob {
        name: "net.ipv4.tcp_max_tw_buckets",
        kind: Kind::Higher { max: 2_000_000 },
        scope: Scope::Namespace,
        default: "half of the hash table, 131072 on most hosts",
        since: "4.11",
        effect: "most TIME_WAIT sockets; beyond it a closing connection skips TIME_WAIT (TcpExt TCPTimeWaitOverflow)",
        risk: "about 0.25 to 0.5 KiB of kernel memory a socket",
        not_fixed: "it frees no port; lowering it does not clean TIME_WAIT up, it only drops its protection",
    },
    Knob {
        name: "net.core.somaxconn",
        kind: Kind::Higher { max: 65_535 },
        scope: Scope::Namespace,
        default: "4096 (128 before 5.4)",
        since: "3.9",
        effect: "caps the backlog of listen() at the moment of the call",
        risk: "none by itself; a longer queue lets clients wait longer",
        not_fixed: "a running listener keeps its limit until it calls listen() again, and the application must ask for more too",
    },
    Knob {
        name: "net.ipv4.tcp_fin_timeout",
        kind: Kind::Lower { min: 10 },
        scope: Scope::Namespace,
        default: "60",
        since: "4.6",
        effect: "seconds that an orphaned FIN_WAIT2 socket waits for the peer's FIN",
        risk: "a peer that sends late gets a reset",
        not_fixed: "it never shortens TIME_WAIT, which lasts 60 s whatever is set here",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_time",
        kind: Kind::Lower { min: 60 },
        scope: Scope::Namespace,
        default: "7200",
        since: "4.5",
        effect: "seconds of idleness before the first keepalive probe",
        risk: "more probes",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE and without a TCP_KEEPIDLE of their own",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_intvl",
        kind: Kind::Lower { min: 5 },
        scope: Scope::Namespace,
        default: "75",
        since: "4.5",
        effect: "seconds between keepalive probes that are not answered",
        risk: "more probes",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE",
    },
    Knob {
        name: "net.ipv4.tcp_keepalive_probes",
        kind: Kind::Lower { min: 3 },
        scope: Scope::Namespace,
        default: "9",
        since: "4.5",
        effect: "unanswered keepalive probes before the connection is given up",
        risk: "a short outage ends connections",
        not_fixed: "it counts only for sockets with SO_KEEPALIVE",
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
                .all(|k| !k.effect.is_empty() && !k.risk.is_empty() && !k.not_fixed.is_empty())
        );
        assert!(find("tcp_tw_recycle").is_none(), "it is gone since 4.12 and broke clients before");
        assert_eq!(find("somaxconn").map(|k| k.name), Some("net.core.somaxconn"));
    }

    #[test]
    fn a_reservation_comes_before_the_range_and_timestamps_before_reuse() {
        let at = |name| KNOBS.iter().position(|k| k.name.ends_with(name)).unwrap();
        assert!(at("ip_local_reserved_ports") < at("ip_local_port_range"));
        assert!(at("tcp_timestamps") < at("tcp_tw_reuse"));
    }
}
