//! The verdict for cron and eyes: one line first, and a line for each assertion that did not pass.

use crate::phrase::count;
use crate::render::document::check::{AssertionDocument, Check, Verdict};
use crate::render::document::diagnose::RuleDocument;
use crate::rules::outcome::Cause;

/// Titles named in the one line.
const MAX_TITLES: usize = 3;

/// The whole text.
pub fn render(check: &Check) -> String {
    let mut out = format!("{}: {}\n", check.status.word().to_uppercase(), sentence(check));
    for assertion in &check.assertions {
        if assertion.outcome != Verdict::Pass {
            out.push_str(&line(assertion));
        }
    }
    out
}

fn sentence(check: &Check) -> String {
    let mut parts = Vec::new();
    if !check.assertions.is_empty() {
        let c = check.counts;
        parts.push(format!(
            "{}: {} passed, {} failed, {} unknown",
            count(check.assertions.len() as u64, "assertion", "assertions"),
            c.pass,
            c.fail,
            c.unknown
        ));
        let failed = check.assertions.iter().filter(|a| a.outcome == Verdict::Fail);
        parts.extend(failed.take(MAX_TITLES).map(|a| {
            format!("{} measured {}, wanted {}", a.name, a.measured.unwrap_or_default(), a.wanted)
        }));
    }
    let shown = check.findings.iter().take(MAX_TITLES);
    parts.extend(shown.map(|f| {
        let worse = f.severity.word() == check.status.word();
        let severity = if worse { String::new() } else { format!("{} ", f.severity.word()) };
        let many = check.namespaces.is_some();
        let place = if many { format!(" in {}", f.netns) } else { String::new() };
        format!("{severity}{}{place}: {}", f.id, f.title)
    }));
    if let Some(more @ 1..) = check.findings.len().checked_sub(MAX_TITLES) {
        parts.push(format!("{more} more"));
    }
    let of = |outcome: &str| check.rules.iter().filter(|r| r.outcome == outcome).count() as u64;
    if check.findings.is_empty() && !check.rules.is_empty() {
        parts.push(format!("{} clear", count(of("clear"), "rule", "rules")));
    }
    let told = |id: &str| check.findings.iter().any(|f| f.id == id);
    let silent = check.rules.iter().filter(|r| r.outcome == "fired" && !told(r.id));
    let silent: Vec<&str> = silent.map(|r| r.id).collect();
    if !silent.is_empty() {
        parts.push(format!("info only: {}", silent.join(", ")));
    }
    let open: Vec<_> = check.rules.iter().filter(|r| r.cause == Some(Cause::Unseen)).collect();
    let told = |r: &&RuleDocument| {
        format!("{} not evaluated: {}", r.id, r.reason.as_deref().unwrap_or(""))
    };
    parts.extend(open.iter().take(MAX_TITLES).map(told));
    if let Some(more @ 1..) = open.len().checked_sub(MAX_TITLES) {
        parts.push(format!("{} not evaluated", count(more as u64, "more rule", "more rules")));
    }
    let table = check.head.coverage.sources.iter().find(|s| s.name == "sock_diag");
    if let Some(reason) = table.and_then(|s| s.reason.as_ref()) {
        parts.push(format!("sock_diag: {reason}"));
    }
    parts.join("; ")
}

fn line(a: &AssertionDocument) -> String {
    let name = if a.name == a.expression { String::new() } else { format!("{}: ", a.name) };
    let mut out = match (a.outcome, a.measured) {
        (Verdict::Fail, Some(measured)) => {
            format!("FAIL {name}{}: measured {measured}, wanted {}\n", a.expression, a.wanted)
        }
        _ => {
            let why = a.reason.as_deref().unwrap_or("not measured");
            format!("UNKNOWN {name}{}: {why}\n", a.expression)
        }
    };
    for o in &a.offenders {
        let end = |e: &crate::render::document::subject::Endpoint| {
            let port = e.port.map_or("*".to_string(), |p| p.to_string());
            if e.addr.contains(':') {
                format!("[{}]:{port}", e.addr)
            } else {
                format!("{}:{port}", e.addr)
            }
        };
        let who = match (&o.process, o.pid) {
            (Some(process), Some(pid)) => format!(" {process}[{pid}]"),
            (None, Some(pid)) => format!(" [{pid}]"),
            _ => String::new(),
        };
        out.push_str(&format!("  {} {} -> {}{who}\n", o.state, end(&o.local), end(&o.peer)));
    }
    out
}
