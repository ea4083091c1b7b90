//! One port: what is on it, who could bind it now, and with which option (inet_csk_bind_conflict, net/ipv4/inet_connection_sock.c).

use std::collections::BTreeMap;

use super::range::EphemeralRange;
use crate::model::Snapshot;
use crate::model::endpoint::{Addr, Family};
use crate::model::listener::Listeners;
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;

/// What a socket is on its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It listens.
    Listener,
    /// It is bound, neither connected nor listening.
    Bound,
    /// A handshake toward a listener.
    Handshake,
    /// A listener accepted it, or will.
    Accepted,
    /// connect() gave it the port.
    Client,
    /// A program bound the port by its number, then connected.
    BoundClient,
    /// Nobody listens: a listener that is gone accepted it, or a program bound port 0 before it connected.
    LeftOver,
}

impl Role {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Role::Listener => "listener",
            Role::Bound => "bound",
            Role::Handshake => "handshake",
            Role::Accepted => "accepted",
            Role::Client => "client",
            Role::BoundClient => "bound_client",
            Role::LeftOver => "left_over",
        }
    }
}

/// Sockets on the port that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they are.
    pub role: Role,
    /// Their state.
    pub state: State,
    /// Their family.
    pub family: Family,
    /// Their local address.
    pub local_addr: Addr,
    /// Interface they are bound to, 0 for none.
    pub interface: u32,
    /// Of a listener or a bound socket on `::`: whether it refuses IPv4.
    pub v6only: bool,
    /// How many.
    pub count: u32,
    /// The end of the first that was seen, for a single one.
    pub peer: (Addr, u16),
    /// Milliseconds until the kernel ends the last of them; `None` where a process must.
    pub frees_ms: Option<u32>,
    /// Inodes, where they have them.
    pub inodes: Vec<u32>,
}

/// What bind() gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeds.
    Free,
    /// It succeeds if the sockets in the way were made with SO_REUSEADDR too, which the kernel does not tell.
    IfBothReuse,
    /// EADDRINUSE.
    InUse,
}

impl Outcome {
    /// The word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Free => "free",
            Outcome::IfBothReuse => "if_both_reuseaddr",
            Outcome::InUse => "in_use",
        }
    }
}

/// What a service would get that binds the port on one address and listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The address.
    pub address: Addr,
    /// Whether the socket is IPV6_V6ONLY.
    pub v6only: bool,
    /// Sockets in the way.
    pub in_the_way: u32,
    /// Without options.
    pub plain: Outcome,
    /// With SO_REUSEADDR.
    pub reuseaddr: Outcome,
}

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Whether automatic choice may take it: in the range and not reserved. `None` if the range is unknown.
    pub automatic: Option<bool>,
    /// Whether it is reserved.
    pub reserved: bool,
    /// What is on it.
    pub groups: Vec<Group>,
    /// What the wildcards, loopback and the addresses in use would get.
    pub verdicts: Vec<Verdict>,
}

/// What sockets have in common that stand together.
type Key = (Role, State, Family, Addr, u32, bool);

impl Port {
    /// Looks at one port; what `also` would get is told too.
    pub fn of(snapshot: &Snapshot, number: u16, also: Option<Addr>) -> Port {
        let range = EphemeralRange::of(snapshot);
        let on_port = || snapshot.sockets.iter().filter(|s| s.local_port == number);
        let listeners = Listeners::among(on_port());
        let given = snapshot
            .owners
            .as_ref()
            .and_then(|o| o.buckets.as_ref())
            .is_some_and(|b| b.connect.has(number));
        // What a listener or a bound socket named says nothing of connections.
        let has_other = on_port().any(|s| matches!(s.state, State::Listen | State::BoundInactive));
        let named = !has_other
            && (snapshot.explicit_ports.as_ref().is_some_and(|p| p.has(number))
                || snapshot
                    .owners
                    .as_ref()
                    .and_then(|o| o.buckets.as_ref())
                    .is_some_and(|b| b.named.has(number)));
        let buckets = snapshot.owners.as_ref().and_then(|o| o.buckets.as_ref());
        let bound = buckets.is_some_and(|b| b.bind.has(number));
        let ways =
            Ways { given, named, bound, spans: range.as_ref().is_some_and(|r| r.spans(number)) };
        let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
        for socket in on_port() {
            let role = role(socket, &listeners, &ways);
            let (local_addr, interface) = (socket.local_addr, socket.interface);
            let key = (role, socket.state, socket.family, local_addr, interface, socket.v6only);
            let frees = frees_ms(socket);
            let group = groups.entry(key).or_insert_with(|| Group {
                role,
                state: socket.state,
                family: socket.family,
                local_addr,
                interface,
                v6only: socket.v6only,
                count: 0,
                peer: (socket.peer_addr, socket.peer_port),
                frees_ms: frees,
                inodes: Vec::new(),
            });
            group.count += 1;
            group.frees_ms = group.frees_ms.zip(frees).map(|(a, b)| a.max(b));
            group.inodes.extend((socket.inode != 0).then_some(socket.inode));
        }
        let groups: Vec<Group> = groups.into_values().collect();
        let verdicts = verdicts(&groups, also);
        Port {
            number,
            automatic: range.as_ref().map(|r| r.has(number)),
            reserved: range.as_ref().is_some_and(|r| r.reserved.has(number)),
            groups,
            verdicts,
        }
    }

