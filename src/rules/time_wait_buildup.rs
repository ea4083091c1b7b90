//! `time-wait-buildup`: TIME_WAIT holds the ports toward a destination, or fills the kernel's table.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, pools, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::listener::Listeners;
use crate::model::ports::{EphemeralRange, Pool, Ports, is_client};
use crate::model::state::State;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number, percent};

rule! {
    /// # What it does
    /// Finds destinations whose ports are held by TIME_WAIT on the client side, and tells whether the total number of TIME_WAIT sockets
    /// is near the kernel's limit. TIME_WAIT on the server side, and sheer numbers below that limit, are harmless and are said to be.
    ///
    /// # Why it matters
    /// The side that closes first keeps the connection in TIME_WAIT for 60 s. If that side is the client, its port stays taken toward that
    /// destination: N ports sustain N / 60 connections a second. A server's TIME_WAIT takes no port and costs about a quarter of a
    /// KiB; new connections to it are accepted all the same.
    ///
    /// # How it is measured
    /// A TIME_WAIT socket is client-side if its local port lies in net.ipv4.ip_local_port_range and nobody listens on it. For each (source,
    /// destination, port) the ports in TIME_WAIT are compared with the usable ports (see ephemeral-port-exhaustion); where tcp_tw_reuse
    /// applies, those older than tcp_tw_reuse_delay are free and are not counted. The remaining time of each socket gives its age and so the
    /// rate at which connections were closed in the last 10 s. The total is compared with net.ipv4.tcp_max_tw_buckets, and its memory
    /// is estimated at 0.25 KiB a socket, twice that on the client side with its bind buckets.
    ///
    /// # Thresholds
    /// Ratios of the usable ports of one destination: `info` above 0.5, `warning` above 0.75, `critical` above 0.9. `buckets`: the
    /// share of tcp_max_tw_buckets from which the total is mentioned, as info.
    ///
    /// # What can fool it
    /// A closed listener's former connections on a port inside the range look client-side, but each toward its own peer. Reuse needs
    /// timestamps at both ends; where no live connection shows them, the share is an interval and its worse end at most informs.
    ///
    /// # What to do
    /// Keep connections open and reuse them; let the server close first. tcp_tw_reuse=1 helps clients on other hosts than loopback (2, the
    /// default, covers loopback only). tcp_fin_timeout does not change TIME_WAIT, which lasts 60 s always; tcp_tw_recycle is gone
    /// since Linux 4.12 and broke clients behind NAT. Do not lower tcp_max_tw_buckets.
    ///
    /// # References
    /// include/net/tcp.h TCP_TIMEWAIT_LEN, net/ipv4/inet_timewait_sock.c, net/ipv4/tcp_ipv4.c tcp_twsk_unique, RFC 9293 section 3.6.1,
    /// <https://docs.kernel.org/networking/ip-sysctl.html>
    RULE {
        id: "time-wait-buildup",
        summary: "TIME_WAIT holds the ports to a destination",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Critical,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.5, min: 0.05, max: 1.0, unit: "ratio of usable ports",
                doc: "Informs above this share of the usable ports in TIME_WAIT." },
            Limit { key: "warning", default: 0.75, min: 0.05, max: 1.0, unit: "ratio of usable ports",
                doc: "Warns above this share of the usable ports in TIME_WAIT." },
            Limit { key: "critical", default: 0.9, min: 0.05, max: 1.0, unit: "ratio of usable ports",
                doc: "Critical above this share of the usable ports in TIME_WAIT." },
            Limit { key: "buckets", default: 0.5, min: 0.01, max: 1.0, unit: "ratio of tcp_max_tw_buckets",
                doc: "Informs above this share of tcp_max_tw_buckets." },
        ],
        wants: wants,
        check: check,
    }
}

