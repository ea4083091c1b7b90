//! A configuration file: small, text, read with the user's own rights.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::error::{Kind, SysError};
use super::privilege::as_the_user;

/// No configuration is so long.
const LONGEST: u64 = 1 << 20;

/// The text of a configuration file; `None` if there is no such file.
///
/// # Errors
/// It may not be read, is too long, is not a plain file, or is not UTF-8.
pub fn read(path: &Path) -> Result<Option<String>, SysError> {
    text(path, false)
}

/// The same of a file that was named on the command line, where a shell may have put a pipe; who never writes into it is a matter of
/// `--timeout`.
///
/// # Errors
/// As those of [`read`].
pub fn read_named(path: &Path) -> Result<Option<String>, SysError> {
    text(path, true)
}

fn text(path: &Path, pipes: bool) -> Result<Option<String>, SysError> {
    let name = path.display().to_string();
    let wrong = |reason: &str| SysError::failed(&name, reason);
    match as_the_user(|| plain(path, pipes)) {
        Ok(None) => Err(wrong("it is not a plain file")),
        Ok(Some(bytes)) if bytes.len() as u64 > LONGEST => Err(wrong("it is longer than 1 MiB")),
        Ok(Some(bytes)) => {
            String::from_utf8(bytes).map(Some).map_err(|_| wrong("it is not UTF-8 text"))
        }
        Err(e) => match SysError::from_io(&name, &e) {
            e if e.kind == Kind::Absent => Ok(None),
            e => Err(e),
        },
    }
}

/// The text of standard input, to its end.
///
/// # Errors
/// It cannot be read, is too long, or is not UTF-8.
pub fn read_stdin() -> Result<String, SysError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|e| SysError::from_io("standard input", &e))?;
    let wrong = |reason: &str| SysError::failed("standard input", reason);
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("it is longer than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text"))
}

/// The bytes of a plain file, or of a pipe; `None` for anything else, which might never end or never begin.
fn plain(path: &Path, pipes: bool) -> std::io::Result<Option<Vec<u8>>> {
    let about = std::fs::metadata(path)?;
    if !(about.is_file() || pipes && about.file_type().is_fifo()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
