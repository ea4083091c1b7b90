//! Counters of /proc/net/snmp, netstat, sockstat and sockstat6 by name; names are data, so a new kernel's counter needs no code.

use std::collections::BTreeMap;

/// Counters by `Group.Name`, such as `Tcp.CurrEstab`, `TcpExt.ListenOverflows`, `sockstat.TCP.tw`.
/// A missing name is unknown, never zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters(pub BTreeMap<String, i64>);

impl Counters {
    /// One counter; `None` if this kernel does not have it or its file could not be read.
    pub fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }
}