/// Bytes of a TIME_WAIT socket: the slot of tw_sock_TCP. Its port's bind buckets cost the client as much again.
const BUCKET_BYTES: u64 = 256;

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    pools::wants(evidence, limits.get(&RULE, "info"))
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Ports { range, pools: busy, .. } = match pools::judged(evidence) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let listeners = Listeners::of(now);
    let waiting = || now.sockets.iter().filter(|s| s.state == State::TimeWait);
    let total = waiting().count() as u64;
    let client = waiting().filter(|s| is_client(s, range, &listeners)).count() as u64;
    let mut findings: Vec<Finding> =
        busy.iter().filter_map(|pool| destination(evidence, range, pool, limits)).collect();
    findings.extend(buckets(now, total, client, limits));
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    Outcome::Clear(match total {
        0 => "no socket in TIME_WAIT".into(),
        _ if client == 0 => {
            let sockets = count(total, "socket", "sockets");
            format!(
                "{sockets} in TIME_WAIT, all on the server side, where they take no port: harmless"
            )
        }
        _ => format!(
            "{} in TIME_WAIT, {} on the client side; they block no more than half of any destination's ports",
            count(total, "socket", "sockets"),
            number(client)
        ),
    })
}

fn destination(
    all: &Evidence<'_>,
    range: &EphemeralRange,
    pool: &Pool,
    limits: &Limits,
) -> Option<Finding> {
    let now = all.now;
    let thresholds = pools::thresholds(&RULE, pool, limits);
    let held_max = pool.time_wait() - pool.reusable();
    let held_min = pool.time_wait() - pool.reusable_max();
    let severity = pools::severity(held_min, held_max, &thresholds)?;
    let to = pool.destination;
    let mut facts = pools::facts(pool, range);
    facts.insert("time_wait_ratio", pool.ratio(held_max));
    let users = makers::of_pool(all, pool);
    let sustained = f64::from(pool.usable) * 1000.0 / f64::from(pool.hold_ms().max(1));
    let mut evidence = vec![
        format!(
            "{} closed in the last 10 s; the next port is free in {}.",
            count(pool.history.closed_within(10).into(), "connection was", "connections were"),
            duration(pool.first_release_ms().unwrap_or_default().into())
        ),
        format!(
            "{} ports sustain {:.1} connections a second, each held for {}.",
            number(pool.usable.into()),
            sustained,
            duration(pool.hold_ms().into()),
        ),
        pools::reuse_sentence(pool),
    ];
    evidence.push(users.said.clone());
    facts.insert("sustained_per_second", sustained);
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} of {} ports for {to} are in TIME_WAIT ({})",
            number(held_max.into()),
            number(pool.usable.into()),
            percent(held_max.into(), pool.usable.into())
        ),
        subject: Subject::Destination { destination: to, owners: users.culprits() },
        facts,
        thresholds,
        evidence,
        why: format!(
            "This side closes first, so each connection keeps its port for {} more.",
            duration(pool.hold_ms().into())
        ),
        next: vec![
            format!("ss -tano state time-wait dst {}", place(to.peer_addr, to.peer_port)),
            "nstat -az TcpExtTW TcpExtTWRecycled TcpExtTCPTimeWaitOverflow".into(),
        ],
        remedies: pools::remedies(now, range, pool, &thresholds),
    })
}

