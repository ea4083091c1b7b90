//! `tcpvet listen`: listeners, what waits at their doors, and who is to open them.

use super::{Done, method, report_status};
use crate::cli::ListenArgs;
use crate::cli::resolve::Settings;
use crate::collect::listen::{Doors, listeners};
use crate::error::Error;
use crate::render::document::listen::Listen;
use crate::render::{human, json};
use crate::sys::System;

pub(super) fn run(
    args: &ListenArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let doors =
        Doors { netns: settings.netns.clone(), brief: args.brief, owners: method(args.owners) };
    let snapshot = listeners(system, &doors)
        .map_err(|e| Error::hinted(e.to_string(), "leave --owners out, or use --owners proc"))?;
    let document = Listen::new(&snapshot, args.brief);
    let output = if settings.json {
        json::pretty(&document)
    } else {
        human::listen::render(&snapshot, &document, !args.no_header, settings.quiet, settings.style)
            .into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status: report_status(&snapshot, None, settings) })
}
