//! ephemeral-port-exhaustion and time-wait-buildup on real sockets.

use serde_json::{Value, json};

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::{findings, json, run};

const RANGE: &str = "net.ipv4.ip_local_port_range";

fn port_severity(count: &str) -> (Option<Value>, Option<Value>) {
    let mut scene = Scene::start(&["established", count]);
    let document = json(&[]);
    let found = findings(&document, "ephemeral-port-exhaustion");
    let severity = found.first().map(|f| f["severity"].clone());
    let facts = found.first().map(|f| f["facts"].clone());
    if let Some(f) = found.first() {
        assert_eq!(f["subject"]["kind"], "destination");
        assert_eq!(f["subject"]["local_addr"], "127.0.0.1");
        assert_eq!(f["subject"]["peer"], json!({"addr": "127.0.0.1", "port": 7001}));
        assert_eq!(f["subject"]["owners"][0]["pid"], scene.pid());
    }
    scene.tell("reset");
    // A range of a thousand ports is told by itself.
    let after = json(&["--ignore", "settings"]);
    assert_eq!(after["findings"], json!([]), "a reset leaves nothing behind");
    (severity, facts)
}

lab_test!(severity_follows_the_share_of_a_range_of_1009_ports, {
    sysctl(RANGE, "20000 21008");
    for few in ["499", "755"] {
        assert_eq!(port_severity(few).0, None, "{few}");
    }
    for (count, want) in [(757, "warning"), (911, "critical"), (1009, "critical")] {
        let (severity, facts) = port_severity(&count.to_string());
        assert_eq!(severity, Some(json!(want)), "{count}");
        let facts = facts.unwrap();
        assert_eq!(facts["used"], count);
        assert_eq!(facts["usable"], 1009);
        // A range of odd length: the last port may not be found.
        let untried = facts["untried"].as_i64().unwrap();
        assert_eq!(facts["headroom"], 1009 - count - untried);
        assert_eq!(facts["headroom_max"], 1009 - count);
    }
});

lab_test!(ports_of_listeners_bound_sockets_and_reservations_are_not_usable, {
    sysctl(RANGE, "20000 20099");
    sysctl("net.ipv4.ip_local_reserved_ports", "20090-20098");
    let _bound = Scene::start(&["bound", "7", "20003"]);
    let _client = Scene::start(&["established", "67"]);
    let document = json(&[]);
    let f = findings(&document, "ephemeral-port-exhaustion")[0];
    // 100 ports, less 9 reserved, 1 listener at 20003 and 7 bound ones.
    assert_eq!((&f["facts"]["range_size"], &f["facts"]["held"]), (&json!(91), &json!(8)));
    assert_eq!((&f["facts"]["usable"], &f["facts"]["headroom"]), (&json!(83), &json!(16)));
    // The headroom is exact: so many more connections fit, and not one more.
    assert_eq!(extra_connects(), 16);
});

lab_test!(ports_taken_by_an_explicit_bind_are_lost_to_other_destinations_too, {
    sysctl(RANGE, "20000 20099");
    let _explicit = Scene::start(&["explicit", "11", "7101"]);
    let _client = Scene::start(&["established", "71"]);
    let document = json(&[]);
    let f = findings(&document, "ephemeral-port-exhaustion")[0];
    assert_eq!((&f["facts"]["used"], &f["facts"]["held"]), (&json!(71), &json!(11)));
    assert_eq!((&f["facts"]["usable"], &f["facts"]["headroom"]), (&json!(89), &json!(18)));
    assert_eq!(extra_connects(), 18);
});

lab_test!(a_long_list_of_reserved_ports_is_read_whole_and_kept_whole, {
    let list = "16000,30001,30003,30005,30007,30009,30011,33000-33999";
    sysctl(RANGE, "32768 34767");
    sysctl("net.ipv4.ip_local_reserved_ports", list);
    let _service = Scene::start(&["bound", "0", "18080"]);
    let _client = Scene::start(&["established", "911"]);
    let document = json(&[]);
    let f = findings(&document, "ephemeral-port-exhaustion")[0];
    assert_eq!((&f["facts"]["range_size"], &f["severity"]), (&json!(1000), &json!("critical")));
    let advice = json(&["advise"]);
    let item =
        advice["items"].as_array().unwrap().iter().find(|i| i["id"] == "ip_local_reserved_ports");
    assert_eq!(
        (&item.unwrap()["now"], &item.unwrap()["proposed"]),
        (&json!(list), &json!(list.replace("16000,", "16000,18080,")))
    );
});

