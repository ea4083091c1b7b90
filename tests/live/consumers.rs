//! Every form of a verdict, read by what it is made for; with a process that has a hostile name.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{Run, finish, run};

/// Whether a program is here; says so if not.
fn has(program: &str) -> bool {
    let here = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let here = here.is_ok_and(|o| o.status.success());
    if !here {
        println!("SKIPPED: {program} is not here");
    }
    here
}

/// Runs a consumer over some input.
fn consume(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    Run {
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
        status: out.status.code().unwrap(),
    }
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tcpvet-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    path
}

/// What is wrong here: a leak of 61 by a process whose name tries to break out, an assertion that fails and one that is unknown.
const WRONG: [&str; 10] = [
    "check",
    "--assert",
    "no leak | %x%,<b>&=: count(state close-wait) == 0 # 100%",
    "--assert",
    "max(rtt, dport = 1) < 1s",
    "--assert",
    "listening(7001)",
    "--select",
    "closing,listeners",
    "--exit-zero",
];

fn wrong(format: &str) -> String {
    let run = run(&[&WRONG[..], &["--format", format]].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""), "{format}");
    run.out
}

fn leak() -> Scene {
    let scene = Scene::start(&["hostile-leak", "61"]);
    pause(1200);
    scene
}

lab_test!(promtool_accepts_the_metrics_and_the_alerts_fire_on_them, {
    if !has("promtool") {
        return;
    }
    let _leak = leak();
    let sick = wrong("prometheus");
    let checked = consume(Command::new("promtool").args(["check", "metrics"]), sick.as_bytes());
    assert_eq!((checked.status, checked.err.as_str()), (0, ""), "{}", checked.out);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/prometheus/tcpvet.rules.yml");
    let sound = finish(Command::new("promtool").args(["check", "rules"]).arg(&rules));
    assert_eq!(sound.status, 0, "{}{}", sound.out, sound.err);
    // The very text, as series of an instance.
    let mut series = String::new();
    for line in sick.lines().filter(|l| !l.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = match name.split_once('{') {
            Some((metric, labels)) => format!("{metric}{{instance=\"box\",{labels}"),
            None => format!("{name}{{instance=\"box\"}}"),
        };
        // The time is made that of the test, which begins at 0.
        let value =
            if line.starts_with("tcpvet_last_run") { "0".into() } else { value.to_string() };
        let name = name.replace('\'', "''");
        series.push_str(&format!("      - series: '{name}'\n        values: '{value}x30'\n"));
    }
    let alert = |at: &str, name: &str, labels: &[(&str, &str)]| {
        let labels: String =
            labels.iter().map(|(k, v)| format!("              {k}: '{v}'\n")).collect();
        let expected = if labels.is_empty() {
            "        exp_alerts: []\n".to_string()
        } else {
            format!("        exp_alerts:\n          - exp_labels:\n{labels}")
        };
        format!("      - eval_time: {at}\n        alertname: {name}\n{expected}")
    };
    let bare = std::fs::read_to_string(&rules).unwrap();
    // Annotations are for people; what is tested is which alerts fire, with which labels.
    let mut bare_rules = String::new();
    let mut skipping = false;
    for line in bare.lines() {
        skipping = line.trim() == "annotations:" || skipping && line.starts_with("          ");
        if !skipping {
            bare_rules.push_str(line);
            bare_rules.push('\n');
        }
    }
    let at = folder("promtool");
    std::fs::write(at.join("rules.yml"), bare_rules).unwrap();
    let assertion = "no leak | %x%,<b>&=";
    let tests = format!(
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    alert_rule_test:\n{}{}{}{}{}{}",
        alert("1m", "TcpvetCritical", &[]),
        alert("1m", "TcpvetNotRunning", &[]),
        alert(
            "20m",
            "TcpvetWarning",
            &[("severity", "warning"), ("instance", "box"), ("rule", "close-wait-leak")]
        ),
        alert("20m", "TcpvetNotRunning", &[("severity", "warning"), ("instance", "box")]),
        alert(
            "20m",
            "TcpvetAssertionFailed",
            &[("severity", "warning"), ("instance", "box"), ("assertion", assertion)]
        ),
        alert("20m", "TcpvetPortsRunningOut", &[]),
    );
    // Where tcpvet never was, and where it could not see.
    let silent = alert("20m", "TcpvetMissing", &[("severity", "warning"), ("instance", "bare")]);
    let blind = alert(
        "70m",
        "TcpvetPartlyBlind",
        &[("severity", "warning"), ("instance", "dark"), ("rule", "descriptor-limit")],
    );
    let tests = format!(
        "{tests}  - interval: 1m\n    input_series:\n\
         \x20     - series: 'node_textfile_scrape_error{{instance=\"bare\"}}'\n        values: '0x90'\n\
         \x20     - series: 'node_textfile_scrape_error{{instance=\"dark\"}}'\n        values: '0x90'\n\
         \x20     - series: 'tcpvet_last_run_timestamp_seconds{{instance=\"dark\"}}'\n        values: '0+60x90'\n\
         \x20     - series: 'tcpvet_rule_status{{instance=\"dark\",rule=\"descriptor-limit\"}}'\n        values: '3x90'\n\
         \x20   alert_rule_test:\n{silent}{blind}{}",
        alert("70m", "TcpvetNotRunning", &[])
    );
    std::fs::write(at.join("tests.yml"), &tests).unwrap();
    let tested =
        finish(Command::new("promtool").args(["test", "rules", "tests.yml"]).current_dir(&at));
    assert_eq!(tested.status, 0, "{}{}\n{tests}", tested.out, tested.err);
    // An alert that is expected and does not fire fails: the test can.
    std::fs::write(
        at.join("tests.yml"),
        tests.replace("rule: 'close-wait-leak'", "rule: 'syn-flood'"),
    )
    .unwrap();
    let tested =
        finish(Command::new("promtool").args(["test", "rules", "tests.yml"]).current_dir(&at));
    assert_ne!(tested.status, 0);
    std::fs::remove_dir_all(at).unwrap();
});

