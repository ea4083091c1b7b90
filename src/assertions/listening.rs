//! Who accepts connections where, judged by what reaches a listener and not by the family of its socket: `[::]:80` without IPV6_V6ONLY
//! takes IPv4 too (net/ipv4/inet_connection_sock.c, ipv6_rcv_saddr_equal).

use super::reading::Reading;
use crate::model::addresses::Addresses;
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

/// Why it is not known whether connections are accepted.
type Doubt = &'static str;

const V6ONLY: Doubt = "whether [::] takes IPv4 here is told by netlink only, which is refused";
const DEVICE: Doubt = "it is bound to a device, and takes what comes in there";

impl Listener {
    /// Whether it takes connections by a protocol.
    fn takes(&self, family: Family) -> Result<bool, Doubt> {
        let s = &self.socket;
        match (s.family, family) {
            (Family::Ipv4, Family::Ipv4) => Ok(true),
            // ::ffff:0.0.0.0 is every address of IPv4, and no other.
            (Family::Ipv6, Family::Ipv6) => Ok(s.local_addr.as_v4().is_none()),
            (Family::Ipv6, Family::Ipv4) if s.local_addr.as_v4().is_some() => Ok(true),
            (Family::Ipv6, Family::Ipv4) if is_any(s) => {
                self.v6only.map(|only| !only).ok_or(V6ONLY)
            }
            (Family::Ipv4, Family::Ipv6) | (Family::Ipv6, Family::Ipv4) => Ok(false),
        }
    }

    /// Whether its device lets connections to an address in: all of them, some, or nobody can tell.
    fn lets_in(&self, addr: Addr) -> Result<bool, Doubt> {
        match self.socket.interface {
            0 => Ok(true),
            // Not what comes in elsewhere.
            _ if addr.is_wildcard() => Ok(false),
            // Whoever is bound to such an address is bound to that of its device.
            _ if addr.is_link_local() && self.socket.local_addr == addr => Ok(true),
            _ => Err(DEVICE),
        }
    }

    /// Whether it takes connections to a door.
    fn opens(&self, door: &Door) -> Result<bool, Doubt> {
        let s = &self.socket;
        if s.local_port != door.port {
            return Ok(false);
        }
        let on_address = match door.addr {
            None => true,
            Some(_) if is_any(s) => true,
            // Where every address is asked for, one is not enough.
            Some((addr, _)) => s.local_addr == addr,
        };
        if !on_address {
            return Ok(false);
        }
        let mut families = door.via.into_iter().chain(door.addr.map(|(_, family)| family));
        let by_family =
            families.try_fold(true, |all, f| Ok::<bool, Doubt>(all && self.takes(f)?))?;
        Ok(by_family && door.addr.map_or(Ok(true), |(addr, _)| self.lets_in(addr))?)
    }
}

/// Whether a listener takes connections to every address.
fn is_any(socket: &Socket) -> bool {
    socket.local_addr.is_wildcard()
}

impl Door {
    /// The one address that connections must come to, if there is one.
    pub fn address(&self) -> Option<Addr> {
        self.addr.map(|(addr, _)| addr).filter(|addr| !addr.is_wildcard())
    }

