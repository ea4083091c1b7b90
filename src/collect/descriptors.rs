//! Descriptors of processes against their limits, and TCP descriptors that no dump shows: a socket that was reset leaves every
//! dump while its descriptor stays open.

use std::collections::{BTreeMap, BTreeSet};

use super::census::{self, Census, Counted};
use super::{owners, sockets, surroundings};
use crate::model::coverage::Seen;
use crate::model::state::{State, StateSet};
use crate::model::survey::Survey;
use crate::model::{Fullest, Share, Snapshot};
use crate::phrase;
use crate::sys::{Kind, System};
use crate::wire::proc_pid;
use crate::wire::request::EXT_SECOND_LOOK;

/// A process with fewer descriptors cannot leak enough of them to matter.
const MIN_DESCRIPTORS: u64 = 10;

/// Most descriptor numbers kept as examples.
const EXAMPLES: usize = 5;

/// Looks at every process's count and limit, and closer at those that hold CLOSE_WAIT, use more than half of their limit, or may hold
/// sockets that no dump shows.
pub(super) fn read(
    system: &dyn System,
    snapshot: &mut Snapshot,
    survey: &Survey,
    from: i64,
    census: Option<&Census<'_>>,
) {
    let here = Network::here(system);
    let counted = match census {
        Some(census) => census.of(here.table),
        None => census::count(system, false),
    };
    let counted = match counted {
        Ok(counted) => counted,
        Err(reason) => {
            snapshot.coverage.note("descriptors", Seen::Failed, Some(reason), None);
            return;
        }
    };
    let leaking: BTreeSet<u32> = close_wait_holders(snapshot);
    // Nobody can hold more unhashed sockets than there are: most boxes have none, and their big servers need no closer look.
    let possible = snapshot.unhashed_at_most(survey);
    let mut suspects = Vec::new();
    let mut shares = Vec::new();
    let mut uncounted: u32 = 0;
    for Counted { pid, descriptors, .. } in counted {
        let count = match descriptors {
            Ok(count) => count,
            // Kernels before 6.2 count only what may be listed: then it stays unknown who uses many.
            Err(Kind::Denied) => {
                uncounted += 1;
                continue;
            }
            Err(_) => continue,
        };
        let holds = leaking.contains(&pid);
        if count < MIN_DESCRIPTORS && !holds {
            continue;
        }
        let limits = system.read(&format!("/proc/{pid}/limits")).unwrap_or_default();
        let limit = proc_pid::descriptor_limit(&limits);
        if let Some(limit) = limit {
            shares.push((Share { used: count, limit }, pid));
        }
        let near = limit.is_some_and(|l| count.saturating_mul(2) > l);
        let stands = if near { here.stands(system, snapshot, pid) } else { Stands::Here };
        if holds || near && stands != Stands::Elsewhere {
            let process =
                snapshot.processes.entry(pid).or_insert_with(|| owners::process(system, pid));
            process.descriptors = Some(count);
            process.descriptor_limit = limit;
            process.may_be_elsewhere = !holds && stands == Stands::Unknown;
            // How many of them are sockets is worth counting where it is told.
            if limit.is_some_and(|l| count.saturating_mul(4) > l.saturating_mul(3)) {
                process.sockets = sockets_of(system, pid, count);
            }
        }
        if possible >= if holds { 1 } else { from } {
            suspects.push(pid);
        }
    }
    snapshot.uncounted = Some(uncounted);
    let listed = system.pids().unwrap_or_default();
    snapshot.processes_hidden = surroundings::processes_hidden(system, &listed);
    if uncounted == 0 && !snapshot.processes_hidden {
        let found = fullest(shares, |pid| here.stands(system, snapshot, pid));
        snapshot.fullest = Some(found);
    }
    if (uncounted > 0 || snapshot.processes_hidden) && possible >= from {
        let processes = match uncounted {
            0 => "processes that /proc does not list".to_string(),
            n => phrase::count(n.into(), "process", "processes"),
        };
        let reason = format!("the descriptors of {processes} may not be counted");
        let hint = owners::grant(snapshot);
        snapshot.coverage.note("descriptors", Seen::Partial, Some(reason), Some(hint));
    }
    if suspects.is_empty() || !snapshot.coverage.table_is_whole() {
        return;
    }
    look(system, snapshot, suspects, possible, &here);
}

