//! Assertions: `[NAME:] MEASURE OP VALUE [within TIME] [level LEVEL] [# reason]`. They are read before anything is measured, all of them
//! are evaluated, and each has one of three outcomes: what could not be seen leaves a reading open between two bounds, and a wish that is
//! fulfilled at one bound and not at the other is unknown.

pub mod figure;
pub mod file;
pub mod listening;
mod mute;
mod parse;
pub mod range;
pub mod reading;
mod scan;
pub mod tally;
#[cfg(test)]
mod tests;
pub mod wish;

pub use parse::parse;

use std::time::Duration;

use crate::fields::Field;
use crate::filter::expr::Expr;
use crate::model::endpoint::Addr;
use crate::rules::finding::Severity;
use figure::Figure;
use listening::Door;
use wish::{Unit, Wish};

/// One assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The name given before a colon, else the expression.
    pub name: String,
    /// The expression as it was typed, without name and reason.
    pub expression: String,
    /// Why it is wished, as it was written behind a `#`.
    pub comment: Option<String>,
    /// What a failure amounts to: warning or critical.
    pub level: Severity,
    /// How long it may take to come true.
    pub within: Option<Duration>,
    /// What is measured.
    pub measure: Measure,
    /// How it should be.
    pub wish: Wish,
}

/// What is measured.
#[derive(Debug, Clone)]
pub enum Measure {
    /// Sockets that a filter selects.
    Count(Expr),
    /// Of those, the ones that were not there before: told apart by their cookies.
    New(Expr),
    /// A figure over the values of a field of the sockets that a filter selects.
    Over(Aggregate, &'static Field, Expr),
    /// How many more connect() calls succeed: toward a destination, or toward the worst.
    Headroom(Option<Target>),
    /// By how much a counter grew since the look before.
    Delta(String),
    /// By how much it grew a second.
    Rate(String),
    /// A counter or gauge as it stands.
    Counter(String),
    /// Whether somebody accepts connections there.
    Listening(Door),
    /// Whether nobody listens on any other port than these.
    OnlyListening(Vec<(u16, u16)>),
    /// The worst finding of a rule or of a family of rules.
    Finding(String),
    /// A named number of the whole table (`-w`, `-c`).
    Figure(&'static Figure),
}

/// What is made of many values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// All together.
    Sum,
    /// The mean.
    Avg,
    /// The value that this part of the values does not exceed (nearest rank): a quotient of whole numbers, for 99.9 / 100 * 1000 is
    /// more than 999 to a machine.
    Percentile {
        /// The part.
        part: u64,
        /// What it is a part of.
        of: u64,
    },
}

/// A destination of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Far address.
    pub addr: Addr,
    /// Far port; all of them if none.
    pub port: Option<u16>,
    /// Near address, where only one matters.
    pub from: Option<Addr>,
}

impl Measure {
    /// The filter, where sockets are gone through.
    pub fn filter(&self) -> Option<&Expr> {
        match self {
            Measure::Count(filter) | Measure::New(filter) | Measure::Over(_, _, filter) => {
                Some(filter)
            }
            _ => None,
        }
    }

    /// The unit of its readings.
    pub fn unit(&self) -> Unit {
        match self {
            Measure::Over(_, field, _) => Unit::of(field.kind),
            Measure::Count(_)
            | Measure::New(_)
            | Measure::Headroom(_)
            | Measure::Delta(_)
            | Measure::Counter(_) => Unit::Count,
            Measure::Rate(_) => Unit::PerSecond,
            Measure::Listening(_) | Measure::OnlyListening(_) => Unit::Flag,
            Measure::Finding(_) => Unit::Level,
            Measure::Figure(figure) => figure.unit,
        }
    }

    /// Whether it is since an earlier look, which the user must name.
    pub fn needs_baseline(&self) -> bool {
        matches!(self, Measure::New(_) | Measure::Delta(_))
    }
}
