//! The document of `ports`.

use serde::Serialize;

use super::Head;
use super::number::{ByState, Number, OneLine};
use super::subject::Endpoint;
use crate::model::Snapshot;
use crate::model::culprit::{Culprit, users};
use crate::model::destination::Destination;
use crate::model::endpoint::Addr;
use crate::model::owner::Provenance;
use crate::model::ports::bind_pool::BindPool;
use crate::model::ports::forecast::{Change, Flow, More, Outlook};
use crate::model::ports::what_if::WhatIf;
use crate::model::ports::{Pool, Ports};
use crate::model::reuse::{Reuse, delay_ms};
use crate::model::state::State;
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

/// The ports toward one destination from one address.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DestinationDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Our address; null for a destination asked for by --to to which nothing is connected.
    pub local_addr: Option<String>,
    /// Interface that our sockets are bound to (SO_BINDTODEVICE, or a link-local address); null for none.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub interface: Option<Text>,
    /// Their address and port.
    pub peer: Endpoint,
    /// The range that connections draw from.
    pub range: EndsDocument,
    /// Ports that can serve this destination at all.
    pub usable: u32,
    /// Ports in use toward it, in any state.
    pub used: u32,
    /// Of those, TIME_WAIT ports that the next connections take over.
    pub reusable: u32,
    /// How many more connect() calls succeed, at least.
    pub headroom: u32,
    /// The same at most; it differs only where the kernel leaves it open.
    pub headroom_max: u32,
    /// Share of `usable` that is taken: used less reusable.
    pub used_ratio: Number,
    /// Ports in use by the state of their socket.
    pub by_state: ByState,
    /// Further connections until every search for a port gets long: until the half that connect() tries first is full. Null for a
    /// socket's own range, which has no halves.
    pub until_cliff: Option<u32>,
    /// Ports in use elsewhere of which it is doubtful whether this destination can have them.
    pub doubtful: u32,
    /// `applies`, `not` or `unknown`: whether connections take over ports in TIME_WAIT.
    pub reuse: &'static str,
    /// Why reuse does not apply; null where it does, or where it is unknown.
    pub reuse_reason: Option<&'static str>,
    /// Connections that this side closed, a second, over the last 60 s or since the first of them.
    pub close_rate_per_s: Number,
    /// The same over the last 10 s.
    pub close_rate_recent_per_s: Number,
    /// Whether the rates are a lower bound: reuse, or a full TIME_WAIT table, hides closes.
    pub close_rate_at_least: bool,
    /// Connections that this side closed in each of the last 60 seconds, the latest last.
    #[cfg_attr(test, schemars(with = "Vec<u32>"))]
    pub closes_last_60s: OneLine,
    /// Milliseconds until the first port in TIME_WAIT is free; null if there is none.
    pub next_release_ms: Option<u32>,
    /// Ports that come free within 10 s if nothing else happens.
    pub releases_10s: u32,
    /// The same within 30 s.
    pub releases_30s: u32,
    /// The same within 60 s.
    pub releases_60s: u32,
    /// New connections a second between the two looks; null without --sample.
    pub connect_rate_per_s: Option<Number>,
    /// Open connections more each second between the two looks; null without --sample.
    pub growth_per_s: Option<Number>,
    /// Mean life of a connection until this side closes it, in seconds; null where none is closed here.
    pub lifetime_s: Option<Number>,
    /// Connections a second that the pool bears for good, each held for its life and then in TIME_WAIT; null where the table of
    /// TIME_WAIT (tcp_max_tw_buckets) is too small to fill the pool.
    pub max_rate_per_s: Option<Number>,
    /// The same under each remedy.
    pub max_rate_with: RemediesDocument,
    /// `now` (no connect() succeeds), `in` (see `seconds_to_exhaustion`), `never` (at the rates seen), `unknown` (one look shows no
    /// rate: nothing was closed here in the last 10 s, and growth takes --sample; or the headroom is an interval that begins with 0).
    pub exhaustion: &'static str,
    /// Seconds until `until_cliff` is used up at the present rates; null for never.
    pub seconds_to_cliff: Option<Number>,
    /// Seconds until connect() fails at the present rates; null for never or unknown.
    pub seconds_to_exhaustion: Option<Number>,
    /// Who has connections there; none where all are in TIME_WAIT, which no process holds.
    pub owners: Vec<PortOwner>,
}

