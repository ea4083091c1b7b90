//! Which sockets are the client side of a connection, gathered by destination.

use std::collections::HashMap;

use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::destination::Destination;
use crate::model::hash::Quick;
use crate::model::listener::Listeners;
use crate::model::portset::PortSet;
use crate::model::socket::{Detail, Socket, TIME_WAIT_MS};
use crate::model::state::{State, StateSet};

/// The states in which a live connection tells whether its ends use timestamps.
pub const LIVE: StateSet =
    StateSet((1 << 1) | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 9) | (1 << 11));

/// Whether a socket is the client side of a connection, as far as one dump shows: its port is ephemeral and nobody listens on it.
pub fn is_client(socket: &Socket, range: &EphemeralRange, listeners: &Listeners) -> bool {
    socket.peer_port != 0
        && range.spans(socket.local_port)
        && !matches!(
            socket.state,
            State::Listen | State::BoundInactive | State::Close | State::SynRecv
        )
        && !listeners.ports().has(socket.local_port)
}

/// One client connection, as far as its pool needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    /// Its inode; 0 if no process has it.
    pub(super) inode: u32,
    /// Milliseconds until a TIME_WAIT ends.
    pub(super) expires_ms: u32,
    /// Its row in the table.
    pub(super) row: u32,
    /// Its port.
    pub(super) port: u16,
    /// Its state.
    pub(super) state: State,
}

impl Client {
    /// Milliseconds since a TIME_WAIT began.
    pub(super) fn age_ms(&self) -> u32 {
        TIME_WAIT_MS.saturating_sub(self.expires_ms)
    }
}

/// The clients of one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Where they connect to.
    pub(super) destination: Destination,
    /// One per port that connect() may choose, by port.
    pub(super) clients: Vec<Client>,
    /// What live connections show of timestamps: true if any uses them, false if all that were read do not.
    pub(super) timestamps: Option<bool>,
}

/// Gathers the clients of every destination, in the order of the first socket of each.
pub(super) fn tallies(
    snapshot: &Snapshot,
    range: &EphemeralRange,
    listeners: &Listeners,
) -> Vec<Tally> {
    let mut index: HashMap<Destination, usize, Quick> = HashMap::default();
    let mut tallies: Vec<Tally> = Vec::new();
    for (row, socket) in (0u32..).zip(snapshot.sockets.iter()) {
        if !is_client(socket, range, listeners) || range.reserved.has(socket.local_port) {
            continue;
        }
        let destination = Destination::of(socket);
        let at = *index.entry(destination).or_insert_with(|| {
            tallies.push(Tally { destination, clients: Vec::new(), timestamps: None });
            tallies.len() - 1
        });
        let Some(tally) = tallies.get_mut(at) else { continue };
        tally.clients.push(Client {
            inode: socket.inode,
            expires_ms: socket.expires_ms,
            row,
            port: socket.local_port,
            state: socket.state,
        });
        if tally.timestamps != Some(true)
            && LIVE.has(socket.state)
            && let Some(seen) = snapshot.detail(socket).and_then(Detail::timestamps)
        {
            tally.timestamps = Some(seen);
        }
    }
    share_unbound(&mut tallies, &index);
    for tally in &mut tallies {
        // A dump is not atomic: one port may show twice while it changes state.
        tally.clients.sort_unstable_by_key(|c| (c.port, c.state == State::TimeWait));
        tally.clients.dedup_by_key(|c| c.port);
    }
    tallies
}

/// A socket that is bound to a device meets those that are bound to none, and not the other way round (inet_match with the device of the
/// one that connects): their ports are taken for it too.
fn share_unbound(tallies: &mut [Tally], index: &HashMap<Destination, usize, Quick>) {
    let bound: Vec<(usize, usize)> = tallies
        .iter()
        .enumerate()
        .filter(|(_, t)| t.destination.interface != 0)
        .filter_map(|(at, t)| {
            Some((at, *index.get(&Destination { interface: 0, ..t.destination })?))
        })
        .collect();
    for (at, unbound) in bound {
        let more = tallies.get(unbound).map(|t| t.clients.clone()).unwrap_or_default();
        if let Some(tally) = tallies.get_mut(at) {
            tally.clients.extend(more);
        }
    }
}

/// A destination to which many connections are open from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// Where to.
    pub destination: Destination,
    /// Rows of the open connections.
    pub rows: Vec<u32>,
}

/// Fewer open connections are no crowd.
const CROWD: usize = 50;

/// The crowds among some tallies, the largest first.
pub(super) fn crowds(tallies: &[Tally]) -> Vec<Crowd> {
    let open = |t: &Tally| t.clients.iter().filter(|c| c.state == State::Established).count();
    let rows = |t: &Tally| {
        t.clients.iter().filter(|c| c.state == State::Established).map(|c| c.row).collect()
    };
    let mut crowds: Vec<Crowd> = tallies
        .iter()
        .filter(|t| t.clients.len() >= CROWD && open(t) >= CROWD)
        .map(|t| Crowd { destination: t.destination, rows: rows(t) })
        .collect();
    crowds.sort_by_key(|c| (std::cmp::Reverse(c.rows.len()), c.destination));
    crowds
}

/// The distinct ports of some tallies.
pub(super) fn ports(tallies: &[Tally]) -> PortSet {
    let mut ports = PortSet::default();
    tallies.iter().flat_map(|t| &t.clients).for_each(|c| ports.insert(c.port));
    ports
}
