//! `tcpvet check`: a verdict, one line and an exit status.

use std::collections::BTreeSet;

use super::judge::{Compared, judged, selection};
use super::judge_all::everywhere;
use super::{Done, table};
use crate::cli::CheckArgs;
use crate::cli::resolve::Settings;
use crate::collect::{self, Start, enrich};
use crate::error::Error;
use crate::filter::assertion::Assertion;
use crate::model::Snapshot;
use crate::model::wants::Wants;
use crate::render::document::check::{AssertionDocument, Check};
use crate::render::document::profile::{ProfileDocument, documents};
use crate::render::{human, json};
use crate::rules::engine::{Report, Status};
use crate::rules::selection::Selection;
use crate::sys::System;

pub(super) fn run(
    args: &CheckArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let selection = selection(&args.rules, Selection::of_harm())?;
    if args.all_netns {
        let compared = Compared::asked(&args.rules, Compared::twice(&selection, settings));
        let all = everywhere(&selection, compared, settings, system)?;
        let selected = !args.rules.which.select.is_empty();
        let check = Check::new(&all.shared, Some(&all.report), selected, Vec::new());
        let processes = profiles(args, system, &all.shared, &all.report);
        let namespaces = Some(all.verdicts());
        return Ok(done(&Check { processes, namespaces, ..check }, settings));
    }
    // Everything typed is read before anything is measured.
    let assertions = assertions(&args.assert)?;
    let selected = !args.rules.which.select.is_empty();
    let (mut snapshot, report) = if assertions.is_empty() || selected {
        let twice = Compared::twice(&selection, settings);
        let compared = Compared::asked(&args.rules, twice);
        let (snapshot, _, report) =
            judged(&selection, compared.earlier(settings, system)?, settings, system, None)?;
        (snapshot, Some(report))
    } else {
        (table(settings, system, &Start { kernel: false, ..Start::diagnosis(None) })?, None)
    };
    name_offenders(&assertions, system, &mut snapshot);
    let verdicts = assertions.iter().map(|a| AssertionDocument::judge(a, &snapshot)).collect();
    let mut check = Check::new(&snapshot, report.as_ref(), selected, verdicts);
    if let Some(report) = &report {
        check.processes = profiles(args, system, &snapshot, report);
    }
    Ok(done(&check, settings))
}

/// The verdict as it was asked for.
fn done(check: &Check, settings: &Settings) -> Done {
    let output = if settings.json {
        json::pretty(check)
    } else if settings.quiet && check.status == Status::Ok {
        Vec::new()
    } else {
        human::check::render(check).into_bytes()
    };
    Done { output, notes: Vec::new(), status: check.exit_status }
}

/// The processes that findings name.
fn profiles(
    args: &CheckArgs,
    system: &dyn System,
    snapshot: &Snapshot,
    report: &Report,
) -> Vec<ProfileDocument> {
    documents(&collect::profiles::of(system, snapshot, report.culprits(), args.cmdline))
}

fn assertions(texts: &[String]) -> Result<Vec<Assertion>, Error> {
    let mut names = BTreeSet::new();
    let mut out = Vec::new();
    for text in texts {
        let assertion = Assertion::parse(text)?;
        if !names.insert(assertion.name.clone()) {
            let message = format!("two assertions are called '{}'", assertion.name);
            return Err(Error::hinted(
                message,
                "give each a name of its own, as in 'NAME: count(...) == 0'",
            ));
        }
        out.push(assertion);
    }
    Ok(out)
}

/// Finds the processes behind failed assertions.
fn name_offenders(assertions: &[Assertion], system: &dyn System, snapshot: &mut Snapshot) {
    let mut wants = Wants::default();
    for assertion in assertions {
        let counted: Vec<_> =
            snapshot.sockets.iter().filter(|s| assertion.filter.matches(s)).collect();
        if !assertion.holds(counted.len() as u64) {
            wants.owners.extend(counted.iter().take(10).map(|s| s.inode));
        }
    }
    if wants.owners.is_empty() {
        return;
    }
    // What the rules found is looked for again, so that one scan answers for all.
    let known = snapshot.owners.iter().flat_map(|o| &o.holders).map(|h| h.inode);
    wants.owners.extend(known);
    enrich(system, snapshot, &wants);
}
