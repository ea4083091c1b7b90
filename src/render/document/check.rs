//! The document of `check`.

use serde::Serialize;

use super::Head;
use super::diagnose::{FindingDocument, RuleDocument, rules};
use super::namespaces::NamespaceVerdict;
use super::profile::ProfileDocument;
use super::subject::Endpoint;
use crate::filter::assertion::Assertion;
use crate::model::Snapshot;
use crate::model::culprit::culprits;
use crate::model::owner::Provenance;
use crate::model::socket::Socket;
use crate::rules::engine::{Report, Status};
use crate::rules::finding::Severity;

/// Most offenders named for one assertion.
const MAX_OFFENDERS: usize = 10;

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
    /// What is wrong, worst first; info only for rules that were asked for by name.
    pub findings: Vec<FindingDocument>,
    /// The processes that findings name.
    pub processes: Vec<ProfileDocument>,
    /// Every rule that ran.
    pub rules: Vec<RuleDocument>,
    /// Every namespace that was looked at (--all-netns); null for a single one.
    pub namespaces: Option<Vec<NamespaceVerdict>>,
    /// Every assertion, in the order given.
    pub assertions: Vec<AssertionDocument>,
    /// Assertions by outcome.
    pub counts: Counts,
}

/// How an assertion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As wished.
    Pass,
    /// Not as wished.
    Fail,
    /// What it depends on could not be seen.
    Unknown,
}

impl Verdict {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
        }
    }
}

/// One assertion.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AssertionDocument {
    /// Its name, else the expression.
    pub name: String,
    /// As it was given.
    pub expression: String,
    /// What a failure amounts to.
    pub level: Severity,
    /// How it ended.
    pub outcome: Verdict,
    /// What was wished: operator and number.
    pub wanted: String,
    /// What was measured; null if it could not be.
    pub measured: Option<u64>,
    /// Why it is unknown.
    pub reason: Option<String>,
    /// Up to ten sockets that were counted although the assertion failed.
    pub offenders: Vec<Offender>,
}

/// One socket that was counted.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Offender {
    /// TCP state.
    pub state: &'static str,
    /// Near end.
    pub local: Endpoint,
    /// Far end.
    pub peer: Endpoint,
    /// Process id of the first holder.
    pub pid: Option<u32>,
    /// Its name.
    pub process: Option<String>,
    /// How the holder is known.
    pub provenance: Provenance,
}

/// Assertions by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Passed.
    pub pass: u64,
    /// Failed.
    pub fail: u64,
    /// Unknown.
    pub unknown: u64,
}

impl AssertionDocument {
    /// Judges an assertion on a snapshot.
    pub fn judge(assertion: &Assertion, snapshot: &Snapshot) -> AssertionDocument {
        let counted = || snapshot.sockets.iter().filter(|s| assertion.filter.matches(s));
        let measured = counted().count() as u64;
        let unseen = unseen(assertion, snapshot);
        let outcome = match (&unseen, assertion.holds(measured)) {
            (Some(_), _) => Verdict::Unknown,
            (None, true) => Verdict::Pass,
            (None, false) => Verdict::Fail,
        };
        let failed = outcome == Verdict::Fail;
        AssertionDocument {
            name: assertion.name.clone(),
            expression: assertion.expression.clone(),
            level: Severity::Critical,
            outcome,
            wanted: format!("{} {}", assertion.sign(), assertion.wanted),
            measured: unseen.is_none().then_some(measured),
            reason: unseen,
            offenders: counted()
                .take(if failed { MAX_OFFENDERS } else { 0 })
                .map(|s| offender(snapshot, s))
                .collect(),
        }
    }
}

/// Why a count cannot be trusted; `None` if it can.
fn unseen(assertion: &Assertion, snapshot: &Snapshot) -> Option<String> {
    use crate::model::state::{State, StateSet};
    if !snapshot.coverage.table_is_whole() {
        return Some("the socket table could not be read whole".into());
    }
    // Counting everything counts what this kernel shows; naming the state asks for it.
    let states = assertion.filter.states;
    let bound = states.has(State::BoundInactive) && states != StateSet::ALL;
    let unshown = snapshot.coverage.get("bound_inactive").and_then(|s| s.reason.clone());
    match unshown {
        Some(reason) if bound => Some(reason),
        _ if bound && !snapshot.has_netlink_facts() => {
            Some("bound sockets come by netlink only, which is refused here".into())
        }
        _ => None,
    }
}

