//! What a verdict rests on, and where it goes when there is none.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::run::{Run, document, finish, json, run, tcpvet};

fn folder(name: &str) -> PathBuf {
    let at = std::env::temp_dir().join(format!("tcpvet-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&at).unwrap();
    at
}

fn outcomes(texts: &[&str]) -> Vec<String> {
    let args: Vec<&str> =
        ["check"].into_iter().chain(texts.iter().flat_map(|t| ["--assert", t])).collect();
    let told = json(&args);
    let all = told["assertions"].as_array().unwrap().iter();
    all.map(|a| a["outcome"].as_str().unwrap().to_string()).collect()
}

fn ip(args: &str) {
    let done = Command::new("ip").args(args.split(' ')).status().unwrap();
    assert!(done.success(), "ip {args}");
}

lab_test!(a_door_is_open_where_connect_gets_through, {
    // Whatever connect() says to each address is what an assertion says.
    let _mapped = TcpListener::bind("[::ffff:0.0.0.0]:8007").unwrap();
    let _any = TcpListener::bind("[::]:8003").unwrap();
    ip("addr add 10.7.7.1/32 dev lo");
    let _virtual = TcpListener::bind("10.7.7.1:8001").unwrap();
    let connects = |to: &str| std::net::TcpStream::connect(to).is_ok();
    let places = [
        "127.0.0.1:8007",
        "[::1]:8007",
        "10.7.7.1:8007",
        "127.3.5.7:8007",
        "127.0.0.1:8003",
        "[::1]:8003",
        "10.7.7.1:8003",
        "10.7.7.1:8001",
        "127.0.0.1:8001",
        "192.0.2.7:8003",
        "[2001:db8::1]:8003",
    ];
    let agree = || {
        for place in places {
            let want = if connects(place) { "pass" } else { "fail" };
            assert_eq!(outcomes(&[&format!("listening({place})")]), [want], "{place}");
        }
    };
    agree();
    assert_eq!(outcomes(&["listening(8007 via ipv6)", "listening([::]:8007)"]), ["fail", "fail"]);
    // An address may move away from those who listen on it.
    ip("addr del 10.7.7.1/32 dev lo");
    assert!(!connects("10.7.7.1:8001"));
    agree();
    let told = json(&["check", "--assert", "listening(10.7.7.1:8001)"]);
    assert_eq!(told["assertions"][0]["reason"], "10.7.7.1 is no address of this network namespace");
});

lab_test!(what_comes_true_too_late_has_failed, {
    // A rate takes a second, and a door that opens in it opens after the time of the other assertion.
    let late = std::thread::spawn(|| {
        pause(1500);
        let door = TcpListener::bind("127.0.0.1:7099").unwrap();
        pause(3000);
        drop(door);
    });
    let told = json(&[
        "check",
        "--assert",
        "listening(7099) within 300ms",
        "--assert",
        "listening(7099) within 5s",
        "--assert",
        "rate(TcpActiveOpens) > 99999 within 2s",
    ]);
    let outcome = |n: usize| &told["assertions"][n]["outcome"];
    assert_eq!(
        (outcome(0), outcome(1), outcome(2)),
        (&"fail".into(), &"pass".into(), &"fail".into())
    );
    late.join().unwrap();
});

lab_test!(the_share_of_descriptors_is_that_of_the_fullest_process, {
    let scene = Scene::start(&["established", "101"]);
    let told = json(&["check", "-w", "descriptors_used=90"]);
    let share = told["assertions"][0]["measured"].as_f64().unwrap();
    // The scene holds two descriptors for each connection, and a few besides.
    let pid = scene.pid();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as f64;
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|l| l.starts_with("Max open files")).unwrap();
    let limit: f64 = files.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(open > 200.0 && (share - open * 100.0 / limit).abs() < 0.001, "{share} {open} {limit}");
});

lab_test!(a_report_of_before_is_never_taken_for_one_of_now, {
    let at = folder("stale");
    let file = at.join("x.xml");
    let to = format!("junit={}", file.display());
    let from = at.join("missing.tar").display().to_string();
    for (args, why) in [
        (&["check", "--netns", "no-such-namespace"][..], "no-such-namespace"),
        (&["check", "--from", &from], "missing.tar"),
        (&["check", "--select", "no-such-rule"], "no-such-rule"),
        (&["check", "--config", "/nonexistent.toml"], "nonexistent.toml"),
        (&["check", "--assert", "cout() == 0"], "cout"),
        (&["check", "-t", "1s"], "two looks take 1s"),
        (&["check", "-t", "100ms", "--assert", "rate(TcpInSegs) >= 0"], "two looks take 1s"),
        (
            &["run", "--assert", "rate(NoSuchCounter) == 0", "--dry-run", "--", "true"],
            "NoSuchCounter",
        ),
        (&["run", "--timeout", "1us", "--", "true"], "not done after"),
    ] {
        std::fs::write(&file, "<testsuites tests=\"1\" failures=\"0\"/>").unwrap();
        let split = args.iter().position(|a| *a == "--").unwrap_or(args.len());
        let all = [&args[..split], &["--report", &to], &args[split..]].concat();
        let done = run(&all);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(done.status, 3, "{args:?}: {}", done.err);
        assert!(text.contains("<error") && text.contains(why), "{args:?}: {text}");
    }
    let document_of = |args: &[&str]| -> Value {
        let json = at.join("x.json");
        run(&[args, &["--report", &format!("json={}", json.display())]].concat());
        document(&std::fs::read_to_string(json).unwrap())
    };
    let none = document_of(&["check", "--assert", "cout() == 0"]);
    assert_eq!(none["coverage"]["complete"], false, "nothing was looked at");
    std::fs::remove_dir_all(at).unwrap();
});

lab_test!(what_cannot_be_written_is_told_in_every_round, {
    let at = folder("gone");
    let report = format!("json={}", at.join("x.json").display());
    let mut child = tcpvet()
        .args(["check", "--every", "200ms", "--assert", "count() >= 0", "--report", &report])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    pause(500);
    // It may be writing just now.
    while std::fs::remove_dir_all(&at).is_err() && at.exists() {}
    pause(2000);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let mut told = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut told).unwrap();
    child.wait().unwrap();
    let _ = std::fs::remove_dir_all(&at);
    assert!(told.matches("x.json").count() >= 2, "{told}");
});

