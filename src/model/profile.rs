//! What is known of a process that a finding names.

use std::collections::BTreeMap;

use super::owner::Process;
use super::text::Text;
use super::workload::Workload;

/// One process, as far as its files may be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Name, descriptors and limit.
    pub process: Process,
    /// The program file; `None` where that is hidden from us.
    pub exe: Option<Text>,
    /// Effective user id.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Option<Text>,
    /// When it started, in milliseconds since 1970.
    pub started_ms: Option<u64>,
    /// Who started it, nearest first, as far up as can be seen: pid and name.
    pub parents: Vec<(u32, Text)>,
    /// Unit, container and pod.
    pub workload: Workload,
    /// Its command line with secrets masked; `None` if not asked for, or hidden.
    pub command_line: Option<Text>,
}

/// Profiles by pid.
pub type Profiles = BTreeMap<u32, Profile>;
