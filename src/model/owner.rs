//! Who holds a socket, and how we know.

use std::collections::BTreeMap;

use serde::Serialize;

use super::portset::PortSet;
use super::text::Text;

/// How an owner is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A process holds a descriptor of it.
    Exact,
    /// Not accepted yet: the owner is the listener's.
    Listener,
    /// Concluded from other sockets.
    Inferred,
    /// The kernel's by nature: TIME_WAIT, orphans, handshakes.
    None,
    /// Held by a process whose descriptors we may not read.
    Hidden,
    /// Every process in sight was read and none holds it.
    Unheld,
}

impl Provenance {
    /// The word used in JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Provenance::Exact => "exact",
            Provenance::Listener => "listener",
            Provenance::Inferred => "inferred",
            Provenance::None => "none",
            Provenance::Hidden => "hidden",
            Provenance::Unheld => "unheld",
        }
    }
}

/// One descriptor of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Inode of the socket.
    pub inode: u32,
    /// Process id.
    pub pid: u32,
    /// Descriptor number.
    pub fd: u32,
}

/// What took the port of a TCP socket, as the kernel's bind bucket remembers it (`fastreuse`, net/ipv4/inet_connection_sock.c). All
/// sockets on a port share one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// connect() alone: it may give the port again toward another destination.
    Connect,
    /// bind() or listen(), now or before: connect() passes the port over, whatever the destination.
    Bind,
    /// The same, and a socket named the port in bind() (SOCK_BINDPORT_LOCK).
    Named,
}

impl Bucket {
    /// The number under which captures and the pass by BPF keep it; 0 stands for none.
    pub fn number(self) -> u32 {
        match self {
            Bucket::Connect => 1,
            Bucket::Bind => 2,
            Bucket::Named => 3,
        }
    }

    /// The bucket of a number.
    pub fn from_number(number: u32) -> Option<Bucket> {
        [Bucket::Connect, Bucket::Bind, Bucket::Named].into_iter().find(|b| b.number() == number)
    }
}

/// The buckets of ports, as far as open sockets show them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// Ports that only connect() took.
    pub connect: PortSet,
    /// Ports that bind() or listen() took.
    pub bind: PortSet,
    /// Of those, ports that a socket named.
    pub named: PortSet,
}

impl Buckets {
    /// Notes what one socket shows of its port.
    pub fn note(&mut self, port: u16, bucket: Bucket) {
        match bucket {
            Bucket::Connect => self.connect.insert(port),
            Bucket::Bind => self.bind.insert(port),
            Bucket::Named => {
                self.bind.insert(port);
                self.named.insert(port);
            }
        }
    }
}

/// The result of a descriptor scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners {
    /// Sorted by inode, pid, fd.
    pub holders: Vec<Holder>,
    /// What took the ports; `None` unless the scan was by BPF, which alone tells.
    pub buckets: Option<Buckets>,
    /// Processes whose descriptors could not be read for lack of permission.
    pub denied: u32,
    /// Processes that ended while they were read.
    pub vanished: u32,
}

impl Owners {
    /// Everybody who holds `inode`.
    pub fn of(&self, inode: u32) -> &[Holder] {
        let start = self.holders.partition_point(|h| h.inode < inode);
        let end = self.holders.partition_point(|h| h.inode <= inode);
        self.holders.get(start..end).unwrap_or_default()
    }
}

/// What is known of a process that holds sockets of interest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Command name (`comm`), at most 15 bytes as the kernel keeps it.
    pub comm: Text,
    /// Start time in clock ticks since boot; tells a reused pid from the old one.
    pub start_ticks: Option<u64>,
    /// Soft RLIMIT_NOFILE; `None` if unreadable or unlimited.
    pub descriptor_limit: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// How many of them are sockets, by a sample of 512; `None` if that was not worth looking at, or may not be.
    pub sockets: Option<u32>,
    /// Whether its network namespace is hidden from us, so that it may be another one's process.
    pub may_be_elsewhere: bool,
    /// TCP descriptors that no dump of this namespace shows: reset by the peer, or never bound. `None` if not looked for.
    pub unhashed: Option<u32>,
    /// Some of the descriptors counted in `unhashed`.
    pub unhashed_fds: Vec<u32>,
}

/// The processes that matter to this snapshot, by pid.
pub type Processes = BTreeMap<u32, Process>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_holders_of_an_inode_are_found() {
        let h = |inode, pid, fd| Holder { inode, pid, fd };
        let owners = Owners {
            holders: vec![h(3, 1, 5), h(7, 1, 6), h(7, 2, 6), h(9, 4, 1)],
            ..Owners::default()
        };
        assert_eq!(owners.of(7), &[h(7, 1, 6), h(7, 2, 6)]);
        assert_eq!(owners.of(8), &[]);
        assert_eq!(owners.of(0), &[]);
    }
}
