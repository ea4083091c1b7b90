//! `/proc/net/snmp` and `netstat` (pairs of name and value lines), `sockstat` and `sockstat6` (name value pairs on a line), by name; and
//! the tables of `protocols`, `softnet_stat` and `stat/nf_conntrack`, summed.

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

/// Sums the column `sockets` of /proc/net/protocols into `protocols.sockets`: the sockets of this namespace that their protocol has in
/// use. A protocol that does not count says -1.
pub fn protocols(text: &[u8], into: &mut BTreeMap<String, i64>) {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    let column = lines.next().and_then(|l| l.split_whitespace().position(|w| w == "sockets"));
    let Some(column) = column else { return };
    let mut sum: i64 = 0;
    for line in lines {
        let Some(Ok(n)) = line.split_whitespace().nth(column).map(str::parse::<i64>) else {
            return;
        };
        sum = sum.saturating_add(n.max(0));
    }
    into.insert("protocols.sockets".into(), sum);
}

/// Sums /proc/net/softnet_stat over the processors: column 2 is `softnet.dropped` (the backlog queue was full), column 3
/// `softnet.time_squeeze` (net/core/net-procfs.c softnet_seq_show).
pub fn softnet(text: &[u8], into: &mut BTreeMap<String, i64>) {
    for line in String::from_utf8_lossy(text).lines() {
        let mut words = line.split_whitespace().map(|w| i64::from_str_radix(w, 16).ok());
        let (_, dropped, squeezed) = (words.next(), words.next(), words.next());
        for (name, value) in [("softnet.dropped", dropped), ("softnet.time_squeeze", squeezed)] {
            if let Some(Some(value)) = value {
                let sum = into.entry(name.into()).or_default();
                *sum = sum.saturating_add(value);
            }
        }
    }
}

/// Sums /proc/net/stat/nf_conntrack over the processors into `conntrack.insert_failed` and so on; `entries` is the same on every line
/// and is left out.
pub fn conntrack(text: &[u8], into: &mut BTreeMap<String, i64>) {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    for line in lines {
        for (name, value) in names.iter().zip(line.split_whitespace()) {
            if *name != "entries"
                && let Ok(value) = i64::from_str_radix(value, 16)
            {
                let sum = into.entry(format!("conntrack.{name}")).or_default();
                *sum = sum.saturating_add(value);
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

    #[test]
    fn tables_are_summed_by_column() {
        let mut m = BTreeMap::new();
        protocols(
            b"protocol  size sockets  memory press\nPACKET 1600 2 -1 NI\nTCP 2448 7 3 no\nX 8 -1 -1 NI\n",
            &mut m,
        );
        softnet(b"04081db6 0000000a 0000001d 0\n042d7dcf 00000001 0000001c 0\n", &mut m);
        conntrack(
            b"entries  found insert_failed drop\n00000009 1 0000000a 2\n00000009 1 1 3\n",
            &mut m,
        );
        let want = [
            ("conntrack.drop", 5),
            ("conntrack.found", 2),
            ("conntrack.insert_failed", 11),
            ("protocols.sockets", 9),
            ("softnet.dropped", 11),
            ("softnet.time_squeeze", 57),
        ];
        assert_eq!(m.iter().map(|(k, v)| (k.as_str(), *v)).collect::<Vec<_>>(), want);
        let mut cut = BTreeMap::new();
        protocols(b"protocol  size sockets\nTCP 2448\n", &mut cut);
        assert!(cut.is_empty(), "a sum of which a part is missing is none");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut m = BTreeMap::new();
            line_pairs(&text, &mut m);
            sockstat(&text, &mut m);
            protocols(&text, &mut m);
            softnet(&text, &mut m);
            conntrack(&text, &mut m);
        }
    }
}
