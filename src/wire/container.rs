//! Which container a process belongs to, as far as the path of its control group tells (/proc/PID/cgroup, cgroups(7)).

use crate::model::text::Text;

/// Digits of an id that are shown, as the runtimes do.
const SHORT: usize = 12;

/// The container in the text of /proc/PID/cgroup: the first twelve digits of an id (docker, containerd, CRI-O, podman), or the name
/// in the path (LXC, systemd-nspawn). `None` outside of containers as these runtimes name them.
pub fn of(text: &[u8]) -> Option<Text> {
    let text = String::from_utf8_lossy(text);
    text.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        path.split('/').rev().find_map(part)
    })
}

fn part(part: &str) -> Option<Text> {
    let name = |text: &str| (!text.is_empty()).then(|| Text::new(text.as_bytes()));
    if let Some(lxc) = part.strip_prefix("lxc.payload.") {
        return name(lxc);
    }
    let part = part.strip_suffix(".scope").unwrap_or(part);
    if let Some(machine) = part.strip_prefix("machine-") {
        return name(&machine.replace("\\x2d", "-"));
    }
    // docker-ID, cri-containerd-ID, crio-ID, libpod-ID, or ID alone.
    let id = part.rsplit('-').next().unwrap_or(part);
    let whole = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then(|| id.get(..SHORT).and_then(name))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_are_told_apart_and_a_plain_service_is_none() {
        let id = "0123456789ab".to_string() + &"c".repeat(52);
        let of = |path: &str| of(format!("0::{path}\n").as_bytes()).map(|t| t.to_string());
        for path in [
            format!("/system.slice/docker-{id}.scope"),
            format!("/docker/{id}"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/machine.slice/libpod-{id}.scope/container"),
        ] {
            assert_eq!(of(&path).as_deref(), Some("0123456789ab"), "{path}");
        }
        assert_eq!(of("/lxc.payload.web/init.scope").as_deref(), Some("web"));
        assert_eq!(
            of("/machine.slice/machine-my\\x2dbox.scope/payload").as_deref(),
            Some("my-box")
        );
        assert_eq!(of("/system.slice/nginx.service"), None);
        assert_eq!(of("/"), None);
    }
}
