//! The document of `capture`.

use serde::Serialize;

use super::Head;
use crate::model::Snapshot;

/// Where a capture was written and what it holds.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaptureDocument {
    /// Head.
    #[serde(flatten)]
    pub head: Head,
    /// Folder or tar.
    pub path: String,
    /// Sockets in it.
    pub sockets: u64,
    /// Texts in it.
    pub texts: u64,
    /// Bytes of netlink messages in it.
    pub dump_bytes: u64,
}

impl CaptureDocument {
    /// The document of a capture that was written.
    pub fn new(snapshot: &Snapshot, path: String, texts: u64, dump_bytes: u64) -> CaptureDocument {
        CaptureDocument {
            head: Head::new("capture", snapshot),
            path,
            sockets: snapshot.sockets.len() as u64,
            texts,
            dump_bytes,
        }
    }
}
