//! The document of `advise`.

use serde::Serialize;

use super::Head;
use crate::advise::knobs::{Pod, Scope};
use crate::advise::{Item, Plan};
use crate::model::Snapshot;
use crate::model::text::Text;

/// What to change.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Advise {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// What applications should change: the first cure of every finding.
    pub application: Vec<ApplicationDocument>,
    /// Settings, in the order in which they are to be made. Nothing is ever set by this program.
    pub items: Vec<ItemDocument>,
}

/// A change to an application.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApplicationDocument {
    /// Key of the finding.
    pub finding: String,
    /// What to do.
    pub text: String,
}

/// One setting.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ItemDocument {
    /// Stable id.
    pub id: &'static str,
    /// Dotted name of the sysctl.
    pub knob: &'static str,
    /// Where it counts.
    pub scope: Scope,
    /// Namespace in which it is to be made.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Value now.
    pub now: String,
    /// Value to set.
    pub proposed: String,
    /// Key of the worst finding that asks for it.
    pub finding: String,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// What can go wrong.
    pub risk: &'static str,
    /// What it does not do.
    pub not_fixed: &'static str,
    /// Command that sets it until the next boot.
    pub try_now: String,
    /// Command that takes it back.
    pub undo: String,
    /// Files that set it at boot, in the order in which they are read.
    pub files: Vec<FileDocument>,
    /// Files that would have the last word over the proposal.
    pub conflicts: Vec<String>,
    /// What is said of the setting and is not so; empty if nothing is.
    pub folklore: &'static str,
    /// Where a pod sets it: `pod`, `pod_unsafe` or `node`.
    pub kubernetes: &'static str,
    /// How it is kept.
    pub persist: String,
    /// Command that shows the effect.
    pub verify: String,
}

/// A line of a file that sets a value.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileDocument {
    /// The file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Text,
    /// The line, from 1.
    pub line: usize,
    /// The value.
    #[cfg_attr(test, schemars(with = "String"))]
    pub value: Text,
}

impl ItemDocument {
    /// One item.
    pub fn new(item: &Item, netns: &Text) -> ItemDocument {
        let knob = item.knob;
        ItemDocument {
            id: item.id(),
            knob: knob.name,
            scope: knob.scope,
            netns: netns.clone(),
            now: item.now.clone(),
            proposed: item.proposed.clone(),
            finding: item.findings.first().cloned().unwrap_or_default(),
            evidence: item.evidence.clone(),
            risk: knob.risk,
            not_fixed: knob.not_fixed,
            try_now: item.place.set(knob.name, &item.proposed),
            undo: item.place.set(knob.name, &item.now),
            files: item
                .files
                .iter()
                .map(|l| FileDocument {
                    path: l.path.clone(),
                    line: l.number,
                    value: l.value.clone(),
                })
                .collect(),
            conflicts: item.conflicts(),
            folklore: knob.folklore,
            kubernetes: match knob.pod {
                Pod::Safe(_) => "pod",
                Pod::Unsafe => "pod_unsafe",
                Pod::Node => "node",
            },
            persist: item.place.persist(knob.name, &item.proposed),
            verify: format!(
                "{}; {}",
                item.place.show(knob.name),
                item.home.reach(&format!("tcpvet --select {}", item.rules.join(",")))
            ),
        }
    }
}

impl Advise {
    /// The document of a plan.
    pub fn new(snapshot: &Snapshot, plan: &Plan) -> Advise {
        let application = plan.application.iter();
        Advise {
            head: Head::new("advise", snapshot),
            application: application
                .map(|(finding, text)| ApplicationDocument {
                    finding: finding.clone(),
                    text: text.clone(),
                })
                .collect(),
            items: plan.items.iter().map(|i| ItemDocument::new(i, &snapshot.netns)).collect(),
        }
    }
}
