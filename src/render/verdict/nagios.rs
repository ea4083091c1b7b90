//! The line of the Monitoring Plugins guidelines: `TCP STATUS: text | performance data`, and a line for each case that is not well.

use super::{Judged, Names, cut, one_line};
use crate::assertions::wish::Unit;
use crate::render::document::assertion::AssertionDocument;
use crate::render::document::case::{Case, CaseOutcome};
use crate::render::document::figure::FigureDocument;

/// Most characters of the text in the first line: consumers cut it.
const MAX_TEXT: usize = 120;

/// The lines.
pub(super) fn render(judged: Judged<'_>) -> String {
    let status = judged.status().word().to_uppercase();
    let mut out = format!("TCP {status}: {} | ", cut(&plain(judged.summary()), MAX_TEXT));
    out.push_str(&performance(judged).join(" "));
    out.push('\n');
    for case in judged.cases().iter().filter(|c| !c.is_well()) {
        out.push_str(&line(case));
    }
    out
}

/// What is said where there is no verdict.
pub(super) fn failed(message: &str) -> String {
    format!("TCP UNKNOWN: {}\n", cut(&plain(message), MAX_TEXT))
}

/// A bar would begin performance data.
fn plain(text: &str) -> String {
    one_line(text).replace('|', "/")
}

fn line(case: &Case) -> String {
    let word = match case.outcome {
        CaseOutcome::Ok | CaseOutcome::Skipped => "OK",
        CaseOutcome::Warning => "WARNING",
        CaseOutcome::Critical => "CRITICAL",
        CaseOutcome::Unknown => "UNKNOWN",
    };
    let mut out = format!("{word} {}: {}\n", plain(&case.name), plain(&case.text));
    case.details.iter().for_each(|d| out.push_str(&format!("  {}\n", plain(d))));
    out
}

fn performance(judged: Judged<'_>) -> Vec<String> {
    let mut out: Vec<(String, String)> = judged.numbers().iter().map(figure).collect();
    let own = |a: &&AssertionDocument| !a.is_range && a.unit != Unit::Flag.word();
    out.extend(judged.assertions().iter().filter(own).map(assertion));
    let mut taken = Names::default();
    let run_time = taken.own("run_time");
    let all = out.into_iter();
    let mut out: Vec<String> =
        all.map(|(name, rest)| format!("{}={rest}", label(&taken.own(&clean(&name))))).collect();
    let seconds = fraction(judged.duration_ms() as f64 / 1000.0);
    out.push(format!("{run_time}={seconds}s;;;0"));
    out
}

fn figure(f: &FigureDocument) -> (String, String) {
    let unit = if f.figure.unit == Unit::Percent { "%" } else { "" };
    let value = f.value.map_or("U".to_string(), |v| format!("{}{unit}", fraction(v.0)));
    let range = |r: &Option<String>| r.clone().unwrap_or_default();
    let ends = format!("{};{};0", range(&f.warning), range(&f.critical));
    (f.name.to_string(), format!("{value};{ends}"))
}

fn assertion(a: &AssertionDocument) -> (String, String) {
    let value = match a.measured {
        None => "U".to_string(),
        Some(n) => match a.unit {
            "ms" => format!("{}s", fraction(n.0 / 1e3)),
            "us" => format!("{}s", fraction(n.0 / 1e6)),
            "bytes" => format!("{}B", fraction(n.0)),
            "percent" => format!("{}%", fraction(n.0)),
            _ => fraction(n.0),
        },
    };
    (a.name.clone(), value)
}

/// A name without what would end a label.
fn clean(name: &str) -> String {
    // Two colons are a separator of Icinga.
    plain(name).replace('=', "").replace("::", ":")
}

/// A label: quoted where it has blanks, quotes doubled.
fn label(clean: &str) -> String {
    let bare = clean.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    match bare && !clean.is_empty() {
        true => clean.to_string(),
        false => format!("'{}'", clean.replace('\'', "''")),
    }
}

/// A number without exponent, with at most six digits behind the point.
fn fraction(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(label("close_wait"), "close_wait");
        assert_eq!(label("a b"), "'a b'");
        assert_eq!(label(&clean("it's=1|2\n")), "'it''s1/2 '");
        assert_eq!(fraction(0.000_001_5), "0.000002");
        assert_eq!(fraction(1e21), "1000000000000000000000");
    }
}
