//! `reset-storm`: connections end by resets, and this is which side sends them.

mod story;

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::earlier::Depth;
use crate::model::wants::Wants;
use crate::phrase::number;
use story::Resets;

rule! {
    /// # What it does
    /// Tells from two looks whether many connections end by a reset, which side sends it and why; and whether many connects are refused.
    ///
    /// # Why it matters
    /// A reset throws away what was under way: clients see "connection reset by peer" in place of the end of an answer.
    ///
    /// # How it is measured
    /// Tcp EstabResets counts at both ends. With OutRsts and TcpExt TCPAbortOnClose (closed with unread data) or TCPAbortOnData (SO_LINGER 0) beside it
    /// this side does it; without, the peers do. OutRsts above what these explain answer segments for ports on which nobody listens, or
    /// for connections long gone. AttemptFails less EmbryonicRsts are connects of this side that were refused. On loopback both sides are this
    /// namespace, and each reset counts twice.
    ///
    /// # Thresholds
    /// `min_per_second`: events a second from which it speaks. `warning`: their share of the connections opened between the looks.
    ///
    /// # What can fool it
    /// Health checks of load balancers reset on purpose. A port scan makes refusals and harms nobody.
    ///
    /// # What to do
    /// If this side closes with unread data: read until the end before close(), or shutdown(SHUT_WR) first. If SO_LINGER 0 is set: take it out. If the peers do:
    /// their timeouts are shorter than ours, or they crash. For refusals find who connects to what.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_close and tcp_disconnect, net/ipv4/tcp_ipv4.c tcp_v4_send_reset, RFC 9293 section 3.5.2; measured
    RULE {
        id: "reset-storm",
        summary: "connections end by resets, or are refused, at a high rate",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "min_per_second", default: 10.0, min: 0.1, max: 1e9, unit: "events a second",
                doc: "Speaks from so many resets or refusals a second." },
            Limit { key: "warning", default: 0.1, min: 0.001, max: 100.0, unit: "ratio of connections opened",
                doc: "Warns above this share of the connections opened between the looks." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Some(since) = evidence.since else { return Outcome::needs_two() };
    let Some(r) = Resets::measured(evidence) else {
        return Outcome::unseen("the counters of resets could not be read in both looks");
    };
    let seconds = since.seconds();
    let (least, share) = (limits.get(&RULE, "min_per_second"), limits.get(&RULE, "warning"));
    let per_second = |n: u64| n as f64 / seconds;
    let much = |n: u64| per_second(n) >= least && n as f64 > share * r.opened as f64;
    let Some((title, why, cure)) = r.story(seconds, much) else {
        return Outcome::Clear(format!(
            "{} resets of open connections, {} sent, {} refused in {seconds:.1} s",
            number(r.established),
            number(r.sent),
            number(r.refused_us)
        ));
    };
    Outcome::Fired(vec![Finding {
        severity: Severity::Warning,
        title,
        facts: BTreeMap::from([
            ("resets_per_second", per_second(r.established)),
            ("sent_per_second", per_second(r.sent)),
            ("aborted_on_close_per_second", per_second(r.on_close)),
            ("aborted_on_data_per_second", per_second(r.on_data)),
            ("refused_per_second", per_second(r.refused_us)),
            ("handshakes_reset_per_second", per_second(r.handshakes)),
            ("opened_per_second", per_second(r.opened)),
        ]),
        thresholds: Thresholds { warning: Some(least), ..Thresholds::default() },
        evidence: vec![
            format!(
                "In {seconds:.1} s: {} open connections were reset, {} resets were sent, {} connections closed with unread data, {} with SO_LINGER 0.",
                number(r.established),
                number(r.sent),
                number(r.on_close),
                number(r.on_data)
            ),
            format!(
                "{} connections were opened meanwhile, {} connects refused, {} handshakes reset.",
                number(r.opened),
                number(r.refused_us),
                number(r.handshakes)
            ),
        ],
        why: why.into(),
        next: vec![
            "nstat -az TcpEstabResets TcpOutRsts TcpAttemptFails".into(),
            "nstat -az 'TcpExtTCPAbortOn*' TcpExtEmbryonicRsts".into(),
            "tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0' -c 20".into(),
        ],
        remedies: vec![Remedy::Application(cure.into())],
        ..Finding::new(&RULE, now)
    }])
}
