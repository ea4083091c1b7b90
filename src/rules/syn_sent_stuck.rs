//! `syn-sent-stuck`: connects that nobody answers.

mod times;

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, severity_from};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::who::{self, Peer};
use super::{Evidence, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number};
use times::{elapsed_ms, gives_up_ms};

rule! {
    /// # What it does
    /// Finds destinations to which connects are under way whose SYN was sent several times without any answer.
    ///
    /// # Why it matters
    /// Something drops the SYN: the machine is down, a firewall or a security group swallows it, or its accept queue is full. The
    /// application hangs in connect() for its own timeout, or for two minutes and more.
    ///
    /// # How it is measured
    /// SYN_SENT with at least `min_retries` retransmissions. A refused port would have been answered by a reset. The time since the first SYN
    /// follows from the retries, the timer, and net.ipv4.tcp_syn_linear_timeouts: that many retries come a second apart (from Linux
    /// 6.5 on; 4 by default), then the wait doubles.
    ///
    /// # Thresholds
    /// `info` and `warning`: so many unanswered connects to one destination. `min_retries`: retransmissions of the SYN that count.
    ///
    /// # What can fool it
    /// One lost SYN is no unanswered destination, and does not count. Programs that scan networks look like this on purpose.
    ///
    /// # What to do
    /// See whether the destination lives and what stands between. Give connect() a timeout in the application, and let a pool that cannot connect
    /// wait longer between attempts. net.ipv4.tcp_syn_retries is a last resort for everybody at once.
    ///
    /// # References
    /// net/ipv4/tcp_timer.c tcp_retransmit_timer, <https://docs.kernel.org/networking/ip-sysctl.html> tcp_syn_retries, tcp_syn_linear_timeouts
    RULE {
        id: "syn-sent-stuck",
        summary: "connects to a destination are not answered",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 1.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many unanswered connects to one destination." },
            Limit { key: "warning", default: 3.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many unanswered connects to one destination." },
            Limit { key: "min_retries", default: 2.0, min: 1.0, max: 255.0, unit: "retransmissions",
                doc: "Counts connects whose SYN was sent again at least so often." },
        ],
        wants: wants,
        check: check,
    }
}

