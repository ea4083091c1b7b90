//! Sockets in every way that takes ports: clients, binders, listeners, TIME_WAIT, in a namespace with a range of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::lab::sysctl;

/// How a client gets its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// connect() alone.
    Plain,
    /// bind(address, 0) with IP_BIND_ADDRESS_NO_PORT, then connect().
    NoPort(IpAddr),
    /// bind(address, 0), then connect().
    BindFirst(IpAddr),
    /// The same with SO_REUSEADDR, which looks for a port elsewhere in the range.
    BindFirstReuse(IpAddr),
    /// SO_BINDTODEVICE to `lo`, then connect().
    Device,
    /// bind(address, port), then connect().
    Explicit(IpAddr, u16),
    /// IP_LOCAL_PORT_RANGE, then connect().
    OwnRange(u16, u16),
    /// connect() of an IPv6 socket to the v4-mapped form.
    Mapped,
}

pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// An address of ours by its last byte: 127.0.0.N.
pub fn local(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, n))
}

/// An address of ours that is not loopback to the kernel, though it lies on `lo`: 192.0.2.N.
pub fn far(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
}

/// A global IPv6 address of ours.
pub fn far6() -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1))
}

/// Everything that is held.
#[derive(Default)]
pub struct Town {
    pub held: Vec<OwnedFd>,
    /// Listeners by port.
    servers: Vec<(SocketAddr, OwnedFd)>,
}

fn family(addr: IpAddr) -> AddressFamily {
    if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

pub fn tcp(addr: IpAddr) -> OwnedFd {
    rustix::net::socket_with(family(addr), SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap()
}

#[allow(unsafe_code)]
pub fn option(fd: &OwnedFd, level: i32, name: i32, value: u32) {
    let value = value.to_ne_bytes();
    // SAFETY: the value is alive for the call, and its length is given.
    let done = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), 4) };
    assert_eq!(done, 0, "setsockopt {level} {name}");
}

const IP_BIND_ADDRESS_NO_PORT: i32 = 24;
const IP_LOCAL_PORT_RANGE: i32 = 51;

