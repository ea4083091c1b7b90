//! TAP: the plan first, a line for each case, and a YAML block where something is not well. Version 13, which 14 extends: prove(1)
//! fails whatever calls itself 14, and nothing here needs it.

use super::{Judged, one_line};
use crate::render::document::case::{Case, CaseOutcome};

/// The lines.
pub(super) fn render(judged: Judged<'_>) -> String {
    let cases = judged.cases();
    let mut out = format!("TAP version 13\n1..{}\n", cases.len());
    for (number, case) in (1..).zip(cases) {
        out.push_str(&line(number, case));
    }
    out.push_str(&format!(
        "# {}: {}\n",
        judged.status().word().to_uppercase(),
        one_line(judged.summary())
    ));
    out
}

/// What is said where there is no verdict.
pub(super) fn failed(message: &str) -> String {
    format!("TAP version 13\nBail out! {}\n", one_line(message))
}

fn line(number: usize, case: &Case) -> String {
    let name = format!("{} {}", case.group, one_line(&case.name));
    // What begins a directive or an escape is escaped.
    let name = name.replace('\\', "\\\\").replace('#', "\\#");
    match case.outcome {
        CaseOutcome::Ok => format!("ok {number} - {name}\n"),
        CaseOutcome::Skipped => {
            format!("ok {number} - {name} # SKIP {}\n", one_line(&case.text).replace('#', ""))
        }
        other => {
            let severity = match other {
                CaseOutcome::Warning => "warning",
                CaseOutcome::Unknown => "unknown",
                _ => "critical",
            };
            let mut out = format!("not ok {number} - {name}\n  ---\n");
            out.push_str(&format!("  severity: {severity}\n  message: {}\n", yaml(&case.text)));
            if !case.details.is_empty() {
                out.push_str("  details:\n");
                case.details.iter().for_each(|d| out.push_str(&format!("    - {}\n", yaml(d))));
            }
            out.push_str("  ...\n");
            out
        }
    }
}

/// A double-quoted scalar.
fn yaml(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