/// Connections a second under a remedy; null where it changes nothing.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemediesDocument {
    /// tcp_tw_reuse where it covers this destination, timestamps on at both ends.
    pub tw_reuse: Option<Number>,
    /// The range 15000 to 60999.
    pub wider_range: Option<Number>,
    /// A second source address.
    pub two_sources: Option<Number>,
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

impl DestinationDocument {
    /// Ports in TIME_WAIT.
    pub fn time_wait(&self) -> u64 {
        self.by_state.0.get(State::TimeWait.index()).copied().unwrap_or_default()
    }
}

/// The pool of one local address.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BindPoolDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// The address that bind() names.
    pub local_addr: String,
    /// Ports of the range that are not reserved.
    pub usable: u32,
    /// Of those, ports that bind() to this address cannot get: whatever socket has them there or on the wildcard.
    pub used: u32,
    /// Ports taken on the wildcard address.
    pub on_wildcard: u32,
    /// Ports taken on this address by the state of their socket.
    pub by_state: ByState,
    /// How many more bind() calls to port 0 succeed, at least. Then: EADDRINUSE.
    pub headroom: u32,
    /// The same at most.
    pub headroom_max: u32,
    /// Share of `usable` that is taken.
    pub used_ratio: Number,
    /// What the next bind() beyond the headroom fails with.
    pub errno: &'static str,
    /// Whether sockets with SO_REUSEADDR may bind beyond the headroom (ip_autobind_reuse), and then fail at connect() now and then.
    pub reuseaddr_goes_on: bool,
    /// Who holds the ports on this address.
    pub holders: Vec<PortOwner>,
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
            .map(|(pool, change)| destination(snapshot, scope, pool, change))
            .collect(),
        bind_pools: bind_pools(snapshot, &ports.local.pools(range, scope.from)),
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

