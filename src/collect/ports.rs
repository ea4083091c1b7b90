//! What `ports` reads: the table, who holds what and what took each port, all at once; then what only some destinations need.

use super::owners::{self, Found, Method, Search};
use super::{Start, details, refused, sockets, start, surroundings};
use std::collections::BTreeSet;

use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::owner::Buckets;
use crate::model::ports::Ports;
use crate::model::portset::PortSet;
use crate::model::reuse::Reuse;
use crate::model::socket::Timer;
use crate::model::state::{State, StateSet};
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::sys::{SysError, System};
use crate::wire::request::Condition;

/// Reads what the arithmetic of ports needs, and the owners if asked; for the range of the namespace if no other is supposed.
///
/// # Errors
/// The clock cannot be read, or owners cannot in the way that was asked for.
pub fn read(
    system: &dyn System,
    netns: Option<String>,
    method: Option<Method>,
    range: Option<(u16, u16)>,
) -> Result<Snapshot, SysError> {
    let what = Start { owners: method.is_some(), ..Start::diagnosis(netns) };
    let (snapshot, found, explicit) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let buckets = range.or_else(|| surroundings::ephemeral(system));
            let search =
                Search { method: method.unwrap_or_default(), buckets, ..Search::default() };
            let found = method.map(|_| owners::find(system, search));
            // Bind buckets tell more than another walk through the table does.
            let told = matches!(&found, Some(Ok(f)) if f.owners.buckets.is_some());
            let explicit = (!told).then(|| explicit_ports(system, StateSet::ALL));
            (explicit, found)
        });
        let snapshot = start(system, &what);
        let (explicit, found) = match beside.join() {
            Ok(both) => both,
            Err(_) => {
                let reason = "the thread that looked for owners panicked".to_string();
                (Some(Err(refused(&reason))), Some(Err(reason)))
            }
        };
        (snapshot, found, explicit)
    });
    let mut snapshot = snapshot?;
    let range = range.or_else(|| snapshot.sysctls.range("net.ipv4.ip_local_port_range"));
    // A socket that no process has, or none in sight, shows no bucket; the dump of explicit binds still tells who named its port.
    let explicit = explicit.or_else(|| {
        let told = match &found {
            Some(Ok(found)) => found.owners.buckets.as_ref()?,
            _ => return None,
        };
        has_untold(&snapshot, range, told).then(|| explicit_ports(system, StateSet::ALL))
    });
    if let Some(explicit) = explicit.filter(|_| snapshot.has_netlink_facts()) {
        match explicit {
            Ok(ports) => snapshot.explicit_ports = Some(ports),
            Err(e) => {
                let state = super::seen(&e).max(Seen::Partial);
                snapshot.coverage.note("sock_diag_details", state, Some(e.reason), None);
            }
        }
    }
    let bound: BTreeSet<u32> =
        snapshot.sockets.iter().map(|s| s.interface).filter(|i| *i != 0).collect();
    for index in bound {
        if let Some(name) = system.interface_name(index) {
            snapshot.interfaces.insert(index, Text::new(&name));
        }
    }
    match found {
        None => {}
        Some(Err(reason)) if method == Some(Method::Bpf) => {
            return Err(SysError::failed("owners cannot be read by BPF", reason));
        }
        Some(Err(reason)) => snapshot.coverage.note("owners", Seen::Failed, Some(reason), None),
        Some(Ok(found)) => keep(&mut snapshot, found),
    }
    Ok(snapshot)
}

fn keep(snapshot: &mut Snapshot, found: Found) {
    let held = |s: &&crate::model::socket::Socket| s.inode != 0;
    let total = snapshot.sockets.iter().filter(held).count();
    let without = |s: &&crate::model::socket::Socket| found.owners.of(s.inode).is_empty();
    // Only a refusal leaves owners unknown; looking for each of a hundred thousand sockets tells nothing more.
    let missing = match found.all_seen && found.owners.denied == 0 {
        true => 0,
        false => snapshot.sockets.iter().filter(held).filter(without).count(),
    };
    owners::note(&mut snapshot.coverage, &found, missing, total, snapshot.host.euid, false);
    snapshot.processes = found.processes;
    snapshot.owners = Some(found.owners);
}

/// Whether a full socket in the range lies on a port of which no bucket was seen.
fn has_untold(snapshot: &Snapshot, range: Option<(u16, u16)>, told: &Buckets) -> bool {
    snapshot.sockets.iter().any(|s| {
        let is_bucket =
            matches!(s.state, State::TimeWait | State::SynRecv) || s.timer == Timer::TimeWait;
        let port = s.local_port;
        !is_bucket
            && range.is_none_or(|(low, high)| (low..=high).contains(&port))
            && !told.connect.has(port)
            && !told.bind.has(port)
    })
}

/// Asks once for the buckets of all ports, for nobody but a recording.
pub fn record(system: &dyn System) {
    let _ = system.open_sockets(false, Some((1, u16::MAX)), &mut |_| ());
}

/// Ports that some socket of these states took by an explicit bind(), listeners included.
fn explicit_ports(system: &dyn System, states: StateSet) -> Result<PortSet, SysError> {
    let mut ports = PortSet::default();
    let condition = Some(Condition::ExplicitPort);
    sockets::details(system, states, 0, condition, &mut |socket, _| {
        ports.insert(socket.local_port);
    })?;
    Ok(ports)
}

/// Reads what live connections show of timestamps, toward the destinations where reuse hangs on it.
pub fn refine(system: &dyn System, snapshot: &mut Snapshot, ports: &Ports) -> bool {
    let unknown = |p: &&crate::model::ports::Pool| {
        matches!(p.reuse, Reuse::Unknown { .. }) && p.time_wait() > 0 && p.open() > 0
    };
    let peer_ports = ports.pools.iter().filter(unknown).map(|p| p.destination.peer_port);
    let wants = Wants { peer_ports: peer_ports.collect(), ..Wants::default() };
    let any = !wants.peer_ports.is_empty();
    if any {
        details::read(system, snapshot, &wants);
    }
    any
}
