//! Limits of the whole host: never set on the machine that runs the tests. A recorded capture stands for it, with the one file altered
//! that the rule reads.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::run::{findings, json as document};

/// A copy of the capture `quiet` in which some texts are others.
struct Altered(PathBuf);

impl Altered {
    fn new(name: &str, texts: &[(&str, &str)]) -> Altered {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/quiet");
        let at = std::env::temp_dir().join(format!("tcpvet-altered-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&at).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), at.join(entry.file_name())).unwrap();
        }
        let path = at.join("files.jsonl");
        let mut lines: Vec<Value> = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        for (asked, text) in texts {
            let asked = match asked.starts_with("list ") {
                true => (*asked).to_string(),
                false => format!("read {asked}"),
            };
            lines.retain(|l| l["asked"] != asked.as_str());
            lines.push(json!({"asked": asked, "text": text}));
        }
        lines.sort_by_key(|l| l["asked"].as_str().unwrap().to_string());
        let manifest = at.join("manifest.json");
        let mut head: Value =
            serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
        head["texts"] = lines.len().into();
        std::fs::write(manifest, head.to_string()).unwrap();
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        std::fs::write(path, text).unwrap();
        Altered(at)
    }

    fn judged(&self, args: &[&str]) -> Value {
        document(&[args, &["--from", self.0.to_str().unwrap()]].concat())
    }
}

impl Drop for Altered {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const MEM: &str = "/proc/sys/net/ipv4/tcp_mem";
const ORPHANS: &str = "/proc/sys/net/ipv4/tcp_max_orphans";
const SOCKSTAT: &str = "/proc/net/sockstat";

fn sockstat(orphans: u32, pages: u32) -> String {
    format!("sockets: used 20\nTCP: inuse 11 orphan {orphans} tw 0 alloc 11 mem {pages}\n")
}

#[test]
fn memory_of_tcp_is_held_against_tcp_mem() {
    let limits = (MEM, "10007 20011 40009\n");
    let below = Altered::new("mem-below", &[limits, (SOCKSTAT, &sockstat(0, 15_008))]);
    assert_eq!(findings(&below.judged(&[]), "tcp-memory-pressure").len(), 0);
    let above = Altered::new("mem-above", &[limits, (SOCKSTAT, &sockstat(0, 20_012))]);
    let judged = above.judged(&[]);
    let f = findings(&judged, "tcp-memory-pressure")[0];
    assert_eq!((&f["severity"], &f["subject"]["kind"]), (&json!("warning"), &json!("host")));
    assert_eq!(
        (&f["facts"]["pages"], &f["facts"]["pressure_pages"]),
        (&json!(20_012), &json!(20_011))
    );
    let advice = above.judged(&["advise"]);
    let item = &advice["items"][0];
    assert_eq!(
        (&item["knob"], &item["proposed"]),
        (&json!("net.ipv4.tcp_mem"), &json!("20014 40022 80018"))
    );
    assert_eq!((&item["scope"], &item["kubernetes"]), (&json!("host"), &json!("node")));
}

#[test]
fn advice_names_the_files_that_set_a_value_and_those_that_would_win_over_it() {
    let above = sockstat(0, 20_012);
    let altered = Altered::new(
        "files",
        &[
            (MEM, "10007 20011 40009\n"),
            (SOCKSTAT, &above),
            ("list /etc/sysctl.d", "20-old.conf\n99-last.conf"),
            ("/etc/sysctl.d/20-old.conf", "# old\nnet.ipv4.tcp_mem = 1 2 3\n"),
            ("/etc/sysctl.d/99-last.conf", "net/ipv4/tcp_mem=10007 20011\t40009\n"),
        ],
    );
    let item = &altered.judged(&["advise"])["items"][0];
    let line = |at: usize| {
        (&item["files"][at]["path"], &item["files"][at]["line"], &item["files"][at]["value"])
    };
    assert_eq!(line(0), (&json!("/etc/sysctl.d/20-old.conf"), &json!(2), &json!("1 2 3")));
    assert_eq!(
        line(1),
        (&json!("/etc/sysctl.d/99-last.conf"), &json!(1), &json!("10007 20011 40009"))
    );
    assert_eq!(
        item["conflicts"],
        json!([
            "/etc/sysctl.d/99-last.conf:1 sets 10007 20011 40009 later than 60-tcpvet.conf and wins: change it there"
        ])
    );
    let from = altered.0.to_str().unwrap();
    let text = crate::support::run::run(&["advise", "--from", from]).out;
    assert!(text.contains("/etc/sysctl.d/20-old.conf:2 sets 1 2 3"), "{text}");
    let file = crate::support::run::run(&["advise", "--emit", "sysctl.d", "--from", from]).out;
    assert!(file.contains("# /etc/sysctl.d/99-last.conf:1 sets"), "{file}");
    assert!(file.contains("\nnet.ipv4.tcp_mem = 20014 40022 80018\n"), "{file}");
}

#[test]
fn orphans_of_the_host_are_held_against_their_limit() {
    let limit = (ORPHANS, "4001\n");
    let few = Altered::new("orphans-few", &[limit, (SOCKSTAT, &sockstat(1_000, 0))]);
    assert_eq!(findings(&few.judged(&[]), "orphan-pressure").len(), 0);
    let many = Altered::new("orphans-many", &[limit, (SOCKSTAT, &sockstat(1_001, 0))]);
    let judged = many.judged(&[]);
    let f = findings(&judged, "orphan-pressure")[0];
    assert_eq!((&f["severity"], &f["facts"]["orphans"]), (&json!("warning"), &json!(1_001)));
}

#[test]
fn files_of_the_host_are_held_against_file_max() {
    let limit = ("/proc/sys/fs/file-max", "1009\n");
    for (used, told) in [(807, 0), (808, 1)] {
        let text = format!("{used}\t0\t1009\n");
        let altered =
            Altered::new(&format!("files-{used}"), &[limit, ("/proc/sys/fs/file-nr", &text)]);
        assert_eq!(findings(&altered.judged(&[]), "descriptor-limit").len(), told, "{used}");
    }
}

#[test]
fn tracked_connections_are_held_against_their_limit() {
    let limit = ("/proc/sys/net/netfilter/nf_conntrack_max", "1009\n");
    for (used, severity) in [(807, None), (808, Some("warning")), (959, Some("critical"))] {
        let text = format!("{used}\n");
        let count = ("/proc/sys/net/netfilter/nf_conntrack_count", text.as_str());
        let judged = Altered::new(&format!("tracked-{used}"), &[limit, count]).judged(&[]);
        let told = findings(&judged, "conntrack-pressure");
        assert_eq!(told.first().map(|f| f["severity"].as_str().unwrap()), severity, "{used}");
    }
}

#[test]
fn packets_dropped_between_two_captures_are_the_hosts() {
    let uptime = |s: u32| format!("{s}.00 1.00\n");
    let softnet = |n: u32| format!("00000fff {n:08x} 00000000 00000000\n");
    let look = |name: &str, s: u32, n: u32| {
        let texts = [("/proc/uptime", uptime(s)), ("/proc/net/softnet_stat", softnet(n))];
        let texts: Vec<(&str, &str)> = texts.iter().map(|(p, t)| (*p, t.as_str())).collect();
        Altered::new(name, &texts)
    };
    let before = look("softnet-before", 100, 7);
    let baseline = before.0.to_str().unwrap();
    let after = look("softnet-after", 110, 17);
    let judged = after.judged(&["--baseline", baseline]);
    let f = findings(&judged, "softnet-drops")[0];
    assert_eq!((&f["facts"]["dropped"], &judged["compared_ms"]), (&json!(10), &json!(10_000)));
    let less = look("softnet-less", 110, 16);
    assert_eq!(findings(&less.judged(&["--baseline", baseline]), "softnet-drops").len(), 0);
    // A counter that went backwards says nothing.
    let back = look("softnet-back", 110, 6).judged(&["--baseline", baseline]);
    let rule =
        back["rules"].as_array().unwrap().iter().find(|r| r["id"] == "softnet-drops").unwrap();
    assert_eq!((&rule["outcome"], &rule["cause"]), (&json!("not_evaluated"), &json!("unseen")));
}
