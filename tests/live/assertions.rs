//! Assertions on real sockets: what they measure is what ss and connect() say, and what may not be seen is unknown.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause, sysctl};
use crate::support::rights::nobody_with;
use crate::support::run::{document, finish, json, run, tcpvet};

/// The outcomes of assertions, in their order.
fn outcomes(of: &Value) -> Vec<&str> {
    of["assertions"].as_array().unwrap().iter().map(|a| a["outcome"].as_str().unwrap()).collect()
}

fn asserted<'a>(texts: &[&'a str]) -> Vec<&'a str> {
    ["check"].into_iter().chain(texts.iter().flat_map(|t| ["--assert", t])).collect()
}

/// What one assertion measured.
fn measured(text: &str) -> Value {
    json(&asserted(&[text]))["assertions"][0]["measured"].clone()
}

lab_test!(what_is_measured_is_what_ss_counts, {
    let _leak = Scene::start(&["leak", "23"]);
    let _mixed = Scene::start(&["mixed", "0", "7101"]);
    pause(300);
    for (ours, theirs) in [
        ("count(state close-wait) >= 0", "state close-wait"),
        ("count(state established) >= 0", "state established"),
        ("count(sport = 7001) >= 0", "sport = :7001"),
        ("count(sport = 7001 and state close-wait) >= 0", "state close-wait sport = :7001"),
        (
            "count(dst 127.0.0.1 and not sport in (7001, 7101)) >= 0",
            "dst 127.0.0.1 and not ( sport = :7001 or sport = :7101 )",
        ),
    ] {
        let theirs: Vec<&str> = theirs.split(' ').collect();
        let out = std::process::Command::new("ss").arg("-Htan").args(&theirs).output().unwrap();
        let lines = String::from_utf8(out.stdout).unwrap().lines().count();
        assert_eq!(measured(ours), lines, "{ours}");
        assert!(lines > 0, "{ours}");
    }
    let of_scene = measured("count(process = scene and state close-wait) >= 0");
    assert_eq!(of_scene, 25);
    // The largest of a field is the one that a sorted list begins with.
    let list = json(&["list", "-i", "state established"]);
    let rtts = list["sockets"].as_array().unwrap().iter().filter_map(|s| s["rtt_us"].as_u64());
    let most = rtts.max().unwrap();
    assert_eq!(measured("max(rtt, state established) < 1h"), most);
    assert_eq!(measured("sum(recvq, state close-wait) < 1M"), 25, "the FIN counts as a byte");
});

