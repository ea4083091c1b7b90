//! What processes belong to: their control groups, and the names of containers and pods that are to be had without asking a daemon.

use std::collections::BTreeMap;

use crate::model::text::Text;
use crate::model::workload::{Container, Workload};
use crate::sys::System;
use crate::wire::runtime::{self, Names};
use crate::wire::{cgroup, etc};

/// The workloads of some processes; those whose control group may not be read, or that ended, are left out.
pub fn of(system: &dyn System, pids: impl Iterator<Item = u32>) -> BTreeMap<u32, Workload> {
    let mut book =
        Book { system, pods: None, logs: None, known: BTreeMap::new(), tries: BTreeMap::new() };
    let read = |pid: u32| {
        let text = system.read(&format!("/proc/{pid}/cgroup")).ok()?;
        let mut workload = cgroup::workload(&text);
        book.name(pid, &mut workload);
        Some((pid, workload))
    };
    pids.filter_map(read).collect()
}

/// A process of the container or pod that goes by this name, for each network namespace in which there is one. A whole name goes before
/// the beginning of an id.
pub fn inhabitants(system: &dyn System, name: &str) -> BTreeMap<Option<u64>, u32> {
    let all = of(system, system.pids().unwrap_or_default().into_iter());
    let is_pod =
        |w: &Workload| w.pod.as_ref().is_some_and(|p| p.shown() == name || p.uid.as_str() == name);
    let is_container = |w: &Workload| w.container.as_ref().is_some_and(|c| c.shown() == name);
    let begins = |w: &Workload| w.container.as_ref().is_some_and(|c| c.is_called(name));
    let fit = |fits: &dyn Fn(&Workload) -> bool| {
        let mut found = BTreeMap::new();
        for (pid, _) in all.iter().filter(|(_, w)| fits(w)) {
            found.entry(system.network_of(Some(*pid)).ok()).or_insert(*pid);
        }
        found
    };
    let exact = fit(&|w| is_pod(w) || is_container(w));
    if exact.is_empty() { fit(&begins) } else { exact }
}

/// Names that were looked up already: a folder is listed once, a container's files are read once.
struct Book<'a> {
    system: &'a dyn System,
    pods: Option<BTreeMap<Text, Text>>,
    logs: Option<BTreeMap<Text, Names>>,
    known: BTreeMap<Text, Names>,
    tries: BTreeMap<Text, u32>,
}

/// Processes of a container by which its name is looked for.
const TRIES: u32 = 3;

impl Book<'_> {
    /// Adds the names, as far as they are to be had.
    fn name(&mut self, pid: u32, workload: &mut Workload) {
        let mut from_container = None;
        if let Some(container) = &mut workload.container {
            let names = self.names(pid, container);
            container.name = names.container;
            from_container = names.pod;
        }
        if let Some(pod) = &mut workload.pod {
            let system = self.system;
            let pods = self.pods.get_or_insert_with(|| {
                let folders = system.list("/var/log/pods").unwrap_or_default();
                folders.iter().filter_map(|f| runtime::pod_folder(f)).collect()
            });
            pod.name = pods.get(&pod.uid).cloned().or(from_container);
        }
    }

    fn names(&mut self, pid: u32, container: &Container) -> Names {
        if let Some(names) = self.known.get(&container.id) {
            return names.clone();
        }
        let system = self.system;
        let logs = self.logs.get_or_insert_with(|| {
            let files = system.list("/var/log/containers").unwrap_or_default();
            files.iter().filter_map(|f| runtime::container_log(f)).collect()
        });
        let names = match logs.get(&container.id) {
            Some(names) => names.clone(),
            None => files(system, pid, container.id.as_str()).unwrap_or_default(),
        };
        // The next process of the container may lead to a name that this one does not: its user may be another.
        let tries = self.tries.entry(container.id.clone()).or_default();
        *tries += 1;
        if names.container.is_some() || *tries >= TRIES {
            self.known.insert(container.id.clone(), names.clone());
        }
        names
    }
}

/// The names in the files of the runtimes. An id is hexadecimal digits and a name of a folder at once; anything else is not looked for.
fn files(system: &dyn System, pid: u32, id: &str) -> Option<Names> {
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let docker = format!("/var/lib/docker/containers/{id}/config.v2.json");
    if let Some(names) = system.read_unkept(&docker, false).ok().and_then(|t| runtime::docker(&t)) {
        return Some(names);
    }
    let task = "containerd/io.containerd.runtime.v2.task";
    for run in ["/run", "/run/k3s"] {
        for namespace in ["k8s.io", "default", "moby"] {
            let bundle = format!("{run}/{task}/{namespace}/{id}/config.json");
            if let Some(names) =
                system.read_unkept(&bundle, false).ok().and_then(|t| runtime::bundle(&t))
            {
                return Some(names);
            }
        }
    }
    for folder in ["/var/lib/containers", "/run/containers"] {
        if let Some(names) = listed(system, &format!("{folder}/storage"), id, false) {
            return Some(names);
        }
    }
    // A user's own podman keeps its list in the user's home, which is read with no more rights than our user has.
    let status = system.read(&format!("/proc/{pid}/status")).ok()?;
    let uid = crate::wire::proc_pid::effective_uid(&status)?;
    let home = etc::home(&system.read("/etc/passwd").ok()?, uid)?;
    listed(system, &format!("{home}/.local/share/containers/storage"), id, true)
}

