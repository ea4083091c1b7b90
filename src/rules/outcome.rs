//! The three outcomes of a rule.

use super::finding::Finding;

/// Why a rule could not be evaluated; only a source that exists and could not be read can make a status unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A source that it needs was denied, read in part, or failed.
    Unseen,
    /// This kernel or namespace does not have what it judges, or a second sample is missing.
    Absent,
}

/// What came of one rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Something is wrong.
    Fired(Vec<Finding>),
    /// Nothing is, and this is what was seen.
    Clear(String),
    /// It could not be told.
    NotEvaluated(Cause, String),
}
