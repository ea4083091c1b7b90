//! The diagnosis for a person: a headline, the findings, worst first, one line for what is clear and one for what could not be told.

use super::{INDENT, labelled, states, unseen};
use crate::advise::Plan;
use crate::model::Snapshot;
use crate::model::culprit::Culprit;
use crate::phrase::{count, join};
use crate::render::style::{Style, wrapped};
use crate::render::table;
use crate::rules::engine::Report;
use crate::rules::finding::{Certainty, Finding, Remedy};
use crate::rules::outcome::{Cause, Outcome};

/// Findings written in full; the others stand in the overview.
const MAX_FINDINGS: usize = 10;

/// Findings in the overview; the rest is counted.
const MAX_ROWS: usize = 50;

/// Rules without a finding that are named; more of them are counted.
const MAX_CLEAR: usize = 5;

/// The whole text.
pub fn render(snapshot: &Snapshot, report: &Report, plan: &Plan, style: Style) -> String {
    let mut out = headline(snapshot, report, style);
    out.push_str(&unseen(style, snapshot));
    if report.findings.len() > 1 {
        out.push('\n');
        out.push_str(&overview(&report.findings, style));
    }
    for finding in report.findings.iter().take(MAX_FINDINGS) {
        out.push('\n');
        out.push_str(&block(finding, plan, style));
    }
    if report.findings.len() > MAX_FINDINGS {
        out.push_str(&format!("\nthe {MAX_FINDINGS} worst are told in full; --json has all\n"));
    }
    out.push('\n');
    out.push_str(&outcomes(report, style));
    out
}

fn headline(snapshot: &Snapshot, report: &Report, style: Style) -> String {
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
    let sockets = count(snapshot.sockets.len() as u64, "socket", "sockets");
    let by_state = states(&snapshot.by_state());
    let by_state = if by_state.is_empty() { String::new() } else { format!(" ({by_state})") };
    let text = format!("{findings}; {sockets} in {}{by_state}", snapshot.netns);
    wrapped(style, &format!("{} ", style.status(report.status)), 0, &text)
}

/// All findings at a glance; titles are cut where there is a width.
fn overview(findings: &[Finding], style: Style) -> String {
    let longest = findings.iter().map(|f| f.id.len()).max().unwrap_or_default();
    let room = style.width.map_or(usize::MAX, |w| w.saturating_sub(longest + 12));
    let rows: Vec<Vec<String>> = findings
        .iter()
        .take(MAX_ROWS)
        .map(|f| {
            let mut title: String = f.title.chars().take(room).collect();
            if f.title.chars().count() > room {
                title.pop();
                title.push('…');
            }
            vec![f.severity.word().to_string(), f.id.to_string(), title]
        })
        .collect();
    let mut out = table::short(&["SEVERITY", "FINDING", "WHAT"], &rows, &[]);
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_ROWS) {
        out.push_str(&format!("and {}; --json lists all\n", count(more as u64, "more", "more")));
    }
    out
}

/// One finding in full.
fn block(finding: &Finding, plan: &Plan, style: Style) -> String {
    let head = format!("{} {} ", style.severity(finding.severity), style.strong(finding.id));
    let likely = if finding.certainty == Certainty::Likely { " (likely)" } else { "" };
    let mut out = format!("{}{likely}\n", head.trim_end());
    out.push_str(&wrapped(style, "  ", 2, &finding.title));
    let who: Vec<String> = finding.subject.culprits().iter().map(Culprit::name).collect();
    if !who.is_empty() {
        out.push_str(&labelled(style, "who", &join(&who, 5)));
    }
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
    for item in plan.items.iter().filter(|i| i.findings.iter().any(|f| keys.contains(f))) {
        let now = if item.now.is_empty() { "(empty)" } else { item.now.as_str() };
        let text = format!("{}: {now} -> {}", item.knob.name, item.proposed);
        out.push_str(&labelled(style, label, &text));
        label = "";
    }
    out
}

/// What is clear and what could not be told.
fn outcomes(report: &Report, style: Style) -> String {
    let mut clear = Vec::new();
    // Rules that share a reason share its words.
    let mut unseen: Vec<(&str, Vec<String>)> = Vec::new();
    let mut absent: Vec<(&str, Vec<String>)> = Vec::new();
    for (rule, outcome) in &report.outcomes {
        let (cause, why) = match outcome {
            Outcome::Fired(_) => continue,
            Outcome::Clear(_) => {
                clear.push(rule.id.to_string());
                continue;
            }
            Outcome::NotEvaluated(cause, why) => (cause, why.as_str()),
        };
        let list = if *cause == Cause::Unseen { &mut unseen } else { &mut absent };
        match list.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, ids)) => ids.push(rule.id.to_string()),
            None => list.push((why, vec![rule.id.to_string()])),
        }
    }
    let told = |list: &[(&str, Vec<String>)]| {
        let parts: Vec<String> =
            list.iter().map(|(why, ids)| format!("{} ({why})", ids.join(", "))).collect();
        parts.join("; ")
    };
    let mut out = String::new();
    if !clear.is_empty() {
        let text = match clear.len() {
            n if n > MAX_CLEAR => format!("{n} rules; --json has what each of them saw"),
            _ => clear.join(", "),
        };
        out.push_str(&wrapped(style, &style.dim("clear"), INDENT, &text));
    }
    if !unseen.is_empty() {
        out.push_str(&wrapped(style, &style.strong("unknown"), INDENT, &told(&unseen)));
    }
    if !absent.is_empty() {
        out.push_str(&wrapped(style, &style.dim("skipped"), INDENT, &told(&absent)));
    }
    if !report.findings.is_empty() {
        let id = report.findings.first().map_or("", |f| f.id);
        out.push_str(&wrapped(
            style,
            &style.dim("more"),
            INDENT,
            &format!("tcpvet explain {id}; tcpvet advise"),
        ));
    }
    out
}
