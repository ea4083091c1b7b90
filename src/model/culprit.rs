//! Who is responsible for a socket, by name as far as it is known.

use std::collections::BTreeMap;

use super::Snapshot;
use super::owner::{Holder, Provenance};
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

/// From so many sockets on their holders are found in one walk.
const MANY: usize = 1000;

/// The processes that hold sockets of these inodes, and how many each, most first; those without an owner in sight stand last.
pub fn users(snapshot: &Snapshot, inodes: &[u32]) -> Vec<(Culprit, u32)> {
    let mut by_pid: BTreeMap<u32, u32> = BTreeMap::new();
    let mut unnamed = 0;
    let mut count = |holders: &[Holder]| {
        unnamed += u32::from(holders.is_empty());
        let mut last = None;
        for holder in holders.iter().filter(|h| last.replace(h.pid) != Some(h.pid)) {
            *by_pid.entry(holder.pid).or_default() += 1;
        }
    };
    match &snapshot.owners {
        None => inodes.iter().for_each(|_| count(&[])),
        Some(owners) if inodes.len() < MANY => inodes.iter().for_each(|i| count(owners.of(*i))),
        Some(owners) => {
            // Both in order: one walk in place of a search for each.
            let mut sorted = inodes.to_vec();
            sorted.sort_unstable();
            let mut rest = owners.holders.as_slice();
            for inode in sorted {
                let skip = rest.iter().take_while(|h| h.inode < inode).count();
                rest = rest.get(skip..).unwrap_or_default();
                let own = rest.iter().take_while(|h| h.inode == inode).count();
                count(rest.get(..own).unwrap_or_default());
            }
        }
    }
    let mut users: Vec<_> =
        by_pid.into_iter().map(|(pid, n)| (culprit(snapshot, pid), n)).collect();
    users.sort_by_key(|(c, n)| (std::cmp::Reverse(*n), c.pid));
    if unnamed > 0 {
        users.push((Culprit { pid: None, process: None, provenance: snapshot.unnamed() }, unnamed));
    }
    users
}

/// A process that holds a descriptor, by name.
pub fn culprit(snapshot: &Snapshot, pid: u32) -> Culprit {
    let process = Some(snapshot.comm(pid)).filter(|c| !c.as_str().is_empty());
    Culprit { pid: Some(pid), process, provenance: Provenance::Exact }
}
