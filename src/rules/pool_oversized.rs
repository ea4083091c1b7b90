//! `pool-oversized`: a process keeps many connections to one destination of which most do nothing.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds};
use super::idle_without_keepalive::idle_ms;
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::ports::Crowd;
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number};

rule! {
    /// # What it does
    /// Finds destinations to which many connections are open from here of which most have carried nothing for a while.
    ///
    /// # Why it matters
    /// Each costs a descriptor on both sides and memory, on a database a whole process or thread: a pool that is far larger than what is used at
    /// once takes room from others.
    ///
    /// # How it is measured
    /// Established connections from this host, by destination; of those with at least `min_connections` a sample of 32 is asked when
    /// data last passed, and the share that has been idle for `idle_ms` is taken for the whole.
    ///
    /// # Thresholds
    /// `min_connections`: smaller pools are left alone. `info`: the idle share from which it speaks. `idle_ms`: what idle means.
    ///
    /// # What can fool it
    /// A pool that is sized for a peak is idle off the peak. Messaging keeps connections open on purpose.
    ///
    /// # What to do
    /// Lower the largest size of the pool, or the time that it keeps idle connections.
    ///
    /// # References
    /// tcp(7) tcp_info, net/ipv4/tcp.c tcp_get_info
    RULE {
        id: "pool-oversized",
        summary: "many connections to one destination do nothing",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "min_connections", default: 64.0, min: 50.0, max: 1_000_000.0, unit: "sockets",
                doc: "Looks at destinations with at least so many open connections." },
            Limit { key: "info", default: 0.8, min: 0.05, max: 1.0, unit: "ratio of the connections",
                doc: "Informs from this share of them idle." },
            Limit { key: "idle_ms", default: 60_000.0, min: 1_000.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts connections without data for at least so long." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets of one destination that are asked.
const SAMPLE: usize = 32;

/// Most destinations that are looked at, the largest first.
const DESTINATIONS: usize = 5;

fn crowds<'a>(evidence: &'a Evidence<'_>, limits: &Limits) -> Vec<&'a Crowd> {
    let Some(ports) = evidence.ports() else { return Vec::new() };
    let large = |c: &&Crowd| {
        let limits = limits.about(&[], Some(c.destination.peer_port));
        c.rows.len() as f64 >= limits.get(&RULE, "min_connections")
    };
    ports.crowds.iter().filter(large).take(DESTINATIONS).collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    // Whose they are matters once they are known to be idle.
    let idle = matches!(check(evidence, &limits.lenient()), Outcome::Fired(_));
    for crowd in crowds(evidence, limits) {
        for row in Survey::spread(&crowd.rows, SAMPLE) {
            wants.rows.insert(row);
            wants.owners.extend(evidence.now.sockets.get(row).filter(|_| idle).map(|s| s.inode));
        }
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    if evidence.ports().is_none() {
        return Outcome::unseen("net.ipv4.ip_local_port_range could not be read");
    }
    let crowds = crowds(evidence, limits);
    let found: Vec<Finding> = crowds.iter().filter_map(|c| finding(evidence, c, limits)).collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    let timed = |c: &&Crowd| {
        evidence
            .sockets(&c.rows)
            .any(|(_, s)| evidence.now.detail(s).is_some_and(|d| idle_ms(d).is_some()))
    };
    if evidence.details_are_missing() && !crowds.is_empty() && !crowds.iter().any(timed) {
        return Outcome::unseen(
            "when the connections of large pools carried data could not be read",
        );
    }
    Outcome::Clear(match crowds.len() {
        0 => "no destination has many connections from here".into(),
        n => format!(
            "{} with many connections, most of them in use",
            count(n as u64, "destination", "destinations")
        ),
    })
}

fn finding(evidence: &Evidence<'_>, crowd: &Crowd, limits: &Limits) -> Option<Finding> {
    let now = evidence.now;
    let to = crowd.destination;
    let asked: Vec<_> = evidence
        .sockets(&crowd.rows)
        .filter_map(|(_, s)| Some((s, idle_ms(now.detail(s)?)?)))
        .collect();
    let holders = who::holders(now, asked.iter().map(|(s, _)| *s));
    let owners = who::culprits(&holders);
    let limits = who::limits(limits, &owners, Some(to.peer_port));
    let least = limits.get(&RULE, "idle_ms");
    let idle = asked.iter().filter(|(_, ms)| f64::from(*ms) >= least).count();
    let info = limits.get(&RULE, "info");
    let share = idle as f64 / asked.len().max(1) as f64;
    if asked.is_empty() || share < info {
        return None;
    }
    let total = crowd.rows.len() as u64;
    let estimate = (share * total as f64).round();
    let about = if asked.len() as u64 == total { "" } else { "about " };
    let shortest = asked.iter().map(|(_, ms)| *ms).min().unwrap_or_default();
    Some(Finding {
        title: format!(
            "{about}{} of {} connections to {} idle for over {}",
            number(estimate as u64),
            number(total),
            place(to.peer_addr, to.peer_port),
            duration(least as u64)
        ),
        facts: BTreeMap::from([
            ("connections", total as f64),
            ("idle", estimate),
            ("idle_ratio", share),
            ("asked", asked.len() as f64),
        ]),
        thresholds: Thresholds { info: Some(info * total as f64), ..Thresholds::default() },
        evidence: vec![
            format!(
                "{} were asked, {} of them idle; the busiest carried data {} ago.",
                number(asked.len() as u64),
                number(idle as u64),
                duration(shortest.into())
            ),
            format!("They are held by {}.", who::names(&holders)),
        ],
        why: "Each costs a descriptor on both sides, and on many databases a process or thread over there.".into(),
        next: vec![format!(
            "tcpvet list 'dst {} and dport = {}' -i --sort lastrcv",
            to.peer_addr, to.peer_port
        )],
        remedies: vec![Remedy::Application(format!(
            "{}: lower the largest size of the pool, or the time it keeps idle connections",
            who::names(&holders)
        ))],
        subject: Subject::Destination { destination: to, owners },
        ..Finding::new(&RULE, now)
    })
}
