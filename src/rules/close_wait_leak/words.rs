//! What the finding says: title, facts, evidence, why, where to look, what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::{Blamed, EXAMPLES, Leak};
use crate::model::Snapshot;
use crate::model::culprit::culprit;
use crate::model::endpoint::place;
use crate::model::owner::Process;
use crate::phrase::{count, duration, join, number};
use crate::rules::finding::Remedy;

pub(super) fn title(blamed: Blamed, held: u64, dead: u64, who: &str, sharers: u64) -> String {
    let who = &match sharers {
        0 => who.to_string(),
        n => format!("{who} and {}", count(n, "other process", "other processes")),
    };
    let sockets = count(held, "socket", "sockets");
    match blamed {
        Blamed::Listener(addr, port) => format!(
            "{} that the peer closed, never accepted on {} ({who})",
            count(held, "connection", "connections"),
            place(addr, port)
        ),
        Blamed::Workers(addr, port) => {
            format!("{sockets} in CLOSE_WAIT accepted on {}, held by {who}", place(addr, port))
        }
        _ if dead == 0 => format!("{sockets} in CLOSE_WAIT held by {who}"),
        _ => format!(
            "{sockets} in CLOSE_WAIT and {} held by {who}",
            count(dead, "dead TCP descriptor", "dead TCP descriptors")
        ),
    }
}

pub(super) fn facts(
    leak: &Leak<'_>,
    dead: u64,
    process: Option<&Process>,
) -> BTreeMap<&'static str, f64> {
    let queued = |wanted: fn(u32) -> bool| {
        leak.sockets.iter().filter(|(s, _)| wanted(s.recv_queue)).count() as f64
    };
    let mut facts = BTreeMap::from([
        ("close_wait", leak.sockets.len() as f64),
        ("never_read", queued(|n| n == 1)),
        ("consumed", queued(|n| n == 0)),
        ("unread_data", queued(|n| n > 1)),
        ("half_closed", f64::from(leak.half_closed)),
        ("young", f64::from(leak.young)),
        ("unhashed", dead as f64),
    ]);
    let mut add = |name, value: Option<f64>| {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    };
    let oldest = leak.sockets.iter().filter_map(|(_, d)| d.last_ack_recv_ms).max();
    let newest = leak.sockets.iter().filter_map(|(_, d)| d.last_ack_recv_ms).min();
    let bound = leak.sockets.iter().filter_map(|(_, d)| d.last_data_recv_ms).max();
    add("oldest_at_least_ms", oldest.map(f64::from));
    add("youngest_at_least_ms", newest.map(f64::from));
    add("oldest_at_most_ms", bound.map(f64::from));
    add("descriptors", process.and_then(|p| p.descriptors).map(|n| n as f64));
    add("descriptor_limit", process.and_then(|p| p.descriptor_limit).map(|n| n as f64));
    facts
}

pub(super) fn sockets_sentences(leak: &Leak<'_>) -> Vec<String> {
    let least =
        leak.sockets.iter().filter_map(|(_, d)| d.last_ack_recv_ms).max().unwrap_or_default();
    let most = leak
        .sockets
        .iter()
        .filter_map(|(_, d)| d.last_data_recv_ms)
        .max()
        .unwrap_or(least)
        .max(least);
    let with = |wanted: fn(u32) -> bool| {
        number(leak.sockets.iter().filter(|(s, _)| wanted(s.recv_queue)).count() as u64)
    };
    let mut read = Vec::new();
    for (n, what) in [
        (with(|n| n == 1), "were not read"),
        (with(|n| n == 0), "were read to the end (an idle half-closed connection looks the same)"),
        (with(|n| n > 1), "hold unread data"),
    ] {
        if n != "0" {
            read.push(format!("{n} {what}"));
        }
    }
    let peers: BTreeSet<String> =
        leak.sockets.iter().map(|(s, _)| place(s.peer_addr, s.peer_port)).collect();
    let peers: Vec<String> = peers.into_iter().collect();
    vec![
        match (duration(least.into()), duration(most.into())) {
            (a, b) if a == b => format!("The oldest is there for {a}."),
            (a, b) => format!("The oldest is there for {a} to {b}."),
        },
        format!("Since the FIN {}.", read.join(", ")),
        format!("Peers: {}.", join(&peers, EXAMPLES)),
    ]
}

