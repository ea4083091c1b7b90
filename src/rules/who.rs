//! What rules about groups of sockets share: whom the sockets belong to, whom they lead to, and how that is said.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::limit::Limits;
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, culprit, users};
use crate::model::endpoint::{Addr, place};
use crate::model::listener::Listeners;
use crate::model::socket::Socket;
use crate::phrase::{join, number};

/// Where a connection leads, as far as it makes sense to put connections together: a service of another machine if we are its client,
/// else the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Peer {
    pub(super) addr: Addr,
    /// 0 where the port is the client's own and means nothing.
    pub(super) port: u16,
}

impl Peer {
    /// The peer of a connection.
    pub(super) fn of(socket: &Socket, listeners: &Listeners) -> Peer {
        let served = listeners.ports().has(socket.local_port);
        Peer { addr: socket.peer_addr, port: if served { 0 } else { socket.peer_port } }
    }

    /// As it is written.
    pub(super) fn text(self) -> String {
        match self.port {
            0 => self.addr.to_string(),
            port => place(self.addr, port),
        }
    }
}

/// The expression that shows the sockets of a peer.
pub(super) fn filter(peer: Peer) -> String {
    match peer.port {
        0 => format!("dst {}", peer.addr),
        port => format!("dst {} and dport = {port}", peer.addr),
    }
}

/// An address as the filters of ss take it.
pub(super) fn bracketed(addr: Addr) -> String {
    if addr.as_v4().is_some() { addr.to_string() } else { format!("[{addr}]") }
}

/// The port that an exception means: the peer's if it is a service, else ours, at which it is served.
pub(super) fn port(peer: Peer, sockets: &[(u32, &Socket)]) -> u16 {
    match peer.port {
        0 => sockets.first().map_or(0, |(_, s)| s.local_port),
        port => port,
    }
}

/// Sockets by where they lead, most first.
pub(super) fn by_peer<'a>(
    sockets: impl Iterator<Item = (u32, &'a Socket)>,
    listeners: &Listeners,
) -> Vec<(Peer, Vec<(u32, &'a Socket)>)> {
    let mut groups: BTreeMap<Peer, Vec<(u32, &Socket)>> = BTreeMap::new();
    for (row, socket) in sockets {
        groups.entry(Peer::of(socket, listeners)).or_default().push((row, socket));
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(peer, list)| (Reverse(list.len()), *peer));
    groups
}

/// The machines that some sockets lead to, most first: `10.0.0.2 (7), 10.0.0.3 (1) and 4 more`.
pub(super) fn machines<'a>(sockets: impl Iterator<Item = &'a Socket>) -> String {
    let mut counts: BTreeMap<Addr, u64> = BTreeMap::new();
    for socket in sockets {
        *counts.entry(socket.peer_addr).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(addr, n)| (Reverse(*n), *addr));
    let parts: Vec<String> =
        counts.iter().map(|(addr, n)| format!("{addr} ({})", number(*n))).collect();
    join(&parts, SHOWN)
}

/// Most names in a sentence.
const SHOWN: usize = 5;

/// Who holds some sockets, most first.
pub(super) fn holders<'a>(
    now: &Snapshot,
    sockets: impl Iterator<Item = &'a Socket>,
) -> Vec<(Culprit, u32)> {
    let inodes: Vec<u32> = sockets.map(|s| s.inode).collect();
    users(now, &inodes)
}

/// Sockets by the process that holds them, the first of several; those without one in sight stand under `None`.
pub(super) fn by_process<'a>(
    now: &Snapshot,
    sockets: impl Iterator<Item = &'a Socket>,
) -> BTreeMap<Option<u32>, Vec<&'a Socket>> {
    let mut groups: BTreeMap<Option<u32>, Vec<&Socket>> = BTreeMap::new();
    for socket in sockets {
        let first = now.owners.as_ref().and_then(|o| o.of(socket.inode).first());
        groups.entry(first.map(|h| h.pid)).or_default().push(socket);
    }
    groups
}

/// A process by its pid, or a word for why there is none.
pub(super) fn process(now: &Snapshot, pid: Option<u32>) -> Culprit {
    match pid {
        Some(pid) => culprit(now, pid),
        None => Culprit { pid: None, process: None, provenance: now.unnamed() },
    }
}

/// `java[12] (7), nginx[3] (1)`.
pub(super) fn names(holders: &[(Culprit, u32)]) -> String {
    let parts: Vec<String> =
        holders.iter().map(|(c, n)| format!("{} ({})", c.name(), number((*n).into()))).collect();
    join(&parts, SHOWN)
}

/// The culprits alone.
pub(super) fn culprits(holders: &[(Culprit, u32)]) -> Vec<Culprit> {
    holders.iter().map(|(culprit, _)| culprit.clone()).collect()
}

/// The thresholds for these processes and this port.
pub(super) fn limits<'l>(
    limits: &'l Limits,
    owners: &[Culprit],
    port: Option<u16>,
) -> Cow<'l, Limits> {
    let names: Vec<&str> =
        owners.iter().filter_map(|c| Some(c.process.as_ref()?.as_str())).collect();
    limits.about(&names, port)
}

/// The other end of connections within this host, by its own addresses: for whom a peer of ours is a process here.
pub(super) fn other_ends<'a>(
    now: &'a Snapshot,
    of: impl Iterator<Item = &'a Socket>,
) -> Vec<&'a Socket> {
    let wanted: std::collections::BTreeSet<_> =
        of.map(|s| (s.peer_addr, s.peer_port, s.local_addr, s.local_port)).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let end = |s: &Socket| (s.local_addr, s.local_port, s.peer_addr, s.peer_port);
    now.sockets.iter().filter(|s| s.inode != 0 && wanted.contains(&end(s))).collect()
}
