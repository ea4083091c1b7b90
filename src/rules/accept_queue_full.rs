//! `accept-queue-full`: a listener holds more finished connections than it may.

use std::collections::BTreeMap;

use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::{Cause, Outcome};
use super::{Evidence, rule};
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, culprits};
use crate::model::endpoint::{Addr, place};
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::phrase::{count, join, number};

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
    /// drop counter (SK_MEMINFO_DROPS) counts every refused SYN since it was opened, retries of one client included; it is given as a
    /// fact and never fires the rule.
    ///
    /// # Thresholds
    /// `warning`: by how many connections the queue must exceed the limit; 1 is full. There is no critical step in one sample: a burst
    /// can fill a queue for an instant.
    ///
    /// # What can fool it
    /// A queue that fills and empties between two looks is missed; the growing drop counter shows it. A listener with a tiny backlog
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

fn full<'a>(snapshot: &'a Snapshot, limits: &Limits) -> impl Iterator<Item = &'a Socket> {
    let excess = limits.get(&RULE, "warning");
    snapshot.sockets.iter().filter(move |s| {
        s.state == State::Listen && f64::from(s.recv_queue) >= f64::from(s.send_queue) + excess
    })
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let snapshot = evidence.now;
    let mut wants = Wants::default();
    if snapshot.has_netlink_facts() {
        wants.owners.extend(full(snapshot, limits).map(|s| s.inode));
        if !wants.owners.is_empty() {
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
    for listener in full(now, limits) {
        groups.entry((listener.local_addr, listener.local_port)).or_default().push(listener);
    }
    if !groups.is_empty() {
        let findings = groups.values().filter_map(|group| finding(now, group, limits));
        return Outcome::Fired(findings.collect());
    }
    let listeners = now.sockets.iter().filter(|s| s.state == State::Listen);
    let (n, fullest) = listeners.fold((0, 0), |(n, max), s| (n + 1, s.recv_queue.max(max)));
    let listeners = count(n, "listener", "listeners");
    Outcome::Clear(format!("{listeners}, longest accept queue {}", number(fullest.into())))
}

fn finding(now: &Snapshot, group: &[&Socket], limits: &Limits) -> Option<Finding> {
    let worst = |s: &&&Socket| s.recv_queue.saturating_sub(s.send_queue);
    let listener = group.iter().max_by_key(worst).copied()?;
    let at = place(listener.local_addr, listener.local_port);
    let (queue, limit) = (listener.recv_queue, listener.send_queue);
    let mut owners: Vec<Culprit> = group.iter().flat_map(|l| culprits(now, l)).collect();
    owners.sort_by_key(|c| c.pid);
    owners.dedup();
    let names: Vec<String> = owners.iter().map(Culprit::name).collect();
    let drops = now.detail(listener).and_then(|d| d.drops);
    let somaxconn = now.sysctls.integer("net.core.somaxconn");
    let mut facts = BTreeMap::from([
        ("accept_queue", f64::from(queue)),
        ("accept_queue_limit", f64::from(limit)),
    ]);
    let mut evidence = Vec::new();
    if group.len() > 1 {
        evidence
            .push(format!("{} listeners share this port, and all of these are full.", group.len()));
    }
    if let Some(drops) = drops {
        facts.insert("drops", f64::from(drops));
        evidence.push(format!(
            "This listener has refused {} since it was opened, retries of one client counted each time.",
            count(drops.into(), "packet", "packets")
        ));
    }
    let capped = somaxconn == Some(i64::from(limit));
    let mut remedies = vec![
        Remedy::Application(format!(
            "{}: accept faster; look for a blocked or overloaded accepting thread, or EMFILE",
            join(&names, 3)
        )),
        Remedy::Application("give listen() a backlog that covers a burst, and restart the listener: listen() reads both limits once".into()),
    ];
    if let Some(somaxconn) = somaxconn {
        facts.insert("somaxconn", somaxconn as f64);
        if capped {
            evidence.push(format!(
                "The limit equals net.core.somaxconn ({somaxconn}): the setting caps it, or the application asked for the same."
            ));
            remedies.push(Remedy::Setting {
                knob: "net.core.somaxconn",
                wish: Wish::AtLeast(i64::from(limit).saturating_mul(2).max(4096)),
                because: format!("it caps the backlog of {at}; it counts at the next listen()"),
            });
        } else {
            evidence.push(format!(
                "The limit was set by listen(): the application asked for it, or net.core.somaxconn ({somaxconn} now) was lower then."
            ));
        }
    }
    let pid = owners.iter().find_map(|o| o.pid);
    let mut next = vec![
        format!("ss -ltn 'sport = :{}'", listener.local_port),
        "nstat -az TcpExtListenOverflows TcpExtListenDrops".into(),
    ];
    if let Some(pid) = pid {
        next.push(format!("cat /proc/{pid}/wchan; grep files /proc/{pid}/limits"));
    }
    Some(Finding {
        id: RULE.id,
        severity: Severity::Warning,
        netns: now.netns.clone(),
        title: format!(
            "{} waiting to be accepted on {at} (limit {})",
            count(queue.into(), "connection", "connections"),
            number(limit.into())
        ),
        subject: Subject::Listener { addr: listener.local_addr, port: listener.local_port, owners },
        facts,
        thresholds: Thresholds {
            warning: Some(f64::from(limit) + limits.get(&RULE, "warning")),
            ..Thresholds::default()
        },
        evidence,
        why:
            "New connections to it are being dropped now; clients wait and retry without an error."
                .into(),
        next,
        remedies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::coverage::{Coverage, Seen};
    use crate::model::socket::Detail;
    use crate::model::testing::*;

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
