//! Numbers as JSON has them: whole ones without a fraction; and counts by state with every state named.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::state::State;

/// A number that is written without a fraction where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Beyond 2^53 a float no longer tells whole numbers apart.
        if self.0.fract() == 0.0 && self.0.abs() < 9_007_199_254_740_992.0 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64((self.0 * 1e6).round() / 1e6)
        }
    }
}

/// Counts by state in the kernel's order, zeros included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByState(pub [u64; 12]);

impl Serialize for ByState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (state, count) in State::ALL.iter().zip(self.0) {
            map.serialize_entry(state.word(), &count)?;
        }
        map.end()
    }
}

/// Counts that stay on one line in a document of many lines.
#[derive(Debug, Clone)]
pub struct OneLine {
    /// The counts.
    pub counts: Vec<u32>,
    text: Option<Box<serde_json::value::RawValue>>,
}

impl OneLine {
    /// Of these.
    pub fn of(counts: &[u32]) -> OneLine {
        OneLine { counts: counts.to_vec(), text: serde_json::value::to_raw_value(counts).ok() }
    }
}

impl Serialize for OneLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.counts.serialize(serializer),
        }
    }
}

#[cfg(test)]
impl schemars::JsonSchema for ByState {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByState".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = State::ALL.iter().map(|s| s.word()).collect();
        let properties: serde_json::Map<String, serde_json::Value> = words
            .iter()
            .map(|w| ((*w).to_string(), serde_json::json!({"type": "integer", "minimum": 0})))
            .collect();
        schemars::json_schema!({
            "type": "object",
            "description": "Sockets by state; every state is named, zeros included.",
            "properties": properties,
            "required": words,
        })
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "number"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_no_fraction() {
        let text = |n: f64| serde_json::to_string(&Number(n)).unwrap();
        assert_eq!([text(23.0), text(0.613_333_333_3), text(-1.0)], ["23", "0.613333", "-1"]);
    }

    #[test]
    fn a_series_stays_on_one_line() {
        let series = vec![OneLine::of(&[0, 12, 3])];
        assert_eq!(serde_json::to_string_pretty(&series).unwrap(), "[\n  [0,12,3]\n]");
    }

    #[test]
    fn every_state_is_named_in_order() {
        let text = serde_json::to_string(&ByState([0; 12])).unwrap();
        assert!(text.starts_with("{\"established\":0,\"syn_sent\":0,"), "{text}");
        assert!(text.ends_with("\"closing\":0,\"bound_inactive\":0}"), "{text}");
    }
}
