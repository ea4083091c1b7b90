//! Fields of the header: what it is, its ends, queues and timer.

use std::borrow::Cow;

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::endpoint::{Addr, Family};
use crate::model::protocol::Protocol;
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;
use crate::wire::attributes::SKV6ONLY;
use crate::wire::request::EXT_INFO;
use crate::wire::tcp_info;

const fn header(
    name: &'static str,
    kind: Kind,
    group: Group,
    doc: &'static str,
    get: for<'a> fn(&Row<'a>) -> Value<'a>,
) -> Field {
    Field { name, kind, source: Source::Header, group, doc, get, all: None }
}

pub(super) static FIELDS: &[Field] = &[
    header("netns", Kind::Text, Group::Core, "Network namespace.", |row| {
        Value::Text(Cow::Borrowed(row.view.netns.as_str()))
    }),
    header("protocol", Kind::Text, Group::Core, "tcp, udp or mptcp.", |row| {
        Value::Word(row.view.protocol.word())
    }),
    header(
        "family",
        Kind::Text,
        Group::Core,
        "Family of the socket: ipv4, or ipv6 even where it carries IPv4.",
        |row| Value::Word(row.socket.family.word()),
    ),
    header("state", Kind::State, Group::Core, "State, in the words of the kernel.", |row| {
        Value::Word(row.socket.state.word())
    }),
    header(
        "recvq",
        Kind::Bytes,
        Group::Core,
        "Bytes the application has not read, a FIN counting as one; for a listener, connections waiting to be accepted; for UDP the memory of what waits.",
        |row| Value::Number(row.socket.recv_queue.into()),
    ),
    header(
        "sendq",
        Kind::Bytes,
        Group::Core,
        "Bytes the peer has not acknowledged, a FIN counting as one; for a listener, the limit of its accept queue.",
        |row| match row.socket.state == State::Listen && !row.view.queue_limits {
            true => Value::None,
            false => Value::Number(row.socket.send_queue.into()),
        },
    ),
    header(
        "local",
        Kind::Endpoint,
        Group::Core,
        "Near address and port, with the device the socket is bound to; * for both families.",
        local,
    ),
    header("peer", Kind::Endpoint, Group::Core, "Far address and port.", |row| {
        end(row, row.socket.peer_addr, row.socket.peer_port)
    }),
    header("local_addr", Kind::Address, Group::Named, "Near address.", |row| {
        Value::Addr(row.socket.local_addr, row.socket.family)
    }),
    header("local_port", Kind::Port, Group::Named, "Near port; none for a port of 0.", |row| {
        port(row.socket.local_port)
    }),
    header("peer_addr", Kind::Address, Group::Named, "Far address.", |row| {
        Value::Addr(row.socket.peer_addr, row.socket.family)
    }),
    header("peer_port", Kind::Port, Group::Named, "Far port; none for a port of 0.", |row| {
        port(row.socket.peer_port)
    }),
    header(
        "timer",
        Kind::Timer,
        Group::Timer,
        "Running timer, the time until it fires, and its retries; the kernel tells of one only.",
        |row| match row.socket.timer {
            Timer::Off => Value::None,
            timer => Value::Timer(timer, row.socket.expires_ms, row.socket.retries),
        },
    ),
    header(
        "timer_kind",
        Kind::Text,
        Group::Named,
        "on (retransmission), keepalive, timewait, persist, delack, or off.",
        |row| Value::Word(row.socket.timer.word()),
    ),
    header("timer_expires", Kind::Ms, Group::Named, "Time until the timer fires.", |row| {
        running(row.socket, row.socket.expires_ms)
    }),
    header(
        "timer_retries",
        Kind::Number,
        Group::Named,
        "Retransmissions or unanswered probes of the running timer.",
        |row| running(row.socket, row.socket.retries.into()),
    ),
    header(
        "keepalive_timer",
        Kind::Flag,
        Group::Named,
        "Whether the keepalive timer runs; unknown while another timer hides it, since the kernel tells of one only.",
        |row| match row.socket.timer {
            Timer::Keepalive => Value::Flag(row.socket.inode != 0),
            Timer::Off => Value::Flag(false),
            _ => Value::None,
        },
    ),
    Field {
        source: Source::Attribute(EXT_INFO),
        ..header(
            "age",
            Kind::Ms,
            Group::Named,
            "How long it is in TIME_WAIT; for others, how old it is at least, since the kernel tells no start: the longest time that nothing was sent or came.",
            age,
        )
    },
    Field {
        source: Source::Attribute(EXT_INFO),
        ..header(
            "idle",
            Kind::Ms,
            Group::Named,
            "Time since data was sent or came, whichever is less; acknowledgements and probes do not count.",
            |row| {
                let both = silence(row);
                Value::number(both.map(|(sent, came)| sent.min(came)))
            },
        )
    },
    header(
        "uid",
        Kind::Number,
        Group::Core,
        "User id of the owner; none for sockets that the kernel owns.",
        |row| uid(row).map_or(Value::None, |n| Value::Number(n.into())),
    ),
    Field {
        source: Source::Users,
        ..header(
            "user",
            Kind::Text,
            Group::Named,
            "Name of that user in /etc/passwd, else the number.",
            |row| {
                uid(row).map_or(Value::None, |uid| {
                    Value::Text(match row.view.users.get(&uid) {
                        Some(name) => Cow::Borrowed(name.as_str()),
                        None => Cow::Owned(uid.to_string()),
                    })
                })
            },
        )
    },
    header(
        "inode",
        Kind::Number,
        Group::Core,
        "Inode of the socket; none where no descriptor exists.",
        |row| match row.socket.inode {
            0 => Value::None,
            n => Value::Number(n.into()),
        },
    ),
    header(
        "cookie",
        Kind::Id,
        Group::Core,
        "The kernel's identity of the socket.",
        |row| match row.socket.cookie {
            u64::MAX => Value::None,
            cookie => Value::Id(cookie),
        },
    ),
    Field {
        source: Source::Interfaces,
        ..header(
            "interface",
            Kind::Text,
            Group::Core,
            "Interface the socket is bound to; none for any.",
            |row| match row.socket.interface {
                0 => Value::None,
                index => Value::Text(match row.view.interfaces.get(&index) {
                    Some(name) => Cow::Borrowed(name.as_str()),
                    None => Cow::Owned(index.to_string()),
                }),
            },
        )
    },
];

