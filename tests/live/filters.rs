//! Filters against ss: the same expression gives the same set. Both ways of asking are also held against each other: what the kernel
//! is asked to check, and what is checked here alone.

use std::collections::BTreeSet;

use crate::live::differential::{ours, row, ss};
use crate::support::lab::{Scene, lab_test, pause};
use crate::support::run::{json, run};

/// A generator that gives the same numbers every time (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

const PORTS: [&str; 9] =
    [":7001", ":7003", ":7011", ":7061", ":7081", ":9", ":40009", ":32768", ":0"];
const HOSTS: [&str; 9] = [
    "127.0.0.1",
    "127.0.0.0/8",
    "10.77.0.0/24",
    "10.77.0.30",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "127.0.0.1:7001",
    "[::1]:7003",
    "10.77.0.0/28",
];

/// One condition as both read it.
fn atom(dice: &mut Dice) -> String {
    let end = dice.roll(2);
    let port = ["sport", "dport"][end];
    let host = ["src", "dst"][end];
    match dice.roll(8) {
        0..3 => format!(
            "{port} {} {}",
            dice.of(&["=", "!=", ">=", "<=", ">", "<", "eq", "ne", "ge", "le"]),
            dice.of(&PORTS)
        ),
        3..6 => format!("{host} {}", dice.of(&HOSTS)),
        6 => format!("{host} = {}", dice.of(&HOSTS)),
        _ => format!("{port} {}", dice.of(&PORTS)),
    }
}

/// An expression with every pair in parentheses of its own: there ss and its manual page agree.
fn expression(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.roll(4) == 0 {
        return match dice.roll(5) {
            0 => format!("not ( {} )", atom(dice)),
            1 => format!("! ( {} )", atom(dice)),
            _ => atom(dice),
        };
    }
    let left = expression(dice, depth - 1);
    let right = expression(dice, depth - 1);
    match dice.roll(3) {
        0 => format!("( {left} ) {} ( {right} )", dice.of(&["and", "&", "&&"])),
        1 => format!("( {left} ) {} ( {right} )", dice.of(&["or", "|", "||"])),
        _ => format!("( {left} ) ( {right} )"),
    }
}

fn states(dice: &mut Dice) -> String {
    let state = |dice: &mut Dice| {
        dice.of(&[
            "established",
            "syn-sent",
            "syn-recv",
            "fin-wait-1",
            "fin-wait-2",
            "time-wait",
            "close-wait",
            "last-ack",
            "listening",
            "closing",
            "connected",
            "synchronized",
            "bucket",
            "big",
            "all",
        ])
    };
    match dice.roll(4) {
        0 => format!("state {} ", state(dice)),
        1 => format!("state {} state {} ", state(dice), state(dice)),
        // With every state excluded ss shows what it shows without a word of states.
        2 => format!("exclude {} ", state(dice)).replace("exclude all ", ""),
        _ => String::new(),
    }
}

/// Without bound sockets, which ss shows or not by its version.
fn comparable(rows: BTreeSet<String>) -> BTreeSet<String> {
    rows.into_iter().filter(|r| !r.starts_with("bound_inactive")).collect()
}

lab_test!(generated_filters_select_what_ss_selects, {
    let _town = Scene::start(&["busy-town"]);
    let _half = Scene::start(&["half-close", "2", "7501"]);
    pause(400);
    let mut dice = Dice(7919);
    let (mut compared, mut selective) = (0, 0);
    let all = comparable(ours(&[])).len();
    for i in 0..263 {
        let states = states(&mut dice);
        let text = format!("{states}{}", expression(&mut dice, i % 3));
        let words: Vec<&str> = text.split_whitespace().collect();
        let asked = [&["-tanH"][..], &words].concat();
        // With a single state ss leaves its column out.
        let whole = |line: &str| match line.starts_with(|c: char| c.is_ascii_digit()) {
            true => format!("{} {line}", words[1].replace("listening", "listen")),
            false => line.to_string(),
        };
        let theirs = ss(&asked).lines().map(|l| row(&whole(l), true)).collect();
        let theirs: BTreeSet<String> = comparable(theirs);
        // In one argument, and in as many as ss wants.
        let mine = comparable(ours(&["-ta", &text]));
        assert_eq!(mine, theirs, "{text}");
        assert_eq!(comparable(ours(&[&["-ta"][..], &words].concat())), mine, "{text}");
        compared += 1;
        selective += usize::from(!theirs.is_empty() && theirs.len() < all);
    }
    println!(
        "{compared} filters compared, {selective} of them select some and not all of {all} sockets"
    );
    assert!(compared >= 200 && selective >= 100, "{selective} of {compared}");
});

