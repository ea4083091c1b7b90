//! Fields of `struct tcp_info` (include/uapi/linux/tcp.h) by offset: what this kernel does not send is unknown, a zero it sends is 0.

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::protocol::Protocol;
use crate::model::state::State;
use crate::wire::attributes::INFO;
use crate::wire::request::EXT_INFO;

/// Only TCP answers with a tcp_info, and of a listener the kernel fills a few fields (net/ipv4/tcp.c tcp_get_info): the zeros in the
/// rest mean nothing.
fn tells(row: &Row<'_>, name: &str) -> bool {
    const LISTENER: [&str; 6] =
        ["unacked", "sacked", "cwnd", "reordering", "pacing_rate", "max_pacing_rate"];
    const ANSWERED: [&str; 5] = ["lastsnd", "lastrcv", "lastack", "rtt", "rttvar"];
    row.view.protocol == Protocol::Tcp
        && match row.socket.state {
            State::Listen => LISTENER.contains(&name),
            // Before the first answer the stamps are 0, as if it had been when the machine started, and nothing was measured.
            State::SynSent => !ANSWERED.contains(&name),
            _ => true,
        }
}

macro_rules! field {
    ($name:literal, $kind:ident, $doc:literal, $get:expr) => {
        Field {
            name: $name,
            kind: Kind::$kind,
            source: Source::Attribute(EXT_INFO),
            group: Group::Info,
            doc: $doc,
            get: |row| if tells(row, $name) { $get(row) } else { Value::None },
            all: None,
        }
    };
}

macro_rules! int {
    ($name:literal, $kind:ident, $width:ident, $offset:literal, $doc:literal) => {
        field!($name, $kind, $doc, |row: &Row<'_>| Value::number(
            row.attributes.$width(INFO, $offset)
        ))
    };
}

/// A number whose largest value means that there is none.
macro_rules! limit {
    ($name:literal, $kind:ident, $width:ident, $offset:literal, $none:expr, $doc:literal) => {
        field!($name, $kind, $doc, |row: &Row<'_>| Value::number(
            row.attributes.$width(INFO, $offset).filter(|n| *n < $none)
        ))
    };
}

macro_rules! bit {
    ($name:literal, $offset:literal, $bit:literal, $doc:literal) => {
        field!($name, Flag, $doc, |row: &Row<'_>| match row.attributes.byte(INFO, $offset) {
            Some(byte) => Value::Flag(byte >> $bit & 1 != 0),
            None => Value::None,
        })
    };
}

/// Some bits of a byte.
macro_rules! bits {
    ($name:literal, $offset:literal, $first:literal, $width:literal, $doc:literal) => {
        field!($name, Number, $doc, |row: &Row<'_>| Value::number(
            row.attributes.bits(INFO, $offset, $first, $width)
        ))
    };
}

