//! Thresholds: every one has a name, a default, bounds, a unit and a sentence; a configuration file and `--set RULE.KEY=VALUE` change it,
//! for all or for one process or port.

use std::borrow::Cow;
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

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of a configuration file.
    File {
        /// Its path.
        path: Text,
        /// The line, from 1.
        line: usize,
    },
    /// `--set`.
    CommandLine,
}

/// Whom an exception is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Processes of this name.
    pub process: Option<String>,
    /// This port: a listener's own, or a destination's.
    pub port: Option<u16>,
}

impl Who {
    /// Whether a subject is meant: every part that is given must fit.
    fn is(&self, names: &[&str], port: Option<u16>) -> bool {
        self.process.as_deref().is_none_or(|p| names.contains(&p))
            && self.port.is_none_or(|p| port == Some(p))
    }
}

type Key = (&'static str, &'static str);

/// Values for one process or port.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// For whom.
    pub who: Who,
    /// The values, by rule and key.
    pub set: BTreeMap<Key, (f64, Origin)>,
}

/// The thresholds of a run: the defaults and what was set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    set: BTreeMap<Key, (f64, Origin)>,
    exceptions: Vec<Exception>,
}

impl Limits {
    /// The value of a threshold.
    pub fn get(&self, rule: &super::Rule, key: &str) -> f64 {
        let Some(limit) = rule.limits.iter().find(|l| l.key == key) else { return f64::INFINITY };
        self.set.get(&(rule.id, limit.key)).map_or(limit.default, |(value, _)| *value)
    }

    /// The value of a threshold for everybody, and where it came from; `None` for the default.
    pub fn origin(&self, rule: &super::Rule, key: &'static str) -> Option<&Origin> {
        self.set.get(&(rule.id, key)).map(|(_, origin)| origin)
    }

    /// The exceptions, in the order in which they were made.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The least value of a threshold, for whomever: nothing below it is anybody's matter.
    pub fn least(&self, rule: &super::Rule, key: &str) -> f64 {
        let mut least = self.get(rule, key);
        for exception in &self.exceptions {
            for ((id, k), (value, _)) in &exception.set {
                if *id == rule.id && *k == key {
                    least = least.min(*value);
                }
            }
        }
        least
    }

    /// The thresholds at which anybody's matter begins: every one as low as any exception makes it. For asking what must be read before it
    /// is known whose it is.
    pub fn lenient(&self) -> Cow<'_, Limits> {
        if self.exceptions.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut set = self.set.clone();
        for (key, (value, origin)) in self.exceptions.iter().flat_map(|e| &e.set) {
            let default = super::find(key.0)
                .ok()
                .and_then(|r| r.limits.iter().find(|l| l.key == key.1).map(|l| l.default));
            let now = set.get(key).map(|(v, _)| *v).or(default);
            if now.is_none_or(|now| *value < now) {
                set.insert(*key, (*value, origin.clone()));
            }
        }
        Cow::Owned(Limits { set, exceptions: Vec::new() })
    }

    /// The thresholds for a subject: those of every exception that it fits stand before the others, the later before the earlier.
    pub fn about(&self, names: &[&str], port: Option<u16>) -> Cow<'_, Limits> {
        let mut fitting = self.exceptions.iter().filter(|e| e.who.is(names, port)).peekable();
        if fitting.peek().is_none() {
            return Cow::Borrowed(self);
        }
        let mut set = self.set.clone();
        fitting.for_each(|e| set.extend(e.set.iter().map(|(k, v)| (*k, v.clone()))));
        Cow::Owned(Limits { set, exceptions: Vec::new() })
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
        let (rule, limit) = known(rule, key)?;
        let number = value.trim().parse().unwrap_or(f64::NAN);
        let value = within(rule, limit, number, value.trim())?;
        self.set.insert((rule.id, limit.key), (value, Origin::CommandLine));
        Ok(())
    }

    /// Sets a threshold for everybody, or for one process or port.
    pub fn put(&mut self, who: Option<&Who>, key: Key, value: f64, origin: Origin) {
        let Some(who) = who else {
            self.set.insert(key, (value, origin));
            return;
        };
        match self.exceptions.iter_mut().find(|e| e.who == *who) {
            Some(exception) => {
                exception.set.insert(key, (value, origin));
            }
            None => self.exceptions.push(Exception {
                who: who.clone(),
                set: BTreeMap::from([(key, (value, origin))]),
            }),
        }
    }
}

/// The threshold of this name.
///
/// # Errors
/// A message and a hint with the nearest known name.
pub fn known(
    rule: &str,
    key: &str,
) -> Result<(&'static super::Rule, &'static Limit), (String, String)> {
    let rule = super::find(rule)?;
    if let Some(limit) = rule.limits.iter().find(|l| l.key == key) {
        return Ok((rule, limit));
    }
    let keys: Vec<_> = rule.limits.iter().map(|l| l.key).collect();
    Err((
        format!("rule {} has no threshold '{}'", rule.id, Text::new(key.as_bytes())),
        match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean {}.{near}?", rule.id),
            None => format!("it has: {}", keys.join(", ")),
        },
    ))
}

/// A value within the bounds of its threshold.
///
/// # Errors
/// A message and a hint with the bounds; `typed` is the value as it was written.
pub fn within(
    rule: &super::Rule,
    limit: &Limit,
    value: f64,
    typed: &str,
) -> Result<f64, (String, String)> {
    if (limit.min..=limit.max).contains(&value) {
        return Ok(value);
    }
    Err((
        format!("'{}' is no value for {}.{}", Text::new(typed.as_bytes()), rule.id, limit.key),
        format!("give a number from {} to {} ({})", limit.min, limit.max, limit.unit),
    ))
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
        assert_eq!(limits.origin(rule, "warning"), Some(&Origin::CommandLine));
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

    #[test]
    fn an_exception_counts_for_whom_it_is_made_and_the_later_wins() {
        let rule = super::super::find("close-wait-leak").unwrap();
        let key = (rule.id, "warning");
        let mut limits = Limits::default();
        let java = Who { process: Some("java".into()), port: None };
        let both = Who { process: Some("java".into()), port: Some(80) };
        limits.put(Some(&java), key, 50.0, Origin::CommandLine);
        limits.put(Some(&both), key, 5.0, Origin::CommandLine);
        let of = |names: &[&str], port| limits.about(names, port).get(rule, "warning").to_string();
        assert_eq!(
            (of(&["java"], None), of(&["nginx", "java"], Some(81))),
            ("50".into(), "50".into())
        );
        assert_eq!((of(&["java"], Some(80)), of(&["nginx"], Some(80))), ("5".into(), "10".into()));
        assert_eq!(limits.least(rule, "warning").to_string(), "5");
        assert_eq!(limits.lenient().get(rule, "warning").to_string(), "5");
        assert_eq!(limits.lenient().get(rule, "critical_ratio").to_string(), "0.5");
    }
}
