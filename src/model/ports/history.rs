//! What TIME_WAIT timers tell of the last minute: each states when its connection was closed, so one dump holds the close rate of the
//! last 60 s, and the schedule by which ports come free (TCP_TIMEWAIT_LEN, include/net/tcp.h).

use super::client::Client;
use crate::model::socket::TIME_WAIT_MS;
use crate::model::state::State;

/// Closes toward one destination, second by second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Connections that this side closed in each of the last 60 seconds, the latest last.
    pub closes: [u32; 60],
    /// Age of the oldest TIME_WAIT in milliseconds.
    pub oldest_ms: u32,
}

impl Default for History {
    fn default() -> History {
        History { closes: [0; 60], oldest_ms: 0 }
    }
}

/// The window of the rate that a forecast goes on with.
const RECENT_MS: u32 = 10_000;

impl History {
    pub(super) fn of(clients: &[Client]) -> History {
        let mut history = History::default();
        for client in clients.iter().filter(|c| c.state == State::TimeWait) {
            let age = client.age_ms();
            history.oldest_ms = history.oldest_ms.max(age);
            let second = 59_usize.saturating_sub((age / 1000) as usize);
            if let Some(count) = history.closes.get_mut(second) {
                *count += 1;
            }
        }
        history
    }

    /// Connections closed in the last `seconds`.
    pub fn closed_within(&self, seconds: usize) -> u32 {
        self.closes.iter().rev().take(seconds).sum()
    }

    /// Closes a second, over the last 60 s or since the first of them.
    pub fn rate(&self) -> f64 {
        self.rate_within(TIME_WAIT_MS)
    }

    /// Closes a second, over the last 10 s or since the first close.
    pub fn recent_rate(&self) -> f64 {
        self.rate_within(RECENT_MS)
    }

    fn rate_within(&self, window_ms: u32) -> f64 {
        // The first of n closes begins the window: a window cut at the first close would count it in, and one close has no rate.
        let window = if self.oldest_ms < window_ms { self.oldest_ms } else { window_ms };
        let closed = self.closed_within((window_ms / 1000) as usize);
        // A burst within a moment is no rate: it counts as a second's.
        let window = window.max(1000);
        match closed {
            0 | 1 if self.oldest_ms < window_ms => {
                f64::from(closed) * 1000.0 / f64::from(window_ms)
            }
            n if self.oldest_ms < window_ms => f64::from(n - 1) * 1000.0 / f64::from(window),
            n => f64::from(n) * 1000.0 / f64::from(window_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed_at(ages: impl Iterator<Item = u32>) -> History {
        let clients: Vec<Client> = ages
            .map(|age| Client {
                row: 0,
                inode: 0,
                expires_ms: TIME_WAIT_MS - age,
                port: 1,
                state: State::TimeWait,
            })
            .collect();
        History::of(&clients)
    }

    #[test]
    fn a_steady_rate_is_found_whether_or_not_the_minute_is_full() {
        for rate in [7u32, 31, 101] {
            for seconds in [12, 60] {
                let steady = closed_at((0..rate * seconds).map(|i| i * 1000 / rate));
                let (all, recent) = (steady.rate(), steady.recent_rate());
                let near = |r: f64| (r / f64::from(rate) - 1.0).abs() < 0.02;
                assert!(near(all) && near(recent), "{rate} for {seconds} s: {all} {recent}");
            }
        }
    }

    #[test]
    fn seconds_are_in_order_and_the_latest_is_last() {
        let h = closed_at([0, 999, 1000, 59_999, 60_000].into_iter());
        assert_eq!((h.closes[59], h.closes[58], h.closes[0]), (2, 1, 2));
        assert_eq!((h.closed_within(10), h.closed_within(60), h.oldest_ms), (3, 5, 60_000));
        let none = History::default();
        assert_eq!((none.rate().to_string(), none.closed_within(60)), ("0".into(), 0));
    }

    #[test]
    fn what_ended_a_while_ago_is_not_the_recent_rate() {
        let h = closed_at((0..1000).map(|i| 30_000 + i));
        assert_eq!(h.recent_rate().to_string(), "0");
        assert!((h.rate() - 32.2).abs() < 0.1, "{}", h.rate());
    }
}
