//! What each right shows, and what capabilities of the program file must not give.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::rights::{Copy, nobody_with};
use crate::support::run::{Run, document, findings, finish};

const PTRACE: &str = "+sys_ptrace,+dac_read_search";
const BPF: &str = "+bpf,+perfmon";

/// The state of a source in the coverage of a document.
fn source(document: &Value, name: &str) -> Value {
    let sources = document["coverage"]["sources"].as_array().unwrap();
    sources.iter().find(|s| s["name"] == name).map_or(Value::Null, |s| s["state"].clone())
}

lab_test!(each_set_of_capabilities_finds_the_same_and_names_what_it_may, {
    let scene = Scene::start(&["leak", "61"]);
    pause(1200);
    let named = json!([{"pid": scene.pid(), "provenance": "exact"}]);
    let hidden = json!([{"pid": null, "provenance": "hidden"}]);
    for (rights, owners) in
        [("", &hidden), ("+net_admin", &hidden), (PTRACE, &named), (BPF, &named)]
    {
        let Some(run) = nobody_with(rights, &[], &["--json"]) else { continue };
        let document = document(&run.out);
        let finding = findings(&document, "close-wait-leak")[0];
        assert_eq!(finding["facts"]["close_wait"], 61, "{rights}");
        let subject = &finding["subject"];
        let told = match subject["kind"].as_str() {
            Some("process") => {
                json!([{"pid": subject["pid"], "provenance": subject["provenance"]}])
            }
            _ => {
                json!([{"pid": subject["owners"][0]["pid"], "provenance": subject["owners"][0]["provenance"]}])
            }
        };
        assert_eq!(&told, owners, "{rights}");
        let whole = if owners == &named { "seen" } else { "partial" };
        assert_eq!(source(&document, "owners"), whole, "{rights}");
        // A verdict that does not hang on names is the same for all.
        let check = nobody_with(rights, &[], &["check", "--select", "close-wait-leak"]).unwrap();
        assert_eq!(check.status, 1, "{rights}: {}", check.out);
    }
    let marks = |rights: &str| {
        let args = ["list", "--json", "-O", "local,mark", "state listen"];
        Some(source(&document(&nobody_with(rights, &[], &args)?.out), "mark"))
    };
    if let (Some(without), Some(with)) = (marks(""), marks("+net_admin")) {
        assert_eq!((without, with), (json!("denied"), Value::Null));
    }
});

lab_test!(behind_hidepid_the_numbers_are_the_same_and_nobody_is_called_absent, {
    let _scene = Scene::start(&["leak", "61"]);
    pause(1200);
    let hidden = "mount -t proc -o hidepid=2 proc /proc && exec \"$0\" \"$@\"";
    let before = ["unshare", "-m", "sh", "-c", hidden];
    let Some(run) = nobody_with("", &before, &["--json"]) else { return };
    let diagnosis = document(&run.out);
    let finding = findings(&diagnosis, "close-wait-leak")[0];
    assert_eq!(finding["facts"]["close_wait"], 61);
    assert_eq!(finding["subject"]["owners"][0]["provenance"], "hidden");
    assert_eq!(source(&diagnosis, "owners"), "partial");
    let env = document(&nobody_with("", &before, &["env", "--json"]).unwrap().out);
    assert!(["2", "invisible"].contains(&env["place"]["hidepid"].as_str().unwrap()), "{env}");
    // What hangs on the descriptors of processes that are out of sight is unknown, and never clear.
    let check = nobody_with("", &before, &["check", "--select", "descriptor-limit"]).unwrap();
    assert_eq!(check.status, 3, "{}", check.out);
});

