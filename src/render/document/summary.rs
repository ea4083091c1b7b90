//! The document of `summary`.

use serde::Serialize;

use super::Head;
use super::number::ByState;
use super::subject::Endpoint;
use crate::model::Snapshot;
use crate::model::endpoint::Family;
use crate::model::listener::Listeners;
use crate::model::ports::{Pools, is_client};
use crate::model::state::State;
use crate::model::text::Text;

/// Counts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SummaryDocument {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// One entry a namespace.
    pub namespaces: Vec<NamespaceDocument>,
    /// Numbers that the kernel keeps for the whole host.
    pub host_wide: HostWide,
}

/// One namespace.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NamespaceDocument {
    /// Its name.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// All sockets.
    pub sockets: u64,
    /// By state.
    pub by_state: ByState,
    /// IPv4 sockets.
    pub ipv4: u64,
    /// IPv6 sockets, those that carry IPv4 included.
    pub ipv6: u64,
    /// TIME_WAIT on the client side, each holding a port; null if the port range could not be read.
    pub time_wait_client: Option<u64>,
    /// Connections complete but not yet accepted.
    pub unaccepted: u64,
    /// Ephemeral ports.
    pub ports: Option<PortsDocument>,
}

/// Ephemeral ports of a namespace.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortsDocument {
    /// Lowest port.
    pub low: u16,
    /// Highest port.
    pub high: u16,
    /// Ports of the range that are not reserved.
    pub size: u32,
    /// The fullest destination; null while none uses a fortieth of the range.
    pub fullest: Option<PoolDocument>,
}

/// Ports toward one destination.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PoolDocument {
    /// Our address.
    pub local_addr: String,
    /// Their address and port.
    pub peer: Endpoint,
    /// Ports that can serve it at all.
    pub usable: u32,
    /// Ports in use toward it, TIME_WAIT included.
    pub used: u32,
    /// TIME_WAIT among them.
    pub time_wait: u32,
    /// Connections that still fit, at least.
    pub headroom: u32,
    /// Connections that still fit, at most; differs where reuse of TIME_WAIT is unknown.
    pub headroom_max: u32,
}

/// Host-wide numbers of sockstat, whatever the namespace.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostWide {
    /// Orphaned sockets.
    pub orphans: Option<i64>,
    /// Allocated TCP sockets.
    pub allocated: Option<i64>,
    /// Memory of TCP in pages.
    pub memory_pages: Option<i64>,
}

impl SummaryDocument {
    /// The document of one namespace.
    pub fn new(snapshot: &Snapshot) -> SummaryDocument {
        SummaryDocument {
            head: Head::new("summary", snapshot),
            namespaces: vec![namespace(snapshot)],
            host_wide: HostWide {
                orphans: snapshot.counters.get("sockstat.TCP.orphan"),
                allocated: snapshot.counters.get("sockstat.TCP.alloc"),
                memory_pages: snapshot.counters.get("sockstat.TCP.mem"),
            },
        }
    }
}

fn namespace(snapshot: &Snapshot) -> NamespaceDocument {
    let of = |family| snapshot.sockets.iter().filter(|s| s.family == family).count() as u64;
    let pools = Pools::of(snapshot);
    let listeners = Listeners::of(snapshot);
    let waiting = || snapshot.sockets.iter().filter(|s| s.state == State::TimeWait);
    NamespaceDocument {
        netns: snapshot.netns.clone(),
        sockets: snapshot.sockets.len() as u64,
        by_state: ByState(snapshot.by_state()),
        ipv4: of(Family::Ipv4),
        ipv6: of(Family::Ipv6),
        time_wait_client: pools
            .as_ref()
            .map(|p| waiting().filter(|s| is_client(s, &p.range, &listeners)).count() as u64),
        unaccepted: snapshot.sockets.iter().filter(|s| s.is_unaccepted()).count() as u64,
        ports: pools.map(|p| PortsDocument {
            low: p.range.low,
            high: p.range.high,
            size: p.range.size(),
            fullest: p.busy.first().map(|b| PoolDocument {
                local_addr: b.destination.local_addr.to_string(),
                peer: Endpoint::plain(b.destination.peer_addr, b.destination.peer_port),
                usable: b.usable,
                used: b.used,
                time_wait: b.time_wait,
                headroom: b.headroom(),
                headroom_max: b.headroom_max(),
            }),
        }),
    }
}
