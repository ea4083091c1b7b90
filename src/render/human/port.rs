//! One port for a person.

use super::unseen;
use crate::model::Snapshot;
use crate::phrase::{duration, number};
use crate::render::document::port::{BindDocument, GroupDocument, PortDocument};
use crate::render::document::ports::PortOwner;
use crate::render::style::{Style, wrapped};
use crate::render::table;

/// The whole text.
pub fn render(snapshot: &Snapshot, document: &PortDocument, header: bool, style: Style) -> String {
    let mut out = head(document, style);
    let mut put = |text: &str| {
        out.push('\n');
        out.push_str(&table::lines(text, header, style));
    };
    if !document.sockets.is_empty() {
        let rows: Vec<Vec<String>> = document.sockets.iter().map(row).collect();
        let heads = vec!["WHAT", "STATE", "LOCAL", "PEER", "COUNT", "FREE", "WHO"];
        put(&table::fitting(heads, rows, &[4], &["COUNT", "PEER"], style));
    }
    let rows: Vec<Vec<String>> = document
        .binds
        .iter()
        .map(|b| vec![bind_to(b), word(b.plain).into(), word(b.with_reuseaddr).into()])
        .collect();
    put(&table::short(&["BIND() TO", "PLAIN", "WITH SO_REUSEADDR"], &rows, &[]));
    if !document.advice.is_empty() {
        out.push('\n');
    }
    for advice in &document.advice {
        out.push_str(&wrapped(style, "- ", 2, advice));
    }
    out + &unseen(style, snapshot)
}

fn bind_to(bind: &BindDocument) -> String {
    let only = if bind.v6only { " (v6only)" } else { "" };
    format!("{}{only}", bind.local_addr)
}

fn head(document: &PortDocument, style: Style) -> String {
    let taken = match document.sockets.is_empty() {
        true => "nobody has it",
        false => "taken",
    };
    let place = match (document.automatic, document.reserved, document.range) {
        (_, true, _) => "reserved: automatic choice leaves it alone".to_string(),
        (Some(true), _, Some(r)) => {
            format!("in the range of automatic ports, {} to {}", r.low, r.high)
        }
        (Some(false), _, Some(r)) => {
            format!("outside the range of automatic ports, {} to {}", r.low, r.high)
        }
        _ => "the range of automatic ports could not be read".to_string(),
    };
    let free = match document.frees_in_ms {
        Some(ms) if ms > 0 => format!("; free in {}", duration(ms.into())),
        _ => String::new(),
    };
    let name = style.strong(&format!("port {}: ", document.port));
    wrapped(style, &name, 2, &format!("{taken}{free}; {place}"))
}

fn row(group: &GroupDocument) -> Vec<String> {
    let place = |addr: &str, port: Option<u16>| {
        let port = port.map_or_else(|| "*".to_string(), |p| p.to_string());
        if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
    };
    let who: Vec<String> = group.owners.iter().map(PortOwner::name).collect();
    vec![
        group.role.replace('_', " "),
        group.state.to_string(),
        match &group.interface {
            None => place(&group.local.addr, group.local.port),
            Some(name) => place(&format!("{}%{name}", group.local.addr), group.local.port),
        },
        group.peer.as_ref().map_or_else(|| "-".into(), |p| place(&p.addr, p.port)),
        number(group.count.into()),
        match group.frees_in_ms {
            Some(ms) => format!("in {}", duration(ms.into())),
            None => "when closed".into(),
        },
        crate::phrase::join(&who, 2),
    ]
}

fn word(outcome: &str) -> &str {
    match outcome {
        "free" => "works",
        "if_both_reuseaddr" => "works if the old socket had it too",
        _ => "EADDRINUSE",
    }
}
