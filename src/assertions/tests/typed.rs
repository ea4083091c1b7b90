//! What people type, and what they mistype.

use proptest::prelude::*;

use super::read;
use crate::assertions::listening::Door;
use crate::assertions::wish::Wish;
use crate::assertions::{Aggregate, Measure, file};
use crate::filter::expr::Operator;
use crate::filter::parse::Names;
use crate::model::endpoint::{Addr, Family};
use crate::rules::finding::Severity;

fn wish(text: &str) -> (Operator, f64) {
    match read(text).unwrap().wish {
        Wish::Compare(op, n) => (op, n),
        Wish::Quiet(_) => panic!("{text}"),
    }
}

#[test]
fn every_part_is_read_with_and_without_blanks() {
    let a = read("no-leak: count(state close-wait and sport in (80, 81))<=3 within 30s level warning # app: must close").unwrap();
    assert_eq!(a.name, "no-leak");
    assert_eq!(
        a.expression,
        "count(state close-wait and sport in (80, 81))<=3 within 30s level warning"
    );
    assert_eq!((a.comment.as_deref(), a.level), (Some("app: must close"), Severity::Warning));
    assert_eq!(a.within.unwrap().as_secs(), 30);
    let Measure::Count(filter) = &a.measure else { panic!("{a:?}") };
    assert_eq!(filter.to_string(), "state close_wait and sport in (80, 81)");
    let b = read("count() = 0").unwrap();
    assert_eq!((b.name.as_str(), b.level, b.within), ("count() = 0", Severity::Critical, None));
    let c = read("count(process = 'a#b)c' and cgroup = '/') == 0#why").unwrap();
    assert_eq!(c.comment.as_deref(), Some("why"));
    assert_eq!(read("count() == 0 level critical within 5s").unwrap().within.unwrap().as_secs(), 5);
}

#[test]
fn values_are_in_the_unit_of_what_is_measured() {
    for (text, want) in [
        ("max(rtt, dport = 5432) < 50ms", (Operator::Less, 50_000.0)),
        ("max(lastrcv) <= 1.5s", (Operator::LessOrEqual, 1500.0)),
        ("max(lastrcv) < 0.5ms", (Operator::Less, 0.5)),
        ("sum(recvq) < 64k", (Operator::Less, 65_536.0)),
        ("avg(retrans) < 0.5", (Operator::Less, 0.5)),
        ("p99.9(rtt) > 87us", (Operator::Greater, 87.0)),
        ("min(delivery_rate) >= 8Mbps", (Operator::GreaterOrEqual, 1_000_000.0)),
        ("headroom() > 2000", (Operator::Greater, 2000.0)),
        ("rate(TcpExtListenOverflows) == 0", (Operator::Equal, 0.0)),
        ("rate(Tcp.OutRsts) < 0.5/s", (Operator::Less, 0.5)),
        ("count() < 1.5k", (Operator::Less, 1500.0)),
        ("avg(rtt) == 5.296us", (Operator::Equal, 5.296)),
        ("max(rtt) < 50µs", (Operator::Less, 50.0)),
        ("sum(bytes_received) < 1.4", (Operator::Less, 1.4)),
        ("counter(TcpMaxConn) == -1", (Operator::Equal, -1.0)),
        ("listening(80)", (Operator::Equal, 1.0)),
        ("not listening(80)", (Operator::Equal, 0.0)),
        ("listening(80) == no", (Operator::Equal, 0.0)),
        ("listening(80) != yes", (Operator::NotEqual, 1.0)),
        ("finding(close-wait-leak) < warning", (Operator::Less, 2.0)),
        ("finding(listeners) == none", (Operator::Equal, 0.0)),
    ] {
        assert_eq!(wish(text), want, "{text}");
    }
    let over = read("p95(rtt, state established) < 1s").unwrap();
    let Measure::Over(aggregate, field, filter) = over.measure else { panic!() };
    assert_eq!((field.name, filter.to_string()), ("rtt", "state established".into()));
    assert_eq!(aggregate, Aggregate::Percentile { part: 950, of: 1000 });
}

