//! When an unanswered SYN is sent again, and when the kernel gives up.

/// Milliseconds since the first SYN: `linear` retries come a second apart, and so does the next; then the wait doubles, up to two
/// minutes.
pub(super) fn elapsed_ms(retries: u8, expires_ms: u32, linear: u32) -> u64 {
    const SECOND: u64 = 1_000;
    const LONGEST: u64 = 120 * SECOND;
    let mut at = 0;
    let mut wait = SECOND;
    for retry in 1..=u32::from(retries) {
        at += wait;
        if retry > linear {
            wait = (wait * 2).min(LONGEST);
        }
    }
    at + wait.saturating_sub(expires_ms.into())
}

/// Milliseconds until connect() fails: after the retries and the linear ones before them, or at the first timer past the time that the
/// retries alone would take (net/ipv4/tcp_timer.c retransmits_timed_out).
pub(super) fn gives_up_ms(retries: u8, linear: u32) -> u64 {
    let bound = (2_u64 << u32::from(retries).min(32)).saturating_sub(1) * 1_000;
    let most = u32::from(retries) + linear;
    let fires = |n: u32| elapsed_ms(u8::try_from(n).unwrap_or(u8::MAX), 0, linear);
    // The timer that fires after n retries does so when the next one would be due.
    (0..=most).map(fires).find(|at| *at >= bound).unwrap_or_else(|| fires(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_follows_from_the_retries() {
        // Measured: four linear retries, then doubling.
        assert_eq!(elapsed_ms(4, 92, 4), 4_908);
        assert_eq!(elapsed_ms(7, 4_232, 4), 14_768);
        // Before Linux 6.5: 1, 3, 7 s ...
        assert_eq!([1, 2, 3].map(|r| elapsed_ms(r, 0, 0)), [3_000, 7_000, 15_000]);
        assert_eq!(elapsed_ms(6, 0, 0), 127_000);
        assert_eq!(elapsed_ms(10, 0, 4), 131_000);
        // Measured: 7.14 s for 2 with and without linear retries, 134.9 s for 6 with four of them.
        assert_eq!([gives_up_ms(2, 4), gives_up_ms(2, 0)], [7_000, 7_000]);
        assert_eq!([gives_up_ms(6, 4), gives_up_ms(6, 0)], [131_000, 127_000]);
        assert!(gives_up_ms(u8::MAX, 4) > 0);
        assert!(elapsed_ms(u8::MAX, 0, 0) < u64::from(u32::MAX));
    }
}
