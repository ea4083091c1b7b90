//! Details of the sockets that the rules asked about, by narrow dumps whose answers are joined by cookie.

use std::collections::HashMap;

use super::{seen, sockets};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::ports::LIVE;
use crate::model::portset::PortSet;
use crate::model::socket::Detail;
use crate::model::state::StateSet;
use crate::model::wants::Wants;
use crate::sys::{SysError, System};
use crate::wire::request::{Condition, EXT_INFO, EXT_SKMEMINFO};

/// Above so many ports one dump of all live sockets is cheaper than a dump for each.
const MANY_PORTS: usize = 3;

/// Reads what `wants` asks, where the table came by netlink at all.
pub(super) fn read(system: &dyn System, snapshot: &mut Snapshot, wants: &Wants) {
    if !snapshot.has_netlink_facts() {
        return;
    }
    let mut found = HashMap::new();
    let mut ask = |states: StateSet, condition| {
        let extensions = EXT_INFO | EXT_SKMEMINFO;
        sockets::details(system, states, extensions, condition, &mut |socket, detail| {
            found.insert(socket.cookie, detail);
        })
    };
    let mut refusals: Vec<SysError> = Vec::new();
    // A capture holds the details of every socket already.
    if snapshot.details.is_empty() {
        if wants.details != StateSet::NONE {
            refusals.extend(ask(wants.details, None).err());
        }
        if wants.peer_ports.len() > MANY_PORTS {
            refusals.extend(ask(LIVE, None).err());
        } else {
            for port in &wants.peer_ports {
                refusals.extend(ask(LIVE, Some(Condition::PeerPort(*port))).err());
            }
        }
        attach(snapshot, &found);
    }
    if wants.explicit_ports {
        let mut ports = PortSet::default();
        let condition = Some(Condition::ExplicitPort);
        let asked = sockets::details(system, StateSet::ALL, 0, condition, &mut |socket, _| {
            ports.insert(socket.local_port);
        });
        match asked {
            Ok(()) => snapshot.explicit_ports = Some(ports),
            Err(e) => refusals.push(e),
        }
    }
    for e in refusals {
        let state = seen(&e).max(Seen::Partial);
        snapshot.coverage.note("sock_diag_details", state, Some(e.reason), None);
    }
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