/// The highest of these shares, by the process that has it.
fn fullest(mut shares: Vec<(Share, u32)>, stands: impl Fn(u32) -> Stands) -> Fullest {
    shares.sort_unstable_by(|a, b| b.0.ratio().total_cmp(&a.0.ratio()));
    let mut at_most = None;
    for (share, pid) in shares {
        match stands(pid) {
            Stands::Elsewhere => {}
            Stands::Unknown => at_most = at_most.or(Some(share)),
            Stands::Here => return Fullest { at_least: share, at_most: at_most.unwrap_or(share) },
        }
    }
    Fullest { at_least: Share::default(), at_most: at_most.unwrap_or_default() }
}

/// Where a process is, seen from the namespace under examination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Here,
    Elsewhere,
    /// Its namespace is hidden from us.
    Unknown,
}

/// What tells the namespace under examination from others.
struct Network {
    /// Its files in /proc, which everybody may tell apart.
    table: Option<u64>,
    /// Its name, for captures that have nothing else.
    link: Option<Vec<u8>>,
}

impl Network {
    fn here(system: &dyn System) -> Network {
        Network { table: system.network_of(None).ok(), link: system.link("/proc/self/ns/net").ok() }
    }

    /// A process of another namespace is that namespace's matter. Where its namespace is hidden from us it may be one of ours, unless
    /// another was asked for by name.
    fn stands(&self, system: &dyn System, snapshot: &Snapshot, pid: u32) -> Stands {
        match self.is_of(system, pid) {
            Ok(true) => Stands::Here,
            Err(_) if snapshot.netns.as_str().starts_with("net:[") => Stands::Unknown,
            Ok(false) | Err(_) => Stands::Elsewhere,
        }
    }

    /// Whether a process is in it.
    fn is_of(&self, system: &dyn System, pid: u32) -> Result<bool, Kind> {
        if let (Some(here), Ok(there)) = (self.table, system.network_of(Some(pid))) {
            return Ok(here == there);
        }
        let there = system.link(&format!("/proc/{pid}/ns/net")).map_err(|e| e.kind)?;
        Ok(Some(there) == self.link)
    }
}

/// Descriptors that are looked at to tell what share of them are sockets.
const SAMPLE: u64 = 512;

/// How many descriptors of a process are sockets, by a sample where there are many.
fn sockets_of(system: &dyn System, pid: u32, count: u64) -> Option<u32> {
    let (sockets, looked) = system.socket_sample(pid, count, SAMPLE).ok()?;
    let share = u64::from(sockets) * count;
    u32::try_from(share.checked_div(u64::from(looked))?).ok()
}

/// The processes that hold sockets in CLOSE_WAIT.
fn close_wait_holders(snapshot: &Snapshot) -> BTreeSet<u32> {
    let Some(owners) = &snapshot.owners else { return BTreeSet::new() };
    let waiting = snapshot.sockets.iter().filter(|s| s.state == State::CloseWait);
    waiting.flat_map(|s| owners.of(s.inode)).map(|h| h.pid).collect()
}

