//! `tcp-memory-pressure`: TCP holds so much memory that the kernel takes it back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_above};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::earlier::Depth;
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{bytes, number, percent};

rule! {
    /// # What it does
    /// Compares the memory of all TCP sockets of the host with net.ipv4.tcp_mem, and names the sockets of this namespace that hold the most.
    ///
    /// # Why it matters
    /// Above the middle value of tcp_mem the kernel shrinks buffers and throughput falls; at the last one it drops data and resets orphans ("out of
    /// memory -- consider tuning tcp_mem").
    ///
    /// # How it is measured
    /// `mem` of /proc/net/sockstat, in pages, counts the whole host in every namespace; net.ipv4.tcp_mem, in pages too, exists in the initial
    /// namespace only. Near it, the sockets that hold most (SK_MEMINFO: read queue, write queue, forward allocation) are looked up. With two
    /// looks TcpExt TCPMemoryPressures tells whether the kernel has entered the state. PruneCalled alone is one slow reader, not the host.
    ///
    /// # Thresholds
    /// `info`: share of the middle value (pressure) above which it informs. Above the middle value it warns. `critical`: share of the last value.
    ///
    /// # What can fool it
    /// The holders may be in another namespace. Memory limits of control groups act apart from this one.
    ///
    /// # What to do
    /// Find the sockets with full queues: readers that do not read (receive-queue-stuck) and peers that do not (send-queue-stuck). Raise tcp_mem only if the
    /// host has memory to spare; its unit is pages, not bytes.
    ///
    /// # References
    /// net/ipv4/tcp.c tcp_enter_memory_pressure, include/net/sock.h sk_under_memory_pressure, tcp(7) tcp_mem
    RULE {
        id: "tcp-memory-pressure",
        summary: "TCP holds so much memory that the kernel takes it back",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Critical,
        earlier: Depth::Counters,
        excepts: false,
        limits: &[
            Limit { key: "info", default: 0.75, min: 0.01, max: 1.0, unit: "ratio of tcp_mem's middle value",
                doc: "Informs above this share of the memory at which pressure begins." },
            Limit { key: "critical", default: 0.9, min: 0.01, max: 1.0, unit: "ratio of tcp_mem's last value",
                doc: "Critical above this share of the memory at which data is dropped." },
        ],
        wants: wants,
        check: check,
    }
}

/// Sockets that are asked for by name.
const HOLDERS: usize = 64;

struct Memory {
    pages: u64,
    pressure: u64,
    max: u64,
}

/// Pages in use and the two limits; or what keeps it from being judged.
fn memory(evidence: &Evidence<'_>) -> Result<Memory, Outcome> {
    let now = evidence.now;
    let pages = now.counters.get("sockstat.TCP.mem").and_then(|n| u64::try_from(n).ok());
    let pages = pages.ok_or_else(|| Outcome::unseen("/proc/net/sockstat could not be read"))?;
    let text = now.sysctls.text("net.ipv4.tcp_mem");
    let text = text.ok_or_else(|| evidence.without_the_hosts("net.ipv4.tcp_mem"))?;
    let mut words = text.split(' ').map(str::parse::<u64>);
    match (words.next(), words.next(), words.next()) {
        (Some(Ok(_)), Some(Ok(pressure)), Some(Ok(max))) if max > 0 => {
            Ok(Memory { pages, pressure, max })
        }
        _ => Err(Outcome::unseen("net.ipv4.tcp_mem is not three numbers")),
    }
}

fn thresholds(m: &Memory, limits: &Limits) -> Thresholds {
    Thresholds {
        info: Some(m.pressure as f64 * limits.get(&RULE, "info")),
        warning: Some(m.pressure as f64),
        critical: Some(m.max as f64 * limits.get(&RULE, "critical")),
    }
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let mut wants = Wants::default();
    if let Ok(m) = memory(evidence)
        && severity_above(m.pages as f64, &thresholds(&m, limits)).is_some()
    {
        wants.memory_holders = HOLDERS;
        wants.owners.extend(holders(evidence).iter().map(|s| s.inode));
    }
    wants
}

