//! What two looks tell: a capture before and a look after (--baseline), or two looks of one run (--sample).

use serde_json::{Value, json};

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::{findings, json, run};

/// A capture of how things are now.
fn before() -> String {
    let at = std::env::temp_dir().join(format!("tcpvet-before-{}.tar", std::process::id()));
    let _ = std::fs::remove_file(&at);
    let path = at.to_str().unwrap().to_string();
    assert_eq!(run(&["capture", "-o", &path]).status, 0);
    path
}

fn since(baseline: &str, args: &[&str]) -> Value {
    json(&[&["--baseline", baseline], args].concat())
}

fn not_evaluated(document: &Value) -> Vec<&str> {
    let rules = document["rules"].as_array().unwrap().iter();
    rules.filter(|r| r["cause"] == "absent").map(|r| r["id"].as_str().unwrap()).collect()
}

lab_test!(one_look_leaves_rates_open_and_two_tell_them, {
    let _scene = Scene::start(&["established", "3"]);
    let once = json(&[]);
    for id in ["reset-storm", "retransmission-rate", "softnet-drops", "syn-flood"] {
        assert!(not_evaluated(&once).contains(&id), "{id}");
    }
    assert_eq!(once["compared_ms"], Value::Null);
    let twice = json(&["--sample", "300ms"]);
    assert!(!not_evaluated(&twice).contains(&"reset-storm"));
    let elapsed = twice["compared_ms"].as_u64().unwrap();
    assert!((290..2_000).contains(&elapsed), "{elapsed}");
    assert_eq!(twice["findings"], json!([]));
});

lab_test!(data_sent_again_is_a_share_of_what_was_sent, {
    let baseline = before();
    let scene = Scene::start(&["unanswered-data", "11"]);
    pause(1500);
    let args = ["--set", "retransmission-rate.min_segments=20"];
    let document = since(&baseline, &args);
    let f = findings(&document, "retransmission-rate")[0];
    // 997 bytes are two segments of 536.
    assert_eq!(f["facts"]["data_segments"], 22);
    assert!(f["facts"]["retransmitted"].as_u64().unwrap() >= 11);
    assert_eq!((&f["severity"], &f["facts"]["machines"]), (&json!("critical"), &json!(1)));
    assert!(f["evidence"].to_string().contains("10.77.0.40"), "{f}");
    // Twenty-two segments are too few to judge by, if nothing else is said.
    assert_eq!(findings(&since(&baseline, &[]), "retransmission-rate").len(), 0);
    drop(scene);
    std::fs::remove_file(baseline).unwrap();
});

lab_test!(resets_by_linger_are_told_with_their_side_and_orderly_closes_are_not, {
    let baseline = before();
    let _closes = Scene::start(&["time-wait", "101"]);
    assert_eq!(findings(&since(&baseline, &[]), "reset-storm").len(), 0);
    let _resets = Scene::start(&["linger", "101", "7101"]);
    let document = since(&baseline, &["--set", "reset-storm.min_per_second=1"]);
    let f = findings(&document, "reset-storm")[0];
    assert!(f["title"].as_str().unwrap().ends_with("by this side: SO_LINGER 0"), "{f}");
    std::fs::remove_file(baseline).unwrap();
});

lab_test!(a_flood_is_told_by_its_cookies_and_its_queue, {
    sysctl("net.ipv4.tcp_syncookies", "1");
    let baseline = before();
    let scene = Scene::start(&["flood", "211"]);
    let document = since(&baseline, &["--set", "syn-flood.warning=1"]);
    let f = findings(&document, "syn-flood")[0];
    assert_eq!(f["severity"], "warning");
    assert_eq!(f["facts"]["half_open"], 17, "the backlog of 16 and one more");
    assert_eq!(f["subject"]["local"], json!({"addr": "10.77.0.1", "port": 7001}));
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    // Young handshakes are a burst; once they have been answered again without effect they are pressure.
    assert_eq!(findings(&document, "syn-queue-pressure").len(), 0);
    pause(1300);
    let later = json(&[]);
    let f = findings(&later, "syn-queue-pressure")[0];
    assert_eq!(
        (&f["facts"]["half_open"], &f["facts"]["half_open_limit"]),
        (&json!(17), &json!(17))
    );
    std::fs::remove_file(baseline).unwrap();
});

lab_test!(a_few_half_open_handshakes_are_silent, {
    let baseline = before();
    let _scene = Scene::start(&["flood", "7"]);
    pause(1300);
    let document = since(&baseline, &[]);
    assert_eq!(document["summary"]["by_state"]["syn_recv"], 7);
    assert_eq!(document["findings"], json!([]));
    std::fs::remove_file(baseline).unwrap();
});

lab_test!(a_capture_of_another_namespace_is_no_baseline, {
    let other = format!("{}/tests/captures/quiet", env!("CARGO_MANIFEST_DIR"));
    let refused = run(&["--baseline", &other]);
    assert_eq!((refused.status, refused.out.as_str()), (3, ""));
    assert!(
        refused.err.contains("the baseline does not fit: it is of another boot"),
        "{}",
        refused.err
    );
});
