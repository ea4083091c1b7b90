//! Processes: whose descriptors may be read and counted, whose limits and control groups; BPF.

use super::works;
use crate::collect::surroundings;
use crate::model::ability::{Ability, Works};
use crate::phrase::number;
use crate::sys::{Kind, SysError, System};

pub(super) fn abilities(system: &dyn System) -> Vec<Ability> {
    let pids = system.pids().unwrap_or_default();
    // Who ended meanwhile refused nothing.
    let mut counts: Vec<(u32, Result<u64, SysError>)> =
        pids.iter().map(|pid| (*pid, system.descriptor_count(*pid))).collect();
    counts.retain(|(_, n)| n.is_ok() || is_refused(n));
    // Threads of the kernel hold nothing.
    let holders: Vec<u32> =
        counts.iter().filter(|(_, n)| !matches!(n, Ok(0))).map(|(pid, _)| *pid).collect();
    let counted = counts.iter().filter(|(_, n)| n.is_ok()).count();
    let of_holders = |can: &dyn Fn(u32) -> bool| holders.iter().filter(|pid| can(**pid)).count();
    let read = of_holders(&|pid| !is_refused(&system.socket_sample(pid, 8, 8)));
    let limits = of_holders(&|pid| !is_refused(&system.read(&format!("/proc/{pid}/limits"))));
    let groups = of_holders(&|pid| !is_refused(&system.read(&format!("/proc/{pid}/cgroup"))));
    let bpf = system.open_sockets(false, None, &mut |_| ());
    let hidden = surroundings::processes_hidden(system, &pids);
    let share = |can: usize, of: usize| {
        let more = if hidden { ", and more that /proc does not list" } else { "" };
        format!("{} of {} processes{more}", number(can as u64), number(of as u64))
    };
    let of_share = |name, can: usize, of: usize, costs, capabilities| Ability {
        name,
        works: match Works::share(can, of) {
            Works::Yes if hidden => Works::Partly,
            works => works,
        },
        seen: share(can, of),
        costs,
        capabilities,
    };
    vec![
        of_share(
            "owners",
            read,
            holders.len(),
            "sockets of the other processes have no owner, unless BPF shows them",
            &["cap_sys_ptrace", "cap_dac_read_search"],
        ),
        Ability {
            name: "bpf",
            works: works(&bpf),
            seen: bpf.map_or_else(|e| e.reason, |_| "task_file shows every descriptor".into()),
            costs: "owners are read from /proc alone, slower on big machines; what took a port is unknown",
            capabilities: &["cap_bpf", "cap_perfmon"],
        },
        of_share(
            "descriptor_counts",
            counted,
            counts.len(),
            "who runs out of descriptors is unknown",
            &["cap_sys_ptrace", "cap_dac_read_search"],
        ),
        of_share(
            "limits",
            limits,
            holders.len(),
            "limits of descriptors are unknown",
            if hidden { &["cap_sys_ptrace"] } else { &[] },
        ),
        of_share(
            "control_groups",
            groups,
            holders.len(),
            "units, containers and pods are unknown",
            if hidden { &["cap_sys_ptrace"] } else { &[] },
        ),
    ]
}

/// Whether a read was refused; a process that is gone is no refusal.
fn is_refused<T>(result: &Result<T, SysError>) -> bool {
    result.as_ref().is_err_and(|e| e.kind != Kind::Absent)
}