    /// Whether somebody accepts connections here; `whole` if every listener was seen.
    pub fn reading(&self, listeners: &[Listener], addresses: &Addresses, whole: bool) -> Reading {
        let answers: Vec<Result<bool, Doubt>> = listeners.iter().map(|l| l.opens(self)).collect();
        let doubt = answers.iter().find_map(|a| a.err());
        if !answers.contains(&Ok(true)) {
            return match (doubt, whole) {
                (Some(why), _) => Reading::between(0.0, 1.0, why),
                (None, true) => Reading::flag(false),
                (None, false) => {
                    Reading::between(0.0, 1.0, "the socket table could not be read whole")
                }
            };
        }
        // A listener may stay when its address has gone, and what takes every address takes only those that are here.
        let Some(addr) = self.address() else { return Reading::flag(true) };
        match addresses.has(addr) {
            Ok(true) => Reading::flag(true),
            Ok(false) => Reading::flag(false)
                .because(format!("{addr} is no address of this network namespace")),
            Err(why) => Reading::between(0.0, 1.0, why),
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
    use crate::model::addresses::{Prefix, Routes};
    use crate::model::testing::listener;

    fn on(addr: &str, v6only: Option<bool>) -> Listener {
        Listener { socket: listener(addr, 0, 5), v6only }
    }

    fn open(door: (&str, u16, Option<Family>), listeners: &[Listener]) -> Option<f64> {
        let addr = (!door.0.is_empty()).then(|| match door.0.parse().unwrap() {
            std::net::IpAddr::V4(v4) => (Addr::v4(v4.octets()), Family::Ipv4),
            std::net::IpAddr::V6(v6) => (Addr(v6.octets()), Family::Ipv6),
        });
        Door { addr, port: door.1, via: door.2 }.reading(listeners, &here(), true).value()
    }

    fn here() -> Addresses {
        let (mut v4, mut v6) = (Routes::default(), Routes::default());
        v4.add(Prefix { addr: Addr::v4([127, 0, 0, 0]), length: 104 }, false);
        v4.add(Prefix { addr: Addr::v4([10, 0, 0, 1]), length: 128 }, false);
        let mut loopback = [0; 16];
        loopback[15] = 1;
        v6.add(Prefix { addr: Addr(loopback), length: 128 }, false);
        Addresses { v4: Some(v4), v6: Some(v6) }
    }

    #[test]
    fn an_address_that_is_not_here_is_reached_by_nobody() {
        let all = [on("0.0.0.0:80", None), on("10.7.7.1:81", None)];
        let door =
            |port| Door { addr: Some((Addr::v4([10, 7, 7, 1]), Family::Ipv4)), port, via: None };
        for port in [80, 81] {
            let reading = door(port).reading(&all, &here(), true);
            assert_eq!(reading.value(), Some(0.0));
            assert!(reading.why.unwrap().starts_with("10.7.7.1 is no address"));
            assert_eq!(door(port).reading(&all, &Addresses::default(), true).value(), None);
        }
    }

    #[test]
    fn the_mapped_wildcard_takes_ipv4_only() {
        let all = [on("[::ffff:0.0.0.0]:80", None)];
        for (addr, via, want) in [
            ("", Some(Family::Ipv6), 0.0),
            ("", Some(Family::Ipv4), 1.0),
            ("::1", None, 0.0),
            ("::", None, 0.0),
            ("0.0.0.0", None, 1.0),
            ("127.0.0.1", None, 1.0),
        ] {
            assert_eq!(open((addr, 80, via), &all), Some(want), "{addr} {via:?}");
        }
    }

    #[test]
    fn a_device_takes_what_comes_in_there() {
        let mut one = on("0.0.0.0:80", None);
        one.socket.interface = 3;
        assert_eq!(open(("", 80, None), &[one]), Some(1.0));
        assert_eq!(open(("0.0.0.0", 80, None), &[one]), Some(0.0));
        assert_eq!(open(("10.0.0.1", 80, None), &[one]), None);
        assert_eq!(open(("10.0.0.1", 80, None), &[one, on("0.0.0.0:80", None)]), Some(1.0));
        let mut local = on("[fe80::1]:80", Some(false));
        local.socket.interface = 3;
        let door =
            Door { addr: Some((local.socket.local_addr, Family::Ipv6)), port: 80, via: None };
        assert_eq!(local.opens(&door), Ok(true));
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
        assert_eq!(door.reading(&[], &here(), false).value(), None);
        assert_eq!(door.reading(&[on("0.0.0.0:80", None)], &here(), false).value(), Some(1.0));
    }

    #[test]
    fn ports_that_nobody_expected() {
        let all = [on("0.0.0.0:22", None), on("[::]:443", None), on("127.0.0.1:5432", None)];
        let ports: Vec<u16> =
            others(&all, &[(22, 22), (400, 500)]).map(|l| l.socket.local_port).collect();
        assert_eq!(ports, [5432]);
    }
}
