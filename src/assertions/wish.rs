//! What is wished of a reading: a comparison, or a range of the Monitoring Plugins.

use super::range::Range;
use crate::fields::Kind;
use crate::filter::expr::Operator;
use crate::phrase::plain;

/// The unit of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things that are counted.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    Rate,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// A factor or a share of one.
    Ratio,
    /// Hundredths.
    Percent,
    /// So many a second.
    PerSecond,
    /// 0 for no, 1 for yes.
    Flag,
    /// 0 no finding, 1 info, 2 warning, 3 critical.
    Level,
}

/// The words of [`Unit::Level`], from the mildest.
pub const LEVELS: [&str; 4] = ["none", "info", "warning", "critical"];

impl Unit {
    /// The unit of a kind of field.
    pub fn of(kind: Kind) -> Unit {
        match kind {
            Kind::Bytes => Unit::Bytes,
            Kind::Rate => Unit::Rate,
            Kind::Ms => Unit::Ms,
            Kind::Us => Unit::Us,
            Kind::Ratio => Unit::Ratio,
            _ => Unit::Count,
        }
    }

    /// The word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Bytes => "bytes",
            Unit::Rate => "bytes_per_second",
            Unit::Ms => "ms",
            Unit::Us => "us",
            Unit::Ratio => "ratio",
            Unit::Percent => "percent",
            Unit::PerSecond => "per_second",
            Unit::Flag => "flag",
            Unit::Level => "level",
        }
    }

    /// A number with all its digits, where [`Unit::show`] would hide a difference.
    pub fn exactly(self, value: f64) -> String {
        let word = match self {
            Unit::Ms => "ms",
            Unit::Us => "us",
            Unit::Rate => "B/s",
            _ => return self.show(value),
        };
        format!("{}{word}", plain(value))
    }

    /// A number as people read it.
    pub fn show(self, value: f64) -> String {
        let kind = match self {
            Unit::Ms => Kind::Ms,
            Unit::Us => Kind::Us,
            Unit::Rate => Kind::Rate,
            Unit::Flag => return if value > 0.5 { "yes" } else { "no" }.to_string(),
            Unit::Level => {
                let word = LEVELS.get(value.max(0.0) as usize);
                return word.map_or_else(|| plain(value), |w| (*w).to_string());
            }
            Unit::Percent => return format!("{}%", plain(value)),
            Unit::PerSecond => return format!("{}/s", plain(value)),
            Unit::Count | Unit::Bytes | Unit::Ratio => return plain(value),
        };
        if !value.is_finite() {
            return plain(value);
        }
        let mut out = Vec::new();
        crate::fields::value::Value::Number(value.round().max(0.0) as u64).show(kind, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// What is wished.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// It compares so.
    Compare(Operator, f64),
    /// It raises no alert.
    Quiet(Range),
}

impl Wish {
    /// Whether every number between the bounds fulfils it.
    pub(super) fn surely(&self, low: f64, high: f64) -> bool {
        match self {
            Wish::Compare(op, n) => match op {
                Operator::Equal => same(low, *n) && same(high, *n),
                Operator::NotEqual => *n < low || *n > high,
                Operator::Less => high < *n,
                Operator::LessOrEqual => high <= *n,
                Operator::Greater => low > *n,
                Operator::GreaterOrEqual => low >= *n,
                Operator::Matches | Operator::MatchesNot => false,
            },
            Wish::Quiet(range) => range.is_surely_quiet(low, high),
        }
    }

    /// Whether none of them does.
    pub(super) fn surely_not(&self, low: f64, high: f64) -> bool {
        match self {
            Wish::Compare(op, n) => {
                let contrary = match op {
                    Operator::Equal => Operator::NotEqual,
                    Operator::NotEqual => Operator::Equal,
                    Operator::Less => Operator::GreaterOrEqual,
                    Operator::LessOrEqual => Operator::Greater,
                    Operator::Greater => Operator::LessOrEqual,
                    Operator::GreaterOrEqual => Operator::Less,
                    other => *other,
                };
                Wish::Compare(contrary, *n).surely(low, high)
            }
            Wish::Quiet(range) => range.surely_alerts(low, high),
        }
    }

    /// Whether less would be better: only then are the sockets that were counted the offenders.
    pub fn is_upper_bound(&self, measured: f64) -> bool {
        match self {
            Wish::Compare(Operator::Less | Operator::LessOrEqual | Operator::NotEqual, _) => true,
            Wish::Compare(Operator::Equal, n) => measured > *n,
            Wish::Compare(..) => false,
            Wish::Quiet(range) => range.is_above(measured),
        }
    }

    /// As it is written.
    pub fn text(&self, unit: Unit) -> String {
        self.told(unit, |n| unit.show(n))
    }

    fn told(&self, unit: Unit, number: impl Fn(f64) -> String) -> String {
        match self {
            Wish::Compare(Operator::Equal, n) if unit == Unit::Flag => number(*n),
            Wish::Compare(op, n) => {
                let sign = if *op == Operator::Equal { "==" } else { op.sign() };
                format!("{sign} {}", number(*n))
            }
            Wish::Quiet(range) => range.wish(),
        }
    }

    /// What was measured, and the wish, so that they look different if they are.
    pub fn beside(&self, value: f64, unit: Unit) -> (String, String) {
        match self {
            Wish::Compare(_, n) if !same(*n, value) && unit.show(*n) == unit.show(value) => {
                (unit.exactly(value), self.told(unit, |n| unit.exactly(n)))
            }
            _ => (unit.show(value), self.text(unit)),
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_looks_different() {
        let wish = Wish::Compare(Operator::Less, 121_000.0);
        let told = |value| wish.beside(value, Unit::Ms);
        assert_eq!(told(122_500.0), ("122500ms".into(), "< 121000ms".into()));
        assert_eq!(told(500.0).0, "500ms");
        assert_eq!(told(500.0).1, wish.text(Unit::Ms));
        let level = Wish::Compare(Operator::Less, 2.0);
        assert_eq!(level.beside(3.0, Unit::Level), ("critical".into(), "< warning".into()));
    }
}
