//! `dead-peer`: connections whose other side does not answer any more.

use std::collections::{BTreeMap, BTreeSet};

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::who::{self, Peer};
use super::{Evidence, rule};
use crate::model::culprit::Culprit;
use crate::model::earlier::Depth;
use crate::model::socket::{Socket, Timer};
use crate::model::survey::Survey;
use crate::model::wants::Wants;
use crate::phrase::{count, duration, number};

rule! {
    /// # What it does
    /// Finds open connections whose peer does not acknowledge data sent again and again, or does not answer keepalive or window probes, by
    /// destination.
    ///
    /// # Why it matters
    /// The peer died, or the way to it did, without a FIN or a reset. The connection looks established; whoever waits on it hangs until the
    /// kernel gives up: about 15 minutes for data (net.ipv4.tcp_retries2), more than 2 hours for default keepalive, never without both.
    ///
    /// # How it is measured
    /// idiag_retrans counts timeouts of the running timer: retransmissions of data (timer 1), keepalive probes (timer 2) and window probes
    /// (timer 4) without an answer. Fast retransmissions and answered probes do not count there, so ordinary loss does not reach the
    /// thresholds. tcpi_last_ack_recv tells since when nothing has come.
    ///
    /// # Thresholds
    /// `warning`: so many such connections toward one destination. `info`: so many in all, where no destination has enough (clients that lost
    /// their network). `min_retries`: timeouts of data that count. `min_probes`: unanswered probes that count.
    ///
    /// # What can fool it
    /// Heavy loss gives one or two timeouts in a row, seldom three. Large segments that do not pass while small ones do are
    /// path-mtu-black-hole. Sockets with neither data under way nor keepalive show nothing: idle-without-keepalive.
    ///
    /// # What to do
    /// See whether the peer lives. Let the application notice sooner: timeouts on its requests, TCP_USER_TIMEOUT, keepalive.
    /// net.ipv4.tcp_retries2 shortens it for everybody (8 is the least that RFC 1122 allows, about 100 s).
    ///
    /// # References
    /// net/ipv4/tcp_timer.c tcp_write_timeout and tcp_keepalive_timer, tcp(7) TCP_USER_TIMEOUT, RFC 1122 section 4.2.3.5
    RULE {
        id: "dead-peer",
        summary: "the other side of open connections does not answer",
        since: "0.1.0",
        family: Family::Peers,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 3.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Warns from so many unanswered connections toward one destination." },
            Limit { key: "info", default: 10.0, min: 1.0, max: 1_000_000.0, unit: "sockets",
                doc: "Informs from so many unanswered connections toward all others together." },
            Limit { key: "min_retries", default: 3.0, min: 1.0, max: 255.0, unit: "timeouts",
                doc: "Counts connections whose data timed out at least so often in a row." },
            Limit { key: "min_probes", default: 2.0, min: 1.0, max: 255.0, unit: "probes",
                doc: "Counts connections with at least so many unanswered probes in a row." },
        ],
        wants: wants,
        check: check,
    }
}

/// Most sockets that are asked for their times.
const SAMPLE: usize = 256;

/// Whether a connection has tried so often in vain that it counts.
fn is_unanswered(s: &Socket, limits: &Limits) -> bool {
    let key = if s.timer == Timer::Retransmit { "min_retries" } else { "min_probes" };
    f64::from(s.retries) >= limits.get(&RULE, key)
}

/// Rows of connections that are not answered, by anybody's measure.
pub(super) fn unanswered(evidence: &Evidence<'_>, limits: &Limits) -> Vec<u32> {
    let survey = evidence.survey();
    let limits = limits.lenient();
    let rows = [&survey.retransmitting, &survey.probing, &survey.window_closed];
    let all = rows.into_iter().flat_map(|rows| evidence.sockets(rows));
    all.filter(|(_, s)| is_unanswered(s, &limits)).map(|(row, _)| row).collect()
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let rows = unanswered(evidence, limits);
    let few: Vec<u32> = Survey::spread(&rows, SAMPLE).collect();
    let owners = evidence.sockets(&few).map(|(_, s)| s.inode).collect();
    Wants { rows: few.into_iter().collect(), owners, ..Wants::default() }
}

