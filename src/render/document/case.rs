//! A verdict as cases: what JUnit, TAP, annotations, services and discoveries have one of each for.

use serde::Serialize;

use super::assertion::AssertionDocument;
use super::diagnose::{FindingDocument, RuleDocument};
use crate::assertions::reading::Verdict;
use crate::rules::engine::Status;
use crate::rules::outcome::Cause;

/// Something that is well or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Case {
    /// `table`, `rules`, `assertions`, or `run`.
    pub group: &'static str,
    /// Its name, unique within the group.
    pub name: String,
    /// How it ended.
    pub outcome: CaseOutcome,
    /// The number of that: 0 ok or skipped, 1 warning, 2 critical, 3 unknown.
    pub status: u8,
    /// What was found, in one line.
    pub text: String,
    /// More of it: further findings, sockets.
    pub details: Vec<String>,
    /// How long it took, milliseconds.
    pub took_ms: u64,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    /// All is well.
    Ok,
    /// A warning.
    Warning,
    /// Critical, or failed.
    Critical,
    /// It could not be told.
    Unknown,
    /// There is nothing to judge here.
    Skipped,
}

impl CaseOutcome {
    /// What it makes of the verdict.
    pub fn status(self) -> Status {
        match self {
            CaseOutcome::Ok | CaseOutcome::Skipped => Status::Ok,
            CaseOutcome::Warning => Status::Warning,
            CaseOutcome::Critical => Status::Critical,
            CaseOutcome::Unknown => Status::Unknown,
        }
    }

    fn of(status: Status) -> CaseOutcome {
        match status {
            Status::Ok => CaseOutcome::Ok,
            Status::Warning => CaseOutcome::Warning,
            Status::Critical => CaseOutcome::Critical,
            Status::Unknown => CaseOutcome::Unknown,
        }
    }
}

impl Case {
    /// A case.
    pub fn new(
        group: &'static str,
        name: impl Into<String>,
        outcome: CaseOutcome,
        text: impl Into<String>,
    ) -> Case {
        Case {
            group,
            name: name.into(),
            outcome,
            status: crate::exit::code(outcome.status()),
            text: text.into(),
            details: Vec::new(),
            took_ms: 0,
        }
    }

    /// Whether anything is to be said of it.
    pub fn is_well(&self) -> bool {
        matches!(self.outcome, CaseOutcome::Ok | CaseOutcome::Skipped)
    }
}

/// The case of an assertion.
pub fn of_assertion(a: &AssertionDocument) -> Case {
    let name = if a.name == a.expression { a.expression.clone() } else { a.name.clone() };
    let told = match a.name == a.expression {
        _ if a.is_range => a.range_sentence(),
        true => a.sentence(),
        false => format!("{}: {}", a.expression, a.sentence()),
    };
    let mut details: Vec<String> =
        a.offenders.iter().map(super::assertion::Offender::line).collect();
    if let Some(more @ 1..) = a.selected.and_then(|n| n.checked_sub(details.len() as u64))
        && !details.is_empty()
    {
        details.push(format!("and {more} more"));
    }
    let wrong = a.outcome != Verdict::Pass;
    details.extend(a.comment.iter().filter(|_| wrong).map(|c| format!("wished because: {c}")));
    let outcome = match a.outcome {
        Verdict::Unknown => CaseOutcome::Unknown,
        _ => CaseOutcome::of(a.status()),
    };
    Case { details, took_ms: a.took_ms, ..Case::new("assertions", name, outcome, told) }
}

/// The cases of rules; `findings` are those that are shown.
pub fn of_rules(rules: &[RuleDocument], findings: &[FindingDocument]) -> Vec<Case> {
    rules.iter().map(|rule| of_rule(rule, findings)).collect()
}

fn of_rule(rule: &RuleDocument, findings: &[FindingDocument]) -> Case {
    let reason = rule.reason.clone().unwrap_or_default();
    let mut told = findings
        .iter()
        .flat_map(|f| std::iter::once(f).chain(&f.folded))
        .filter(|f| f.id == rule.id)
        .map(|f| f.title.clone());
    let first = told.next();
    let details = told.collect();
    let (outcome, text) = match (rule.outcome, rule.cause) {
        ("fired", _) => {
            let status = rule.severity.map_or(Status::Ok, Status::of);
            let info = "info only, as far as this machine is concerned";
            (CaseOutcome::of(status), first.unwrap_or_else(|| info.to_string()))
        }
        ("clear", _) => (CaseOutcome::Ok, reason),
        (_, Some(Cause::Unseen)) if rule.asked_for => {
            (CaseOutcome::Unknown, format!("not evaluated: {reason}"))
        }
        _ => (CaseOutcome::Skipped, format!("not evaluated: {reason}")),
    };
    Case { details, ..Case::new("rules", rule.id, outcome, text) }
}

/// The case of the table itself: unknown where the verdict is, and nothing else says why.
pub fn of_table(status: Status, others: &[Case], incomplete: Option<String>) -> Case {
    let explained = others.iter().any(|c| c.outcome == CaseOutcome::Unknown);
    let name = "socket-table";
    match incomplete {
        Some(why) => Case::new("table", name, CaseOutcome::Unknown, why),
        None if status == Status::Unknown && !explained => {
            let why = "nothing of what was asked could be evaluated";
            Case::new("table", name, CaseOutcome::Unknown, why)
        }
        None => Case::new("table", name, CaseOutcome::Ok, "read whole"),
    }
}
