//! Whatever can be said prints and reads as the same; what the kernel is asked is never stricter.

use proptest::prelude::*;

use super::expr::Expr;
use super::parse::{Mistake, Names, parse};
use super::push::push;
use crate::fields::{Row, View};
use crate::model::endpoint::{Addr, Family};
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::model::testing::socket;
use crate::wire::attributes::Attributes;

pub(super) fn read(text: &str) -> Result<Expr, Mistake> {
    let names = Names {
        service: &|name| (name == "https").then_some(443),
        services: &["https".to_string()],
        host: &|name| if name == "here" { vec![Addr::v4([127, 0, 0, 1])] } else { Vec::new() },
        interface: &|name| (name == "lo").then_some(1),
        cgroup: &|path| (path == "/").then_some(1),
    };
    parse(text, &names)
}

/// Conditions as people type them.
fn atom() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("rtt > 200ms"),
        Just("rtt<=1.5ms"),
        Just("recvq > 1.5M"),
        Just("sendq=0"),
        Just("bytes_retrans >= 10kB"),
        Just("delivery_rate < 10Mbps"),
        Just("pid in (1, 2)"),
        Just("process = 'a b'"),
        Just("process ~ '^x.*'"),
        Just("process !~ y"),
        Just("user != root"),
        Just("keepalive"),
        Just("v6only = yes"),
        Just("cookie = 0x1f"),
        Just("timer = keepalive"),
        Just("timer > 5s"),
        Just("ca_state in (loss, recovery)"),
        Just("known pid"),
        Just("bbr_cwnd_gain >= 1.25"),
        Just("age > 10m"),
        Just("uid = 0"),
        Just("container = web"),
    ]
    .prop_map(String::from);
    let end = prop_oneof![
        "(sport|dport) ?(=|!=|<|<=|>|>=) ?:?[0-9]{1,4}",
        "(sport|dport) in \\([0-9]{1,4}, ?[1-4][0-9]{3}-5[0-9]{3}\\)",
        "(src|dst) (= ?)?(10|127|192)\\.[1-9][0-9]?\\.0\\.[1-9][0-9]?(/[0-9]|/[12][0-9]|/3[0-2])?",
        "(src|dst) != \\[2001:db8::[0-9a-f]{1,4}\\](/[1-9][0-9])?(:[0-9]{1,4})?",
        "(src|dst) (inet|inet6):\\*:[0-9]{1,4}",
        "(dev|interface) ?!?= ?lo",
        "fwmark = (5|0x10/0xf0)",
        "state (established|time-wait|LISTEN|synchronized|bucket)",
        "state != listen|exclude close-wait|autobound|dport https|dst here|cgroup = /",
    ];
    prop_oneof![field, end]
}

fn expression() -> impl Strategy<Value = String> {
    atom().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![Just("and"), Just("&&"), Just("")], inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), prop_oneof![Just("or"), Just("|")], inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (prop_oneof![Just("not"), Just("!")], inner).prop_map(|(op, a)| format!("{op} ({a})")),
        ]
    })
}

