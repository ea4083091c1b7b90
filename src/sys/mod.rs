//! The edge: the only room with system calls, files, the clock and namespaces, all behind [`System`]. It moves bytes and decodes
//! nothing but what it must to move them.

pub mod error;
pub mod live;
mod netlink;
pub mod netns;
pub mod output;
pub mod privilege;
pub mod record;
pub mod replay;
pub mod store;
pub mod terminal;
pub mod watchdog;

pub use error::{Kind, SysError};

use crate::wire::request::Request;

/// Everything that reaches this program from outside. [`live::Live`] asks this kernel, [`replay::Replay`] answers from a capture,
/// [`record::Record`] writes down what passes. Texts and links are named by their path in the initial mount namespace;
/// `/proc/net/...` and `/proc/sys/net/...` mean the network namespace under examination.
pub trait System: Sync {
    /// Wall clock in milliseconds since 1970.
    ///
    /// # Errors
    /// A capture may not hold it.
    fn clock_ms(&self) -> Result<u64, SysError>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// It is absent, denied, or reading it failed.
    fn read(&self, path: &str) -> Result<Vec<u8>, SysError>;

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

    /// The protocol name of a socket descriptor (`system.sockprotoname`): `TCP`, `TCPv6`, `UNIX-STREAM` ...
    ///
    /// # Errors
    /// The descriptor is gone or may not be asked.
    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError>;

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
