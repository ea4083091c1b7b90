//! The ports that no connect() can get, whatever its destination: those whose bind bucket was made by bind() or listen(). sock_diag
//! tells part of them; BPF tells the bucket of every socket that a process holds; for the rest parity speaks, destination by destination,
//! and where it does not speak clearly, nobody knows.

use super::bind_pool::LocalUse;
use super::client::{Client, Tally};
use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::listener::Listeners;
use crate::model::owner::Buckets;
use crate::model::portset::PortSet;
use crate::model::state::State;

/// What holds ports of the range.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Ports with a listener, and with them its accepted connections.
    pub listening: PortSet,
    /// Ports of sockets that are bound and neither connected nor listening.
    pub inactive: PortSet,
    /// Ports that a program named in bind(), other than those above.
    pub explicit: PortSet,
    /// Ports whose bucket says that they were bound, while nothing above does: bind() to port 0 before connect(), or connections
    /// accepted by a listener that is gone.
    pub bound_first: PortSet,
    /// Of those, ports whose connections may have been accepted by a listener that is gone.
    pub accepted: PortSet,
    /// Ports of which the kernel does not tell us whether connect() may give them again.
    pub doubtful: PortSet,
    /// Of the doubtful, ports of the half that connect() tries last, in use while the first half had room.
    pub unexplained: PortSet,
    /// All that are held for certain.
    pub all: PortSet,
    /// Number of ports of the range held for certain.
    pub count: u32,
}

/// Share of one half of the range that must be taken before a port of the other half needs no explanation.
const NEARLY_FULL: f64 = 0.9;

/// Peer ports from here on may be ephemeral themselves: the low end of the kernel's own default range.
const MAYBE_EPHEMERAL: u16 = 32_768;

impl Held {
    /// Whether bind() took a client's port first, for certain or as it looks.
    pub(super) fn looks_bound(&self, port: u16) -> bool {
        self.bound_first.has(port) && !self.accepted.has(port) || self.unexplained.has(port)
    }

    pub(super) fn of(
        snapshot: &Snapshot,
        range: &EphemeralRange,
        listeners: &Listeners,
        tallies: &[Tally],
        local: &LocalUse,
    ) -> Held {
        let mut held = Held::default();
        let put = |set: &mut PortSet, all: &mut PortSet, port: u16| {
            if range.has(port) && !all.has(port) {
                set.insert(port);
                all.insert(port);
            }
        };
        for port in listeners.ports().iter() {
            put(&mut held.listening, &mut held.all, port);
        }
        for socket in snapshot.sockets.iter().filter(|s| s.state == State::BoundInactive) {
            put(&mut held.inactive, &mut held.all, socket.local_port);
        }
        for port in snapshot.explicit_ports.iter().flat_map(PortSet::iter) {
            put(&mut held.explicit, &mut held.all, port);
        }
        let buckets = snapshot.owners.as_ref().and_then(|o| o.buckets.as_ref());
        for port in buckets.iter().flat_map(|b| b.named.iter()) {
            put(&mut held.explicit, &mut held.all, port);
        }
        for port in buckets.iter().flat_map(|b| b.bind.iter()) {
            put(&mut held.bound_first, &mut held.all, port);
        }
        // What parity tells, it tells of the range under which the sockets got their ports.
        let past = range.of_the_past();
        let past_local = (past.low != range.low || past.high != range.high)
            .then(|| LocalUse::of(snapshot, &past));
        let mut doubts = Doubts {
            range: &past,
            buckets,
            half: past.first_half(),
            held_half: held.all.count_parity(past.low, past.high),
            listeners,
            local: past_local.as_ref().unwrap_or(local),
            somebody_binds: false,
        };
        for tally in tallies.iter().filter(|t| doubts.maybe_accepted(t)) {
            for client in tally.clients.iter().filter(|c| held.bound_first.has(c.port)) {
                held.accepted.insert(client.port);
            }
        }
        let count = |set: &PortSet| set.count_in(range.low, range.high);
        doubts.somebody_binds = count(&held.bound_first) > count(&held.accepted);
        for tally in tallies {
            doubts.judge(tally, &mut held);
        }
        held.count = held.all.count_in(range.low, range.high);
        held
    }
}

/// What speaks of ports that no bucket speaks of: those of TIME_WAIT and of orphans, which nobody holds any more, and without BPF all.
struct Doubts<'a> {
    range: &'a EphemeralRange,
    buckets: Option<&'a Buckets>,
    /// Ports of the first half.
    half: u32,
    /// Of those, held for certain.
    held_half: u32,
    listeners: &'a Listeners,
    local: &'a LocalUse,
    /// Whether an open socket was bound before it connected.
    somebody_binds: bool,
}

impl Doubts<'_> {
    /// Whether the only connection of a destination may be one that a listener, since closed, accepted.
    fn maybe_accepted(&self, tally: &Tally) -> bool {
        let peer_port = tally.destination.peer_port;
        tally.clients.len() == 1
            && peer_port >= MAYBE_EPHEMERAL.min(self.range.low)
            && !self.listeners.ports().has(peer_port)
    }

    /// Who connects to one destination does it in one way: where one port looks bound, all may be.
    fn judge(&self, tally: &Tally, held: &mut Held) {
        let range = self.range;
        let clients = || tally.clients.iter();
        let told = |c: &Client, held: &Held| {
            held.all.has(c.port) || self.buckets.is_some_and(|b| b.connect.has(c.port))
        };
        let own = |c: &&Client| range.is_first_half(c.port) && !held.all.has(c.port);
        let first_used = self.held_half + clients().filter(own).count() as u32;
        // connect() had reason to go on to the second half, bind(0) to the first.
        let first_full = f64::from(first_used) >= NEARLY_FULL * f64::from(self.half);
        let second_full = self.local.second_half_share(tally.destination.local_addr) >= NEARLY_FULL;
        let maybe_accepted = self.maybe_accepted(tally);
        let unexplained: Vec<u16> = clients()
            .filter(|c| !first_full && !maybe_accepted && !range.is_first_half(c.port))
            .filter(|c| !told(c, held))
            .map(|c| c.port)
            .collect();
        let bound = |port: u16| held.bound_first.has(port) && !held.accepted.has(port);
        let doubtful = maybe_accepted
            || !unexplained.is_empty()
            || clients().any(|c| bound(c.port))
            // Where both halves are full, nothing tells which of them was filled first; but if no open socket was bound, none is
            // thought to have been.
            || second_full && (!first_full || self.buckets.is_none() || self.somebody_binds);
        if doubtful {
            let ports: Vec<u16> = clients().filter(|c| !told(c, held)).map(|c| c.port).collect();
            ports.into_iter().for_each(|p| held.doubtful.insert(p));
            unexplained.into_iter().for_each(|p| held.unexplained.insert(p));
        }
    }
}
