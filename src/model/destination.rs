//! Where client connections go: the key of a pool of ports.

use super::endpoint::{Addr, place};
use super::socket::Socket;

/// One pool of ports: the kernel chooses a port anew for every (source address, destination address, destination port).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// Our address.
    pub local_addr: Addr,
    /// Their address.
    pub peer_addr: Addr,
    /// Their port.
    pub peer_port: u16,
    /// Interface our sockets are bound to, 0 for none: a connection that is bound to a device takes no port from those that are not.
    pub interface: u32,
}

impl Destination {
    /// The pool that a client socket draws from.
    pub fn of(socket: &Socket) -> Destination {
        Destination {
            local_addr: socket.local_addr,
            peer_addr: socket.peer_addr,
            peer_port: socket.peer_port,
            interface: socket.interface,
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.interface {
            0 => write!(f, "{} -> ", self.local_addr)?,
            n => write!(f, "{}%{n} -> ", self.local_addr)?,
        }
        f.write_str(&place(self.peer_addr, self.peer_port))
    }
}
