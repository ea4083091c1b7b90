//! `tcpvet summary`: counts.

use std::collections::BTreeSet;

use super::everywhere::all_netns;
use super::{Done, report_status, table};
use crate::cli::SummaryArgs;
use crate::cli::resolve::Settings;
use crate::collect::{Start, begin, refine};
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::wants::Wants;
use crate::render::document::summary::{SummaryDocument, namespace};
use crate::render::{human, json};
use crate::rules::Evidence;
use crate::rules::selection::Selection;
use crate::sys::System;

pub(super) fn run(
    args: &SummaryArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let (snapshot, document) = if args.all_netns {
        everywhere(settings, system)?
    } else {
        let snapshot = counted(settings, system)?;
        let document = SummaryDocument::new(&snapshot);
        (snapshot, document)
    };
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

/// The table of one namespace, and what its pools of ports need.
fn counted(settings: &Settings, system: &dyn System) -> Result<Snapshot, Error> {
    let start = Start { owners: false, ..Start::diagnosis(None) };
    let mut snapshot = table(settings, system, &start)?;
    // How full a pool is depends on explicit binds and on what live connections show; owners are not counted here.
    let mut selection = Selection::all();
    selection.select(["ports"])?;
    let wants = selection.wants(&Evidence::new(&snapshot));
    refine(system, &mut snapshot, &Wants { owners: BTreeSet::new(), ..wants });
    Ok(snapshot)
}

/// Every namespace in sight; each is counted and let go before the next is read.
fn everywhere(
    settings: &Settings,
    system: &dyn System,
) -> Result<(Snapshot, SummaryDocument), Error> {
    let mut shared = begin(system, None)?;
    let mut namespaces = Vec::new();
    let mut coverage = std::mem::take(&mut shared.coverage);
    all_netns(system, &mut coverage, &mut |space, inside, coverage| {
        let mut one = counted(settings, inside)?;
        one.netns = space.name.clone();
        coverage.merge(&one.coverage, &space.name);
        namespaces.push(namespace(&one));
        shared.counters = one.counters;
        Ok(true)
    })?;
    shared.coverage = coverage;
    let document = SummaryDocument::of(&shared, namespaces);
    Ok((shared, document))
}
