//! `tcpvet ports --port N`: who holds a port, until when, and what helps.

use super::ports::Selection;
use super::{Done, method, report_status};
use crate::cli::PortsArgs;
use crate::cli::resolve::Settings;
use crate::collect::ports as collect;
use crate::error::Error;
use crate::model::ports::port::Port;
use crate::render::document::port::PortDocument;
use crate::render::{human, json};
use crate::sys::System;

pub(super) fn run(
    number: u16,
    args: &PortsArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let source = Selection::new(args, system)?.from;
    let span = Some((number, number));
    let snapshot = collect::read(system, settings.netns.clone(), method(args.owners), span)
        .map_err(|e| Error::hinted(e.to_string(), "leave --owners out, or use --owners proc"))?;
    let document = PortDocument::new(&snapshot, &Port::of(&snapshot, number, source));
    let output = if settings.json {
        json::pretty(&document)
    } else {
        let origin = human::origin(&snapshot, settings.from.is_some());
        let text = human::port::render(&snapshot, &document, !args.no_header, settings.style);
        (origin + &text).into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status: report_status(&snapshot, None, settings) })
}
