//! TCP sockets that no table shows: how many there can be.

use super::Snapshot;
use super::survey::Survey;

impl Snapshot {
    /// How many TCP sockets exist at most that the table does not show; as many as can be where nothing tells. Two sums bound it. The sockets
    /// that the namespace's processes have made (sockstat `used`) less those that their protocols have in use (/proc/net/protocols, where
    /// an unhashed socket is missing), less those that are merely bound: exact but for other protocols' unbound
    /// sockets, which make it too high, and the kernel's own of tunnels, which make it too low by one each. And the
    /// host-wide number of allocated TCP sockets (sockstat `alloc`) less the full ones of this table: too high where other
    /// namespaces have sockets.
    pub fn unhashed_at_most(&self, survey: &Survey) -> i64 {
        let less = |n: i64, k: u64| n.saturating_sub(i64::try_from(k).unwrap_or(i64::MAX));
        let here = self
            .counters
            .get("sockstat.sockets.used")
            .zip(self.counters.get("protocols.sockets"))
            .map(|(used, hashed)| less(used.saturating_sub(hashed), survey.bound));
        let host = self.counters.get("sockstat.TCP.alloc").map(|n| less(n, survey.full));
        [here, host].into_iter().flatten().min().unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fresh, socket};
    use super::*;
    use crate::model::state::State;

    #[test]
    fn the_tighter_of_two_bounds_counts() {
        let mut s = fresh();
        s.sockets.push(socket(State::Established, "10.0.0.1:1", "10.0.0.2:2"));
        s.sockets.push(socket(State::BoundInactive, "10.0.0.1:3", "0.0.0.0:0"));
        let most = |s: &Snapshot| s.unhashed_at_most(&Survey::of(s));
        assert_eq!(most(&s), i64::MAX, "unknown is as many as can be");
        s.counters.0.insert("sockstat.TCP.alloc".into(), 90);
        assert_eq!(most(&s), 88, "those of other namespaces are in it");
        // One TCP socket in use, 30 made by processes, one of them merely bound.
        s.counters.0.insert("sockstat.sockets.used".into(), 31);
        s.counters.0.insert("protocols.sockets".into(), 1);
        assert_eq!(most(&s), 29);
    }
}
