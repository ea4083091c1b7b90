//! What stands to the right of a comparison: numbers with units, words, patterns; addresses and ports.

use std::net::{IpAddr, Ipv6Addr};

use super::expr::{HostPort, Literal, Operator, Prefix};
use super::parse::Names;
use crate::fields::{Field, Kind};
use crate::model::endpoint::{Addr, Family};
use crate::nearest::nearest;

/// A message and a hint.
pub(super) type Wrong = (String, String);

fn wrong<T>(what: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err((what.into(), hint.into()))
}

/// Reads what `field` is compared with.
pub(super) fn literal(field: &Field, op: Operator, text: &str) -> Result<Literal, Wrong> {
    let name = field.name;
    if matches!(op, Operator::Matches | Operator::MatchesNot) {
        if field.kind != Kind::Text {
            return wrong(
                format!("{name} is a {}, and patterns are for texts", noun(field.kind)),
                format!("compare it with = != < <= > >=, as in: {name} {}", example(field.kind)),
            );
        }
        return match regex_lite::Regex::new(text) {
            Ok(pattern) => Ok(Literal::Pattern(pattern)),
            Err(e) => wrong(
                format!("not a regular expression: {e}"),
                "quote it, as in: process ~ '^java.*'",
            ),
        };
    }
    let ordered = !matches!(op, Operator::Equal | Operator::NotEqual);
    let number = |n: Option<u64>| match n {
        Some(n) => Ok(Literal::Number(n, text.to_string())),
        None => wrong(
            format!("no {}, which {name} is", noun(field.kind)),
            format!("write it as: {name} {}", example(field.kind)),
        ),
    };
    match field.kind {
        Kind::Text | Kind::Timer | Kind::State | Kind::Address | Kind::Endpoint if ordered => {
            wrong(
                format!("{name} is a {}, which has no order", noun(field.kind)),
                format!("compare it with = != ~ !~ or in, as in: {name} = x"),
            )
        }
        Kind::Text | Kind::Timer | Kind::State | Kind::Address | Kind::Endpoint => {
            Ok(Literal::Text(text.to_string()))
        }
        Kind::Flag => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Ok(Literal::Flag(true)),
            "no" | "false" | "off" | "0" => Ok(Literal::Flag(false)),
            _ => wrong(format!("{name} is yes or no"), format!("write it as: {name} = yes")),
        },
        Kind::Id => number(match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }),
        Kind::Port | Kind::Number => {
            number(scaled(text, &[("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)]))
        }
        Kind::Bytes => number(scaled(text, BYTES)),
        Kind::Ms => number(time(text, 1000)),
        Kind::Us => number(time(text, 1)),
        Kind::Rate => number(rate(text)),
        Kind::Ratio => match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Literal::Ratio(n, text.to_string())),
            _ => number(None),
        },
    }
}

/// A number in the unit of a kind, where a fraction may be meant: for what is made of many values.
pub fn quantity(kind: Kind, text: &str) -> Option<f64> {
    const COUNTS: &[(&str, u64)] = &[("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let needs_unit = matches!(kind, Kind::Ms | Kind::Us | Kind::Rate);
    if needs_unit && text == "0" {
        return Some(0.0);
    }
    match kind {
        Kind::Bytes => fraction(text, BYTES),
        Kind::Ms => fraction(text, TIMES).map(|us| us / 1000.0),
        Kind::Us => fraction(text, TIMES),
        Kind::Rate => fraction(text, BITS_A_SECOND)
            .map(|bits| bits / 8.0)
            .or_else(|| fraction(text, BYTES_A_SECOND)),
        Kind::Ratio => fraction(text, &[("", 1)]),
        _ => fraction(text, COUNTS),
    }
}

/// A number with a fraction or without, and a unit.
fn fraction(text: &str, units: &[(&str, u64)]) -> Option<f64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(u, _)| *u == unit)?;
    let value = number.parse::<f64>().ok().filter(|_| !number.starts_with('.'))?;
    Some(value * (*factor as f64)).filter(|v| *v < 1e18)
}

/// An address with a port or without: `10.0.0.5`, `10.0.0.5:5432`, `fd00::5`, `[fd00::5]:5432`, the port `*` being none.
pub fn endpoint(text: &str) -> Option<(Addr, Family, Option<u16>)> {
    let addr = |text: &str| -> Option<(Addr, Family)> {
        Some(match text.parse().ok()? {
            IpAddr::V4(v4) => (Addr::v4(v4.octets()), Family::Ipv4),
            IpAddr::V6(v6) => (Addr(v6.octets()), Family::Ipv6),
        })
    };
    let inner = |host: &str| addr(host.strip_prefix('[')?.strip_suffix(']')?);
    if let Some((addr, family)) = addr(text).or_else(|| inner(text)) {
        return Some((addr, family, None));
    }
    let (host, port) = text.rsplit_once(':')?;
    let (addr, family) = if host.contains(':') { inner(host) } else { addr(host) }?;
    let port = if port == "*" { None } else { Some(port.parse().ok().filter(|p| *p > 0)?) };
    Some((addr, family, port))
}

