//! The document of `diagnose`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Head;
use super::namespaces::NamespaceVerdict;
use super::number::{ByState, Number};
use super::profile::{ProfileDocument, documents};
use super::subject::SubjectDocument;
use crate::model::Snapshot;
use crate::model::earlier::Since;
use crate::model::profile::Profiles;
use crate::model::text::Text;
use crate::rules::engine::{Report, Status};
use crate::rules::finding::{Certainty, Finding, Remedy, Severity};
use crate::rules::outcome::{Cause, Outcome};

/// What is wrong with this machine's TCP.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diagnose {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// The verdict.
    pub status: Status,
    /// Milliseconds between this look and the one it is compared with; null for a single look.
    pub compared_ms: Option<u32>,
    /// Counts.
    pub summary: Summary,
    /// What is wrong, worst first.
    pub findings: Vec<FindingDocument>,
    /// The processes that findings name.
    pub processes: Vec<ProfileDocument>,
    /// Every rule, with its outcome; of several namespaces the one that matters most.
    pub rules: Vec<RuleDocument>,
    /// Every namespace that was looked at (--all-netns); null for a single one.
    pub namespaces: Option<Vec<NamespaceVerdict>>,
    /// Namespaces without a socket, which were passed over (--all-netns); null for a single one.
    pub empty_namespaces: Option<u64>,
}

/// Counts of the table.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// All sockets.
    pub sockets: u64,
    /// By state.
    pub by_state: ByState,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FindingDocument {
    /// The rule.
    pub id: &'static str,
    /// Rule, namespace and subject: the same between runs.
    pub key: String,
    /// How bad, with what is folded into it.
    pub severity: Severity,
    /// How sure: `certain` if the kernel says so, `likely` if it is the likeliest reading.
    pub certainty: Certainty,
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Condition, number, threshold and place.
    pub title: String,
    /// About what.
    pub subject: SubjectDocument,
    /// The numbers by name.
    pub facts: BTreeMap<&'static str, Number>,
    /// When it becomes worse.
    pub thresholds: ThresholdsDocument,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// Why it matters.
    pub why: String,
    /// Commands that show more.
    pub next: Vec<String>,
    /// What to change, the application first.
    pub remedies: Vec<RemedyDocument>,
    /// What follows from it: findings of other rules that share its cause.
    pub folded: Vec<FindingDocument>,
}

/// Steps of severity, in the unit of the finding's number.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ThresholdsDocument {
    /// Where info begins.
    pub info: Option<Number>,
    /// Where warning begins.
    pub warning: Option<Number>,
    /// Where critical begins.
    pub critical: Option<Number>,
}

/// One thing that helps.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemedyDocument {
    /// `application`, or `setting` (see `advise`).
    pub kind: &'static str,
    /// What to do, or why the setting helps.
    pub text: String,
    /// The setting.
    pub knob: Option<&'static str>,
}

/// One rule and what it said.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RuleDocument {
    /// The rule.
    pub id: &'static str,
    /// `fired`, `clear` or `not_evaluated`.
    pub outcome: &'static str,
    /// What was seen, or why nothing could be said; null where it fired.
    pub reason: Option<String>,
    /// Why it was not evaluated: `unseen` if a source could not be read, `absent` if this kernel or namespace has no such thing or a second
    /// look is missing; null otherwise.
    pub cause: Option<Cause>,
    /// Worst severity of what it found; null where it did not fire.
    pub severity: Option<Severity>,
    /// Whether it was asked for by its id, so that what it could not see makes the verdict unknown.
    pub asked_for: bool,
}

impl From<&Finding> for FindingDocument {
    fn from(f: &Finding) -> Self {
        FindingDocument {
            id: f.id,
            key: f.key(),
            severity: f.severity,
            certainty: f.certainty,
            netns: f.netns.clone(),
            title: f.title.clone(),
            subject: (&f.subject).into(),
            facts: f.facts.iter().map(|(name, value)| (*name, Number(*value))).collect(),
            thresholds: ThresholdsDocument {
                info: f.thresholds.info.map(Number),
                warning: f.thresholds.warning.map(Number),
                critical: f.thresholds.critical.map(Number),
            },
            evidence: f.evidence.clone(),
            why: f.why.clone(),
            next: f.next.clone(),
            remedies: f.remedies.iter().map(RemedyDocument::from).collect(),
            folded: f.folded.iter().map(FindingDocument::from).collect(),
        }
    }
}

impl From<&Remedy> for RemedyDocument {
    fn from(remedy: &Remedy) -> Self {
        match remedy {
            Remedy::Application(text) => {
                RemedyDocument { kind: "application", text: text.clone(), knob: None }
            }
            Remedy::Setting { knob, because, .. } => {
                RemedyDocument { kind: "setting", text: because.clone(), knob: Some(knob) }
            }
        }
    }
}

/// The outcomes of all rules.
pub fn rules(report: &Report) -> Vec<RuleDocument> {
    let row = |(rule, outcome): &(&'static crate::rules::Rule, Outcome)| {
        let (outcome, reason, cause) = match outcome {
            Outcome::Fired(_) => ("fired", None, None),
            Outcome::Clear(seen) => ("clear", Some(seen.clone()), None),
            Outcome::NotEvaluated(cause, why) => {
                ("not_evaluated", Some(why.clone()), Some(cause.told()))
            }
        };
        let found = report.findings.iter().flat_map(Finding::all).filter(|f| f.id == rule.id);
        RuleDocument {
            id: rule.id,
            outcome,
            reason,
            cause,
            severity: found.map(|f| f.severity).max(),
            asked_for: report.named.contains(rule.id),
        }
    };
    report.outcomes.iter().map(row).collect()
}

impl Diagnose {
    /// The document of a report.
    pub fn new(
        snapshot: &Snapshot,
        since: Option<&Since>,
        report: &Report,
        profiles: &Profiles,
    ) -> Diagnose {
        Diagnose {
            head: Head::new("diagnose", snapshot),
            status: report.status,
            compared_ms: since.map(|s| s.elapsed_ms),
            summary: Summary {
                sockets: snapshot.sockets.len() as u64,
                by_state: ByState(snapshot.by_state()),
            },
            findings: report.findings.iter().map(FindingDocument::from).collect(),
            processes: documents(profiles),
            rules: rules(report),
            namespaces: None,
            empty_namespaces: None,
        }
    }

    /// The document of the reports of several namespaces, made one.
    pub fn everywhere(
        shared: &Snapshot,
        compared_ms: Option<u32>,
        report: &Report,
        profiles: &Profiles,
        namespaces: Vec<NamespaceVerdict>,
        empty: u64,
    ) -> Diagnose {
        let mut by_state = [0; 12];
        for one in &namespaces {
            by_state.iter_mut().zip(one.by_state.0).for_each(|(sum, n)| *sum += n);
        }
        Diagnose {
            summary: Summary { sockets: by_state.iter().sum(), by_state: ByState(by_state) },
            compared_ms,
            namespaces: Some(namespaces),
            empty_namespaces: Some(empty),
            ..Diagnose::new(shared, None, report, profiles)
        }
    }
}
