//! The ports that no connect() can get, whatever its destination: those whose bind bucket was made by bind() or listen(). sock_diag
//! tells part of them; BPF tells the bucket of every socket that a process holds; for the rest parity speaks, and where it does not
//! speak clearly, nobody knows.

use super::bind_pool::LocalUse;
use super::client::{Client, Tally};
use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::listener::Listeners;
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
        let half = range.first_half();
        let held_half = held.all.count_parity(range.low, range.high);
        for tally in tallies {
            let own = |c: &&Client| range.is_first_half(c.port) && !held.all.has(c.port);
            let first_used = held_half + tally.clients.iter().filter(own).count() as u32;
            let peer_port = tally.destination.peer_port;
            let doubts = Doubts {
                first_full: f64::from(first_used) >= NEARLY_FULL * f64::from(half),
                maybe_accepted: tally.clients.len() == 1
                    && peer_port >= MAYBE_EPHEMERAL.min(range.low)
                    && !listeners.ports().has(peer_port),
                second_full: local.second_half_share(tally.destination.local_addr) >= NEARLY_FULL,
            };
            for client in &tally.clients {
                let told = held.all.has(client.port)
                    || buckets.is_some_and(|b| b.connect.has(client.port));
                if doubts.maybe_accepted && held.bound_first.has(client.port) {
                    held.accepted.insert(client.port);
                }
                if !told && doubts.any(range, client) {
                    held.doubtful.insert(client.port);
                    if !doubts.maybe_accepted
                        && !doubts.first_full
                        && !range.is_first_half(client.port)
                    {
                        held.unexplained.insert(client.port);
                    }
                }
            }
        }
        held.count = held.all.count_in(range.low, range.high);
        held
    }
}

/// What makes the ports of one destination doubtful.
struct Doubts {
    /// Whether connect() had reason to take a port of the second half.
    first_full: bool,
    /// Whether bind(0) had reason to take a port of the first half.
    second_full: bool,
    /// Whether the connection may be one that a listener, since closed, accepted.
    maybe_accepted: bool,
}

impl Doubts {
    fn any(&self, range: &EphemeralRange, client: &Client) -> bool {
        let natural = match range.is_first_half(client.port) {
            true => !self.second_full,
            // Where both halves are full, nothing tells which of them was filled first.
            false => self.first_full && !self.second_full,
        };
        self.maybe_accepted || !natural
    }
}
