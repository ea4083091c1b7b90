//! Ranges of the Monitoring Plugins guidelines: `[@][start:]end`. A number outside of one raises an alert; with `@` a number inside does.

/// A range.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// As it was typed.
    pub text: String,
    start: f64,
    end: f64,
    /// Whether what lies inside alerts, the ends included.
    inside: bool,
}

/// What a range looks like.
pub const FORM: &str = "write it as 10 (0 to 10 is well), 10: (10 or more), ~:10 (10 or less), 10:20, or @10:20 (anything but that)";

impl Range {
    /// Reads a range; a `%` behind a number is left out of account.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Range, String> {
        let typed = text.trim();
        let (inside, body) = match typed.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, typed),
        };
        let number = |word: &str| -> Result<f64, String> {
            let word = word.strip_suffix('%').unwrap_or(word);
            let digits = word.strip_prefix('-').unwrap_or(word);
            let plain =
                !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
            let parsed = if plain { word.parse().ok() } else { None };
            parsed.ok_or_else(|| format!("'{word}' is no number"))
        };
        let (start, end) = match body.split_once(':') {
            None => (0.0, number(body)?),
            Some(("", "")) => return Err("it is empty".into()),
            Some((start, end)) => {
                let start = match start {
                    "~" => f64::NEG_INFINITY,
                    "" => 0.0,
                    start => number(start)?,
                };
                (start, if end.is_empty() { f64::INFINITY } else { number(end)? })
            }
        };
        if start > end {
            return Err("its start is above its end".into());
        }
        Ok(Range { text: typed.replace('%', ""), start, end, inside })
    }

    /// Whether no number between the bounds alerts.
    pub(super) fn is_surely_quiet(&self, low: f64, high: f64) -> bool {
        match self.inside {
            false => low >= self.start && high <= self.end,
            true => high < self.start || low > self.end,
        }
    }

    /// Whether every number between the bounds alerts.
    pub(super) fn surely_alerts(&self, low: f64, high: f64) -> bool {
        match self.inside {
            false => high < self.start || low > self.end,
            true => low >= self.start && high <= self.end,
        }
    }

    /// Whether a number alerts because it is too large.
    pub(super) fn is_above(&self, value: f64) -> bool {
        if self.inside { value >= self.start } else { value > self.end }
    }

    /// The range as a wish in words.
    pub(super) fn wish(&self) -> String {
        let (start, end) = (crate::phrase::plain(self.start), crate::phrase::plain(self.end));
        match (self.inside, self.start.is_infinite(), self.end.is_infinite()) {
            (true, ..) => format!("outside {start} to {end}"),
            (false, true, true) => "anything".into(),
            (false, true, false) => format!("<= {end}"),
            (false, false, true) => format!(">= {start}"),
            (false, false, false) => format!("{start} to {end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the guidelines (02.Input), and what is no range.
    #[test]
    fn every_row_of_the_guidelines() {
        for (text, quiet, alert) in [
            ("10", &[0.0, 5.0, 10.0][..], &[-0.1, 10.1, 11.0][..]),
            ("10:", &[10.0, 1e12], &[9.9, 0.0, -1.0]),
            ("~:10", &[-1e12, 0.0, 10.0], &[10.1]),
            ("10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]),
            ("@10:20", &[9.9, 20.1], &[10.0, 15.0, 20.0]),
            ("@10", &[-0.1, 10.1], &[0.0, 10.0]),
            ("-5:-1", &[-5.0, -1.0], &[-5.1, 0.0]),
            (":7", &[0.0, 7.0], &[-1.0, 8.0]),
            ("70%", &[70.0], &[70.5]),
            ("0.5:1.5", &[0.5, 1.5], &[0.4, 1.6]),
        ] {
            let range = Range::parse(text).unwrap();
            for n in quiet {
                assert!(
                    range.is_surely_quiet(*n, *n) && !range.surely_alerts(*n, *n),
                    "{text} {n}"
                );
            }
            for n in alert {
                assert!(
                    range.surely_alerts(*n, *n) && !range.is_surely_quiet(*n, *n),
                    "{text} {n}"
                );
            }
        }
        for bad in ["", "@", ":", "x", "20:10", "1e3", "10:x", "~", "--1", "inf", "NaN", "1:2:3"] {
            assert!(Range::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_lies_between_two_bounds_alerts_only_if_all_of_it_does() {
        let range = Range::parse("10:20").unwrap();
        assert!(!range.is_surely_quiet(15.0, 25.0) && !range.surely_alerts(15.0, 25.0));
        assert!(range.surely_alerts(21.0, f64::INFINITY));
        let inside = Range::parse("@10:20").unwrap();
        assert!(!inside.is_surely_quiet(15.0, 25.0) && !inside.surely_alerts(15.0, 25.0));
        assert!(inside.is_surely_quiet(21.0, f64::INFINITY));
    }
}
