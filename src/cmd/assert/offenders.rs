//! The sockets that are to be named for a failed assertion: who holds them, and how long nothing has happened on them.

use crate::assertions::tally::MAX_OFFENDERS;
use crate::collect::{self, enrich};
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, culprits};
use crate::model::listener::Listeners;
use crate::model::socket::{Detail, Socket};
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::render::document::assertion::Offender;
use crate::sys::System;

/// Looks them up, all at once; `around` says where and when.
pub(in crate::cmd) fn named(
    groups: &[Vec<Socket>],
    around: &Snapshot,
    system: &dyn System,
) -> Vec<Vec<Offender>> {
    let groups: Vec<&[Socket]> =
        groups.iter().map(|g| g.get(..g.len().min(MAX_OFFENDERS)).unwrap_or_default()).collect();
    let mut small = around.surroundings();
    let sockets: Vec<Socket> = groups.iter().flat_map(|g| g.iter().copied()).collect();
    if sockets.is_empty() {
        return groups.iter().map(|_| Vec::new()).collect();
    }
    // Who waits to be accepted is the listener's matter.
    if sockets.iter().any(Socket::is_unaccepted) {
        collect::add(system, StateSet::of(State::Listen), &mut small);
    }
    let listeners = Listeners::of(&small);
    let mut wants = Wants::default();
    for socket in &sockets {
        let row = small.sockets.len() as u32;
        small.sockets.push(*socket);
        wants.rows.insert(row);
        wants.owners.insert(socket.inode);
        wants.owners.extend(listeners.accepting(socket).map(|l| l.inode));
    }
    wants.owners.remove(&0);
    enrich(system, &mut small, &wants);
    let idle = |socket: &Socket| {
        let known = small.sockets.iter().filter(|s| s.cookie == socket.cookie);
        known.filter_map(|s| small.detail(s)).find_map(idle_ms)
    };
    let name = |socket: &Socket| offender(&small, &listeners, socket, idle(socket));
    groups.iter().map(|g| g.iter().map(name).collect()).collect()
}

/// Milliseconds since anything was sent or came.
fn idle_ms(detail: &Detail) -> Option<u32> {
    let times = [detail.last_data_sent_ms, detail.last_data_recv_ms, detail.last_ack_recv_ms];
    times.into_iter().flatten().min()
}

fn offender(
    small: &Snapshot,
    listeners: &Listeners,
    socket: &Socket,
    idle_ms: Option<u32>,
) -> Offender {
    let held = match socket.is_unaccepted() {
        true => listeners.accepting(socket).unwrap_or(socket),
        false => socket,
    };
    let who: Option<Culprit> = culprits(small, held).into_iter().next();
    let provenance = small.provenance(socket);
    Offender::new(socket, who.as_ref(), provenance, idle_ms)
}
