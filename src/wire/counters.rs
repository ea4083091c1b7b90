//! `/proc/net/snmp` and `netstat` (pairs of name and value lines) and `sockstat`, `sockstat6` (name value pairs on a line), by name.

use std::collections::BTreeMap;

/// Reads pairs of lines `Tcp: RtoAlgorithm RtoMin ...` / `Tcp: 1 200 ...` into `Tcp.RtoMin`. Lines without a partner are passed over.
pub fn line_pairs(text: &[u8], into: &mut BTreeMap<String, i64>) {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((group, names)), Some((same, values))) =
            (names.split_once(':'), values.split_once(':'))
        else {
            continue;
        };
        if group != same {
            continue;
        }
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            if let Ok(value) = value.parse() {
                into.insert(format!("{group}.{name}"), value);
            }
        }
    }
}

/// Reads lines `TCP: inuse 5 orphan 0 tw 3 alloc 9 mem 1` into `sockstat.TCP.tw`.
pub fn sockstat(text: &[u8], into: &mut BTreeMap<String, i64>) {
    for line in String::from_utf8_lossy(text).lines() {
        let Some((group, rest)) = line.split_once(':') else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        for pair in words.chunks_exact(2) {
            if let [name, value] = pair
                && let Ok(value) = value.parse()
            {
                into.insert(format!("sockstat.{group}.{name}"), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> BTreeMap<String, i64> {
        let mut m = BTreeMap::new();
        line_pairs(text.as_bytes(), &mut m);
        m
    }

    #[test]
    fn values_are_found_by_name_whatever_the_column() {
        let m =
            pairs("Tcp: New MaxConn CurrEstab\nTcp: 9 -1 5\nTcpExt: ListenOverflows\nTcpExt: 14\n");
        assert_eq!(
            (m["Tcp.MaxConn"], m["Tcp.CurrEstab"], m["TcpExt.ListenOverflows"]),
            (-1, 5, 14)
        );
    }

    #[test]
    fn a_truncated_file_keeps_what_is_whole() {
        let m = pairs("Tcp: A B C\nTcp: 1 2");
        assert_eq!((m.get("Tcp.A"), m.get("Tcp.B"), m.get("Tcp.C")), (Some(&1), Some(&2), None));
        assert!(pairs("Tcp: A\nUdp: 1\n").is_empty());
    }

    #[test]
    fn sockstat_pairs() {
        let mut m = BTreeMap::new();
        sockstat(
            b"sockets: used 290\nTCP: inuse 5 orphan 0 tw 3 alloc 9 mem\nFRAG: inuse 0 memory 0\n",
            &mut m,
        );
        assert_eq!(
            (m["sockstat.TCP.tw"], m["sockstat.sockets.used"], m.get("sockstat.TCP.mem")),
            (3, 290, None)
        );
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut m = BTreeMap::new();
            line_pairs(&text, &mut m);
            sockstat(&text, &mut m);
        }
    }
}
