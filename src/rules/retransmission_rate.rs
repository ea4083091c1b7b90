//! `retransmission-rate`: data is lost on the way.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds, severity_above};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::earlier::Depth;
use crate::model::endpoint::Addr;
use crate::model::state::State;
use crate::model::wants::Wants;
use crate::phrase::{join, number};

rule! {
    /// # What it does
    /// Tells from two looks what share of the data segments sent had to be sent again, and toward which machines.
    ///
    /// # Why it matters
    /// Loss costs time: each lost segment a round trip at least, the last of a burst 200 ms and more. Throughput falls with it.
    ///
    /// # How it is measured
    /// (RetransSegs - TCPSynRetrans) / TCPOrigDataSent between two looks. OutSegs is no measure: it counts pure ACKs and leaves out
    /// retransmissions, and unanswered SYNs would push a ratio over it past 100 %. If it fires, tcp_info of all connections tells who:
    /// tcpi_total_retrans over tcpi_data_segs_out of each, over its life, by machine. TCPDSACKRecv tells how many arrived twice: those
    /// were late, not lost.
    ///
    /// # Thresholds
    /// `info`, `warning`, `critical`: shares above which it speaks. `min_segments`: data segments there must be between the looks.
    ///
    /// # What can fool it
    /// The sums are of the whole namespace: one bad machine among many good ones is diluted. Shares by machine are of the whole life of its connections.
    /// A zero window and a first slow start cause a few retransmissions without any loss.
    ///
    /// # What to do
    /// If one machine or network stands out, look at the way to it; if all do, at this host's interface and its queue. If most come twice,
    /// look for reordering or delayed ACKs.
    ///
    /// # References
    /// net/ipv4/tcp_output.c __tcp_retransmit_skb, net/ipv4/proc.c, RFC 6298, RFC 2883; the percentages are convention
    RULE {
        id: "retransmission-rate",
        summary: "data segments are lost on the way",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Critical,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.01, min: 0.0001, max: 1.0, unit: "ratio of data segments",
                doc: "Informs above this share of data segments sent again." },
            Limit { key: "warning", default: 0.03, min: 0.0001, max: 1.0, unit: "ratio of data segments",
                doc: "Warns above this share of data segments sent again." },
            Limit { key: "critical", default: 0.1, min: 0.0001, max: 1.0, unit: "ratio of data segments",
                doc: "Critical above this share of data segments sent again." },
            Limit { key: "min_segments", default: 1000.0, min: 10.0, max: 1e9, unit: "data segments",
                doc: "Speaks only if at least so many data segments were sent between the looks." },
        ],
        wants: wants,
        check: check,
    }
}

/// Segments sent again and data segments sent between the looks; `None` without both counters in both.
fn measured(evidence: &Evidence<'_>) -> Option<(u64, u64)> {
    let again = evidence.grew("Tcp.RetransSegs")?;
    // Kernels before 3.10 do not tell SYNs apart.
    let syns = evidence.grew("TcpExt.TCPSynRetrans").unwrap_or_default();
    Some((again.saturating_sub(syns), evidence.grew("TcpExt.TCPOrigDataSent")?))
}

fn thresholds(limits: &Limits) -> Thresholds {
    let at = |key| Some(limits.get(&RULE, key));
    Thresholds { info: at("info"), warning: at("warning"), critical: at("critical") }
}

fn judged(evidence: &Evidence<'_>, limits: &Limits) -> Option<(Severity, u64, u64)> {
    let (again, sent) = measured(evidence)?;
    if (sent as f64) < limits.get(&RULE, "min_segments") {
        return None;
    }
    Some((severity_above(again as f64 / sent as f64, &thresholds(limits))?, again, sent))
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    Wants { retransmitters: judged(evidence, limits).is_some(), ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Some(since) = evidence.since else { return Outcome::needs_two() };
    let Some((again, sent)) = measured(evidence) else {
        return Outcome::unseen("the counters of segments could not be read in both looks");
    };
    let Some((severity, ..)) = judged(evidence, limits) else {
        let seconds = since.seconds();
        let few = (sent as f64) < limits.get(&RULE, "min_segments");
        let few = if few { ", too few for a share" } else { "" };
        return Outcome::Clear(format!(
            "{} of {} data segments sent again in {seconds:.1} s{few}",
            number(again),
            number(sent)
        ));
    };
    let ratio = again as f64 / sent as f64;
    let twice = evidence.grew("TcpExt.TCPDSACKRecv").unwrap_or_default();
    let timeouts = evidence.grew("TcpExt.TCPTimeouts").unwrap_or_default();
    let mut said = vec![format!(
        "{} of {} data segments in {:.1} s, {} timeouts; {} arrived twice and were not lost.",
        number(again),
        number(sent),
        since.seconds(),
        number(timeouts),
        number(twice)
    )];
    let worst = machines(evidence);
    if !worst.is_empty() {
        let parts: Vec<String> = worst
            .iter()
            .map(|(addr, again, sent)| {
                let share = 100.0 * *again as f64 / (*sent).max(1) as f64;
                format!("{addr} {share:.1} % ({} of {})", number(*again), number(*sent))
            })
            .collect();
        said.push(format!(
            "Over the life of the open connections most toward {}.",
            join(&parts, 5)
        ));
    }
    let next = vec![
        "tcpvet list 'total_retrans > 0' -i --sort total_retrans --reverse".into(),
        "nstat -az TcpRetransSegs TcpExtTCPSynRetrans".into(),
        "nstat -az TcpExtTCPOrigDataSent TcpExtTCPDSACKRecv".into(),
    ];
    Outcome::Fired(vec![Finding {
        severity,
        title: format!("{:.1} % of the data segments were sent again in {:.1} s", ratio * 100.0, since.seconds()),
        facts: BTreeMap::from([
            ("retransmitted_ratio", ratio),
            ("retransmitted", again as f64),
            ("data_segments", sent as f64),
            ("arrived_twice", twice as f64),
            ("timeouts", timeouts as f64),
            ("machines", worst.len() as f64),
        ]),
        thresholds: thresholds(limits),
        evidence: said,
        why: "Each lost segment costs a round trip at least, the last of a burst 200 ms and more.".into(),
        next,
        remedies: vec![Remedy::Application(match worst.first() {
            Some((addr, ..)) => format!("look at the way to {addr} first (mtr, its interface and ours); if all machines lose alike, at this host's interface and queue"),
            None => "look at this host's interface and queue (ip -s link, tc -s qdisc), and at the way to the machines".into(),
        })],
        ..Finding::new(&RULE, now)
    }])
}

/// Machines by what was sent to them again, most first, with what was sent at all.
fn machines(evidence: &Evidence<'_>) -> Vec<(Addr, u64, u64)> {
    let now = evidence.now;
    let mut sums: BTreeMap<Addr, (u64, u64)> = BTreeMap::new();
    for s in now.sockets.iter().filter(|s| s.detail != 0 && s.state != State::SynSent) {
        let Some(d) = now.detail(s) else { continue };
        if let (Some(again), Some(sent)) = (d.total_retrans, d.data_segs_out)
            && again > 0
        {
            let sum = sums.entry(s.peer_addr).or_default();
            *sum = (sum.0 + u64::from(again), sum.1 + u64::from(sent));
        }
    }
    let mut sums: Vec<_> = sums.into_iter().map(|(a, (again, sent))| (a, again, sent)).collect();
    sums.sort_by_key(|(addr, again, _)| (Reverse(*again), *addr));
    sums
}
