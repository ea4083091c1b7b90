//! What the rules about ephemeral ports share: what they need read, how full pools are judged, their numbers, sentences and cures.

use std::collections::BTreeMap;

use super::finding::{Remedy, Severity, Thresholds, Wish, severity_above};
use super::limit::Limits;
use super::outcome::{Cause, Outcome};
use super::{Evidence, Rule};
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, culprits};
use crate::model::ports::forecast::ceilings;
use crate::model::ports::{EphemeralRange, Pool, Ports};
use crate::model::reuse::{Reuse, delay_ms};
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{join, number};

/// What any rule about pools of which more than `ratio` may be taken needs read: details of live connections, explicit binds, owners.
pub(super) fn wants(evidence: &Evidence<'_>, ratio: f64) -> Wants {
    let mut wants = Wants::default();
    let Some(pools) = evidence.ports() else { return wants };
    // Binders spread over many destinations fill the range without one busy pool.
    wants.explicit_ports =
        !pools.pools.is_empty() || f64::from(pools.in_use) > f64::from(pools.free) * ratio * 0.4;
    for pool in &pools.pools {
        // Explicit binds, not read at first, can shrink a pool a good deal; what a connection shows must be read by then.
        let taken = pool.ratio(pool.used);
        if taken > ratio * 0.4
            && pool.time_wait() > 0
            && !matches!(pool.reuse, Reuse::Applies { .. })
        {
            wants.peer_ports.insert(pool.destination.peer_port);
        }
        if taken > ratio * 0.8 {
            wants.owners.extend(pool.inodes.iter().copied());
            wants.owners.extend(server(evidence, pool).map(|l| l.inode));
            if pool.inodes.is_empty() {
                wants.owners.extend(super::makers::elsewhere(evidence, pool));
            }
            // What bind() took is lost to every destination, and only the owners' buckets tell it.
            wants.buckets = true;
        }
    }
    wants
}

/// The pools, or why nothing can be said of them.
pub(super) fn judged<'a>(evidence: &'a Evidence<'_>) -> Result<&'a Ports, Outcome> {
    evidence.ports().ok_or_else(|| {
        let why = "net.ipv4.ip_local_port_range could not be read";
        Outcome::NotEvaluated(Cause::Unseen, why.into())
    })
}

/// Thresholds in ports for one pool.
pub(super) fn thresholds(rule: &Rule, pool: &Pool, limits: &Limits) -> Thresholds {
    let at = |key| {
        let has = rule.limits.iter().any(|l| l.key == key);
        has.then(|| limits.get(rule, key) * f64::from(pool.usable))
    };
    Thresholds { info: at("info"), warning: at("warning"), critical: at("critical") }
}

/// The severity of a pool of which between `min` and `max` ports are taken: the better end decides, the worse at most informs.
pub(super) fn severity(min: u32, max: u32, thresholds: &Thresholds) -> Option<Severity> {
    let certain = severity_above(f64::from(min), thresholds);
    let possible = severity_above(f64::from(max), thresholds);
    certain.or(possible.map(|_| Severity::Info))
}

/// One sentence on who has sockets in a pool, `to it` or `on it`.
pub(super) fn users_sentence(users: &[(Culprit, u32)], place: &str) -> String {
    if users.is_empty() {
        return format!(
            "No process has a socket {place} now: the kernel holds the ports (TIME_WAIT and the like)."
        );
    }
    let names: Vec<String> =
        users.iter().map(|(c, n)| format!("{} ({})", c.name(), number((*n).into()))).collect();
    format!("Open sockets {place}: {}.", join(&names, 5))
}

/// The listener that a pool's connections lead to, if it is one of this host.
fn server<'a>(evidence: &'a Evidence<'_>, pool: &Pool) -> Option<&'a Socket> {
    let to = pool.destination;
    let is_here = to.peer_addr.is_loopback() || to.peer_addr == to.local_addr;
    let mut on_port = evidence.listeners().iter().filter(|l| l.local_port == to.peer_port);
    on_port.find(|l| is_here && (l.local_addr == to.peer_addr || l.local_addr.is_wildcard()))
}

/// Who serves a destination on this host, where that is known.
pub(super) fn server_sentence(evidence: &Evidence<'_>, pool: &Pool) -> Option<String> {
    let names: Vec<String> =
        culprits(evidence.now, server(evidence, pool)?).iter().map(Culprit::name).collect();
    Some(format!("It is served on this host by {}.", join(&names, 3)))
}

