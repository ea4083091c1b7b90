//! The document of `explain`.

use serde::Serialize;

use super::Head;
use super::number::Number;
use crate::advise::knobs::Knob;
use crate::model::Snapshot;
use crate::rules::Rule;

/// Documentation of rules and knobs.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explain {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// The rule or knob asked for, or all of them.
    pub entries: Vec<Entry>,
}

/// One rule or knob.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entry {
    /// Its id.
    pub id: &'static str,
    /// `rule` or `knob`.
    pub kind: &'static str,
    /// What it is in a few words.
    pub summary: &'static str,
    /// Version of this program (rules) or of the kernel (knobs) that brought it.
    pub since: &'static str,
    /// The whole text; empty for knobs.
    pub docs: String,
    /// Thresholds of a rule.
    pub limits: Vec<LimitDocument>,
}

/// One threshold.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LimitDocument {
    /// Name for `--set RULE.KEY=VALUE`.
    pub key: &'static str,
    /// Default.
    pub default: Number,
    /// Smallest value.
    pub min: Number,
    /// Largest value.
    pub max: Number,
    /// What it counts.
    pub unit: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl From<&Rule> for Entry {
    fn from(rule: &Rule) -> Self {
        let limit = |l: &crate::rules::limit::Limit| LimitDocument {
            key: l.key,
            default: Number(l.default),
            min: Number(l.min),
            max: Number(l.max),
            unit: l.unit,
            doc: l.doc,
        };
        Entry {
            id: rule.id,
            kind: "rule",
            summary: rule.summary,
            since: rule.since,
            docs: crate::render::human::explain::plain(rule.docs),
            limits: rule.limits.iter().map(limit).collect(),
        }
    }
}

impl From<&Knob> for Entry {
    fn from(knob: &Knob) -> Self {
        Entry {
            id: knob.name,
            kind: "knob",
            summary: knob.effect,
            since: knob.since,
            docs: String::new(),
            limits: Vec::new(),
        }
    }
}

impl Explain {
    /// The document of some entries.
    pub fn new(snapshot: &Snapshot, entries: Vec<Entry>) -> Explain {
        Explain { head: Head::new("explain", snapshot), entries }
    }
}
