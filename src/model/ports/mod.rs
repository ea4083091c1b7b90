//! The arithmetic of ephemeral ports: which pool a connection draws from, how much of it is used, how many more connect() calls
//! succeed. Formulas and their measurements: net/ipv4/inet_hashtables.c __inet_hash_connect.

use std::collections::HashMap;

use super::Snapshot;
use super::destination::Destination;
use super::listener::Listeners;
use super::portset::PortSet;
use super::reuse::{Reuse, reuse};
use super::socket::{Detail, Socket};
use super::state::{State, StateSet};

/// The ports that connect() may choose from in this namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EphemeralRange {
    /// Lowest port.
    pub low: u16,
    /// Highest port.
    pub high: u16,
    /// Ports kept out of automatic choice (ip_local_reserved_ports).
    pub reserved: PortSet,
}

impl EphemeralRange {
    /// Reads range and reservation; `None` if the range is unknown.
    pub fn of(snapshot: &Snapshot) -> Option<EphemeralRange> {
        let (low, high) = snapshot.sysctls.range("net.ipv4.ip_local_port_range")?;
        let reserved = snapshot
            .sysctls
            .text("net.ipv4.ip_local_reserved_ports")
            .and_then(PortSet::parse)
            .unwrap_or_default();
        Some(EphemeralRange { low, high, reserved })
    }

    /// Whether connect() may choose `port`.
    pub fn has(&self, port: u16) -> bool {
        (self.low..=self.high).contains(&port) && !self.reserved.has(port)
    }

    /// Number of ports that connect() may choose.
    pub fn size(&self) -> u32 {
        u32::from(self.high) - u32::from(self.low) + 1 - self.reserved.count_in(self.low, self.high)
    }
}

/// How full one pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Whose pool.
    pub destination: Destination,
    /// Distinct ports in use toward the destination, in any state.
    pub used: u32,
    /// Of those, TIME_WAIT sockets.
    pub time_wait: u32,
    /// Of those, TIME_WAIT sockets old enough for reuse, whether or not reuse applies.
    pub time_wait_old: u32,
    /// TIME_WAIT sockets that closed within the last 10 s.
    pub closed_last_10s: u32,
    /// Milliseconds until the first TIME_WAIT of the pool ends, or can be reused.
    pub first_release_ms: Option<u32>,
    /// Ports of the range lost to listeners and binders, other than those already counted as used.
    pub held: u32,
    /// Ports that can serve this destination at all: the range less `held`.
    pub usable: u32,
    /// Ports counted as free that connect() may never try: in a range of an odd number of ports the search starts at the lowest only
    /// by chance and does not come back to it (`remaining &= ~1U` in __inet_hash_connect). 0 or 1.
    pub untried: u32,
    /// Whether live connections of the pool use timestamps; `None` if none was read.
    pub timestamps: Option<bool>,
    /// Whether TIME_WAIT ports can be taken over.
    pub reuse: Reuse,
    /// Inodes of the members that have one: connections that some process still holds.
    pub inodes: Vec<u32>,
}

impl Pool {
    /// Ports that stand in the way of a new connect() for certain.
    pub fn blocked_min(&self) -> u32 {
        match self.reuse {
            Reuse::Not(_) => self.used,
            Reuse::Applies { .. } | Reuse::Unknown { .. } => self.used - self.time_wait_old,
        }
    }

    /// Ports that stand in the way of a new connect() if reuse does not help where it is unknown.
    pub fn blocked_max(&self) -> u32 {
        match self.reuse {
            Reuse::Applies { .. } => self.used - self.time_wait_old,
            Reuse::Not(_) | Reuse::Unknown { .. } => self.used,
        }
    }

    /// How many more connect() calls succeed, at least.
    pub fn headroom(&self) -> u32 {
        self.usable.saturating_sub(self.blocked_max())
    }

    /// How many more connect() calls succeed, at most; differs from [`Pool::headroom`] only where reuse is unknown.
    pub fn headroom_max(&self) -> u32 {
        self.usable.saturating_sub(self.blocked_min())
    }

    /// Milliseconds for which a port stays taken after this side closed.
    pub fn hold_ms(&self) -> u32 {
        match self.reuse {
            Reuse::Applies { delay_ms } => delay_ms,
            Reuse::Not(_) | Reuse::Unknown { .. } => super::socket::TIME_WAIT_MS,
        }
    }

