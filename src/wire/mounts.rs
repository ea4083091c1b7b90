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

/// Files on which network namespaces are mounted (`nsfs`, root `net:[...]`), the shortest path first: mounts are often seen twice.
pub fn network_namespaces(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let path = |line: &str| {
        let mut words = line.split(' ').skip(3);
        let (root, at) = (words.next()?, words.next()?);
        root.starts_with("net:[").then(|| unescaped(at))
    };
    let mut paths: Vec<String> = text.lines().filter_map(path).collect();
    paths.sort_by_key(|p| (p.len(), p.clone()));
    paths
}

/// A path of mountinfo, in which blanks and the like are octal (`\\040`, fs/proc_namespace.c).
fn unescaped(path: &str) -> String {
    super::unescaped(path, "\\", 3, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounted_namespaces_are_found_with_their_blanks() {
        let text = b"9 1 0:4 net:[4026532177] /run/netns/a\\040b rw shared:1 - nsfs nsfs rw\n\
            8 1 0:4 net:[4026532178] /run/docker/netns/default rw - nsfs nsfs rw\n\
            7 1 0:4 mnt:[4026531832] /run/x rw - nsfs nsfs rw\n6 1 0:9 / / rw - ext4 x rw\n";
        assert_eq!(network_namespaces(text), ["/run/netns/a b", "/run/docker/netns/default"]);
        assert_eq!(network_namespaces(b"net:[ \n\xff"), Vec::<String>::new());
        assert_eq!(unescaped("a\\x\\12"), "a\\x\\12");
    }

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
