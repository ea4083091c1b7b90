//! `close-wait-leak`: the peer has closed, the application has not.

mod words;

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Severity, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::{Cause, Outcome};
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::culprit::{Culprit, culprit, culprits};
use crate::model::earlier::Depth;
use crate::model::endpoint::Addr;
use crate::model::listener::Listeners;
use crate::model::owner::Provenance;
use crate::model::socket::{Detail, Socket};
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::phrase::{count, join, number};

rule! {
    /// # What it does
    /// Finds processes that keep connections whose peer has closed (CLOSE_WAIT) and do not close them, and listeners in whose accept queue
    /// such connections wait. TCP descriptors that lead to no socket any more, because the peer's reset came after the leak, add up with them.
    ///
    /// # Why it matters
    /// No kernel timer ever ends CLOSE_WAIT: each socket keeps a descriptor and memory until the process closes it or ends. When the
    /// descriptors run out, accept() and connect() fail with EMFILE.
    ///
    /// # How it is measured
    /// For each socket in CLOSE_WAIT the time since the FIN lies between tcpi_last_ack_recv (the FIN's ACK counts) and tcpi_last_data_recv (the
    /// FIN does not). Only sockets whose lower bound is at least `min_age_ms` count. Recv-Q 1 without data means that the application
    /// has not called recv() since the FIN, 0 that it has read everything and not closed, more that data lies unread. Inode 0 means that
    /// the connection was never accepted: its listener is to blame. Sockets with unacknowledged data, or that sent after the last ACK came, are
    /// half-closed and still answering; they are told apart and do not count. With two looks so are those that sent anything in between. With keepalive, as every Go program has it, the probe's RST
    /// takes such a socket out of every dump while its descriptor stays: for processes that hold CLOSE_WAIT or use more than half of
    /// their descriptors, TCP descriptors (system.sockprotoname) that match no socket of the namespace are counted too.
    ///
    /// # Thresholds
    /// `warning`: sockets and dead descriptors of one process or listener. `critical_ratio`: their share of the process's soft RLIMIT_NOFILE.
    /// `min_age_ms`: youngest socket that counts. The upper bound of the age is a fact and never triggers.
    ///
    /// # What can fool it
    /// A half-closed connection that is legitimately idle looks like a leak in one sample. Keepalive answers move the lower bound.
    /// A server that still sends a little now and then to a half-closed client, all of it acknowledged, looks the same too; two looks
    /// (`--sample 5s`) tell it apart.
    /// Sockets that were created and never bound or connected also match no dump, and so do sockets that a process brought from another
    /// network namespace: dead descriptors alone are therefore never critical. A reader that takes the last byte together with
    /// the FIN shows Recv-Q 0 before it has seen the end.
    ///
    /// # What to do
    /// Fix the application: close the socket when recv() returns 0, on every path, errors included. For unaccepted connections find out why
    /// the listener does not call accept(). No sysctl helps. Restarting the process closes them; ss -K ends single ones.
    ///
    /// # References
    /// net/ipv4/tcp_input.c tcp_fin, net/ipv4/tcp.c tcp_get_info, RFC 9293 section 3.10.4, getrlimit(2), xattr(7).
    RULE {
        id: "close-wait-leak",
        summary: "connections that the peer closed are not closed here",
        since: "0.1.0",
        family: Family::Closing,
        worst: Severity::Critical,
        earlier: Depth::Table,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many sockets in CLOSE_WAIT and dead descriptors of one process or listener." },
            Limit { key: "critical_ratio", default: 0.5, min: 0.01, max: 1.0, unit: "ratio of the soft RLIMIT_NOFILE",
                doc: "Critical from this share of the process's descriptor limit." },
            Limit { key: "min_age_ms", default: 1000.0, min: 0.0, max: 86_400_000.0, unit: "ms",
                doc: "Counts only sockets that are in CLOSE_WAIT for at least so long." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most peers, descriptors and holders named in a finding.
const EXAMPLES: usize = 5;

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let now = evidence.now;
    let mut wants = Wants { descriptors: true, ..Wants::default() };
    // A few in CLOSE_WAIT may stand beside many dead descriptors of the same process, if there are any unhashed sockets at all.
    let waiting = evidence.survey().count(State::CloseWait);
    let dead = now.unhashed_at_most(evidence.survey()).max(0) as f64;
    if waiting == 0 || waiting as f64 + dead < limits.least(&RULE, "warning") {
        return wants;
    }
    wants.details = StateSet::of(State::CloseWait);
    let listeners = evidence.listeners();
    for (_, socket) in evidence.sockets(&evidence.survey().close_wait) {
        if socket.is_unaccepted() {
            wants.owners.extend(listeners.group(socket).map(|l| l.inode));
        } else {
            wants.owners.insert(socket.inode);
        }
    }
    wants
}

/// Who should have closed a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Blamed {
    /// A process by pid.
    Process(u32),
    /// A listener by address and port: never accepted.
    Listener(Addr, u16),
    /// Several processes, none of which leaks enough alone: the listener whose connections they accepted.
    Workers(Addr, u16),
    /// Somebody whose descriptors may not be read, or who is not in sight: told apart by the local address.
    Unnamed(Addr, u16),
}

/// The leaked sockets of one blamed.
#[derive(Default)]
struct Leak<'a> {
    sockets: Vec<(&'a Socket, Detail)>,
    half_closed: u32,
    young: u32,
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let total = evidence.survey().count(State::CloseWait);
    let warning = limits.get(&RULE, "warning");
    if !now.has_netlink_facts() && total as f64 >= warning {
        let why = format!(
            "the age of {total} sockets in CLOSE_WAIT comes by netlink only, which is refused here"
        );
        return Outcome::NotEvaluated(Cause::Unseen, why);
    }
    let mut leaks = leaks(evidence, limits);
    for process in now.processes.values().filter(|p| p.unhashed.is_some_and(|n| n > 0)) {
        leaks.entry(Blamed::Process(process.pid)).or_default();
    }
    let mut findings = Vec::new();
    let mut rest = Vec::new();
    for (blamed, leak) in &leaks {
        match finding(now, *blamed, leak, limits) {
            Some(finding) => findings.push(finding),
            None => rest.push(leak),
        }
    }
    // Workers that share a listener leak a few each: together they are that listener's.
    for (blamed, leak) in shared_leaks(now, &rest) {
        findings.extend(finding(now, blamed, &leak, limits));
    }
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let waiting = now.sockets.iter().filter(|s| s.state == State::CloseWait);
    let missing = evidence.details_are_missing();
    let ageless = waiting.filter(|s| match now.detail(s) {
        Some(detail) => detail.last_ack_recv_ms.is_none(),
        None => missing,
    });
    if ageless.clone().count() as f64 >= warning {
        let why = format!("the age of {} sockets in CLOSE_WAIT could not be read", ageless.count());
        return Outcome::NotEvaluated(Cause::Unseen, why);
    }
    if let Some(reason) = unread_descriptors(now) {
        return Outcome::NotEvaluated(Cause::Unseen, reason);
    }
    let hidden = hidden_holders(now);
    if hidden > 0
        && hidden as f64 + now.unhashed_at_most(evidence.survey()).max(0) as f64 >= warning
    {
        let why = format!(
            "the processes behind {hidden} sockets in CLOSE_WAIT may not be read, and may hold dead descriptors too"
        );
        return Outcome::NotEvaluated(Cause::Unseen, why);
    }
    let sum = |part: fn(&Leak<'_>) -> u32| leaks.values().map(part).sum::<u32>();
    let (half_closed, young) = (sum(|l| l.half_closed), sum(|l| l.young));
    let mut text = format!("{} in CLOSE_WAIT", count(total, "socket", "sockets"));
    if half_closed > 0 {
        text.push_str(&format!(", {} half-closed and still answering", number(half_closed.into())));
    }
    if young > 0 {
        text.push_str(&format!(", {} just closed by the peer", number(young.into())));
    }
    Outcome::Clear(format!("{text}, fewer than {warning} leaked by any process or listener"))
}

/// Sockets in CLOSE_WAIT whose holders an ordinary user may not read; for root they have just ended, but for a process or two.
fn hidden_holders(now: &Snapshot) -> usize {
    if now.host.euid == Some(0) {
        return 0;
    }
    let waiting = now.sockets.iter().filter(|s| s.state == State::CloseWait && s.inode != 0);
    waiting.filter(|s| now.owners.is_some() && now.provenance(s) == Provenance::Hidden).count()
}

/// Why dead descriptors could not be counted where they were looked for.
fn unread_descriptors(now: &Snapshot) -> Option<String> {
    let source = now.coverage.get("descriptors")?;
    (source.state > Seen::Absent).then(|| source.reason.clone().unwrap_or_default())
}

/// What processes with too few sockets of their own leak together, by the listener that accepted the connections.
fn shared_leaks<'a>(now: &Snapshot, rest: &[&Leak<'a>]) -> BTreeMap<Blamed, Leak<'a>> {
    let listeners = Listeners::of(now);
    let mut shared: BTreeMap<Blamed, Leak<'a>> = BTreeMap::new();
    for (socket, detail) in rest.iter().flat_map(|leak| &leak.sockets) {
        if let Some(l) = listeners.accepting(socket).filter(|_| !socket.is_unaccepted()) {
            let blamed = Blamed::Workers(l.local_addr, l.local_port);
            shared.entry(blamed).or_default().sockets.push((socket, *detail));
        }
    }
    shared
}