fn stuck<'a>(
    evidence: &'a Evidence<'_>,
    limits: &Limits,
) -> impl Iterator<Item = (u32, &'a Socket)> {
    let least = limits.lenient().get(&RULE, "min_retries");
    evidence
        .sockets(&evidence.survey().syn_sent)
        .filter(move |(_, s)| f64::from(s.retries) >= least)
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let owners = stuck(evidence, limits).map(|(_, s)| s.inode).filter(|i| *i != 0).collect();
    Wants { owners, ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let groups = who::by_peer(stuck(evidence, limits), evidence.listeners());
    let mut findings: Vec<Finding> = groups
        .iter()
        .take(DESTINATIONS)
        .filter_map(|(peer, list)| finding(evidence.now, *peer, list, limits))
        .collect();
    // A scanner has thousands of destinations: beyond some they are one finding.
    let rest: Vec<&Socket> =
        groups.iter().skip(DESTINATIONS).flat_map(|(_, list)| list).map(|(_, s)| *s).collect();
    if !rest.is_empty() && rest.len() as f64 >= limits.get(&RULE, "info") {
        findings.push(many(evidence.now, &rest, groups.len() - DESTINATIONS, limits));
    }
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let all = evidence.survey().syn_sent.len() as u64;
    Outcome::Clear(format!(
        "{} under way, none unanswered for long",
        count(all, "connect", "connects")
    ))
}

/// Most destinations that are told one by one.
const DESTINATIONS: usize = 20;

/// The destinations beyond those.
fn many(now: &Snapshot, sockets: &[&Socket], destinations: usize, limits: &Limits) -> Finding {
    let n = sockets.len() as u64;
    let holders = who::holders(now, sockets.iter().copied());
    Finding {
        title: format!(
            "{} to {} other destinations not answered",
            count(n, "connect", "connects"),
            number(destinations as u64)
        ),
        facts: BTreeMap::from([
            ("unanswered", n as f64),
            ("destinations", destinations as f64),
        ]),
        thresholds: Thresholds {
            info: Some(limits.get(&RULE, "info")),
            ..Thresholds::default()
        },
        evidence: vec![format!("They were opened by {}.", who::names(&holders))],
        why: "Whoever opens them waits until its own timeout or the kernel's; a scan of networks looks like this.".into(),
        next: vec!["tcpvet list 'state syn-sent' --group-by peer".into()],
        remedies: vec![Remedy::Application(format!(
            "see what {} connects to",
            who::names(&holders)
        ))],
        ..Finding::new(&RULE, now)
    }
}

fn finding(
    now: &Snapshot,
    peer: Peer,
    sockets: &[(u32, &Socket)],
    limits: &Limits,
) -> Option<Finding> {
    let holders = who::holders(now, sockets.iter().map(|(_, s)| *s));
    let owners = who::culprits(&holders);
    let limits = who::limits(limits, &owners, Some(who::port(peer, sockets)));
    let least = limits.get(&RULE, "min_retries");
    let sockets: Vec<(u32, &Socket)> =
        sockets.iter().copied().filter(|(_, s)| f64::from(s.retries) >= least).collect();
    let n = sockets.len() as u64;
    let thresholds = Thresholds {
        info: Some(limits.get(&RULE, "info")),
        warning: Some(limits.get(&RULE, "warning")),
        critical: None,
    };
    let severity = severity_from(n, &thresholds)?;
    let linear = now.sysctls.integer("net.ipv4.tcp_syn_linear_timeouts").unwrap_or_default();
    let linear = u32::try_from(linear).unwrap_or_default();
    let since = |s: &Socket| elapsed_ms(s.retries, s.expires_ms, linear);
    let oldest = sockets.iter().map(|(_, s)| since(s)).max().unwrap_or_default();
    let most = sockets.iter().map(|(_, s)| s.retries).max().unwrap_or_default();
    let mut said = vec![format!(
        "The oldest has waited {} and sent its SYN {} times.",
        duration(oldest),
        u32::from(most) + 1
    )];
    let retries = now.sysctls.integer("net.ipv4.tcp_syn_retries");
    if let Some(retries) = retries.and_then(|r| u8::try_from(r).ok()) {
        let end = gives_up_ms(retries, linear);
        said.push(format!(
            "The kernel gives up after about {} (net.ipv4.tcp_syn_retries {retries}).",
            duration(end)
        ));
    }
    said.push(format!("They were opened by {}.", who::names(&holders)));
    let to = peer.text();
    Some(Finding {
        severity,
        title: format!(
            "{} to {to} not answered for up to {}",
            count(n, "connect", "connects"),
            duration(oldest)
        ),
        facts: BTreeMap::from([
            ("unanswered", n as f64),
            ("longest_wait_ms", oldest as f64),
            ("most_retries", f64::from(most)),
        ]),
        thresholds,
        evidence: said,
        why: format!(
            "Whoever opens {} waits until its own timeout or the kernel's; a port that is merely closed would have refused at once.",
            if n == 1 { "it".into() } else { format!("these {}", number(n)) }
        ),
        next: vec![
            format!("tcpvet list 'state syn-sent and {}' -o", who::filter(peer)),
            format!("ip route get {}; nc -vz -w 2 {} {}", peer.addr, peer.addr, peer.port),
        ],
        remedies: vec![Remedy::Application(format!(
            "see whether {to} is up and what drops its SYN; give connect() a timeout, and let retries wait longer each time"
        ))],
        subject: Subject::Peer { addr: peer.addr, port: peer.port, owners },
        ..Finding::new(&RULE, now)
    })
}
