//! `keepalive-too-slow`: keepalive is on, and its first probe comes after a middlebox has forgotten the connection.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration};

rule! {
    /// # What it does
    /// Finds connections to other machines whose keepalive timer has longer to run than well-known middleboxes remember an idle connection.
    ///
    /// # Why it matters
    /// Keepalive with the kernel's default of two hours keeps nothing alive behind a load balancer or NAT gateway that forgets after minutes: the
    /// connection is gone before the first probe.
    ///
    /// # How it is measured
    /// Timer 2 on an established connection; what remains of it is at most TCP_KEEPIDLE, so a remainder above `limit_ms` means that the
    /// first probe comes later than that. The timer is not reset by traffic, only looked at again when it ends.
    ///
    /// # Thresholds
    /// `info`: so many connections. `limit_ms`: the time after which a middlebox forgets; AWS NLB and NAT gateways 350 s.
    ///
    /// # What can fool it
    /// Where no middlebox stands between, two hours are well. Busy connections need no keepalive.
    ///
    /// # What to do
    /// Set TCP_KEEPIDLE in the application. net.ipv4.tcp_keepalive_time changes it for all sockets that have SO_KEEPALIVE and no value of their own;
    /// those that are open keep their running timer.
    ///
    /// # References
    /// net/ipv4/tcp_timer.c tcp_keepalive_timer, tcp(7) TCP_KEEPIDLE, <https://docs.kernel.org/networking/ip-sysctl.html> tcp_keepalive_time
    RULE {
        id: "keepalive-too-slow",
        summary: "keepalive probes come after a middlebox has forgotten the connection",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many connections whose first probe comes late." },
            Limit { key: "limit_ms", default: 350_000.0, min: 1_000.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts connections whose keepalive timer has longer to run." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets whose holders are looked for.
const SAMPLE: usize = 256;

fn slow(evidence: &Evidence<'_>, limits: &Limits) -> Vec<u32> {
    let limit = limits.get(&RULE, "limit_ms");
    evidence
        .sockets(&evidence.survey().with_keepalive)
        .filter(|(_, s)| s.retries == 0 && f64::from(s.expires_ms) > limit)
        .map(|(row, _)| row)
        .collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let rows = slow(evidence, limits);
    if (rows.len() as f64) < limits.get(&RULE, "info") {
        return Wants::default();
    }
    let some: Vec<u32> = Survey::spread(&rows, SAMPLE).collect();
    Wants { owners: evidence.sockets(&some).map(|(_, s)| s.inode).collect(), ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let rows = slow(evidence, limits);
    let n = rows.len() as u64;
    let info = limits.get(&RULE, "info");
    if (n as f64) < info {
        let all = evidence.survey().with_keepalive.len() as u64;
        return Outcome::Clear(format!(
            "{}, {} with a late first probe",
            count(all, "connection with keepalive", "connections with keepalive"),
            crate::phrase::number(n)
        ));
    }
    let slow: Vec<&Socket> = evidence.sockets(&rows).map(|(_, s)| s).collect();
    let longest = slow.iter().map(|s| s.expires_ms).max().unwrap_or_default();
    let some: Vec<u32> = Survey::spread(&rows, SAMPLE).collect();
    let holders = who::holders(now, evidence.sockets(&some).map(|(_, s)| s));
    let default = now.sysctls.integer("net.ipv4.tcp_keepalive_time");
    let sampled = if rows.len() > some.len() { "Of a sample, they" } else { "They" };
    let mut said = vec![
        format!(
            "The longest has {} to run; a middlebox with a limit of {} has forgotten it by then.",
            duration(longest.into()),
            duration(limits.get(&RULE, "limit_ms") as u64)
        ),
        format!("{sampled} are held by {}.", who::names(&holders)),
        format!("They lead to {}.", who::machines(slow.iter().copied())),
    ];
    let mut remedies = vec![Remedy::Application(format!(
        "{}: set TCP_KEEPIDLE below the shortest idle limit on the way",
        who::names(&holders)
    ))];
    if let Some(seconds) = default.filter(|s| *s > 240) {
        said.push(format!("net.ipv4.tcp_keepalive_time is {seconds} s."));
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_keepalive_time",
            wish: Wish::AtMost(240),
            because: "it is the idle time of sockets with SO_KEEPALIVE and none of their own"
                .into(),
        });
    }
    Outcome::Fired(vec![Finding {
        title: format!(
            "the first keepalive probe of {} comes in up to {}",
            count(n, "connection", "connections"),
            duration(longest.into())
        ),
        facts: BTreeMap::from([("slow", n as f64), ("longest_ms", f64::from(longest))]),
        thresholds: Thresholds { info: Some(info), ..Thresholds::default() },
        evidence: said,
        why: "Behind a load balancer or NAT gateway the connection is forgotten before its first probe.".into(),
        next: vec![
            "tcpvet list 'keepalive_timer = yes' -o --sort timer_expires --reverse".into(),
            "sysctl net.ipv4.tcp_keepalive_time".into(),
        ],
        remedies,
        ..Finding::new(&RULE, now)
    }])
}
