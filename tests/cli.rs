//! The edges of the command line: bad input, broken pipes, full disks, colour, width, exit statuses. They run on a capture, so that
//! they hold on any machine.

use std::process::Stdio;

use serde_json::json;

use crate::support::run::{finish, json as document, run, tcpvet};

fn capture(name: &str) -> String {
    format!("{}/tests/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// One clear line, one hint, nothing on standard output, status 3.
fn refused(args: &[&str], message: &str, hint: &str) {
    let run = run(args);
    assert_eq!((run.status, run.out.as_str()), (3, ""), "{args:?}: {}", run.err);
    assert_eq!(run.err, format!("error: {message}\nhint: {hint}\n"), "{args:?}");
}

#[test]
fn what_is_misspelt_is_answered_with_the_nearest_word() {
    refused(
        &["lits"],
        "unrecognized subcommand 'lits'",
        "some similar subcommands exist: 'listen', 'list'",
    );
    refused(
        &["list", "--state", "tiem-wait"],
        "'tiem-wait' is not a TCP state",
        "did you mean time_wait?",
    );
    refused(
        &["list", "-O", "state,procss"],
        "no field is called 'procss'",
        "did you mean process?",
    );
    refused(
        &["check", "--select", "close-wait-leek"],
        "no rule or family is called 'close-wait-leek'",
        "did you mean close-wait-leak?",
    );
    refused(
        &["explain", "tcp_tw_resue"],
        "nothing that can be explained is called 'tcp_tw_resue'",
        "did you mean tcp_tw_reuse?",
    );
    refused(
        &["--set", "close-wait-leak.warn=3"],
        "rule close-wait-leak has no threshold 'warn'",
        "it has: warning, critical_ratio, min_age_ms",
    );
    refused(
        &["--set", "close-wait-leak.warning=x"],
        "'x' is no value for close-wait-leak.warning",
        "give a number from 1 to 1000000 (sockets)",
    );
    refused(
        &["--format", "xml"],
        "invalid value 'xml' for '--format <FORMAT>'",
        "possible values: human, json, jsonl, plain, csv, nagios, checkmk, prometheus, openmetrics, junit, tap, github, zabbix",
    );
    refused(
        &["advise", "--emit", "toml"],
        "invalid value 'toml' for '--emit <FORMAT>'",
        "possible values: sysctl.d, shell, ansible, kubernetes, docker, tuned, json",
    );
    refused(
        &["--set", "close-wait-leak.warning=3", "list"],
        "the options of rules (--select, --set, --sample ...) stand before the subcommand",
        "write them behind it, as in: tcpvet check --select close-wait-leak",
    );
    refused(
        &["--bogus"],
        "unexpected argument '--bogus' found",
        "'tcpvet --help' shows what there is",
    );
}

#[test]
fn assertions_are_read_before_anything_is_measured() {
    refused(
        &["check", "--from", "/nonexistent", "--assert", "count(state listne) == 0"],
        "/nonexistent: no such file or directory",
        "write one with: tcpvet capture -o box.tar",
    );
    refused(
        &["check", "--assert", "count(state listne) == 0"],
        "'listne' is not a TCP state\n  count(state listne) == 0\n              ^",
        "did you mean listen?",
    );
    refused(
        &["check", "--assert", "a: count() == 0", "--assert", "a: count() == 1"],
        "two assertions are called 'a'",
        "give each a name of its own, as in 'NAME: count(...) == 0'",
    );
}

#[test]
fn captures_that_cannot_be_read_say_why() {
    let folder = std::env::temp_dir().join(format!("tcpvet-bad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let hint = "write one with: tcpvet capture -o box.tar";
    refused(
        &["--from", folder.to_str().unwrap()],
        &format!("{}: no manifest.json in it, so it is not a capture of tcpvet", folder.display()),
        hint,
    );
    std::fs::write(at("text"), "TOPSECRET-LINE-42\n".repeat(99)).unwrap();
    let text = run(&["--from", &at("text")]);
    assert_eq!(text.status, 3);
    assert!(
        text.err.starts_with(&format!("error: {}: ", at("text")))
            && !text.err.contains("TOPSECRET"),
        "{}",
        text.err
    );
    let whole = at("whole.tar");
    assert_eq!(run(&["capture", "--from", &capture("close-wait-leak"), "-o", &whole]).status, 0);
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(at("cut.tar"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = run(&["--from", &at("cut.tar"), "--json"]);
    assert_eq!((cut.status, cut.out.as_str()), (3, ""));
    let future = at("future");
    std::fs::create_dir(&future).unwrap();
    std::fs::write(
        format!("{future}/manifest.json"),
        "{\"capture_version\": \"7.1\", \"rest\": []}",
    )
    .unwrap();
    refused(
        &["--from", &future],
        &format!("{future}: written in capture format 7.1, and this program reads 1.0"),
        hint,
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is_one() {
    let from = capture("port-exhaustion");
    let mut list = tcpvet()
        .args(["list", "--from", &from])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = tcpvet().args(["--from", &from]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot write to standard output: no space left on device\nhint: look at the place the output goes to\n"
    );
}

#[test]
fn a_broken_pipe_leaves_the_verdict_as_it_is() {
    let from = capture("close-wait-leak");
    let mut check =
        tcpvet().args(["check", "--from", &from]).stdout(Stdio::piped()).spawn().unwrap();
    drop(check.stdout.take());
    assert_eq!(check.wait().unwrap().code(), Some(1));
}

#[test]
fn exit_statuses_follow_the_table() {
    let leak = capture("close-wait-leak");
    let ports = capture("port-exhaustion");
    for (args, want) in [
        (vec!["--from", &leak], 0),
        (vec!["--from", &leak, "--fail-on", "warning"], 1),
        (vec!["--from", &leak, "--fail-on", "critical"], 0),
        (vec!["--from", &ports, "--fail-on", "warning"], 2),
        (vec!["--from", &ports, "advise", "--fail-on", "unknown"], 2),
        (vec!["check", "--from", &leak], 1),
        (vec!["check", "--from", &ports], 2),
        (vec!["check", "--from", &ports, "--select", "accept-queue-full"], 0),
        (vec!["check", "--from", &leak, "--assert", "count(state close-wait) == 23"], 0),
        (vec!["check", "--from", &leak, "--assert", "count(state close-wait) == 22"], 2),
        (vec!["--help"], 0),
        (vec!["list", "--state", "x", "--help"], 0),
        (vec!["--version"], 0),
    ] {
        assert_eq!(run(&args).status, want, "{args:?}");
    }
}

#[test]
fn a_failed_assertion_shows_wish_measure_and_offenders() {
    let leak = capture("close-wait-leak");
    let run = run(&[
        "check",
        "--from",
        &leak,
        "--assert",
        "no-leak: count(state close-wait) == 0",
        "--assert",
        "count(state listen) >= 1",
    ]);
    let mut lines = run.out.lines();
    assert_eq!(
        lines.next(),
        Some("FAIL no-leak: count(state close-wait) == 0: measured 23, wanted == 0")
    );
    let offenders: Vec<&str> = lines.by_ref().take(10).collect();
    let rest: Vec<&str> = lines.collect();
    assert_eq!(
        rest,
        [
            "  and 13 more",
            "PASS count(state listen) >= 1: measured 1, wanted >= 1",
            "CRITICAL: 2 assertions: 1 passed, 1 failed, 0 unknown; no-leak measured 23, wanted == 0",
        ],
        "the verdict stands last"
    );
    assert!(
        offenders[0].starts_with("  close_wait 127.0.0.1:7001 -> 127.0.0.1:")
            && offenders[0].contains(" scene["),
        "{offenders:?}"
    );
    let document =
        document(&["check", "--from", &leak, "--assert", "no-leak: count(state close-wait) == 0"]);
    assert_eq!(document["assertions"][0]["measured"], 23);
    assert_eq!(
        (&document["rules"], &document["findings"]),
        (&json!([]), &json!([])),
        "only the assertion is judged"
    );
}

#[test]
fn quiet_is_silent_when_all_is_well_and_only_then() {
    let quiet = capture("quiet");
    assert_eq!(run(&["check", "-q", "--from", &quiet]).out, "");
    assert_eq!(run(&["-q", "--from", &quiet]).out, "");
    assert_eq!(run(&["check", "-q", "--from", &capture("close-wait-leak")]).out.lines().count(), 1);
}

#[test]
fn colour_is_where_it_is_wished_and_nowhere_else() {
    let from = capture("close-wait-leak");
    let colored = |vars: &[(&str, &str)], args: &[&str]| {
        let run = finish(
            tcpvet()
                .args(["--from", &from])
                .args(args)
                .env("TERM", "xterm")
                .envs(vars.iter().copied()),
        );
        run.out.contains("\x1b[")
    };
    assert!(!colored(&[], &[]), "a pipe has none");
    assert!(colored(&[], &["--color=always"]));
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(colored(&[("NO_COLOR", "1")], &["--color=always"]), "the option wins");
    assert!(!colored(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &[]));
    assert!(!colored(&[], &["--color=always", "--json"]), "documents never carry any");
}

#[test]
fn a_pipe_is_neither_cut_nor_wrapped_and_a_width_is_kept() {
    let from = capture("mixed");
    let list = run(&["list", "--from", &from]);
    assert!(list.out.lines().all(|l| !l.ends_with(' ') && !l.contains('…')), "{}", list.out);
    let sockets = document(&["list", "--from", &from])["sockets"].as_array().unwrap().len();
    assert_eq!(list.out.lines().count(), sockets + 1);
    let narrow = finish(tcpvet().args(["list", "--from", &from]).env("COLUMNS", "40"));
    assert_eq!(narrow.out, list.out, "COLUMNS does not reach a pipe");
    for name in ["quiet", "mixed", "close-wait-leak", "port-exhaustion"] {
        let from = capture(name);
        for command in [vec!["diagnose"], vec!["list"], vec!["summary"], vec!["advise"]] {
            let out = run(&[command, vec!["--from", &from, "--width", "80"]].concat()).out;
            for line in out.lines() {
                // A single word that is longer than a line stays whole.
                let fits = line.chars().count() <= 80 || !line.trim_start().contains(' ');
                assert!(fits, "{name}: {line}");
            }
        }
    }
    let healthy = run(&["--from", &capture("quiet"), "--width", "80"]).out;
    assert!(healthy.lines().count() <= 24, "{healthy}");
}

#[test]
fn a_hostile_process_name_changes_no_row_and_no_terminal() {
    let from = capture("hostile-name");
    for args in [vec!["diagnose"], vec!["list"], vec!["advise"], vec!["check"]] {
        let out = run(&[args.clone(), vec!["--from", &from]].concat()).out;
        assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{args:?}: {out:?}");
        assert!(!out.contains('\u{202e}'), "{args:?}");
    }
    let list = run(&["list", "-H", "--from", &from, "--state", "close-wait"]).out;
    assert_eq!(list.lines().count(), 11, "{list}");
    assert!(list.contains("\\x1b]0;x\\x07\\x0a\\u{202e}a["), "{list}");
    let document = document(&["--from", &from]);
    assert_eq!(document["findings"][0]["subject"]["process"], "\\x1b]0;x\\x07\\x0a\\u{202e}a");
}

#[test]
fn the_watchdog_ends_with_unknown() {
    // A capture on a pipe that never ends keeps the program waiting.
    let pipe = std::env::temp_dir().join(format!("tcpvet-pipe-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = run(&["check", "--from", pipe.to_str().unwrap(), "--timeout", "200ms"]);
    std::fs::remove_file(&pipe).unwrap();
    assert_eq!((run.status, run.out.as_str()), (3, ""));
    assert_eq!(run.err, "error: not done after 200ms\nhint: allow more time with --timeout\n");
}

#[test]
fn explain_knows_every_rule_setting_state_field_and_exit_status() {
    let index = document(&["explain"]);
    let entries = index["entries"].as_array().unwrap();
    let of = |kind: &str| entries.iter().filter(|e| e["kind"] == kind).count();
    assert_eq!((of("state"), of("exit_code"), of("rule")), (12, 4, 34));
    assert!(of("field") > 150 && of("knob") > 30, "{} {}", of("field"), of("knob"));
    for entry in entries.iter().filter(|e| e["kind"] != "field") {
        let id = entry["id"].as_str().unwrap();
        let one = run(&["explain", id]);
        assert_eq!(one.status, 0);
        assert!(one.out.starts_with(id), "{}", one.out);
        assert!(one.out.lines().all(|l| l.chars().count() <= 110), "{}", one.out);
    }
    for (name, says) in [
        ("TIME-WAIT", "a constant of the kernel"),
        ("tcp_fin_timeout", "tcp_fin_timeout=30 shortens TIME_WAIT"),
        ("tcp_max_syn_backlog", "with SYN cookies on, which is the default, it is ignored"),
        ("rtt", "ound trip time"),
        ("3", "it could not be told"),
    ] {
        let out = run(&["explain", name]).out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(out.contains(says), "{name}: {out}");
    }
}

#[test]
fn configuration_is_read_shown_and_applied() {
    let home = std::env::temp_dir().join(format!("tcpvet-config-{}", std::process::id()));
    std::fs::create_dir_all(home.join("tcpvet")).unwrap();
    let own = home.join("tcpvet/config.toml");
    let with = |text: &str, args: &[&str]| {
        std::fs::write(&own, text).unwrap();
        finish(tcpvet().args(args).env("XDG_CONFIG_HOME", &home))
    };
    let from = capture("close-wait-leak");
    let file = own.to_str().unwrap();
    let text = "ignore = ['settings']\n[rules.close-wait-leak]\nwarning = 24\n\n[[exception]]\nprocess = 'scene'\nrules.close-wait-leak.critical_ratio = 0.01\n";
    let silent = with(text, &["--json", "--from", &from]);
    assert!(!silent.out.contains("close-wait-leak/"), "23 are fewer than 24: {}", silent.out);
    let shown = with(text, &["config", "--json"]);
    let shown: serde_json::Value = crate::support::run::document(&shown.out);
    let warning = shown["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["name"] == "close-wait-leak.warning")
        .unwrap();
    assert_eq!((&warning["value"], &warning["from"]), (&json!(24), &json!(format!("{file}:3"))));
    assert_eq!(shown["exceptions"][0]["process"], "scene");
    let left_out = shown["rules"].as_array().unwrap().iter().filter(|r| r["runs"] == false);
    assert_eq!(left_out.map(|r| &r["id"]).collect::<Vec<_>>(), ["hazardous-sysctl"]);
    // The command line wins, and --no-config leaves the file out.
    for more in [&["--set", "close-wait-leak.warning=23"][..], &["--no-config"]] {
        let told = with(text, &[more, &["--json", "--from", &from]].concat());
        assert!(told.out.contains("close-wait-leak/"), "{more:?}: {}", told.out);
    }
    // An exception is for its process alone.
    for (process, status) in [("scene", 0), ("other", 1)] {
        let text =
            format!("[[exception]]\nprocess = '{process}'\nrules.close-wait-leak.warning = 24\n");
        let told = with(&text, &["check", "--select", "close-wait-leak", "--from", &from]);
        assert_eq!(told.status, status, "{process}: {}", told.out);
    }
    for (text, message) in [
        ("selct = []\n", "1: no key is called 'selct'\nhint: did you mean select?"),
        (
            "\n[rules.close-wait-leak]\nwarning = 'x'\n",
            "3: close-wait-leak.warning must be a number, not string\nhint: give one from 1 to 1000000 (sockets)",
        ),
    ] {
        let wrong = with(text, &["check", "--from", &from]);
        assert_eq!(wrong.err, format!("error: {file}:{message}\n"));
        assert_eq!((wrong.status, wrong.out.as_str()), (3, ""));
    }
    // The example of the manual page is one.
    let help = run(&["config", "--help"]).out;
    let example = help.split("(TOML):\n").nth(1).unwrap().split("\nFamilies").next().unwrap();
    let shown = with(example, &["config", "--json"]);
    assert_eq!((shown.status, shown.err.as_str()), (0, ""), "{example}");
    let missing = run(&["check", "--config", "/nonexistent/x.toml", "--from", &from]);
    assert_eq!(missing.status, 3);
    assert!(missing.err.contains("/nonexistent/x.toml: no such file"), "{}", missing.err);
    std::fs::remove_dir_all(&home).unwrap();
}

#[test]
fn a_baseline_must_be_earlier_and_of_the_same_boot_and_namespace() {
    let from = capture("quiet");
    let same = run(&["--from", &from, "--baseline", &from]);
    assert_eq!(same.status, 3);
    assert!(same.err.contains("the baseline does not fit: it is not earlier"), "{}", same.err);
    let other = run(&["--from", &from, "--baseline", &capture("mixed")]);
    assert_eq!(other.status, 3);
    assert!(other.err.contains("it is of network namespace net:["), "{}", other.err);
}

#[test]
fn ports_without_a_range_are_unknown_and_not_healthy() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/quiet");
    let copy = std::env::temp_dir().join(format!("tcpvet-no-range-{}", std::process::id()));
    std::fs::create_dir_all(&copy).unwrap();
    for entry in std::fs::read_dir(&root).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let bytes = match text.contains(r"32768\t60999\n") {
            true => text.replace(r"32768\t60999\n", "").into_bytes(),
            false => bytes.clone(),
        };
        std::fs::write(copy.join(entry.file_name()), bytes).unwrap();
    }
    let from = copy.to_str().unwrap();
    let told = run(&["ports", "--from", from]);
    assert_eq!(told.status, 3, "{}", told.out);
    assert!(told.out.contains("the port range could not be read"), "{}", told.out);
    assert!(!told.out.contains("no connection uses"), "{}", told.out);
    let json = run(&["ports", "--json", "--from", from]);
    assert_eq!((json.status, json.out.contains("\"range\": null")), (3, true));
    std::fs::remove_dir_all(&copy).unwrap();
}

#[test]
fn documented_assertions_are_read() {
    let docs = include_str!("../docs/checking.md");
    let block = docs.split("```\n# tcp.assert").nth(1).unwrap().split("```").next().unwrap();
    let at = std::env::temp_dir().join(format!("tcpvet-documented-{}.assert", std::process::id()));
    std::fs::write(&at, format!("# tcp.assert{block}")).unwrap();
    let read = run(&["check", "--dry-run", "-f", at.to_str().unwrap()]);
    assert_eq!((read.status, read.err.as_str()), (0, ""));
    assert!(read.out.ends_with("7 assertions, nothing measured\n"), "{}", read.out);
    assert!(
        read.out.contains("within 30s; over: state close_wait and process = app; app must close"),
        "{}",
        read.out
    );
    std::fs::remove_file(at).unwrap();
    // What the help shows.
    let help = run(&["check", "--help"]).out;
    let shown: Vec<&str> = help
        .lines()
        .skip_while(|l| !l.starts_with("Assertions are written"))
        .skip(1)
        .take_while(|l| l.starts_with("  "))
        .map(|l| l.split("  ").find(|part| !part.trim().is_empty()).unwrap().trim())
        .collect();
    assert_eq!(shown.len(), 10, "{shown:?}");
    for text in shown {
        let read = run(&["check", "--dry-run", "--baseline", "before.tar", "--assert", text]);
        assert_eq!(read.status, 0, "{text}: {}", read.err);
    }
}

#[test]
fn monitoring_reads_of_a_usage_error_where_it_reads_verdicts() {
    for (args, want) in [
        (
            &["check", "--format", "nagios", "--tpyo"][..],
            "TCP UNKNOWN: unexpected argument '--tpyo' found\n",
        ),
        (
            &["check", "--format=checkmk", "-w"],
            "3 \"TCP\" - a value is required for '--warning <NAME=RANGE>'",
        ),
    ] {
        let said = run(args);
        assert_eq!((said.status, said.err.as_str()), (3, ""), "{args:?}");
        assert!(said.out.starts_with(want), "{}", said.out);
    }
    let said = run(&["check", "--tpyo"]);
    assert_eq!((said.status, said.out.as_str()), (3, ""));
}
