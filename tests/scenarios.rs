//! Scenario files: a compact snapshot and what a rule must say of it. `tests/scenarios/RULE/CASE.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tcpvet::model::Snapshot;
use tcpvet::model::earlier::{Earlier, Since};
use tcpvet::model::endpoint::{Addr, Family};
use tcpvet::model::owner::{Bucket, Buckets, Holder, Owners, Process};
use tcpvet::model::portset::PortSet;
use tcpvet::model::socket::{Detail, Socket, Timer};
use tcpvet::model::state::State;
use tcpvet::model::sysctl::Reading;
use tcpvet::model::text::Text;
use tcpvet::rules::engine::run;
use tcpvet::rules::limit::Limits;
use tcpvet::rules::outcome::Outcome;
use tcpvet::rules::selection::Selection;
use tcpvet::rules::{Derived, Evidence, RULES, find};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    about: String,
    #[serde(default)]
    set: Vec<String>,
    /// An earlier look.
    before: Option<Before>,
    #[serde(default)]
    counters: BTreeMap<String, i64>,
    #[serde(default)]
    uncounted: Option<u32>,
    #[serde(default)]
    sysctls: BTreeMap<String, String>,
    explicit_ports: Option<String>,
    /// Ports whose bind bucket says that bind() took them.
    bound_ports: Option<String>,
    #[serde(default)]
    hidden_processes: u32,
    #[serde(default)]
    sockets: Vec<SocketLine>,
    #[serde(default)]
    processes: Vec<ProcessLine>,
    expect: Expect,
}

/// What an earlier look saw: sockets are the same by their inodes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Before {
    /// So many milliseconds before.
    ms: u64,
    #[serde(default)]
    counters: BTreeMap<String, i64>,
    #[serde(default)]
    sockets: Vec<SocketLine>,
}

impl Before {
    fn snapshot(&self) -> Snapshot {
        let mut s = Snapshot::default();
        s.counters.0.extend(self.counters.clone());
        let mut owners = Owners::default();
        for line in &self.sockets {
            (0..line.count).for_each(|i| push(&mut s, &mut owners, line, i));
        }
        s
    }
}

/// `count` sockets whose local port (or, with `vary = "peer"`, peer port), inode and fd count up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SocketLine {
    state: String,
    local: String,
    #[serde(default = "wildcard")]
    peer: String,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    vary: String,
    #[serde(default)]
    recvq: u32,
    #[serde(default)]
    sendq: u32,
    #[serde(default)]
    inode: u32,
    pid: Option<u32>,
    age_ms: Option<u32>,
    last_ack_recv_ms: Option<u32>,
    last_data_recv_ms: Option<u32>,
    last_data_sent_ms: Option<u32>,
    timestamps: Option<bool>,
    drops: Option<u32>,
    /// `off`, `on`, `keepalive`, `timewait`, `persist`.
    timer: Option<String>,
    #[serde(default)]
    expires_ms: u32,
    #[serde(default)]
    retries: u8,
    backoff: Option<u8>,
    unacked: Option<u32>,
    snd_mss: Option<u32>,
    pmtu: Option<u32>,
    snd_wnd: Option<u32>,
    rcv_wnd: Option<u32>,
    total_retrans: Option<u32>,
    data_segs_out: Option<u32>,
    bytes_acked: Option<u64>,
    memory: Option<u32>,
    interface: Option<u32>,
}

fn one() -> u32 {
    1
}

