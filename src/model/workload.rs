//! What a process belongs to, as its control group tells: a systemd unit, a container, a pod.

use super::text::Text;

/// What a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workload {
    /// Path of the control group that tells most.
    pub cgroup: Text,
    /// systemd units of the host, outermost first: those of a user's own manager stand behind its service. Units inside of a container are
    /// left out, for they may be called as the host's are.
    pub units: Vec<Text>,
    /// systemd slices, outermost first.
    pub slices: Vec<Text>,
    /// Container.
    pub container: Option<Container>,
    /// Kubernetes pod.
    pub pod: Option<Pod>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Whole id, or the name where the runtime has nothing else (LXC, systemd-nspawn).
    pub id: Text,
    /// The runtime, as far as the path tells: `docker`, `podman`, `containerd`, `cri-o`, `lxc`, `nspawn`, `ecs`, `garden`.
    pub runtime: Option<&'static str>,
    /// Name, where the runtime leaves it on disk.
    pub name: Option<Text>,
}

/// Digits of an id that are shown, as the runtimes do.
const SHORT: usize = 12;

impl Container {
    /// Whether the runtime gave it an id, and not a name alone.
    fn has_id(&self) -> bool {
        let id = self.id.as_str();
        id.len() >= 32 && id.bytes().take(32).all(|b| b.is_ascii_hexdigit())
    }

    /// The first twelve digits of an id, or the name where that is the id.
    pub fn short_id(&self) -> &str {
        let id = self.id.as_str();
        if self.has_id() { id.get(..SHORT).unwrap_or(id) } else { id }
    }

    /// Its name, else its short id.
    pub fn shown(&self) -> &str {
        self.name.as_ref().map_or_else(|| self.short_id(), Text::as_str)
    }

    /// Whether somebody who types `text` may mean it: its name, or four digits of its id and more.
    pub fn is_called(&self, text: &str) -> bool {
        let digits = text.len() >= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        self.shown() == text || digits && self.has_id() && self.id.as_str().starts_with(text)
    }
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its uid, with hyphens; of a static pod the hash.
    pub uid: Text,
    /// Its class: `guaranteed`, `burstable` or `besteffort`; `None` where the path is cut.
    pub qos: Option<&'static str>,
    /// `NAMESPACE/NAME`, where the kubelet leaves it on disk.
    pub name: Option<Text>,
}

impl Pod {
    /// Its name, else its uid.
    pub fn shown(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.uid).as_str()
    }
}

impl Workload {
    /// The unit closest to the process.
    pub fn unit(&self) -> Option<&Text> {
        self.units.last()
    }

    /// What a person would call it: pod and container, else the unit.
    pub fn shown(&self) -> Option<String> {
        match (&self.pod, &self.container, self.unit()) {
            (Some(pod), Some(container), _) => {
                Some(format!("container {} of pod {}", container.shown(), pod.shown()))
            }
            (Some(pod), None, _) => Some(format!("pod {}", pod.shown())),
            (None, Some(container), _) => Some(format!("container {}", container.shown())),
            (None, None, Some(unit)) => Some(unit.to_string()),
            (None, None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, name: Option<&str>) -> Container {
        Container {
            id: Text::new(id.as_bytes()),
            runtime: None,
            name: name.map(|n| Text::new(n.as_bytes())),
        }
    }

    #[test]
    fn a_container_goes_by_its_name_and_by_its_id() {
        let id = "0123456789ab".to_string() + &"c".repeat(52);
        let plain = container(&id, None);
        assert_eq!((plain.shown(), plain.is_called("0123")), ("0123456789ab", true));
        assert!(!plain.is_called("012") && !plain.is_called("123"));
        let web = container(&id, Some("web"));
        assert_eq!((web.shown(), web.short_id()), ("web", "0123456789ab"));
        assert!(web.is_called("web") && web.is_called(&id));
        let boxed = container("deadbeef-box", None);
        assert_eq!(boxed.shown(), "deadbeef-box");
        assert!(!boxed.is_called("dead"), "the beginning of a name is no name");
    }

    #[test]
    fn the_closest_name_is_told() {
        let mut w = Workload {
            units: vec![Text::new(b"docker.scope"), Text::new(b"nginx.service")],
            ..Workload::default()
        };
        assert_eq!(w.shown().as_deref(), Some("nginx.service"));
        w.container = Some(container("web", None));
        assert_eq!(w.shown().as_deref(), Some("container web"));
        w.pod = Some(Pod { uid: Text::new(b"u"), qos: Some("burstable"), name: None });
        assert_eq!(w.shown().as_deref(), Some("container web of pod u"));
        assert_eq!(Workload::default().shown(), None);
    }
}
