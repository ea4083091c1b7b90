//! What an ordinary user sees, and what it is told of the rest.

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::rights::{as_nobody, nobody_with};
use crate::support::run::{document, findings};

lab_test!(an_ordinary_user_gets_the_finding_and_hears_what_stays_hidden, {
    let _scene = Scene::start(&["leak", "23"]);
    pause(1200);
    let Some(run) = as_nobody(&["--json"]) else { return };
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let document = document(&run.out);
    let f = findings(&document, "close-wait-leak")[0];
    assert_eq!(f["facts"]["close_wait"], 23);
    assert_eq!(f["subject"]["local"], json!({"addr": "127.0.0.1", "port": 7001}));
    assert_eq!(
        f["subject"]["owners"],
        json!([{"pid": null, "process": null, "provenance": "hidden"}])
    );
    assert_eq!(document["coverage"]["complete"], false);
    let sources = document["coverage"]["sources"].as_array().unwrap();
    let owners = sources.iter().find(|s| s["name"] == "owners").unwrap();
    assert_eq!(owners["state"], "partial");
    assert!(
        owners["hint"].as_str().unwrap().contains("setcap cap_sys_ptrace,cap_dac_read_search+ep")
    );
    let human = as_nobody(&[]).unwrap();
    assert!(human.out.contains("not seen owners: "), "{}", human.out);
    assert!(human.out.contains("grant  sudo tcpvet"), "{}", human.out);
});

lab_test!(a_quiet_namespace_does_not_look_complete_to_an_ordinary_user, {
    let _scene = Scene::start(&["established", "3"]);
    let Some(run) = as_nobody(&["--json"]) else { return };
    let document = document(&run.out);
    assert_eq!(
        (&document["status"], &document["coverage"]["complete"]),
        (&json!("ok"), &json!(false))
    );
    let list = as_nobody(&["list"]).unwrap();
    assert_eq!(list.status, 0);
    assert!(list.out.contains("(hidden)"), "{}", list.out);
    assert!(
        list.err.starts_with("warning: owners: ") && list.err.contains("\nhint: sudo tcpvet"),
        "{}",
        list.err
    );
    assert_eq!(as_nobody(&["list", "-q"]).unwrap().err, "");
});

lab_test!(a_namespace_that_may_not_be_entered_shows_its_tables_and_says_what_is_missing, {
    let scene = Scene::start(&["established", "3"]);
    let pid = scene.pid().to_string();
    let elsewhere = |args: &[&str]| {
        nobody_with("", &["unshare", "-n"], &[&["-N", pid.as_str()], args].concat())
    };
    let Some(list) = elsewhere(&["list", "state established", "--json"]) else { return };
    let list = document(&list.out);
    assert_eq!(list["sockets"].as_array().unwrap().len(), 6, "{list}");
    assert_eq!(list["sockets"][0]["owners"][0]["provenance"], "hidden");
    let whole = document(&elsewhere(&["--json"]).unwrap().out);
    let source = |name: &str| {
        let sources = whole["coverage"]["sources"].as_array().unwrap();
        sources.iter().find(|s| s["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!(
        [source("namespace"), source("sock_diag"), source("proc_net_tcp"), source("sysctl")],
        ["partial", "denied", "seen", "denied"]
    );
    let one = elsewhere(&["check", "--select", "accept-queue-full"]).unwrap();
    assert_eq!(one.status, 3, "{}", one.out);
    let none = as_nobody(&["-N", "no-such-netns"]).unwrap();
    assert_eq!((none.status, none.out.as_str()), (3, ""));
    assert!(
        none.err.starts_with("error: cannot enter network namespace 'no-such-netns': no such file"),
        "{}",
        none.err
    );
});
