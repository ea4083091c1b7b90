//! The text of a file of sysctl.d: `name = value`, a line each (sysctl.d(5)).

use crate::model::sysctl_file::Line;
use crate::model::text::Text;

/// Reads the lines that set something. A dash before a name (errors are ignored) is left out, slashes in names become dots, comments and
/// what is no setting are passed over.
pub fn parse(path: &Text, text: &[u8]) -> Vec<Line> {
    let text = String::from_utf8_lossy(text);
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim().trim_start_matches('-').trim();
        if name.is_empty() {
            continue;
        }
        // The first separator tells which of the two is meant (sysctl.d(5)).
        let slashes = name.find(['/', '.']).is_some_and(|at| name[at..].starts_with('/'));
        let name = if slashes { name.replace('/', ".") } else { name.to_string() };
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(Line { path: path.clone(), number, name, value: Text::new(value.as_bytes()) });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(usize, String, String)> {
        let lines = parse(&Text::new(b"f"), text.as_bytes());
        lines.into_iter().map(|l| (l.number, l.name, l.value.to_string())).collect()
    }

    #[test]
    fn settings_are_read_in_every_spelling_and_the_rest_is_passed_over() {
        let text = "# a = 1\n; b = 2\n\nnet.ipv4.tcp_tw_reuse=1\n-net/ipv4/ip_local_port_range = 1024\t65535\nnonsense\n-net.ipv4.conf.all.rp_filter\n=5\n";
        assert_eq!(
            read(text),
            [
                (4, "net.ipv4.tcp_tw_reuse".into(), "1".into()),
                (5, "net.ipv4.ip_local_port_range".into(), "1024 65535".into()),
            ]
        );
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&Text::new(b"f"), &text);
        }
    }
}
