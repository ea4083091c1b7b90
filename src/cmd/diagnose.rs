//! `tcpvet`, `tcpvet diagnose`: what is wrong, who does it, what to change.

use super::earlier::First;
use super::judge::{Compared, judged, selection};
use super::judge_all::everywhere;
use super::{Done, report_status};
use crate::advise::plan;
use crate::cli::DiagnoseArgs;
use crate::cli::resolve::Settings;
use crate::collect::profiles;
use crate::error::Error;
use crate::render::document::diagnose::Diagnose;
use crate::render::human::diagnose::Told;
use crate::render::{human, json};
use crate::rules::engine::{Report, Status};
use crate::rules::selection::Selection;
use crate::sys::System;

pub(super) fn run(
    args: &DiagnoseArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let selection = selection(&args.rules, Selection::all())?;
    let compared = Compared::asked(&args.rules, Compared::Alone);
    if args.all_netns {
        return all(args, &selection, compared, settings, system);
    }
    let earlier = compared.earlier(First::WHOLE, settings, system)?;
    let (snapshot, since, report) = judged(&selection, earlier, settings, system, None)?;
    let report = report.settled();
    let status = report_status(&snapshot, Some(&report), settings);
    let profiles = profiles::of(system, &snapshot, report.culprits(), args.cmdline);
    let output = if settings.json {
        json::pretty(&Diagnose::new(&snapshot, since.as_ref(), &report, &profiles))
    } else if is_silent(settings, &report) {
        Vec::new()
    } else {
        let plan = plan(&report, &snapshot);
        let told = Told::one(&snapshot, &report, &plan, &profiles);
        (human::origin(&snapshot, settings.from.is_some())
            + &human::diagnose::render(&told, settings.style))
            .into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status })
}

/// Whether all is well and nobody wants to hear it.
fn is_silent(settings: &Settings, report: &Report) -> bool {
    settings.quiet && report.status == Status::Ok && report.findings.is_empty()
}

/// Every namespace in sight.
fn all(
    args: &DiagnoseArgs,
    selection: &Selection,
    compared: Compared<'_>,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let all = everywhere(selection, compared, settings, system)?;
    let status = report_status(&all.shared, Some(&all.report), settings);
    let profiles = profiles::of(system, &all.shared, all.report.culprits(), args.cmdline);
    let output = if settings.json {
        json::pretty(&Diagnose::everywhere(
            &all.shared,
            all.compared_ms,
            &all.report,
            &profiles,
            all.verdicts(),
            all.empty,
        ))
    } else if is_silent(settings, &all.report) {
        Vec::new()
    } else {
        let plans = all.namespaces.iter().map(|n| (&n.netns, &n.plan)).collect();
        let told = Told {
            snapshot: &all.shared,
            report: &all.report,
            by_state: all.by_state(),
            profiles: &profiles,
            plans,
            empty: Some(all.empty),
        };
        human::diagnose::render(&told, settings.style).into_bytes()
    };
    Ok(Done { output, notes: Vec::new(), status })
}
