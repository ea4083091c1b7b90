//! Addresses and endpoints of sockets, compact and comparable across families.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The address family of a socket, not of its addresses: an IPv6 socket may carry IPv4 traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// AF_INET.
    Ipv4,
    /// AF_INET6.
    Ipv6,
}

impl Family {
    /// The word used in JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        }
    }
}

/// An IP address in 16 bytes. IPv4 is stored as `::ffff:a.b.c.d`, so that an IPv4 socket and a v4-mapped IPv6 socket with the same
/// peer compare equal: the kernel draws their ports from one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub [u8; 16]);

impl Addr {
    /// From the four bytes of an IPv4 address.
    pub fn v4(bytes: [u8; 4]) -> Addr {
        Addr(Ipv4Addr::from(bytes).to_ipv6_mapped().octets())
    }

    /// The IPv4 address inside, if there is one.
    pub fn as_v4(self) -> Option<Ipv4Addr> {
        Ipv6Addr::from(self.0).to_ipv4_mapped()
    }

    /// Whether this is `0.0.0.0` or `::`.
    pub fn is_wildcard(self) -> bool {
        match self.as_v4() {
            Some(v4) => v4.is_unspecified(),
            None => self.0 == [0; 16],
        }
    }

    /// Whether the kernel counts this as loopback for tcp_tw_reuse=2: 127.0.0.0/8, its mapped form, or ::1
    /// (net/ipv4/tcp_ipv4.c tcp_twsk_unique). An address like 192.0.2.1 on `lo` is not.
    pub fn is_loopback(self) -> bool {
        match self.as_v4() {
            Some(v4) => v4.is_loopback(),
            None => Ipv6Addr::from(self.0).is_loopback(),
        }
    }

    /// Whether it means something on one link only (fe80::/10).
    pub fn is_link_local(self) -> bool {
        self.as_v4().is_none() && Ipv6Addr::from(self.0).is_unicast_link_local()
    }

    /// The address as text for a socket of `family`: `127.0.0.1`, `::1`, `::ffff:127.0.0.1`.
    pub fn text(self, family: Family) -> String {
        match (family, self.as_v4()) {
            (Family::Ipv4, Some(v4)) => v4.to_string(),
            _ => Ipv6Addr::from(self.0).to_string(),
        }
    }
}

/// The plain reading: IPv4 and v4-mapped addresses as IPv4.
impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_v4() {
            Some(v4) => v4.fmt(f),
            None => Ipv6Addr::from(self.0).fmt(f),
        }
    }
}

/// Address and port as people write them: `10.0.0.5:80`, `[::1]:80`.
pub fn host_port(addr: Addr, family: Family, port: u16) -> String {
    let text = addr.text(family);
    let port = if port == 0 { "*".to_string() } else { port.to_string() };
    if text.contains(':') { format!("[{text}]:{port}") } else { format!("{text}:{port}") }
}

/// Like [`host_port`] without regard to the socket's family (v4-mapped is written as IPv4): for destinations and findings.
pub fn place(addr: Addr, port: u16) -> String {
    let family = if addr.as_v4().is_some() { Family::Ipv4 } else { Family::Ipv6 };
    host_port(addr, family, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_and_plain_ipv4_are_one_address_with_two_spellings() {
        let a = Addr::v4([127, 0, 0, 1]);
        assert_eq!(a.text(Family::Ipv4), "127.0.0.1");
        assert_eq!(a.text(Family::Ipv6), "::ffff:127.0.0.1");
        assert_eq!(host_port(a, Family::Ipv6, 80), "[::ffff:127.0.0.1]:80");
        assert_eq!(place(a, 80), "127.0.0.1:80");
    }

    #[test]
    fn wildcards_and_loopback() {
        assert!(Addr::v4([0; 4]).is_wildcard() && Addr([0; 16]).is_wildcard());
        assert!(Addr::v4([127, 9, 9, 9]).is_loopback());
        let mut one = [0; 16];
        one[15] = 1;
        assert!(Addr(one).is_loopback());
        assert!(!Addr::v4([192, 0, 2, 1]).is_loopback());
        assert_eq!(host_port(Addr([0; 16]), Family::Ipv6, 0), "[::]:*");
    }
}