impl Town {
    /// Addresses, room for descriptors and queues.
    pub fn found() -> Town {
        for address in ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "fd00::1/128"] {
            let nodad = if address.contains("::") { &["nodad"][..] } else { &[] };
            let added = std::process::Command::new("ip")
                .args(["addr", "add", address, "dev", "lo"])
                .args(nodad)
                .status();
            assert!(added.unwrap().success(), "{address}");
        }
        // An IPv6 address serves a moment after it was added.
        let probe = tcp(far6());
        for _ in 0..500 {
            match rustix::net::connect(&probe, &SocketAddr::new(far6(), 1)) {
                Err(Errno::NETUNREACH | Errno::ADDRNOTAVAIL) => super::lab::pause(10),
                _ => break,
            }
        }
        let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        let limit = rustix::process::Rlimit { current: hard, maximum: hard };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        sysctl("net.core.somaxconn", "65535");
        sysctl("net.ipv4.tcp_max_syn_backlog", "65535");
        Town::default()
    }

    /// A listener that lets connections wait.
    pub fn serve(&mut self, at: SocketAddr) {
        let fd = tcp(at.ip());
        sockopt::set_socket_reuseaddr(&fd, true).unwrap();
        if at.is_ipv6() {
            sockopt::set_ipv6_v6only(&fd, at.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED)).unwrap();
        }
        rustix::net::bind(&fd, &at).unwrap();
        rustix::net::listen(&fd, 65535).unwrap();
        self.servers.push((at, fd));
    }

    /// Another address by which a server is found.
    pub fn name_server(&mut self, name: SocketAddr, of: SocketAddr) {
        let (_, fd) = self.servers.iter().find(|(a, _)| *a == of).expect("a server");
        let fd = rustix::io::fcntl_dupfd_cloexec(fd, 0).unwrap();
        self.servers.push((name, fd));
    }

    /// A connection, or why there is none.
    pub fn connect(&self, way: Way, to: SocketAddr) -> Result<OwnedFd, Errno> {
        let fd = if way == Way::Mapped { tcp(SIX) } else { tcp(to.ip()) };
        match way {
            Way::Plain | Way::Mapped => {}
            Way::Device => option(&fd, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, 1),
            Way::BindFirstReuse(from) => {
                sockopt::set_socket_reuseaddr(&fd, true).unwrap();
                rustix::net::bind(&fd, &SocketAddr::new(from, 0))?;
            }
            Way::NoPort(from) => {
                option(&fd, libc::IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
                rustix::net::bind(&fd, &SocketAddr::new(from, 0))?;
            }
            Way::BindFirst(from) => rustix::net::bind(&fd, &SocketAddr::new(from, 0))?,
            Way::Explicit(from, port) => rustix::net::bind(&fd, &SocketAddr::new(from, port))?,
            Way::OwnRange(low, high) => {
                option(
                    &fd,
                    libc::IPPROTO_IP,
                    IP_LOCAL_PORT_RANGE,
                    u32::from(high) << 16 | u32::from(low),
                );
            }
        }
        let to = match (way, to.ip()) {
            (Way::Mapped, IpAddr::V4(v4)) => SocketAddr::new(v4.to_ipv6_mapped().into(), to.port()),
            _ => to,
        };
        rustix::net::connect(&fd, &to)?;
        Ok(fd)
    }

    /// Holds `n` connections, or as many as there can be; gives how many.
    pub fn connects(&mut self, n: usize, way: Way, to: SocketAddr) -> usize {
        for done in 0..n {
            match self.connect(way, to) {
                Ok(fd) => self.held.push(fd),
                Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => return done,
                Err(e) => panic!("{way:?} to {to}: {e}"),
            }
        }
        n
    }

    /// Takes the connections that wait at a server.
    fn accept_all(&self, at: SocketAddr) -> Vec<OwnedFd> {
        let (_, fd) = self.servers.iter().find(|(a, _)| *a == at).expect("a server");
        rustix::io::ioctl_fionbio(fd, true).unwrap();
        let accept = || rustix::net::accept_with(fd, SocketFlags::CLOEXEC);
        std::iter::from_fn(|| accept().ok()).collect()
    }

    /// `n` connections that the client closes first: TIME_WAIT on its side.
    pub fn time_wait(&mut self, n: usize, way: Way, to: SocketAddr) {
        // What waits there belongs to others.
        let others = self.accept_all(to);
        self.held.extend(others);
        for _ in 0..n {
            match self.connect(way, to) {
                Ok(fd) => drop(fd),
                Err(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => break,
                Err(e) => panic!("{way:?} to {to}: {e}"),
            }
            let ours = self.accept_all(to);
            assert_eq!(ours.len(), 1);
        }
    }

    /// `n` sockets bound to port 0 and not connected; gives how many there could be.
    pub fn binds(&mut self, n: usize, to: IpAddr, prepare: &dyn Fn(&OwnedFd)) -> usize {
        for done in 0..n {
            let fd = tcp(to);
            prepare(&fd);
            match rustix::net::bind(&fd, &SocketAddr::new(to, 0)) {
                Ok(()) => self.held.push(fd),
                Err(Errno::ADDRINUSE) => return done,
                Err(e) => panic!("bind {to}: {e}"),
            }
        }
        n
    }

    /// A socket bound to a port by name; `None` if it is taken.
    pub fn bind(&self, to: SocketAddr, prepare: &dyn Fn(&OwnedFd)) -> Option<OwnedFd> {
        let fd = tcp(to.ip());
        prepare(&fd);
        rustix::net::bind(&fd, &to).ok()?;
        Some(fd)
    }

    /// Listeners on these ports, those that are taken left out.
    pub fn listeners(&mut self, ports: impl Iterator<Item = u16>, on: IpAddr) -> Vec<u16> {
        let mut opened = Vec::new();
        for port in ports {
            let v6only = |fd: &OwnedFd| {
                if on.is_ipv6() {
                    sockopt::set_ipv6_v6only(fd, true).unwrap();
                }
            };
            if let Some(fd) = self.bind(SocketAddr::new(on, port), &v6only) {
                rustix::net::listen(&fd, 16).unwrap();
                self.held.push(fd);
                opened.push(port);
            }
        }
        opened
    }

    /// Connections that were accepted on these ports by listeners that are gone: the accepted ends stay. The clients come from
    /// ports above the range.
    pub fn orphaned_children(&mut self, ports: impl Iterator<Item = u16>, on: IpAddr, from: u16) {
        for (port, own) in ports.zip(from..) {
            let Some(listener) = self.bind(SocketAddr::new(on, port), &|_| ()) else { continue };
            rustix::net::listen(&listener, 4).unwrap();
            let client = self.connect(Way::Explicit(on, own), SocketAddr::new(on, port)).unwrap();
            let child = rustix::net::accept_with(&listener, SocketFlags::CLOEXEC).unwrap();
            self.held.extend([client, child]);
        }
    }
}
