//! The text of one file under /proc/sys: its value with blanks folded, and the way between dotted names and paths.

/// The value as one line: tabs and newlines become single blanks, the ends are trimmed.
pub fn value(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The file of a dotted name: `net.core.somaxconn` is `/proc/sys/net/core/somaxconn`.
pub fn path(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

/// Milliseconds since the machine started, from /proc/uptime (`12345.67 23456.78`).
pub fn uptime_ms(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, hundredths) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths = hundredths.get(..2)?.parse::<u64>().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(hundredths * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_fold_and_names_become_paths() {
        assert_eq!(value(b"32768\t60999\n"), "32768 60999");
        assert_eq!(value(b"\n"), "");
        assert_eq!(path("net.ipv4.tcp_tw_reuse"), "/proc/sys/net/ipv4/tcp_tw_reuse");
    }

    #[test]
    fn uptime_has_hundredths() {
        assert_eq!(uptime_ms(b"12345.67 23456.78\n"), Some(12_345_670));
        for bad in ["", "1", "1.5 2.0", "x.00", "99999999999999999999.00"] {
            assert_eq!(uptime_ms(bad.as_bytes()), None, "{bad}");
        }
    }
}
