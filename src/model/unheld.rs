//! What likely holds a socket that no process in sight holds.

use super::socket::Socket;

/// Ports toward which the kernel itself connects, and for what (nfs(5), nvme-connect-tcp, mount.cifs(8), ceph).
const KERNELS: [(u16, &str); 8] = [
    (2049, "nfs"),
    (20048, "nfs"),
    (4420, "nvme-tcp"),
    (8009, "nvme-tcp"),
    (445, "cifs"),
    (3300, "ceph"),
    (6789, "ceph"),
    (9564, "9p"),
];

/// The likeliest holder: the kernel for a file system or a disk, a process of a pid namespace that is not ours, or one that has just
/// ended; a descriptor that io_uring alone knows looks the same.
pub fn likely(socket: &Socket, in_other_pid_namespace: bool) -> &'static str {
    // Of a service the near port is the known one, of a mount the far one.
    let ports = [socket.peer_port, socket.local_port];
    let kernels = ports.iter().find_map(|port| KERNELS.iter().find(|(p, _)| p == port));
    match kernels {
        Some((_, name)) if socket.uid == 0 => name,
        _ if in_other_pid_namespace => "another pid namespace",
        _ => "gone or io_uring",
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::State;
    use super::super::testing::socket;
    use super::*;

    #[test]
    fn mounts_are_known_by_their_ports_and_only_as_roots() {
        let mut mount = socket(State::Established, "10.0.0.1:790", "10.0.0.9:2049");
        mount.uid = 0;
        assert_eq!(likely(&mount, true), "nfs");
        mount.uid = 1000;
        assert_eq!(likely(&mount, true), "another pid namespace");
        assert_eq!(likely(&mount, false), "gone or io_uring");
        let mut disk = socket(State::Established, "10.0.0.1:40000", "10.0.0.9:4420");
        disk.uid = 0;
        assert_eq!(likely(&disk, false), "nvme-tcp");
    }
}
