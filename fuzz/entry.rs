//! What is fuzzed, shared by the fuzz targets and by the test that runs their corpus: every decoder must take any bytes.
#![allow(dead_code, reason = "each target uses one of these")]

use std::collections::BTreeMap;

use tcpvet::model::endpoint::Family;
use tcpvet::wire::netlink::{Message, walk};
use tcpvet::wire::{
    counters as texts, inet_diag, proc_net_tcp as tables, proc_pid as files, sysctl,
};

/// A datagram of a dump, down to the attributes of every message.
pub fn netlink(data: &[u8]) {
    walk(data, &mut |message| {
        if let Message::Payload(payload) = message {
            let _ = inet_diag::socket(payload);
            let _ = inet_diag::detail(payload);
        }
        true
    });
}

/// The tables of the fallback.
pub fn proc_net_tcp(data: &[u8]) {
    let (sockets, _) = tables::parse(data, Family::Ipv4);
    assert!(sockets.len() <= data.len());
    let _ = tables::parse(data, Family::Ipv6);
}

/// snmp, netstat, sockstat, sysctls.
pub fn counters(data: &[u8]) {
    let mut found = BTreeMap::new();
    texts::line_pairs(data, &mut found);
    texts::sockstat(data, &mut found);
    let value = sysctl::value(data);
    let _ = tcpvet::model::portset::PortSet::parse(&value);
}

/// Files of a process, and names it chose.
pub fn proc_pid(data: &[u8]) {
    let _ = files::stat(data);
    let _ = files::descriptor_limit(data);
    let _ = files::effective_uid(data);
    let _ = files::may_read_every_process(data);
    let safe = tcpvet::model::text::Text::new(data);
    assert!(!safe.as_str().chars().any(char::is_control));
}

/// Assertions as a user types them.
pub fn assertion(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err((message, hint)) = tcpvet::filter::assertion::Assertion::parse(text) {
        assert!(!message.is_empty() && !hint.is_empty());
    }
}
