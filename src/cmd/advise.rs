//! `tcpvet advise`: settings for what was found; nothing is set.

use super::earlier::First;
use super::judge::{Compared, judged, selection};
use super::{Done, report_status};
use crate::advise::plan;
use crate::cli::resolve::Settings;
use crate::cli::{AdviseArgs, Emit};
use crate::collect::sysctl_files;
use crate::error::Error;
use crate::model::place::Place;
use crate::render::document::advise::Advise;
use crate::render::{emit, human, json};
use crate::rules::selection::Selection;
use crate::sys::System;

pub(super) fn run(
    args: &AdviseArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let selection = selection(&args.rules, Selection::all())?;
    // As a check does: what only two looks tell is to be advised on too.
    let compared = Compared::asked(&args.rules, Compared::twice(&selection, settings));
    let (snapshot, _, report) = judged(
        &selection,
        compared.earlier(First::WHOLE, settings, system)?,
        settings,
        system,
        None,
    )?;
    let report = report.settled();
    let mut plan = plan(&report, &snapshot);
    // Files set the initial namespace's values only.
    if Place::of(&snapshot).is_initial() {
        plan.note_files(&sysctl_files::read(system));
    }
    let document = || Advise::new(&snapshot, &plan);
    let output = match args.emit {
        Some(Emit::SysctlD) => emit::sysctl_d(&snapshot, &plan).into_bytes(),
        Some(Emit::Shell) => emit::shell(&snapshot, &plan).into_bytes(),
        Some(Emit::Ansible) => emit::ansible(&snapshot, &plan).into_bytes(),
        Some(Emit::Kubernetes) => emit::kubernetes(&snapshot, &plan).into_bytes(),
        Some(Emit::Docker) => emit::docker(&snapshot, &plan).into_bytes(),
        Some(Emit::Tuned) => emit::tuned(&snapshot, &plan).into_bytes(),
        Some(Emit::Json) => json::pretty(&document()),
        None if settings.json => json::pretty(&document()),
        None if settings.quiet && report.findings.is_empty() => Vec::new(),
        None => (human::origin(&snapshot, settings.from.is_some())
            + &human::advise::render(&snapshot, &report, &document(), settings.style))
            .into_bytes(),
    };
    let status = report_status(&snapshot, Some(&report), settings);
    Ok(Done { output, notes: Vec::new(), status })
}
