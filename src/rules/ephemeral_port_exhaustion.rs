//! `ephemeral-port-exhaustion`: the ports for connections to one destination run out.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{
    Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_above,
};
use super::limit::{Limit, Limits};
use super::outcome::{Cause, Outcome};
use super::{Evidence, makers, pools, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::ports::{EphemeralRange, Pool, Ports};
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds destinations toward which this namespace has used up most of the ports that connect() may choose from.
    ///
    /// # Why it matters
    /// The kernel picks a local port for each (source address, destination address, destination port). When none is left, connect()
    /// fails with EADDRNOTAVAIL, and no counter anywhere shows it. Past half of the range, every connect() already searches far longer: see
    /// connect-search-cliff.
    ///
    /// # How it is measured
    /// N is the size of net.ipv4.ip_local_port_range less the ports of net.ipv4.ip_local_reserved_ports in it. Ports held by listeners
    /// (with the connections they accepted), by explicit binds and by bound sockets that are not connected are lost to every destination,
    /// whatever their address or family. usable = N less those; used = distinct local ports in the range with a socket in any state,
    /// TIME_WAIT included, from the source to the destination; headroom = usable - used. Where tcp_tw_reuse truly applies (value 1, or
    /// 2 and loopback; timestamps on both sides), TIME_WAIT sockets older than tcp_tw_reuse_delay count as free. Where that cannot be
    /// known, because no live connection to the destination shows timestamps, the headroom is an interval.
    ///
    /// # Thresholds
    /// Ratios of the usable ports that are taken: `warning` above 0.75, `critical` above 0.9. Where the headroom is an interval, the better
    /// end decides between warning and critical, and the worse end at most informs.
    ///
    /// # What can fool it
    /// In a range of an odd number of ports each search leaves one end out, so the last port may stay free (`untried`).
    /// Programs that bind() to port 0 before connect() without IP_BIND_ADDRESS_NO_PORT take their ports from every destination: the
    /// kernel's bind buckets tell it to root (BPF); without them parity does, and what it leaves open makes the headroom an interval
    /// (`doubtful`). Exhaustion of SNAT or conntrack on a gateway cannot be seen from sockets. The dump is not atomic:
    /// under heavy churn the counts are off by what changed meanwhile. Before Linux 6.12 orphans in FIN_WAIT2 are reused like TIME_WAIT,
    /// and the headroom is higher by their number.
    ///
    /// # What to do
    /// Keep connections open and pool them; let the other side close first; spread over more destination addresses or ports, or more
    /// source addresses. Only then settings: tcp_tw_reuse where TIME_WAIT holds the ports, a wider range (with the service ports in it
    /// reserved first).
    ///
    /// # References
    /// net/ipv4/inet_hashtables.c __inet_hash_connect, net/ipv4/tcp_ipv4.c tcp_twsk_unique, RFC 6056, ip(7),
    /// <https://docs.kernel.org/networking/ip-sysctl.html>
    RULE {
        id: "ephemeral-port-exhaustion",
        summary: "the ports for connections to one destination run out",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Critical,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 0.75, min: 0.05, max: 1.0, unit: "ratio of usable ports",
                doc: "Warns above this share of the usable ports." },
            Limit { key: "critical", default: 0.9, min: 0.05, max: 1.0, unit: "ratio of usable ports",
                doc: "Critical above this share of the usable ports." },
        ],
        wants: wants,
        check: check,
    }
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    pools::wants(evidence, limits.get(&RULE, "warning"))
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let pools = match pools::judged(evidence) {
        Ok(pools) => pools,
        Err(outcome) => return outcome,
    };
    let range = &pools.range;
    let mut findings = Vec::new();
    for pool in &pools.pools {
        if let Some(mut found) = finding(evidence, range, pool, limits) {
            found.evidence.extend(super::pools::server_sentence(evidence, pool));
            findings.push(found);
        }
    }
    findings.extend(held(now, pools, limits));
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    if !now.has_netlink_facts() {
        let why = "ports held by binds come by netlink only, which is refused here";
        return Outcome::NotEvaluated(Cause::Unseen, why.into());
    }
    let ports = count(pools.free.into(), "usable port", "usable ports");
    Outcome::Clear(match pools.pools.iter().map(|p| p.used).max() {
        Some(used) => format!("busiest destination uses {} of {ports}", number(used.into())),
        None => format!("no destination uses a fortieth of {ports}"),
    })
}

