//! The edge: the only room with system calls, files, the clock and namespaces, all behind [`System`]. It moves bytes and decodes
//! nothing but what it must to move them.

pub mod bpf;
mod cgroup;
pub mod child;
mod descriptors;
mod door;
pub mod error;
mod files;
pub mod isolate;
mod keeper;
pub mod live;
mod netlink;
pub mod netns;
pub mod output;
pub mod privilege;
pub mod proc_root;
pub mod record;
pub mod replay;
pub mod report_file;
pub mod settings_file;
pub mod store;
pub mod terminal;
pub mod watchdog;

pub use error::{Kind, SysError};
pub use netns::Namespace;

use std::collections::BTreeMap;

use crate::model::owner::Bucket;
use crate::model::socket::Socket;
use crate::wire::request::Request;

/// One open socket, as a pass by BPF shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Inode of the socket.
    pub inode: u32,
    /// Process (thread group) as the initial pid namespace numbers it.
    pub pid: u32,
    /// Descriptor.
    pub fd: u32,
    /// Its port and what took that; `None` where it has none, or the kernel does not tell.
    pub port: Option<(u16, Bucket)>,
}

/// Everything that reaches this program from outside. [`live::Live`] asks this kernel, [`replay::Replay`] answers from a capture,
/// [`record::Record`] writes down what passes. Texts and links are named by their path in the initial mount namespace;
/// `/proc/net/...` and `/proc/sys/net/...` mean the network namespace under examination.
pub trait System: Sync {
    /// Wall clock in milliseconds since 1970.
    ///
    /// # Errors
    /// A capture may not hold it.
    fn clock_ms(&self) -> Result<u64, SysError>;

    /// Lets time pass between two looks.
    ///
    /// # Errors
    /// A capture is one moment.
    fn pause(&self, time: std::time::Duration) -> Result<(), SysError> {
        let _ = time;
        Err(SysError {
            what: "a second look".into(),
            kind: Kind::Absent,
            reason: "a capture is one moment".into(),
        })
    }

