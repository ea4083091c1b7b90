//! What is counted, what may be, and what is not known.

use std::sync::Arc;

use super::read;
use crate::assertions::Assertion;
use crate::assertions::reading::Verdict;
use crate::assertions::tally::Tally;
use crate::fields::{Row, View};
use crate::model::before::Before;
use crate::model::holding::Holding;
use crate::model::owner::{Holder, Owners, Process};
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::model::testing::socket;
use crate::wire::attributes::Attributes;

fn view(all_seen: bool) -> View {
    let holders = vec![Holder { inode: 11, pid: 7, fd: 3 }];
    let owners = Owners { holders, denied: u32::from(!all_seen), ..Owners::default() };
    let app = Process { pid: 7, comm: crate::model::text::Text::new(b"app"), ..Process::default() };
    let holding = Holding {
        owners: Some(Arc::new(owners)),
        processes: Arc::new([(7, app)].into()),
        all_seen,
        ..Holding::default()
    };
    View { queue_limits: true, holding: Some(holding), ..View::default() }
}

fn held(inode: u32) -> Socket {
    Socket {
        inode,
        cookie: inode.into(),
        ..socket(State::CloseWait, "127.0.0.1:80", "127.0.0.1:9")
    }
}

fn tally<'a>(
    assertion: &'a Assertion,
    sockets: &[(Socket, Vec<u8>)],
    view: &View,
    before: Option<&Before>,
) -> Tally<'a> {
    let mut tally = Tally::new(&assertion.measure).unwrap();
    for (socket, payload) in sockets {
        let attributes = Attributes::of(payload);
        tally.add(&Row { socket, attributes: &attributes, view }, before);
    }
    tally
}

fn judge(text: &str, sockets: &[Socket], view: &View) -> (Verdict, f64, f64) {
    let assertion = read(text).unwrap();
    let with: Vec<(Socket, Vec<u8>)> = sockets.iter().map(|s| (*s, Vec::new())).collect();
    let reading = tally(&assertion, &with, view, None).reading(None);
    (reading.judge(&assertion.wish), reading.low, reading.high)
}

#[test]
fn an_owner_kept_from_us_is_never_a_pass() {
    let sockets = [held(11), held(12), held(13)];
    let (seen, hidden) = (view(true), view(false));
    for (text, of_seen, of_hidden) in [
        ("count(process = app) == 1", Verdict::Pass, Verdict::Unknown),
        ("count(process = app) == 0", Verdict::Fail, Verdict::Fail),
        ("count(process = other) == 0", Verdict::Pass, Verdict::Unknown),
        ("count(process = app) >= 1", Verdict::Pass, Verdict::Pass),
        ("count(process = app) <= 3", Verdict::Pass, Verdict::Pass),
        ("count(process = app) > 3", Verdict::Fail, Verdict::Fail),
        ("count(process != app) == 2", Verdict::Pass, Verdict::Unknown),
        ("count(state close-wait) == 3", Verdict::Pass, Verdict::Pass),
        ("count(state listen and process = app) == 0", Verdict::Pass, Verdict::Pass),
    ] {
        assert_eq!(judge(text, &sockets, &seen).0, of_seen, "{text}");
        assert_eq!(judge(text, &sockets, &hidden).0, of_hidden, "{text} hidden");
    }
    assert_eq!(judge("count(process = app) == 0", &sockets, &hidden), (Verdict::Fail, 1.0, 3.0));
}

#[test]
fn a_table_cut_short_gives_a_lower_bound_only() {
    let assertion = read("count(state close-wait) <= 5").unwrap();
    let sockets: Vec<(Socket, Vec<u8>)> = (1..=7).map(|i| (held(i), Vec::new())).collect();
    let tally = tally(&assertion, &sockets, &view(true), None);
    assert_eq!(tally.reading(Some("cut")).judge(&assertion.wish), Verdict::Fail);
    let few = super::read("count(state close-wait) <= 7").unwrap();
    assert_eq!(tally.reading(Some("cut")).judge(&few.wish), Verdict::Unknown);
    assert_eq!(tally.reading(None).judge(&few.wish), Verdict::Pass);
}

