//! What a process belongs to, as far as the paths of its control groups tell (/proc/PID/cgroup, cgroups(7)): systemd's units and
//! slices (systemd, src/basic/cgroup-util.c), containers and pods as the runtimes name their groups.

use crate::model::text::Text;
use crate::model::workload::{Container, Pod, Workload};

/// Reads /proc/PID/cgroup, of the old hierarchies and of the new one. What one line does not tell, another may: systemd's own first,
/// then those of the controllers.
pub fn workload(text: &[u8]) -> Workload {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<(u8, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let rank = match controllers {
                "" => 0,
                "name=systemd" => 1,
                _ => 2,
            };
            Some((rank, path.strip_suffix(" (deleted)").unwrap_or(path)))
        })
        .collect();
    lines.sort_by_key(|(rank, _)| *rank);
    let mut all = Workload::default();
    for (_, path) in lines {
        let one = of_path(path);
        // The container of a pod lies deeper than one that another hierarchy shows without: the node itself may be a container.
        let deeper = one.pod.is_some() && all.pod.is_none();
        let tells_more = one.container.is_some() && all.container.is_none()
            || deeper
            || all.cgroup.as_str().len() <= 1;
        if tells_more && (path.len() > 1 || all.cgroup.as_str().is_empty()) {
            all.cgroup = one.cgroup;
        }
        all.container =
            if deeper { one.container.or(all.container) } else { all.container.or(one.container) };
        all.pod = all.pod.or(one.pod);
        if all.slices.is_empty() {
            all.slices = one.slices;
        }
        if all.units.is_empty() {
            all.units = one.units;
        }
    }
    all
}

/// What one path tells.
fn of_path(path: &str) -> Workload {
    let mut found = Workload { cgroup: Text::plain(path.as_bytes()), ..Workload::default() };
    let mut above: Option<&str> = None;
    for part in path.split('/').flat_map(joined).filter(|p| !p.is_empty() && *p != "..") {
        // Units inside of a container are its own, and may be called as the host's are.
        if found.container.is_none() {
            if part.strip_suffix(".slice").is_some() {
                found.slices.push(Text::plain(part.as_bytes()));
            } else if is_unit(part) {
                found.units.push(Text::plain(part.trim_start_matches('_').as_bytes()));
            }
        }
        if let Some(container) = container(part, above) {
            found.container = Some(container);
        } else if part == "supervisor" && found.container.as_ref().is_some_and(is_nspawn) {
            // It runs beside the container that it started.
            found.container = None;
        }
        if let Some(pod) = pod(part, path) {
            found.pod = Some(pod);
        }
        above = Some(part);
    }
    if let Some(container) = &mut found.container
        && path.starts_with("/ecs/")
        && found.pod.is_none()
    {
        container.runtime = container.runtime.or(Some("ecs"));
    }
    found
}

/// containerd under cgroupfs joined slice, runtime and id with colons; a unit may have some in its name.
fn joined(part: &str) -> impl Iterator<Item = &str> {
    let is_joined = part.split(':').count() == 3
        && part.split(':').next().is_some_and(|slice| slice.strip_suffix(".slice").is_some());
    part.split(move |c| is_joined && c == ':')
}

fn is_nspawn(container: &Container) -> bool {
    container.runtime == Some("nspawn")
}

/// Units that have a control group (systemd.unit(5)).
fn is_unit(part: &str) -> bool {
    let kinds = [".service", ".scope", ".socket", ".mount", ".swap"];
    kinds.iter().any(|kind| {
        part.strip_suffix(kind).is_some_and(|name| !name.is_empty() && !name.ends_with('@'))
    })
}

