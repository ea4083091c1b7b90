//! `bind-pool-exhaustion`: programs that bind() to port 0 run out of ports on one local address.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{
    Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_above,
};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, pools, rule};
use crate::model::culprit::users;
use crate::model::earlier::Depth;
use crate::model::ports::Ports;
use crate::model::ports::bind_pool::BindPool;
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds local addresses on which bind() to port 0 is about to fail with EADDRINUSE, where programs do bind().
    ///
    /// # Why it matters
    /// A program that binds an address before it connects (a proxy with a source address, a client with a fixed interface) takes a port
    /// that no other socket has on that address, whatever the destination. That pool is much smaller than the one connect() draws from:
    /// one range for all destinations together. When it is empty, bind() fails with EADDRINUSE, and nothing counts it.
    ///
    /// # How it is measured
    /// For each local address: distinct ports of ip_local_port_range, reserved ones left out, with any socket on that address or on the
    /// wildcard, in any state, connections and TIME_WAIT included. A pool is judged only if at least a tenth of what is taken was
    /// taken by bind(): named ports, bound sockets, and ports whose bind bucket says so (read by BPF).
    ///
    /// # Thresholds
    /// Ratios of the range that are taken on the address: `warning` above 0.75, `critical` above 0.9.
    ///
    /// # What can fool it
    /// Without BPF (root), ports that bind(0) took are told from those that connect() took only by parity, and pools may go unjudged.
    /// SO_REUSEADDR gains nothing here unless ip_autobind_reuse is 1, and then connect() fails instead, now and then.
    ///
    /// # What to do
    /// Set IP_BIND_ADDRESS_NO_PORT before bind(): the port is then chosen by connect(), per destination. More local addresses. A wider
    /// range helps both pools.
    ///
    /// # References
    /// net/ipv4/inet_connection_sock.c inet_csk_find_open_port, ip(7) IP_BIND_ADDRESS_NO_PORT
    RULE {
        id: "bind-pool-exhaustion",
        summary: "programs that bind() to port 0 run out of ports on an address",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Critical,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 0.75, min: 0.05, max: 1.0, unit: "ratio of the range",
                doc: "Warns above this share of the range taken on one address." },
            Limit { key: "critical", default: 0.9, min: 0.05, max: 1.0, unit: "ratio of the range",
                doc: "Critical above this share of the range taken on one address." },
        ],
        wants: wants,
        check: check,
    }
}

/// Share of what is taken that bind() must have taken for the pool to matter to anybody.
const BY_BIND: f64 = 0.1;

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    let Some(ports) = evidence.ports() else { return wants };
    for pool in ports.local.pools(&ports.range, None) {
        if pool.ratio() > limits.get(&RULE, "warning") * 0.8 {
            wants.explicit_ports = true;
            wants.buckets = true;
            wants.owners.extend(pool.inodes);
        }
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let ports = match pools::judged(evidence) {
        Ok(ports) => ports,
        Err(outcome) => return outcome,
    };
    let pools = ports.local.pools(&ports.range, None);
    let judged = pools.iter().filter(|p| !p.is_wildcard());
    let findings: Vec<Finding> =
        judged.filter_map(|pool| finding(evidence, ports, pool, limits)).collect();
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let fullest = pools.iter().filter(|p| !p.is_wildcard()).map(|p| p.used).max();
    Outcome::Clear(match fullest {
        None | Some(0) => "no local address has ports of the range taken".into(),
        Some(n) => format!(
            "at most {} of {} are taken on one local address, or nobody binds there",
            number(n.into()),
            count(ports.range.size().into(), "port", "ports")
        ),
    })
}

