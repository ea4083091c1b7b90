//! `half-closed-stuck`: a process has shut down its side and waits for a peer that says nothing.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number};

rule! {
    /// # What it does
    /// Finds processes that keep connections whose own side they have shut down (shutdown(SHUT_WR), FIN_WAIT2 with a descriptor), and
    /// on which the peer has sent nothing for long.
    ///
    /// # Why it matters
    /// While a process holds the descriptor no kernel timer ends FIN_WAIT2: net.ipv4.tcp_fin_timeout counts for orphans only. If the peer has
    /// forgotten the connection, it stays for ever, with its descriptor.
    ///
    /// # How it is measured
    /// FIN_WAIT2 with an inode, and tcpi_last_data_recv at least `min_idle_ms`. Sockets are counted by process. Of more than 512
    /// a sample, spread over all, is asked for its times.
    ///
    /// # Thresholds
    /// `warning`: so many stuck sockets of one process. `min_idle_ms`: silence of the peer that counts.
    ///
    /// # What can fool it
    /// A peer that thinks for long before it answers a finished request is silent too. It is therefore said as likely, not as certain.
    ///
    /// # What to do
    /// Give the reading side a timeout and close the connection when it passes. On the peer look for CLOSE_WAIT.
    ///
    /// # References
    /// shutdown(2), net/ipv4/tcp.c tcp_shutdown and tcp_close, RFC 9293 section 3.6
    RULE {
        id: "half-closed-stuck",
        summary: "shut down connections wait for silent peers and keep their descriptors",
        since: "0.1.0",
        family: Family::Closing,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many stuck sockets of one process." },
            Limit { key: "min_idle_ms", default: 60_000.0, min: 0.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts sockets on which the peer has sent nothing for at least so long." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets that are asked for their times.
const SAMPLE: usize = 512;

fn held(evidence: &Evidence<'_>) -> Vec<u32> {
    let rows = evidence.sockets(&evidence.survey().fin_wait2);
    rows.filter(|(_, s)| s.inode != 0).map(|(row, _)| row).collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    let held = held(evidence);
    if held.len() as f64 >= limits.least(&RULE, "warning") {
        let rows: Vec<u32> = Survey::spread(&held, SAMPLE).collect();
        // Whose they are matters once their times are known to.
        if matches!(check(evidence, &limits.lenient()), Outcome::Fired(_)) {
            wants.owners.extend(evidence.sockets(&rows).map(|(_, s)| s.inode));
        }
        wants.rows.extend(rows);
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let held = held(evidence);
    let timed: Vec<&Socket> = evidence
        .sockets(&held)
        .map(|(_, s)| s)
        .filter(|s| now.detail(s).is_some_and(|d| d.last_data_recv_ms.is_some()))
        .collect();
    let told = evidence.sockets(&held).any(|(_, s)| now.detail(s).is_some());
    if timed.is_empty()
        && (told || evidence.details_are_missing())
        && held.len() as f64 >= limits.least(&RULE, "warning")
    {
        let n = count(held.len() as u64, "socket", "sockets");
        return Outcome::unseen(format!("the times of {n} in FIN_WAIT2 could not be read"));
    }
    let by_pid = who::by_process(now, timed.iter().copied());
    // Of a sample each stands for as many as it was spread over.
    let weight =
        if held.len() > SAMPLE { held.len() as f64 / timed.len().max(1) as f64 } else { 1.0 };
    let findings: Vec<Finding> = by_pid
        .iter()
        .filter_map(|(pid, sockets)| finding(now, *pid, sockets, weight, limits))
        .collect();
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    Outcome::Clear(format!(
        "{} in FIN_WAIT2 held by processes, fewer than {} of any process with a silent peer",
        count(held.len() as u64, "socket", "sockets"),
        limits.get(&RULE, "warning")
    ))
}

fn finding(
    now: &Snapshot,
    pid: Option<u32>,
    sockets: &[&Socket],
    weight: f64,
    limits: &Limits,
) -> Option<Finding> {
    let who = who::process(now, pid);
    let limits = who::limits(limits, std::slice::from_ref(&who), None);
    let silent = |s: &Socket| now.detail(s).and_then(|d| d.last_data_recv_ms).unwrap_or_default();
    let stuck: Vec<&&Socket> = sockets
        .iter()
        .filter(|s| f64::from(silent(s)) >= limits.get(&RULE, "min_idle_ms"))
        .collect();
    let n = (stuck.len() as f64 * weight).round() as u64;
    let warning = limits.get(&RULE, "warning");
    if (n as f64) < warning || stuck.is_empty() {
        return None;
    }
    let oldest = stuck.iter().map(|s| silent(s)).max().unwrap_or_default();
    let about = if weight > 1.0 { "about " } else { "" };
    let name = who.name();
    Some(Finding {
        severity: Severity::Warning,
        certainty: Certainty::Likely,
        title: format!(
            "{about}{} that {name} has shut down {} for a silent peer",
            count(n, "connection", "connections"),
            if n == 1 { "waits" } else { "wait" }
        ),
        facts: BTreeMap::from([
            ("fin_wait2_held", n as f64),
            ("sampled", sockets.len() as f64),
            ("longest_silence_ms", f64::from(oldest)),
        ]),
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: vec![
            format!(
                "The peer of the oldest has sent nothing for {}; {} of them said nothing for at least {}.",
                duration(oldest.into()),
                number(n),
                duration(limits.get(&RULE, "min_idle_ms") as u64)
            ),
            format!("They lead to {}.", who::machines(stuck.iter().map(|s| **s))),
        ],
        why: "No kernel timer ends FIN_WAIT2 while a process holds it: each keeps its descriptor until the peer closes.".into(),
        next: vec![match who.pid {
            Some(pid) => format!("tcpvet list 'state fin-wait-2 and pid = {pid}' -i"),
            None => "tcpvet list 'state fin-wait-2' -i".into(),
        }],
        remedies: vec![Remedy::Application(format!(
            "{name}: after shutdown() wait for the end with a timeout, and close() when it passes; see why the peers do not close"
        ))],
        subject: Subject::Process(who),
        ..Finding::new(&RULE, now)
    })
}
