//! Ephemeral ports for a person: the range, the destinations with the least headroom, one of them closely, the bind pools.

mod closely;

use super::unseen;
use crate::model::Snapshot;
use crate::phrase::{count, number, percent, seconds};
use crate::render::document::ports::{
    BindPoolDocument, DestinationDocument, PortOwner, PortsDocument, RangeDocument, WhatIfDocument,
};
use crate::render::style::{Style, wrapped};
use crate::render::table;

/// What is shown and how.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Whether tables have heads.
    pub header: bool,
    /// Destinations found, shown or not.
    pub found: usize,
    /// Only the bind pools.
    pub bind_only: bool,
    /// Whether every destination is looked at closely, not the fullest alone.
    pub details: bool,
    /// No notes.
    pub quiet: bool,
    /// Colour and width.
    pub style: Style,
}

/// Most destinations looked at closely.
const CLOSELY: usize = 5;

/// The whole text.
pub fn render(snapshot: &Snapshot, document: &PortsDocument, shape: &Shape) -> String {
    let style = shape.style;
    let mut out = String::new();
    if let Some(what_if) = &document.what_if {
        out.push_str(&wrapped(style, &style.strong("supposed: "), 2, &supposed(what_if)));
    }
    for range in &document.namespaces {
        out.push_str(&range_line(range, document.namespaces.len() > 1, style));
    }
    if !shape.bind_only {
        out.push('\n');
        out.push_str(&destinations(document, shape));
        for one in document.destinations.iter().take(CLOSELY) {
            if shape.details || one.used_ratio.0 > 0.5 {
                out.push('\n');
                out.push_str(&closely::render(one, document, style));
                if !shape.details {
                    break;
                }
            }
        }
    }
    out.push('\n');
    out.push_str(&bind_pools(document, shape));
    if !shape.quiet {
        out.push_str(&unseen(style, snapshot));
    }
    out
}

/// What is supposed, as it was typed.
fn supposed(w: &WhatIfDocument) -> String {
    let mut parts = Vec::new();
    parts.extend(w.range.map(|r| format!("range={}-{}", r.low, r.high)));
    parts.extend(w.socket_range.map(|r| format!("socket_range={}-{}", r.low, r.high)));
    parts.extend(w.reserved.as_ref().map(|r| format!("reserved={r}")));
    parts.extend(w.tw_reuse.map(|n| format!("tw_reuse={n}")));
    parts.extend(w.tw_reuse_delay_ms.map(|n| format!("tw_reuse_delay={n}")));
    parts.extend(w.timestamps.map(|n| format!("timestamps={n}")));
    parts.extend(w.sources.map(|n| format!("sources={n}")));
    parts.extend(w.rate_per_s.map(|n| format!("rate={}, each closed at once by this side", n.0)));
    format!("{}; this is not how it is", parts.join(", "))
}

