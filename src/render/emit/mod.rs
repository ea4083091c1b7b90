//! A plan as files for others to apply: one file per format. Only text; nothing is ever set by this program.

mod ansible;
mod docker;
mod kubernetes;
mod shell;
mod sysctl_d;
mod tuned;

pub use ansible::ansible;
pub use docker::docker;
pub use kubernetes::kubernetes;
pub use shell::shell;
pub use sysctl_d::sysctl_d;
pub use tuned::tuned;

use std::fmt::Write;

use super::document::rfc3339;
use crate::advise::{Item, Plan};
use crate::model::Snapshot;
use crate::model::place::Place;

/// Text that may stand in a comment: one line.
fn comment(out: &mut String, text: &str) {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(out, "# {line}");
}

/// Who made this, when, and for what.
fn head(out: &mut String, snapshot: &Snapshot) {
    comment(out, concat!("proposed by tcpvet ", env!("CARGO_PKG_VERSION")));
    let host = &snapshot.host;
    comment(
        out,
        &format!("{} on {}, Linux {}", rfc3339(snapshot.time_ms), host.hostname, host.kernel),
    );
    comment(out, &format!("for network namespace {}", snapshot.netns));
}

/// Says where what follows would change another namespace than the one it is for.
fn beware(out: &mut String, snapshot: &Snapshot, plan: &Plan) {
    if plan.sets_namespace() && !Place::of(snapshot).is_initial() {
        comment(
            out,
            "BEWARE: this sets the initial namespace, and the findings are of another one;",
        );
        comment(
            out,
            "use --emit shell inside it, or --emit kubernetes or docker for what runs in it",
        );
    }
}

/// Where no setting helps.
fn nothing(out: &mut String) {
    comment(out, "no setting is to be changed");
}

/// Why a value is proposed, and what can go wrong.
fn reasons(out: &mut String, item: &Item) {
    out.push('\n');
    item.evidence.iter().for_each(|e| comment(out, e));
    comment(out, &format!("risk: {}", item.knob.risk));
}

/// The value before.
fn was(out: &mut String, item: &Item) {
    let was = if item.now.is_empty() { "(empty)" } else { item.now.as_str() };
    comment(out, &format!("was: {was}"));
}

/// A text as YAML and JSON take it: in double quotes.
fn double_quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
