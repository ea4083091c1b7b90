//! fin-wait2-orphans, half-closed-stuck, last-ack-stuck on real sockets.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{findings, json};

lab_test!(orphans_in_fin_wait2_are_the_other_end_of_a_close_wait_leak, {
    let scene = Scene::start(&["kept-open", "53"]);
    pause(1200);
    let document = json(&[]);
    let f = findings(&document, "fin-wait2-orphans")[0];
    assert_eq!(
        (&f["facts"]["fin_wait2_orphans"], &f["facts"]["buckets"]),
        (&json!(53), &json!(53))
    );
    assert_eq!(f["subject"]["pid"], scene.pid(), "the process that does not close is named");
    // Both ends are here: one story.
    let told = document["findings"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["id"]), (1, &json!("close-wait-leak")));
    let advice = json(&["advise"]);
    assert_eq!(advice["items"][0]["id"], "tcp_fin_timeout");
    assert_eq!(
        (&advice["items"][0]["now"], &advice["items"][0]["proposed"]),
        (&json!("60"), &json!("15"))
    );
});

lab_test!(forty_nine_orphans_are_silent, {
    let _scene = Scene::start(&["kept-open", "49"]);
    pause(100);
    let document = json(&["--select", "fin-wait2-orphans"]);
    assert_eq!(document["summary"]["by_state"]["fin_wait2"], 49);
    assert_eq!(document["findings"], json!([]));
});

lab_test!(shut_down_and_held_is_stuck_once_the_peer_is_silent_for_long, {
    let scene = Scene::start(&["shut", "13"]);
    pause(1200);
    let args = ["--select", "half-closed-stuck", "--set", "half-closed-stuck.min_idle_ms=1000"];
    let document = json(&args);
    let f = findings(&document, "half-closed-stuck")[0];
    assert_eq!((&f["facts"]["fin_wait2_held"], &f["certainty"]), (&json!(13), &json!("likely")));
    assert_eq!(f["subject"]["pid"], scene.pid());
    assert!(f["facts"]["longest_silence_ms"].as_u64().unwrap() >= 1000);
    // A second is not a minute.
    assert_eq!(json(&args[..2])["findings"], json!([]));
});

lab_test!(a_fin_that_nobody_acknowledges_is_counted_after_three_retries, {
    let _scene = Scene::start(&["unanswered-fin", "13"]);
    pause(300);
    let early = json(&["--select", "last-ack-stuck"]);
    assert_eq!(early["summary"]["by_state"]["last_ack"], 13);
    assert_eq!(early["findings"], json!([]), "the first retries are nothing");
    pause(4200);
    let document = json(&["--select", "last-ack-stuck"]);
    let f = findings(&document, "last-ack-stuck")[0];
    assert_eq!((&f["facts"]["last_ack"], &f["facts"]["orphans"]), (&json!(13), &json!(13)));
    assert!(f["facts"]["most_retries"].as_u64().unwrap() >= 3);
});