/// Counts the TCP descriptors of the suspects that no dump shows: listed, held against a second dump, and listed again. What is open
/// before and after that dump and not in it is in no table; what was opened after the first dump, or closed meanwhile, drops out.
fn look(
    system: &dyn System,
    snapshot: &mut Snapshot,
    suspects: Vec<u32>,
    possible: i64,
    here: &Network,
) {
    let known: BTreeSet<u32> = snapshot.sockets.iter().map(|s| s.inode).collect();
    let mut closed = Vec::new();
    let mut missing: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for pid in suspects {
        // Sockets of another namespace are in another table; they are not missing from this one.
        match here.is_of(system, pid) {
            Ok(true) => {}
            Ok(false) | Err(Kind::Absent) => continue,
            Err(_) => {
                closed.push(pid);
                continue;
            }
        }
        match unhashed(system, pid, &known) {
            Ok(fds) => {
                missing.insert(pid, fds);
            }
            Err(Kind::Absent) => {}
            Err(_) => closed.push(pid),
        }
    }
    if missing.values().any(|fds| !fds.is_empty()) {
        let mut now = BTreeSet::new();
        let again = sockets::details(system, StateSet::ALL, EXT_SECOND_LOOK, None, &mut |s, _| {
            now.insert(s.inode);
        });
        if again.is_err() {
            let reason = "the table could not be read again to tell dead descriptors from new ones";
            snapshot.coverage.note("descriptors", Seen::Partial, Some(reason.into()), None);
            return;
        }
        for (pid, fds) in missing.iter_mut().filter(|(_, fds)| !fds.is_empty()) {
            let still = unhashed(system, *pid, &now).unwrap_or_default();
            fds.retain(|fd| still.contains(fd));
        }
    }
    // Where as many were found as there can be, nobody else holds any.
    let found: usize = missing.values().map(Vec::len).sum();
    if i64::try_from(found).is_ok_and(|n| n < possible) {
        closed.into_iter().for_each(|pid| refused(snapshot, pid));
    }
    for (pid, fds) in missing {
        if fds.is_empty() {
            if let Some(process) = snapshot.processes.get_mut(&pid) {
                process.unhashed = Some(0);
            }
            continue;
        }
        snapshot.coverage.seen("descriptors");
        let process = snapshot.processes.entry(pid).or_insert_with(|| owners::process(system, pid));
        if process.descriptors.is_none() {
            process.descriptors = system.descriptor_count(pid).ok();
            let limits = system.read(&format!("/proc/{pid}/limits")).unwrap_or_default();
            process.descriptor_limit = proc_pid::descriptor_limit(&limits);
        }
        process.unhashed = Some(fds.len() as u32);
        process.unhashed_fds = fds.iter().map(|(fd, _)| *fd).take(EXAMPLES).collect();
    }
}

/// Notes that a process that uses many descriptors may not be looked into.
fn refused(snapshot: &mut Snapshot, pid: u32) {
    let reason = format!("the descriptors of process {pid} may not be read, and it uses many");
    let hint = owners::grant(snapshot);
    snapshot.coverage.note("descriptors", Seen::Partial, Some(reason), Some(hint));
}