fn container(part: &str, above: Option<&str>) -> Option<Container> {
    let made = |id: &str, runtime| {
        let id = (!id.is_empty()).then(|| Text::plain(id.as_bytes()))?;
        Some(Container { id, runtime, name: None })
    };
    let lxc = part.strip_prefix("lxc.payload.");
    if let Some(name) =
        lxc.or((above == Some("lxc.payload") || above == Some("lxc")).then_some(part))
    {
        return made(name, Some("lxc"));
    }
    if above == Some("garden") {
        return made(part, Some("garden"));
    }
    let scope = part.strip_suffix(".scope");
    if let Some(machine) = scope.and_then(|s| s.strip_prefix("machine-")) {
        // machined gives such scopes to virtual machines too, which are no containers, and to those of libvirt.
        return match machine.split_once("\\x2d") {
            Some(("qemu", _)) => None,
            Some(("lxc", _)) => made(&unescaped(machine), Some("lxc")),
            _ => made(&unescaped(machine), Some("nspawn")),
        };
    }
    // NixOS starts them by units of another name.
    let nspawn = part.strip_prefix("systemd-nspawn@").or_else(|| part.strip_prefix("container@"));
    if let Some(name) = nspawn.and_then(|n| n.strip_suffix(".service")) {
        return made(&unescaped(name), Some("nspawn"));
    }
    let name = scope.unwrap_or(part);
    let (runtime, id) = match name.rsplit_once('-') {
        // The monitors of podman and CRI-O run beside the container, not in it.
        Some((before, _)) if before.ends_with("conmon") => return None,
        Some((before, id)) => (before, id),
        None => (above.unwrap_or_default(), name),
    };
    if is_hex(id, 64) {
        return made(id, named(runtime));
    }
    // A task of ECS on Fargate: the task's id, a hyphen, a number.
    let (task, number) = name.split_once('-')?;
    (is_hex(task, 32) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .then(|| made(name, Some("ecs")))?
}

/// The runtime of a prefix or of the folder above.
fn named(text: &str) -> Option<&'static str> {
    let known = [
        ("docker", "docker"),
        ("libpod", "podman"),
        ("cri-containerd", "containerd"),
        ("nerdctl", "containerd"),
        ("containerd", "containerd"),
        ("crio", "cri-o"),
        ("podman", "podman"),
    ];
    known.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, name)| *name)
}

/// A pod in a slice of the kubelet (`kubepods-burstable-podUID.slice`, hyphens written as underscores) or in its folder (`podUID`).
fn pod(part: &str, path: &str) -> Option<Pod> {
    let whole = path.contains("kubepods");
    // Seen from inside of a control group namespace, the path above is cut off.
    if !whole && !path.starts_with("/..") {
        return None;
    }
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let uid = part.rsplit_once("-pod").map(|(_, uid)| uid).or_else(|| part.strip_prefix("pod"))?;
    let uid = uid.replace('_', "-");
    let digits = uid.bytes().filter(u8::is_ascii_hexdigit).count();
    // A uid with hyphens, or the hash of a static pod.
    if digits != 32 || !matches!(uid.len(), 32 | 36) {
        return None;
    }
    let qos = ["burstable", "besteffort"].into_iter().find(|q| path.contains(q));
    let qos = qos.or(whole.then_some("guaranteed"));
    Some(Pod { uid: Text::new(uid.as_bytes()), qos, name: None })
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A name as systemd escapes it in units: `\x2d` is a hyphen (systemd-escape(1)).
fn unescaped(name: &str) -> String {
    super::unescaped(name, "\\x", 2, 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcccccccccccccccccccccccccccccccccccccccccccccccccccc";

    /// `runtime:container unit pod`, a hyphen for what there is not.
    fn told(text: &str) -> String {
        let w = workload(text.replace("ID", ID).as_bytes());
        let container = w
            .container
            .as_ref()
            .map_or("-".to_string(), |c| format!("{}:{}", c.runtime.unwrap_or("?"), c.shown()));
        let pod = w
            .pod
            .as_ref()
            .map_or("-".to_string(), |p| format!("{}/{}", p.qos.unwrap_or("?"), p.uid));
        let unit = w.unit().map_or("-".to_string(), |u| u.to_string().replace(ID, "ID"));
        format!("{container} {unit} {pod}")
    }

    /// Paths as the runtimes make them, one a line, and what is to be read from them.
    #[test]
    fn samples_of_every_runtime_are_read() {
        let samples = include_str!("../../tests/cgroup.samples");
        let (mut n, mut text) = (0, String::new());
        for line in samples.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            match line.strip_prefix("  -> ") {
                Some(wanted) => {
                    assert_eq!(told(&text), wanted, "{text}");
                    (n, text) = (n + 1, String::new());
                }
                None => text = text + line + "\n",
            }
        }
        assert!(n >= 80, "{n} samples");
    }

    #[test]
    fn what_one_hierarchy_does_not_tell_another_does() {
        let text = "9:name=systemd:/system.slice/nginx.service\n4:memory:/docker/ID\n0::/\n";
        assert_eq!(told(text), "docker:0123456789ab nginx.service -");
        let hybrid = workload(b"1:name=systemd:/system.slice/x.service/child\n0::/init.scope\n");
        assert_eq!(hybrid.unit().unwrap().as_str(), "init.scope");
        assert_eq!(
            workload(b"0::/\n"),
            Workload { cgroup: Text::new(b"/"), ..Workload::default() }
        );
        assert_eq!(workload(b""), Workload::default());
        assert_eq!(
            workload(b"0::/a\x1b[31m.service\n").unit().unwrap().as_str(),
            "a\\x1b[31m.service"
        );
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[0-9]{0,2}:[a-z=]{0,6}:(/[-a-z0-9.:\\\\]{0,20}){0,5}") {
            let _ = workload(text.as_bytes());
        }

        #[test]
        fn nor_does_anything_else(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = workload(&bytes);
        }
    }
}
