//! How full the pool of one destination is: the kernel chooses a port anew for every (source address, destination address, destination
//! port).

use super::client::{Client, LIVE, Tally};
use super::held::Held;
use super::history::History;
use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::destination::Destination;
use crate::model::reuse::{Reuse, reuse};
use crate::model::socket::TIME_WAIT_MS;
use crate::model::state::State;

/// How full one pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Whose pool.
    pub destination: Destination,
    /// Distinct ports in use toward the destination, in any state.
    pub used: u32,
    /// The same by state, in the order of [`State::ALL`].
    pub by_state: [u32; 12],
    /// Of those, TIME_WAIT sockets old enough for reuse, whether or not reuse applies; on a held port none is reused.
    pub time_wait_old: u32,
    /// Of those, TIME_WAIT sockets old enough on a port of which it is doubtful whether connect() may have it.
    pub time_wait_old_doubtful: u32,
    /// When they were closed.
    pub history: History,
    /// Milliseconds until each TIME_WAIT gives its port back, by the timer or by reuse where that applies for certain; sorted.
    pub releases_ms: Vec<u32>,
    /// Milliseconds since each TIME_WAIT began, sorted.
    pub ages_ms: Vec<u32>,
    /// Ports of the range lost to listeners and binders, other than those already counted as used.
    pub held: u32,
    /// Ports that other destinations use and of which it is doubtful whether this one can have them.
    pub doubtful: u32,
    /// Ports that can serve this destination at all: the range less `held`.
    pub usable: u32,
    /// Ports counted as free that connect() may never try: in a range of an odd number of ports each search leaves one end out.
    /// 0 or 1.
    pub untried: u32,
    /// Ports of the half that connect() tries first which are free, held and doubtful ones apart: so many connections until every
    /// search gets long. `None` for a range that is searched port by port.
    pub until_cliff: Option<u32>,
    /// How many TIME_WAIT sockets the pool can have at most: beyond tcp_max_tw_buckets the kernel keeps none, and the port is free at
    /// once. `None` if that is unknown.
    pub time_wait_max: Option<u32>,
    /// Whether live connections of the pool use timestamps; `None` if none was read.
    pub timestamps: Option<bool>,
    /// Whether TIME_WAIT ports can be taken over.
    pub reuse: Reuse,
    /// Inodes of the members that have one: connections that some process still holds.
    pub inodes: Vec<u32>,
}

impl Pool {
    /// TIME_WAIT sockets among the used ports.
    pub fn time_wait(&self) -> u32 {
        self.by_state.get(State::TimeWait.index()).copied().unwrap_or_default()
    }

    /// TIME_WAIT ports that a connect() takes over for certain.
    pub fn reusable(&self) -> u32 {
        match self.reuse {
            Reuse::Applies { .. } => self.time_wait_old - self.time_wait_old_doubtful,
            Reuse::Not(_) | Reuse::Unknown { .. } => 0,
        }
    }

    /// TIME_WAIT ports that a connect() takes over at most.
    pub fn reusable_max(&self) -> u32 {
        match self.reuse {
            Reuse::Applies { .. } | Reuse::Unknown { .. } => self.time_wait_old,
            Reuse::Not(_) => 0,
        }
    }

    /// Used ports that stand in the way of a new connect() for certain.
    pub fn blocked_min(&self) -> u32 {
        self.used - self.reusable_max()
    }

    /// Used ports that stand in the way of a new connect() if reuse does not help where it is unknown.
    pub fn blocked_max(&self) -> u32 {
        self.used - self.reusable()
    }

    /// How many more connect() calls succeed, at least.
    pub fn headroom(&self) -> u32 {
        self.usable.saturating_sub(self.blocked_max() + self.doubtful + self.untried)
    }

    /// How many more connect() calls succeed, at most; differs from [`Pool::headroom`] where the kernel does not tell: of reuse
    /// toward a peer without a live connection, of ports that bind() may hold, of the end of a range of odd length.
    pub fn headroom_max(&self) -> u32 {
        self.usable.saturating_sub(self.blocked_min())
    }

    /// Milliseconds for which a port stays taken after this side closed.
    pub fn hold_ms(&self) -> u32 {
        match self.reuse {
            Reuse::Applies { delay_ms } => delay_ms,
            Reuse::Not(_) | Reuse::Unknown { .. } => TIME_WAIT_MS,
        }
    }

    /// `part` of the usable ports as a ratio; a pool without a usable port is full.
    pub fn ratio(&self, part: u32) -> f64 {
        if self.usable == 0 { 1.0 } else { f64::from(part) / f64::from(self.usable) }
    }

    /// Share of the usable ports that is taken, where it is unknown at most.
    pub fn used_ratio(&self) -> f64 {
        self.ratio(self.blocked_max())
    }

    /// Live connections: used ports that are not in TIME_WAIT.
    pub fn live(&self) -> u32 {
        self.used - self.time_wait()
    }

    /// Connections still held by a process, or on their way to an end without one.
    pub fn open(&self) -> u32 {
        let of = |s: &State| self.by_state.get(s.index()).copied().unwrap_or_default();
        State::ALL.iter().filter(|s| LIVE.has(**s)).map(of).sum()
    }

    /// Milliseconds until the first TIME_WAIT of the pool ends, or can be reused; `None` if there is none.
    pub fn first_release_ms(&self) -> Option<u32> {
        self.releases_ms.first().copied()
    }

