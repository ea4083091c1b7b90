//! The document of `run`: how the command ended, what it left behind, what happened meanwhile.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Head;
use super::assertion::{AssertionDocument, Counts, Offender};
use super::case::{self, Case, CaseOutcome};
use crate::model::Snapshot;
use crate::model::text::Text;
use crate::phrase::count;
use crate::rules::engine::Status;

/// A command, and what it did to the sockets.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunDocument {
    /// Head; the time is that of the look after the command had ended.
    #[serde(flatten)]
    pub head: Head,
    /// The verdict on the sockets and on the command, which is critical if it did not end with 0.
    pub status: Status,
    /// The verdict on the sockets alone.
    pub sockets: Status,
    /// The exit status of this program: the command's own if that is not 0, else that of the verdict.
    pub exit_status: u8,
    /// The verdict in one line.
    pub summary: String,
    /// How long the command and the looks took, milliseconds.
    pub duration_ms: u64,
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Whether that was made for the command.
    pub isolated: bool,
    /// The command.
    pub ran: RanDocument,
    /// What it left behind.
    pub left: LeftDocument,
    /// Counters that grew meanwhile, by their names in nstat; null if they could not be compared.
    pub counters: Option<BTreeMap<String, u64>>,
    /// Every assertion, in the order given.
    pub assertions: Vec<AssertionDocument>,
    /// Assertions by outcome.
    pub counts: Counts,
    /// The command, what it left and the assertions as cases.
    pub cases: Vec<Case>,
}

/// How the command ended. Its arguments may hold secrets, and are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RanDocument {
    /// The program as it was named.
    pub program: String,
    /// Its process id; null if it could not be started.
    pub pid: Option<u32>,
    /// Its exit status, 128 and the signal if one ended it, 126 or 127 if it could not be started.
    pub exit_status: u8,
    /// The signal that ended it; null if it ended by itself.
    pub signal: Option<u8>,
    /// How long it ran, milliseconds.
    pub ran_ms: u64,
}

/// Sockets that came while the command ran and were there when it had ended and the time to settle was over.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftDocument {
    /// Connections that the peer has closed and the program has not.
    pub close_wait: LeftKind,
    /// Connections of processes that were started meanwhile.
    pub open: LeftKind,
    /// Listeners.
    pub listeners: LeftKind,
    /// Connections in TIME_WAIT.
    pub time_wait: u64,
    /// Distinct ephemeral ports that these hold.
    pub time_wait_ports: u64,
    /// Whether TIME_WAIT of the beginning may be over by now: it lasts a minute.
    pub time_wait_is_cut: bool,
    /// Connections that a process closed and the kernel cannot bring to an end: the peer does not take what is left.
    pub orphans: LeftOrphans,
    /// Connections of processes that were there before, or that no process in sight holds.
    pub of_others: u64,
    /// Connections whose owner is hidden, so that nobody can say whose they are.
    pub hidden: u64,
    /// Whether all of this is known: the tables of before and after were read whole.
    pub known: bool,
}

/// Connections that no process holds any more and that are not closed yet (FIN_WAIT1, CLOSING, LAST_ACK).
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftOrphans {
    /// How many.
    pub sockets: u64,
    /// Bytes that wait in them, each connection's FIN counted as one.
    pub unsent_bytes: u64,
}

/// One kind of what is left.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftKind {
    /// How many.
    pub sockets: u64,
    /// Whether that was accepted with --allow.
    pub allowed: bool,
    /// Up to ten of them.
    pub offenders: Vec<Offender>,
}

impl LeftDocument {
    /// Whether it is known that there is nothing.
    fn is_nothing(&self) -> bool {
        let kinds = [&self.close_wait, &self.open, &self.listeners];
        let counted = [self.hidden, self.orphans.sockets].iter().all(|n| *n == 0);
        self.known && counted && kinds.iter().all(|k| k.sockets == 0)
    }

    /// What is counted, by name.
    pub fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("close_wait", self.close_wait.sockets),
            ("open", self.open.sockets),
            ("listeners", self.listeners.sockets),
            ("time_wait", self.time_wait),
        ]
    }
}

/// Counters that tell of connections refused by a listener of this namespace.
pub const DROPS: [&str; 2] = ["TcpExtListenOverflows", "TcpExtListenDrops"];