pub(super) static FIELDS: &[Field] = &[
    field!(
        "ca_state",
        Text,
        "State of congestion handling: open, disorder, cwr, recovery or loss.",
        ca_state
    ),
    int!("retransmits", Number, byte, 2, "Timeouts in a row without an answer."),
    int!("probes", Number, byte, 3, "Unanswered probes of a zero window or of keepalive."),
    int!("backoff", Number, byte, 4, "How often the timeout has been doubled."),
    bit!("ts", 5, 0, "Timestamps are in use."),
    bit!("sack", 5, 1, "Selective acknowledgements are in use."),
    bit!("ecn", 5, 3, "ECN was agreed."),
    bit!("ecnseen", 5, 4, "A packet with ECN came."),
    bit!("fastopen", 5, 5, "The SYN carried data that was acknowledged."),
    bit!("usec_ts", 5, 6, "Timestamps count microseconds."),
    bits!("snd_wscale", 6, 0, 4, "Scale of the peer's window."),
    bits!("rcv_wscale", 6, 4, 4, "Scale of our window."),
    field!(
        "app_limited",
        Flag,
        "The delivery rate was limited by the application.",
        |row: &Row<'_>| {
            row.attributes.bits(INFO, 7, 0, 1).map_or(Value::None, |b| Value::Flag(b != 0))
        }
    ),
    bits!(
        "fastopen_client_fail",
        7,
        1,
        2,
        "Why fast open failed: 0 it did not, 1 no cookie, 2 SYN data not acknowledged, 3 SYN retransmitted."
    ),
    int!("rto", Us, u32, 8, "Retransmission timeout."),
    int!("ato", Us, u32, 12, "Delay of acknowledgements."),
    int!("mss", Bytes, u32, 16, "Segment size for sending."),
    int!("rcvmss", Bytes, u32, 20, "Segment size seen in receiving."),
    int!(
        "unacked",
        Number,
        u32,
        24,
        "Segments not acknowledged; for a listener, connections waiting to be accepted."
    ),
    int!(
        "sacked",
        Number,
        u32,
        28,
        "Segments acknowledged selectively; for a listener, the limit of its accept queue."
    ),
    int!("lost", Number, u32, 32, "Segments taken for lost."),
    int!("retrans", Number, u32, 36, "Retransmitted segments not acknowledged."),
    int!("fackets", Number, u32, 40, "Forward acknowledgements; 0 since Linux 4.15."),
    int!("lastsnd", Ms, u32, 44, "Since data was last sent."),
    int!("lastrcv", Ms, u32, 52, "Since data last came; a FIN alone does not count."),
    int!("lastack", Ms, u32, 56, "Since the last acknowledgement came."),
    int!("pmtu", Bytes, u32, 60, "Path MTU."),
    int!("rcv_ssthresh", Bytes, u32, 64, "Present limit of our window."),
    int!("rtt", Us, u32, 68, "Smoothed round trip time."),
    int!("rttvar", Us, u32, 72, "Its variation."),
    limit!(
        "ssthresh",
        Number,
        u32,
        76,
        0x7fff_ffff,
        "Slow start threshold in segments; none while there was no loss."
    ),
    int!("cwnd", Number, u32, 80, "Congestion window in segments."),
    int!("advmss", Bytes, u32, 84, "Segment size announced to the peer."),
    int!("reordering", Number, u32, 88, "Reordering tolerated, in segments."),
    int!("rcv_rtt", Us, u32, 92, "Round trip time seen by the receiver."),
    int!("rcv_space", Bytes, u32, 96, "Receive space by which the buffer grows."),
    int!("total_retrans", Number, u32, 100, "Segments retransmitted in all."),
    limit!("pacing_rate", Rate, u64, 104, u64::MAX, "Present pacing; none if unlimited."),
    limit!("max_pacing_rate", Rate, u64, 112, u64::MAX, "Limit of pacing; none if there is none."),
    int!("bytes_acked", Bytes, u64, 120, "Bytes acknowledged by the peer."),
    int!("bytes_received", Bytes, u64, 128, "Bytes received in order."),
    int!("segs_out", Number, u32, 136, "Segments sent."),
    int!("segs_in", Number, u32, 140, "Segments received."),
    int!("notsent", Bytes, u32, 144, "Bytes written and not yet sent."),
    limit!("minrtt", Us, u32, 148, u32::MAX, "Least round trip time seen; none before the first."),
    int!("data_segs_in", Number, u32, 152, "Segments with data received."),
    int!("data_segs_out", Number, u32, 156, "Segments with data sent."),
    int!("delivery_rate", Rate, u64, 160, "Latest rate of delivery."),
    int!("busy", Us, u64, 168, "Time with data to send or to be acknowledged."),
    int!("rwnd_limited", Us, u64, 176, "Of that, time limited by the peer's window."),
    int!("sndbuf_limited", Us, u64, 184, "Of that, time limited by the send buffer."),
    int!("delivered", Number, u32, 192, "Segments delivered, retransmitted ones included."),
    int!("delivered_ce", Number, u32, 196, "Of those, segments with a congestion mark."),
    int!("bytes_sent", Bytes, u64, 200, "Bytes sent, retransmitted ones included."),
    int!("bytes_retrans", Bytes, u64, 208, "Bytes retransmitted."),
    int!("dsack_dups", Number, u32, 216, "Duplicates that the peer reported."),
    int!("reord_seen", Number, u32, 220, "Reorderings seen."),
    int!("rcv_ooopack", Number, u32, 224, "Segments received out of order."),
    int!("snd_wnd", Bytes, u32, 228, "The peer's window."),
    int!("rcv_wnd", Bytes, u32, 232, "Our window."),
    int!("rehash", Number, u32, 236, "Changes of path after timeouts."),
    int!("total_rto", Number, u16, 240, "Retransmission timeouts in all."),
    int!("total_rto_recoveries", Number, u16, 242, "Recoveries from timeouts."),
    int!("total_rto_time", Ms, u32, 244, "Time spent recovering from timeouts."),
    int!("received_ce", Number, u32, 248, "Segments received with a congestion mark."),
];

