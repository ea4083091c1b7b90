//! Where /proc is: in a container, the host's may be mounted somewhere else (`--proc /host/proc`).

use rustix::fs::CWD;

/// The folder that stands for /proc.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcRoot(Option<String>);

impl ProcRoot {
    /// Another folder than /proc.
    pub fn at(folder: &str) -> ProcRoot {
        ProcRoot(Some(folder.trim_end_matches('/').to_string()))
    }

    /// Whether it is not /proc.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.0.is_some()
    }

    /// Where a path lies.
    pub(super) fn path(&self, path: &str) -> String {
        match (&self.0, path.strip_prefix("/proc")) {
            (Some(root), Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                format!("{root}{rest}")
            }
            _ => path.to_string(),
        }
    }

    /// Our pid as that /proc numbers it, which is that of its pid namespace.
    pub(super) fn own_pid(&self) -> Option<u32> {
        if self.0.is_none() {
            return Some(std::process::id());
        }
        let link = rustix::fs::readlinkat(CWD, self.path("/proc/self"), Vec::new()).ok()?;
        link.to_str().ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proc_moves() {
        let host = ProcRoot::at("/host/proc/");
        assert_eq!(host.path("/proc/1/fd"), "/host/proc/1/fd");
        assert_eq!(host.path("/proc"), "/host/proc");
        assert_eq!(host.path("/processes"), "/processes");
        assert_eq!(host.path("/etc/passwd"), "/etc/passwd");
        assert_eq!(ProcRoot::default().path("/proc/1/fd"), "/proc/1/fd");
        assert_eq!(ProcRoot::default().own_pid(), Some(std::process::id()));
    }
}
