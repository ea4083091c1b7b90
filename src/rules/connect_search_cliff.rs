//! `connect-search-cliff`: the half of the ports that connect() tries first is full.

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, pools, rule};
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::ports::{Pool, Ports};
use crate::model::wants::Wants;
use crate::phrase::{number, percent};

rule! {
    /// # What it does
    /// Finds destinations toward which every connect() searches long, because the half of the range that it tries first is full.
    ///
    /// # Why it matters
    /// connect() looks for a free port among those of the parity of the range's low end, and only then among the others. While the first
    /// half has room it finds one in about 25 us; when that half is full, each call first walks through all of it: 330 us with 14,000
    /// ports, and more in a larger range, all of it CPU time in the kernel. Nothing counts it. The wider the range, the later this comes
    /// and the more each call costs then.
    ///
    /// # How it is measured
    /// The ports of the first half that are neither reserved nor held, less those in use toward the destination (reusable TIME_WAIT
    /// counts as free). Ports that bind() took first, which lie in the other half, do not count.
    ///
    /// # Thresholds
    /// `info` above this share of the first half in use. With two looks (--sample) and new connections between them it is a
    /// warning: somebody pays for it now.
    ///
    /// # What can fool it
    /// A program with a range of its own (IP_LOCAL_PORT_RANGE) searches otherwise. Whether a port was taken by bind() is known for
    /// certain only by BPF.
    ///
    /// # What to do
    /// Keep connections open and reuse them; spread over more destinations or source addresses, each of which has its own search. A wider
    /// range makes the cliff later and higher.
    ///
    /// # References
    /// net/ipv4/inet_hashtables.c __inet_hash_connect, commits 07f4c90062f8 and 1580ab63fc9a, RFC 6056
    RULE {
        id: "connect-search-cliff",
        summary: "every connect() to a destination searches long for a port",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Warning,
        earlier: Depth::Table,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.99, min: 0.5, max: 1.0, unit: "ratio of the first half",
                doc: "Informs above this share of the ports that connect() tries first." },
        ],
        wants: wants,
        check: check,
    }
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    // Half of the first half, were all ports taken evenly.
    pools::wants(evidence, limits.get(&RULE, "info") / 2.0)
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let ports = match pools::judged(evidence) {
        Ok(ports) => ports,
        Err(outcome) => return outcome,
    };
    let findings: Vec<Finding> =
        ports.pools.iter().filter_map(|pool| finding(evidence, ports, pool, limits)).collect();
    if findings.is_empty() {
        return Outcome::Clear(
            "the half of the ports that connect() tries first has room toward every destination"
                .into(),
        );
    }
    Outcome::Fired(findings)
}

