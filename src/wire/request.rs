//! What to ask of sock_diag, and the bytes that ask it.

use netlink_packet_core::{Emitable, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_sock_diag::constants::{
    AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DIAG_BY_FAMILY,
};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};

use super::bytecode::{End, Program};
use super::netlink::message;
use crate::model::endpoint::Family;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::state::StateSet;

/// The request of old: one walk of the hash table for both families (TCPDIAG_GETSOCK, include/uapi/linux/inet_diag.h). Kernels
/// without it answer with an error, and the two families are asked one by one.
pub const TCPDIAG_GETSOCK: u16 = 18;

/// INET_DIAG_REQ_BYTECODE.
const REQ_BYTECODE: u16 = 1;
/// INET_DIAG_REQ_PROTOCOL: a protocol number of more than eight bits.
const REQ_PROTOCOL: u16 = 3;

/// A condition that the kernel checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The port was taken by an explicit bind(), or the socket listens: SOCK_BINDPORT_LOCK, not INET_DIAG_BC_AUTO.
    ExplicitPort,
    /// The far port is this one.
    PeerPort(u16),
    /// Part of a filter; what passes is checked again.
    Program(Program),
}

/// Asks for one socket by its addresses, ports and cookie: no walk of the table, an answer of one message, no end after it.
pub fn exactly(socket: &Socket, extensions: u8) -> Vec<u8> {
    let request = Request {
        family: Some(socket.family),
        ..Request::tcp(StateSet::of(socket.state), extensions)
    };
    let mut payload = request.by_family(socket.family);
    // struct inet_diag_sockid stands in the header of an answer as it does here, four bytes further on.
    let (from, to) = (SOCKET_ID_IN_MESSAGE, SOCKET_ID_IN_REQUEST);
    let header = super::inet_diag::encode(socket);
    if let (Some(id), Some(place)) =
        (header.get(from..from + SOCKET_ID), payload.get_mut(to..to + SOCKET_ID))
    {
        place.copy_from_slice(id);
    }
    message(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, &payload)
}

/// Bytes of `struct inet_diag_sockid`.
const SOCKET_ID: usize = 48;
/// Its place in `struct inet_diag_msg`.
const SOCKET_ID_IN_MESSAGE: usize = 4;
/// Its place in `struct inet_diag_req_v2`.
const SOCKET_ID_IN_REQUEST: usize = 8;

/// Which sockets to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// One family, or both in one walk.
    pub family: Option<Family>,
    /// Protocol.
    pub protocol: Protocol,
    /// States.
    pub states: StateSet,
    /// Which attributes, as `idiag_ext`: bit n-1 asks for attribute n.
    pub extensions: u8,
    /// A condition for the kernel; `None` for all sockets.
    pub condition: Option<Condition>,
}

/// INET_DIAG_INFO in `idiag_ext`.
pub const EXT_INFO: u8 = 1 << 1;
/// INET_DIAG_SKMEMINFO in `idiag_ext`.
pub const EXT_SKMEMINFO: u8 = 1 << 6;
/// INET_DIAG_MEMINFO in `idiag_ext`: nothing that is used, but it sets a second look at the whole table apart, so that a capture keeps
/// both.
pub const EXT_SECOND_LOOK: u8 = 1;
/// Every attribute there is, for captures.
pub const EXT_ALL: u8 = 0xff;

impl Request {
    /// All TCP sockets of these states.
    pub fn tcp(states: StateSet, extensions: u8) -> Request {
        Request { family: None, protocol: Protocol::Tcp, states, extensions, condition: None }
    }

