//! `struct inet_diag_msg` and its attributes (include/uapi/linux/inet_diag.h), decoded in place.

use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6};

use super::attributes::{Attributes, INFO, SKMEMINFO, SKV6ONLY};
use super::{be16_at, bytes, tcp_info, u32_at};
use crate::model::endpoint::{Addr, Family};
use crate::model::socket::{Detail, Socket, Timer};
use crate::model::state::State;

/// Size of `struct inet_diag_msg`.
pub const HEADER: usize = 72;

/// SK_MEMINFO_DROPS: the ninth word of SKMEMINFO (include/uapi/linux/sock_diag.h).
const SKMEMINFO_DROPS: usize = 8 * 4;
/// What a socket holds: data not read, memory set aside, data not acknowledged, options, packets that wait.
const SKMEMINFO_HELD: [usize; 5] = [0, 4 * 4, 5 * 4, 6 * 4, 7 * 4];

/// Decodes the fixed header. `None` if it is too short, or of a family or state that this program does not know.
pub fn socket(payload: &[u8]) -> Option<Socket> {
    let header: &[u8; HEADER] = payload.first_chunk()?;
    let (family, local_addr, peer_addr) = match header[0] {
        AF_INET => (Family::Ipv4, Addr::v4(bytes(header, 8)?), Addr::v4(bytes(header, 24)?)),
        AF_INET6 => (Family::Ipv6, Addr(bytes(header, 8)?), Addr(bytes(header, 24)?)),
        _ => return None,
    };
    let local_port = be16_at(header, 4)?;
    let peer_port = be16_at(header, 6)?;
    let mut state = State::from_kernel(header[1])?;
    // Bit 13 is answered as CLOSE; a bound socket without a peer is what it stands for.
    if state == State::Close && local_port != 0 && peer_port == 0 {
        state = State::BoundInactive;
    }
    // Told of listeners and bound sockets whatever was asked for; elsewhere nothing hangs on it.
    let v6only = family == Family::Ipv6
        && matches!(state, State::Listen | State::BoundInactive)
        && Attributes::of(payload).byte(SKV6ONLY, 0) == Some(1);
    Some(Socket {
        cookie: u64::from(u32_at(header, 48)?) << 32 | u64::from(u32_at(header, 44)?),
        local_addr,
        peer_addr,
        local_port,
        peer_port,
        expires_ms: u32_at(header, 52)?,
        recv_queue: u32_at(header, 56)?,
        send_queue: u32_at(header, 60)?,
        uid: u32_at(header, 64)?,
        inode: u32_at(header, 68)?,
        interface: u32_at(header, 40)?,
        detail: 0,
        state,
        timer: Timer::from_kernel(header[2]),
        retries: header[3],
        family,
        v6only,
    })
}

/// Writes a socket as a message without attributes, so that what was read from /proc passes where messages pass.
pub fn encode(socket: &Socket) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = out.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    let family = if socket.family == Family::Ipv4 { AF_INET } else { AF_INET6 };
    let state = if socket.state == State::BoundInactive { State::Close } else { socket.state };
    put(0, &[family, state as u8, socket.timer.number(), socket.retries]);
    put(4, &socket.local_port.to_be_bytes());
    put(6, &socket.peer_port.to_be_bytes());
    // An IPv4 address is the end of its mapped form.
    let skip = if socket.family == Family::Ipv4 { 12 } else { 0 };
    put(8, socket.local_addr.0.get(skip..).unwrap_or_default());
    put(24, socket.peer_addr.0.get(skip..).unwrap_or_default());
    put(40, &socket.interface.to_ne_bytes());
    put(44, &(socket.cookie as u32).to_ne_bytes());
    put(48, &((socket.cookie >> 32) as u32).to_ne_bytes());
    for (at, n) in [
        (52, socket.expires_ms),
        (56, socket.recv_queue),
        (60, socket.send_queue),
        (64, socket.uid),
        (68, socket.inode),
    ] {
        put(at, &n.to_ne_bytes());
    }
    out
}