/// Sorts the sockets in CLOSE_WAIT by who is to blame.
fn leaks<'a>(evidence: &'a Evidence<'_>, limits: &Limits) -> BTreeMap<Blamed, Leak<'a>> {
    let now = evidence.now;
    let listeners = evidence.listeners();
    let min_age = limits.get(&RULE, "min_age_ms");
    let mut leaks: BTreeMap<Blamed, Leak<'a>> = BTreeMap::new();
    for (_, socket) in evidence.sockets(&evidence.survey().close_wait) {
        // Without details the age is unknown, and a socket of unknown age is not accused.
        let Some(detail) = now.detail(socket).copied() else { continue };
        let Some(at_least) = detail.last_ack_recv_ms else { continue };
        let leak = leaks.entry(blame(now, listeners, socket)).or_default();
        // What was in this state in an earlier look and has sent since is answering, slowly.
        let trickles = evidence.since.is_some_and(|since| {
            since.then(socket).is_some_and(|t| t.state == State::CloseWait)
                && detail.last_data_sent_ms.is_some_and(|sent| sent < since.elapsed_ms)
        });
        let sent_since = trickles || detail.last_data_sent_ms.is_some_and(|sent| sent < at_least);
        if socket.send_queue > 0 || sent_since {
            leak.half_closed += 1;
        } else if f64::from(at_least) < min_age {
            leak.young += 1;
        } else {
            leak.sockets.push((socket, detail));
        }
    }
    leaks
}

