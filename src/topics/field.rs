//! Fields as topics.

use super::{Kind, Section, Topic};
use crate::fields;

pub(super) fn all() -> Vec<Topic> {
    fields::all()
        .map(|field| Topic {
            sections: vec![Section {
                heading: "Kind",
                paragraphs: vec![format!(
                    "{}; a column (-O), a filter and a key to sort and group by",
                    field.kind.word()
                )],
            }],
            ..Topic::short(field.name, Kind::Field, field.doc)
        })
        .collect()
}
