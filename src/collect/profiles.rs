//! Profiles of the processes that findings name: a handful, whatever the number of sockets.

use super::{owners, surroundings, workloads};
use crate::model::Snapshot;
use crate::model::profile::{Profile, Profiles};
use crate::model::text::Text;
use crate::sys::System;
use crate::wire::{command_line, proc_pid};

/// Ancestors that are named.
const GENERATIONS: usize = 8;

/// Milliseconds of a clock tick in /proc: user space is told a hundred a second on every architecture of today (times(2), USER_HZ).
const TICK_MS: u64 = 10;

/// The profiles of these processes; their command lines only if asked for, because they may hold secrets.
pub fn of(
    system: &dyn System,
    snapshot: &Snapshot,
    pids: impl IntoIterator<Item = u32>,
    with_command_lines: bool,
) -> Profiles {
    let pids: Vec<u32> = pids.into_iter().collect();
    if pids.is_empty() {
        return Profiles::new();
    }
    let users = surroundings::users(system);
    let booted = proc_pid::boot_time(&system.read("/proc/stat").unwrap_or_default());
    let mut belongs = workloads::of(system, pids.iter().copied());
    let mut one = |pid: u32| {
        let text = |file: &str| system.read(&format!("/proc/{pid}/{file}")).unwrap_or_default();
        let now = owners::process(system, pid);
        let known = snapshot.processes.get(&pid).cloned();
        // A pid that was given to another process meanwhile tells nothing of the one that was meant.
        if let Some(process) = known.clone().filter(|k| k.start_ticks != now.start_ticks) {
            return (pid, Profile { process, ..Profile::default() });
        }
        let mut process = known.unwrap_or(now);
        let uid = proc_pid::effective_uid(&text("status"));
        if process.descriptors.is_none() {
            process.descriptors = system.descriptor_count(pid).ok();
            process.descriptor_limit = proc_pid::descriptor_limit(&text("limits"));
        }
        let profile = Profile {
            exe: system.link(&format!("/proc/{pid}/exe")).ok().map(|path| Text::new(&path)),
            user: uid.and_then(|uid| users.get(&uid).cloned()),
            uid,
            started_ms: started(booted, process.start_ticks),
            parents: parents(system, pid),
            workload: belongs.remove(&pid).unwrap_or_default(),
            command_line: with_command_lines.then(|| line(system, pid)).flatten(),
            process,
        };
        (pid, profile)
    };
    pids.iter().map(|pid| one(*pid)).collect()
}

/// When a process started, by the clock on the wall: the same at every look, since the kernel says when it was booted.
fn started(booted_s: Option<u64>, ticks: Option<u64>) -> Option<u64> {
    booted_s?.checked_mul(1000)?.checked_add(ticks?.checked_mul(TICK_MS)?)
}

fn parents(system: &dyn System, pid: u32) -> Vec<(u32, Text)> {
    let stat =
        |pid: u32| system.read(&format!("/proc/{pid}/stat")).ok().and_then(|t| proc_pid::stat(&t));
    let mut list = Vec::new();
    let mut next = stat(pid).map(|s| s.parent);
    while let Some(parent) = next.filter(|p| *p != 0 && list.len() < GENERATIONS) {
        let Some(stat) = stat(parent) else { break };
        list.push((parent, stat.comm));
        next = Some(stat.parent);
    }
    list
}

/// The command line, which no capture keeps.
fn line(system: &dyn System, pid: u32) -> Option<Text> {
    let bytes = system.read_unkept(&format!("/proc/{pid}/cmdline"), false).ok()?;
    command_line::masked(&bytes)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::owner::Process;

    fn stat(pid: u32, name: &str, parent: u32, start: u64) -> String {
        let zeros = "0 ".repeat(17);
        let rest =
            "0 0 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";
        format!("{pid} ({name}) S {parent} {zeros}{start} {rest}\n")
    }

    #[test]
    fn a_profile_is_as_full_as_the_files_that_may_be_read() {
        let mut system = Scripted::default()
            .file("/proc/9/stat", &stat(9, "java", 7, 250))
            .file("/proc/7/stat", &stat(7, "run.sh", 1, 200))
            .file("/proc/1/stat", &stat(1, "systemd", 0, 1))
            .file("/proc/9/status", "Uid:\t7\t7\t7\t7\n")
            .file("/etc/passwd", "app:x:7:7::/:/bin/sh\n")
            .file("/proc/9/exe", "/usr/bin/java")
            .file("/proc/stat", "cpu 1 2\nbtime 90\nprocesses 7\n")
            .file("/proc/9/cgroup", "0::/system.slice/app.service\n")
            .file("/proc/9/cmdline", "java\0--password=hunter2\0-jar\0a b.jar\0");
        system.processes.insert(9, Some(vec![(3, 77)]));
        let snapshot = Snapshot::default();
        let all = of(&system, &snapshot, [9, 10], true);
        let java = &all[&9];
        assert_eq!(java.process.comm.as_str(), "java");
        assert_eq!((java.uid, java.user.as_ref().unwrap().as_str()), (Some(7), "app"));
        assert_eq!(java.started_ms, Some(92_500));
        let parents: Vec<_> =
            java.parents.iter().map(|(pid, name)| (*pid, name.as_str())).collect();
        assert_eq!(parents, [(7, "run.sh"), (1, "systemd")]);
        assert_eq!(java.exe.as_ref().unwrap().as_str(), "/usr/bin/java");
        assert_eq!(java.workload.shown().as_deref(), Some("app.service"));
        assert_eq!(java.process.descriptors, Some(1));
        assert_eq!(
            java.command_line.as_ref().unwrap().as_str(),
            "java --password=*** -jar 'a b.jar'"
        );
        assert_eq!(
            all[&10],
            Profile { process: owners::process(&system, 10), ..Profile::default() }
        );
        assert_eq!(of(&system, &snapshot, [9], false)[&9].command_line, None);
        // Another process has the pid now.
        let mut before = Snapshot::default();
        let then = Process { pid: 9, start_ticks: Some(249), ..Process::default() };
        before.processes.insert(9, then.clone());
        let gone = &of(&system, &before, [9], true)[&9];
        assert_eq!(gone, &Profile { process: then, ..Profile::default() });
    }
}