fn blame(now: &Snapshot, listeners: &Listeners, socket: &Socket) -> Blamed {
    let listener = listeners.accepting(socket);
    match (socket.is_unaccepted(), listener) {
        (true, Some(l)) => Blamed::Listener(l.local_addr, l.local_port),
        (true, None) => Blamed::Unnamed(socket.local_addr, socket.local_port),
        // A socket that several processes share is counted for the first of them; the others are named beside it.
        (false, _) => match now.owners.as_ref().and_then(|o| o.of(socket.inode).first()) {
            Some(holder) => Blamed::Process(holder.pid),
            None if listener.is_some() => Blamed::Unnamed(socket.local_addr, socket.local_port),
            None => Blamed::Unnamed(Addr([0; 16]), 0),
        },
    }
}

fn finding(now: &Snapshot, blamed: Blamed, leak: &Leak<'_>, limits: &Limits) -> Option<Finding> {
    let process = match blamed {
        Blamed::Process(pid) => now.processes.get(&pid),
        Blamed::Listener(..) | Blamed::Workers(..) | Blamed::Unnamed(..) => None,
    };
    let subject = subject(now, blamed, leak);
    let port = match &subject {
        Subject::Listener { port, .. } => Some(*port),
        // What a process accepted on one port is that port's.
        _ => leak
            .sockets
            .first()
            .map(|(s, _)| s.local_port)
            .filter(|port| leak.sockets.iter().all(|(s, _)| s.local_port == *port)),
    };
    let limits = who::limits(limits, subject.culprits(), port);
    let held = leak.sockets.len() as u64;
    let dead = u64::from(process.and_then(|p| p.unhashed).unwrap_or_default());
    let leaked = (held + dead) as f64;
    // Dead descriptors alone are another rule's.
    let warning = limits.get(&RULE, "warning");
    if leaked < warning || held == 0 {
        return None;
    }
    let limit = process.and_then(|p| p.descriptor_limit);
    let critical = limit.map(|l| l as f64 * limits.get(&RULE, "critical_ratio"));
    let is_critical = held > 0 && critical.is_some_and(|c| leaked >= c);
    let severity = if is_critical { Severity::Critical } else { Severity::Warning };
    let who = who(&subject);
    let mut evidence = Vec::new();
    if held > 0 {
        evidence.extend(words::sockets_sentences(leak));
        evidence.extend(words::descriptors_sentence(now, blamed, leak));
    }
    if dead > 0 {
        evidence.push(words::dead_sentence(dead, process));
    }
    let sharers = match blamed {
        Blamed::Process(_) => words::sharers(now, leak),
        _ => Vec::new(),
    };
    evidence.extend(words::shared_sentence(&sharers));
    if let (Some(limit), Some(used)) = (limit, process.and_then(|p| p.descriptors)) {
        evidence.push(format!("{} of {} descriptors are in use.", number(used), number(limit)));
    }
    if leak.half_closed > 0 {
        evidence.push(format!(
            "{} more still answering after the peer's FIN; they are legitimate and not counted.",
            count(leak.half_closed.into(), "connection is", "connections are")
        ));
    }
    Some(Finding {
        id: RULE.id,
        severity,
        certainty: Certainty::Certain,
        netns: now.netns.clone(),
        folded: Vec::new(),
        title: words::title(blamed, held, dead, &who, sharers.len() as u64),
        facts: words::facts(leak, dead, process),
        thresholds: Thresholds { info: None, warning: Some(warning), critical },
        evidence,
        why: words::why(blamed, dead),
        next: words::next(blamed, leak, process),
        remedies: words::remedies(blamed, &who, &sharers),
        subject,
    })
}