lab_test!(a_lost_report_is_no_part_of_a_verdict_that_is_to_be_ignored, {
    let at = folder("lost");
    let lose = format!("rmdir {}", at.display());
    let report = format!("json={}", at.join("x.json").display());
    let ran = |assertion: &str| {
        std::fs::create_dir_all(&at).unwrap();
        let args =
            ["run", "--settle", "0", "--exit-zero", "--assert", assertion, "--report", &report];
        run(&[&args[..], &["--", "sh", "-c", &lose]].concat()).status
    };
    assert_eq!((ran("count() >= 0"), ran("count() > 99999")), (3, 3));
});

lab_test!(a_family_leaves_out_what_was_ignored, {
    sysctl("net.ipv4.ip_local_port_range", "20000 20099");
    let _used = Scene::start(&["established", "97"]);
    pause(200);
    let checked = |args: &[&str]| -> Run {
        run(&[&["check", "--assert", "finding(ports) == none"], args].concat())
    };
    assert_eq!(checked(&[]).status, 2);
    let ignored =
        ["--ignore", "ephemeral-port-exhaustion,connect-search-cliff,bind-pool-exhaustion"];
    let quiet = checked(&ignored);
    assert_eq!(quiet.status, 0, "{}", quiet.out);
    // What a number needs read is not judged.
    let with_number = checked(&[&ignored[..], &["-w", "ephemeral_used=100"]].concat());
    assert_eq!(with_number.status, 0, "{}", with_number.out);
    // Nothing left to judge is no good news.
    let nothing = checked(&["--ignore", "ports"]);
    assert_eq!(nothing.status, 3);
    assert!(nothing.err.contains("finding(ports): every rule of it is ignored"), "{}", nothing.err);
});

lab_test!(what_only_the_initial_namespace_tells_is_unknown_to_who_asks_for_it, {
    let outcome = |texts: &[&str]| outcomes(texts).join(" ");
    assert_eq!(outcome(&["finding(orphan-pressure) == none"]), "unknown");
    // One assertion changes no other.
    let both = ["finding(resources) == none", "finding(orphan-pressure) == none"];
    assert_eq!(outcome(&both), "pass unknown");
});

lab_test!(a_rate_is_not_forgotten_for_a_look_and_a_look_comes_at_the_end_of_its_time, {
    let port = TcpListener::bind("127.0.0.1:7001").unwrap();
    let busy = std::thread::spawn(|| {
        for _ in 0..30 {
            let _ = std::net::TcpStream::connect("127.0.0.1:7001");
            pause(30);
        }
    });
    let told = json(&[
        "check",
        "--assert",
        "rate(TcpActiveOpens) == 0 within 5s",
        "--assert",
        "finding(reset-storm) == critical within 7s",
    ]);
    busy.join().unwrap();
    drop(port);
    assert_eq!(told["assertions"][0]["outcome"], "pass", "{told}");
    let took = told["assertions"][1]["took_ms"].as_u64().unwrap();
    assert!(took > 3000, "it is attempted as long as there is time: {took}");
    let short = run(&["check", "--assert", "rate(TcpInSegs) == 0 within 500ms"]);
    assert_eq!(short.status, 3);
    assert!(short.err.contains("two looks 1s apart, and may take 500ms"), "{}", short.err);
});

