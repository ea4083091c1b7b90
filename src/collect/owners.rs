//! Who holds which socket: one pass by BPF where it is allowed and pays, else a scan of /proc/PID/fd by two threads; for the inodes
//! that are wanted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::census::Census;
use super::surroundings;
use crate::model::Snapshot;
use crate::model::coverage::{Coverage, Seen};
use crate::model::owner::{Buckets, Holder, Owners, Process, Processes};
use crate::phrase::count;
use crate::sys::{Kind, SysError, System};
use crate::wire::{capabilities, proc_pid};

/// The command that lets every owner be seen.
const GRANT: &str =
    "sudo tcpvet, or: sudo setcap cap_sys_ptrace,cap_dac_read_search+ep \"$(command -v tcpvet)\"";

/// Root is refused only by what stands above it.
const GRANT_ROOT: &str = "none by a capability: a user namespace, a container or a security module stands above; 'tcpvet env' tells what is known";

/// The command that helps whoever runs this.
pub(super) fn grant(snapshot: &Snapshot) -> String {
    grant_for(snapshot.host.euid)
}

/// The same by effective user id.
pub(super) fn grant_for(euid: Option<u32>) -> String {
    if euid == Some(0) { GRANT_ROOT } else { GRANT }.to_string()
}

/// Threads of the scan; more gain nothing, since the kernel's work dominates.
const THREADS: usize = 2;

/// Notes, without a scan, that owners of other users' sockets are beyond our rights.
pub(super) fn note_hidden(system: &dyn System, snapshot: &mut Snapshot) {
    let status = system.read("/proc/self/status").unwrap_or_default();
    // BPF shows everybody's; should it be refused, the search for owners says what is missing.
    if capabilities::may_read_every_process(&status) || capabilities::may_trace_with_bpf(&status) {
        return;
    }
    let ours = snapshot.host.euid;
    let total = snapshot.sockets.len();
    let hidden = snapshot
        .sockets
        .iter()
        .filter(|s| !s.is_kernel_owned() && s.inode != 0 && Some(s.uid) != ours)
        .count();
    if hidden > 0 {
        let hint = grant(snapshot);
        let reason = format!(
            "{hidden} of {total} sockets belong to other users, whose processes may not be read"
        );
        snapshot.coverage.note("owners", Seen::Partial, Some(reason), Some(hint));
    }
}

/// How owners are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By BPF where it is allowed and pays, else by /proc.
    #[default]
    Auto,
    /// By BPF; what that does not find is looked for in /proc.
    Bpf,
    /// By /proc.
    Proc,
}

/// Fewer open descriptors on the whole machine are read faster from /proc than BTF is.
const MANY_DESCRIPTORS: u64 = 6_000;

/// What one thread found.
#[derive(Default)]
struct Part {
    holders: Vec<Holder>,
    denied: u32,
    vanished: u32,
}

/// What was found, and how.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) owners: Owners,
    pub(super) processes: Processes,
    /// Whether every process could be read.
    pub(super) all_seen: bool,
    /// What found them.
    pub(super) by: &'static str,
}

/// What to look for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Search<'a> {
    /// How.
    pub(super) method: Method,
    /// In every network namespace, where BPF does it.
    pub(super) everywhere: bool,
    /// Inodes, sorted; `None` for those of every socket.
    pub(super) wanted: Option<&'a [u32]>,
    /// The ports of which it matters what took them, which BPF alone tells.
    pub(super) buckets: Option<(u16, u16)>,
}

/// Finds the holders of sockets, and the names of those processes.
pub(super) fn find(system: &dyn System, search: Search<'_>) -> Result<Found, String> {
    let Search { method, everywhere, wanted, buckets } = search;
    let pids = pids(system)?;
    let status = system.read("/proc/self/status").unwrap_or_default();
    let is_wanted = |inode: u32| match wanted {
        Some(wanted) => wanted.binary_search(&inode).is_ok(),
        None => true,
    };
    let by_bpf = match method {
        Method::Proc => false,
        Method::Bpf => true,
        Method::Auto => {
            capabilities::may_trace_with_bpf(&status)
                && (buckets.is_some() || many_descriptors(system, &pids))
        }
    };
    let mut found = Found { all_seen: true, ..Found::default() };
    let bpf = |owners: &mut Owners| {
        let mut seen = Buckets::default();
        let told = system.open_sockets(everywhere, buckets, &mut |open| {
            if is_wanted(open.inode) {
                owners.holders.push(Holder { inode: open.inode, pid: open.pid, fd: open.fd });
            }
            if let Some((port, bucket)) = open.port {
                seen.note(port, bucket);
            }
        })?;
        owners.buckets = told.then_some(seen);
        Ok::<(), SysError>(())
    };
    if by_bpf {
        match bpf(&mut found.owners) {
            Ok(()) => found.by = "by BPF task_file",
            Err(e) if method == Method::Bpf => return Err(e.to_string()),
            Err(_) => found.owners = Owners::default(),
        }
    }
    let by_bpf = !found.by.is_empty();
    // A process can be kept from BPF's sight: what it did not find is looked for in /proc before it is called nobody's.
    if !by_bpf || wanted.is_some() && missing(&mut found.owners, wanted) {
        found.by = if by_bpf { "by BPF task_file and /proc" } else { "by /proc" };
        let scanned = scan_all(system, &pids, &is_wanted);
        found.owners.holders.extend(scanned.holders);
        (found.owners.denied, found.owners.vanished) = (scanned.denied, scanned.vanished);
        found.all_seen = scanned.denied == 0
            && capabilities::may_read_every_process(&status)
            && !surroundings::processes_hidden(system, &pids);
        // And a process may keep even root out of its descriptors in /proc, which BPF may see.
        if method == Method::Auto
            && !by_bpf
            && scanned.denied > 0
            && capabilities::may_trace_with_bpf(&status)
            && missing(&mut found.owners, wanted)
        {
            let mut more = Owners::default();
            if bpf(&mut more).is_ok() {
                found.by = "by /proc and BPF task_file";
                found.owners.holders.extend(more.holders);
            }
        }
    }
    found.owners.holders.sort_unstable();
    found.owners.holders.dedup();
    let mut holders: Vec<u32> = found.owners.holders.iter().map(|h| h.pid).collect();
    holders.sort_unstable();
    holders.dedup();
    found.processes = holders.into_iter().map(|pid| (pid, process(system, pid))).collect();
    Ok(found)
}

