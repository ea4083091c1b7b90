//! A process that makes one scene of sockets on loopback and holds it: this test binary run again, with `KIND [COUNT] [PORT]` in
//! its environment and `scene` as its name. It prints `ready`, obeys the
//! words `reset` (close everything by RST, so that no TIME_WAIT stays) and `drain` on standard input, and ends with it.
//!
//! Kinds: `leak N` (N connections closed by the client and kept by the server), `keepalive-leak N` (the same with keepalive on),
//! `half-close N` (N connections whose client shut down writing and whose server still answers), `hostile-leak N` (a leak of a
//! process with a hostile name), `unaccepted N` (N connections
//! closed by the client before anybody accepted them), `established N`, `time-wait N` (closed by the client first), `busy N` (half of each), `backlog N` (a
//! listener of backlog 5 that accepts nothing), `bound N` (bound and not connected), `explicit N` (connected from ports
//! given to bind()), `mixed` (a bit of everything), `reuseport N` (a listener that shares its port, and N connections
//! that wait), `reuseport-group N`, `kept-open N`, `shut N`, `unread N`, `linger N`, `unbound N`, those of peers.rs, `datagrams`, `queues` (unread data, a device), `mptcp`, `silent` (states that need
//! a peer that does not answer), `busy-town` (all of these).
use std::io::BufRead;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, sockopt};

use super::silent::{ACK, FIN, HOME, Line, SYN, Tun};

struct Scene {
    port: u16,
    listener: OwnedFd,
    /// Everything that is held.
    held: Vec<OwnedFd>,
    tun: Option<Tun>,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

fn new_socket(family: AddressFamily) -> OwnedFd {
    rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap()
}

/// SO_BINDTODEVICE to loopback; refused where we are nobody.
#[allow(unsafe_code)]
fn bind_to_device(fd: &OwnedFd) {
    use std::os::fd::AsRawFd;
    let name = b"lo\0";
    // SAFETY: the name is alive for the call, and its length is given.
    unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            name.as_ptr().cast(),
            3,
        );
    }
}

fn listen(port: u16, backlog: i32) -> OwnedFd {
    let fd = new_socket(AddressFamily::INET);
    sockopt::set_socket_reuseaddr(&fd, true).unwrap();
    rustix::net::bind(&fd, &at(port)).unwrap();
    rustix::net::listen(&fd, backlog).unwrap();
    fd
}

impl Scene {
    fn client(&self) -> OwnedFd {
        let fd = new_socket(AddressFamily::INET);
        match rustix::net::connect(&fd, &at(self.port)) {
            Ok(()) => fd,
            // The kernel may never try the lowest port of a range of an odd number of ports: it is taken by hand.
            Err(rustix::io::Errno::ADDRNOTAVAIL) => {
                let range =
                    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
                let low = range.split_whitespace().next().unwrap().parse().unwrap();
                let fd = new_socket(AddressFamily::INET);
                rustix::net::bind(&fd, &at(low)).expect("the lowest port is the free one");
                rustix::net::connect(&fd, &at(self.port)).unwrap();
                fd
            }
            Err(e) => panic!("connect: {e}"),
        }
    }

