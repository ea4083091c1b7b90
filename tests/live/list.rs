//! `list` against ss, and against /proc/net/tcp where netlink is refused.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tcpvet::collect::{Start, start};
use tcpvet::model::coverage::Seen;
use tcpvet::model::endpoint::{Family, host_port};
use tcpvet::model::socket::Socket;
use tcpvet::model::state::{State, StateSet};
use tcpvet::sys::live::Live;
use tcpvet::sys::{Kind, SysError, System};
use tcpvet::wire::inet_diag;
use tcpvet::wire::netlink::{Message, walk};
use tcpvet::wire::request::{Condition, EXT_INFO, Request};

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{json, run};

/// State, local and peer of every socket as `ss -tanH` writes them.
fn ss() -> BTreeSet<String> {
    let output = Command::new("ss").args(["-tanH"]).output().expect("ss is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| {
            let w: Vec<&str> = line.split_whitespace().collect();
            let state = match w[0] {
                "ESTAB" => "established".to_string(),
                "UNCONN" => "bound_inactive".to_string(),
                other => other.to_lowercase().replace('-', "_").replace("fin_wait_", "fin_wait"),
            };
            // ss writes * for the wildcard of a dual-stack socket.
            let end = |e: &str| e.strip_prefix("*:").map_or(e.to_string(), |p| format!("[::]:{p}"));
            format!("{state} {} {} {} {}", w[1], w[2], end(w[3]), end(w[4]))
        })
        .collect()
}

fn end(e: &Value) -> String {
    let port = e["port"].as_u64().map_or("*".to_string(), |p| p.to_string());
    let addr = e["addr"].as_str().unwrap();
    if addr.contains(':') { format!("[{addr}]:{port}") } else { format!("{addr}:{port}") }
}

fn ours(document: &Value) -> BTreeSet<String> {
    let sockets = document["sockets"].as_array().unwrap();
    sockets
        .iter()
        .filter(|s| s["state"] != "bound_inactive")
        .map(|s| {
            let (a, b) = match s.get("accept_queue") {
                Some(queue) => (queue, &s["accept_queue_limit"]),
                None => (&s["recv_queue_bytes"], &s["send_queue_bytes"]),
            };
            format!(
                "{} {a} {b} {} {}",
                s["state"].as_str().unwrap(),
                end(&s["local"]),
                end(&s["peer"])
            )
        })
        .collect()
}

lab_test!(the_set_of_sockets_is_that_of_ss_in_every_state_and_family, {
    let scene = Scene::start(&["mixed"]);
    let _bound = Scene::start(&["bound", "3", "7101"]);
    let _unaccepted = Scene::start(&["unaccepted", "2", "7201"]);
    let _backlog = Scene::start(&["backlog", "8", "7301"]);
    // The peer's delayed ACK moves FIN_WAIT1 on within 40 ms.
    pause(300);
    let document = json(&["list"]);
    let (ours, theirs) = (ours(&document), ss());
    let theirs: BTreeSet<String> = theirs.into_iter().filter(|l| !l.starts_with("bound")).collect();
    assert_eq!(ours, theirs);
    for state in ["listen", "established", "close_wait", "fin_wait2", "time_wait", "syn_sent"] {
        assert!(ours.iter().any(|l| l.starts_with(state)), "{state} is in the scene: {ours:#?}");
    }
    assert!(ours.iter().any(|l| l.contains("[::ffff:127.0.0.1]:7003")), "{ours:#?}");
    let sockets = document["sockets"].as_array().unwrap();
    let bound = sockets.iter().filter(|s| s["state"] == "bound_inactive").count();
    assert_eq!(bound, 3);
    let held =
        sockets.iter().find(|s| s["state"] == "established" && s["local"]["port"] == 7001).unwrap();
    assert_eq!(held["owners"][0]["pid"], scene.pid());
    let waiting = sockets.iter().find(|s| s["state"] == "time_wait").unwrap();
    assert_eq!(
        (&waiting["owners"][0]["provenance"], &waiting["uid"]),
        (&Value::from("none"), &Value::Null)
    );
    assert!((1..=60_000).contains(&waiting["timer"]["expires_ms"].as_u64().unwrap()));
});

lab_test!(state_and_family_select, {
    let _scene = Scene::start(&["mixed"]);
    let rows = |args: &[&str]| run(&[&["list", "-H"], args].concat()).out.lines().count();
    assert_eq!(rows(&["--state", "listening"]), 2);
    assert_eq!(rows(&["--state", "close-wait,time-wait"]), 4);
    assert_eq!(rows(&["--state", "CLOSE_WAIT", "--state", "listen"]), 4);
    let all = rows(&[]);
    // The listener of both families and the v4-mapped connection it accepted carry IPv4 by IPv6 sockets.
    assert_eq!(rows(&["-4"]) + rows(&["-6"]), all + 2);
    assert!(run(&["list", "-4tln"]).out.contains("*:7003"));
    assert!(!run(&["list", "-4"]).out.contains("[::1]"));
    assert_eq!((rows(&["-4", "-6"]), rows(&["-6", "-4"])), (all, all));
    assert_eq!(rows(&["-6", "--state", "listen"]), 1);
});

