//! Every row of the table of capacities: what takes ports of whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::sockopt;

use super::{Question, measure};
use crate::support::lab::{pause, sysctl};
use crate::support::town::{HERE, SIX, Town, Way, far, far6, local};

const LOW: u16 = 20_000;
/// The number of ports: even, so that every one is tried.
const SIZE: u16 = 1010;
const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ANY_SIX: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

fn at(addr: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(addr, port)
}

type Play = fn(&mut Town) -> Question;

fn plain(to: SocketAddr) -> Question {
    Question::connect(Way::Plain, to)
}

const ROWS: &[(&str, Play)] = &[
    ("ipv4", |t| {
        t.connects(137, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("odd-range", |t| {
        sysctl("net.ipv4.ip_local_port_range", "20000 21008");
        t.connects(137, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("ipv4-not-loopback", |t| {
        t.connects(137, Way::Plain, at(far(1), 7001));
        plain(at(far(1), 7001)).then_bind(far(2))
    }),
    ("ipv6-loopback", |t| {
        t.connects(137, Way::Plain, at(SIX, 7001));
        plain(at(SIX, 7001)).then_bind(SIX)
    }),
    ("ipv6-global", |t| {
        t.connects(137, Way::Plain, at(far6(), 7001));
        plain(at(far6(), 7001)).then_bind(SIX)
    }),
    ("other-port", |t| {
        t.connects(1010, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7002))
    }),
    ("other-address", |t| {
        t.connects(1010, Way::Plain, at(HERE, 7001));
        plain(at(local(2), 7001)).then_bind(local(3))
    }),
    ("other-family", |t| {
        t.connects(1010, Way::Plain, at(HERE, 7001));
        plain(at(SIX, 7001)).then_bind(SIX)
    }),
    ("mapped-and-plain", |t| {
        t.connects(211, Way::Mapped, at(HERE, 7001));
        t.connects(137, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001))
    }),
    ("mapped-last", |t| {
        t.connects(211, Way::Plain, at(HERE, 7001));
        Question::connect(Way::Mapped, at(HERE, 7001))
    }),
    ("bind-first", |t| {
        t.connects(211, Way::BindFirst(HERE), at(HERE, 7001));
        t.connects(97, Way::BindFirst(HERE), at(local(2), 7002));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("bind-first-elsewhere", |t| {
        t.connects(211, Way::BindFirst(HERE), at(HERE, 7001));
        plain(at(HERE, 7002)).then_bind(local(4))
    }),
    ("bind-first-full", |t| {
        t.connects(1010, Way::BindFirst(HERE), at(HERE, 7001));
        plain(at(HERE, 7002)).then_bind(local(4))
    }),
    ("bind-wildcard", |t| {
        t.binds(307, ANY, &|_| ());
        plain(at(HERE, 7001)).then_bind(local(9))
    }),
    ("bind-wildcard-dual", |t| {
        t.binds(307, ANY_SIX, &|_| ());
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("bind-wildcard-v6only", |t| {
        t.binds(307, ANY_SIX, &|fd: &OwnedFd| sockopt::set_ipv6_v6only(fd, true).unwrap());
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("bind-wildcard-full", |t| {
        t.binds(1011, ANY, &|_| ());
        plain(at(HERE, 7001)).then_bind(local(9))
    }),
    ("connect-filled-then-bind", |t| {
        t.connects(809, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("connect-filled-then-bind-dual-wildcard", |t| {
        t.connects(409, Way::Plain, at(SIX, 7001));
        t.connects(307, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(ANY_SIX)
    }),
    ("no-port", |t| {
        t.connects(307, Way::NoPort(local(5)), at(HERE, 7001));
        t.connects(101, Way::NoPort(local(5)), at(HERE, 7002));
        Question::connect(Way::NoPort(local(5)), at(HERE, 7001)).then_bind(local(5))
    }),
    ("reuseaddr", |t| {
        t.binds(307, HERE, &|fd: &OwnedFd| sockopt::set_socket_reuseaddr(fd, true).unwrap());
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("autobind-reuse", |t| {
        sysctl("net.ipv4.ip_autobind_reuse", "1");
        t.binds(307, HERE, &|fd: &OwnedFd| sockopt::set_socket_reuseaddr(fd, true).unwrap());
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("reuseport", |t| {
        t.binds(307, HERE, &|fd: &OwnedFd| sockopt::set_socket_reuseport(fd, true).unwrap());
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("half-by-bind", |t| {
        t.connects(503, Way::BindFirst(HERE), at(HERE, 7002));
        t.connects(101, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001))
    }),
    ("listeners-elsewhere", |t| {
        t.listeners((LOW..).step_by(7).take(101), local(7));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("listeners-v6only", |t| {
        t.listeners((LOW + 1..).step_by(3).take(53), SIX);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("closed-listeners", |t| {
        t.orphaned_children((LOW + 2..).step_by(5).take(101), local(7), 61_000);
        plain(at(HERE, 7001)).then_bind(local(7))
    }),
    ("explicit-idle", |t| {
        let fds: Vec<OwnedFd> =
            (LOW..LOW + 101).filter_map(|p| t.bind(at(local(8), p), &|_| ())).collect();
        t.held.extend(fds);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("explicit-connected", |t| {
        for port in LOW..LOW + 101 {
            t.connects(1, Way::Explicit(local(8), port), at(HERE, 7002));
        }
        plain(at(HERE, 7001)).then_bind(local(8))
    }),
    ("released-binds", |t| {
        t.connects(307, Way::Plain, at(HERE, 7001));
        let held: Vec<OwnedFd> =
            (LOW..LOW + 101).filter_map(|p| t.bind(at(local(8), p), &|_| ())).collect();
        assert!(held.len() > 50);
        drop(held);
        plain(at(HERE, 7002)).then_bind(HERE)
    }),
    ("datagrams", |t| {
        for port in LOW..LOW + 101 {
            let fd = rustix::net::socket(
                rustix::net::AddressFamily::INET,
                rustix::net::SocketType::DGRAM,
                None,
            );
            let fd = fd.unwrap();
            rustix::net::bind(&fd, &at(HERE, port)).unwrap();
            t.held.push(fd);
        }
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("reserved", |t| {
        sysctl("net.ipv4.ip_local_reserved_ports", "20100-20199,30000");
        t.connects(37, Way::Plain, at(HERE, 7001));
        t.connects(1, Way::Explicit(HERE, 20_150), at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("own-range-inside", |t| {
        t.connects(31, Way::OwnRange(20_100, 20_199), at(HERE, 7001));
        let question = Question::connect(Way::OwnRange(20_100, 20_199), at(HERE, 7001));
        Question { what_if: Some("socket_range=20100-20199".into()), ..question }
    }),
    ("own-range-half-bound", |t| {
        for port in (20_100..20_200).step_by(2) {
            t.connects(1, Way::Explicit(local(8), port), at(HERE, 7002));
        }
        let question = Question::connect(Way::OwnRange(20_100, 20_199), at(HERE, 7001));
        Question { what_if: Some("socket_range=20100-20199".into()), ..question }
    }),
    ("own-range-outside", |t| {
        t.connects(137, Way::Plain, at(HERE, 7001));
        let question = Question::connect(Way::OwnRange(40_000, 40_099), at(HERE, 7001));
        Question { what_if: Some("socket_range=40000-40099".into()), ..question }
    }),
    ("own-range-others", |t| {
        // Odd ports taken without regard to parity: to who is blind they look bound.
        t.connects(61, Way::OwnRange(20_101, 20_301), at(HERE, 7002));
        plain(at(HERE, 7001))
    }),
    ("time-wait-kept", |t| {
        sysctl("net.ipv4.tcp_tw_reuse", "0");
        t.time_wait(211, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("time-wait-old", |t| {
        t.time_wait(211, Way::Plain, at(HERE, 7001));
        pause(1300);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("time-wait-young", |t| {
        sysctl("net.ipv4.tcp_tw_reuse_delay", "30000");
        t.time_wait(211, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001))
    }),
    ("time-wait-not-loopback", |t| {
        t.time_wait(211, Way::Plain, at(far(1), 7001));
        pause(1300);
        plain(at(far(1), 7001))
    }),
    ("time-wait-everywhere-unknown", |t| {
        sysctl("net.ipv4.tcp_tw_reuse", "1");
        t.time_wait(211, Way::Plain, at(far(1), 7001));
        pause(1300);
        plain(at(far(1), 7001))
    }),
    ("time-wait-everywhere-seen", |t| {
        sysctl("net.ipv4.tcp_tw_reuse", "1");
        t.time_wait(211, Way::Plain, at(far(1), 7001));
        t.connects(3, Way::Plain, at(far(1), 7001));
        pause(1300);
        plain(at(far(1), 7001))
    }),
    ("time-wait-without-timestamps", |t| {
        sysctl("net.ipv4.tcp_timestamps", "0");
        t.time_wait(211, Way::Plain, at(HERE, 7001));
        pause(1300);
        plain(at(HERE, 7001))
    }),
    ("time-wait-bound-first", |t| {
        t.time_wait(211, Way::BindFirst(HERE), at(HERE, 7001));
        pause(1300);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("time-wait-bound-first-elsewhere", |t| {
        t.time_wait(211, Way::BindFirst(HERE), at(HERE, 7001));
        plain(at(HERE, 7002))
    }),
    ("time-wait-mapped", |t| {
        t.time_wait(101, Way::Mapped, at(HERE, 7001));
        pause(1300);
        Question::connect(Way::Mapped, at(HERE, 7001))
    }),
    ("time-wait-bound-with-reuseaddr", |t| {
        t.time_wait(599, Way::BindFirstReuse(HERE), at(HERE, 7001));
        plain(at(HERE, 7002)).then_bind(HERE)
    }),
    ("time-wait-of-named-ports", |t| {
        for port in LOW + 300..LOW + 800 {
            t.time_wait(1, Way::Explicit(HERE, port), at(HERE, 7001));
        }
        plain(at(HERE, 7002))
    }),
    ("time-wait-of-named-ports-same-destination", |t| {
        for port in LOW + 300..LOW + 800 {
            t.time_wait(1, Way::Explicit(HERE, port), at(HERE, 7001));
        }
        pause(1300);
        plain(at(HERE, 7001))
    }),
    ("time-wait-everywhere-on-a-full-range", |t| {
        t.time_wait(1010, Way::Plain, at(HERE, 7001));
        pause(1300);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("time-wait-on-a-full-range-elsewhere", |t| {
        sysctl("net.ipv4.tcp_tw_reuse", "0");
        t.time_wait(1010, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7002))
    }),
    ("device-clients", |t| {
        t.connects(211, Way::Device, at(HERE, 7001));
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
    ("clients-of-a-device", |t| {
        t.connects(211, Way::Plain, at(HERE, 7001));
        t.connects(1, Way::Device, at(HERE, 7001));
        Question::connect(Way::Device, at(HERE, 7001))
    }),
    ("small-table-of-time-wait", |t| {
        sysctl("net.ipv4.tcp_max_tw_buckets", "31");
        sysctl("net.ipv4.tcp_tw_reuse", "0");
        t.time_wait(211, Way::Plain, at(HERE, 7001));
        plain(at(HERE, 7001))
    }),
    ("fin-wait2", |t| {
        // Closed by the client only: the server's ends wait in its queue.
        for _ in 0..101 {
            drop(t.connect(Way::Plain, at(HERE, 7001)).unwrap());
        }
        pause(1300);
        plain(at(HERE, 7001)).then_bind(HERE)
    }),
];

pub(super) fn names() -> Vec<String> {
    ROWS.iter().map(|(name, _)| (*name).to_string()).collect()
}

pub(super) fn play(name: &str, town: &mut Town) {
    sysctl("net.ipv4.ip_local_port_range", &format!("{LOW} {}", LOW + SIZE - 1));
    for to in [at(ANY, 7001), at(ANY, 7002), at(SIX, 7001), at(far6(), 7001)] {
        town.serve(to);
    }
    // The servers of TIME_WAIT are asked for by their very address.
    for to in [at(HERE, 7001), at(far(1), 7001)] {
        town.name_server(to, at(ANY, 7001));
    }
    let (_, play) = ROWS.iter().find(|(n, _)| *n == name).expect("a row of the table");
    let question = play(town);
    measure(name, town, &question);
}
