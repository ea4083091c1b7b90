//! The arithmetic of ephemeral ports: which pool a connection draws from, how much of it is used, how many more connect() calls
//! succeed, when it is full. Formulas and their measurements: net/ipv4/inet_hashtables.c __inet_hash_connect. Everything that says
//! anything of ports says it from here: `ports`, `summary`, the rules and the advice.

pub mod bind_first;
pub mod bind_pool;
mod client;
pub mod forecast;
pub mod held;
pub mod history;
pub mod pool;
pub mod port;
pub mod range;
#[cfg(test)]
mod tests;
pub mod what_if;

pub use client::{Crowd, LIVE, is_client};
pub use pool::Pool;
pub use range::EphemeralRange;

use std::cmp::Reverse;

use super::Snapshot;
use super::destination::Destination;
use super::listener::Listeners;
use bind_pool::LocalUse;
use client::{Tally, tallies};
use held::Held;
use pool::Common;

/// The ephemeral ports of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// The range that all pools draw from.
    pub range: EphemeralRange,
    /// What no connection can have.
    pub held: Held,
    /// Ports that serve a destination without connections: the range less what is held.
    pub free: u32,
    /// Distinct ports of the range that client connections use, toward whatever destination.
    pub in_use: u32,
    /// Destinations with at least one client connection.
    pub destinations: usize,
    /// The pools that were looked at, fullest first.
    pub pools: Vec<Pool>,
    /// Destinations with many open connections from here, most first.
    pub crowds: Vec<Crowd>,
    /// Who has which port on which local address.
    pub local: LocalUse,
    /// Inodes of client sockets on ports that bind() took first, for certain or as it looks.
    pub bound_first_inodes: Vec<u32>,
}

impl Ports {
    /// Looks at every pool of a snapshot; `None` if the range is unknown.
    pub fn of(snapshot: &Snapshot) -> Option<Ports> {
        Some(Ports::with(snapshot, EphemeralRange::of(snapshot)?, 0))
    }

    /// Looks at the pools with at least a fortieth of the range in use; the others are far from any limit.
    pub fn busy(snapshot: &Snapshot) -> Option<Ports> {
        let range = EphemeralRange::of(snapshot)?;
        let least = (range.size() / 40).max(1);
        Some(Ports::with(snapshot, range, least))
    }

    /// Looks at the pools of a given range that use at least so many ports.
    pub fn with(snapshot: &Snapshot, range: EphemeralRange, least: u32) -> Ports {
        let listeners = Listeners::of(snapshot);
        let mut tallies = tallies(snapshot, &range, &listeners);
        let local = LocalUse::of(snapshot, &range);
        let held = Held::of(snapshot, &range, &listeners, &tallies, &local);
        let size = range.size();
        let free = size.saturating_sub(held.count);
        let clients = tallies.iter().flat_map(|t| &t.clients);
        let mut bound_first_inodes: Vec<u32> =
            clients.filter(|c| c.inode != 0 && held.looks_bound(c.port)).map(|c| c.inode).collect();
        bound_first_inodes.sort_unstable();
        bound_first_inodes.dedup();
        let in_use = client::ports(&tallies).count_in(range.low, range.high);
        let destinations = tallies.len();
        let crowds = client::crowds(&tallies);
        tallies.retain(|t| t.clients.len() as u32 >= least);
        let common = Common::of(snapshot, &range, &held);
        let mut pools: Vec<Pool> = tallies.iter().map(|t| common.pool(t)).collect();
        pools.sort_by(|a, b| {
            b.used_ratio().total_cmp(&a.used_ratio()).then(a.destination.cmp(&b.destination))
        });
        Ports { range, held, free, in_use, destinations, pools, crowds, local, bound_first_inodes }
    }

    /// The pool of a destination that nobody connects to yet.
    pub fn empty(&self, snapshot: &Snapshot, destination: Destination) -> Pool {
        let common = Common::of(snapshot, &self.range, &self.held);
        common.pool(&Tally { destination, clients: Vec::new(), timestamps: None })
    }

    /// Ports of the range on an address or the wildcard that bind() or listen() took, as far as that is known.
    pub fn bound_on(&self, address: super::endpoint::Addr) -> u32 {
        let held = &self.held;
        let mut bound = held.bound_first.clone();
        [&held.explicit, &held.inactive, &held.unexplained, &held.listening]
            .into_iter()
            .for_each(|set| bound.add(set));
        self.local.ports_on(address).filter(|p| bound.has(*p)).count() as u32
    }

    /// The pools with the least headroom first.
    pub fn by_headroom(&self) -> Vec<&Pool> {
        let mut pools: Vec<&Pool> = self.pools.iter().collect();
        pools.sort_by_key(|p| (p.headroom(), Reverse(p.used), p.destination));
        pools
    }
}
