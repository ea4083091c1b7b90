//! The protocols whose sockets sock_diag lists here.

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP; only the header, memory and options of a socket mean anything.
    Udp,
    /// Multipath TCP: the connection above its TCP subflows.
    Mptcp,
}

impl Protocol {
    /// The word used in JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Mptcp => "mptcp",
        }
    }

    /// The number (include/uapi/linux/in.h); MPTCP's needs more than eight bits.
    pub fn number(self) -> u16 {
        match self {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Mptcp => 262,
        }
    }
}