/// The names in the lists of podman's and CRI-O's storage: of containers that last, and of those that do not.
fn listed(system: &dyn System, storage: &str, id: &str, as_user: bool) -> Option<Names> {
    ["containers.json", "volatile-containers.json"].iter().find_map(|file| {
        let text = system.read_unkept(&format!("{storage}/overlay-containers/{file}"), as_user);
        runtime::storage(&text.ok()?, id)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;

    const POD: &str = "3dcf5a1c-4a1c-4a6f-9a53-9f0b3b9c6a6f";

    fn shown(system: &Scripted) -> Option<String> {
        of(system, [7].into_iter()).remove(&7)?.shown()
    }

    #[test]
    fn names_come_from_wherever_they_are() {
        let id = "ab".repeat(32);
        let docker = Scripted::default()
            .file("/proc/7/cgroup", &format!("0::/system.slice/docker-{id}.scope\n"))
            .file(&format!("/var/lib/docker/containers/{id}/config.v2.json"), r#"{"Name":"/web"}"#);
        assert_eq!(shown(&docker).as_deref(), Some("container web"));
        let task = "/run/containerd/io.containerd.runtime.v2.task/k8s.io";
        let annotations = r#"{"annotations":{"io.kubernetes.cri.container-name":"nginx",
            "io.kubernetes.cri.sandbox-name":"web-0","io.kubernetes.cri.sandbox-namespace":"shop"}}"#;
        let pod = format!("kubepods-burstable-pod{}", POD.replace('-', "_"));
        let group = format!(
            "0::/kubepods.slice/kubepods-burstable.slice/{pod}.slice/cri-containerd-{id}.scope\n"
        );
        let cri = Scripted::default()
            .file("/proc/7/cgroup", &group)
            .file(&format!("{task}/{id}/config.json"), annotations);
        assert_eq!(shown(&cri).as_deref(), Some("container nginx of pod shop/web-0"));
        let kubelet = Scripted::default()
            .file("/proc/7/cgroup", &group)
            .file("list /var/log/pods", &format!("shop_web-1_{POD}"))
            .file("list /var/log/containers", &format!("web-1_shop_app-{id}.log"));
        assert_eq!(shown(&kubelet).as_deref(), Some("container app of pod shop/web-1"));
        let rootless = Scripted::default()
            .file("/proc/7/cgroup", &format!("0::/user.slice/libpod-{id}.scope\n"))
            .file("/proc/7/status", "Uid:\t1000\t1000\t1000\t1000\n")
            .file("/etc/passwd", "me:x:1000:1000::/home/me:/bin/sh\n")
            .file(
                "/home/me/.local/share/containers/storage/overlay-containers/containers.json",
                &format!(r#"[{{"id":"{id}","names":["mine"]}}]"#),
            );
        assert_eq!(shown(&rootless).as_deref(), Some("container mine"));
    }

    #[test]
    fn a_whole_name_goes_before_the_beginning_of_an_id() {
        let id = "da7a".to_string() + &"0".repeat(60);
        let mut system = Scripted::default()
            .file("/proc/7/cgroup", "0::/lxc.payload.da7a\n")
            .file("/proc/8/cgroup", &format!("0::/docker/{id}\n"))
            .file("/proc/9/cgroup", "0::/system.slice/da7a.service\n");
        for pid in [7, 8, 9] {
            system.processes.insert(pid, Some(Vec::new()));
        }
        let of = |name: &str| inhabitants(&system, name).into_values().collect::<Vec<_>>();
        assert_eq!((of("da7a"), of("da7a0"), of("da7")), (vec![7], vec![8], vec![]));
    }

    #[test]
    fn without_a_name_the_short_id_stands_and_an_unreadable_group_is_nothing() {
        let id = "ab".repeat(32);
        let plain = Scripted::default().file("/proc/7/cgroup", &format!("4:memory:/docker/{id}\n"));
        assert_eq!(shown(&plain).as_deref(), Some("container abababababab"));
        assert_eq!(shown(&Scripted::default()), None);
    }
}
