//! Who and what, as documents write it: the near end is `local`, the far end `peer`, everywhere.

use serde::Serialize;

use crate::model::culprit::Culprit;
use crate::model::endpoint::{Addr, Family};
use crate::model::owner::Provenance;
use crate::model::text::Text;
use crate::rules::finding::Subject;

/// Address and port.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Endpoint {
    /// The address.
    pub addr: String,
    /// The port; null where there is none.
    pub port: Option<u16>,
}

impl Endpoint {
    /// The end of a socket of `family`.
    pub fn of(addr: Addr, family: Family, port: u16) -> Endpoint {
        Endpoint { addr: addr.text(family), port: (port != 0).then_some(port) }
    }

    /// An end without regard to a socket's family: v4-mapped is written as IPv4.
    pub fn plain(addr: Addr, port: u16) -> Endpoint {
        Endpoint { addr: addr.to_string(), port: (port != 0).then_some(port) }
    }
}

/// A process.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProcessDocument {
    /// Process id; null where the owner is hidden or not in sight.
    pub pid: Option<u32>,
    /// Command name.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub process: Option<Text>,
    /// How it is known.
    pub provenance: Provenance,
}

impl From<&Culprit> for ProcessDocument {
    fn from(culprit: &Culprit) -> Self {
        ProcessDocument {
            pid: culprit.pid,
            process: culprit.process.clone(),
            provenance: culprit.provenance,
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SubjectDocument {
    /// A process that holds the sockets.
    Process(ProcessDocument),
    /// A listening socket.
    Listener {
        /// Where it listens.
        local: Endpoint,
        /// Who listens.
        owners: Vec<ProcessDocument>,
    },
    /// The ports from one address to one destination.
    Destination {
        /// Our address.
        local_addr: String,
        /// Their address and port.
        peer: Endpoint,
        /// Who has live connections there.
        owners: Vec<ProcessDocument>,
    },
    /// The ports of one local address.
    Address {
        /// The address.
        local_addr: String,
        /// Who has sockets on it.
        owners: Vec<ProcessDocument>,
    },
    /// Another machine, or one port of it.
    Peer {
        /// Their address, and the port if it is a service's.
        peer: Endpoint,
        /// Who has connections there.
        owners: Vec<ProcessDocument>,
    },
    /// A setting of the namespace.
    Setting {
        /// Dotted name of the sysctl.
        name: &'static str,
    },
    /// The whole network namespace.
    Namespace,
    /// The whole host.
    Host,
}

impl From<&Subject> for SubjectDocument {
    fn from(subject: &Subject) -> Self {
        let owners = |list: &[Culprit]| list.iter().map(ProcessDocument::from).collect();
        match subject {
            Subject::Process(culprit) => SubjectDocument::Process(culprit.into()),
            Subject::Listener { addr, port, owners: list } => SubjectDocument::Listener {
                local: Endpoint::plain(*addr, *port),
                owners: owners(list),
            },
            Subject::Destination { destination: d, owners: list } => SubjectDocument::Destination {
                local_addr: d.local_addr.to_string(),
                peer: Endpoint::plain(d.peer_addr, d.peer_port),
                owners: owners(list),
            },
            Subject::Address { addr, owners: list } => {
                SubjectDocument::Address { local_addr: addr.to_string(), owners: owners(list) }
            }
            Subject::Peer { addr, port, owners: list } => {
                SubjectDocument::Peer { peer: Endpoint::plain(*addr, *port), owners: owners(list) }
            }
            Subject::Setting(name) => SubjectDocument::Setting { name },
            Subject::Namespace => SubjectDocument::Namespace,
            Subject::Host => SubjectDocument::Host,
        }
    }
}
