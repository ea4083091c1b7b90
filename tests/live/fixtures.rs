//! Makes the captures under tests/captures from scenes: `BLESS_CAPTURES=1 cargo test fixtures`. Without that it does nothing.
//!
//! Each is taken in namespaces of its own (network, processes, host name), so that it holds nothing of the machine it was made on.

use std::process::Command;

use crate::support::lab::{Scene, lab_test, pause, sysctl};

const INSIDE: &str = "TCPVET_FIXTURE";

/// Names of the captures and how their scenes are made.
fn scenes(name: &str) -> Vec<Scene> {
    match name {
        "quiet" => vec![Scene::start(&["established", "5"])],
        "mixed" => {
            let bound = Scene::start(&["bound", "2", "7101"]);
            vec![Scene::start(&["mixed"]), bound, Scene::start(&["backlog", "20", "7201"])]
        }
        "close-wait-leak" => vec![Scene::start(&["leak", "23"])],
        "hostile-name" => vec![Scene::start(&["hostile-leak", "11"])],
        "port-exhaustion" => {
            sysctl("net.ipv4.ip_local_port_range", "20000 20099");
            sysctl("net.ipv4.tcp_tw_reuse", "0");
            let service = Scene::start(&["bound", "0", "18080"]);
            vec![Scene::start(&["busy", "97"]), service]
        }
        other => panic!("{other}"),
    }
}

lab_test!(captures_are_recorded_when_asked, {
    let Some(name) = std::env::var(INSIDE).ok() else {
        if std::env::var_os("BLESS_CAPTURES").is_some() {
            for name in ["quiet", "mixed", "close-wait-leak", "hostile-name", "port-exhaustion"] {
                record(name);
            }
        }
        return;
    };
    let scenes = scenes(&name);
    pause(1300);
    let at = format!("{}/tests/captures/{name}", env!("CARGO_MANIFEST_DIR"));
    let _ = std::fs::remove_dir_all(&at);
    let status = Command::new(env!("CARGO_BIN_EXE_tcpvet")).args(["capture", "-o", &at]).status();
    assert!(status.unwrap().success());
    drop(scenes);
    anonymous(&at);
});

/// Runs this test again in fresh namespaces.
fn record(name: &str) {
    let script = "mount -t proc proc /proc && hostname lab && exec \"$@\"";
    let status = Command::new("unshare")
        .args(["-n", "-u", "-m", "-p", "-f", "--kill-child", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "live::fixtures::captures_are_recorded_when_asked",
            "--test-threads=1",
            "--nocapture",
        ])
        .env(INSIDE, name)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Takes out what tells one machine from another.
fn anonymous(at: &str) {
    let path = format!("{at}/files.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let fixed: Vec<String> = text
        .lines()
        .map(|line| {
            let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let replacement = match entry["asked"].as_str().unwrap() {
                "read /proc/sys/kernel/osrelease" => "6.18.0\n",
                "read /proc/sys/kernel/random/boot_id" => "00000000-0000-4000-8000-000000000000\n",
                _ => return line.to_string(),
            };
            entry["text"] = replacement.into();
            entry.to_string()
        })
        .collect();
    std::fs::write(&path, fixed.join("\n") + "\n").unwrap();
    let path = format!("{at}/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["time_ms"] = 1_800_000_000_000_u64.into();
    std::fs::write(&path, serde_json::to_string_pretty(&manifest).unwrap() + "\n").unwrap();
    // A capture is private; a fixture is for everybody who runs the tests.
    let public = Command::new("chmod").args(["-R", "a+rX", at]).status();
    assert!(public.unwrap().success());
}
