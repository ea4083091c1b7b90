//! `conntrack-pressure`: the table of connections that the firewall tracks is nearly full, or refuses entries.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Thresholds, Wish, severity_above};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule};
use crate::model::earlier::Depth;
use crate::model::earlier::Since;
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Compares the tracked connections of the namespace with net.netfilter.nf_conntrack_max, and tells from two looks whether packets were dropped because
    /// an entry could not be made.
    ///
    /// # Why it matters
    /// A new connection without an entry is dropped ("nf_conntrack: table full, dropping packet"): connects hang, and no TCP counter moves. On a
    /// NAT gateway insert_failed means that no free port was found for a translation.
    ///
    /// # How it is measured
    /// nf_conntrack_count of the namespace against nf_conntrack_max, one value for the host. /proc/net/stat/nf_conntrack, summed over the
    /// processors: insert_failed, drop, early_drop between two looks. Without a rule that uses conntrack the count stays 0.
    ///
    /// # Thresholds
    /// `warning` and `critical`: shares of nf_conntrack_max. `min_per_second`: entries that
    /// could not be made between two looks, from which it warns whatever the share.
    ///
    /// # What can fool it
    /// insert_failed also counts harmless races of UDP requests on old kernels. A namespace of its own (a container) has a count of its own.
    ///
    /// # What to do
    /// Raise net.netfilter.nf_conntrack_max (about 300 bytes an entry) with its buckets. Shorten what waits longest: nf_conntrack_tcp_timeout_established
    /// is 5 days. The nf_conntrack_tcp_timeout_* settings change entries of this table only, never sockets: TIME_WAIT sockets stay 60 s.
    ///
    /// # References
    /// net/netfilter/nf_conntrack_core.c, <https://docs.kernel.org/networking/nf_conntrack-sysctl.html>
    RULE {
        id: "conntrack-pressure",
        summary: "the table of tracked connections is nearly full or refuses entries",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Critical,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "warning", default: 0.8, min: 0.05, max: 1.0, unit: "ratio of nf_conntrack_max",
                doc: "Warns above this share of nf_conntrack_max." },
            Limit { key: "critical", default: 0.95, min: 0.05, max: 1.0, unit: "ratio of nf_conntrack_max",
                doc: "Critical above this share of nf_conntrack_max." },
            Limit { key: "min_per_second", default: 1.0, min: 0.01, max: 1e9, unit: "entries a second",
                doc: "Warns from so many entries that could not be made a second, whatever the share." },
        ],
        wants: |_, _| Wants::default(),
        check: check,
    }
}

/// Seconds in the largest unit that is whole: `5 days`, `120 s`.
fn duration(seconds: u64) -> String {
    match seconds {
        s if s >= 172_800 && s.is_multiple_of(86_400) => format!("{} days", s / 86_400),
        s => crate::phrase::seconds(s as f64),
    }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let number_of = |name: &str| now.sysctls.integer(name).map(|n| n.max(0) as u64);
    let used = number_of("net.netfilter.nf_conntrack_count");
    let Some((used, max)) = used.zip(number_of("net.netfilter.nf_conntrack_max")) else {
        return evidence
            .without("net.netfilter.nf_conntrack_count", "connections are not tracked here");
    };
    let failed = evidence.grew("conntrack.insert_failed");
    let dropped = evidence.grew("conntrack.drop");
    // An entry that fails at its last step counts in both.
    let refused = failed.unwrap_or_default().max(dropped.unwrap_or_default());
    let seconds = evidence.since.map_or(1.0, Since::seconds);
    let refuses = refused as f64 / seconds >= limits.get(&RULE, "min_per_second");
    // 0 means no limit.
    let at = |key| (max > 0).then(|| limits.get(&RULE, key) * max as f64);
    let thresholds = Thresholds { info: None, warning: at("warning"), critical: at("critical") };
    let by_share = severity_above(used as f64, &thresholds);
    let Some(severity) = by_share.max(refuses.then_some(Severity::Warning)) else {
        return Outcome::Clear(format!("{} of {} tracked connections", number(used), number(max)));
    };
    let mut facts = BTreeMap::from([("tracked", used as f64), ("tracked_max", max as f64)]);
    let mut said = Vec::new();
    if let (Some(failed), Some(dropped), Some(since)) = (failed, dropped, evidence.since) {
        let early = evidence.grew("conntrack.early_drop").unwrap_or_default();
        facts.extend([
            ("insert_failed", failed as f64),
            ("dropped", dropped as f64),
            ("early_dropped", early as f64),
        ]);
        said.push(format!(
            "In {:.1} s {} not be made, {} dropped for it, and {} thrown out early to make room.",
            since.seconds(),
            count(failed, "entry could", "entries could"),
            count(dropped, "packet was", "packets were"),
            count(early, "entry was", "entries were")
        ));
    }
    for (name, what) in [
        ("net.netfilter.nf_conntrack_tcp_timeout_established", "An idle open connection"),
        ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "A closed one"),
    ] {
        if let Some(seconds) = number_of(name) {
            said.push(format!("{what} keeps its entry for {} ({name}).", duration(seconds)));
        }
    }
    let mut remedies = vec![Remedy::Application(if by_share.is_some() {
        "see which connections fill it (conntrack -L), and keep traffic that needs no tracking out of it (notrack)".into()
    } else {
        "the table has room: give translations (SNAT, masquerade) more ports or addresses, or --random-fully".into()
    })];
    if by_share.is_some() {
        remedies.push(Remedy::Setting {
            knob: "net.netfilter.nf_conntrack_max",
            wish: Wish::AtLeast(i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(2)),
            because: "new connections beyond it are dropped".into(),
        });
    }
    Outcome::Fired(vec![Finding {
        severity,
        title: if by_share.is_some() {
            format!(
                "{} of {} connections tracked ({})",
                number(used),
                number(max),
                percent(used, max)
            )
        } else {
            format!(
                "{} of tracked connections refused between two looks, with {} of {} in use",
                count(refused, "entry", "entries"),
                number(used),
                number(max)
            )
        },
        facts,
        thresholds,
        evidence: said,
        why: "A connection without an entry is dropped: connects hang, and no TCP counter tells."
            .into(),
        next: vec![
            "sysctl net.netfilter | grep -E 'count|max ='".into(),
            "conntrack -S; dmesg | grep -i conntrack".into(),
        ],
        remedies,
        ..Finding::new(&RULE, now)
    }])
}
