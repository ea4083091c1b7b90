//! What packaging/ ships is true to its consumers, and its commands are commands of this program.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::run::finish;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join("packaging").join(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Whether a program is here; says so if not.
fn has(program: &str, asked: &[&str]) -> bool {
    let here = Command::new(program).args(asked).output().is_ok_and(|o| o.status.success());
    if !here {
        println!("SKIPPED: {program} {} is not here", asked.join(" "));
    }
    here
}

/// A YAML file as JSON.
fn yaml(path: &str) -> Option<Vec<Value>> {
    if !has("python3", &["-c", "import yaml"]) {
        return None;
    }
    let script =
        "import json,sys,yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin)), default=str))";
    let file = std::fs::File::open(root().join("packaging").join(path)).unwrap();
    let read = finish(Command::new("python3").args(["-c", script]).stdin(file));
    assert_eq!(read.status, 0, "{path}: {}", read.err);
    Some(serde_json::from_str(&read.out).unwrap())
}

/// Every file below packaging/.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("packaging")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn every_command_that_is_shipped_parses() {
    let mut parsed = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            // Where a command begins: the program, by name or by path, and a subcommand.
            let Some(at) = [
                "tcpvet check",
                "tcpvet run",
                "tcpvet ports",
                "tcpvet env",
                "tcpvet --",
                "tcpvet explain",
            ]
            .iter()
            .filter_map(|word| line.find(word))
            .min() else {
                continue;
            };
            let ends = |c: char| ['"', '\'', '`', ';', '#'].contains(&c);
            let command =
                line[at..].split(ends).next().unwrap().trim_end_matches([':', '.', ']', ' ']);
            let command =
                command.replace("$ARG1$", "").replace("{{ $labels.rule }}", "close-wait-leak");
            let command = command.split(" (").next().unwrap().to_string();
            let words: Vec<&str> = command.split_whitespace().collect();
            if words.contains(&"IMAGE") {
                continue;
            }
            let read = tcpvet::cli::parse(words.iter().copied());
            assert!(read.is_ok(), "{}: {command}: {read:?}", path.display());
            parsed += 1;
        }
    }
    assert!(parsed >= 12, "{parsed}");
}

#[test]
fn the_unit_is_sound_and_hardened() {
    if !has("systemd-analyze", &["--version"]) {
        return;
    }
    let at = std::env::temp_dir().join(format!("tcpvet-units-{}", std::process::id()));
    std::fs::create_dir_all(&at).unwrap();
    for name in ["tcpvet-check.service", "tcpvet-check.timer"] {
        // On this machine the program and its manual page lie elsewhere.
        let unit = text(&format!("systemd/{name}"))
            .replace("/usr/local/bin/tcpvet", env!("CARGO_BIN_EXE_tcpvet"))
            .replace("Documentation=man:tcpvet-check(1)\n", "");
        std::fs::write(at.join(name), unit).unwrap();
    }
    let units = [at.join("tcpvet-check.service"), at.join("tcpvet-check.timer")];
    let verified = finish(Command::new("systemd-analyze").arg("verify").args(&units));
    assert_eq!((verified.err.as_str(), verified.status), ("", 0));
    let scored = finish(
        Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=20"])
            .arg(&units[0]),
    );
    assert_eq!(scored.status, 0, "more than 2.0: {}", scored.out);
    let unit = text("systemd/tcpvet-check.service");
    for set in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        assert!(unit.contains(&format!("\n{set}=CAP_SYS_PTRACE CAP_DAC_READ_SEARCH\n")), "{set}");
    }
    for hiding in ["PrivateNetwork", "PrivateUsers", "ProtectProc", "ProcSubset"] {
        assert!(!unit.lines().any(|l| l.starts_with(hiding)), "{hiding} hides what is looked at");
    }
    std::fs::remove_dir_all(at).unwrap();
}

