//! A process that makes one scene of sockets on loopback and holds it: this test binary run again, with `KIND [COUNT] [PORT]` in
//! its environment and `scene` as its name. It prints `ready`, obeys the
//! words `reset` (close everything by RST, so that no TIME_WAIT stays) and `drain` on standard input, and ends with it.
//!
//! Kinds: `leak N` (N connections closed by the client and kept by the server), `keepalive-leak N` (the same with keepalive on),
//! `half-close N` (N connections whose client shut down writing and whose server still answers), `hostile-leak N` (a leak of a
//! process with a hostile name), `unaccepted N` (N connections
//! closed by the client before anybody accepted them), `established N`, `time-wait N` (closed by the client first), `busy N` (half of each), `backlog N` (a
//! listener of backlog 5 that accepts nothing), `bound N` (bound and not connected), `explicit N` (connected from ports
//! given to bind()), `mixed` (a bit of everything).
use std::io::BufRead;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, sockopt};

struct Scene {
    port: u16,
    listener: OwnedFd,
    /// Everything that is held.
    held: Vec<OwnedFd>,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

fn new_socket(family: AddressFamily) -> OwnedFd {
    rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap()
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
                for port in (low + 10..).take(count) {
                    let fd = new_socket(AddressFamily::INET);
                    rustix::net::bind(&fd, &at(port)).unwrap();
                    rustix::net::connect(&fd, &at(self.port)).unwrap();
                    self.held.push(fd);
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
            other => panic!("no scene is called {other}"),
        }
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
    let mut scene = Scene { port, listener: listen(port, 4096), held: Vec::new() };
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
