//! Families of rules: what belongs together, selected by one word.

/// A family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Ephemeral ports and TIME_WAIT.
    Ports,
    /// Listeners and their queues.
    Listeners,
    /// Connections that do not end as they should.
    Closing,
    /// What the other side, or the way to it, does.
    Peers,
    /// Memory, descriptors and tables that run out.
    Resources,
    /// Settings.
    Settings,
}

impl Family {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Family; 6] = [
        Family::Ports,
        Family::Listeners,
        Family::Closing,
        Family::Peers,
        Family::Resources,
        Family::Settings,
    ];

    /// The word for `--select` and `--ignore`.
    pub fn word(self) -> &'static str {
        match self {
            Family::Ports => "ports",
            Family::Listeners => "listeners",
            Family::Closing => "closing",
            Family::Peers => "peers",
            Family::Resources => "resources",
            Family::Settings => "settings",
        }
    }

    /// What it holds, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Family::Ports => "ephemeral ports and TIME_WAIT",
            Family::Listeners => "listeners and their queues",
            Family::Closing => "connections that do not end",
            Family::Peers => "the other side, and the way to it",
            Family::Resources => "memory, descriptors and tables that run out",
            Family::Settings => "settings",
        }
    }

    /// The family of a word.
    pub fn parse(word: &str) -> Option<Family> {
        let word = word.trim().to_lowercase();
        Family::ALL.into_iter().find(|f| f.word() == word)
    }
}
