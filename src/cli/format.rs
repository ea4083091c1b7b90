//! Output formats: those of reports and rows, and those of a verdict.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::render::verdict::Form;

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    Human,
    /// One JSON document.
    Json,
    /// One JSON object a line (list).
    Jsonl,
    /// Values with tabs between, numbers in plain units (list).
    Plain,
    /// Values with commas between (list).
    Csv,
    /// A form of a verdict (check, run).
    Verdict(Form),
}

/// Every format, those of reports first.
static ALL: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let rows = [Format::Human, Format::Json, Format::Jsonl, Format::Plain, Format::Csv];
    let own = |form: &Form| !matches!(form, Form::Human | Form::Json);
    rows.into_iter().chain(Form::ALL.into_iter().filter(own).map(Format::Verdict)).collect()
});

impl Format {
    /// The form of a verdict; `None` for what a verdict has not.
    pub fn form(self) -> Option<Form> {
        match self {
            Format::Human => Some(Form::Human),
            Format::Json => Some(Form::Json),
            Format::Verdict(form) => Some(form),
            Format::Jsonl | Format::Plain | Format::Csv => None,
        }
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Format::Human => PossibleValue::new("human").alias("table").help("Text for people"),
            Format::Json => PossibleValue::new("json").help("One JSON document"),
            Format::Jsonl => PossibleValue::new("jsonl").help("One JSON object a line (list)"),
            Format::Plain => PossibleValue::new("plain")
                .help("Values with tabs between, numbers in plain units (list, ports)"),
            Format::Csv => {
                PossibleValue::new("csv").help("Values with commas between (list, ports)")
            }
            Format::Verdict(form) => PossibleValue::new(form.word()).help(form.doc()),
        })
    }
}
