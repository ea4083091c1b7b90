//! `tcpvet run`: the command's status and signals, and what it leaves behind.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::rights::nobody_with;
use crate::support::run::{Run, document, finish, run, tcpvet};

/// A shell command that plays a scene beside itself, and goes when it stands.
fn leaving(scene: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let play = "--exact support::scene::play --ignored --nocapture";
    format!(
        "(sleep 9 | TCPVET_SCENE='{scene}' {} {play}) >/dev/null 2>&1 & sleep 0.7",
        program.display()
    )
}

fn ran(args: &[&str], command: &[&str]) -> Run {
    run(&[&["run"], args, &["--"], command].concat())
}

/// The document, which goes to standard error.
fn judged(args: &[&str], command: &[&str]) -> (Value, i32) {
    let run = ran(&[args, &["--json"]].concat(), command);
    (document(&run.err), run.status)
}

fn case<'a>(document: &'a Value, name: &str) -> &'a Value {
    document["cases"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap()
}

lab_test!(a_leak_fails_the_run_and_names_process_and_peer, {
    let _old = Scene::start(&["leak", "11"]);
    pause(200);
    let leak = leaving("leak 7 7101");
    let (document, status) = judged(&["--settle", "600ms"], &["sh", "-c", &leak]);
    assert_eq!((status, &document["ran"]["exit_status"]), (2, &0.into()));
    let left = &document["left"]["close_wait"];
    assert_eq!(left["sockets"], 7, "what was there before is not counted: {document}");
    for o in left["offenders"].as_array().unwrap() {
        assert_eq!((&o["process"], &o["local"]["port"]), (&"scene".into(), &7101.into()));
        assert!(o["peer"]["port"].as_u64().unwrap() > 0);
    }
    assert_eq!(document["left"]["listeners"]["sockets"], 1);
    assert_eq!(case(&document, "listeners")["outcome"], "warning");
    let told = ran(&["--settle", "0"], &["sh", "-c", &leaving("leak 5 7201")]);
    assert!(
        told.err.starts_with(
            "CRITICAL 5 connections left in CLOSE_WAIT\n  close_wait 127.0.0.1:7201 -> 127.0.0.1:"
        ),
        "{}",
        told.err
    );
    assert!(told.err.contains(" scene["), "{}", told.err);
    let allowed = ran(
        &["--settle", "0", "--allow", "close-wait,listeners", "-q"],
        &["sh", "-c", &leaving("leak 3 7301")],
    );
    assert_eq!((allowed.status, allowed.err.as_str()), (0, ""));
});

lab_test!(what_is_mended_passes, {
    // The scene ends with its standard input, and closes what it holds.
    let program = std::env::current_exe().unwrap();
    let mended = format!(
        "TCPVET_SCENE='leak 7 7101' {} --exact support::scene::play --ignored --nocapture </dev/null >/dev/null 2>&1",
        program.display()
    );
    let (document, status) = judged(&[], &["sh", "-c", &mended]);
    assert_eq!(status, 0, "{document}");
    assert_eq!(document["left"]["close_wait"]["sockets"], 0);
    assert_eq!(document["counters"]["TcpPassiveOpens"], 7);
});

lab_test!(connections_of_a_process_that_stays_are_left_open_and_those_of_others_are_not, {
    let (document, status) =
        judged(&["--settle", "300ms"], &["sh", "-c", &leaving("established 3 7101")]);
    assert_eq!(status, 1);
    // Both ends of each.
    assert_eq!(document["left"]["open"]["sockets"], 6, "{document}");
    assert_eq!(document["left"]["open"]["offenders"][0]["process"], "scene");
    // Here the process was there before, and connects while the command runs.
    let old = std::net::TcpListener::bind("127.0.0.1:7201").unwrap();
    let (document, status) = std::thread::scope(|scope| {
        let connects = scope.spawn(|| {
            pause(300);
            let near = std::net::TcpStream::connect("127.0.0.1:7201").unwrap();
            (near, old.accept().unwrap())
        });
        let result = judged(&["--settle", "0"], &["sleep", "1"]);
        drop(connects.join().unwrap());
        result
    });
    assert_eq!((status, &document["left"]["open"]["sockets"]), (0, &0.into()), "{document}");
    assert_eq!(document["left"]["of_others"], 2);
});

