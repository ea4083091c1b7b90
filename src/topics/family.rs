//! Families of rules as topics.

use super::{Kind, Section, Topic};
use crate::rules::RULES;
use crate::rules::family::Family;

pub(super) fn all() -> Vec<Topic> {
    Family::ALL.into_iter().map(topic).collect()
}

fn topic(family: Family) -> Topic {
    let rules = RULES.iter().filter(|r| r.family == family);
    let paragraphs = rules.map(|r| format!("{}: {}", r.id, r.summary)).collect();
    Topic {
        sections: vec![Section { heading: "Rules", paragraphs }],
        ..Topic::short(family.word(), Kind::Family, family.about())
    }
}
