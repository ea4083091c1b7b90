//! Network namespaces as documents write them.

use serde::Serialize;

use super::number::ByState;
use crate::model::text::Text;
use crate::rules::engine::{Report, Status};

/// One network namespace of several, and the verdict on it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NamespaceVerdict {
    /// Its name: by `ip netns`, else its pod or container, else the file it is mounted on, else `pid:N`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// Its inode; null where that is hidden from us.
    pub netns_inode: Option<String>,
    /// A process in it, where that is the way in.
    pub pid: Option<u32>,
    /// The verdict.
    pub status: Status,
    /// All its sockets.
    pub sockets: u64,
    /// By state.
    pub by_state: ByState,
    /// Findings there; what concerns the whole host is listed once.
    pub findings: u64,
}

impl NamespaceVerdict {
    /// The verdict on the namespace of this name.
    pub fn new(
        netns: &Text,
        inode: Option<u64>,
        pid: Option<u32>,
        by_state: [u64; 12],
        report: &Report,
    ) -> NamespaceVerdict {
        NamespaceVerdict {
            netns: netns.clone(),
            netns_inode: inode.map(|inode| inode.to_string()),
            pid,
            status: report.status,
            sockets: by_state.iter().sum(),
            by_state: ByState(by_state),
            findings: report.findings.len() as u64,
        }
    }
}
