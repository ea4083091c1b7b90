//! `tcpvet`, `tcpvet diagnose`: what is wrong, who does it, what to change.

use super::judge::{Compared, judged, selection};
use super::{Done, report_status};
use crate::advise::plan;
use crate::cli::RuleArgs;
use crate::cli::resolve::Settings;
use crate::error::Error;
use crate::render::document::diagnose::Diagnose;
use crate::render::{human, json};
use crate::rules::engine::Status;
use crate::rules::selection::Selection;
use crate::sys::System;

pub(super) fn run(
    args: &RuleArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let selection = selection(args, Selection::all())?;
    let compared = Compared::asked(args, Compared::Alone);
    let (snapshot, since, report) = judged(&selection, compared, settings, system)?;
    let status = report_status(&snapshot, Some(&report), settings);
    let output = if settings.json {
        json::pretty(&Diagnose::new(&snapshot, since.as_ref(), &report))
    } else if settings.quiet && report.status == Status::Ok && report.findings.is_empty() {
        Vec::new()
    } else {
        (human::origin(&snapshot, settings.from.is_some())
            + &human::diagnose::render(
                &snapshot,
                &report,
                &plan(&report, &snapshot),
                settings.style,
            ))
            .into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status })
}
