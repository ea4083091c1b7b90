//! Record, replay, and what they must agree on.

use serde_json::{Value, json};
use tcpvet::collect::{Start, enrich, start};
use tcpvet::model::Snapshot;
use tcpvet::model::wants::Wants;
use tcpvet::sys::System;
use tcpvet::sys::live::Live;
use tcpvet::sys::record::Record;
use tcpvet::sys::replay::Replay;
use tcpvet::sys::store::Capture;

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::{json, run};

fn everything(system: &dyn System) -> Snapshot {
    let mut snapshot = start(system, &Start::capture(None)).unwrap();
    let owners = snapshot.sockets.iter().map(|s| s.inode).collect();
    let wants = Wants { owners, explicit_ports: true, descriptors: true, ..Wants::default() };
    enrich(system, &mut snapshot, &wants);
    snapshot
}

lab_test!(a_replay_gives_the_snapshot_that_was_recorded, {
    let _leak = Scene::with_limit(&["leak", "23"], Some(47));
    let _mixed = Scene::start(&["mixed", "0", "7101"]);
    pause(1100);
    let live = Live::here();
    let record = Record::new(&live, None);
    let recorded = everything(&record);
    assert!(recorded.sockets.len() > 60 && recorded.owners.as_ref().unwrap().holders.len() > 30);
    let capture = record.finish();
    let folder = std::env::temp_dir().join(format!("tcpvet-replay-{}.tar", std::process::id()));
    capture.save(&folder).unwrap();
    let loaded = Capture::load(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(loaded, capture);
    let replayed = everything(&Replay::new(loaded));
    assert_eq!(replayed, recorded);
});

/// Ages and times differ between two looks; everything else must not.
fn still(mut document: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in [
                    "time",
                    // Of the whole host, on which other tests run.
                    "host_wide",
                    "first_release_ms",
                    "closed_last_10s",
                    // A SYN that is dropped is sent again every second.
                    "drops",
                    "expires_ms",
                    "oldest_at_least_ms",
                    "youngest_at_least_ms",
                    "oldest_at_most_ms",
                    "close_rate_per_s",
                    "close_rate_recent_per_s",
                    "closes_last_60s",
                    "next_release_ms",
                    "duration_ms",
                    "lifetime_s",
                    "max_rate_per_s",
                    "max_rate_with",
                    "seconds_to_cliff",
                    "seconds_to_exhaustion",
                    "exhaustion",
                    "evidence",
                    "sources",
                ] {
                    map.remove(key);
                }
                map.values_mut().for_each(walk);
            }
            Value::Array(list) => {
                let of_host = ["orphans_used", "memory_used"];
                list.retain(|one| !one["name"].as_str().is_some_and(|n| of_host.contains(&n)));
                list.iter_mut().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&mut document);
    document
}

lab_test!(every_command_says_of_a_capture_what_it_says_live, {
    sysctl("net.ipv4.ip_local_port_range", "20000 20066");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let _leak = Scene::start(&["leak", "11"]);
    let _tw = Scene::start(&["time-wait", "41", "7101"]);
    let _queue = Scene::start(&["backlog", "9", "7201"]);
    pause(1200);
    let at = std::env::temp_dir().join(format!("tcpvet-cli-capture-{}", std::process::id()));
    let path = at.to_str().unwrap();
    // A check and advice look twice where they can, and a capture is one look.
    let advise = ["advise", "--select", "port-range-conflict,ephemeral-port-exhaustion"];
    let once = ["check", "--select", "port-range-conflict,ephemeral-port-exhaustion"];
    for command in [&["diagnose"][..], &["list"], &["summary"], &["ports"], &once, &advise] {
        // On a machine that stands still for seconds something may come of age between the two.
        for last in [false, false, true] {
            let _ = std::fs::remove_dir_all(&at);
            let written = json(&["capture", "-o", path]);
            assert_eq!(written["path"], path);
            assert!(written["sockets"].as_u64().unwrap() > 70);
            let live = still(json(command));
            let replayed = still(json(&[command, &["--from", path]].concat()));
            if replayed == live {
                break;
            }
            assert!(!last, "{command:?}: {replayed}\n{live}");
        }
    }
    let again = run(&["capture", "-o", path]);
    assert_eq!((again.status, again.out.as_str()), (3, ""));
    assert!(again.err.contains("file exists"), "{}", again.err);
    let tar = format!("{path}.tar");
    assert_eq!(run(&["capture", "--from", path, "-o", &tar]).status, 0, "a folder becomes a tar");
    assert_eq!(still(json(&["--from", &tar])), still(json(&["--from", path])));
    std::fs::remove_dir_all(&at).unwrap();
    std::fs::remove_file(&tar).unwrap();
});

lab_test!(the_namespace_of_another_process_is_seen_from_outside, {
    let scene = Scene::start(&["leak", "13"]);
    pause(1200);
    // A namespace inside this one's process tree: seen from a fresh namespace by process id.
    let out = std::process::Command::new("unshare")
        .args(["-n", env!("CARGO_BIN_EXE_tcpvet"), "--json", "--netns", &scene.pid().to_string()])
        .output()
        .unwrap();
    let document = crate::support::run::document(&String::from_utf8(out.stdout).unwrap());
    let found = crate::support::run::findings(&document, "close-wait-leak");
    assert_eq!(found[0]["facts"]["close_wait"], 13);
    assert_eq!(
        (&found[0]["netns"], &found[0]["subject"]["pid"]),
        (&json!(scene.pid().to_string()), &json!(scene.pid()))
    );
});
