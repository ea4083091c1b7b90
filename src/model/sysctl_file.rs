//! What files say of sysctls: who sets a value at boot, and who has the last word.

use super::text::Text;

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The file.
    pub path: Text,
    /// The line, from 1.
    pub number: usize,
    /// Dotted name, as the kernel's; may hold `*`.
    pub name: String,
    /// The value.
    pub value: Text,
}

impl Line {
    /// Whether it sets this sysctl.
    pub fn sets(&self, name: &str) -> bool {
        let mut ours = self.name.split('.');
        let mut theirs = name.split('.');
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a == b || a == "*" => {}
                _ => return false,
            }
        }
    }
}

/// The file that advice would write.
pub const OURS: &str = "60-tcpvet.conf";

/// The lines that set a sysctl at boot, in the order in which they are read: the last one has the last word.
pub fn setting<'a>(lines: &'a [Line], name: &str) -> Vec<&'a Line> {
    lines.iter().filter(|l| l.sets(name)).collect()
}

/// Whether a file is read after [`OURS`]: by its name, whatever folder it is in; /etc/sysctl.conf, which comes last, has a later name too.
pub fn is_later(path: &str) -> bool {
    path.rsplit_once('/').map_or(path, |(_, file)| file) > OURS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_one_part_and_files_are_read_by_their_names() {
        let line = |name: &str| Line {
            path: Text::new(b"/etc/sysctl.d/a.conf"),
            number: 1,
            name: name.into(),
            value: Text::new(b"1"),
        };
        assert!(line("net.ipv4.tcp_tw_reuse").sets("net.ipv4.tcp_tw_reuse"));
        assert!(line("net.ipv4.*").sets("net.ipv4.tcp_tw_reuse"));
        assert!(!line("net.*").sets("net.ipv4.tcp_tw_reuse"));
        assert!(!line("net.ipv4.tcp_tw_reuse.x").sets("net.ipv4.tcp_tw_reuse"));
        assert!(is_later("/etc/sysctl.conf") && is_later("/usr/lib/sysctl.d/99-a.conf"));
        assert!(!is_later("/usr/lib/sysctl.d/50-default.conf"));
    }
}