lab_test!(node_exporter_loads_the_file_that_was_put_into_its_place, {
    if !has("prometheus-node-exporter") {
        return;
    }
    let _leak = leak();
    let at = folder("textfile");
    let file = at.join("tcpvet.prom");
    let report = format!("prometheus={}", file.display());
    // A umask that would hide it, and an old file in its place.
    std::fs::write(&file, "old").unwrap();
    let hidden = format!(
        "umask 077; exec {} check --exit-zero --report {report}",
        env!("CARGO_BIN_EXE_tcpvet")
    );
    assert_eq!(finish(Command::new("sh").args(["-c", &hidden])).status, 0);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o644);
    let mut exporter = Command::new("prometheus-node-exporter")
        .args([
            "--collector.disable-defaults",
            "--collector.textfile",
            "--web.listen-address=127.0.0.1:9100",
        ])
        .arg(format!("--collector.textfile.directory={}", at.display()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut text = String::new();
    for _ in 0..50 {
        pause(100);
        if let Ok(mut stream) = TcpStream::connect("127.0.0.1:9100") {
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
            stream.read_to_string(&mut text).unwrap();
            break;
        }
    }
    exporter.kill().unwrap();
    exporter.wait().unwrap();
    assert!(text.contains("\nnode_textfile_scrape_error 0\n"), "{text}");
    assert!(text.contains("\ntcpvet_sockets{state=\"close_wait\"} 61\n"), "{text}");
    assert!(text.contains("\ntcpvet_rule_status{rule=\"close-wait-leak\"} 1\n"), "{text}");
    std::fs::remove_dir_all(at).unwrap();
});

lab_test!(xmllint_finds_the_schema_kept_and_prove_counts_the_points, {
    let _leak = leak();
    if has("xmllint") {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/junit.xsd");
        let text = wrong("junit");
        let kept = consume(
            Command::new("xmllint").args(["--noout", "--schema", schema, "-"]),
            text.as_bytes(),
        );
        assert_eq!(kept.status, 0, "{}\n{text}", kept.err);
        let at = folder("junit");
        let file = at.join("run.xml");
        let report = format!("junit={}", file.display());
        finish(
            Command::new(env!("CARGO_BIN_EXE_tcpvet"))
                .args(["run", "-q", "--report", &report, "--", "false"]),
        );
        let kept = finish(Command::new("xmllint").args(["--noout", "--schema", schema]).arg(&file));
        assert_eq!(kept.status, 0, "{}", kept.err);
        let broken = text.replacen("failures=\"", "failures=\"x", 1);
        let kept = consume(
            Command::new("xmllint").args(["--noout", "--schema", schema, "-"]),
            broken.as_bytes(),
        );
        assert_ne!(kept.status, 0, "the schema can fail");
        std::fs::remove_dir_all(at).unwrap();
    }
    if has("prove") {
        let at = folder("tap");
        let text = wrong("tap");
        let wrong = text.lines().filter(|l| l.starts_with("not ok")).count();
        let points =
            text.lines().filter(|l| l.starts_with("ok ") || l.starts_with("not ok ")).count();
        std::fs::write(at.join("a.tap"), &text).unwrap();
        let proved = finish(Command::new("prove").args(["-e", "cat", "a.tap"]).current_dir(&at));
        assert_eq!(proved.status, 1, "{}", proved.out);
        assert!(
            proved.out.contains(&format!("Failed {wrong}/{points} subtests")),
            "{}\n{text}",
            proved.out
        );
        assert!(!proved.out.contains("Parse errors"), "{}", proved.out);
        let well = run(&["check", "--assert", "count(state close-wait) == 61", "--format", "tap"]);
        std::fs::write(at.join("a.tap"), &well.out).unwrap();
        let proved = finish(Command::new("prove").args(["-e", "cat", "a.tap"]).current_dir(&at));
        assert_eq!(proved.status, 0, "{}", proved.out);
        std::fs::remove_dir_all(at).unwrap();
    }
});

lab_test!(plugins_take_status_and_line, {
    let _leak = leak();
    let text = wrong("nagios");
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("TCP CRITICAL: "), "{first}");
    assert_eq!(text.matches('|').count(), 1, "{text}");
    let negate = "/usr/lib/nagios/plugins/negate";
    if !Path::new(negate).exists() {
        println!("SKIPPED: negate of the monitoring plugins is not here");
        return;
    }
    let program = env!("CARGO_BIN_EXE_tcpvet");
    let through = |mapping: &[&str], args: &[&str]| {
        finish(
            Command::new(negate)
                .arg("-t")
                .arg("30")
                .args(mapping)
                .arg(program)
                .args(["check", "--format", "nagios"])
                .args(args),
        )
    };
    let critical = through(&["-c", "OK"], &["-c", "close_wait=20"]);
    assert_eq!(critical.status, 0, "critical was made ok: {}", critical.out);
    assert!(critical.out.contains("close_wait=61;;20;0"), "{}", critical.out);
    assert_eq!(
        through(&["-w", "OK", "-c", "WARNING"], &["-w", "close_wait=60", "--select", "syn-flood"])
            .status,
        0
    );
    assert_eq!(
        through(&["-u", "OK", "-o", "WARNING"], &["-w", "close_wait=@x"]).status,
        0,
        "a typo is unknown"
    );
});

