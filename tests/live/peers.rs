//! Rules about the other side, on real sockets and a peer that says what it is told.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{findings, json};

lab_test!(seven_connects_that_nobody_answers_are_told_with_their_wait, {
    let scene = Scene::start(&["unanswered-syn", "7"]);
    pause(500);
    assert_eq!(json(&["--select", "syn-sent-stuck"])["findings"], json!([]), "no retry yet");
    pause(2000);
    let document = json(&[]);
    let f = findings(&document, "syn-sent-stuck")[0];
    assert_eq!((&f["severity"], &f["facts"]["unanswered"]), (&json!("warning"), &json!(7)));
    assert_eq!(f["subject"]["peer"], json!({"addr": "10.77.0.9", "port": 7009}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    // The wait that the retries and the timer tell is the real one.
    let waited = f["facts"]["longest_wait_ms"].as_u64().unwrap();
    assert!((2_300..4_500).contains(&waited), "{waited}");
});

lab_test!(data_that_is_never_acknowledged_is_a_dead_peer, {
    let scene = Scene::start(&["unanswered-data", "11"]);
    pause(250);
    assert_eq!(json(&["--select", "dead-peer"])["findings"], json!([]), "one timeout is loss");
    pause(2500);
    let document = json(&[]);
    let f = findings(&document, "dead-peer")[0];
    assert_eq!((&f["severity"], &f["facts"]["unanswered"]), (&json!("warning"), &json!(11)));
    assert_eq!(
        (&f["facts"]["data_unacknowledged"], &f["facts"]["unsent_bytes"]),
        (&json!(11), &json!(10_967))
    );
    assert_eq!(f["subject"]["peer"], json!({"addr": "10.77.0.40", "port": null}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    assert!(f["facts"]["silent_ms"].as_u64().unwrap() >= 2_500);
    assert_eq!(findings(&document, "path-mtu-black-hole").len(), 0, "nothing else is answered");
});

lab_test!(full_segments_that_wait_while_another_connection_is_answered_are_a_black_hole, {
    let mut scene = Scene::start(&["black-hole", "3"]);
    pause(3500);
    let before = json(&[]);
    assert_eq!(findings(&before, "path-mtu-black-hole").len(), 0);
    assert_eq!(findings(&before, "dead-peer").len(), 1);
    scene.tell("speak");
    let document = json(&[]);
    let f = findings(&document, "path-mtu-black-hole")[0];
    assert_eq!((&f["facts"]["stuck"], &f["certainty"]), (&json!(3), &json!("likely")));
    assert_eq!(f["folded"][0]["id"], "dead-peer", "one story");
    assert!(f["facts"]["other_answered_ms"].as_u64().unwrap() < 1_000);
    let advice = json(&["advise"]);
    assert_eq!(advice["items"][0]["id"], "tcp_mtu_probing");
});

lab_test!(a_reader_that_does_not_read_is_named_and_so_is_its_writer, {
    let scene = Scene::start(&["unread", "5"]);
    let few = ["--set", "send-queue-stuck.min_ms=1000", "--set", "receive-queue-stuck.min_ms=1000"];
    assert_eq!(json(&[])["findings"], json!([]), "a moment is not long");
    pause(2500);
    let document = json(&few);
    let reading = findings(&document, "receive-queue-stuck")[0];
    assert_eq!((&reading["facts"]["stuck"], &reading["facts"]["blocking"]), (&json!(5), &json!(5)));
    assert_eq!(reading["subject"]["pid"], scene.pid());
    let writing = findings(&document, "send-queue-stuck")[0];
    assert_eq!(writing["facts"]["stuck"], 5);
    assert_eq!(document["findings"].as_array().unwrap().len(), 1, "{document:#}");
    // What single sockets were asked for is in a capture too.
    let at = std::env::temp_dir().join(format!("tcpvet-unread-{}.tar", std::process::id()));
    let path = at.to_str().unwrap();
    json(&["capture", "-o", path]);
    let replayed = json(&[&few[..], &["--from", path]].concat());
    assert_eq!(findings(&replayed, "receive-queue-stuck")[0]["facts"]["stuck"], 5);
    std::fs::remove_file(&at).unwrap();
    // With two looks it is certain.
    let twice = json(&[&few[..], &["--sample", "300ms"]].concat());
    assert_eq!(findings(&twice, "receive-queue-stuck")[0]["certainty"], "certain");
});

lab_test!(idle_connections_to_another_machine_are_told_by_their_keepalive, {
    let scene = Scene::start(&["idle-far", "13"]);
    pause(1300);
    let soon = ["--set", "idle-without-keepalive.idle_ms=1000"];
    let document = json(&soon);
    let f = findings(&document, "idle-without-keepalive")[0];
    assert_eq!((&f["severity"], &f["facts"]["idle"]), (&json!("info"), &json!(13)));
    assert_eq!(f["subject"]["pid"], scene.pid());
    assert_eq!(
        (&document["status"], findings(&document, "keepalive-too-slow").len()),
        (&json!("ok"), 0)
    );
    assert_eq!(json(&[])["findings"], json!([]), "a second is not four minutes");
});

lab_test!(keepalive_of_two_hours_comes_late, {
    let _scene = Scene::start(&["keepalive-far", "13"]);
    pause(100);
    let document = json(&[]);
    let f = findings(&document, "keepalive-too-slow")[0];
    assert_eq!((&f["severity"], &f["facts"]["slow"]), (&json!("info"), &json!(13)));
    assert!((7_190_000..=7_200_000).contains(&f["facts"]["longest_ms"].as_u64().unwrap()));
    assert_eq!(findings(&document, "idle-without-keepalive").len(), 0);
    // Two hours are no more than two hours.
    let patient = json(&["--set", "keepalive-too-slow.limit_ms=7200000"]);
    assert_eq!(patient["findings"], json!([]));
});

lab_test!(a_pool_of_sixty_seven_idle_connections_is_large, {
    let scene = Scene::start(&["pool-far", "67"]);
    pause(1300);
    let soon = ["--select", "pool-oversized", "--set", "pool-oversized.idle_ms=1000"];
    let document = json(&soon);
    let f = findings(&document, "pool-oversized")[0];
    assert_eq!((&f["facts"]["connections"], &f["facts"]["idle"]), (&json!(67), &json!(67)));
    assert_eq!(f["subject"]["peer"], json!({"addr": "10.77.0.50", "port": 5432}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    assert_eq!(json(&["--select", "pool-oversized"])["findings"], json!([]));
});
