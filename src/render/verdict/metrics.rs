//! Metrics of a verdict: names and help texts are a promise, for a help text that changes makes node_exporter drop the metric. The
//! number of series does not depend on how many sockets, peers, ports or processes there are.

use super::Judged;
use crate::assertions::wish::Unit;
use crate::model::state::State;
use crate::render::document::diagnose::RuleDocument;
use crate::rules::outcome::Cause;
use crate::rules::{RULES, engine::Status};

/// One metric.
#[derive(Debug, Clone)]
pub(super) struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its help text.
    pub help: &'static str,
    /// Its base unit, with which the name ends; none for what has none.
    pub unit: &'static str,
    /// Its samples: labels and value.
    pub samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// Whether all is well is told by the status, and how old it is by the time.
pub(super) fn families(judged: Judged<'_>) -> Vec<Family> {
    let head = judged.head();
    let version = vec![("version", head.tool.version.to_string())];
    let code = |status: Status| f64::from(crate::exit::code(status));
    let mut out = vec![
        family(
            "tcpvet_build",
            "The version of tcpvet that wrote this.",
            "info",
            vec![(version, 1.0)],
        ),
        one(
            "tcpvet_status",
            "Verdict of the last run: 0 ok, 1 warning, 2 critical, 3 unknown.",
            "",
            code(judged.status()),
        ),
        one(
            "tcpvet_last_run_timestamp_seconds",
            "When the last run read the sockets, in seconds since 1970.",
            "seconds",
            head.time_ms as f64 / 1e3,
        ),
        one(
            "tcpvet_run_duration_seconds",
            "How long the last run took.",
            "seconds",
            judged.duration_ms() as f64 / 1e3,
        ),
        one(
            "tcpvet_coverage_complete",
            "Whether everything that exists was seen by the last run: 1 yes, 0 no.",
            "",
            f64::from(u8::from(head.coverage.complete)),
        ),
    ];
    let numbers = judged.numbers();
    let is_state = |name: &str| State::ALL.iter().any(|s| s.word() == name);
    let states = numbers.iter().filter(|n| is_state(n.name));
    let states = states.filter_map(|n| Some((vec![("state", n.name.to_string())], n.value?.0)));
    out.push(family("tcpvet_sockets", "TCP sockets by state.", "", states.collect()));
    for number in numbers {
        let (Some(metric), Some(value)) = (number.figure.metric, number.value) else { continue };
        let percent = number.figure.unit == Unit::Percent;
        let value = if percent { value.0 / 100.0 } else { value.0 };
        let unit = if percent { "ratio" } else { "" };
        out.push(one(metric, number.figure.doc, unit, value));
    }
    if matches!(judged, Judged::Check(_)) {
        let of = |id: &str| judged.rules().iter().find(|r| r.id == id);
        let rules = RULES.iter().map(|r| (vec![("rule", r.id.to_string())], status(of(r.id))));
        out.push(family(
            "tcpvet_rule_status",
            "What a rule says: 0 clear or of no consequence, 1 warning, 2 critical, 3 not evaluated because something could not be seen, -1 not evaluated here.",
            "",
            rules.collect(),
        ));
    }
    let assertions = || judged.assertions().iter().filter(|a| !a.is_range);
    let label = |name: &str| vec![("assertion", name.to_string())];
    out.push(family(
        "tcpvet_assertion_status",
        "Outcome of an assertion: 0 passed, 1 failed as a warning, 2 failed, 3 unknown.",
        "",
        assertions().map(|a| (label(&a.name), code(a.status()))).collect(),
    ));
    out.push(family(
        "tcpvet_assertion_value",
        "What an assertion measured, in the unit of its measure.",
        "",
        assertions().filter_map(|a| Some((label(&a.name), a.measured?.0))).collect(),
    ));
    if let Judged::Run(run) = judged {
        let left = |(what, n): (&'static str, u64)| (vec![("what", what.to_string())], n as f64);
        let left = run.left.counts().into_iter().map(left).collect();
        out.push(family("tcpvet_run_left", "Sockets that the command left behind.", "", left));
    }
    out.retain(|f| !f.samples.is_empty());
    out
}

fn status(rule: Option<&RuleDocument>) -> f64 {
    match rule {
        None => -1.0,
        Some(r) if r.cause == Some(Cause::Unseen) => 3.0,
        Some(r) if r.outcome == "not_evaluated" => -1.0,
        Some(r) => f64::from(crate::exit::code(r.severity.map_or(Status::Ok, Status::of))),
    }
}

fn one(name: &'static str, help: &'static str, unit: &'static str, value: f64) -> Family {
    family(name, help, unit, vec![(Vec::new(), value)])
}

fn family(
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
) -> Family {
    Family { name, help, unit, samples }
}

/// The labels of a sample as both formats write them.
pub(super) fn labels(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        labels.iter().map(|(k, v)| format!("{k}=\"{}\"", escaped(v))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A value without needless digits.
pub(super) fn value(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