lab_test!(a_failure_names_process_peer_and_silence_and_is_over_when_the_leak_is, {
    let leak = Scene::start(&["leak", "13"]);
    pause(1100);
    let text = "no-leak: count(state close-wait and process = scene) == 0 # close() is missing";
    let document = json(&asserted(&[text]));
    let a = &document["assertions"][0];
    assert_eq!(
        (&a["outcome"], &a["measured"], &a["selected"]),
        (&"fail".into(), &13.into(), &13.into())
    );
    let offenders = a["offenders"].as_array().unwrap();
    assert_eq!(offenders.len(), 10);
    for o in offenders {
        assert_eq!((&o["process"], &o["provenance"]), (&"scene".into(), &"exact".into()));
        assert!(o["peer"]["port"].as_u64().unwrap() > 0 && o["pid"].as_u64().unwrap() > 0, "{o}");
        assert!(o["idle_ms"].as_u64().unwrap() >= 1000, "{o}");
    }
    assert_eq!(document["exit_status"], 2);
    // It may take a while: the leak ends while the check waits.
    let waiting = tcpvet()
        .args(["check", "--assert", "count(state close-wait) == 0 within 20s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    pause(700);
    drop(leak);
    let out = waiting.wait_with_output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.starts_with("PASS ") && said.contains("(after "), "{said}");
});

lab_test!(each_right_gives_its_outcome, {
    let _leak = Scene::start(&["leak", "7"]);
    pause(300);
    let texts = [
        "count(process = scene and state close-wait) == 7",
        "count(process = nobody-has-this) == 0",
        "count(process = scene) == 0",
        "count(state close-wait) == 7",
        "listening(7001)",
    ];
    let args = [&asserted(&texts)[..], &["--json"]].concat();
    for (capabilities, want, status) in [
        ("", ["unknown", "unknown", "unknown", "pass", "pass"], 3),
        ("+sys_ptrace,+dac_read_search", ["pass", "pass", "fail", "pass", "pass"], 2),
        ("+bpf,+perfmon", ["pass", "pass", "fail", "pass", "pass"], 2),
    ] {
        let Some(found) = nobody_with(capabilities, &[], &args) else {
            println!("SKIPPED: this machine gives nobody no {capabilities}");
            continue;
        };
        let document = document(&found.out);
        assert_eq!(outcomes(&document), want, "{capabilities}: {}", found.out);
        assert_eq!(found.status, status, "{capabilities}");
        if status == 3 {
            let reason = document["assertions"][1]["reason"].as_str().unwrap();
            assert!(
                reason.contains("it is not known whether they are meant")
                    && reason.contains("may not be read"),
                "{reason}"
            );
        }
    }
    assert_eq!(outcomes(&json(&asserted(&texts))), ["pass", "pass", "fail", "pass", "pass"]);
});

/// Whether a connection is accepted.
fn reaches(addr: &str) -> bool {
    TcpStream::connect(addr).is_ok()
}

lab_test!(listening_is_what_connect_finds, {
    if !std::path::Path::new("/proc/sys/net/ipv6").exists() {
        println!("SKIPPED: this machine has no IPv6");
        return;
    }
    let mut listeners = vec![
        TcpListener::bind("0.0.0.0:7001").unwrap(),
        TcpListener::bind("127.0.0.1:7002").unwrap(),
        TcpListener::bind("[::1]:7003").unwrap(),
        TcpListener::bind("[::]:7004").unwrap(),
    ];
    sysctl("net.ipv6.bindv6only", "1");
    listeners.push(TcpListener::bind("[::]:7005").unwrap());
    for port in 7001..=7006 {
        for (place, addr) in
            [("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]"), ("127.0.0.2", "127.0.0.2")]
        {
            let found = measured(&format!("listening({place}:{port})")) == 1;
            assert_eq!(found, reaches(&format!("{addr}:{port}")), "{place}:{port}");
        }
        let by_v4 = ["127.0.0.1", "127.0.0.2"].iter().any(|a| reaches(&format!("{a}:{port}")));
        assert_eq!(measured(&format!("listening({port} via ipv4)")) == 1, by_v4, "{port} by IPv4");
        assert_eq!(
            measured(&format!("listening({port} via ipv6)")) == 1,
            reaches(&format!("[::1]:{port}")),
            "{port} by IPv6"
        );
    }
    let all = json(&asserted(&[
        "only_listening(7001-7005)",
        "only_listening(7001,7002)",
        "not listening(7006)",
    ]));
    assert_eq!(outcomes(&all), ["pass", "fail", "pass"]);
    let strangers: Vec<u64> = all["assertions"][1]["offenders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["local"]["port"].as_u64().unwrap())
        .collect();
    let mut sorted = strangers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [7003, 7004, 7005]);
});

lab_test!(what_is_new_is_told_from_what_was_there, {
    let _old = Scene::start(&["leak", "11"]);
    pause(200);
    let at = std::env::temp_dir().join(format!("tcpvet-before-{}.tar", std::process::id()));
    let path = at.to_str().unwrap();
    assert_eq!(run(&["capture", "-o", path]).status, 0);
    let texts = [
        "new(state close-wait) == 0",
        "delta(TcpPassiveOpens) == 0",
        "count(state close-wait) == 11",
    ];
    let args = [&asserted(&texts)[..], &["--baseline", path]].concat();
    assert_eq!(outcomes(&json(&args)), ["pass", "pass", "pass"]);
    let _new = Scene::start(&["leak", "5", "7101"]);
    pause(200);
    let after = json(&args);
    assert_eq!(outcomes(&after), ["fail", "fail", "fail"]);
    let of = |i: usize| after["assertions"][i]["measured"].clone();
    assert_eq!((of(0), of(1), of(2)), (5.into(), 5.into(), 16.into()));
    // Off the box it is judged the same, and another namespace is no baseline.
    let later = std::env::temp_dir().join(format!("tcpvet-after-{}.tar", std::process::id()));
    assert_eq!(run(&["capture", "-o", later.to_str().unwrap()]).status, 0);
    let replayed = json(&[&args[..], &["--from", later.to_str().unwrap()]].concat());
    assert_eq!(outcomes(&replayed), ["fail", "fail", "fail"]);
    let elsewhere = finish(
        std::process::Command::new("unshare")
            .arg("-n")
            .arg(env!("CARGO_BIN_EXE_tcpvet"))
            .args(&args),
    );
    assert_eq!((elsewhere.status, elsewhere.out.as_str()), (3, ""));
    assert!(elsewhere.err.contains("the baseline does not fit"), "{}", elsewhere.err);
    let _ = (std::fs::remove_file(at), std::fs::remove_file(later));
});

lab_test!(counters_have_rates_and_ports_have_headroom, {
    let _queue = Scene::start(&["backlog", "9", "7201"]);
    // An even number of ports: of an odd one an end may stay untried, and the headroom is two numbers.
    sysctl("net.ipv4.ip_local_port_range", "20000 20067");
    sysctl("net.ipv4.tcp_tw_reuse", "0");
    let _tw = Scene::start(&["time-wait", "41", "7101"]);
    pause(200);
    let document = json(&asserted(&[
        "headroom(to 127.0.0.1:7101) < 30",
        "headroom(to 10.0.0.5:5432) > 60",
        "headroom() < 30",
        "counter(TcpExtListenOverflows) >= 0",
        "counter(sockstat.TCP.tw) == 41",
        "rate(TcpActiveOpens) == 0",
    ]));
    assert_eq!(outcomes(&document), ["pass"; 6], "{document}");
    let ports = json(&["ports", "--to", "127.0.0.1:7101"]);
    let pool = &ports["destinations"][0];
    assert_eq!(document["assertions"][0]["measured"], pool["headroom"], "{ports}");
});

lab_test!(a_wait_ends_by_its_signal_and_a_timeout_is_unknown, {
    let mut waiting = tcpvet()
        .args(["check", "--assert", "count() > 99999 within 20s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    pause(400);
    use std::os::unix::process::ExitStatusExt;
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&waiting),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(waiting.wait().unwrap().signal(), Some(15));
    let mut said = String::new();
    waiting.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "no half verdict");
    // Standard input that never ends must not hold the check, and the answer comes where monitoring reads it.
    for (format, want) in [
        ("nagios", "TCP UNKNOWN: not done after 300ms\n"),
        ("checkmk", "3 \"TCP\" - not done after 300ms\n"),
    ] {
        let mut child = tcpvet()
            .args(["check", "--format", format, "-t", "300ms", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(3), want));
    }
});

lab_test!(attempts_look_anew_and_rates_are_over_their_time, {
    // A listener that comes after the first look, with rules that looked before.
    let waiting = tcpvet()
        .args(["check", "--select", "close-wait-leak", "--assert", "listening(7401) within 15s"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    pause(2500);
    let _late = TcpListener::bind("127.0.0.1:7401").unwrap();
    let out = waiting.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    // Three refused connections a second are a rate over every second, and not none between two of them.
    let stop = std::sync::atomic::AtomicBool::new(false);
    let stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped() {
                let _ = TcpStream::connect("127.0.0.1:7402");
                pause(300);
            }
        });
        let run = run(&["check", "--assert", "rate(TcpAttemptFails) < 1 within 4s"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(run.status, 2, "{}", run.out);
    });
});

lab_test!(what_is_not_judged_is_not_well, {
    let said = |args: &[&str]| {
        let run = run(args);
        (run.status, format!("{}{}", run.out, run.err))
    };
    for nothing in [
        &["check", "--ignore", "all"][..],
        &["check", "--select", "closing", "--ignore", "closing"],
    ] {
        let (status, text) = said(nothing);
        assert_eq!(status, 3, "{text}");
        assert!(text.contains("no rule is left to judge"), "{text}");
    }
    let at = std::env::temp_dir().join(format!("tcpvet-one-{}.tar", std::process::id()));
    let path = at.to_str().unwrap();
    assert_eq!(run(&["capture", "-o", path]).status, 0);
    let (status, text) =
        said(&["check", "--from", path, "--assert", "finding(retransmission-rate) < warning"]);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("needs two looks"), "{text}");
    let (_, text) = said(&["check", "--from", path, "--select", "retransmission-rate"]);
    assert!(text.contains("retransmission-rate not evaluated: needs two samples"), "{text}");
    std::fs::remove_file(at).unwrap();
    // A report of before is not taken for one of now.
    let report = std::env::temp_dir().join(format!("tcpvet-stale-{}.xml", std::process::id()));
    std::fs::write(&report, "old").unwrap();
    let argument = format!("junit={}", report.display());
    assert_eq!(run(&["check", "--report", &argument, "--assert", "cuont() == 0"]).status, 3);
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("errors=\"1\"") && text.contains("is not a measure"), "{text}");
    let same = format!(
        "tap={}/./{}",
        report.parent().unwrap().display(),
        report.file_name().unwrap().to_str().unwrap()
    );
    let (status, text) = said(&["check", "--report", &argument, "--report", &same]);
    assert_eq!(status, 3);
    assert!(text.contains("two reports go to"), "{text}");
    std::fs::remove_file(report).unwrap();
});

