//! Who we are, and what stands around us.

use crate::collect::surroundings;
use crate::model::ability::Standing;
use crate::model::text::Text;
use crate::model::workload::Workload;
use crate::sys::System;
use crate::wire::{capabilities, cgroup, mounts, proc_pid};

/// Reads who we are.
pub fn standing(system: &dyn System) -> Standing {
    let text = |path: &str| system.read(path).ok();
    let status = text("/proc/self/status").unwrap_or_default();
    let euid = proc_pid::effective_uid(&status);
    let line = |path: &str| {
        let bytes = text(path)?;
        let trimmed = bytes.trim_ascii();
        (!trimmed.is_empty()).then(|| Text::new(trimmed))
    };
    let initial_pid_namespace = surroundings::is_initial(system, "pid");
    Standing {
        user: euid.and_then(|uid| surroundings::users(system).remove(&uid)),
        euid,
        capabilities: capabilities::names(capabilities::capabilities(&status)),
        bounding: capabilities::names(capabilities::bounding(&status)),
        initial_user_namespace: surroundings::is_initial(system, "user"),
        initial_pid_namespace,
        container: container(system, initial_pid_namespace == Some(true)),
        hidepid: mounts::hidepid(&text("/proc/self/mountinfo").unwrap_or_default()),
        ptrace_scope: line("/proc/sys/kernel/yama/ptrace_scope"),
        lockdown: text("/sys/kernel/security/lockdown").and_then(|t| capabilities::lockdown(&t)),
    }
}

/// The container we are in: by our control group, else by the files that runtimes leave in one; those tell nothing of who is in the
/// initial pid namespace, for machines are made of images too.
fn container(system: &dyn System, initial: bool) -> Option<String> {
    let own = system.read("/proc/self/cgroup").map(|t| cgroup::workload(&t)).unwrap_or_default();
    if let Workload { container: Some(container), .. } = &own {
        return Some(container.shown().to_string());
    }
    if initial {
        return None;
    }
    let marks = [
        ("/run/.containerenv", "podman"),
        ("/.dockerenv", "docker"),
        ("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "kubernetes"),
    ];
    marks.iter().find(|(path, _)| system.read(path).is_ok()).map(|(_, name)| (*name).to_string())
}
