//! `tcpvet summary`: counts.

use std::collections::BTreeSet;

use super::{Done, report_status, table};
use crate::cli::resolve::Settings;
use crate::collect::{Start, refine};
use crate::error::Error;
use crate::model::wants::Wants;
use crate::render::document::summary::SummaryDocument;
use crate::render::{human, json};
use crate::rules::engine::Selection;
use crate::sys::System;

pub(super) fn run(settings: &Settings, system: &dyn System) -> Result<Done, Error> {
    let mut snapshot = table(settings, system, &Start::diagnosis(None))?;
    // How full a pool is depends on explicit binds and on what live connections show; owners are not counted here.
    let wants = Selection::default().wants(&snapshot);
    refine(system, &mut snapshot, &Wants { owners: BTreeSet::new(), ..wants });
    let document = SummaryDocument::new(&snapshot);
    let output = if settings.json {
        json::pretty(&document)
    } else {
        (human::origin(&snapshot, settings.from.is_some())
            + &human::summary::render(&snapshot, &document, settings.style))
            .into_bytes()
    };
    let status = report_status(&snapshot, None, settings);
    Ok(Done { output, notes: Vec::new(), status })
}