// Where ss leaves its manual page, and what the manual page (and tcpvet) says.
lab_test!(known_differences_are_those_where_ss_leaves_its_manual_page, {
    let _town = Scene::start(&["busy-town"]);
    pause(300);
    let count = |filter: &str| ours(&["-ta", filter]).len();
    // `or` and `and` bind alike in ss, left to right; its manual page has `and` before `or`.
    let loose = "sport = :7001 or sport = :7003 and sport = :7011";
    assert_eq!(count(loose), count("sport = :7001 or (sport = :7003 and sport = :7011)"));
    assert_eq!(count(loose), count("sport = :7001"));
    assert!(count("sport = :7001") > 0);
    // Blanks, which ss needs between all words.
    assert_eq!(count("sport=:7001"), count("sport = :7001"));
    assert_eq!(count("(sport=:7001)||(dport=7001)"), count("sport = :7001 or dport = :7001"));
    // Both families, which ss gives to the last option only.
    assert_eq!(ours(&["-ta", "-4", "-6"]), ours(&["-ta"]));
    // A state that ss knows by one spelling only.
    assert_eq!(count("state listen"), count("state listening"));
    // A port beyond the last, which ss takes for one that nobody has.
    let run = run(&["list", "sport = :70000"]);
    assert_eq!((run.status, run.out.as_str()), (3, ""));
    assert!(run.err.contains("ports end at 65535"), "{}", run.err);
    // An empty prefix, and the wildcard, which ss takes for any address of any family.
    assert!(count("src 0.0.0.0") + count("src [::]") < count("all") / 2);
    assert_eq!(count("dst 0.0.0.0/0") + count("not dst 0.0.0.0/0"), count("all"));
    assert!(!ours(&["-ta", "dst 0.0.0.0/0"]).iter().any(|r| r.contains("[::1]")));
    // -t shows connected sockets, and a bound one is not.
    assert!(!ours(&["-t"]).iter().any(|r| r.starts_with("bound")));
    assert_eq!(ours(&["-B"]).len(), 3);
});

lab_test!(comparisons_over_fields_select_what_their_values_say, {
    let town = Scene::start(&["busy-town"]);
    pause(300);
    let rows = |filter: &str| {
        let run = run(&[
            "list",
            "-H",
            "--format",
            "plain",
            "-O",
            "local,peer,recvq,pid,timer_kind,rtt",
            filter,
        ]);
        assert_eq!(run.status, 0, "{filter}: {}", run.err);
        run.out
            .lines()
            .map(|l| l.split('\t').map(String::from).collect())
            .collect::<Vec<Vec<String>>>()
    };
    let unread = rows("recvq > 1000 and recvq <= 1009 and not state listen");
    assert_eq!((unread.len(), unread[0][2].as_str()), (1, "1009"));
    assert_eq!(rows("recvq > 1k and not state listen").len(), 0, "k is 1024");
    assert_eq!(rows("recvq in (1009)").len(), 1);
    let pid = town.pid().to_string();
    let held = rows(&format!("pid = {pid}"));
    assert!(held.len() > 20 && held.iter().all(|r| r[3] == pid));
    assert_eq!(rows("process = scene").len(), held.len());
    assert_eq!(rows("process ~ '^sc.n'").len(), held.len());
    assert_eq!(rows("process = scen").len(), 0);
    let others = rows("process != scene");
    assert_eq!(others.len() + held.len(), rows("all").len(), "kernel-owned sockets are nobody's");
    assert!(others.iter().all(|r| r[3] == "-"));
    let keepalive = rows("timer = keepalive");
    assert!(!keepalive.is_empty() && keepalive.iter().all(|r| r[4] == "keepalive"));
    assert_eq!(rows("keepalive").len(), keepalive.len());
    assert!(rows("timer > 1h").len() == keepalive.len(), "keepalive waits for two hours");
    let quick: Vec<_> = rows("rtt < 50ms and state established");
    assert!(quick.iter().all(|r| r[5].parse::<u32>().unwrap() < 50_000) && !quick.is_empty());
    assert_eq!(rows("rtt >= 0 and rtt < 0").len(), 0);
    assert_eq!(
        rows("dport in (7001, 7003-7004)").len(),
        rows("dport = 7001 or dport = 7003").len()
    );
    assert_eq!(rows("user = root or uid = 0").len(), rows("uid = 0").len());
    assert!(rows("age < 60s and state time-wait").len() >= 2);
    assert_eq!(rows("dev = lo").len(), 1, "one listener is bound to loopback");
    assert_eq!(rows("known rtt and not known rtt").len(), 0);
});