    /// `part` of the usable ports as a ratio; a pool without a usable port is full.
    pub fn ratio(&self, part: u32) -> f64 {
        if self.usable == 0 { 1.0 } else { f64::from(part) / f64::from(self.usable) }
    }
}

/// Whether a socket is the client side of a connection, as far as one dump shows: its port is ephemeral and nobody listens on it.
pub fn is_client(socket: &Socket, range: &EphemeralRange, listeners: &Listeners) -> bool {
    socket.peer_port != 0
        && (range.low..=range.high).contains(&socket.local_port)
        && !matches!(
            socket.state,
            State::Listen | State::BoundInactive | State::Close | State::SynRecv
        )
        && !listeners.ports().has(socket.local_port)
}

/// The states in which a live connection tells whether its ends use timestamps.
pub const LIVE: StateSet =
    StateSet((1 << 1) | (1 << 4) | (1 << 5) | (1 << 8) | (1 << 9) | (1 << 11));

/// The range of a namespace and its busy pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// The range that all pools draw from.
    pub range: EphemeralRange,
    /// Ports that serve a destination without connections: the range less what is held.
    pub free: u32,
    /// Distinct ports of the range that client connections use, toward whatever destination.
    pub in_use: u32,
    /// Pools with at least a fortieth of the ports in use, fullest first; the others are far from any limit.
    pub busy: Vec<Pool>,
}

/// Most pools that are looked at closely: where so many destinations are busy, the worst tell enough.
const MAX_POOLS: usize = 1000;

/// The ports of a range that no automatic choice can get, counted once for all pools.
struct Room {
    size: u32,
    held: PortSet,
    held_count: u32,
}

impl Room {
    fn of(snapshot: &Snapshot, range: &EphemeralRange, listeners: &Listeners) -> Room {
        let held = held_ports(snapshot, range, listeners);
        let held_count = held.count_in(range.low, range.high);
        Room { size: range.size(), held, held_count }
    }

    fn free(&self) -> u32 {
        self.size.saturating_sub(self.held_count)
    }
}

impl Pools {
    /// Looks at the pools of a snapshot; `None` if the range is unknown.
    pub fn of(snapshot: &Snapshot) -> Option<Pools> {
        let range = EphemeralRange::of(snapshot)?;
        let listeners = Listeners::of(snapshot);
        let free = Room::of(snapshot, &range, &listeners).free();
        let mut ports = PortSet::default();
        for socket in snapshot.sockets.iter().filter(|s| is_client(s, &range, &listeners)) {
            ports.insert(socket.local_port);
        }
        let in_use = ports.count_in(range.low, range.high);
        let busy = pools(snapshot, &range, (free / 40).max(1));
        Some(Pools { range, free, in_use, busy })
    }
}

/// Destinations with at least `min_used` client sockets, most used first. Cheap: one pass over the table.
fn busy_destinations(
    snapshot: &Snapshot,
    range: &EphemeralRange,
    listeners: &Listeners,
    min_used: u32,
) -> Vec<(Destination, u32)> {
    let mut counts: HashMap<Destination, u32> = HashMap::new();
    for socket in snapshot.sockets.iter().filter(|s| is_client(s, range, listeners)) {
        *counts.entry(Destination::of(socket)).or_default() += 1;
    }
    let mut busy: Vec<_> = counts.into_iter().filter(|(_, n)| *n >= min_used).collect();
    busy.sort_by_key(|(d, n)| (std::cmp::Reverse(*n), *d));
    busy.truncate(MAX_POOLS);
    busy
}

