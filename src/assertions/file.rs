//! Files of assertions: one a line, blank lines and lines that begin with `#` aside.

use std::collections::BTreeSet;

use super::{Assertion, parse};
use crate::filter::caret;
use crate::filter::parse::Names;

/// A message and a hint.
type Wrong = (String, String);

/// Reads one assertion of the command line.
///
/// # Errors
/// What is wrong, with a caret under it.
pub fn one(text: &str, names: &Names<'_>) -> Result<Assertion, Wrong> {
    parse(text, names).map_err(|m| (caret(text, m.at, &m.what), m.hint))
}

/// Reads the text of a file that is called `name`.
///
/// # Errors
/// The first line that is wrong, or that there is no assertion in it.
pub fn lines(name: &str, text: &str, names: &Names<'_>) -> Result<Vec<Assertion>, Wrong> {
    let mut found = Vec::new();
    // Some editors put a mark of the byte order before everything.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let read = one(line, names);
        found.push(read.map_err(|(what, hint)| (format!("{name}:{number}: {what}"), hint))?);
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err((
            format!("{name}: there is no assertion in it"),
            "write one a line, such as: no-leak: count(state close-wait) == 0".into(),
        )),
    }
}

/// The second assertion of a name.
pub fn twice(assertions: &[Assertion]) -> Option<&Assertion> {
    let mut names = BTreeSet::new();
    assertions.iter().find(|a| !names.insert(a.name.as_str()))
}

/// Whether every name is given once.
///
/// # Errors
/// The name that is given twice.
pub fn distinct(assertions: &[Assertion]) -> Result<(), Wrong> {
    match twice(assertions) {
        None => Ok(()),
        Some(twice) => Err((
            format!("two assertions are called '{}'", twice.name),
            "give each a name of its own, as in 'NAME: count(...) == 0'".into(),
        )),
    }
}
