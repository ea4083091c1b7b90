//! What a person reads when a command cannot do its work: one line, and one with what to type next. The exit status is always 3.

use std::fmt;

use crate::sys::{Kind, SysError};

/// A message with a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What, where, why; lower case, no full stop.
    pub message: String,
    /// What to type next.
    pub hint: Option<String>,
}

impl Error {
    /// A message with a hint.
    pub fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Error {
        Error { message: message.into(), hint: Some(hint.into()) }
    }
}

impl From<(String, String)> for Error {
    fn from((message, hint): (String, String)) -> Self {
        Error::hinted(message, hint)
    }
}

/// What the system answered says what and why; what to type next depends on who asked.
impl From<SysError> for Error {
    fn from(error: SysError) -> Self {
        Error { message: error.to_string(), hint: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// An error on a file that the user named.
pub fn on_file(error: &SysError, wanted: &str) -> Error {
    let hint = match error.kind {
        Kind::Denied => "run as a user who may, or name another place".to_string(),
        _ => wanted.to_string(),
    };
    Error::hinted(crate::model::text::Text::new(error.to_string().as_bytes()).to_string(), hint)
}
