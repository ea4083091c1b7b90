//! close-wait-leak on real sockets.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::{findings, json};

lab_test!(twenty_three_leaked_sockets_are_counted_and_their_process_is_named, {
    let mut scene = Scene::start(&["leak", "23"]);
    let young = json(&[]);
    assert_eq!(findings(&young, "close-wait-leak").len(), 0, "younger than a second");
    pause(1200);
    let document = json(&["diagnose"]);
    assert_eq!(document["status"], "warning");
    let found = findings(&document, "close-wait-leak");
    assert_eq!(found.len(), 1);
    let f = found[0];
    assert_eq!(f["severity"], "warning");
    assert_eq!(
        f["subject"],
        json!({"kind": "process", "pid": scene.pid(), "process": "scene", "provenance": "exact"})
    );
    assert_eq!((&f["facts"]["close_wait"], &f["facts"]["never_read"]), (&json!(23), &json!(23)));
    assert_eq!((&f["facts"]["consumed"], &f["facts"]["unhashed"]), (&json!(0), &json!(0)));
    assert!(f["facts"]["oldest_at_least_ms"].as_u64().unwrap() >= 1000);
    assert_eq!(f["title"], format!("23 sockets in CLOSE_WAIT held by scene[{}]", scene.pid()));
    assert_eq!(document["summary"]["by_state"]["close_wait"], 23);
    scene.tell("reset");
    let after = json(&[]);
    assert_eq!((findings(&after, "close-wait-leak").len(), &after["status"]), (0, &json!("ok")));
});

lab_test!(nine_are_silent_and_a_lower_threshold_tells_them, {
    let _scene = Scene::start(&["leak", "9"]);
    pause(1200);
    assert_eq!(json(&[])["findings"], json!([]));
    let told = json(&["--set", "close-wait-leak.warning=9"]);
    assert_eq!(findings(&told, "close-wait-leak")[0]["facts"]["close_wait"], 9);
});

lab_test!(half_of_the_descriptor_limit_is_critical, {
    let _scene = Scene::with_limit(&["leak", "23"], Some(46));
    pause(1200);
    let document = json(&[]);
    let f = findings(&document, "close-wait-leak")[0];
    assert_eq!((&f["severity"], &f["facts"]["descriptor_limit"]), (&json!("critical"), &json!(46)));
    assert_eq!(
        (&f["thresholds"]["warning"], &f["thresholds"]["critical"]),
        (&json!(10), &json!(23))
    );
    assert_eq!(document["status"], "critical");
});

lab_test!(connections_nobody_accepted_are_the_listeners, {
    let scene = Scene::start(&["unaccepted", "11"]);
    pause(1200);
    let document = json(&[]);
    let f = findings(&document, "close-wait-leak")[0];
    assert_eq!(f["subject"]["kind"], "listener");
    assert_eq!(f["subject"]["local"], json!({"addr": "127.0.0.1", "port": 7001}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    assert_eq!(f["facts"]["close_wait"], 11);
});

lab_test!(connections_still_answering_are_told_apart, {
    let _scene = Scene::start(&["half-close", "13"]);
    pause(1200);
    let document = json(&[]);
    assert_eq!(document["summary"]["by_state"]["close_wait"], 13);
    assert_eq!(findings(&document, "close-wait-leak").len(), 0);
});

lab_test!(with_keepalive_the_sockets_leave_every_dump_and_the_descriptors_are_found, {
    sysctl("net.ipv4.tcp_fin_timeout", "5");
    let scene = Scene::with_limit(&["keepalive-leak", "23"], Some(47));
    // The peer's bucket answers probes for 5 s; the next probe is answered by RST.
    let mut document = json(&[]);
    for _ in 0..40 {
        if document["summary"]["by_state"]["close_wait"] == 0 {
            break;
        }
        pause(500);
        document = json(&[]);
    }
    assert_eq!(document["summary"]["by_state"]["close_wait"], 0);
    let found = findings(&document, "unhashed-sockets");
    assert_eq!(found.len(), 1, "{document:#}");
    let f = found[0];
    assert_eq!(findings(&document, "close-wait-leak").len(), 0);
    assert_eq!(f["facts"]["unhashed"], 23);
    assert_eq!(f["subject"]["pid"], scene.pid());
    assert_eq!(
        f["title"],
        format!("23 TCP descriptors of scene[{}] lead to no socket any more", scene.pid())
    );
});