/// The sockets with the most memory, as far as they were read.
fn holders<'a>(evidence: &Evidence<'a>) -> Vec<&'a Socket> {
    let now = evidence.now;
    let memory = |s: &Socket| now.detail(s).and_then(|d| d.memory).unwrap_or_default();
    let mut held: Vec<&Socket> =
        now.sockets.iter().filter(|s| s.detail != 0 && memory(s) > 0).collect();
    held.sort_by_key(|s| (Reverse(memory(s)), s.cookie));
    held.truncate(HOLDERS);
    held
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let m = match memory(evidence) {
        Ok(m) => m,
        Err(outcome) => return outcome,
    };
    let thresholds = thresholds(&m, limits);
    let Some(severity) = severity_above(m.pages as f64, &thresholds) else {
        return Outcome::Clear(format!(
            "{} of {} pages at which pressure begins",
            number(m.pages),
            number(m.pressure)
        ));
    };
    let page = now.page_bytes.unwrap_or(4096);
    let mut facts = BTreeMap::from([
        ("pages", m.pages as f64),
        ("bytes", (m.pages * page) as f64),
        ("pressure_pages", m.pressure as f64),
        ("max_pages", m.max as f64),
        ("page_bytes", page as f64),
    ]);
    let mut said = vec![format!(
        "{} of memory are with TCP on this host; pressure begins at {}, and at {} data is dropped.",
        bytes(m.pages * page),
        bytes(m.pressure * page),
        bytes(m.max * page)
    )];
    if let Some(times) = evidence.grew("TcpExt.TCPMemoryPressures") {
        facts.insert("pressures", times as f64);
        said.push(format!(
            "The kernel entered memory pressure {} times between the two looks.",
            number(times)
        ));
    }
    let held = holders(evidence);
    let mut by: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    for s in &held {
        let first = now.owners.as_ref().and_then(|o| o.of(s.inode).first()).map(|h| h.pid);
        let memory = now.detail(s).and_then(|d| d.memory).unwrap_or_default();
        *by.entry(first).or_default() += u64::from(memory);
    }
    let mut by: Vec<_> = by.into_iter().collect();
    by.sort_by_key(|(pid, sum)| (Reverse(*sum), *pid));
    if !by.is_empty() {
        let parts: Vec<String> = by
            .iter()
            .map(|(pid, sum)| format!("{} ({})", who::process(now, *pid).name(), bytes(*sum)))
            .collect();
        said.push(format!(
            "Of this namespace's sockets the {} that hold most belong to {}; they lead to {}.",
            number(held.len() as u64),
            crate::phrase::join(&parts, 5),
            who::machines(held.iter().copied())
        ));
    }
    Outcome::Fired(vec![Finding {
        severity,
        title: format!(
            "TCP holds {} on this host ({} of what begins pressure)",
            bytes(m.pages * page),
            percent(m.pages, m.pressure)
        ),
        subject: Subject::Host,
        facts,
        thresholds,
        evidence: said,
        why: "Under pressure the kernel shrinks buffers and connections crawl; at the end it drops data and resets orphans.".into(),
        next: vec![
            "cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem".into(),
            "tcpvet list -m --sort skmem_r --reverse; tcpvet list -m --sort skmem_w --reverse".into(),
            "nstat -az 'TcpExtTCPMemoryPressures*' TcpExtTCPRcvQDrop".into(),
        ],
        remedies: vec![
            Remedy::Application("read what lies in full receive queues, and drop peers that do not read; fewer or smaller buffers (SO_RCVBUF, SO_SNDBUF) where there are many connections".into()),
            Remedy::Setting {
                knob: "net.ipv4.tcp_mem",
                wish: Wish::Times(2),
                because: "it is where pressure begins, in pages; only if the host has memory to spare".into(),
            },
        ],
        ..Finding::new(&RULE, now)
    }])
}
