//! What /proc/self/mountinfo says of /proc (proc_pid_mountinfo(5)).

use crate::model::text::Text;

/// The option `hidepid` of the /proc that was mounted last; `None` if it shows every process.
pub fn hidepid(text: &[u8]) -> Option<Text> {
    let text = String::from_utf8_lossy(text);
    let proc = text.lines().rev().find(|line| line.split(' ').nth(4) == Some("/proc"))?;
    let (_, behind) = proc.split_once(" - ")?;
    let options = behind.split(' ').nth(2)?;
    let value = options.split(',').find_map(|o| o.strip_prefix("hidepid="))?;
    let shows_all = matches!(value, "0" | "off");
    (!shows_all).then(|| Text::new(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_proc_counts() {
        let of = |options: &str| {
            let text = format!(
                "22 1 0:20 / /proc rw,nosuid - proc proc rw\n30 22 0:44 / /proc rw,relatime shared:5 - proc proc {options}\n"
            );
            hidepid(text.as_bytes()).map(|t| t.to_string())
        };
        assert_eq!(of("rw,hidepid=invisible").as_deref(), Some("invisible"));
        assert_eq!(of("rw,gid=7,hidepid=2").as_deref(), Some("2"));
        assert_eq!((of("rw"), of("rw,hidepid=off")), (None, None));
        assert_eq!(hidepid(b"\n - x\n1 2 3 4 /proc\n"), None);
    }
}
