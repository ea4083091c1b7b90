//! `--all-netns`: every namespace in sight, each socket with the name of its own.

use std::collections::BTreeMap;
use std::process::Command;

use crate::support::lab::{Scene, lab_test};
use crate::support::run::{json, run};

fn sh(command: &str) -> bool {
    Command::new("sh").args(["-c", command]).status().unwrap().success()
}

lab_test!(three_namespaces_are_listed_with_their_names, {
    // Names of namespaces are kept in a mount namespace of our own.
    if std::env::var_os("TCPVET_MOUNTS").is_none() {
        let inside = Command::new("unshare")
            .arg("-m")
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "live::namespaces::three_namespaces_are_listed_with_their_names",
                "--nocapture",
            ])
            .env("TCPVET_MOUNTS", "1")
            .status()
            .unwrap();
        if !inside.success() && !sh("unshare -m true") {
            println!("SKIPPED: this machine allows no mount namespace");
            return;
        }
        assert!(inside.success());
        return;
    }
    if !sh(
        "mount -t tmpfs none /run && for n in red green blue; do ip netns add $n && ip -n $n link set lo up || exit 1; done",
    ) {
        println!("SKIPPED: this machine allows no named namespaces");
        return;
    }
    let exe = std::env::current_exe().unwrap();
    let mut scenes = Vec::new();
    for (name, count) in [("red", 2), ("green", 3), ("blue", 5)] {
        scenes.push(Scene::inside(name, &["established", &count.to_string()]));
    }
    let _here = Scene::start(&["established", "1"]);
    let document = json(&["list", "--all-netns", "state established"]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for socket in document["sockets"].as_array().unwrap() {
        let name = socket["netns"].as_str().unwrap();
        *counts.entry(name.to_string()).or_default() += 1;
        // Other tests' namespaces are in sight too.
        if ["red", "green", "blue"].contains(&name) {
            assert_eq!(socket["owners"][0]["provenance"], "exact", "{socket}");
        }
    }
    let of = |name: &str| counts.get(name).copied().unwrap_or_default();
    assert_eq!((of("red"), of("green"), of("blue")), (4, 6, 10), "{counts:?}");
    let one = run(&["list", "-N", "green", "-H", "state established"]);
    assert_eq!(one.out.lines().count(), 6);
    let table = run(&["list", "--all-netns", "-tln"]);
    assert!(table.out.starts_with("NETNS"), "{}", table.out);
    for name in ["red", "green", "blue"] {
        let line = table.out.lines().find(|l| l.starts_with(&format!("{name} "))).unwrap();
        assert!(line.contains("127.0.0.1:7001") && line.contains("scene["), "{line}");
    }
    drop((scenes, exe));
});
