//! Who holds which socket: a scan of /proc/PID/fd by two threads, for the inodes that are wanted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::owner::{Holder, Owners, Process};
use crate::sys::{Kind, System};
use crate::wire::proc_pid;

/// The command that lets every owner be seen.
const GRANT: &str =
    "sudo tcpvet, or: sudo setcap cap_sys_ptrace,cap_dac_read_search+ep \"$(command -v tcpvet)\"";

/// Root is refused only by what stands above it.
const GRANT_ROOT: &str = "run it outside the container or user namespace, or look at what refuses ptrace (yama, SELinux, AppArmor)";

/// The command that helps whoever runs this.
pub(super) fn grant(snapshot: &Snapshot) -> String {
    if snapshot.host.euid == Some(0) { GRANT_ROOT } else { GRANT }.to_string()
}

/// Threads of the scan; more gain nothing, since the kernel's work dominates.
const THREADS: usize = 2;

/// Notes, without a scan, that owners of other users' sockets are beyond our rights.
pub(super) fn note_hidden(system: &dyn System, snapshot: &mut Snapshot) {
    let status = system.read("/proc/self/status").unwrap_or_default();
    if proc_pid::may_read_every_process(&status) {
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

/// What one thread found.
#[derive(Default)]
struct Part {
    holders: Vec<Holder>,
    processes: Vec<Process>,
    denied: u32,
    vanished: u32,
}

/// Finds every holder of the `wanted` inodes, and the names of those processes.
pub(super) fn read(system: &dyn System, snapshot: &mut Snapshot, wanted: &BTreeSet<u32>) {
    let wanted: Vec<u32> = wanted.iter().copied().filter(|i| *i != 0).collect();
    if wanted.is_empty() {
        return;
    }
    let pids = match pids(system) {
        Ok(pids) => pids,
        Err(reason) => {
            snapshot.coverage.note("owners", Seen::Failed, Some(reason), None);
            return;
        }
    };
    let next = AtomicUsize::new(0);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| scan(system, &pids, &next, &wanted))).collect();
        workers.into_iter().filter_map(|w| w.join().ok()).collect()
    });
    let mut owners = Owners::default();
    for part in parts {
        owners.holders.extend(part.holders);
        owners.denied += part.denied;
        owners.vanished += part.vanished;
        for process in part.processes {
            snapshot.processes.insert(process.pid, process);
        }
    }
    owners.holders.sort_unstable();
    let missing = wanted.iter().filter(|i| owners.of(**i).is_empty()).count();
    if missing > 0 && owners.denied > 0 {
        let reason = format!(
            "{missing} of {} sockets have no owner in sight: they ended meanwhile, or one of the {} processes (of {}) whose descriptors may not be read holds them",
            wanted.len(),
            owners.denied,
            pids.len()
        );
        let hint = grant(snapshot);
        snapshot.coverage.note("owners", Seen::Partial, Some(reason), Some(hint));
    } else {
        let ended = (owners.vanished > 0)
            .then(|| format!("{} processes ended while they were read", owners.vanished));
        snapshot.coverage.note("owners", Seen::Seen, ended, None);
    }
    snapshot.owners = Some(owners);
}

/// The processes in sight; a /proc without any is none.
pub(super) fn pids(system: &dyn System) -> Result<Vec<u32>, String> {
    let pids = system.pids().map_err(|e| e.to_string())?;
    if pids.is_empty() { Err("/proc lists no process".into()) } else { Ok(pids) }
}

fn scan(system: &dyn System, pids: &[u32], next: &AtomicUsize, wanted: &[u32]) -> Part {
    let mut part = Part::default();
    while let Some(&pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
        let before = part.holders.len();
        let result = system.socket_descriptors(pid, &mut |fd, inode| {
            if wanted.binary_search(&inode).is_ok() {
                part.holders.push(Holder { inode, pid, fd });
            }
        });
        match result {
            Err(e) if e.kind == Kind::Absent => part.vanished += 1,
            Err(_) => part.denied += 1,
            Ok(()) => {}
        }
        if part.holders.len() > before {
            part.processes.push(process(system, pid));
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
        read(&system, &mut s, &BTreeSet::from([77, 99]));
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
        read(&system, &mut s, &BTreeSet::from([77, 99]));
        let source = s.coverage.get("owners").unwrap();
        assert_eq!(source.reason.as_deref(), Some("2 processes ended while they were read"));
        assert_eq!((source.state, s.unnamed()), (Seen::Seen, Provenance::Unheld));
    }

    #[test]
    fn a_proc_without_processes_shows_nothing_and_says_so() {
        let mut s = Snapshot::default();
        read(&Scripted::default(), &mut s, &BTreeSet::from([77]));
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
        read(&system, &mut s, &BTreeSet::from([77]));
        assert_eq!(s.provenance(&theirs), Provenance::Hidden);
    }

    #[test]
    fn a_refusal_that_hides_nothing_wanted_is_no_gap() {
        let mut system = Scripted::default();
        system.processes.insert(10, Some(vec![(3, 77)]));
        system.processes.insert(12, None);
        let mut s = Snapshot::default();
        read(&system, &mut s, &BTreeSet::from([77]));
        assert_eq!(s.coverage.get("owners").unwrap().state, Seen::Seen);
    }
}
