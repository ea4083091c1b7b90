//! Owners by BPF and by /proc: the same map; and every kind of owner by its name.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{json, run};

fn owners(how: &str) -> (BTreeMap<String, Value>, Value) {
    let document = json(&["list", "--owners", how]);
    let sockets = document["sockets"].as_array().unwrap().iter();
    let map = sockets.map(|s| (s["cookie"].as_str().unwrap().to_string(), s["owners"].clone()));
    (map.collect(), document["coverage"].clone())
}

lab_test!(bpf_and_proc_give_the_same_owners, {
    let _town = Scene::start(&["busy-town"]);
    let _leak = Scene::start(&["leak", "23", "7701"]);
    pause(300);
    let probe = run(&["list", "--owners", "bpf"]);
    if probe.status != 0 {
        println!("SKIPPED: no BPF here: {}", probe.err);
        assert!(probe.err.contains("hint: leave --owners out"), "{}", probe.err);
        return;
    }
    let (by_bpf, coverage) = owners("bpf");
    let (by_proc, _) = owners("proc");
    assert_eq!(by_bpf, by_proc);
    let held = by_bpf.values().filter(|o| o[0]["provenance"] == "exact").count();
    println!("{held} of {} sockets are held", by_bpf.len());
    assert!(held >= 50);
    let sources = coverage["sources"].as_array().unwrap();
    let source = sources.iter().find(|s| s["name"] == "owners").unwrap();
    assert!(source["reason"].as_str().unwrap().starts_with("by BPF task_file"), "{source}");
});

lab_test!(every_kind_of_owner_has_its_name, {
    let town = Scene::start(&["busy-town"]);
    let waiting = Scene::start(&["unaccepted", "2", "7201"]);
    let backlog = Scene::start(&["backlog", "8", "7301"]);
    pause(300);
    let document = json(&["list"]);
    let of = |state: &str, port: u16| {
        let mut sockets = document["sockets"].as_array().unwrap().iter();
        let s = sockets.find(|s| s["state"] == state && s["local"]["port"] == port).unwrap();
        s["owners"][0].clone()
    };
    assert_eq!(of("listen", 7001)["pid"], town.pid());
    assert_eq!(of("listen", 7001)["provenance"], "exact");
    // Closed by the client before anybody accepted it: the listener's, and no descriptor yet.
    let unaccepted = of("close_wait", 7201);
    assert_eq!(
        (&unaccepted["pid"], &unaccepted["provenance"], &unaccepted["fd"]),
        (&Value::from(waiting.pid()), &Value::from("listener"), &Value::Null)
    );
    assert_eq!(of("established", 7302)["pid"], backlog.pid());
    if document["sockets"].as_array().unwrap().iter().any(|s| s["state"] == "syn_recv") {
        assert_eq!(of("syn_recv", 7081)["provenance"], "none");
    }
    let time_wait =
        document["sockets"].as_array().unwrap().iter().find(|s| s["state"] == "time_wait").unwrap();
    assert_eq!(
        (&time_wait["owners"][0]["provenance"], &time_wait["uid"]),
        (&Value::from("none"), &Value::Null)
    );
});

lab_test!(a_hostile_name_changes_nothing_but_its_own_cell, {
    let hostile = Scene::start(&["hostile-leak", "3"]);
    pause(200);
    let pid = hostile.pid();
    let name = format!("\\x1b]0;x\\x07\\x0a\\u{{202e}}a[{pid}]");
    for format in ["human", "plain", "csv", "jsonl", "json"] {
        let run = run(&["list", "--format", format, "state close-wait"]);
        assert!(run.out.is_ascii() && !run.out.contains('\u{1b}'), "{format}: {}", run.out);
        let lines = run.out.lines().count();
        assert_eq!(
            lines,
            match format {
                "json" => 1,
                "jsonl" => 3,
                _ => 4,
            },
            "{format}: {}",
            run.out
        );
        if format != "json" && format != "jsonl" {
            assert_eq!(run.out.matches(&name).count(), 3, "{format}: {}", run.out);
        }
    }
    let document = json(&["list", "state close-wait"]);
    assert_eq!(document["sockets"][0]["owners"][0]["process"], "\\x1b]0;x\\x07\\x0a\\u{202e}a");
});

lab_test!(a_group_of_listeners_answers_together_for_what_waits, {
    let one = Scene::start(&["reuseport", "0", "7801"]);
    // So many that not all of them fall to one by chance (once in 4,096 runs).
    let two = Scene::start(&["reuseport", "13", "7801"]);
    pause(200);
    let document = json(&["list", "state established and sport = 7802"]);
    let sockets = document["sockets"].as_array().unwrap();
    assert_eq!(sockets.len(), 13);
    for socket in sockets {
        let pids: Vec<u64> = socket["owners"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["pid"].as_u64().unwrap())
            .collect();
        let mut both = [u64::from(one.pid()), u64::from(two.pid())];
        both.sort_unstable();
        assert_eq!(pids, both, "nothing tells in whose queue it is");
    }
    let listeners = json(&["listen"]);
    let members: Vec<&Value> = listeners["listeners"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|l| l["local"]["port"] == 7802)
        .collect();
    assert_eq!(members.len(), 2);
    let waiting: u64 = members.iter().map(|m| m["accept_queue"].as_u64().unwrap()).sum();
    assert_eq!((waiting, &members[0]["reuseport_group"]), (13, &Value::from(2)));
});

lab_test!(a_device_and_both_families_are_seen_in_the_address, {
    let _town = Scene::start(&["busy-town"]);
    pause(200);
    let table = run(&["list", "-tln"]).out;
    assert!(table.contains(" 127.0.0.1%lo:7061 "), "{table}");
    assert!(table.contains(" *:7003 "), "it takes IPv4 too: {table}");
    let listen = run(&["listen"]).out;
    assert!(listen.contains("127.0.0.1%lo:7061 ") && listen.contains("*:7003 "), "{listen}");
    let document = json(&["list", "-tln", "sport in (7061, 7003)"]);
    let of = |port: u16| {
        document["sockets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["local"]["port"] == port)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&of(7061)["interface"], &of(7003)["v6only"]),
        (&Value::from("lo"), &Value::from(false))
    );
});

lab_test!(a_socket_that_was_inherited_is_told_with_all_who_hold_it, {
    let fd = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&fd, &"127.0.0.1:7001".parse::<std::net::SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&fd, 5).unwrap();
    let mut heir = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    // What is started from now on must not inherit it.
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).unwrap();
    let list = json(&["list", "state listen"]);
    let owners = list["sockets"][0]["owners"].as_array().unwrap();
    let pids: Vec<u64> = owners.iter().filter_map(|o| o["pid"].as_u64()).collect();
    let mut wanted = [u64::from(std::process::id()), heir.id().into()];
    wanted.sort_unstable();
    assert_eq!(pids, wanted, "{list}");
    let doors = json(&["listen"]);
    assert_eq!(doors["listeners"][0]["owners"].as_array().unwrap().len(), 2);
    for filter in ["process = sleep", "process ~ main"] {
        assert_eq!(json(&["list", filter])["sockets"].as_array().unwrap().len(), 1, "{filter}");
    }
    heir.kill().unwrap();
    heir.wait().unwrap();
});