    /// Bytes of a page of memory; `None` if that is not known.
    fn page_bytes(&self) -> Option<u64> {
        None
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// It is absent, denied, or reading it failed.
    fn read(&self, path: &str) -> Result<Vec<u8>, SysError>;

    /// The bytes of several files, which another namespace gives faster at once.
    fn read_all(&self, paths: &[&str]) -> Vec<Result<Vec<u8>, SysError>> {
        paths.iter().map(|path| self.read(path)).collect()
    }

    /// Whether the ends of connections can be listened to: joins their multicast group and leaves it.
    ///
    /// # Errors
    /// This kernel or our rights do not allow it.
    fn destroy_events(&self) -> Result<(), SysError> {
        Err(SysError { what: "events".into(), kind: Kind::Absent, reason: "not here".into() })
    }

    /// Whether the namespace under examination was entered through another user namespace.
    fn is_behind_user_namespace(&self) -> bool {
        false
    }

    /// Whether the namespace under examination could not be entered, so that /proc/PID/net is all there is of it.
    fn is_closed(&self) -> bool {
        false
    }

    /// What tells network namespaces apart without a right to look into them: the inode of /proc/PID/net/tcp, of which each namespace has
    /// its own (fs/proc/generic.c); of the namespace under examination without a pid.
    ///
    /// # Errors
    /// The process is gone or out of sight.
    fn network_of(&self, pid: Option<u32>) -> Result<u64, SysError> {
        let _ = pid;
        Err(SysError {
            what: "/proc/net/tcp".into(),
            kind: Kind::Absent,
            reason: "not here".into(),
        })
    }

    /// The bytes of a file that may hold secrets beside what is looked for: no capture keeps them. `as_user` reads it with no more rights
    /// than the user has.
    ///
    /// # Errors
    /// It is absent, denied, or reading it failed.
    fn read_unkept(&self, path: &str, as_user: bool) -> Result<Vec<u8>, SysError> {
        let _ = as_user;
        self.read(path)
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// It is absent, denied, or listing it failed.
    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        Err(SysError { what: folder.into(), kind: Kind::Absent, reason: "not here".into() })
    }

    /// The text of a symbolic link.
    ///
    /// # Errors
    /// It is absent, denied, or reading it failed.
    fn link(&self, path: &str) -> Result<Vec<u8>, SysError>;

    /// The process ids in /proc.
    ///
    /// # Errors
    /// /proc cannot be listed.
    fn pids(&self) -> Result<Vec<u32>, SysError>;

    /// How many descriptors a process has open; needs no privilege from Linux 6.2 on.
    ///
    /// # Errors
    /// The process is gone, or its descriptors may not be counted.
    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError>;

    /// Hands every socket descriptor of a process to `each`, as descriptor number and socket inode.
    ///
    /// # Errors
    /// The process is gone, or its descriptors may not be read.
    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError>;

    /// Looks at about `most` descriptors of a process that has `of`, spread over their numbers: how many of them are sockets, of how
    /// many that were looked at.
    ///
    /// # Errors
    /// The process is gone, or its descriptors may not be read.
    fn socket_sample(&self, pid: u32, of: u64, most: u64) -> Result<(u32, u32), SysError> {
        let _ = (of, most);
        Err(SysError {
            what: format!("/proc/{pid}/fd"),
            kind: Kind::Absent,
            reason: "not here".into(),
        })
    }

    /// Hands every open IPv4 and IPv6 socket of every process in sight to `each`, in one pass by BPF: of the namespace under examination, or of all of them; with what took the ports in `span`. Gives whether that is told.
    ///
    /// # Errors
    /// This kernel cannot, we may not, or the pass did not show what it must.
    fn open_sockets(
        &self,
        everywhere: bool,
        span: Option<(u16, u16)>,
        each: &mut dyn FnMut(Open),
    ) -> Result<bool, SysError> {
        let _ = (everywhere, span, each);
        Err(SysError { what: "BPF".into(), kind: Kind::Absent, reason: "not here".into() })
    }

    /// Where control groups lie: path below /sys/fs/cgroup, by id.
    fn cgroups(&self) -> BTreeMap<u64, Vec<u8>> {
        BTreeMap::new()
    }

    /// The name of an interface of the namespace, by its index; `None` if there is none.
    fn interface_name(&self, index: u32) -> Option<Vec<u8>> {
        let _ = index;
        None
    }

    /// The index of an interface of the namespace, by its name; `None` if there is none.
    fn interface_index(&self, name: &str) -> Option<u32> {
        let _ = name;
        None
    }

    /// Every network namespace in sight, this one first.
    ///
    /// # Errors
    /// They cannot be found: a capture holds one only.
    fn namespaces(&self) -> Result<Vec<Namespace>, SysError> {
        Err(SysError {
            what: "namespaces".into(),
            kind: Kind::Absent,
            reason: "a capture holds one network namespace".into(),
        })
    }

    /// The protocol name of a socket descriptor (`system.sockprotoname`): `TCP`, `TCPv6`, `UNIX-STREAM` ...
    ///
    /// # Errors
    /// The descriptor is gone or may not be asked.
    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError>;

    /// Asks for single sockets, one by one, and hands the answers to `each`; one that is gone gives none.
    ///
    /// # Errors
    /// sock_diag is refused or absent. A capture holds the details of every socket with the table.
    fn sock_diag_exact(
        &self,
        sockets: &[Socket],
        extensions: u8,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SysError> {
        let _ = (sockets, extensions, each);
        Err(SysError { what: "sock_diag".into(), kind: Kind::Absent, reason: "not here".into() })
    }

    /// Sends a dump request and hands every datagram of the answer to `each` until it returns false.
    ///
    /// # Errors
    /// sock_diag is refused or absent, the answer was overrun, or receiving failed.
    fn sock_diag(
        &self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), SysError>;
}
