//! `tcpvet summary`: counts.

use super::{Done, report_status, table};
use crate::cli::resolve::Settings;
use crate::collect::Start;
use crate::error::Error;
use crate::render::document::summary::SummaryDocument;
use crate::render::{human, json};
use crate::sys::System;

pub(super) fn run(settings: &Settings, system: &dyn System) -> Result<Done, Error> {
    let snapshot = table(settings, system, &Start::diagnosis(None))?;
    let document = SummaryDocument::new(&snapshot);
    let output = if settings.json {
        json::pretty(&document)
    } else {
        human::summary::render(&snapshot, &document, settings.style).into_bytes()
    };
    let status = report_status(&snapshot, None, settings);
    Ok(Done { output, notes: Vec::new(), status })
}
