//! Datagrams of a netlink dump to messages (include/uapi/linux/netlink.h).

use netlink_packet_core::{
    NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, NetlinkBuffer,
};

use super::u32_at;

/// One message of a dump.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A payload of the asked kind.
    Payload(&'a [u8]),
    /// The dump is over; an errno if the kernel gave up on it.
    Done(Option<i32>),
    /// The request was refused with this errno.
    Error(i32),
    /// The kernel dropped messages.
    Overrun,
    /// The bytes are not a whole message: the datagram was truncated or mangled.
    Malformed,
}

/// What one datagram held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The kernel says that the table changed under the dump (NLM_F_DUMP_INTR).
    pub interrupted: bool,
}

/// Walks one datagram and hands every message to `each`, which returns whether to go on.
pub fn walk<'a>(mut datagram: &'a [u8], each: &mut dyn FnMut(Message<'a>) -> bool) -> Seen {
    let mut seen = Seen::default();
    while !datagram.is_empty() {
        let Ok(buffer) = NetlinkBuffer::new_checked(datagram) else {
            each(Message::Malformed);
            break;
        };
        let length = buffer.length() as usize;
        seen.interrupted |= buffer.flags() & NLM_F_DUMP_INTR != 0;
        let (kind, payload) = (buffer.message_type(), buffer.payload());
        let go_on = match kind {
            NLMSG_NOOP => true,
            NLMSG_DONE => each(Message::Done(negative_errno(payload))),
            NLMSG_ERROR => match negative_errno(payload) {
                Some(errno) => each(Message::Error(errno)),
                None => true,
            },
            NLMSG_OVERRUN => each(Message::Overrun),
            _ => each(Message::Payload(payload)),
        };
        if !go_on {
            break;
        }
        let next = length.saturating_add(3) & !3;
        datagram = datagram.get(next..).unwrap_or_default();
    }
    seen
}

/// The errno at the head of DONE and ERROR messages; `None` for success.
fn negative_errno(payload: &[u8]) -> Option<i32> {
    let code = u32_at(payload, 0)?.cast_signed();
    (code < 0).then(|| code.saturating_neg())
}

/// Builds one message: for requests, and for the end of a replayed dump.
pub fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = 16 + payload.len();
    let mut out = Vec::with_capacity(length);
    out.extend((length as u32).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend([0; 8]);
    out.extend(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(datagram: &[u8]) -> (Vec<String>, Seen) {
        let mut out = Vec::new();
        let seen = walk(datagram, &mut |m| {
            out.push(format!("{m:?}"));
            true
        });
        (out, seen)
    }

    #[test]
    fn a_datagram_is_split_into_its_messages() {
        let mut d = message(20, 0, &[1, 2, 3, 4]);
        d.extend(message(20, NLM_F_DUMP_INTR, &[5]));
        d.extend([0; 3]);
        d.extend(message(NLMSG_DONE, 0, &0i32.to_ne_bytes()));
        let (messages, seen) = all(&d);
        assert_eq!(messages, ["Payload([1, 2, 3, 4])", "Payload([5])", "Done(None)"]);
        assert!(seen.interrupted);
    }

    #[test]
    fn refusals_carry_their_errno() {
        assert_eq!(all(&message(NLMSG_ERROR, 0, &(-2i32).to_ne_bytes())).0, ["Error(2)"]);
        assert_eq!(all(&message(NLMSG_DONE, 0, &(-105i32).to_ne_bytes())).0, ["Done(Some(105))"]);
        assert_eq!(
            all(&message(NLMSG_DONE, 0, &i32::MIN.to_ne_bytes())).0,
            ["Done(Some(2147483647))"]
        );
        assert_eq!(all(&message(NLMSG_ERROR, 0, &[])).0, Vec::<String>::new());
    }

    #[test]
    fn truncation_is_told_and_ends_the_walk() {
        let whole = message(20, 0, &[7; 72]);
        for cut in 1..whole.len() {
            assert_eq!(all(&whole[..cut]).0, ["Malformed"], "cut at {cut}");
        }
        let mut zero = whole.clone();
        zero[0..4].copy_from_slice(&0u32.to_ne_bytes());
        assert_eq!(all(&zero).0, ["Malformed"]);
    }
}
