//! What a rule says when it fires.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Snapshot;
use crate::model::culprit::Culprit;
use crate::model::destination::Destination;
use crate::model::endpoint::{Addr, place};
use crate::model::portset::PortSet;
use crate::model::text::Text;

/// How bad it is. `Info` is habit or prediction without present harm and changes no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Harm is near or small.
    Warning,
    /// Harm is here.
    Critical,
}

impl Severity {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// How sure a finding is of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The kernel says so: a limit passed, a state that lasts.
    Certain,
    /// It is the likeliest reading of what the kernel says; another one is named.
    Likely,
}

impl Certainty {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Certainty::Certain => "certain",
            Certainty::Likely => "likely",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A process that holds the sockets.
    Process(Culprit),
    /// A listening socket.
    Listener {
        /// Its address.
        addr: Addr,
        /// Its port.
        port: u16,
        /// Who listens.
        owners: Vec<Culprit>,
    },
    /// One pool of ports.
    Destination {
        /// From where to where.
        destination: Destination,
        /// Who connects there now.
        owners: Vec<Culprit>,
    },
    /// The ports of one local address.
    Address {
        /// The address.
        addr: Addr,
        /// Who has sockets on it.
        owners: Vec<Culprit>,
    },
    /// Another machine, or one port of it.
    Peer {
        /// Its address.
        addr: Addr,
        /// Its port, if that is a service's; else 0.
        port: u16,
        /// Who has connections there.
        owners: Vec<Culprit>,
    },
    /// A setting of the namespace.
    Setting(&'static str),
    /// The whole network namespace.
    Namespace,
    /// The whole host: a limit that all namespaces share.
    Host,
}

impl Subject {
    /// The subject in a finding's key: stable as long as the subject lives.
    fn key(&self) -> String {
        match self {
            Subject::Process(culprit) => format!("process:{}", culprit.name()),
            Subject::Listener { addr, port, .. } => format!("listener:{}", place(*addr, *port)),
            Subject::Destination { destination: d, .. } => {
                let device =
                    if d.interface == 0 { String::new() } else { format!("%{}", d.interface) };
                let to = place(d.peer_addr, d.peer_port);
                format!("destination:{}{device}>{to}", d.local_addr)
            }
            Subject::Address { addr, .. } => format!("address:{addr}"),
            Subject::Peer { addr, port: 0, .. } => format!("peer:{addr}"),
            Subject::Peer { addr, port, .. } => format!("peer:{}", place(*addr, *port)),
            Subject::Setting(name) => format!("setting:{name}"),
            Subject::Namespace => "namespace".into(),
            Subject::Host => "host".into(),
        }
    }

    /// Everybody who is responsible.
    pub fn culprits(&self) -> &[Culprit] {
        match self {
            Subject::Process(culprit) => std::slice::from_ref(culprit),
            Subject::Listener { owners, .. }
            | Subject::Destination { owners, .. }
            | Subject::Address { owners, .. }
            | Subject::Peer { owners, .. } => owners,
            Subject::Setting(_) | Subject::Namespace | Subject::Host => &[],
        }
    }
}

/// The numbers at which a finding becomes worse, in the unit of its first fact; `None` where there is no such step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// From here info.
    pub info: Option<f64>,
    /// From here warning.
    pub warning: Option<f64>,
    /// From here critical.
    pub critical: Option<f64>,
}

/// The worst severity whose threshold `value` reaches; a threshold is passed when the value is above it.
pub fn severity_above(value: f64, thresholds: &Thresholds) -> Option<Severity> {
    let above = |t: Option<f64>| t.is_some_and(|t| value > t);
    if above(thresholds.critical) {
        Some(Severity::Critical)
    } else if above(thresholds.warning) {
        Some(Severity::Warning)
    } else if above(thresholds.info) {
        Some(Severity::Info)
    } else {
        None
    }
}

/// The same for counts: a threshold is reached at it.
pub fn severity_from(count: u64, thresholds: &Thresholds) -> Option<Severity> {
    let reached = |t: Option<f64>| t.is_some_and(|t| count as f64 >= t);
    [
        (thresholds.critical, Severity::Critical),
        (thresholds.warning, Severity::Warning),
        (thresholds.info, Severity::Info),
    ]
    .into_iter()
    .find(|(threshold, _)| reached(*threshold))
    .map(|(_, severity)| severity)
}

/// What a setting should become; `advise` knows how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// At least this number.
    AtLeast(i64),
    /// At most this number.
    AtMost(i64),
    /// So many times what it is.
    Times(i64),
    /// At least this far in the knob's own order of effect (0 < 2 < 1 for tcp_tw_reuse).
    Order(i64),
    /// More ports to choose from.
    MorePorts,
    /// These ports on the list, beside those that are on it.
    Ports(PortSet),
}

/// One thing that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// What the application should do; always named before a setting.
    Application(String),
    /// A setting that helps, and how.
    Setting {
        /// Dotted name of the sysctl.
        knob: &'static str,
        /// What it should become.
        wish: Wish,
        /// Why this helps here, a clause.
        because: String,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub certainty: Certainty,
    /// Where.
    pub netns: Text,
    /// Condition, number, threshold, place; no full stop.
    pub title: String,
    /// About what.
    pub subject: Subject,
    /// The numbers by name; the names are part of the JSON promise.
    pub facts: BTreeMap<&'static str, f64>,
    /// When it becomes worse.
    pub thresholds: Thresholds,
    /// What it rests on, one sentence each.
    pub evidence: Vec<String>,
    /// Why it matters, one sentence.
    pub why: String,
    /// Commands that show more.
    pub next: Vec<String>,
    /// What to change, the application first.
    pub remedies: Vec<Remedy>,
    /// What follows from it: findings of other rules that share its cause, worst first.
    pub folded: Vec<Finding>,
}

impl Finding {
    /// A finding of a rule about the whole namespace, informing, for certain; its words are still to be said.
    pub(super) fn new(rule: &super::Rule, now: &Snapshot) -> Finding {
        Finding {
            id: rule.id,
            severity: Severity::Info,
            certainty: Certainty::Certain,
            netns: now.netns.clone(),
            title: String::new(),
            subject: Subject::Namespace,
            facts: BTreeMap::new(),
            thresholds: Thresholds::default(),
            evidence: Vec::new(),
            why: String::new(),
            next: Vec::new(),
            remedies: Vec::new(),
            folded: Vec::new(),
        }
    }

    /// The finding and what is folded into it.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(self).chain(&self.folded)
    }

    /// Identity of the finding: the rule and its subject, stable between runs.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.id, self.netns, self.subject.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_reaches_its_threshold() {
        let t = Thresholds { info: Some(1.0), warning: Some(3.0), critical: None };
        let at = |n| severity_from(n, &t);
        assert_eq!([at(0), at(1), at(2)], [None, Some(Severity::Info), Some(Severity::Info)]);
        assert_eq!(at(3), Some(Severity::Warning));
    }

    #[test]
    fn a_threshold_is_passed_above_it_not_at_it() {
        let t = Thresholds { info: Some(1.0), warning: Some(2.0), critical: Some(3.0) };
        let at = |v| severity_above(v, &t);
        assert_eq!((at(1.0), at(1.1), at(2.0)), (None, Some(Severity::Info), Some(Severity::Info)));
        assert_eq!(
            (at(2.5), at(3.0), at(3.5)),
            (Some(Severity::Warning), Some(Severity::Warning), Some(Severity::Critical))
        );
    }
}
