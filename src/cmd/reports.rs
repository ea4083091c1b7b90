//! Where a verdict goes: standard output, and files beside it.

use std::collections::BTreeSet;

use super::Done;
use crate::cli::ReportArgs;
use crate::cli::resolve::Settings;
use crate::error::{Error, on_file};
use crate::exit;
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::text::Text;
use crate::render::document::check::Check;
use crate::render::verdict::{Form, Judged, render};
use crate::rules::engine::Status;
use crate::sys::report_file;

/// Whether every report can be written, before anything is measured.
pub(super) fn check(args: &ReportArgs) -> Result<(), Error> {
    let mut places = BTreeSet::new();
    for report in &args.report {
        let name = || Text::new(report.path.display().to_string().as_bytes());
        let hint = "name a plain file; --format is for standard output";
        if report.path.as_os_str() == "-" {
            return Err(Error::hinted("a report goes to a file, and - is none", hint));
        }
        let place = report_file::check(&report.path).map_err(|e| on_file(&e, hint))?;
        if !places.insert(place) {
            return Err(Error::hinted(
                format!("two reports go to {}", name()),
                "give each a file of its own",
            ));
        }
    }
    Ok(())
}

/// The verdict in every form that was asked for, and the exit status. A report that cannot be written is told beside the verdict, which
/// stands: what is critical stays so, anything better is unknown.
pub(super) fn done(judged: Judged<'_>, args: &ReportArgs, settings: &Settings) -> Done {
    let notes = write(judged, args);
    let form = settings.format.form().unwrap_or(Form::Human);
    let silent = settings.quiet && form == Form::Human && judged.status() == Status::Ok;
    let output = if silent { Vec::new() } else { render(form, judged) };
    let own = judged.exit_status();
    let status = match notes.is_empty() {
        true if args.exit_zero => exit::OK,
        // That is no part of the verdict.
        false if args.exit_zero => exit::UNKNOWN,
        false if [exit::OK, exit::WARNING].contains(&own) => exit::UNKNOWN,
        _ => own,
    };
    Done { output, notes, status }
}

/// Writes what there is to say where no verdict came: a report of before must not be taken for one of now. Metrics are left as they are,
/// and tell by their time that they are old: new ones would take back what is known to be wrong.
pub(super) fn failed(
    args: &ReportArgs,
    command: &'static str,
    mut around: Snapshot,
    message: &str,
) {
    let why = "no look was completed".to_string();
    around.coverage.note("sock_diag", Seen::Failed, Some(why), None);
    // The document of a run tells how the command ended, and there was no end.
    let json = |form: Form| form == Form::Json && command != "check";
    let said = |r: &&crate::cli::Report| !r.form.is_for_others() && !json(r.form);
    let reports = args.report.iter().filter(said).cloned().collect();
    let check = Check::failed(command, &around, message);
    // There is an error to tell already.
    let _ = write(Judged::Check(&check), &ReportArgs { report: reports, exit_zero: false });
}

/// Writes the reports; gives what could not be.
pub(super) fn write(judged: Judged<'_>, args: &ReportArgs) -> Vec<String> {
    let one = |report: &crate::cli::Report| {
        let bytes = render(report.form, judged);
        let written = report_file::write(&report.path, &bytes, report.form.is_for_others());
        let hint = "see that there is room, and that you may write there";
        written.err().map(|e| on_file(&e, hint).to_string())
    };
    args.report.iter().filter_map(one).collect()
}
