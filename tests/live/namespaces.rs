//! `--all-netns`: every namespace in sight, each socket with the name of its own.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::rights::{Copy, as_nobody, nobody_with};
use crate::support::run::{document, findings, json, run};

fn sh(command: &str) -> bool {
    Command::new("sh").args(["-c", command]).status().unwrap().success()
}

/// Runs the rest of a test in a mount namespace of its own, where names of namespaces are kept; false if this machine has none, or if the
/// rest has run already.
fn alone_with_names(test: &str, names: &[&str]) -> bool {
    if std::env::var_os("TCPVET_MOUNTS").is_none() {
        let inside = Command::new("unshare")
            .arg("-m")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("live::namespaces::{test}"), "--nocapture"])
            .env("TCPVET_MOUNTS", "1")
            .status()
            .unwrap();
        if inside.success() {
            return false;
        }
        assert!(!sh("unshare -m true"), "the test failed inside");
        println!("SKIPPED: this machine allows no mount namespace");
        return false;
    }
    let all = names.join(" ");
    let made = format!(
        "mount -t tmpfs none /run && for n in {all}; do ip netns add $n && ip -n $n link set lo up || exit 1; done"
    );
    if !sh(&made) {
        println!("SKIPPED: this machine allows no named namespaces");
        return false;
    }
    true
}

lab_test!(three_namespaces_are_listed_with_their_names, {
    if !alone_with_names("three_namespaces_are_listed_with_their_names", &["red", "green", "blue"])
    {
        return;
    }
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
    drop(scenes);
});

/// The namespaces of a document, by name.
fn by_name(document: &Value) -> BTreeMap<String, &Value> {
    let list = document["namespaces"].as_array().unwrap();
    list.iter().map(|n| (n["netns"].as_str().unwrap().to_string(), n)).collect()
}

