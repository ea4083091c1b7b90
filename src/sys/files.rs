//! Files of /proc as they are read: those of the calling thread's namespaces, sysctls in one read.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::SysError;

/// The bytes of a file.
pub(super) fn read(path: &str) -> Result<Vec<u8>, SysError> {
    if path.starts_with("/proc/sys/") || path.contains("/proc/sys/net/") {
        return read_once(path).map_err(|e| SysError::new(path, e));
    }
    std::fs::read(path).map_err(|e| SysError::from_io(path, &e))
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
pub(super) const LONGEST_SYSCTL: usize = 256 * 1024;

/// A sysctl in one read(2): lists of ports (kernel/sysctl.c proc_do_large_bitmap) answer the first read with as much as fits and every
/// later one with the end of the file, so that reading in small steps would cut them without a word.
fn read_once(path: &str) -> rustix::io::Result<Vec<u8>> {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = vec![0; LONGEST_SYSCTL];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(&file, text.as_mut_slice()))?;
    text.truncate(length);
    Ok(text)
}
