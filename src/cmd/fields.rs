//! `tcpvet fields`: the vocabulary of columns, filters and JSON.

use super::Done;
use crate::cli::resolve::Settings;
use crate::error::Error;
use crate::render::document::fields::Fields;
use crate::render::{human, json};

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
pub(super) fn run(settings: &Settings) -> Result<Done, Error> {
    let document = Fields::new();
    Ok(Done::well(if settings.json {
        json::pretty(&document)
    } else {
        human::fields::render(&document, settings.style).into_bytes()
    }))
}
