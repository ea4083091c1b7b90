//! The oracle of `ports`: it is asked for the headroom, then the kernel is made to refuse. Predicted equals actual, or lies in the
//! stated interval. `cargo test live::oracle -- --nocapture` prints the tally.

mod mixtures;
mod rows;

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use serde_json::Value;

use crate::support::run::json;
use crate::support::town::{Town, Way};

/// Which case the inner test plays.
const CASE: &str = "TCPVET_ORACLE";

/// What is measured after a scene stands.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Through which door the new connections go.
    way: Way,
    to: SocketAddr,
    /// What `--what-if` says of the door.
    what_if: Option<String>,
    /// The address whose bind pool is drained afterwards.
    bind: Option<IpAddr>,
}

impl Question {
    pub(super) fn connect(way: Way, to: SocketAddr) -> Question {
        Question { way, to, what_if: None, bind: None }
    }

    pub(super) fn then_bind(self, to: IpAddr) -> Question {
        Question { bind: Some(to), ..self }
    }

    fn source(&self) -> IpAddr {
        match self.way {
            Way::NoPort(from)
            | Way::BindFirst(from)
            | Way::BindFirstReuse(from)
            | Way::Explicit(from, _) => from,
            Way::Plain | Way::Device | Way::OwnRange(..) | Way::Mapped => match self.to.ip() {
                // The kernel chooses the same address where both ends are ours.
                ip if ip.is_loopback() && ip.is_ipv4() => crate::support::town::HERE,
                ip => ip,
            },
        }
    }
}

/// Answers by the width of what was predicted: exact, one of two (a range of odd length), wider. What is seen with the owners' bind
/// buckets comes first, then what is left without them.
#[derive(Debug, Default, Clone, Copy)]
struct Tally([u32; 6]);

/// Whether the answer was given with the owners' bind buckets.
#[derive(Clone, Copy)]
enum Sight {
    Seen = 0,
    Blind = 3,
}

/// An interval that was predicted.
fn interval(of: &Value) -> (usize, usize) {
    let n = |key: &str| of[key].as_u64().expect(key) as usize;
    (n("headroom"), n("headroom_max"))
}

fn judge(case: &str, sight: Sight, predicted: (usize, usize), actual: usize, tally: &mut Tally) {
    assert!(
        (predicted.0..=predicted.1).contains(&actual),
        "MISS in {case}: predicted {predicted:?}, the kernel gave {actual}"
    );
    tally.0[sight as usize + (predicted.1 - predicted.0).min(2)] += 1;
}

/// Asks, drains and compares: with what the machine lets us see, and without the owners' buckets.
fn measure(case: &str, town: &mut Town, question: &Question) {
    let mut tally = Tally::default();
    let (source, to) = (question.source().to_string(), question.to.to_string());
    let what_if = question.what_if.as_deref().map(|w| ["--what-if", w]);
    let args = ["ports", "--to", &to, "--source", &source];
    let ask = |owners: &[&str]| {
        let what_if = what_if.iter().flatten().copied().collect::<Vec<_>>();
        let document = json(&[&args, owners, &what_if].concat());
        let rows = document["destinations"].as_array().unwrap().clone();
        let device = question.way == Way::Device;
        let ours: Vec<_> = rows.iter().filter(|r| r["interface"].is_null() != device).collect();
        assert_eq!(ours.len(), 1, "{case}: one source, one destination");
        interval(ours[0])
    };
    let (seen, blind) = (ask(&[]), ask(&["--owners", "none"]));
    let most = seen.1.max(blind.1);
    let actual = town.connects(most + 1, question.way, question.to);
    println!(
        "{case}: connect from {source} to {to}: predicted {} to {} (blind {} to {}), actual {actual}",
        seen.0, seen.1, blind.0, blind.1
    );
    judge(case, Sight::Seen, seen, actual, &mut tally);
    judge(case, Sight::Blind, blind, actual, &mut tally);
    if let Some(address) = question.bind {
        let text = address.to_string();
        let document = json(&["ports", "--bind", "--source", &text]);
        let pools = document["bind_pools"].as_array().unwrap();
        let pool = pools.iter().find(|p| p["local_addr"] == text).expect("the pool asked for");
        let predicted = interval(pool);
        let actual = town.binds(predicted.1 + 1, address, &|_| ());
        println!("{case}: bind to {text}: predicted {predicted:?}, actual {actual}");
        judge(case, Sight::Seen, predicted, actual, &mut tally);
    }
    println!("TALLY {}", tally.0.map(|n| n.to_string()).join(" "));
}

