//! Files of /proc as they are read: those of the calling thread's namespaces, sysctls in one read.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::SysError;

/// The bytes of a file.
pub(super) fn read(path: &str) -> Result<Vec<u8>, SysError> {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    read_open(file.map_err(|e| SysError::new(path, e))?, path)
}

/// The bytes of a file that is open; the path tells what kind of file it is.
pub(super) fn read_open(file: OwnedFd, path: &str) -> Result<Vec<u8>, SysError> {
    // Wherever /proc is mounted.
    if path.contains("/sys/net/") || path.starts_with("/proc/sys/") {
        return read_once(&file).map_err(|e| SysError::new(path, e));
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file).read_to_end(&mut bytes).map_err(|e| SysError::from_io(path, &e))?;
    Ok(bytes)
}

/// No file with the names of containers is so long.
const LONGEST: u64 = 16 << 20;

/// The bytes of a plain file that others may have put there: never a link to another one, a pipe or a device, nor without end.
pub(super) fn read_plain(path: &str) -> Result<Vec<u8>, SysError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = openat(CWD, path, flags, Mode::empty()).map_err(|e| SysError::new(path, e))?;
    let file = std::fs::File::from(file);
    let about = file.metadata().map_err(|e| SysError::from_io(path, &e))?;
    if !about.is_file() || about.len() > LONGEST {
        return Err(SysError::failed(path, "it is not a plain file of reasonable length"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(|e| SysError::from_io(path, &e))?;
    Ok(bytes)
}

/// The text of a symbolic link.
pub(super) fn link(path: &str) -> Result<Vec<u8>, SysError> {
    use std::os::unix::ffi::OsStringExt;
    let target = std::fs::read_link(path).map_err(|e| SysError::from_io(path, &e))?;
    Ok(target.into_os_string().into_vec())
}

/// The names in a folder, sorted.
pub(super) fn list(folder: &str) -> Result<Vec<String>, SysError> {
    let entries = std::fs::read_dir(folder).map_err(|e| SysError::from_io(folder, &e))?;
    let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    Ok(names)
}

/// The longest list of ports, every other one, has 32768 numbers of up to six characters.
const LONGEST_SYSCTL: usize = 256 * 1024;

/// A sysctl in one read(2): lists of ports (kernel/sysctl.c proc_do_large_bitmap) answer the first read with as much as fits and every
/// later one with the end of the file, so that reading in small steps would cut them without a word.
fn read_once(file: &OwnedFd) -> rustix::io::Result<Vec<u8>> {
    let mut text = vec![0; LONGEST_SYSCTL];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(file, text.as_mut_slice()))?;
    text.truncate(length);
    Ok(text)
}
