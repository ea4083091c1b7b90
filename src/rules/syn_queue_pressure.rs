//! `syn-queue-pressure`: handshakes that nobody completes fill a listener's queue.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::culprit::culprits;
use crate::model::earlier::Depth;
use crate::model::endpoint::{Addr, place};
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds listeners whose queue of half-open handshakes (SYN_RECV) is filling with handshakes that the other side does not complete.
    ///
    /// # Why it matters
    /// When it is full the kernel answers by SYN cookies, and connections lose window scaling and SACK unless timestamps carry them; with
    /// net.ipv4.tcp_syncookies 0 it drops every further SYN without a word.
    ///
    /// # How it is measured
    /// SYN_RECV by listener, held against the limit that really counts. With net.ipv4.tcp_syncookies 1, the default, that is the listener's own
    /// backlog + 1, and net.ipv4.tcp_max_syn_backlog is ignored. With 0 it is the smaller of that and three quarters of
    /// tcp_max_syn_backlog, plus one. With 2 there is no queue. Only a queue of which most handshakes have sent their SYN-ACK
    /// again counts: a burst of healthy clients is younger.
    ///
    /// # Thresholds
    /// `warning`: share of the limit. `min_half_open`: handshakes there must be at least.
    ///
    /// # What can fool it
    /// A full accept queue keeps finished handshakes in SYN_RECV too: then accept-queue-full is the cause. Clients behind a slow link answer late.
    ///
    /// # What to do
    /// See whose addresses these are: many unrelated ones that never answer are forged (syn-flood). If clients are real, look for what drops the
    /// SYN-ACK on its way back, or give listen() a larger backlog. Leave tcp_syncookies at 1.
    ///
    /// # References
    /// net/ipv4/tcp_input.c tcp_conn_request, include/net/inet_connection_sock.h inet_csk_reqsk_queue_is_full; measured
    RULE {
        id: "syn-queue-pressure",
        summary: "half-open handshakes fill a listener's queue",
        since: "0.1.0",
        family: Family::Listeners,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 0.75, min: 0.05, max: 1.0, unit: "ratio of the limit",
                doc: "Warns from this share of the queue filled." },
            Limit { key: "min_half_open", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "handshakes",
                doc: "Warns only if at least so many handshakes are open." },
        ],
        wants: wants,
        check: check,
    }
}

/// The most half-open handshakes of a listener with this backlog; `None` where none are kept.
pub(super) fn limit(now: &Snapshot, backlog: u32) -> Option<u64> {
    let backlog = u64::from(backlog) + 1;
    match now.sysctls.integer("net.ipv4.tcp_syncookies") {
        Some(2) => None,
        Some(0) => {
            let max = now.sysctls.integer("net.ipv4.tcp_max_syn_backlog").unwrap_or(i64::MAX);
            let max = u64::try_from(max).unwrap_or_default();
            Some(backlog.min(max / 4 * 3 + max % 4 * 3 / 4 + 1))
        }
        _ => Some(backlog),
    }
}

/// Half-open handshakes by listener: its inode, place, and those whose SYN-ACK was sent again.
fn queues<'a>(evidence: &'a Evidence<'_>) -> BTreeMap<(Addr, u16), (&'a Socket, Vec<&'a Socket>)> {
    let mut queues: BTreeMap<(Addr, u16), (&Socket, Vec<&Socket>)> = BTreeMap::new();
    for (_, half) in evidence.sockets(&evidence.survey().syn_recv) {
        if let Some(l) = evidence.listeners().accepting(half) {
            queues.entry((l.local_addr, l.local_port)).or_insert((l, Vec::new())).1.push(half);
        }
    }
    queues
}

