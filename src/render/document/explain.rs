//! The document of `explain`.

use serde::Serialize;

use super::Head;
use super::number::Number;
use crate::model::Snapshot;
use crate::topics::Topic;

/// Documentation of rules, settings, fields, states and exit statuses.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explain {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// What was asked for, or everything.
    pub entries: Vec<Entry>,
}

/// One topic.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// `rule`, `family`, `knob`, `field`, `state` or `exit_code`.
    pub kind: &'static str,
    /// What it is in a few words.
    pub summary: String,
    /// Version of this program (rules) or of the kernel (knobs) that brought it; null for others.
    pub since: Option<&'static str>,
    /// The text.
    pub sections: Vec<SectionDocument>,
    /// Thresholds of a rule.
    pub limits: Vec<LimitDocument>,
}

/// A part of the text.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SectionDocument {
    /// Its heading.
    pub heading: &'static str,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
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

impl From<Topic> for Entry {
    fn from(topic: Topic) -> Self {
        let limits = topic.limits.iter().map(|l| LimitDocument {
            key: l.key,
            default: Number(l.default),
            min: Number(l.min),
            max: Number(l.max),
            unit: l.unit,
            doc: l.doc,
        });
        let sections = topic
            .sections
            .into_iter()
            .map(|s| SectionDocument { heading: s.heading, paragraphs: s.paragraphs });
        Entry {
            kind: topic.kind.word(),
            id: topic.id,
            summary: topic.summary,
            since: Some(topic.since).filter(|s| !s.is_empty()),
            sections: sections.collect(),
            limits: limits.collect(),
        }
    }
}

impl Explain {
    /// The document of some topics.
    pub fn new(snapshot: &Snapshot, topics: Vec<Topic>) -> Explain {
        let entries = topics.into_iter().map(Entry::from).collect();
        Explain { head: Head::new("explain", snapshot), entries }
    }
}
