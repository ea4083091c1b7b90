//! The document of `ports`.

mod bind;
mod destination;

pub use bind::BindPoolDocument;
pub use destination::DestinationDocument;

use serde::Serialize;

use super::Head;
use super::number::Number;
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, users};
use crate::model::endpoint::Addr;
use crate::model::owner::Provenance;
use crate::model::ports::forecast::Change;
use crate::model::ports::what_if::WhatIf;
use crate::model::ports::{Pool, Ports};
use crate::model::text::Text;

/// Ephemeral ports: by destination, and by local address for programs that bind() first.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortsDocument {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// What was supposed in place of the real settings; null where nothing was.
    pub what_if: Option<WhatIfDocument>,
    /// Milliseconds between the two looks that `--sample` takes; null for one look.
    pub sampled_ms: Option<u32>,
    /// The range of each namespace, and what of it no connection can have.
    pub namespaces: Vec<RangeDocument>,
    /// Every pool of ports, least headroom first.
    pub destinations: Vec<DestinationDocument>,
    /// Every local address that programs may bind() to, least headroom first.
    pub bind_pools: Vec<BindPoolDocument>,
}

/// What was supposed; null means: as it is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WhatIfDocument {
    /// net.ipv4.ip_local_port_range.
    pub range: Option<EndsDocument>,
    /// IP_LOCAL_PORT_RANGE of the connecting socket.
    pub socket_range: Option<EndsDocument>,
    /// net.ipv4.ip_local_reserved_ports.
    pub reserved: Option<String>,
    /// net.ipv4.tcp_tw_reuse.
    pub tw_reuse: Option<u8>,
    /// net.ipv4.tcp_tw_reuse_delay.
    pub tw_reuse_delay_ms: Option<u32>,
    /// net.ipv4.tcp_timestamps.
    pub timestamps: Option<u8>,
    /// Source addresses that share the connections.
    pub sources: Option<u32>,
    /// New connections a second toward each destination, each closed by this side at once.
    pub rate_per_s: Option<Number>,
}

/// A range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EndsDocument {
    /// Lowest port.
    pub low: u16,
    /// Highest port.
    pub high: u16,
}

/// The range of one namespace.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RangeDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// The range; null where it could not be read.
    pub range: Option<EndsDocument>,
    /// Ports of it that are reserved.
    pub reserved: u32,
    /// Ports of it that are not.
    pub size: u32,
    /// Ports of it that every destination can have: those that nobody holds for certain.
    pub usable: u32,
    /// Distinct ports that client connections use, toward whatever destination.
    pub in_use: u32,
    /// Whether the kernel's bind buckets were read, which say for certain what bind() took; that needs BPF.
    pub buckets_read: bool,
    /// What holds ports, so that no connect() gets them.
    pub held: HeldDocument,
    /// Programs that bind() before they connect().
    pub bind_before_connect: BindFirstDocument,
}

/// Ports held, by what holds them; each port counts once, by the first of these that fits.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeldDocument {
    /// With a listener, and with it the connections it accepted.
    pub listening: u32,
    /// Bound, neither connected nor listening.
    pub bound_inactive: u32,
    /// Named in bind() by a program that connected from it.
    pub explicit: u32,
    /// Taken by bind() to port 0 before connect(), or left by a listener that is gone: the kernel's bind bucket says so.
    pub bound_first: u32,
    /// Ports in use of which the kernel does not tell us whether another destination can have them; they make `headroom` and
    /// `headroom_max` differ and are not counted as held.
    pub doubtful: u32,
}

/// How sure it is that programs bind() to port 0 before they connect() without IP_BIND_ADDRESS_NO_PORT.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BindFirstDocument {
    /// `certain` (the kernel's bind buckets say so), `likely` or `possible` (ports of the half that connect() tries last are in use
    /// while the other half has room), `none`.
    pub sure: &'static str,
    /// Ports that speak for it.
    pub ports: u32,
    /// Who holds them, where the bind buckets say it.
    pub owners: Vec<PortOwner>,
}

/// A process with ports.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PortOwner {
    /// Process id; null where the owner is hidden or not in sight.
    pub pid: Option<u32>,
    /// Command name.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub process: Option<Text>,
    /// Sockets that it holds.
    pub sockets: u32,
    /// How it is known.
    pub provenance: Provenance,
}

impl PortOwner {
    /// `java[2211]`, or in brackets why there is no name.
    pub fn name(&self) -> String {
        match (&self.process, self.pid) {
            (Some(name), Some(pid)) => format!("{name}[{pid}]"),
            (None, Some(pid)) => format!("[{pid}]"),
            _ => format!("({})", self.provenance.word()),
        }
    }
}

/// What one namespace adds to the document.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Its range.
    pub namespaces: Vec<RangeDocument>,
    /// Its destinations.
    pub destinations: Vec<DestinationDocument>,
    /// Its bind pools.
    pub bind_pools: Vec<BindPoolDocument>,
}

