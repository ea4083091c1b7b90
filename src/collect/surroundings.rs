//! What stands around the rows of a list: names of users, ports, hosts and containers, and what only the kernel can tell of binds.

use std::collections::{BTreeMap, BTreeSet};

use super::sockets::{self, Event};
use crate::model::coverage::{Coverage, Seen};
use crate::model::endpoint::Addr;
use crate::model::sysctl::parse_range;
use crate::model::text::Text;
use crate::sys::System;
use crate::wire::etc::{self, Services};
use crate::wire::request::{Condition, Request};
use crate::wire::{capabilities, mounts, proc_pid};

/// Names by user id, from /etc/passwd.
pub fn users(system: &dyn System) -> BTreeMap<u32, Text> {
    etc::users(&system.read("/etc/passwd").unwrap_or_default())
}

/// Names of ports, from /etc/services.
pub fn services(system: &dyn System) -> Services {
    Services::read(&system.read("/etc/services").unwrap_or_default())
}

/// Names and their addresses, from /etc/hosts.
pub fn hosts(system: &dyn System) -> Vec<(String, Addr)> {
    etc::hosts(&system.read("/etc/hosts").unwrap_or_default())
}

/// Our effective user id.
pub fn euid(system: &dyn System) -> Option<u32> {
    proc_pid::effective_uid(&system.read("/proc/self/status").unwrap_or_default())
}

/// Paths by cgroup id, made safe.
pub fn cgroups(system: &dyn System) -> BTreeMap<u64, Text> {
    system.cgroups().into_iter().map(|(id, path)| (id, Text::new(&path))).collect()
}

/// The ephemeral range; `None` where it cannot be read.
pub fn ephemeral(system: &dyn System) -> Option<(u16, u16)> {
    let text = system.read("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    parse_range(&String::from_utf8_lossy(&text))
}

/// Cookies of the sockets of a dump whose port was taken by an explicit bind(), listeners included; `None` if the kernel does not tell,
/// which is noted.
pub fn explicit(
    system: &dyn System,
    of: &Request,
    coverage: &mut Coverage,
) -> Option<BTreeSet<u64>> {
    let mut cookies = BTreeSet::new();
    let condition = Some(Condition::ExplicitPort);
    let request = Request { condition, extensions: 0, ..of.clone() };
    let result = sockets::dump(system, &request, 3, &mut |event| {
        match event {
            Event::Restart => cookies.clear(),
            Event::Socket(socket, _) => {
                cookies.insert(socket.cookie);
            }
        }
        true
    });
    match result {
        Ok(_) => Some(cookies),
        Err(e) => {
            coverage.note("explicit_binds", Seen::Partial, Some(e.reason), None);
            None
        }
    }
}

/// Inodes of the initial user and pid namespace (include/linux/proc_ns.h: PROC_USER_INIT_INO, PROC_PID_INIT_INO).
const INITIAL: [(&str, u64); 2] = [("user", 0xEFFF_FFFD), ("pid", 0xEFFF_FFFC)];

/// Whether our namespace of this kind, `user` or `pid`, is the initial one; `None` if that is not told.
pub fn is_initial(system: &dyn System, kind: &str) -> Option<bool> {
    let link = system.link(&format!("/proc/self/ns/{kind}")).ok()?;
    let inode = proc_pid::link_inode(&link, kind)?;
    let (_, initial) = INITIAL.iter().find(|(name, _)| *name == kind)?;
    Some(inode == *initial)
}

/// Whether /proc is mounted with `hidepid` and keeps processes out of this list of ours: then not even the first is on it, and nothing lets
/// us see them (CAP_SYS_PTRACE would).
pub fn processes_hidden(system: &dyn System, listed: &[u32]) -> bool {
    let mounts = system.read("/proc/self/mountinfo").unwrap_or_default();
    let status = system.read("/proc/self/status").unwrap_or_default();
    let traces = capabilities::names(capabilities::capabilities(&status)).contains(&"sys_ptrace");
    mounts::hidepid(&mounts).is_some() && !listed.contains(&1) && !traces
}

/// Whether processes of the host may be out of our sight because we are in a pid namespace of our own.
pub fn in_other_pid_namespace(system: &dyn System) -> bool {
    is_initial(system, "pid") == Some(false)
}

/// Whether firewall marks are told to us.
pub fn may_see_marks(system: &dyn System) -> bool {
    capabilities::may_administer_network(&system.read("/proc/self/status").unwrap_or_default())
}

/// Notes that namespaces of other users' processes may be out of sight.
pub fn note_namespaces(system: &dyn System, coverage: &mut Coverage) {
    let status = system.read("/proc/self/status").unwrap_or_default();
    if !capabilities::may_read_every_process(&status) {
        let reason = "the network namespaces of other users' processes may not be looked for";
        let hint = Some("run it as root".to_string());
        coverage.note("namespaces", Seen::Partial, Some(reason.into()), hint);
    }
}
