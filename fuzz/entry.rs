//! What is fuzzed, shared by the fuzz targets and by the test that runs their corpus: every decoder must take any bytes.
#![allow(dead_code, reason = "each target uses one of these")]

use std::collections::BTreeMap;

use tcpvet::fields::{self, Row, View};
use tcpvet::filter::parse::{Names, parse};
use tcpvet::filter::push::push;
use tcpvet::model::endpoint::{Addr, Family};
use tcpvet::model::protocol::Protocol;
use tcpvet::wire::attributes::Attributes;
use tcpvet::wire::btf::{Btf, FUNC, STRUCT};
use tcpvet::wire::netlink::{Message, walk};
use tcpvet::wire::{
    capabilities, cgroup, counters as texts, etc as etc_texts, inet_diag, proc_net_tcp as tables,
    proc_pid as files, runtime, sysctl, sysctl_d,
};

/// A datagram of a dump, down to the attributes of every message.
pub fn netlink(data: &[u8]) {
    walk(data, &mut |message| {
        if let Message::Payload(payload) = message {
            let _ = inet_diag::socket(payload);
            let _ = inet_diag::detail(payload);
            row(payload);
        }
        true
    });
}

/// Every field of a message, shown and raw.
fn row(payload: &[u8]) {
    let Some(socket) = inet_diag::socket(payload) else { return };
    let attributes = Attributes::of(payload);
    for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Mptcp] {
        let view = View { protocol, queue_limits: true, ..View::default() };
        let row = Row { socket: &socket, attributes: &attributes, view: &view };
        let mut out = Vec::new();
        for field in fields::all() {
            let value = (field.get)(&row);
            value.show(field.kind, &mut out);
            value.raw(&mut out);
        }
        assert!(!out.iter().any(u8::is_ascii_control), "a cell keeps to its line");
    }
}

/// A filter as a user types it: what is understood prints and reads as the same, and can be pushed and asked.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let names = Names {
        service: &|name| (name == "https").then_some(443),
        services: &["https".to_string()],
        host: &|name| if name == "here" { vec![Addr::v4([127, 0, 0, 1])] } else { Vec::new() },
        interface: &|name| (name == "lo").then_some(1),
        cgroup: &|path| (path == "/").then_some(1),
    };
    match parse(text, &names) {
        Err(mistake) => {
            assert!(!mistake.what.is_empty() && !mistake.hint.is_empty());
            assert!(text.is_char_boundary(mistake.at), "the caret stands between characters");
        }
        Ok(expr) => {
            let printed = expr.to_string();
            let again = parse(&printed, &names);
            assert_eq!(again.as_ref(), Ok(&expr), "{text:?} prints as {printed:?}");
            let pushed = push(&expr);
            assert_eq!(pushed.states.0 & !0x2ffe, 0);
            for message in SAMPLES {
                let mut payload = [0u8; 72];
                payload[..12].copy_from_slice(&message);
                let Some(socket) = inet_diag::socket(&payload) else { continue };
                let view = View { queue_limits: true, ..View::default() };
                let row = Row { socket: &socket, attributes: &Attributes::NONE, view: &view };
                if expr.holds(&row) == Some(true) {
                    assert!(
                        pushed.states.has(socket.state),
                        "the kernel is asked for too few states: {printed}"
                    );
                    assert!(
                        pushed.family.is_none_or(|f| f == socket.family),
                        "or one family: {printed}"
                    );
                }
            }
        }
    }
}

/// Beginnings of messages: family, state, timer, retries, ports, first bytes of the near address.
const SAMPLES: [[u8; 12]; 4] = [
    [2, 1, 0, 0, 0x1b, 0x59, 1, 0xbb, 127, 0, 0, 1],
    [10, 10, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0],
    [2, 6, 3, 0, 0x9c, 0x40, 0, 9, 10, 0, 0, 7],
    [10, 8, 2, 1, 0, 22, 0xff, 0xff, 0x20, 1, 0xd, 0xb8],
];

