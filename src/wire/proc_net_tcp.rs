//! `/proc/net/tcp` and `tcp6` (net/ipv4/tcp_ipv4.c get_tcp4_sock): the table where netlink is refused. It has timers and
//! retransmissions, but no limits of accept queues, no bound-inactive sockets and no tcp_info.

use crate::model::endpoint::{Addr, Family};
use crate::model::socket::{Socket, Timer};
use crate::model::state::State;

/// The kernel's USER_HZ: clock ticks in these files are hundredths of a second on every architecture in use.
const TICK_MS: u32 = 10;

/// Reads a whole file; the second value counts lines that are not sockets as this program knows them.
pub fn parse(text: &[u8], family: Family) -> (Vec<Socket>, u32) {
    let mut malformed = 0;
    let mut sockets = Vec::new();
    for line in text.split(|b| *b == b'\n').skip(1).filter(|l| !l.is_empty()) {
        match std::str::from_utf8(line).ok().and_then(|l| socket(l, family)) {
            Some(socket) => sockets.push(socket),
            None => malformed += 1,
        }
    }
    (sockets, malformed)
}

/// `sl local rem st tx:rx tr:tm->when retrnsmt uid timeout inode ref pointer ...`
fn socket(line: &str, family: Family) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local_addr, local_port) = endpoint(words.next()?, family)?;
    let (peer_addr, peer_port) = endpoint(words.next()?, family)?;
    let state = State::from_kernel(u8::from_str_radix(words.next()?, 16).ok()?)?;
    let (send_queue, recv_queue) = hex_pair(words.next()?)?;
    let (timer, when) = hex_pair(words.next()?)?;
    let retransmits = u32::from_str_radix(words.next()?, 16).ok()?;
    let uid = words.next()?.parse().ok()?;
    let probes: u32 = words.next()?.parse().ok()?;
    let inode = words.next()?.parse().ok()?;
    let timer = Timer::from_kernel(u8::try_from(timer).ok()?);
    let retries =
        if matches!(timer, Timer::Keepalive | Timer::Probe) { probes } else { retransmits };
    Some(Socket {
        cookie: u64::MAX,
        local_addr,
        peer_addr,
        local_port,
        peer_port,
        expires_ms: when.saturating_mul(TICK_MS),
        recv_queue,
        send_queue,
        uid,
        inode,
        interface: 0,
        detail: 0,
        state,
        timer,
        retries: u8::try_from(retries).unwrap_or(u8::MAX),
        family,
        v6only: false,
    })
}

/// `0100007F:1F90`: the address as native-endian words, the port in hex.
fn endpoint(text: &str, family: Family) -> Option<(Addr, u16)> {
    let (addr, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |i: usize| {
        let digits = addr.get(i * 8..i * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let addr = match family {
        Family::Ipv4 if addr.len() == 8 => Addr::v4(word(0)?),
        Family::Ipv6 if addr.len() == 32 => {
            let mut octets = [0; 16];
            for (i, chunk) in octets.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(i)?);
            }
            Addr(octets)
        }
        _ => return None,
    };
    Some((addr, port))
}

fn hex_pair(text: &str) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(':')?;
    Some((u32::from_str_radix(a, 16).ok()?, u32::from_str_radix(b, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn one(line: &str, family: Family) -> Option<Socket> {
        parse(format!("{HEAD}{line}\n").as_bytes(), family).0.pop()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines_of_each_kind() {
        let tw = one(
            "   1: 0100007F:9C40 0200007F:1389 06 00000000:00000000 03:00001505 00000000     0        0 0 3 0000000000000000",
            Family::Ipv4,
        )
        .unwrap();
        assert_eq!((tw.state, tw.timer, tw.expires_ms), (State::TimeWait, Timer::TimeWait, 53_810));
        assert_eq!((tw.local_port, tw.peer_addr.to_string().as_str()), (40000, "127.0.0.2"));
        let probing = one(
            "   2: 0100007F:9C40 0200007F:1389 01 00000005:00000007 02:0000000A 00000000  1000        3 4242 2 ffff 20 4 30 10 -1",
            Family::Ipv4,
        )
        .unwrap();
        assert_eq!((probing.retries, probing.inode, probing.uid), (3, 4242, 1000));
        assert_eq!((probing.send_queue, probing.recv_queue), (5, 7));
        let six = one(
            "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1",
            Family::Ipv6,
        )
        .unwrap();
        assert_eq!(
            (six.local_addr.to_string().as_str(), six.local_port, six.inode),
            ("::1", 80, 77)
        );
    }

    #[test]
    fn broken_lines_are_counted_and_the_rest_is_kept() {
        let good =
            "   1: 0100007F:9C40 0200007F:1389 01 00000000:00000000 00:00000000 00000000 0 0 5 1";
        let text = format!("{HEAD}{good}\n   2: 0100007F:9C40 02000\n{good}\nnonsense\n");
        let (sockets, malformed) = parse(text.as_bytes(), Family::Ipv4);
        assert_eq!((sockets.len(), malformed), (2, 2));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&text, Family::Ipv4);
            let _ = parse(&text, Family::Ipv6);
        }

        #[test]
        fn nor_on_lines_that_look_right(line in "( *[0-9A-Fa-f:]{0,33}){0,12}") {
            let _ = parse(format!("{HEAD}{line}").as_bytes(), Family::Ipv6);
        }
    }
}
