//! Where a setting is to be made, as commands: here, in a named namespace, or in the definition of a container.

use super::Snapshot;
use super::coverage::Seen;
use super::text::Text;

/// The way into a network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// It is told by the name alone, as in captures.
    #[default]
    Unsaid,
    /// It is the caller's own.
    Own,
    /// A name of `ip netns`.
    Name,
    /// A file.
    Path,
    /// A process in it.
    Process(u32),
    /// A process in it, whose user namespace must be entered too.
    UserProcess(u32),
}

impl Way {
    /// A process in it, where that is the way.
    pub fn process(self) -> Option<u32> {
        match self {
            Way::Process(pid) | Way::UserProcess(pid) => Some(pid),
            _ => None,
        }
    }

    /// What a name alone tells.
    fn of_name(name: &str) -> Way {
        let process = name.strip_prefix("pid:").unwrap_or(name).parse();
        if name.starts_with("net:[") || name.is_empty() || name.contains(' ') {
            Way::Own
        } else if name.contains('/') {
            Way::Path
        } else {
            process.map_or(Way::Name, Way::Process)
        }
    }
}

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
        let way = match snapshot.netns_way {
            Way::Unsaid => Way::of_name(name),
            way => way,
        };
        let prefix = match way {
            Way::Own | Way::Unsaid => String::new(),
            Way::Name => format!("ip netns exec {} ", typed(&snapshot.netns)),
            Way::Path => format!("nsenter --net={} ", typed(&snapshot.netns)),
            Way::Process(pid) => format!("nsenter -t {pid} -n "),
            Way::UserProcess(pid) => format!("nsenter -t {pid} -U --preserve-credentials -n "),
        };
        // A name that a container gave may fit several namespaces; a process is in one.
        let spec = match way.process() {
            Some(pid) => format!("pid:{pid}"),
            None => typed(&snapshot.netns),
        };
        // tcp_mem exists in the initial namespace only.
        let child = snapshot.sysctls.missing("net.ipv4.tcp_mem") == Some(Seen::Absent);
        let name = (!prefix.is_empty()).then_some(spec);
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
            Some(("tcpvet", rest)) => format!("tcpvet -N {name} {rest}"),
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

/// A name as a shell takes it: what was made safe to show is written so that it means the same again.
fn typed(name: &Text) -> String {
    let text = name.as_str();
    if !text.contains('\\') {
        return quoted(text);
    }
    format!("$'{}'", text.replace("\\u{", "\\u").replace('}', "").replace('\'', "\\'"))
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
        let by = |name: &[u8], netns_way| {
            let netns = Text::new(name);
            Place::of(&Snapshot { netns, netns_way, ..Snapshot::default() })
        };
        let web = by(b"shop/web-0", Way::Process(7));
        assert_eq!(web.show("a.b"), "nsenter -t 7 -n sysctl -n a.b");
        assert_eq!(web.reach("tcpvet listen"), "tcpvet -N pid:7 listen");
        let vlan = by(b"1601", Way::Name);
        assert_eq!(vlan.reach("ss -tan"), "ip netns exec 1601 ss -tan");
        assert_eq!(vlan.reach("tcpvet listen"), "tcpvet -N 1601 listen");
        let own = by(b"812", Way::UserProcess(812));
        assert_eq!(own.reach("ss -tan"), "nsenter -t 812 -U --preserve-credentials -n ss -tan");
        assert_eq!(by(b"a\x1b'b", Way::Name).reach("ss -t"), "ip netns exec $'a\\x1b\\'b' ss -t");
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
