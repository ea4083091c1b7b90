//! A network namespace of our own, for a command whose sockets are to be told from everybody else's (unshare(2)).
#![expect(unsafe_code, reason = "unshare(2), and the ioctl that brings the loopback interface up")]
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::SysError;

/// Moves this process into a network namespace of its own, with a loopback interface that is up. Without the right to make one, it is
/// made in a user namespace in which we are who we were: that needs a process with one thread.
///
/// # Errors
/// This kernel or our rights do not allow it.
pub fn enter() -> Result<(), SysError> {
    let refused = || SysError::from_io("a network namespace", &std::io::Error::last_os_error());
    // SAFETY: the call takes flags and changes what this thread sees.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        // SAFETY: as above.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        // SAFETY: as above.
        if unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) } != 0 {
            return Err(refused());
        }
        let write = |path: &str, text: String| {
            std::fs::write(path, text).map_err(|e| SysError::from_io(path, &e))
        };
        write("/proc/self/setgroups", "deny".into())?;
        write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
        write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    }
    loopback_up()
}

fn loopback_up() -> Result<(), SysError> {
    let failed = || SysError::from_io("the loopback interface", &std::io::Error::last_os_error());
    // SAFETY: makes a descriptor or -1.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(failed());
    }
    // SAFETY: it is open and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: a structure of numbers, of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request is read by the kernel and lives until the call is over.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        0 => Ok(()),
        _ => Err(failed()),
    }
}
