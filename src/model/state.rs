//! The states of a TCP socket: the kernel's numbers, the words we print and every spelling we accept.

/// A TCP state as `sock_diag` reports it (include/net/tcp_states.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// An open connection.
    Established = 1,
    /// Waiting for the answer to our SYN.
    SynSent = 2,
    /// A request waiting for the final ACK of the handshake; held by the listener, not by a process.
    SynRecv = 3,
    /// Our FIN is sent and not yet acknowledged.
    FinWait1 = 4,
    /// Our FIN is acknowledged, the peer has not closed.
    FinWait2 = 5,
    /// Closed on both sides, kept for 60 s.
    TimeWait = 6,
    /// No connection.
    Close = 7,
    /// The peer has closed, our application has not.
    CloseWait = 8,
    /// Closed after the peer, our FIN not yet acknowledged.
    LastAck = 9,
    /// Accepting connections.
    Listen = 10,
    /// Both sides closed at once.
    Closing = 11,
    /// Bound to a port, neither connected nor listening; Linux 6.8 and later show it (bit 13, answered as CLOSE).
    BoundInactive = 13,
}

impl State {
    /// Every state in the order of the kernel's numbers, which is the order of every output.
    pub const ALL: [State; 12] = [
        State::Established,
        State::SynSent,
        State::SynRecv,
        State::FinWait1,
        State::FinWait2,
        State::TimeWait,
        State::Close,
        State::CloseWait,
        State::LastAck,
        State::Listen,
        State::Closing,
        State::BoundInactive,
    ];

    /// The state of a number in `idiag_state` or in `/proc/net/tcp`; `None` for one this program does not know.
    /// 12 is TCP_NEW_SYN_RECV, the kernel's inner name of a request socket.
    pub fn from_kernel(number: u8) -> Option<State> {
        match number {
            12 => Some(State::SynRecv),
            other => State::ALL.into_iter().find(|s| *s as u8 == other),
        }
    }

    /// The word used in every output (the words of node_exporter).
    pub fn word(self) -> &'static str {
        match self {
            State::Established => "established",
            State::SynSent => "syn_sent",
            State::SynRecv => "syn_recv",
            State::FinWait1 => "fin_wait1",
            State::FinWait2 => "fin_wait2",
            State::TimeWait => "time_wait",
            State::Close => "close",
            State::CloseWait => "close_wait",
            State::LastAck => "last_ack",
            State::Listen => "listen",
            State::Closing => "closing",
            State::BoundInactive => "bound_inactive",
        }
    }

    /// The bit of this state in `idiag_states`.
    pub fn bit(self) -> u32 {
        1 << (self as u8)
    }

    /// Position in [`State::ALL`], for tables of counts.
    pub fn index(self) -> usize {
        match self {
            State::BoundInactive => 11,
            other => other as usize - 1,
        }
    }
}

/// A set of states, as a mask of [`State::bit`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSet(pub u32);

impl StateSet {
    /// Every state, bound-inactive included (0x2ffe; bit 12 is answered as SYN_RECV and is not asked).
    pub const ALL: StateSet = StateSet(0x2ffe);
    /// No state.
    pub const NONE: StateSet = StateSet(0);

    /// The set of one state.
    pub fn of(state: State) -> StateSet {
        StateSet(state.bit())
    }

    /// Whether `state` is in the set.
    pub fn has(self, state: State) -> bool {
        self.0 & state.bit() != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: StateSet) -> StateSet {
        StateSet(self.0 | other.0)
    }

    /// Reads one word as people type it (`TIME-WAIT`, `time_wait`, `timewait`, `listening`, `established`,
    /// the groups of ss: `all connected synchronized bucket big`). `None` if no state is called so.
    pub fn parse(word: &str) -> Option<StateSet> {
        let plain: String =
            word.chars().filter(|c| *c != '-' && *c != '_').flat_map(char::to_lowercase).collect();
        let listen = State::Listen.bit();
        let close = State::Close.bit() | State::BoundInactive.bit();
        let bucket = State::SynRecv.bit() | State::TimeWait.bit();
        let state = match plain.as_str() {
            "established" | "estab" | "est" => State::Established,
            "synsent" => State::SynSent,
            "synrecv" | "synrcv" | "synreceived" => State::SynRecv,
            "finwait1" => State::FinWait1,
            "finwait2" => State::FinWait2,
            "timewait" | "tw" => State::TimeWait,
            "close" | "closed" | "unconnected" | "unconn" => State::Close,
            "closewait" => State::CloseWait,
            "lastack" => State::LastAck,
            "listen" | "listening" => State::Listen,
            "closing" => State::Closing,
            "boundinactive" | "bound" => State::BoundInactive,
            "all" => return Some(StateSet::ALL),
            "connected" => return Some(StateSet(StateSet::ALL.0 & !close & !listen)),
            "synchronized" => {
                return Some(StateSet(StateSet::ALL.0 & !close & !listen & !State::SynSent.bit()));
            }
            "bucket" => return Some(StateSet(bucket)),
            "big" => return Some(StateSet(StateSet::ALL.0 & !bucket)),
            _ => return None,
        };
        Some(StateSet::of(state))
    }

    /// Every word that [`StateSet::parse`] takes in its printed spelling, for hints and completions.
    pub fn words() -> Vec<&'static str> {
        let groups = ["all", "connected", "synchronized", "bucket", "big"];
        State::ALL.iter().map(|s| s.word()).chain(groups).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_parses_to_its_own_state() {
        for state in State::ALL {
            assert_eq!(
                StateSet::parse(state.word()),
                Some(StateSet::of(state)),
                "{}",
                state.word()
            );
            assert_eq!(State::ALL[state.index()], state);
            assert_eq!(State::from_kernel(state as u8), Some(state));
        }
    }

    #[test]
    fn spellings_of_ss_netstat_and_opentelemetry_are_accepted() {
        for spelling in ["TIME-WAIT", "time_wait", "TIME_WAIT", "timewait", "Time-Wait"] {
            assert_eq!(StateSet::parse(spelling), Some(StateSet::of(State::TimeWait)));
        }
        assert_eq!(StateSet::parse("fin_wait_1"), Some(StateSet::of(State::FinWait1)));
        assert_eq!(StateSet::parse("listening"), StateSet::parse("listen"));
        assert_eq!(StateSet::parse("clos"), None);
    }

    #[test]
    fn groups_follow_ss() {
        assert_eq!(StateSet::parse("bucket"), Some(StateSet(1 << 3 | 1 << 6)));
        let connected = StateSet::parse("connected").unwrap();
        assert!(!connected.has(State::Listen) && !connected.has(State::BoundInactive));
        assert!(connected.has(State::SynSent) && connected.has(State::TimeWait));
    }

    #[test]
    fn an_unknown_number_is_no_state() {
        assert_eq!(State::from_kernel(12), Some(State::SynRecv));
        assert_eq!(State::from_kernel(0), None);
        assert_eq!(State::from_kernel(14), None);
    }
}
