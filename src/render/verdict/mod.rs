//! The forms of a verdict, one file each: pure functions from the document to bytes.

mod checkmk;
mod github;
mod junit;
mod metrics;
mod nagios;
mod openmetrics;
mod prometheus;
mod tap;
#[cfg(test)]
mod tests;
mod zabbix;

use super::document::assertion::AssertionDocument;
use super::document::case::Case;
use super::document::check::Check;
use super::document::figure::FigureDocument;
use super::document::run::RunDocument;
use super::document::{Head, diagnose::RuleDocument};
use super::{human, json};
use crate::rules::engine::Status;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text for people.
    Human,
    /// The JSON document.
    Json,
    /// A line with performance data, of the Monitoring Plugins guidelines.
    Nagios,
    /// Lines of a Checkmk local check.
    Checkmk,
    /// Prometheus text, for the textfile collector of node_exporter.
    Prometheus,
    /// OpenMetrics text.
    Openmetrics,
    /// JUnit XML.
    Junit,
    /// TAP, version 13.
    Tap,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Low-level discovery of Zabbix.
    Zabbix,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 10] = [
        Form::Human,
        Form::Json,
        Form::Nagios,
        Form::Checkmk,
        Form::Prometheus,
        Form::Openmetrics,
        Form::Junit,
        Form::Tap,
        Form::Github,
        Form::Zabbix,
    ];

    /// The word for `--format` and `--report`.
    pub fn word(self) -> &'static str {
        match self {
            Form::Human => "human",
            Form::Json => "json",
            Form::Nagios => "nagios",
            Form::Checkmk => "checkmk",
            Form::Prometheus => "prometheus",
            Form::Openmetrics => "openmetrics",
            Form::Junit => "junit",
            Form::Tap => "tap",
            Form::Github => "github",
            Form::Zabbix => "zabbix",
        }
    }

    /// What it is, for the help.
    pub fn doc(self) -> &'static str {
        match self {
            Form::Human => "Text for people",
            Form::Json => "One JSON document",
            Form::Nagios => "One line with performance data, for Nagios and Icinga (check, run)",
            Form::Checkmk => "Lines of a local check (check, run)",
            Form::Prometheus => "Metrics for node_exporter's textfile collector (check, run)",
            Form::Openmetrics => "Metrics in OpenMetrics text (check, run)",
            Form::Junit => "JUnit XML (check, run)",
            Form::Tap => "TAP version 13 (check, run)",
            Form::Github => "Annotations of GitHub Actions (check, run)",
            Form::Zabbix => "Low-level discovery (check, run)",
        }
    }

    /// Whether others than the writer must be able to read a file of it: node_exporter has a user of its own.
    pub fn is_for_others(self) -> bool {
        matches!(self, Form::Prometheus | Form::Openmetrics)
    }
}

/// What has a verdict.
#[derive(Debug, Clone, Copy)]
pub enum Judged<'a> {
    /// `check`.
    Check(&'a Check),
    /// `run`.
    Run(&'a RunDocument),
}

impl<'a> Judged<'a> {
    fn head(self) -> &'a Head {
        match self {
            Judged::Check(d) => &d.head,
            Judged::Run(d) => &d.head,
        }
    }

    /// The verdict.
    pub fn status(self) -> Status {
        match self {
            Judged::Check(d) => d.status,
            Judged::Run(d) => d.status,
        }
    }

    /// The exit status that goes with it.
    pub fn exit_status(self) -> u8 {
        match self {
            Judged::Check(d) => d.exit_status,
            Judged::Run(d) => d.exit_status,
        }
    }

    fn summary(self) -> &'a str {
        match self {
            Judged::Check(d) => &d.summary,
            Judged::Run(d) => &d.summary,
        }
    }

    fn cases(self) -> &'a [Case] {
        match self {
            Judged::Check(d) => &d.cases,
            Judged::Run(d) => &d.cases,
        }
    }

    fn duration_ms(self) -> u64 {
        match self {
            Judged::Check(d) => d.duration_ms,
            Judged::Run(d) => d.duration_ms,
        }
    }

    fn numbers(self) -> &'a [FigureDocument] {
        match self {
            Judged::Check(d) => &d.numbers,
            Judged::Run(_) => &[],
        }
    }

    fn assertions(self) -> &'a [AssertionDocument] {
        match self {
            Judged::Check(d) => &d.assertions,
            Judged::Run(d) => &d.assertions,
        }
    }

    fn rules(self) -> &'a [RuleDocument] {
        match self {
            Judged::Check(d) => &d.rules,
            Judged::Run(_) => &[],
        }
    }
}

/// The verdict in a form.
pub fn render(form: Form, judged: Judged<'_>) -> Vec<u8> {
    match form {
        Form::Human => match judged {
            Judged::Check(d) => human::check::render(d).into_bytes(),
            Judged::Run(d) => human::run::render(d).into_bytes(),
        },
        Form::Json => match judged {
            Judged::Check(d) => json::pretty(d),
            Judged::Run(d) => json::pretty(d),
        },
        Form::Nagios => nagios::render(judged).into_bytes(),
        Form::Checkmk => checkmk::render(judged).into_bytes(),
        Form::Prometheus => prometheus::render(&metrics::families(judged)).into_bytes(),
        Form::Openmetrics => openmetrics::render(&metrics::families(judged)).into_bytes(),
        Form::Junit => junit::render(judged).into_bytes(),
        Form::Tap => tap::render(judged).into_bytes(),
        Form::Github => github::render(judged).into_bytes(),
        Form::Zabbix => zabbix::render(judged),
    }
}

/// What is shown where there is no verdict, because the work could not be done or took too long: in forms of which the consumer reads
/// nothing but standard output. `None` where standard error will do.
pub fn failed(form: Form, message: &str) -> Option<Vec<u8>> {
    // What follows shows the place of a mistake, on lines of its own.
    let first = message.lines().next().unwrap_or_default();
    match form {
        Form::Nagios => Some(nagios::failed(first).into_bytes()),
        Form::Checkmk => Some(checkmk::failed(first).into_bytes()),
        Form::Github => Some(github::failed(message).into_bytes()),
        Form::Tap => Some(tap::failed(first).into_bytes()),
        _ => None,
    }
}

/// Names that were given out: what consumers keep apart by its name must not share one.
#[derive(Default)]
struct Names(std::collections::BTreeSet<String>);

impl Names {
    /// This name, or one like it that nobody has.
    fn own(&mut self, name: &str) -> String {
        let mut own = name.to_string();
        let mut n = 2;
        while !self.0.insert(own.clone()) {
            own = format!("{name} ({n})");
            n += 1;
        }
        own
    }
}

/// Text on one line: what separates lines anywhere becomes a blank.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).collect::<Vec<_>>().join(" ")
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let mut short: String = text.chars().take(most.saturating_sub(3)).collect();
    short.push_str("...");
    short
}