/// Remedies for a pool that is short of ports.
pub(super) fn remedies(
    now: &Snapshot,
    range: &EphemeralRange,
    pool: &Pool,
    thresholds: &Thresholds,
) -> Vec<Remedy> {
    let to = pool.destination;
    let bears = ceilings(pool, range, delay_ms(now));
    let becomes = |with: Option<f64>| match bears.now.zip(with) {
        Some((now, rate)) => format!(
            "; {}/s for good become a ceiling of {}/s by arithmetic",
            number(now as u64),
            number(rate as u64)
        ),
        None => String::new(),
    };
    // Ports that open connections hold are not freed by keeping them open.
    let first = if pool.open() > pool.time_wait() {
        "the ports are held by open connections: see whether they are in use (a pool that is too large, connections that are never closed)"
    } else {
        "keep connections open and reuse them (pool, keep-alive), or let the other side close first"
    };
    let mut remedies = vec![Remedy::Application(first.into())];
    remedies.push(Remedy::Application(format!(
        "spread over more destination addresses or ports, or more source addresses{}",
        becomes(bears.two_sources).replace("become", "with two sources become")
    )));
    let loopback = to.local_addr.is_loopback() || to.peer_addr.is_loopback();
    let too_weak = match now.sysctls.integer("net.ipv4.tcp_tw_reuse") {
        Some(0) => true,
        Some(2) => !loopback,
        _ => false,
    };
    // Reuse is worth a word only if the ports it frees make the finding lighter, and the peer lets it.
    let lighter = severity_above(f64::from(pool.used - pool.time_wait()), thresholds)
        < severity_above(f64::from(pool.used), thresholds);
    let reusable = pool.timestamps != Some(false) || loopback;
    if lighter && reusable && now.sysctls.integer("net.ipv4.tcp_timestamps") == Some(0) {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_timestamps",
            wish: Wish::AtLeast(1),
            because: "a port in TIME_WAIT can be reused only with timestamps".into(),
        });
    }
    if lighter && reusable && too_weak {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_tw_reuse",
            wish: Wish::Order(if loopback { 2 } else { 1 }),
            because: format!(
                "{} of the ports to this destination are in TIME_WAIT{}, and the port search slows connect() past half of that",
                number(pool.time_wait().into()),
                becomes(bears.reuse)
            ),
        });
    }
    remedies.push(Remedy::Setting {
        knob: "net.ipv4.ip_local_port_range",
        wish: Wish::MorePorts,
        because: format!(
            "{} ports serve this destination{}",
            number(pool.usable.into()),
            becomes(bears.wider)
        ),
    });
    remedies
}

/// The numbers of a pool.
pub(super) fn facts(pool: &Pool, range: &EphemeralRange) -> BTreeMap<&'static str, f64> {
    let mut facts: BTreeMap<&'static str, f64> = [
        ("used", pool.used),
        ("usable", pool.usable),
        ("headroom", pool.headroom()),
        ("headroom_max", pool.headroom_max()),
        ("time_wait", pool.time_wait()),
        ("time_wait_old", pool.time_wait_old),
        ("closed_last_10s", pool.history.closed_within(10)),
        ("held", pool.held),
        ("untried", pool.untried),
        ("doubtful", pool.doubtful),
        ("range_size", range.size()),
    ]
    .map(|(name, n)| (name, f64::from(n)))
    .into();
    if let Some(ms) = pool.first_release_ms() {
        facts.insert("first_release_ms", f64::from(ms));
    }
    facts
}

/// One sentence on whether ports in TIME_WAIT can be reused.
pub(super) fn reuse_sentence(pool: &Pool) -> String {
    match pool.reuse {
        Reuse::Applies { delay_ms } => format!(
            "Reuse applies: {} of the ports are in TIME_WAIT for longer than {delay_ms} ms and count as free.",
            number(pool.reusable().into())
        ),
        Reuse::Not(why) => format!("Ports in TIME_WAIT are not reused: {why}."),
        Reuse::Unknown { .. } => "Whether ports in TIME_WAIT are reused is unknown: no live connection shows if the peer uses timestamps.".into(),
    }
}
