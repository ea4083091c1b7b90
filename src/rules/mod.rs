//! The analyzer: one file per finding, complete with its documentation, thresholds, check, message and tests. Pure.

pub mod accept_queue_full;
pub mod bind_before_connect;
pub mod bind_pool_exhaustion;
pub mod close_wait_leak;
pub mod connect_search_cliff;
pub mod connection_churn;
pub mod engine;
pub mod ephemeral_port_exhaustion;
pub mod finding;
pub mod limit;
pub mod outcome;
mod pools;
pub mod port_range_conflict;
pub mod time_wait_buildup;

use std::cell::OnceCell;

use crate::model::Snapshot;
use crate::model::ports::forecast::Change;
use crate::model::ports::{Pool, Ports};
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::nearest::nearest;
use limit::{Limit, Limits};
use outcome::Outcome;

/// What a rule judges: the snapshot, and what several rules derive from it, computed once.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The snapshot.
    pub now: &'a Snapshot,
    /// What an earlier look of this run showed; `None` for a single look.
    pub before: Option<&'a Before>,
    ports: OnceCell<Option<Ports>>,
}

impl<'a> Evidence<'a> {
    /// Wraps a snapshot.
    pub fn new(now: &'a Snapshot) -> Evidence<'a> {
        Evidence::since(now, None)
    }

    /// The same, with an earlier look to compare with.
    pub fn since(now: &'a Snapshot, before: Option<&'a Before>) -> Evidence<'a> {
        Evidence { now, before, ports: OnceCell::new() }
    }

    /// What happened to a pool since the earlier look; `None` without one, and for a pool that was not busy then.
    pub fn change(&self, pool: &Pool) -> Option<Change> {
        let before = self.before?;
        let ports = before.ports.as_ref()?;
        let then = ports.pools.iter().find(|p| p.destination == pool.destination)?;
        Some(Change::between(then, pool, before.elapsed_ms))
    }

    /// The pools of ephemeral ports; `None` if the port range could not be read.
    pub fn ports(&self) -> Option<&Ports> {
        self.ports.get_or_init(|| Ports::busy(self.now)).as_ref()
    }
}

/// What rates need of an earlier look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The busy pools.
    pub ports: Option<Ports>,
    /// Milliseconds between the looks.
    pub elapsed_ms: u32,
}

/// One rule.
pub struct Rule {
    /// Its name for good: kebab-case, the condition and not the cure, never reused.
    pub id: &'static str,
    /// The condition in a few words.
    pub summary: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The documentation, with the fixed headings; the same text as the rustdoc.
    pub docs: &'static str,
    /// Its thresholds.
    pub limits: &'static [Limit],
    /// What it needs read beyond the table.
    pub wants: fn(&Evidence<'_>, &Limits) -> Wants,
    /// Judges.
    pub check: fn(&Evidence<'_>, &Limits) -> Outcome,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// Defines a rule whose doc comment is also its `docs` field.
macro_rules! rule {
    ($(#[doc = $doc:literal])* $name:ident { $($field:ident: $value:expr,)* }) => {
        $(#[doc = $doc])*
        pub static $name: $crate::rules::Rule = $crate::rules::Rule {
            docs: concat!($($doc, "\n"),*),
            $($field: $value,)*
        };
    };
}
use rule;

/// Every rule, in the order in which they are listed. A new finding: its file, its line here, a scenario.
pub static RULES: &[&Rule] = &[
    &accept_queue_full::RULE,
    &bind_before_connect::RULE,
    &bind_pool_exhaustion::RULE,
    &close_wait_leak::RULE,
    &connect_search_cliff::RULE,
    &connection_churn::RULE,
    &ephemeral_port_exhaustion::RULE,
    &port_range_conflict::RULE,
    &time_wait_buildup::RULE,
];

/// The headings that every rule's documentation has, in this order.
pub const HEADINGS: [&str; 7] = [
    "What it does",
    "Why it matters",
    "How it is measured",
    "Thresholds",
    "What can fool it",
    "What to do",
    "References",
];

/// The rule of this id.
///
/// # Errors
/// A message and a hint with the nearest id.
pub fn find(id: &str) -> Result<&'static Rule, (String, String)> {
    let asked = id.trim().replace('_', "-").to_lowercase();
    RULES.iter().find(|r| r.id == asked).copied().ok_or_else(|| {
        let hint = match nearest(&asked, RULES.iter().map(|r| r.id)) {
            Some(near) => format!("did you mean {near}?"),
            None => "'tcpvet explain' lists them".to_string(),
        };
        (format!("no rule is called '{}'", Text::new(id.as_bytes())), hint)
    })
}
