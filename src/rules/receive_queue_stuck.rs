//! `receive-queue-stuck`: a process does not read what has arrived.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{bytes, count, duration};

rule! {
    /// # What it does
    /// Finds processes on whose connections data has lain unread for long.
    ///
    /// # Why it matters
    /// The process is stuck, or forgot the connection. When its receive buffer is full the window closes, and the sender blocks: what looks like
    /// a slow network is this process. Unread data is kernel memory.
    ///
    /// # How it is measured
    /// Established, accepted, Recv-Q above zero, and nothing has come (tcpi_last_data_recv) for `min_ms`: what lies there is at least so old. The
    /// window it grants (tcpi_rcv_wnd, from Linux 6.2 on) tells whether the sender is blocked. With two looks the queue must not have changed either.
    /// Of more than 512 such connections those with the fullest queues are asked.
    ///
    /// # Thresholds
    /// `warning`: so many connections of one process with a closed window, or with at least `min_bytes` unread. Fewer of these inform. `info`: so many with anything unread.
    /// `min_ms`: age of the youngest data.
    ///
    /// # What can fool it
    /// A connection pool may leave a last message of the server unread until the connection is used again: little data, and info at most.
    ///
    /// # What to do
    /// See what the process does (its stack, its CPU). Close connections that nobody reads.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_recvmsg, net/ipv4/tcp_output.c __tcp_select_window, tcp(7)
    RULE {
        id: "receive-queue-stuck",
        summary: "a process does not read what has arrived",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Table,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many connections of one process with old unread data." },
            Limit { key: "warning", default: 5.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many connections of one process that block their sender or hold much." },
            Limit { key: "min_bytes", default: 65_536.0, min: 1.0, max: 1e12, unit: "bytes",
                doc: "So much unread data is much." },
            Limit { key: "min_ms", default: 10_000.0, min: 0.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts connections whose youngest unread data is at least so old." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets that are asked.
const SAMPLE: usize = 512;

/// The rows with the fullest queues.
fn candidates(evidence: &Evidence<'_>) -> Vec<u32> {
    let mut rows: Vec<(Reverse<u32>, u32)> = evidence
        .sockets(&evidence.survey().unread)
        .map(|(row, s)| (Reverse(s.recv_queue), row))
        .collect();
    rows.sort_unstable();
    rows.truncate(SAMPLE);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let rows = candidates(evidence);
    let mut wants = Wants::default();
    // Whose they are matters once they are known to be stuck.
    if matches!(check(evidence, &limits.lenient()), Outcome::Fired(_)) {
        wants.owners.extend(evidence.sockets(&rows).map(|(_, s)| s.inode));
    }
    wants.rows.extend(rows);
    wants
}

fn is_stuck(evidence: &Evidence<'_>, s: &Socket, limits: &Limits) -> bool {
    let least = limits.get(&RULE, "min_ms");
    let old = evidence
        .now
        .detail(s)
        .and_then(|d| d.last_data_recv_ms)
        .is_some_and(|ms| f64::from(ms) >= least);
    let then = evidence.since.and_then(|since| since.then(s));
    old && then.is_none_or(|t| t.recv_queue == s.recv_queue)
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let rows = candidates(evidence);
    let by_pid = who::by_process(now, evidence.sockets(&rows).map(|(_, s)| s));
    let found: Vec<Finding> =
        by_pid.iter().filter_map(|(pid, list)| finding(evidence, *pid, list, limits)).collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    let missing = evidence.details_are_missing();
    let timed = |s: &Socket| now.detail(s).map_or(!missing, |d| d.last_data_recv_ms.is_some());
    let untold = evidence.sockets(&rows).filter(|(_, s)| !timed(s)).count();
    if untold == rows.len() && untold > 0 {
        let n = count(untold as u64, "connection", "connections");
        return Outcome::unseen(format!("the age of unread data of {n} could not be read"));
    }
    let all = evidence.survey().unread.len() as u64;
    Outcome::Clear(format!(
        "{} with unread data, none for long",
        count(all, "connection", "connections")
    ))
}

fn finding(
    evidence: &Evidence<'_>,
    pid: Option<u32>,
    sockets: &[&Socket],
    limits: &Limits,
) -> Option<Finding> {
    let now = evidence.now;
    let who = who::process(now, pid);
    let limits = who::limits(limits, std::slice::from_ref(&who), None);
    let stuck: Vec<&&Socket> = sockets.iter().filter(|s| is_stuck(evidence, s, &limits)).collect();
    let much = limits.get(&RULE, "min_bytes");
    let blocking = stuck
        .iter()
        .filter(|s| {
            let closed = now.detail(s).and_then(|d| d.rcv_wnd) == Some(0);
            closed || f64::from(s.recv_queue) >= much
        })
        .count() as u64;
    let n = stuck.len() as u64;
    let (info, warning) = (limits.get(&RULE, "info"), limits.get(&RULE, "warning"));
    let severity = if blocking as f64 >= warning {
        Severity::Warning
    } else if n as f64 >= info || blocking > 0 {
        Severity::Info
    } else {
        return None;
    };
    let held: u64 = stuck.iter().map(|s| u64::from(s.recv_queue)).sum();
    let youngest = |s: &&&Socket| now.detail(s).and_then(|d| d.last_data_recv_ms);
    let oldest = stuck.iter().filter_map(youngest).max().unwrap_or_default();
    let name = who.name();
    let same = evidence.since.is_some_and(|since| stuck.iter().all(|s| since.then(s).is_some()));
    Some(Finding {
        severity,
        certainty: if same { Certainty::Certain } else { Certainty::Likely },
        title: format!(
            "{name} has not read {} on {} for up to {}",
            bytes(held),
            count(n, "connection", "connections"),
            duration(oldest.into())
        ),
        facts: BTreeMap::from([
            ("stuck", n as f64),
            ("blocking", blocking as f64),
            ("unread_bytes", held as f64),
            ("longest_ms", f64::from(oldest)),
        ]),
        thresholds: Thresholds { info: Some(info), warning: Some(warning), critical: None },
        evidence: vec![
            format!(
                "{} closed or held much data; nothing has come on any of them for at least {}{}.",
                count(blocking, "connection has its window", "connections have their windows"),
                duration(limits.get(&RULE, "min_ms") as u64),
                if same { ", and nothing was read between the two looks" } else { "" }
            ),
            format!("They come from {}.", who::machines(stuck.iter().map(|s| **s))),
        ],
        why: "The senders block as soon as the receive buffer is full: what looks like a slow network is this process.".into(),
        next: vec![
            match who.pid {
                Some(pid) => format!("tcpvet list 'pid = {pid} and recvq > 0' -im"),
                None => "tcpvet list 'state established and recvq > 0' -im".into(),
            },
            match who.pid {
                Some(pid) => format!("cat /proc/{pid}/wchan; grep -E 'State|Threads' /proc/{pid}/status"),
                None => "ss -tnim state established | less".into(),
            },
        ],
        remedies: vec![Remedy::Application(format!(
            "{name}: find what keeps it from reading (a blocked thread, a full queue behind it), or close what nobody reads any more"
        ))],
        subject: Subject::Process(who),
        ..Finding::new(&RULE, now)
    })
}
