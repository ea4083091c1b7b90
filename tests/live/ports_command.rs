//! `ports`: rates, forecasts, one port, other settings, several namespaces, on real sockets.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::lab::{Scene, has_bpf, lab_test, pause, sysctl};
use crate::support::run::{json, run, tcpvet};
use crate::support::town::{HERE, Town, Way, local};

const RANGE: &str = "net.ipv4.ip_local_port_range";

/// The first destination toward a port.
fn toward(document: &Value, port: u16) -> Value {
    let rows = document["destinations"].as_array().unwrap();
    let row = rows.iter().find(|d| d["peer"]["port"] == port);
    row.unwrap_or_else(|| panic!("no row for {port}: {document}")).clone()
}

/// Opens and closes connections at a rate, this side first, until `time` is over or no port is left; gives how many, and when it
/// ended.
fn churn(to: SocketAddr, per_second: f64, time: Duration) -> (u32, Duration) {
    let listener = TcpListener::bind(to).unwrap();
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < time {
        let Ok(client) = TcpStream::connect(to) else { break };
        let (server, _) = listener.accept().unwrap();
        drop(client);
        drop(server);
        done += 1;
        let due = Duration::from_secs_f64(f64::from(done) / per_second);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    (done, start.elapsed())
}

fn rate_of(per_second: f64, port: u16) {
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let to = SocketAddr::new(HERE, port);
    let (done, took) = churn(to, per_second, Duration::from_secs(8));
    let row = toward(&json(&["ports"]), port);
    let told = row["close_rate_per_s"].as_f64().unwrap();
    let made = f64::from(done) / took.as_secs_f64();
    assert!((told / made - 1.0).abs() < 0.05, "made {made:.2}/s, told {told:.2}/s");
    assert_eq!((&row["used"], &row["by_state"]["time_wait"]), (&json!(done), &json!(done)));
    let closes: Vec<u64> =
        row["closes_last_60s"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!((closes.len(), closes.iter().sum::<u64>()), (60, u64::from(done)));
    assert_eq!(closes[..50].iter().sum::<u64>(), 0, "it began eight seconds ago");
    assert_eq!(row["close_rate_at_least"], false);
    assert_eq!((&row["releases_10s"], &row["releases_60s"]), (&json!(0), &json!(done)));
}

lab_test!(seven_closes_a_second_are_told_as_seven, {
    rate_of(7.0, 7001);
});

lab_test!(thirty_one_closes_a_second_are_told_as_thirty_one, {
    rate_of(31.0, 7001);
});

lab_test!(a_hundred_and_one_closes_a_second_are_told_as_so_many, {
    rate_of(101.0, 7001);
});

lab_test!(the_time_to_exhaustion_comes_true, {
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    sysctl(RANGE, "20000 20501");
    let to = SocketAddr::new(HERE, 7001);
    let asker = std::thread::spawn(move || {
        pause(3000);
        let asked = Instant::now();
        let row = toward(&json(&["ports", "--to", "127.0.0.1:7001"]), 7001);
        (asked, row)
    });
    let start = Instant::now();
    let (done, took) = churn(to, 53.0, Duration::from_secs(60));
    // Every port of an even range was used. The pass over open files holds each for a moment: a close() in that moment is done after the
    // server's, so that the server has the TIME_WAIT and the port serves once more.
    assert!((502..=504).contains(&done), "{done}");
    let (asked, row) = asker.join().unwrap();
    let really = took.as_secs_f64() - (asked - start).as_secs_f64();
    let told = row["seconds_to_exhaustion"].as_f64().unwrap();
    println!("time to exhaustion compared: told {told:.2} s, really {really:.2} s");
    assert!((told / really - 1.0).abs() < 0.1, "told {told:.2} s, really {really:.2} s");
    let cliff = row["seconds_to_cliff"].as_f64().unwrap();
    assert!(cliff > 0.0 && cliff < told / 1.5, "{cliff}");
    let full = toward(&json(&["ports"]), 7001);
    assert_eq!((&full["headroom"], &full["headroom_max"]), (&json!(0), &json!(0)));
    assert_eq!((&full["seconds_to_exhaustion"], &full["until_cliff"]), (&json!(0), &json!(0)));
});

lab_test!(the_well_known_sum_is_told_with_its_remedies, {
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let ask = |what_if: &str| {
        let document = json(&["ports", "--to", "192.0.2.9:443", "--what-if", what_if]);
        toward(&document, 443)
    };
    let now = ask("rate=1000");
    let near = |row: &Value, key: &str, want: f64| {
        let got = row[key].as_f64().unwrap_or_else(|| panic!("{key}: {row}"));
        assert!((got - want).abs() < want * 0.01, "{key}: {got}, not {want}");
    };
    assert_eq!((&now["usable"], &now["headroom"]), (&json!(28232), &json!(28232)));
    near(&now, "seconds_to_exhaustion", 28.23);
    near(&now, "seconds_to_cliff", 14.12);
    near(&now, "max_rate_per_s", 470.5);
    near(&now["max_rate_with"], "tw_reuse", 28_232.0);
    near(&now["max_rate_with"], "wider_range", 766.7);
    near(&now["max_rate_with"], "two_sources", 941.1);
    let wider = ask("rate=1000,range=15000-60999");
    near(&wider, "seconds_to_exhaustion", 46.0);
    near(&wider, "max_rate_per_s", 766.7);
    let sources = ask("rate=1000,sources=2");
    near(&sources, "seconds_to_exhaustion", 56.5);
    assert_eq!(sources["headroom"], 56_464);
    let slow = ask("rate=470");
    assert_eq!(slow["seconds_to_exhaustion"], Value::Null, "below the ceiling for good");
    let reuse = ask("rate=1000,tw_reuse=1");
    assert_eq!((&reuse["reuse"], &reuse["reuse_reason"]), (&json!("unknown"), &Value::Null));
});

lab_test!(what_if_recomputes_what_is_there, {
    sysctl(RANGE, "20000 20101");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let mut town = Town::found();
    let to = SocketAddr::new(HERE, 7001);
    town.serve(to);
    town.time_wait(31, Way::Plain, to);
    town.connects(23, Way::Plain, to);
    pause(1200);
    let left =
        |args: &[&str]| toward(&json(&[&["ports"], args].concat()), 7001)["headroom"].clone();
    assert_eq!(left(&[]), 48);
    assert_eq!(left(&["--what-if", "tw_reuse=2"]), 79);
    assert_eq!(left(&["--what-if", "range=20000-20201"]), 148);
    assert_eq!(left(&["--what-if", "sources=3"]), 48 + 204);
    assert_eq!(left(&["--what-if", "reserved=20000-20099,tw_reuse=0"]), 2 - busy_at_end(&town));
});

/// How many of the two highest ports of the range are in use.
fn busy_at_end(town: &Town) -> usize {
    [20_100, 20_101]
        .iter()
        .filter(|p| town.bind(SocketAddr::new(HERE, **p), &|_| ()).is_none())
        .count()
}

lab_test!(two_looks_tell_connects_and_growth, {
    let mut town = Town::found();
    let to = SocketAddr::new(HERE, 7001);
    town.serve(to);
    town.connects(11, Way::Plain, to);
    let child = tcpvet().args(["ports", "--sample", "3s", "--json"]).stdout(Stdio::piped()).spawn();
    pause(500);
    for _ in 0..101 {
        town.connects(1, Way::Plain, to);
        pause(15);
    }
    let output = child.unwrap().wait_with_output().unwrap();
    let document = crate::support::run::document(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(document["sampled_ms"], 3000);
    let row = toward(&document, 7001);
    let (connects, growth) =
        (row["connect_rate_per_s"].as_f64().unwrap(), row["growth_per_s"].as_f64().unwrap());
    assert!((connects - 33.67).abs() < 0.7 && (growth - 33.67).abs() < 0.7, "{connects} {growth}");
    let until = row["seconds_to_exhaustion"].as_f64().unwrap();
    let want = row["headroom"].as_f64().unwrap() / connects;
    assert!((until / want - 1.0).abs() < 0.01, "{until} {want}");
});

lab_test!(destinations_are_selected_by_address_state_and_process, {
    let mut town = Town::found();
    for port in [7001, 7002] {
        town.serve(SocketAddr::new(HERE, port));
    }
    town.connects(5, Way::Plain, SocketAddr::new(HERE, 7001));
    town.connects(3, Way::NoPort(local(2)), SocketAddr::new(HERE, 7002));
    let ports = |args: &[&str]| -> Vec<Value> {
        let document = json(&[&["ports"], args].concat());
        document["destinations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["peer"]["port"].clone())
            .collect()
    };
    assert_eq!(ports(&["dport = 7001"]), [7001]);
    assert_eq!(ports(&["--to", "127.0.0.1:7002"]), [7002]);
    assert_eq!(ports(&["--source", "127.0.0.2"]), [7002]);
    let own = format!("pid = {}", std::process::id());
    assert_eq!(ports(&[&own]), [7001, 7002]);
    assert_eq!(ports(&["state time-wait"]), Vec::<Value>::new());
    assert_eq!(ports(&["--to", "127.0.0.1:7003"]), [7003], "nobody connects there yet");
    let refused = run(&["ports", "rtt > 5ms"]);
    assert_eq!(refused.status, 3);
    assert!(refused.err.contains("ports does not read 'rtt'"), "{}", refused.err);
    let csv = run(&["ports", "--format", "csv", "dport = 7002"]).out;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("netns,local_addr,peer_addr,peer_port,usable,used,"), "{csv}");
    assert!(lines[1].contains(",127.0.0.2,127.0.0.1,7002,28232,3,0,0,28229,28229,"), "{csv}");
});

lab_test!(binding_first_is_seen_and_named, {
    let mut town = Town::found();
    let to = SocketAddr::new(HERE, 7001);
    town.serve(to);
    town.connects(13, Way::BindFirst(HERE), to);
    town.orphaned_children([40_000u16, 40_002].into_iter(), local(7), 61_000);
    let document = json(&["ports"]);
    let first = &document["namespaces"][0]["bind_before_connect"];
    let blind = json(&["ports", "--owners", "none"]);
    assert_eq!(blind["namespaces"][0]["bind_before_connect"]["sure"], "likely");
    assert_eq!(blind["namespaces"][0]["bind_before_connect"]["ports"], 13);
    if !has_bpf() {
        return;
    }
    assert_eq!((&first["sure"], &first["ports"]), (&json!("certain"), &json!(13)));
    assert_eq!(first["owners"][0]["pid"], std::process::id());
    assert_eq!(document["namespaces"][0]["held"]["bound_first"], 15, "two were accepted");
});

lab_test!(who_holds_a_port_and_what_bind_would_say, {
    let mut town = Town::found();
    let to = SocketAddr::new(HERE, 7001);
    town.serve(to);
    town.time_wait(2, Way::Plain, to);
    town.listeners([8081].into_iter(), local(3));
    let bound = town.bind(SocketAddr::new(HERE, 8082), &|_| ()).unwrap();
    town.held.push(bound);
    town.connects(1, Way::Plain, to);
    let rows = json(&["list", "state", "connected", "dport", "=", "7001"]);
    let client = rows["sockets"].as_array().unwrap().iter().find(|s| s["state"] == "established");
    let client = client.unwrap()["local"]["port"].as_u64().unwrap() as u16;
    for (port, role) in
        [(7001, "listener"), (8081, "listener"), (8082, "bound"), (client, "client"), (8100, "")]
    {
        let document = json(&["ports", "--port", &port.to_string()]);
        let roles: Vec<&str> = document["sockets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|g| g["role"].as_str().unwrap())
            .collect();
        assert!(role.is_empty() && roles.is_empty() || roles.contains(&role), "{port}: {roles:?}");
        for verdict in document["binds"].as_array().unwrap() {
            let address: std::net::IpAddr =
                verdict["local_addr"].as_str().unwrap().parse().unwrap();
            let at = SocketAddr::new(address, port);
            let listens = |reuse: bool| {
                let prepare = |fd: &std::os::fd::OwnedFd| {
                    rustix::net::sockopt::set_socket_reuseaddr(fd, reuse).unwrap();
                    if verdict["v6only"] == true {
                        rustix::net::sockopt::set_ipv6_v6only(fd, true).unwrap();
                    }
                };
                town.bind(at, &prepare).is_some_and(|fd| rustix::net::listen(&fd, 1).is_ok())
            };
            assert_eq!(listens(false), verdict["plain"] == "free", "{at}: {verdict}");
            match verdict["with_reuseaddr"].as_str().unwrap() {
                "free" => assert!(listens(true), "{at}: {verdict}"),
                "in_use" => assert!(!listens(true), "{at}: {verdict}"),
                _ => {}
            }
        }
    }
});

lab_test!(namespaces_are_told_apart, {
    if !std::process::Command::new("ip")
        .args(["netns", "add", "tcpvet-probe"])
        .status()
        .is_ok_and(|s| s.success())
    {
        println!("SKIPPED: only root makes namespaces by name");
        return;
    }
    let _ = std::process::Command::new("ip").args(["netns", "del", "tcpvet-probe"]).status();
    let name = format!("tcpvet-ports-{}", std::process::id());
    let ip = |args: &[&str]| assert!(Command::new("ip").args(args).status().unwrap().success());
    ip(&["netns", "add", &name]);
    let result = std::panic::catch_unwind(|| {
        ip(&["-n", &name, "link", "set", "lo", "up"]);
        let _there = Scene::inside(&name, &["established", "23"]);
        let mut town = Town::found();
        town.serve(SocketAddr::new(HERE, 7001));
        town.connects(11, Way::Plain, SocketAddr::new(HERE, 7001));
        let document = json(&["ports", "--all-netns"]);
        let rows = document["destinations"].as_array().unwrap();
        let there: Vec<_> = rows.iter().filter(|d| d["netns"] == name.as_str()).collect();
        assert_eq!((there.len(), &there[0]["used"]), (1, &json!(23)));
        assert!(rows.iter().any(|d| d["used"] == 11 && d["netns"] != name.as_str()));
    });
    ip(&["netns", "del", &name]);
    result.unwrap();
});
