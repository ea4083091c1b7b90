//! The look before: taken now for a later one, or out of a capture.

use std::path::Path;

use super::table;
use crate::cli::resolve::Settings;
use crate::collect::{Census, Start, enrich, hold};
use crate::error::{Error, on_file};
use crate::model::Snapshot;
use crate::model::before::Before;
use crate::model::earlier::Earlier;
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
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
    let snapshot = first_snapshot(&of_that, &Replay::new(capture), None)?;
    let whole = snapshot.coverage.table_is_whole();
    Ok(Past {
        before: Before::of(snapshot.sockets.iter().map(|s| s.cookie), whole),
        earlier: Earlier::of(&snapshot),
    })
}

/// A first look, of which only what rates need is kept.
pub(super) fn first_look(
    settings: &Settings,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<Earlier, Error> {
    first_snapshot(settings, system, census).map(|snapshot| Earlier::of(&snapshot))
}

/// All of a first look.
pub(super) fn first_snapshot(
    settings: &Settings,
    system: &dyn System,
    census: Option<&Census<'_>>,
) -> Result<Snapshot, Error> {
    let mut snapshot = table(settings, system, &Start { owners: false, ..Start::diagnosis(None) })?;
    // The drops of each listener are told with its details.
    let wants = Wants { details: StateSet::of(State::Listen), ..Wants::default() };
    enrich(system, &mut snapshot, &wants);
    // Who holds a socket now is all that will tell who made it, once it is in TIME_WAIT.
    hold(system, &mut snapshot, census);
    Ok(snapshot)
}
