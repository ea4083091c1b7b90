//! accept-queue-full on real sockets.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{findings, json, run};

lab_test!(a_backlog_of_five_holds_six_and_twenty_connects_drop_fourteen, {
    let mut scene = Scene::start(&["backlog", "20"]);
    pause(100);
    let document = json(&[]);
    assert_eq!(document["status"], "warning");
    let found = findings(&document, "accept-queue-full");
    assert_eq!(found.len(), 1);
    let f = found[0];
    assert_eq!(
        (&f["facts"]["accept_queue"], &f["facts"]["accept_queue_limit"]),
        (&json!(6), &json!(5))
    );
    assert!(f["facts"]["drops"].as_u64().unwrap() >= 14, "{f:#}");
    assert_eq!(f["subject"]["kind"], "listener");
    assert_eq!(f["subject"]["local"], json!({"addr": "127.0.0.1", "port": 7002}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    assert_eq!(f["subject"]["owners"][0]["process"], "scene");
    let list = json(&["list", "--state", "listen"]);
    let full =
        list["sockets"].as_array().unwrap().iter().find(|s| s["local"]["port"] == 7002).unwrap();
    assert_eq!((&full["accept_queue"], &full["accept_queue_limit"]), (&json!(6), &json!(5)));
    assert_eq!(full.get("recv_queue_bytes"), None);
    let advice = json(&["advise"]);
    assert_eq!(advice["items"], json!([]), "the application set the limit, so no setting helps");
    assert_ne!(advice["application"], json!([]));
    let checked = run(&["check"]);
    // Clients try again every second: between the two looks of a check the full queue refuses them.
    assert_eq!(checked.status, 2);
    assert!(
        checked.out.starts_with("CRITICAL: accept-queue-full: 6 connections waiting"),
        "{}",
        checked.out
    );
    scene.tell("drain");
    assert_eq!(findings(&json(&[]), "accept-queue-full").len(), 0);
});
