//! Builders for tests: snapshots in a few words.

use super::Snapshot;
use super::endpoint::{Addr, Family};
use super::owner::{Holder, Owners, Process};
use super::socket::{Detail, Socket, Timer};
use super::state::State;
use super::sysctl::Reading;
use super::text::Text;

fn split(text: &str) -> (Addr, Family, u16) {
    let (host, port) = text.rsplit_once(':').unwrap();
    let port = port.parse().unwrap();
    match host.trim_matches(['[', ']']).parse().unwrap() {
        std::net::IpAddr::V4(v4) => (Addr::v4(v4.octets()), Family::Ipv4, port),
        std::net::IpAddr::V6(v6) => (Addr(v6.octets()), Family::Ipv6, port),
    }
}

/// A socket by its state and `addr:port` pairs, with everything else zero.
pub(crate) fn socket(state: State, local: &str, peer: &str) -> Socket {
    let (local_addr, family, local_port) = split(local);
    let (peer_addr, _, peer_port) = split(peer);
    Socket {
        cookie: 0,
        local_addr,
        peer_addr,
        local_port,
        peer_port,
        expires_ms: 0,
        recv_queue: 0,
        send_queue: 0,
        uid: 0,
        inode: 0,
        interface: 0,
        detail: 0,
        state,
        timer: Timer::Off,
        retries: 0,
        family,
        v6only: false,
    }
}

/// A listener with a queue and its limit.
pub(crate) fn listener(local: &str, queue: u32, limit: u32) -> Socket {
    let peer = if local.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let mut s = socket(State::Listen, local, peer);
    (s.recv_queue, s.send_queue) = (queue, limit);
    s
}

/// A TIME_WAIT socket of a given age.
pub(crate) fn time_wait(local: &str, peer: &str, age_ms: u32) -> Socket {
    let mut s = socket(State::TimeWait, local, peer);
    (s.timer, s.expires_ms) = (Timer::TimeWait, super::socket::TIME_WAIT_MS - age_ms);
    s
}

/// A snapshot with the sysctls of a fresh namespace and nobody hidden.
pub(crate) fn fresh() -> Snapshot {
    let mut s = Snapshot {
        netns: Text::new(b"lab"),
        owners: Some(Owners::default()),
        ..Snapshot::default()
    };
    for (name, value) in [
        ("net.ipv4.ip_local_port_range", "32768 60999"),
        ("net.ipv4.ip_local_reserved_ports", ""),
        ("net.ipv4.tcp_tw_reuse", "2"),
        ("net.ipv4.tcp_tw_reuse_delay", "1000"),
        ("net.ipv4.tcp_timestamps", "1"),
        ("net.ipv4.tcp_max_tw_buckets", "131072"),
        ("net.core.somaxconn", "4096"),
    ] {
        set(&mut s, name, value);
    }
    s.coverage.seen("sock_diag");
    s
}

/// Sets a sysctl.
pub(crate) fn set(snapshot: &mut Snapshot, name: &str, value: &str) {
    snapshot.sysctls.0.insert(name.to_string(), Reading::Value(value.to_string()));
}

/// Adds a socket with details.
pub(crate) fn push_detailed(snapshot: &mut Snapshot, mut socket: Socket, detail: Detail) {
    snapshot.details.push(detail);
    socket.detail = snapshot.details.len() as u32;
    snapshot.sockets.push(socket);
}

/// Makes `pid` a holder of `inode`.
pub(crate) fn hold(snapshot: &mut Snapshot, inode: u32, pid: u32, fd: u32) {
    let owners = snapshot.owners.get_or_insert_default();
    owners.holders.push(Holder { inode, pid, fd });
    owners.holders.sort_unstable();
}

/// Adds a process with a limit and a number of descriptors.
pub(crate) fn process(snapshot: &mut Snapshot, pid: u32, comm: &str, limit: u64, used: u64) {
    snapshot.processes.insert(
        pid,
        Process {
            pid,
            comm: Text::new(comm.as_bytes()),
            start_ticks: Some(1),
            descriptor_limit: Some(limit),
            descriptors: Some(used),
            ..Process::default()
        },
    );
}