/// `enum tcp_ca_state`.
fn ca_state(row: &Row<'_>) -> Value<'static> {
    const WORDS: [&str; 5] = ["open", "disorder", "cwr", "recovery", "loss"];
    let state = row.attributes.byte(INFO, 1);
    state.and_then(|s| WORDS.get(usize::from(s))).map_or(Value::None, |word| Value::Word(word))
}

#[cfg(test)]
mod tests {
    use super::super::{View, lookup};
    use super::*;
    use crate::model::testing::socket;
    use crate::wire::attributes::Attributes;

    fn read(info: &[u8], name: &str, protocol: Protocol) -> Value<'static> {
        let mut message = vec![0u8; 72];
        message.extend((info.len() as u16 + 4).to_ne_bytes());
        message.extend(INFO.to_ne_bytes());
        message.extend(info);
        let view = View { protocol, ..View::default() };
        let attributes = Attributes::of(&message);
        let socket = socket(State::Established, "127.0.0.1:1", "127.0.0.1:2");
        match (lookup(name).unwrap().get)(&Row {
            socket: &socket,
            attributes: &attributes,
            view: &view,
        }) {
            Value::Number(n) => Value::Number(n),
            Value::Flag(f) => Value::Flag(f),
            Value::Word(w) => Value::Word(w),
            _ => Value::None,
        }
    }

    #[test]
    fn what_the_kernel_did_not_send_is_unknown_and_zero_is_zero() {
        let mut info = [0u8; 280];
        info[1] = 3;
        info[5] = 0b11;
        info[6] = 0x97;
        info[68..72].copy_from_slice(&1250u32.to_ne_bytes());
        info[240..242].copy_from_slice(&7u16.to_ne_bytes());
        let tcp = Protocol::Tcp;
        assert_eq!(read(&info, "ca_state", tcp), Value::Word("recovery"));
        assert_eq!(read(&info, "ts", tcp), Value::Flag(true));
        assert_eq!(read(&info, "ecn", tcp), Value::Flag(false));
        assert_eq!(read(&info, "snd_wscale", tcp), Value::Number(7));
        assert_eq!(read(&info, "rcv_wscale", tcp), Value::Number(9));
        assert_eq!(read(&info, "rtt", tcp), Value::Number(1250));
        assert_eq!(read(&info, "total_rto", tcp), Value::Number(7));
        assert_eq!(read(&info, "lost", tcp), Value::Number(0));
        assert_eq!(read(&info[..104], "total_rto", tcp), Value::None);
        assert_eq!(read(&info[..104], "pacing_rate", tcp), Value::None);
        assert_eq!(read(&info, "rtt", Protocol::Mptcp), Value::None);
        info[104..112].fill(0xff);
        assert_eq!(read(&info, "pacing_rate", tcp), Value::None);
    }
}
