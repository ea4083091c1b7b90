//! What was read, what was not, and why: nothing that could not be seen may look healthy.

use std::collections::BTreeMap;

use super::text::Text;
use crate::phrase::count;
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
    /// Of several namespaces: how many more had the worst outcome of a source than the one that is named.
    others: BTreeMap<&'static str, u32>,
    /// Of several namespaces: whether the table of one could not be read whole.
    cut: bool,
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

    /// Adds what was noted of a namespace; what could not be seen there is said with its name, and of more such it is said how many.
    pub fn merge(&mut self, of: &Coverage, netns: &Text) {
        self.cut |= !of.table_is_whole();
        self.merge_sources(of, netns);
    }

    /// The same where somebody else judges whether the table is whole.
    pub fn merge_sources(&mut self, of: &Coverage, netns: &Text) {
        for source in &of.sources {
            let missed = source.state > Seen::Absent;
            let known = self.get(source.name).map(|s| s.state);
            if missed && known == Some(source.state) {
                *self.others.entry(source.name).or_default() += 1;
            } else if known.is_none_or(|known| known < source.state) {
                self.others.remove(source.name);
            }
            let reason = source.reason.as_ref().map(|r| format!("{netns}: {r}"));
            let reason = if missed { reason } else { source.reason.clone() };
            self.note(source.name, source.state, reason, source.hint.clone());
        }
    }

    /// Says of which sources more namespaces than the one that is named could not show all: once everything is merged.
    pub fn count_others(&mut self) {
        for (name, n) in std::mem::take(&mut self.others) {
            let source = self.sources.iter_mut().find(|s| s.name == name);
            if let Some(reason) = source.and_then(|s| s.reason.as_mut()) {
                reason.push_str(&format!(
                    "; and in {}",
                    count(n.into(), "more namespace", "more namespaces")
                ));
            }
        }
    }

    /// Notes that the table of some namespace could not be read.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Whether the table of some namespace could not be read whole.
    pub fn is_cut(&self) -> bool {
        self.cut
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
        !self.cut
            && ["sock_diag", "proc_net_tcp"]
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
    fn of_several_namespaces_the_first_is_named_the_others_counted_and_each_table_counts() {
        let closed = |reason: &str| {
            let mut c = Coverage::default();
            c.note("sock_diag", Seen::Denied, Some(reason.into()), None);
            c.seen("proc_net_tcp");
            c
        };
        let mut whole = Coverage::default();
        whole.seen("sock_diag");
        let mut all = Coverage::default();
        for (name, one) in
            [("a", &whole), ("b", &closed("no")), ("c", &closed("no")), ("d", &whole)]
        {
            all.merge(one, &Text::new(name.as_bytes()));
        }
        all.count_others();
        let said = all.get("sock_diag").unwrap().reason.clone();
        assert_eq!(said.as_deref(), Some("b: no; and in 1 more namespace"));
        assert!(all.table_is_whole());
        let mut torn = Coverage::default();
        torn.note("sock_diag", Seen::Partial, None, None);
        all.merge(&torn, &Text::new(b"e"));
        assert!(!all.table_is_whole(), "one whole table does not stand for another");
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
