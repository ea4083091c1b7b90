//! Whether a connect() toward a destination may take over a port in TIME_WAIT (net/ipv4/tcp_ipv4.c tcp_twsk_unique).

use super::Snapshot;
use super::destination::Destination;

/// Whether tcp_tw_reuse helps toward one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// A TIME_WAIT older than so many milliseconds is taken over.
    Applies {
        /// tcp_tw_reuse_delay, or the fixed 1 s of kernels without it.
        delay_ms: u32,
    },
    /// It does not, for the reason given.
    Not(&'static str),
    /// It would if both ends use timestamps, and nothing here shows whether they do.
    Unknown {
        /// tcp_tw_reuse_delay, or the fixed 1 s of kernels without it.
        delay_ms: u32,
    },
}

/// How old a TIME_WAIT must be to be reused, in milliseconds.
pub fn delay_ms(snapshot: &Snapshot) -> u32 {
    snapshot
        .sysctls
        .integer("net.ipv4.tcp_tw_reuse_delay")
        .and_then(|v| u32::try_from(v).ok())
        .unwrap_or(1000)
}

/// Judges reuse toward `destination`. `timestamps` is what live sockets to it show: `None` if none was seen.
pub fn reuse(snapshot: &Snapshot, destination: &Destination, timestamps: Option<bool>) -> Reuse {
    let delay_ms = delay_ms(snapshot);
    let loopback = destination.local_addr.is_loopback() || destination.peer_addr.is_loopback();
    match snapshot.sysctls.integer("net.ipv4.tcp_tw_reuse") {
        Some(0) => return Reuse::Not("tcp_tw_reuse is 0"),
        Some(2) if !loopback => {
            return Reuse::Not("tcp_tw_reuse is 2, which covers loopback addresses only");
        }
        Some(1 | 2) => {}
        _ => return Reuse::Unknown { delay_ms },
    }
    match (snapshot.sysctls.integer("net.ipv4.tcp_timestamps"), timestamps) {
        (Some(0), _) => Reuse::Not("tcp_timestamps is 0, and reuse needs timestamps"),
        (_, Some(false)) => Reuse::Not("the peer does not use timestamps, and reuse needs them"),
        (_, Some(true)) => Reuse::Applies { delay_ms },
        // Both ends of a loopback connection are in this namespace and obey the same sysctl.
        (Some(_), None) if loopback => Reuse::Applies { delay_ms },
        _ => Reuse::Unknown { delay_ms },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn toward(local: &str, peer: &str) -> Destination {
        Destination::of(&socket(super::super::state::State::Established, local, peer))
    }

    #[test]
    fn value_two_covers_loopback_only() {
        let s = fresh();
        let near = toward("127.0.0.1:1", "127.0.0.2:5");
        let far = toward("10.0.0.1:1", "10.0.0.2:5");
        assert_eq!(reuse(&s, &near, None), Reuse::Applies { delay_ms: 1000 });
        assert!(matches!(reuse(&s, &far, Some(true)), Reuse::Not(_)));
    }

    #[test]
    fn value_one_needs_timestamps_seen_on_a_live_socket() {
        let mut s = fresh();
        set(&mut s, "net.ipv4.tcp_tw_reuse", "1");
        set(&mut s, "net.ipv4.tcp_tw_reuse_delay", "100");
        let far = toward("10.0.0.1:1", "10.0.0.2:5");
        assert_eq!(reuse(&s, &far, None), Reuse::Unknown { delay_ms: 100 });
        assert_eq!(reuse(&s, &far, Some(true)), Reuse::Applies { delay_ms: 100 });
        assert!(matches!(reuse(&s, &far, Some(false)), Reuse::Not(_)));
    }

    #[test]
    fn zero_or_no_timestamps_is_never_reuse() {
        let mut s = fresh();
        let near = toward("127.0.0.1:1", "127.0.0.1:5");
        set(&mut s, "net.ipv4.tcp_timestamps", "0");
        assert!(matches!(reuse(&s, &near, None), Reuse::Not(_)));
        set(&mut s, "net.ipv4.tcp_tw_reuse", "0");
        assert_eq!(reuse(&s, &near, None), Reuse::Not("tcp_tw_reuse is 0"));
    }
}
