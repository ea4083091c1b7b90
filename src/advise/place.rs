//! Where a setting is to be made, as commands: here, in a named namespace, or in the definition of a container.

use crate::model::Snapshot;
use crate::model::coverage::Seen;

/// How commands reach the namespace of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    prefix: String,
    initial: bool,
}

impl Place {
    /// From what the snapshot tells of its namespace.
    pub fn of(snapshot: &Snapshot) -> Place {
        let name = snapshot.netns.as_str();
        let prefix = if name.starts_with("net:[") || name.is_empty() {
            String::new()
        } else if name.contains('/') {
            format!("nsenter --net={} ", quoted(name))
        } else if name.bytes().all(|b| b.is_ascii_digit()) {
            format!("nsenter -t {name} -n ")
        } else {
            format!("ip netns exec {} ", quoted(name))
        };
        // tcp_mem exists in the initial namespace only.
        let child = snapshot.sysctls.missing("net.ipv4.tcp_mem") == Some(Seen::Absent);
        Place { prefix, initial: !child }
    }

    /// A command that sets a value until the next boot.
    pub fn set(&self, name: &str, value: &str) -> String {
        format!("{}sysctl -w {name}={}", self.prefix, quoted(value))
    }

    /// A command that shows a value.
    pub fn show(&self, name: &str) -> String {
        format!("{}sysctl -n {name}", self.prefix)
    }

    /// How the setting is kept.
    pub fn persist(&self) -> String {
        if self.initial && self.prefix.is_empty() {
            "tcpvet advise --emit sysctl.d > /etc/sysctl.d/60-tcpvet.conf && sysctl --system".into()
        } else {
            "set it where the namespace is made (pod securityContext.sysctls, docker --sysctl, or the script that creates it): new namespaces start with the kernel's defaults".into()
        }
    }
}

/// A word that a shell takes as it is, or the same in single quotes.
pub fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:,=".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::Text;

    #[test]
    fn commands_reach_the_namespace_they_mean() {
        let of = |name: &str| {
            let s = Snapshot { netns: Text::new(name.as_bytes()), ..Snapshot::default() };
            Place::of(&s).set("a.b", "1 2")
        };
        assert_eq!(of("net:[4026]"), "sysctl -w a.b='1 2'");
        assert_eq!(of("blue"), "ip netns exec blue sysctl -w a.b='1 2'");
        assert_eq!(of("/run/x"), "nsenter --net=/run/x sysctl -w a.b='1 2'");
        assert_eq!(of("812"), "nsenter -t 812 -n sysctl -w a.b='1 2'");
        assert_eq!(of("a;reboot"), "ip netns exec 'a;reboot' sysctl -w a.b='1 2'");
    }

    #[test]
    fn quotes_hold() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