    /// The request as one netlink message. Only TCP can be asked for both families at once.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, mut payload) = match self.family {
            None => (TCPDIAG_GETSOCK, self.legacy()),
            Some(family) => (SOCK_DIAG_BY_FAMILY, self.by_family(family)),
        };
        let mut attribute = |kind: u16, value: &[u8]| {
            payload.extend((value.len() as u16 + 4).to_ne_bytes());
            payload.extend(kind.to_ne_bytes());
            payload.extend(value);
        };
        if self.protocol == Protocol::Mptcp {
            attribute(REQ_PROTOCOL, &u32::from(self.protocol.number()).to_ne_bytes());
        }
        match &self.condition {
            None => {}
            Some(Condition::ExplicitPort) => {
                attribute(REQ_BYTECODE, Program::autobound().negate().bytes());
            }
            Some(Condition::PeerPort(port)) => {
                attribute(REQ_BYTECODE, Program::ports(End::Peer, *port, *port).bytes());
            }
            Some(Condition::Program(program)) => attribute(REQ_BYTECODE, program.bytes()),
        }
        message(kind, NLM_F_REQUEST | NLM_F_DUMP, &payload)
    }

    /// `struct inet_diag_req`: family, two unused lengths, extensions, socket id (48 bytes), states, dbs.
    fn legacy(&self) -> Vec<u8> {
        let mut out = vec![AF_INET, 0, 0, self.extensions];
        out.extend([0; 48]);
        out.extend(self.states.0.to_ne_bytes());
        out.extend([0; 4]);
        out
    }

    /// `struct inet_diag_req_v2`.
    fn by_family(&self, family: Family) -> Vec<u8> {
        let (family, socket_id) = match family {
            Family::Ipv4 => (AF_INET, SocketId::new_v4()),
            Family::Ipv6 => (AF_INET6, SocketId::new_v6()),
        };
        let request = InetRequest {
            family,
            protocol: match self.protocol {
                Protocol::Udp => IPPROTO_UDP,
                // The attribute overrides it where the number is wider.
                Protocol::Tcp | Protocol::Mptcp => IPPROTO_TCP,
            },
            extensions: ExtensionFlags::from_bits_retain(self.extensions),
            // The crate names the states 1 to 11; bound-inactive (bit 13) is kept by its number.
            states: StateFlags::from_bits_retain(self.states.0),
            socket_id,
        };
        let inet = netlink_packet_sock_diag::SockDiagMessage::InetRequest(request);
        let mut out = vec![0; inet.buffer_len()];
        inet.emit(&mut out);
        out
    }

    /// Whether a socket answers this request, as far as its header tells; an explicit bind cannot be told
    /// from it, and a program is checked again by whoever wrote it.
    pub fn matches(&self, socket: &Socket) -> bool {
        self.states.has(socket.state)
            && self.family.is_none_or(|f| f == socket.family)
            && match &self.condition {
                Some(Condition::PeerPort(port)) => socket.peer_port == *port,
                Some(Condition::ExplicitPort | Condition::Program(_)) | None => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(family: Option<Family>, condition: Option<Condition>) -> Vec<u8> {
        Request { family, condition, ..Request::tcp(StateSet::ALL, 0x42) }.encode()
    }

    #[test]
    fn both_layouts_carry_states_and_extensions_where_the_kernel_reads_them() {
        let legacy = request(None, None);
        assert_eq!(legacy.len(), 16 + 60);
        assert_eq!((legacy[4], legacy[19]), (18, 0x42));
        assert_eq!(legacy[68..72], 0x2ffeu32.to_ne_bytes());
        let v2 = request(Some(Family::Ipv6), None);
        assert_eq!(v2.len(), 16 + 56);
        assert_eq!((v2[4], v2[16], v2[17], v2[18]), (20, AF_INET6, IPPROTO_TCP, 0x42));
        assert_eq!(v2[20..24], 0x2ffeu32.to_ne_bytes());
    }

    #[test]
    fn bytecode_follows_the_request_as_an_attribute() {
        let mptcp = Request {
            family: Some(Family::Ipv4),
            protocol: Protocol::Mptcp,
            ..Request::tcp(StateSet::ALL, 0)
        };
        assert_eq!(mptcp.encode()[72..], [8, 0, 3, 0, 6, 1, 0, 0]);
        let v2 = request(Some(Family::Ipv4), Some(Condition::PeerPort(7001)));
        assert_eq!(v2.len(), 16 + 56 + 4 + 16);
        assert_eq!(v2[72..76], [20, 0, 1, 0]);
        let explicit = request(None, Some(Condition::ExplicitPort));
        assert_eq!(explicit[76..], [12, 0, 1, 0, 6, 4, 8, 0, 1, 4, 8, 0]);
    }
}
