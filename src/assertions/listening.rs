//! Who accepts connections where, judged by what reaches a listener and not by the family of its socket: `[::]:80` without IPV6_V6ONLY
//! takes IPv4 too (net/ipv4/inet_connection_sock.c, ipv6_rcv_saddr_equal).

use super::reading::Reading;
use crate::model::endpoint::{Addr, Family};
use crate::model::socket::Socket;

/// Where connections should be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The address they come to: any that is listened on if none, every one of its family if it is the wildcard.
    pub addr: Option<(Addr, Family)>,
    /// The port.
    pub port: u16,
    /// By which protocol they come; any if none.
    pub via: Option<Family>,
}

/// A listener, and whether its socket takes IPv6 only; `None` if that was not told.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    /// The socket.
    pub socket: Socket,
    /// IPV6_V6ONLY.
    pub v6only: Option<bool>,
}

impl Listener {
    /// Whether it takes connections by a protocol; `None` is not known.
    fn takes(&self, family: Family) -> Option<bool> {
        let s = &self.socket;
        match (s.family, family) {
            (Family::Ipv4, Family::Ipv4) => Some(true),
            (Family::Ipv4, Family::Ipv6) => Some(false),
            (Family::Ipv6, Family::Ipv6) => Some(s.local_addr.as_v4().is_none() || is_any(s)),
            (Family::Ipv6, Family::Ipv4) if is_any(s) => self.v6only.map(|only| !only),
            (Family::Ipv6, Family::Ipv4) => Some(s.local_addr.as_v4().is_some()),
        }
    }

    /// Whether it takes connections to a door; `None` is not known.
    fn opens(&self, door: &Door) -> Option<bool> {
        let s = &self.socket;
        if s.local_port != door.port {
            return Some(false);
        }
        let on_address = match door.addr {
            None => true,
            Some(_) if is_any(s) => true,
            // Where every address is asked for, one is not enough.
            Some((addr, _)) => s.local_addr == addr,
        };
        if !on_address {
            return Some(false);
        }
        let families = door.via.into_iter().chain(door.addr.map(|(_, family)| family));
        families.map(|f| self.takes(f)).try_fold(true, |all, one| Some(all && one?))
    }
}

/// Whether a listener takes connections to every address.
fn is_any(socket: &Socket) -> bool {
    socket.local_addr.is_wildcard()
}

impl Door {
    /// Whether somebody accepts connections here; `whole` if every listener was seen.
    pub fn reading(&self, listeners: &[Listener], whole: bool) -> Reading {
        let answers: Vec<Option<bool>> = listeners.iter().map(|l| l.opens(self)).collect();
        if answers.contains(&Some(true)) {
            Reading::flag(true)
        } else if answers.contains(&None) {
            Reading::between(
                0.0,
                1.0,
                "whether [::] takes IPv4 here is told by netlink only, which is refused",
            )
        } else if whole {
            Reading::flag(false)
        } else {
            Reading::between(0.0, 1.0, "the socket table could not be read whole")
        }
    }
}

/// Listeners on ports outside of these ranges.
pub fn others<'a>(
    listeners: &'a [Listener],
    ports: &'a [(u16, u16)],
) -> impl Iterator<Item = &'a Listener> {
    let expected = |port: u16| ports.iter().any(|(low, high)| (*low..=*high).contains(&port));
    listeners.iter().filter(move |l| !expected(l.socket.local_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::listener;

    fn on(addr: &str, v6only: Option<bool>) -> Listener {
        Listener { socket: listener(addr, 0, 5), v6only }
    }

    fn open(door: (&str, u16, Option<Family>), listeners: &[Listener]) -> Option<f64> {
        let addr = (!door.0.is_empty()).then(|| match door.0.parse().unwrap() {
            std::net::IpAddr::V4(v4) => (Addr::v4(v4.octets()), Family::Ipv4),
            std::net::IpAddr::V6(v6) => (Addr(v6.octets()), Family::Ipv6),
        });
        Door { addr, port: door.1, via: door.2 }.reading(listeners, true).value()
    }

    #[test]
    fn a_dual_stack_listener_is_reached_by_both_protocols() {
        let (yes, no) = (Some(1.0), Some(0.0));
        let (v4, v6) = (Some(Family::Ipv4), Some(Family::Ipv6));
        for (listeners, any, by_v4, by_v6, loopback, everywhere) in [
            (vec![on("[::]:80", Some(false))], yes, yes, yes, yes, yes),
            (vec![on("[::]:80", Some(true))], yes, no, yes, no, no),
            (vec![on("[::]:80", None)], yes, None, yes, None, None),
            (vec![on("0.0.0.0:80", None)], yes, yes, no, yes, yes),
            (vec![on("127.0.0.1:80", None)], yes, yes, no, yes, no),
            (vec![on("10.0.0.1:80", None)], yes, yes, no, no, no),
            (vec![on("[::1]:80", Some(true))], yes, no, yes, no, no),
            (vec![on("[::]:81", Some(false))], no, no, no, no, no),
            (vec![on("[::]:80", Some(true)), on("0.0.0.0:80", None)], yes, yes, yes, yes, yes),
        ] {
            let l = listeners.as_slice();
            let name = format!("{:?}", listeners[0].socket.local_addr);
            assert_eq!(open(("", 80, None), l), any, "{name}");
            assert_eq!(open(("", 80, v4), l), by_v4, "{name} v4");
            assert_eq!(open(("", 80, v6), l), by_v6, "{name} v6");
            assert_eq!(open(("127.0.0.1", 80, None), l), loopback, "{name} loopback");
            assert_eq!(open(("0.0.0.0", 80, None), l), everywhere, "{name} everywhere");
        }
    }

    #[test]
    fn a_table_cut_short_may_hold_the_listener() {
        let door = Door { addr: None, port: 80, via: None };
        assert_eq!(door.reading(&[], false).value(), None);
        assert_eq!(door.reading(&[on("0.0.0.0:80", None)], false).value(), Some(1.0));
    }

    #[test]
    fn ports_that_nobody_expected() {
        let all = [on("0.0.0.0:22", None), on("[::]:443", None), on("127.0.0.1:5432", None)];
        let ports: Vec<u16> =
            others(&all, &[(22, 22), (400, 500)]).map(|l| l.socket.local_port).collect();
        assert_eq!(ports, [5432]);
    }
}