/// Some of the leaked descriptors, for a look into /proc/PID/fd.
pub(super) fn descriptors_sentence(
    now: &Snapshot,
    blamed: Blamed,
    leak: &Leak<'_>,
) -> Option<String> {
    let Blamed::Process(pid) = blamed else { return None };
    let owners = now.owners.as_ref()?;
    let held = leak.sockets.iter().flat_map(|(s, _)| owners.of(s.inode));
    let mut fds: Vec<u32> = held.filter(|h| h.pid == pid).map(|h| h.fd).collect();
    fds.sort_unstable();
    let fds: Vec<String> = fds.iter().map(u32::to_string).collect();
    Some(format!("Descriptors of {}: {}.", culprit(now, pid).name(), join(&fds, EXAMPLES)))
}

pub(super) fn dead_sentence(dead: u64, process: Option<&Process>) -> String {
    let fds: Vec<String> =
        process.map(|p| p.unhashed_fds.iter().map(u32::to_string).collect()).unwrap_or_default();
    format!(
        "{} match no socket of this namespace (such as fd {}): reset after the peer closed, or never connected.",
        count(dead, "TCP descriptor", "TCP descriptors"),
        join(&fds, EXAMPLES)
    )
}

/// The other processes that hold the same sockets.
pub(super) fn sharers(now: &Snapshot, leak: &Leak<'_>) -> Vec<String> {
    let Some(owners) = &now.owners else { return Vec::new() };
    let mut pids = BTreeSet::new();
    for (socket, _) in &leak.sockets {
        pids.extend(owners.of(socket.inode).iter().skip(1).map(|h| h.pid));
    }
    for (socket, _) in &leak.sockets {
        pids.remove(&owners.of(socket.inode).first().map_or(0, |h| h.pid));
    }
    pids.into_iter().map(|pid| culprit(now, pid).name()).collect()
}

/// Names them.
pub(super) fn shared_sentence(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("The same sockets are held by {}.", join(names, EXAMPLES)))
}

pub(super) fn why(blamed: Blamed, dead: u64) -> String {
    match blamed {
        Blamed::Listener(..) => "The listener does not call accept(); clients gave up, and their connections fill its queue.",
        _ if dead > 0 => "The process does not close what its peers have closed; each keeps a descriptor until it ends.",
        _ => "No kernel timer ends CLOSE_WAIT; each socket keeps a descriptor until the process closes it.",
    }
    .into()
}

pub(super) fn next(blamed: Blamed, leak: &Leak<'_>, process: Option<&Process>) -> Vec<String> {
    let mut next = Vec::new();
    if !leak.sockets.is_empty() {
        next.push(match blamed {
            Blamed::Process(pid) => format!("tcpvet list 'state close-wait and pid = {pid}'"),
            _ => "tcpvet list --state close-wait".to_string(),
        });
    }
    match blamed {
        Blamed::Process(pid) => {
            if !leak.sockets.is_empty() {
                next.push(format!("ss -tanp state close-wait | grep pid={pid},"));
            }
            next.push(format!("ls -l /proc/{pid}/fd; grep files /proc/{pid}/limits"));
            if let Some(fd) = process.and_then(|p| p.unhashed_fds.first()) {
                next.push(format!("getfattr -h -n system.sockprotoname /proc/{pid}/fd/{fd}"));
            }
        }
        Blamed::Listener(_, port) => next.push(format!("ss -ltnp 'sport = :{port}'")),
        Blamed::Workers(_, port) => {
            next.push(format!("ss -tanp state close-wait 'sport = :{port}'"));
        }
        Blamed::Unnamed(_, 0) => next.push("sudo ss -tanpe state close-wait".into()),
        Blamed::Unnamed(_, port) => {
            next.push(format!("sudo ss -tanpe state close-wait 'sport = :{port}'"));
        }
    }
    next
}

pub(super) fn remedies(blamed: Blamed, who: &str, sharers: &[String]) -> Vec<Remedy> {
    let (cure, meanwhile) = match blamed {
        Blamed::Listener(..) => (
            format!("{who}: call accept(); look for a blocked thread or EMFILE"),
            "they leave the queue when they are accepted or the listener closes; no sysctl helps"
                .into(),
        ),
        _ => (
            format!(
                "{who}: close the socket when recv() returns 0, on every path, errors included"
            ),
            match sharers {
                [] => {
                    "until then restart it before its descriptors run out; no sysctl helps".into()
                }
                names => format!(
                    "until then restart it and all who hold the same sockets ({}): each keeps them open; no sysctl helps",
                    join(names, EXAMPLES)
                ),
            },
        ),
    };
    vec![Remedy::Application(cure), Remedy::Application(meanwhile)]
}