/// The range, and what of it nobody can have.
fn range_line(range: &RangeDocument, several: bool, style: Style) -> String {
    let head = style.strong(&match several {
        true => format!("{}: ", range.netns),
        false => String::new(),
    });
    let Some(ends) = range.range else {
        return format!("{head}the port range could not be read\n");
    };
    let held = &range.held;
    let kinds: Vec<String> = [
        (held.listening, "by listeners"),
        (held.explicit, "by explicit binds"),
        (held.bound_inactive, "by bound sockets"),
        (held.bound_first, "by bind() before connect()"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", number(n.into())))
    .collect();
    let mut text = format!(
        "{} from {} to {}",
        count((range.size + range.reserved).into(), "port", "ports"),
        ends.low,
        ends.high
    );
    if range.reserved > 0 {
        text.push_str(&format!(", reserved {}", number(range.reserved.into())));
    }
    if !kinds.is_empty() {
        text.push_str(&format!(", held {}", kinds.join(", ")));
    }
    let least = range.usable.saturating_sub(held.doubtful);
    text.push_str(&format!("; {} left to a destination not used yet", left(least, range.usable)));
    let mut out = wrapped(style, &head, 0, &text);
    if held.doubtful > 0 {
        let more = match range.buckets_read {
            true => "no process holds them, so that nobody can be asked",
            false => "the kernel tells more to root (BPF)",
        };
        let doubt = format!(
            "{} in use may be lost to other destinations: {more}, and what is left is an interval",
            count(held.doubtful.into(), "port", "ports")
        );
        out.push_str(&wrapped(style, "  ", 2, &doubt));
    }
    let first = &range.bind_before_connect;
    if first.sure != "none" {
        let text = format!(
            "{} by bind() to port 0 before connect(), {}{}; IP_BIND_ADDRESS_NO_PORT would free them for other destinations",
            count(first.ports.into(), "port was taken", "ports were taken"),
            match first.sure {
                "certain" => "that is certain",
                "likely" => "as their parity makes likely",
                _ => "perhaps",
            },
            match first.owners.is_empty() {
                true => String::new(),
                false => format!(" ({})", names(&first.owners)),
            }
        );
        out.push_str(&wrapped(style, "  ", 2, &text));
    }
    out
}

/// A headroom: a number, or an interval.
fn left(min: u32, max: u32) -> String {
    match min == max {
        true => number(min.into()),
        false => format!("{}-{}", number(min.into()), number(max.into())),
    }
}

/// The owners with the most sockets.
fn names(owners: &[PortOwner]) -> String {
    let first = owners.first().map(PortOwner::name).unwrap_or_default();
    match owners.len() {
        0 => "-".into(),
        1 => first,
        n => format!("{first}+{}", n - 1),
    }
}

/// What a narrow terminal loses first.
const DROP_ORDER: [&str; 5] = ["CEILING/S", "TIME-WAIT", "CLOSES/S", "TO CLIFF", "FULL IN"];

fn destinations(document: &PortsDocument, shape: &Shape) -> String {
    if document.destinations.is_empty() {
        if document.namespaces.iter().all(|n| n.range.is_none()) {
            return String::new();
        }
        let in_use = document.namespaces.iter().any(|n| n.in_use > 0);
        return match in_use {
            true => "no destination matches\n".into(),
            false => "no connection uses a port of the range as a client\n".into(),
        };
    }
    let several = document.namespaces.len() > 1;
    let mut heads = vec!["SOURCE", "DESTINATION", "USED", "TIME-WAIT", "LEFT", "FULL", "TO CLIFF"];
    heads.extend(["CLOSES/S", "CEILING/S", "FULL IN", "WHO"]);
    let mut right = vec![2, 3, 4, 5, 6, 7, 8, 9];
    if several {
        heads.insert(0, "NETNS");
        right.iter_mut().for_each(|column| *column += 1);
    }
    let rows: Vec<Vec<String>> = document
        .destinations
        .iter()
        .map(|d| {
            let mut row = vec![
                source(d),
                place(d),
                number(d.used.into()),
                number(d.time_wait()),
                left(d.headroom, d.headroom_max),
                percent(u64::from(d.used - d.reusable), d.usable.into()),
                d.until_cliff.map_or_else(|| "-".into(), |n| number(n.into())),
                rate(d),
                d.max_rate_per_s.map_or_else(|| "-".into(), |r| whole(r.0)),
                match (d.exhaustion, d.seconds_to_exhaustion) {
                    ("in", Some(s)) => seconds(s.0),
                    ("unknown", _) => "?".into(),
                    (word, _) => word.into(),
                },
                names(&d.owners),
            ];
            if several {
                row.insert(0, d.netns.to_string());
            }
            row
        })
        .collect();
    let text = table::fitting(heads, rows, &right, &DROP_ORDER, shape.style);
    let mut out = table::lines(&text, shape.header, shape.style);
    let hidden = shape.found - document.destinations.len();
    if hidden > 0 {
        out.push_str(&format!(
            "and {} with more room: --limit 0 shows all\n",
            count(hidden as u64, "destination", "destinations")
        ));
    }
    out
}

/// Our address, with the device if there is one.
fn source(d: &DestinationDocument) -> String {
    let addr = d.local_addr.clone().unwrap_or_else(|| "*".into());
    d.interface.as_ref().map_or(addr.clone(), |name| format!("{addr}%{name}"))
}

/// `10.0.0.5:5432`.
fn place(d: &DestinationDocument) -> String {
    let port = d.peer.port.map_or("*".to_string(), |p| p.to_string());
    match d.peer.addr.contains(':') {
        true => format!("[{}]:{port}", d.peer.addr),
        false => format!("{}:{port}", d.peer.addr),
    }
}

/// Closes a second; a lower bound is marked so.
fn rate(d: &DestinationDocument) -> String {
    let rate = whole(d.close_rate_per_s.0);
    if d.close_rate_at_least && d.close_rate_per_s.0 > 0.0 { format!(">={rate}") } else { rate }
}

/// A rate: a decimal below a hundred.
fn whole(rate: f64) -> String {
    match rate {
        0.0 => "0".into(),
        r if r < 100.0 => format!("{r:.1}"),
        r => number(r as u64),
    }
}

fn bind_pools(document: &PortsDocument, shape: &Shape) -> String {
    // A pool of which nothing is used says nothing that the range does not.
    let any = |ns: &BindPoolDocument| {
        document.bind_pools.iter().find(|p| p.netns == ns.netns && p.local_addr == "0.0.0.0")
    };
    // Nor does `::` where it is 0.0.0.0 over again.
    let is_twin = |p: &BindPoolDocument| {
        p.local_addr == "::"
            && any(p).is_some_and(|v4| (v4.used, v4.headroom) == (p.used, p.headroom))
    };
    let shown = |p: &&BindPoolDocument| shape.bind_only || p.used > 0 && !is_twin(p);
    let pools: Vec<&BindPoolDocument> = document.bind_pools.iter().filter(shown).collect();
    if pools.is_empty() {
        return match document.namespaces.iter().any(|n| n.range.is_some()) {
            true => "no port of the range is taken for bind()\n".into(),
            false => String::new(),
        };
    }
    let most = if shape.bind_only { pools.len() } else { 5 };
    let several = document.namespaces.len() > 1;
    let mut heads = vec!["BIND() TO", "TAKEN", "LEFT", "FULL", "THEN", "HELD BY"];
    let mut right = vec![1, 2, 3];
    if several {
        heads.insert(0, "NETNS");
        right.iter_mut().for_each(|column| *column += 1);
    }
    let rows: Vec<Vec<String>> = pools
        .iter()
        .take(most)
        .map(|p| {
            let mut row = vec![
                p.local_addr.clone(),
                number(p.used.into()),
                left(p.headroom, p.headroom_max),
                percent(p.used.into(), p.usable.into()),
                p.errno.to_string(),
                names(&p.holders),
            ];
            if several {
                row.insert(0, p.netns.to_string());
            }
            row
        })
        .collect();
    let text = table::fitting(heads, rows, &right, &["THEN"], shape.style);
    let mut out = table::lines(&text, shape.header, shape.style);
    let hidden = pools.len() - pools.len().min(most);
    if hidden > 0 {
        out.push_str(&format!(
            "and {} with more room: --bind shows all\n",
            count(hidden as u64, "address", "addresses")
        ));
    }
    if document.bind_pools.iter().any(|p| p.reuseaddr_goes_on) {
        let text = "ip_autobind_reuse is 1: sockets with SO_REUSEADDR bind beyond that, and some then fail at connect()";
        out.push_str(&wrapped(shape.style, "", 0, text));
    }
    out
}
