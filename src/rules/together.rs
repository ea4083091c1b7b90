//! The reports of several network namespaces as one.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::engine::{Report, Status};
use super::finding::{Finding, Subject};
use super::outcome::{Cause, Outcome};
use crate::model::text::Text;
use crate::phrase::count;

/// One report out of those of several namespaces: the worst status, all findings, and for each rule the outcome that matters most: fired,
/// not seen somewhere, clear. What concerns the whole host is told once, by the first that saw it.
pub fn together(reports: Vec<(Text, Report)>) -> Report {
    let mut all = Report {
        blind: None,
        status: Status::Ok,
        findings: Vec::new(),
        outcomes: Vec::new(),
        named: BTreeSet::new(),
    };
    let mut told = BTreeSet::new();
    let mut by_rule = Vec::new();
    for (netns, report) in reports {
        all.status = all.status.max(report.status);
        all.blind = all.blind.or(report.blind);
        all.named.extend(report.named);
        all.findings.extend(report.findings.into_iter().filter(|f| is_new(&mut told, f)));
        for (at, (rule, outcome)) in report.outcomes.into_iter().enumerate() {
            if by_rule.len() <= at {
                by_rule.push((rule, Vec::new()));
            }
            if let Some((_, outcomes)) = by_rule.get_mut(at) {
                outcomes.push((netns.clone(), outcome));
            }
        }
    }
    all.findings.sort_by_cached_key(|f| (Reverse(f.severity), f.certainty, f.id, f.key()));
    all.outcomes = by_rule.into_iter().map(|(rule, outcomes)| (rule, whole(&outcomes))).collect();
    all.settled()
}

/// Whether a finding was not told yet: what every namespace says of the host is one thing.
fn is_new(told: &mut BTreeSet<&'static str>, finding: &Finding) -> bool {
    finding.subject != Subject::Host || told.insert(finding.id)
}

/// The outcome of one rule in several namespaces.
fn whole(outcomes: &[(Text, Outcome)]) -> Outcome {
    if outcomes.iter().any(|(_, o)| matches!(o, Outcome::Fired(_))) {
        return Outcome::Fired(Vec::new());
    }
    let of = |cause: Cause| {
        let reasons = outcomes.iter().filter_map(move |(netns, o)| match o {
            Outcome::NotEvaluated(c, why) if *c == cause => Some((netns, why)),
            _ => None,
        });
        reasons.collect::<Vec<_>>()
    };
    let named = |reasons: &[(&Text, &String)]| match reasons {
        [] => None,
        // A reason that all share is nobody's own.
        [(_, why), rest @ ..]
            if reasons.len() == outcomes.len() && rest.iter().all(|(_, w)| w == why) =>
        {
            Some((*why).clone())
        }
        [(netns, why)] => Some(format!("{netns}: {why}")),
        [(netns, why), rest @ ..] => {
            let more = count(rest.len() as u64, "namespace", "namespaces");
            Some(format!("{netns}: {why}; and in {more} more"))
        }
    };
    if let Some(why) = named(&of(Cause::Unseen)) {
        return Outcome::NotEvaluated(Cause::Unseen, why);
    }
    let clear: Vec<&String> = outcomes
        .iter()
        .filter_map(|(_, o)| if let Outcome::Clear(seen) = o { Some(seen) } else { None })
        .collect();
    match clear.as_slice() {
        [] => {}
        [seen, rest @ ..] if rest.iter().all(|s| s == seen) => {
            return Outcome::Clear((*seen).clone());
        }
        several => {
            return Outcome::Clear(format!("clear in {} namespaces", several.len()));
        }
    }
    // Where nobody tells it, it stays what it is in each.
    if let Some(why) = named(&of(Cause::Elsewhere)) {
        return Outcome::NotEvaluated(Cause::Elsewhere, why);
    }
    let why = named(&of(Cause::Absent)).unwrap_or_else(|| "no namespace was looked at".into());
    Outcome::NotEvaluated(Cause::Absent, why)
}

#[cfg(test)]
mod tests {
    use super::super::Evidence;
    use super::super::engine::run;
    use super::super::selection::Selection;
    use super::*;
    use crate::model::coverage::Seen;
    use crate::model::testing::{fresh, listener};

    fn of(name: &str, change: impl FnOnce(&mut crate::model::Snapshot)) -> (Text, Report) {
        let mut snapshot = fresh();
        snapshot.netns = Text::new(name.as_bytes());
        change(&mut snapshot);
        (snapshot.netns.clone(), run(&Selection::all(), &Evidence::new(&snapshot)))
    }

    fn outcome(report: &Report, id: &str) -> Outcome {
        report.outcomes.iter().find(|(rule, _)| rule.id == id).unwrap().1.clone()
    }

    #[test]
    fn what_is_wrong_anywhere_is_wrong_and_keeps_its_namespace() {
        let full = |s: &mut crate::model::Snapshot| s.sockets.push(listener("0.0.0.0:80", 9, 5));
        let report = together(vec![of("red", |_| ()), of("blue", full)]);
        assert_eq!(report.status, Status::Warning);
        let netns: Vec<&str> = report.findings.iter().map(|f| f.netns.as_str()).collect();
        assert!(netns.contains(&"blue") && !netns.contains(&"red"), "{netns:?}");
        assert_eq!(outcome(&report, "accept-queue-full"), Outcome::Fired(Vec::new()));
        assert!(matches!(outcome(&report, "close-wait-leak"), Outcome::Clear(_)));
    }

    #[test]
    fn what_could_not_be_seen_somewhere_is_not_clear() {
        let blind = |s: &mut crate::model::Snapshot| {
            s.coverage = crate::model::coverage::Coverage::default();
            s.coverage.note("sock_diag", Seen::Denied, None, None);
            s.coverage.seen("proc_net_tcp");
            s.sockets.push(listener("0.0.0.0:80", 9, 0));
        };
        let report = together(vec![of("red", |_| ()), of("blue", blind)]);
        match outcome(&report, "accept-queue-full") {
            Outcome::NotEvaluated(Cause::Unseen, why) => {
                assert!(why.starts_with("blue: "), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_concerns_the_host_is_told_once() {
        let full = |s: &mut crate::model::Snapshot| {
            let set = |s: &mut crate::model::Snapshot, name: &str, value: &str| {
                let value = crate::model::sysctl::Reading::Value(value.into());
                s.sysctls.0.insert(name.into(), value);
            };
            set(s, "fs.file-nr", "990 0 1000");
            set(s, "fs.file-max", "1000");
        };
        let alone = of("red", full).1;
        let hosts = alone.findings.iter().filter(|f| f.subject == Subject::Host).count();
        assert_eq!(hosts, 1, "{:?}", alone.findings);
        let report = together(vec![of("red", full), of("blue", full)]);
        assert_eq!(report.findings.iter().filter(|f| f.subject == Subject::Host).count(), 1);
    }
}
