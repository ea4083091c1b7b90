//! Runs the rules and makes the Report: every selected rule has an outcome, and the status follows from all of them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::finding::{Finding, Severity};
use super::fold::fold;
use super::outcome::{Cause, Outcome};
use super::selection::Selection;
use super::{Evidence, Rule};
use crate::model::coverage::Seen;
use crate::model::place::Place;

/// The verdict of a run. The order is that of precedence: what is certain and bad beats what could not be told, and that beats a
/// warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing wrong.
    Ok,
    /// A warning.
    Warning,
    /// It could not be told.
    Unknown,
    /// Something critical, or a failed assertion.
    Critical,
}

impl Status {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Unknown => "unknown",
            Status::Critical => "critical",
        }
    }

    /// The status that a severity alone gives; info changes nothing.
    pub fn of(severity: Severity) -> Status {
        match severity {
            Severity::Info => Status::Ok,
            Severity::Warning => Status::Warning,
            Severity::Critical => Status::Critical,
        }
    }
}

/// What came of all rules.
#[derive(Debug, Clone)]
pub struct Report {
    /// The verdict.
    pub status: Status,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Every rule that ran, with what it said; findings are moved to `findings`.
    pub outcomes: Vec<(&'static Rule, Outcome)>,
    /// Rules that were asked for by their ids: what these could not see makes the verdict unknown.
    pub named: BTreeSet<&'static str>,
    /// What every rule may rest on and was not there to be read, so that what is clear says too little.
    pub blind: Option<&'static str>,
}

impl Report {
    /// Settles what is told in another namespace only, now that no other is looked at.
    #[must_use]
    pub fn settled(mut self) -> Report {
        for (rule, outcome) in &mut self.outcomes {
            if let Outcome::NotEvaluated(cause @ Cause::Elsewhere, _) = outcome {
                let asked = self.named.contains(rule.id);
                *cause = if asked { Cause::Unseen } else { Cause::Absent };
                if asked {
                    self.status = self.status.max(Status::Unknown);
                }
            }
        }
        self
    }

    /// Every process that a finding names, by pid.
    pub fn culprits(&self) -> BTreeSet<u32> {
        let findings = self.findings.iter().flat_map(Finding::all);
        findings.flat_map(|f| f.subject.culprits()).filter_map(|c| c.pid).collect()
    }
}

/// Judges.
pub fn run(selection: &Selection, evidence: &Evidence<'_>) -> Report {
    let snapshot = evidence.now;
    let mut findings = Vec::new();
    let mut outcomes = Vec::new();
    // Of a namespace that may not be entered, limits, ages and settings are missing: what is clear of the rest says too little.
    let closed = snapshot.coverage.get("namespace").is_some_and(|s| s.state > Seen::Absent);
    // Every kernel with TCP has these counters: where they cannot be read, /proc is not there.
    let no_proc = snapshot.coverage.get("snmp").is_some_and(|s| s.state > Seen::Absent);
    let blind = if !snapshot.coverage.table_is_whole() {
        Some("the socket table could not be read whole")
    } else if closed {
        Some("the namespace may not be entered, and /proc tells little of it")
    } else if !snapshot.has_netlink_facts() {
        Some("limits, binds and ages come by netlink only, which is refused here")
    } else {
        no_proc.then_some("the counters of /proc could not be read")
    };
    let mut status = if blind.is_none() { Status::Ok } else { Status::Unknown };
    let (mut judged, mut unseen) = (0, 0);
    for rule in selection.rules() {
        let mut outcome = (rule.check)(evidence, &selection.limits);
        // What may stand in the unread part of the table cannot be called clear.
        if matches!(outcome, Outcome::Clear(_)) && !snapshot.coverage.table_is_whole() {
            let why = "the socket table could not be read whole".to_string();
            outcome = Outcome::NotEvaluated(Cause::Unseen, why);
        }
        judged += u32::from(!matches!(outcome, Outcome::NotEvaluated(..)));
        unseen += u32::from(matches!(outcome, Outcome::NotEvaluated(Cause::Unseen, _)));
        match &mut outcome {
            Outcome::Fired(fired) => findings.append(fired),
            Outcome::NotEvaluated(Cause::Unseen, _) if selection.is_named(rule) => {
                status = status.max(Status::Unknown);
            }
            Outcome::NotEvaluated(..) | Outcome::Clear(_) => {}
        }
        outcomes.push((rule, outcome));
    }
    if judged == 0 && unseen > 0 {
        status = Status::Unknown;
    }
    let place = Place::of(snapshot);
    for command in findings.iter_mut().flat_map(|f| &mut f.next) {
        *command = place.reach(command);
    }
    let mut findings = fold(findings);
    findings.sort_by_cached_key(|f| (Reverse(f.severity), f.certainty, f.id, f.key()));
    let worst = findings.iter().map(|f| Status::of(f.severity)).max().unwrap_or(Status::Ok);
    let named = outcomes.iter().map(|(rule, _)| *rule).filter(|r| selection.is_named(r));
    let named = named.map(|rule: &Rule| rule.id).collect();
    Report { status: status.max(worst), findings, outcomes, named, blind }
}

#[cfg(test)]
mod tests {
    use super::super::RULES;
    use super::*;
    use crate::model::sysctl::Reading;
    use crate::model::testing::{fresh, listener};

