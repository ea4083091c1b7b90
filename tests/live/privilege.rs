//! What an ordinary user sees, and what it is told of the rest.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{Run, document, findings, finish};

/// A copy of the program where everybody may run it.
fn public_copy() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tcpvet-public-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.join("tcpvet");
    std::fs::copy(env!("CARGO_BIN_EXE_tcpvet"), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

/// Runs the program as nobody; `None` where this process may not change its user.
fn as_nobody(args: &[&str]) -> Option<Run> {
    let copy = public_copy();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&copy).args(args);
    let probe = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "true"])
        .status();
    let run = probe.is_ok_and(|s| s.success()).then(|| finish(&mut command));
    std::fs::remove_dir_all(copy.parent().unwrap()).unwrap();
    if run.is_none() {
        println!("SKIPPED: this process may not run another as nobody");
    }
    run
}

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

lab_test!(another_namespace_needs_root_and_says_so, {
    let Some(run) = as_nobody(&["--netns", "1"]) else { return };
    assert_eq!((run.status, run.out.as_str()), (3, ""));
    assert!(
        run.err.starts_with("error: cannot enter network namespace '1': permission denied\nhint: "),
        "{}",
        run.err
    );
});
