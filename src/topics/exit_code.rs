//! Exit statuses as topics.

use super::{Kind, Section, Topic};
use crate::exit::TABLE;

pub(super) fn all() -> Vec<Topic> {
    TABLE
        .iter()
        .map(|(code, word, meaning)| Topic {
            sections: vec![Section {
                heading: "Which wins",
                paragraphs: vec![
                    "2 beats 3, 3 beats 1, 1 beats 0. Info findings change no status; reports end with 0 unless --fail-on says otherwise.".into(),
                ],
            }],
            ..Topic::short(code.to_string(), Kind::ExitCode, format!("{word}: {meaning}"))
        })
        .collect()
}
