//! States of sockets as topics: what they mean, how long they last, whose they are.

use super::{Kind, Section, Topic};
use crate::model::state::{State, StateSet};

pub(super) fn all() -> Vec<Topic> {
    State::ALL.into_iter().map(topic).collect()
}

/// The state that a spelling means; groups of states are no topics.
pub(super) fn spelled(name: &str) -> Vec<Topic> {
    let set = StateSet::parse(name);
    let of = State::ALL.into_iter().filter(|s| set == Some(StateSet::of(*s)));
    of.map(topic).collect()
}

fn topic(state: State) -> Topic {
    // Meaning, how it ends, whose it is and what to look at.
    let (meaning, end, whose) = match state {
        State::Established => (
            "an open connection; Recv-Q is what the process has not read, Send-Q what the peer has not acknowledged",
            "It lasts until a side closes. Without traffic and without keepalive nothing ever ends it, although the peer may be gone.",
            "The process that holds the descriptor; with inode 0 it waits in its listener's accept queue.",
        ),
        State::SynSent => (
            "our SYN waits for an answer",
            "The SYN is sent again after 1, 2, 3, 4 and 5 s, then after twice as long each time (from Linux 6.5 on); after net.ipv4.tcp_syn_retries connect() fails with ETIMEDOUT, by default after 131 s.",
            "The process in connect(). See syn-sent-stuck.",
        ),
        State::SynRecv => (
            "a handshake that the client has not completed",
            "The SYN-ACK is sent again net.ipv4.tcp_synack_retries times, 63 s by default. With SYN cookies a full queue keeps none.",
            "The kernel's; it belongs to a listener. See syn-queue-pressure.",
        ),
        State::FinWait1 => (
            "closed here; our FIN is not acknowledged",
            "It lasts as long as the FIN, and the data before it, are sent again: 8 times if no process holds it (net.ipv4.tcp_orphan_retries 0), and for ever while a peer with a closed window answers probes.",
            "An orphan of the kernel after close(), of a process after shutdown(). See orphan-pressure, last-ack-stuck.",
        ),
        State::FinWait2 => (
            "closed here and acknowledged; the peer has not closed",
            "Without a process: net.ipv4.tcp_fin_timeout, 60 s. Held by a process after shutdown(): no timer ends it.",
            "The peer is in CLOSE_WAIT. See fin-wait2-orphans, half-closed-stuck.",
        ),
        State::TimeWait => (
            "closed on both sides, by this one first; kept for 60 s",
            "60 s, a constant of the kernel (TCP_TIMEWAIT_LEN): no setting changes it, net.ipv4.tcp_fin_timeout neither. A client may take the port again after 1 s (net.ipv4.tcp_tw_reuse).",
            "The kernel's, a quarter of a KiB; no process, user or inode. Harmless on a server; on a client it holds a port toward that destination. See time-wait-buildup.",
        ),
        State::Close => (
            "no connection",
            "A moment; a socket that was reset leaves every table while its descriptor stays.",
            "See unhashed-sockets.",
        ),
        State::CloseWait => (
            "the peer has closed, the process has not",
            "No timer ever ends it. Recv-Q 1 without data: recv() was not called since; 0: all was read and close() is missing; more: data is unread.",
            "The process that holds it; with inode 0 it waits in an accept queue. See close-wait-leak.",
        ),
        State::LastAck => (
            "closed here after the peer; our FIN is not acknowledged",
            "The FIN is sent again 8 times if no process holds it, then it is given up.",
            "The kernel's after close(), a process's after shutdown(). See last-ack-stuck.",
        ),
        State::Listen => (
            "accepting connections; Recv-Q waits to be accepted, Send-Q is the limit of that queue",
            "It lasts until it is closed. The queue is full at Send-Q + 1.",
            "The process that listens. See accept-queue-full, backlog-capped.",
        ),
        State::Closing => (
            "both sides closed at once, and our FIN is not acknowledged",
            "Until the FIN is acknowledged, then TIME_WAIT.",
            "The kernel's, or a process's after shutdown().",
        ),
        State::BoundInactive => (
            "bound to a port, neither connected nor listening (shown from Linux 6.8 on)",
            "It lasts until it is used or closed; it takes its port from every connect().",
            "The process that holds it.",
        ),
    };
    let section = |heading, text: &str| Section { heading, paragraphs: vec![text.to_string()] };
    Topic {
        sections: vec![section("How it ends", end), section("Whose it is", whose)],
        ..Topic::short(state.word(), Kind::State, meaning)
    }
}