#[test]
fn the_daemon_set_has_two_capabilities_and_a_place_to_write() {
    let Some(documents) = yaml("kubernetes/daemonset.yaml") else { return };
    let set = documents.iter().find(|d| d["kind"] == "DaemonSet").unwrap();
    assert_eq!(set["apiVersion"], "apps/v1");
    let spec = &set["spec"]["template"]["spec"];
    assert_eq!(
        set["spec"]["selector"]["matchLabels"],
        set["spec"]["template"]["metadata"]["labels"]
    );
    assert_eq!((&spec["hostPID"], &spec["hostNetwork"]), (&true.into(), &true.into()));
    let container = &spec["containers"][0];
    let security = &container["securityContext"];
    assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(
        security["capabilities"]["add"],
        serde_json::json!(["SYS_PTRACE", "DAC_READ_SEARCH"])
    );
    assert_eq!(security["readOnlyRootFilesystem"], true);
    let args: Vec<&str> =
        container["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    let read = tcpvet::cli::parse([&["tcpvet"], &args[..]].concat());
    assert!(read.is_ok(), "{args:?}");
    let mount = &container["volumeMounts"][0];
    assert!(
        args.iter().any(|a| a.contains(&format!("={}/", mount["mountPath"].as_str().unwrap())))
    );
    assert_eq!(mount["name"], spec["volumes"][0]["name"]);
    assert!(spec["volumes"][0]["hostPath"]["path"].as_str().unwrap().starts_with('/'));
    // A container of a DaemonSet that ends is started again, later and later.
    assert!(args.contains(&"--every"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(container["image"], format!("tcpvet:{version}"));
}

#[test]
fn dashboards_and_templates_ask_for_what_there_is() {
    let golden = std::fs::read_to_string(root().join("src/render/verdict/metrics.golden")).unwrap();
    let metrics: Vec<&str> = golden.lines().map(|l| l.split(' ').nth(2).unwrap()).collect();
    let mut asked = 0;
    for path in ["grafana/tcpvet.json", "prometheus/tcpvet.rules.yml"] {
        let text = text(path);
        for (at, _) in text.match_indices("tcpvet_") {
            let name: String =
                text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            assert!(metrics.contains(&name.as_str()), "{path}: {name}");
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked}");
    let board: Value = serde_json::from_str(&text("grafana/tcpvet.json")).unwrap();
    assert!(board.get("id").is_none() && board["uid"] == "tcpvet");
    let check: Value = serde_json::from_str(
        &std::fs::read_to_string(root().join("docs/schema/check.json")).unwrap(),
    )
    .unwrap();
    for name in ["exit_status", "numbers", "cases"] {
        assert!(check["properties"].get(name).is_some(), "{name}");
    }
    let Some(template) = yaml("zabbix/tcpvet.template.yaml") else { return };
    let template = &template[0]["zabbix_export"]["templates"][0];
    let keys: Vec<&str> =
        template["items"].as_array().unwrap().iter().map(|i| i["key"].as_str().unwrap()).collect();
    let parameters = text("zabbix/tcpvet.userparameters.conf");
    for key in [keys[0], template["discovery_rules"][0]["key"].as_str().unwrap()] {
        assert!(parameters.contains(&format!("UserParameter={key},")), "{key}");
    }
    for key in keys.iter().filter_map(|k| k.strip_prefix("tcpvet.number[")?.strip_suffix(']')) {
        assert!(tcpvet::assertions::figure::find(key).is_ok(), "{key}");
    }
}

#[test]
fn every_yaml_file_is_one() {
    for path in files() {
        let name = path.strip_prefix(root().join("packaging")).unwrap().to_str().unwrap();
        if name.ends_with(".yml") || name.ends_with(".yaml") {
            let Some(read) = yaml(name) else { return };
            assert!(read.iter().all(|d| d.is_object() || d.is_array()), "{name}");
        }
    }
}

#[test]
fn icinga_takes_the_command() {
    if !Path::new("/usr/sbin/icinga2").exists() {
        println!("SKIPPED: icinga2 is not here");
        return;
    }
    let at = std::env::temp_dir().join(format!("tcpvet-icinga-{}.conf", std::process::id()));
    let host = "object Host \"box\" { address = \"127.0.0.1\"; check_command = \"tcpvet\"; vars.tcpvet_warning = [ \"close_wait=50\" ] }\n";
    std::fs::write(&at, text("icinga/tcpvet.conf") + host).unwrap();
    let mut command = Command::new("/usr/sbin/icinga2");
    command.args(["daemon", "-C", "-D", "RunAsUser=root", "-D", "RunAsGroup=root", "-c"]).arg(&at);
    let checked = finish(&mut command);
    let _ = std::fs::remove_file(at);
    if checked.out.contains("Cannot") && !checked.out.contains("tcpvet") {
        println!("SKIPPED: icinga2 does not run here: {}", checked.out);
        return;
    }
    assert_eq!(checked.status, 0, "{}{}", checked.out, checked.err);
    assert!(
        checked.out.contains("1 Host") && checked.out.contains("CheckCommand"),
        "{}",
        checked.out
    );
}
