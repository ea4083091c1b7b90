//! Network namespaces: find the one a user means, and run a piece of work inside it on a thread of its own.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::SysError;

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