/// The near end: with the device it is bound to behind the address, and `*` for the wildcard that takes both families, as in ss.
fn local(row: &Row<'_>) -> Value<'static> {
    let s = row.socket;
    if s.interface == 0 {
        return end(row, s.local_addr, s.local_port);
    }
    let device = match row.view.interfaces.get(&s.interface) {
        Some(name) => name.to_string(),
        None => s.interface.to_string(),
    };
    let (host, port) = words(row, s.local_addr, s.local_port);
    Value::Text(Cow::Owned(format!("{host}%{device}:{port}")))
}

fn end(row: &Row<'_>, addr: Addr, number: u16) -> Value<'static> {
    let view = row.view;
    if view.hosts.is_empty() && view.services.is_empty() && !takes_both(row, addr) {
        return Value::Endpoint(addr, row.socket.family, number);
    }
    let (host, port) = words(row, addr, number);
    Value::Text(Cow::Owned(format!("{host}:{port}")))
}

/// Address and port as words, by name where names are asked for.
fn words(row: &Row<'_>, addr: Addr, number: u16) -> (String, String) {
    let family = row.socket.family;
    let view = row.view;
    let host = view.hosts.get(&addr).map(ToString::to_string);
    let host = host.unwrap_or_else(|| match family {
        _ if takes_both(row, addr) => "*".to_string(),
        Family::Ipv6 => format!("[{}]", addr.text(family)),
        Family::Ipv4 => addr.text(family),
    });
    let port = match view.services.get(&number) {
        Some(service) => service.to_string(),
        None if number == 0 => "*".to_string(),
        None => number.to_string(),
    };
    (host, port)
}

/// Whether this is the wildcard of an IPv6 socket that takes IPv4 too.
fn takes_both(row: &Row<'_>, addr: Addr) -> bool {
    row.socket.family == Family::Ipv6
        && addr.0 == [0; 16]
        && row.attributes.byte(SKV6ONLY, 0) == Some(0)
}

fn port(number: u16) -> Value<'static> {
    if number == 0 { Value::None } else { Value::Number(number.into()) }
}

fn running(socket: &Socket, n: u32) -> Value<'static> {
    if socket.timer == Timer::Off { Value::None } else { Value::Number(n.into()) }
}

/// The user id, where it means something.
pub(super) fn uid(row: &Row<'_>) -> Option<u32> {
    (!row.socket.is_kernels(row.view.protocol)).then_some(row.socket.uid)
}

/// Milliseconds since data was sent, and since data came.
fn silence(row: &Row<'_>) -> Option<(u32, u32)> {
    // A listener sends nothing, and before the first answer the kernel's stamps are 0, as if it had been when the machine started.
    let none = matches!(row.socket.state, State::Listen | State::SynSent);
    if row.view.protocol != Protocol::Tcp || none {
        return None;
    }
    let at = |offset| row.attributes.u32(crate::wire::attributes::INFO, offset);
    Some((at(tcp_info::LAST_DATA_SENT)?, at(tcp_info::LAST_DATA_RECV)?))
}

fn age(row: &Row<'_>) -> Value<'static> {
    if row.socket.state == State::TimeWait {
        return Value::Number(row.socket.time_wait_age_ms().into());
    }
    Value::number(silence(row).map(|(sent, came)| sent.max(came)))
}