    /// Milliseconds until the kernel has ended all that is on the port; `None` where a process holds something of it.
    pub fn frees_ms(&self) -> Option<u32> {
        self.groups
            .iter()
            .map(|g| g.frees_ms)
            .try_fold(0, |most: u32, frees| frees.map(|ms| most.max(ms)))
    }

    /// Whether something of this role is on the port.
    pub fn has(&self, role: Role) -> bool {
        self.groups.iter().any(|g| g.role == role)
    }
}

/// How a port may have come to its connections.
struct Ways {
    /// By connect(), as its bucket says.
    given: bool,
    /// By a bind() that named it.
    named: bool,
    /// By bind() or listen() at any rate, as its bucket says.
    bound: bool,
    /// By connect() or bind(0) perhaps: it lies in the range.
    spans: bool,
}

fn role(socket: &Socket, listeners: &Listeners, ways: &Ways) -> Role {
    match socket.state {
        State::Listen => Role::Listener,
        State::BoundInactive | State::Close => Role::Bound,
        State::SynRecv => Role::Handshake,
        _ if listeners.accepting(socket).is_some() => Role::Accepted,
        // Without a word from its bucket, a connection from the range to a low port is a client's.
        _ if ways.named && socket.inode != 0 => Role::BoundClient,
        _ if ways.bound => Role::LeftOver,
        _ if ways.given || socket.state == State::SynSent => Role::Client,
        _ if ways.spans && socket.peer_port < 32_768 => Role::Client,
        _ => Role::LeftOver,
    }
}

/// When the kernel ends a socket of its own accord.
fn frees_ms(socket: &Socket) -> Option<u32> {
    let is_bucket = socket.state == State::TimeWait || socket.timer == Timer::TimeWait;
    is_bucket.then_some(socket.expires_ms)
}

fn verdicts(groups: &[Group], also: Option<Addr>) -> Vec<Verdict> {
    let v4 = |bytes| Addr::v4(bytes);
    let mut one = [0; 16];
    one[15] = 1;
    let mut addresses = vec![v4([0; 4]), Addr([0; 16]), v4([127, 0, 0, 1]), Addr(one)];
    for address in groups.iter().map(|g| g.local_addr).chain(also) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let mut verdicts: Vec<Verdict> =
        addresses.into_iter().map(|address| verdict(address, false, groups)).collect();
    verdicts.insert(2, verdict(Addr([0; 16]), true, groups));
    verdicts
}

fn verdict(address: Addr, v6only: bool, groups: &[Group]) -> Verdict {
    let meets = |g: &Group| {
        if v6only { g.local_addr.as_v4().is_none() } else { meets(address, g) }
    };
    let in_way: Vec<&Group> =
        groups.iter().filter(|g| g.role != Role::Handshake && meets(g)).collect();
    let (plain, reuseaddr) = if in_way.is_empty() {
        (Outcome::Free, Outcome::Free)
    } else if in_way.iter().any(|g| matches!(g.role, Role::Listener | Role::Client)) {
        // Clients do not set SO_REUSEADDR, and a listener refuses whatever is set.
        (Outcome::InUse, Outcome::InUse)
    } else {
        (Outcome::InUse, Outcome::IfBothReuse)
    };
    Verdict { address, v6only, in_the_way: in_way.iter().map(|g| g.count).sum(), plain, reuseaddr }
}

