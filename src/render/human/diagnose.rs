//! The diagnosis for a person: a headline, the findings, worst first, one line for what is clear and one for what could not be told.

mod outcomes;
mod who;

use super::{labelled, states, unseen};
use crate::advise::Plan;
use crate::model::Snapshot;
use crate::model::profile::Profiles;
use crate::model::text::Text;
use crate::phrase::count;
use crate::render::style::{Style, wrapped};
use crate::render::table;
use crate::rules::engine::Report;
use crate::rules::finding::{Certainty, Finding, Remedy};
use crate::rules::outcome::{Cause, Outcome};
use outcomes::outcomes;
use who::who;

/// Findings written in full; the others stand in the overview.
const MAX_FINDINGS: usize = 10;

/// Findings in the overview; the rest is counted.
const MAX_ROWS: usize = 50;

/// What is told.
pub struct Told<'a> {
    /// Who and when, and what was seen.
    pub snapshot: &'a Snapshot,
    /// What is wrong.
    pub report: &'a Report,
    /// Sockets by state.
    pub by_state: [u64; 12],
    /// The processes that findings name.
    pub profiles: &'a Profiles,
    /// What to change, by namespace.
    pub plans: Vec<(&'a Text, &'a Plan)>,
    /// Namespaces without a socket; `None` if only one namespace was asked for.
    pub empty: Option<u64>,
}

impl<'a> Told<'a> {
    /// What is told of one namespace.
    pub fn one(
        snapshot: &'a Snapshot,
        report: &'a Report,
        plan: &'a Plan,
        profiles: &'a Profiles,
    ) -> Told<'a> {
        let plans = vec![(&snapshot.netns, plan)];
        Told { snapshot, report, by_state: snapshot.by_state(), profiles, plans, empty: None }
    }

    fn is_of_many(&self) -> bool {
        self.empty.is_some()
    }

    fn plan(&self, finding: &Finding) -> Option<&'a Plan> {
        self.plans.iter().find(|(netns, _)| **netns == finding.netns).map(|(_, plan)| *plan)
    }
}

/// The whole text.
pub fn render(told: &Told<'_>, style: Style) -> String {
    let report = told.report;
    let mut out = headline(told, style);
    out.push_str(&unseen(style, told.snapshot));
    if report.findings.len() > 1 {
        out.push('\n');
        out.push_str(&overview(told, style));
    }
    for finding in report.findings.iter().take(MAX_FINDINGS) {
        out.push('\n');
        out.push_str(&block(told, finding, style));
    }
    if report.findings.len() > MAX_FINDINGS {
        out.push_str(&format!("\nthe first {MAX_FINDINGS} are told in full; --json has all\n"));
    }
    out.push('\n');
    out.push_str(&outcomes(report, told.is_of_many(), style));
    out
}

fn headline(told: &Told<'_>, style: Style) -> String {
    let report = told.report;
    let findings = match report.findings.len() as u64 {
        0 => "no findings".to_string(),
        n => count(n, "finding", "findings"),
    };
    let unseen = |o: &Outcome| matches!(o, Outcome::NotEvaluated(Cause::Unseen, _));
    let open = report.outcomes.iter().filter(|(_, o)| unseen(o)).count();
    let findings = match open {
        0 => findings,
        n => format!("{findings}, {n} of {} rules could not be evaluated", report.outcomes.len()),
    };
    let sockets = count(told.by_state.iter().sum(), "socket", "sockets");
    let by_state = states(&told.by_state);
    let by_state = if by_state.is_empty() { String::new() } else { format!(" ({by_state})") };
    let place = match told.empty {
        None => told.snapshot.netns.to_string(),
        Some(empty) => {
            let looked = count(told.plans.len() as u64, "namespace", "namespaces");
            match empty {
                0 => looked,
                n => format!("{looked}, {} without any", count(n, "other", "others")),
            }
        }
    };
    let text = format!("{findings}; {sockets} in {place}{by_state}");
    wrapped(style, &format!("{} ", style.status(report.status)), 0, &text)
}

/// All findings at a glance; titles are cut where there is a width.
fn overview(told: &Told<'_>, style: Style) -> String {
    let findings = &told.report.findings;
    let longest = findings.iter().map(|f| f.id.len()).max().unwrap_or_default();
    let names = findings.iter().map(|f| f.netns.as_str().len()).max().unwrap_or_default().max(9);
    let names = if told.is_of_many() { names + 2 } else { 0 };
    let room = style.width.map_or(usize::MAX, |w| w.saturating_sub(longest + 12 + names));
    let rows: Vec<Vec<String>> = findings
        .iter()
        .take(MAX_ROWS)
        .map(|f| {
            let mut title: String = f.title.chars().take(room).collect();
            if f.title.chars().count() > room {
                title.pop();
                title.push('…');
            }
            let mut row = vec![f.severity.word().to_string(), f.id.to_string(), title];
            if told.is_of_many() {
                row.insert(1, f.netns.to_string());
            }
            row
        })
        .collect();
    let heads: &[&str] = match told.is_of_many() {
        true => &["SEVERITY", "NAMESPACE", "FINDING", "WHAT"],
        false => &["SEVERITY", "FINDING", "WHAT"],
    };
    let mut out = table::short(heads, &rows, &[]);
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_ROWS) {
        out.push_str(&format!("and {}; --json lists all\n", count(more as u64, "more", "more")));
    }
    out
}

/// One finding in full.
fn block(told: &Told<'_>, finding: &Finding, style: Style) -> String {
    let head = format!("{} {} ", style.severity(finding.severity), style.strong(finding.id));
    let likely = if finding.certainty == Certainty::Likely { " (likely)" } else { "" };
    let place = if told.is_of_many() { format!(" in {}", finding.netns) } else { String::new() };
    let mut out = format!("{}{place}{likely}\n", head.trim_end());
    out.push_str(&wrapped(style, "  ", 2, &finding.title));
    let culprits = finding.subject.culprits();
    out.push_str(&who(culprits, told.profiles, told.snapshot.time_ms, style));
    out.push_str(&labelled(style, "why", &finding.why));
    let mut label = "seen";
    for sentence in &finding.evidence {
        out.push_str(&labelled(style, label, sentence));
        label = "";
    }
    label = "so";
    for folded in &finding.folded {
        let text = format!("{}: {}", folded.id, folded.title);
        out.push_str(&labelled(style, label, &text));
        label = "";
    }
    label = "look";
    for command in &finding.next {
        out.push_str(&super::command(style, label, command));
        label = "";
    }
    label = "fix";
    // What follows from it goes with it: only its own cures are told, and the settings of all.
    for remedy in &finding.remedies {
        if let Remedy::Application(text) = remedy {
            out.push_str(&labelled(style, label, text));
            label = "";
        }
    }
    let keys: Vec<String> = finding.all().map(Finding::key).collect();
    let items = told.plan(finding).map_or(&[][..], |plan| &plan.items);
    for item in items.iter().filter(|i| i.findings.iter().any(|f| keys.contains(f))) {
        let now = if item.now.is_empty() { "(empty)" } else { item.now.as_str() };
        let text = format!("{}: {now} -> {}", item.knob.name, item.proposed);
        out.push_str(&labelled(style, label, &text));
        label = "";
    }
    out
}
