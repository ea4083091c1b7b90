//! `tcpvet config`: the settings that a run would use, and where each came from.

use super::Done;
use super::judge::configured;
use crate::cli::SelectArgs;
use crate::cli::resolve::Settings;
use crate::error::Error;
use crate::render::document::config::ConfigDocument;
use crate::render::{human, json};
use crate::rules::selection::Selection;

pub(super) fn run(args: &SelectArgs, settings: &Settings) -> Result<Done, Error> {
    let (selection, config) = configured(args, Selection::all())?;
    let places: Vec<String> =
        crate::cli::config::places().iter().map(|p| p.display().to_string()).collect();
    let document = ConfigDocument::new(&selection, &config, &places);
    let output = match settings.json {
        true => json::pretty(&document),
        false => human::config::render(&document, settings.style).into_bytes(),
    };
    Ok(Done::well(output))
}