/// What a value of a kind is called.
fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Bytes => "number of bytes",
        Kind::Number | Kind::Port => "number",
        Kind::Ms | Kind::Us => "time with its unit",
        Kind::Rate => "rate with its unit",
        Kind::Id => "hexadecimal number",
        Kind::Flag => "yes or no",
        other => other.word(),
    }
}

pub(super) fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Bytes => "> 1M",
        Kind::Ms | Kind::Us => "> 200ms",
        Kind::Rate => "< 10Mbps",
        Kind::Ratio => "> 1.25",
        Kind::Flag => "= yes",
        Kind::Id => "= 0x1f",
        _ => "> 10",
    }
}

const BYTES: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("k", 1 << 10),
    ("K", 1 << 10),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("KB", 1000),
    ("M", 1 << 20),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("G", 1 << 30),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
];

const BITS_A_SECOND: &[(&str, u64)] =
    &[("bps", 1), ("kbps", 1_000), ("Kbps", 1_000), ("Mbps", 1_000_000), ("Gbps", 1_000_000_000)];

const BYTES_A_SECOND: &[(&str, u64)] =
    &[("B/s", 1), ("kB/s", 1_000), ("KB/s", 1_000), ("MB/s", 1_000_000), ("GB/s", 1_000_000_000)];

const TIMES: &[(&str, u64)] = &[
    ("us", 1),
    ("µs", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("sec", 1_000_000),
    ("m", 60_000_000),
    ("min", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

/// A number, with a fraction if the unit allows it, and a unit.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = units.iter().find(|(u, _)| *u == unit)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*factor);
    }
    let value = number.parse::<f64>().ok().filter(|_| *factor > 1 && !number.starts_with('.'))?;
    let value = (value * (*factor as f64)).round();
    (value < 9e18).then_some(value as u64)
}

/// A time in units of `us` microseconds; only zero needs no unit, since nobody can tell which was meant.
fn time(text: &str, us: u64) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    // A field that counts milliseconds cannot be compared with less.
    scaled(text, TIMES).filter(|n| n % us == 0).map(|n| n / us)
}

/// A rate in bytes a second: bits or bytes a second with their unit.
fn rate(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    scaled(text, BITS_A_SECOND).map(|bits| bits / 8).or_else(|| scaled(text, BYTES_A_SECOND))
}

/// A port: a number or a service, with the colon of ss before it or without.
pub(super) fn port(text: &str, names: &Names<'_>) -> Result<u16, Wrong> {
    let plain = text.strip_prefix("*:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
    if !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit()) {
        return match plain.parse::<u16>() {
            Ok(port) => Ok(port),
            Err(_) => wrong("ports end at 65535", "write a port from 0 to 65535"),
        };
    }
    if plain.contains([':', '/', '.']) {
        return wrong(
            "a port is expected here, without an address",
            "write addresses as: dst 10.0.0.1:443",
        );
    }
    if let Some(port) = (names.service)(plain) {
        return Ok(port);
    }
    let near = nearest(plain, names.services.iter().map(String::as_str));
    wrong(
        "no port, and no service of /etc/services",
        near.map_or("write the number".to_string(), |n| format!("did you mean {n}?")),
    )
}

/// A port or a range of ports, both ends included.
pub(super) fn ports(text: &str, names: &Names<'_>) -> Result<(u16, u16), Wrong> {
    // Services may have a dash in their name.
    let range = text.split_once('-').filter(|(a, b)| {
        let digits = |t: &str| {
            !t.is_empty() && t.trim_start_matches(':').bytes().all(|b| b.is_ascii_digit())
        };
        digits(a) && digits(b)
    });
    match range {
        None => port(text, names).map(|p| (p, p)),
        Some((low, high)) => match (port(low, names)?, port(high, names)?) {
            (low, high) if low <= high => Ok((low, high)),
            _ => wrong("the range runs backwards", "write the lower port first"),
        },
    }
}

