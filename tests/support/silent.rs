//! A peer on a TUN device that says what it is told and nothing else: it makes the states that a well-behaved peer passes through in
//! no time (SYN_RECV, FIN_WAIT1, CLOSING, LAST_ACK).
#![allow(unsafe_code)]

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const ACK: u8 = 16;

/// Our address on the device; peers have others of 10.77.0.0/24.
pub const HOME: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The far end of the device.
pub struct Tun(OwnedFd);

/// A connection as the peer sees it.
#[derive(Clone, Copy)]
pub struct Line {
    pub peer: Ipv4Addr,
    pub peer_port: u16,
    pub home_port: u16,
    /// What the peer sends next.
    pub seq: u32,
    /// What it has of us.
    pub ack: u32,
}

impl Tun {
    /// The device, up and with its address; `None` where this machine has none for us.
    pub fn open() -> Option<Tun> {
        const TUNSETIFF: u64 = 0x4004_54ca;
        const IFF_TUN: u16 = 1;
        const IFF_NO_PI: u16 = 0x1000;
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open("/dev/net/tun", flags, Mode::empty()).ok()?;
        let mut request = [0u8; 40];
        request[..4].copy_from_slice(b"tun0");
        request[16..18].copy_from_slice(&(IFF_TUN | IFF_NO_PI).to_ne_bytes());
        // SAFETY: the request is a struct ifreq, alive and writable for the call.
        if unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETIFF as _, request.as_mut_ptr()) } != 0 {
            return None;
        }
        for args in
            [&["addr", "add", "10.77.0.1/24", "dev", "tun0"][..], &["link", "set", "tun0", "up"]]
        {
            assert!(Command::new("ip").args(args).status().unwrap().success());
        }
        Some(Tun(fd))
    }

    /// Sends a segment of a line.
    pub fn send(&self, line: &mut Line, flags: u8) {
        let packet = packet(line, flags);
        assert_eq!(rustix::io::write(&self.0, &packet).unwrap(), packet.len());
        if flags & (SYN | FIN) != 0 {
            line.seq = line.seq.wrapping_add(1);
        }
    }

    /// The sequence number of the next segment to a peer that has one of these flags.
    pub fn hear(&self, line: &Line, flags: u8) -> u32 {
        let mut packet = [0u8; 2000];
        for _ in 0..500 {
            match rustix::io::read(&self.0, &mut packet) {
                Ok(n) if n >= 40 && packet[0] == 0x45 && packet[9] == 6 => {
                    let port = u16::from_be_bytes([packet[22], packet[23]]);
                    if packet[16..20] == line.peer.octets()
                        && port == line.peer_port
                        && packet[33] & flags == flags
                    {
                        return u32::from_be_bytes(packet[24..28].try_into().unwrap());
                    }
                }
                Ok(_) => {}
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        panic!("nothing came for {}", line.peer);
    }

    /// Opens a connection to a listener of ours, up to the peer's last word of the handshake.
    pub fn connect(&self, peer: u8, home_port: u16) -> Line {
        self.connect_from(peer, 40_009, home_port)
    }

    /// Answers the next SYN to a port of a peer, and hears no more of it.
    pub fn answer(&self, peer: u8, peer_port: u16) {
        let peer = Ipv4Addr::new(10, 77, 0, peer);
        let mut packet = [0u8; 2000];
        for _ in 0..500 {
            let Ok(n) = rustix::io::read(&self.0, &mut packet) else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            let to = u16::from_be_bytes([packet[22], packet[23]]);
            if n >= 40 && packet[16..20] == peer.octets() && to == peer_port && packet[33] == SYN {
                let home_port = u16::from_be_bytes([packet[20], packet[21]]);
                let ack = u32::from_be_bytes(packet[24..28].try_into().unwrap()).wrapping_add(1);
                let mut line = Line { peer, peer_port, home_port, seq: 1000, ack };
                self.send(&mut line, SYN | ACK);
                return;
            }
        }
        panic!("no SYN came for {peer}");
    }

    /// The same from a port of the peer.
    pub fn connect_from(&self, peer: u8, peer_port: u16, home_port: u16) -> Line {
        let peer = Ipv4Addr::new(10, 77, 0, peer);
        let mut line = Line { peer, peer_port, home_port, seq: 1000, ack: 0 };
        self.send(&mut line, SYN);
        line.ack = self.hear(&line, SYN | ACK).wrapping_add(1);
        self.send(&mut line, ACK);
        line
    }
}

fn sum(bytes: &[u8], mut sum: u32) -> u32 {
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    sum
}

fn folded(mut sum: u32) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// An IPv4 packet with a TCP segment without data.
fn packet(line: &Line, flags: u8) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend(line.peer_port.to_be_bytes());
    tcp.extend(line.home_port.to_be_bytes());
    tcp.extend(line.seq.to_be_bytes());
    tcp.extend(line.ack.to_be_bytes());
    tcp.extend([0x50, flags]);
    tcp.extend(4096u16.to_be_bytes());
    tcp.extend([0; 4]);
    let mut pseudo = line.peer.octets().to_vec();
    pseudo.extend(HOME.octets());
    pseudo.extend([0, 6, 0, tcp.len() as u8]);
    let check = folded(sum(&tcp, sum(&pseudo, 0)));
    tcp[16..18].copy_from_slice(&check);
    let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0];
    ip.extend(line.peer.octets());
    ip.extend(HOME.octets());
    let check = folded(sum(&ip, 0));
    ip[10..12].copy_from_slice(&check);
    ip.extend(tcp);
    ip
}
