//! Network namespaces: find the one a user means, and run a piece of work inside it on a thread of its own.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Namespace, SysError};

/// Opens the namespace that `spec` names: a name of `ip netns`, a path, or a process id.
///
/// # Errors
/// There is none of that name, or it may not be opened.
pub fn open(spec: &str) -> Result<OwnedFd, SysError> {
    // A name may lead to a pipe or a device, which must not keep us waiting.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let at = |path: &str| openat(CWD, path, flags, Mode::empty());
    if spec.contains('/') {
        super::privilege::drop_before_user_files();
        return at(spec).map_err(|e| SysError::new(spec, e));
    }
    let named = format!("/run/netns/{spec}");
    match at(&named) {
        Err(rustix::io::Errno::NOENT) if spec.parse::<u32>().is_ok() => {
            let path = format!("/proc/{spec}/ns/net");
            at(&path).map_err(|e| SysError::new(path, e))
        }
        other => other.map_err(|e| SysError::new(named, e)),
    }
}

/// Every network namespace in sight: of every process, and those that only a mount keeps alive. The caller's own comes first.
pub(super) fn all(pids: Vec<u32>) -> Result<Vec<Namespace>, SysError> {
    let inode = |path: &str| statat(CWD, path, AtFlags::empty()).map(|s| s.st_ino);
    let here = inode("/proc/self/ns/net").map_err(|e| SysError::new("/proc/self/ns/net", e))?;
    let mut found: Vec<Namespace> =
        vec![Namespace { name: format!("net:[{here}]"), inode: here, path: None }];
    let mut add = |path: &str, inode: u64, name: &dyn Fn() -> String| {
        if found.iter().any(|n| n.inode == inode) {
            return;
        }
        found.push(Namespace { name: name(), inode, path: Some(path.to_string()) });
    };
    // Names first: `ip netns`, then whatever a container runtime has mounted.
    for path in mounted() {
        if let Ok(inode) = inode(&path) {
            add(&path, inode, &|| path.rsplit('/').next().unwrap_or(&path).to_string());
        }
    }
    for pid in pids {
        let path = format!("/proc/{pid}/ns/net");
        if let Ok(inode) = inode(&path) {
            add(&path, inode, &|| format!("pid:{pid}"));
        }
    }
    Ok(found)
}

/// Files through which network namespaces are mounted (`nsfs` in mountinfo, root `net:[...]`).
#[expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]
fn mounted() -> Vec<String> {
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut paths: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let net = words.get(3).is_some_and(|root| root.starts_with("net:["));
            net.then(|| words.get(4).map(|p| unescaped(p)))?
        })
        .collect();
    // The shortest path to each wins: mounts are often seen twice.
    paths.sort_by_key(|p| (p.len(), p.clone()));
    paths
}

/// A path of mountinfo, in which blanks and the like are octal (`\\040`, fs/proc_namespace.c).
fn unescaped(path: &str) -> String {
    let mut out = String::new();
    let mut parts = path.split('\\');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                out.push_str(part.get(3..).unwrap_or_default());
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

/// Runs `work` in the namespace, on a thread that ends with it: setns changes the calling thread only, and the main thread never
/// moves.
pub(super) fn within<T: Send>(
    netns: &OwnedFd,
    work: impl FnOnce() -> T + Send,
) -> Result<T, SysError> {
    let entered = std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(|e| SysError::new("network namespace", e))?;
            Ok(work())
        });
        worker.join()
    });
    entered.unwrap_or_else(|_| Err(SysError::failed("network namespace", "its thread panicked")))
}
