//! The columns of one socket.

use super::value::Value;
use super::{Field, Row};
use crate::model::culprit::{Culprit, culprits};
use crate::model::endpoint::host_port;
use crate::model::owner::Provenance;
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;

/// In the order in which they are listed and shown.
pub(super) static FIELDS: &[&Field] = &[
    &Field {
        name: "netns",
        header: "NETNS",
        unit: "",
        doc: "Network namespace.",
        right: false,
        get: |row| Value::Text(row.snapshot.netns.to_string()),
    },
    &Field {
        name: "family",
        header: "FAMILY",
        unit: "",
        doc: "Family of the socket: ipv4, or ipv6 even where it carries IPv4.",
        right: false,
        get: |row| Value::Word(row.socket.family.word()),
    },
    &Field {
        name: "state",
        header: "STATE",
        unit: "",
        doc: "TCP state.",
        right: false,
        get: |row| Value::Word(row.socket.state.word()),
    },
    &Field {
        name: "recvq",
        header: "RECV-Q",
        unit: "bytes",
        doc: "Bytes the application has not read, the FIN counting as one; for a listener, connections waiting to be accepted.",
        right: true,
        get: |row| Value::Number(row.socket.recv_queue.into()),
    },
    &Field {
        name: "sendq",
        header: "SEND-Q",
        unit: "bytes",
        doc: "Bytes the peer has not acknowledged, the FIN counting as one; for a listener, the limit of its accept queue.",
        right: true,
        get: |row| match accept_limit_unknown(row) {
            true => Value::None,
            false => Value::Number(row.socket.send_queue.into()),
        },
    },
    &Field {
        name: "local",
        header: "LOCAL",
        unit: "",
        doc: "Near address and port.",
        right: false,
        get: |row| {
            let s = row.socket;
            Value::Text(host_port(s.local_addr, s.family, s.local_port))
        },
    },
    &Field {
        name: "peer",
        header: "PEER",
        unit: "",
        doc: "Far address and port.",
        right: false,
        get: |row| {
            let s = row.socket;
            Value::Text(host_port(s.peer_addr, s.family, s.peer_port))
        },
    },
    &Field {
        name: "timer",
        header: "TIMER",
        unit: "",
        doc: "Running timer, the time until it fires, and its retries.",
        right: false,
        get: timer,
    },
    &Field {
        name: "uid",
        header: "UID",
        unit: "",
        doc: "User id of the owner; none for sockets that the kernel owns.",
        right: true,
        get: |row| uid(row.socket).map_or(Value::None, |n| Value::Number(n.into())),
    },
    &Field {
        name: "inode",
        header: "INODE",
        unit: "",
        doc: "Inode of the socket; none where no descriptor exists.",
        right: true,
        get: |row| match row.socket.inode {
            0 => Value::None,
            n => Value::Number(n.into()),
        },
    },
    &Field {
        name: "cookie",
        header: "COOKIE",
        unit: "",
        doc: "The kernel's identity of the socket.",
        right: false,
        get: |row| cookie(row.socket).map_or(Value::None, Value::Text),
    },
    &Field {
        name: "process",
        header: "PROCESS",
        unit: "",
        doc: "First process that holds it, as name[pid], and how many more; in parentheses why there is none.",
        right: false,
        get: process,
    },
];

/// Whether this is a listener whose limit the source does not tell.
pub fn accept_limit_unknown(row: &Row<'_>) -> bool {
    row.socket.state == State::Listen && !row.snapshot.has_netlink_facts()
}

/// The user id, where it means something.
pub fn uid(socket: &Socket) -> Option<u32> {
    (!socket.is_kernel_owned()).then_some(socket.uid)
}

/// The cookie as hexadecimal text: it has 64 bits, more than JSON numbers keep.
pub fn cookie(socket: &Socket) -> Option<String> {
    (socket.cookie != u64::MAX).then(|| format!("0x{:x}", socket.cookie))
}

fn timer(row: &Row<'_>) -> Value {
    let s = row.socket;
    if s.timer == Timer::Off {
        return Value::None;
    }
    let left = crate::phrase::duration(s.expires_ms.into()).replace(' ', "");
    Value::Text(match s.retries {
        0 => format!("{}:{left}", s.timer.word()),
        n => format!("{}:{left}:{n}", s.timer.word()),
    })
}

fn process(row: &Row<'_>) -> Value {
    let names: Vec<String> = culprits(row.snapshot, row.socket)
        .iter()
        .filter(|c| c.pid.is_some())
        .map(Culprit::name)
        .collect();
    if let Some((first, others)) = names.split_first() {
        return Value::Text(match others.len() {
            0 => first.clone(),
            n => format!("{first}+{n}"),
        });
    }
    Value::Word(match row.snapshot.provenance(row.socket) {
        Provenance::None => "(kernel)",
        Provenance::Listener => "(unaccepted)",
        _ if row.snapshot.owners.is_none() && row.snapshot.coverage.get("owners").is_none() => {
            return Value::None;
        }
        Provenance::Hidden => "(hidden)",
        Provenance::Exact | Provenance::Inferred | Provenance::Unheld => "(unheld)",
    })
}
