//! `accept-queue-full`: a listener holds more finished connections than it may.

mod words;

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::{Cause, Outcome};
use super::{Evidence, rule, who};
use crate::model::culprit::{Culprit, culprits};
use crate::model::earlier::Depth;
use crate::model::endpoint::Addr;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::phrase::{count, number};
use words::Door;

rule! {
    /// # What it does
    /// Finds listening sockets whose accept queue is full at this moment: the connections waiting to be accepted (Recv-Q) exceed the
    /// limit (Send-Q).
    ///
    /// # Why it matters
    /// While the queue is full the kernel drops new SYNs and the last ACK of handshakes without a word. Clients see connect() hang
    /// for 1 s and more, or a connection that answers nothing; the server's log shows nothing at all.
    ///
    /// # How it is measured
    /// For a listener, sock_diag reports the accept queue as Recv-Q and the limit as Send-Q. The queue is full when Recv-Q is Send-Q + 1:
    /// a backlog of 5 holds 6. The limit is the smaller of the backlog given to listen() and net.core.somaxconn at the time of
    /// listen(). Send-Q equal to somaxconn means that the setting (or an application that asks for the same) caps it. The listener's own
    /// drop counter (SK_MEMINFO_DROPS) counts every refused SYN since it was opened, retries of one client included: its total is a
    /// fact and fires nothing. With two looks its growth tells, while TcpExt ListenOverflows grows too (resets of half-open handshakes
    /// count as drops of the listener and are none).
    ///
    /// # Thresholds
    /// `warning`: by how many connections the queue must exceed the limit; 1 is full. A queue that is not full now and refused connections
    /// between two looks warns; one that is full and refused them is critical. In one look nothing is critical: a burst can fill a
    /// queue for an instant.
    ///
    /// # What can fool it
    /// A queue that fills and empties is missed by a single look. A listener with a tiny backlog
    /// (0 holds 1) is full as soon as clients come two at a time. Connections that clients have given up still fill the queue, as
    /// CLOSE_WAIT without an inode.
    ///
    /// # What to do
    /// See what the accepting thread is doing: blocked, out of descriptors (EMFILE), or too slow. Then raise the backlog the application
    /// gives to listen(); raise net.core.somaxconn only if it is the cap, and restart the listener, since listen() reads it once.
    ///
    /// # References
    /// net/ipv4/tcp_ipv4.c tcp_conn_request, include/net/sock.h sk_acceptq_is_full, net/ipv4/inet_diag.c inet_diag_msg_common_fill,
    /// listen(2), tcp(7).
    RULE {
        id: "accept-queue-full",
        summary: "a listener's accept queue is full",
        since: "0.1.0",
        family: Family::Listeners,
        worst: Severity::Critical,
        earlier: Depth::Listeners,
        excepts: true,
        limits: &[Limit {
            key: "warning",
            default: 1.0,
            min: 1.0,
            max: 1_000_000.0,
            unit: "connections above the limit",
            doc: "Warns when the accept queue exceeds its limit by so many connections; 1 is full.",
        }],
        wants: wants,
        check: check,
    }
}

/// What a listener refused between two looks because its queue was full.
pub(super) fn refused(evidence: &Evidence<'_>, listener: &Socket) -> u64 {
    let overflowed = evidence.grew("TcpExt.ListenOverflows").unwrap_or_default();
    let then = evidence.since.and_then(|s| s.then(listener)?.drops());
    let drops = evidence.now.detail(listener).and_then(|d| d.drops);
    match drops.zip(then) {
        // Resets of half-open handshakes are drops of a listener too; overflows are not more than the namespace's.
        Some((now, then)) => u64::from(now.saturating_sub(then)).min(overflowed),
        None => 0,
    }
}

/// Whether a listener's queue is full.
fn is_full(listener: &Socket, limits: &Limits) -> bool {
    f64::from(listener.recv_queue) >= f64::from(listener.send_queue) + limits.get(&RULE, "warning")
}

