//! Orphans that hold data for peers that do not read.

use std::collections::BTreeMap;

use super::{RULE, who};
use crate::model::socket::{Socket, Timer};
use crate::model::survey::Survey;
use crate::phrase::{bytes, count};
use crate::rules::Evidence;
use crate::rules::finding::{Finding, Remedy, Severity, Thresholds};
use crate::rules::limit::Limits;

/// Most orphans that are asked for their window.
const SAMPLE: usize = 256;

/// Orphans that show the probe timer and hold data.
fn suspects(evidence: &Evidence<'_>) -> Vec<u32> {
    evidence
        .sockets(&evidence.survey().fin_unacknowledged)
        .filter(|(_, s)| s.inode == 0 && s.timer == Timer::Probe && s.send_queue > 1)
        .map(|(row, _)| row)
        .collect()
}

/// Those of them that are asked for their window.
pub(super) fn candidates(evidence: &Evidence<'_>) -> Vec<u32> {
    Survey::spread(&suspects(evidence), SAMPLE).collect()
}

/// Whether there are some, and their windows could not be read.
pub(super) fn could_not_be_read(evidence: &Evidence<'_>) -> bool {
    evidence.details_are_missing() && !suspects(evidence).is_empty()
}

/// Those whose peer has closed its window for long: a slow reader opens it now and then.
pub(super) fn unread<'a>(evidence: &'a Evidence<'_>, rows: &'a [u32]) -> Vec<&'a Socket> {
    let closed = |s: &Socket| {
        evidence
            .now
            .detail(s)
            .is_some_and(|d| d.snd_wnd.is_none_or(|w| w == 0) && d.backoff.is_some_and(|b| b >= 2))
    };
    evidence.sockets(rows).map(|(_, s)| s).filter(|s| closed(s)).collect()
}

/// The orphans of this namespace that wait for peers that do not read.
pub(super) fn held(evidence: &Evidence<'_>, limits: &Limits) -> Option<Finding> {
    let now = evidence.now;
    let rows = candidates(evidence);
    let closed = unread(evidence, &rows);
    // Of a sample each stands for as many as it was spread over.
    let weight = suspects(evidence).len() as f64 / rows.len().max(1) as f64;
    let sum: u64 = closed.iter().map(|s| u64::from(s.send_queue)).sum();
    let scaled = |n: f64| (n * weight).round() as u64;
    let (n, bytes_held) = (scaled(closed.len() as f64), scaled(sum as f64));
    let about = if weight > 1.0 { "about " } else { "" };
    let (info, warning) =
        (limits.get(&RULE, "zero_window"), limits.get(&RULE, "zero_window_bytes"));
    if (n as f64) < info {
        return None;
    }
    let severity = if bytes_held as f64 >= warning { Severity::Warning } else { Severity::Info };
    let to = who::machines(closed.iter().copied());
    Some(Finding {
        severity,
        title: format!(
            "{about}{} hold {} for peers that do not read",
            count(n, "closed connection", "closed connections"),
            bytes(bytes_held)
        ),
        facts: BTreeMap::from([
            ("zero_window", n as f64),
            ("zero_window_bytes", bytes_held as f64),
        ]),
        thresholds: Thresholds { info: Some(info), ..Thresholds::default() },
        evidence: vec![
            format!("They lead to {to}; the peers answer window probes, so no retry ever ends."),
        ],
        why: "No process holds them any more, and the kernel keeps their send queues for as long as the peer answers.".into(),
        next: vec![
            "tcpvet list 'state fin-wait-1 and timer_kind = persist' -om".into(),
            "ss -K state fin-wait-1".into(),
        ],
        remedies: vec![Remedy::Application(
            "do not close toward peers that have stopped reading without a timeout (TCP_USER_TIMEOUT), or reset them (SO_LINGER 0)".into(),
        )],
        ..Finding::new(&RULE, now)
    })
}
