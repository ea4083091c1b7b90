//! The document of `listen`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Head;
use super::subject::{Endpoint, ProcessDocument};
use crate::model::Snapshot;
use crate::model::culprit::culprits;
use crate::model::endpoint::{Addr, Family};
use crate::model::listener::Listeners;
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::model::text::Text;

/// A group is keyed by where it listens: the kernel does not tell which member a handshake belongs to.
type Key = (Addr, u16, u32, Family);

/// Most peers named of one queue.
const PEERS: usize = 5;

/// Listeners.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Listen {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// Network namespace; of several the caller's.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// net.core.somaxconn as it is now, in that namespace; listen() takes the smaller of it and the backlog at the time of the call.
    pub somaxconn: Option<i64>,
    /// Whether nothing but the listeners was asked for.
    pub brief: bool,
    /// Every listener, by port and address.
    pub listeners: Vec<ListenerDocument>,
}

/// Who set the limit of an accept queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// It equals net.core.somaxconn: the setting caps it, or the application asked for the same.
    Somaxconn,
    /// It is less: the application asked for it in listen(), or somaxconn was lower then.
    Listen,
    /// It is more than somaxconn is now: that was higher when listen() was called.
    EarlierSomaxconn,
    /// The limit or the setting is not known.
    Unknown,
}

impl SetBy {
    /// As a table shows it.
    pub fn word(self) -> &'static str {
        match self {
            SetBy::Somaxconn => "somaxconn",
            SetBy::Listen => "listen()",
            SetBy::EarlierSomaxconn => "old somaxconn",
            SetBy::Unknown => "-",
        }
    }
}

/// One listener.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ListenerDocument {
    /// Its network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// Where it listens.
    pub local: Endpoint,
    /// Interface it is bound to; null for any.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub interface: Option<Text>,
    /// Whether an IPv6 listener refuses IPv4; null for IPv4.
    pub v6only: Option<bool>,
    /// Connections waiting to be accepted.
    pub accept_queue: u32,
    /// How many may wait; one more fills it. Null where the source does not tell.
    pub accept_queue_limit: Option<u32>,
    /// Who set the limit.
    pub limit_set_by: SetBy,
    /// Handshakes refused since it was opened, retries included; null where the kernel does not tell.
    pub drops: Option<u32>,
    /// Handshakes in progress toward it; null if not asked (--brief). Listeners of one group share the number.
    pub syn_recv: Option<u64>,
    /// Peers whose connections wait to be accepted, those with the most first; null if not asked (--brief), empty where the queue is.
    pub unaccepted: Option<Vec<PeerDocument>>,
    /// Whether some of these may be in another listener's queue, which names them too: nothing tells where a connection waits if several
    /// listeners fit it and have somebody waiting.
    pub unaccepted_shared: bool,
    /// Listeners on the same address, port and interface (SO_REUSEPORT), this one included.
    pub reuseport_group: u32,
    /// User id of the owner.
    pub uid: u32,
    /// Inode; null where no descriptor exists.
    pub inode: Option<u32>,
    /// Who listens; null if not asked.
    pub owners: Option<Vec<ProcessDocument>>,
}

/// One peer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeerDocument {
    /// Its address.
    pub peer_addr: String,
    /// Connections of it that wait.
    pub count: u64,
    /// Of these, connections that it has closed already.
    pub close_wait: u64,
}

