//! Who most likely made the sockets that no process holds any more: TIME_WAIT, and connections that were closed and not yet ended. The
//! kernel keeps no trace of it; what is concluded is always said to be, with what it rests on.

use std::collections::BTreeMap;

use super::endpoint::Addr;
use super::listener::Listeners;
use super::owner::{Holder, Owners};
use super::socket::Socket;
use super::state::State;

/// What a conclusion rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// The very socket was held by that process at an earlier look: a socket keeps its cookie into TIME_WAIT (inet_twsk_alloc).
    Cookie,
    /// That process alone listens where the connection was served.
    Listener,
    /// That process alone has connections to the same destination now.
    Destination,
}

impl Ground {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Ground::Cookie => "cookie",
            Ground::Listener => "listener",
            Ground::Destination => "destination",
        }
    }
}

/// Whether a socket is one whose maker can be looked for: the kernel's by nature, and not a handshake.
pub fn has_maker(socket: &Socket) -> bool {
    socket.is_kernel_owned() && socket.state != State::SynRecv
}

/// Whether a socket has an identity of its own: what /proc tells of has none.
fn has_cookie(socket: &Socket) -> bool {
    socket.cookie != 0 && socket.cookie != u64::MAX
}

/// Who held live sockets at an earlier look, by cookie: twelve bytes a socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    cookies: Vec<u64>,
    pids: Vec<u32>,
}

impl Earlier {
    /// Keeps the first holder of every socket that has one.
    pub fn of<'a>(sockets: impl Iterator<Item = &'a Socket>, owners: &Owners) -> Earlier {
        let held = sockets.filter(|s| s.inode != 0 && s.state != State::Listen && has_cookie(s));
        let mut pairs: Vec<(u64, u32)> =
            held.filter_map(|s| Some((s.cookie, owners.of(s.inode).first()?.pid))).collect();
        pairs.sort_unstable();
        let (cookies, pids) = pairs.into_iter().unzip();
        Earlier { cookies, pids }
    }

    /// Who held the socket of this cookie.
    pub fn holder(&self, cookie: u64) -> Option<u32> {
        self.pids.get(self.cookies.binary_search(&cookie).ok()?).copied()
    }
}

/// What is known of makers now: an earlier look, and who serves and who connects where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Makers {
    earlier: Earlier,
    /// The one process that listens on a port; `None` where there are several.
    by_port: BTreeMap<u16, Option<Holder>>,
    /// The one process that has connections to a destination; `None` where there are several.
    by_destination: BTreeMap<(Addr, u16), Option<Holder>>,
}

impl Makers {
    /// Concludes from the sockets of now, their owners, and an earlier look if there is one.
    pub fn of<'a>(
        sockets: impl Iterator<Item = &'a Socket>,
        owners: &Owners,
        listeners: &Listeners,
        earlier: Earlier,
    ) -> Makers {
        let mut makers = Makers { earlier, ..Makers::default() };
        let served = listeners.ports();
        for socket in sockets.filter(|s| s.inode != 0) {
            if socket.state == State::Listen {
                note(&mut makers.by_port, socket.local_port, owners.of(socket.inode));
            } else if !served.has(socket.local_port) {
                let to = (socket.peer_addr, socket.peer_port);
                note(&mut makers.by_destination, to, owners.of(socket.inode));
            }
        }
        makers
    }

    /// Who most likely made a socket that no process holds, and what that rests on.
    pub fn maker(&self, socket: &Socket) -> Option<(u32, Ground)> {
        if !has_maker(socket) {
            return None;
        }
        if let Some(pid) = self.earlier.holder(socket.cookie) {
            return Some((pid, Ground::Cookie));
        }
        // A served connection was made by whoever listens; a port that nobody listens on was connected from.
        match self.by_port.get(&socket.local_port) {
            Some(one) => one.map(|h| (h.pid, Ground::Listener)),
            None => {
                let one = self.by_destination.get(&(socket.peer_addr, socket.peer_port))?;
                one.map(|h| (h.pid, Ground::Destination))
            }
        }
    }
}

