//! The pools of programs that bind() to port 0 before they connect(), or that bind and listen: one per local address. A port serves an
//! address as long as no socket whatever has it there or on the wildcard (inet_csk_find_open_port, net/ipv4/inet_connection_sock.c).

use std::collections::HashMap;

use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::endpoint::{Addr, Family};
use crate::model::hash::Quick;
use crate::model::portset::PortSet;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};

/// Who uses which port of the range on which local address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalUse {
    /// In the order of the first socket of each.
    addresses: Vec<OneAddress>,
    /// Ports taken on 0.0.0.0, or on a `::` that takes IPv4 too.
    wildcard_v4: PortSet,
    /// Ports taken on `::`.
    wildcard_v6: PortSet,
    /// Ports of the half that bind(0) tries first which are taken, by address.
    second_half: HashMap<Addr, u32, Quick>,
    /// The same on the wildcard of IPv4 and of IPv6.
    second_half_wildcard: [u32; 2],
    /// Size of that half.
    second_half_size: u32,
}

/// What is used on one address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OneAddress {
    address: Addr,
    /// Ports with any socket.
    ports: Ports,
    /// Of an IPv6 address: ports with a socket that is not known to refuse IPv4.
    open_to_v4: Ports,
    /// Of an IPv6 address: ports with a socket that takes IPv4 for certain.
    takes_v4: PortList,
    /// Ports by the state of the first socket seen there.
    by_state: [u32; 12],
    inodes: Vec<u32>,
}

/// A few ports.
type PortList = Vec<u16>;

/// A set that costs what it holds until that is much: most addresses have a few ports, and some have all.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ports {
    Few(PortList),
    Many(PortSet),
}

/// Ports that are searched one by one.
const FEW: usize = 64;

impl Ports {
    /// Adds a port; false if it was there.
    fn insert(&mut self, port: u16) -> bool {
        match self {
            Ports::Few(list) if list.contains(&port) => false,
            Ports::Few(list) if list.len() < FEW => {
                list.push(port);
                true
            }
            Ports::Few(list) => {
                let mut set = PortSet::default();
                list.iter().for_each(|p| set.insert(*p));
                set.insert(port);
                *self = Ports::Many(set);
                true
            }
            Ports::Many(set) if set.has(port) => false,
            Ports::Many(set) => {
                set.insert(port);
                true
            }
        }
    }

    fn add_to(&self, to: &mut PortSet) {
        match self {
            Ports::Few(list) => list.iter().for_each(|p| to.insert(*p)),
            Ports::Many(set) => to.add(set),
        }
    }
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
    /// Ports with a socket on this very address, of the wildcard on any, by the state of the first socket there, in the order of
    /// [`State::ALL`].
    pub by_state: [u32; 12],
    /// How many more bind() calls to port 0 succeed, at least.
    pub headroom: u32,
    /// The same at most: one more, where the range has an odd number of ports and the search may leave an end of it out; and on
    /// 0.0.0.0 the ports of IPv6 connections, which stand in its way unless they are IPV6_V6ONLY, which the kernel does not tell.
    pub headroom_max: u32,
    /// Inodes of the sockets on this very address, where processes have them; a wildcard's holders are those of all addresses besides.
    pub inodes: Vec<u32>,
}

impl BindPool {
    /// Whether this is the pool of 0.0.0.0 or `::`.
    pub fn is_wildcard(&self) -> bool {
        self.local_addr.is_wildcard()
    }

    /// Share of the usable ports that is taken; a pool without a usable port is full.
    pub fn ratio(&self) -> f64 {
        if self.usable == 0 { 1.0 } else { f64::from(self.used) / f64::from(self.usable) }
    }
}

/// States that hold a port on their address; a request in progress is its listener's.
const HOLDING: StateSet = StateSet(StateSet::ALL.0 & !(1 << State::SynRecv as u32));

