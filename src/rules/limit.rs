//! Thresholds: every one has a name, a default, bounds, a unit and a sentence, and `--set RULE.KEY=VALUE` changes it.

use std::collections::BTreeMap;

use crate::model::text::Text;
use crate::nearest::nearest;

/// One threshold of a rule.
#[derive(Debug)]
pub struct Limit {
    /// Its name within the rule.
    pub key: &'static str,
    /// Value where nothing is set.
    pub default: f64,
    /// Smallest value that makes sense.
    pub min: f64,
    /// Largest value that makes sense.
    pub max: f64,
    /// What it counts: `sockets`, `ms`, `ratio of usable ports` ...
    pub unit: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
}

/// The thresholds of a run: the defaults and what was set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    set: BTreeMap<(&'static str, &'static str), f64>,
}

impl Limits {
    /// The value of a threshold.
    pub fn get(&self, rule: &super::Rule, key: &str) -> f64 {
        let Some(limit) = rule.limits.iter().find(|l| l.key == key) else { return f64::INFINITY };
        self.set.get(&(rule.id, limit.key)).copied().unwrap_or(limit.default)
    }

    /// Applies `RULE.KEY=VALUE`.
    ///
    /// # Errors
    /// A message and a hint: the form is wrong, a name is unknown (with the nearest known one), or the value is out of bounds.
    pub fn set(&mut self, text: &str) -> Result<(), (String, String)> {
        let form = || "write it as RULE.KEY=VALUE, such as close-wait-leak.warning=50".to_string();
        let wrong =
            || (format!("'{}' is not a threshold setting", Text::new(text.as_bytes())), form());
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (rule, key) = name.trim().split_once('.').ok_or_else(wrong)?;
        let rule = super::find(rule)?;
        let Some(limit) = rule.limits.iter().find(|l| l.key == key) else {
            let keys: Vec<_> = rule.limits.iter().map(|l| l.key).collect();
            return Err((
                format!("rule {} has no threshold '{}'", rule.id, Text::new(key.as_bytes())),
                match nearest(key, keys.iter().copied()) {
                    Some(near) => format!("did you mean {}.{near}?", rule.id),
                    None => format!("it has: {}", keys.join(", ")),
                },
            ));
        };
        let number = value.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        match number {
            Some(v) if (limit.min..=limit.max).contains(&v) => {
                self.set.insert((rule.id, limit.key), v);
                Ok(())
            }
            _ => Err((
                format!(
                    "'{}' is no value for {}.{key}",
                    Text::new(value.trim().as_bytes()),
                    rule.id
                ),
                format!("give a number from {} to {} ({})", limit.min, limit.max, limit.unit),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_within_bounds_is_taken_and_all_else_is_explained() {
        let rule = super::super::find("close-wait-leak").unwrap();
        let mut limits = Limits::default();
        assert_eq!(limits.get(rule, "warning").to_string(), "10");
        limits.set("close-wait-leak.warning=50").unwrap();
        assert_eq!(limits.get(rule, "warning").to_string(), "50");
        let hint = |text: &str| Limits::default().set(text).unwrap_err().1;
        assert_eq!(hint("close-wait-leak.warnin=5"), "did you mean close-wait-leak.warning?");
        assert_eq!(hint("close-wait-lek.warning=5"), "did you mean close-wait-leak?");
        assert_eq!(hint("close-wait-leak.warning=0"), "give a number from 1 to 1000000 (sockets)");
        for bad in
            ["x", "close-wait-leak=5", "close-wait-leak.warning=nan", "close-wait-leak.warning="]
        {
            assert!(Limits::default().set(bad).is_err(), "{bad}");
        }
    }
}
