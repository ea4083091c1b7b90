//! The addresses of the namespace under examination.

use crate::model::addresses::{Addresses, Routes};
use crate::sys::{Kind, System};
use crate::wire::local_addresses::{fib_trie, ipv6_route};

/// Reads them.
pub fn read(system: &dyn System) -> Addresses {
    let v4 = system.read("/proc/net/fib_trie").ok().map(|text| fib_trie(&text));
    let v6 = match system.read("/proc/net/ipv6_route") {
        Ok(text) => Some(ipv6_route(&text)),
        // A kernel without IPv6 has no address of it.
        Err(e) if e.kind == Kind::Absent && v4.is_some() => Some(Routes::default()),
        Err(_) => None,
    };
    Addresses { v4, v6 }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::endpoint::Addr;

    #[test]
    fn what_could_not_be_read_is_not_known() {
        let nothing = read(&Scripted::default());
        assert_eq!((nothing.v4, nothing.v6), (None, None));
        let trie = "|-- 127.0.0.1\n /32 host LOCAL\n";
        let without_six = read(&Scripted::default().file("/proc/net/fib_trie", trie));
        assert_eq!(without_six.has(Addr::v4([127, 0, 0, 1])), Ok(true));
        assert_eq!(without_six.has(Addr([7; 16])), Ok(false), "a kernel without IPv6");
    }
}