/// Notes who holds a socket: one process stays, a second one leaves nobody to name, and one that is hidden may be anybody.
fn note<K: Ord>(map: &mut BTreeMap<K, Option<Holder>>, key: K, holders: &[Holder]) {
    let first = holders.first().copied();
    let alone = first.filter(|f| holders.iter().all(|h| h.pid == f.pid));
    map.entry(key)
        .and_modify(|known| {
            if known.map(|k| k.pid) != alone.map(|a| a.pid) {
                *known = None;
            }
        })
        .or_insert(alone);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listener, socket};
    use super::*;

    fn held(local: &str, peer: &str, inode: u32, cookie: u64) -> Socket {
        Socket { cookie, inode, ..socket(State::Established, local, peer) }
    }

    fn bucket(local: &str, peer: &str, cookie: u64) -> Socket {
        Socket { inode: 0, cookie, ..socket(State::TimeWait, local, peer) }
    }

    fn makers(earlier: &[(Socket, u32)], now: &[(Socket, u32)]) -> Makers {
        let owners = |list: &[(Socket, u32)]| Owners {
            holders: list
                .iter()
                .map(|(s, pid)| Holder { inode: s.inode, pid: *pid, fd: 3 })
                .collect(),
            ..Owners::default()
        };
        let sockets = |list: &[(Socket, u32)]| list.iter().map(|(s, _)| *s).collect::<Vec<_>>();
        let before = Earlier::of(sockets(earlier).iter(), &owners(earlier));
        let listeners = Listeners::among(sockets(now).iter().filter(|s| s.state == State::Listen));
        Makers::of(sockets(now).iter(), &owners(now), &listeners, before)
    }

    #[test]
    fn the_very_socket_seen_before_is_the_best_ground() {
        let before = held("10.0.0.1:40000", "10.0.0.9:80", 7, 99);
        let other = held("10.0.0.1:40001", "10.0.0.9:80", 8, 5);
        let m = makers(&[(before, 11)], &[(other, 22)]);
        assert_eq!(
            m.maker(&bucket("10.0.0.1:40000", "10.0.0.9:80", 99)),
            Some((11, Ground::Cookie))
        );
        assert_eq!(
            m.maker(&bucket("10.0.0.1:40002", "10.0.0.9:80", 98)),
            Some((22, Ground::Destination))
        );
        assert_eq!(m.maker(&bucket("10.0.0.1:40002", "10.0.0.9:81", 98)), None);
        assert_eq!(m.maker(&other), None, "who holds it is known");
    }

    #[test]
    fn sockets_without_a_cookie_are_nobodys() {
        let before = [
            (held("10.0.0.1:40000", "10.0.0.9:80", 7, u64::MAX), 11),
            (held("10.0.0.1:40001", "10.0.0.9:81", 8, 0), 12),
        ];
        let m = makers(&before, &[]);
        for cookie in [u64::MAX, 0] {
            assert_eq!(m.maker(&bucket("10.0.0.1:40000", "10.0.0.9:80", cookie)), None);
        }
    }

    #[test]
    fn two_processes_leave_nobody_to_name() {
        let a = held("10.0.0.1:40000", "10.0.0.9:80", 7, 1);
        let b = held("10.0.0.1:40001", "10.0.0.9:80", 8, 2);
        let m = makers(&[], &[(a, 11), (b, 22)]);
        assert_eq!(m.maker(&bucket("10.0.0.1:40002", "10.0.0.9:80", 9)), None);
        let m = makers(&[], &[(a, 11), (b, 11)]);
        assert!(m.maker(&bucket("10.0.0.1:40002", "10.0.0.9:80", 9)).is_some());
        // One that is hidden may be anybody.
        let hidden = Makers::of(
            [a, b].iter(),
            &Owners::default(),
            &Listeners::default(),
            Earlier::default(),
        );
        assert_eq!(hidden.maker(&bucket("10.0.0.1:40002", "10.0.0.9:80", 9)), None);
    }

    #[test]
    fn what_was_served_is_the_listeners() {
        let mut door = listener("0.0.0.0:80", 0, 5);
        door.inode = 7;
        let m = makers(&[], &[(door, 33), (held("10.0.0.1:80", "10.0.0.5:1234", 8, 1), 44)]);
        assert_eq!(
            m.maker(&bucket("10.0.0.1:80", "10.0.0.6:1234", 9)),
            Some((33, Ground::Listener))
        );
        let mut handshake = bucket("10.0.0.1:80", "10.0.0.6:1234", 9);
        handshake.state = State::SynRecv;
        assert_eq!(m.maker(&handshake), None);
    }
}
