//! Folders of /proc whose entries are numbers: processes, and the descriptors of one.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};

use super::SysError;

/// Opens a folder.
fn folder(path: &str) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).map_err(|e| SysError::new(path, e))
}

/// Hands the sockets among the descriptors in a folder to `each`, as number and inode.
pub(super) fn sockets(path: &str, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
    let dir = folder(path)?;
    let mut denied = None;
    let mut buffer = [MaybeUninit::<u8>::uninit(); 16 * 1024];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|e| SysError::new(path, e))?;
        let Some(fd) = number(entry.file_name().to_bytes()) else { continue };
        // readlink, not stat: stat would follow the descriptor and hang on a dead network mount.
        let mut link = [MaybeUninit::<u8>::uninit(); 40];
        match readlinkat_raw(&dir, entry.file_name(), &mut link[..]) {
            Ok((text, _)) => {
                let inode = text.strip_prefix(b"socket:[").and_then(|t| t.strip_suffix(b"]"));
                if let Some(inode) = inode.and_then(number) {
                    each(fd, inode);
                }
            }
            Err(e @ (rustix::io::Errno::ACCESS | rustix::io::Errno::PERM)) => {
                denied = Some(SysError::new(path, e));
            }
            Err(_) => {}
        }
    }
    denied.map_or(Ok(()), Err)
}

/// Looks at about `most` of `of` descriptors in a folder: how many are sockets, of how many that were looked at.
pub(super) fn sample(path: &str, of: u64, most: u64) -> Result<(u32, u32), SysError> {
    let dir = folder(path)?;
    let step = of.div_ceil(most.max(1)).max(1);
    let (mut sockets, mut looked) = (0, 0);
    // Numbers are given from 0 on, the lowest free one first, so that most up to the count are in use.
    for fd in (0..of).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let mut link = [MaybeUninit::<u8>::uninit(); 40];
        match readlinkat_raw(&dir, fd.to_string(), &mut link[..]) {
            Ok((text, _)) => {
                looked += 1;
                sockets += u32::from(text.starts_with(b"socket:["));
            }
            Err(e @ (rustix::io::Errno::ACCESS | rustix::io::Errno::PERM)) => {
                return Err(SysError::new(path, e));
            }
            Err(_) => {}
        }
    }
    Ok((sockets, looked))
}

/// Hands the entries of a folder that are numbers to `each`.
pub(super) fn each_number(path: &str, each: &mut dyn FnMut(u32)) -> Result<(), SysError> {
    let dir = folder(path)?;
    let mut buffer = [MaybeUninit::<u8>::uninit(); 16 * 1024];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|e| SysError::new(path, e))?;
        if let Some(n) = number(entry.file_name().to_bytes()) {
            each(n);
        }
    }
    Ok(())
}

/// A decimal number and nothing else.
fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |n, c| {
        let digit = c.is_ascii_digit().then(|| u32::from(c - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}
