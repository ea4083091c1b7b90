//! The look before: taken now for a later one, or out of a capture.

use std::path::Path;

use super::table;
use crate::cli::resolve::Settings;
use crate::collect::{Census, Start, add, counted, enrich, hold};
use crate::error::{Error, on_file};
use crate::model::Snapshot;
use crate::model::before::Before;
use crate::model::earlier::{Depth, Earlier};
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::rules::selection::Selection;
use crate::sys::replay::Replay;
use crate::sys::store::Capture;
use crate::sys::{System, privilege};

/// An earlier look, and which sockets there were.
pub(super) struct Past {
    pub(super) earlier: Earlier,
    pub(super) before: Before,
}

/// The past that a capture holds.
pub(super) fn past(path: &Path, settings: &Settings) -> Result<Past, Error> {
    let hint = "write one with: tcpvet capture -o box.tar";
    let load = || Capture::load(path).map_err(|e| on_file(&e, hint));
    let capture = privilege::as_the_user(load)?;
    let of_that = Settings { netns: capture.netns.clone(), ..settings.clone() };
    let snapshot = first_snapshot(First::WHOLE, &of_that, &Replay::new(capture), None)?;
    let whole = snapshot.coverage.table_is_whole();
    Ok(Past {
        before: Before::of(snapshot.sockets.iter().map(|s| s.cookie), whole),
        earlier: Earlier::of(&snapshot),
    })
}

/// What a first look goes for.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    /// How far it goes.
    depth: Depth,
    /// Whether it is kept who holds each socket: that names who made what nobody holds later, and decides no severity.
    makers: bool,
}

impl First {
    /// For a report that is shown.
    pub(super) const WHOLE: First = First { depth: Depth::Table, makers: true };

    /// For severities alone.
    pub(super) fn for_severities(selection: &Selection) -> First {
        First { depth: selection.earlier(), makers: false }
    }

    /// Looks, and keeps only what rates need.
    pub(super) fn look(
        self,
        settings: &Settings,
        system: &dyn System,
        census: Option<&Census<'_>>,
    ) -> Result<Earlier, Error> {
        first_snapshot(self, settings, system, census).map(|snapshot| Earlier::of(&snapshot))
    }
}

/// All of a first look.
pub(super) fn first_snapshot(
    first: First,
    settings: &Settings,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<Snapshot, Error> {
    let mut snapshot = match first.depth {
        Depth::Nothing | Depth::Counters => {
            return counted(system, settings.netns.as_deref()).map_err(Error::from);
        }
        Depth::Listeners => {
            let mut snapshot = counted(system, settings.netns.as_deref())?;
            add(system, StateSet::of(State::Listen), &mut snapshot);
            snapshot
        }
        Depth::Table => {
            table(settings, system, &Start { owners: false, ..Start::diagnosis(None) })?
        }
    };
    // The drops of each listener are told with its details.
    let wants = Wants { details: StateSet::of(State::Listen), ..Wants::default() };
    enrich(system, &mut snapshot, &wants);
    // Who holds a socket now is all that will tell who made it, once it is in TIME_WAIT.
    if first.makers {
        hold(system, &mut snapshot, census);
    }
    Ok(snapshot)
}
