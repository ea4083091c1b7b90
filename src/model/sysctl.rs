//! Sysctl values as text, with the reason where there is none.

use std::collections::BTreeMap;

use super::coverage::Seen;

/// What one sysctl said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Its value, blanks folded to one.
    Value(String),
    /// Why there is none: absent on this kernel or in this namespace, denied, failed.
    None(Seen),
}

/// The sysctls that were read, by their dotted names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sysctls(pub BTreeMap<String, Reading>);

impl Sysctls {
    /// The value as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Reading::Value(v) => Some(v),
            Reading::None(_) => None,
        }
    }

    /// The value as a number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// The value as `low high` ports, if they are a range.
    pub fn range(&self, name: &str) -> Option<(u16, u16)> {
        parse_range(self.text(name)?)
    }

    /// Why a value is missing; `None` if it is there or was not asked.
    pub fn missing(&self, name: &str) -> Option<Seen> {
        match self.0.get(name)? {
            Reading::Value(_) => None,
            Reading::None(why) => Some(*why),
        }
    }
}

/// `low high` ports.
pub fn parse_range(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.split_whitespace().map(str::parse::<u16>);
    let (low, high) = (parts.next()?.ok()?, parts.next()?.ok()?);
    (low <= high && parts.next().is_none()).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Sysctls {
        Sysctls(BTreeMap::from([("k".to_string(), Reading::Value(value.to_string()))]))
    }

    #[test]
    fn ranges_need_two_ordered_ports() {
        assert_eq!(one("32768 60999").range("k"), Some((32768, 60999)));
        for bad in ["", "1", "2 1", "1 2 3", "a b", "1 70000"] {
            assert_eq!(one(bad).range("k"), None, "{bad}");
        }
        assert_eq!(one("-1").integer("k"), Some(-1));
    }
}