/// Whether a wanted inode has no holder.
fn missing(owners: &mut Owners, wanted: Option<&[u32]>) -> bool {
    owners.holders.sort_unstable();
    wanted.is_none_or(|wanted| wanted.iter().any(|inode| owners.of(*inode).is_empty()))
}

/// Whether the machine has so many open descriptors that BPF pays; counting stops when it is clear.
fn many_descriptors(system: &dyn System, pids: &[u32]) -> bool {
    let mut sum = 0;
    pids.iter().any(|pid| {
        sum += system.descriptor_count(*pid).unwrap_or_default();
        sum >= MANY_DESCRIPTORS
    })
}

/// Reads /proc/PID/fd of every process by two threads.
pub(super) fn scan_all(
    system: &dyn System,
    pids: &[u32],
    wanted: &(dyn Fn(u32) -> bool + Sync),
) -> Owners {
    let next = AtomicUsize::new(0);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| scan(system, pids, &next, wanted))).collect();
        workers.into_iter().filter_map(|w| w.join().ok()).collect()
    });
    let mut owners = Owners::default();
    for part in parts {
        owners.holders.extend(part.holders);
        owners.denied += part.denied;
        owners.vanished += part.vanished;
    }
    owners
}

/// Finds the holders of the `wanted` inodes for a diagnosis.
pub(super) fn read(
    system: &dyn System,
    snapshot: &mut Snapshot,
    wanted: &BTreeSet<u32>,
    buckets: Option<(u16, u16)>,
    census: Option<&Census<'_>>,
) {
    let wanted: Vec<u32> = wanted.iter().copied().filter(|i| *i != 0).collect();
    if wanted.is_empty() {
        return;
    }
    // What took the ports is told by a pass over this namespace alone.
    let found = match census.filter(|_| buckets.is_none()) {
        Some(census) => census.among(system, &wanted),
        None => find(system, Search { wanted: Some(&wanted), buckets, ..Search::default() }),
    };
    let found = match found {
        Ok(found) => found,
        Err(reason) => {
            snapshot.coverage.note("owners", Seen::Failed, Some(reason), None);
            return;
        }
    };
    let missing = wanted.iter().filter(|i| found.owners.of(**i).is_empty()).count();
    note(&mut snapshot.coverage, &found, missing, wanted.len(), snapshot.host.euid, true);
    if missing > 0 && surroundings::in_other_pid_namespace(system) {
        let have = count(missing as u64, "socket has", "sockets have");
        let reason = format!(
            "{have} no owner in sight, of {}, and processes outside of this pid namespace are not seen",
            wanted.len()
        );
        let hint = "run it with the host's processes in sight (--pid=host), or with the host's /proc (--proc DIR)";
        snapshot.coverage.note("pid_namespace", Seen::Partial, Some(reason), Some(hint.into()));
    }
    snapshot.processes.extend(found.processes);
    snapshot.owners = Some(found.owners);
}

/// Says how many sockets have no owner in sight, and why that may be.
pub(super) fn unseen(missing: usize, of: usize, denied: u32) -> String {
    let why = match denied {
        0 => "not every process may be looked into".to_string(),
        n => {
            let processes = count(n.into(), "process", "processes");
            format!("the descriptors of {processes} may not be read")
        }
    };
    let have = count(missing as u64, "socket has", "sockets have");
    format!("{have} no owner in sight, of {of}, and {why}")
}

