//! `connection-churn`: connections to one destination are opened and closed so fast that keeping them would save ports and work.

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds, severity_above};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, pools, rule};
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::ports::forecast::{ceilings, lifetime_s, sustainable};
use crate::model::ports::{Pool, Ports};
use crate::model::reuse::delay_ms;
use crate::model::socket::TIME_WAIT_MS;
use crate::model::wants::Wants;
use crate::phrase::{number, seconds};

rule! {
    /// # What it does
    /// Finds destinations toward which this side closes connections at a good part of the rate that the ports bear.
    ///
    /// # Why it matters
    /// Each closed connection costs a handshake, a port for 60 s (or until reuse) and a place in the TIME_WAIT table. N ports bear
    /// N / 60 closes a second toward one destination: 470 with the default range. A pool of kept connections needs none of it.
    ///
    /// # How it is measured
    /// Each TIME_WAIT socket states its remaining time, and so when it was closed: the closes of the last 60 s toward each destination,
    /// second by second. They are held against usable ports / 60 s. Where reuse hides closes, the rate is a lower bound. Mean life is the
    /// number of open connections over the closes a second (Little's law).
    ///
    /// # Thresholds
    /// `info` above this share of usable ports / 60 s. It is never more than info: it is habit, and whether it harms is for
    /// ephemeral-port-exhaustion and time-wait-buildup to say.
    ///
    /// # What can fool it
    /// Closes by the peer and resets leave no TIME_WAIT here and are not seen. A storm that is over still shows for a minute; the facts
    /// give the rate of the last 10 s beside it.
    ///
    /// # What to do
    /// Keep connections and reuse them: keep-alive toward upstreams, a connection pool of the right size, HTTP/2. A pool that shrinks and
    /// grows all the time (many open, many closed) wants a longer idle time.
    ///
    /// # References
    /// include/net/tcp.h TCP_TIMEWAIT_LEN, net/ipv4/inet_timewait_sock.c
    RULE {
        id: "connection-churn",
        summary: "connections to one destination come and go at a high rate",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.25, min: 0.01, max: 100.0, unit: "ratio of usable ports / 60 s",
                doc: "Informs above this share of the rate that the ports bear without reuse." },
        ],
        wants: wants,
        check: check,
    }
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    let Some(ports) = evidence.ports() else { return wants };
    for pool in &ports.pools {
        if pool.history.rate() > limits.get(&RULE, "info") * bears(pool) * 0.8 {
            wants.owners.extend(pool.inodes.iter().copied());
        }
    }
    wants
}

/// Closes a second that the ports bear without reuse, each closed at once.
fn bears(pool: &Pool) -> f64 {
    sustainable(pool.usable, 0.0, TIME_WAIT_MS)
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let ports = match pools::judged(evidence) {
        Ok(ports) => ports,
        Err(outcome) => return outcome,
    };
    let found: Vec<Finding> =
        ports.pools.iter().filter_map(|p| finding(evidence, ports, p, limits)).collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    Outcome::Clear("toward no busy destination are connections closed at a rate that counts".into())
}

fn finding(
    evidence: &Evidence<'_>,
    ports: &Ports,
    pool: &Pool,
    limits: &Limits,
) -> Option<Finding> {
    let now = evidence.now;
    let rate = pool.history.rate();
    let thresholds =
        Thresholds { info: Some(limits.get(&RULE, "info") * bears(pool)), ..Thresholds::default() };
    severity_above(rate, &thresholds)?;
    // Few closes have no rate to speak of: a range of a hundred ports bears less than two a second.
    let closed = pool.history.closed_within(60);
    if closed < FEW {
        return None;
    }
    let users = makers::of_pool(evidence, pool);
    let to = pool.destination;
    let least = if pool.hides_closes(now) { "at least " } else { "" };
    let peak = pool.history.closes.iter().copied().max().unwrap_or_default();
    let mut facts = pools::facts(pool, &ports.range);
    let ceiling = ceilings(pool, &ports.range, delay_ms(now)).now.unwrap_or(bears(pool));
    for (name, value) in [
        ("closes_per_second", rate),
        ("closes_per_second_recent", pool.history.recent_rate()),
        ("closes_peak_per_second", f64::from(peak)),
        ("closed_last_60s", f64::from(closed)),
        ("open", f64::from(pool.open())),
        ("sustained_per_second", ceiling),
        ("rate_is_lower_bound", f64::from(u8::from(pool.hides_closes(now)))),
    ] {
        facts.insert(name, value);
    }
    let life = lifetime_s(pool);
    if let Some(life) = life {
        facts.insert("lifetime_seconds", life);
    }
    Some(Finding {
        id: RULE.id,
        severity: Severity::Info,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{least}{rate:.1} connections a second to {to} are closed by this side, {} in the last minute",
            number(closed.into())
        ),
        subject: Subject::Destination {
            destination: to,
            owners: users.list.iter().map(|(c, _)| c.clone()).collect(),
        },
        facts,
        thresholds,
        evidence: vec![
            format!(
                "{:.1} a second in the last 10 s, at most {} in one second; each lives about {}, and {} are open.",
                pool.history.recent_rate(),
                number(peak.into()),
                seconds(life.unwrap_or_default()),
                number(pool.open().into())
            ),
            format!(
                "The {} usable ports bear {ceiling:.0} a second for good.",
                number(pool.usable.into())
            ),
            users.said.clone(),
        ],
        why: "Each of them costs a handshake and keeps a port after its end; kept connections cost neither.".into(),
        next: vec![format!("tcpvet ports --to {} --sample 5s", place(to.peer_addr, to.peer_port))],
        remedies: vec![Remedy::Application(
            "keep connections and reuse them: keep-alive toward this destination, a connection pool, HTTP/2".into(),
        )],
    })
}

/// Closes in a minute that are too few to speak of.
const FEW: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::testing::*;

    /// `rate` closes a second for a minute, toward a far destination in the default range.
    fn churn(rate: u32) -> Snapshot {
        let mut s = fresh();
        for i in 0..rate * 60 {
            let local = format!("10.0.0.1:{}", 32_768 + i);
            s.sockets.push(time_wait(&local, "10.0.0.2:80", i * 1000 / rate));
        }
        s
    }

    fn judge(s: &Snapshot) -> Option<Finding> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(mut found) => found.pop(),
            _ => None,
        }
    }

    #[test]
    fn a_quarter_of_what_the_ports_bear_is_worth_a_word() {
        // 28,232 / 60 / 4 is 117.6.
        assert!(judge(&churn(117)).is_none());
        let f = judge(&churn(119)).unwrap();
        assert_eq!(
            f.title,
            "119.0 connections a second to 10.0.0.1 -> 10.0.0.2:80 are closed by this side, 7,140 in the last minute"
        );
        assert_eq!((f.severity, f.facts["closes_peak_per_second"]), (Severity::Info, 119.0));
        assert_eq!(f.facts["sustained_per_second"].round().to_string(), "471");
    }

    #[test]
    fn a_few_closes_in_a_small_range_are_no_churn() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 20199");
        for i in 0..99 {
            s.sockets.push(time_wait(&format!("10.0.0.1:{}", 20_000 + i), "10.0.0.2:80", i * 50));
        }
        assert!(judge(&s).is_none());
        s.sockets.push(time_wait("10.0.0.1:20150", "10.0.0.2:80", 1));
        assert!(judge(&s).is_some());
    }
}
