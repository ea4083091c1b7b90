//! System to Snapshot: what is read in which order, how it is joined, and what could not be seen. Touches nothing but the
//! [`System`] it is given.

pub mod abilities;
pub mod addresses;
mod ahead;
mod census;
mod descriptors;
mod details;
mod empty;
mod kernel;
pub mod listen;
pub mod makers;
pub mod owners;
pub mod ports;
pub mod profiles;
pub mod sockets;
pub mod stream;
pub mod surroundings;
pub mod sysctl_files;
#[cfg(test)]
mod testing;
mod what;
pub mod workloads;

use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::state::StateSet;
use crate::model::survey::Survey;
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::sys::{Kind, SysError, System};
use crate::wire::proc_pid::link_inode;
pub use census::Census;
pub use empty::is_empty;
pub use what::Start;

/// Who and when this is: the beginning of every Snapshot.
///
/// # Errors
/// The clock cannot be read: a capture without time is none.
pub fn begin(system: &dyn System, netns: Option<&str>) -> Result<Snapshot, SysError> {
    let mut snapshot = Snapshot { time_ms: system.clock_ms()?, ..Snapshot::default() };
    snapshot.page_bytes = system.page_bytes();
    let link = system.link("/proc/self/ns/net").ok();
    snapshot.netns_inode = link.as_ref().and_then(|l| link_inode(l, "net"));
    snapshot.netns = match (netns, link) {
        (Some(name), _) => Text::new(name.as_bytes()),
        (None, Some(link)) => Text::new(&link),
        (None, None) => Text::new(b"an unknown namespace"),
    };
    kernel::host(system, &mut snapshot);
    if system.is_closed() {
        let reason = "it may not be entered: /proc shows its tables and counters, and no more";
        let hint = Some("run it as root".to_string());
        snapshot.coverage.note("namespace", Seen::Partial, Some(reason.into()), hint);
    }
    Ok(snapshot)
}

/// Reads the socket table and, if asked, the kernel's settings and counters. What cannot be read is noted in the coverage.
///
/// # Errors
/// The clock cannot be read: a capture without time is none.
pub fn start(system: &dyn System, start: &Start) -> Result<Snapshot, SysError> {
    let mut snapshot = begin(system, start.netns.as_deref())?;
    // Counters stand before the table: what closes in between then makes the number of sockets outside it too high, not too low.
    if start.kernel {
        kernel::counters(system, &mut snapshot);
    }
    sockets::read(system, start.states, start.extensions, &mut snapshot);
    if start.kernel {
        kernel::settings(system, &mut snapshot);
    }
    kernel::note_bound_inactive(&mut snapshot);
    if start.owners {
        owners::note_hidden(system, &mut snapshot);
    }
    Ok(snapshot)
}

/// Who and when this is, and the counters: what rates are made of, without the table.
///
/// # Errors
/// The clock cannot be read.
pub fn counted(system: &dyn System, netns: Option<&str>) -> Result<Snapshot, SysError> {
    let mut snapshot = begin(system, netns)?;
    kernel::counters(system, &mut snapshot);
    Ok(snapshot)
}

/// Now, as processes tell when they were started: by a thread that starts now. In containers /proc/uptime may be by another clock (lxcfs).
pub fn start_ticks_now(system: &dyn System) -> Option<u64> {
    let read = || system.read("/proc/thread-self/stat").ok();
    let text = std::thread::scope(|scope| scope.spawn(read).join().ok().flatten());
    crate::wire::proc_pid::stat(&text?).map(|stat| stat.start_ticks)
}

/// Milliseconds since the machine started; `None` if that cannot be read.
pub fn uptime_ms(system: &dyn System) -> Option<u64> {
    system.read("/proc/uptime").ok().and_then(|t| crate::wire::sysctl::uptime_ms(&t))
}

/// Adds the settings to a snapshot.
pub fn read_settings(system: &dyn System, snapshot: &mut Snapshot) {
    kernel::settings(system, snapshot);
}

/// Adds the sockets in some states to a snapshot.
pub fn add(system: &dyn System, states: StateSet, snapshot: &mut Snapshot) {
    sockets::read(system, states, 0, snapshot);
}

/// Whether a kernel of this release shows no bound sockets.
fn shows_no_bound_sockets(release: &str) -> bool {
    kernel::older_than_6_8(release)
}

/// Notes where this kernel shows no bound sockets.
pub fn note_bound_inactive(snapshot: &mut Snapshot) {
    kernel::note_bound_inactive(snapshot);
}

/// Reads the details that the rules asked for after seeing the table. What they want of owners may change by what comes to light.
/// Gives whether anything was read.
pub fn refine(system: &dyn System, snapshot: &mut Snapshot, wants: &Wants) -> bool {
    details::read(system, snapshot, wants)
}

/// Reads the owners and descriptors that the rules asked for.
pub fn attribute(
    system: &dyn System,
    snapshot: &mut Snapshot,
    wants: &Wants,
    survey: &Survey,
    census: Option<&Census<'_>>,
) {
    let range = snapshot.sysctls.range("net.ipv4.ip_local_port_range");
    owners::read(system, snapshot, &wants.owners, range.filter(|_| wants.buckets), census);
    if wants.descriptors {
        descriptors::read(system, snapshot, survey, wants.unhashed_from, census);
    }
}

/// Reads the owners of every socket, for a look that a later one is compared with. What is hidden stays unknown there.
pub fn hold(system: &dyn System, snapshot: &mut Snapshot, census: Option<&Census<'_>>) {
    let found = match census {
        Some(census) => census.every(snapshot),
        None => owners::find(system, owners::Search::default()),
    };
    if let Ok(found) = found {
        snapshot.processes = found.processes;
        snapshot.owners = Some(found.owners);
    }
}

/// [`refine`] and [`attribute`] in one, where the wishes are known beforehand.
pub fn enrich(system: &dyn System, snapshot: &mut Snapshot, wants: &Wants) {
    refine(system, snapshot, wants);
    let survey = Survey::of(snapshot);
    attribute(system, snapshot, wants, &survey, None);
}

/// The error of a part that gave nothing.
fn refused(reason: &str) -> SysError {
    SysError::failed("a part of the reading", reason)
}

/// The coverage word for a failed read.
fn seen(error: &SysError) -> Seen {
    match error.kind {
        Kind::Absent => Seen::Absent,
        Kind::Denied => Seen::Denied,
        Kind::Overrun => Seen::Partial,
        Kind::Failed => Seen::Failed,
    }
}
