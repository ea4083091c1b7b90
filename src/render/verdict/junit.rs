//! JUnit XML as Jenkins and GitLab read it: a suite for each group, a case for each thing judged. What could not be seen is an error,
//! what has no meaning here is skipped.

use super::Judged;
use crate::render::document::case::{Case, CaseOutcome};

/// The document.
pub(super) fn render(judged: Judged<'_>) -> String {
    let head = judged.head();
    let cases = judged.cases();
    let mut groups: Vec<&'static str> = cases.iter().map(|c| c.group).collect();
    groups.dedup();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!(
        "<testsuites name=\"tcpvet {}\" {}>\n",
        head.command,
        counts(cases, judged.duration_ms())
    ));
    for group in groups {
        let of: Vec<Case> = cases.iter().filter(|c| c.group == group).cloned().collect();
        out.push_str(&format!(
            "  <testsuite name=\"tcpvet.{group}\" {} timestamp=\"{}\" hostname=\"{}\">\n",
            counts(&of, of.iter().map(|c| c.took_ms).sum()),
            // A time without zone is what the schema has.
            head.time.get(..19).unwrap_or_default(),
            escaped(head.host.hostname.as_str()),
        ));
        of.iter().for_each(|case| out.push_str(&testcase(case)));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(cases: &[Case], ms: u64) -> String {
    let n = |is_it: fn(CaseOutcome) -> bool| cases.iter().filter(|c| is_it(c.outcome)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        cases.len(),
        n(|o| matches!(o, CaseOutcome::Warning | CaseOutcome::Critical)),
        n(|o| o == CaseOutcome::Unknown),
        n(|o| o == CaseOutcome::Skipped),
        seconds(ms),
    )
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn testcase(case: &Case) -> String {
    let start = format!(
        "    <testcase classname=\"tcpvet.{}\" name=\"{}\" time=\"{}\"",
        case.group,
        escaped(&case.name),
        seconds(case.took_ms)
    );
    let text = escaped(&case.text);
    let more: String = case.details.iter().map(|d| format!("\n{}", escaped(d))).collect();
    match case.outcome {
        CaseOutcome::Ok => format!("{start}/>\n"),
        CaseOutcome::Skipped => {
            format!("{start}>\n      <skipped message=\"{text}\"/>\n    </testcase>\n")
        }
        CaseOutcome::Unknown => format!(
            "{start}>\n      <error message=\"{text}\" type=\"unknown\">{text}{more}</error>\n    </testcase>\n"
        ),
        CaseOutcome::Warning | CaseOutcome::Critical => {
            let kind = if case.outcome == CaseOutcome::Warning { "warning" } else { "critical" };
            format!(
                "{start}>\n      <failure message=\"{text}\" type=\"{kind}\">{text}{more}</failure>\n    </testcase>\n"
            )
        }
    }
}

/// Text for an attribute or an element. What XML 1.0 cannot hold, even as a reference, is replaced (2.2 Characters).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_xml_cannot_hold_gets_through() {
        assert_eq!(
            escaped("a<b>&\"'\u{1b}\u{0}\u{85}\u{ffff}\n"),
            "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\u{fffd}\u{fffd}\u{fffd} "
        );
        assert_eq!(seconds(61_007), "61.007");
    }
}
