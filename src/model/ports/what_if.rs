//! Other settings in place of the real ones: the arithmetic is the same, only what it starts from differs.

use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::portset::PortSet;
use crate::model::sysctl::Reading;
use crate::model::text::Text;
use crate::nearest::nearest;

/// What is supposed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WhatIf {
    /// Low and high end of ip_local_port_range.
    pub range: Option<(u16, u16)>,
    /// Ends of a range that the socket asks for by IP_LOCAL_PORT_RANGE.
    pub socket_range: Option<(u16, u16)>,
    /// ip_local_reserved_ports.
    pub reserved: Option<PortSet>,
    /// tcp_tw_reuse.
    pub tw_reuse: Option<u8>,
    /// tcp_tw_reuse_delay in milliseconds.
    pub tw_reuse_delay_ms: Option<u32>,
    /// tcp_timestamps.
    pub timestamps: Option<u8>,
    /// Source addresses that share the connections.
    pub sources: Option<u32>,
    /// New connections a second, each closed by this side at once.
    pub rate: Option<f64>,
}

const KEYS: [&str; 8] = [
    "range",
    "socket_range",
    "reserved",
    "tw_reuse",
    "tw_reuse_delay",
    "timestamps",
    "sources",
    "rate",
];

impl WhatIf {
    /// Reads `range=15000-60999,tw_reuse=1,sources=2`. A list of reserved ports goes on over commas until the next name.
    ///
    /// # Errors
    /// A message and a hint: a name is unknown (with the nearest known one), or a value is not one.
    pub fn parse(text: &str) -> Result<WhatIf, (String, String)> {
        let mut items: Vec<(String, String)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match (part.split_once('='), items.last_mut()) {
                (Some((key, value)), _) => items.push((plain(key), value.trim().to_string())),
                (None, Some((key, list))) if key == "reserved" => {
                    list.push(',');
                    list.push_str(part);
                }
                (None, _) => return Err(no_value(part)),
            }
        }
        if items.is_empty() {
            return Err(no_value(text));
        }
        let mut supposed = WhatIf::default();
        let mut seen = std::collections::BTreeSet::new();
        for (key, value) in items {
            if !seen.insert(key.clone()) {
                let shown = Text::new(key.as_bytes());
                return Err((
                    format!("--what-if has {shown} twice"),
                    "leave one of them out".into(),
                ));
            }
            supposed.set(&key, &value)?;
        }
        Ok(supposed)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), (String, String)> {
        let wrong = |form: &str| {
            let shown = Text::new(value.as_bytes());
            (format!("'{shown}' is no value for {key}"), format!("write it as {key}={form}"))
        };
        let ends = |form: &str| {
            let (low, high) = value.split_once(['-', ' ']).ok_or_else(|| wrong(form))?;
            match (low.trim().parse::<u16>(), high.trim().parse::<u16>()) {
                (Ok(low), Ok(high)) if low <= high && low > 0 => Ok((low, high)),
                _ => Err(wrong(form)),
            }
        };
        match key {
            "range" => self.range = Some(ends("15000-60999")?),
            "socket_range" => self.socket_range = Some(ends("40000-40999")?),
            "reserved" => {
                let list = PortSet::parse(value).ok_or_else(|| wrong("8080,30000-32767"))?;
                self.reserved = Some(list);
            }
            "tw_reuse" => {
                let n = value.parse().ok().filter(|n| *n <= 2);
                self.tw_reuse = Some(n.ok_or_else(|| wrong("1 (0, 1 or 2)"))?);
            }
            "tw_reuse_delay" => {
                let ms = value.trim_end_matches("ms").trim().parse().ok();
                let ms = ms.filter(|ms| (1..=60_000).contains(ms));
                self.tw_reuse_delay_ms = Some(ms.ok_or_else(|| wrong("100 (milliseconds)"))?);
            }
            "timestamps" => {
                let n = value.parse().ok().filter(|n| *n <= 2);
                self.timestamps = Some(n.ok_or_else(|| wrong("1 (0, 1 or 2)"))?);
            }
            "sources" => {
                let n = value.parse().ok().filter(|n| (1..=65_536).contains(n));
                self.sources = Some(n.ok_or_else(|| wrong("2 (source addresses)"))?);
            }
            "rate" => {
                let n = value.trim_end_matches("/s").parse::<f64>().ok();
                let n = n.filter(|n| n.is_finite() && *n > 0.0 && *n <= 1e9);
                self.rate = Some(n.ok_or_else(|| wrong("1000 (connections a second)"))?);
            }
            _ => {
                let hint = match nearest(key, KEYS) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("it takes: {}", KEYS.join(", ")),
                };
                let shown = Text::new(key.as_bytes());
                return Err((format!("--what-if does not know '{shown}'"), hint));
            }
        }
        Ok(())
    }

    /// Puts the supposed settings in place of those that were read.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let name = format!("net.ipv4.{name}");
                snapshot.sysctls.0.insert(name, Reading::Value(value));
            }
        };
        set("ip_local_port_range", self.range.map(|(low, high)| format!("{low} {high}")));
        set("ip_local_reserved_ports", self.reserved.as_ref().map(PortSet::text));
        set("tcp_tw_reuse", self.tw_reuse.map(|n| n.to_string()));
        set("tcp_tw_reuse_delay", self.tw_reuse_delay_ms.map(|ms| ms.to_string()));
        set("tcp_timestamps", self.timestamps.map(|n| n.to_string()));
    }

    /// The range that connections draw from; `real` are the ends that the present sockets know.
    pub fn range(&self, snapshot: &Snapshot, real: Option<(u16, u16)>) -> Option<EphemeralRange> {
        let range = EphemeralRange { past: real, ..EphemeralRange::of(snapshot)? };
        Some(match self.socket_range {
            Some((low, high)) => range.narrowed(low, high),
            None => range,
        })
    }
}

