//! Where a verdict goes: standard output, and files beside it.

use std::collections::BTreeSet;

use super::Done;
use crate::cli::ReportArgs;
use crate::cli::resolve::Settings;
use crate::error::{Error, on_file};
use crate::exit;
use crate::model::text::Text;
use crate::render::verdict::{Form, Judged, render};
use crate::rules::engine::Status;
use crate::sys::report_file;

/// Whether every report can be written, before anything is measured.
pub(super) fn check(args: &ReportArgs) -> Result<(), Error> {
    let mut paths = BTreeSet::new();
    for report in &args.report {
        if !paths.insert(&report.path) {
            let name = Text::new(report.path.display().to_string().as_bytes());
            return Err(Error::hinted(
                format!("two reports go to {name}"),
                "give each a file of its own",
            ));
        }
        report_file::check(&report.path)
            .map_err(|e| on_file(&e, "name a plain file; --format is for standard output"))?;
    }
    Ok(())
}

/// The verdict in every form that was asked for, and the exit status.
pub(super) fn done(
    judged: Judged<'_>,
    args: &ReportArgs,
    settings: &Settings,
) -> Result<Done, Error> {
    for report in &args.report {
        let bytes = render(report.form, judged);
        report_file::write(&report.path, &bytes, report.form.is_for_others())
            .map_err(|e| on_file(&e, "see that there is room, and that you may write there"))?;
    }
    let form = settings.format.form().unwrap_or(Form::Human);
    let silent = settings.quiet && form == Form::Human && judged.status() == Status::Ok;
    let output = if silent { Vec::new() } else { render(form, judged) };
    let status = if args.exit_zero { exit::OK } else { judged.exit_status() };
    Ok(Done { output, notes: Vec::new(), status })
}