/// Notes how the owners of some sockets were found: `missing` of them have none in sight.
pub(super) fn note(
    coverage: &mut Coverage,
    found: &Found,
    missing: usize,
    of: usize,
    euid: Option<u32>,
    diagnosis: bool,
) {
    let owners = &found.owners;
    // A diagnosis notes beforehand what its rights keep from it; there only refusals count.
    let blind = owners.denied > 0 || !diagnosis && !found.all_seen;
    if missing > 0 && blind {
        let reason = unseen(missing, of, owners.denied);
        let hint = grant_for(euid);
        coverage.note("owners", Seen::Partial, Some(reason), Some(hint));
    } else {
        let ended = (owners.vanished > 0).then(|| {
            format!(
                "; {} ended while they were read",
                count(owners.vanished.into(), "process", "processes")
            )
        });
        let by = format!("{}{}", found.by, ended.unwrap_or_default());
        coverage.note("owners", Seen::Seen, Some(by), None);
    }
}

/// The processes in sight; a /proc without any is none.
pub(super) fn pids(system: &dyn System) -> Result<Vec<u32>, String> {
    let pids = system.pids().map_err(|e| e.to_string())?;
    if pids.is_empty() { Err("/proc lists no process".into()) } else { Ok(pids) }
}

fn scan(
    system: &dyn System,
    pids: &[u32],
    next: &AtomicUsize,
    wanted: &(dyn Fn(u32) -> bool + Sync),
) -> Part {
    let mut part = Part::default();
    while let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
        let result = system.socket_descriptors(pid, &mut |fd, inode| {
            if wanted(inode) {
                part.holders.push(Holder { inode, pid, fd });
            }
        });
        match result {
            Err(e) if e.kind == Kind::Absent => part.vanished += 1,
            Err(_) => part.denied += 1,
            Ok(()) => {}
        }
    }
    part
}

/// Name and start time of a process; empty where it ended meanwhile.
pub(super) fn process(system: &dyn System, pid: u32) -> Process {
    let stat = system.read(&format!("/proc/{pid}/stat")).ok().and_then(|t| proc_pid::stat(&t));
    match stat {
        Some(stat) => Process {
            pid,
            comm: stat.comm,
            start_ticks: Some(stat.start_ticks),
            ..Process::default()
        },
        None => Process { pid, ..Process::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::owner::Provenance;
    use crate::model::state::State;
    use crate::model::testing::socket;

    #[test]
    fn every_holder_is_listed_and_a_refusal_is_counted() {
        let mut system = Scripted::default();
        system.processes.insert(10, Some(vec![(3, 77), (4, 78)]));
        system.processes.insert(11, Some(vec![(9, 77)]));
        system.processes.insert(12, None);
        let mut s = Snapshot::default();
        read(&system, &mut s, &BTreeSet::from([77, 99]), None, None);
        let owners = s.owners.unwrap();
        let pids: Vec<_> = owners.of(77).iter().map(|h| (h.pid, h.fd)).collect();
        assert_eq!((pids, owners.denied), (vec![(10, 3), (11, 9)], 1));
        assert_eq!(s.coverage.get("owners").unwrap().state, Seen::Partial);
    }

    #[test]
    fn processes_that_end_meanwhile_are_counted_and_no_gap() {
        let mut system = Scripted::default();
        system.processes.insert(10, Some(vec![(3, 77)]));
        system.ended = vec![11, 12];
        let mut s = Snapshot::default();
        read(&system, &mut s, &BTreeSet::from([77, 99]), None, None);
        let source = s.coverage.get("owners").unwrap();
        assert_eq!(
            source.reason.as_deref(),
            Some("by /proc; 2 processes ended while they were read")
        );
        assert_eq!((source.state, s.unnamed()), (Seen::Seen, Provenance::Unheld));
    }

    #[test]
    fn a_proc_without_processes_shows_nothing_and_says_so() {
        let mut s = Snapshot::default();
        read(&Scripted::default(), &mut s, &BTreeSet::from([77]), None, None);
        assert_eq!(s.coverage.get("owners").unwrap().state, Seen::Failed);
        assert_eq!(s.unnamed(), Provenance::Hidden);
    }

    #[test]
    fn a_process_kept_out_of_sight_is_hidden_not_absent() {
        let mut system = Scripted::default().file("/proc/self/status", "CapEff:\t0\n");
        system.processes.insert(10, Some(vec![(3, 78)]));
        let mut s = Snapshot::default();
        let mut theirs = socket(State::Listen, "127.0.0.1:5", "0.0.0.0:0");
        (theirs.inode, theirs.uid) = (77, 0);
        s.sockets.push(theirs);
        s.host.euid = Some(65534);
        note_hidden(&system, &mut s);
        read(&system, &mut s, &BTreeSet::from([77]), None, None);
        assert_eq!(s.provenance(&theirs), Provenance::Hidden);
    }

    #[test]
    fn a_refusal_that_hides_nothing_wanted_is_no_gap() {
        let mut system = Scripted::default();
        system.processes.insert(10, Some(vec![(3, 77)]));
        system.processes.insert(12, None);
        let mut s = Snapshot::default();
        read(&system, &mut s, &BTreeSet::from([77]), None, None);
        assert_eq!(s.coverage.get("owners").unwrap().state, Seen::Seen);
    }
}