    #[test]
    fn what_was_not_there_to_be_read_is_told_whatever_else_was_found() {
        let mut s = fresh();
        s.sockets.push(listener("127.0.0.1:80", 6, 5));
        assert_eq!(run(&Selection::all(), &Evidence::new(&s)).blind, None);
        s.coverage.note("snmp", Seen::Failed, None, None);
        let report = run(&Selection::all(), &Evidence::new(&s));
        assert!(report.blind.is_some_and(|why| why.contains("/proc")));
    }

    #[test]
    fn critical_beats_unknown_beats_warning_beats_ok() {
        assert!(Status::Critical > Status::Unknown);
        assert!(Status::Unknown > Status::Warning && Status::Warning > Status::Ok);
        assert_eq!(Status::of(Severity::Info), Status::Ok);
    }

    #[test]
    fn a_table_that_was_not_read_whole_is_unknown_even_without_findings() {
        assert_eq!(run(&Selection::all(), &Evidence::new(&fresh())).status, Status::Ok);
        let mut cut = fresh();
        cut.coverage.note("sock_diag", Seen::Partial, None, None);
        assert_eq!(run(&Selection::all(), &Evidence::new(&cut)).status, Status::Unknown);
    }

    #[test]
    fn without_proc_nothing_is_well() {
        let mut s = fresh();
        s.coverage.note("snmp", Seen::Failed, None, None);
        assert_eq!(run(&Selection::all(), &Evidence::new(&s)).status, Status::Unknown);
    }

    #[test]
    fn nothing_that_could_be_evaluated_is_not_well() {
        let mut s = fresh();
        s.coverage.note("namespace", Seen::Partial, None, None);
        assert_eq!(run(&Selection::all(), &Evidence::new(&s)).status, Status::Unknown);
        // A family of rules of which none could be evaluated.
        let mut blind = fresh();
        blind.sysctls.0.clear();
        blind.sysctls.0.insert("net.ipv4.ip_local_port_range".into(), Reading::None(Seen::Denied));
        let mut ports = Selection::all();
        ports.select(["ports"]).unwrap();
        ports.ignore(["pool-oversized"]).unwrap();
        assert_eq!(run(&ports, &Evidence::new(&blind)).status, Status::Unknown);
    }

    #[test]
    fn what_a_rule_could_not_see_matters_only_if_it_was_asked_for() {
        let mut s = fresh();
        s.uncounted = None;
        let all = run(&Selection::all(), &Evidence::new(&s));
        assert_eq!(all.status, Status::Ok);
        assert_eq!(all.outcomes.len(), RULES.len());
        let one = Selection::one("descriptor-limit");
        assert_eq!(run(&one, &Evidence::new(&s)).status, Status::Unknown);
    }

    #[test]
    fn what_is_told_elsewhere_only_is_unseen_for_who_asks_for_it() {
        let mut s = fresh();
        s.sysctls.0.insert("net.ipv4.tcp_mem".into(), Reading::None(Seen::Absent));
        s.counters.0.insert("sockstat.TCP.mem".into(), 7);
        let cause = |report: &Report| {
            report.outcomes.iter().find_map(|(rule, outcome)| match outcome {
                Outcome::NotEvaluated(cause, _) if rule.id == "tcp-memory-pressure" => Some(*cause),
                _ => None,
            })
        };
        let all = run(&Selection::all(), &Evidence::new(&s)).settled();
        assert_eq!((cause(&all), all.status), (Some(Cause::Absent), Status::Ok));
        let one = run(&Selection::one("tcp-memory-pressure"), &Evidence::new(&s)).settled();
        assert_eq!((cause(&one), one.status), (Some(Cause::Unseen), Status::Unknown));
    }

    #[test]
    fn without_netlink_a_table_from_proc_says_too_little() {
        let mut s = fresh();
        s.sockets.push(listener("127.0.0.1:80", 9, 0));
        s.coverage = crate::model::coverage::Coverage::default();
        s.coverage.note("sock_diag", Seen::Denied, None, None);
        s.coverage.seen("proc_net_tcp");
        assert_eq!(run(&Selection::all(), &Evidence::new(&s)).status, Status::Unknown);
    }
}
