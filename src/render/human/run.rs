//! What `run` says: the command's end, what is left, what happened meanwhile; the verdict in the last line.

use crate::render::document::case::CaseOutcome;
use crate::render::document::run::RunDocument;

/// Counters that are told where they grew.
const TOLD: [&str; 8] = [
    "TcpActiveOpens",
    "TcpPassiveOpens",
    "TcpAttemptFails",
    "TcpEstabResets",
    "TcpOutRsts",
    "TcpRetransSegs",
    "TcpExtListenOverflows",
    "TcpExtListenDrops",
];

/// The whole text.
pub fn render(run: &RunDocument) -> String {
    let mut out = String::new();
    for case in run.cases.iter().filter(|c| c.group == "run" && c.name != "command") {
        let label = match case.outcome {
            CaseOutcome::Ok => continue,
            CaseOutcome::Skipped => "ALLOWED",
            CaseOutcome::Warning => "WARNING",
            CaseOutcome::Critical => "CRITICAL",
            CaseOutcome::Unknown => "UNKNOWN",
        };
        out.push_str(&format!("{label} {}\n", case.text));
        case.details.iter().for_each(|d| out.push_str(&format!("  {d}\n")));
    }
    out.push_str(&super::check::assertions(&run.assertions));
    let left = &run.left;
    if left.time_wait > 0 {
        let cut = if left.time_wait_is_cut { " of the last minute" } else { "" };
        out.push_str(&format!(
            "TIME_WAIT{cut}: {}, on {}\n",
            crate::phrase::count(left.time_wait, "connection", "connections"),
            crate::phrase::count(left.time_wait_ports, "ephemeral port", "ephemeral ports"),
        ));
    }
    if left.orphans.sockets > 0 {
        out.push_str(&format!(
            "closed by their process and not by the peer: {}, {} unsent or not acknowledged\n",
            crate::phrase::count(left.orphans.sockets, "connection", "connections"),
            crate::phrase::bytes(left.orphans.unsent_bytes),
        ));
    }
    if let Some(counters) = &run.counters {
        let told = TOLD.iter().filter_map(|name| Some((name, counters.get(*name)?)));
        let grown: Vec<String> =
            told.filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name} {n}")).collect();
        if !grown.is_empty() {
            out.push_str(&format!("meanwhile: {}\n", grown.join(", ")));
        }
    }
    out.push_str(&format!("{}: {}\n", run.status.word().to_uppercase(), run.summary));
    out
}
