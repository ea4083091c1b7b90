//! `tcpvet listen`: listeners, what waits at their doors, and who is to open them.

use super::everywhere::all_netns;
use super::{Done, method, report_status};
use crate::cli::ListenArgs;
use crate::cli::resolve::Settings;
use crate::collect::listen::{Doors, listeners};
use crate::collect::{Census, begin, is_empty};
use crate::error::Error;
use crate::model::Snapshot;
use crate::render::document::listen::Listen;
use crate::render::{human, json};
use crate::sys::System;

pub(super) fn run(
    args: &ListenArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let (snapshot, document) = if args.all_netns {
        everywhere(args, system)?
    } else {
        let snapshot = look(args, settings.netns.clone(), system, None)?;
        let document = Listen::new(&snapshot, args.brief);
        (snapshot, document)
    };
    let output = if settings.json {
        json::pretty(&document)
    } else {
        human::listen::render(&snapshot, &document, !args.no_header, settings.quiet, settings.style)
            .into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status: report_status(&snapshot, None, settings) })
}

/// The listeners of one namespace.
fn look(
    args: &ListenArgs,
    netns: Option<String>,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<Snapshot, Error> {
    let doors = Doors { netns, brief: args.brief, owners: method(args.owners) };
    listeners(system, &doors, census)
        .map_err(|e| Error::hinted(e.to_string(), "leave --owners out, or use --owners proc"))
}

/// Those of every namespace in sight.
fn everywhere(args: &ListenArgs, system: &dyn System) -> Result<(Snapshot, Listen), Error> {
    let mut shared = begin(system, None)?;
    let census = Census::new(system);
    let mut coverage = std::mem::take(&mut shared.coverage);
    let mut all = Vec::new();
    all_netns(system, &mut coverage, &mut |space, inside, coverage| {
        if all.is_empty() || !is_empty(inside) {
            let one = look(args, Some(space.typed.clone()), inside, Some(&census))?;
            coverage.merge(&one.coverage, &space.name);
            all.push(Listen::new(&one, args.brief));
        }
        Ok(true)
    })?;
    shared.coverage = coverage;
    let document = Listen::together(&shared, all);
    let document = document.unwrap_or_else(|| Listen::new(&shared, args.brief));
    Ok((shared, document))
}
