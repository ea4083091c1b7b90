//! Where a setting is to be made, as commands: here, in a named namespace, or in the definition of a container.

use super::Snapshot;
use super::coverage::Seen;

/// How commands reach the namespace of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    name: Option<String>,
    prefix: String,
    initial: bool,
}

impl Place {
    /// From what the snapshot tells of its namespace.
    pub fn of(snapshot: &Snapshot) -> Place {
        let name = snapshot.netns.as_str();
        let process = name.strip_prefix("pid:").and_then(|pid| pid.parse().ok());
        let prefix = if let Some(pid) = snapshot.netns_process.or(process) {
            format!("nsenter -t {pid} -n ")
        } else if name.starts_with("net:[") || name.is_empty() || name.contains(' ') {
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
        let name = (!prefix.is_empty()).then(|| name.to_string());
        Place { name, prefix, initial: !child }
    }

    /// The host itself, for settings that it has one of: a namespace may show them, and may not set them.
    pub fn host() -> Place {
        Place { name: None, prefix: String::new(), initial: true }
    }

    /// Whether this is the initial namespace, which the files under /etc/sysctl.d set at boot.
    pub fn is_initial(&self) -> bool {
        self.initial && self.prefix.is_empty()
    }

    /// A command that sets a value until the next boot.
    pub fn set(&self, name: &str, value: &str) -> String {
        format!("{}sysctl -w {name}={}", self.prefix, quoted(value))
    }

    /// A command that shows a value.
    pub fn show(&self, name: &str) -> String {
        format!("{}sysctl -n {name}", self.prefix)
    }

    /// A command as it must be typed from outside to mean this namespace: tcpvet has an option for it, readers of the network get the
    /// prefix, and files of a process are the same everywhere.
    pub fn reach(&self, command: &str) -> String {
        let Some(name) = &self.name else { return command.to_string() };
        let part = |part: &str| match part.split_once(' ') {
            Some(("tcpvet", rest)) => format!("tcpvet -N {} {rest}", quoted(name)),
            Some((
                "ss" | "nstat" | "sysctl" | "ip" | "nc" | "ping" | "tracepath" | "conntrack"
                | "tcpdump",
                _,
            )) => format!("{}{part}", self.prefix),
            Some(("cat" | "awk", rest))
                if rest.contains("/proc/net/") || rest.contains("/proc/sys/net/") =>
            {
                format!("{}{part}", self.prefix)
            }
            Some(("sudo", rest)) if rest.starts_with("ss ") => {
                format!("sudo {}{rest}", self.prefix)
            }
            _ => part.to_string(),
        };
        command.split("; ").map(part).collect::<Vec<_>>().join("; ")
    }

    /// What goes before a command that is to run in this namespace; empty for the caller's own.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How the setting is kept.
    pub fn persist(&self, name: &str, value: &str) -> String {
        if self.is_initial() {
            // On its own: once the value is tried, a later run has nothing to emit.
            format!("echo {} >> /etc/sysctl.d/60-tcpvet.conf", quoted(&format!("{name} = {value}")))
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
    use super::super::text::Text;
    use super::*;

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
        assert_eq!(of("pid:812"), "nsenter -t 812 -n sysctl -w a.b='1 2'");
        let mut web = Snapshot { netns: Text::new(b"shop/web-0"), ..Snapshot::default() };
        web.netns_process = Some(7);
        assert_eq!(Place::of(&web).show("a.b"), "nsenter -t 7 -n sysctl -n a.b");
        assert_eq!(Place::of(&web).reach("tcpvet listen"), "tcpvet -N shop/web-0 listen");
        assert_eq!(of("a;reboot"), "ip netns exec 'a;reboot' sysctl -w a.b='1 2'");
    }

    #[test]
    fn commands_to_look_further_reach_the_namespace_too() {
        let s = Snapshot { netns: Text::new(b"blue"), ..Snapshot::default() };
        let reach = |command: &str| Place::of(&s).reach(command);
        assert_eq!(reach("tcpvet list --state listen"), "tcpvet -N blue list --state listen");
        assert_eq!(
            reach("ss -tan; cat /proc/7/wchan"),
            "ip netns exec blue ss -tan; cat /proc/7/wchan"
        );
        assert_eq!(reach("sudo ss -tanp"), "sudo ip netns exec blue ss -tanp");
        assert_eq!(Place::of(&Snapshot::default()).reach("ss -tan"), "ss -tan");
    }

    #[test]
    fn quotes_hold() {
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
