//! The pools of programs that bind() to port 0 before they connect(), or that bind and listen: one per local address. A port serves an
//! address as long as no socket whatever has it there or on the wildcard (inet_csk_find_open_port, net/ipv4/inet_connection_sock.c).

use std::collections::HashMap;

use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::endpoint::{Addr, Family};
use crate::model::portset::PortSet;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};

/// One socket on a port of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    /// Position of its local address.
    at: u32,
    port: u16,
    /// TIME_WAIT stands last: of two rows of one port the living one counts.
    is_bucket: bool,
    state: State,
    v6only: bool,
    inode: u32,
}

/// Who uses which port of the range on which local address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalUse {
    /// By number.
    addresses: Vec<Addr>,
    /// By address, one per port.
    uses: Vec<Use>,
    /// Ports taken on 0.0.0.0, or on a `::` that takes IPv4 too.
    wildcard_v4: PortSet,
    /// Ports taken on `::`.
    wildcard_v6: PortSet,
    /// Second-half ports taken, by address.
    second_half: HashMap<Addr, u32>,
}

/// How full the pool of one local address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindPool {
    /// The address that bind() names.
    pub local_addr: Addr,
    /// Ports of the range that are not reserved.
    pub usable: u32,
    /// Of those, ports that a bind() to this address cannot get.
    pub used: u32,
    /// Ports of `used` taken on the wildcard address.
    pub on_wildcard: u32,
    /// Ports of `used` with a socket on this very address, by the state of that socket in the order of [`State::ALL`].
    pub by_state: [u32; 12],
    /// How many more bind() calls to port 0 succeed, at least.
    pub headroom: u32,
    /// The same at most: one more, where the range has an odd number of ports and the search may leave an end of it out; and on
    /// 0.0.0.0 the ports of IPv6 connections, which stand in its way unless they are IPV6_V6ONLY, which the kernel does not tell.
    pub headroom_max: u32,
    /// Inodes of the sockets that hold ports, where processes have them.
    pub inodes: Vec<u32>,
}

impl BindPool {
    /// Share of the usable ports that is taken; a pool without a usable port is full.
    pub fn ratio(&self) -> f64 {
        if self.usable == 0 { 1.0 } else { f64::from(self.used) / f64::from(self.usable) }
    }
}

/// States that hold a port on their address; a request in progress is its listener's.
const HOLDING: StateSet = StateSet(StateSet::ALL.0 & !(1 << State::SynRecv as u32));

impl LocalUse {
    pub(super) fn of(snapshot: &Snapshot, range: &EphemeralRange) -> LocalUse {
        let mut numbers: HashMap<Addr, u32> = HashMap::new();
        let mut local = LocalUse::default();
        for socket in snapshot.sockets.iter() {
            if !HOLDING.has(socket.state) || !range.has(socket.local_port) {
                continue;
            }
            local.note_wildcard(socket);
            let addresses = &mut local.addresses;
            let at = *numbers.entry(socket.local_addr).or_insert_with(|| {
                addresses.push(socket.local_addr);
                addresses.len() as u32 - 1
            });
            local.uses.push(Use {
                at,
                port: socket.local_port,
                is_bucket: socket.is_kernel_owned(),
                state: socket.state,
                v6only: socket.v6only,
                inode: socket.inode,
            });
        }
        local.uses.sort_unstable();
        local.uses.dedup_by_key(|u| (u.at, u.port));
        for one in local.uses.iter().filter(|u| !range.is_first_half(u.port)) {
            if let Some(address) = local.addresses.get(one.at as usize) {
                *local.second_half.entry(*address).or_default() += 1;
            }
        }
        local
    }

    fn note_wildcard(&mut self, socket: &Socket) {
        if !socket.local_addr.is_wildcard() {
            return;
        }
        if socket.family == Family::Ipv4 || !socket.v6only {
            self.wildcard_v4.insert(socket.local_port);
        }
        if socket.local_addr.as_v4().is_none() {
            self.wildcard_v6.insert(socket.local_port);
        }
    }

    /// Ports that are taken on the wildcard in a way that a bind() to `address` meets.
    fn wildcard(&self, address: Addr) -> &PortSet {
        if address.as_v4().is_some() { &self.wildcard_v4 } else { &self.wildcard_v6 }
    }

