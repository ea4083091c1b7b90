//! What connect() costs by how full its pool is: `cargo bench --bench cliff`. The half of the range that is tried first is full at 50 %, and
//! from there on every search walks through it: the cliff that `connect-search-cliff` and `until_cliff` are about. Only ratios to an almost
//! empty pool are printed.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::pedantic, missing_docs)]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Instant;

use rustix::net::{AddressFamily, SocketType, sockopt};

/// Ports of the range.
const PORTS: usize = 8000;
/// Connects timed at each step.
const TIMED: usize = 400;

fn main() {
    if std::env::var_os("TCPVET_BENCH").is_some() {
        inside();
        return;
    }
    let root = rustix::process::geteuid().is_root();
    let status = Command::new("unshare")
        .args([if root { "-n" } else { "-rn" }, "--"])
        .arg(std::env::current_exe().unwrap())
        .env("TCPVET_BENCH", "inside")
        .status();
    if !status.is_ok_and(|s| s.success()) {
        println!("SKIPPED: this machine allows no network namespace");
    }
}

fn connect() -> OwnedFd {
    let fd = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    // Closed by a reset, so that no TIME_WAIT stays.
    sockopt::set_socket_linger(&fd, Some(std::time::Duration::ZERO)).unwrap();
    rustix::net::connect(&fd, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7001)).unwrap();
    fd
}

fn inside() {
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let write = |name: &str, value: String| {
        std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
    };
    write("ipv4/ip_local_port_range", format!("20000 {}", 20_000 + PORTS - 1));
    write("core/somaxconn", "65535".into());
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let limit = rustix::process::Rlimit { current: hard, maximum: hard };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let server = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&server, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7001)).unwrap();
    rustix::net::listen(&server, 65_535).unwrap();
    let mut held: Vec<OwnedFd> = Vec::with_capacity(PORTS);
    let mut first = None;
    println!("{PORTS} ports, one destination; median of {TIMED} connects, ratio to 10 % full");
    for percent in [10, 40, 48, 52, 70, 90, 98] {
        while held.len() < PORTS * percent / 100 {
            held.push(connect());
        }
        let mut times: Vec<f64> = (0..TIMED)
            .map(|_| {
                let start = Instant::now();
                let fd = connect();
                let took = start.elapsed().as_secs_f64();
                drop(fd);
                took
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let median = times[TIMED / 2];
        let base = *first.get_or_insert(median);
        println!("{percent:>3} % full   {:>6.1}", median / base);
    }
}
