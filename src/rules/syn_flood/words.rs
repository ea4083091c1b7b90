//! What the finding says of handshakes that are not completed.

use crate::model::socket::Socket;
use crate::phrase::{count, number};
use crate::rules::finding::{Remedy, Wish};

/// What happened between two looks.
#[derive(Clone, Copy)]
pub(super) struct Handshakes {
    pub(super) seconds: f64,
    pub(super) sent: u64,
    pub(super) back: u64,
    pub(super) dropped: u64,
    /// At least half of the cookies came back, and no SYN was dropped.
    pub(super) clients_are_real: bool,
}

pub(super) fn evidence(
    h: Handshakes,
    cookies_are_off: bool,
    fullest: Option<(&Socket, u64)>,
) -> Vec<String> {
    let mut said = vec![format!(
        "In {:.1} s {} sent and {} came back; {} dropped.",
        h.seconds,
        count(h.sent, "cookie was", "cookies were"),
        number(h.back),
        count(h.dropped, "SYN was", "SYNs were")
    )];
    said.push(if h.clients_are_real {
        "At least half of the cookies come back: these are clients, more than the backlog holds."
            .into()
    } else if h.sent > 0 && h.back * 2 < h.sent {
        "Most cookies do not come back: the addresses are forged, or something drops the answers."
            .into()
    } else if cookies_are_off {
        "SYN cookies are off: what does not fit is dropped, whoever sent it.".into()
    } else {
        "SYN cookies are on: what is dropped all the same has no way back, no memory, or is refused by a policy.".into()
    });
    if let Some((l, n)) = fullest {
        said.push(format!(
            "The listener with the most half-open handshakes ({}) is on port {}.",
            number(n),
            l.local_port
        ));
    }
    said
}

pub(super) fn remedies(h: Handshakes, cookies_are_off: bool) -> Vec<Remedy> {
    let mut remedies = vec![Remedy::Application(if h.clients_are_real {
        "give listen() a larger backlog and restart the listener".into()
    } else {
        "filter in front of this host; a larger backlog does not help against forged addresses"
            .into()
    })];
    if cookies_are_off {
        remedies.push(Remedy::Setting {
            knob: "net.ipv4.tcp_syncookies",
            wish: Wish::Order(1),
            because: "with cookies real clients get in although the queue is full".into(),
        });
    }
    remedies
}
