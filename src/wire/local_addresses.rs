//! The addresses of a network namespace, by its routes to itself: `/proc/net/fib_trie` (net/ipv4/fib_trie.c) and
//! `/proc/net/ipv6_route` (net/ipv6/route.c, rt6_info_route).

use crate::model::addresses::{Prefix, Routes};
use crate::model::endpoint::Addr;

/// RTF_LOCAL (include/uapi/linux/ipv6_route.h).
const RTF_LOCAL: u32 = 0x8000_0000;

/// Reads leaves like `|-- 127.0.0.0`, each followed by lines like `/8 host LOCAL`. Tables but for `Main:` and `Local:` are those of rules.
pub fn fib_trie(text: &[u8]) -> Routes {
    let mut leaf = None;
    let mut by_rule = false;
    let mut found = Routes::default();
    for line in String::from_utf8_lossy(text).lines() {
        let line = line.trim_end();
        let inner = line.trim_start();
        if inner == line && line.ends_with(':') {
            by_rule = !matches!(line, "Main:" | "Local:");
            leaf = None;
        } else if let Some(addr) = inner.strip_prefix("|-- ") {
            leaf = addr.parse::<std::net::Ipv4Addr>().ok();
        } else if inner.starts_with("+-- ") {
            leaf = None;
        } else if let (Some(addr), Some(rest)) = (leaf, inner.strip_prefix('/'))
            && let Some((length, rest)) = rest.split_once(' ')
            && rest.split_whitespace().any(|word| word == "LOCAL")
            && let Ok(length @ 0..=32) = length.parse::<u8>()
        {
            found.add(Prefix { addr: Addr::v4(addr.octets()), length: 96 + length }, by_rule);
        }
    }
    found
}

/// Reads lines of destination, its length, source, its length, next hop, metric, references, uses, flags and device, in hexadecimal. They
/// do not tell their table: what is more than one address may be that of a rule.
pub fn ipv6_route(text: &[u8]) -> Routes {
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        let length = u8::from_str_radix(words.get(1)?, 16).ok().filter(|l| *l <= 128)?;
        let addr = words.first().filter(|w| w.len() == 32)?;
        let addr = u128::from_str_radix(addr, 16).ok()?;
        (flags & RTF_LOCAL != 0).then(|| Prefix { addr: Addr(addr.to_be_bytes()), length })
    };
    let mut found = Routes::default();
    for prefix in String::from_utf8_lossy(text).lines().filter_map(one) {
        found.add(prefix, prefix.length < 128);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_routes_of_every_table() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.9.0.0\n        /24 link UNICAST\n\
            Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
            \x20    |-- 10.9.0.255\n        /32 link BROADCAST\n     |-- 10.9.0.1\n        /32 host LOCAL\n";
        let found = fib_trie(text.as_bytes());
        let has = |a: [u8; 4]| found.has(Addr::v4(a));
        assert_eq!([[127, 3, 0, 9], [10, 9, 0, 1]].map(has), [Some(true); 2]);
        assert_eq!([[10, 9, 0, 255], [10, 9, 0, 2], [8, 8, 8, 8]].map(has), [Some(false); 3]);
        // As for a transparent proxy: what comes there is a matter of rules.
        let ruled = format!("{text}Id 100:\n  |-- 0.0.0.0\n     /0 host LOCAL\n");
        let found = fib_trie(ruled.as_bytes());
        assert_eq!(
            [[10, 9, 0, 1], [8, 8, 8, 8]].map(|a| found.has(Addr::v4(a))),
            [Some(true), None]
        );
    }

    #[test]
    fn local_routes_of_ipv6() {
        let route = |dest: &str, length: &str, flags: &str| {
            format!(
                "{dest} {length} {0} 00 {0} 00000100 00000001 00000000 {flags}       lo\n",
                "0".repeat(32)
            )
        };
        let one = format!("{}1", "0".repeat(31));
        let text = route(&one, "80", "80200001")
            + &route(&"0".repeat(32), "00", "00200200")
            + &route("20010db8000000000000000000000000", "20", "00000001")
            + "short\n";
        let found = ipv6_route(text.as_bytes());
        let has = |a: &str| found.has(Addr(a.parse::<std::net::Ipv6Addr>().unwrap().octets()));
        assert_eq!(
            (has("::1"), has("::2"), has("2001:db8::1")),
            (Some(true), Some(false), Some(false))
        );
        let any = text + &route("20010db8000000000000000000000000", "20", "80200001");
        let found = ipv6_route(any.as_bytes());
        let addr = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap();
        assert_eq!(found.has(Addr(addr.octets())), None);
    }
}
