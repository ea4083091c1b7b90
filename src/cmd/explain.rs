//! `tcpvet explain`: documentation of rules, settings, fields, states and exit statuses.

use super::{Done, table};
use crate::cli::ExplainArgs;
use crate::cli::resolve::Settings;
use crate::collect::Start;
use crate::error::Error;
use crate::model::state::StateSet;
use crate::render::document::explain::Explain;
use crate::render::{human, json};
use crate::sys::System;
use crate::topics;

pub(super) fn run(
    args: &ExplainArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let found = args.id.as_deref().map(topics::find).transpose()?;
    if !settings.json {
        let text = match &found {
            None => human::explain::index(settings.style),
            Some(topics) => {
                let texts: Vec<String> =
                    topics.iter().map(|t| human::explain::topic(t, settings.style)).collect();
                texts.join("\n")
            }
        };
        return Ok(Done::well(text.into_bytes()));
    }
    let nothing = Start { states: StateSet::NONE, kernel: false, ..Start::diagnosis(None) };
    let snapshot = table(settings, system, &nothing)?;
    let topics = found.unwrap_or_else(topics::all);
    Ok(Done::well(json::pretty(&Explain::new(&snapshot, topics))))
}