/// Listeners and binds hold so much of the range that every destination is short of ports.
fn held(now: &Snapshot, pools: &Ports, limits: &Limits) -> Option<Finding> {
    let (range, size) = (&pools.range, pools.range.size());
    let held = size - pools.free;
    let at = |key| Some(limits.get(&RULE, key) * f64::from(size));
    let thresholds = Thresholds { info: None, warning: at("warning"), critical: at("critical") };
    let severity = match size {
        0 => Severity::Critical,
        _ => severity_above(f64::from(held), &thresholds)?,
    };
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: match size {
            0 => format!("every port from {} to {} is reserved, none is usable for connect()", range.low, range.high),
            _ => format!(
                "{} of {} ports from {} to {} are held by listeners and binds, {} usable for connect()",
                number(held.into()),
                number(size.into()),
                range.low,
                range.high,
                number(pools.free.into())
            ),
        },
        subject: Subject::Namespace,
        facts: BTreeMap::from([
            ("held", f64::from(held)),
            ("usable", f64::from(pools.free)),
            ("range_size", f64::from(size)),
        ]),
        thresholds,
        evidence: vec![format!(
            "{} of the range are reserved.",
            count(range.reserved.count_in(range.low, range.high).into(), "port", "ports")
        )],
        why: "A held port is lost to every destination; without one left, connect() fails with EADDRNOTAVAIL.".into(),
        next: vec![
            "sysctl -ar 'ip_local_(port|reserved)'".into(),
            "tcpvet list --state listen,bound-inactive".into(),
        ],
        remedies: vec![
            Remedy::Application(
                "let connect() choose the port (IP_BIND_ADDRESS_NO_PORT), and listen outside the range".into(),
            ),
            Remedy::Setting {
                knob: "net.ipv4.ip_local_port_range",
                wish: Wish::MorePorts,
                because: format!("{} ports of it are usable", number(pools.free.into())),
            },
        ],
    })
}

