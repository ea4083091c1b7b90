//! Small pieces of the language of findings.

use crate::model::Snapshot;
use crate::model::owner::Provenance;
use crate::model::socket::Socket;

use super::finding::{Culprit, Severity, Thresholds};

/// A count with thousands apart: `1,942`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 socket`, `23 sockets`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A ratio as whole percent, rounded down so that 100 % means full.
pub fn percent(ratio: f64) -> String {
    format!("{} %", (ratio * 100.0).floor())
}

/// Milliseconds as people say them: `640 ms`, `9.5 s`, `12 min`, `3.2 h`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1e3),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{:.1} h", ms as f64 / 3.6e6),
    }
}

/// Names joined: `a, b and 3 more`.
pub fn join(names: &[String], most: usize) -> String {
    match names.get(..most) {
        Some(some) if names.len() > most => {
            format!("{} and {} more", some.join(", "), names.len() - most)
        }
        _ => names.join(", "),
    }
}

/// The worst severity whose threshold `value` reaches; a threshold is passed when the value is above it.
pub fn severity_above(value: f64, thresholds: &Thresholds) -> Option<Severity> {
    let above = |t: Option<f64>| t.is_some_and(|t| value > t);
    if above(thresholds.critical) {
        Some(Severity::Critical)
    } else if above(thresholds.warning) {
        Some(Severity::Warning)
    } else if above(thresholds.info) {
        Some(Severity::Info)
    } else {
        None
    }
}

/// The holders of a socket as culprits, one per process; a single nameless one where there is none to name.
pub fn culprits(snapshot: &Snapshot, socket: &Socket) -> Vec<Culprit> {
    let provenance = snapshot.provenance(socket);
    let holders = snapshot.owners.as_ref().map(|o| o.of(socket.inode)).unwrap_or_default();
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    pids.dedup();
    if pids.is_empty() {
        return vec![Culprit { pid: None, process: None, provenance }];
    }
    pids.into_iter().map(|pid| culprit(snapshot, pid)).collect()
}

/// A process that holds a descriptor, by name.
pub fn culprit(snapshot: &Snapshot, pid: u32) -> Culprit {
    let process = Some(snapshot.comm(pid)).filter(|c| !c.as_str().is_empty());
    Culprit { pid: Some(pid), process, provenance: Provenance::Exact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 28232, 1_234_567].map(number), ["0", "999", "1,000", "28,232", "1,234,567"]);
        assert_eq!(count(1, "socket", "sockets"), "1 socket");
        assert_eq!(percent(0.999), "99 %");
        assert_eq!([640, 9500, 720_000, 11_520_000].map(duration), ["640 ms", "9.5 s", "12 min", "3.2 h"]);
        let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!((join(&names, 3), join(&names, 2)), ("a, b, c".into(), "a, b and 1 more".into()));
    }

    #[test]
    fn a_threshold_is_passed_above_it_not_at_it() {
        let t = Thresholds { info: Some(1.0), warning: Some(2.0), critical: Some(3.0) };
        let at = |v| severity_above(v, &t);
        assert_eq!((at(1.0), at(1.1), at(2.0)), (None, Some(Severity::Info), Some(Severity::Info)));
        assert_eq!((at(2.5), at(3.0), at(3.5)), (Some(Severity::Warning), Some(Severity::Warning), Some(Severity::Critical)));
    }
}
