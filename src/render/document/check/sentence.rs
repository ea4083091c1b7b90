//! The verdict in one line.

use std::collections::BTreeMap;

use super::Check;
use crate::assertions::reading::Verdict;
use crate::phrase::count;
use crate::render::document::assertion::AssertionDocument;
use crate::render::document::diagnose::RuleDocument;
use crate::rules::outcome::Cause;

/// Titles named in the one line.
const MAX_TITLES: usize = 3;

/// What monitoring shows of it.
pub(super) fn sentence(check: &Check) -> String {
    let mut parts = Vec::new();
    let (ranges, typed): (Vec<_>, Vec<_>) = check.assertions.iter().partition(|a| a.is_range);
    parts.extend(beyond(&ranges));
    if !typed.is_empty() {
        let of = |outcome: Verdict| typed.iter().filter(|a| a.outcome == outcome).count();
        parts.push(format!(
            "{}: {} passed, {} failed, {} unknown",
            count(typed.len() as u64, "assertion", "assertions"),
            of(Verdict::Pass),
            of(Verdict::Fail),
            of(Verdict::Unknown)
        ));
        let failed = typed.iter().filter(|a| a.outcome == Verdict::Fail);
        parts.extend(failed.take(MAX_TITLES).map(|a| format!("{} {}", a.name, a.sentence())));
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
    let all = || check.findings.iter().flat_map(|f| std::iter::once(f).chain(&f.folded));
    let told = |id: &str| all().any(|f| f.id == id);
    let silent = check.rules.iter().filter(|r| r.outcome == "fired" && !told(r.id));
    let silent: Vec<&str> = silent.map(|r| r.id).collect();
    if !silent.is_empty() {
        parts.push(format!("info only: {}", silent.join(", ")));
    }
    let open: Vec<_> = check
        .rules
        .iter()
        .filter(|r| r.cause == Some(Cause::Unseen) || r.cause.is_some() && r.asked_for)
        .collect();
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

/// Numbers beyond their ranges, each told once, by the worse of its two.
fn beyond(ranges: &[&AssertionDocument]) -> Vec<String> {
    let mut worst: BTreeMap<&str, &AssertionDocument> = BTreeMap::new();
    for range in ranges.iter().filter(|r| r.outcome != Verdict::Pass) {
        let number = range.name.split(' ').next().unwrap_or_default();
        let told = worst.entry(number).or_insert(range);
        if range.status() > told.status() {
            *told = range;
        }
    }
    let mut all: Vec<&AssertionDocument> = worst.into_values().collect();
    all.sort_by_key(|r| std::cmp::Reverse(r.status()));
    all.into_iter().map(AssertionDocument::range_sentence).collect()
}
