//! Files of one process: stat, limits, status; and the link text of its descriptors. The layouts are known to the procfs crate.

use procfs::FromRead;
use procfs::process::{LimitValue, Limits, Stat};

use crate::model::text::Text;

/// What /proc/PID/stat says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidStat {
    /// Command name; made safe.
    pub comm: Text,
    /// Process that it belongs under.
    pub parent: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
}

/// Reads /proc/PID/stat. `None` if it is not one.
pub fn stat(text: &[u8]) -> Option<PidStat> {
    // A command name may hold any byte, and the crate wants UTF-8 (it panics on some of the rest): the name is cut out first and
    // read as bytes, and what remains must be what the kernel writes.
    let open = text.iter().position(|b| *b == b'(')?;
    let close = text.iter().rposition(|b| *b == b')').filter(|c| *c > open)?;
    let mut plain = text.get(..=open)?.to_vec();
    plain.extend(text.get(close..)?);
    let digits = text.get(..open)?.strip_suffix(b" ")?;
    if text.get(close + 1..)?.trim_ascii().is_empty()
        || !plain.is_ascii()
        || digits.is_empty()
        || !digits.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let stat = Stat::from_read(plain.as_slice()).ok()?;
    Some(PidStat {
        comm: Text::new(text.get(open + 1..close)?),
        parent: u32::try_from(stat.ppid).unwrap_or_default(),
        start_ticks: stat.starttime,
    })
}

/// The soft RLIMIT_NOFILE of /proc/PID/limits; `None` if it is unlimited or the text is not one.
pub fn descriptor_limit(text: &[u8]) -> Option<u64> {
    // The crate panics on a line of too few words; only lines of the kernel's form reach it.
    let text = String::from_utf8_lossy(text);
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        if line.starts_with("Max ") && line.split_whitespace().count() >= 5 {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    match Limits::from_read(whole.as_bytes()).ok()?.max_open_files.soft_limit {
        LimitValue::Value(n) => Some(n),
        LimitValue::Unlimited => None,
    }
}

/// The effective user id of /proc/self/status.
pub fn effective_uid(text: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|l| l.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// When the machine was booted, in seconds since 1970 (`btime` of /proc/stat).
pub fn boot_time(text: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    text.lines().find_map(|l| l.strip_prefix("btime "))?.trim().parse().ok()
}

/// The inode in a link text such as `socket:[4026]` or `net:[4026531840]`.
pub fn link_inode(link: &[u8], kind: &str) -> Option<u64> {
    let text = std::str::from_utf8(link).ok()?;
    text.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAIL: &str = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 0 987654 20 21 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";

    #[test]
    fn a_name_with_parentheses_blanks_and_odd_bytes_is_read_whole() {
        let mut text = b"42 (a) b(c \x1b\xff) ".to_vec();
        text.extend(TAIL.as_bytes());
        let s = stat(&text).unwrap();
        assert_eq!((s.comm.as_str(), s.start_ticks), ("a) b(c \\x1b\\xff", 987_654));
        assert_eq!(stat(b"42 )("), None);
        for broken in ["", "42 (a)", "42 (a)  ", "(a) S 1", "x (a) S 1", "42(a) S 1", "42 (a)S"] {
            assert_eq!(stat(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn limits_and_links() {
        let head =
            "Limit                     Soft Limit           Hard Limit           Units     \n";
        let rest: String = [
            "Max cpu time",
            "Max file size",
            "Max data size",
            "Max stack size",
            "Max core file size",
            "Max resident set",
            "Max processes",
            "Max open files",
            "Max locked memory",
            "Max address space",
            "Max file locks",
            "Max pending signals",
            "Max msgqueue size",
            "Max nice priority",
            "Max realtime priority",
            "Max realtime timeout",
        ]
        .iter()
        .map(|n| {
            let unit = if n.ends_with("priority") { "" } else { "files" };
            format!("{n:<26}1024                 524288               {unit:<10}\n")
        })
        .collect();
        assert_eq!(descriptor_limit(format!("{head}{rest}").as_bytes()), Some(1024));
        assert_eq!(descriptor_limit(b"nonsense"), None);
        assert_eq!(link_inode(b"socket:[4026]", "socket"), Some(4026));
        assert_eq!(link_inode(b"pipe:[4026]", "socket"), None);
        assert_eq!(link_inode(b"socket:[", "socket"), None);
        assert_eq!(effective_uid(b"Name:\tx\nUid:\t1000\t1001\t1000\t1000\n"), Some(1001));
    }

    proptest! {
        #[test]
        fn nor_does_reading_what_looks_right(text in "[0-9]{1,3} ?[(][a-z)( ]{0,5}[)]? ?[A-Z]?( [-0-9]{1,3}){0,60} *") {
            let _ = stat(text.as_bytes());
        }

        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = stat(&text);
            let _ = descriptor_limit(&text);
            let _ = effective_uid(&text);
            let _ = link_inode(&text, "net");
        }
    }
}
