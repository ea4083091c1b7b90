//! `hazardous-sysctl`: settings that do harm, or do not do what they are set for.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Certainty, Finding, Remedy, Severity, Subject, Wish};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::Snapshot;
use crate::model::earlier::Depth;
use crate::model::endpoint::place;
use crate::model::ports::EphemeralRange;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{count, join, number};

rule! {
    /// # What it does
    /// Looks through the settings of the namespace for those that are known to hurt, or that defeat one another.
    ///
    /// # Why it matters
    /// They came from an article, harm nobody for months, and then break clients behind NAT, lose connections in a burst, or make a port range
    /// useless.
    ///
    /// # How it is measured
    /// net.ipv4.tcp_tw_recycle where it exists and is on (Linux before 4.12; breaks clients behind NAT). tcp_abort_on_overflow on (a burst is
    /// answered by resets; SYNs are dropped all the same). tcp_timestamps off while tcp_tw_reuse is on (reuse needs them). tcp_syncookies
    /// off. A port range of fewer than `min_ports` ports, or with ends of the same parity (the kernel prefers different ones: connect() takes one
    /// parity, bind() the other). tcp_max_tw_buckets below a quarter of tcp_max_orphans, which the kernel
    /// chooses alike. net.core.somaxconn above its default while
    /// listeners still have an older limit.
    ///
    /// # Thresholds
    /// `min_ports`: a smaller port range is told. It never says more than info: a setting alone harms nobody.
    ///
    /// # What can fool it
    /// A test box may be set so on purpose. Whether a listener asked for 128 or was capped at 128 cannot be told; both need a restart with a larger
    /// backlog.
    ///
    /// # What to do
    /// Take the line out of where it is set (`advise` names the file), or set the value it proposes.
    ///
    /// # References
    /// <https://docs.kernel.org/networking/ip-sysctl.html>, net/ipv4/sysctl_net_ipv4.c, net/ipv4/tcp.c tcp_init
    RULE {
        id: "hazardous-sysctl",
        summary: "settings that hurt or defeat one another",
        since: "0.1.0",
        family: Family::Settings,
        worst: Severity::Info,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "min_ports", default: 4096.0, min: 1.0, max: 64_512.0, unit: "ports",
                doc: "Informs of a port range with fewer usable ports." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

/// One hazard.
struct Hazard {
    knob: &'static str,
    title: String,
    seen: String,
    why: &'static str,
    cure: String,
    wish: Option<Wish>,
    fact: (&'static str, f64),
    certainty: Certainty,
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    if now.sysctls.text("net.ipv4.ip_local_port_range").is_none() {
        return Outcome::unseen("the settings of the namespace could not be read");
    }
    let mut found = switches(now);
    found.extend(range(now, limits));
    found.extend(buckets(now));
    found.extend(somaxconn(evidence));
    if found.is_empty() {
        return Outcome::Clear("no setting is known to hurt".into());
    }
    Outcome::Fired(found.into_iter().map(|h| finding(now, h)).collect())
}

/// Settings whose value alone tells.
fn switches(now: &Snapshot) -> Vec<Hazard> {
    let is = |name: &str, value: i64| now.sysctls.integer(name) == Some(value);
    let mut found = Vec::new();
    let mut add = |knob, value: f64, title: &str, why, cure: &str, wish| {
        found.push(Hazard {
            knob,
            title: title.to_string(),
            seen: format!("{knob} is {value}."),
            why,
            cure: cure.to_string(),
            wish,
            fact: ("value", value),
            certainty: Certainty::Certain,
        });
    };
    if now.sysctls.integer("net.ipv4.tcp_tw_recycle").is_some_and(|v| v != 0) {
        add(
            "net.ipv4.tcp_tw_recycle",
            1.0,
            "net.ipv4.tcp_tw_recycle is on: SYNs of clients behind NAT are dropped",
            "It compares the timestamps of all clients behind one address and drops those that seem to go backwards; Linux 4.12 removed it.",
            "set net.ipv4.tcp_tw_recycle to 0 and take it out of every file under /etc/sysctl.d",
            None,
        );
    }
    if is("net.ipv4.tcp_abort_on_overflow", 1) {
        add(
            "net.ipv4.tcp_abort_on_overflow",
            1.0,
            "net.ipv4.tcp_abort_on_overflow is on: a burst is answered by resets",
            "A queue that is full for an instant then kills connections that would have been accepted a moment later; dropped SYNs stay dropped.",
            "make the accept queue long enough and accept faster; leave this setting at 0",
            Some(Wish::Order(0)),
        );
    }
    if is("net.ipv4.tcp_timestamps", 0) && !is("net.ipv4.tcp_tw_reuse", 0) {
        add(
            "net.ipv4.tcp_timestamps",
            0.0,
            "net.ipv4.tcp_timestamps is off, and net.ipv4.tcp_tw_reuse needs it",
            "Without timestamps no port in TIME_WAIT is reused, whatever tcp_tw_reuse says, and old duplicates are not told from new segments.",
            "turn timestamps on again; they cost 12 bytes a segment",
            Some(Wish::AtLeast(1)),
        );
    }
    if is("net.ipv4.tcp_syncookies", 0) {
        add(
            "net.ipv4.tcp_syncookies",
            0.0,
            "net.ipv4.tcp_syncookies is off: a full SYN queue drops clients",
            "With cookies a client still gets in when the queue of half-open handshakes is full; without, its SYN is dropped.",
            "leave SYN cookies on; they are used only when a queue is full",
            Some(Wish::Order(1)),
        );
    }
    found
}

fn range(now: &Snapshot, limits: &Limits) -> Option<Hazard> {
    const NAME: &str = "net.ipv4.ip_local_port_range";
    let range = EphemeralRange::of(now)?;
    let size = range.size();
    let is_small = f64::from(size) < limits.get(&RULE, "min_ports");
    let is_even = range.low % 2 == range.high % 2 && range.low != range.high;
    let ends = format!(
        "both ends of {NAME} are {} ({} {})",
        if range.low.is_multiple_of(2) { "even" } else { "odd" },
        range.low,
        range.high
    );
    if is_small {
        return Some(Hazard {
            knob: NAME,
            title: format!(
                "{} ephemeral ports ({} to {}): they bear {:.0} closes a second to one destination",
                number(size.into()),
                range.low,
                range.high,
                f64::from(size) / 60.0
            ),
            seen: if is_even {
                format!("Reserved ones are left out; besides, {ends}.")
            } else {
                "Reserved ones are left out.".into()
            },
            why: "So few ports bear few connections to one destination, and half of them before connect() slows down.",
            cure: "keep and reuse connections; widen the range".into(),
            wish: Some(Wish::MorePorts),
            fact: ("ports", size.into()),
            certainty: Certainty::Certain,
        });
    }
    is_even.then(|| Hazard {
        knob: NAME,
        title: ends,
        seen: "The kernel says so in its log when it is set: prefer different parity for start/end values.".into(),
        why: "connect() prefers ports of one parity and bind() those of the other: with ends alike one of them has a port less, and one end may never be tried.",
        cure: "make one end even and the other odd".into(),
        wish: None,
        fact: ("ports", size.into()),
        certainty: Certainty::Certain,
    })
}

fn buckets(now: &Snapshot) -> Option<Hazard> {
    const NAME: &str = "net.ipv4.tcp_max_tw_buckets";
    let set = now.sysctls.integer(NAME)?;
    // The kernel gives both the same value when it starts; orphans are told in the initial namespace only.
    let own = now.sysctls.integer("net.ipv4.tcp_max_orphans").unwrap_or(8192);
    (set < own / 4).then(|| Hazard {
        knob: NAME,
        title: format!("{NAME} is {}: connections beyond it end without TIME_WAIT", number(set.unsigned_abs())),
        seen: match now.sysctls.integer("net.ipv4.tcp_max_orphans") {
            Some(own) => format!(
                "The kernel chooses about as many as tcp_max_orphans, which is {} here.",
                number(own.unsigned_abs())
            ),
            None => "The kernel chooses more on every machine of ordinary size.".into(),
        },
        why: "Lowering it cleans nothing up: it takes the protection against old duplicates from the connections that are over it.",
        cure: "leave it at the kernel's own choice; TIME_WAIT of a server costs a quarter of a KiB and no port".into(),
        wish: Some(Wish::AtLeast(own)),
        fact: ("value", set as f64),
        certainty: Certainty::Likely,
    })
}

/// Listeners that still have a limit of the time before the setting was raised.
fn somaxconn(evidence: &Evidence<'_>) -> Option<Hazard> {
    const DEFAULTS: [u32; 2] = [128, 4096];
    let now = evidence.now;
    let set = now.sysctls.integer("net.core.somaxconn").filter(|s| *s > 4096)?;
    let old: Vec<&Socket> = evidence
        .sockets(&evidence.survey().listen)
        .map(|(_, s)| s)
        .filter(|s| DEFAULTS.contains(&s.send_queue))
        .collect();
    if old.is_empty() {
        return None;
    }
    let places: Vec<String> = old
        .iter()
        .map(|s| format!("{} ({})", place(s.local_addr, s.local_port), s.send_queue))
        .collect();
    Some(Hazard {
        knob: "net.core.somaxconn",
        title: format!(
            "net.core.somaxconn is {}, and {} a limit of an older default",
            number(set.unsigned_abs()),
            count(old.len() as u64, "listener still has", "listeners still have")
        ),
        seen: format!("{}.", join(&places, 5)),
        why: "listen() reads the setting once: a running listener keeps its limit until it is opened again.",
        cure: "restart these services; if the limit stays, the application asks for no more".into(),
        wish: None,
        fact: ("listeners", old.len() as f64),
        certainty: Certainty::Likely,
    })
}

fn finding(now: &Snapshot, h: Hazard) -> Finding {
    let mut remedies = vec![Remedy::Application(h.cure)];
    if let Some(wish) = h.wish {
        remedies.push(Remedy::Setting {
            knob: h.knob,
            wish,
            because: "it hurts as it is set".into(),
        });
    }
    Finding {
        certainty: h.certainty,
        title: h.title,
        subject: Subject::Setting(h.knob),
        facts: BTreeMap::from([h.fact]),
        evidence: vec![h.seen],
        why: h.why.into(),
        next: vec![
            format!("sysctl {}", h.knob),
            format!(
                "grep -rs {} /etc/sysctl.d /etc/sysctl.conf",
                h.knob.rsplit('.').next().unwrap_or(h.knob)
            ),
        ],
        remedies,
        ..Finding::new(&RULE, now)
    }
}
