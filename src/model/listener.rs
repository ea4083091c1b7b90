//! Listening sockets as a set that can be asked who accepts for an address and port.

use super::Snapshot;
use super::portset::PortSet;
use super::socket::Socket;
use super::state::State;

/// The listeners of a namespace.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    sockets: Vec<Socket>,
    ports: PortSet,
}

impl Listeners {
    /// Collects those of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Listeners {
        Listeners::among(snapshot.sockets.iter())
    }

    /// Collects those among some sockets.
    pub fn among<'a>(sockets: impl Iterator<Item = &'a Socket>) -> Listeners {
        let mut listeners = Listeners::default();
        for socket in sockets.filter(|s| s.state == State::Listen) {
            listeners.ports.insert(socket.local_port);
            listeners.sockets.push(*socket);
        }
        listeners.sockets.sort_by_key(|s| (s.local_port, s.local_addr, s.family, s.inode));
        listeners
    }

    /// Ports with a listener on any address.
    pub fn ports(&self) -> &PortSet {
        &self.ports
    }

    /// All listeners, by port and address.
    pub fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.iter()
    }

    /// The listener that accepted, or will accept, a connection: the one on its address, else the wildcard of its family,
    /// else a dual-stack `::`.
    pub fn accepting(&self, connection: &Socket) -> Option<&Socket> {
        if !self.ports.has(connection.local_port) {
            return None;
        }
        let start = self.sockets.partition_point(|s| s.local_port < connection.local_port);
        self.sockets
            .iter()
            .skip(start)
            .take_while(|s| s.local_port == connection.local_port)
            .filter(|s| fits(s, connection))
            .min_by_key(|s| {
                (
                    s.interface != connection.interface,
                    s.local_addr != connection.local_addr,
                    s.family != connection.family,
                )
            })
    }

    /// Every listener in whose queue a connection that is not accepted may be: one that fits it and whose queue is not empty. More than
    /// one with SO_REUSEPORT, and where a listener on the very address came after one on the wildcard had taken connections.
    pub fn queues(&self, connection: &Socket) -> Vec<&Socket> {
        let start = self.sockets.partition_point(|s| s.local_port < connection.local_port);
        let port = self.sockets.iter().skip(start);
        let port = port.take_while(|s| s.local_port == connection.local_port);
        let found: Vec<&Socket> =
            port.filter(|s| s.recv_queue > 0 && fits(s, connection)).collect();
        // The queue was looked at a moment before the connection.
        if found.is_empty() { self.group(connection).collect() } else { found }
    }

    /// Every listener on the address, port and device of the one that accepts a connection: more than one with SO_REUSEPORT, and then
    /// nothing tells in whose queue it is.
    pub fn group(&self, connection: &Socket) -> impl Iterator<Item = &Socket> {
        let door = |l: &Socket| (l.local_addr, l.local_port, l.interface, l.family);
        let chosen = self.accepting(connection).map(door);
        let start = self.sockets.partition_point(|s| s.local_port < connection.local_port);
        self.sockets
            .iter()
            .skip(start)
            .take_while(|s| s.local_port == connection.local_port)
            .filter(move |l| Some(door(l)) == chosen)
    }
}

/// Whether a listener may have taken a connection, which inherits the device its listener is bound to.
fn fits(listener: &Socket, connection: &Socket) -> bool {
    let same_kind = listener.family == connection.family
        || listener.local_addr.0 == [0; 16] && connection.local_addr.as_v4().is_some();
    same_kind
        && (listener.local_addr == connection.local_addr || listener.local_addr.is_wildcard())
        && (listener.interface == 0 || listener.interface == connection.interface)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_exact_address_wins_over_a_wildcard_and_ipv6_wildcards_take_ipv4() {
        let mut snapshot = Snapshot::default();
        snapshot.sockets.push(listener("0.0.0.0:80", 0, 5));
        snapshot.sockets.push(listener("127.0.0.1:80", 0, 7));
        snapshot.sockets.push(listener("[::]:443", 0, 9));
        let listeners = Listeners::of(&snapshot);
        let accepts = |local: &str| {
            listeners
                .accepting(&socket(State::Established, local, "10.0.0.9:5555"))
                .map(|s| s.send_queue)
        };
        assert_eq!(accepts("127.0.0.1:80"), Some(7));
        assert_eq!(accepts("10.0.0.1:80"), Some(5));
        assert_eq!(accepts("10.0.0.1:443"), Some(9));
        assert_eq!(accepts("10.0.0.1:81"), None);
    }

    #[test]
    fn what_waits_may_be_in_any_queue_that_fits_and_is_not_empty() {
        let mut snapshot = Snapshot::default();
        for (place, queue) in
            [("0.0.0.0:80", 3), ("10.0.0.1:80", 1), ("10.0.0.1:80", 0), ("10.0.0.2:80", 7)]
        {
            snapshot.sockets.push(listener(place, queue, 9));
        }
        let listeners = Listeners::of(&snapshot);
        let queues = |local: &str| {
            let s = socket(State::Established, local, "10.0.0.9:5555");
            listeners.queues(&s).iter().map(|l| l.recv_queue).collect::<Vec<_>>()
        };
        assert_eq!((queues("10.0.0.1:80"), queues("10.0.0.3:80")), (vec![3, 1], vec![3]));
    }

    #[test]
    fn a_device_sets_listeners_apart_and_reuseport_does_not() {
        let mut snapshot = Snapshot::default();
        for (interface, limit) in [(0, 5), (3, 7), (3, 8)] {
            snapshot.sockets.push(Socket { interface, ..listener("0.0.0.0:80", 0, limit) });
        }
        let listeners = Listeners::of(&snapshot);
        let group = |interface| {
            let s = socket(State::Established, "10.0.0.1:80", "10.0.0.9:5555");
            let s = Socket { interface, ..s };
            listeners.group(&s).map(|l| l.send_queue).collect::<Vec<_>>()
        };
        assert_eq!((group(0), group(3), group(4)), (vec![5], vec![7, 8], vec![5]));
    }
}
