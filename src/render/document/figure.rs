//! Named numbers of the whole table, with the ranges that `-w` and `-c` gave for them.

use serde::Serialize;

use super::number::Number;
use crate::assertions::figure::{Figure, Read};
use crate::assertions::wish::Wish;
use crate::assertions::{Assertion, Measure};
use crate::rules::finding::Severity;

/// One number.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FigureDocument {
    /// Its name: a state, or what it is a share of.
    pub name: &'static str,
    /// Its value; null if it could not be seen.
    pub value: Option<Number>,
    /// Its unit: count or percent.
    pub unit: &'static str,
    /// The range of `-w`; null without.
    pub warning: Option<String>,
    /// The range of `-c`; null without.
    pub critical: Option<String>,
    /// Which it is.
    #[serde(skip)]
    #[cfg_attr(test, schemars(skip))]
    pub figure: &'static Figure,
}

/// All numbers of a look.
pub fn figures(read: &[Read], assertions: &[Assertion]) -> Vec<FigureDocument> {
    let range = |figure: &Figure, level: Severity| {
        assertions.iter().find_map(|a| match (&a.measure, &a.wish) {
            (Measure::Figure(f), Wish::Quiet(range))
                if f.name == figure.name && a.level == level =>
            {
                Some(range.text.clone())
            }
            _ => None,
        })
    };
    let of = |read: &Read| FigureDocument {
        name: read.figure.name,
        value: read.value.map(Number),
        unit: read.figure.unit.word(),
        warning: range(read.figure, Severity::Warning),
        critical: range(read.figure, Severity::Critical),
        figure: read.figure,
    };
    read.iter().map(of).collect()
}