impl LocalUse {
    pub(super) fn of(snapshot: &Snapshot, range: &EphemeralRange) -> LocalUse {
        let mut index: HashMap<Addr, usize, Quick> = HashMap::default();
        let mut local = LocalUse::default();
        for socket in snapshot.sockets.iter() {
            if !HOLDING.has(socket.state) || !range.has(socket.local_port) {
                continue;
            }
            local.note_wildcard(socket);
            let addresses = &mut local.addresses;
            let at = *index.entry(socket.local_addr).or_insert_with(|| {
                addresses.push(OneAddress::new(socket.local_addr));
                addresses.len() - 1
            });
            let is_new = addresses.get_mut(at).is_some_and(|one| one.note(socket));
            if is_new && !range.is_first_half(socket.local_port) {
                *local.second_half.entry(socket.local_addr).or_default() += 1;
            }
        }
        let (low, high) = (range.low, range.high);
        local.second_half_size = range.size() - range.first_half();
        local.second_half_wildcard = [&local.wildcard_v4, &local.wildcard_v6]
            .map(|set| set.count_in(low, high) - set.count_parity(low, high));
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

    /// Share of the half of the range that bind(0) tries first which is taken on an address; what is on the wildcard counts for all.
    pub(super) fn second_half_share(&self, address: Addr) -> f64 {
        let [v4, v6] = self.second_half_wildcard;
        let common = if address.as_v4().is_some() { v4 } else { v6 };
        let own = self.second_half.get(&address).copied().unwrap_or_default();
        match self.second_half_size {
            0 => 1.0,
            size => f64::from(own + common) / f64::from(size),
        }
    }

    /// The pools of the wildcards, of every local address with a socket in the range, and of `also`; least headroom first.
    pub fn pools(&self, range: &EphemeralRange, also: Option<Addr>) -> Vec<BindPool> {
        let mut pools: Vec<BindPool> = Vec::new();
        for one in self.addresses.iter().filter(|one| !one.address.is_wildcard()) {
            let wildcard = self.wildcard(one.address);
            let mut taken = wildcard.clone();
            one.ports.add_to(&mut taken);
            pools.push(pool(range, one.address, &[one], &taken, wildcard));
        }
        pools.push(self.wildcard_pool(range));
        // A socket on `::` that takes IPv4 too meets everybody.
        let all: Vec<&OneAddress> = self.addresses.iter().collect();
        let mut taken = PortSet::default();
        all.iter().for_each(|one| one.ports.add_to(&mut taken));
        pools.push(pool(range, Addr([0; 16]), &all, &taken, &self.wildcard_v6));
        if let Some(address) = also.filter(|a| pools.iter().all(|p| p.local_addr != *a)) {
            let wildcard = self.wildcard(address);
            pools.push(pool(range, address, &[], wildcard, wildcard));
        }
        pools.sort_by_key(|p| (p.headroom, p.local_addr));
        pools
    }

    /// Ports with a socket on this very address, or on the wildcard.
    pub(super) fn ports_on(&self, address: Addr) -> impl Iterator<Item = u16> {
        let mut ports = self.wildcard(address).clone();
        let of = self.addresses.iter().filter(|one| one.address == address);
        of.for_each(|one| one.ports.add_to(&mut ports));
        ports.iter().collect::<Vec<u16>>().into_iter()
    }

    /// The pool of 0.0.0.0: it meets IPv6 sockets too, unless they refuse IPv4 (ipv4_rcv_saddr_equal looks at nothing else), and of
    /// connections the kernel does not tell that.
    fn wildcard_pool(&self, range: &EphemeralRange) -> BindPool {
        let (mut certain, mut possible) = (self.wildcard_v4.clone(), self.wildcard_v4.clone());
        for one in &self.addresses {
            if one.address.as_v4().is_some() {
                one.ports.add_to(&mut certain);
            } else {
                one.open_to_v4.add_to(&mut possible);
                one.takes_v4.iter().for_each(|p| certain.insert(*p));
            }
        }
        possible.add(&certain);
        let all: Vec<&OneAddress> = self.addresses.iter().collect();
        let pool = pool(range, Addr::v4([0; 4]), &all, &possible, &self.wildcard_v4);
        let maybe = pool.used - certain.count_in(range.low, range.high);
        BindPool { headroom_max: pool.headroom_max + maybe, ..pool }
    }
}

impl OneAddress {
    fn new(address: Addr) -> OneAddress {
        OneAddress {
            address,
            ports: Ports::Few(PortList::new()),
            open_to_v4: Ports::Few(PortList::new()),
            takes_v4: PortList::new(),
            by_state: [0; 12],
            inodes: Vec::new(),
        }
    }

    /// Notes a socket; false if its port was there.
    fn note(&mut self, socket: &Socket) -> bool {
        let port = socket.local_port;
        if socket.inode != 0 {
            self.inodes.push(socket.inode);
        }
        if self.address.as_v4().is_none() && !socket.v6only {
            self.open_to_v4.insert(port);
            if matches!(socket.state, State::Listen | State::BoundInactive) {
                self.takes_v4.push(port);
            }
        }
        let is_new = self.ports.insert(port);
        if let Some(count) = self.by_state.get_mut(socket.state.index()).filter(|_| is_new) {
            *count += 1;
        }
        is_new
    }
}

/// The pool of `address`, of which `taken` are no longer to be had.
fn pool(
    range: &EphemeralRange,
    address: Addr,
    by: &[&OneAddress],
    taken: &PortSet,
    wildcard: &PortSet,
) -> BindPool {
    let mut by_state = [0; 12];
    for one in by {
        by_state.iter_mut().zip(one.by_state).for_each(|(sum, n)| *sum += n);
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
        headroom_max: free,
        inodes: by
            .iter()
            .filter(|one| one.address == address)
            .flat_map(|one| one.inodes.iter().copied())
            .collect(),
    }
}
