//! Paths of control groups by their id, which on 64-bit kernels is the inode of their folder (fs/kernfs).

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};

/// Where the unified hierarchy is mounted, alone or beside the old ones.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// Folders inside folders: deeper trees than this are none.
const DEEPEST: u32 = 32;

/// Every control group in sight.
pub(super) fn paths() -> BTreeMap<u64, Vec<u8>> {
    let mut found = BTreeMap::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let unified =
        |root: &&&str| statat(CWD, format!("{root}/cgroup.controllers"), AtFlags::empty()).is_ok();
    let Some(root) = ROOTS.iter().find(unified) else { return found };
    if let (Ok(dir), Ok(stat)) =
        (openat(CWD, *root, flags, Mode::empty()), statat(CWD, *root, AtFlags::empty()))
    {
        found.insert(stat.st_ino, b"/".to_vec());
        walk(&dir, b"", 0, &mut found);
    }
    found
}

fn walk(dir: &OwnedFd, path: &[u8], depth: u32, found: &mut BTreeMap<u64, Vec<u8>>) {
    if depth > DEEPEST {
        return;
    }
    let mut buffer = [MaybeUninit::<u8>::uninit(); 8 * 1024];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.file_name();
        if entry.file_type() != FileType::Directory || name.to_bytes().starts_with(b".") {
            continue;
        }
        let child = [path, b"/", name.to_bytes()].concat();
        found.insert(entry.ino(), child.clone());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if let Ok(dir) = openat(dir, name, flags, Mode::empty()) {
            walk(&dir, &child, depth + 1, found);
        }
    }
}
