//! One row of the kernel's socket table, compact, and the table that holds 100,000 of them.

use super::endpoint::{Addr, Family};
use super::protocol::Protocol;
use super::state::State;

/// What timer runs on a socket (`idiag_timer`, net/ipv4/inet_diag.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// No timer.
    Off,
    /// Retransmission (1).
    Retransmit,
    /// Keepalive (2); also the long half of an orphaned FIN_WAIT2.
    Keepalive,
    /// TIME_WAIT or an orphaned FIN_WAIT2 kept as a bucket (3).
    TimeWait,
    /// Zero-window probe (4).
    Probe,
    /// Delayed ACK (5), Linux 7 and later.
    DelayedAck,
    /// A number that this program does not know.
    Other(u8),
}

impl Timer {
    /// From `idiag_timer` or the `tr` column of `/proc/net/tcp`.
    pub fn from_kernel(number: u8) -> Timer {
        match number {
            0 => Timer::Off,
            1 => Timer::Retransmit,
            2 => Timer::Keepalive,
            3 => Timer::TimeWait,
            4 => Timer::Probe,
            5 => Timer::DelayedAck,
            other => Timer::Other(other),
        }
    }

    /// The number in `idiag_timer`.
    pub fn number(self) -> u8 {
        match self {
            Timer::Off => 0,
            Timer::Retransmit => 1,
            Timer::Keepalive => 2,
            Timer::TimeWait => 3,
            Timer::Probe => 4,
            Timer::DelayedAck => 5,
            Timer::Other(other) => other,
        }
    }

    /// The word used in JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Timer::Off => "off",
            Timer::Retransmit => "on",
            Timer::Keepalive => "keepalive",
            Timer::TimeWait => "timewait",
            Timer::Probe => "persist",
            Timer::DelayedAck => "delack",
            Timer::Other(_) => "unknown",
        }
    }
}

/// One socket of the table (`struct inet_diag_msg`), 80 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// The kernel's identity of the socket; kept from a full socket to its TIME_WAIT bucket. All ones: not given.
    pub cookie: u64,
    /// Near address.
    pub local_addr: Addr,
    /// Far address.
    pub peer_addr: Addr,
    /// Near port.
    pub local_port: u16,
    /// Far port; 0 for a listener.
    pub peer_port: u16,
    /// Milliseconds until the timer fires.
    pub expires_ms: u32,
    /// Bytes not read by the application (the FIN counts as one); for a listener, connections waiting to be accepted.
    pub recv_queue: u32,
    /// Bytes not acknowledged by the peer (the FIN counts as one); for a listener, the limit of its accept queue.
    pub send_queue: u32,
    /// Owner's user id; 0 also for kernel-owned sockets (TIME_WAIT, SYN_RECV), where it means nothing.
    pub uid: u32,
    /// Inode of the socket; 0 if no descriptor has ever been made for it or none is left.
    pub inode: u32,
    /// Interface the socket is bound to, 0 for none.
    pub interface: u32,
    /// Position of the socket's [`Detail`] plus one; 0 if none was read.
    pub detail: u32,
    /// State.
    pub state: State,
    /// Timer.
    pub timer: Timer,
    /// Retransmissions or unanswered probes of the running timer.
    pub retries: u8,
    /// Family of the socket.
    pub family: Family,
    /// Whether an IPv6 socket on the wildcard address refuses IPv4 (IPV6_V6ONLY); the kernel tells it of listeners and bound sockets.
    pub v6only: bool,
}

impl Socket {
    /// Whether this is a kernel-owned bucket: TIME_WAIT, an orphaned FIN_WAIT2, or a handshake in progress. Such sockets have no
    /// process, inode or user by nature.
    pub fn is_kernel_owned(&self) -> bool {
        match self.state {
            State::TimeWait | State::SynRecv => true,
            State::FinWait1 | State::FinWait2 | State::LastAck | State::Closing => self.inode == 0,
            _ => false,
        }
    }

    /// The same for a socket of any protocol: a UDP socket without an inode is the kernel's own, for a tunnel or a mount.
    pub fn is_kernels(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Udp => self.inode == 0,
            Protocol::Tcp | Protocol::Mptcp => self.is_kernel_owned(),
        }
    }

    /// Whether the connection is complete but no process has accepted it yet: full sockets in the accept queue have inode 0.
    pub fn is_unaccepted(&self) -> bool {
        self.inode == 0 && matches!(self.state, State::Established | State::CloseWait)
    }

    /// Whether both ends are on this host, as far as addresses tell: loopback, or the same address at both ends.
    pub fn is_on_this_host(&self) -> bool {
        self.peer_addr.is_loopback() || self.peer_addr == self.local_addr
    }

    /// Age of a TIME_WAIT socket in milliseconds; its life is 60 s (TCP_TIMEWAIT_LEN, include/net/tcp.h).
    pub fn time_wait_age_ms(&self) -> u32 {
        TIME_WAIT_MS.saturating_sub(self.expires_ms)
    }
}