    fn pair(&self) -> (OwnedFd, OwnedFd) {
        let client = self.client();
        let server = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC).unwrap();
        (client, server)
    }

    fn run(&mut self, kind: &str, count: usize) {
        match kind {
            "hostile-leak" => {
                // At most 15 bytes: an escape sequence, a bell, a newline, a right-to-left override.
                std::fs::write("/proc/self/comm", "\u{1b}]0;x\u{7}\n\u{202e}a").unwrap();
                self.run("leak", count);
            }
            "leak" | "keepalive-leak" => {
                for _ in 0..count {
                    let (client, server) = self.pair();
                    if kind == "keepalive-leak" {
                        sockopt::set_socket_keepalive(&server, true).unwrap();
                        sockopt::set_tcp_keepidle(&server, Duration::from_secs(1)).unwrap();
                        sockopt::set_tcp_keepintvl(&server, Duration::from_secs(1)).unwrap();
                    }
                    drop(client);
                    self.held.push(server);
                }
            }
            "half-close" => {
                for _ in 0..count {
                    let (client, server) = self.pair();
                    sockopt::set_socket_recv_buffer_size(&client, 2048).unwrap();
                    rustix::net::shutdown(&client, Shutdown::Write).unwrap();
                    rustix::io::ioctl_fionbio(&server, true).unwrap();
                    while rustix::io::write(&server, &[0u8; 65536]).is_ok() {}
                    self.held.push(client);
                    self.held.push(server);
                }
            }
            "unaccepted" => {
                for _ in 0..count {
                    drop(self.client());
                }
            }
            "established" => {
                for _ in 0..count {
                    let (client, server) = self.pair();
                    self.held.push(client);
                    self.held.push(server);
                }
            }
            "time-wait" => {
                for _ in 0..count {
                    let (client, server) = self.pair();
                    drop(client);
                    drop(server);
                }
            }
            "busy" => {
                self.run("time-wait", count / 2);
                self.run("established", count - count / 2);
            }
            "backlog" => {
                self.listener = listen(self.port + 1, 5);
                for _ in 0..count {
                    let fd = new_socket(AddressFamily::INET);
                    rustix::io::ioctl_fionbio(&fd, true).unwrap();
                    let _ = rustix::net::connect(&fd, &at(self.port + 1));
                    self.held.push(fd);
                }
            }
            "bound" => {
                for _ in 0..count {
                    let fd = new_socket(AddressFamily::INET);
                    rustix::net::bind(&fd, &at(0)).unwrap();
                    self.held.push(fd);
                }
            }
            "explicit" => {
                // Connections from ports that were chosen by bind(), from the low end of the range on.
                let range =
                    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
                let low: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
                // Ports that somebody has by chance are passed over.
                let mut ports = low + 10..;
                while self.held.len() < count {
                    let fd = new_socket(AddressFamily::INET);
                    let port = ports.next().expect("a free port");
                    if rustix::net::bind(&fd, &at(port)).is_ok() {
                        rustix::net::connect(&fd, &at(self.port)).unwrap();
                        self.held.push(fd);
                    }
                }
            }
            "mixed" => {
                self.run("established", 3);
                self.run("leak", 2);
                self.run("time-wait", 2);
                let six = new_socket(AddressFamily::INET6);
                let any =
                    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, self.port + 2, 0, 0));
                rustix::net::bind(&six, &any).unwrap();
                rustix::net::listen(&six, 16).unwrap();
                // An IPv6 socket reached by IPv4: a v4-mapped connection.
                let mapped = new_socket(AddressFamily::INET);
                rustix::net::connect(&mapped, &at(self.port + 2)).unwrap();
                let plain = new_socket(AddressFamily::INET6);
                let home =
                    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, self.port + 2, 0, 0));
                rustix::net::connect(&plain, &home).unwrap();
                for _ in 0..2 {
                    self.held.push(rustix::net::accept_with(&six, SocketFlags::CLOEXEC).unwrap());
                }
                self.held.extend([six, mapped, plain]);
            }
            "busy-town" => {
                self.run("mixed", 0);
                self.run("bound", 3);
                self.run("datagrams", 0);
                self.run("queues", 0);
                self.run("mptcp", 0);
                self.run("silent", 0);
            }
            "datagrams" => {
                for (family, local) in [
                    (AddressFamily::INET, at(self.port + 50)),
                    (
                        AddressFamily::INET6,
                        SocketAddr::V6(SocketAddrV6::new(
                            Ipv6Addr::LOCALHOST,
                            self.port + 51,
                            0,
                            0,
                        )),
                    ),
                    (
                        AddressFamily::INET6,
                        SocketAddr::V6(SocketAddrV6::new(
                            Ipv6Addr::UNSPECIFIED,
                            self.port + 52,
                            0,
                            0,
                        )),
                    ),
                ] {
                    let fd = rustix::net::socket_with(
                        family,
                        SocketType::DGRAM,
                        SocketFlags::CLOEXEC,
                        None,
                    )
                    .unwrap();
                    rustix::net::bind(&fd, &local).unwrap();
                    self.held.push(fd);
                }
                let fd = rustix::net::socket_with(
                    AddressFamily::INET,
                    SocketType::DGRAM,
                    SocketFlags::CLOEXEC,
                    None,
                )
                .unwrap();
                rustix::net::connect(&fd, &at(self.port + 50)).unwrap();
                assert_eq!(rustix::io::write(&fd, b"seven b").unwrap(), 7);
                self.held.push(fd);
            }
            "queues" => {
                // Data that nobody reads, keepalive, an interface, a mark where we may set one.
                let (client, server) = self.pair();
                assert_eq!(rustix::io::write(&client, &[7u8; 1009]).unwrap(), 1009);
                sockopt::set_socket_keepalive(&client, true).unwrap();
                let bound = new_socket(AddressFamily::INET);
                if rustix::net::sockopt::set_socket_reuseaddr(&bound, true).is_ok() {
                    rustix::net::bind(&bound, &at(self.port + 60)).unwrap();
                    bind_to_device(&bound);
                    rustix::net::listen(&bound, 17).unwrap();
                }
                self.held.extend([client, server, bound]);
            }
            "mptcp" => {
                let new = || {
                    let protocol =
                        rustix::net::Protocol::from_raw(std::num::NonZeroU32::new(262).unwrap());
                    rustix::net::socket_with(
                        AddressFamily::INET,
                        SocketType::STREAM,
                        SocketFlags::CLOEXEC,
                        Some(protocol),
                    )
                };
                let Ok(listener) = new() else { return };
                rustix::net::bind(&listener, &at(self.port + 70)).unwrap();
                rustix::net::listen(&listener, 4).unwrap();
                for i in 0..3 {
                    let client = new().unwrap();
                    rustix::net::connect(&client, &at(self.port + 70)).unwrap();
                    if i > 0 {
                        self.held.push(
                            rustix::net::accept_with(&listener, SocketFlags::CLOEXEC).unwrap(),
                        );
                    }
                    self.held.push(client);
                }
                self.held.push(listener);
            }
            "reuseport" => {
                let fd = new_socket(AddressFamily::INET);
                sockopt::set_socket_reuseport(&fd, true).unwrap();
                rustix::net::bind(&fd, &at(self.port + 1)).unwrap();
                rustix::net::listen(&fd, 16).unwrap();
                for _ in 0..count {
                    let client = new_socket(AddressFamily::INET);
                    rustix::net::connect(&client, &at(self.port + 1)).unwrap();
                    self.held.push(client);
                }
                self.held.push(fd);
            }
            "kept-open" | "shut" => {
                // The server closes, or shuts down and holds; the client does neither.
                for _ in 0..count {
                    let (client, server) = self.pair();
                    self.held.push(client);
                    if kind == "shut" {
                        rustix::net::shutdown(&server, Shutdown::Write).unwrap();
                        self.held.push(server);
                    }
                }
            }
            "unread" => {
                // Written until it fits no more, and never read.
                for _ in 0..count {
                    let (client, server) = self.pair();
                    rustix::io::ioctl_fionbio(&client, true).unwrap();
                    while rustix::io::write(&client, &[7; 65536]).is_ok() {}
                    self.held.extend([client, server]);
                }
            }
            "linger" => {
                for _ in 0..count {
                    let (client, server) = self.pair();
                    sockopt::set_socket_linger(&server, Some(Duration::ZERO)).unwrap();
                    drop(server);
                    drop(client);
                }
            }
            "unbound" => {
                self.held.extend((0..count).map(|_| new_socket(AddressFamily::INET)));
            }
            "reuseport-group" => {
                // Two listeners on one port, of which only the first accepts.
                let mut doors = Vec::new();
                for _ in 0..2 {
                    let fd = new_socket(AddressFamily::INET);
                    sockopt::set_socket_reuseport(&fd, true).unwrap();
                    rustix::net::bind(&fd, &at(self.port + 1)).unwrap();
                    rustix::net::listen(&fd, 32).unwrap();
                    rustix::io::ioctl_fionbio(&fd, true).unwrap();
                    doors.push(fd);
                }
                // The kernel deals them out: until so many have fallen to the second.
                let mut waiting = 0;
                while waiting < count {
                    let client = new_socket(AddressFamily::INET);
                    rustix::net::connect(&client, &at(self.port + 1)).unwrap();
                    self.held.push(client);
                    match rustix::net::accept_with(&doors[0], SocketFlags::CLOEXEC) {
                        Ok(fd) => self.held.push(fd),
                        Err(_) => waiting += 1,
                    }
                }
                self.held.extend(doors);
            }
            "silent" => self.silent(),
            other => panic!("no scene is called {other}"),
        }
    }

    /// Connections to a peer that answers as it is told: every state that lasts a moment only lasts here.
    fn silent(&mut self) {
        let Some(tun) = Tun::open() else { return };
        let home = SocketAddr::V4(SocketAddrV4::new(HOME, self.port + 80));
        let listener = new_socket(AddressFamily::INET);
        rustix::net::bind(&listener, &home).unwrap();
        rustix::net::listen(&listener, 64).unwrap();
        let accept = || rustix::net::accept_with(&listener, SocketFlags::CLOEXEC).unwrap();
        // SYN_SENT: nobody answers.
        let asking = new_socket(AddressFamily::INET);
        rustix::io::ioctl_fionbio(&asking, true).unwrap();
        let far = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 9), 9));
        let _ = rustix::net::connect(&asking, &far);
        // SYN_RECV: the last word of the handshake does not come.
        for peer in [20, 21] {
            let peer = Ipv4Addr::new(10, 77, 0, peer);
            let mut line =
                Line { peer, peer_port: 40_009, home_port: self.port + 80, seq: 1, ack: 0 };
            tun.send(&mut line, SYN);
        }
        // FIN_WAIT1: our FIN is not acknowledged.
        tun.connect(30, self.port + 80);
        let fin_wait1 = accept();
        rustix::net::shutdown(&fin_wait1, Shutdown::Write).unwrap();
        // CLOSING: the peer's FIN comes without an acknowledgement of ours.
        let mut line = tun.connect(31, self.port + 80);
        let closing = accept();
        rustix::net::shutdown(&closing, Shutdown::Write).unwrap();
        tun.hear(&line, FIN);
        tun.send(&mut line, FIN | ACK);
        // LAST_ACK: the peer closed first, and our FIN is not acknowledged.
        let mut line = tun.connect(32, self.port + 80);
        let last_ack = accept();
        tun.send(&mut line, FIN | ACK);
        std::thread::sleep(Duration::from_millis(20));
        rustix::net::shutdown(&last_ack, Shutdown::Write).unwrap();
        self.held.extend([listener, asking, fin_wait1, closing, last_ack]);
        self.tun = Some(tun);
    }

    fn reset(&mut self) {
        for fd in self.held.drain(..) {
            let _ = sockopt::set_socket_linger(&fd, Some(Duration::ZERO));
        }
    }

    fn drain(&mut self) {
        rustix::io::ioctl_fionbio(&self.listener, true).unwrap();
        while let Ok(fd) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC) {
            self.held.push(fd);
        }
    }
}

