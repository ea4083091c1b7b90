//! Where the rates lead: when a pool is full, and what rate it bears for good. Arithmetic on one pool; what it assumes is said with it.

use super::pool::Pool;
use super::range::EphemeralRange;
use crate::model::reuse::Reuse;
use crate::model::socket::TIME_WAIT_MS;

/// What goes in and out of a pool each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// New connections a second.
    pub connects: f64,
    /// Connections a second that this side closes, each of which keeps its port for a while.
    pub closes: f64,
}

impl Flow {
    /// As the TIME_WAIT of a single sample show it: closes go on at the rate of the last 10 s, and each is made up for by a new
    /// connection.
    pub fn steady(pool: &Pool) -> Flow {
        let closes = pool.history.recent_rate();
        Flow { connects: closes, closes }
    }
}

/// What happened to a pool between two looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// What went in and out.
    pub flow: Flow,
    /// Connections more each second that are open, neither closed nor in TIME_WAIT.
    pub growth: f64,
}

impl Change {
    /// Holds two looks `elapsed_ms` apart against each other. New connections are those that the pool has more of, and those that took
    /// the place of what the timers released meanwhile.
    pub fn between(before: &Pool, now: &Pool, elapsed_ms: u32) -> Change {
        let per_second = |n: f64| n * 1000.0 / f64::from(elapsed_ms.max(1));
        // By their timers alone: what reuse takes over is a new connection already.
        let rest = TIME_WAIT_MS.saturating_sub(elapsed_ms);
        let stay = before.ages_ms.partition_point(|age| *age < rest);
        let released = (before.ages_ms.len() - stay) as f64;
        let closed = now.ages_ms.partition_point(|age| *age <= elapsed_ms) as f64;
        let opened = f64::from(now.open()) - f64::from(before.open());
        let by_ports = f64::from(now.used) - f64::from(before.used) + released;
        // Ports that were taken over do not show in the number of used ones; what was closed since was open before or is new.
        let connects = by_ports.max(opened + closed).max(0.0);
        Change {
            flow: Flow { connects: per_second(connects), closes: per_second(closed) },
            growth: per_second(opened),
        }
    }
}

/// What other source addresses add to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct More {
    /// Ports.
    pub ports: u32,
    /// Of those, ports of the half that is tried first.
    pub first_half: u32,
}

/// What is to come of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// What it assumes.
    pub flow: Flow,
    /// Mean life of a connection in seconds; `None` where nothing is closed here.
    pub lifetime_s: Option<f64>,
    /// What the pool bears.
    pub ceilings: Ceilings,
    /// Seconds until every search gets long; `None` for never.
    pub seconds_to_cliff: Option<f64>,
    /// Seconds until connect() fails; `None` for never.
    pub seconds_to_exhaustion: Option<f64>,
}

impl Outlook {
    /// Looks ahead.
    pub fn of(
        pool: &Pool,
        range: &EphemeralRange,
        reuse_delay_ms: u32,
        flow: Flow,
        more: More,
    ) -> Outlook {
        let taken = pool.blocked_max();
        let until = |ports: u32, more| seconds_until(pool, ports.saturating_add(more), flow);
        Outlook {
            flow,
            lifetime_s: lifetime_s(pool),
            ceilings: ceilings(pool, range, reuse_delay_ms),
            seconds_to_cliff: pool.until_cliff.and_then(|n| until(taken + n, more.first_half)),
            seconds_to_exhaustion: until(taken + pool.headroom(), more.ports),
        }
    }
}

