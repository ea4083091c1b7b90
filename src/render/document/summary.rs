//! The document of `summary`.

use serde::Serialize;

use super::Head;
use super::number::ByState;
use super::subject::Endpoint;
use crate::model::Snapshot;
use crate::model::endpoint::Family;
use crate::model::listener::Listeners;
use crate::model::ports::{Ports, is_client};
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
    /// By family and state.
    pub by_family: FamiliesDocument,
    /// What the kernel's own counts of this namespace say; null if they could not be read.
    pub sockstat: Option<SockstatDocument>,
    /// TIME_WAIT on the client side, each holding a port; null if the port range could not be read.
    pub time_wait_client: Option<u64>,
    /// Connections complete but not yet accepted.
    pub unaccepted: u64,
    /// Ephemeral ports.
    pub ports: Option<PortsDocument>,
}

/// Counts by family.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FamiliesDocument {
    /// IPv4 sockets by state.
    pub ipv4: ByState,
    /// IPv6 sockets by state, those that carry IPv4 included.
    pub ipv6: ByState,
}

/// Counts of /proc/net/sockstat and sockstat6 that are kept for each namespace, held against the table. They count sockets in the hash
/// tables: neither handshakes nor bound sockets that do nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SockstatDocument {
    /// IPv4 sockets in use (`TCP: inuse`).
    pub ipv4_in_use: i64,
    /// IPv6 sockets in use (`TCP6: inuse`); null without IPv6.
    pub ipv6_in_use: Option<i64>,
    /// TIME_WAIT and FIN_WAIT2 buckets of both families (`TCP: tw`).
    pub buckets: i64,
    /// How many sockets more the table has than these counts: what changed between the two looks.
    pub difference: i64,
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
        SummaryDocument::of(snapshot, vec![namespace(snapshot)])
    }

    /// The document of several; `snapshot` gives the head and the numbers of the whole host.
    pub fn of(snapshot: &Snapshot, namespaces: Vec<NamespaceDocument>) -> SummaryDocument {
        SummaryDocument {
            head: Head::new("summary", snapshot),
            namespaces,
            host_wide: HostWide {
                orphans: snapshot.counters.get("sockstat.TCP.orphan"),
                allocated: snapshot.counters.get("sockstat.TCP.alloc"),
                memory_pages: snapshot.counters.get("sockstat.TCP.mem"),
            },
        }
    }
}

/// The counts of the kernel against those of the table.
fn sockstat(snapshot: &Snapshot) -> Option<SockstatDocument> {
    let ipv4_in_use = snapshot.counters.get("sockstat.TCP.inuse")?;
    let ipv6_in_use = snapshot.counters.get("sockstat.TCP6.inuse");
    let buckets = snapshot.counters.get("sockstat.TCP.tw")?;
    let counted = snapshot.sockets.iter().filter(|s| {
        let unhashed = matches!(s.state, State::SynRecv | State::BoundInactive | State::Close);
        !unhashed && (ipv6_in_use.is_some() || s.family == Family::Ipv4)
    });
    let table = i64::try_from(counted.count()).unwrap_or(i64::MAX);
    let kernel = ipv4_in_use.saturating_add(ipv6_in_use.unwrap_or(0)).saturating_add(buckets);
    let difference = table.saturating_sub(kernel);
    Some(SockstatDocument { ipv4_in_use, ipv6_in_use, buckets, difference })
}

fn by_state(snapshot: &Snapshot, family: Family) -> ByState {
    let mut counts = [0; 12];
    for socket in snapshot.sockets.iter().filter(|s| s.family == family) {
        if let Some(count) = counts.get_mut(socket.state.index()) {
            *count += 1;
        }
    }
    ByState(counts)
}

/// The document of one namespace.
pub fn namespace(snapshot: &Snapshot) -> NamespaceDocument {
    let of = |family| snapshot.sockets.iter().filter(|s| s.family == family).count() as u64;
    let pools = Ports::busy(snapshot);
    let listeners = Listeners::of(snapshot);
    let waiting = || snapshot.sockets.iter().filter(|s| s.state == State::TimeWait);
    NamespaceDocument {
        netns: snapshot.netns.clone(),
        sockets: snapshot.sockets.len() as u64,
        by_state: ByState(snapshot.by_state()),
        ipv4: of(Family::Ipv4),
        ipv6: of(Family::Ipv6),
        by_family: FamiliesDocument {
            ipv4: by_state(snapshot, Family::Ipv4),
            ipv6: by_state(snapshot, Family::Ipv6),
        },
        sockstat: sockstat(snapshot),
        time_wait_client: pools
            .as_ref()
            .map(|p| waiting().filter(|s| is_client(s, &p.range, &listeners)).count() as u64),
        unaccepted: snapshot.sockets.iter().filter(|s| s.is_unaccepted()).count() as u64,
        ports: pools.map(|p| PortsDocument {
            low: p.range.low,
            high: p.range.high,
            size: p.range.size(),
            fullest: p.pools.first().map(|b| PoolDocument {
                local_addr: b.destination.local_addr.to_string(),
                peer: Endpoint::plain(b.destination.peer_addr, b.destination.peer_port),
                usable: b.usable,
                used: b.used,
                time_wait: b.time_wait(),
                headroom: b.headroom(),
                headroom_max: b.headroom_max(),
            }),
        }),
    }
}