lab_test!(a_hostile_name_breaks_out_of_no_form, {
    let _leak = leak();
    for format in [
        "human",
        "json",
        "nagios",
        "checkmk",
        "prometheus",
        "openmetrics",
        "junit",
        "tap",
        "github",
        "zabbix",
    ] {
        let text = wrong(format);
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{format}: {text}"
        );
        if format == "github" {
            let commands = text.lines().filter(|l| l.starts_with("::"));
            assert!(
                commands.clone().all(|l| l.starts_with("::error title=TCP ")
                    || l.starts_with("::warning title=TCP ")),
                "{text}"
            );
        }
        if ["json", "zabbix"].contains(&format) && has("jq") {
            assert_eq!(
                consume(Command::new("jq").arg("-e").arg("."), text.as_bytes()).status,
                0,
                "{format}"
            );
        }
    }
    // The holder is named in the lines that name holders.
    for format in ["human", "json", "nagios", "checkmk", "junit", "tap", "github"] {
        assert!(wrong(format).contains("x1b]0;x"), "{format}");
    }
});

lab_test!(a_check_that_is_repeated_renews_its_report, {
    let at = folder("every");
    let file = at.join("tcpvet.prom");
    let report = format!("prometheus={}", file.display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["check", "--select", "syn-flood", "--every", "200ms", "--report", &report])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Each version is whole, and there are several.
    let mut versions = std::collections::BTreeSet::new();
    for _ in 0..100 {
        pause(100);
        if let Ok(text) = std::fs::read_to_string(&file) {
            assert!(text.ends_with('\n') && text.contains("tcpvet_status 0\n"), "{text}");
            let time = text.lines().find(|l| l.starts_with("tcpvet_last_run")).unwrap();
            versions.insert(time.to_string());
        }
        if versions.len() >= 3 {
            break;
        }
    }
    child.kill().unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(versions.len() >= 3, "{versions:?}");
    assert!(out.stdout.is_empty(), "nothing but the report is written");
    std::fs::remove_dir_all(at).unwrap();
});
