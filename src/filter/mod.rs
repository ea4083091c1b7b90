//! The expression language: what people type for ss, with real precedence, and comparisons over every field.

mod eval;
pub mod expr;
mod literal;
pub mod parse;
#[cfg(test)]
mod properties;
pub mod push;
mod token;

pub use literal::{endpoint, quantity};

use crate::model::endpoint::Family;
use crate::model::socket::Socket;
use crate::model::state::StateSet;
use crate::model::text::Text;
use crate::nearest::nearest;

/// A selection of sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Their states.
    pub states: StateSet,
    /// One family, or both.
    pub family: Option<Family>,
}

impl Filter {
    /// Every socket.
    pub const ALL: Filter = Filter { states: StateSet::ALL, family: None };

    /// Whether a socket is selected.
    pub fn matches(self, socket: &Socket) -> bool {
        self.states.has(socket.state) && self.family.is_none_or(|f| f == socket.family)
    }
}

/// Characters shown on each side of a mistake.
const WINDOW: usize = 60;

/// A message that shows the place by a caret; a long text is shown around the place only.
pub fn caret(text: &str, at: usize, what: &str) -> String {
    let column = text.get(..at).map_or(0, |t| t.chars().count());
    let first = column.saturating_sub(WINDOW);
    let near = text.chars().skip(first).take(2 * WINDOW);
    let shown: String = near.map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("{what}\n  {shown}\n  {}^", " ".repeat(column - first))
}

/// Reads states as people type them, separated by commas.
///
/// # Errors
/// A message and a hint with the nearest word.
pub fn states(text: &str) -> Result<StateSet, (String, String)> {
    let mut set = StateSet::NONE;
    for word in text.split(',').map(str::trim) {
        let one = StateSet::parse(word).ok_or_else(|| {
            let typed = word.replace('-', "_");
            let hint = match nearest(&typed, StateSet::words()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("states are: {}", StateSet::words().join(" ")),
            };
            let shown: String = word.chars().take(60).collect();
            let shown = Text::new(shown.as_bytes());
            (format!("'{shown}' is not a TCP state"), hint)
        })?;
        set = set.union(one);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_add_up_and_typos_are_answered() {
        assert_eq!(states("listen,TIME-WAIT").unwrap(), StateSet(1 << 10 | 1 << 6));
        assert_eq!(states("clsoe-wait").unwrap_err().1, "did you mean close_wait?");
        assert_eq!(states("").unwrap_err().0, "'' is not a TCP state");
    }
}
