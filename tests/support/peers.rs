//! Scenes with a peer that says what it is told: dead peers, unanswered handshakes, black holes, floods, idle connections to another
//! machine. Each kind says whether this machine lets it be played.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, sockopt};

use super::lab::NO_TUN;
use super::silent::{ACK, FIN, HOME, Line, SYN, Tun};

/// What a scene with a peer holds.
pub struct Peers {
    pub tun: Tun,
    pub held: Vec<OwnedFd>,
    lines: Vec<Line>,
}

fn new_socket() -> OwnedFd {
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap()
}

fn door(port: u16, backlog: i32) -> OwnedFd {
    let fd = new_socket();
    let home = SocketAddr::V4(SocketAddrV4::new(HOME, port));
    rustix::net::bind(&fd, &home).unwrap();
    rustix::net::listen(&fd, backlog).unwrap();
    fd
}

impl Peers {
    /// Plays a scene; `None` if there is no such kind.
    ///
    /// # Panics
    /// The machine has no TUN device for us.
    pub fn play(kind: &str, count: usize, port: u16) -> Option<Peers> {
        let known = [
            "unanswered-data",
            "unanswered-syn",
            "unanswered-fin",
            "idle-far",
            "keepalive-far",
            "pool-far",
            "black-hole",
            "flood",
        ];
        if !known.contains(&kind) {
            return None;
        }
        let tun = Tun::open().unwrap_or_else(|| {
            println!("{NO_TUN}");
            std::process::exit(0)
        });
        let mut peers = Peers { tun, held: Vec::new(), lines: Vec::new() };
        peers.run(kind, count, port);
        Some(peers)
    }

    /// Connections that one peer opened to a listener of ours.
    fn accepted(&mut self, count: usize, port: u16) -> Vec<OwnedFd> {
        let door = door(port, 4096);
        let mut accepted = Vec::new();
        for i in 0..count {
            let line = self.tun.connect_from(40, 40_000 + i as u16, port);
            self.lines.push(line);
            accepted.push(rustix::net::accept_with(&door, SocketFlags::CLOEXEC).unwrap());
        }
        self.held.push(door);
        accepted
    }

    fn run(&mut self, kind: &str, count: usize, port: u16) {
        match kind {
            "unanswered-data" => {
                for fd in self.accepted(count, port) {
                    assert_eq!(rustix::io::write(&fd, &[7; 997]).unwrap(), 997);
                    self.held.push(fd);
                }
            }
            "unanswered-syn" => {
                for _ in 0..count {
                    let fd = new_socket();
                    rustix::io::ioctl_fionbio(&fd, true).unwrap();
                    let far = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 9), 7009);
                    let _ = rustix::net::connect(&fd, &SocketAddr::V4(far));
                    self.held.push(fd);
                }
            }
            "unanswered-fin" => {
                for fd in self.accepted(count, port) {
                    self.held.push(fd);
                }
                let mut lines = std::mem::take(&mut self.lines);
                lines.iter_mut().for_each(|line| self.tun.send(line, FIN | ACK));
                std::thread::sleep(Duration::from_millis(50));
                // The listener stands last and stays.
                let door = self.held.remove(0);
                self.held.clear();
                self.held.push(door);
            }
            "idle-far" => {
                let accepted = self.accepted(count, port);
                self.held.extend(accepted);
            }
            "keepalive-far" => {
                for fd in self.accepted(count, port) {
                    sockopt::set_socket_keepalive(&fd, true).unwrap();
                    self.held.push(fd);
                }
            }
            "pool-far" => {
                for _ in 0..count {
                    let fd = new_socket();
                    rustix::io::ioctl_fionbio(&fd, true).unwrap();
                    let far = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 50), 5432);
                    let _ = rustix::net::connect(&fd, &SocketAddr::V4(far));
                    self.tun.answer(50, 5432);
                    self.held.push(fd);
                }
            }
            "black-hole" => {
                // Those of the peer that carry full segments wait; one is idle, and speaks when it is told to.
                for (i, fd) in self.accepted(count + 1, port).into_iter().enumerate() {
                    if i < count {
                        assert_eq!(rustix::io::write(&fd, &[7; 9001]).unwrap(), 9001);
                    }
                    self.held.push(fd);
                }
            }
            "flood" => {
                self.held.push(door(port, 16));
                for i in 0..count {
                    let peer = Ipv4Addr::new(10, 77, 0, 10 + (i % 200) as u8);
                    let peer_port = 1024 + i as u16;
                    let mut line = Line { peer, peer_port, home_port: port, seq: 1, ack: 0 };
                    self.tun.send(&mut line, SYN);
                }
            }
            other => panic!("no scene is called {other}"),
        }
    }

    /// The last connection's peer acknowledges what it has.
    pub fn speak(&mut self) {
        if let Some(line) = self.lines.last_mut() {
            self.tun.send(line, ACK);
        }
    }

    /// Our side of every connection is shut down.
    pub fn shut(&mut self) {
        for fd in &self.held {
            let _ = rustix::net::shutdown(fd, Shutdown::Write);
        }
    }
}
