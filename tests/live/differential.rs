//! `list` against ss: the same sockets, and the same value in every field that both show.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{json, run};

/// What ss prints, word by word.
pub fn ss(args: &[&str]) -> String {
    let output = Command::new("ss").args(args).output().expect("ss is installed");
    assert!(output.status.success(), "ss {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// State, queues and ends of a line of ss, in our words.
pub fn row(line: &str, tcp: bool) -> String {
    let w: Vec<&str> = line.split_whitespace().collect();
    let state = match w[0] {
        "ESTAB" => "established".to_string(),
        "UNCONN" if tcp => "bound_inactive".to_string(),
        "UNCONN" => "close".to_string(),
        other => other.to_lowercase().replace('-', "_").replace("fin_wait_", "fin_wait"),
    };
    let end = |e: &str| {
        let (addr, port) = e.rsplit_once(':').unwrap();
        // ss has the device before the closing bracket in some versions.
        let (addr, device) =
            addr.split_once('%').map_or((addr, String::new()), |(a, d)| (a, format!("%{d}")));
        let addr = if addr.starts_with('[') && !addr.ends_with(']') {
            format!("{addr}]")
        } else {
            addr.to_string()
        };
        format!("{addr}{device}:{port}")
    };
    format!("{state} {} {} {} {}", w[1], w[2], end(w[3]), end(w[4]))
}

/// The rows of `list` in the same form.
pub fn ours(args: &[&str]) -> BTreeSet<String> {
    let fixed = [
        "list",
        "-H",
        "--owners",
        "none",
        "--format",
        "plain",
        "-O",
        "state,recvq,sendq,local,peer",
    ];
    let run = run(&[&fixed, args].concat());
    assert_eq!(run.status, 0, "{args:?}: {}", run.err);
    run.out.lines().map(|l| l.replace('\t', " ")).collect()
}

lab_test!(every_state_family_and_protocol_is_listed_as_ss_lists_it, {
    let _town = Scene::start(&["busy-town"]);
    let _backlog = Scene::start(&["backlog", "8", "7301"]);
    let _unaccepted = Scene::start(&["unaccepted", "2", "7201"]);
    // The peer's delayed ACK moves FIN_WAIT1 on within 40 ms.
    pause(300);
    let mut compared = 0;
    for (args, tcp) in [("-tanH", true), ("-uanH", false), ("-ManH", false)] {
        let theirs: BTreeSet<String> = ss(&[args]).lines().map(|l| row(l, tcp)).collect();
        let mut mine = ours(&[&args.replace(['n', 'H'], "")]);
        // ss asks for bound sockets by another option in some versions.
        if !theirs.iter().any(|l| l.starts_with("bound")) {
            mine.retain(|l| !l.starts_with("bound"));
        }
        assert_eq!(mine, theirs, "{args}");
        compared += mine.len();
    }
    println!("{compared} sockets compared");
    assert!(compared >= 40, "{compared}");
    let mut states: BTreeSet<String> = BTreeSet::new();
    for line in ours(&[]) {
        states.insert(line.split(' ').next().unwrap().to_string());
    }
    let mut wanted = vec![
        "established",
        "fin_wait2",
        "time_wait",
        "close_wait",
        "listen",
        "syn_sent",
        "bound_inactive",
    ];
    if ours(&[]).iter().any(|l| l.contains("10.77.0.")) {
        wanted.extend(["syn_recv", "fin_wait1", "closing", "last_ack"]);
    } else {
        println!(
            "SKIPPED syn_recv, fin_wait1, closing and last_ack: this machine gives us no TUN device"
        );
    }
    for state in wanted {
        assert!(states.contains(state), "{state} is in the scene: {states:?}");
    }
});

/// Names of ss, ours, and the factor from theirs to ours. Numbers of ss in milliseconds or plain.
const NUMBERS: [(&str, &str, f64); 36] = [
    ("rto", "rto_us", 1e3),
    ("ato", "ato_us", 1e3),
    ("mss", "mss_bytes", 1.0),
    ("pmtu", "pmtu_bytes", 1.0),
    ("rcvmss", "rcvmss_bytes", 1.0),
    ("advmss", "advmss_bytes", 1.0),
    ("cwnd", "cwnd", 1.0),
    ("ssthresh", "ssthresh", 1.0),
    ("backoff", "backoff", 1.0),
    ("bytes_sent", "bytes_sent_bytes", 1.0),
    ("bytes_retrans", "bytes_retrans_bytes", 1.0),
    ("bytes_acked", "bytes_acked_bytes", 1.0),
    ("bytes_received", "bytes_received_bytes", 1.0),
    ("segs_out", "segs_out", 1.0),
    ("segs_in", "segs_in", 1.0),
    ("data_segs_out", "data_segs_out", 1.0),
    ("data_segs_in", "data_segs_in", 1.0),
    ("delivered", "delivered", 1.0),
    ("delivered_ce", "delivered_ce", 1.0),
    ("unacked", "unacked", 1.0),
    ("sacked", "sacked", 1.0),
    ("lost", "lost", 1.0),
    ("fackets", "fackets", 1.0),
    ("notsent", "notsent_bytes", 1.0),
    ("rcv_rtt", "rcv_rtt_us", 1e3),
    ("rcv_space", "rcv_space_bytes", 1.0),
    ("rcv_ssthresh", "rcv_ssthresh_bytes", 1.0),
    ("minrtt", "minrtt_us", 1e3),
    ("snd_wnd", "snd_wnd_bytes", 1.0),
    ("reordering", "reordering", 1.0),
    ("reord_seen", "reord_seen", 1.0),
    ("dsack_dups", "dsack_dups", 1.0),
    ("rcv_ooopack", "rcv_ooopack", 1.0),
    ("uid", "uid", 1.0),
    ("ino", "inode", 1.0),
    ("class_id", "class_id", 1.0),
];

/// Times that go on between the two looks, in milliseconds.
const MOVING: [(&str, &str); 3] =
    [("lastsnd", "lastsnd_ms"), ("lastrcv", "lastrcv_ms"), ("lastack", "lastack_ms")];

/// Words that stand for yes.
const FLAGS: [(&str, &str); 6] = [
    ("ts", "ts"),
    ("sack", "sack"),
    ("ecn", "ecn"),
    ("ecnseen", "ecnseen"),
    ("app_limited", "app_limited"),
    ("fastopen", "fastopen"),
];

fn near(theirs: f64, ours: &Value, within: f64, what: &str) {
    let mine = ours.as_f64().unwrap_or_else(|| panic!("{what}: ss has {theirs}, we have {ours}"));
    assert!((mine - theirs).abs() <= within, "{what}: ss has {theirs}, we have {mine}");
}

/// Compares one socket; gives the names that were compared.
fn compare(line: &str, s: &Value) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let words: Vec<&str> = line.split_whitespace().skip(5).collect();
    for (i, word) in words.iter().enumerate() {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let what = format!("{name} of {}", s["cookie"]);
        if name == "ino" && value == "0" {
            assert!(s["inode"].is_null(), "{what}");
        } else if let Some((_, key, factor)) = NUMBERS.iter().find(|(n, ..)| *n == name) {
            // ss rounds times to three digits behind the point of a millisecond.
            near(value.parse::<f64>().unwrap() * factor, &s[*key], 0.51, &what);
        } else if let Some((_, key)) = MOVING.iter().find(|(n, _)| *n == name) {
            near(value.parse().unwrap(), &s[*key], 4000.0, &what);
        } else if let Some((_, key)) = FLAGS.iter().find(|(n, _)| value.is_empty() && *n == name) {
            assert_eq!(s[*key], true, "{what}");
        } else {
            match name {
                "rtt" => {
                    let (rtt, var) = value.split_once('/').unwrap();
                    near(rtt.parse::<f64>().unwrap() * 1e3, &s["rtt_us"], 0.51, &what);
                    near(var.parse::<f64>().unwrap() * 1e3, &s["rttvar_us"], 0.51, &what);
                }
                "wscale" => {
                    let (snd, rcv) = value.split_once(',').unwrap();
                    near(snd.parse().unwrap(), &s["snd_wscale"], 0.0, &what);
                    near(rcv.parse().unwrap(), &s["rcv_wscale"], 0.0, &what);
                }
                "retrans" => {
                    let (now, all) = value.split_once('/').unwrap();
                    near(now.parse().unwrap(), &s["retrans"], 0.0, &what);
                    near(all.parse().unwrap(), &s["total_retrans"], 0.0, &what);
                }
                "busy" => near(
                    value.trim_end_matches("ms").parse::<f64>().unwrap() * 1e3,
                    &s["busy_us"],
                    4e6,
                    &what,
                ),
                "pacing_rate" | "delivery_rate" => {
                    let bits: f64 = words[i + 1].split("bps").next().unwrap().parse().unwrap();
                    near(bits / 8.0, &s[&format!("{name}_bytes_per_second")], bits / 1e4, &what);
                }
                "sk" => assert_eq!(s["cookie"], format!("0x{value}")),
                "cubic" | "reno" | "bbr" => assert_eq!(s["cong"], name, "{what}"),
                "v6only" => assert_eq!(s["v6only"], value == "1", "{what}"),
                "cgroup" => assert!(s["cgroup"].is_string(), "{what}"),
                "timer" => {
                    let inside = value.trim_matches(['(', ')']);
                    assert_eq!(s["timer"]["kind"], inside.split(',').next().unwrap(), "{what}");
                }
                "tos" => near(
                    u8::from_str_radix(value.trim_start_matches("0x"), 16).unwrap().into(),
                    &s["tos"],
                    0.0,
                    &what,
                ),
                _ if name.starts_with("skmem") => skmem(value, s),
                _ if name.starts_with("inet-sockopt") => {}
                _ => continue,
            }
        }
        seen.insert(name.to_string());
    }
    seen
}

/// `(r0,rb131072,t0,tb2626560,f0,w0,o0,bl0,d0)`
fn skmem(value: &str, s: &Value) {
    for part in value.trim_matches(['(', ')']).split(',') {
        let split = part.find(|c: char| c.is_ascii_digit()).unwrap();
        let (name, n) = part.split_at(split);
        let key = if name == "d" { "drops".to_string() } else { format!("skmem_{name}_bytes") };
        // Who knocks at a full queue knocks again.
        let within = if name == "d" { 50.0 } else { 0.0 };
        near(n.parse().unwrap(), &s[&key], within, &key);
    }
}

lab_test!(every_field_that_ss_shows_has_the_same_value_here, {
    let _town = Scene::start(&["busy-town"]);
    let _more = Scene::start(&["established", "11", "7401"]);
    pause(300);
    let document = json(&["list", "-ieom", "--tos", "--inet-sockopt", "--owners", "none"]);
    let theirs = ss(&["-taniemoOH", "--tos", "--inet-sockopt"]);
    let by_cookie: BTreeMap<String, &Value> = document["sockets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["cookie"].as_str().unwrap().trim_start_matches("0x").to_string(), s))
        .collect();
    let (mut compared, mut sockets) = (0, 0);
    let mut names = BTreeSet::new();
    for line in theirs.lines() {
        let Some(cookie) = line.split_whitespace().find_map(|w| w.strip_prefix("sk:")) else {
            continue;
        };
        // A retransmission between the two looks changes what they say: those of the silent peer never stop, nor do probes.
        if ["10.77.0.", "timer:(on", "timer:(persist"].iter().any(|w| line.contains(w)) {
            continue;
        }
        let socket = by_cookie.get(cookie).unwrap_or_else(|| panic!("ss only: {line}"));
        let found = compare(line, socket);
        compared += found.len();
        names.extend(found);
        sockets += 1;
    }
    println!("{compared} fields of {sockets} sockets compared: {names:?}");
    assert!(sockets >= 25 && compared >= 500, "{compared} fields of {sockets} sockets");
    for name in [
        "rto",
        "rtt",
        "cwnd",
        "wscale",
        "skmem",
        "timer",
        "pacing_rate",
        "ino",
        "bytes_acked",
        "lastrcv",
    ] {
        assert!(names.iter().any(|n| n.starts_with(name)), "{name} was compared: {names:?}");
    }
});

lab_test!(mptcp_connections_show_what_ss_shows, {
    let _scene = Scene::start(&["mptcp"]);
    let theirs = ss(&["-ManiOH"]);
    if theirs.trim().is_empty() {
        println!("SKIPPED: this kernel has no MPTCP");
        return;
    }
    let document = json(&["list", "-Mai", "--owners", "none"]);
    let sockets = document["sockets"].as_array().unwrap();
    let mut tokens = 0;
    for line in theirs.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(token) = words.iter().find_map(|w| w.strip_prefix("token:")) else { continue };
        let mine = sockets.iter().find(|s| s["mptcp_token"] == format!("0x{token}")).unwrap();
        for (name, key) in [
            ("write_seq", "mptcp_write_seq"),
            ("snd_una", "mptcp_snd_una"),
            ("rcv_nxt", "mptcp_rcv_nxt"),
        ] {
            let value = words.iter().find_map(|w| w.strip_prefix(&format!("{name}:"))).unwrap();
            assert_eq!(mine[key], format!("0x{value}"), "{name}");
        }
        assert_eq!(mine["mptcp_remote_key"], words.contains(&"remote_key"));
        tokens += 1;
    }
    assert_eq!(tokens, 6, "three connections have two ends each: {theirs}");
});
