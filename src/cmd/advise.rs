//! `tcpvet advise`: settings for what was found; nothing is set.

use super::{Done, judged, report_status, selection};
use crate::advise::plan;
use crate::cli::resolve::Settings;
use crate::cli::{AdviseArgs, Emit};
use crate::error::Error;
use crate::render::document::advise::Advise;
use crate::render::{human, json, settings as files};
use crate::sys::System;

pub(super) fn run(
    args: &AdviseArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let (snapshot, report) = judged(&selection(&args.rules)?, args.rules.sample, settings, system)?;
    let plan = plan(&report, &snapshot);
    let document = || Advise::new(&snapshot, &plan);
    let output = match args.emit {
        Some(Emit::SysctlD) => files::sysctl_d(&snapshot, &plan).into_bytes(),
        Some(Emit::Shell) => files::shell(&snapshot, &plan).into_bytes(),
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