fn subject(now: &Snapshot, blamed: Blamed, leak: &Leak<'_>) -> Subject {
    match blamed {
        Blamed::Process(pid) => Subject::Process(culprit(now, pid)),
        Blamed::Workers(addr, port) => {
            let held = leak.sockets.iter().flat_map(|(s, _)| culprits(now, s));
            let mut owners: Vec<Culprit> = held.collect();
            owners.sort_by_key(|c| c.pid);
            owners.dedup();
            Subject::Listener { addr, port, owners }
        }
        Blamed::Listener(addr, port) | Blamed::Unnamed(addr, port) if port != 0 => {
            // Listeners of a SO_REUSEPORT group have queues of their own: those with something in them are to blame.
            let at = |s: &&Socket| {
                s.state == State::Listen && (s.local_addr, s.local_port) == (addr, port)
            };
            let group: Vec<&Socket> = now.sockets.iter().filter(at).collect();
            let holding: Vec<&&Socket> = group.iter().filter(|l| l.recv_queue > 0).collect();
            let blamed = if holding.is_empty() { group.iter().collect() } else { holding };
            let mut owners: Vec<Culprit> =
                blamed.into_iter().flat_map(|l| culprits(now, l)).collect();
            owners.sort_by_key(|c| c.pid);
            owners.dedup();
            if owners.is_empty() {
                owners.push(unnamed(now));
            }
            Subject::Listener { addr, port, owners }
        }
        Blamed::Listener(..) | Blamed::Unnamed(..) => Subject::Process(unnamed(now)),
    }
}

