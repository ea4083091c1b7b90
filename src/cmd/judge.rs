//! From the options of rules to a verdict: what runs, one look or two, what the rules want read besides, and what they say.

use std::path::Path;
use std::time::Duration;

use super::earlier::{First, past};
use super::table;
use crate::cli::resolve::Settings;
use crate::cli::{RuleArgs, SelectArgs, config};
use crate::collect::{Census, Start, attribute, refine};
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::earlier::{Depth, Earlier, Since};
use crate::rules::config::Config;
use crate::rules::engine::{Report, run};
use crate::rules::selection::Selection;
use crate::rules::{Derived, Evidence};
use crate::sys::System;

/// The rules and thresholds that were asked for, on top of those of `base`: configuration files, then the command line.
pub(super) fn selection(args: &RuleArgs, base: Selection) -> Result<Selection, Error> {
    configured(&args.which, base).map(|(selection, _)| selection)
}

/// The same, with what the files said.
pub(super) fn configured(args: &SelectArgs, base: Selection) -> Result<(Selection, Config), Error> {
    let mut selection = base;
    let config = config::load(args)?;
    config.apply(&mut selection)?;
    for text in &args.set {
        selection.limits.set(text)?;
    }
    if !args.select.is_empty() {
        selection.select(args.select.iter().map(String::as_str))?;
    }
    if !args.ignore.is_empty() {
        selection.ignore(args.ignore.iter().map(String::as_str))?;
    }
    Ok((selection, config))
}

/// Between the two looks of a check.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// What a look is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compared<'a> {
    /// Nothing.
    Alone,
    /// A look so long before.
    Sample(Duration),
    /// A capture.
    Baseline(&'a Path),
}

impl<'a> Compared<'a> {
    /// What was asked for; `otherwise` where nothing was.
    pub(super) fn asked(args: &'a RuleArgs, otherwise: Compared<'a>) -> Compared<'a> {
        match (args.sample, &args.baseline) {
            (Some(time), _) => Compared::Sample(time),
            (None, Some(path)) => Compared::Baseline(path),
            (None, None) => otherwise,
        }
    }

    /// Two looks a second apart, if something that runs has a use for them; a capture is one look.
    pub(super) fn twice(selection: &Selection, settings: &Settings) -> Compared<'static> {
        match selection.earlier() > Depth::Nothing && settings.from.is_none() {
            true => Compared::Sample(INTERVAL),
            false => Compared::Alone,
        }
    }

    /// The look that another is compared with.
    pub(super) fn earlier(
        self,
        first: First,
        settings: &Settings,
        system: &dyn System,
    ) -> Result<Option<Earlier>, Error> {
        match self {
            Compared::Alone => Ok(None),
            Compared::Sample(time) => {
                let earlier = first.look(settings, system, None)?;
                let paused = system.pause(time);
                paused?;
                Ok(Some(earlier))
            }
            Compared::Baseline(path) => past(path, settings).map(|past| Some(past.earlier)),
        }
    }
}

/// The table, what the rules want besides, and their verdict.
pub(super) fn judged(
    selection: &Selection,
    earlier: Option<Earlier>,
    settings: &Settings,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<(Snapshot, Option<Since>, Report), Error> {
    let (snapshot, since, derived) = looked(selection, earlier, settings, system, census)?;
    let report = run(selection, &Evidence::on(&snapshot, since.as_ref(), derived));
    Ok((snapshot, since, report))
}

/// The table, and what these rules want besides; not their verdict.
pub(super) fn looked(
    selection: &Selection,
    earlier: Option<Earlier>,
    settings: &Settings,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<(Snapshot, Option<Since>, Derived), Error> {
    let mut snapshot = table(settings, system, &Start::diagnosis(None))?;
    let since = earlier.map(|e| Since::between(e, &snapshot)).transpose().map_err(|why| {
        Error::hinted(
            format!("the baseline does not fit: {why}"),
            "take it in the same network namespace of the same boot: tcpvet capture -o before.tar",
        )
    })?;
    let mut evidence = Evidence::on(&snapshot, since.as_ref(), Derived::of(&snapshot));
    let wants = selection.wants(&evidence);
    let mut derived = evidence.into_derived();
    if refine(system, &mut snapshot, &wants) {
        // Explicit binds and options change how full a pool is, and with it whose owners matter.
        derived.forget_ports();
    }
    evidence = Evidence::on(&snapshot, since.as_ref(), derived);
    let wants = selection.wants(&evidence);
    derived = evidence.into_derived();
    attribute(system, &mut snapshot, &wants, derived.survey(), census);
    if snapshot.owners.as_ref().is_some_and(|o| o.buckets.is_some()) {
        derived.forget_ports();
    }
    Ok((snapshot, since, derived))
}