impl Listen {
    /// The document; `brief` says that nothing but listeners was asked for.
    pub fn new(snapshot: &Snapshot, brief: bool) -> Listen {
        let listeners = Listeners::of(snapshot);
        let somaxconn = snapshot.sysctls.integer("net.core.somaxconn");
        let key = |s: &Socket| (s.local_addr, s.local_port, s.interface, s.family);
        let mut sizes: BTreeMap<Key, u32> = BTreeMap::new();
        listeners.iter().for_each(|l| *sizes.entry(key(l)).or_default() += 1);
        let mut handshakes: BTreeMap<Key, u64> = BTreeMap::new();
        let mut peers: BTreeMap<Key, BTreeMap<Addr, (u64, u64)>> = BTreeMap::new();
        let mut shared: BTreeSet<Key> = BTreeSet::new();
        for socket in snapshot.sockets.iter().filter(|s| s.state != State::Listen) {
            if socket.state == State::SynRecv {
                let listener = listeners.accepting(socket);
                listener.into_iter().for_each(|l| *handshakes.entry(key(l)).or_default() += 1);
                continue;
            }
            let doors = listeners.queues(socket);
            let keys: BTreeSet<Key> = doors.iter().map(|l| key(l)).collect();
            if doors.len() > 1 {
                shared.extend(&keys);
            }
            for key in keys {
                let entry = peers.entry(key).or_default();
                let (count, closed) = entry.entry(socket.peer_addr).or_default();
                *count += 1;
                *closed += u64::from(socket.state == State::CloseWait);
            }
        }
        let one = |l: &Socket| {
            let limit = snapshot.has_netlink_facts().then_some(l.send_queue);
            ListenerDocument {
                netns: snapshot.netns.clone(),
                family: l.family.word(),
                local: Endpoint::of(l.local_addr, l.family, l.local_port),
                interface: (l.interface != 0).then(|| {
                    let unnamed = || Text::new(format!("if{}", l.interface).as_bytes());
                    snapshot.interfaces.get(&l.interface).cloned().unwrap_or_else(unnamed)
                }),
                v6only: snapshot.detail(l).and_then(|d| d.v6only),
                accept_queue: l.recv_queue,
                accept_queue_limit: limit,
                limit_set_by: set_by(limit, somaxconn),
                drops: snapshot.detail(l).and_then(|d| d.drops),
                syn_recv: (!brief).then(|| handshakes.get(&key(l)).copied().unwrap_or_default()),
                unaccepted: (!brief).then(|| most(peers.get(&key(l)).filter(|_| l.recv_queue > 0))),
                unaccepted_shared: !brief && l.recv_queue > 0 && shared.contains(&key(l)),
                reuseport_group: sizes.get(&key(l)).copied().unwrap_or(1),
                uid: l.uid,
                inode: (l.inode != 0).then_some(l.inode),
                owners: snapshot
                    .owners
                    .is_some()
                    .then(|| culprits(snapshot, l).iter().map(ProcessDocument::from).collect()),
            }
        };
        Listen {
            head: Head::new("listen", snapshot),
            netns: snapshot.netns.clone(),
            somaxconn,
            brief,
            listeners: listeners.iter().map(one).collect(),
        }
    }
}

impl Listen {
    /// The listeners of several namespaces in one document; the first is the caller's.
    pub fn together(shared: &Snapshot, all: Vec<Listen>) -> Option<Listen> {
        let mut all = all.into_iter();
        let mut whole = all.next()?;
        whole.listeners.extend(all.flat_map(|one| one.listeners));
        whole.head = Head::new("listen", shared);
        Some(whole)
    }
}

fn set_by(limit: Option<u32>, somaxconn: Option<i64>) -> SetBy {
    match (limit.map(i64::from), somaxconn) {
        (Some(limit), Some(max)) if limit == max => SetBy::Somaxconn,
        (Some(limit), Some(max)) if limit < max => SetBy::Listen,
        (Some(_), Some(_)) => SetBy::EarlierSomaxconn,
        _ => SetBy::Unknown,
    }
}

fn most(peers: Option<&BTreeMap<Addr, (u64, u64)>>) -> Vec<PeerDocument> {
    let mut all: Vec<_> = peers.into_iter().flatten().collect();
    all.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    all.truncate(PEERS);
    all.into_iter()
        .map(|(addr, (count, close_wait))| PeerDocument {
            peer_addr: addr.to_string(),
            count: *count,
            close_wait: *close_wait,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sysctl::Reading;
    use crate::model::testing::{listener, socket};

    #[test]
    fn queue_limit_handshakes_peers_and_groups_are_told() {
        let mut snapshot = Snapshot::default();
        snapshot.coverage.seen("sock_diag");
        let value = Reading::Value("128".into());
        snapshot.sysctls.0.insert("net.core.somaxconn".into(), value);
        snapshot.sockets.push(listener("0.0.0.0:80", 3, 128));
        snapshot.sockets.push(listener("0.0.0.0:80", 0, 128));
        snapshot.sockets.push(listener("127.0.0.1:81", 0, 5));
        snapshot.sockets.push(listener("127.0.0.1:82", 0, 511));
        snapshot.sockets.push(socket(State::SynRecv, "10.0.0.1:80", "10.0.0.9:1"));
        for (state, peer) in [
            (State::Established, "10.0.0.9:2"),
            (State::CloseWait, "10.0.0.9:3"),
            (State::Established, "10.0.0.8:3"),
        ] {
            snapshot.sockets.push(socket(state, "10.0.0.1:80", peer));
        }
        let document = Listen::new(&snapshot, false);
        let l = &document.listeners;
        let words: Vec<_> = l.iter().map(|l| l.limit_set_by.word()).collect();
        assert_eq!(words, ["somaxconn", "somaxconn", "listen()", "old somaxconn"]);
        assert_eq!(l.iter().map(|l| l.reuseport_group).collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert_eq!((l[0].syn_recv, l[2].syn_recv), (Some(1), Some(0)));
        let peers = l[0].unaccepted.as_ref().unwrap();
        let first = (peers[0].peer_addr.as_str(), peers[0].count, peers[0].close_wait);
        assert_eq!((first, peers.len()), (("10.0.0.9", 2, 1), 2));
        assert!(l[1].unaccepted.as_ref().unwrap().is_empty(), "its queue is empty");
        let brief = Listen::new(&snapshot, true);
        assert!(brief.listeners[0].syn_recv.is_none() && brief.listeners[0].owners.is_none());
    }
}
