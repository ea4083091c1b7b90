//! `tcpvet env`: what can be read here, what the rest costs, and what grants it.

use super::Done;
use crate::cli::resolve::Settings;
use crate::collect::abilities::{abilities, standing};
use crate::collect::begin;
use crate::error::Error;
use crate::render::document::env::EnvDocument;
use crate::render::{human, json};
use crate::sys::System;

pub(super) fn run(settings: &Settings, system: &dyn System) -> Result<Done, Error> {
    let snapshot = begin(system, settings.netns.as_deref())?;
    let found = abilities(system, &snapshot);
    let document = EnvDocument::new(&snapshot, standing(system), found);
    Ok(Done::well(if settings.json {
        json::pretty(&document)
    } else {
        human::env::render(&document, settings.style).into_bytes()
    }))
}
