//! Random mixtures of everything that takes ports; the seed is printed with every miss, and replays it:
//! `TCPVET_ORACLE=SEED cargo test live::oracle::play -- --ignored` in a namespace of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use super::{Question, measure};
use crate::support::lab::{pause, sysctl};
use crate::support::town::{HERE, SIX, Town, Way, far, far6, local};

/// Seeds of the committed run.
pub(super) fn seeds() -> std::ops::Range<u64> {
    1..71
}

/// xorshift64*: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// From `low` to `high`.
    fn from(&mut self, low: usize, high: usize) -> usize {
        low + (self.roll() as usize) % (high - low + 1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.from(0, of.len() - 1)]
    }
}

pub(super) fn play(seed: u64, town: &mut Town) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let size = match dice.from(0, 3) {
        0 => dice.from(16, 64),
        1 => dice.from(65, 500),
        2 => dice.from(501, 1500),
        _ => dice.from(1501, 4001),
    };
    // A range of odd length leaves an end out: one in four is enough of those.
    let size = if dice.from(0, 3) == 0 { size | 1 } else { size & !1 };
    let low = dice.from(20_000, 50_000) as u16;
    let high = low + size as u16 - 1;
    sysctl("net.ipv4.ip_local_port_range", &format!("{low} {high}"));
    if dice.from(0, 2) == 0 {
        let first = low + dice.from(0, size / 2) as u16;
        let last = first + dice.from(0, size / 8) as u16;
        sysctl("net.ipv4.ip_local_reserved_ports", &format!("{first}-{last},9,{}", high - 1));
    }
    let reuse = dice.pick(&["0", "1", "1", "2", "2"]);
    sysctl("net.ipv4.tcp_tw_reuse", reuse);
    let is_old = dice.from(0, 1) == 0;
    sysctl("net.ipv4.tcp_tw_reuse_delay", if is_old { "300" } else { "50000" });
    if dice.from(0, 7) == 0 {
        sysctl("net.ipv4.tcp_timestamps", "0");
    }
    let servers = [
        SocketAddr::new(HERE, 7001),
        SocketAddr::new(local(2), 7001),
        SocketAddr::new(HERE, 7002),
        SocketAddr::new(far(1), 7001),
        SocketAddr::new(SIX, 7001),
        SocketAddr::new(far6(), 7003),
    ];
    servers.iter().for_each(|s| town.serve(*s));
    let mut outside = 60_000u16;
    for _ in 0..dice.from(2, 9) {
        step(&mut dice, town, &servers, low, size, &mut outside);
    }
    pause(700);
    let to = dice.pick(&servers);
    let way = match to.ip() {
        IpAddr::V4(_) => dice.pick(&[
            Way::Plain,
            Way::Plain,
            Way::Mapped,
            Way::NoPort(local(3)),
            Way::NoPort(far(2)),
        ]),
        IpAddr::V6(_) => Way::Plain,
    };
    // Between loopback and other addresses there is no way.
    let way = match (way, to.ip()) {
        (Way::NoPort(from), ip) if from.is_loopback() != ip.is_loopback() => Way::Plain,
        _ => way,
    };
    let bind = dice.pick(&[
        HERE,
        local(3),
        far(2),
        SIX,
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ]);
    let question = Question::connect(way, to).then_bind(bind);
    measure(&format!("mixture {seed} ({low}-{high}, reuse {reuse})"), town, &question);
}

/// One thing that takes ports.
fn step(
    dice: &mut Dice,
    town: &mut Town,
    servers: &[SocketAddr],
    low: u16,
    size: usize,
    outside: &mut u16,
) {
    let n = dice.from(1, (size / 6).max(2));
    let to = dice.pick(servers);
    let first = low + dice.from(0, size - 1) as u16;
    let last = low + size as u16 - 1;
    let stride = dice.from(1, 3);
    let ports = (first..=last).step_by(stride).take(n);
    let four = dice.pick(&[HERE, local(3), local(4)]);
    // A source that can reach the server.
    let from = match to.ip() {
        ip if ip.is_ipv6() => ip,
        ip if ip.is_loopback() => four,
        _ => far(2),
    };
    let way = if from.is_ipv6() { Way::Plain } else { Way::NoPort(from) };
    match dice.from(0, 15) {
        0 | 1 => {
            town.connects(n, Way::Plain, to);
        }
        2 if to.is_ipv4() => {
            town.connects(n, Way::Mapped, to);
        }
        2 | 3 => {
            town.connects(n, way, to);
        }
        4 | 5 => {
            town.connects(n, Way::BindFirst(from), to);
        }
        6 => {
            town.binds(
                n,
                dice.pick(&[HERE, local(4), SIX, IpAddr::V4(Ipv4Addr::UNSPECIFIED)]),
                &|_| (),
            );
        }
        7 => {
            for port in ports {
                town.connects(1, Way::Explicit(from, port), to);
            }
        }
        8 => {
            town.listeners(ports, dice.pick(&[HERE, local(7), SIX, far(3)]));
        }
        9 => {
            let on = dice.pick(&[HERE, local(7)]);
            town.orphaned_children(ports.take(200), on, *outside);
            *outside += 200;
        }
        10 => {
            let held: Vec<OwnedFd> =
                ports.filter_map(|p| town.bind(SocketAddr::new(local(8), p), &|_| ())).collect();
            drop(held);
        }
        11 | 12 => town.time_wait(n, Way::Plain, to),
        13 => town.time_wait(n, dice.pick(&[Way::BindFirst(from), Way::BindFirstReuse(from)]), to),
        14 => {
            let end = last.min(first + 300);
            town.connects(n, if to.is_ipv4() { Way::OwnRange(first, end) } else { Way::Plain }, to);
        }
        _ => town.time_wait(n, way, to),
    }
}
