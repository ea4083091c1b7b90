//! Details of the sockets that the rules asked about: few one by one, many by narrow dumps whose answers are joined by cookie.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{seen, sockets};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::ports::LIVE;
use crate::model::portset::PortSet;
use crate::model::socket::{Detail, Socket};
use crate::model::state::StateSet;
use crate::model::wants::Wants;
use crate::sys::{SysError, System};
use crate::wire::inet_diag;
use crate::wire::netlink::{Message, walk};
use crate::wire::request::{Condition, EXT_INFO, EXT_SKMEMINFO};

/// Above so many ports one dump of all live sockets is cheaper than a dump for each.
const MANY_PORTS: usize = 3;

/// At most so many sockets are asked for one by one; the rules want samples, not multitudes.
const MANY_ROWS: usize = 4096;

/// What a diagnosis asks of a socket's details.
const EXTENSIONS: u8 = EXT_INFO | EXT_SKMEMINFO;

/// Reads what `wants` asks, where the table came by netlink at all; gives whether anything was asked.
pub(super) fn read(system: &dyn System, snapshot: &mut Snapshot, wants: &Wants) -> bool {
    if !snapshot.has_netlink_facts() {
        return false;
    }
    let mut refusals: Vec<SysError> = Vec::new();
    let mut asked = false;
    // A capture holds the details of every socket already.
    if snapshot.details.is_empty() {
        asked = dumps(system, snapshot, wants, &mut refusals);
        asked |= single(system, snapshot, wants, &mut refusals);
    }
    if wants.explicit_ports && snapshot.explicit_ports.is_none() {
        asked = true;
        let mut ports = PortSet::default();
        let condition = Some(Condition::ExplicitPort);
        let answer = sockets::details(system, StateSet::ALL, 0, condition, &mut |socket, _| {
            ports.insert(socket.local_port);
        });
        match answer {
            Ok(()) => snapshot.explicit_ports = Some(ports),
            Err(e) => refusals.push(e),
        }
    }
    for e in refusals {
        let state = seen(&e).max(Seen::Partial);
        snapshot.coverage.note("sock_diag_details", state, Some(e.reason), None);
    }
    asked
}

/// Whole states, connections toward a port, those that stand out.
fn dumps(
    system: &dyn System,
    snapshot: &mut Snapshot,
    wants: &Wants,
    refusals: &mut Vec<SysError>,
) -> bool {
    let mut found = HashMap::new();
    let mut asked = false;
    let mut ask = |states: StateSet, condition, keep: &mut dyn FnMut(u64, Detail)| {
        asked = true;
        let each = &mut |socket: Socket, detail| keep(socket.cookie, detail);
        refusals.extend(sockets::details(system, states, EXTENSIONS, condition, each).err());
    };
    if wants.details != StateSet::NONE {
        ask(wants.details, None, &mut |cookie, detail| {
            found.insert(cookie, detail);
        });
    }
    let many = wants.peer_ports.len() > MANY_PORTS;
    let ports =
        if many { vec![None] } else { wants.peer_ports.iter().copied().map(Some).collect() };
    for port in ports {
        ask(LIVE, port.map(Condition::PeerPort), &mut |cookie, detail| {
            found.insert(cookie, detail);
        });
    }
    if wants.retransmitters || wants.memory_holders > 0 {
        let mut fattest = BinaryHeap::new();
        let mut of_fattest = HashMap::new();
        ask(LIVE, None, &mut |cookie, detail| {
            if wants.retransmitters && detail.total_retrans.is_some_and(|n| n > 0) {
                found.insert(cookie, detail);
            }
            // The smallest of the largest stands on top and gives way.
            let memory = detail.memory.unwrap_or_default();
            if wants.memory_holders > 0 && memory > 0 {
                fattest.push((Reverse(memory), cookie));
                of_fattest.insert(cookie, detail);
                if fattest.len() > wants.memory_holders
                    && let Some((_, cookie)) = fattest.pop()
                {
                    of_fattest.remove(&cookie);
                }
            }
        });
        found.extend(of_fattest);
    }
    attach(snapshot, &found);
    asked
}

/// One question a socket, which costs no walk of the table.
fn single(
    system: &dyn System,
    snapshot: &mut Snapshot,
    wants: &Wants,
    refusals: &mut Vec<SysError>,
) -> bool {
    let rows: Vec<u32> = wants.rows.iter().copied().take(MANY_ROWS).collect();
    let wanted: Vec<Socket> = rows
        .iter()
        .filter_map(|row| snapshot.sockets.get(*row))
        .filter(|s| s.detail == 0)
        .copied()
        .collect();
    if wanted.is_empty() {
        return false;
    }
    let mut found = HashMap::new();
    let answer = system.sock_diag_exact(&wanted, EXTENSIONS, &mut |datagram| {
        walk(datagram, &mut |message| {
            // One that is gone is answered by an error, and is not missed.
            if let Message::Payload(payload) = message
                && let Some(socket) = inet_diag::socket(payload)
            {
                found.insert(socket.cookie, inet_diag::detail(payload));
            }
            true
        });
    });
    refusals.extend(answer.err());
    for row in rows {
        let Some(socket) = snapshot.sockets.get_mut(row) else { continue };
        if let Some(detail) = found.get(&socket.cookie) {
            snapshot.details.push(*detail);
            socket.detail = snapshot.details.len() as u32;
        }
    }
    true
}

fn attach(snapshot: &mut Snapshot, found: &HashMap<u64, Detail>) {
    if found.is_empty() {
        return;
    }
    for socket in snapshot.sockets.iter_mut() {
        if let Some(detail) = found.get(&socket.cookie) {
            snapshot.details.push(*detail);
            socket.detail = snapshot.details.len() as u32;
        }
    }
}