fn unnamed(now: &Snapshot) -> Culprit {
    Culprit { pid: None, process: None, provenance: now.unnamed() }
}

fn who(subject: &Subject) -> String {
    let names: Vec<String> = subject.culprits().iter().map(Culprit::name).collect();
    join(&names, 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::coverage::Coverage;
    use crate::model::testing::*;

    fn detail(ack: u32, data: u32, sent: u32) -> Detail {
        Detail {
            last_ack_recv_ms: Some(ack),
            last_data_recv_ms: Some(data),
            last_data_sent_ms: Some(sent),
            ..Detail::default()
        }
    }

    fn leaking(n: u32, limit: u64) -> Snapshot {
        let mut s = fresh();
        for i in 0..n {
            let mut one =
                socket(State::CloseWait, "127.0.0.1:8080", &format!("127.0.0.1:{}", 40000 + i));
            (one.inode, one.recv_queue) = (100 + i, 1);
            push_detailed(&mut s, one, detail(2000, 9000, 9000));
            hold(&mut s, 100 + i, 42, i);
        }
        process(&mut s, 42, "app", limit, u64::from(n) + 5);
        s
    }

    fn judge(s: &Snapshot) -> Vec<Finding> {
        match check(&Evidence::new(s), &Limits::default()) {
            Outcome::Fired(f) => f,
            Outcome::Clear(_) => Vec::new(),
            other @ Outcome::NotEvaluated(..) => panic!("{other:?}"),
        }
    }

    #[test]
    fn ten_of_one_process_warn_and_half_of_its_limit_is_critical() {
        assert_eq!(judge(&leaking(9, 1024)), []);
        assert_eq!(judge(&leaking(10, 1024))[0].severity, Severity::Warning);
        assert_eq!(judge(&leaking(23, 47))[0].severity, Severity::Warning);
        assert_eq!(judge(&leaking(24, 47))[0].severity, Severity::Critical);
        assert_eq!(judge(&leaking(24, 48))[0].severity, Severity::Critical);
    }

    #[test]
    fn the_finding_names_process_peers_and_ages() {
        let f = &judge(&leaking(23, 1024))[0];
        assert_eq!(f.title, "23 sockets in CLOSE_WAIT held by app[42]");
        assert_eq!((f.facts["close_wait"], f.facts["never_read"]), (23.0, 23.0));
        assert_eq!((f.facts["oldest_at_least_ms"], f.facts["oldest_at_most_ms"]), (2000.0, 9000.0));
        assert_eq!((f.facts["descriptors"], f.facts["descriptor_limit"]), (28.0, 1024.0));
        assert_eq!((f.thresholds.warning, f.thresholds.critical), (Some(10.0), Some(512.0)));
        let seen = |text: &str| f.evidence.iter().any(|e| e.starts_with(text));
        assert!(seen("Peers: 127.0.0.1:40000,"), "{:?}", f.evidence);
        assert!(seen("Descriptors of app[42]: 0, 1, 2, 3, 4 and 18 more."), "{:?}", f.evidence);
    }

    #[test]
    fn young_and_answering_sockets_do_not_count() {
        let mut s = leaking(9, 1024);
        for (i, (d, queue)) in [
            (detail(999, 9000, 9000), 0),
            (detail(5000, 9000, 4000), 0),
            (detail(5000, 9000, 9000), 7),
        ]
        .into_iter()
        .enumerate()
        {
            let mut one =
                socket(State::CloseWait, "127.0.0.1:8080", &format!("127.0.0.1:{}", 50000 + i));
            (one.inode, one.send_queue) = (500 + i as u32, queue);
            push_detailed(&mut s, one, d);
            hold(&mut s, 500 + i as u32, 42, 500);
        }
        assert_eq!(judge(&s), []);
        let mut tenth = socket(State::CloseWait, "127.0.0.1:8080", "127.0.0.1:60000");
        tenth.inode = 600;
        push_detailed(&mut s, tenth, detail(1000, 1000, 1000));
        hold(&mut s, 600, 42, 600);
        let f = &judge(&s)[0];
        assert_eq!(
            (f.facts["close_wait"], f.facts["young"], f.facts["half_closed"]),
            (10.0, 1.0, 2.0)
        );
    }

    #[test]
    fn unaccepted_connections_are_the_listeners() {
        let mut s = fresh();
        let mut l = listener("127.0.0.1:8080", 11, 16);
        l.inode = 9;
        s.sockets.push(l);
        hold(&mut s, 9, 42, 3);
        process(&mut s, 42, "app", 1024, 5);
        for i in 0..11 {
            let one =
                socket(State::CloseWait, "127.0.0.1:8080", &format!("127.0.0.1:{}", 40000 + i));
            push_detailed(&mut s, one, detail(2000, 9000, 9000));
        }
        let f = &judge(&s)[0];
        assert_eq!(
            f.title,
            "11 connections that the peer closed, never accepted on 127.0.0.1:8080 (app[42])"
        );
        assert!(matches!(f.subject, Subject::Listener { port: 8080, .. }));
    }

    #[test]
    fn dead_descriptors_add_up_with_close_wait_and_are_another_rules_alone() {
        let mut s = leaking(4, 1024);
        s.processes.get_mut(&42).unwrap().unhashed = Some(5);
        assert_eq!(judge(&s), []);
        s.processes.get_mut(&42).unwrap().unhashed = Some(6);
        assert_eq!(
            judge(&s)[0].title,
            "4 sockets in CLOSE_WAIT and 6 dead TCP descriptors held by app[42]"
        );
        let mut s = fresh();
        process(&mut s, 42, "app", 40, 27);
        s.processes.get_mut(&42).unwrap().unhashed = Some(23);
        assert_eq!(judge(&s), []);
    }

    #[test]
    fn workers_of_one_listener_are_judged_together() {
        let mut s = fresh();
        s.sockets.push(listener("0.0.0.0:8080", 0, 16));
        for i in 0..12 {
            let mut one =
                socket(State::CloseWait, "127.0.0.1:8080", &format!("127.0.0.1:{}", 40000 + i));
            one.inode = 100 + i;
            push_detailed(&mut s, one, detail(2000, 9000, 9000));
            hold(&mut s, 100 + i, 42 + i % 2, i);
        }
        process(&mut s, 42, "worker", 1024, 9);
        process(&mut s, 43, "worker", 1024, 9);
        let f = judge(&s);
        assert_eq!(f.len(), 1);
        assert_eq!(
            f[0].title,
            "12 sockets in CLOSE_WAIT accepted on 0.0.0.0:8080, held by worker[42], worker[43]"
        );
        assert_eq!(f[0].facts["close_wait"].to_string(), "12");
    }

    #[test]
    fn hidden_owners_are_told_by_their_listener_and_never_called_root() {
        let mut s = leaking(10, 1024);
        s.sockets.push(listener("127.0.0.1:8080", 0, 16));
        s.owners = None;
        let f = &judge(&s)[0];
        assert!(matches!(&f.subject, Subject::Listener { port: 8080, .. }));
        assert_eq!(f.subject.culprits()[0].provenance, Provenance::Hidden);
        assert_eq!(f.title, "10 sockets in CLOSE_WAIT held by hidden processes");
    }

    #[test]
    fn without_netlink_the_age_is_unknown() {
        let mut s = leaking(10, 1024);
        s.coverage = Coverage::default();
        s.coverage.note("sock_diag", Seen::Denied, None, None);
        let outcome = check(&Evidence::new(&s), &Limits::default());
        assert!(matches!(outcome, Outcome::NotEvaluated(Cause::Unseen, _)), "{outcome:?}");
    }
}