/// Where a scene process finds what to play.
pub const SCRIPT: &str = "TCPVET_SCENE";

/// Not a test of its own: the body of a scene process.
#[test]
#[ignore = "started by the lab"]
fn play() {
    let script = std::env::var(SCRIPT).expect("the lab starts this");
    std::fs::write("/proc/self/comm", "scene").unwrap();
    let args: Vec<&str> = script.split_whitespace().collect();
    let count = args.get(1).map_or(0, |n| n.parse().unwrap());
    let port = args.get(2).map_or(7001, |n| n.parse().unwrap());
    if let Some(mut peers) = super::peers::Peers::play(args[0], count, port) {
        println!("ready");
        for line in std::io::stdin().lock().lines() {
            match line.unwrap().as_str() {
                "speak" => peers.speak(),
                "shut" => peers.shut(),
                other => panic!("unknown word {other}"),
            }
            println!("done");
        }
        return;
    }
    let own = if args[0] == "reuseport" { 0 } else { port };
    let mut scene = Scene { port, listener: listen(own, 4096), held: Vec::new(), tun: None };
    scene.run(args[0], count);
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        match line.unwrap().as_str() {
            "reset" => scene.reset(),
            "drain" => scene.drain(),
            other => panic!("unknown word {other}"),
        }
        println!("done");
    }
}