/// The exact state of the pools with at least `min_used` client sockets, fullest first.
pub fn pools(snapshot: &Snapshot, range: &EphemeralRange, min_used: u32) -> Vec<Pool> {
    let listeners = Listeners::of(snapshot);
    let busy = busy_destinations(snapshot, range, &listeners, min_used);
    if busy.is_empty() {
        return Vec::new();
    }
    let index: HashMap<Destination, usize> =
        busy.iter().enumerate().map(|(i, (d, _))| (*d, i)).collect();
    let mut members: Vec<Vec<&Socket>> = vec![Vec::new(); busy.len()];
    for socket in snapshot.sockets.iter().filter(|s| is_client(s, range, &listeners)) {
        if let Some(list) = index.get(&Destination::of(socket)).and_then(|i| members.get_mut(*i)) {
            list.push(socket);
        }
    }
    let room = Room::of(snapshot, range, &listeners);
    let mut pools: Vec<Pool> = busy
        .iter()
        .zip(members)
        .map(|((destination, _), sockets)| pool(snapshot, range, &room, *destination, sockets))
        .collect();
    pools.sort_by(|a, b| {
        let full = |p: &Pool| p.ratio(p.blocked_max());
        full(b).total_cmp(&full(a)).then(a.destination.cmp(&b.destination))
    });
    pools
}

/// Ports of the range that no automatic choice can get, whatever the destination: listeners (with their accepted connections),
/// explicit binds, and sockets that are bound and not connected; on any address, of any family.
fn held_ports(snapshot: &Snapshot, range: &EphemeralRange, listeners: &Listeners) -> PortSet {
    let mut held = PortSet::default();
    let bound = snapshot
        .sockets
        .iter()
        .filter(|s| matches!(s.state, State::BoundInactive))
        .map(|s| s.local_port);
    let explicit = snapshot.explicit_ports.iter().flat_map(PortSet::iter);
    for port in listeners.ports().iter().chain(bound).chain(explicit) {
        if range.has(port) {
            held.insert(port);
        }
    }
    held
}

fn pool(
    snapshot: &Snapshot,
    range: &EphemeralRange,
    room: &Room,
    destination: Destination,
    mut sockets: Vec<&Socket>,
) -> Pool {
    sockets.retain(|s| range.has(s.local_port));
    // A dump is not atomic: one port may show twice while it changes state.
    sockets.sort_by_key(|s| (s.local_port, s.state == State::TimeWait));
    sockets.dedup_by_key(|s| s.local_port);
    let used = sockets.len() as u32;
    let is_odd = (range.high - range.low).is_multiple_of(2) && range.high > range.low;
    let low_is_free = range.has(range.low)
        && !room.held.has(range.low)
        && sockets.first().is_none_or(|s| s.local_port != range.low);
    let held_and_used = sockets.iter().filter(|s| room.held.has(s.local_port)).count() as u32;
    let held = room.held_count - held_and_used;
    let timestamps = seen_timestamps(snapshot, &sockets);
    let reuse = reuse(snapshot, &destination, timestamps);
    let delay_ms = match reuse {
        Reuse::Applies { delay_ms } | Reuse::Unknown { delay_ms } => delay_ms,
        Reuse::Not(_) => u32::MAX,
    };
    let waiting: Vec<_> = sockets.iter().filter(|s| s.state == State::TimeWait).collect();
    let younger_than = |ms| waiting.iter().filter(|s| s.time_wait_age_ms() <= ms).count() as u32;
    Pool {
        destination,
        used,
        time_wait: waiting.len() as u32,
        time_wait_old: waiting.len() as u32 - younger_than(delay_ms),
        closed_last_10s: younger_than(10_000),
        first_release_ms: waiting
            .iter()
            .map(|s| match reuse {
                Reuse::Applies { delay_ms } => delay_ms.saturating_sub(s.time_wait_age_ms()),
                Reuse::Not(_) | Reuse::Unknown { .. } => s.expires_ms,
            })
            .min(),
        timestamps,
        held,
        usable: room.size.saturating_sub(held),
        untried: u32::from(is_odd && low_is_free),
        reuse,
        inodes: sockets.iter().map(|s| s.inode).filter(|i| *i != 0).collect(),
    }
}