fn finding(
    evidence: &Evidence<'_>,
    ports: &Ports,
    pool: &BindPool,
    limits: &Limits,
) -> Option<Finding> {
    let now = evidence.now;
    let at = |key| Some(limits.get(&RULE, key) * f64::from(pool.usable));
    let thresholds = Thresholds { info: None, warning: at("warning"), critical: at("critical") };
    let severity = severity_above(f64::from(pool.used), &thresholds)?;
    let by_bind = ports.bound_on(pool.local_addr);
    if f64::from(by_bind) < BY_BIND * f64::from(pool.used) {
        return None;
    }
    let users = users(now, &pool.inodes);
    let left = match pool.headroom == pool.headroom_max {
        true => number(pool.headroom.into()),
        false => {
            format!("{} to {}", number(pool.headroom.into()), number(pool.headroom_max.into()))
        }
    };
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} of {} ports taken for bind() to {}, {left} left ({})",
            number(pool.used.into()),
            number(pool.usable.into()),
            pool.local_addr,
            percent(pool.used.into(), pool.usable.into())
        ),
        subject: Subject::Address {
            addr: pool.local_addr,
            owners: users.iter().map(|(c, _)| c.clone()).collect(),
        },
        facts: BTreeMap::from(
            [
                ("used", pool.used),
                ("usable", pool.usable),
                ("headroom", pool.headroom),
                ("headroom_max", pool.headroom_max),
                ("taken_by_bind", by_bind),
                ("on_wildcard", pool.on_wildcard),
                ("range_size", ports.range.size()),
            ]
            .map(|(name, n)| (name, f64::from(n))),
        ),
        thresholds,
        evidence: vec![
            format!(
                "{} taken by bind(), the rest by connections; either way no bind() to {} gets them.",
                count(by_bind.into(), "port was", "ports were"),
                pool.local_addr
            ),
            pools::users_sentence(&users, "on it"),
        ],
        why: match severity {
            Severity::Critical => "When the last port is gone, bind() fails with EADDRINUSE, which no counter shows.",
            _ => "The rest goes fast; then bind() fails with EADDRINUSE, which no counter shows.",
        }
        .into(),
        next: vec![
            format!("tcpvet ports --bind --source {}", pool.local_addr),
            format!("ss -tan src {}", pool.local_addr),
        ],
        remedies: vec![
            Remedy::Application(
                "set IP_BIND_ADDRESS_NO_PORT before bind(): connect() then chooses the port for each destination".into(),
            ),
            Remedy::Application("bind to more local addresses".into()),
            Remedy::Setting {
                knob: "net.ipv4.ip_local_port_range",
                wish: Wish::MorePorts,
                because: format!("{} ports serve bind() to this address", number(pool.usable.into())),
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::owner::Bucket;
    use crate::model::state::State;
    use crate::model::testing::*;

    fn connected(n: u16, bucket: Bucket) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 20999");
        for i in 0..n {
            let local = format!("10.0.0.1:{}", 20_000 + i);
            let peer = format!("10.0.{}.2:443", i % 250);
            s.sockets.push(socket(State::Established, &local, &peer));
            s.owners.as_mut().unwrap().buckets.get_or_insert_default().note(20_000 + i, bucket);
        }
        s
    }

    fn judge(s: &Snapshot) -> Option<Severity> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(found) => {
                assert_eq!(found.len(), 1);
                Some(found[0].severity)
            }
            _ => None,
        }
    }

    #[test]
    fn a_pool_is_judged_by_what_is_taken_if_somebody_binds() {
        for (n, want) in [
            (750, None),
            (751, Some(Severity::Warning)),
            (900, Some(Severity::Warning)),
            (901, Some(Severity::Critical)),
        ] {
            assert_eq!(judge(&connected(n, Bucket::Bind)), want, "{n}");
        }
        assert_eq!(judge(&connected(950, Bucket::Connect)), None, "nobody binds");
    }

    #[test]
    fn the_numbers_are_those_of_the_pool() {
        let s = connected(911, Bucket::Bind);
        let Outcome::Fired(found) = check(&Evidence::new(&s), &Limits::default()) else {
            panic!("911 of 1000")
        };
        assert_eq!(
            found[0].title,
            "911 of 1,000 ports taken for bind() to 10.0.0.1, 89 left (91 %)"
        );
        assert_eq!(found[0].key(), "bind-pool-exhaustion/lab/address:10.0.0.1");
        assert_eq!((found[0].facts["taken_by_bind"], found[0].facts["headroom"]), (911.0, 89.0));
        assert!(wants(&Evidence::new(&s), &Limits::default()).buckets);
    }
}