lab_test!(what_the_kernel_checks_loses_nothing, {
    let _town = Scene::start(&["busy-town"]);
    let _explicit = Scene::start(&["explicit", "5", "7601"]);
    pause(300);
    // A comparison that is always true and that the kernel does not know keeps a part from being pushed: `or` with it is everything.
    for filter in [
        "sport = 7001",
        "dport != 9",
        "sport >= 7001 and sport < 7082",
        "not (dst 127.0.0.0/8 or sport > 40000)",
        "dst [::1] or src [::ffff:127.0.0.1]",
        "dev lo",
        "not dev lo",
        "autobound",
        "not autobound",
        "not (sport = 7001 and not dport in (1-9, 40000-65535))",
    ] {
        let pushed = ours(&["-ta", filter]);
        let here =
            ours(&["-ta", &format!("({filter}) and uid >= 0 or ({filter}) and not known uid")]);
        assert_eq!(pushed, here, "{filter}");
    }
    let explicit = ours(&["-ta", "not autobound and dport = 7601"]);
    assert_eq!(explicit.len(), 5, "{explicit:?}");
    let told =
        run(&["list", "--explain-filter", "state established and dport = 443 and process = java"]);
    assert_eq!(
        told.out,
        "filter  state established and dport = 443 and process = java\n\
         kernel  tcp: ipv4 and ipv6, states established\n\
         kernel  dport = 443 (16 bytes of bytecode)\n\
         here    the whole filter again\n\
         reads   besides the header: process\n"
    );
});

lab_test!(what_reviewers_found_stays_mended, {
    let _town = Scene::start(&["busy-town"]);
    pause(300);
    let count = |filter: &str| ours(&["-ta", filter]).len();
    let held = run(&["list", "-H", "known pid"]).out.lines().count();
    assert_eq!(held, run(&["list", "-H", "process = scene"]).out.lines().count());
    assert!(held > 20);
    assert_eq!(count("local-addr = 127.0.0.1"), count("src 127.0.0.1"));
    assert!(count("src inet:127.0.0.1") < count("src 127.0.0.1"), "mapped ones are IPv6 sockets");
    assert_eq!(count("src inet6:* or src inet:*"), count("all"));
    assert_eq!(count("not src inet6:*"), count("src inet:*"));
    assert_eq!(count("dst any"), count("all"));
    let hostile = run(&["list", "process = \"\u{1b}[2Jx\"", "--explain-filter"]);
    assert!(
        !hostile.out.contains('\u{1b}') && hostile.out.contains("\\x1b[2Jx"),
        "{}",
        hostile.out
    );
    let device = run(&["list", "src [fe80::1]%lo:80"]);
    assert!(device.err.contains("src fe80::1 and dev = lo"), "{}", device.err);
    assert_eq!(count("dst 127.0.0.1/255.0.0.0"), count("dst 127.0.0.0/8"));
    assert_eq!(count("age > 1h"), 0, "a connection that asks for an answer has no age yet");
    assert_eq!(count("rtt < 1h and state syn-sent") + count("known lastsnd and state syn-sent"), 0);
    assert_eq!(count("rtt < 1h and state listen"), 0, "a listener has no round trip");
    assert_eq!(count("cwnd > 0 and state listen"), count("state listen"));
    assert_eq!(count("state IN (listen)"), count("state eq listen"));
    assert!(count("state IN (listen)") > 3);
    // One limit and one order for all protocols.
    let lines = |args: &[&str]| {
        run(&[&["list", "-H", "--owners", "none", "--format", "plain", "-O", "local_port"], args]
            .concat())
        .out
    };
    assert_eq!(lines(&["-tua", "--limit", "0"]), "");
    assert_eq!(lines(&["-tua", "--limit", "3"]).lines().count(), 3);
    assert_eq!(
        lines(&["-tua", "--limit", "18446744073709551615", "--sort", "local_port"]).lines().count(),
        lines(&["-tua"]).lines().count()
    );
    let sorted: Vec<u32> = lines(&["-tua", "--sort", "local_port"])
        .lines()
        .map(|l| l.parse().unwrap_or(u32::MAX))
        .collect();
    assert!(sorted.is_sorted() && sorted.len() > 30);
    let worst: Vec<u32> = lines(&["-tua", "--sort", "local_port", "--reverse", "--limit", "3"])
        .lines()
        .map(|l| l.parse().unwrap())
        .collect();
    let mut all: Vec<u32> = sorted.into_iter().filter(|p| *p != u32::MAX).collect();
    all.reverse();
    assert_eq!(worst, all[..3]);
    // Whoever names a state means it, whatever the letters say.
    assert_eq!(ours(&["-tl", "state established"]), ours(&["state established"]));
    let none = run(&["list", "state listen and state established"]);
    assert_eq!((none.status, none.err.as_str()), (0, ""));
    // Datagrams know explicit binds too.
    assert_eq!(ours(&["-ua", "not autobound"]).len(), 3, "{:?}", ours(&["-ua"]));
    let document = json(&["list", "uid = 0"]);
    assert!(document["left_out_unknown"].as_u64().unwrap() > 0, "buckets have no user");
});
