//! The addresses of the namespace under examination.

use crate::model::addresses::Addresses;
use crate::sys::{Kind, System};
use crate::wire::local_addresses::{fib_trie, ipv6_route};

/// Reads them.
pub fn read(system: &dyn System) -> Addresses {
    let v4 = system.read("/proc/net/fib_trie").ok().map(|text| fib_trie(&text));
    let v6 = match system.read("/proc/net/ipv6_route") {
        Ok(text) => Some(ipv6_route(&text)),
        // A kernel without IPv6 has no address of it.
        Err(e) if e.kind == Kind::Absent && v4.is_some() => Some(Vec::new()),
        Err(_) => None,
    };
    Addresses { v4, v6 }
}
