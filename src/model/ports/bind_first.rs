//! Programs that bind() to port 0 before they connect(): each takes a port from every destination, where IP_BIND_ADDRESS_NO_PORT would
//! take it from one.

use super::Ports;

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// Nothing speaks for it.
    None,
    /// A few ports of the half that connect() tries last are in use while the first half has room: a range of a socket's own, a
    /// fuller past, or a listener that is gone explain them as well.
    Possible,
    /// Many are.
    Likely,
    /// The kernel's bind buckets say so.
    Certain,
}

impl Sure {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Sure::None => "none",
            Sure::Possible => "possible",
            Sure::Likely => "likely",
            Sure::Certain => "certain",
        }
    }
}

/// What speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindFirst {
    /// How sure it is.
    pub sure: Sure,
    /// Ports that speak for it.
    pub ports: u32,
    /// Inodes of the sockets on them.
    pub inodes: Vec<u32>,
}

/// So many ports of the wrong half are no accident.
const MANY: u32 = 10;

impl Ports {
    /// Looks for programs that bind() first.
    pub fn bind_first(&self) -> BindFirst {
        let (low, high) = (self.range.low, self.range.high);
        let certain =
            self.held.bound_first.count_in(low, high) - self.held.accepted.count_in(low, high);
        let unexplained = self.held.unexplained.count_in(low, high);
        let (sure, ports) = match (certain, unexplained) {
            (0, 0) => (Sure::None, 0),
            (0, n) if n < MANY => (Sure::Possible, n),
            (0, n) => (Sure::Likely, n),
            (n, _) => (Sure::Certain, n),
        };
        BindFirst { sure, ports, inodes: self.bound_first_inodes.clone() }
    }
}