fn finding(
    evidence: &Evidence<'_>,
    ports: &Ports,
    pool: &Pool,
    limits: &Limits,
) -> Option<Finding> {
    let now = evidence.now;
    let left = pool.until_cliff?;
    let (low, high) = (ports.range.low, ports.range.high);
    // What is held of the first half shortens the search's worth, not its way.
    let half = ports.range.first_half() - ports.held.all.count_parity(low, high);
    let taken = half.saturating_sub(left);
    let at = limits.get(&RULE, "info") * f64::from(half);
    // A pool that connections hardly use is not slow for itself; what holds the ports is another rule's.
    if half == 0 || f64::from(taken) <= at || pool.used < taken.div_ceil(2) {
        return None;
    }
    let change = evidence.change(pool);
    let connects = change.map(|c| c.flow.connects);
    // A pool that was not busy at the first look and is full now was connected through.
    let came_up = evidence.since.is_some() && change.is_none();
    let severity = match connects {
        _ if came_up => Severity::Warning,
        Some(rate) if rate > 0.0 => Severity::Warning,
        _ => Severity::Info,
    };
    let users = makers::of_pool(evidence, pool);
    let to = pool.destination;
    let mut facts = pools::facts(pool, &ports.range);
    facts.insert("first_half", f64::from(half));
    facts.insert("first_half_left", f64::from(left));
    if let Some(rate) = connects {
        facts.insert("connects_per_second", rate);
    }
    let rate = match connects {
        Some(rate) => format!("{rate:.1} connections a second were opened between the two looks."),
        None if came_up => "It was not busy at the first look.".into(),
        None => "Whether connections are being opened now takes two looks: --sample 2s.".into(),
    };
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} of {} ports that connect() tries first are taken for {to} ({})",
            number(taken.into()),
            number(half.into()),
            percent(taken.into(), half.into())
        ),
        subject: Subject::Destination {
            destination: to,
            owners: users.list.iter().map(|(c, _)| c.clone()).collect(),
        },
        facts,
        thresholds: Thresholds { info: Some(at), ..Thresholds::default() },
        evidence: vec![
            rate,
            format!(
                "{} of {} usable ports are in use, {} of them in TIME_WAIT.",
                number(pool.used.into()),
                number(pool.usable.into()),
                number(pool.time_wait().into())
            ),
            users.said.clone(),
        ],
        why: "Each connect() first walks through the whole full half, in the kernel: ten to a hundred times the time it takes else.".into(),
        next: vec![
            format!("tcpvet ports --to {}", place(to.peer_addr, to.peer_port)),
            "perf top -e cycles:k  # __inet_hash_connect, __inet_check_established".into(),
        ],
        remedies: vec![
            Remedy::Application("keep connections open and reuse them (pool, keep-alive)".into()),
            Remedy::Application(
                "spread over more destination addresses or ports, or more source addresses: each has a search of its own".into(),
            ),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::earlier::{Earlier, Since};
    use crate::model::state::State;
    use crate::model::testing::*;
    use crate::rules::Derived;

    /// So many ports of the first half, and of the second.
    fn filled(first: u16, second: u16) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21009");
        for i in 0..first {
            let local = format!("10.0.0.1:{}", 20_000 + 2 * i);
            s.sockets.push(socket(State::Established, &local, "10.0.0.2:5001"));
        }
        for i in 0..second {
            let local = format!("10.0.0.1:{}", 20_001 + 2 * i);
            s.sockets.push(socket(State::Established, &local, "10.0.0.2:5001"));
        }
        s
    }

    fn judge(evidence: &Evidence<'_>) -> Option<Finding> {
        match check(evidence, &Limits::default()) {
            Outcome::Fired(mut found) => found.pop(),
            _ => None,
        }
    }

    #[test]
    fn it_fires_when_the_first_half_is_full_and_not_before() {
        // 99 % of 505 is 499.95.
        for (first, second, fires) in
            [(499, 0, false), (500, 0, true), (505, 500, true), (400, 100, false)]
        {
            let s = filled(first, second);
            assert_eq!(judge(&Evidence::new(&s)).is_some(), fires, "{first} {second}");
        }
        let s = filled(505, 3);
        let f = judge(&Evidence::new(&s)).unwrap();
        assert_eq!(
            f.title,
            "505 of 505 ports that connect() tries first are taken for 10.0.0.1 -> 10.0.0.2:5001 (100 %)"
        );
        assert_eq!(
            (f.severity, f.facts["first_half_left"].to_string().as_str()),
            (Severity::Info, "0")
        );
    }

    #[test]
    fn new_connections_between_two_looks_make_it_a_warning() {
        let (first, mut still, mut more) = (filled(505, 3), filled(505, 3), filled(505, 9));
        (still.time_ms, more.time_ms) = (2000, 2000);
        let since = Since::between(Earlier::of(&first), &still).unwrap();
        let severity = |now: &Snapshot| {
            judge(&Evidence::on(now, Some(&since), Derived::of(now))).unwrap().severity
        };
        assert_eq!((severity(&still), severity(&more)), (Severity::Info, Severity::Warning));
    }

    #[test]
    fn held_ports_alone_are_no_search_of_a_destination() {
        let mut s = filled(3, 0);
        for i in 3..505 {
            let local = format!("10.0.0.1:{}", 20_000 + 2 * i);
            s.sockets.push(socket(State::BoundInactive, &local, "0.0.0.0:0"));
        }
        assert_eq!(judge(&Evidence::new(&s)).map(|f| f.title), None);
    }
}
