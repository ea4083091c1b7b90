//! Counters, settings and events.

use super::works;
use crate::collect::kernel::SYSCTLS;
use crate::model::ability::{Ability, Works};
use crate::sys::{Kind, System};
use crate::wire;

pub(super) fn abilities(system: &dyn System) -> Vec<Ability> {
    let (counters, missing) = texts(
        system,
        &["/proc/net/snmp", "/proc/net/netstat", "/proc/net/sockstat"].map(String::from),
    );
    let paths: Vec<String> = SYSCTLS.iter().map(|name| wire::sysctl::path(name)).collect();
    let (sysctls, unreadable) = texts(system, &paths);
    let events = system.destroy_events();
    vec![
        Ability {
            name: "counters",
            works: counters,
            seen: missing.unwrap_or_else(|| "snmp, netstat, sockstat".into()),
            costs: "rates, drops and overflows of the namespace are unknown",
            capabilities: &[],
        },
        Ability {
            name: "sysctls",
            works: sysctls,
            seen: unreadable.unwrap_or_else(|| "those of the namespace and of the host".into()),
            costs: "limits and port ranges are unknown, and with them most verdicts",
            capabilities: &[],
        },
        Ability {
            name: "destroy_events",
            works: works(&events),
            seen: events
                .map_or_else(|e| e.reason, |()| "SKNLGRP_INET_TCP_DESTROY can be joined".into()),
            costs: "ends of connections are seen by looking again only",
            capabilities: &[],
        },
    ]
}

/// How far these files can be read, and the first refusal; what does not exist here is no refusal.
fn texts(system: &dyn System, paths: &[String]) -> (Works, Option<String>) {
    let asked: Vec<&str> = paths.iter().map(String::as_str).collect();
    let results = system.read_all(&asked);
    let there = results.iter().filter(|r| !matches!(r, Err(e) if e.kind == Kind::Absent)).count();
    let read = results.iter().filter(|r| r.is_ok()).count();
    let refused = results.iter().find_map(|r| r.as_ref().err().filter(|e| e.kind != Kind::Absent));
    let works = match (there, refused) {
        (0, _) => Works::Absent,
        (_, None) => Works::Yes,
        _ => Works::share(read, there),
    };
    (works, refused.map(ToString::to_string))
}
