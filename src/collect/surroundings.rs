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
use crate::wire::{capabilities, proc_pid};

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
