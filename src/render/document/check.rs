//! The document of `check`.

mod sentence;

use serde::Serialize;

use super::Head;
use super::assertion::{AssertionDocument, Counts};
use super::case::{self, Case, CaseOutcome};
use super::diagnose::{FindingDocument, RuleDocument, rules};
use super::figure::FigureDocument;
use super::namespaces::NamespaceVerdict;
use super::profile::ProfileDocument;
use crate::model::Snapshot;
use crate::rules::engine::{Report, Status};
use crate::rules::finding::Severity;

/// The verdict, for monitoring and CI.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// The verdict.
    pub status: Status,
    /// The exit status that goes with it: 0 ok, 1 warning, 2 critical or a failed assertion, 3 unknown.
    pub exit_status: u8,
    /// The verdict in one line.
    pub summary: String,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// What is wrong, worst first; info only for rules that were asked for by name.
    pub findings: Vec<FindingDocument>,
    /// The processes that findings name.
    pub processes: Vec<ProfileDocument>,
    /// Every rule that ran.
    pub rules: Vec<RuleDocument>,
    /// Every namespace that was looked at (--all-netns); null for a single one.
    pub namespaces: Option<Vec<NamespaceVerdict>>,
    /// Every assertion, in the order given, and after them the ranges of -w and -c.
    pub assertions: Vec<AssertionDocument>,
    /// Assertions by outcome.
    pub counts: Counts,
    /// Numbers of the whole table; none where only assertions were judged.
    pub numbers: Vec<FigureDocument>,
    /// The table, the rules and the assertions as cases with a number each.
    pub cases: Vec<Case>,
}

/// What a verdict is made of.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// What the rules said; `None` where only assertions were asked for.
    pub report: Option<&'a Report>,
    /// Whether rules were asked for by name, so that info counts too.
    pub selected: bool,
    /// The assertions.
    pub assertions: Vec<AssertionDocument>,
    /// The numbers.
    pub numbers: Vec<FigureDocument>,
    /// The processes that findings name.
    pub processes: Vec<ProfileDocument>,
    /// Every namespace, for --all-netns.
    pub namespaces: Option<Vec<NamespaceVerdict>>,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

impl Check {
    /// The document of a check that could not be made.
    pub fn failed(command: &'static str, snapshot: &Snapshot, message: &str) -> Check {
        let mut check = Check::new(snapshot, Parts::default());
        check.head.command = command;
        check.status = Status::Unknown;
        check.exit_status = crate::exit::UNKNOWN;
        check.summary = message.lines().next().unwrap_or_default().to_string();
        check.cases =
            vec![Case::new("table", "check", CaseOutcome::Unknown, check.summary.clone())];
        check
    }

    /// The document of a verdict.
    pub fn new(snapshot: &Snapshot, parts: Parts<'_>) -> Check {
        let Parts { report, selected, assertions, numbers, processes, namespaces, duration_ms } =
            parts;
        let whole = snapshot.coverage.table_is_whole();
        let mut status = report.map_or(Status::Ok, |r| r.status);
        status = assertions.iter().map(AssertionDocument::status).fold(status, Status::max);
        let shown = |f: &&crate::rules::finding::Finding| selected || f.severity > Severity::Info;
        let findings: Vec<FindingDocument> = report
            .map(|r| r.findings.iter().filter(shown).map(FindingDocument::from).collect())
            .unwrap_or_default();
        let rules = report.map(rules).unwrap_or_default();
        let mut cases = case::of_rules(&rules, &findings);
        cases.extend(assertions.iter().map(case::of_assertion));
        let source = snapshot.coverage.get("sock_diag");
        let cut = (!whole).then(|| {
            let reason = source.and_then(|s| s.reason.clone());
            reason.unwrap_or_else(|| "the socket table could not be read whole".into())
        });
        // A counter needs no table.
        if source.is_some() || report.is_some() {
            let table = case::of_table(status, &cases, cut);
            // What is certain in spite of a cut table stands; with rules it is never certain.
            let certain = report.is_none() && table.outcome == CaseOutcome::Unknown;
            let outcome = if certain { CaseOutcome::Skipped } else { table.outcome };
            cases.insert(
                0,
                Case {
                    details: table.details,
                    ..Case::new("table", table.name, outcome, table.text)
                },
            );
        }
        let mut check = Check {
            head: Head::new("check", snapshot),
            status,
            exit_status: crate::exit::code(status),
            summary: String::new(),
            duration_ms,
            findings,
            processes,
            rules,
            namespaces,
            counts: Counts::of(&assertions),
            assertions,
            numbers,
            cases,
        };
        check.summary = sentence::sentence(&check);
        check
    }
}

#[cfg(test)]
mod tests;
