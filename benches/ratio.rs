//! Ratios of whole processes against the reading floor, in a population of its own: `cargo bench [-- PAIRS]`.
//!
//! The floor asks for the same dump (IPv4, then IPv6, all states, no attributes; all of them for `list -i`), reads it and decodes nothing. Both sides run in turn,
//! and only ratios of medians are printed: absolute times depend on the machine and its load.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::pedantic, missing_docs)]

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tcpvet::model::endpoint::Family;
use tcpvet::model::state::StateSet;
use tcpvet::sys::System;
use tcpvet::sys::live::Live;
use tcpvet::wire::request::{EXT_ALL, Request};

/// Connections of one holder process: two descriptors each, below the usual hard limit.
const PER_PROCESS: usize = 8000;
const ROUNDS: usize = 9;

fn main() {
    let role = std::env::var("TCPVET_BENCH").unwrap_or_default();
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    match role.as_str() {
        "floor" => floor(0),
        "floor-all" => floor(EXT_ALL),
        "hold" => hold(args[0].parse().unwrap(), args[1].parse().unwrap()),
        "inside" => measure(args.first().map_or(50_000, |n| n.parse().unwrap())),
        _ => {
            let root = rustix::process::geteuid().is_root();
            let status = Command::new("unshare")
                .args([if root { "-n" } else { "-rn" }, "--"])
                .arg(std::env::current_exe().unwrap())
                .args(args)
                .env("TCPVET_BENCH", "inside")
                .status();
            if !status.is_ok_and(|s| s.success()) {
                println!("SKIPPED: this machine allows no network namespace");
            }
        }
    }
}

/// Reads the dump with these attributes and looks at nothing but its end.
fn floor(extensions: u8) {
    for family in [Family::Ipv4, Family::Ipv6] {
        let request = Request { family: Some(family), ..Request::tcp(StateSet::ALL, extensions) };
        let done = |datagram: &[u8]| {
            let tail = datagram.len().saturating_sub(20);
            datagram.get(tail + 4..tail + 6) == Some(&[3, 0])
        };
        Live::here().sock_diag(&request, &mut |datagram| !done(datagram)).unwrap();
    }
}

/// Holds connections until standard input ends; each process has a source address of its own.
fn hold(process: u8, connections: usize) {
    let limit = rustix::process::Rlimit { current: Some(20_000), maximum: Some(20_000) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
    let port = 7000 + u16::from(process);
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let mut held = Vec::with_capacity(2 * connections);
    for _ in 0..connections {
        let to = SocketAddrV4::new(Ipv4Addr::new(127, 2, 0, process), port);
        held.push(TcpStream::connect(to).unwrap());
        held.push(listener.accept().unwrap().0);
    }
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn holders(pairs: usize) -> Vec<Child> {
    let count = pairs.div_ceil(PER_PROCESS);
    let mut children = Vec::new();
    for i in 0..count {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([i.to_string(), (pairs / count).to_string()])
            .env("TCPVET_BENCH", "hold")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        children.push(child);
    }
    children
}

fn timed(command: &mut Command) -> f64 {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
    start.elapsed().as_secs_f64()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Ten assertions that hold here, with --exit-zero, so that all that is timed is the asking.
const TEN: [&str; 22] = [
    "check",
    "--exit-zero",
    "--assert",
    "count(state close-wait) == 0",
    "--assert",
    "count(state established) < 3000000",
    "--assert",
    "count(state close-wait and process = app) == 0",
    "--assert",
    "count(sport = 80) == 0",
    "--assert",
    "count(dport in (5432, 3306) and state established) == 0",
    "--assert",
    "sum(recvq) < 1G",
    "--assert",
    "max(sendq) < 1G",
    "--assert",
    "max(rtt, state established and dport = 1) < 1s",
    "--assert",
    "headroom(to 10.0.0.5:5432) > 1",
    "--assert",
    "not listening(80)",
];

fn measure(pairs: usize) {
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "10000 65000").unwrap();
    let children = holders(pairs);
    let runs: [(&str, &[&str]); 15] = [
        ("diagnose", &["diagnose"]),
        ("check --assert", &["check", "--assert", "count(state close-wait) == 0"]),
        ("check, ten assertions", &TEN),
        ("summary", &["summary"]),
        ("list --owners none", &["list", "--owners", "none"]),
        ("list", &["list"]),
        ("list --owners proc", &["list", "--owners", "proc"]),
        ("list -i", &["list", "-iH", "--owners", "none"]),
        ("list --json", &["list", "--json"]),
        ("list -tlnp", &["list", "-tlnp"]),
        ("list, one port", &["list", "--owners", "none", "dport = 7001"]),
        ("ports", &["ports"]),
        ("ports --json", &["ports", "--json"]),
        ("listen", &["listen"]),
        ("listen --brief", &["listen", "--brief"]),
    ];
    let (mut floors, mut full) = (Vec::new(), Vec::new());
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..ROUNDS {
        let exe = std::env::current_exe().unwrap();
        floors.push(timed(Command::new(&exe).env("TCPVET_BENCH", "floor")));
        full.push(timed(Command::new(&exe).env("TCPVET_BENCH", "floor-all")));
        for (i, (_, args)) in runs.iter().enumerate() {
            times[i].push(timed(Command::new(env!("CARGO_BIN_EXE_tcpvet")).args(*args)));
        }
    }
    let (floor, full) = (median(&mut floors), median(&mut full));
    println!(
        "{} sockets, medians of {ROUNDS} interleaved runs, ratio to the reading floor",
        2 * pairs
    );
    for ((name, _), times) in runs.iter().zip(&mut times) {
        // Details are held against a floor that asks for them too.
        let against = if *name == "list -i" { full } else { floor };
        println!("{name:<20} {:.2}", median(times) / against);
    }
    for mut child in children {
        drop(child.stdin.take());
        let _ = child.wait();
    }
}