#[test]
fn doors_and_destinations_are_read_as_people_write_them() {
    let door = |text: &str| match read(text).unwrap().measure {
        Measure::Listening(door) => door,
        other => panic!("{other:?}"),
    };
    let v4 = |octets| Some((Addr::v4(octets), Family::Ipv4));
    assert_eq!(
        door("listening(80 via ipv4)"),
        Door { addr: None, port: 80, via: Some(Family::Ipv4) }
    );
    assert_eq!(door("listening(*:80)"), Door { addr: None, port: 80, via: None });
    assert_eq!(door("listening(0.0.0.0:80)"), Door { addr: v4([0; 4]), port: 80, via: None });
    assert_eq!(
        door("listening([::ffff:127.0.0.1]:80)").addr.unwrap().1,
        Family::Ipv4,
        "mapped is IPv4"
    );
    assert_eq!(door("listening([::1]:80)").addr.unwrap().1, Family::Ipv6);
    let Measure::Headroom(Some(target)) =
        read("headroom(to 10.0.0.5:5432 from 10.0.0.1) > 1").unwrap().measure
    else {
        panic!()
    };
    assert_eq!((target.port, target.from), (Some(5432), Some(Addr::v4([10, 0, 0, 1]))));
    let Measure::OnlyListening(ports) = read("only_listening(22,80, 8000-8100)").unwrap().measure
    else {
        panic!()
    };
    assert_eq!(ports, [(22, 22), (80, 80), (8000, 8100)]);
    let Measure::OnlyListening(none) = read("only_listening()").unwrap().measure else { panic!() };
    assert!(none.is_empty());
}

/// The place of the caret, what is wrong, and what helps.
#[test]
fn mistakes_are_found_before_anything_is_measured() {
    for (text, at, what, hint) in [
        ("", 0, "a measure is expected here", "measures are:"),
        ("x: cuont() == 0", 3, "'cuont' is not a measure", "did you mean count?"),
        (
            "count(state clsoe-wait) == 0",
            12,
            "'clsoe-wait' is not a TCP state",
            "did you mean close_wait?",
        ),
        ("count(proces = x) == 0", 6, "'proces': not a field", "did you mean process?"),
        ("count(state listen) ~ 5", 20, "a comparison is expected here", "operators are"),
        ("count(state listen) == -1", 23, "a number is expected here", "== 0"),
        ("count(state listen) ==", 22, "a number is expected here", "== 0"),
        ("count(state listen)", 19, "a comparison is expected here", "operators are"),
        ("count", 5, "'(' is missing", "count(state"),
        ("count(state listen == 0", 23, "')' is missing", "close"),
        ("count() == 0 wihtin 3s", 13, "'wihtin' is not expected here", "did you mean within?"),
        ("count() == 0 within soon", 20, "a time with its unit", "within 30s"),
        ("count() == 0 within 0s", 20, "a time with its unit", "within 30s"),
        ("count() == 0 within 1", 20, "a time with its unit", "within 30s"),
        ("count() == 0 within 25h", 20, "a time with its unit", "within 30s"),
        ("count() == 0 level info", 19, "'info' is not a level", "warning critical"),
        ("max(rtt, dport = 5432) < 50", 25, "a time with its unit", "50ms"),
        ("max(process) < 5", 4, "process is no quantity", "a field that is"),
        ("max(rttt) < 5ms", 4, "'rttt' is not a field", "did you mean rtt?"),
        ("max() < 5ms", 4, "'' is not a field", "max(rtt"),
        ("max(pid) < 5", 4, "pid is no quantity", "a field that is"),
        (
            "count(protocol = udp) == 0",
            6,
            "assertions look at TCP sockets only",
            "leave protocol out",
        ),
        ("headroom(10.0.0.5) > 2", 9, "'to ADDR:PORT' is expected here", "headroom(to"),
        ("headroom(to db) > 2", 9, "'db' is not ADDR or ADDR:PORT", "headroom(to"),
        (
            "headroom(to 10.0.0.5 from fd00::1) > 2",
            9,
            "both ends must be of one family",
            "headroom",
        ),
        (
            "headroom(to 10.0.0.5 from 10.0.0.1:7) > 2",
            9,
            "connect() chooses the port",
            "leave it out",
        ),
        ("listening()", 10, "a port is expected here", "listening(80)"),
        ("listening(0)", 10, "'0' is not a port", "listening(80)"),
        ("listening(http)", 10, "'http' is not a port", "listening(80)"),
        ("listening(80 via ipx)", 10, "'ipx' is not ipv4 or ipv6", "listening(80)"),
        ("listening(80) < yes", 14, "yes and no have no order", "=="),
        ("not count() == 0", 0, "only listening and only_listening can be negated", "turn"),
        ("only_listening(22,x)", 15, "'x' is not a port", "only_listening"),
        ("only_listening(80-22)", 15, "'80-22' is not a port", "only_listening"),
        (
            "finding(close-wait-leek) < warning",
            8,
            "no rule or family",
            "did you mean close-wait-leak?",
        ),
        ("finding(closing) < bad", 19, "a severity is expected here", "none info"),
        ("rate(Tcp OutRsts) == 0", 5, "the name of a counter", "nstat"),
        ("rate(TcpOutRsts) == -1", 20, "a number is expected here", "rate("),
        (": count() == 0", 0, "a name is expected before ':'", "no-leak:"),
        ("count() == 0 within 5s within 6s", 23, "within is said twice", "leave one"),
        ("p0(rtt) < 5ms", 0, "'p0' is not a measure", ""),
        ("p101(rtt) < 5ms", 0, "'p101' is not a measure", ""),
        ("p-1(rtt) < 5ms", 0, "'p-1' is not a measure", ""),
        ("p1e1(rtt) < 5ms", 0, "'p1e1' is not a measure", ""),
        ("p99.(rtt) < 5ms", 0, "'p99.' is not a measure", ""),
    ] {
        let m = read(text).expect_err(text);
        assert_eq!(m.at, at, "{text}: {m:?}");
        assert!(m.what.starts_with(what), "{text}: {}", m.what);
        assert!(m.hint.contains(hint), "{text}: {}", m.hint);
    }
}