fn finding(
    all: &Evidence<'_>,
    range: &EphemeralRange,
    pool: &Pool,
    limits: &Limits,
) -> Option<Finding> {
    let now = all.now;
    let thresholds = pools::thresholds(&RULE, pool, limits);
    let severity = pools::severity(pool.blocked_min(), pool.blocked_max(), &thresholds)?;
    let to = pool.destination;
    let mut facts = pools::facts(pool, range);
    facts.insert("used_ratio", pool.ratio(pool.blocked_max()));
    let users = makers::of_pool(all, pool);
    let mut evidence = vec![format!(
        "Range {} to {}: {} usable here, {} used ({} in TIME_WAIT), {} held by listeners and binds.",
        range.low,
        range.high,
        number(pool.usable.into()),
        number(pool.used.into()),
        number(pool.time_wait().into()),
        number(pool.held.into())
    )];
    if pool.time_wait() > 0 {
        evidence.push(pools::reuse_sentence(pool));
    }
    if pool.untried > 0 {
        evidence.push(
            "The range has an odd number of ports and an end of it is free: each search leaves one end out, and one connection fewer may fit.".into(),
        );
    }
    evidence.push(users.said.clone());
    let headroom = match (pool.headroom(), pool.headroom_max()) {
        (a, b) if a == b => number(a.into()),
        (a, b) => format!("{} to {}", number(a.into()), number(b.into())),
    };
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} of {} ports taken for {to}, {headroom} left ({})",
            number(pool.blocked_max().into()),
            number(pool.usable.into()),
            percent(pool.blocked_max().into(), pool.usable.into())
        ),
        subject: Subject::Destination {
            destination: to,
            owners: users.culprits(),
        },
        facts,
        thresholds,
        evidence,
        why: match severity {
            Severity::Info => "Past half of the range each connect() searches long for a free port.",
            Severity::Warning => "The rest goes fast; then connect() fails with EADDRNOTAVAIL, which no counter shows.",
            Severity::Critical => "When the last port is gone, connect() fails with EADDRNOTAVAIL, which no counter shows.",
        }
        .into(),
        next: vec![
            format!("ss -tan dst {}", place(to.peer_addr, to.peer_port)),
            "sysctl -ar 'ip_local_(port|reserved)|tcp_tw_reuse'".into(),
        ],
        remedies: pools::remedies(now, range, pool, &thresholds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::State;
    use crate::model::testing::*;

    fn filled(used: u16) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21008");
        for port in 20000..20000 + used {
            let mut one = socket(State::Established, &format!("10.0.0.1:{port}"), "10.0.0.2:5001");
            one.inode = u32::from(port);
            s.sockets.push(one);
            hold(&mut s, u32::from(port), 7, u32::from(port));
        }
        process(&mut s, 7, "java", 1024, 900);
        s
    }

    fn judge(s: &Snapshot) -> Option<Finding> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(mut f) => {
                assert_eq!(f.len(), 1);
                f.pop()
            }
            _ => None,
        }
    }

    #[test]
    fn severities_change_just_above_their_share() {
        for (used, want) in [
            (756, None),
            (757, Some(Severity::Warning)),
            (908, Some(Severity::Warning)),
            (909, Some(Severity::Critical)),
            (1009, Some(Severity::Critical)),
        ] {
            assert_eq!(judge(&filled(used)).map(|f| f.severity), want, "{used}");
        }
    }

    #[test]
    fn the_numbers_and_the_process_are_named() {
        let f = judge(&filled(911)).unwrap();
        assert_eq!(
            f.title,
            "911 of 1,009 ports taken for 10.0.0.1 -> 10.0.0.2:5001, 97 to 98 left (90 %)"
        );
        assert_eq!(
            (f.facts["used"], f.facts["usable"], f.facts["headroom"]),
            (911.0, 1009.0, 97.0)
        );
        assert_eq!(f.subject.culprits()[0].name(), "java[7]");
        assert_eq!(f.key(), "ephemeral-port-exhaustion/lab/destination:10.0.0.1>10.0.0.2:5001");
    }

    #[test]
    fn where_reuse_is_unknown_the_worse_end_only_informs() {
        let mut s = filled(0);
        set(&mut s, "net.ipv4.tcp_tw_reuse", "1");
        for port in 20000..21000 {
            s.sockets.push(time_wait(&format!("10.0.0.1:{port}"), "10.0.0.2:5001", 30_000));
        }
        let f = judge(&s).unwrap();
        assert_eq!(f.severity, Severity::Info);
        assert_eq!((f.facts["headroom"], f.facts["headroom_max"]), (8.0, 1009.0));
    }

    #[test]
    fn a_range_without_a_usable_port_is_critical_without_any_connection() {
        let mut s = filled(0);
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "20000-21008");
        let f = judge(&s).unwrap();
        assert_eq!(f.severity, Severity::Critical);
        assert_eq!(
            f.title,
            "every port from 20000 to 21008 is reserved, none is usable for connect()"
        );
    }

    #[test]
    fn ports_held_by_binds_fire_without_one_busy_destination() {
        let mut s = filled(0);
        for port in 20000..20757 {
            s.sockets.push(socket(State::BoundInactive, &format!("10.0.0.1:{port}"), "0.0.0.0:0"));
        }
        let f = judge(&s).unwrap();
        assert_eq!((f.severity, f.facts["held"].to_string().as_str()), (Severity::Warning, "757"));
        let mut spread = filled(0);
        for port in 20000..20900 {
            let peer = format!("10.0.{}.{}:443", port % 200, port / 200);
            spread.sockets.push(socket(State::Established, &format!("10.0.0.1:{port}"), &peer));
        }
        assert!(wants(&Evidence::new(&spread), &Limits::default()).explicit_ports);
        spread.explicit_ports = crate::model::portset::PortSet::parse("20000-20899");
        assert_eq!(judge(&spread).unwrap().severity, Severity::Warning);
        spread.explicit_ports = crate::model::portset::PortSet::parse("20000-20910");
        assert_eq!(judge(&spread).unwrap().severity, Severity::Critical);
    }

    #[test]
    fn without_the_range_nothing_is_claimed() {
        let mut s = filled(900);
        s.sysctls.0.clear();
        let outcome = check(&Evidence::new(&s), &Limits::default());
        assert!(matches!(outcome, Outcome::NotEvaluated(Cause::Unseen, _)));
    }

    #[test]
    fn owners_are_wanted_only_of_busy_destinations() {
        let of = |used| wants(&Evidence::new(&filled(used)), &Limits::default());
        assert!(of(100).owners.is_empty());
        let wants = of(700);
        assert_eq!((wants.owners.len(), wants.explicit_ports), (700, true));
    }
}