/// Decodes the attributes behind the header: each by its length, none missed for another's sake. A shorter or unknown attribute is
/// an unknown fact, never an error.
pub fn detail(payload: &[u8]) -> Detail {
    let attributes = Attributes::of(payload);
    let mut detail = Detail::default();
    if let Some(info) = attributes.get(INFO) {
        tcp_info::read(info, &mut detail);
    }
    detail.drops = attributes.u32(SKMEMINFO, SKMEMINFO_DROPS);
    detail.memory = SKMEMINFO_HELD
        .into_iter()
        .map(|at| attributes.u32(SKMEMINFO, at))
        .try_fold(0u32, |sum, part| Some(sum.saturating_add(part?)));
    detail.v6only = attributes.byte(SKV6ONLY, 0).map(|b| b != 0);
    detail
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::Parseable;
    use netlink_packet_sock_diag::constants::{INET_DIAG_INFO, INET_DIAG_SKMEMINFO};
    use netlink_packet_sock_diag::inet::InetResponse;
    use proptest::prelude::*;

    fn sample(state: u8) -> Vec<u8> {
        let mut m = vec![0u8; HEADER];
        (m[0], m[1], m[2], m[3]) = (AF_INET, state, 3, 2);
        m[4..6].copy_from_slice(&40000u16.to_be_bytes());
        m[6..8].copy_from_slice(&443u16.to_be_bytes());
        m[8..12].copy_from_slice(&[10, 0, 0, 1]);
        m[24..28].copy_from_slice(&[10, 0, 0, 2]);
        m[44..52].copy_from_slice(&0x0102_0304_0506_0708u64.to_le_bytes());
        for (at, v) in [(40, 7u32), (52, 59_000), (56, 11), (60, 13), (64, 1000), (68, 4242)] {
            m[at..at + 4].copy_from_slice(&v.to_ne_bytes());
        }
        m
    }

    #[test]
    fn every_field_of_the_header_is_kept_time_wait_remainder_and_retries_too() {
        let s = socket(&sample(6)).unwrap();
        assert_eq!(
            (s.state, s.timer, s.retries, s.expires_ms),
            (State::TimeWait, Timer::TimeWait, 2, 59_000)
        );
        assert_eq!((s.local_port, s.peer_port), (40000, 443));
        assert_eq!((s.local_addr, s.peer_addr), (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2])));
        assert_eq!(
            (s.recv_queue, s.send_queue, s.uid, s.inode, s.interface),
            (11, 13, 1000, 4242, 7)
        );
        assert_eq!(s.time_wait_age_ms(), 1000);
    }

    #[test]
    fn bound_inactive_is_a_close_with_a_port_and_no_peer() {
        let mut m = sample(7);
        assert_eq!(socket(&m).unwrap().state, State::Close);
        m[6..8].copy_from_slice(&[0, 0]);
        assert_eq!(socket(&m).unwrap().state, State::BoundInactive);
    }

    #[test]
    fn short_or_foreign_messages_are_no_sockets() {
        let m = sample(1);
        for cut in 0..HEADER {
            assert_eq!(socket(&m[..cut]), None);
        }
        for (at, value) in [(0, 1), (1, 0), (1, 99)] {
            let mut odd = m.clone();
            odd[at] = value;
            assert_eq!(socket(&odd), None);
        }
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
        out.extend(kind.to_ne_bytes());
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    #[test]
    fn a_short_or_unknown_attribute_hides_no_other() {
        let mut m = sample(1);
        m.extend(attribute(99, &[1, 2, 3]));
        m.extend(attribute(INET_DIAG_SKMEMINFO, &[0; 32]));
        assert_eq!(detail(&m).drops, None, "kernels before 4.7 send eight words");
        let mut words = [0u8; 36];
        words[32] = 14;
        m.extend(attribute(INET_DIAG_SKMEMINFO, &words));
        let mut info = [0u8; 104];
        info[5] = 1;
        info[56..60].copy_from_slice(&1500u32.to_ne_bytes());
        m.extend(attribute(INET_DIAG_INFO, &info));
        let d = detail(&m);
        assert_eq!(
            (d.drops, d.last_ack_recv_ms, d.timestamps()),
            (Some(14), Some(1500), Some(true))
        );
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for number in [1u8, 6, 10] {
            let s = socket(&sample(number)).unwrap();
            assert_eq!(socket(&encode(&s)), Some(s));
            let v6 = Socket { family: Family::Ipv6, ..s };
            assert_eq!(socket(&encode(&v6)), Some(v6));
        }
    }

    /// The crate's own decoder as an oracle for what both keep.
    #[test]
    fn agrees_with_the_crate_decoder() {
        for number in [1u8, 2, 4, 5, 8, 9, 11] {
            let m = sample(number);
            let theirs = InetResponse::parse(m.as_slice()).unwrap().header;
            let ours = socket(&m).unwrap();
            assert_eq!(theirs.socket_id.source_port, ours.local_port);
            assert_eq!(
                theirs.socket_id.destination_address.to_string(),
                ours.peer_addr.to_string()
            );
            assert_eq!((theirs.recv_queue, theirs.send_queue), (ours.recv_queue, ours.send_queue));
            assert_eq!((theirs.uid, theirs.inode), (ours.uid, ours.inode));
            assert_eq!(theirs.socket_id.cookie, ours.cookie.to_ne_bytes());
        }
    }

    proptest! {
        #[test]
        fn decoding_never_panics(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = socket(&payload);
            let _ = detail(&payload);
        }
    }
}
