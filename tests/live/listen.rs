//! `listen` against ss and against what the scene has made.

use serde_json::json;

use crate::live::differential::ss;
use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::json as run_json;
use crate::support::run::run;

lab_test!(queues_limits_drops_handshakes_and_peers_are_those_of_the_kernel, {
    sysctl("net.core.somaxconn", "64");
    let town = Scene::start(&["busy-town"]);
    let _backlog = Scene::start(&["backlog", "8", "7301"]);
    let _unaccepted = Scene::start(&["unaccepted", "2", "7201"]);
    pause(300);
    let document = run_json(&["listen"]);
    let listeners = document["listeners"].as_array().unwrap();
    let of = |port: u16| listeners.iter().find(|l| l["local"]["port"] == port).unwrap();
    // Every listener of ss, with its queue and its limit.
    let theirs = ss(&["-tlnH"]);
    assert_eq!(listeners.len(), theirs.lines().count());
    for line in theirs.lines() {
        let w: Vec<&str> = line.split_whitespace().collect();
        let port: u16 = w[3].rsplit_once(':').unwrap().1.parse().unwrap();
        let pair =
            (of(port)["accept_queue"].to_string(), of(port)["accept_queue_limit"].to_string());
        assert_eq!(pair, (w[1].to_string(), w[2].to_string()), "{line}");
    }
    assert_eq!(of(7001)["limit_set_by"], "somaxconn");
    assert_eq!(
        of(7001)["owners"],
        json!([{"pid": town.pid(), "process": "scene", "provenance": "exact"}])
    );
    let full = of(7302);
    assert_eq!(
        (&full["accept_queue"], &full["accept_queue_limit"], &full["limit_set_by"]),
        (&json!(6), &json!(5), &json!("listen"))
    );
    assert_eq!(
        full["unaccepted"],
        json!([{"peer_addr": "127.0.0.1", "count": 6, "close_wait": 0}])
    );
    assert!(full["drops"].as_u64().unwrap() >= 1, "{full}");
    let handshakes = ss(&["-tanH", "state", "syn-recv", "sport", "=", ":7302"]).lines().count();
    assert_eq!(full["syn_recv"], handshakes);
    assert_eq!(
        of(7201)["unaccepted"],
        json!([{"peer_addr": "127.0.0.1", "count": 2, "close_wait": 2}])
    );
    let brief = run_json(&["listen", "--brief"]);
    assert_eq!(brief["listeners"].as_array().unwrap().len(), listeners.len());
    assert!(
        brief["listeners"][0]["owners"].is_null() && brief["listeners"][0]["syn_recv"].is_null()
    );
    let table = run(&["listen", "--width", "160"]);
    assert!(
        table.out.contains("6 x 127.0.0.1")
            && table.out.contains("2 x 127.0.0.1 (2 closed by the peer)"),
        "{}",
        table.out
    );
});