#[test]
fn new_is_what_had_another_cookie() {
    let assertion = read("new(state close-wait) == 1").unwrap();
    let sockets = [(held(11), Vec::new()), (held(12), Vec::new())];
    let before = Before::of([11], true);
    let reading = tally(&assertion, &sockets, &view(true), Some(&before)).reading(None);
    assert_eq!((reading.low, reading.high), (1.0, 1.0));
    let cut = Before::of([11], false);
    let reading = tally(&assertion, &sockets, &view(true), Some(&cut)).reading(None);
    assert_eq!((reading.low, reading.high), (0.0, 1.0), "what was before is not known");
}

/// A message with a tcp_info of so many bytes, whose round trip time is `rtt`.
fn with_info(length: usize, rtt: u32) -> Vec<u8> {
    let mut payload = vec![0; 72];
    payload.extend(u16::try_from(length + 4).unwrap().to_ne_bytes());
    payload.extend(2u16.to_ne_bytes());
    let mut info = vec![0; length];
    if let Some(place) = info.get_mut(68..72) {
        place.copy_from_slice(&rtt.to_ne_bytes());
    }
    payload.extend(info);
    payload
}

fn over(text: &str, rtts: &[u32]) -> (f64, f64) {
    let assertion = read(text).unwrap();
    let sockets: Vec<_> = rtts.iter().map(|rtt| (held(11), with_info(248, *rtt))).collect();
    let reading = tally(&assertion, &sockets, &view(true), None).reading(None);
    (reading.low, reading.high)
}

#[test]
fn figures_over_values() {
    let rtts: Vec<u32> = (1..=101).collect();
    for (text, want) in [
        ("min(rtt) < 1s", 1.0),
        ("max(rtt) < 1s", 101.0),
        ("sum(rtt) < 1s", 5151.0),
        ("avg(rtt) < 1s", 51.0),
        ("p50(rtt) < 1s", 51.0),
        ("p99(rtt) < 1s", 100.0),
        ("p100(rtt) < 1s", 101.0),
        ("p1(rtt) < 1s", 2.0),
    ] {
        assert_eq!(over(text, &rtts), (want, want), "{text}");
    }
    assert_eq!(
        over("max(rtt) < 1s", &[]),
        (f64::NEG_INFINITY, f64::INFINITY),
        "nothing to measure"
    );
    assert_eq!(over("sum(rtt) < 1s", &[]), (0.0, 0.0));
}

#[test]
fn values_of_sockets_that_may_be_meant_widen_the_bounds() {
    let hidden = view(false);
    let sockets = [
        (held(11), with_info(248, 40)),
        (held(12), with_info(248, 90)),
        (held(13), with_info(248, 7)),
    ];
    for (text, want) in [
        ("max(rtt, process = app) < 1s", (40.0, 90.0)),
        ("min(rtt, process = app) < 1s", (7.0, 40.0)),
        ("sum(rtt, process = app) < 1s", (40.0, 137.0)),
        ("avg(rtt, process = app) < 1s", (7.0, 90.0)),
        ("p50(rtt, process = app) < 1s", (7.0, 90.0)),
    ] {
        let assertion = read(text).unwrap();
        let reading = tally(&assertion, &sockets, &hidden, None).reading(None);
        assert_eq!((reading.low, reading.high), want, "{text}");
    }
}

