//! Human output, one file a command: plain lines that fit 80 columns, wrapped only on a terminal.

pub mod advise;
pub mod check;
pub mod config;
pub mod diagnose;
pub mod env;
pub mod explain;
pub mod fields;
pub mod listen;
pub mod port;
pub mod ports;
pub mod run;
pub mod summary;

use super::style::{Style, wrapped};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::state::State;
use crate::phrase::number;

/// Column at which the text of labelled lines starts.
const INDENT: usize = 9;

/// A labelled line: `  why    ...`.
fn labelled(style: Style, label: &str, text: &str) -> String {
    let head = format!("  {}", style.dim(label));
    wrapped(style, &head, INDENT, text)
}

/// A labelled command: never wrapped, so that it can be copied; several are put on lines of their own.
fn command(style: Style, label: &str, text: &str) -> String {
    let mut out = String::new();
    let mut label = label;
    for part in text.split("; ").flat_map(|t| t.split(" && ")) {
        let whole = Style { width: None, ..style };
        out.push_str(&labelled(whole, label, part));
        label = "";
    }
    out
}

/// Says that this is a capture, of which host and from when; empty for a live look.
pub fn origin(snapshot: &Snapshot, is_capture: bool) -> String {
    if !is_capture {
        return String::new();
    }
    let host = &snapshot.host;
    let time = crate::render::document::rfc3339(snapshot.time_ms);
    format!("capture of {}, Linux {}, taken {time}\n", host.hostname, host.kernel)
}

/// States with their counts, empty ones left out: `listen 5, established 20`.
fn states(counts: &[u64; 12]) -> String {
    let some: Vec<String> = State::ALL
        .iter()
        .zip(counts)
        .filter(|(_, n)| **n > 0)
        .map(|(s, n)| format!("{} {}", s.word(), number(*n)))
        .collect();
    some.join(", ")
}

/// What could not be seen, a line a source with the command that grants it; empty when all was seen.
fn unseen(style: Style, snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for source in snapshot.coverage.sources().iter().filter(|s| s.state > Seen::Absent) {
        let reason = source.reason.as_deref().unwrap_or("no reason given");
        let fallback = match source.name {
            "sock_diag"
                if snapshot.coverage.get("proc_net_tcp").is_some_and(|s| s.state == Seen::Seen) =>
            {
                " (sockets read from /proc/net/tcp: no queue limits, no bound sockets)"
            }
            _ => "",
        };
        let text = format!("{}: {reason}{fallback}", source.name);
        out.push_str(&wrapped(style, &style.strong("not seen "), INDENT, &text));
        if let Some(hint) = &source.hint {
            out.push_str(&labelled(style, "grant", hint));
        }
    }
    out
}