lab_test!(each_namespace_has_its_own_findings_and_the_same_addresses_never_mix, {
    let test = "each_namespace_has_its_own_findings_and_the_same_addresses_never_mix";
    if !alone_with_names(test, &["red", "green", "void"]) {
        return;
    }
    // All of them listen at 127.0.0.1:7001; one has no name.
    let red = Scene::inside("red", &["leak", "61"]);
    let _green = Scene::inside("green", &["established", "23"]);
    let nameless = Scene::behind(&["unshare", "-n"], &["leak", "53"]);
    pause(1200);
    let document = json(&["--all-netns"]);
    let spaces = by_name(&document);
    let space = |name: &str| spaces.get(name).unwrap_or_else(|| panic!("{name}: {spaces:?}"));
    assert_eq!(space("red")["by_state"]["close_wait"], 61);
    assert_eq!(space("red")["status"], "warning");
    assert_eq!(space("green")["by_state"]["established"], 46);
    assert!(space("green")["pid"].is_null(), "a name leads in");
    assert!(!spaces.contains_key("void"), "nothing is in it");
    assert!(document["empty_namespaces"].as_u64().unwrap() >= 1);
    let pid = format!("pid:{}", nameless.pid());
    assert_eq!(space(&pid)["by_state"]["close_wait"], 53);
    assert_eq!(space(&pid)["pid"], nameless.pid());
    let leaks: BTreeMap<&str, (&Value, &Value)> = findings(&document, "close-wait-leak")
        .iter()
        .map(|f| (f["netns"].as_str().unwrap(), (&f["facts"]["close_wait"], &f["subject"]["pid"])))
        .collect();
    assert_eq!(leaks["red"], (&61.into(), &red.pid().into()));
    assert_eq!(leaks[pid.as_str()], (&53.into(), &nameless.pid().into()));
    assert!(!leaks.contains_key("green"), "{leaks:?}");
    // The commands lead there.
    let next = &findings(&document, "close-wait-leak")
        .iter()
        .find(|f| f["netns"] == pid.as_str())
        .unwrap()["next"];
    assert_eq!(
        next[0],
        format!("tcpvet -N {pid} list 'state close-wait and pid = {}'", nameless.pid())
    );
    assert_eq!(
        json(&["list", "-N", &pid, "state close-wait"])["sockets"].as_array().unwrap().len(),
        53
    );
    let doors = json(&["listen", "--all-netns"]);
    let door = |name: &str| {
        let all = doors["listeners"].as_array().unwrap().iter();
        all.filter(|l| l["netns"] == name)
            .map(|l| l["owners"][0]["pid"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(door("red"), [red.pid()]);
    assert_eq!(door(&pid), [nameless.pid()]);
    let table = run(&["listen", "--all-netns", "--brief"]);
    assert!(table.out.starts_with("NETNS "), "{}", table.out);
    let check = run(&["check", "--all-netns", "--select", "close-wait-leak"]);
    // Other tests' namespaces are in sight too.
    assert!([1, 2].contains(&check.status), "{}", check.out);
    assert!(check.out.contains("close-wait-leak in "), "{}", check.out);
    let document = json(&["check", "--all-netns", "--select", "close-wait-leak"]);
    let of = |name: &str| {
        let found = findings(&document, "close-wait-leak").into_iter();
        found
            .filter(|f| f["netns"] == name)
            .map(|f| f["facts"]["close_wait"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!((of("red"), of("green"), of(&pid)), (vec![61.into()], vec![], vec![53.into()]));
});

lab_test!(a_namespace_of_another_user_namespace_is_entered_by_its_owner, {
    let Some(rootless) = rootless() else { return };
    let copy = Copy::new();
    let scene = rootless_scene(&copy, &rootless, &["leak", "31"]);
    pause(1200);
    let pid = scene.pid().to_string();
    let run = as_nobody(&["-N", &pid, "--json"]).unwrap();
    let document = document(&run.out);
    let finding = findings(&document, "close-wait-leak")[0];
    assert_eq!(
        (&finding["facts"]["close_wait"], &finding["subject"]["pid"]),
        (&31.into(), &scene.pid().into())
    );
    let state = |name: &str| {
        let sources = document["coverage"]["sources"].as_array().unwrap();
        sources.iter().find(|s| s["name"] == name).map_or(Value::Null, |s| s["state"].clone())
    };
    assert_eq!(
        [state("sock_diag"), state("sysctl"), state("netstat"), state("namespace")],
        ["seen".into(), "seen".into(), "seen".into(), Value::Null]
    );
});

/// What makes a program nobody's in a user and network namespace of its own; `None` where this machine gives none.
fn rootless() -> Option<Vec<&'static str>> {
    let words =
        vec!["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "unshare", "-rn"];
    let probe = Command::new(words[0]).args(&words[1..]).arg("true").status();
    if !probe.is_ok_and(|s| s.success()) {
        println!("SKIPPED: this machine gives an ordinary user no user namespace");
        return None;
    }
    Some(words)
}

/// A scene of nobody's.
fn rootless_scene(copy: &Copy, before: &[&str], args: &[&str]) -> Scene {
    let program = copy.folder().join("scene");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    Scene::of(&program, before, args)
}

lab_test!(a_process_in_another_user_namespace_at_its_limit_is_seen_by_all_netns, {
    let Some(mut before) = rootless() else { return };
    before.extend(["prlimit", "--nofile=64:64"]);
    let copy = Copy::new();
    let scene = rootless_scene(&copy, &before, &["established", "23"]);
    let select = ["--select", "descriptor-limit", "--set", "descriptor-limit.warning=0.5"];
    let check = as_nobody(&[&["check", "--all-netns", "--json"], &select[..]].concat()).unwrap();
    let document = document(&check.out);
    let found = findings(&document, "descriptor-limit");
    let pids: Vec<&Value> = found.iter().map(|f| &f["subject"]["pid"]).collect();
    assert!(pids.contains(&&scene.pid().into()), "{document}");
});

lab_test!(the_child_that_entered_a_user_namespace_ends_with_its_parent, {
    let Some(before) = rootless() else { return };
    let copy = Copy::new();
    let scene = rootless_scene(&copy, &before, &["established", "3"]);
    // The watchdog ends the parent without a word to the child; the pipe ends when nobody holds it any more.
    let pid = scene.pid().to_string();
    let patience = ["timeout", "20", "sh", "-c", "\"$0\" \"$@\" 2>&1 | cat"];
    let args = ["-N", &pid, "--sample", "30s", "--timeout", "300ms"];
    let run = nobody_with("", &patience, &args).unwrap();
    assert_eq!(run.status, 0, "124: the output stayed open");
    assert!(run.out.contains("not done after 300ms"), "{}", run.out);
});

lab_test!(an_unread_namespace_makes_the_verdict_unknown, {
    if !alone_with_names("an_unread_namespace_makes_the_verdict_unknown", &["shut"]) {
        return;
    }
    let _scene = Scene::inside("shut", &["leak", "61"]);
    pause(1200);
    let Some(check) = as_nobody(&["check", "--all-netns", "--json"]) else { return };
    let document = document(&check.out);
    assert_eq!((check.status, &document["status"]), (3, &"unknown".into()), "{}", check.out);
    let list = as_nobody(&["list", "--all-netns", "state close-wait"]).unwrap();
    assert_eq!(list.status, 3, "{}", list.err);
    assert!(list.err.contains("shut: operation not permitted"), "{}", list.err);
});

lab_test!(a_namespace_that_two_ways_lead_to_is_told_once, {
    if !alone_with_names("a_namespace_that_two_ways_lead_to_is_told_once", &["red"]) {
        return;
    }
    let scene = Scene::inside("red", &["established", "23"]);
    // Who may enter and may not look at the processes of others finds it by its name, and by what /proc shows of them.
    let args = ["summary", "--all-netns", "--json"];
    let Some(run) = nobody_with("+sys_admin", &[], &args) else { return };
    let document = document(&run.out);
    let spaces = by_name(&document);
    assert_eq!(spaces["red"]["by_state"]["established"], 46);
    assert!(!spaces.contains_key(&format!("pid:{}", scene.pid())), "{:?}", spaces.keys());
});

lab_test!(a_name_that_another_mount_lies_over_is_no_namespace, {
    if !alone_with_names("a_name_that_another_mount_lies_over_is_no_namespace", &["over", "red"]) {
        return;
    }
    assert!(sh("mount --bind /etc/hostname /run/netns/over"));
    let _scene = Scene::inside("red", &["established", "3"]);
    let document = json(&["summary", "--all-netns"]);
    let spaces = by_name(&document);
    assert!(spaces.contains_key("red") && !spaces.contains_key("over"), "{:?}", spaces.keys());
    let coverage = document["coverage"].to_string();
    assert!(!coverage.contains("over:"), "{coverage}");
});
