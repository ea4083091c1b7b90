//! Listeners and what waits at their doors: narrow dumps in place of the whole table.

use super::owners::{self, Method, Search};
use super::{Census, begin, kernel, sockets};
use std::collections::BTreeSet;

use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::text::Text;
use crate::sys::{SysError, System};
use crate::wire::bytecode::{End, Program};
use crate::wire::request::{Condition, EXT_SKMEMINFO};

/// More ports than these make a program that costs the kernel more than it saves.
const MANY_PORTS: usize = 256;

/// What to read of listeners.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// The namespace's name as the user gave it.
    pub netns: Option<String>,
    /// Only the listeners themselves.
    pub brief: bool,
    /// How to look for owners; `None` for not at all.
    pub owners: Option<Method>,
}

/// Reads the listeners, the handshakes and the connections that wait to be accepted, and the owners of the listeners.
///
/// # Errors
/// The clock cannot be read, or owners cannot in the way that was asked for.
pub fn listeners(
    system: &dyn System,
    doors: &Doors,
    census: Option<&Census<'_>>,
) -> Result<Snapshot, SysError> {
    let mut snapshot = begin(system, doors.netns.as_deref())?;
    sockets::read(system, StateSet::of(State::Listen), EXT_SKMEMINFO, &mut snapshot);
    kernel::setting(system, &mut snapshot, "net.core.somaxconn");
    let bound: BTreeSet<u32> =
        snapshot.sockets.iter().map(|s| s.interface).filter(|i| *i != 0).collect();
    for index in bound {
        if let Some(name) = system.interface_name(index) {
            snapshot.interfaces.insert(index, Text::new(&name));
        }
    }
    if doors.brief {
        return Ok(snapshot);
    }
    let mut wanted: Vec<u32> =
        snapshot.sockets.iter().map(|s| s.inode).filter(|i| *i != 0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let found = std::thread::scope(|scope| {
        let finder = doors.owners.filter(|_| !wanted.is_empty()).map(|method| {
            let search = Search { method, wanted: Some(wanted.as_slice()), ..Search::default() };
            let shared = census.filter(|_| method == Method::Auto);
            let wanted = wanted.as_slice();
            scope.spawn(move || match shared {
                Some(census) => census.among(system, wanted),
                None => owners::find(system, search),
            })
        });
        waiting(system, &mut snapshot);
        finder.map(std::thread::ScopedJoinHandle::join)
    });
    match found {
        None => {}
        Some(Ok(Ok(found))) => {
            let missing = wanted.iter().filter(|i| found.owners.of(**i).is_empty()).count();
            let euid = snapshot.host.euid;
            owners::note(&mut snapshot.coverage, &found, missing, wanted.len(), euid, false);
            snapshot.processes = found.processes;
            snapshot.owners = Some(found.owners);
        }
        Some(Ok(Err(reason))) if doors.owners == Some(Method::Bpf) => {
            return Err(SysError::failed("owners cannot be read by BPF", reason));
        }
        Some(Ok(Err(reason))) => snapshot.coverage.note("owners", Seen::Failed, Some(reason), None),
        Some(Err(_)) => {
            let reason = Some("the thread that looked for owners panicked".to_string());
            snapshot.coverage.note("owners", Seen::Failed, reason, None);
        }
    }
    Ok(snapshot)
}

/// Adds the handshakes, and where a queue is not empty the connections in it.
fn waiting(system: &dyn System, snapshot: &mut Snapshot) {
    if snapshot.sockets.is_empty() || !snapshot.has_netlink_facts() {
        return;
    }
    let mut ports: Vec<u16> =
        snapshot.sockets.iter().filter(|s| s.recv_queue > 0).map(|s| s.local_port).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut found: Vec<Socket> = Vec::new();
    let handshakes = StateSet::of(State::SynRecv);
    let mut results =
        vec![sockets::details(system, handshakes, 0, None, &mut |s, _| found.push(s))];
    if !ports.is_empty() {
        let program = ports.iter().map(|p| Program::ports(End::Local, *p, *p)).reduce(Program::or);
        let condition = program.filter(|_| ports.len() <= MANY_PORTS).map(Condition::Program);
        let states = StateSet(State::Established.bit() | State::CloseWait.bit());
        results.push(sockets::details(system, states, 0, condition, &mut |s, _| {
            if s.is_unaccepted() {
                found.push(s);
            }
        }));
    }
    for refused in results.into_iter().filter_map(Result::err) {
        snapshot.coverage.note("sock_diag_details", Seen::Partial, Some(refused.reason), None);
    }
    found.into_iter().for_each(|s| snapshot.sockets.push(s));
}
