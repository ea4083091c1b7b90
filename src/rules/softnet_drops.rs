//! `softnet-drops`: packets are dropped between the interface and TCP.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::coverage::Seen;
use crate::model::earlier::Depth;
use crate::model::wants::Wants;
use crate::phrase::{count, number};

rule! {
    /// # What it does
    /// Tells from two looks whether a processor's queue of received packets (net.core.netdev_max_backlog) overflowed.
    ///
    /// # Why it matters
    /// What is dropped there is lost before TCP has seen it: to the connections it looks like loss on the network.
    ///
    /// # How it is measured
    /// Column 2 of /proc/net/softnet_stat, summed over the processors, between two looks. It counts the whole host, in every namespace.
    /// Column 3 (time_squeeze) is given as a fact: the processor had more to do than its share of time, which drops nothing by itself.
    ///
    /// # Thresholds
    /// `warning`: packets dropped a second.
    ///
    /// # What can fool it
    /// Most network drivers (NAPI) do not use this queue; it is for virtual interfaces, loopback and RPS. Drops of the driver itself are in `ip -s link`.
    ///
    /// # What to do
    /// Spread the load over processors (RSS, RPS). net.core.netdev_max_backlog makes the queue longer, which helps against bursts only.
    ///
    /// # References
    /// net/core/dev.c enqueue_to_backlog, net/core/net-procfs.c softnet_seq_show
    RULE {
        id: "softnet-drops",
        summary: "received packets are dropped before TCP sees them",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Warning,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 1.0, min: 0.01, max: 1e9, unit: "packets a second",
                doc: "Warns from so many packets dropped a second." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    if now.counters.get("softnet.dropped").is_none() {
        let source = now.coverage.get("softnet");
        return match source.is_some_and(|s| s.state > Seen::Absent) {
            true => Outcome::unseen("/proc/net/softnet_stat could not be read"),
            false => Outcome::absent("/proc/net/softnet_stat is not there"),
        };
    }
    let Some(since) = evidence.since else { return Outcome::needs_two() };
    let Some(dropped) = evidence.grew("softnet.dropped") else {
        return Outcome::unseen("/proc/net/softnet_stat could not be read in both looks");
    };
    let squeezed = evidence.grew("softnet.time_squeeze").unwrap_or_default();
    let rate = dropped as f64 / since.seconds();
    let warning = limits.get(&RULE, "warning");
    if rate < warning {
        return Outcome::Clear(format!(
            "{} dropped in {:.1} s",
            count(dropped, "packet", "packets"),
            since.seconds()
        ));
    }
    let backlog = now.sysctls.integer("net.core.netdev_max_backlog");
    let mut facts = BTreeMap::from([
        ("dropped", dropped as f64),
        ("dropped_per_second", rate),
        ("time_squeezed", squeezed as f64),
    ]);
    facts.extend(backlog.map(|n| ("backlog_limit", n as f64)));
    let mut remedies = vec![Remedy::Application(
        "spread received packets over more processors (RSS, RPS), and see which process or interface floods this host".into(),
    )];
    if let Some(n) = backlog {
        remedies.push(Remedy::Setting {
            knob: "net.core.netdev_max_backlog",
            wish: Wish::AtLeast(n.saturating_mul(2)),
            because: "it is the queue that overflowed; a longer one bears bursts".into(),
        });
    }
    Outcome::Fired(vec![Finding {
        severity: Severity::Warning,
        title: format!(
            "{rate:.0} received packets a second dropped before TCP saw them, on the whole host"
        ),
        subject: Subject::Host,
        facts,
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: vec![format!(
            "{} in {:.1} s; processors ran out of their share of time {} times.",
            count(dropped, "packet was dropped", "packets were dropped"),
            since.seconds(),
            number(squeezed)
        )],
        why: "To the connections it looks like loss on the network: they wait and send again."
            .into(),
        next: vec![
            "awk '{print $2, $3}' /proc/net/softnet_stat".into(),
            "ip -s link; cat /proc/interrupts".into(),
        ],
        remedies,
        ..Finding::new(&RULE, now)
    }])
}
