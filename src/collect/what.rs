//! What a command wants read at first.

use crate::model::state::StateSet;
use crate::wire::request::EXT_ALL;

/// What to read at first.
#[derive(Debug, Clone)]
pub struct Start {
    /// The namespace's name as the user gave it.
    pub netns: Option<String>,
    /// States to read; all for a diagnosis.
    pub states: StateSet,
    /// Attributes of every socket: none for a diagnosis, all for a capture.
    pub extensions: u8,
    /// Whether counters and sysctls are needed.
    pub kernel: bool,
    /// Whether it matters that owners may be hidden.
    pub owners: bool,
}

impl Start {
    /// The cheap start of a diagnosis: the whole table without attributes, counters and sysctls.
    pub fn diagnosis(netns: Option<String>) -> Start {
        Start { netns, states: StateSet::ALL, extensions: 0, kernel: true, owners: true }
    }

    /// Everything at once, so that a replay can answer any question.
    pub fn capture(netns: Option<String>) -> Start {
        Start { netns, states: StateSet::ALL, extensions: EXT_ALL, kernel: true, owners: true }
    }
}