#[test]
fn a_field_that_no_live_connection_tells_is_unknown_to_this_kernel() {
    // bytes_retrans came with 4.19: a shorter tcp_info does not have it.
    let assertion = read("count(bytes_retrans > 1M) == 0").unwrap();
    let old = [(held(11), with_info(160, 5))];
    let reading = tally(&assertion, &old, &view(true), None).reading(None);
    assert_eq!(reading.judge(&assertion.wish), Verdict::Unknown);
    assert!(reading.why.unwrap().contains("this kernel does not tell bytes_retrans"));
    let new = [(held(11), with_info(248, 5))];
    let reading = tally(&assertion, &new, &view(true), None).reading(None);
    assert_eq!(reading.judge(&assertion.wish), Verdict::Pass);
    // A listener has drops to tell, and a kernel that sends none of its memory keeps them.
    let drops = read("count(state listen and drops > 0) == 0").unwrap();
    let door = [(crate::model::testing::listener("127.0.0.1:80", 0, 5), with_info(248, 0))];
    let reading = tally(&drops, &door, &view(true), None).reading(None);
    assert_eq!(reading.judge(&drops.wish), Verdict::Unknown);
    // What is over has no such figure, and that is no secret.
    let over = [(socket(State::TimeWait, "127.0.0.1:80", "127.0.0.1:9"), vec![0; 72])];
    let reading = tally(&assertion, &over, &view(true), None).reading(None);
    assert_eq!(reading.judge(&assertion.wish), Verdict::Pass);
}

#[test]
fn from_proc_nothing_comes_of_what_attributes_tell() {
    let by_proc = View { queue_limits: false, ..view(true) };
    let listener = crate::model::testing::listener("127.0.0.1:80", 0, 5);
    for (text, socket) in [
        ("count(bytes_retrans > 1M) == 0", held(11)),
        ("count(known rtt) == 0", held(11)),
        ("sum(drops, state listen) == 0", listener),
        ("sum(sendq, state listen) == 0", listener),
    ] {
        let assertion = read(text).unwrap();
        let reading = tally(&assertion, &[(socket, vec![0; 72])], &by_proc, None).reading(None);
        assert_eq!(reading.judge(&assertion.wish), Verdict::Unknown, "{text}");
        assert!(
            reading.why.unwrap().contains("/proc does not tell") || text.contains("known"),
            "{text}"
        );
    }
}

#[test]
fn what_has_no_meaning_here_is_no_secret() {
    // A connection without losses has no threshold, a listener no round trip, a bucket no user.
    let sockets = [
        (held(11), with_info(248, 5)),
        (crate::model::testing::listener("127.0.0.1:80", 0, 5), with_info(248, 0)),
        (socket(State::TimeWait, "127.0.0.1:80", "127.0.0.1:9"), vec![0; 72]),
    ];
    for text in [
        "count(bbr_mrtt > 1s) == 0",
        "count(process = app and rtt > 50ms) == 0",
        "count(user = nobody) == 0",
        "count(not rtt > 50ms) == 1",
    ] {
        let assertion = read(text).unwrap();
        let reading = tally(&assertion, &sockets, &view(true), None).reading(None);
        assert_eq!(reading.judge(&assertion.wish), Verdict::Pass, "{text}: {reading:?}");
    }
    // An infinite threshold is told as none.
    let mut endless = with_info(248, 5);
    endless[72 + 4 + 76..72 + 4 + 80].copy_from_slice(&u32::MAX.to_ne_bytes());
    let assertion = read("count(ssthresh < 2) == 0").unwrap();
    let reading = tally(&assertion, &[(held(11), endless)], &view(true), None).reading(None);
    assert_eq!(reading.judge(&assertion.wish), Verdict::Pass, "{reading:?}");
}

#[test]
fn those_with_the_largest_values_are_named() {
    let assertion = read("max(rtt) < 1us").unwrap();
    let sockets: Vec<_> = (1..=23).map(|i| (held(i), with_info(248, (i * 7) % 23))).collect();
    let tally = tally(&assertion, &sockets, &view(true), None);
    let named: Vec<u32> =
        tally.offenders(&assertion.wish).iter().map(|(_, s)| (s.inode * 7) % 23).collect();
    assert_eq!(named, [22, 21, 20, 19, 18, 17, 16, 15, 14, 13]);
    assert_eq!(tally.selected(), 23);
    let few = read("max(rtt) <= 20us").unwrap();
    let values: Vec<f64> = tally.offenders(&few.wish).iter().map(|(v, _)| *v).collect();
    assert_eq!(values, [22.0, 21.0], "what keeps to the wish is no offender");
}