/// How long a TIME_WAIT socket lives: TCP_TIMEWAIT_LEN, a compile-time constant that no sysctl changes.
pub const TIME_WAIT_MS: u32 = 60_000;

/// Facts of a socket that cost extra to read; each is `None` where the kernel did not send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Detail {
    /// Milliseconds since data was last sent (`tcpi_last_data_sent`).
    pub last_data_sent_ms: Option<u32>,
    /// Milliseconds since data last came (`tcpi_last_data_recv`); a FIN alone does not count.
    pub last_data_recv_ms: Option<u32>,
    /// Milliseconds since the last ACK came (`tcpi_last_ack_recv`); a FIN's ACK counts.
    pub last_ack_recv_ms: Option<u32>,
    /// Option bits of the connection (`tcpi_options`).
    pub options: Option<u8>,
    /// Packets dropped on this socket (`SK_MEMINFO_DROPS`); for a listener, SYNs refused since it was opened, retries included.
    pub drops: Option<u32>,
    /// Whether an IPv6 listener refuses IPv4 (IPV6_V6ONLY).
    pub v6only: Option<bool>,
    /// How often the retransmission timer was doubled in a row (`tcpi_backoff`).
    pub backoff: Option<u8>,
    /// Segments sent and not acknowledged (`tcpi_unacked`).
    pub unacked: Option<u32>,
    /// Largest segment we send, bytes (`tcpi_snd_mss`).
    pub snd_mss: Option<u32>,
    /// Path MTU as we know it, bytes (`tcpi_pmtu`).
    pub pmtu: Option<u32>,
    /// Smoothed round trip time, microseconds (`tcpi_rtt`).
    pub rtt_us: Option<u32>,
    /// Window the peer grants, bytes (`tcpi_snd_wnd`, from 5.4 on).
    pub snd_wnd: Option<u32>,
    /// Window we grant, bytes (`tcpi_rcv_wnd`, from 6.2 on).
    pub rcv_wnd: Option<u32>,
    /// Segments sent again since the connection began (`tcpi_total_retrans`).
    pub total_retrans: Option<u32>,
    /// Segments with data sent, retransmissions included (`tcpi_data_segs_out`, from 4.6 on).
    pub data_segs_out: Option<u32>,
    /// Bytes that the peer acknowledged (`tcpi_bytes_acked`, from 4.1 on).
    pub bytes_acked: Option<u64>,
    /// Bytes of kernel memory the socket holds (SK_MEMINFO: read queue, write queue, forward allocation, options, backlog).
    pub memory: Option<u32>,
}

impl Detail {
    /// Whether both ends agreed on timestamps (TCPI_OPT_TIMESTAMPS).
    pub fn timestamps(&self) -> Option<bool> {
        self.options.map(|o| o & 1 != 0)
    }
}

/// Rows per chunk: 640 KiB, so that a growing table never copies itself.
const CHUNK: usize = 8192;

/// The socket table, kept in chunks so that it grows without doubling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SocketTable {
    chunks: Vec<Vec<Socket>>,
}

impl SocketTable {
    /// Adds a row.
    pub fn push(&mut self, socket: Socket) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(socket),
            _ => {
                // The first chunk starts small: most boxes have a few hundred sockets.
                let mut chunk =
                    Vec::with_capacity(if self.chunks.is_empty() { 256 } else { CHUNK });
                chunk.push(socket);
                self.chunks.push(chunk);
            }
        }
    }

    /// One row.
    pub fn get(&self, row: u32) -> Option<&Socket> {
        let row = row as usize;
        self.chunks.get(row / CHUNK)?.get(row % CHUNK)
    }

    /// One row, changeable.
    pub fn get_mut(&mut self, row: u32) -> Option<&mut Socket> {
        let row = row as usize;
        self.chunks.get_mut(row / CHUNK)?.get_mut(row % CHUNK)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// All rows in the order they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Socket> + Clone {
        self.chunks.iter().flatten()
    }

    /// All rows, changeable.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Socket> {
        self.chunks.iter_mut().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stays_small() {
        assert_eq!(std::mem::size_of::<Socket>(), 80);
    }

    #[test]
    fn timers_round_trip_their_words() {
        let words: Vec<_> = (0..7).map(|n| Timer::from_kernel(n).word()).collect();
        assert_eq!(words, ["off", "on", "keepalive", "timewait", "persist", "delack", "unknown"]);
    }
}