fn pressed(evidence: &Evidence<'_>, l: &Socket, half: &[&Socket], limits: &Limits) -> Option<u64> {
    // Listeners that share a port have a queue each, and nothing tells in whose a handshake is.
    let sharing = half.first().map_or(1, |h| evidence.listeners().group(h).count().max(1));
    let most = limit(evidence.now, l.send_queue)? * sharing as u64;
    let waiting = half.iter().filter(|s| s.retries > 0).count();
    let full = half.len() as f64 >= most as f64 * limits.get(&RULE, "warning");
    let enough = half.len() as f64 >= limits.get(&RULE, "min_half_open");
    (full && enough && waiting * 2 >= half.len()).then_some(most)
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    for (l, half) in queues(evidence).values() {
        let limits = limits.about(&[], Some(l.local_port));
        if pressed(evidence, l, half, &limits).is_some() {
            wants.owners.insert(l.inode);
        }
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    if !now.has_netlink_facts() {
        return Outcome::unseen("the limits of queues come by netlink only, which is refused here");
    }
    let queues = queues(evidence);
    let findings: Vec<Finding> = queues
        .values()
        .filter_map(|(l, half)| {
            let owners = culprits(now, l);
            let limits = who::limits(limits, &owners, Some(l.local_port));
            let most = pressed(evidence, l, half, &limits)?;
            Some(finding(now, l, half, most, &limits))
        })
        .collect();
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let longest = queues.values().map(|(_, half)| half.len() as u64).max().unwrap_or_default();
    Outcome::Clear(format!(
        "{}, at most {} of one listener",
        count(
            evidence.survey().syn_recv.len() as u64,
            "half-open handshake",
            "half-open handshakes"
        ),
        number(longest)
    ))
}

fn finding(now: &Snapshot, l: &Socket, half: &[&Socket], most: u64, limits: &Limits) -> Finding {
    let at = place(l.local_addr, l.local_port);
    let n = half.len() as u64;
    let waiting = half.iter().filter(|s| s.retries > 0).count() as u64;
    let peers: std::collections::BTreeSet<Addr> = half.iter().map(|s| s.peer_addr).collect();
    let cookies = now.sysctls.integer("net.ipv4.tcp_syncookies").unwrap_or(1);
    Finding {
        severity: Severity::Warning,
        title: format!("{} half-open handshakes of at most {} on {at} ({})", number(n), number(most), percent(n, most)),
        facts: BTreeMap::from([
            ("half_open", n as f64),
            ("half_open_limit", most as f64),
            ("unanswered", waiting as f64),
            ("addresses", peers.len() as f64),
            ("syncookies", cookies as f64),
        ]),
        thresholds: Thresholds {
            warning: Some(most as f64 * limits.get(&RULE, "warning")),
            ..Thresholds::default()
        },
        evidence: vec![
            format!(
                "{} of them sent their SYN-ACK more than once without an answer; they come from {}: {}.",
                number(waiting),
                count(peers.len() as u64, "address", "addresses"),
                who::machines(half.iter().copied())
            ),
            match cookies {
                0 => "net.ipv4.tcp_syncookies is 0: the limit counts net.ipv4.tcp_max_syn_backlog, and past it every SYN is dropped.".into(),
                _ => "The limit is the listener's own backlog + 1: net.ipv4.tcp_max_syn_backlog does not count while SYN cookies are on.".into(),
            },
        ],
        why: if cookies == 0 {
            "Past the limit new clients are dropped without a word.".into()
        } else {
            "Past the limit the kernel answers by SYN cookies, which keep only some options of a connection.".into()
        },
        next: vec![
            format!("tcpvet list 'state syn-recv and sport = {}' --group-by peer-addr", l.local_port),
            "nstat -az 'TcpExtSyncookies*' 'TcpExtTCPReqQFull*'".into(),
        ],
        remedies: vec![Remedy::Application(
            "see whether these clients are real: if so, find what drops the SYN-ACK on its way back, or give listen() a larger backlog".into(),
        )],
        subject: Subject::Listener { addr: l.local_addr, port: l.local_port, owners: culprits(now, l) },
        ..Finding::new(&RULE, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{fresh, set};

    #[test]
    fn the_limit_is_the_one_that_was_measured() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.tcp_max_syn_backlog", "32");
        for (cookies, backlog, most) in [
            ("1", 16, Some(17)),
            ("1", 128, Some(129)),
            ("0", 16, Some(17)),
            ("0", 128, Some(25)),
            ("2", 128, None),
        ] {
            set(&mut s, "net.ipv4.tcp_syncookies", cookies);
            assert_eq!(limit(&s, backlog), most, "{cookies} {backlog}");
        }
        set(&mut s, "net.ipv4.tcp_syncookies", "0");
        set(&mut s, "net.ipv4.tcp_max_syn_backlog", "8");
        assert_eq!(limit(&s, 128), Some(7));
    }
}