/// A name as it is compared: without the `net.ipv4.` or `tcp_` that people copy along.
fn plain(key: &str) -> String {
    let key = key.trim().to_lowercase().replace('-', "_");
    let key = key.strip_prefix("net.ipv4.").unwrap_or(&key);
    match key {
        "ip_local_port_range" => "range".into(),
        "ip_local_reserved_ports" => "reserved".into(),
        "local_port_range" => "socket_range".into(),
        _ => key.strip_prefix("tcp_").unwrap_or(key).to_string(),
    }
}

fn no_value(part: &str) -> (String, String) {
    let shown = Text::new(part.as_bytes());
    (
        format!("'{shown}' is not NAME=VALUE"),
        "write it as: --what-if range=15000-60999,tw_reuse=1,sources=2".to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::fresh;

    #[test]
    fn settings_are_read_with_the_names_people_know() {
        let w = WhatIf::parse("range=15000-60999,tw_reuse=1,sources=2").unwrap();
        assert_eq!((w.range, w.tw_reuse, w.sources), (Some((15000, 60999)), Some(1), Some(2)));
        let w = WhatIf::parse(
            "net.ipv4.ip_local_port_range=1024 65535, reserved=80,8080-8081,rate=1000/s",
        )
        .unwrap();
        assert_eq!((w.range, w.rate), (Some((1024, 65535)), Some(1000.0)));
        assert_eq!(w.reserved.unwrap().text(), "80,8080-8081");
        let mut s = fresh();
        WhatIf::parse("tcp_tw_reuse=1,tw_reuse_delay=100ms,timestamps=0").unwrap().apply(&mut s);
        let got = ["tcp_tw_reuse", "tcp_tw_reuse_delay", "tcp_timestamps"]
            .map(|n| s.sysctls.integer(&format!("net.ipv4.{n}")));
        assert_eq!(got, [Some(1), Some(100), Some(0)]);
        let w = WhatIf::parse("socket_range=40000-40999").unwrap();
        let range = w.range(&s, None).unwrap();
        assert_eq!((range.low, range.high, range.own), (40000, 40999, true));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_form() {
        let hint = |text: &str| WhatIf::parse(text).unwrap_err().1;
        assert_eq!(hint("tw_reus=1"), "did you mean tw_reuse?");
        assert_eq!(hint("range=5-3"), "write it as range=15000-60999");
        assert_eq!(hint("sources=0"), "write it as sources=2 (source addresses)");
        assert!(WhatIf::parse("tw_reuse=1,tcp_tw_reuse=0").is_err(), "said twice");
        for bad in [
            "",
            "range",
            "tw_reuse=3",
            "rate=nan",
            "rate=-1",
            "tw_reuse_delay=0",
            "range=0-9",
            "80",
        ] {
            assert!(WhatIf::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_typed_is_answered(
            key in proptest::sample::select(KEYS.to_vec()),
            value in "[0-9a-z.,= -]{0,12}",
            junk in proptest::prelude::any::<String>(),
        ) {
            let mut s = fresh();
            for text in [format!("{key}={value}"), junk] {
                if let Ok(supposed) = WhatIf::parse(&text) {
                    supposed.apply(&mut s);
                    let _ = supposed.range(&s, Some((1024, 65535)));
                }
            }
        }
    }
}