fn lines(text: &str) -> Result<Vec<String>, (String, String)> {
    let all = file::lines("tcp.assert", text, &Names::NONE)?;
    file::distinct(&all)?;
    Ok(all.into_iter().map(|a| a.name).collect())
}

#[test]
fn files_have_one_a_line_and_say_which_is_wrong() {
    let good = "# what must hold\n\n  a: count() >= 0   # always\r\nlistening(80)\n";
    assert_eq!(lines(good).unwrap(), ["a", "listening(80)"]);
    let (what, hint) = lines("a: count() >= 0\nb: count(sate listen) == 0\n").unwrap_err();
    assert_eq!(
        what,
        "tcp.assert:2: 'sate': not a field or a word of the filter language\n  b: count(sate listen) == 0\n           ^"
    );
    assert_eq!(hint, "did you mean state?");
    assert_eq!(lines("\u{feff}a: count() >= 0").unwrap(), ["a"], "a mark of the byte order");
    assert!(lines("# nothing\n").unwrap_err().0.contains("there is no assertion in it"));
    assert!(
        lines("a: count() == 0\na: count() == 1")
            .unwrap_err()
            .0
            .contains("two assertions are called 'a'")
    );
}

#[test]
fn a_long_or_hostile_assertion_gets_a_short_and_safe_answer() {
    let long = format!("count(state listen{}x", " ".repeat(70_000));
    assert!(read(&long).unwrap_err().what.len() < 500);
    let hostile = read("\u{1b}[31mx: count() == 0 # \u{202e}").unwrap();
    assert_eq!(hostile.name, "\\x1b[31mx");
    assert!(!hostile.comment.unwrap().contains('\u{202e}'));
    let deep = format!("count({}state listen", "(".repeat(5000));
    assert!(read(&deep).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn nor_on_what_looks_right(
        text in "([a-z]{0,3}: ?)?(not )?(count|max|p9[0-9.]{0,3}|listening|headroom|only_listening|finding|rate) ?[(][a-z0-9:,.=' -]{0,20}[)]? ?[<>=!]{0,3} ?[0-9a-z.]{0,8} ?(within|level|#)? ?[a-z0-9]{0,4}"
    ) {
        if let Ok(a) = read(&text) {
            prop_assert!(read(&a.expression).is_ok(), "{}", a.expression);
        }
    }
}