/// What live sockets of a pool show of timestamps: true if any uses them, false if all that were read do not.
fn seen_timestamps(snapshot: &Snapshot, sockets: &[&Socket]) -> Option<bool> {
    let mut seen = None;
    for socket in sockets.iter().filter(|s| LIVE.has(s.state)) {
        match snapshot.detail(socket).and_then(Detail::timestamps) {
            Some(true) => return Some(true),
            Some(false) => seen = Some(false),
            None => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn filled(local: &str, peer: &str, ports: std::ops::Range<u16>) -> Snapshot {
        let mut s = fresh();
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21008");
        for p in ports {
            s.sockets.push(socket(State::Established, &format!("{local}:{p}"), peer));
        }
        s
    }

    fn only(s: &Snapshot) -> Pool {
        let range = EphemeralRange::of(s).unwrap();
        let mut all = pools(s, &range, 1);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn headroom_is_range_less_used() {
        let pool = only(&filled("10.0.0.1", "10.0.0.2:5001", 20000..20499));
        assert_eq!((pool.usable, pool.used, pool.headroom()), (1009, 499, 510));
    }

    #[test]
    fn reserved_ports_listeners_binds_and_bound_sockets_are_lost_to_every_destination() {
        let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20010);
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "20500-20509,30000");
        s.sockets.push(listener("[::1]:20600", 0, 5));
        s.sockets.push(socket(State::BoundInactive, "10.0.0.9:20601", "0.0.0.0:0"));
        s.explicit_ports = PortSet::parse("20000,20602");
        let pool = only(&s);
        assert_eq!((pool.held, pool.usable, pool.headroom()), (3, 1009 - 10 - 3, 996 - 10));
    }

    #[test]
    fn mapped_and_plain_ipv4_share_a_pool_and_other_destinations_do_not() {
        let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20003);
        s.sockets.push(socket(
            State::Established,
            "[::ffff:10.0.0.1]:20003",
            "[::ffff:10.0.0.2]:5001",
        ));
        assert_eq!(only(&s).used, 4);
        s.sockets.push(socket(State::Established, "10.0.0.1:20003", "10.0.0.2:5002"));
        let range = EphemeralRange::of(&s).unwrap();
        assert_eq!(pools(&s, &range, 1).len(), 2);
    }

    #[test]
    fn server_side_sockets_use_no_pool() {
        let mut s = fresh();
        s.sockets.push(listener("0.0.0.0:40000", 0, 5));
        s.sockets.push(time_wait("10.0.0.1:40000", "10.0.0.2:33333", 5));
        s.sockets.push(time_wait("10.0.0.1:80", "10.0.0.2:33333", 5));
        let range = EphemeralRange::of(&s).unwrap();
        assert_eq!(pools(&s, &range, 1), []);
    }

    #[test]
    fn old_time_wait_counts_as_headroom_only_where_reuse_applies() {
        let mut s = fresh();
        for (port, age) in [(40000, 500), (40001, 1000), (40002, 1001), (40003, 30_000)] {
            s.sockets.push(time_wait(&format!("127.0.0.1:{port}"), "127.0.0.1:5001", age));
        }
        let pool = only(&s);
        assert_eq!((pool.used, pool.time_wait, pool.time_wait_old), (4, 4, 2));
        assert_eq!(pool.headroom(), 28232 - 2);
        assert_eq!((pool.closed_last_10s, pool.first_release_ms), (3, Some(0)));
        set(&mut s, "net.ipv4.tcp_tw_reuse", "0");
        assert_eq!(only(&s).headroom(), 28232 - 4);
    }

    #[test]
    fn unknown_reuse_makes_the_headroom_an_interval() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.tcp_tw_reuse", "1");
        s.sockets.push(time_wait("10.0.0.1:40000", "10.0.0.2:5001", 9000));
        let pool = only(&s);
        assert_eq!((pool.headroom(), pool.headroom_max()), (28231, 28232));
    }

    #[test]
    fn the_lowest_port_of_an_odd_range_may_never_be_tried() {
        assert_eq!(only(&filled("10.0.0.1", "10.0.0.2:5001", 20000..20010)).untried, 0);
        let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20001..20010);
        assert_eq!(only(&s).untried, 1);
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21009");
        assert_eq!(only(&s).untried, 0, "an even range is searched whole");
        set(&mut s, "net.ipv4.ip_local_port_range", "20000 21008");
        set(&mut s, "net.ipv4.ip_local_reserved_ports", "20000");
        assert_eq!(only(&s).untried, 0, "a reserved port is not counted as free");
    }

    #[test]
    fn a_port_shown_twice_counts_once() {
        let mut s = filled("10.0.0.1", "10.0.0.2:5001", 20000..20001);
        s.sockets.push(time_wait("10.0.0.1:20000", "10.0.0.2:5001", 9));
        let pool = only(&s);
        assert_eq!((pool.used, pool.time_wait), (1, 0));
    }
}
