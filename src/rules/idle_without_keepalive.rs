//! `idle-without-keepalive`: connections that say nothing for longer than a middlebox remembers them.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::socket::{Detail, Socket};
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number};

rule! {
    /// # What it does
    /// Finds processes with many connections to other machines that have been idle for longer than well-known middleboxes remember a connection, with
    /// keepalive off.
    ///
    /// # Why it matters
    /// Load balancers, NAT gateways and firewalls forget idle connections without a word (240 s, 350 s). The next request then hangs or is reset, and a peer
    /// that died is never noticed.
    ///
    /// # How it is measured
    /// Established toward another address, held by a process, nothing under way and no timer: SO_KEEPALIVE is off for certain. Idle is the
    /// smaller of tcpi_last_data_sent and tcpi_last_data_recv. At most 256 sockets, spread over all of them, are asked; where there are
    /// more, the numbers are estimates and said to be. Loopback and connections within this host are left out.
    ///
    /// # Thresholds
    /// `info`: so many idle connections of one process. `idle_ms`: idleness that counts; 240 s is the shortest of the well-known limits (Azure
    /// load balancer 240 s, AWS NLB and NAT gateway 350 s).
    ///
    /// # What can fool it
    /// Where no middlebox stands between, nothing is forgotten. Keepalive of the peer, or a heartbeat of the application that is slower than
    /// the limit, is not seen in one look.
    ///
    /// # What to do
    /// Turn SO_KEEPALIVE on with TCP_KEEPIDLE below the limit, or close what is idle. net.ipv4.tcp_keepalive_time alone turns nothing on.
    ///
    /// # References
    /// tcp(7) SO_KEEPALIVE TCP_KEEPIDLE, net/ipv4/inet_diag.c (idiag_timer), vendors' documentation of their idle limits
    RULE {
        id: "idle-without-keepalive",
        summary: "idle connections without keepalive may be forgotten on the way",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many idle connections of one process." },
            Limit { key: "idle_ms", default: 240_000.0, min: 1_000.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts connections without data for at least so long." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets that are asked.
const SAMPLE: usize = 256;

/// The limit of AWS NLB and NAT gateways.
const AWS_MS: u32 = 350_000;

/// Milliseconds without data in either direction.
pub(super) fn idle_ms(detail: &Detail) -> Option<u32> {
    Some(detail.last_data_sent_ms?.min(detail.last_data_recv_ms?))
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let all = &evidence.survey().without_keepalive;
    if (all.len() as f64) < limits.least(&RULE, "info") {
        return Wants::default();
    }
    let rows: Vec<u32> = Survey::spread(all, SAMPLE).collect();
    let mut wants = Wants::default();
    // Whose they are matters once they are known to be idle.
    if matches!(check(evidence, &limits.lenient()), Outcome::Fired(_)) {
        wants.owners.extend(evidence.sockets(&rows).map(|(_, s)| s.inode));
    }
    wants.rows.extend(rows);
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let all = &evidence.survey().without_keepalive;
    let asked: Vec<&Socket> = evidence
        .sockets(all)
        .map(|(_, s)| s)
        .filter(|s| now.detail(s).and_then(idle_ms).is_some())
        .collect();
    let total = all.len() as u64;
    let without = count(total, "connection without keepalive", "connections without keepalive");
    if asked.is_empty() {
        let told = evidence.sockets(all).any(|(_, s)| now.detail(s).is_some());
        let unread = told || evidence.details_are_missing();
        return match unread && total as f64 >= limits.least(&RULE, "info") {
            true => Outcome::unseen(format!("how long {without} are idle could not be read")),
            false => Outcome::Clear(without),
        };
    }
    let by_pid = who::by_process(now, asked.iter().copied());
    let weight = all.len() as f64 / asked.len() as f64;
    let found: Vec<Finding> =
        by_pid.iter().filter_map(|(pid, list)| finding(now, *pid, list, weight, limits)).collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    Outcome::Clear(format!("{without}, {} asked, few idle for long", number(asked.len() as u64)))
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
    let idle = |s: &Socket| now.detail(s).and_then(idle_ms).unwrap_or_default();
    let least = limits.get(&RULE, "idle_ms");
    let quiet: Vec<&&Socket> = sockets.iter().filter(|s| f64::from(idle(s)) >= least).collect();
    let estimate = (quiet.len() as f64 * weight).round();
    let info = limits.get(&RULE, "info");
    if estimate < info || quiet.is_empty() {
        return None;
    }
    let longer = quiet.iter().filter(|s| idle(s) >= AWS_MS).count() as f64 * weight;
    let longest = quiet.iter().map(|s| idle(s)).max().unwrap_or_default();
    let name = who.name();
    let seconds = (least / 1e3).floor();
    let about = if weight > 1.0 { "about " } else { "" };
    Some(Finding {
        title: format!(
            "{about}{} of {name} idle for over {} without keepalive",
            count(estimate as u64, "connection", "connections"),
            duration(least as u64)
        ),
        facts: BTreeMap::from([
            ("idle", estimate),
            ("idle_over_350s", longer.round()),
            ("longest_ms", f64::from(longest)),
            ("asked", sockets.len() as f64),
        ]),
        thresholds: Thresholds { info: Some(info), ..Thresholds::default() },
        evidence: vec![
            format!(
                "The longest is idle for {}; {} for over 350 s (AWS NLB, NAT gateway), all of them for over {}. An Azure load balancer forgets after 240 s.",
                duration(longest.into()),
                number(longer.round() as u64),
                duration(least as u64)
            ),
            format!("They lead to {}.", who::machines(quiet.iter().map(|s| **s))),
        ],
        why: "A middlebox forgets them without a word, and the next request hangs; a peer that died is never noticed.".into(),
        next: vec![match who.pid {
            Some(pid) => format!("tcpvet list 'pid = {pid} and idle > {seconds}s' -o --sort idle --reverse"),
            None => format!("tcpvet list 'idle > {seconds}s' -o --sort idle --reverse"),
        }],
        remedies: vec![Remedy::Application(format!(
            "{name}: turn SO_KEEPALIVE on with TCP_KEEPIDLE below 240 s, or close idle connections; net.ipv4.tcp_keepalive_time alone turns nothing on"
        ))],
        subject: Subject::Process(who),
        ..Finding::new(&RULE, now)
    })
}