    /// Share of the second half of the range that is taken on an address; what is on the wildcard counts for all.
    pub(super) fn second_half_share(&self, range: &EphemeralRange, address: Addr) -> f64 {
        let half = range.size() - range.first_half();
        let wildcard = |set: &PortSet| {
            set.count_in(range.low, range.high) - set.count_parity(range.low, range.high)
        };
        let common = wildcard(self.wildcard(address));
        let own = self.second_half.get(&address).copied().unwrap_or_default();
        if half == 0 { 1.0 } else { f64::from(own + common) / f64::from(half) }
    }

    /// The pools of the wildcards, of every local address with a socket in the range, and of `also`; least headroom first.
    pub fn pools(&self, range: &EphemeralRange, also: Option<Addr>) -> Vec<BindPool> {
        let mut pools: Vec<BindPool> = self
            .uses
            .chunk_by(|a, b| a.at == b.at)
            .filter_map(|uses| {
                let address = *self.addresses.get(uses.first()?.at as usize)?;
                let wildcard = self.wildcard(address);
                (!address.is_wildcard()).then(|| pool(range, address, uses, wildcard, 0))
            })
            .collect();
        // 0.0.0.0 meets IPv6 sockets too, unless they refuse IPv4 (ipv4_rcv_saddr_equal looks at nothing else).
        let any_v4 = self.merged(|u, a| a.as_v4().is_some() || !u.v6only);
        let certain = self.merged(|u, a| a.as_v4().is_some() || u.tells_v6only() && !u.v6only);
        let maybe = any_v4.len() - certain.len();
        let wildcard = Addr::v4([0; 4]);
        pools.push(pool(range, wildcard, &any_v4, &self.wildcard_v4, maybe as u32));
        // A socket on `::` that takes IPv4 too meets everybody.
        pools.push(pool(range, Addr([0; 16]), &self.merged(|_, _| true), &self.wildcard_v6, 0));
        if let Some(address) = also.filter(|a| pools.iter().all(|p| p.local_addr != *a)) {
            pools.push(pool(range, address, &[], self.wildcard(address), 0));
        }
        pools.sort_by_key(|p| (p.headroom, p.local_addr));
        pools
    }

    /// One use per port, over all uses that `of` takes.
    fn merged(&self, of: impl Fn(&Use, Addr) -> bool) -> Vec<Use> {
        let takes = |u: &&Use| self.addresses.get(u.at as usize).is_some_and(|a| of(u, *a));
        let mut uses: Vec<Use> = self.uses.iter().filter(takes).copied().collect();
        uses.sort_unstable_by_key(|u| (u.port, u.is_bucket, u.at));
        uses.dedup_by_key(|u| u.port);
        uses
    }
}

impl Use {
    /// Whether the kernel tells of such a socket if it is IPV6_V6ONLY.
    fn tells_v6only(&self) -> bool {
        matches!(self.state, State::Listen | State::BoundInactive)
    }
}

/// The pool of an address; of the ports in its way, `maybe` may not be.
fn pool(
    range: &EphemeralRange,
    address: Addr,
    uses: &[Use],
    wildcard: &PortSet,
    maybe: u32,
) -> BindPool {
    let mut taken = wildcard.clone();
    let mut by_state = [0; 12];
    for one in uses {
        taken.insert(one.port);
        if let Some(count) = by_state.get_mut(one.state.index()) {
            *count += 1;
        }
    }
    let (usable, used) = (range.size(), taken.count_in(range.low, range.high));
    let free = usable.saturating_sub(used);
    let is_open = |port: u16| range.has(port) && !taken.has(port);
    let ends = range.ends_left_out().filter(|(low, high)| is_open(*low) || is_open(*high));
    BindPool {
        local_addr: address,
        usable,
        used,
        on_wildcard: wildcard.count_in(range.low, range.high),
        by_state,
        headroom: free - u32::from(ends.is_some() && free > 0),
        headroom_max: free + maybe,
        inodes: uses.iter().map(|u| u.inode).filter(|i| *i != 0).collect(),
    }
}