fn offender(snapshot: &Snapshot, socket: &Socket) -> Offender {
    let holder = culprits(snapshot, socket).into_iter().next();
    Offender {
        state: socket.state.word(),
        local: Endpoint::of(socket.local_addr, socket.family, socket.local_port),
        peer: Endpoint::of(socket.peer_addr, socket.family, socket.peer_port),
        pid: holder.as_ref().and_then(|h| h.pid),
        process: holder.as_ref().and_then(|h| h.process.as_ref().map(ToString::to_string)),
        provenance: holder.map_or(Provenance::None, |h| h.provenance),
    }
}

impl Check {
    /// The document of a verdict. `report` is `None` where only assertions were asked for.
    pub fn new(
        snapshot: &Snapshot,
        report: Option<&Report>,
        selected: bool,
        assertions: Vec<AssertionDocument>,
    ) -> Check {
        let mut counts = Counts::default();
        let mut status = report.map_or(Status::Ok, |r| r.status);
        for assertion in &assertions {
            match assertion.outcome {
                Verdict::Pass => counts.pass += 1,
                Verdict::Fail => {
                    counts.fail += 1;
                    status = status.max(Status::Critical);
                }
                Verdict::Unknown => {
                    counts.unknown += 1;
                    status = status.max(Status::Unknown);
                }
            }
        }
        let shown = |f: &&crate::rules::finding::Finding| selected || f.severity > Severity::Info;
        Check {
            head: Head::new("check", snapshot),
            status,
            exit_status: crate::exit::code(status),
            findings: report
                .map(|r| r.findings.iter().filter(shown).map(FindingDocument::from).collect())
                .unwrap_or_default(),
            rules: report.map(rules).unwrap_or_default(),
            processes: Vec::new(),
            namespaces: None,
            assertions,
            counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::coverage::{Coverage, Seen};
    use crate::model::state::State;
    use crate::model::testing::{fresh, socket};

    fn judge(text: &str, snapshot: &Snapshot) -> AssertionDocument {
        AssertionDocument::judge(&Assertion::parse(text).unwrap(), snapshot)
    }

    fn three() -> Snapshot {
        let mut s = fresh();
        for port in 1..=3 {
            s.sockets.push(socket(State::CloseWait, "127.0.0.1:80", &format!("127.0.0.1:{port}")));
        }
        s
    }

    #[test]
    fn wish_and_measure_stand_side_by_side_and_offenders_are_named() {
        let a = judge("leak: count(state close-wait) == 0", &three());
        assert_eq!((a.outcome, a.measured, a.wanted.as_str()), (Verdict::Fail, Some(3), "== 0"));
        assert_eq!(a.offenders.len(), 3);
        let b = judge("count(state close-wait) <= 3", &three());
        assert_eq!((b.outcome, b.offenders.len()), (Verdict::Pass, 0));
    }

    #[test]
    fn what_could_not_be_seen_is_unknown_never_a_pass() {
        let mut s = three();
        s.coverage = Coverage::default();
        s.coverage.note("sock_diag", Seen::Partial, None, None);
        let a = judge("count(state listen) == 0", &s);
        assert_eq!((a.outcome, a.measured), (Verdict::Unknown, None));
        let check = Check::new(&s, None, false, vec![a]);
        assert_eq!((check.status, check.exit_status), (Status::Unknown, 3));
    }

    #[test]
    fn a_failure_beats_an_unknown() {
        let s = three();
        let fail = judge("count(state close-wait) == 0", &s);
        let pass = judge("count(state close-wait) == 3", &s);
        let check = Check::new(&s, None, false, vec![fail, pass]);
        assert_eq!((check.exit_status, check.counts), (2, Counts { pass: 1, fail: 1, unknown: 0 }));
    }
}
