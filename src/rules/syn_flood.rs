//! `syn-flood`: the kernel answers by cookies, or drops SYNs, because handshakes come faster than they are completed.

mod words;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::culprit::culprits;
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{count, number};
use words::Handshakes;

rule! {
    /// # What it does
    /// Tells from two looks whether SYNs come faster than handshakes are completed: SYN cookies are being sent, or SYNs dropped because a
    /// queue of half-open handshakes is full; and whether the clients are real.
    ///
    /// # Why it matters
    /// A flood with forged addresses takes the place of real clients. With cookies (the default) these still get in, with fewer options;
    /// without, they do not.
    ///
    /// # How it is measured
    /// Growth of TcpExt SyncookiesSent and SyncookiesRecv, and of ListenDrops less ListenOverflows (SYNs dropped for other reasons
    /// than a full accept queue). Cookies that come back are clients: if at least half of them do, it is a burst and not a flood. With
    /// net.ipv4.tcp_syncookies 2 every handshake is a cookie, and only those that do not come back count.
    ///
    /// # Thresholds
    /// `warning`: cookies sent and not returned, and SYNs dropped, a second.
    ///
    /// # What can fool it
    /// The counters are of the namespace and name no listener; the one with the most half-open handshakes is named. Cookies of slow
    /// clients come back after the second look.
    ///
    /// # What to do
    /// Leave net.ipv4.tcp_syncookies at 1 and timestamps on, so that cookies carry options. Filter in front of the host. If the clients are real, give
    /// listen() a larger backlog. net.ipv4.tcp_max_syn_backlog changes nothing while cookies are on.
    ///
    /// # References
    /// net/ipv4/tcp_input.c tcp_conn_request and tcp_syn_flood_action, net/ipv4/syncookies.c, RFC 4987
    RULE {
        id: "syn-flood",
        summary: "handshakes come faster than they are completed",
        since: "0.1.0",
        family: Family::Listeners,
        worst: Severity::Critical,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 10.0, min: 0.1, max: 1_000_000.0, unit: "handshakes a second",
                doc: "Warns above so many cookies that do not come back, or SYNs dropped, a second." },
        ],
        wants: wants,
        check: check,
    }
}

/// The listener with the most half-open handshakes.
fn fullest<'a>(evidence: &'a Evidence<'_>) -> Option<(&'a Socket, u64)> {
    let mut counts: BTreeMap<u32, (&Socket, u64)> = BTreeMap::new();
    for (_, half) in evidence.sockets(&evidence.survey().syn_recv) {
        if let Some(l) = evidence.listeners().accepting(half) {
            counts.entry(l.inode).or_insert((l, 0)).1 += 1;
        }
    }
    counts.into_values().min_by_key(|(l, n)| (Reverse(*n), l.local_port))
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    if matches!(check(evidence, limits), Outcome::Fired(_)) {
        wants.owners.extend(fullest(evidence).map(|(l, _)| l.inode));
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let Some(since) = evidence.since else { return Outcome::needs_two() };
    let grew = |name: &str| evidence.grew(name);
    let Some((drops, overflows)) = grew("TcpExt.ListenDrops").zip(grew("TcpExt.ListenOverflows"))
    else {
        return Outcome::unseen("the counters of listeners could not be read in both looks");
    };
    // A kernel without SYN cookies does not count them.
    let sent = grew("TcpExt.SyncookiesSent").unwrap_or_default();
    let back = grew("TcpExt.SyncookiesRecv").unwrap_or_default();
    let dropped = drops.saturating_sub(overflows);
    let lost = sent.saturating_sub(back);
    let seconds = since.seconds();
    let per_second = |n: u64| n as f64 / seconds;
    let warning = limits.get(&RULE, "warning");
    let fires = per_second(lost) > warning || per_second(dropped) > warning;
    if !fires {
        return Outcome::Clear(format!(
            "{}, {} came back, {} dropped in {seconds:.1} s",
            count(sent, "cookie sent", "cookies sent"),
            number(back),
            count(dropped, "SYN", "SYNs")
        ));
    }
    let clients_are_real = back * 2 >= sent && sent > 0 && per_second(dropped) <= warning;
    let shakes = Handshakes { seconds, sent, back, dropped, clients_are_real };
    let off = now.sysctls.integer("net.ipv4.tcp_syncookies") == Some(0);
    let fullest = fullest(evidence);
    Outcome::Fired(vec![Finding {
        severity: if off && per_second(dropped) > warning {
            Severity::Critical
        } else {
            Severity::Warning
        },
        certainty: if clients_are_real || !off && dropped > lost {
            Certainty::Likely
        } else {
            Certainty::Certain
        },
        title: format!(
            "{:.0} handshakes a second are not completed ({:.0} SYN cookies lost, {:.0} SYNs dropped)",
            per_second(lost + dropped),
            per_second(lost),
            per_second(dropped)
        ),
        facts: BTreeMap::from([
            ("cookies_sent_per_second", per_second(sent)),
            ("cookies_returned_per_second", per_second(back)),
            ("syns_dropped_per_second", per_second(dropped)),
            ("half_open", evidence.survey().syn_recv.len() as f64),
        ]),
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: words::evidence(shakes, off, fullest),
        why: if off {
            "Real clients are dropped with the others.".into()
        } else {
            "Real clients get in by cookies, with fewer options, or not at all.".into()
        },
        next: vec![
            "tcpvet list 'state syn-recv' --group-by local".into(),
            "nstat -az 'TcpExtSyncookies*' 'TcpExtListen*'".into(),
        ],
        remedies: words::remedies(shakes, off),
        subject: match fullest {
            Some((l, _)) => Subject::Listener {
                addr: l.local_addr,
                port: l.local_port,
                owners: culprits(now, l),
            },
            None => Subject::Namespace,
        },
        ..Finding::new(&RULE, now)
    }])
}
