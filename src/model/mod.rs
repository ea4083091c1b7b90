//! The Snapshot: everything read in one run, plain and immutable. No I/O, no policy.

pub mod ability;
pub mod addresses;
pub mod before;
pub mod counters;
pub mod coverage;
pub mod culprit;
pub mod destination;
pub mod earlier;
pub mod endpoint;
pub mod hash;
pub mod holding;
pub mod host;
pub mod listener;
pub mod makers;
pub mod owner;
pub mod place;
pub mod ports;
pub mod portset;
pub mod profile;
pub mod protocol;
pub mod reuse;
pub mod socket;
pub mod state;
pub mod survey;
pub mod sysctl;
pub mod sysctl_file;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
mod unhashed;
pub mod unheld;
pub mod wants;
pub mod workload;

use std::collections::BTreeMap;

use counters::Counters;
use coverage::Coverage;
pub use host::Host;
use owner::{Owners, Processes, Provenance};
use portset::PortSet;
use socket::{Detail, Socket, SocketTable};
use state::State;
use sysctl::Sysctls;
use text::Text;

/// Everything read from one network namespace in one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Wall clock in milliseconds since 1970.
    pub time_ms: u64,
    /// Milliseconds since the machine started, to a hundredth of a second (/proc/uptime); `None` if that could not be read.
    pub uptime_ms: Option<u64>,
    /// The machine.
    pub host: Host,
    /// Name of the namespace: as the user gave it, else `net:[inode]`.
    pub netns: Text,
    /// The way into the namespace.
    pub netns_way: place::Way,
    /// Bytes of a page of memory; `None` if that is not known.
    pub page_bytes: Option<u64>,
    /// Inode of the namespace, which tells it from every other of this boot.
    pub netns_inode: Option<u64>,
    /// The socket table.
    pub sockets: SocketTable,
    /// Details, found through [`Snapshot::detail`].
    pub details: Vec<Detail>,
    /// Ports that some socket took by an explicit bind() (SOCK_BINDPORT_LOCK); `None` if not asked or not answered.
    pub explicit_ports: Option<PortSet>,
    /// Sysctls.
    pub sysctls: Sysctls,
    /// Counters of this namespace, and the host-wide ones of sockstat.
    pub counters: Counters,
    /// Holders of the sockets of interest; `None` if no descriptors were read.
    pub owners: Option<Owners>,
    /// Processes of interest.
    pub processes: Processes,
    /// Processes whose descriptors may not even be counted; `None` if counting was not asked for.
    pub uncounted: Option<u32>,
    /// The highest share of its limit of open files that any process of this namespace uses; `None` if they were not counted, or not all.
    pub fullest: Option<Fullest>,
    /// Whether /proc keeps processes of others out of its list (hidepid): nobody can say how many.
    pub processes_hidden: bool,
    /// Names of interfaces that sockets are bound to, where they were asked for.
    pub interfaces: BTreeMap<u32, Text>,
    /// What was seen.
    pub coverage: Coverage,
}

/// What a process uses of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// So much is used.
    pub used: u64,
    /// Of so much.
    pub limit: u64,
}

impl Share {
    /// As a ratio.
    pub fn ratio(self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

/// The highest share of a limit, between two bounds where it is hidden to which namespace a process belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fullest {
    /// Of the processes that are in this namespace for certain.
    pub at_least: Share,
    /// Of those too that may be.
    pub at_most: Share,
}

impl Snapshot {
    /// All but the table: who and when this is, what was seen, settings and counters.
    #[must_use]
    pub fn surroundings(&self) -> Snapshot {
        Snapshot {
            time_ms: self.time_ms,
            uptime_ms: self.uptime_ms,
            host: self.host.clone(),
            netns: self.netns.clone(),
            netns_way: self.netns_way,
            page_bytes: self.page_bytes,
            netns_inode: self.netns_inode,
            sysctls: self.sysctls.clone(),
            counters: self.counters.clone(),
            processes_hidden: self.processes_hidden,
            coverage: self.coverage.clone(),
            ..Snapshot::default()
        }
    }

    /// Number of sockets by state, in the order of [`State::ALL`].
    pub fn by_state(&self) -> [u64; 12] {
        let mut counts = [0; 12];
        for socket in self.sockets.iter() {
            if let Some(count) = counts.get_mut(socket.state.index()) {
                *count += 1;
            }
        }
        counts
    }

    /// Number of sockets in one state.
    pub fn count(&self, state: State) -> u64 {
        self.sockets.iter().filter(|s| s.state == state).count() as u64
    }

    /// The details of a socket, if they were read.
    pub fn detail(&self, socket: &Socket) -> Option<&Detail> {
        self.details.get((socket.detail as usize).checked_sub(1)?)
    }

    /// How the owner of a socket is known, given what the descriptor scan found.
    pub fn provenance(&self, socket: &Socket) -> Provenance {
        if socket.is_kernel_owned() {
            Provenance::None
        } else if socket.is_unaccepted() {
            Provenance::Listener
        } else {
            match &self.owners {
                Some(owners) if !owners.of(socket.inode).is_empty() => Provenance::Exact,
                _ => self.unnamed(),
            }
        }
    }

    /// Why a socket that some process should hold has no owner in sight.
    pub fn unnamed(&self) -> Provenance {
        // A refused folder is counted; a process that hidepid keeps out of sight is not, and only the lack of rights tells of it.
        let all_seen = self.coverage.get("owners").is_none_or(|s| s.state == coverage::Seen::Seen);
        match &self.owners {
            Some(owners) if owners.denied == 0 && all_seen => Provenance::Unheld,
            _ => Provenance::Hidden,
        }
    }

    /// The name of a process, or an empty text if it was gone before it could be read.
    pub fn comm(&self, pid: u32) -> Text {
        self.processes.get(&pid).map(|p| p.comm.clone()).unwrap_or_default()
    }

    /// Whether accept queue limits and bound-inactive sockets are in the table: `/proc/net/tcp` has neither.
    pub fn has_netlink_facts(&self) -> bool {
        self.coverage.get("sock_diag").is_some_and(|s| s.state <= coverage::Seen::Partial)
    }
}
