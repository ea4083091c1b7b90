//! `tcpvet env` says what really works: every word of it is held against what the program then does.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::lab::{Scene, lab_test};
use crate::support::rights::nobody_with;
use crate::support::run::{document, json};

/// How far each thing works, by its name.
fn works(document: &Value) -> BTreeMap<String, String> {
    let word = |v: &Value| v.as_str().unwrap().to_string();
    let list = document["abilities"].as_array().unwrap();
    list.iter().map(|a| (word(&a["name"]), word(&a["works"]))).collect()
}

lab_test!(what_env_says_of_a_set_of_capabilities_is_what_works, {
    let scene = Scene::start(&["established", "5"]);
    for rights in ["", "+bpf,+perfmon", "+sys_ptrace,+dac_read_search", "+net_admin"] {
        let Some(run) = nobody_with(rights, &[], &["env", "--json"]) else { return };
        let env = document(&run.out);
        let said = works(&env);
        assert_eq!(env["user"]["uid"], 65534);
        let ask = |args: &[&str]| document(&nobody_with(rights, &[], args).unwrap().out);
        // Owners: who holds a socket of root's.
        let list = ask(&["list", "--json", "-O", "local,process,mark", "state listen"]);
        let pid = &list["sockets"][0]["owners"][0]["pid"];
        let named = *pid == scene.pid();
        assert_eq!(named, said["bpf"] == "yes" || rights.contains("ptrace"), "{rights}: {list}");
        assert!(named || said["owners"] != "yes", "{rights}: {said:?}");
        // Marks.
        assert_eq!(list["sockets"][0]["mark"].is_null(), said["marks"] != "yes", "{rights}");
        assert_eq!(said["marks"] == "yes", rights == "+net_admin");
        // Counts of descriptors: what the file of limits and counts gives a rule.
        assert_eq!(
            said["descriptor_counts"],
            if said["limits"] == "yes" { "yes" } else { "partly" }
        );
        // Namespaces: none of these sets lets one in.
        assert!(["partly", "yes"].contains(&said["namespaces"].as_str()));
        let refused =
            nobody_with(rights, &["unshare", "-n"], &["-N", &scene.pid().to_string(), "--json"]);
        let entered = document(&refused.unwrap().out);
        let sources = entered["coverage"]["sources"].as_array().unwrap();
        let diag = sources.iter().find(|s| s["name"] == "sock_diag").unwrap();
        assert_eq!(diag["state"], "denied", "{rights}");
        // Settings.
        assert_eq!(said["sysctls"], "yes");
        let whole = ask(&["--json"]);
        let sysctl = whole["coverage"]["sources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["name"] == "sysctl")
            .unwrap()
            .clone();
        assert_eq!(sysctl["state"], "seen", "{rights}");
        // What is missing is told how to be had.
        let grants = env["grants"].as_array().unwrap();
        let granted: Vec<&str> = grants
            .iter()
            .flat_map(|g| g["abilities"].as_array().unwrap())
            .filter_map(Value::as_str)
            .collect();
        for (name, works) in &said {
            // Who has what would grant it is refused by something else.
            if name == "owners" && rights.contains("ptrace") {
                assert!(!granted.contains(&"owners"), "{granted:?}");
                continue;
            }
            assert_eq!(
                ["marks", "owners", "bpf", "namespaces"].contains(&name.as_str())
                    && works != "yes"
                    && works != "absent",
                granted.contains(&name.as_str()),
                "{rights}: {name} {works} {granted:?}"
            );
        }
    }
});

lab_test!(root_lacks_no_capability, {
    let _scene = Scene::start(&["established", "3"]);
    let env = json(&["env"]);
    let said = works(&env);
    for name in [
        "sock_diag",
        "attributes",
        "marks",
        "proc_net_tcp",
        "counters",
        "sysctls",
        "limits",
        "control_groups",
    ] {
        assert_eq!(said[name], "yes", "{name}: {env}");
    }
    let seen =
        env["abilities"].as_array().unwrap().iter().find(|a| a["name"] == "attributes").unwrap();
    assert!(seen["seen"].as_str().unwrap().contains("tcp_info of "), "{seen}");
});