fn destination(
    snapshot: &Snapshot,
    scope: &Scope<'_>,
    pool: &Pool,
    change: Option<Change>,
) -> DestinationDocument {
    let (range, what_if) = (&scope.ports.range, scope.what_if);
    let sources = what_if.sources.unwrap_or(1);
    let mut flow = change.map_or_else(|| Flow::steady(pool), |c| c.flow);
    if let Some(rate) = what_if.rate {
        flow = Flow { connects: rate, closes: rate };
    }
    // Other addresses begin empty: they have what is held by nobody.
    let held = &scope.ports.held;
    let first_half = range.first_half() - held.all.count_parity(range.low, range.high);
    let more = More {
        ports: scope.ports.free.saturating_mul(sources - 1),
        first_half: first_half.saturating_mul(sources - 1),
    };
    let outlook = Outlook::of(pool, range, delay_ms(snapshot), flow, more);
    let has_rate = flow.connects > 0.0 || change.is_some();
    let exhaustion = match outlook.seconds_to_exhaustion {
        _ if pool.headroom() + more.ports == 0 && pool.headroom_max() > 0 => "unknown",
        Some(s) if s <= 0.0 => "now",
        Some(_) => "in",
        None if has_rate => "never",
        None => "unknown",
    };
    let times = |rate: f64| Number(rate * f64::from(sources));
    let number = |n: Option<f64>| n.map(Number);
    let Destination { local_addr, peer_addr, peer_port, interface } = pool.destination;
    DestinationDocument {
        netns: snapshot.netns.clone(),
        local_addr: (!local_addr.is_wildcard()).then(|| local_addr.to_string()),
        interface: (interface != 0).then(|| device(snapshot, interface)),
        peer: Endpoint::plain(peer_addr, peer_port),
        range: EndsDocument { low: range.low, high: range.high },
        usable: pool.usable.saturating_add(more.ports),
        used: pool.used,
        reusable: pool.reusable(),
        headroom: pool.headroom().saturating_add(more.ports),
        headroom_max: pool.headroom_max().saturating_add(more.ports),
        used_ratio: Number(match pool.usable.saturating_add(more.ports) {
            0 => 1.0,
            n => f64::from(pool.blocked_max()) / f64::from(n),
        }),
        by_state: ByState(pool.by_state.map(u64::from)),
        until_cliff: pool.until_cliff,
        doubtful: pool.doubtful,
        reuse: match pool.reuse {
            Reuse::Applies { .. } => "applies",
            Reuse::Not(_) => "not",
            Reuse::Unknown { .. } => "unknown",
        },
        reuse_reason: match pool.reuse {
            Reuse::Not(why) => Some(why),
            Reuse::Applies { .. } | Reuse::Unknown { .. } => None,
        },
        close_rate_per_s: Number(pool.history.rate()),
        close_rate_recent_per_s: Number(pool.history.recent_rate()),
        close_rate_at_least: pool.hides_closes(snapshot),
        closes_last_60s: OneLine::of(&pool.history.closes),
        next_release_ms: pool.next_release_ms(),
        releases_10s: pool.released_within(10_000),
        releases_30s: pool.released_within(30_000),
        releases_60s: pool.released_within(60_000),
        connect_rate_per_s: number(change.map(|c| c.flow.connects)),
        growth_per_s: number(change.map(|c| c.growth)),
        lifetime_s: number(outlook.lifetime_s),
        max_rate_per_s: outlook.ceilings.now.map(times),
        max_rate_with: RemediesDocument {
            tw_reuse: outlook.ceilings.reuse.map(times),
            wider_range: outlook.ceilings.wider.map(times),
            two_sources: outlook.ceilings.two_sources.map(times),
        },
        seconds_to_cliff: number(outlook.seconds_to_cliff),
        exhaustion,
        seconds_to_exhaustion: number(match exhaustion {
            "now" | "in" => outlook.seconds_to_exhaustion,
            _ => None,
        }),
        owners: owners(users(snapshot, &pool.inodes)),
    }
}

/// The bind pools with their holders; a wildcard's are those of every address.
fn bind_pools(snapshot: &Snapshot, pools: &[BindPool]) -> Vec<BindPoolDocument> {
    let named: Vec<Vec<PortOwner>> =
        pools.iter().map(|p| owners(users(snapshot, &p.inodes))).collect();
    let mut everybody: Vec<PortOwner> = Vec::new();
    for owner in named.iter().flatten() {
        let is_same = |o: &&mut PortOwner| (o.pid, o.provenance) == (owner.pid, owner.provenance);
        match everybody.iter_mut().find(is_same) {
            Some(sum) => sum.sockets += owner.sockets,
            None => everybody.push(owner.clone()),
        }
    }
    everybody.sort_by_key(|o| (o.pid.is_none(), std::cmp::Reverse(o.sockets)));
    let one = |(pool, holders): (&BindPool, Vec<PortOwner>)| BindPoolDocument {
        netns: snapshot.netns.clone(),
        local_addr: pool.local_addr.to_string(),
        usable: pool.usable,
        used: pool.used,
        on_wildcard: pool.on_wildcard,
        by_state: ByState(pool.by_state.map(u64::from)),
        headroom: pool.headroom,
        headroom_max: pool.headroom_max,
        used_ratio: Number(pool.ratio()),
        errno: "EADDRINUSE",
        reuseaddr_goes_on: snapshot.sysctls.integer("net.ipv4.ip_autobind_reuse") == Some(1),
        holders: if pool.is_wildcard() { everybody.clone() } else { holders },
    };
    pools.iter().zip(named).map(one).collect()
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