/// An address with an optional prefix length and port, or a port alone: `10.0.0.0/8`, `[::1]:80`, `:443`, `*`. A name of /etc/hosts
/// stands for its addresses.
pub(super) fn hosts(text: &str, names: &Names<'_>) -> Result<Vec<HostPort>, Wrong> {
    let (family, plain) = match (text.strip_prefix("inet6:"), text.strip_prefix("inet:")) {
        (Some(rest), _) => (Some(Family::Ipv6), rest),
        (None, Some(rest)) => (Some(Family::Ipv4), rest),
        (None, None) => (None, text),
    };
    let here = |prefix: Option<Prefix>, port: Option<u16>| {
        if family == Some(Family::Ipv6) && prefix.is_some_and(|p| p.family == Family::Ipv4)
            || family == Some(Family::Ipv4) && prefix.is_some_and(|p| p.family == Family::Ipv6)
        {
            return wrong("the address is of the other family", "leave inet: and inet6: out");
        }
        Ok(vec![HostPort { family, prefix, port }])
    };
    if let Some(prefix) = prefix(plain)? {
        return here(Some(prefix), None);
    }
    if let Some((addr, device)) = plain.split_once('%') {
        let device = device.split([':', ']']).next().unwrap_or_default();
        return wrong(
            "a device is not part of an address",
            format!(
                "write it as: src {} and dev = {device}",
                addr.trim_start_matches('[').trim_end_matches(']')
            ),
        );
    }
    // The port is behind the last colon that stands outside of brackets.
    let (host, port_text) = match plain.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (plain, None),
    };
    let port = match port_text {
        None | Some("" | "*") => None,
        Some(port_text) => Some(port(port_text, names)?),
    };
    if matches!(host, "" | "*" | "any" | "all" | "default") {
        return here(None, port);
    }
    if let Some(prefix) = prefix(host)? {
        return here(Some(prefix), port);
    }
    let found: Vec<HostPort> = (names.host)(host)
        .into_iter()
        .map(|addr| {
            let v4 = addr.as_v4().is_some();
            let (own, length) = if v4 { (Family::Ipv4, 32) } else { (Family::Ipv6, 128) };
            (own, HostPort { family, prefix: Some(Prefix { family: own, addr, length }), port })
        })
        .filter(|(own, _)| family.is_none_or(|f| f == *own))
        .map(|(_, host)| host)
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let digits = host.bytes().all(|b| b.is_ascii_digit());
    wrong(
        "no address, and no name of /etc/hosts",
        if digits {
            format!("for a port write: sport = {host} or dport = {host}")
        } else {
            "write it as 10.0.0.1, 10.0.0.0/8, [::1]:443 or :443; other names are not looked up, since tcpvet never asks the network".to_string()
        },
    )
}

/// An address with an optional prefix length; `None` if it is none.
fn prefix(text: &str) -> Result<Option<Prefix>, Wrong> {
    let (addr_text, length) = match text.split_once('/') {
        Some((addr, length)) => (addr, Some(length)),
        None => (text, None),
    };
    let inner = addr_text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let (family, addr) = match inner.unwrap_or(addr_text).parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) if inner.is_none() => (Family::Ipv4, Addr::v4(v4.octets())),
        Ok(IpAddr::V6(v6)) => (Family::Ipv6, Addr(v6.octets())),
        _ => match length.and_then(|_| short(addr_text)) {
            Some(octets) => (Family::Ipv4, Addr::v4(octets)),
            None => return Ok(None),
        },
    };
    let whole = if family == Family::Ipv4 { 32 } else { 128 };
    let length = match length {
        None => whole,
        // What follows a colon is a port; the caller cuts it off and asks again.
        Some(text) if text.contains(':') => return Ok(None),
        Some(text) => match text.parse::<u8>().ok().or_else(|| mask(text)) {
            Some(n) if n <= whole => n,
            _ => {
                return wrong(
                    format!("the prefix length goes from 0 to {whole}"),
                    "write it as 10.0.0.0/8 or [2001:db8::]/32",
                );
            }
        },
    };
    Ok(Some(Prefix { family, addr: cut(addr, family, length), length }))
}

/// The length of a mask such as 255.255.0.0.
fn mask(text: &str) -> Option<u8> {
    let mask = u32::from(text.parse::<std::net::Ipv4Addr>().ok()?);
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then_some(mask.leading_ones() as u8)
}

/// `10/8` and `192.168/16`, as routes are written: the missing octets are 0.
fn short(text: &str) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let words: Vec<&str> = text.split('.').collect();
    if words.len() > 4 {
        return None;
    }
    for (octet, word) in octets.iter_mut().zip(words) {
        *octet = word.parse().ok()?;
    }
    Some(octets)
}

/// The address with the bits behind the prefix cleared, so that one prefix has one spelling.
fn cut(addr: Addr, family: Family, length: u8) -> Addr {
    let bits = if family == Family::Ipv4 { 96 + u32::from(length) } else { u32::from(length) };
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    Addr(Ipv6Addr::from(u128::from_be_bytes(addr.0) & mask).octets())
}
