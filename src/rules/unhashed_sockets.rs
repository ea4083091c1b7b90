//! `unhashed-sockets`: TCP descriptors that lead to no socket of any table.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::culprit::culprit;
use crate::model::earlier::Depth;
use crate::model::owner::Process;
use crate::model::wants::Wants;
use crate::phrase::{count, join, number};

rule! {
    /// # What it does
    /// Finds processes that keep TCP descriptors which no socket table shows: neither ss nor netstat nor /proc/net/tcp has them.
    ///
    /// # Why it matters
    /// A connection that was reset, or ended by keepalive, leaves every table while its descriptor stays open until the process closes it. It is a
    /// leak that nobody sees before EMFILE.
    ///
    /// # How it is measured
    /// How many there can be is bounded by /proc/net/sockstat and /proc/net/protocols: sockets that processes of the namespace have made less
    /// those that their protocols have in use. Only if that leaves room are descriptors looked at: by BPF where it is allowed, else in
    /// /proc/PID/fd; those of TCP (system.sockprotoname) that match no socket before and after a second dump are counted.
    ///
    /// # Thresholds
    /// `warning`: so many such descriptors of one process. It is never critical: sockets that a process brought from another network namespace,
    /// and sockets that were made and never bound, look the same.
    ///
    /// # What can fool it
    /// The kernel's own UDP sockets of tunnels count as in use and lower the bound by one each; more than four of them can hide as many. See the
    /// thresholds. A server that keeps spare unbound sockets ready does nothing wrong.
    ///
    /// # What to do
    /// Close the descriptor when a read or write fails, on every path: ECONNRESET, EPIPE and ETIMEDOUT end a connection, not its descriptor.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_done, net/ipv4/inet_hashtables.c inet_unhash, xattr(7)
    RULE {
        id: "unhashed-sockets",
        summary: "TCP descriptors that lead to no socket of any table",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 10.0, min: 1.0, max: 10_000_000.0, unit: "descriptors",
                doc: "Warns from so many TCP descriptors of one process that lead to no socket." },
        ],
        wants: wants,
        check: check,
    }
}

/// The kernel's own sockets of tunnels (VXLAN, WireGuard: one or two each) are in use and made by no process, and lower the bound: it is
/// looked so much earlier.
const KERNELS_OWN: f64 = 4.0;

fn wants(_: &Evidence<'_>, limits: &Limits) -> Wants {
    let from = (limits.least(&RULE, "warning") - KERNELS_OWN).max(1.0);
    Wants { descriptors: true, unhashed_from: from as i64, ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let found: Vec<Finding> =
        now.processes.values().filter_map(|p| finding(now, p, limits)).collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    let most = now.unhashed_at_most(evidence.survey()).max(0);
    let source = now.coverage.get("descriptors").filter(|s| s.state > Seen::Absent);
    match source {
        Some(source) if most as f64 >= limits.least(&RULE, "warning") => {
            Outcome::unseen(source.reason.clone().unwrap_or_default())
        }
        _ if most == i64::MAX => {
            Outcome::Clear("no process keeps TCP descriptors without a socket".into())
        }
        _ => Outcome::Clear(format!(
            "at most {} without a socket",
            count(most.unsigned_abs(), "descriptor", "descriptors")
        )),
    }
}

fn finding(now: &Snapshot, process: &Process, limits: &Limits) -> Option<Finding> {
    let n = process.unhashed.filter(|n| *n > 0)?;
    let who = culprit(now, process.pid);
    let limits = who::limits(limits, std::slice::from_ref(&who), None);
    let warning = limits.get(&RULE, "warning");
    if f64::from(n) < warning {
        return None;
    }
    let name = who.name();
    let fds: Vec<String> = process.unhashed_fds.iter().map(u32::to_string).collect();
    let mut facts = BTreeMap::from([("unhashed", f64::from(n))]);
    let mut said = vec![format!(
        "They were reset or timed out, or never bound; ss and netstat do not show them. Descriptors: {}.",
        join(&fds, 5)
    )];
    if let (Some(used), Some(limit)) = (process.descriptors, process.descriptor_limit) {
        facts.extend([("descriptors", used as f64), ("descriptor_limit", limit as f64)]);
        said.push(format!("{} of {} descriptors are in use.", number(used), number(limit)));
    }
    let one = process.unhashed_fds.first().copied().unwrap_or_default();
    Some(Finding {
        severity: Severity::Warning,
        title: format!(
            "{} of {name} lead to no socket any more",
            count(n.into(), "TCP descriptor", "TCP descriptors")
        ),
        facts,
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: said,
        why: "Each keeps a descriptor until the process closes it or ends; no socket table shows the leak.".into(),
        next: vec![
            format!("getfattr --absolute-names -n system.sockprotoname /proc/{}/fd/{one}", process.pid),
            format!("ls -l /proc/{}/fd | grep -c socket:", process.pid),
        ],
        remedies: vec![Remedy::Application(format!(
            "{name}: close the descriptor when a read or write fails (ECONNRESET, EPIPE, ETIMEDOUT), on every path"
        ))],
        subject: Subject::Process(who),
        ..Finding::new(&RULE, now)
    })
}