/// How many more connections to port 7001 succeed.
fn extra_connects() -> usize {
    let mut held = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect(("127.0.0.1", 7001)) {
        held.push(stream);
        assert!(held.len() <= 1000, "it ends");
    }
    held.len()
}

lab_test!(client_side_time_wait_fires_without_reuse, {
    sysctl(RANGE, "20000 20066");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let _scene = Scene::start(&["time-wait", "41"]);
    let document = json(&[]);
    let f = findings(&document, "time-wait-buildup")[0];
    assert_eq!(
        (&f["facts"]["time_wait"], &f["facts"]["used"], &f["facts"]["usable"]),
        (&json!(41), &json!(41), &json!(67))
    );
    assert_eq!((&f["facts"]["headroom_max"], &f["severity"]), (&json!(26), &json!("info")));
    assert_eq!(f["facts"]["closed_last_10s"], 41);
    assert_eq!(f["subject"]["peer"], json!({"addr": "127.0.0.1", "port": 7001}));
    assert_eq!(document["status"], "ok", "info changes no status");
    let advice = json(&["advise"]);
    let items = advice["items"].as_array().unwrap();
    let of = |id: &str| items.iter().find(|i| i["id"] == id).unwrap();
    assert_eq!(
        (&of("tcp_tw_reuse")["now"], &of("tcp_tw_reuse")["proposed"]),
        (&json!("0"), &json!("2"))
    );
    assert!(
        !advice.to_string().contains("\"net.ipv4.tcp_fin_timeout\""),
        "it has no effect on TIME_WAIT"
    );
    // 67 is odd: an end of the range, if it is still free, may never be tried.
    let untried = f["facts"]["untried"].as_u64().unwrap() as usize;
    assert!((26 - untried..=26).contains(&extra_connects()));
});

lab_test!(time_wait_that_can_be_reused_is_silent, {
    sysctl(RANGE, "20000 20067");
    sysctl("net.ipv4.tcp_tw_reuse", "2");
    let _scene = Scene::start(&["time-wait", "41"]);
    pause(1500);
    let document = json(&["--ignore", "settings"]);
    assert_eq!(document["findings"], json!([]));
    assert_eq!(document["summary"]["by_state"]["time_wait"], 41);
    assert_eq!(extra_connects(), 68, "every port can be had again");
});

lab_test!(time_wait_in_the_default_range_is_silent, {
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let _scene = Scene::start(&["time-wait", "41"]);
    let document = json(&[]);
    assert_eq!(
        (&document["findings"], &document["summary"]["by_state"]["time_wait"]),
        (&json!([]), &json!(41))
    );
});

lab_test!(advice_loaded_by_sysctl_lowers_the_finding, {
    sysctl(RANGE, "20000 21008");
    sysctl("net.ipv4.ip_local_reserved_ports", "30303");
    let _other = Scene::start(&["bound", "0", "18080"]);
    let _scene = Scene::start(&["established", "911"]);
    assert_eq!(findings(&json(&[]), "ephemeral-port-exhaustion")[0]["severity"], "critical");
    let file = std::env::temp_dir().join(format!("tcpvet-advice-{}.conf", std::process::id()));
    let advice = run(&["advise", "--emit", "sysctl.d"]);
    std::fs::write(&file, &advice.out).unwrap();
    let loaded = std::process::Command::new("sysctl").arg("-p").arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(loaded.status.success(), "{loaded:?}\n{}", advice.out);
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap();
    assert_eq!(read("ip_local_reserved_ports").trim(), "18080,30303");
    assert_eq!(
        read("ip_local_port_range").split_whitespace().collect::<Vec<_>>(),
        ["15000", "60999"]
    );
    assert_eq!(json(&[])["findings"], json!([]));
    assert_eq!(json(&["advise"])["items"], json!([]), "advice that was taken is not repeated");
});