/// Seconds until `ports` of the pool are taken, if `flow` goes on; `None` if that never happens. Known releases
/// happen at their time; what is closed from now on comes back after its hold time.
pub fn seconds_until(pool: &Pool, ports: u32, flow: Flow) -> Option<f64> {
    // The kernel keeps no more TIME_WAIT than it has room for: closes beyond that free their port at once.
    if let Some(kept) = pool.time_wait_max
        && flow.closes * f64::from(pool.hold_ms()) / 1000.0 > f64::from(kept)
        && pool.live().saturating_add(kept) < ports
    {
        let growth = flow.connects - flow.closes;
        let more = f64::from(ports - pool.live() - kept);
        return (growth > 0.0).then_some(more / growth);
    }
    let (connects, closes) = (flow.connects / 1000.0, flow.closes / 1000.0);
    if connects <= 0.0 {
        return (pool.blocked_max() >= ports).then_some(0.0);
    }
    let hold = f64::from(pool.hold_ms());
    // What can be reused already counts as free; its timer frees nothing more.
    let pending = pool.releases_ms.iter().filter(|ms| **ms > 0).map(|ms| f64::from(*ms));
    let mut events: Vec<f64> = pending.collect();
    // The first close of the future comes back when the hold time is over: from then on closes count against connects.
    let turn = hold;
    let mut used = f64::from(pool.blocked_max());
    let (mut at, wall) = (0.0, f64::from(ports));
    events.push(f64::INFINITY);
    for event in events {
        loop {
            let slope = if at < turn { connects } else { connects - closes };
            let end = if at < turn { event.min(turn) } else { event };
            let reach = at + (wall - used).max(0.0) / slope;
            if used >= wall || slope > 0.0 && reach <= end {
                let when = if used >= wall { at } else { reach };
                return Some(when / 1000.0);
            }
            if end.is_infinite() {
                return None;
            }
            used = (used + slope * (end - at)).max(0.0);
            at = end;
            if end >= event {
                break;
            }
        }
        used -= 1.0;
    }
    None
}

/// Mean life of a connection in seconds before this side closes it, by Little's law: those open now over the closes a second. `None`
/// where nothing is closed.
pub fn lifetime_s(pool: &Pool) -> Option<f64> {
    let rate = pool.history.rate();
    (rate > 0.0).then(|| f64::from(pool.open()) / rate)
}

/// Connections a second that `ports` bear for good, each held for its life and then `hold_ms`.
pub fn sustainable(ports: u32, lifetime_s: f64, hold_ms: u32) -> f64 {
    f64::from(ports) / (lifetime_s + f64::from(hold_ms) / 1000.0).max(0.001)
}

/// What a pool bears now and under each remedy, in connections a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceilings {
    /// As things are; `None` where the table of TIME_WAIT is too small to fill the pool and connections end at once.
    pub now: Option<f64>,
    /// With tcp_tw_reuse where it helps toward this destination; `None` where it applies already or cannot.
    pub reuse: Option<f64>,
    /// With the range 15000 to 60999; `None` if the range is as wide.
    pub wider: Option<f64>,
    /// With a second source address.
    pub two_sources: Option<f64>,
}

/// Ends of the range that advice would propose.
const WIDER: (u16, u16) = (15_000, 60_999);

