//! `backlog-capped`: a listener's limit is in the way, and this is who set it.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, accept_queue_full, rule, who};
use crate::model::culprit::{Culprit, culprits};
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds listeners that come near the limit of their accept queue, or pass it between two looks, and says who set that limit:
    /// net.core.somaxconn, or the application with a backlog of its own.
    ///
    /// # Why it matters
    /// A limit that is smaller than a burst loses connections although the application keeps up. Raising the wrong one of the two limits changes
    /// nothing.
    ///
    /// # How it is measured
    /// Send-Q of a listener is the smaller of the backlog given to listen() and net.core.somaxconn at that moment. Send-Q equal to somaxconn:
    /// the setting caps it, or the application asked for just that. Send-Q below it: the application's own backlog (511 in Node and nginx, 128
    /// in many, 5 in old programs), or somaxconn was lower when the listener was opened. The queue is Recv-Q; refusals between two
    /// looks are the growth of the listener's own drop counter while TcpExt ListenOverflows grows.
    ///
    /// # Thresholds
    /// `info`: share of the limit that waits. `min_queue`: connections that must wait at least. Refusals between two looks inform always.
    ///
    /// # What can fool it
    /// A queue is a picture of an instant. An application that does not accept at all is not helped by a higher limit
    /// (accept-queue-full tells that).
    ///
    /// # What to do
    /// Raise the one limit that is named, and restart the listener: both are read by listen() alone.
    ///
    /// # References
    /// listen(2), net/socket.c __sys_listen, net/ipv4/af_inet.c inet_listen
    RULE {
        id: "backlog-capped",
        summary: "a listener's limit is near, and who set it",
        since: "0.1.0",
        family: Family::Listeners,
        worst: Severity::Info,
        earlier: Depth::Listeners,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 0.5, min: 0.05, max: 1.0, unit: "ratio of the accept queue's limit",
                doc: "Informs from this share of the limit waiting to be accepted." },
            Limit { key: "min_queue", default: 4.0, min: 1.0, max: 65_535.0, unit: "connections",
                doc: "Informs only if at least so many wait." },
        ],
        wants: wants,
        check: check,
    }
}

/// Whether so many wait that the limit is near.
fn waits(listener: &Socket, limits: &Limits) -> bool {
    let queue = f64::from(listener.recv_queue);
    queue >= f64::from(listener.send_queue) * limits.get(&RULE, "info")
        && queue >= limits.get(&RULE, "min_queue")
}

/// Listeners that are near their limit or passed it since the earlier look, with what they refused.
fn near<'a>(evidence: &'a Evidence<'_>, limits: &Limits) -> Vec<(&'a Socket, u64)> {
    let mut found = Vec::new();
    for (_, listener) in evidence.sockets(&evidence.survey().listen) {
        let waits = waits(listener, &limits.lenient());
        let refused = accept_queue_full::refused(evidence, listener);
        if waits || refused > 0 {
            found.push((listener, refused));
        }
    }
    found
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let owners = near(evidence, limits).iter().map(|(l, _)| l.inode).collect();
    let drops = if evidence.since.is_some() { StateSet::of(State::Listen) } else { StateSet::NONE };
    Wants { owners, details: drops, ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    if !evidence.now.has_netlink_facts() {
        return Outcome::unseen(
            "the limits of accept queues come by netlink only, which is refused here",
        );
    }
    let found: Vec<Finding> = near(evidence, limits)
        .into_iter()
        .filter_map(|(listener, refused)| finding(evidence, listener, refused, limits))
        .collect();
    if !found.is_empty() {
        return Outcome::Fired(found);
    }
    let n = evidence.survey().listen.len() as u64;
    Outcome::Clear(format!("{} far from their limits", count(n, "listener", "listeners")))
}

fn finding(evidence: &Evidence<'_>, l: &Socket, refused: u64, limits: &Limits) -> Option<Finding> {
    let now = evidence.now;
    let at = place(l.local_addr, l.local_port);
    let owners = culprits(now, l);
    let limits = who::limits(limits, &owners, Some(l.local_port));
    if !waits(l, &limits) && refused == 0 {
        return None;
    }
    let limit = i64::from(l.send_queue);
    let somaxconn = now.sysctls.integer("net.core.somaxconn");
    let mut facts = BTreeMap::from([
        ("accept_queue", f64::from(l.recv_queue)),
        ("accept_queue_limit", limit as f64),
        ("refused", refused as f64),
    ]);
    let mut remedies = Vec::new();
    let names: Vec<String> = owners.iter().map(Culprit::name).collect();
    let names = crate::phrase::join(&names, 3);
    let by = match somaxconn {
        Some(max) if max == limit => {
            remedies.push(Remedy::Application(format!(
                "{names}: ask listen() for more, raise net.core.somaxconn with it, and restart the listener"
            )));
            remedies.push(Remedy::Setting {
                knob: "net.core.somaxconn",
                wish: Wish::AtLeast(limit.saturating_mul(2).max(4096)),
                because: format!("it caps the backlog of {at}; it counts at the next listen()"),
            });
            format!(
                "set by net.core.somaxconn ({}), or the application asked for just that",
                number(max.unsigned_abs())
            )
        }
        Some(max) if max > limit && [128, 4096].contains(&limit) => {
            remedies.push(Remedy::Application(format!(
                "{names}: restart the listener, which reads net.core.somaxconn ({}) anew; if the limit stays, give listen() a larger backlog",
                number(max.unsigned_abs())
            )));
            format!(
                "set by the application or by an older net.core.somaxconn ({} now)",
                number(max.unsigned_abs())
            )
        }
        Some(max) if max > limit => {
            remedies.push(Remedy::Application(format!(
                "{names}: give listen() a larger backlog (up to {} is allowed now) and restart the listener",
                number(max.unsigned_abs())
            )));
            format!(
                "set by the application, and net.core.somaxconn ({}) is not used up",
                number(max.unsigned_abs())
            )
        }
        lower => {
            remedies.push(Remedy::Application(format!(
                "{names}: give listen() a larger backlog and restart the listener"
            )));
            match lower {
                Some(max) => format!("of another time: net.core.somaxconn is {max} now"),
                None => "set by the application or by net.core.somaxconn, which could not be read"
                    .into(),
            }
        }
    };
    if let Some(max) = somaxconn {
        facts.insert("somaxconn", max as f64);
    }
    let mut said = vec![format!("The limit of {} is {by}.", number(l.send_queue.into()))];
    if refused > 0 {
        said.push(format!(
            "It refused {} between the two looks.",
            count(refused, "packet", "packets")
        ));
    }
    Some(Finding {
        title: format!(
            "{} of {} connections wait on {at} ({}), a limit {by}",
            number(l.recv_queue.into()),
            number(l.send_queue.into()),
            percent(l.recv_queue.into(), l.send_queue.into())
        ),
        facts,
        thresholds: Thresholds {
            info: Some(f64::from(l.send_queue) * limits.get(&RULE, "info")),
            ..Thresholds::default()
        },
        evidence: said,
        why: "Both limits are read by listen() alone: raising the other one, or not restarting, changes nothing.".into(),
        next: vec![
            format!("ss -ltn 'sport = :{}'", l.local_port),
            "sysctl net.core.somaxconn".into(),
        ],
        remedies,
        subject: Subject::Listener { addr: l.local_addr, port: l.local_port, owners },
        ..Finding::new(&RULE, now)
    })
}