/// Who holds those of some sockets that were asked for their holders.
fn holders(
    evidence: &Evidence<'_>,
    few: &BTreeSet<u32>,
    sockets: &[(u32, &Socket)],
) -> Vec<(Culprit, u32)> {
    let asked = sockets.iter().filter(|(row, _)| few.contains(row));
    who::holders(evidence.now, asked.map(|(_, s)| *s))
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let rows = unanswered(evidence, limits);
    let few: BTreeSet<u32> = Survey::spread(&rows, SAMPLE).collect();
    let groups = who::by_peer(evidence.sockets(&rows), evidence.listeners());
    let mut findings = Vec::new();
    let mut rest = Vec::new();
    for (peer, sockets) in groups {
        let own = who::limits(
            limits,
            &who::culprits(&holders(evidence, &few, &sockets)),
            Some(who::port(peer, &sockets)),
        );
        let sockets: Vec<_> = sockets.into_iter().filter(|(_, s)| is_unanswered(s, &own)).collect();
        let (warning, usual) = (own.get(&RULE, "warning"), limits.get(&RULE, "warning"));
        if sockets.len() as f64 >= warning && !sockets.is_empty() {
            findings.push(finding(evidence, Some(peer), &sockets, &few, warning));
        } else if (sockets.len() as f64) < usual {
            // What an exception bears is borne; the others add up.
            rest.extend(sockets);
        }
    }
    let info = limits.get(&RULE, "info");
    if rest.len() as f64 >= info {
        findings.push(finding(evidence, None, &rest, &few, info));
    }
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    Outcome::Clear(format!(
        "{} without an answer",
        count(rows.len() as u64, "open connection", "open connections")
    ))
}

fn finding(
    evidence: &Evidence<'_>,
    peer: Option<Peer>,
    sockets: &[(u32, &Socket)],
    few: &BTreeSet<u32>,
    threshold: f64,
) -> Finding {
    let now = evidence.now;
    let all = || sockets.iter().map(|(_, s)| *s);
    let n = sockets.len() as u64;
    let holders = holders(evidence, few, sockets);
    let asked = sockets.iter().filter(|(row, _)| few.contains(row)).count();
    let owners = who::culprits(&holders);
    let of = |timer: Timer| all().filter(move |s| s.timer == timer);
    let data = of(Timer::Retransmit).count() as u64;
    let keepalive = of(Timer::Keepalive).count() as u64;
    let window = of(Timer::Probe).count() as u64;
    let silence = all().filter_map(|s| now.detail(s)?.last_ack_recv_ms).max();
    let unsent: u64 = all().map(|s| u64::from(s.send_queue)).sum();
    let most = all().map(|s| s.retries).max().unwrap_or_default();
    let mut facts = BTreeMap::from([
        ("unanswered", n as f64),
        ("data_unacknowledged", data as f64),
        ("keepalive_unanswered", keepalive as f64),
        ("window_probes_unanswered", window as f64),
        ("most_retries", f64::from(most)),
        ("unsent_bytes", unsent as f64),
    ]);
    if let Some(ms) = silence {
        facts.insert("silent_ms", f64::from(ms));
    }
    let silent = silence.map_or(String::new(), |ms| {
        format!(" Nothing has come for up to {}.", duration(ms.into()))
    });
    let mut said = vec![
        format!(
            "Unanswered: data {}, keepalive probes {}, window probes {}, up to {most} in a row.{silent}",
            number(data),
            number(keepalive),
            number(window)
        ),
        match asked == sockets.len() {
            true => format!("They are held by {}.", who::names(&holders)),
            false => format!("A sample of them is held by {}.", who::names(&holders)),
        },
    ];
    if peer.is_none() {
        said.push(format!("They lead to {}.", who::machines(all())));
    }
    let retries2 = now.sysctls.integer("net.ipv4.tcp_retries2");
    let mut remedies = vec![Remedy::Application(
        "see whether the peer lives; let the application notice sooner: timeouts on its requests, TCP_USER_TIMEOUT, keepalive".into(),
    )];
    // Giving up sooner helps those that have retried for longer than the new value already.
    if of(Timer::Retransmit).any(|s| s.retries > 8) && retries2.is_some_and(|r| r > 8) {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_retries2",
            wish: Wish::AtMost(8),
            because: format!("data is retried up to {most} times toward peers that do not answer"),
        });
    }
    let to = peer.map_or("several machines".to_string(), Peer::text);
    Finding {
        severity: if peer.is_some() { Severity::Warning } else { Severity::Info },
        title: format!(
            "{} to {to} without an answer, after up to {most} tries",
            count(n, "open connection", "open connections")
        ),
        facts,
        thresholds: match peer {
            Some(_) => Thresholds { warning: Some(threshold), ..Thresholds::default() },
            None => Thresholds { info: Some(threshold), ..Thresholds::default() },
        },
        evidence: said,
        why: if data > 0 {
            "They look established; whoever waits on them hangs until the kernel gives up, about 15 minutes for data by default.".into()
        } else {
            "They look established; whoever waits on them hangs until the probes are used up."
                .into()
        },
        next: match peer {
            Some(peer) => vec![
                format!("ss -tnoi 'dst {}'", who::bracketed(peer.addr)),
                format!("ip route get {0}; ping -c 3 {0}", peer.addr),
            ],
            None => {
                vec!["tcpvet list 'timer_retries >= 2' -o --sort timer_retries --reverse".into()]
            }
        },
        remedies,
        subject: match peer {
            Some(peer) => Subject::Peer { addr: peer.addr, port: peer.port, owners },
            None => Subject::Namespace,
        },
        ..Finding::new(&RULE, now)
    }
}