fn any_socket() -> impl Strategy<Value = Socket> {
    let ends = ["127.0.0.1", "10.1.0.1", "192.7.0.9", "::1", "2001:db8::a"];
    (0..12usize, 0..5usize, 0..5usize, any::<(u16, u16, bool)>()).prop_map(
        move |(state, a, b, (p, q, mapped))| {
            let place = |host: &str, port: u16| match host.contains(':') {
                true => format!("[{host}]:{port}"),
                false => format!("{host}:{port}"),
            };
            let mut s =
                socket(State::ALL[state], &place(ends[a], p % 6000), &place(ends[b], q % 6000));
            let v4 = s.local_addr.as_v4().is_some() && s.peer_addr.as_v4().is_some();
            s.family = if v4 && !mapped { Family::Ipv4 } else { Family::Ipv6 };
            s
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same(text in expression()) {
        let expr = read(&text).map_err(|m| TestCaseError::fail(format!("{text}: {m:?}")))?;
        let printed = expr.to_string();
        prop_assert_eq!(read(&printed), Ok(expr), "{} prints as {}", text, printed);
    }

    #[test]
    fn the_kernel_is_never_asked_for_less(text in expression(), socket in any_socket()) {
        let expr = read(&text).map_err(|m| TestCaseError::fail(format!("{text}: {m:?}")))?;
        let view = View { queue_limits: true, ..View::default() };
        let row = Row { socket: &socket, attributes: &Attributes::NONE, view: &view };
        let pushed = push(&expr);
        if expr.holds(&row) == Some(true) {
            prop_assert!(pushed.states.has(socket.state));
            prop_assert!(pushed.family.is_none_or(|f| f == socket.family));
            prop_assert_ne!(pushed.condition.holds(&row), Some(false), "{} became {}", text, pushed.condition);
        }
        let contrary = Expr::Not(Box::new(expr.clone()));
        prop_assert_eq!(contrary.holds(&row), expr.holds(&row).map(|h| !h));
    }

    #[test]
    fn nothing_that_is_typed_makes_it_panic(text in "\\PC{0,60}") {
        if let Err(mistake) = read(&text) {
            prop_assert!(!super::caret(&text, mistake.at, &mistake.what).is_empty());
        }
    }

    #[test]
    fn nor_what_looks_right(text in "((state|dst|dport|rtt|process|not|and|or|in|[(),=<>!~'0-9a-z:/.-]{1,6}) ?){0,12}") {
        let _ = read(&text);
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    for (typed, meant) in [
        ("sport = 1 or sport = 2 and sport = 3", "sport = 1 or (sport = 2 and sport = 3)"),
        ("not sport = 1 and sport = 2", "(not sport = 1) and sport = 2"),
        ("sport 1 dport 2 | dst 10.0.0.1", "(sport = 1 and dport = 2) or dst 10.0.0.1"),
        (
            "state listen state established sport 1 or sport 2",
            "state in (established, listen) and (sport = 1 or sport = 2)",
        ),
        ("state listen or sport 2", "(state listen) or (sport = 2)"),
        ("!!uid=0", "uid = 0"),
    ] {
        assert_eq!(read(typed).unwrap(), read(meant).unwrap(), "{typed}");
    }
}

#[test]
fn a_mistake_shows_its_place_and_the_way_out() {
    for (typed, at, what, hint) in [
        ("sport = 70000", 8, "ports end at 65535", "from 0 to 65535"),
        ("stat close-wait", 0, "not a field", "did you mean state?"),
        ("rtt > 5", 6, "time with its unit", "rtt > 200ms"),
        ("recvq > x", 8, "number of bytes", "recvq > 1M"),
        ("dst 10.0.0.300", 4, "no address", "10.0.0.0/8"),
        ("dst 10.0.0.0/33", 4, "from 0 to 32", "10.0.0.0/8"),
        ("(sport = 1", 10, "')' is missing", "close"),
        ("sport = 1)", 9, "no '('", "take it out"),
        ("process > 3", 10, "no order", "process = x"),
        ("process ~ '['", 10, "not a regular expression", "quote it"),
        ("lastsnd > 500us", 10, "time with its unit", "200ms"),
        ("dst inet6:10.0.0.1", 4, "other family", "leave"),
        ("", 0, "", ""),
    ] {
        match read(typed) {
            Ok(expr) => assert!(typed.is_empty() && expr.is_true(), "{typed}"),
            Err(m) => assert!(
                m.at == at && m.what.contains(what) && m.hint.contains(hint),
                "{typed}: {m:?}"
            ),
        }
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = "(".repeat(200) + "uid = 0" + &")".repeat(200);
    assert!(read(&deep).unwrap_err().what.contains("too deeply"));
}

#[test]
fn what_is_not_known_selects_neither_way() {
    let bucket = socket(State::TimeWait, "10.0.0.1:80", "10.0.0.2:9");
    let view = View { queue_limits: true, ..View::default() };
    let row = Row { socket: &bucket, attributes: &Attributes::NONE, view: &view };
    let holds = |text: &str| read(text).unwrap().holds(&row);
    for unknown in
        ["uid = 0", "uid != 0", "rtt > 1ms", "process = x", "known pid", "fwmark = 5", "known mark"]
    {
        assert_eq!((holds(unknown), holds(&format!("not ({unknown})"))), (None, None), "{unknown}");
    }
    assert_eq!(holds("uid = 0 or state time-wait"), Some(true));
    assert_eq!(holds("uid = 0 and state listen"), Some(false));
    assert_eq!((holds("known rtt"), holds("not known rtt")), (Some(false), Some(true)));
}

#[test]
fn proc_leaves_open_what_attributes_would_tell() {
    let socket = socket(State::Established, "127.0.0.1:80", "127.0.0.1:9");
    for (text, want) in [("known rtt", None), ("not known rtt", None), ("known sport", Some(true))]
    {
        let view = View::default();
        let row = Row { socket: &socket, attributes: &Attributes::NONE, view: &view };
        assert_eq!(read(text).unwrap().holds(&row), want, "{text}");
    }
}
