//! descriptor-limit, unhashed-sockets, time-wait-bucket-overflow, reuseport-imbalance, hazardous-sysctl on real sockets and settings.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, sysctl};
use crate::support::run::{findings, json};

lab_test!(a_process_near_its_limit_is_named_with_what_its_descriptors_are, {
    let near = Scene::with_limit(&["established", "23"], Some(55));
    let document = json(&["--select", "descriptor-limit"]);
    let f = findings(&document, "descriptor-limit")[0];
    let used = std::fs::read_dir(format!("/proc/{}/fd", near.pid())).unwrap().count();
    assert_eq!(
        (&f["facts"]["descriptors"], &f["facts"]["descriptor_limit"]),
        (&json!(used), &json!(55))
    );
    assert_eq!(f["facts"]["sockets"], 47, "46 connections' ends and a listener");
    assert_eq!(f["subject"]["pid"], near.pid());
    drop(near);
    let _far = Scene::with_limit(&["established", "23"], Some(90));
    assert_eq!(json(&["--select", "descriptor-limit"])["findings"], json!([]));
});

lab_test!(sockets_that_no_table_shows_are_found_whoever_else_has_sockets, {
    let scene = Scene::start(&["unbound", "29"]);
    let document = json(&["--select", "unhashed-sockets"]);
    assert_eq!(document["summary"]["sockets"], 1, "the listener");
    let f = findings(&document, "unhashed-sockets")[0];
    assert_eq!((&f["facts"]["unhashed"], &f["subject"]["pid"]), (&json!(29), &json!(scene.pid())));
    assert_eq!(f["subject"]["process"], "scene");
});

lab_test!(nine_unbound_sockets_are_too_few, {
    let _scene = Scene::start(&["unbound", "9"]);
    assert_eq!(json(&["--select", "unhashed-sockets"])["findings"], json!([]));
    // A lower threshold is looked for too.
    let told = json(&["--select", "unhashed-sockets", "--set", "unhashed-sockets.warning=9"]);
    assert_eq!(findings(&told, "unhashed-sockets")[0]["facts"]["unhashed"], 9);
});

lab_test!(a_full_table_of_time_wait_is_told_and_a_large_one_is_not, {
    sysctl("net.ipv4.tcp_max_tw_buckets", "61");
    let _scene = Scene::start(&["time-wait", "101"]);
    let document = json(&[]);
    let f = findings(&document, "time-wait-bucket-overflow")[0];
    assert_eq!((&f["facts"]["time_wait"], &f["severity"]), (&json!(61), &json!("warning")));
    assert_eq!(
        findings(&document, "hazardous-sysctl")[0]["subject"]["name"],
        "net.ipv4.tcp_max_tw_buckets"
    );
    sysctl("net.ipv4.tcp_max_tw_buckets", "4999");
    let after = json(&[]);
    assert_eq!(after["findings"], json!([]), "61 of 4,999");
});

lab_test!(a_listener_left_behind_by_the_other_on_its_port, {
    let scene = Scene::start(&["reuseport-group", "17"]);
    let document = json(&[]);
    let f = findings(&document, "reuseport-imbalance")[0];
    assert_eq!((&f["facts"]["listeners"], &f["facts"]["others"]), (&json!(2), &json!(0)));
    assert_eq!(f["facts"]["accept_queue"], 17);
    assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    drop(scene);
    let _few = Scene::start(&["reuseport-group", "11", "7201"]);
    assert_eq!(findings(&json(&[]), "reuseport-imbalance").len(), 0);
});

lab_test!(settings_that_hurt_are_told_one_by_one, {
    let hazards = || {
        let document = json(&["--select", "settings"]);
        let told = document["findings"].as_array().unwrap().iter();
        told.map(|f| f["subject"]["name"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(hazards(), [""; 0], "a fresh namespace is as the kernel makes it");
    sysctl("net.ipv4.tcp_abort_on_overflow", "1");
    sysctl("net.ipv4.tcp_timestamps", "0");
    sysctl("net.ipv4.ip_local_port_range", "20000 30000");
    assert_eq!(
        hazards(),
        [
            "net.ipv4.ip_local_port_range",
            "net.ipv4.tcp_abort_on_overflow",
            "net.ipv4.tcp_timestamps"
        ]
    );
    let advice = json(&["advise", "--select", "settings"]);
    let proposed: Vec<_> =
        advice["items"].as_array().unwrap().iter().map(|i| (&i["id"], &i["proposed"])).collect();
    assert_eq!(
        proposed,
        [(&json!("tcp_timestamps"), &json!("1")), (&json!("tcp_abort_on_overflow"), &json!("0"))]
    );
});