/// Descriptor and inode of the process's TCP sockets that are not `known`.
fn unhashed(system: &dyn System, pid: u32, known: &BTreeSet<u32>) -> Result<Vec<(u32, u32)>, Kind> {
    let mut unknown = Vec::new();
    system
        .socket_descriptors(pid, &mut |fd, inode| {
            if !known.contains(&inode) {
                unknown.push((fd, inode));
            }
        })
        .map_err(|e| e.kind)?;
    unknown.retain(|(fd, _)| {
        let protocol = system.socket_protocol(pid, *fd).unwrap_or_default();
        protocol == b"TCP" || protocol == b"TCPv6"
    });
    unknown.sort_unstable();
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::testing::{fresh, socket};
    use crate::wire::netlink::message;
    use netlink_packet_core::NLMSG_DONE;

    fn system(namespace: &str) -> Scripted {
        let limits = format!("{:<26}{:<21}{:<21}{:<10}\n", "Max open files", "20", "20", "files");
        let all: String = [
            "Max cpu time",
            "Max file size",
            "Max data size",
            "Max stack size",
            "Max core file size",
            "Max resident set",
            "Max processes",
            "Max locked memory",
            "Max address space",
            "Max file locks",
            "Max pending signals",
            "Max msgqueue size",
            "Max nice priority",
            "Max realtime priority",
            "Max realtime timeout",
        ]
        .iter()
        .map(|n| {
            format!("{n:<26}{:<21}{:<21}{}\n", 1, 1, if n.ends_with("priority") { "" } else { "u" })
        })
        .collect();
        let empty = vec![message(NLMSG_DONE, 0, &[0; 4])];
        let mut s = Scripted::dumps(vec![empty])
            .file("/proc/9/limits", &(limits + &all))
            .file("/proc/self/ns/net", "net:[1]")
            .file("/proc/9/ns/net", namespace);
        for fd in 0..12 {
            s = s.file(&format!("protocol 9 {fd}"), if fd < 10 { "TCP" } else { "UNIX" });
        }
        s.processes.insert(9, Some((0..12).map(|fd| (fd, 100 + fd)).collect()));
        s
    }

    #[test]
    fn tcp_descriptors_without_a_socket_are_counted_others_not() {
        let mut snapshot = fresh();
        let mut known = socket(State::Established, "127.0.0.1:1", "127.0.0.1:2");
        known.inode = 103;
        snapshot.sockets.push(known);
        read(&system("net:[1]"), &mut snapshot, &Survey::default(), 10, None);
        let process = &snapshot.processes[&9];
        assert_eq!((process.unhashed, process.descriptors), (Some(9), Some(12)));
        assert_eq!(process.unhashed_fds, [0, 1, 2, 4, 5]);
    }

    #[test]
    fn no_descriptor_is_read_where_every_allocated_socket_is_in_the_table() {
        let mut snapshot = fresh();
        snapshot.counters.0.insert("sockstat.TCP.alloc".into(), 9);
        read(&system("net:[1]"), &mut snapshot, &Survey::default(), 10, None);
        assert_eq!(snapshot.processes[&9].unhashed, None);
        snapshot.counters.0.insert("sockstat.TCP.alloc".into(), 10);
        read(&system("net:[1]"), &mut snapshot, &Survey::default(), 10, None);
        assert_eq!(snapshot.processes[&9].unhashed, Some(10));
    }

    #[test]
    fn a_process_of_another_namespace_is_left_alone() {
        let mut snapshot = fresh();
        read(&system("net:[2]"), &mut snapshot, &Survey::default(), 10, None);
        assert!(!snapshot.processes.contains_key(&9));
    }

    #[test]
    fn processes_that_are_not_listed_are_not_counted_as_none() {
        let mount = "22 1 0:20 / /proc rw - proc proc rw,hidepid=2\n";
        let hidden = system("net:[1]").file("/proc/self/mountinfo", mount);
        let mut snapshot = fresh();
        read(&hidden, &mut snapshot, &Survey::default(), 10, None);
        assert!(snapshot.processes_hidden);
        let mut all = system("net:[1]").file("/proc/self/mountinfo", mount);
        all.processes.insert(1, Some(Vec::new()));
        read(&all, &mut snapshot, &Survey::default(), 10, None);
        assert!(!snapshot.processes_hidden, "we are let see them");
    }

    #[test]
    fn the_fullest_is_of_this_namespace_as_far_as_that_is_known() {
        let of = |shares: &[(u64, u32)]| {
            let stands = |pid| match pid {
                1 => Stands::Here,
                2 => Stands::Elsewhere,
                _ => Stands::Unknown,
            };
            let share = |(used, pid): &(u64, u32)| (Share { used: *used, limit: 10 }, *pid);
            let fullest = fullest(shares.iter().map(share).collect(), stands);
            (fullest.at_least.used, fullest.at_most.used)
        };
        assert_eq!(of(&[(1, 1), (4, 1), (9, 2)]), (4, 4));
        assert_eq!(of(&[(1, 1), (4, 1), (7, 3), (6, 3)]), (4, 7));
        assert_eq!(of(&[(3, 1), (2, 3)]), (3, 3));
        assert_eq!(of(&[(2, 3), (9, 2)]), (0, 2));
    }

    #[test]
    fn a_process_far_from_its_limit_counts_too() {
        let mut s = system("net:[1]");
        s.processes.insert(9, Some((0..12).map(|fd| (fd, 100)).collect()));
        let limits = s.read("/proc/9/limits").unwrap();
        let roomy = String::from_utf8(limits).unwrap().replacen("20 ", "96 ", 1);
        let s = s.file("/proc/9/limits", &roomy);
        let mut snapshot = fresh();
        read(&s, &mut snapshot, &Survey::default(), 10, None);
        let share = Share { used: 12, limit: 96 };
        assert_eq!(snapshot.fullest, Some(Fullest { at_least: share, at_most: share }));
    }

    #[test]
    fn what_may_not_be_counted_is_told() {
        let mut snapshot = fresh();
        let mut system = system("net:[1]");
        system.processes.insert(9, None);
        read(&system, &mut snapshot, &Survey::default(), 10, None);
        assert!(snapshot.coverage.get("descriptors").is_some_and(|s| s.state == Seen::Partial));
    }
}