/// Whether a socket that binds `address` (on `::` one that takes IPv4 too) meets what a group has.
fn meets(address: Addr, group: &Group) -> bool {
    let theirs = group.local_addr;
    let both_v4 = address.as_v4().is_some() && theirs.as_v4().is_some();
    if address == theirs {
        true
    } else if address.is_wildcard() {
        address.as_v4().is_none() || both_v4 || !group.v6only
    } else if theirs.is_wildcard() {
        match address.as_v4() {
            Some(_) => theirs.as_v4().is_some() || !group.v6only,
            None => theirs.as_v4().is_none(),
        }
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Free, InUse};
    use super::*;
    use crate::model::testing::*;

    fn outcomes(s: &Snapshot, number: u16) -> Vec<(String, Outcome, Outcome)> {
        let port = Port::of(s, number, None);
        let name = |v: &Verdict| match v.v6only {
            true => format!("{} v6only", v.address),
            false => v.address.to_string(),
        };
        port.verdicts.iter().map(|v| (name(v), v.plain, v.reuseaddr)).collect()
    }

    #[test]
    fn a_listener_refuses_its_address_and_the_wildcards() {
        let mut s = fresh();
        s.sockets.push(listener("10.0.0.1:8080", 0, 5));
        let want = [
            ("0.0.0.0", InUse),
            ("::", InUse),
            (":: v6only", Free),
            ("127.0.0.1", Free),
            ("::1", Free),
            ("10.0.0.1", InUse),
        ];
        let want: Vec<_> = want.map(|(a, o)| (a.to_string(), o, o)).into();
        assert_eq!(outcomes(&s, 8080), want);
        let mut six = fresh();
        six.sockets.push(Socket { v6only: true, ..listener("[::]:8080", 0, 5) });
        let plain: Vec<_> = outcomes(&six, 8080).into_iter().map(|(_, plain, _)| plain).collect();
        assert_eq!(plain, [Free, InUse, InUse, Free, InUse]);
    }

    #[test]
    fn what_an_old_listener_left_gives_way_if_both_reuse_and_a_client_never_does() {
        let mut s = fresh();
        s.sockets.push(time_wait("10.0.0.1:8080", "10.0.0.9:50000", 20_000));
        s.sockets.push(time_wait("10.0.0.1:8080", "10.0.0.9:50001", 10_000));
        let port = Port::of(&s, 8080, None);
        assert_eq!((port.groups.len(), port.groups[0].role), (1, Role::LeftOver));
        assert_eq!((port.groups[0].count, port.frees_ms()), (2, Some(50_000)));
        assert_eq!(port.verdicts[0].reuseaddr, Outcome::IfBothReuse);
        let mut client = fresh();
        client.sockets.push(socket(State::Established, "10.0.0.1:40000", "10.0.0.2:5432"));
        let port = Port::of(&client, 40000, None);
        assert_eq!((port.groups[0].role, port.frees_ms()), (Role::Client, None));
        assert_eq!(port.verdicts[0].reuseaddr, Outcome::InUse);
        assert_eq!(port.automatic, Some(true));
    }

    #[test]
    fn a_bucket_that_bind_made_is_no_clients() {
        let mut s = fresh();
        s.sockets.push(socket(State::Established, "10.0.0.1:40001", "10.0.0.2:443"));
        assert_eq!(Port::of(&s, 40001, None).groups[0].role, Role::Client);
        let owners = s.owners.as_mut().unwrap();
        owners.buckets.get_or_insert_default().note(40001, crate::model::owner::Bucket::Bind);
        let port = Port::of(&s, 40001, None);
        assert_eq!(port.groups[0].role, Role::LeftOver);
        assert_eq!(port.verdicts[0].reuseaddr, Outcome::IfBothReuse);
    }

    #[test]
    fn nothing_on_a_port_is_free_for_all() {
        let port = Port::of(&fresh(), 8080, None);
        assert!(port.groups.is_empty() && port.verdicts.iter().all(|v| v.plain == Outcome::Free));
        assert_eq!((port.automatic, port.frees_ms()), (Some(false), Some(0)));
    }
}