/// The ceilings of a pool.
pub fn ceilings(pool: &Pool, range: &EphemeralRange, reuse_delay_ms: u32) -> Ceilings {
    let life = lifetime_s(pool).unwrap_or_default();
    // Where the table of TIME_WAIT is smaller than the pool, only open connections hold the rest.
    let bears = |ports: u32, hold| match pool.time_wait_max {
        Some(kept) if kept < ports => (life > 0.0).then(|| sustainable(ports - kept, life, 0)),
        _ => Some(sustainable(ports, life, hold)),
    };
    let (low, high) = (range.low.min(WIDER.0), range.high.max(WIDER.1));
    let reserved =
        range.reserved.count_in(low, high) - range.reserved.count_in(range.low, range.high);
    let gain = u32::from(high - low) + 1 - range.length() - reserved;
    let may_reuse = matches!(pool.reuse, Reuse::Not(_) | Reuse::Unknown { .. })
        && pool.timestamps != Some(false);
    Ceilings {
        now: bears(pool.usable, pool.hold_ms()),
        reuse: may_reuse.then(|| bears(pool.usable, reuse_delay_ms)).flatten(),
        wider: (gain > 0 && !range.own)
            .then(|| bears(pool.usable + gain, pool.hold_ms()))
            .flatten(),
        two_sources: bears(pool.usable.saturating_mul(2), pool.hold_ms()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Snapshot;
    use crate::model::ports::Ports;
    use crate::model::testing::*;

    fn pool(s: &Snapshot) -> (Pool, EphemeralRange) {
        let ports = Ports::of(s).unwrap();
        (ports.pools[0].clone(), ports.range)
    }

    /// One connection to a far destination in the default range, then `closed` per second for `seconds`.
    fn churn(per_second: u32, seconds: u32) -> Snapshot {
        let mut s = fresh();
        s.sockets.push(socket(
            crate::model::state::State::Established,
            "10.0.0.1:60998",
            "10.0.0.2:80",
        ));
        for i in 0..per_second * seconds {
            let age = (i + 1) * 1000 / per_second;
            s.sockets.push(time_wait(&format!("10.0.0.1:{}", 32768 + i), "10.0.0.2:80", age));
        }
        s
    }

    #[test]
    fn the_well_known_sum_a_thousand_a_second_from_an_empty_pool() {
        let mut s = fresh();
        s.sockets.push(socket(
            crate::model::state::State::Established,
            "10.0.0.1:60999",
            "10.0.0.2:80",
        ));
        let (pool, range) = pool(&s);
        let outlook = Outlook::of(
            &pool,
            &range,
            1000,
            Flow { connects: 1000.0, closes: 1000.0 },
            More::default(),
        );
        let tenth = |x: Option<f64>| x.map(|x| (x * 10.0).round() / 10.0);
        assert_eq!(tenth(outlook.seconds_to_exhaustion), Some(28.2));
        assert_eq!(tenth(outlook.seconds_to_cliff), Some(14.1));
        assert_eq!(tenth(outlook.ceilings.now), Some(470.5));
        assert_eq!(outlook.ceilings.reuse, Some(28_232.0));
        assert_eq!(tenth(outlook.ceilings.wider), Some(766.7));
        assert_eq!(tenth(outlook.ceilings.two_sources), Some(941.1));
    }

    #[test]
    fn a_rate_below_the_ceiling_never_fills_the_pool_and_one_above_does() {
        let (pool, _) = pool(&churn(400, 60));
        let until = |rate| seconds_until(&pool, pool.usable, Flow { connects: rate, closes: rate });
        assert_eq!(until(400.0), None);
        // 24,001 in use; from now on 500 a second come and 400 go: 4,231 more take 42 s.
        let wall = until(500.0).unwrap();
        assert!((41.0..44.0).contains(&wall), "{wall}");
    }

    #[test]
    fn a_small_table_of_time_wait_keeps_churn_from_filling_the_pool() {
        let mut s = churn(100, 1);
        set(&mut s, "net.ipv4.tcp_max_tw_buckets", "1000");
        let (pool, range) = pool(&s);
        assert_eq!(pool.time_wait_max, Some(1000));
        let until = |connects| seconds_until(&pool, pool.usable, Flow { connects, closes: 100.0 });
        assert_eq!(until(100.0), None);
        // 28,232 less 1,000 and one open, by 10 more a second.
        assert_eq!(until(110.0).map(f64::round), Some(2723.0));
        let with_one_open = ceilings(&pool, &range, 1000).now.unwrap();
        assert!((2_600_000.0..2_800_000.0).contains(&with_one_open), "{with_one_open}");
    }

    #[test]
    fn what_grows_for_good_fills_the_pool_in_the_end() {
        let (pool, _) = pool(&churn(1, 1));
        let leak = Flow { connects: 10.0, closes: 0.0 };
        let wall = seconds_until(&pool, pool.usable, leak).unwrap();
        assert!((2822.0..2824.0).contains(&wall), "{wall}");
        let still = Flow { connects: 0.0, closes: 0.0 };
        assert_eq!(seconds_until(&pool, pool.usable, still), None);
        assert_eq!(seconds_until(&pool, 1, leak), Some(0.0), "what is passed is passed now");
    }

    #[test]
    fn two_looks_give_the_connects_that_releases_hide() {
        let before = churn(100, 60);
        // Two seconds later 200 are released and 200 closed, and 60 more are open.
        let mut now = churn(100, 60);
        for port in 60_000..60_060 {
            let from = format!("10.0.0.1:{port}");
            now.sockets.push(socket(crate::model::state::State::Established, &from, "10.0.0.2:80"));
        }
        let change = Change::between(&pool(&before).0, &pool(&now).0, 2000);
        let near = |a: f64, b: f64| (a - b).abs() < 2.0;
        assert!(near(change.flow.connects, 130.0), "{change:?}");
        assert!(near(change.flow.closes, 100.0) && near(change.growth, 30.0), "{change:?}");
    }

    #[test]
    fn what_could_be_reused_all_along_is_no_new_connection() {
        let mut idle = churn(100, 60);
        set(&mut idle, "net.ipv4.tcp_tw_reuse", "1");
        push_detailed(
            &mut idle,
            socket(crate::model::state::State::Established, "10.0.0.1:60990", "10.0.0.2:80"),
            crate::model::socket::Detail { options: Some(1), ..Default::default() },
        );
        let mut later = idle.clone();
        later.sockets = crate::model::socket::SocketTable::default();
        // Two seconds later each is two seconds older, and those that were over 58 s old are gone.
        for one in idle.sockets.iter() {
            let is_old = one.expires_ms > 0 && one.expires_ms <= 2000;
            let expires_ms = one.expires_ms.saturating_sub(2000);
            if !is_old {
                later.sockets.push(crate::model::socket::Socket { expires_ms, ..*one });
            }
        }
        let (before, now) = (pool(&idle).0, pool(&later).0);
        assert!(matches!(before.reuse, Reuse::Applies { .. }));
        let change = Change::between(&before, &now, 2000);
        assert!(change.flow.connects < 1.0 && change.flow.closes < 1.0, "{change:?}");
    }

    #[test]
    fn connections_that_reuse_ports_are_counted_by_their_closes() {
        let waiting = |age: u32| {
            let mut s = fresh();
            for i in 0..100 {
                s.sockets.push(time_wait(
                    &format!("10.0.0.1:{}", 32_768 + 2 * i),
                    "10.0.0.2:80",
                    age,
                ));
            }
            s
        };
        // The same hundred ports, each taken over and closed again within the two seconds.
        let change = Change::between(&pool(&waiting(20_000)).0, &pool(&waiting(500)).0, 2000);
        assert_eq!((change.flow.connects.round(), change.flow.closes.round()), (50.0, 50.0));
    }

    #[test]
    fn as_many_sources_as_can_be_typed_are_no_overflow() {
        let (pool, range) = pool(&churn(1, 1));
        let flow = Flow { connects: 1000.0, closes: 0.0 };
        let more = More { ports: u32::MAX, first_half: u32::MAX };
        let until = Outlook::of(&pool, &range, 1000, flow, more).seconds_to_exhaustion.unwrap();
        assert!((4_294_960.0..4_294_970.0).contains(&until), "{until}");
    }

    #[test]
    fn a_longer_life_lowers_the_ceiling() {
        let mut s = churn(100, 60);
        for port in 60_000..60_900 {
            let from = format!("10.0.0.1:{port}");
            s.sockets.push(socket(crate::model::state::State::Established, &from, "10.0.0.2:80"));
        }
        let (pool, range) = pool(&s);
        let outlook = Outlook::of(&pool, &range, 1000, Flow::steady(&pool), More::default());
        let life = outlook.lifetime_s.unwrap();
        assert!((8.9..9.2).contains(&life), "{life}");
        assert!((407.0..410.0).contains(&outlook.ceilings.now.unwrap()), "{outlook:?}");
    }
}
