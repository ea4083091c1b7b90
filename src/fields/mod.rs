//! One vocabulary for everything that shows or names a property of a socket: a row for each column.

pub mod socket;
pub mod value;

use crate::model::Snapshot;
use crate::model::socket::Socket;
use crate::model::text::Text;
use crate::nearest::nearest;
use value::Value;

/// What a field is read from.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Everything that was read.
    pub snapshot: &'a Snapshot,
    /// The socket.
    pub socket: &'a Socket,
}

/// One column.
#[derive(Debug)]
pub struct Field {
    /// Name in `--columns`.
    pub name: &'static str,
    /// Head of the column.
    pub header: &'static str,
    /// What the numbers count; empty for words.
    pub unit: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Numbers are set to the right.
    pub right: bool,
    /// Reads it.
    pub get: fn(&Row<'_>) -> Value,
}

/// Every column. A new one is a row here.
pub static FIELDS: &[&Field] = socket::FIELDS;

/// The columns of `list` where nothing else is asked.
pub const DEFAULT: [&str; 7] = ["state", "recvq", "sendq", "local", "peer", "timer", "process"];

/// What a narrow terminal loses first.
pub const DROP_ORDER: [&str; 3] = ["timer", "sendq", "recvq"];

/// The fields of these names, separated by commas.
///
/// # Errors
/// A message and a hint with the nearest name.
pub fn find(names: &str) -> Result<Vec<&'static Field>, (String, String)> {
    let one = |name: &str| {
        FIELDS.iter().find(|f| f.name == name).copied().ok_or_else(|| {
            let known: Vec<&str> = FIELDS.iter().map(|f| f.name).collect();
            let hint = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("columns are: {}", known.join(" ")),
            };
            (format!("no column is called '{}'", Text::new(name.as_bytes())), hint)
        })
    };
    names.split(',').map(|name| one(name.trim())).collect()
}

/// The default columns.
pub fn defaults() -> Vec<&'static Field> {
    FIELDS.iter().copied().filter(|f| DEFAULT.contains(&f.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_defaults_exist() {
        let mut names: Vec<_> = FIELDS.iter().map(|f| f.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
        let defaults: Vec<_> = defaults().iter().map(|f| f.name).collect();
        assert_eq!(defaults, DEFAULT);
        assert_eq!(find("local,per").unwrap_err().1, "did you mean peer?");
    }
}