impl Part {
    /// Adds another namespace.
    pub fn add(&mut self, other: Part) {
        self.namespaces.extend(other.namespaces);
        self.destinations.extend(other.destinations);
        self.bind_pools.extend(other.bind_pools);
    }

    /// Puts what has least headroom first, over all namespaces.
    pub fn sort(&mut self) {
        self.destinations.sort_by_key(|d| (d.headroom, std::cmp::Reverse(d.used)));
        self.bind_pools.sort_by_key(|p| p.headroom);
    }
}

/// What is shown of a namespace beside its snapshot.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The arithmetic.
    pub ports: &'a Ports,
    /// The pools to show.
    pub pools: Vec<&'a Pool>,
    /// Changes since the first look, in the order of the pools.
    pub changes: Vec<Option<Change>>,
    /// What is supposed.
    pub what_if: &'a WhatIf,
    /// Our address that was asked for, in use or not.
    pub from: Option<Addr>,
}

/// The range of a namespace that could not be read.
pub fn unknown(snapshot: &Snapshot) -> Part {
    let nothing =
        HeldDocument { listening: 0, bound_inactive: 0, explicit: 0, bound_first: 0, doubtful: 0 };
    let range = RangeDocument {
        netns: snapshot.netns.clone(),
        range: None,
        reserved: 0,
        size: 0,
        usable: 0,
        in_use: 0,
        buckets_read: false,
        held: nothing,
        bind_before_connect: BindFirstDocument { sure: "none", ports: 0, owners: Vec::new() },
    };
    Part { namespaces: vec![range], ..Part::default() }
}

/// The part of one namespace.
pub fn part(snapshot: &Snapshot, scope: &Scope<'_>) -> Part {
    let ports = scope.ports;
    let range = &ports.range;
    let within = |set: &crate::model::portset::PortSet| set.count_in(range.low, range.high);
    let held = &ports.held;
    let namespace = RangeDocument {
        netns: snapshot.netns.clone(),
        range: Some(EndsDocument { low: range.low, high: range.high }),
        reserved: range.reserved.count_in(range.low, range.high),
        size: range.size(),
        usable: ports.free,
        in_use: ports.in_use,
        buckets_read: snapshot.owners.as_ref().is_some_and(|o| o.buckets.is_some()),
        held: HeldDocument {
            listening: within(&held.listening),
            bound_inactive: within(&held.inactive),
            explicit: within(&held.explicit),
            bound_first: within(&held.bound_first),
            doubtful: within(&held.doubtful),
        },
        bind_before_connect: bind_first(snapshot, ports),
    };
    let changes = scope.changes.iter().copied().chain(std::iter::repeat(None));
    Part {
        namespaces: vec![namespace],
        destinations: scope
            .pools
            .iter()
            .zip(changes)
            .map(|(pool, change)| destination::destination(snapshot, scope, pool, change))
            .collect(),
        bind_pools: bind::bind_pools(snapshot, &ports.local.pools(range, scope.from)),
    }
}

fn bind_first(snapshot: &Snapshot, ports: &Ports) -> BindFirstDocument {
    let found = ports.bind_first();
    BindFirstDocument {
        sure: found.sure.word(),
        ports: found.ports,
        owners: owners(users(snapshot, &found.inodes)),
    }
}

/// Users as a document names them.
pub(super) fn owners(users: Vec<(Culprit, u32)>) -> Vec<PortOwner> {
    let one = |(culprit, sockets): (Culprit, u32)| PortOwner {
        pid: culprit.pid,
        process: culprit.process,
        sockets,
        provenance: culprit.provenance,
    };
    users.into_iter().map(one).collect()
}

/// The name of an interface, or its number.
pub(super) fn device(snapshot: &Snapshot, index: u32) -> Text {
    let unnamed = || Text::new(format!("if{index}").as_bytes());
    snapshot.interfaces.get(&index).cloned().unwrap_or_else(unnamed)
}

impl PortsDocument {
    /// The document; `snapshot` gives the head.
    pub fn new(
        snapshot: &Snapshot,
        part: Part,
        what_if: Option<&WhatIf>,
        sampled_ms: Option<u32>,
    ) -> PortsDocument {
        let ends = |ends: Option<(u16, u16)>| ends.map(|(low, high)| EndsDocument { low, high });
        PortsDocument {
            head: Head::new("ports", snapshot),
            what_if: what_if.map(|w| WhatIfDocument {
                range: ends(w.range),
                socket_range: ends(w.socket_range),
                reserved: w.reserved.as_ref().map(crate::model::portset::PortSet::text),
                tw_reuse: w.tw_reuse,
                tw_reuse_delay_ms: w.tw_reuse_delay_ms,
                timestamps: w.timestamps,
                sources: w.sources,
                rate_per_s: w.rate.map(Number),
            }),
            sampled_ms,
            namespaces: part.namespaces,
            destinations: part.destinations,
            bind_pools: part.bind_pools,
        }
    }
}
