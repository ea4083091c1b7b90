//! One destination in the document of `ports`.

use serde::Serialize;

use super::{EndsDocument, PortOwner, Scope, device, owners};
use crate::model::Snapshot;
use crate::model::culprit::users;
use crate::model::destination::Destination;
use crate::model::ports::Pool;
use crate::model::ports::forecast::{Change, Flow, More, Outlook};
use crate::model::reuse::{Reuse, delay_ms};
use crate::model::state::State;
use crate::model::text::Text;
use crate::render::document::number::{ByState, Number, OneLine};
use crate::render::document::subject::Endpoint;

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

impl DestinationDocument {
    /// Ports in TIME_WAIT.
    pub fn time_wait(&self) -> u64 {
        self.by_state.0.get(State::TimeWait.index()).copied().unwrap_or_default()
    }
}

/// The document of one pool, with what happened since the first look if there were two.
pub(super) fn destination(
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
        _ if pool.headroom() == 0 && more.ports == 0 && pool.headroom_max() > 0 => "unknown",
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
