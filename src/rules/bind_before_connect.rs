//! `bind-before-connect`: programs bind() to port 0 before they connect(), and take ports from everybody.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, pools, rule};
use crate::model::culprit::users;
use crate::model::earlier::Depth;
use crate::model::ports::bind_first::Sure;
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds programs that bind() to port 0 before they connect(), without IP_BIND_ADDRESS_NO_PORT, and says how sure that is.
    ///
    /// # Why it matters
    /// A port that bind() chose is lost to every connect() of the namespace, toward whatever destination, while one that connect() chose is
    /// lost to one destination only. A few thousand such connections halve what all others have, and nobody sees why.
    ///
    /// # How it is measured
    /// The kernel keeps for each port a bind bucket that says whether bind() or connect() made it; by BPF (root) it is read for every port
    /// that a process has a socket on: then it is certain. Without it parity speaks: connect() takes ports of the range's low parity while
    /// it can, bind(0) the others; ports of the other half in use while the first half has room were hardly given by connect().
    ///
    /// # Thresholds
    /// `info` above this share of the range taken so, and above ten ports.
    ///
    /// # What can fool it
    /// Without bind buckets: sockets with a range of their own (IP_LOCAL_PORT_RANGE), a time when the first half was full, and connections
    /// of a listener that is gone look the same; fewer than ten ports are then not spoken of. With them: connections accepted by a
    /// listener that is gone, from a peer with a low port.
    ///
    /// # What to do
    /// Set IP_BIND_ADDRESS_NO_PORT on the socket before bind() (nginx proxy_bind and HAProxy source do it by themselves).
    ///
    /// # References
    /// net/ipv4/inet_connection_sock.c, net/ipv4/inet_hashtables.c, commit 07f4c90062f8, ip(7)
    RULE {
        id: "bind-before-connect",
        summary: "programs bind() before they connect() and take ports from everybody",
        since: "0.1.0",
        family: Family::Ports,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.01, min: 0.0, max: 1.0, unit: "ratio of the range",
                doc: "Informs above this share of the range taken by bind() before connect()." },
        ],
        wants: wants,
        check: check,
    }
}

/// So few are never spoken of.
const FEW: u32 = 10;

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    let Some(ports) = evidence.ports() else { return wants };
    let found = ports.bind_first();
    let size = f64::from(ports.range.size());
    if found.sure >= Sure::Likely && f64::from(found.ports) > limits.get(&RULE, "info") * size {
        wants.explicit_ports = true;
        wants.buckets = true;
        wants.owners.extend(found.inodes);
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let ports = match pools::judged(evidence) {
        Ok(ports) => ports,
        Err(outcome) => return outcome,
    };
    let found = ports.bind_first();
    let size = ports.range.size();
    let at = limits.get(&RULE, "info") * f64::from(size);
    let few = found.ports <= FEW || f64::from(found.ports) <= at;
    if found.sure < Sure::Likely || few {
        return Outcome::Clear(match found.sure {
            Sure::None => "no port looks as if bind() had chosen it before connect()".into(),
            _ => format!(
                "{} as if bind() had chosen it before connect(): few",
                count(found.ports.into(), "port looks", "ports look")
            ),
        });
    }
    let users = users(now, &found.inodes);
    let sure = found.sure.word();
    Outcome::Fired(vec![Finding {
        id: RULE.id,
        severity: Severity::Info,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: format!(
            "{} of {} ports were taken by bind() before connect(), {} ({sure})",
            number(found.ports.into()),
            number(size.into()),
            percent(found.ports.into(), size.into())
        ),
        subject: Subject::Namespace,
        facts: BTreeMap::from([
            ("bound_first", f64::from(found.ports)),
            ("certain", f64::from(u8::from(found.sure == Sure::Certain))),
            ("range_size", f64::from(size)),
            ("usable", f64::from(ports.free)),
        ]),
        thresholds: Thresholds { info: Some(at.max(f64::from(FEW))), ..Thresholds::default() },
        evidence: vec![
            match found.sure {
                Sure::Certain => "The kernel's bind buckets of these ports say that bind() took them.".into(),
                _ => "They lie in the half of the range that connect() tries last, while the first half has room.".into(),
            },
            pools::users_sentence(&users, "on them"),
        ],
        why: "Each of these ports is lost to every destination, where connect() alone would take it from one.".into(),
        next: vec!["tcpvet ports --bind".into(), "strace -f -e trace=bind,connect -p PID".into()],
        remedies: vec![Remedy::Application(
            "set IP_BIND_ADDRESS_NO_PORT before bind(): connect() then chooses the port for each destination".into(),
        )],
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::owner::Bucket;
    use crate::model::state::State;
    use crate::model::testing::*;

    fn odd(n: u16, bucket: Option<Bucket>) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 20999");
        for i in 0..n {
            let port = 20_001 + 2 * i;
            let mut one = socket(State::Established, &format!("10.0.0.1:{port}"), "10.0.0.2:443");
            one.inode = u32::from(port);
            s.sockets.push(one);
            hold(&mut s, u32::from(port), 7, 3);
            if let Some(bucket) = bucket {
                s.owners.as_mut().unwrap().buckets.get_or_insert_default().note(port, bucket);
            }
        }
        process(&mut s, 7, "proxy", 1024, 9);
        s
    }

    fn title(s: &Snapshot) -> Option<String> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(found) => Some(found[0].title.clone()),
            _ => None,
        }
    }

    #[test]
    fn buckets_make_it_certain_and_parity_makes_it_likely() {
        assert_eq!(title(&odd(10, Some(Bucket::Bind))), None);
        assert_eq!(
            title(&odd(11, Some(Bucket::Bind))).as_deref(),
            Some("11 of 1,000 ports were taken by bind() before connect(), 1 % (certain)")
        );
        assert_eq!(
            title(&odd(23, None)).as_deref(),
            Some("23 of 1,000 ports were taken by bind() before connect(), 2 % (likely)")
        );
        assert_eq!(title(&odd(23, Some(Bucket::Connect))), None, "the bucket speaks against it");
    }

    #[test]
    fn who_does_it_is_wanted_and_named() {
        let s = odd(23, None);
        let wants = wants(&Evidence::new(&s), &Limits::default());
        assert_eq!((wants.owners.len(), wants.buckets), (23, true));
        let s = odd(23, Some(Bucket::Bind));
        let Outcome::Fired(found) = check(&Evidence::new(&s), &Limits::default()) else {
            panic!("23 ports")
        };
        assert_eq!(found[0].evidence[1], "Open sockets on them: proxy[7] (23).");
    }
}
