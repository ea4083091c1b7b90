//! Everything that can be explained: rules, settings, fields, states, exit codes. One form for all, from which `explain`, docs/rules.md
//! and tcpvet-rules(7) are made. Pure.

mod exit_code;
mod family;
mod field;
mod knob;
mod rule;
mod state;

use crate::model::text::Text;
use crate::nearest::nearest;
use crate::rules::limit::Limit;

/// What a topic is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A finding's rule.
    Rule,
    /// A sysctl.
    Knob,
    /// A field of columns, filters and JSON.
    Field,
    /// A state of a socket.
    State,
    /// An exit status.
    ExitCode,
    /// A family of rules.
    Family,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Kind; 6] =
        [Kind::Rule, Kind::Family, Kind::Knob, Kind::State, Kind::ExitCode, Kind::Field];

    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Rule => "rule",
            Kind::Knob => "knob",
            Kind::Field => "field",
            Kind::State => "state",
            Kind::ExitCode => "exit_code",
            Kind::Family => "family",
        }
    }
}

/// A part of a topic's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// Its paragraphs, each one line.
    pub paragraphs: Vec<String>,
}

/// One thing that can be explained.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// What it is in a few words.
    pub summary: String,
    /// Version of this program (rules) or of the kernel (settings) that brought it; empty for others.
    pub since: &'static str,
    /// The text.
    pub sections: Vec<Section>,
    /// Thresholds of a rule.
    pub limits: &'static [Limit],
}

impl Topic {
    /// A topic that a line says.
    fn short(id: impl Into<String>, kind: Kind, summary: impl Into<String>) -> Topic {
        Topic {
            id: id.into(),
            kind,
            summary: summary.into(),
            since: "",
            sections: Vec::new(),
            limits: &[],
        }
    }

    /// Whether it is called so: in every spelling, and settings by the last part of their name.
    fn is_called(&self, name: &str) -> bool {
        let plain = |s: &str| s.to_lowercase().replace('_', "-");
        let (id, name) = (plain(&self.id), plain(name));
        id == name || self.kind == Kind::Knob && id.rsplit('.').next() == Some(&name)
    }
}

/// Every topic of a kind.
pub fn of(kind: Kind) -> Vec<Topic> {
    match kind {
        Kind::Rule => rule::all(),
        Kind::Knob => knob::all(),
        Kind::Field => field::all(),
        Kind::State => state::all(),
        Kind::ExitCode => exit_code::all(),
        Kind::Family => family::all(),
    }
}

/// Every topic.
pub fn all() -> Vec<Topic> {
    Kind::ALL.into_iter().flat_map(of).collect()
}

/// The topics of this name: more than one where a field is called like a state.
///
/// # Errors
/// A message and a hint with the nearest name.
pub fn find(name: &str) -> Result<Vec<Topic>, (String, String)> {
    // A threshold is explained by its rule.
    let name = name.trim();
    let name = name
        .split_once('.')
        .filter(|(r, _)| crate::rules::find(r).is_ok())
        .map_or(name, |(r, _)| r);
    let all = all();
    let found: Vec<Topic> = all.iter().filter(|t| t.is_called(name)).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    // A state in any of its spellings (TIME-WAIT, timewait).
    let states = state::spelled(name);
    if !states.is_empty() {
        return Ok(states);
    }
    let short = |t: &Topic| t.id.rsplit('.').next().unwrap_or(&t.id).to_string();
    let words: Vec<String> = all.iter().map(short).collect();
    let hint = match nearest(name, words.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "'tcpvet explain' lists them".to_string(),
    };
    let name = Text::new(name.as_bytes());
    Err((format!("nothing that can be explained is called '{name}'"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_found_by_its_name_and_says_something() {
        for topic in all() {
            let found = find(&topic.id).unwrap();
            assert!(found.iter().any(|t| t.kind == topic.kind), "{}", topic.id);
            assert!(!topic.summary.is_empty(), "{}", topic.id);
        }
        let kinds = |name: &str| find(name).unwrap().iter().map(|t| t.kind).collect::<Vec<_>>();
        assert_eq!(kinds("TIME-WAIT"), [Kind::State]);
        assert_eq!(kinds("timewait"), [Kind::State]);
        assert_eq!(kinds("tcp_tw_reuse"), [Kind::Knob]);
        assert_eq!(kinds("2"), [Kind::ExitCode]);
        assert_eq!(kinds("close_wait_leak"), [Kind::Rule]);
        assert_eq!(kinds("rtt"), [Kind::Field]);
        let hint = |name: &str| find(name).unwrap_err().1;
        assert_eq!(hint("tcp_tw_resue"), "did you mean tcp_tw_reuse?");
        assert_eq!(hint("close-wait-leek"), "did you mean close-wait-leak?");
    }
}
