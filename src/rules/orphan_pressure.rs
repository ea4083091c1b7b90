//! `orphan-pressure`: closed connections that still send come near the number that the kernel bears.

mod unread;

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_above};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{bytes, count, number, percent};
use unread::{candidates, could_not_be_read, held, unread};

rule! {
    /// # What it does
    /// Compares the orphans of the host, connections that their processes have closed and that the kernel still serves, with
    /// net.ipv4.tcp_max_orphans, and shows those of this namespace that hold unsent data for a peer with a closed window.
    ///
    /// # Why it matters
    /// Past the limit the kernel resets new orphans at once ("too many orphaned sockets" in dmesg, TcpExt TCPAbortOnMemory): the ends of answers
    /// are lost. An orphan whose peer does not read keeps its whole send queue in memory for minutes.
    ///
    /// # How it is measured
    /// `orphan` of /proc/net/sockstat counts the whole host, whatever the namespace; net.ipv4.tcp_max_orphans exists in the initial one only.
    /// The kernel doubles or quadruples the count for sockets that have been retrying for long, so the limit can bite at a half or a
    /// quarter (tcp_check_oom). Zero-window orphans are FIN_WAIT1 without an inode, with timer 4, a send queue, a window of zero and a probe
    /// timer that was doubled at least twice; these are this namespace's, and are told wherever the limit is not.
    ///
    /// # Thresholds
    /// Shares of tcp_max_orphans: `warning` above, `critical` above. TcpExt TCPAbortOnMemory that grows between two looks while the share
    /// is above half of `warning` is critical too. `zero_window`: so many zero-window orphans inform; `zero_window_bytes`: so much that they
    /// hold warns.
    ///
    /// # What can fool it
    /// The number is the host's: the orphans may be those of another namespace. Their peers can only be seen from in there.
    ///
    /// # What to do
    /// Find who closes with data unsent toward peers that do not read, and give the sending side a timeout (TCP_USER_TIMEOUT,
    /// SO_LINGER). Raise net.ipv4.tcp_max_orphans only if memory allows: an orphan can hold 64 KiB and more.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_close and tcp_check_oom, net/ipv4/tcp_timer.c tcp_out_of_resources
    RULE {
        id: "orphan-pressure",
        summary: "the kernel is near its limit of closed connections that still send",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Critical,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 0.25, min: 0.01, max: 1.0, unit: "ratio of tcp_max_orphans",
                doc: "Warns above this share of tcp_max_orphans." },
            Limit { key: "critical", default: 0.75, min: 0.01, max: 1.0, unit: "ratio of tcp_max_orphans",
                doc: "Critical above this share of tcp_max_orphans." },
            Limit { key: "zero_window", default: 10.0, min: 1.0, max: 10_000_000.0, unit: "sockets",
                doc: "Informs from so many orphans whose peer does not read." },
            Limit { key: "zero_window_bytes", default: 67_108_864.0, min: 1.0, max: 1e12, unit: "bytes",
                doc: "Warns if these hold at least so much." },
        ],
        wants: |evidence, _| Wants { rows: candidates(evidence).into_iter().collect(), ..Wants::default() },
        check: check,
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    match (held(evidence, limits), of_host(evidence, limits)) {
        (None, Outcome::Clear(_) | Outcome::NotEvaluated(..)) if could_not_be_read(evidence) => {
            Outcome::unseen("the windows of orphans that do not send could not be read")
        }
        (None, outcome) => outcome,
        (Some(held), Outcome::Fired(mut findings)) => {
            findings.push(held);
            Outcome::Fired(findings)
        }
        (Some(held), _) => Outcome::Fired(vec![held]),
    }
}

/// The host's number against its limit.
fn of_host(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Some(orphans) = now.counters.get("sockstat.TCP.orphan").map(|n| n.max(0) as u64) else {
        return Outcome::unseen("/proc/net/sockstat could not be read");
    };
    let Some(max) = now.sysctls.integer("net.ipv4.tcp_max_orphans").filter(|n| *n > 0) else {
        return evidence.without_the_hosts("net.ipv4.tcp_max_orphans");
    };
    let max = max as u64;
    let at = |key| limits.get(&RULE, key) * max as f64;
    let thresholds =
        Thresholds { info: None, warning: Some(at("warning")), critical: Some(at("critical")) };
    let aborted = evidence.grew("TcpExt.TCPAbortOnMemory");
    let bites = aborted.is_some_and(|n| n > 0) && orphans as f64 > at("warning") / 2.0;
    let severity = severity_above(orphans as f64, &thresholds);
    let Some(severity) = severity.max(bites.then_some(Severity::Critical)) else {
        return Outcome::Clear(format!("{} of {} orphans", number(orphans), number(max)));
    };
    let here: Vec<&Socket> = evidence
        .sockets(&evidence.survey().fin_unacknowledged)
        .map(|(_, s)| s)
        .filter(|s| s.inode == 0)
        .collect();
    let rows = candidates(evidence);
    let closed = unread(evidence, &rows);
    let held: u64 = closed.iter().map(|s| u64::from(s.send_queue)).sum();
    let mut facts = BTreeMap::from([
        ("orphans", orphans as f64),
        ("max_orphans", max as f64),
        ("orphans_here", here.len() as f64),
        ("zero_window", closed.len() as f64),
        ("zero_window_bytes", held as f64),
    ]);
    let mut said = vec![format!(
        "The number is the host's; {} of them are in {}.",
        number(here.len() as u64),
        now.netns
    )];
    if !closed.is_empty() {
        said.push(format!(
            "{} here hold {} for peers with a closed window: {}.",
            count(closed.len() as u64, "orphan", "orphans"),
            bytes(held),
            who::machines(closed.iter().copied())
        ));
    }
    said.extend(makers::sentence(evidence, here.iter().copied()));
    if let Some(n) = aborted {
        facts.insert("aborted", n as f64);
        said.push(format!(
            "{} for lack of room between the two looks (TcpExt TCPAbortOnMemory).",
            count(n, "connection was reset", "connections were reset")
        ));
    }
    Outcome::Fired(vec![Finding {
        severity,
        title: format!(
            "{} orphans of at most {} on this host ({})",
            number(orphans),
            number(max),
            percent(orphans, max)
        ),
        subject: Subject::Host,
        facts,
        thresholds,
        evidence: said,
        why: "Past the limit the kernel resets what is closed with data unsent, and the ends of answers are lost.".into(),
        next: vec![
            "tcpvet list 'state fin-wait-1 or state last-ack' --sort sendq --reverse".into(),
            "cat /proc/net/sockstat; nstat -az TcpExtTCPAbortOnMemory".into(),
            "dmesg | grep -i orphan".into(),
        ],
        remedies: vec![
            Remedy::Application("do not close toward peers that have stopped reading without a timeout (TCP_USER_TIMEOUT), or reset them (SO_LINGER 0)".into()),
            Remedy::Setting {
                knob: "net.ipv4.tcp_max_orphans",
                wish: Wish::AtLeast(i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(2)),
                because: "past it the kernel resets orphans".into(),
            },
        ],
        ..Finding::new(&RULE, now)
    }])
}
