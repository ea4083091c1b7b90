//! The range that automatic ports come from, and how connect() searches it.

use crate::model::Snapshot;
use crate::model::portset::PortSet;

/// The ports that connect() and bind(0) may choose from in this namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EphemeralRange {
    /// Lowest port.
    pub low: u16,
    /// Highest port.
    pub high: u16,
    /// Ports kept out of automatic choice (ip_local_reserved_ports).
    pub reserved: PortSet,
    /// The ends under which the present sockets got their ports, where others are supposed now.
    pub past: Option<(u16, u16)>,
    /// Whether the range is a socket's own (IP_LOCAL_PORT_RANGE): such a range is searched port by port, without regard to parity.
    pub own: bool,
}

impl EphemeralRange {
    /// Reads range and reservation; `None` if the range is unknown.
    pub fn of(snapshot: &Snapshot) -> Option<EphemeralRange> {
        let (low, high) = snapshot.sysctls.range("net.ipv4.ip_local_port_range")?;
        let reserved = snapshot
            .sysctls
            .text("net.ipv4.ip_local_reserved_ports")
            .and_then(PortSet::parse)
            .unwrap_or_default();
        Some(EphemeralRange { low, high, reserved, past: None, own: false })
    }

    /// The part of this range that a socket with IP_LOCAL_PORT_RANGE `low` to `high` searches: an end outside the range of the
    /// namespace is passed over (inet_sk_get_local_port_range, net/ipv4/inet_connection_sock.c).
    #[must_use]
    pub fn narrowed(self, low: u16, high: u16) -> EphemeralRange {
        let within = |end: u16| (self.low..=self.high).contains(&end);
        let (new_low, new_high) =
            (if within(low) { low } else { self.low }, if within(high) { high } else { self.high });
        let past = self.past.or(Some((self.low, self.high)));
        EphemeralRange { low: new_low, high: new_high, past, own: true, ..self }
    }

    /// The range under which the present sockets got their ports: its parity tells of them.
    #[must_use]
    pub fn of_the_past(&self) -> EphemeralRange {
        let (low, high) = self.past.unwrap_or((self.low, self.high));
        let own = self.own && self.past.is_none();
        EphemeralRange { low, high, past: None, own, ..self.clone() }
    }

    /// Whether a port lies between the ends, reserved or not.
    pub fn spans(&self, port: u16) -> bool {
        (self.low..=self.high).contains(&port)
    }

    /// Whether connect() may choose `port`.
    pub fn has(&self, port: u16) -> bool {
        self.spans(port) && !self.reserved.has(port)
    }

    /// Number of ports that connect() may choose.
    pub fn size(&self) -> u32 {
        self.length() - self.reserved.count_in(self.low, self.high)
    }

    /// Number of ports between the ends, the reserved ones too.
    pub fn length(&self) -> u32 {
        u32::from(self.high) - u32::from(self.low) + 1
    }

    /// Whether connect() tries this port in its first pass: the ports of the parity of the low end come first, all others after them
    /// (__inet_hash_connect, net/ipv4/inet_hashtables.c). bind(0) does it the other way round.
    pub fn is_first_half(&self, port: u16) -> bool {
        (port ^ self.low) & 1 == 0
    }

    /// The two ports of a range of odd length of which each search leaves one out: it covers an even number of ports only
    /// (`remaining &= ~1U`). Which of the two depends on where the search begins.
    pub fn ends_left_out(&self) -> Option<(u16, u16)> {
        (!self.own && self.length() > 1 && self.length() % 2 == 1).then_some((self.low, self.high))
    }

    /// Number of ports that the first pass of connect() tries.
    pub fn first_half(&self) -> u32 {
        self.length().div_ceil(2) - self.reserved.count_parity(self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: u16, high: u16, reserved: &str) -> EphemeralRange {
        let reserved = PortSet::parse(reserved).unwrap();
        EphemeralRange { low, high, reserved, past: None, own: false }
    }

    #[test]
    fn reserved_ports_and_halves_are_counted() {
        let r = range(32768, 60999, "32768-32770,80");
        assert_eq!((r.length(), r.size(), r.first_half()), (28232, 28229, 14114));
        assert!(r.is_first_half(40000) && !r.is_first_half(40001) && !r.has(32769));
        assert_eq!(range(0, 65535, "").length(), 65536);
    }

    #[test]
    fn only_a_range_of_odd_length_leaves_a_port_out() {
        assert_eq!(range(20000, 20066, "").ends_left_out(), Some((20000, 20066)));
        assert_eq!(range(20000, 20067, "").ends_left_out(), None);
        assert_eq!(range(20000, 20000, "").ends_left_out(), None);
        assert_eq!(range(20000, 20067, "").narrowed(20001, 20003).ends_left_out(), None);
    }

    #[test]
    fn a_range_of_a_sockets_own_counts_only_inside() {
        let r = range(20000, 20999, "");
        let ends = |low, high| {
            let n = r.clone().narrowed(low, high);
            (n.low, n.high)
        };
        assert_eq!(ends(20100, 20199), (20100, 20199));
        assert_eq!(ends(30000, 30099), (20000, 20999));
        assert_eq!(ends(20100, 30099), (20100, 20999));
    }
}
