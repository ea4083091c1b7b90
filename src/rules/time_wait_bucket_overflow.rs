//! `time-wait-bucket-overflow`: the table of TIME_WAIT is full, and connections end without it.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::earlier::Depth;
use crate::model::wants::Wants;
use crate::phrase::{count, number};

rule! {
    /// # What it does
    /// Tells whether TIME_WAIT has reached net.ipv4.tcp_max_tw_buckets, and how many connections ended without it since.
    ///
    /// # Why it matters
    /// A connection beyond the limit is gone at once: a late segment of it can hit a new connection on the same ports, and a peer that did not get the last
    /// ACK gets a reset in place of it.
    ///
    /// # How it is measured
    /// `tw` of /proc/net/sockstat against net.ipv4.tcp_max_tw_buckets, both of the namespace; orphans in FIN_WAIT2 count in both. With two looks the
    /// growth of TcpExt TCPTimeWaitOverflow. The total of that counter since the start of the machine fires nothing.
    ///
    /// # Thresholds
    /// `warning`: share of tcp_max_tw_buckets from which it warns. An overflow between two looks warns always.
    ///
    /// # What can fool it
    /// Some set the limit low on purpose, to have less TIME_WAIT; that is what it then does, and what it costs.
    ///
    /// # What to do
    /// Raise net.ipv4.tcp_max_tw_buckets: a bucket costs a quarter of a KiB. Fewer closes by this side are better still: keep connections.
    ///
    /// # References
    /// net/ipv4/tcp_minisocks.c tcp_time_wait, net/ipv4/inet_timewait_sock.c inet_twsk_alloc, RFC 1337
    RULE {
        id: "time-wait-bucket-overflow",
        summary: "the table of TIME_WAIT is full, and connections end without it",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Warning,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 1.0, min: 0.05, max: 1.0, unit: "ratio of tcp_max_tw_buckets",
                doc: "Warns from this share of tcp_max_tw_buckets." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Some(tw) = now.counters.get("sockstat.TCP.tw").map(|n| n.max(0) as u64) else {
        return Outcome::unseen("/proc/net/sockstat could not be read");
    };
    let Some(max) = now.sysctls.integer("net.ipv4.tcp_max_tw_buckets").map(|n| n.max(0) as u64)
    else {
        return Outcome::unseen("net.ipv4.tcp_max_tw_buckets could not be read");
    };
    let lost = evidence.grew("TcpExt.TCPTimeWaitOverflow");
    let warning = max as f64 * limits.get(&RULE, "warning");
    // With 0 no connection has TIME_WAIT: only those that would have had it tell.
    let fills = max > 0 && tw as f64 >= warning;
    if !fills && lost.is_none_or(|n| n == 0) {
        return Outcome::Clear(format!("{} of {} in TIME_WAIT", number(tw), number(max)));
    }
    let mut facts = BTreeMap::from([("time_wait", tw as f64), ("max_tw_buckets", max as f64)]);
    let mut said = vec![format!("{} of {} are in use.", number(tw), number(max))];
    if let (Some(lost), Some(since)) = (lost, evidence.since) {
        facts.insert("ended_without", lost as f64);
        facts.insert("ended_without_per_second", lost as f64 / since.seconds());
        said.push(format!(
            "{} without TIME_WAIT in {:.1} s (TcpExt TCPTimeWaitOverflow).",
            count(lost, "connection ended", "connections ended"),
            since.seconds()
        ));
    }
    let wanted = i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(2).max(16_384);
    Outcome::Fired(vec![Finding {
        severity: Severity::Warning,
        title: match lost {
            Some(n @ 1..) => format!(
                "{} without TIME_WAIT: the table holds {}",
                count(n, "connection ended", "connections ended"),
                number(max)
            ),
            _ if tw < max => {
                format!("the table of TIME_WAIT fills: {} of {}", number(tw), number(max))
            }
            _ => format!("the table of TIME_WAIT is full: {} of {}", number(tw), number(max)),
        },
        facts,
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: said,
        why: "Late segments of a connection without TIME_WAIT can hit a new one on the same ports.".into(),
        next: vec![
            "cat /proc/net/sockstat; sysctl net.ipv4.tcp_max_tw_buckets".into(),
            "nstat -az TcpExtTCPTimeWaitOverflow TcpExtTW".into(),
        ],
        remedies: vec![
            Remedy::Application("keep and reuse connections, so that fewer are closed by this side".into()),
            Remedy::Setting {
                knob: "net.ipv4.tcp_max_tw_buckets",
                wish: Wish::AtLeast(wanted),
                because: "connections beyond it end without protection; a bucket costs a quarter of a KiB".into(),
            },
        ],
        ..Finding::new(&RULE, now)
    }])
}
