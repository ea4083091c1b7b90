//! Processes that findings name, as documents write them.

use serde::Serialize;

use super::rfc3339;
use crate::model::profile::{Profile, Profiles};
use crate::model::text::Text;
use crate::model::workload::Workload;

/// One process that a finding names.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileDocument {
    /// Process id.
    pub pid: u32,
    /// Command name; null if it ended meanwhile.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub process: Option<Text>,
    /// The program file; null where that is hidden.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub exe: Option<Text>,
    /// Effective user id.
    pub uid: Option<u32>,
    /// Name of that user.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub user: Option<Text>,
    /// When it started, RFC 3339 in UTC.
    pub started: Option<String>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// Soft RLIMIT_NOFILE; null if unlimited or unreadable.
    pub descriptor_limit: Option<u64>,
    /// Who started it, nearest first.
    pub parents: Vec<ParentDocument>,
    /// What it belongs to.
    #[serde(flatten)]
    pub workload: WorkloadDocument,
    /// Command line with secrets masked; null without --cmdline.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub cmdline: Option<Text>,
}

/// An ancestor.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ParentDocument {
    /// Process id.
    pub pid: u32,
    /// Command name.
    #[cfg_attr(test, schemars(with = "String"))]
    pub process: Text,
}

/// Unit, container and pod of a process; null where it belongs to none.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WorkloadDocument {
    /// Path of the control group that tells most.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub cgroup: Option<Text>,
    /// systemd unit closest to it.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub unit: Option<Text>,
    /// systemd slice.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub slice: Option<Text>,
    /// Container: its name, else the short id.
    pub container: Option<String>,
    /// Whole id of the container.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub container_id: Option<Text>,
    /// Container runtime, as far as the path tells.
    pub runtime: Option<&'static str>,
    /// Pod: NAMESPACE/NAME, else its uid.
    pub pod: Option<String>,
    /// Uid of the pod.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub pod_uid: Option<Text>,
    /// Class of the pod.
    pub qos: Option<&'static str>,
}

impl From<&Workload> for WorkloadDocument {
    fn from(w: &Workload) -> Self {
        let (container, pod) = (w.container.as_ref(), w.pod.as_ref());
        WorkloadDocument {
            cgroup: Some(w.cgroup.clone()).filter(|c| !c.as_str().is_empty()),
            unit: w.unit().cloned(),
            slice: w.slices.last().cloned(),
            container: container.map(|c| c.shown().to_string()),
            container_id: container.map(|c| c.id.clone()),
            runtime: container.and_then(|c| c.runtime),
            pod: pod.map(|p| p.shown().to_string()),
            pod_uid: pod.map(|p| p.uid.clone()),
            qos: pod.and_then(|p| p.qos),
        }
    }
}

/// Every process that is named, by pid.
pub fn documents(profiles: &Profiles) -> Vec<ProfileDocument> {
    profiles.iter().map(|(pid, profile)| document(*pid, profile)).collect()
}

fn document(pid: u32, p: &Profile) -> ProfileDocument {
    let parent = |(pid, name): &(u32, Text)| ParentDocument { pid: *pid, process: name.clone() };
    ProfileDocument {
        pid,
        process: Some(p.process.comm.clone()).filter(|c| !c.as_str().is_empty()),
        exe: p.exe.clone(),
        uid: p.uid,
        user: p.user.clone(),
        started: p.started_ms.map(rfc3339),
        descriptors: p.process.descriptors,
        descriptor_limit: p.process.descriptor_limit,
        parents: p.parents.iter().map(parent).collect(),
        workload: (&p.workload).into(),
        cmdline: p.command_line.clone(),
    }
}
