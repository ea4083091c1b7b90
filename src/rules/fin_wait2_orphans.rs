//! `fin-wait2-orphans`: we closed, the peer acknowledged and does not close.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_from};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, makers, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::{Socket, TIME_WAIT_MS, Timer};
use crate::model::state::State;
use crate::model::wants::Wants;
use crate::phrase::{count, number, percent};

rule! {
    /// # What it does
    /// Finds connections that this side has closed, that no process holds any more, and whose peer acknowledges but does not close:
    /// orphans in FIN_WAIT2.
    ///
    /// # Why it matters
    /// Each is a connection that the peer has not closed: a CLOSE_WAIT over there. Here it lasts net.ipv4.tcp_fin_timeout (60 s), counts against
    /// net.ipv4.tcp_max_tw_buckets, and on the client side keeps its port for that destination.
    ///
    /// # How it is measured
    /// FIN_WAIT2 without an inode. Up to 60 s the kernel keeps them as small buckets (timer 3); a longer tcp_fin_timeout keeps a full socket
    /// (timer 2) until 60 s are left. FIN_WAIT2 with an inode is held by a process and is not counted here (half-closed-stuck).
    ///
    /// # Thresholds
    /// `info`: so many of them. `warning_ratio`: their share of tcp_max_tw_buckets.
    ///
    /// # What can fool it
    /// A peer that still sends what is left of a long answer looks the same; its data are answered by a reset.
    ///
    /// # What to do
    /// Mend the peer: it must close when it has read the end. If it is a process of this host, it is named. net.ipv4.tcp_fin_timeout is the
    /// time that these wait, and nothing else: lowering it lets them go sooner. It does not touch TIME_WAIT.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_close, net/ipv4/tcp_minisocks.c tcp_time_wait, <https://docs.kernel.org/networking/ip-sysctl.html> tcp_fin_timeout
    RULE {
        id: "fin-wait2-orphans",
        summary: "closed connections wait for peers that do not close",
        since: "0.1.0",
        family: Family::Closing,
        worst: Severity::Warning,
        earlier: Depth::Nothing,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 50.0, min: 1.0, max: 10_000_000.0, unit: "sockets",
                doc: "Informs from so many orphans in FIN_WAIT2." },
            Limit { key: "warning_ratio", default: 0.25, min: 0.01, max: 1.0, unit: "ratio of tcp_max_tw_buckets",
                doc: "Warns from this share of tcp_max_tw_buckets." },
        ],
        wants: wants,
        check: check,
    }
}

/// Other ends within this host that are looked for.
const LOCAL_ENDS: usize = 1000;

fn orphans<'a>(evidence: &'a Evidence<'_>) -> impl Iterator<Item = &'a Socket> + Clone {
    evidence.sockets(&evidence.survey().fin_wait2).map(|(_, s)| s).filter(|s| s.inode == 0)
}

fn leaking_here<'a>(evidence: &'a Evidence<'_>) -> Vec<&'a Socket> {
    let local = orphans(evidence).filter(|s| s.is_on_this_host()).take(LOCAL_ENDS);
    let mut ends = who::other_ends(evidence.now, local);
    ends.retain(|s| s.state == State::CloseWait);
    ends
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    if orphans(evidence).count() as f64 >= limits.get(&RULE, "info") {
        wants.owners.extend(leaking_here(evidence).iter().map(|s| s.inode));
    }
    wants
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let total = orphans(evidence).count() as u64;
    let max = now.sysctls.integer("net.ipv4.tcp_max_tw_buckets").map(|n| n.max(0) as u64);
    let thresholds = Thresholds {
        info: Some(limits.get(&RULE, "info")),
        warning: max.map(|m| m as f64 * limits.get(&RULE, "warning_ratio")),
        critical: None,
    };
    let Some(severity) = severity_from(total, &thresholds) else {
        return Outcome::Clear(count(total, "orphan in FIN_WAIT2", "orphans in FIN_WAIT2"));
    };
    let buckets = orphans(evidence).filter(|s| s.timer == Timer::TimeWait).count() as u64;
    let timeout = now.sysctls.integer("net.ipv4.tcp_fin_timeout");
    let mut facts = BTreeMap::from([
        ("fin_wait2_orphans", total as f64),
        ("buckets", buckets as f64),
        ("full_sockets", (total - buckets) as f64),
    ]);
    let mut evidence_said =
        vec![format!("They lead to {}; those have not closed.", who::machines(orphans(evidence)))];
    if let Some(max) = max {
        facts.insert("max_tw_buckets", max as f64);
        evidence_said.push(format!(
            "They are {} of net.ipv4.tcp_max_tw_buckets ({}).",
            percent(total, max),
            number(max)
        ));
    }
    let soonest = orphans(evidence).map(|s| s.expires_ms).min().unwrap_or_default();
    facts.insert("first_release_ms", f64::from(soonest.min(TIME_WAIT_MS)));
    evidence_said.extend(makers::sentence(evidence, orphans(evidence)));
    let holders = who::holders(now, leaking_here(evidence).into_iter());
    if !holders.is_empty() {
        evidence_said.push(format!(
            "Other ends on this host that are not closed are held by {}.",
            who::names(&holders)
        ));
    }
    let who = match holders.as_slice() {
        [] => "the peers".to_string(),
        some => who::names(some),
    };
    let mut remedies = vec![Remedy::Application(format!(
        "{who}: close the connection when recv() returns 0; on their side these are in CLOSE_WAIT"
    ))];
    if timeout.is_some_and(|t| t > 15) {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_fin_timeout",
            wish: Wish::AtMost(15),
            because: "orphans in FIN_WAIT2 are what it is for; they go after so many seconds"
                .into(),
        });
    }
    Outcome::Fired(vec![Finding {
        severity,
        title: format!(
            "{} in FIN_WAIT2: closed here, and the peers do not close",
            count(total, "orphan", "orphans")
        ),
        subject: match holders.as_slice() {
            [(culprit, n)] if culprit.pid.is_some() && u64::from(*n) * 2 > total => {
                Subject::Process(culprit.clone())
            }
            _ => Subject::Namespace,
        },
        facts,
        thresholds,
        evidence: evidence_said,
        why: format!(
            "Each waits {} s for the peer's FIN, and on the client side keeps its port for that time.",
            timeout.unwrap_or(60)
        ),
        next: vec![
            "tcpvet list 'state fin-wait-2' --group-by peer-addr".into(),
            "ss -tano state fin-wait-2".into(),
        ],
        remedies,
        ..Finding::new(&RULE, now)
    }])
}