/// What a run is judged by.
#[derive(Debug)]
pub struct Parts {
    /// The command.
    pub ran: RanDocument,
    /// What it left.
    pub left: LeftDocument,
    /// Counters that grew.
    pub counters: Option<BTreeMap<String, u64>>,
    /// Whether refused connections were accepted with --allow.
    pub drops_allowed: bool,
    /// The assertions.
    pub assertions: Vec<AssertionDocument>,
    /// Whether it ran in a namespace of its own.
    pub isolated: bool,
    /// Milliseconds in all.
    pub duration_ms: u64,
}

impl RunDocument {
    /// The document of a run.
    pub fn new(snapshot: &Snapshot, parts: Parts) -> RunDocument {
        let mut cases = vec![of_command(&parts.ran)];
        cases.extend(of_left(&parts, snapshot.host.euid == Some(0)));
        let judged = cases.iter().skip(1).map(|c| c.outcome.status());
        let mut status = judged.fold(Status::Ok, Status::max);
        let Parts { ran, left, counters, assertions, isolated, duration_ms, .. } = parts;
        status = assertions.iter().map(AssertionDocument::status).fold(status, Status::max);
        cases.extend(assertions.iter().map(case::of_assertion));
        let code = crate::exit::code(status);
        let sockets = status;
        let failed = if ran.exit_status == 0 { Status::Ok } else { Status::Critical };
        let mut run = RunDocument {
            head: Head::new("run", snapshot),
            status: status.max(failed),
            sockets,
            exit_status: if ran.exit_status == 0 { code } else { ran.exit_status },
            summary: String::new(),
            duration_ms,
            netns: snapshot.netns.clone(),
            isolated,
            ran,
            left,
            counters,
            counts: Counts::of(&assertions),
            assertions,
            cases,
        };
        run.summary = run.sentence();
        run
    }

    fn sentence(&self) -> String {
        let mut parts = Vec::new();
        let ran = &self.ran;
        parts.push(match (ran.signal, ran.exit_status) {
            (Some(signal), _) => format!("{} ended by signal {signal}", ran.program),
            (None, 0) => format!("{} ended well", ran.program),
            (None, status) => format!("{} ended with {status}", ran.program),
        });
        let wrong = self.cases.iter().skip(1).filter(|c| !c.is_well() && c.group == "run");
        parts.extend(wrong.map(|c| c.text.clone()));
        if !self.assertions.is_empty() {
            let c = self.counts;
            parts.push(format!(
                "{}: {} passed, {} failed, {} unknown",
                count(self.assertions.len() as u64, "assertion", "assertions"),
                c.pass,
                c.fail,
                c.unknown
            ));
        }
        if self.left.orphans.sockets > 0 {
            let many = count(self.left.orphans.sockets, "connection", "connections");
            parts.push(format!("{many} still being closed"));
        }
        if self.sockets == Status::Ok && self.left.is_nothing() {
            parts.push("nothing left behind".into());
        }
        parts.join("; ")
    }
}

fn of_command(ran: &RanDocument) -> Case {
    let outcome = if ran.exit_status == 0 { CaseOutcome::Ok } else { CaseOutcome::Critical };
    let text = match ran.signal {
        Some(signal) => format!("{}: signal {signal}", ran.program),
        None => format!("{}: exit status {}", ran.program, ran.exit_status),
    };
    Case { took_ms: ran.ran_ms, ..Case::new("run", "command", outcome, text) }
}

