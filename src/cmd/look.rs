//! A look of the rules, with what assertions ask of it; and an earlier one.

use super::earlier::Past;
use super::judge::looked;
use crate::assertions::figure::{self, Read};
use crate::cli::resolve::Settings;
use crate::collect;
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::earlier::{Earlier, Since};
use crate::rules::Evidence;
use crate::rules::engine::{Report, run};
use crate::rules::selection::Selection;
use crate::sys::System;

/// What the rules saw and said.
pub(super) struct Look {
    pub(super) snapshot: Snapshot,
    pub(super) since: Option<Since>,
    /// Of all rules that were judged.
    pub(super) report: Report,
    /// Of those that are to be shown; `None` if none are.
    pub(super) shown: Option<Report>,
    pub(super) figures: Vec<Read>,
}

impl Look {
    /// Lets the `wanted` rules look, and those `asked` for judge.
    pub(super) fn at(
        wanted: &Selection,
        asked: &Selection,
        shown: Option<&Selection>,
        earlier: Option<Earlier>,
        settings: &Settings,
        system: &dyn System,
    ) -> Result<Look, Error> {
        let (snapshot, since, derived) = looked(wanted, earlier, settings, system, None)?;
        let evidence = Evidence::on(&snapshot, since.as_ref(), derived);
        let report = run(asked, &evidence);
        let shown = shown.map(|shown| run(shown, &evidence).settled());
        let figures = figure::all(&evidence, wanted);
        drop(evidence);
        Ok(Look { snapshot, since, report, shown, figures })
    }
}

/// Who and when this is, where the rules do not look; what it is compared with must fit.
pub(super) fn begin(
    past: Option<&Past>,
    settings: &Settings,
    system: &dyn System,
) -> Result<Snapshot, Error> {
    let netns = settings.netns.as_deref();
    let Some(past) = past else { return Ok(collect::begin(system, netns)?) };
    let snapshot = collect::counted(system, netns)?;
    Since::between(past.earlier.clone(), &snapshot).map_err(|why| {
        Error::hinted(
            format!("the baseline does not fit: {why}"),
            "take it in the same network namespace of the same boot: tcpvet capture -o before.tar",
        )
    })?;
    Ok(snapshot)
}

/// Milliseconds since a moment of [`collect::uptime_ms`].
pub(super) fn elapsed_ms(begun: Option<u64>, system: &dyn System) -> u64 {
    let now = collect::uptime_ms(system);
    now.zip(begun).map_or(0, |(now, begun)| now.saturating_sub(begun))
}
