//! `path-mtu-black-hole`: full segments vanish on the way, small ones pass.

use std::collections::{BTreeMap, BTreeSet};

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::who::{self, Peer};
use super::{Evidence, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::endpoint::Addr;
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration};

rule! {
    /// # What it does
    /// Finds machines to which full segments are sent again and again without an acknowledgement, while small ones on other connections to
    /// the same machine are answered.
    ///
    /// # Why it matters
    /// A link on the way takes smaller packets only, and the ICMP message that says so is dropped. Connections open and small requests work;
    /// anything large hangs.
    ///
    /// # How it is measured
    /// Stuck: data timed out at least `min_backoff` times in a row, at least a full segment (tcpi_snd_mss) unacknowledged. Passing: another
    /// established connection to the same address that has had an answer (tcpi_last_ack_recv) in less than half the time the stuck one has waited.
    /// A peer that is dead answers on none. A connection whose acknowledged segments were large proves that the way bears them, and
    /// nothing is said.
    ///
    /// # Thresholds
    /// `warning`: so many stuck connections toward one machine. `min_backoff`: timeouts in a row that count.
    ///
    /// # What can fool it
    /// It is a conclusion and said to be likely: a firewall that drops one connection only, or a peer of which one process hangs in the kernel,
    /// looks alike, and so do clients behind
    /// one address of which one is gone: of a single stuck client it informs only. Without another connection to the same machine nothing can be concluded, and dead-peer speaks.
    ///
    /// # What to do
    /// Let ICMP "fragmentation needed" and "packet too big" pass, or clamp the MSS at the tunnel. net.ipv4.tcp_mtu_probing=1 lets the kernel find the size
    /// by itself after a black hole is suspected.
    ///
    /// # References
    /// RFC 2923, RFC 4821, net/ipv4/tcp_timer.c tcp_mtu_probing, <https://docs.kernel.org/networking/ip-sysctl.html> tcp_mtu_probing
    RULE {
        id: "path-mtu-black-hole",
        summary: "full segments vanish on the way to a machine, small ones pass",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 1.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many stuck connections toward one machine." },
            Limit { key: "min_backoff", default: 3.0, min: 2.0, max: 255.0, unit: "timeouts",
                doc: "Counts connections whose data timed out at least so often in a row." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most stuck sockets that are asked for their sizes and times.
const SAMPLE: usize = 256;

/// Most other connections that are asked, of each machine.
const OTHERS: usize = 16;

/// A segment is no smaller: less than this cannot be a full one.
const SMALLEST_MSS: u32 = 536;

fn candidates(evidence: &Evidence<'_>, limits: &Limits) -> Vec<u32> {
    let least = limits.get(&RULE, "min_backoff");
    let rows: Vec<u32> = evidence
        .sockets(&evidence.survey().retransmitting)
        .filter(|(_, s)| f64::from(s.retries) >= least && s.send_queue >= SMALLEST_MSS)
        .map(|(row, _)| row)
        .collect();
    Survey::spread(&rows, SAMPLE).collect()
}

/// Other established connections to the same machines, a few of each.
fn others(evidence: &Evidence<'_>, stuck: &[u32]) -> Vec<u32> {
    let machines: BTreeSet<Addr> = evidence.sockets(stuck).map(|(_, s)| s.peer_addr).collect();
    if machines.is_empty() {
        return Vec::new();
    }
    let stuck: BTreeSet<u32> = stuck.iter().copied().collect();
    let mut taken: BTreeMap<Addr, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for (row, s) in (0u32..).zip(evidence.now.sockets.iter()) {
        let fits = s.state == State::Established && s.retries == 0 && s.inode != 0;
        if fits && machines.contains(&s.peer_addr) && !stuck.contains(&row) {
            let n = taken.entry(s.peer_addr).or_default();
            *n += 1;
            if *n <= OTHERS && rows.len() < SAMPLE {
                rows.push(row);
            }
        }
    }
    rows
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let stuck = candidates(evidence, limits);
    let others = others(evidence, &stuck);
    if others.is_empty() {
        return Wants::default();
    }
    let mut wants = Wants::default();
    if matches!(check(evidence, &limits.lenient()), Outcome::Fired(_)) {
        wants.owners.extend(evidence.sockets(&stuck).map(|(_, s)| s.inode));
    }
    wants.rows.extend(stuck.into_iter().chain(others));
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let stuck = candidates(evidence, limits);
    let others = others(evidence, &stuck);
    let mut findings = Vec::new();
    for (peer, sockets) in who::by_peer(evidence.sockets(&stuck), evidence.listeners()) {
        let full = |s: &&Socket| {
            now.detail(s).is_some_and(|d| {
                d.unacked.is_some_and(|n| n > 0) && d.snd_mss.is_some_and(|mss| s.send_queue >= mss)
            })
        };
        let full: Vec<&Socket> = sockets.iter().map(|(_, s)| *s).filter(full).collect();
        let waited = full.iter().filter_map(|s| now.detail(s)?.last_ack_recv_ms).min();
        let answered = evidence
            .sockets(&others)
            .filter(|(_, s)| s.peer_addr == peer.addr)
            .filter_map(|(_, s)| now.detail(s)?.last_ack_recv_ms)
            .min();
        let Some((waited, answered)) = waited.zip(answered) else { continue };
        // Where another connection's full segments arrive, the way bears them.
        let passes = evidence
            .sockets(&others)
            .any(|(_, s)| s.peer_addr == peer.addr && carries_full_segments(now, s));
        let warning = limits.about(&[], Some(who::port(peer, &sockets))).get(&RULE, "warning");
        if full.len() as f64 >= warning && answered < waited / 2 && !passes {
            findings.push(finding(evidence, peer, &full, (waited, answered), warning));
        }
    }
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    let unread = |(_, s): &(u32, &Socket)| {
        now.detail(s).map_or(evidence.details_are_missing(), |d| d.snd_mss.is_none())
    };
    if !others.is_empty() && evidence.sockets(&stuck).all(|s| unread(&s)) {
        let n = count(stuck.len() as u64, "connection", "connections");
        return Outcome::unseen(format!("the segments of {n} without an answer could not be read"));
    }
    Outcome::Clear(match stuck.len() {
        0 => "no full segment waits for long for its acknowledgement".to_string(),
        n => format!(
            "{} with full segments unacknowledged, and nothing else to the same machine is answered meanwhile",
            count(n as u64, "connection", "connections")
        ),
    })
}

/// Whether what a connection has sent and had acknowledged were large segments.
fn carries_full_segments(now: &Snapshot, s: &Socket) -> bool {
    now.detail(s).is_some_and(|d| match (d.bytes_acked, d.data_segs_out, d.snd_mss) {
        (Some(bytes), Some(segments @ 1..), Some(mss)) => {
            bytes / u64::from(segments) > u64::from(mss) / 2
        }
        _ => false,
    })
}

fn finding(
    evidence: &Evidence<'_>,
    peer: Peer,
    full: &[&Socket],
    (waited, answered): (u32, u32),
    warning: f64,
) -> Finding {
    let now = evidence.now;
    let n = full.len() as u64;
    let holders = who::holders(now, full.iter().copied());
    let mss = full.iter().filter_map(|s| now.detail(s)?.snd_mss).max().unwrap_or_default();
    let pmtu = full.iter().filter_map(|s| now.detail(s)?.pmtu).max().unwrap_or_default();
    let most = full.iter().map(|s| s.retries).max().unwrap_or_default();
    let mut facts = BTreeMap::from([
        ("stuck", n as f64),
        ("most_retries", f64::from(most)),
        ("mss_bytes", f64::from(mss)),
        ("path_mtu_bytes", f64::from(pmtu)),
        ("waited_ms", f64::from(waited)),
        ("other_answered_ms", f64::from(answered)),
    ]);
    if let Some(failed) = evidence.grew("TcpExt.TCPMTUPFail") {
        facts.insert("mtu_probes_failed", failed as f64);
    }
    // An IPv4 or IPv6 header and that of an echo request.
    let headers = if peer.addr.as_v4().is_some() { 28 } else { 48 };
    let probing = now.sysctls.integer("net.ipv4.tcp_mtu_probing");
    let mut remedies = vec![Remedy::Application(format!(
        "let ICMP \"fragmentation needed\" and \"packet too big\" pass on the way to {}, or clamp the MSS where the small link begins",
        peer.addr
    ))];
    if probing == Some(0) {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_mtu_probing",
            wish: Wish::Order(1),
            because: "the kernel then tries smaller segments when full ones are not answered"
                .into(),
        });
    }
    // Behind one address of clients several machines may stand: one of them may be gone while another speaks.
    let is_served = peer.port == 0;
    Finding {
        severity: if is_served && n < 2 { Severity::Info } else { Severity::Warning },
        certainty: Certainty::Likely,
        title: format!(
            "full segments of {} to {} are not answered, small ones on other connections are",
            count(n, "connection", "connections"),
            peer.text()
        ),
        facts,
        thresholds: Thresholds { warning: Some(warning), ..Thresholds::default() },
        evidence: vec![
            format!(
                "They sent segments of {mss} bytes up to {most} times again (path MTU taken for {pmtu}) and have had no answer for {}.",
                duration(waited.into())
            ),
            format!(
                "Another connection to {} was answered {} ago, so the machine and the way to it are up.",
                peer.addr,
                duration(answered.into())
            ),
            format!("They are held by {}.", who::names(&holders)),
        ],
        why: "Connections open and small requests work; anything larger than the smallest link hangs for minutes.".into(),
        next: vec![
            format!("ping -c 2 -M do -s {} {}", pmtu.saturating_sub(headers).max(1), peer.addr),
            format!("tracepath -n {}", peer.addr),
            format!("ss -tnoi 'dst {}'", who::bracketed(peer.addr)),
        ],
        remedies,
        subject: Subject::Peer { addr: peer.addr, port: peer.port, owners: who::culprits(&holders) },
        ..Finding::new(&RULE, now)
    }
}
