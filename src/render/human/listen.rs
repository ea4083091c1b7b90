//! Listeners for a person.

use super::unseen;
use crate::model::Snapshot;
use crate::phrase::number;
use crate::render::document::listen::{Listen, ListenerDocument};
use crate::render::style::Style;
use crate::render::table;

/// The table, and what could not be seen.
pub fn render(
    snapshot: &Snapshot,
    document: &Listen,
    header: bool,
    quiet: bool,
    style: Style,
) -> String {
    let full = !document.brief;
    let many = document.listeners.iter().any(|l| l.netns != document.netns);
    let mut heads = vec!["LOCAL", "QUEUE", "LIMIT", "SET-BY", "DROPS"];
    let mut right = vec![1, 2, 4];
    if many {
        heads.insert(0, "NETNS");
        right.iter_mut().for_each(|column| *column += 1);
    }
    if full {
        right.extend([heads.len(), heads.len() + 1]);
        heads.extend(["SYN-RECV", "GROUP"]);
    }
    let owned = document.listeners.iter().any(|l| l.owners.is_some());
    if owned {
        heads.push("PROCESS");
    }
    if full {
        heads.push("WAITING");
    }
    let unknown = || "-".to_string();
    let rows: Vec<Vec<String>> = document
        .listeners
        .iter()
        .map(|l| {
            let mut row = vec![
                place(l),
                l.accept_queue.to_string(),
                l.accept_queue_limit.map_or_else(unknown, |n| n.to_string()),
                l.limit_set_by.word().to_string(),
                l.drops.map_or_else(unknown, |n| n.to_string()),
            ];
            if many {
                row.insert(0, l.netns.to_string());
            }
            if full {
                row.push(l.syn_recv.map_or_else(unknown, |n| n.to_string()));
            }
            if full {
                row.push(l.reuseport_group.to_string());
            }
            if owned {
                row.push(owner(l));
            }
            if full {
                row.push(waiting(l));
            }
            row
        })
        .collect();
    let text = table::fitting(heads, rows, &right, &DROP_ORDER, style);
    let mut out = table::lines(&text, header, style);
    if !quiet {
        out.push_str(&unseen(style, snapshot));
    }
    out
}

/// What a narrow terminal loses first.
const DROP_ORDER: [&str; 4] = ["GROUP", "SET-BY", "SYN-RECV", "DROPS"];

/// Where it listens, as `list` writes it.
fn place(l: &ListenerDocument) -> String {
    let port = l.local.port.map_or("*".to_string(), |p| p.to_string());
    let device = l.interface.as_ref().map(|name| format!("%{name}")).unwrap_or_default();
    match (l.local.addr.as_str(), l.v6only) {
        ("::", Some(false)) => format!("*{device}:{port}"),
        (addr, _) if addr.contains(':') => format!("[{addr}]{device}:{port}"),
        (addr, _) => format!("{addr}{device}:{port}"),
    }
}

fn owner(l: &ListenerDocument) -> String {
    let owners = l.owners.as_deref().unwrap_or_default();
    let Some(first) = owners.first() else { return "-".into() };
    let Some(pid) = first.pid else { return format!("({})", first.provenance.word()) };
    let name = first.process.as_ref().map(ToString::to_string).unwrap_or_default();
    match owners.len() {
        1 => format!("{name}[{pid}]"),
        n => format!("{name}[{pid}]+{}", n - 1),
    }
}

/// Who waits to be accepted.
fn waiting(l: &ListenerDocument) -> String {
    let peers = l.unaccepted.as_deref().unwrap_or_default();
    let names: Vec<String> = peers
        .iter()
        .map(|p| match p.close_wait {
            0 => format!("{} x {}", number(p.count), p.peer_addr),
            closed => format!(
                "{} x {} ({} closed by the peer)",
                number(p.count),
                p.peer_addr,
                number(closed)
            ),
        })
        .collect();
    let shared = if l.unaccepted_shared { " (or at another listener)" } else { "" };
    if names.is_empty() { "-".into() } else { names.join(", ") + shared }
}