/// This kernel without netlink.
struct NoNetlink(Live);

impl System for NoNetlink {
    fn clock_ms(&self) -> Result<u64, SysError> {
        self.0.clock_ms()
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.0.read(path)
    }
    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.0.link(path)
    }
    fn pids(&self) -> Result<Vec<u32>, SysError> {
        self.0.pids()
    }
    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        self.0.descriptor_count(pid)
    }
    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        self.0.socket_descriptors(pid, each)
    }
    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        self.0.socket_protocol(pid, fd)
    }
    fn sock_diag(&self, _: &Request, _: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), SysError> {
        Err(SysError { what: "sock_diag".into(), kind: Kind::Denied, reason: "refused".into() })
    }
}

lab_test!(without_netlink_proc_gives_the_same_sockets_timers_included, {
    let _scene = Scene::start(&["mixed"]);
    pause(300);
    let set = |system: &dyn System| {
        let snapshot = start(system, &Start::diagnosis(None)).unwrap();
        let rows: BTreeSet<String> = snapshot
            .sockets
            .iter()
            .map(|s| {
                let ends = [
                    host_port(s.local_addr, s.family, s.local_port),
                    host_port(s.peer_addr, s.family, s.peer_port),
                ];
                // The two looks are a moment apart.
                let minutes_left = s.expires_ms.div_ceil(30_000);
                format!(
                    "{:?} {ends:?} {:?} {} {minutes_left} {}",
                    s.state, s.timer, s.retries, s.inode
                )
            })
            .collect();
        (rows, snapshot.coverage)
    };
    let (by_netlink, whole) = set(&Live::here());
    let (by_proc, coverage) = set(&NoNetlink(Live::here()));
    assert_eq!(by_netlink, by_proc);
    assert!(whole.is_complete());
    assert_eq!(coverage.get("sock_diag").unwrap().state, Seen::Denied);
    assert_eq!(coverage.get("proc_net_tcp").unwrap().state, Seen::Seen);
});

/// The sockets that the kernel gives for a request, and whether each came with tcp_info.
fn ask(request: Request) -> Vec<(Socket, bool)> {
    let mut found = Vec::new();
    let mut go_on = true;
    Live::here()
        .sock_diag(&request, &mut |datagram| {
            walk(datagram, &mut |m| {
                match m {
                    Message::Payload(p) => {
                        let timestamps = inet_diag::detail(p).timestamps();
                        found.push((inet_diag::socket(p).unwrap(), timestamps == Some(true)));
                    }
                    other => {
                        assert_eq!(other, Message::Done(None));
                        go_on = false;
                    }
                }
                go_on
            });
            go_on
        })
        .unwrap();
    found
}

fn everything() -> Request {
    Request::tcp(StateSet::ALL, EXT_INFO)
}

fn cookies(found: &[(Socket, bool)]) -> BTreeSet<u64> {
    found.iter().map(|(s, _)| s.cookie).collect()
}

lab_test!(both_ways_of_asking_give_the_same_sockets, {
    let _scene = Scene::start(&["mixed"]);
    pause(300);
    let one_walk = cookies(&ask(everything()));
    let mut two = cookies(&ask(Request { family: Some(Family::Ipv4), ..everything() }));
    two.extend(cookies(&ask(Request { family: Some(Family::Ipv6), ..everything() })));
    assert_eq!(one_walk, two);
    assert!(one_walk.len() >= 15);
});

lab_test!(the_kernel_checks_conditions_as_they_are_meant, {
    let _mixed = Scene::start(&["mixed"]);
    let _explicit = Scene::start(&["explicit", "5", "7101"]);
    pause(300);
    let all = ask(everything());
    for port in [7001, 7003, 9] {
        let want: BTreeSet<u64> =
            all.iter().filter(|(s, _)| s.peer_port == port).map(|(s, _)| s.cookie).collect();
        let found = ask(Request { condition: Some(Condition::PeerPort(port)), ..everything() });
        assert_eq!(cookies(&found), want, "{port}");
        let live = found.iter().filter(|(s, _)| s.state == State::Established);
        assert!(live.clone().all(|(_, timestamps)| *timestamps));
        assert!(port == 9 || live.count() > 0);
    }
    let explicit = ask(Request { condition: Some(Condition::ExplicitPort), ..everything() });
    let ports: BTreeSet<u16> = explicit.iter().map(|(s, _)| s.local_port).collect();
    let listening = [7001, 7003, 7101];
    let bound = 32768 + 10..32768 + 15;
    assert_eq!(ports, listening.into_iter().chain(bound).collect());
});
