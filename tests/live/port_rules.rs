//! The rules about ports on real sockets: what binds first, what is searched long, what comes and goes, what stands in the range.

use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::lab::{has_bpf, lab_test, pause, sysctl};
use crate::support::run::{document, findings, json, tcpvet};
use crate::support::town::{HERE, Town, Way, local};

const RANGE: &str = "net.ipv4.ip_local_port_range";

fn to(port: u16) -> SocketAddr {
    SocketAddr::new(HERE, port)
}

fn fired(document: &Value, rule: &str) -> Vec<Value> {
    findings(document, rule).into_iter().cloned().collect()
}

lab_test!(a_proxy_that_binds_first_is_found_with_its_pool, {
    sysctl(RANGE, "20000 20499");
    let mut town = Town::found();
    [7001, 7002].into_iter().for_each(|p| town.serve(to(p)));
    town.connects(223, Way::BindFirst(HERE), to(7001));
    town.connects(239, Way::BindFirst(HERE), to(7002));
    let document = json(&[]);
    let first = fired(&document, "bind-before-connect");
    let pool = fired(&document, "bind-pool-exhaustion");
    if !has_bpf() {
        return;
    }
    assert_eq!(first.len(), 1, "{document}");
    assert_eq!(
        (&first[0]["facts"]["bound_first"], &first[0]["facts"]["certain"]),
        (&json!(462), &json!(1))
    );
    assert_eq!(
        (&pool[0]["severity"], &pool[0]["facts"]["headroom"]),
        (&json!("critical"), &json!(38))
    );
    assert_eq!(pool[0]["subject"]["local_addr"], "127.0.0.1");
    assert_eq!(pool[0]["subject"]["owners"][0]["pid"], std::process::id());
    // So many more bind() calls succeed, and so many connects toward anybody.
    assert_eq!(town.binds(39, HERE, &|_| ()), 38);
    let held = fired(&json(&[]), "ephemeral-port-exhaustion");
    assert!(held.iter().any(|f| f["subject"]["kind"] == "namespace"), "{held:?}");
});

lab_test!(a_client_that_only_connects_is_no_binder, {
    sysctl(RANGE, "20000 20499");
    let mut town = Town::found();
    town.serve(to(7001));
    town.connects(463, Way::Plain, to(7001));
    let document = json(&[]);
    for rule in ["bind-before-connect", "bind-pool-exhaustion"] {
        assert_eq!(fired(&document, rule), Vec::<Value>::new(), "{rule}");
    }
    assert_eq!(fired(&document, "ephemeral-port-exhaustion")[0]["severity"], "critical");
});

lab_test!(the_cliff_informs_and_with_new_connections_warns, {
    sysctl(RANGE, "20000 20999");
    let mut town = Town::found();
    town.serve(to(7001));
    town.connects(493, Way::Plain, to(7001));
    assert_eq!(fired(&json(&[]), "connect-search-cliff"), Vec::<Value>::new(), "493 of 500");
    town.connects(18, Way::Plain, to(7001));
    let quiet = json(&["diagnose", "--sample", "200ms"]);
    assert_eq!(fired(&quiet, "connect-search-cliff")[0]["severity"], "info", "nobody connects");
    assert_eq!(quiet["status"], "ok");
    let child = tcpvet()
        .args(["diagnose", "--sample", "2s", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    pause(500);
    for _ in 0..23 {
        town.connects(1, Way::Plain, to(7001));
        pause(20);
    }
    let output = child.wait_with_output().unwrap();
    let busy = document(&String::from_utf8(output.stdout).unwrap());
    let found = fired(&busy, "connect-search-cliff");
    assert_eq!((&found[0]["severity"], &busy["status"]), (&json!("warning"), &json!("warning")));
    let rate = found[0]["facts"]["connects_per_second"].as_f64().unwrap();
    let seconds = busy["compared_ms"].as_f64().unwrap() / 1000.0;
    assert!((rate * seconds - 23.0).abs() < 0.1, "{rate} over {seconds}");
});

lab_test!(churn_and_exposed_services_are_told, {
    sysctl(RANGE, "20000 21999");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let mut town = Town::found();
    town.serve(to(7001));
    town.listeners([20_500u16, 21_500].into_iter(), local(7));
    sysctl("net.ipv4.ip_local_reserved_ports", "21500");
    town.time_wait(97, Way::Plain, to(7001));
    assert_eq!(fired(&json(&[]), "connection-churn"), Vec::<Value>::new(), "97 are few");
    town.time_wait(10, Way::Plain, to(7001));
    let document = json(&[]);
    let churn = fired(&document, "connection-churn");
    assert_eq!(
        (&churn[0]["severity"], &churn[0]["facts"]["closed_last_60s"]),
        (&json!("info"), &json!(107))
    );
    let exposed = fired(&document, "port-range-conflict");
    assert_eq!(exposed[0]["facts"]["listening_ports"], 1, "the other is reserved");
    let advice = json(&["advise"]);
    let items = advice["items"].as_array().unwrap();
    let item = items.iter().find(|i| i["id"] == "ip_local_reserved_ports").unwrap();
    assert_eq!((&item["now"], &item["proposed"]), (&json!("21500"), &json!("20500,21500")));
});
