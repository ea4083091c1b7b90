//! Fields of options and marks: what the kernel sends unasked, and TOS (include/uapi/linux/inet_diag.h).

use std::borrow::Cow;

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::text::Text;
use crate::wire::attributes::{
    CGROUP_ID, CLASS_ID, CONG, MARK, SHUTDOWN, SKV6ONLY, SOCKOPT, TCLASS, TOS,
};

/// INET_DIAG_CONG in `idiag_ext`.
const EXT_CONG: u8 = 1 << 3;
/// INET_DIAG_TOS and INET_DIAG_TCLASS in `idiag_ext`; the class id comes with the latter.
const EXT_TOS: u8 = 1 << 4 | 1 << 5;

const fn attribute(
    name: &'static str,
    kind: Kind,
    ask: u8,
    group: Group,
    doc: &'static str,
    get: for<'a> fn(&Row<'a>) -> Value<'a>,
) -> Field {
    Field { name, kind, source: Source::Attribute(ask), group, doc, get, all: None }
}

/// One bit of `struct inet_diag_sockopt`.
macro_rules! sockopt {
    ($name:literal, $byte:literal, $bit:literal, $doc:literal) => {
        attribute($name, Kind::Flag, 0, Group::Sockopt, $doc, |row| {
            row.attributes
                .bits(SOCKOPT, $byte, $bit, 1)
                .map_or(Value::None, |b| Value::Flag(b != 0))
        })
    };
}

pub(super) static FIELDS: &[Field] = &[
    attribute(
        "mark",
        Kind::Number,
        0,
        Group::Extended,
        "Firewall mark; told to CAP_NET_ADMIN only.",
        |row| Value::number(row.attributes.u32(MARK, 0)),
    ),
    Field {
        source: Source::Cgroups,
        ..attribute(
            "cgroup",
            Kind::Text,
            0,
            Group::Extended,
            "Path of the control group that made the socket, below /sys/fs/cgroup; its id where no path is found.",
            |row| match row.attributes.u64(CGROUP_ID, 0) {
                None | Some(0) => Value::None,
                Some(id) => Value::Text(match row.view.cgroups.get(&id) {
                    Some(path) => Cow::Borrowed(path.as_str()),
                    None => Cow::Owned(format!("#{id}")),
                }),
            },
        )
    },
    attribute(
        "v6only",
        Kind::Flag,
        0,
        Group::Core,
        "Whether an IPv6 socket refuses IPv4 (IPV6_V6ONLY).",
        |row| row.attributes.byte(SKV6ONLY, 0).map_or(Value::None, |b| Value::Flag(b != 0)),
    ),
    attribute(
        "shutdown",
        Kind::Text,
        0,
        Group::Extended,
        "Which halves are closed: none, recv, send or both.",
        |row| {
            row.attributes.byte(SHUTDOWN, 0).map_or(Value::None, |mask| {
                Value::Word(match mask & 3 {
                    0 => "none",
                    1 => "recv",
                    2 => "send",
                    _ => "both",
                })
            })
        },
    ),
    attribute(
        "tos",
        Kind::Number,
        EXT_TOS,
        Group::Tos,
        "Type of service of IPv4 packets.",
        |row| Value::number(row.attributes.byte(TOS, 0)),
    ),
    attribute(
        "tclass",
        Kind::Number,
        EXT_TOS,
        Group::Tos,
        "Traffic class of IPv6 packets.",
        |row| Value::number(row.attributes.byte(TCLASS, 0)),
    ),
    attribute(
        "class_id",
        Kind::Number,
        EXT_TOS,
        Group::Tos,
        "Class of the net_cls control group, or the socket's priority.",
        |row| Value::number(row.attributes.u32(CLASS_ID, 0)),
    ),
    sockopt!("recverr", 0, 0, "IP_RECVERR: errors are queued."),
    sockopt!("is_icsk", 0, 1, "Whether it is a connection socket inside the kernel."),
    sockopt!("freebind", 0, 2, "IP_FREEBIND: may bind an address that is not there."),
    sockopt!("hdrincl", 0, 3, "IP_HDRINCL: the application writes the IP header."),
    sockopt!("mc_loop", 0, 4, "IP_MULTICAST_LOOP."),
    sockopt!("transparent", 0, 5, "IP_TRANSPARENT: may use foreign addresses."),
    sockopt!("mc_all", 0, 6, "IP_MULTICAST_ALL."),
    sockopt!("nodefrag", 0, 7, "IP_NODEFRAG."),
    sockopt!(
        "bind_addr_no_port",
        1,
        0,
        "IP_BIND_ADDRESS_NO_PORT: a port is chosen at connect(), so that it can serve several destinations."
    ),
    sockopt!("recverr_rfc4884", 1, 1, "IP_RECVERR_RFC4884."),
    sockopt!(
        "defer_connect",
        1,
        2,
        "Whether connect() waits for the first data (TCP_FASTOPEN_CONNECT)."
    ),
    attribute("cong", Kind::Text, EXT_CONG, Group::Info, "Congestion control.", |row| {
        row.attributes.get(CONG).map_or(Value::None, |name| word(name))
    }),
];

/// A name that the kernel ends with a NUL. Modules choose such names, so they pass the sanitiser unless they are plain.
pub(super) fn word(bytes: &[u8]) -> Value<'_> {
    let name = bytes.split(|b| *b == 0).next().unwrap_or_default();
    let plain = name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match std::str::from_utf8(name) {
        Ok("") => Value::None,
        Ok(text) if plain => Value::Text(Cow::Borrowed(text)),
        _ => Value::Text(Cow::Owned(Text::new(name).to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_made_safe() {
        assert_eq!(word(b"cubic\0\0"), Value::Text("cubic".into()));
        assert_eq!(word(b"a\x1b[m\0"), Value::Text("a\\x1b[m".into()));
        assert_eq!(word(b"\0"), Value::None);
    }
}
