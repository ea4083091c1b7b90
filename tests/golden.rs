//! The golden matrix: every command in every format on every capture. `BLESS=1 cargo test golden` writes the files; read the diff.

use std::path::PathBuf;

use crate::support::run::{document, run};

const CAPTURES: [&str; 4] = ["quiet", "mixed", "close-wait-leak", "port-exhaustion"];

/// Name of the golden file, and what is typed.
const RUNS: [(&str, &[&str]); 44] = [
    ("diagnose.txt", &["diagnose"]),
    ("diagnose.80.txt", &["diagnose", "--width", "80"]),
    ("diagnose.json", &["diagnose", "--json"]),
    (
        "check.txt",
        &[
            "check",
            "--assert",
            "count(state close-wait) == 0",
            "--select",
            "close-wait-leak,ephemeral-port-exhaustion",
        ],
    ),
    ("check.json", &["check", "--json"]),
    ("check.nagios", &["check", "--format", "nagios", "-w", "close_wait=5", "-c", "close_wait=20"]),
    (
        "check.checkmk",
        &["check", "--format", "checkmk", "-w", "close_wait=5", "-c", "close_wait=20"],
    ),
    (
        "check.prometheus",
        &["check", "--format", "prometheus", "-w", "close_wait=5", "-c", "close_wait=20"],
    ),
    (
        "check.openmetrics",
        &["check", "--format", "openmetrics", "-w", "close_wait=5", "-c", "close_wait=20"],
    ),
    ("check.junit", &["check", "--format", "junit", "-w", "close_wait=5", "-c", "close_wait=20"]),
    ("check.tap", &["check", "--format", "tap", "-w", "close_wait=5", "-c", "close_wait=20"]),
    ("check.github", &["check", "--format", "github", "-w", "close_wait=5", "-c", "close_wait=20"]),
    ("check.zabbix", &["check", "--format", "zabbix", "-w", "close_wait=5", "-c", "close_wait=20"]),
    (
        "check.assert.txt",
        &[
            "check",
            "--assert",
            "leak: count(state close-wait and process = scene) <= 2 # close what the peer has closed",
            "--assert",
            "listening(7001 via ipv4)",
            "--assert",
            "only_listening(22)",
            "--assert",
            "max(rtt, state established) < 1s",
            "--assert",
            "headroom(to 10.0.0.5:5432) > 2000 level warning",
            "--assert",
            "finding(closing) < critical",
            "--assert",
            "rate(TcpOutRsts) == 0",
        ],
    ),
    ("list.txt", &["list"]),
    ("list.80.txt", &["list", "--width", "80"]),
    ("list.120.color.txt", &["list", "-o", "--width", "120", "--color", "always"]),
    ("list.200.txt", &["list", "-oem", "--width", "200"]),
    ("list.info.80.txt", &["list", "-i", "--width", "80", "--limit", "3", "state established"]),
    ("list.json", &["list", "--json"]),
    (
        "list.info.json",
        &[
            "list",
            "-iemo",
            "--tos",
            "--inet-sockopt",
            "--json",
            "--limit",
            "3",
            "state established",
        ],
    ),
    ("list.jsonl", &["list", "--format", "jsonl", "-O", "state,local,rtt,cong", "--limit", "5"]),
    ("list.csv", &["list", "--format", "csv", "-O", "+cookie,age"]),
    ("list.plain", &["list", "--format", "plain", "--sort", "local", "-H"]),
    ("list.groups.txt", &["list", "--group-by", "state,process"]),
    ("list.groups.json", &["list", "--group-by", "process", "--json"]),
    ("listen.txt", &["listen"]),
    ("listen.json", &["listen", "--json"]),
    ("ports.80.txt", &["ports", "--width", "80"]),
    ("ports.200.txt", &["ports", "--what-if", "rate=100,tw_reuse=0", "--width", "200"]),
    ("ports.json", &["ports", "--json", "--limit", "2"]),
    ("ports.csv", &["ports", "--format", "csv"]),
    ("ports.port.80.txt", &["ports", "--port", "7001", "--width", "80"]),
    ("ports.port.json", &["ports", "--port", "7001", "--json"]),
    ("summary.txt", &["summary"]),
    ("summary.json", &["summary", "--json"]),
    ("advise.txt", &["advise", "--width", "80"]),
    ("advise.sysctl.d", &["advise", "--emit", "sysctl.d"]),
    ("advise.sh", &["advise", "--emit", "shell"]),
    ("advise.json", &["advise", "--json"]),
    ("advise.ansible.yml", &["advise", "--emit", "ansible"]),
    ("advise.kubernetes.yml", &["advise", "--emit", "kubernetes"]),
    ("advise.docker", &["advise", "--emit", "docker"]),
    ("advise.tuned.conf", &["advise", "--emit", "tuned"]),
];

/// Takes out the version, which every release changes.
fn versionless(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    text.replace(&format!("\"version\": \"{version}\""), "\"version\": \"VERSION\"")
        .replace(&format!("\"version\":\"{version}\""), "\"version\":\"VERSION\"")
        .replace(&format!("version=\"{version}\""), "version=\"VERSION\"")
        .replace(&format!("tcpvet {version}"), "tcpvet VERSION")
}

#[test]
fn golden_outputs_are_what_they_were() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut stale = Vec::new();
    for capture in CAPTURES {
        let from = root.join("captures").join(capture);
        for (name, args) in RUNS {
            let run = run(&[args, &["--from", from.to_str().unwrap()]].concat());
            assert_eq!(run.err, "", "{capture} {name}");
            if name.ends_with(".json") {
                document(&run.out);
            }
            let text = versionless(&run.out);
            let path = root.join("golden").join(capture).join(name);
            if std::env::var_os("BLESS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                stale.push(path);
            }
        }
    }
    assert!(stale.is_empty(), "changed: {stale:#?}; BLESS=1 cargo test golden writes them");
}

#[test]
fn no_golden_file_is_an_orphan() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap();
        assert!(CAPTURES.contains(&folder.file_name().to_str().unwrap()), "{folder:?}");
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let name = file.unwrap().file_name();
            assert!(RUNS.iter().any(|(n, _)| *n == name.to_str().unwrap()), "{name:?}");
        }
    }
}