lab_test!(run_judges_by_the_configured_thresholds, {
    let at = folder("config");
    std::fs::create_dir_all(at.join("tcpvet")).unwrap();
    let configured = |text: &str, then: &str| {
        std::fs::write(at.join("tcpvet/config.toml"), text).unwrap();
        let assertion = "finding(close-wait-leak) < warning";
        let args = ["run", "--settle", "0", "--assert", assertion, "--", "sh", "-c", then];
        finish(tcpvet().args(args).env("XDG_CONFIG_HOME", &at))
    };
    let _leak = Scene::start(&["leak", "23"]);
    pause(1300);
    assert_eq!(configured("", "true").status, 2, "ten are enough for a warning");
    let many = configured("[rules.close-wait-leak]\nwarning = 29\n", "true");
    assert_eq!(many.status, 0, "{}", many.err);
    let broken = configured("selekt = 5\n", "echo ran");
    assert_eq!((broken.status, broken.out.as_str()), (3, ""), "it is read before the command runs");
    std::fs::remove_dir_all(at).unwrap();
});

lab_test!(what_a_command_leaves_to_the_kernel_is_told, {
    let deaf = TcpListener::bind("127.0.0.1:9100").unwrap();
    let send = "exec 3<>/dev/tcp/127.0.0.1/9100; (head -c 9000000 /dev/zero >&3) & sleep 0.4; kill $!; true";
    let told = run(&["run", "--settle", "300ms", "--json", "--", "bash", "-c", send]);
    let document = document(&told.err);
    let orphans = &document["left"]["orphans"];
    let out = Command::new("ss").args(["-Htan", "state", "fin-wait-1"]).output().unwrap();
    let line = String::from_utf8(out.stdout).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(orphans["sockets"], 1, "{document}");
    assert_eq!(orphans["unsent_bytes"].to_string(), words[1], "as ss has it: {line}");
    let summary = document["summary"].as_str().unwrap();
    assert!(!summary.contains("nothing left behind"), "{summary}");
    assert!(summary.ends_with("1 connection still being closed"), "{summary}");
    drop(deaf);
});

lab_test!(assertions_come_from_a_pipe_of_the_shell_too, {
    let program = env!("CARGO_BIN_EXE_tcpvet");
    let line = format!("{program} check -f <(echo 'a: count() >= 0'; echo 'b: count() < 0')");
    let done =
        finish(Command::new("bash").args(["-c", &line]).env("XDG_CONFIG_HOME", "/nonexistent"));
    assert_eq!(done.status, 2, "{}", done.err);
    assert!(
        done.out.contains("PASS a: count() >= 0") && done.out.contains("FAIL b:"),
        "{}",
        done.out
    );
    let mut typed = tcpvet()
        .args(["check", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    typed.stdin.take().unwrap().write_all(b"count(process ~ 'a\\d') >= 0\n").unwrap();
    let text = String::from_utf8(typed.wait_with_output().unwrap().stdout).unwrap();
    assert!(text.contains("PASS count(process ~ 'a\\d') >= 0:"), "a backslash stays one: {text}");
});

lab_test!(a_first_look_that_goes_only_as_far_as_needed_gives_the_same_severity, {
    use tcpvet::model::earlier::Depth;
    use tcpvet::rules::RULES;
    sysctl("net.ipv4.ip_local_port_range", "20000 20099");
    sysctl("net.ipv4.tcp_max_tw_buckets", "31");
    // A full queue that refuses, queues that nobody reads, a leak, and ports that run out.
    let _queue = Scene::start(&["backlog", "9", "7201"]);
    let _queues = Scene::start(&["queues", "5", "7301"]);
    let _leak = Scene::start(&["leak", "23", "7401"]);
    let _used = Scene::start(&["established", "83", "7501"]);
    pause(1300);
    let mut fired = 0;
    // The worst that is shown and the worst that finding() measures; what is told in the initial namespace only is unknown to both.
    let both = |id: &str| -> (Option<usize>, Option<usize>) {
        let shown = json(&["check", "--select", id, "--sample", "1200ms"]);
        let findings = shown["findings"].as_array().unwrap().iter();
        let level =
            |f: &Value| ["info", "warning", "critical"].iter().position(|l| f["severity"] == **l);
        let worst = findings.filter_map(level).max().map_or(0, |at| at + 1);
        let assertion = format!("finding({id}) == none");
        let alone = json(&["check", "--sample", "1200ms", "--assert", &assertion]);
        let measured = alone["assertions"][0]["measured"].as_u64();
        ((shown["status"] != "unknown").then_some(worst), measured.and_then(|n| n.try_into().ok()))
    };
    for rule in RULES.iter().filter(|r| r.earlier > Depth::Nothing) {
        // The two are a second apart, and a client that is refused tries again at its own pace.
        let mut told = both(rule.id);
        for _ in 0..2 {
            if told.0 != told.1 {
                told = both(rule.id);
            }
        }
        let (shown, alone) = told;
        assert_eq!(shown, alone, "{}", rule.id);
        fired += u64::from(shown.is_some_and(|worst| worst > 0));
    }
    assert!(fired >= 3, "{fired} of them had something to say");
});
