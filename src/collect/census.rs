//! What the network namespaces of one run share: one scan for owners and one count of descriptors serve all of them.

use std::sync::OnceLock;

use super::owners::{self, Found, Method, Search};
use crate::model::Snapshot;
use crate::sys::{Kind, SysError, System};

/// What is read once for the whole host, when the first namespace asks for it.
pub struct Census<'a> {
    system: &'a dyn System,
    owners: OnceLock<Result<Found, String>>,
    processes: OnceLock<Result<Vec<Counted>, String>>,
}

/// A process and its descriptors.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) pid: u32,
    /// How many descriptors it has open.
    pub(super) descriptors: Result<u64, Kind>,
    /// What tells its network namespace from others ([`System::network_of`]); `None` if that is hidden from us.
    pub(super) network: Option<u64>,
}

impl<'a> Census<'a> {
    /// Nothing is read yet.
    pub fn new(system: &'a dyn System) -> Census<'a> {
        Census { system, owners: OnceLock::new(), processes: OnceLock::new() }
    }

    /// The holders of every socket in every namespace.
    pub(super) fn owners(&self) -> Result<&Found, String> {
        let search = Search { method: Method::Auto, everywhere: true, ..Search::default() };
        self.owners.get_or_init(|| owners::find(self.system, search)).as_ref().map_err(Clone::clone)
    }

    /// The processes that are in this namespace, or may be.
    pub(super) fn of(&self, network: Option<u64>) -> Result<Vec<Counted>, String> {
        let all = self.processes.get_or_init(|| count(self.system, true));
        let all = all.as_ref().map_err(Clone::clone)?;
        // Where a namespace cannot be told from others, each process may be one of its own.
        let may_be =
            |p: &&Counted| network.is_none() || p.network.is_none() || p.network == network;
        Ok(all.iter().filter(may_be).cloned().collect())
    }

    /// The holders of these inodes out of those of all; what is missing there may be younger, and is looked for in the processes of the
    /// namespace alone.
    pub(super) fn among(&self, system: &dyn System, wanted: &[u32]) -> Result<Found, String> {
        let all = self.owners()?;
        let mut found = Found { all_seen: all.all_seen, by: all.by, ..Found::default() };
        let mut missing = Vec::new();
        for inode in wanted {
            let of = all.owners.of(*inode);
            if of.is_empty() {
                missing.push(*inode);
            }
            found.owners.holders.extend_from_slice(of);
        }
        for holder in &found.owners.holders {
            let named = || all.processes.get(&holder.pid).cloned().unwrap_or_default();
            found.processes.entry(holder.pid).or_insert_with(named);
        }
        if !missing.is_empty() {
            let here = self.of(system.network_of(None).ok())?;
            let pids: Vec<u32> = here.iter().map(|p| p.pid).collect();
            let scanned =
                owners::scan_all(system, &pids, &|inode| missing.binary_search(&inode).is_ok());
            for holder in &scanned.holders {
                found
                    .processes
                    .entry(holder.pid)
                    .or_insert_with(|| owners::process(system, holder.pid));
            }
            found.owners.holders.extend(scanned.holders);
            (found.owners.denied, found.owners.vanished) = (scanned.denied, scanned.vanished);
            found.all_seen &= scanned.denied == 0;
        }
        found.owners.holders.sort_unstable();
        Ok(found)
    }

    /// The holders of every socket of a snapshot that has one, out of those of all namespaces.
    pub(super) fn every(&self, snapshot: &Snapshot) -> Result<Found, String> {
        let all = self.owners()?;
        let mut found = Found { all_seen: all.all_seen, by: all.by, ..Found::default() };
        for socket in snapshot.sockets.iter().filter(|s| s.inode != 0) {
            found.owners.holders.extend_from_slice(all.owners.of(socket.inode));
        }
        found.owners.holders.sort_unstable();
        for holder in &found.owners.holders {
            let named = || all.processes.get(&holder.pid).cloned().unwrap_or_default();
            found.processes.entry(holder.pid).or_insert_with(named);
        }
        Ok(found)
    }
}

/// Counts the descriptors of every process; asks for their namespaces too if that matters.
pub(super) fn count(system: &dyn System, networks: bool) -> Result<Vec<Counted>, String> {
    let one = |pid: u32| Counted {
        pid,
        descriptors: system.descriptor_count(pid).map_err(|e: SysError| e.kind),
        network: networks.then(|| system.network_of(Some(pid)).ok()).flatten(),
    };
    Ok(owners::pids(system)?.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::testing::socket;

    fn system() -> Scripted {
        let mut system = Scripted::default();
        system.processes.insert(10, Some(vec![(3, 77), (4, 78)]));
        system.processes.insert(11, Some(vec![(3, 77)]));
        system
    }

    #[test]
    fn a_process_whose_namespace_is_hidden_may_be_in_any() {
        let system = system();
        let census = Census::new(&system);
        for network in [None, Some(7)] {
            let pids: Vec<u32> = census.of(network).unwrap().iter().map(|p| p.pid).collect();
            assert_eq!(pids, [10, 11], "{network:?}");
        }
    }

    #[test]
    fn what_the_scan_for_all_did_not_find_is_looked_for_again() {
        let system = system();
        let census = Census::new(&system);
        let found = census.among(&system, &[77, 99]).unwrap();
        let pids: Vec<u32> = found.owners.of(77).iter().map(|h| h.pid).collect();
        assert_eq!((pids, found.owners.of(99).len()), (vec![10, 11], 0));
        assert_eq!(found.processes.len(), 2);
        let mut snapshot = Snapshot::default();
        let mut held = socket(crate::model::state::State::Listen, "127.0.0.1:80", "0.0.0.0:0");
        held.inode = 78;
        snapshot.sockets.push(held);
        assert_eq!(census.every(&snapshot).unwrap().owners.holders.len(), 1);
    }
}
