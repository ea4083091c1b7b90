//! A file that is whole or not there: written beside its place under a name of its own, and renamed. A link in its place is replaced and
//! not followed.

use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, Mode, OFlags, accessat, fchmod, openat, renameat, unlinkat,
};

use super::SysError;
use super::privilege::as_the_user;

/// How many names are tried.
const ATTEMPTS: u32 = 100;

/// Writes a file with the user's own rights; `for_others` makes it readable for everybody, whatever the umask is.
///
/// # Errors
/// It cannot be written; then nothing of it is left, and what was there stays.
pub fn write(path: &Path, bytes: &[u8], for_others: bool) -> Result<(), SysError> {
    as_the_user(|| replace(path, bytes, for_others))
        .map_err(|e| SysError::from_io(path.display().to_string(), &e))
}

/// Whether a file can be put there: not where there is a device, a pipe or a folder, nor among devices and processes, where even a plain
/// file's name is somebody else's.
///
/// Gives the place, however it was written.
///
/// # Errors
/// Why not.
pub fn check(path: &Path) -> Result<PathBuf, SysError> {
    let name = path.display().to_string();
    let folder = folder_of(path);
    as_the_user(|| {
        let folder = std::fs::canonicalize(folder)
            .map_err(|e| SysError::from_io(folder.display().to_string(), &e))?;
        let special = ["/dev", "/proc", "/sys"].iter().any(|root| folder.starts_with(root));
        let shared = folder.starts_with("/dev/shm");
        if special && !shared {
            return Err(SysError::failed(&name, "no file can be written there"));
        }
        // What could be written may not be any more by then; what cannot is better told before.
        let rights = Access::WRITE_OK | Access::EXEC_OK;
        accessat(CWD, &folder, rights, AtFlags::EACCESS)
            .map_err(|e| SysError::new(folder.display().to_string(), e))?;
        match std::fs::symlink_metadata(path) {
            Ok(m) if !m.is_file() && !m.is_symlink() => {
                return Err(SysError::failed(&name, "it is not a plain file"));
            }
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(SysError::from_io(&name, &e)),
        }
        match path.file_name() {
            Some(file) => Ok(folder.join(file)),
            None => Err(SysError::failed(&name, "it is not a plain file")),
        }
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn replace(path: &Path, bytes: &[u8], for_others: bool) -> std::io::Result<()> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let name = path.file_name().ok_or_else(invalid)?;
    let open = |flags| openat(CWD, folder_of(path), flags | OFlags::CLOEXEC, Mode::empty());
    let folder = open(OFlags::RDONLY | OFlags::DIRECTORY)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut attempt = 0;
    // A name has at most 255 bytes.
    let short: String = name.to_string_lossy().chars().take(50).collect();
    let (temporary, file) = loop {
        // Its ending is none that a collector of files looks for.
        let own = format!(".{short}.{}.{attempt}.tmp", std::process::id());
        match openat(&folder, &own, flags, Mode::from_raw_mode(0o666)) {
            Ok(file) => break (own, file),
            Err(rustix::io::Errno::EXIST) if attempt < ATTEMPTS => attempt += 1,
            Err(e) => return Err(e.into()),
        }
    };
    let mut file = std::fs::File::from(file);
    let written = (|| {
        if for_others {
            fchmod(&file, Mode::from_raw_mode(0o644))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        renameat(&folder, &temporary, &folder, name)?;
        Ok(())
    })();
    if written.is_err() {
        let _ = unlinkat(&folder, &temporary, AtFlags::empty());
    }
    written
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn folder(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("tcpvet-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn a_link_is_replaced_and_its_target_left_alone() {
        let folder = folder("report-link");
        let (victim, link) = (folder.join("victim"), folder.join("out.prom"));
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, &link).unwrap();
        check(&link).unwrap();
        write(&link, b"new\n", true).unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        let meta = std::fs::symlink_metadata(&link).unwrap();
        assert!(meta.is_file());
        assert_eq!(meta.permissions().mode() & 0o777, 0o644);
        assert_eq!(std::fs::read(&link).unwrap(), b"new\n");
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 2, "no temporary file stays");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn devices_pipes_and_folders_are_refused() {
        let folder = folder("report-odd");
        for bad in ["/dev/null", "/dev/stdout", "/proc/self/comm", "/no/such/folder/x"] {
            assert!(check(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(check(&folder).is_err());
        assert!(check(&folder.join("new.xml")).is_ok());
        assert!(check(Path::new("plain.xml")).is_ok());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
