//! Counts for a person.

use super::unseen;
use crate::model::Snapshot;
use crate::model::state::State;
use crate::phrase::{count, number};
use crate::render::document::summary::SummaryDocument;
use crate::render::style::{Style, wrapped};
use crate::render::table;

/// The whole text.
pub fn render(snapshot: &Snapshot, document: &SummaryDocument, style: Style) -> String {
    let mut out = String::new();
    for ns in &document.namespaces {
        out.push_str(&format!(
            "{} {}: {} IPv4, {} IPv6, {} not accepted yet\n",
            style.strong(&format!("{}:", ns.netns)),
            count(ns.sockets, "socket", "sockets"),
            number(ns.ipv4),
            number(ns.ipv6),
            number(ns.unaccepted)
        ));
        let families = ns.by_family.ipv4.0.into_iter().zip(ns.by_family.ipv6.0);
        let rows: Vec<Vec<String>> = State::ALL
            .iter()
            .zip(ns.by_state.0.into_iter().zip(families))
            .filter(|(_, (n, _))| *n > 0)
            .map(|(s, (n, (v4, v6)))| {
                vec![format!("  {}", s.word()), number(n), number(v4), number(v6)]
            })
            .collect();
        out.push_str(&table::short(&["  STATE", "SOCKETS", "IPV4", "IPV6"], &rows, &[1, 2, 3]));
        if let Some(s) = &ns.sockstat {
            let agrees = match s.difference {
                0 => "as the table has it".to_string(),
                n => format!(
                    "{} {} than the table, which changed meanwhile",
                    number(n.unsigned_abs()),
                    if n > 0 { "fewer" } else { "more" }
                ),
            };
            let counts = [Some(s.ipv4_in_use), s.ipv6_in_use, Some(s.buckets)]
                .map(|n| number(n.unwrap_or_default().unsigned_abs()));
            let [v4, v6, buckets] = counts;
            let text = format!(
                "{v4} IPv4 and {v6} IPv6 in use, bound ones and handshakes apart, {buckets} in TIME_WAIT or an orphan's FIN_WAIT2: {agrees}"
            );
            out.push_str(&wrapped(style, "kernel counts of this namespace: ", 2, &text));
        }
        if let Some(p) = &ns.ports {
            let fullest = match &p.fullest {
                Some(f) => {
                    let left = match f.headroom == f.headroom_max {
                        true => number(f.headroom.into()),
                        false => format!(
                            "{} to {}",
                            number(f.headroom.into()),
                            number(f.headroom_max.into())
                        ),
                    };
                    format!(
                        "fullest toward {} port {}: {} used ({} in TIME_WAIT) of {} usable, {left} left",
                        f.peer.addr,
                        f.peer.port.unwrap_or_default(),
                        number(f.used.into()),
                        number(f.time_wait.into()),
                        number(f.usable.into())
                    )
                }
                None => "no destination uses a fortieth of them".to_string(),
            };
            let text = format!("{} to {}: {}; {fullest}", p.low, p.high, number(p.size.into()));
            out.push_str(&wrapped(style, "ephemeral ports ", 2, &text));
        }
        if let Some(client) = ns.time_wait_client.filter(|n| *n > 0) {
            out.push_str(&format!("TIME_WAIT on the client side: {}\n", number(client)));
        }
    }
    let h = &document.host_wide;
    if let (Some(orphans), Some(alloc), Some(pages)) = (h.orphans, h.allocated, h.memory_pages) {
        let text =
            format!("orphans {orphans}, TCP sockets allocated {alloc}, pages of memory {pages}");
        out.push_str(&wrapped(style, "whole host: ", 2, &text));
    }
    out.push_str(&unseen(style, snapshot));
    out
}
