//! `tcpvet explain`: documentation of rules and settings.

use super::{Done, table};
use crate::advise::knobs::{self, KNOBS};
use crate::cli::ExplainArgs;
use crate::cli::resolve::Settings;
use crate::collect::Start;
use crate::error::Error;
use crate::model::state::StateSet;
use crate::nearest::nearest;
use crate::render::document::explain::{Entry, Explain};
use crate::render::{human, json};
use crate::rules::{self, RULES};
use crate::sys::System;

pub(super) fn run(
    args: &ExplainArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let style = settings.style;
    let (text, entries) = match args.id.as_deref() {
        None => {
            let rules = RULES.iter().map(|r| Entry::from(*r));
            let entries = rules.chain(KNOBS.iter().map(Entry::from)).collect();
            (human::explain::index(style), entries)
        }
        Some(id) => match (rules::find(id), knobs::find(id)) {
            (Ok(rule), _) => (human::explain::rule(rule, style), vec![Entry::from(rule)]),
            (_, Some(knob)) => (human::explain::knob(knob, style), vec![Entry::from(knob)]),
            (Err(unknown), None) => {
                let words =
                    RULES.iter().map(|r| r.id).chain(KNOBS.iter().map(|k| knobs::short(k.name)));
                let hint = match nearest(id, words) {
                    Some(near) => format!("did you mean {near}?"),
                    None => unknown.1,
                };
                let id = crate::model::text::Text::new(id.as_bytes());
                return Err(Error::hinted(format!("no rule or setting is called '{id}'"), hint));
            }
        },
    };
    if !settings.json {
        return Ok(Done::well(text.into_bytes()));
    }
    let nothing = Start { states: StateSet::NONE, kernel: false, ..Start::diagnosis(None) };
    let snapshot = table(settings, system, &nothing)?;
    Ok(Done::well(json::pretty(&Explain::new(&snapshot, entries))))
}
