//! The analyzer: one file per finding, complete with its documentation, thresholds, check, message and tests. Pure.

pub mod accept_queue_full;
pub mod backlog_capped;
pub mod bind_before_connect;
pub mod bind_pool_exhaustion;
pub mod close_wait_leak;
pub mod config;
pub mod connect_search_cliff;
pub mod connection_churn;
pub mod conntrack_pressure;
pub mod dead_peer;
pub mod descriptor_limit;
pub mod engine;
pub mod ephemeral_port_exhaustion;
mod evidence;
pub mod family;
pub mod fin_wait2_orphans;
pub mod finding;
mod fold;
pub mod half_closed_stuck;
pub mod hazardous_sysctl;
pub mod idle_without_keepalive;
pub mod keepalive_too_slow;
pub mod last_ack_stuck;
pub mod limit;
mod makers;
pub mod orphan_pressure;
pub mod outcome;
pub mod path_mtu_black_hole;
pub mod pool_oversized;
mod pools;
pub mod port_range_conflict;
pub mod receive_queue_stuck;
pub mod reset_storm;
pub mod retransmission_rate;
pub mod reuseport_imbalance;
pub mod selection;
pub mod send_queue_stuck;
pub mod softnet_drops;
pub mod syn_flood;
pub mod syn_queue_pressure;
pub mod syn_sent_stuck;
pub mod tcp_memory_pressure;
pub mod time_wait_bucket_overflow;
pub mod time_wait_buildup;
pub mod together;
pub mod unhashed_sockets;
mod who;

use crate::model::earlier::Depth;
use crate::model::text::Text;
use crate::model::wants::Wants;
use crate::nearest::nearest;
pub use evidence::{Derived, Evidence};
use family::Family;
use finding::Severity;
use limit::{Limit, Limits};
use outcome::Outcome;

/// One rule.
pub struct Rule {
    /// Its name for good: kebab-case, the condition and not the cure, never reused.
    pub id: &'static str,
    /// The condition in a few words.
    pub summary: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// What it belongs to.
    pub family: Family,
    /// The worst it can say: a rule that only informs is left out of `check` unless it is asked for.
    pub worst: Severity,
    /// What must be known of an earlier look to let it say more, or anything at all.
    pub earlier: Depth,
    /// Whether it judges processes, listeners or peers one by one, so that a threshold can be another one for some of them.
    pub excepts: bool,
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
    &backlog_capped::RULE,
    &bind_before_connect::RULE,
    &bind_pool_exhaustion::RULE,
    &close_wait_leak::RULE,
    &connect_search_cliff::RULE,
    &connection_churn::RULE,
    &conntrack_pressure::RULE,
    &dead_peer::RULE,
    &descriptor_limit::RULE,
    &ephemeral_port_exhaustion::RULE,
    &fin_wait2_orphans::RULE,
    &half_closed_stuck::RULE,
    &hazardous_sysctl::RULE,
    &idle_without_keepalive::RULE,
    &keepalive_too_slow::RULE,
    &last_ack_stuck::RULE,
    &orphan_pressure::RULE,
    &path_mtu_black_hole::RULE,
    &pool_oversized::RULE,
    &port_range_conflict::RULE,
    &receive_queue_stuck::RULE,
    &reset_storm::RULE,
    &retransmission_rate::RULE,
    &reuseport_imbalance::RULE,
    &send_queue_stuck::RULE,
    &softnet_drops::RULE,
    &syn_flood::RULE,
    &syn_queue_pressure::RULE,
    &syn_sent_stuck::RULE,
    &tcp_memory_pressure::RULE,
    &time_wait_bucket_overflow::RULE,
    &time_wait_buildup::RULE,
    &unhashed_sockets::RULE,
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