fn wildcard() -> String {
    "0.0.0.0:0".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessLine {
    pid: u32,
    comm: String,
    limit: Option<u64>,
    descriptors: Option<u64>,
    unhashed: Option<u32>,
    sockets: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    outcome: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    severity: String,
    title: String,
    key: String,
    #[serde(default)]
    facts: BTreeMap<String, f64>,
    #[serde(default)]
    settings: Vec<String>,
}

fn split(text: &str) -> (Addr, Family, u16) {
    let (host, port) = text.rsplit_once(':').expect(text);
    match host.trim_matches(['[', ']']).parse().expect(text) {
        std::net::IpAddr::V4(v4) => {
            (Addr::v4(v4.octets()), Family::Ipv4, port.parse().expect(text))
        }
        std::net::IpAddr::V6(v6) => (Addr(v6.octets()), Family::Ipv6, port.parse().expect(text)),
    }
}

fn snapshot(scenario: &Scenario) -> Snapshot {
    let mut s = Snapshot {
        netns: Text::new(b"lab"),
        time_ms: 1_000_000,
        uncounted: scenario.uncounted.or(Some(0)),
        ..Snapshot::default()
    };
    s.counters.0.extend(scenario.counters.clone());
    s.coverage.seen("sock_diag");
    for (name, value) in [
        ("net.ipv4.ip_local_port_range", "32768 60999"),
        ("net.ipv4.ip_local_reserved_ports", ""),
        ("net.ipv4.tcp_tw_reuse", "2"),
        ("net.ipv4.tcp_timestamps", "1"),
        ("net.ipv4.tcp_max_tw_buckets", "131072"),
        ("net.core.somaxconn", "4096"),
    ] {
        s.sysctls.0.insert(name.into(), Reading::Value(value.into()));
    }
    for (name, value) in &scenario.sysctls {
        s.sysctls.0.insert(name.clone(), Reading::Value(value.clone()));
    }
    s.explicit_ports = scenario.explicit_ports.as_ref().map(|t| PortSet::parse(t).expect(t));
    let buckets = scenario.bound_ports.as_ref().map(|text| {
        let mut buckets = Buckets::default();
        PortSet::parse(text).expect(text).iter().for_each(|p| buckets.note(p, Bucket::Bind));
        buckets
    });
    let mut owners = Owners { denied: scenario.hidden_processes, buckets, ..Owners::default() };
    for line in &scenario.sockets {
        for i in 0..line.count {
            push(&mut s, &mut owners, line, i);
        }
    }
    owners.holders.sort_unstable();
    s.owners = Some(owners);
    for p in &scenario.processes {
        let process = Process {
            pid: p.pid,
            comm: Text::new(p.comm.as_bytes()),
            descriptor_limit: p.limit,
            descriptors: p.descriptors,
            unhashed: p.unhashed,
            sockets: p.sockets,
            ..Process::default()
        };
        s.processes.insert(p.pid, process);
    }
    s
}

fn push(s: &mut Snapshot, owners: &mut Owners, line: &SocketLine, i: u32) {
    let (local_addr, family, local_port) = split(&line.local);
    let (peer_addr, _, peer_port) = split(&line.peer);
    let step = u16::try_from(i).expect("few sockets");
    let (local_step, peer_step) = if line.vary == "peer" { (0, step) } else { (step, 0) };
    let state = State::ALL.into_iter().find(|s| s.word() == line.state).expect(&line.state);
    let inode = if line.inode == 0 { 0 } else { line.inode + i };
    s.details.push(Detail {
        backoff: line.backoff,
        unacked: line.unacked,
        snd_mss: line.snd_mss,
        pmtu: line.pmtu,
        snd_wnd: line.snd_wnd,
        rcv_wnd: line.rcv_wnd,
        total_retrans: line.total_retrans,
        data_segs_out: line.data_segs_out,
        bytes_acked: line.bytes_acked,
        memory: line.memory,
        rtt_us: None,
        v6only: None,
        last_data_sent_ms: line.last_data_sent_ms,
        last_data_recv_ms: line.last_data_recv_ms,
        last_ack_recv_ms: line.last_ack_recv_ms,
        options: line.timestamps.map(u8::from),
        drops: line.drops,
    });
    s.sockets.push(Socket {
        cookie: inode.into(),
        local_addr,
        peer_addr,
        local_port: local_port + local_step,
        peer_port: peer_port + peer_step,
        expires_ms: line.age_ms.map_or(line.expires_ms, |age| 60_000 - age),
        recv_queue: line.recvq,
        send_queue: line.sendq,
        uid: 1000,
        inode,
        interface: line.interface.unwrap_or_default(),
        detail: s.details.len() as u32,
        state,
        timer: match (&line.timer, line.age_ms) {
            (Some(word), _) => (0..5)
                .map(Timer::from_kernel)
                .find(|t| t.word() == word)
                .unwrap_or_else(|| panic!("no timer is called {word}")),
            (None, Some(_)) => Timer::TimeWait,
            (None, None) => Timer::Off,
        },
        retries: line.retries,
        family,
        v6only: false,
    });
    if let Some(pid) = line.pid {
        owners.holders.push(Holder { inode, pid, fd: 3 + i });
    }
}

fn judge(rule: &'static str, scenario: &Scenario) -> Result<(), String> {
    let mut limits = Limits::default();
    for text in &scenario.set {
        limits.set(text).map_err(|(what, _)| what)?;
    }
    let mut selection = Selection::one(rule);
    selection.limits = limits;
    let now = snapshot(scenario);
    let since = scenario.before.as_ref().map(|before| {
        let mut then = before.snapshot();
        (then.time_ms, then.host.boot_id) = (now.time_ms - before.ms, now.host.boot_id.clone());
        Since::between(Earlier::of(&then), &now).expect("two looks of one box")
    });
    let report = run(&selection, &Evidence::on(&now, since.as_ref(), Derived::of(&now)));
    let (_, outcome) = report.outcomes.first().ok_or("no outcome")?;
    let (word, reason) = match outcome {
        Outcome::Fired(_) => ("fired", None),
        Outcome::Clear(seen) => ("clear", Some(seen)),
        Outcome::NotEvaluated(_, why) => ("not_evaluated", Some(why)),
    };
    let same = |what: &str, got: &str, want: &str| {
        if got == want { Ok(()) } else { Err(format!("{what}: got '{got}', want '{want}'")) }
    };
    same("outcome", word, &scenario.expect.outcome)?;
    if let Some(want) = &scenario.expect.reason {
        same("reason", reason.map_or("", String::as_str), want)?;
    }
    same(
        "findings",
        &report.findings.len().to_string(),
        &scenario.expect.findings.len().to_string(),
    )?;
    for (got, want) in report.findings.iter().zip(&scenario.expect.findings) {
        same("severity", got.severity.word(), &want.severity)?;
        same("title", &got.title, &want.title)?;
        same("key", &got.key(), &want.key)?;
        for (name, value) in &want.facts {
            let fact = got.facts.get(name.as_str()).ok_or(format!("no fact {name}"))?;
            same(name, &fact.to_string(), &value.to_string())?;
        }
        let settings: Vec<&str> = got
            .remedies
            .iter()
            .filter_map(|r| match r {
                tcpvet::rules::finding::Remedy::Setting { knob, .. } => Some(*knob),
                tcpvet::rules::finding::Remedy::Application(_) => None,
            })
            .collect();
        same("settings", &settings.join(" "), &want.settings.join(" "))?;
        // Names of facts are a promise, and so they are written down.
        static PROMISED: &str = include_str!("../docs/json.md");
        let row = PROMISED.lines().find(|l| l.starts_with(&format!("| `{rule}` |")));
        let row =
            row.ok_or(format!("{rule} is not in docs/json.md"))?.replace(['`', ';', '|'], " ");
        let same_as = row.contains("those of") || row.contains("the same");
        let words: BTreeSet<&str> = row.split([' ', ',']).collect();
        if let Some(fact) = got.facts.keys().find(|f| !words.contains(*f) && !same_as) {
            return Err(format!("fact {fact} is not in docs/json.md"));
        }
        // A command is never broken: it must fit beside its label on 80 columns, unless an address is long.
        for part in got.next.iter().flat_map(|c| c.split("; ")) {
            let part = part.replace("ip netns exec lab ", "").replace("tcpvet -N lab", "tcpvet");
            if part.chars().count() > 71 {
                return Err(format!("too long a command: {part}"));
            }
            if let Some(args) = part.strip_prefix("tcpvet ") {
                accepted(args)?;
            }
        }
    }
    Ok(())
}

/// Whether the program takes a command that a finding recommends.
fn accepted(args: &str) -> Result<(), String> {
    static KNOWN: std::sync::Mutex<BTreeSet<String>> = std::sync::Mutex::new(BTreeSet::new());
    if !KNOWN.lock().unwrap().insert(args.to_string()) {
        return Ok(());
    }
    // What looks twice cannot read a capture.
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/mixed");
    let from = if args.contains("--sample") { "--help" } else { &format!("--from {from}") };
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("exec {} {args} {from}", env!("CARGO_BIN_EXE_tcpvet"))])
        .output()
        .unwrap();
    match output.status.code() {
        Some(3) | None => Err(format!("{args}: {}", String::from_utf8_lossy(&output.stderr))),
        Some(_) => Ok(()),
    }
}

#[test]
fn every_scenario_gives_what_it_expects_and_every_rule_has_both_kinds() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut failures = Vec::new();
    let mut seen = BTreeMap::<&str, BTreeSet<String>>::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap();
        let rule =
            find(&folder.file_name().to_string_lossy()).expect("a folder is called like a rule");
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let scenario: Scenario =
                toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert!(!scenario.about.is_empty());
            if let Err(why) = judge(rule.id, &scenario) {
                failures.push(format!("{}: {why}", path.display()));
            }
            seen.entry(rule.id).or_default().insert(scenario.expect.outcome);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    for rule in RULES {
        let kinds = seen.get(rule.id).cloned().unwrap_or_default();
        assert!(kinds.contains("fired") && kinds.contains("clear"), "{}: {kinds:?}", rule.id);
    }
}