/// The kernel's description of its types.
pub fn btf(data: &[u8]) {
    let Some(btf) = Btf::new(data) else { return };
    for found in btf.find(&[("file", STRUCT), ("sock", STRUCT), ("run", FUNC)]).into_values() {
        for member in ["f_inode", "__sk_common", "x"] {
            let _ = btf.member(found, member);
        }
    }
}

/// Texts that give names to numbers.
pub fn etc(data: &[u8]) {
    let users = etc_texts::users(data);
    let services = etc_texts::Services::read(data);
    let _ = (services.port("http"), services.names(true), etc_texts::hosts(data));
    let names = users.values().map(|name| name.as_str());
    let cgroup = cgroup::workload(data);
    let container = cgroup.container.as_ref().map(|c| c.shown());
    let names = names.chain(cgroup.units.iter().map(|unit| unit.as_str())).chain(container);
    let text = String::from_utf8_lossy(data);
    let _ = (runtime::pod_folder(&text), runtime::container_log(&text));
    let _ = (runtime::docker(data), runtime::bundle(data), runtime::storage(data, "0a"));
    assert!(names.flat_map(str::chars).all(|c| !c.is_control()));
}

/// The tables of the fallback.
pub fn proc_net_tcp(data: &[u8]) {
    let (sockets, _) = tables::parse(data, Family::Ipv4);
    assert!(sockets.len() <= data.len());
    let _ = tables::parse(data, Family::Ipv6);
}

/// snmp, netstat, sockstat, protocols, softnet_stat, nf_conntrack, sysctls and the files that set them.
pub fn counters(data: &[u8]) {
    let mut found = BTreeMap::new();
    texts::line_pairs(data, &mut found);
    texts::sockstat(data, &mut found);
    texts::protocols(data, &mut found);
    texts::softnet(data, &mut found);
    texts::conntrack(data, &mut found);
    let _ = sysctl::uptime_ms(data);
    let lines = sysctl_d::parse(&tcpvet::model::text::Text::new(b"f"), data);
    assert!(lines.iter().all(|l| !l.value.as_str().chars().any(char::is_control)));
    let value = sysctl::value(data);
    let _ = tcpvet::model::portset::PortSet::parse(&value);
}

/// Files of a process, and names it chose.
pub fn proc_pid(data: &[u8]) {
    let _ = files::stat(data);
    let _ = files::descriptor_limit(data);
    let _ = files::effective_uid(data);
    let _ = capabilities::names(capabilities::capabilities(data));
    let safe = tcpvet::model::text::Text::new(data);
    assert!(!safe.as_str().chars().any(char::is_control));
}

/// Assertions as a user types them.
pub fn assertion(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match tcpvet::assertions::file::one(text, &tcpvet::filter::parse::Names::NONE) {
        Err((message, hint)) => assert!(!message.is_empty() && !hint.is_empty()),
        // What was understood is understood again as it is shown.
        Ok(a) if !a.expression.contains('\\') => {
            assert!(
                tcpvet::assertions::file::one(&a.expression, &tcpvet::filter::parse::Names::NONE)
                    .is_ok(),
                "{}",
                a.expression
            );
        }
        Ok(_) => {}
    }
    let _ = tcpvet::assertions::file::lines("f", text, &tcpvet::filter::parse::Names::NONE);
    let _ = tcpvet::assertions::range::Range::parse(text);
}

/// A configuration file as a user writes it: what is wrong is told with a line of it.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut config = tcpvet::rules::config::Config::default();
    let path = tcpvet::model::text::Text::new(b"f");
    match config.read(&path, text) {
        Err((message, hint)) => {
            let line = message.strip_prefix("f:").and_then(|m| m.split_once(':'));
            let line: usize = line.expect("file and line").0.parse().expect("a line");
            assert!(line >= 1 && line <= text.split('\n').count() && !hint.is_empty());
            assert!(!message.chars().chain(hint.chars()).any(char::is_control), "{message:?}");
        }
        Ok(()) => {
            let mut selection = tcpvet::rules::selection::Selection::all();
            let _ = config.apply(&mut selection);
            let _ = selection.limits.lenient();
        }
    }
}