    /// Whether closes happen that leave no TIME_WAIT to be seen: their place was taken over by reuse, or the table of them is full.
    pub fn hides_closes(&self, snapshot: &Snapshot) -> bool {
        let reused = matches!(self.reuse, Reuse::Applies { .. } | Reuse::Unknown { .. })
            && snapshot.counters.get("TcpExt.TWRecycled") != Some(0);
        let full = snapshot.sysctls.integer("net.ipv4.tcp_max_tw_buckets");
        let waiting = snapshot.counters.get("sockstat.TCP.tw");
        reused || full.zip(waiting).is_some_and(|(max, n)| n >= max)
    }

    /// Ports that come free within so many milliseconds, if nothing else happens; those that can be reused already are free.
    pub fn released_within(&self, ms: u32) -> u32 {
        let free = self.releases_ms.partition_point(|r| *r == 0);
        (self.releases_ms.partition_point(|r| *r <= ms) - free) as u32
    }

    /// Milliseconds until the next port in TIME_WAIT that is not free yet is.
    pub fn next_release_ms(&self) -> Option<u32> {
        self.releases_ms.iter().copied().find(|ms| *ms > 0)
    }
}

/// What all pools of a namespace share.
pub(super) struct Common<'a> {
    snapshot: &'a Snapshot,
    range: &'a EphemeralRange,
    held: &'a Held,
    /// Number of ports of the range.
    size: u32,
    /// Number of ports of its first half.
    first_half: u32,
    /// Of those, ports held or doubtful.
    first_half_lost: u32,
    /// Doubtful ports of the range.
    doubtful: u32,
    /// How many more TIME_WAIT sockets the namespace may have.
    time_wait_room: Option<u64>,
}

impl<'a> Common<'a> {
    pub(super) fn of(
        snapshot: &'a Snapshot,
        range: &'a EphemeralRange,
        held: &'a Held,
    ) -> Common<'a> {
        let (low, high) = (range.low, range.high);
        Common {
            snapshot,
            range,
            held,
            size: range.size(),
            first_half: range.first_half(),
            first_half_lost: held.all.count_parity(low, high)
                + held.doubtful.count_parity(low, high),
            doubtful: held.doubtful.count_in(low, high),
            time_wait_room: snapshot.sysctls.integer("net.ipv4.tcp_max_tw_buckets").map(|max| {
                let waiting = snapshot.count(State::TimeWait);
                u64::try_from(max).unwrap_or_default().saturating_sub(waiting)
            }),
        }
    }

    pub(super) fn pool(&self, tally: &Tally) -> Pool {
        let (range, held) = (self.range, self.held);
        let clients = &tally.clients;
        let reuse = reuse(self.snapshot, &tally.destination, tally.timestamps);
        let delay_ms = match reuse {
            Reuse::Applies { delay_ms } | Reuse::Unknown { delay_ms } => delay_ms,
            Reuse::Not(_) => u32::MAX,
        };
        let mut by_state = [0; 12];
        for client in clients {
            if let Some(count) = by_state.get_mut(client.state.index()) {
                *count += 1;
            }
        }
        let count = |of: &dyn Fn(&&Client) -> bool| clients.iter().filter(of).count() as u32;
        let is_old = |c: &Client| {
            c.state == State::TimeWait && c.age_ms() > delay_ms && !held.all.has(c.port)
        };
        let is_doubtful = |c: &Client| held.doubtful.has(c.port);
        let applies = |c: &Client| {
            matches!(reuse, Reuse::Applies { .. }) && !held.all.has(c.port) && !is_doubtful(c)
        };
        let mut releases_ms: Vec<u32> = clients
            .iter()
            .filter(|c| c.state == State::TimeWait)
            .map(|c| if applies(c) { delay_ms.saturating_sub(c.age_ms()) } else { c.expires_ms })
            .collect();
        releases_ms.sort_unstable();
        let waiting = clients.iter().filter(|c| c.state == State::TimeWait);
        let mut ages_ms: Vec<u32> = waiting.map(Client::age_ms).collect();
        ages_ms.sort_unstable();
        let lost = |c: &Client| held.all.has(c.port) || is_doubtful(c);
        let blocking_first =
            count(&|c| range.is_first_half(c.port) && !lost(c) && !(applies(c) && is_old(c)));
        let held_elsewhere = held.count - count(&|c| held.all.has(c.port));
        let is_free = |port: u16| {
            let by = |c: &Client| c.port.cmp(&port);
            let own = clients.binary_search_by(by).ok().and_then(|at| clients.get(at));
            range.has(port)
                && !held.all.has(port)
                && own.is_none_or(|c| is_old(c) && !matches!(reuse, Reuse::Not(_)))
        };
        let ends = range.ends_left_out().filter(|(low, high)| is_free(*low) || is_free(*high));
        Pool {
            destination: tally.destination,
            used: clients.len() as u32,
            by_state,
            time_wait_old: count(&|c| is_old(c)),
            time_wait_old_doubtful: count(&|c| is_old(c) && is_doubtful(c)),
            history: History::of(clients),
            releases_ms,
            ages_ms,
            held: held_elsewhere,
            doubtful: self.doubtful - count(&|c| is_doubtful(c)),
            usable: self.size.saturating_sub(held_elsewhere),
            untried: u32::from(ends.is_some()),
            until_cliff: (!range.own)
                .then(|| self.first_half.saturating_sub(self.first_half_lost + blocking_first)),
            time_wait_max: self.time_wait_room.map(|room| {
                let own = count(&|c| c.state == State::TimeWait);
                u32::try_from(room).unwrap_or(u32::MAX).saturating_add(own)
            }),
            timestamps: tally.timestamps,
            reuse,
            inodes: clients.iter().map(|c| c.inode).filter(|i| *i != 0).collect(),
        }
    }
}
