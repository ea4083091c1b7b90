//! What was read, what was not, and why: nothing that could not be seen may look healthy.

use super::text::Text;
use serde::Serialize;

/// How much of one source was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the word of the outputs")]
pub enum Seen {
    /// All of it.
    Seen,
    /// This kernel or namespace does not have it; nothing is hidden.
    Absent,
    /// Some of it.
    Partial,
    /// Permission was refused.
    Denied,
    /// Reading it went wrong.
    Failed,
}

/// One source and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Stable name: `sock_diag`, `proc_net_tcp`, `sysctl`, `owners` ...
    pub name: &'static str,
    /// How much was read.
    pub state: Seen,
    /// Why not all of it; `None` when all was.
    pub reason: Option<String>,
    /// A command that would let more be seen.
    pub hint: Option<String>,
}

/// Every source that was asked, in the order of asking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    sources: Vec<Source>,
}

impl Coverage {
    /// Notes that a source was read whole, unless something worse is already known of it.
    pub fn seen(&mut self, name: &'static str) {
        self.note(name, Seen::Seen, None, None);
    }

    /// Notes an outcome; the worse of two outcomes of one source stays.
    pub fn note(
        &mut self,
        name: &'static str,
        state: Seen,
        reason: Option<String>,
        hint: Option<String>,
    ) {
        match self.sources.iter_mut().find(|s| s.name == name) {
            Some(old) if old.state >= state => {}
            Some(old) => *old = Source { name, state, reason, hint },
            None => self.sources.push(Source { name, state, reason, hint }),
        }
    }

    /// Adds what was noted of a namespace; what could not be seen there is said with its name.
    pub fn merge(&mut self, of: &Coverage, netns: &Text) {
        for source in &of.sources {
            let reason = source.reason.as_ref().map(|r| format!("{netns}: {r}"));
            let reason = if source.state > Seen::Absent { reason } else { source.reason.clone() };
            self.note(source.name, source.state, reason, source.hint.clone());
        }
    }

    /// The outcome of one source; `None` if it was not asked.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|s| s.name == name)
    }

    /// All sources.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether everything that exists here was seen.
    pub fn is_complete(&self) -> bool {
        self.sources.iter().all(|s| s.state <= Seen::Absent)
    }

    /// Whether the socket table was read whole, by netlink or by its fallback.
    pub fn table_is_whole(&self) -> bool {
        ["sock_diag", "proc_net_tcp"]
            .iter()
            .any(|name| self.get(name).is_some_and(|s| s.state == Seen::Seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_outcome_of_a_source_stays() {
        let mut c = Coverage::default();
        c.seen("owners");
        c.note("owners", Seen::Partial, Some("3 hidden".into()), None);
        c.seen("owners");
        assert_eq!(c.get("owners").unwrap().state, Seen::Partial);
        assert!(!c.is_complete());
    }

    #[test]
    fn the_table_is_whole_by_either_way_and_by_none() {
        let mut c = Coverage::default();
        assert!(!c.table_is_whole());
        c.note("sock_diag", Seen::Denied, None, None);
        assert!(!c.table_is_whole());
        c.seen("proc_net_tcp");
        assert!(c.table_is_whole() && !c.is_complete());
        let mut absent = Coverage::default();
        absent.note("sockstat", Seen::Absent, None, None);
        assert!(absent.is_complete());
    }
}
