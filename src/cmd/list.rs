//! `tcpvet list`: sockets with their owners.

use super::{Done, report_status, table};
use crate::cli::ListArgs;
use crate::cli::resolve::Settings;
use crate::collect::{Start, enrich};
use crate::error::Error;
use crate::fields::{Row, defaults, find};
use crate::filter::{Filter, states};
use crate::model::Snapshot;
use crate::model::endpoint::Family;
use crate::model::state::StateSet;
use crate::model::wants::Wants;
use crate::render::document::list::List;
use crate::render::{json, table as tables};
use crate::sys::System;

pub(super) fn run(
    args: &ListArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let filter = filter(args)?;
    let fields = match &args.columns {
        Some(names) => find(names)?,
        None => defaults(),
    };
    let start = Start { states: filter.states, kernel: false, ..Start::diagnosis(None) };
    let mut snapshot = table(settings, system, &start)?;
    if settings.json || fields.iter().any(|f| f.name == "process") {
        let selected = snapshot.sockets.iter().filter(|s| filter.matches(s));
        let owners = selected.map(|s| s.inode).filter(|i| *i != 0).collect();
        enrich(system, &mut snapshot, &Wants { owners, ..Wants::default() });
    }
    let output = if settings.json {
        json::compact(&List::new(&snapshot, filter))
    } else {
        let rows = snapshot.sockets.iter().filter(|s| filter.matches(s));
        let rows = rows.map(|socket| Row { snapshot: &snapshot, socket });
        tables::sockets(&fields, rows, !args.no_header, settings.style).into_bytes()
    };
    let notes = if settings.quiet || settings.json { Vec::new() } else { gaps(&snapshot) };
    let status = report_status(&snapshot, None, settings);
    Ok(Done { output, notes, status })
}

fn filter(args: &ListArgs) -> Result<Filter, Error> {
    let mut set = if args.state.is_empty() { StateSet::ALL } else { StateSet::NONE };
    for text in &args.state {
        set = set.union(states(text)?);
    }
    let family = match (args.ipv4, args.ipv6) {
        (true, false) => Some(Family::Ipv4),
        (false, true) => Some(Family::Ipv6),
        // Both together ask for both, whatever their order.
        _ => None,
    };
    Ok(Filter { states: set, family })
}

/// What could not be seen, for standard error: the rows on standard output stay rows.
fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let sources = snapshot.coverage.sources().iter();
    let gaps = sources.filter(|s| s.state > crate::model::coverage::Seen::Absent);
    gaps.map(|s| {
        let mut note =
            format!("warning: {}: {}", s.name, s.reason.as_deref().unwrap_or("not read"));
        if let Some(hint) = &s.hint {
            note.push_str(&format!("\nhint: {hint}"));
        }
        note
    })
    .collect()
}
