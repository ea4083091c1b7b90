//! Fields of the header: what it is, its ends, queues and timer.

use std::borrow::Cow;

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::endpoint::{Addr, Family};
use crate::model::protocol::Protocol;
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;
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
        "Bytes the application has not read, a FIN counting as one; for a listener, connections waiting to be accepted.",
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
    header("local", Kind::Endpoint, Group::Core, "Near address and port.", |row| {
        end(row, row.socket.local_addr, row.socket.local_port)
    }),
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
        source: Source::Attribute(1 << 1),
        ..header(
            "age",
            Kind::Ms,
            Group::Named,
            "How long it is in TIME_WAIT; for others, how old it is at least, since the kernel tells no start: the longest time that nothing was sent or came.",
            age,
        )
    },
    Field {
        source: Source::Attribute(1 << 1),
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
            Group::Named,
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

fn end(row: &Row<'_>, addr: Addr, number: u16) -> Value<'static> {
    let family = row.socket.family;
    let view = row.view;
    if view.hosts.is_empty() && view.services.is_empty() {
        return Value::Endpoint(addr, family, number);
    }
    let host = view.hosts.get(&addr).map(ToString::to_string);
    let host = host.unwrap_or_else(|| {
        let text = addr.text(family);
        if family == Family::Ipv6 { format!("[{text}]") } else { text }
    });
    Value::Text(Cow::Owned(match view.services.get(&number) {
        Some(service) => format!("{host}:{service}"),
        None if number == 0 => format!("{host}:*"),
        None => format!("{host}:{number}"),
    }))
}

fn port(number: u16) -> Value<'static> {
    if number == 0 { Value::None } else { Value::Number(number.into()) }
}

fn running(socket: &Socket, n: u32) -> Value<'static> {
    if socket.timer == Timer::Off { Value::None } else { Value::Number(n.into()) }
}

/// The user id, where it means something.
pub(super) fn uid(row: &Row<'_>) -> Option<u32> {
    let kernel_owned = match row.view.protocol {
        Protocol::Udp => row.socket.inode == 0,
        Protocol::Tcp | Protocol::Mptcp => row.socket.is_kernel_owned(),
    };
    (!kernel_owned).then_some(row.socket.uid)
}

/// Milliseconds since data was sent, and since data came.
fn silence(row: &Row<'_>) -> Option<(u32, u32)> {
    if row.view.protocol != Protocol::Tcp || row.socket.state == State::Listen {
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