/// The total against tcp_max_tw_buckets: beyond it the kernel drops the state at once, which is counted and not logged.
fn buckets(now: &Snapshot, total: u64, client: u64, limits: &Limits) -> Option<Finding> {
    let max = now.sysctls.integer("net.ipv4.tcp_max_tw_buckets").filter(|m| *m > 0)? as u64;
    let at = limits.get(&RULE, "buckets") * max as f64;
    if total as f64 <= at {
        return None;
    }
    let bytes = total * BUCKET_BYTES + client * BUCKET_BYTES;
    let facts: BTreeMap<&'static str, f64> = [
        ("time_wait", total),
        ("time_wait_client", client),
        ("time_wait_server", total - client),
        ("tcp_max_tw_buckets", max),
        ("memory_bytes", bytes),
    ]
    .map(|(name, n)| (name, n as f64))
    .into();
    Some(Finding {
        id: RULE.id,
        severity: Severity::Info,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} in TIME_WAIT, {} of tcp_max_tw_buckets ({})",
            count(total, "socket", "sockets"),
            percent(total, max),
            number(max)
        ),
        subject: Subject::Namespace,
        facts,
        thresholds: Thresholds { info: Some(at), ..Thresholds::default() },
        evidence: vec![format!(
            "{} on the client side, {} on the server side, about {} KiB of memory in all.",
            number(client),
            number(total - client),
            number(bytes / 1024)
        )],
        why: "Harmless by itself; past the limit the kernel skips TIME_WAIT, which risks old segments in new connections.".into(),
        next: vec!["nstat -az TcpExtTW TcpExtTCPTimeWaitOverflow; cat /proc/net/sockstat".into()],
        remedies: vec![
            Remedy::Application("keep connections open and reuse them".into()),
            Remedy::Setting {
                knob: "net.ipv4.tcp_max_tw_buckets",
                wish: Wish::AtLeast(i64::try_from(max.saturating_mul(2)).unwrap_or(i64::MAX)),
                because: format!("{} of {} are in use", number(total), number(max)),
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::*;

    fn waiting(n: u16, age_ms: u32, local: &str, peer: &str) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 20066");
        // As connect() does: the even ports first.
        let ports = (20_000..=20_066).step_by(2).chain((20_001..20_066).step_by(2));
        for port in ports.take(n.into()) {
            s.sockets.push(time_wait(&format!("{local}:{port}"), peer, age_ms));
        }
        s
    }

    fn judge(s: &Snapshot) -> Outcome {
        check(&Evidence::new(s), &Limits::default())
    }

    fn severity(s: &Snapshot) -> Option<Severity> {
        match judge(s) {
            Outcome::Fired(f) => Some(f[0].severity),
            _ => None,
        }
    }

    #[test]
    fn client_side_is_judged_against_the_ports_of_its_destination() {
        for (n, want) in [
            (33, None),
            (34, Some(Severity::Info)),
            (50, Some(Severity::Info)),
            (51, Some(Severity::Warning)),
            (60, Some(Severity::Warning)),
            (61, Some(Severity::Critical)),
        ] {
            assert_eq!(severity(&waiting(n, 500, "10.0.0.1", "10.0.0.2:5001")), want, "{n}");
        }
    }

    #[test]
    fn the_finding_gives_its_numbers() {
        let mut s = waiting(41, 7000, "127.0.0.1", "127.0.0.1:5001");
        set(&mut s, "net.ipv4.tcp_tw_reuse", "0");
        let Outcome::Fired(f) = judge(&s) else { panic!("41 of 67") };
        assert_eq!(
            f[0].title,
            "41 of 67 ports for 127.0.0.1 -> 127.0.0.1:5001 are in TIME_WAIT (61 %)"
        );
        assert_eq!((f[0].facts["time_wait"], f[0].facts["closed_last_10s"]), (41.0, 41.0));
        assert_eq!((f[0].facts["usable"], f[0].facts["first_release_ms"]), (67.0, 53_000.0));
        let knobs: Vec<_> = f[0]
            .remedies
            .iter()
            .filter_map(|r| match r {
                Remedy::Setting { knob, wish, .. } => Some((*knob, wish.clone())),
                Remedy::Application(_) => None,
            })
            .collect();
        assert_eq!(knobs[0], ("net.ipv4.tcp_tw_reuse", Wish::Order(2)));
    }

    #[test]
    fn reusable_time_wait_is_silent_and_so_are_a_wide_range_and_other_destinations() {
        assert_eq!(severity(&waiting(41, 1500, "127.0.0.1", "127.0.0.1:5001")), None);
        assert_eq!(
            severity(&waiting(41, 900, "127.0.0.1", "127.0.0.1:5001")),
            Some(Severity::Info)
        );
        let mut wide = waiting(41, 900, "10.0.0.1", "10.0.0.2:5001");
        set(&mut wide, "net.ipv4.ip_local_port_range", "15000 60999");
        assert_eq!(severity(&wide), None);
    }

    #[test]
    fn server_side_is_harmless_until_the_table_is_half_full() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.tcp_max_tw_buckets", "100");
        s.sockets.push(listener("0.0.0.0:80", 0, 5));
        for port in 1..=50 {
            s.sockets.push(time_wait("10.0.0.1:80", &format!("10.0.0.2:{port}"), 5));
        }
        let Outcome::Clear(text) = judge(&s) else { panic!("half is not above half") };
        assert_eq!(
            text,
            "50 sockets in TIME_WAIT, all on the server side, where they take no port: harmless"
        );
        s.sockets.push(time_wait("10.0.0.1:80", "10.0.0.2:51", 5));
        let Outcome::Fired(f) = judge(&s) else { panic!("51 of 100") };
        assert_eq!((f[0].severity, f[0].facts["time_wait_server"]), (Severity::Info, 51.0));
        assert_eq!(f[0].facts["memory_bytes"].to_string(), "13056");
    }
}