fn full<'a>(evidence: &'a Evidence<'_>, limits: &Limits) -> impl Iterator<Item = &'a Socket> {
    let listeners = evidence.sockets(&evidence.survey().listen).map(|(_, s)| s);
    let lenient = limits.lenient().into_owned();
    listeners.filter(move |s| is_full(s, &lenient) || refused(evidence, s) > 0)
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    if evidence.now.has_netlink_facts() {
        wants.owners.extend(full(evidence, limits).map(|s| s.inode));
        if !wants.owners.is_empty() || evidence.since.is_some() {
            wants.details = StateSet::of(State::Listen);
        }
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    if !now.has_netlink_facts() {
        let why = "the limits of accept queues come by netlink only, which is refused here";
        return Outcome::NotEvaluated(Cause::Unseen, why.into());
    }
    // Listeners that share an address and port (SO_REUSEPORT) make one finding, told by the fullest.
    let mut groups: BTreeMap<(Addr, u16), Vec<&Socket>> = BTreeMap::new();
    for listener in full(evidence, limits) {
        groups.entry((listener.local_addr, listener.local_port)).or_default().push(listener);
    }
    if !groups.is_empty() {
        let findings = groups.values().filter_map(|group| finding(evidence, group, limits));
        let findings: Vec<Finding> = findings.collect();
        if !findings.is_empty() {
            return Outcome::Fired(findings);
        }
    }
    let listeners = evidence.sockets(&evidence.survey().listen).map(|(_, s)| s);
    let (n, fullest) = listeners.fold((0, 0), |(n, max), s| (n + 1, s.recv_queue.max(max)));
    let listeners = count(n, "listener", "listeners");
    Outcome::Clear(format!("{listeners}, longest accept queue {}", number(fullest.into())))
}

fn finding(evidence: &Evidence<'_>, group: &[&Socket], limits: &Limits) -> Option<Finding> {
    let now = evidence.now;
    let worst = |s: &&&Socket| s.recv_queue.saturating_sub(s.send_queue);
    let listener = group.iter().max_by_key(worst).copied()?;
    let (queue, limit) = (listener.recv_queue, listener.send_queue);
    let mut owners: Vec<Culprit> = group.iter().flat_map(|l| culprits(now, l)).collect();
    owners.sort_by_key(|c| c.pid);
    owners.dedup();
    let limits = who::limits(limits, &owners, Some(listener.local_port));
    let door = Door {
        listener,
        is_full: is_full(listener, &limits),
        refused: group.iter().map(|l| refused(evidence, l)).sum(),
        full: group.iter().filter(|l| is_full(l, &limits)).count(),
    };
    // An exception may bear more than the others do.
    if !door.is_full && door.refused == 0 {
        return None;
    }
    let somaxconn = now.sysctls.integer("net.core.somaxconn");
    let mut facts = BTreeMap::from([
        ("accept_queue", f64::from(queue)),
        ("accept_queue_limit", f64::from(limit)),
    ]);
    facts.extend(somaxconn.map(|n| ("somaxconn", n as f64)));
    facts.extend(now.detail(listener).and_then(|d| d.drops).map(|n| ("drops", f64::from(n))));
    if let Some(since) = evidence.since {
        facts.insert("refused", door.refused as f64);
        facts.insert("refused_per_second", door.refused as f64 / since.seconds());
    }
    let mut next = vec![
        format!("ss -ltn 'sport = :{}'", listener.local_port),
        "nstat -az TcpExtListenOverflows TcpExtListenDrops".into(),
    ];
    if let Some(pid) = owners.iter().find_map(|o| o.pid) {
        next.push(format!("cat /proc/{pid}/wchan; grep files /proc/{pid}/limits"));
    }
    let refuses_now = door.is_full && door.refused > 0;
    Some(Finding {
        severity: if refuses_now { Severity::Critical } else { Severity::Warning },
        title: door.title(),
        facts,
        thresholds: Thresholds {
            warning: Some(f64::from(limit) + limits.get(&RULE, "warning")),
            ..Thresholds::default()
        },
        evidence: door.evidence(evidence),
        why: door.why().into(),
        next,
        remedies: door.remedies(somaxconn, &owners),
        subject: Subject::Listener { addr: listener.local_addr, port: listener.local_port, owners },
        ..Finding::new(&RULE, now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::coverage::{Coverage, Seen};
    use crate::model::socket::Detail;
    use crate::model::testing::*;
    use crate::rules::finding::Remedy;

    fn scene(queue: u32, limit: u32) -> Snapshot {
        let mut s = fresh();
        let mut l = listener("127.0.0.1:8080", queue, limit);
        l.inode = 77;
        push_detailed(&mut s, l, Detail { drops: Some(14), ..Detail::default() });
        hold(&mut s, 77, 12, 3);
        process(&mut s, 12, "web", 1024, 9);
        s
    }

    fn judge(s: &Snapshot) -> Outcome {
        check(&Evidence::new(s), &Limits::default())
    }

    #[test]
    fn full_is_one_above_the_limit_and_nothing_below_fires() {
        assert!(matches!(judge(&scene(4, 5)), Outcome::Clear(_)));
        assert!(matches!(judge(&scene(5, 5)), Outcome::Clear(_)));
        let Outcome::Fired(found) = judge(&scene(6, 5)) else { panic!("6 of 5 is full") };
        assert_eq!(
            found[0].title,
            "6 connections waiting to be accepted on 127.0.0.1:8080 (limit 5)"
        );
        assert_eq!(
            (found[0].facts["accept_queue"], found[0].facts["accept_queue_limit"]),
            (6.0, 5.0)
        );
        assert_eq!((found[0].facts["drops"], found[0].thresholds.warning), (14.0, Some(6.0)));
        assert_eq!(found[0].subject.culprits()[0].name(), "web[12]");
    }

    #[test]
    fn somaxconn_is_proposed_only_where_it_is_the_cap() {
        let proposes = |limit: u32| {
            let Outcome::Fired(found) = judge(&scene(limit + 1, limit)) else { panic!("full") };
            found[0].remedies.iter().any(|r| matches!(r, Remedy::Setting { .. }))
        };
        assert!(!proposes(5));
        assert!(proposes(4096));
    }

    #[test]
    fn without_netlink_the_limit_is_unknown_and_nothing_is_claimed() {
        let mut s = scene(6, 0);
        s.coverage = Coverage::default();
        s.coverage.note("sock_diag", Seen::Denied, None, None);
        assert!(matches!(judge(&s), Outcome::NotEvaluated(Cause::Unseen, _)));
    }
}