fn of_left(parts: &Parts, is_root: bool) -> Vec<Case> {
    let left = &parts.left;
    let kind = |name: &str, kind: &LeftKind, worst, what: (&str, &str), how: &str| {
        let outcome = match (kind.sockets, kind.allowed, left.known) {
            (0, _, true) => CaseOutcome::Ok,
            (0, true, false) | (1.., true, _) => CaseOutcome::Skipped,
            (0, false, false) => CaseOutcome::Unknown,
            (1.., false, _) => worst,
        };
        let text = match (kind.sockets, left.known) {
            (0, false) => {
                "sockets cannot be told apart: netlink is refused, or the table was cut".to_string()
            }
            (n, _) => format!("{} {how}", count(n, what.0, what.1)),
        };
        let mut case = Case::new("run", name, outcome, text);
        case.details = kind.offenders.iter().map(Offender::line).collect();
        if let Some(more @ 1..) = kind.sockets.checked_sub(case.details.len() as u64) {
            case.details.push(format!("and {more} more"));
        }
        case
    };
    let mut cases = vec![
        kind(
            "close-wait",
            &left.close_wait,
            CaseOutcome::Critical,
            ("connection", "connections"),
            "left in CLOSE_WAIT",
        ),
        kind("open", &left.open, CaseOutcome::Warning, ("connection", "connections"), "left open"),
        kind(
            "listeners",
            &left.listeners,
            CaseOutcome::Warning,
            ("listener", "listeners"),
            "left behind",
        ),
    ];
    let (outcome, text) = match &parts.counters {
        None => (CaseOutcome::Unknown, "counters could not be compared".to_string()),
        Some(counters) => {
            let refused = DROPS.iter().filter_map(|name| counters.get(*name)).max().copied();
            match refused.unwrap_or_default() {
                0 => (CaseOutcome::Ok, "no connection refused by a listener".to_string()),
                n => (
                    CaseOutcome::Warning,
                    format!("{} refused by a listener", count(n, "connection", "connections")),
                ),
            }
        }
    };
    let outcome = if parts.drops_allowed && outcome != CaseOutcome::Ok {
        CaseOutcome::Skipped
    } else {
        outcome
    };
    cases.push(Case::new("run", "drops", outcome, text));
    let open = cases.iter_mut().find(|c| c.name == "open" && c.outcome == CaseOutcome::Ok);
    if let Some(open) = open.filter(|_| left.hidden > 0) {
        // Nobody can say whose they are: a command may have left them under another user.
        let many = count(left.hidden, "connection", "connections");
        let outcome = if left.open.allowed { CaseOutcome::Skipped } else { CaseOutcome::Unknown };
        let rights = if is_root { "" } else { "run as root, or " };
        let text = format!(
            "{many} that came meanwhile, and of whom is out of sight ({rights}with --isolate all is the command's)"
        );
        *open = Case::new("run", "open", outcome, text);
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::fresh;

    fn ran(exit_status: u8) -> RanDocument {
        RanDocument { program: "make".into(), pid: Some(7), exit_status, signal: None, ran_ms: 13 }
    }

    fn run(exit_status: u8, left: LeftDocument, drops: u64) -> RunDocument {
        let counters = Some(BTreeMap::from([("TcpExtListenOverflows".to_string(), drops)]));
        let parts = Parts {
            ran: ran(exit_status),
            left,
            counters,
            drops_allowed: false,
            assertions: Vec::new(),
            isolated: true,
            duration_ms: 17,
        };
        RunDocument::new(&fresh(), parts)
    }

    fn left(close_wait: u64, listeners: u64) -> LeftDocument {
        let kind = |sockets| LeftKind { sockets, ..LeftKind::default() };
        LeftDocument {
            close_wait: kind(close_wait),
            listeners: kind(listeners),
            known: true,
            ..LeftDocument::default()
        }
    }

    #[test]
    fn the_command_comes_first_then_the_table() {
        for (command, close_wait, listeners, drops, want) in [
            (0, 0, 0, 0, 0),
            (0, 3, 1, 0, 2),
            (0, 0, 1, 0, 1),
            (0, 0, 0, 5, 1),
            (7, 3, 0, 0, 7),
            (143, 0, 0, 0, 143),
        ] {
            let run = run(command, left(close_wait, listeners), drops);
            assert_eq!(run.exit_status, want, "{command} {close_wait} {listeners} {drops}");
        }
        let both = run(7, left(3, 0), 0);
        assert_eq!((both.sockets, both.ran.exit_status), (Status::Critical, 7), "both are told");
        let failed = run(7, left(0, 0), 0);
        assert_eq!(
            (failed.sockets, failed.status, failed.exit_status),
            (Status::Ok, Status::Critical, 7)
        );
        assert_eq!(both.summary, "make ended with 7; 3 connections left in CLOSE_WAIT");
    }

    #[test]
    fn what_was_not_seen_is_not_well_and_what_is_allowed_is() {
        let blind = LeftDocument { known: false, ..left(0, 0) };
        assert_eq!(run(0, blind, 0).exit_status, 3);
        let hidden = LeftDocument { hidden: 5, ..left(0, 0) };
        assert_eq!(run(0, hidden, 0).exit_status, 3, "nobody can say whose they are");
        let mut allowed = left(3, 0);
        allowed.close_wait.allowed = true;
        assert_eq!(run(0, allowed, 0).exit_status, 0);
    }
}
