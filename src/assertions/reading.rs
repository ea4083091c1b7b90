//! What was measured: a number, or two bounds between which it lies because something could not be seen.

use super::wish::Wish;

/// A reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// It is at least this.
    pub low: f64,
    /// It is at most this.
    pub high: f64,
    /// Why it is not known better, or why it is so, where that has to be said.
    pub why: Option<String>,
}

/// How an assertion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As wished.
    Pass,
    /// Not as wished.
    Fail,
    /// What it depends on could not be seen.
    Unknown,
}

impl Verdict {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
        }
    }
}

impl Reading {
    /// A number that is known.
    pub fn exact(value: f64) -> Reading {
        Reading { low: value, high: value, why: None }
    }

    /// Yes or no.
    pub fn flag(yes: bool) -> Reading {
        Reading::exact(f64::from(u8::from(yes)))
    }

    /// Nothing is known.
    pub fn unknown(why: impl Into<String>) -> Reading {
        Reading { low: f64::NEG_INFINITY, high: f64::INFINITY, why: Some(why.into()) }
    }

    /// Between two bounds; exact where they meet.
    pub fn between(low: f64, high: f64, why: impl Into<String>) -> Reading {
        if low.total_cmp(&high).is_eq() {
            return Reading::exact(low);
        }
        Reading { low, high, why: Some(why.into()) }
    }

    /// The number, if it is one.
    pub fn value(&self) -> Option<f64> {
        self.low.total_cmp(&self.high).is_eq().then_some(self.low)
    }

    /// The same, with the reason why it is so.
    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Reading {
        Reading { why: Some(why.into()), ..self }
    }

    /// Whether a wish is fulfilled.
    pub fn judge(&self, wish: &Wish) -> Verdict {
        match (wish.surely(self.low, self.high), wish.surely_not(self.low, self.high)) {
            (true, _) => Verdict::Pass,
            (_, true) => Verdict::Fail,
            _ => Verdict::Unknown,
        }
    }
}
