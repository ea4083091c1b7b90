//! `send-queue-stuck`: the other side has stopped reading.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, severity_from};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::who::{self, Peer};
use super::{Evidence, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{bytes, count, duration, number};

rule! {
    /// # What it does
    /// Finds connections that hold data which they may not send because the peer has closed its window for long: the peer lives and does not
    /// read. If the peer is a process of this host, it is named.
    ///
    /// # Why it matters
    /// The writer blocks, or fills its own memory. The fault is the reader's: a zero window is flow control at work.
    ///
    /// # How it is measured
    /// Timer 4 with a send queue, a window of zero (tcpi_snd_wnd, from Linux 5.4 on), a probe timer that was doubled at least `min_backoff` times,
    /// and no data sent for `min_ms`. Timer 4 alone means little: a paced sender (BBR, SO_MAX_PACING_RATE) shows it with an open window, and a
    /// reader that is merely slow shows it between two reads. Probes that nobody answers are dead-peer's.
    ///
    /// # Thresholds
    /// `info` and `warning`: so many stuck connections toward one destination. `min_ms`, `min_backoff`: what stuck means.
    ///
    /// # What can fool it
    /// A person who paused a download does it on purpose. Of more than 512 such connections a sample is asked.
    ///
    /// # What to do
    /// See why the reader does not read. On the writer's side bound the time that a write may take, and drop readers that are too slow.
    ///
    /// # References
    /// net/ipv4/tcp_timer.c tcp_probe_timer, RFC 9293 section 3.8.6.1, tcp(7) TCP_USER_TIMEOUT
    RULE {
        id: "send-queue-stuck",
        summary: "the other side has stopped reading",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 1.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many stuck connections toward one destination." },
            Limit { key: "warning", default: 5.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many stuck connections toward one destination." },
            Limit { key: "min_ms", default: 5000.0, min: 0.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts connections that have sent no data for at least so long." },
            Limit { key: "min_backoff", default: 2.0, min: 1.0, max: 255.0, unit: "doublings of the probe timer",
                doc: "Counts connections whose probe timer was doubled at least so often." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets that are asked.
const SAMPLE: usize = 512;

fn candidates(evidence: &Evidence<'_>) -> Vec<u32> {
    let rows: Vec<u32> = evidence
        .sockets(&evidence.survey().window_closed)
        .filter(|(_, s)| s.send_queue > 0 && s.retries < 2)
        .map(|(row, _)| row)
        .collect();
    Survey::spread(&rows, SAMPLE).collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let rows = candidates(evidence);
    // Whose they are matters once they are known to be stuck.
    if !matches!(check(evidence, &limits.lenient()), Outcome::Fired(_)) {
        return Wants { rows: rows.into_iter().collect(), ..Wants::default() };
    }
    let sockets = || evidence.sockets(&rows).map(|(_, s)| s);
    let mut owners: std::collections::BTreeSet<u32> = sockets().map(|s| s.inode).collect();
    let local = sockets().filter(|s| s.is_on_this_host());
    owners.extend(who::other_ends(evidence.now, local).iter().map(|s| s.inode));
    Wants { rows: rows.iter().copied().collect(), owners, ..Wants::default() }
}

fn is_stuck(now: &Snapshot, s: &Socket, limits: &Limits) -> bool {
    now.detail(s).is_some_and(|d| {
        // Kernels before 5.4 do not tell the window; the doubled probe timer must do.
        d.snd_wnd.is_none_or(|w| w == 0)
            && d.backoff.is_some_and(|b| f64::from(b) >= limits.get(&RULE, "min_backoff"))
            && d.last_data_sent_ms.is_some_and(|ms| f64::from(ms) >= limits.get(&RULE, "min_ms"))
    })
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let rows = candidates(evidence);
    let stuck = evidence.sockets(&rows).filter(|(_, s)| is_stuck(now, s, limits));
    let findings: Vec<Finding> = who::by_peer(stuck, evidence.listeners())
        .iter()
        .filter_map(|(peer, sockets)| finding(now, *peer, sockets, limits))
        .collect();
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let missing = evidence.details_are_missing();
    let unread = evidence
        .sockets(&rows)
        .filter(|(_, s)| now.detail(s).map_or(missing, |d| d.backoff.is_none()))
        .count();
    if unread == rows.len() && unread > 0 {
        let n = count(unread as u64, "connection", "connections");
        return Outcome::unseen(format!("the windows of {n} that do not send could not be read"));
    }
    Outcome::Clear(format!(
        "{} with the probe timer, none stuck",
        count(rows.len() as u64, "connection", "connections")
    ))
}

fn finding(
    now: &Snapshot,
    peer: Peer,
    sockets: &[(u32, &Socket)],
    limits: &Limits,
) -> Option<Finding> {
    let all = || sockets.iter().map(|(_, s)| *s);
    let holders = who::holders(now, all());
    let owners = who::culprits(&holders);
    let limits = who::limits(limits, &owners, Some(who::port(peer, sockets)));
    let n = sockets.len() as u64;
    let thresholds = Thresholds {
        info: Some(limits.get(&RULE, "info")),
        warning: Some(limits.get(&RULE, "warning")),
        critical: None,
    };
    let severity = severity_from(n, &thresholds)?;
    let unsent: u64 = all().map(|s| u64::from(s.send_queue)).sum();
    let longest = all().filter_map(|s| now.detail(s)?.last_data_sent_ms).max().unwrap_or_default();
    let readers = who::other_ends(now, all().filter(|s| s.is_on_this_host()));
    let readers = who::holders(now, readers.into_iter());
    let to = peer.text();
    let reader = match readers.as_slice() {
        [] => to.clone(),
        some => who::names(some),
    };
    Some(Finding {
        severity,
        title: format!(
            "{to} has not read for up to {}: {} with {} unsent",
            duration(longest.into()),
            count(n, "connection", "connections"),
            bytes(unsent)
        ),
        facts: BTreeMap::from([
            ("stuck", n as f64),
            ("unsent_bytes", unsent as f64),
            ("longest_ms", f64::from(longest)),
        ]),
        thresholds,
        evidence: vec![
            format!("The window of {} is zero, and the peer answers our probes: it lives and does not read.", number(n)),
            format!("The data was written by {}.", who::names(&holders)),
            format!("The reader is {reader}."),
        ],
        why: "The writers block or keep the data in memory until the other side reads; the fault is the reader's.".into(),
        next: vec![
            format!("tcpvet list 'dst {} and timer_kind = persist' -oim", peer.addr),
            format!("ss -tnoim 'dst {}'", who::bracketed(peer.addr)),
        ],
        remedies: vec![Remedy::Application(format!(
            "{reader}: read, or close what is not read any more; the writer: bound the time a write may take (TCP_USER_TIMEOUT)"
        ))],
        // The fault is the reader's: if it is one process of this host, the finding is about that.
        subject: match readers.as_slice() {
            [(reader, _)] if reader.pid.is_some() => Subject::Process(reader.clone()),
            _ => Subject::Peer { addr: peer.addr, port: peer.port, owners },
        },
        ..Finding::new(&RULE, now)
    })
}
