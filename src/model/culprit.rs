//! Who is responsible for a socket, by name as far as it is known.

use super::Snapshot;
use super::owner::Provenance;
use super::socket::Socket;
use super::text::Text;

/// A process, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// Process id; `None` where the owner is hidden or is the kernel.
    pub pid: Option<u32>,
    /// Command name.
    pub process: Option<Text>,
    /// How it is known.
    pub provenance: Provenance,
}

impl Culprit {
    /// `java[2211]`, or a word for what is not known.
    pub fn name(&self) -> String {
        match (&self.process, self.pid) {
            (Some(process), Some(pid)) => format!("{process}[{pid}]"),
            (None, Some(pid)) => format!("[{pid}]"),
            _ => match self.provenance {
                Provenance::Hidden => "hidden processes".into(),
                Provenance::None => "the kernel".into(),
                _ => "no process in sight".into(),
            },
        }
    }
}

/// The holders of a socket as culprits, one per process; a single nameless one where there is none to name.
pub fn culprits(snapshot: &Snapshot, socket: &Socket) -> Vec<Culprit> {
    let provenance = snapshot.provenance(socket);
    let holders = snapshot.owners.as_ref().map(|o| o.of(socket.inode)).unwrap_or_default();
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    pids.dedup();
    if pids.is_empty() {
        return vec![Culprit { pid: None, process: None, provenance }];
    }
    pids.into_iter().map(|pid| culprit(snapshot, pid)).collect()
}

/// A process that holds a descriptor, by name.
pub fn culprit(snapshot: &Snapshot, pid: u32) -> Culprit {
    let process = Some(snapshot.comm(pid)).filter(|c| !c.as_str().is_empty());
    Culprit { pid: Some(pid), process, provenance: Provenance::Exact }
}