lab_test!(the_status_of_the_command_goes_before_that_of_the_verdict, {
    for (command, status) in [
        (&["sh", "-c", "exit 7"][..], 7),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["/nonexistent"], 127),
        (&["/etc/passwd"], 126),
        (&["true"], 0),
    ] {
        assert_eq!(ran(&["--settle", "0"], command).status, status, "{command:?}");
    }
    let both =
        judged(&["--settle", "0"], &["sh", "-c", &format!("{}; exit 9", leaving("leak 3 7101"))]);
    assert_eq!(
        (both.1, &both.0["status"], &both.0["ran"]["exit_status"]),
        (9, &"critical".into(), &9.into())
    );
    let asserted =
        ran(&["--assert", "new() >= 0", "--assert", "count(state listen) > 5"], &["true"]);
    assert_eq!(asserted.status, 2, "{}", asserted.err);
    assert_eq!(
        ran(&["--assert", "count(sate listen) > 5"], &["touch", "/tmp/never"]).status,
        3,
        "nothing ran"
    );
    assert!(!std::path::Path::new("/tmp/never").exists());
});

lab_test!(the_command_has_standard_output_and_input, {
    let said = ran(&["-q"], &["sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((said.out.as_str(), said.err.as_str(), said.status), ("out\n", "err\n", 0));
    let mut child = tcpvet()
        .args(["run", "-q", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"through\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"through\n");
});

/// Sends a signal to the program while a command with a trap runs, and gives what came of it.
fn signalled(signal: rustix::process::Signal, trap: &str) -> Run {
    let script = format!("trap 'echo caught; exit 5' {trap}; echo ready; sleep 9 & wait");
    let mut child = tcpvet()
        .args(["run", "--settle", "0", "--", "sh", "-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    pause(500);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
    let status = child.wait().unwrap().code().unwrap_or(-1);
    let mut out = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut out).unwrap();
    Run { out, err: String::new(), status }
}

lab_test!(signals_are_handed_on, {
    use rustix::process::Signal;
    for (signal, trap) in [(Signal::TERM, "TERM"), (Signal::HUP, "HUP"), (Signal::USR1, "USR1")] {
        let run = signalled(signal, trap);
        assert_eq!((run.out.as_str(), run.status), ("ready\ncaught\n", 5), "{trap}");
    }
});

lab_test!(a_key_reaches_the_command_once, {
    let has = |program: &str| {
        Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
    };
    if !has("script") || !has("python3") {
        println!("SKIPPED: script(1) or python3 is not here");
        return;
    }
    // It takes signals one by one, so that two of them are not one.
    let at = std::env::temp_dir().join(format!("tcpvet-key-{}.py", std::process::id()));
    let taking = "import signal, sys\n\
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n\
        print('ready', flush=True)\n\
        signal.sigwaitinfo({signal.SIGINT})\n\
        print('caught', flush=True)\n\
        print('again' if signal.sigtimedwait({signal.SIGINT}, 1) else 'once', flush=True)\n\
        sys.exit(9)\n";
    std::fs::write(&at, taking).unwrap();
    let program = env!("CARGO_BIN_EXE_tcpvet");
    // Without `exec` a shell that stays behind takes the key for itself and ends with 130.
    let typed = format!("exec {program} run --settle 0 -- python3 {}", at.display());
    let mut child = Command::new("script")
        .args(["-qec", &typed, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = child.stdin.take().unwrap();
    pause(1500);
    keys.write_all(b"\x03").unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    std::fs::remove_file(at).unwrap();
    assert!(said.contains("caught") && said.contains("once"), "{said}");
    assert_eq!(out.status.code(), Some(9), "{said}");
});

lab_test!(an_isolated_command_sees_nothing_of_others_and_is_judged_alone, {
    let _old = Scene::start(&["leak", "11"]);
    let seen = ran(&["--isolate", "-q"], &["ss", "-Htan"]);
    assert_eq!((seen.out.as_str(), seen.status), ("", 0), "{}", seen.err);
    let (document, status) =
        judged(&["--isolate", "--settle", "300ms"], &["sh", "-c", &leaving("leak 5 7101")]);
    assert_eq!((status, &document["left"]["close_wait"]["sockets"]), (2, &5.into()), "{document}");
    assert_eq!(document["isolated"], true);
    let Some(nobody) = nobody_with("", &[], &["run", "--isolate", "--", "id", "-u"]) else {
        return;
    };
    if nobody.err.contains("network namespace") {
        println!("SKIPPED: this machine gives users no namespaces");
        return;
    }
    assert_eq!((nobody.out.as_str(), nobody.status), ("65534\n", 0), "{}", nobody.err);
});

lab_test!(connections_that_a_listener_refused_are_told, {
    let (document, status) = judged(
        &["--settle", "0", "--allow", "open,listeners,close-wait"],
        &["sh", "-c", &leaving("backlog 9 7201")],
    );
    let drops = case(&document, "drops");
    assert_eq!((status, &drops["outcome"]), (1, &"warning".into()), "{document}");
    let finished = finish(tcpvet().args([
        "run",
        "--settle",
        "0",
        "--allow",
        "open,listeners,close-wait,drops",
        "--",
        "sh",
        "-c",
        &leaving("backlog 9 7301"),
    ]));
    assert_eq!(finished.status, 0, "{}", finished.err);
});

lab_test!(what_is_mistyped_runs_nothing, {
    for args in [
        &["run", "--isolat", "--", "touch", "/tmp/tcpvet-never"][..],
        &["run", "touch", "/tmp/tcpvet-never"],
        &["run", "--assert", "cuont() == 0", "--", "touch", "/tmp/tcpvet-never"],
        &[
            "run",
            "--timeout",
            "2s",
            "--assert",
            "count() > 1 within 3s",
            "--",
            "touch",
            "/tmp/tcpvet-never",
        ],
        &["run", "--report", "junit=/nonexistent/x", "--", "touch", "/tmp/tcpvet-never"],
    ] {
        let said = run(args);
        assert_eq!(said.status, 3, "{args:?}: {}", said.err);
        assert!(said.err.contains("hint: "), "{}", said.err);
    }
    let report = std::env::temp_dir().join(format!("tcpvet-run-{}.xml", std::process::id()));
    let argument = format!("junit={}", report.display());
    assert_eq!(run(&["run", "--report", &argument, "--assert", "x", "--", "true"]).status, 3);
    assert!(std::fs::read_to_string(&report).unwrap().contains("errors=\"1\""));
    std::fs::remove_file(report).unwrap();
    assert!(!std::path::Path::new("/tmp/tcpvet-never").exists());
});

lab_test!(a_connection_that_turns_while_things_settle_is_seen, {
    // The server was there before; its client outlives the command, and then goes.
    let old = std::net::TcpListener::bind("127.0.0.1:7301").unwrap();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let near = old.accept().unwrap();
            pause(4000);
            drop(near);
        });
        let connects = "(exec 3<>/dev/tcp/127.0.0.1/7301; sleep 0.9) & sleep 0.4";
        let (document, status) =
            judged(&["--settle", "2s", "--allow", "open"], &["bash", "-c", connects]);
        assert_eq!(
            (status, &document["left"]["close_wait"]["sockets"]),
            (2, &1.into()),
            "{document}"
        );
        server.join().unwrap();
    });
});

lab_test!(a_report_that_cannot_be_written_takes_no_verdict_away, {
    let at = std::env::temp_dir().join(format!("tcpvet-gone-{}", std::process::id()));
    std::fs::create_dir_all(&at).unwrap();
    let report = format!("junit={}/x.xml", at.display());
    let gone = format!("rm -r {}; exit 4", at.display());
    let said = ran(&["--settle", "0", "--report", &report], &["sh", "-c", &gone]);
    assert_eq!(said.status, 4);
    assert!(
        said.err.contains("sh ended with 4") && said.err.contains("no such file"),
        "{}",
        said.err
    );
    std::fs::create_dir_all(&at).unwrap();
    let gone = format!("rm -r {}", at.display());
    let said = ran(&["--settle", "0", "--report", &report], &["sh", "-c", &gone]);
    assert_eq!(said.status, 3, "{}", said.err);
});

lab_test!(connections_of_whom_nobody_may_say_are_not_nobodys, {
    let listener = std::net::TcpListener::bind("127.0.0.1:7301").unwrap();
    let Some(probe) = nobody_with("", &[], &["run", "-q", "--settle", "0", "--", "true"]) else {
        return;
    };
    assert_eq!(probe.status, 0, "{}", probe.err);
    std::thread::scope(|scope| {
        let connects = scope.spawn(|| {
            pause(700);
            let near = std::net::TcpStream::connect("127.0.0.1:7301").unwrap();
            let far = listener.accept().unwrap();
            pause(1500);
            drop((near, far));
        });
        let said = nobody_with("", &[], &["run", "--settle", "0", "--json", "--", "sleep", "1.4"])
            .unwrap();
        let document = document(&said.err);
        assert_eq!((said.status, &document["left"]["hidden"]), (3, &2.into()), "{document}");
        connects.join().unwrap();
    });
});
