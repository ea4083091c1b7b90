//! The lab: every live test runs alone in a process and a network namespace of its own. As root by `unshare -n`, else in an
//! unprivileged user namespace; where the machine allows neither, the test says so and is skipped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const MARK: &str = "TCPVET_LAB";

/// What a scene says that cannot stand on this machine; the test that asked for it ends there.
pub const NO_TUN: &str = "SKIPPED: this machine gives a test no TUN device";

/// Defines a live test: `lab_test!(name, { body });`.
macro_rules! lab_test {
    ($name:ident, $body:block) => {
        #[test]
        fn $name() {
            let full = concat!(module_path!(), "::", stringify!($name));
            $crate::support::lab::alone(full, || $body);
        }
    };
}
pub(crate) use lab_test;

/// Runs `body` in a namespace of its own, by running this very test again inside it.
pub fn alone(full_name: &str, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        let up =
            Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("ip is installed");
        assert!(up.success(), "loopback comes up");
        body();
        return;
    }
    let root = rustix::process::geteuid().is_root();
    let flags = if root { "-n" } else { "-rn" };
    let possible = Command::new("unshare").args([flags, "true"]).status();
    if !possible.is_ok_and(|s| s.success()) {
        println!(
            "SKIPPED {full_name}: this machine allows no network namespace (unshare {flags} failed)"
        );
        return;
    }
    let name = full_name.split_once("::").map_or(full_name, |(_, rest)| rest);
    let output = Command::new("unshare")
        .arg(flags)
        .arg(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .expect("unshare runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success()
        && let Some(why) = text.lines().find(|l| l.contains(NO_TUN))
    {
        println!("{name}: {why}");
        return;
    }
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("1 passed"), "the test ran inside: {text}");
    // What was skipped or counted inside must be heard outside.
    for line in
        text.lines().filter(|l| ["SKIPPED", " compared", " are held"].iter().any(|w| l.contains(w)))
    {
        println!("{name}: {line}");
    }
}

/// Writes a sysctl of this namespace.
pub fn sysctl(name: &str, value: &str) {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    std::fs::write(&path, value).unwrap_or_else(|e| panic!("{path}: {e}"));
}

/// A scene process.
pub struct Scene {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Scene {
    /// Starts a scene and waits until it stands.
    pub fn start(args: &[&str]) -> Scene {
        Scene::with_limit(args, None)
    }

    /// The same with a soft limit of descriptors.
    pub fn with_limit(args: &[&str], limit: Option<u64>) -> Scene {
        let program = std::env::current_exe().expect("this test has a file");
        let command = match limit {
            None => Command::new(program),
            Some(limit) => {
                let mut command = Command::new("prlimit");
                command.arg(format!("--nofile={limit}:")).arg(program);
                command
            }
        };
        Scene::play(command, args)
    }

    /// The same inside a namespace of `ip netns`.
    pub fn inside(netns: &str, args: &[&str]) -> Scene {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", netns])
            .arg(std::env::current_exe().expect("this test has a file"));
        Scene::play(command, args)
    }

    /// The same behind a program that makes its surroundings.
    pub fn behind(before: &[&str], args: &[&str]) -> Scene {
        Scene::of(&std::env::current_exe().expect("this test has a file"), before, args)
    }

    /// The same by a copy of this test, for users who may not run the original.
    pub fn of(program: &std::path::Path, before: &[&str], args: &[&str]) -> Scene {
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]);
        command.arg(program);
        Scene::play(command, args)
    }

    fn play(mut command: Command, args: &[&str]) -> Scene {
        command
            .args(["--exact", "support::scene::play", "--ignored", "--nocapture"])
            .env(super::scene::SCRIPT, args.join(" "))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the scene program starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut scene = Scene { child, input, output };
        scene.hear("ready");
        scene
    }

    fn hear(&mut self, wanted: &str) {
        // The test harness of the scene's process says a word or two of its own.
        for _ in 0..10 {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("the scene speaks");
            if line.trim_end().ends_with(wanted) {
                return;
            }
            if line.contains(NO_TUN) {
                println!("{line}");
                break;
            }
        }
        panic!("the scene did not say '{wanted}'");
    }

    /// Gives the scene a word and waits until it is done.
    pub fn tell(&mut self, word: &str) {
        let input = self.input.as_mut().expect("the scene listens");
        writeln!(input, "{word}").expect("the scene listens");
        self.hear("done");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Whether BPF shows bind buckets and descriptors here; where it does not, says so.
pub fn has_bpf() -> bool {
    let probe = super::run::run(&["list", "--owners", "bpf", "-H"]);
    if probe.status != 0 {
        println!("SKIPPED: no BPF here: {}", probe.err);
    }
    probe.status == 0
}

/// Sleeps.
pub fn pause(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}
