//! What the rules ask to be read beyond the table, having seen the table: details, owners and descriptors cost time, and most runs
//! need few of them.

use std::collections::BTreeSet;

use super::state::StateSet;

/// A list of further reads; the wishes of several rules add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants {
    /// States whose details (tcp_info, memory) are needed.
    pub details: StateSet,
    /// Rows of the table whose details are needed: a few, asked for one by one.
    pub rows: BTreeSet<u32>,
    /// The details of every connection that ever sent something twice.
    pub retransmitters: bool,
    /// The details of so many sockets, those that hold the most memory.
    pub memory_holders: usize,
    /// Far ports toward which live connections must show their options.
    pub peer_ports: BTreeSet<u16>,
    /// Which ports were taken by an explicit bind().
    pub explicit_ports: bool,
    /// Inodes whose holders are needed.
    pub owners: BTreeSet<u32>,
    /// Whether it matters what took the ports of those.
    pub buckets: bool,
    /// Descriptor counts of every process, and a closer look at those that hold CLOSE_WAIT or use more than half of theirs.
    pub descriptors: bool,
    /// From so many sockets that no table can show on, every process is looked into for them; else only those that hold CLOSE_WAIT are.
    pub unhashed_from: i64,
}

impl Default for Wants {
    fn default() -> Self {
        Wants {
            details: StateSet::NONE,
            rows: BTreeSet::new(),
            retransmitters: false,
            memory_holders: 0,
            peer_ports: BTreeSet::new(),
            explicit_ports: false,
            owners: BTreeSet::new(),
            buckets: false,
            descriptors: false,
            unhashed_from: i64::MAX,
        }
    }
}

impl Wants {
    /// Adds what another rule asks.
    pub fn add(&mut self, other: Wants) {
        self.details = self.details.union(other.details);
        self.rows.extend(other.rows);
        self.retransmitters |= other.retransmitters;
        self.memory_holders = self.memory_holders.max(other.memory_holders);
        self.peer_ports.extend(other.peer_ports);
        self.explicit_ports |= other.explicit_ports;
        self.owners.extend(other.owners);
        self.buckets |= other.buckets;
        self.descriptors |= other.descriptors;
        self.unhashed_from = self.unhashed_from.min(other.unhashed_from);
    }
}