/// Plays one case inside a namespace of its own.
#[test]
#[ignore = "played by the tests of the oracle"]
fn play() {
    let case = std::env::var(CASE).expect("a case");
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let mut town = Town::found();
    match case.parse() {
        Ok(seed) => mixtures::play(seed, &mut town),
        Err(_) => rows::play(&case, &mut town),
    }
}

/// Runs cases, two at a time, each in a namespace of its own; gives how many questions were asked and how many answers were exact.
fn run_all(cases: &[String]) -> Tally {
    let one = |case: &String| {
        let root = rustix::process::geteuid().is_root();
        let output = Command::new("unshare")
            .arg(if root { "-n" } else { "-rn" })
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "live::oracle::play", "--ignored", "--nocapture"])
            .env(CASE, case)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "case {case}\n{text}\n{errors}");
        text
    };
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut texts = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            texts.push(one(case));
        }
        texts
    };
    let texts: Vec<String> = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.into_iter().flat_map(|w| w.join().expect("no miss")).collect()
    });
    let mut sum = Tally::default();
    for line in texts.iter().flat_map(|t| t.lines()) {
        if let Some(numbers) = line.strip_prefix("TALLY ") {
            let numbers = numbers.split(' ').map(|n| n.parse::<u32>().unwrap());
            sum.0.iter_mut().zip(numbers).for_each(|(sum, n)| *sum += n);
        } else if line.contains(": predicted ") {
            println!("{line}");
        }
    }
    sum
}

fn tell(what: &str, cases: usize, tally: Tally) {
    let [exact, end, wide, blind_exact, blind_end, blind_wide] = tally.0;
    println!(
        "oracle compared {what}: {cases} cases, {} questions, 0 missed; {exact} exact, {end} in an interval of two (odd range), {wide} in \
         a wider one; without owners {blind_exact}, {blind_end}, {blind_wide}",
        tally.0.iter().sum::<u32>(),
    );
    // Without BPF nobody tells what bind() took.
    let bpf = std::path::Path::new("/sys/kernel/btf/vmlinux").exists();
    if bpf && rustix::process::geteuid().is_root() {
        assert!(exact > end + wide, "most answers are exact");
    }
}

/// The cases run in namespaces of their own; this only asks whether there can be any.
fn where_possible(name: &str, body: impl FnOnce()) {
    let root = rustix::process::geteuid().is_root();
    let flags = if root { "-n" } else { "-rn" };
    if Command::new("unshare").args([flags, "true"]).status().is_ok_and(|s| s.success()) {
        body();
    } else {
        println!(
            "SKIPPED {name}: this machine allows no network namespace (unshare {flags} failed)"
        );
    }
}

#[test]
fn every_row_of_the_capacity_table_is_predicted() {
    where_possible("every_row_of_the_capacity_table_is_predicted", || {
        let cases: Vec<String> = rows::names();
        let tally = run_all(&cases);
        tell("the capacity table", cases.len(), tally);
    });
}

#[test]
fn random_mixtures_are_predicted() {
    where_possible("random_mixtures_are_predicted", || {
        let cases: Vec<String> = mixtures::seeds().map(|s| s.to_string()).collect();
        let tally = run_all(&cases);
        tell("random mixtures", cases.len(), tally);
    });
}
