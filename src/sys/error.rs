//! Why something could not be read.

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// What kind of refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It does not exist here; also a process that has ended.
    Absent,
    /// Permission was refused.
    Denied,
    /// The kernel dropped part of the answer (ENOBUFS).
    Overrun,
    /// Anything else.
    Failed,
}

/// One failed read: what was asked and what the kernel said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{what}: {reason}")]
pub struct SysError {
    /// The path or request.
    pub what: String,
    /// The kind of refusal.
    pub kind: Kind,
    /// The kernel's words.
    pub reason: String,
}

impl SysError {
    /// From a system call's errno.
    pub fn new(what: impl Into<String>, errno: Errno) -> SysError {
        let kind = match errno {
            Errno::NOENT | Errno::SRCH | Errno::OPNOTSUPP => Kind::Absent,
            Errno::ACCESS | Errno::PERM | Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT => {
                Kind::Denied
            }
            Errno::NOBUFS => Kind::Overrun,
            _ => Kind::Failed,
        };
        SysError { what: what.into(), kind, reason: words(errno) }
    }

    /// From an I/O error of the standard library.
    pub fn from_io(what: impl Into<String>, error: &std::io::Error) -> SysError {
        match error.raw_os_error() {
            Some(code) => SysError::new(what, Errno::from_raw_os_error(code)),
            None => SysError { what: what.into(), kind: Kind::Failed, reason: error.to_string() },
        }
    }

    /// Something that went wrong without an errno.
    pub fn failed(what: impl Into<String>, reason: impl Into<String>) -> SysError {
        SysError { what: what.into(), kind: Kind::Failed, reason: reason.into() }
    }
}

/// The message of an errno without Rust's `(os error N)` tail, lower case as our messages are.
pub fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_words() {
        let e = SysError::new("/proc/1/fd", Errno::ACCESS);
        assert_eq!(
            (e.kind, e.to_string().as_str()),
            (Kind::Denied, "/proc/1/fd: permission denied")
        );
        assert_eq!(SysError::new("x", Errno::SRCH).kind, Kind::Absent);
        assert_eq!(SysError::new("x", Errno::NOBUFS).kind, Kind::Overrun);
    }
}
