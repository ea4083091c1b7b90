//! `last-ack-stuck`: both sides have closed, and our FIN is not acknowledged.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds, severity_from};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;
use crate::model::wants::Wants;
use crate::phrase::{count, number};

rule! {
    /// # What it does
    /// Counts closed connections in LAST_ACK, CLOSING and FIN_WAIT1 whose FIN was sent several times without an answer.
    ///
    /// # Why it matters
    /// The peers went away without a word, or something on the way drops what follows a close (a firewall that forgets the connection at the
    /// first FIN). Each is an orphan of the kernel until its retries are used up, and counts against net.ipv4.tcp_max_orphans.
    ///
    /// # How it is measured
    /// Sockets in these states with the retransmission timer and at least `min_retries` retransmissions; those without an inode
    /// belong to no process any more. Connections within this host are left out.
    ///
    /// # Thresholds
    /// `info`: so many of them. `warning_ratio`: their share of net.ipv4.tcp_max_orphans, where that is told (initial namespace only).
    /// `min_retries`: retransmissions of the FIN that count.
    ///
    /// # What can fool it
    /// Clients that lose their network are part of any public service; a few at a time are normal.
    ///
    /// # What to do
    /// See whether they share a machine, a network or a firewall. net.ipv4.tcp_orphan_retries bounds how long they stay; 0 in that file
    /// means 8, not none.
    ///
    /// # References
    /// net/ipv4/tcp_timer.c tcp_orphan_retries and tcp_write_timeout, RFC 9293 section 3.6
    RULE {
        id: "last-ack-stuck",
        summary: "closed connections whose last FIN nobody acknowledges",
        since: "0.1.0",
        family: Family::Closing,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 10.0, min: 1.0, max: 10_000_000.0, unit: "sockets",
                doc: "Informs from so many sockets whose FIN is not acknowledged." },
            Limit { key: "warning_ratio", default: 0.1, min: 0.001, max: 1.0, unit: "ratio of tcp_max_orphans",
                doc: "Warns from this share of tcp_max_orphans." },
            Limit { key: "min_retries", default: 3.0, min: 1.0, max: 255.0, unit: "retransmissions",
                doc: "Counts sockets whose FIN was sent again at least so often." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let least = limits.get(&RULE, "min_retries");
    let stuck: Vec<&Socket> = evidence
        .sockets(&evidence.survey().fin_unacknowledged)
        .map(|(_, s)| s)
        .filter(|s| s.timer == Timer::Retransmit && f64::from(s.retries) >= least)
        // Within this host no way is lost: there a full accept queue keeps FINs unanswered, and says so itself.
        .filter(|s| !s.is_on_this_host())
        .collect();
    let total = stuck.len() as u64;
    let max = now.sysctls.integer("net.ipv4.tcp_max_orphans").map(|n| n.max(0) as u64);
    let thresholds = Thresholds {
        info: Some(limits.get(&RULE, "info")),
        warning: max.map(|m| m as f64 * limits.get(&RULE, "warning_ratio")),
        critical: None,
    };
    let Some(severity) = severity_from(total, &thresholds) else {
        return Outcome::Clear(format!(
            "{} with an unanswered FIN",
            count(total, "socket", "sockets")
        ));
    };
    let of = |state| stuck.iter().filter(|s| s.state == state).count() as u64;
    let orphans = stuck.iter().filter(|s| s.inode == 0).count() as u64;
    let most = stuck.iter().map(|s| s.retries).max().unwrap_or_default();
    let mut facts = BTreeMap::from([
        ("fin_unacknowledged", total as f64),
        ("last_ack", of(State::LastAck) as f64),
        ("fin_wait1", of(State::FinWait1) as f64),
        ("closing", of(State::Closing) as f64),
        ("orphans", orphans as f64),
        ("most_retries", f64::from(most)),
    ]);
    if let Some(max) = max {
        facts.insert("max_orphans", max as f64);
    }
    let mut said = vec![
        format!(
            "{} in LAST_ACK, {} in FIN_WAIT1, {} in CLOSING; {} belong to no process any more.",
            number(of(State::LastAck)),
            number(of(State::FinWait1)),
            number(of(State::Closing)),
            number(orphans)
        ),
        format!("They lead to {}.", who::machines(stuck.iter().copied())),
    ];
    said.extend(makers::sentence(evidence, stuck.iter().copied()));
    Outcome::Fired(vec![Finding {
        severity,
        title: format!(
            "{} whose FIN nobody acknowledges, after up to {most} retries",
            count(total, "closed connection", "closed connections")
        ),
        facts,
        thresholds,
        evidence: said,
        why: "Their peers are gone, or something on the way drops what follows a close; each stays until its retries are used up.".into(),
        next: vec![
            "tcpvet list 'timer_retries >= 3' -o".into(),
            "ss -tno state last-ack".into(),
        ],
        remedies: vec![Remedy::Application(
            "see what these peers have in common: a machine that went down, a firewall that forgets connections at the first FIN".into(),
        )],
        ..Finding::new(&RULE, now)
    }])
}
