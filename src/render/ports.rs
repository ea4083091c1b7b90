//! Destinations, or bind pools, as CSV and plain text: one a line, every number in the unit that its head names.

use super::document::number::Number;
use super::document::ports::{BindPoolDocument, DestinationDocument, PortOwner, PortsDocument};
use super::list::delimited::cell;

pub use super::list::delimited::Dialect;

/// A column: its head, and its value of one row.
type Column<T> = (&'static str, fn(&T) -> String);

/// The lines; of bind pools if `bind`.
pub fn render(document: &PortsDocument, bind: bool, header: bool, dialect: Dialect) -> Vec<u8> {
    match bind {
        true => lines(BIND_POOLS, &document.bind_pools, header, dialect),
        false => lines(DESTINATIONS, &document.destinations, header, dialect),
    }
}

fn lines<T>(columns: &[Column<T>], rows: &[T], header: bool, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |of: &dyn Fn(&Column<T>) -> String| {
        for (i, column) in columns.iter().enumerate() {
            cell(dialect, i == 0, of(column).as_bytes(), &mut out);
        }
        out.push(b'\n');
    };
    if header {
        line(&|(head, _)| (*head).to_string());
    }
    for row in rows {
        line(&|(_, value)| value(row));
    }
    out
}

fn decimal(n: Number) -> String {
    serde_json::to_string(&n).unwrap_or_default()
}

fn maybe<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(String::new, text)
}

/// Every process with blanks between, `name[pid]`.
fn owners(owners: &[PortOwner]) -> String {
    let names: Vec<String> = owners.iter().map(PortOwner::name).collect();
    names.join(" ")
}

const DESTINATIONS: &[Column<DestinationDocument>] = &[
    ("netns", |d| d.netns.to_string()),
    ("local_addr", |d| d.local_addr.clone().unwrap_or_default()),
    ("peer_addr", |d| d.peer.addr.clone()),
    ("peer_port", |d| maybe(d.peer.port, |p| p.to_string())),
    ("usable", |d| d.usable.to_string()),
    ("used", |d| d.used.to_string()),
    ("time_wait", |d| d.time_wait().to_string()),
    ("reusable", |d| d.reusable.to_string()),
    ("headroom", |d| d.headroom.to_string()),
    ("headroom_max", |d| d.headroom_max.to_string()),
    ("used_ratio", |d| decimal(d.used_ratio)),
    ("until_cliff", |d| maybe(d.until_cliff, |n| n.to_string())),
    ("close_rate_per_s", |d| decimal(d.close_rate_per_s)),
    ("connect_rate_per_s", |d| maybe(d.connect_rate_per_s, decimal)),
    ("growth_per_s", |d| maybe(d.growth_per_s, decimal)),
    ("max_rate_per_s", |d| maybe(d.max_rate_per_s, decimal)),
    ("seconds_to_exhaustion", |d| maybe(d.seconds_to_exhaustion, decimal)),
    ("owners", |d| owners(&d.owners)),
];

const BIND_POOLS: &[Column<BindPoolDocument>] = &[
    ("netns", |p| p.netns.to_string()),
    ("local_addr", |p| p.local_addr.clone()),
    ("usable", |p| p.usable.to_string()),
    ("used", |p| p.used.to_string()),
    ("headroom", |p| p.headroom.to_string()),
    ("headroom_max", |p| p.headroom_max.to_string()),
    ("used_ratio", |p| decimal(p.used_ratio)),
    ("errno", |p| p.errno.to_string()),
    ("holders", |p| owners(&p.holders)),
];
