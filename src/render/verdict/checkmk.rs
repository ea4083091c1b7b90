//! Lines of a Checkmk local check: `STATUS "SERVICE" METRICS TEXT`, one service for the whole and one for each case.

use super::{Judged, Names, one_line};
use crate::assertions::wish::Unit;
use crate::render::document::case::Case;
use crate::render::document::figure::FigureDocument;

/// The lines.
pub(super) fn render(judged: Judged<'_>) -> String {
    let mut metrics: Vec<String> = judged.numbers().iter().filter_map(metric).collect();
    metrics.push(format!("tcpvet_run_time={:.3}", judged.duration_ms() as f64 / 1000.0));
    let status = crate::exit::code(judged.status());
    let mut out = format!("{status} \"TCP\" {} {}\n", metrics.join("|"), text(judged.summary()));
    let mut taken = Names::default();
    judged.cases().iter().for_each(|case| out.push_str(&line(case, &mut taken)));
    out
}

/// What is said where there is no verdict.
pub(super) fn failed(message: &str) -> String {
    format!("3 \"TCP\" - {}\n", text(message))
}

/// A service ends at the quote.
fn line(case: &Case, taken: &mut Names) -> String {
    let name = taken.own(&one_line(&case.name).replace('"', "'"));
    let mut told = text(&case.text);
    case.details.iter().for_each(|d| told.push_str(&format!("\\n{}", text(d))));
    format!("{} \"TCP {name}\" - {told}\n", case.status)
}

/// A backslash with an n would be taken for an end of line.
fn text(text: &str) -> String {
    one_line(text).replace("\\n", "\\ n")
}

fn metric(f: &FigureDocument) -> Option<String> {
    let value = f.value?.0;
    let unit = if f.figure.unit == Unit::Percent { "_percent" } else { "" };
    let mut out = format!("tcpvet_{}{unit}={}", f.name, crate::phrase::plain(value));
    // Only an upper limit, or a pair of them, can be said here.
    let level = |range: &Option<String>| {
        let range = range.clone().filter(|r| !r.starts_with('@')).unwrap_or_default();
        match range.split_once(':') {
            None => range,
            Some(("~" | "0" | "", end)) => end.to_string(),
            Some(_) => String::new(),
        }
    };
    let (warning, critical) = (level(&f.warning), level(&f.critical));
    if !warning.is_empty() || !critical.is_empty() {
        out.push_str(&format!(";{warning};{critical}"));
    }
    Some(out)
}