lab_test!(in_another_pid_namespace_owners_are_out_of_sight_and_the_hosts_proc_shows_them, {
    let scene = Scene::start(&["leak", "61"]);
    pause(1200);
    let folder = std::env::temp_dir().join(format!("tcpvet-proc-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    // A container: /proc is its own, the host's lies elsewhere.
    let made =
        format!("mount --bind /proc {folder} && exec unshare -pf --mount-proc \"$0\" \"$@\"");
    let within = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &made, env!("CARGO_BIN_EXE_tcpvet")]).args(args);
        finish(&mut command)
    };
    let alone = within(&["--json"]);
    if alone.status != 0 {
        println!("SKIPPED: this machine allows no pid namespace ({})", alone.err);
        return;
    }
    let alone = document(&alone.out);
    let finding = findings(&alone, "close-wait-leak")[0];
    assert_eq!(finding["facts"]["close_wait"], 61);
    assert_eq!(finding["subject"]["owners"][0]["provenance"], "unheld");
    assert_eq!(source(&alone, "pid_namespace"), "partial");
    let list =
        document(&within(&["list", "--json", "-O", "likely_holder,local", "state close-wait"]).out);
    assert_eq!(list["sockets"][0]["likely_holder"], "another pid namespace");
    for owners in ["auto", "bpf", "proc"] {
        let args = ["list", "--json", "--proc", folder, "--owners", owners, "state close-wait"];
        let run = within(&args);
        if owners == "bpf" && run.status != 0 {
            println!("SKIPPED: no BPF here ({})", run.err);
            continue;
        }
        let host = document(&run.out);
        for socket in host["sockets"].as_array().unwrap() {
            assert_eq!(socket["owners"][0]["pid"], scene.pid(), "{owners}");
        }
        assert_eq!(host["sockets"].as_array().unwrap().len(), 61);
    }
    let host = document(&within(&["--json", "--proc", folder]).out);
    assert_eq!(findings(&host, "close-wait-leak")[0]["subject"]["pid"], scene.pid());
    assert_eq!(source(&host, "pid_namespace"), Value::Null);
    std::fs::remove_dir(folder).unwrap();
});

/// A copy with capabilities of its own; `None` where this machine keeps none in files.
fn with_file_capabilities(capabilities: &str) -> Option<Copy> {
    let copy = Copy::new();
    let set = Command::new("setcap").arg(capabilities).arg(copy.path()).status();
    let probe = |copy: &Copy| as_nobody(copy, &["--version"]).status == 0;
    if set.is_ok_and(|s| s.success()) && probe(&copy) {
        return Some(copy);
    }
    println!("SKIPPED: this machine does not let a test give a file capabilities");
    None
}

fn as_nobody(copy: &Copy, args: &[&str]) -> Run {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    finish(command.arg(copy.path()).args(args))
}

lab_test!(capabilities_of_the_file_name_owners_and_read_nothing_for_the_user, {
    let Some(copy) = with_file_capabilities("cap_sys_ptrace,cap_dac_read_search+ep") else {
        return;
    };
    let scene = Scene::start(&["established", "3"]);
    let list = document(&as_nobody(&copy, &["list", "--json", "state established"]).out);
    for socket in list["sockets"].as_array().unwrap() {
        let owner = &socket["owners"][0];
        assert_eq!((&owner["pid"], &owner["provenance"]), (&json!(scene.pid()), &json!("exact")));
    }
    assert_eq!(source(&list, "owners"), "seen");
    // A file of root's, which these capabilities would open.
    let secret = copy.folder().join("secret.toml");
    std::fs::write(&secret, "topsecret-line-42 = 1\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let path = secret.to_str().unwrap();
    for args in [
        vec!["--config", path],
        vec!["config", "--config", path],
        vec!["--from", path],
        vec!["--baseline", path],
        vec!["-N", path],
    ] {
        let run = as_nobody(&copy, &args);
        assert_eq!(run.status, 3, "{args:?}: {}{}", run.out, run.err);
        assert!(run.err.contains("permission denied"), "{args:?}: {}", run.err);
        assert!(!format!("{}{}", run.out, run.err).contains("topsecret"), "{args:?}");
    }
    let run = as_nobody(&copy, &["--proc", "/proc"]);
    assert_eq!(run.status, 3);
    assert!(run.err.contains("capabilities come with the program file"), "{}", run.err);
    // And it writes nothing where its user may not.
    let closed = copy.folder().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let run = as_nobody(&copy, &["capture", "-o", closed.join("box.tar").to_str().unwrap()]);
    assert!(run.status == 3 && run.err.contains("permission denied"), "{}", run.err);
});

lab_test!(capabilities_of_the_file_see_behind_hidepid, {
    let Some(copy) = with_file_capabilities("cap_sys_ptrace,cap_dac_read_search+ep") else {
        return;
    };
    let scene = Scene::start(&["leak", "61"]);
    pause(1200);
    let hidden = "mount -t proc -o hidepid=2 proc /proc && exec \"$0\" \"$@\"";
    let behind = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", hidden, "setpriv", "--reuid", "65534", "--regid", "65534"]);
        finish(command.arg("--clear-groups").arg(copy.path()).args(args))
    };
    let diagnosis = document(&behind(&["--json"]).out);
    let finding = findings(&diagnosis, "close-wait-leak")[0];
    assert_eq!(finding["subject"]["pid"], scene.pid());
    let check = behind(&["check", "--select", "descriptor-limit"]);
    assert_eq!(check.status, 0, "every process is listed: {}", check.out);
});
