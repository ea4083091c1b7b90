//! The document of `ports --port`.

use serde::Serialize;

use super::Head;
use super::ports::{EndsDocument, PortOwner, device, owners};
use super::subject::Endpoint;
use crate::model::Snapshot;
use crate::model::culprit::{culprits, users};
use crate::model::ports::EphemeralRange;
use crate::model::ports::port::{Group, Outcome, Port, Role};
use crate::model::text::Text;
use crate::phrase::{count, duration};

/// One port.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortDocument {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// The port.
    pub port: u16,
    /// The range that automatic choice takes from; null if it could not be read.
    pub range: Option<EndsDocument>,
    /// Whether connect() and bind(0) may take the port: it lies in the range and is not reserved.
    pub automatic: Option<bool>,
    /// Whether it is in ip_local_reserved_ports.
    pub reserved: bool,
    /// What is on the port, alike sockets together.
    pub sockets: Vec<GroupDocument>,
    /// Milliseconds until the kernel has ended all of them; null where a process holds some.
    pub frees_in_ms: Option<u32>,
    /// What a service would get that binds the port.
    pub binds: Vec<BindDocument>,
    /// What helps, a sentence each.
    pub advice: Vec<String>,
}

/// Sockets that are alike.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GroupDocument {
    /// `listener`, `bound` (neither connected nor listening), `handshake`, `accepted`, `client` (connect() gave it the port),
    /// `bound_client` (a program bound the port by its number, then connected) or `left_over` (a listener that is gone accepted it, or a
    /// program bound port 0 before it connected).
    pub role: &'static str,
    /// Their state.
    pub state: &'static str,
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// Their local end.
    pub local: Endpoint,
    /// Interface they are bound to; null for none.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub interface: Option<Text>,
    /// The far end, where there is one socket.
    pub peer: Option<Endpoint>,
    /// How many.
    pub count: u32,
    /// Milliseconds until the kernel ends the last of them; null where a process must.
    pub frees_in_ms: Option<u32>,
    /// Who holds them.
    pub owners: Vec<PortOwner>,
}

/// What bind() to one address gives.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BindDocument {
    /// The address.
    pub local_addr: String,
    /// Whether the socket is IPV6_V6ONLY; on `::` one that is not takes IPv4 too.
    pub v6only: bool,
    /// Sockets in the way.
    pub in_the_way: u32,
    /// Without options: `free` or `in_use` (EADDRINUSE).
    pub plain: &'static str,
    /// With SO_REUSEADDR: `free`, `in_use`, or `if_both_reuseaddr` where the sockets in the way must have been made with it too.
    pub with_reuseaddr: &'static str,
}

impl PortDocument {
    /// The document.
    pub fn new(snapshot: &Snapshot, port: &Port) -> PortDocument {
        let range = EphemeralRange::of(snapshot);
        PortDocument {
            head: Head::new("port", snapshot),
            netns: snapshot.netns.clone(),
            port: port.number,
            range: range.map(|r| EndsDocument { low: r.low, high: r.high }),
            automatic: port.automatic,
            reserved: port.reserved,
            sockets: port.groups.iter().map(|g| group(snapshot, port, g)).collect(),
            frees_in_ms: port.frees_ms(),
            binds: port
                .verdicts
                .iter()
                .map(|v| BindDocument {
                    local_addr: v.address.to_string(),
                    v6only: v.v6only,
                    in_the_way: v.in_the_way,
                    plain: v.plain.word(),
                    with_reuseaddr: v.reuseaddr.word(),
                })
                .collect(),
            advice: advice(snapshot, port),
        }
    }
}

fn group(snapshot: &Snapshot, port: &Port, group: &Group) -> GroupDocument {
    let peer = (group.count == 1 && group.peer.1 != 0)
        .then(|| Endpoint::of(group.peer.0, group.family, group.peer.1));
    // What is not accepted yet, or never had a descriptor, is told by provenance.
    let nameless = || {
        let is_one = |s: &&crate::model::socket::Socket| {
            s.local_port == port.number
                && s.local_addr == group.local_addr
                && s.state == group.state
        };
        let first = snapshot.sockets.iter().find(is_one);
        let culprits = first.map(|s| culprits(snapshot, s)).unwrap_or_default();
        culprits.into_iter().map(|c| (c, group.count)).collect()
    };
    let who = match group.inodes.is_empty() {
        true => nameless(),
        false => users(snapshot, &group.inodes),
    };
    GroupDocument {
        role: group.role.word(),
        state: group.state.word(),
        family: group.family.word(),
        local: Endpoint::of(group.local_addr, group.family, port.number),
        interface: (group.interface != 0).then(|| device(snapshot, group.interface)),
        peer,
        count: group.count,
        frees_in_ms: group.frees_ms,
        owners: owners(who),
    }
}

/// What helps, the surest first.
fn advice(snapshot: &Snapshot, port: &Port) -> Vec<String> {
    let mut out = Vec::new();
    let number = port.number;
    if port.groups.is_empty() {
        out.push("Nothing of TCP has the port here; a bind() that fails with EADDRINUSE ran in another network namespace, or for UDP, which is not looked at here.".into());
        let start = snapshot.sysctls.integer("net.ipv4.ip_unprivileged_port_start");
        if start.is_some_and(|s| i64::from(number) < s) {
            out.push("Ports below ip_unprivileged_port_start need CAP_NET_BIND_SERVICE (EACCES, not EADDRINUSE).".into());
        }
    }
    if port.has(Role::Listener) {
        out.push("A service listens: stop it, or take another port or address; SO_REUSEPORT shares the port only if both set it and run as one user.".into());
    }
    if port.has(Role::Bound) {
        out.push("A bound socket that neither listens nor connects holds it until its process closes it.".into());
    }
    if port.has(Role::BoundClient) {
        out.push("A program bound the port by its number and connected from it: it is free when that closes, and after TIME_WAIT if it closes first.".into());
    }
    if port.groups.iter().any(|g| g.interface != 0) {
        out.push("Sockets bound to a device stand only in the way of those bound to none or to the same; the table is for a socket bound to none.".into());
    }
    let waits = port.frees_ms().map(|ms| duration(ms.into()));
    if port.has(Role::Client) {
        let clients =
            port.groups.iter().filter(|g| g.role == Role::Client).map(|g| g.count).sum::<u32>();
        let have = count(clients.into(), "client connection has", "client connections have");
        out.push(format!(
            "{have} the port, given by connect(); SO_REUSEADDR does not help against that{}.",
            waits.as_ref().map(|w| format!(": wait {w}")).unwrap_or_default()
        ));
    }
    if port.automatic == Some(true) && !port.has(Role::Listener) {
        out.push(format!(
            "The port lies in the range of automatic ports: reserve it, so that no connection takes it again: add {number} to net.ipv4.ip_local_reserved_ports ({}).",
            match snapshot.sysctls.text("net.ipv4.ip_local_reserved_ports") {
                None | Some("") => "now empty".to_string(),
                Some(list) => format!("now {list}"),
            }
        ));
    }
    if port.verdicts.iter().any(|v| v.reuseaddr == Outcome::IfBothReuse) && !port.has(Role::Bound) {
        out.push(format!(
            "What is left of an earlier service gives way if both it and the new one set SO_REUSEADDR before bind(){}.",
            waits.as_ref().map(|w| format!("; else it is gone in {w}")).unwrap_or_default()
        ));
    }
    out
}