lab_test!(behind_another_pid_namespace_nobody_is_nobody, {
    let _leak = Scene::start(&["leak", "7"]);
    pause(200);
    let inside = |args: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-pf", "--mount-proc", env!("CARGO_BIN_EXE_tcpvet")]).args(args);
        finish(command.env("XDG_CONFIG_HOME", "/nonexistent"))
    };
    let found = inside(&asserted(&["count(process = scene) == 0", "count(state close-wait) == 7"]));
    if found.err.contains("unshare") {
        println!("SKIPPED: this machine gives a test no pid namespace");
        return;
    }
    assert_eq!(found.status, 3, "{}{}", found.out, found.err);
    assert!(
        found.out.starts_with("UNKNOWN count(process = scene)")
            && found.out.contains("PASS count(state"),
        "{}",
        found.out
    );
});

lab_test!(offenders_of_a_largest_value_are_those_beyond_the_wish, {
    let _unread = Scene::start(&["unread", "3"]);
    let _idle = Scene::start(&["established", "5", "7101"]);
    pause(300);
    let most = measured("max(recvq, state established) < 1G").as_u64().unwrap();
    assert!(most > 1, "something is unread");
    let document = json(&asserted(&[&format!("max(recvq, state established) < {most}")]));
    let offenders = document["assertions"][0]["offenders"].as_array().unwrap();
    assert!(!offenders.is_empty() && offenders.len() <= 3, "{offenders:?}");
    assert!(
        offenders.iter().all(|o| o["value"].as_str() == Some(&most.to_string())),
        "{offenders:?}"
    );
});
