//! Workflow commands of GitHub Actions: an annotation for each case that is not well, and the verdict on a line that is none.

use super::{Judged, one_line};
use crate::render::document::case::{Case, CaseOutcome};

/// The lines.
pub(super) fn render(judged: Judged<'_>) -> String {
    let mut out: String = judged.cases().iter().filter_map(annotation).collect();
    let status = judged.status().word().to_uppercase();
    out.push_str(&format!("TCP {status}: {}\n", tame(&one_line(judged.summary()))));
    out
}

/// What is said where there is no verdict.
pub(super) fn failed(message: &str) -> String {
    format!("::error title=tcpvet::{}\n", data(message))
}

fn annotation(case: &Case) -> Option<String> {
    let command = match case.outcome {
        CaseOutcome::Ok | CaseOutcome::Skipped => return None,
        CaseOutcome::Warning => "warning",
        CaseOutcome::Critical | CaseOutcome::Unknown => "error",
    };
    let unknown = if case.outcome == CaseOutcome::Unknown { "unknown: " } else { "" };
    let mut text = format!("{unknown}{}", case.text);
    case.details.iter().for_each(|d| text.push_str(&format!("\n{d}")));
    Some(format!(
        "::{command} title={}::{}\n",
        property(&format!("TCP {}", case.name)),
        data(&text)
    ))
}

/// An old form of commands is obeyed wherever it stands in a line.
fn tame(text: &str) -> String {
    text.replace("##[", "## [")
}

/// The message of a command.
fn data(text: &str) -> String {
    tame(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_cannot_be_forged() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(tame("##[add-mask]e ###[x"), "## [add-mask]e ### [x");
        assert_eq!(data("##[add-mask]e"), "## [add-mask]e");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
