//! Namespaces in which there is nothing to look at.

use std::collections::BTreeMap;

use crate::sys::System;
use crate::wire::counters;

/// Whether a namespace has no socket and no bucket, by the kernel's own counts: then there is nothing in it to look at.
pub fn is_empty(system: &dyn System) -> bool {
    let mut counts = BTreeMap::new();
    for text in system.read_all(&["/proc/net/sockstat", "/proc/net/sockstat6"]) {
        counters::sockstat(&text.unwrap_or_default(), &mut counts);
    }
    let of = |name: &str| counts.get(name).copied();
    let none = |name: &str| of(name).is_none_or(|n| n == 0);
    of("sockstat.sockets.used") == Some(0)
        && none("sockstat.TCP.inuse")
        && none("sockstat.TCP6.inuse")
        && none("sockstat.TCP.tw")
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;

    #[test]
    fn one_socket_or_one_bucket_is_something() {
        let with = |text: &str| is_empty(&Scripted::default().file("/proc/net/sockstat", text));
        // What stands behind orphan, alloc and mem is the whole host's.
        let nothing = "sockets: used 0\nTCP: inuse 0 orphan 7 tw 0 alloc 9 mem 8\n";
        assert!(with(nothing));
        assert!(!with(&nothing.replace("used 0", "used 1")));
        assert!(!with(&nothing.replace("tw 0", "tw 1")));
        assert!(!with(&nothing.replace("inuse 0", "inuse 1")));
        assert!(!with(""), "what cannot be read may hold anything");
    }
}
