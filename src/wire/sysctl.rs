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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_fold_and_names_become_paths() {
        assert_eq!(value(b"32768\t60999\n"), "32768 60999");
        assert_eq!(value(b"\n"), "");
        assert_eq!(path("net.ipv4.tcp_tw_reuse"), "/proc/sys/net/ipv4/tcp_tw_reuse");
    }
}
