//! What the network namespaces of one run share: one scan for owners and one count of descriptors serve all of them.

use std::sync::OnceLock;

use super::owners::{self, Found, Method, Search};
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
