//! The document of `list`.

use serde::Serialize;

use super::Head;
use super::subject::Endpoint;
use crate::fields::Row;
use crate::fields::socket::{accept_limit_unknown, cookie, uid};
use crate::filter::Filter;
use crate::model::Snapshot;
use crate::model::owner::Provenance;
use crate::model::socket::Timer;
use crate::model::state::State;
use crate::model::text::Text;

/// Sockets.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct List {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// The selected sockets, in the kernel's order.
    pub sockets: Vec<SocketDocument>,
}

/// One socket.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SocketDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// TCP state.
    pub state: &'static str,
    /// Near end.
    pub local: Endpoint,
    /// Far end.
    pub peer: Endpoint,
    /// Queues: bytes of a connection, or the accept queue of a listener.
    #[serde(flatten)]
    pub queues: Queues,
    /// User id; null for sockets that the kernel owns.
    pub uid: Option<u32>,
    /// Inode; null where no descriptor exists.
    pub inode: Option<u32>,
    /// The kernel's identity of the socket, hexadecimal; null where the source does not tell.
    pub cookie: Option<String>,
    /// The running timer.
    pub timer: TimerDocument,
    /// Who holds it; one entry without a process says why there is none.
    pub owners: Vec<OwnerDocument>,
}

/// Queues by kind of socket.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Queues {
    /// A listener's.
    Listener {
        /// Connections waiting to be accepted.
        accept_queue: u32,
        /// How many may wait; one more fills it. Null where the source does not tell.
        accept_queue_limit: Option<u32>,
    },
    /// A connection's.
    Connection {
        /// Bytes the application has not read.
        recv_queue_bytes: u32,
        /// Bytes the peer has not acknowledged.
        send_queue_bytes: u32,
    },
}

/// A timer.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TimerDocument {
    /// `off on keepalive timewait persist delack unknown`.
    pub kind: &'static str,
    /// Milliseconds until it fires; null where none runs.
    pub expires_ms: Option<u32>,
    /// Retransmissions or unanswered probes so far; null where none runs.
    pub retries: Option<u8>,
}

/// A holder.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OwnerDocument {
    /// Process id.
    pub pid: Option<u32>,
    /// Command name.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub process: Option<Text>,
    /// Descriptor.
    pub fd: Option<u32>,
    /// How it is known.
    pub provenance: Provenance,
}

impl SocketDocument {
    /// One row.
    pub fn new(row: &Row<'_>) -> SocketDocument {
        let s = row.socket;
        let running = s.timer != Timer::Off;
        SocketDocument {
            netns: row.snapshot.netns.clone(),
            family: s.family.word(),
            state: s.state.word(),
            local: Endpoint::of(s.local_addr, s.family, s.local_port),
            peer: Endpoint::of(s.peer_addr, s.family, s.peer_port),
            queues: if s.state == State::Listen {
                Queues::Listener {
                    accept_queue: s.recv_queue,
                    accept_queue_limit: (!accept_limit_unknown(row)).then_some(s.send_queue),
                }
            } else {
                Queues::Connection {
                    recv_queue_bytes: s.recv_queue,
                    send_queue_bytes: s.send_queue,
                }
            },
            uid: uid(s),
            inode: (s.inode != 0).then_some(s.inode),
            cookie: cookie(s),
            timer: TimerDocument {
                kind: s.timer.word(),
                expires_ms: running.then_some(s.expires_ms),
                retries: running.then_some(s.retries),
            },
            owners: owners(row),
        }
    }
}

fn owners(row: &Row<'_>) -> Vec<OwnerDocument> {
    let holders = row.snapshot.owners.as_ref().map(|o| o.of(row.socket.inode)).unwrap_or_default();
    if holders.is_empty() {
        let provenance = row.snapshot.provenance(row.socket);
        return vec![OwnerDocument { pid: None, process: None, fd: None, provenance }];
    }
    holders
        .iter()
        .map(|h| OwnerDocument {
            pid: Some(h.pid),
            process: Some(row.snapshot.comm(h.pid)).filter(|c| !c.as_str().is_empty()),
            fd: Some(h.fd),
            provenance: Provenance::Exact,
        })
        .collect()
}

impl List {
    /// The document of the selected sockets.
    pub fn new(snapshot: &Snapshot, filter: Filter) -> List {
        let rows = snapshot.sockets.iter().filter(|s| filter.matches(s));
        List {
            head: Head::new("list", snapshot),
            sockets: rows.map(|socket| SocketDocument::new(&Row { snapshot, socket })).collect(),
        }
    }
}
