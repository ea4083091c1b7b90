//! The three outcomes of a rule.

use super::finding::Finding;

/// Why a rule could not be evaluated; only a source that exists and could not be read can make a status unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A source that it needs was denied, read in part, or failed.
    Unseen,
    /// This kernel or namespace does not have what it judges, or a second sample is missing.
    Absent,
    /// It holds here too and is told in another namespace only: unseen for who asked for the rule by its id and looked nowhere else, else
    /// absent. Reports that are shown have settled it.
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    Elsewhere,
}

impl Cause {
    /// What documents say of it.
    #[must_use]
    pub fn told(self) -> Cause {
        if self == Cause::Elsewhere { Cause::Absent } else { self }
    }
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

impl Outcome {
    /// For a rule that needs two looks and had one.
    pub fn needs_two() -> Outcome {
        Outcome::NotEvaluated(Cause::Absent, NEEDS_TWO.into())
    }

    /// For what this kernel or namespace does not have.
    pub fn absent(why: impl Into<String>) -> Outcome {
        Outcome::NotEvaluated(Cause::Absent, why.into())
    }

    /// For what could not be read.
    pub fn unseen(why: impl Into<String>) -> Outcome {
        Outcome::NotEvaluated(Cause::Unseen, why.into())
    }
}

/// What is missing for a rate.
const NEEDS_TWO: &str = "needs two samples: --sample 2s";
