//! Which fields stand in a table, and how they are found by name.

use super::{Field, all};
use crate::model::text::Text;
use crate::nearest::nearest;

/// The columns of `list` where nothing else is asked.
pub const DEFAULT: [&str; 6] = ["state", "recvq", "sendq", "local", "peer", "process"];

/// What a narrow terminal loses first.
pub const DROP_ORDER: [&str; 2] = ["sendq", "recvq"];

/// Other spellings of names, by ss and by people.
const ALIASES: [(&str, &str); 22] = [
    ("recv_q", "recvq"),
    ("send_q", "sendq"),
    ("recv_queue_bytes", "recvq"),
    ("send_queue_bytes", "sendq"),
    ("rqueue", "recvq"),
    ("wqueue", "sendq"),
    ("src", "local_addr"),
    ("dst", "peer_addr"),
    ("sport", "local_port"),
    ("dport", "peer_port"),
    ("dev", "interface"),
    ("fwmark", "mark"),
    ("comm", "process"),
    ("command", "process"),
    ("netid", "protocol"),
    ("ino", "inode"),
    ("sk", "cookie"),
    ("congestion", "cong"),
    ("retries", "timer_retries"),
    ("keepalive", "keepalive_timer"),
    ("expires", "timer_expires"),
    ("min_rtt", "minrtt"),
];

/// The field of one name, spelt with `-` or `_`, in either case.
pub fn lookup(name: &str) -> Option<&'static Field> {
    let plain = name.to_lowercase().replace('-', "_");
    let plain =
        ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain.as_str(), |(_, n)| n);
    all().find(|f| f.name == plain || f.key() == plain)
}

/// The fields of a list of names, separated by commas; a list that begins with `+` adds to `base`.
///
/// # Errors
/// A message and a hint with the nearest name.
pub fn find(
    names: &str,
    base: Vec<&'static Field>,
) -> Result<Vec<&'static Field>, (String, String)> {
    let (mut fields, names) = match names.strip_prefix('+') {
        Some(more) => (base, more),
        None => (Vec::new(), names),
    };
    for name in names.split(',').map(|n| n.trim().trim_start_matches('+')) {
        let field = lookup(name).ok_or_else(|| {
            let hint = match nearest(name, all().map(|f| f.name)) {
                Some(near) => format!("did you mean {near}?"),
                None => "'tcpvet fields' lists them".to_string(),
            };
            let shown: String = name.chars().take(60).collect();
            (format!("no field is called '{}'", Text::new(shown.as_bytes())), hint)
        })?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// The default columns.
pub fn defaults() -> Vec<&'static Field> {
    DEFAULT.iter().filter_map(|name| lookup(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_keys_and_aliases_are_unique_and_lead_somewhere() {
        let names: BTreeSet<_> = all().map(|f| f.name).collect();
        let keys: BTreeSet<_> = all().map(Field::key).collect();
        assert_eq!((names.len(), keys.len()), (all().count(), all().count()));
        for (alias, name) in ALIASES {
            assert!(names.contains(name) && !names.contains(alias), "{alias} {name}");
        }
        assert!(all().all(|f| f.doc.ends_with('.') && !f.name.contains('-') && f.name.len() < 38));
    }

    #[test]
    fn columns_are_chosen_added_and_spelt_in_many_ways() {
        let names =
            |text: &str| find(text, defaults()).unwrap().iter().map(|f| f.name).collect::<Vec<_>>();
        assert_eq!(names("state,Recv-Q"), ["state", "recvq"]);
        assert_eq!(names("+rtt,state")[5..], ["process", "rtt"]);
        assert_eq!(names("dst,rtt_us,min-rtt"), ["peer_addr", "rtt", "minrtt"]);
        assert_eq!(find("local,per", vec![]).unwrap_err().1, "did you mean peer?");
        assert_eq!(defaults().len(), DEFAULT.len());
    }
}
