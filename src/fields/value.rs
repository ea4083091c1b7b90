//! The value of one field of one socket.

use std::fmt;

/// A value; what is unknown is not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word or an address.
    Text(String),
    /// A word that never changes.
    Word(&'static str),
    /// A number.
    Number(u64),
    /// Unknown, or without meaning for this socket.
    None,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Word(word) => f.write_str(word),
            Value::Number(n) => write!(f, "{n}"),
            Value::None => f.write_str("-"),
        }
    }
}
