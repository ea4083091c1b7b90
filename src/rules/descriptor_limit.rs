//! `descriptor-limit`: a process, or the host, comes near the number of files that it may open.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{
    Certainty, Finding, Remedy, Severity, Subject, Thresholds, Wish, severity_above,
};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::Snapshot;
use crate::model::culprit::culprit;
use crate::model::earlier::Depth;
use crate::model::owner::Process;
use crate::model::wants::Wants;
use crate::phrase::{number, percent};

rule! {
    /// # What it does
    /// Finds processes near their soft limit of open files, tells what share of these are sockets, and holds the host's open files against
    /// fs.file-max.
    ///
    /// # Why it matters
    /// At its limit a process gets EMFILE from accept(), socket() and open(). An accept loop that ignores it spins, while the accept queue
    /// fills and clients hang without an error.
    ///
    /// # How it is measured
    /// The number of entries in /proc/PID/fd (its size, from Linux 6.2 on; a descriptor that is reserved for a blocked accept() counts)
    /// against `Max open files` in /proc/PID/limits, for every process; from 75 % on a sample of 512 tells how many are sockets. The host: fs.file-nr against
    /// fs.file-max. EMFILE is the process's limit, never fs.file-max, which gives ENFILE.
    ///
    /// # Thresholds
    /// `warning` and `critical`: shares of the limit, of a process's or the host's.
    ///
    /// # What can fool it
    /// A limit that was lowered below what is open already shows more than 100 %. Processes of other users cannot be counted before Linux 6.2, and an
    /// ordinary user cannot tell which network namespace they are in.
    ///
    /// # What to do
    /// If sockets are most of it, see what keeps them (close-wait-leak, unhashed-sockets, pool-oversized). Else raise the limit where the process
    /// is started: LimitNOFILE= of its unit, ulimit -n. fs.file-max does not help against EMFILE.
    ///
    /// # References
    /// getrlimit(2) RLIMIT_NOFILE, accept(2), proc(5), fs/file.c alloc_fd
    RULE {
        id: "descriptor-limit",
        summary: "a process is near its limit of open files",
        since: "0.1.0",
        family: Family::Resources,
        worst: Severity::Critical,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "warning", default: 0.8, min: 0.5, max: 1.0, unit: "ratio of the limit",
                doc: "Warns above this share of the limit." },
            Limit { key: "critical", default: 0.95, min: 0.5, max: 1.0, unit: "ratio of the limit",
                doc: "Critical above this share of the limit." },
        ],
        wants: |_, _| Wants { descriptors: true, ..Wants::default() },
        check: check,
    }
}

fn thresholds(limits: &Limits, of: u64) -> Thresholds {
    let at = |key| Some(limits.get(&RULE, key) * of as f64);
    Thresholds { info: None, warning: at("warning"), critical: at("critical") }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    let mut findings: Vec<Finding> =
        now.processes.values().filter_map(|p| of_process(now, p, limits)).collect();
    findings.extend(of_host(now, limits));
    if !findings.is_empty() {
        return Outcome::Fired(findings);
    }
    match now.uncounted {
        None => Outcome::unseen("the descriptors of processes could not be counted"),
        Some(0) if now.processes_hidden => {
            Outcome::unseen("/proc does not list the processes of others (hidepid)")
        }
        Some(0) => Outcome::Clear("no process is near its limit of open files".into()),
        Some(n) => Outcome::unseen(format!(
            "the descriptors of {} may not be counted",
            crate::phrase::count(n.into(), "process", "processes")
        )),
    }
}

fn of_process(now: &Snapshot, process: &Process, limits: &Limits) -> Option<Finding> {
    let (used, limit) = process.descriptors.zip(process.descriptor_limit)?;
    let who = culprit(now, process.pid);
    let limits = who::limits(limits, std::slice::from_ref(&who), None);
    let thresholds = thresholds(&limits, limit);
    let severity = severity_above(used as f64, &thresholds)?;
    let name = who.name();
    let mut facts =
        BTreeMap::from([("descriptors", used as f64), ("descriptor_limit", limit as f64)]);
    let mut said = Vec::new();
    if let Some(sockets) = process.sockets {
        facts.insert("sockets", f64::from(sockets));
        said.push(format!(
            "{}{} of them are sockets ({}).",
            if used > 512 { "About " } else { "" },
            number(sockets.into()),
            percent(sockets.into(), used)
        ));
    }
    if process.may_be_elsewhere {
        said.push(
            "Its network namespace may not be read by us: it may belong to another one than this."
                .into(),
        );
    }
    if used >= limit {
        said.push("None is left: accept(), socket() and open() fail with EMFILE now.".into());
    }
    let certainty = if process.may_be_elsewhere { Certainty::Likely } else { Certainty::Certain };
    Some(Finding {
        severity,
        certainty,
        title: format!(
            "{name} has {} of {} descriptors open ({})",
            number(used),
            number(limit),
            percent(used, limit)
        ),
        facts,
        thresholds,
        evidence: said,
        why: "At the limit accept(), socket() and open() fail with EMFILE; clients wait in the accept queue and see no error.".into(),
        next: vec![
            format!("ls -l /proc/{}/fd | grep -c socket:", process.pid),
            format!("tcpvet list 'pid = {}' --group-by state,peer-addr", process.pid),
            format!("grep -i 'open files' /proc/{}/limits", process.pid),
        ],
        remedies: vec![Remedy::Application(format!(
            "{name}: see what keeps them open; then raise the limit where it is started (LimitNOFILE= of its unit, ulimit -n)"
        ))],
        subject: Subject::Process(who),
        ..Finding::new(&RULE, now)
    })
}

fn of_host(now: &Snapshot, limits: &Limits) -> Option<Finding> {
    let mut words = now.sysctls.text("fs.file-nr")?.split(' ').map(str::parse::<u64>);
    let used = words.next()?.ok()?;
    let max = now.sysctls.integer("fs.file-max").and_then(|n| u64::try_from(n).ok())?;
    let thresholds = thresholds(limits, max);
    let severity = severity_above(used as f64, &thresholds)?;
    Some(Finding {
        severity,
        title: format!(
            "{} of {} files open on this host ({})",
            number(used),
            number(max),
            percent(used, max)
        ),
        facts: BTreeMap::from([("files", used as f64), ("files_max", max as f64)]),
        thresholds,
        evidence: vec![
            "fs.file-nr counts the whole host; root may open more than fs.file-max.".into(),
        ],
        why: "At fs.file-max every process but root's fails with ENFILE.".into(),
        next: vec![
            "cat /proc/sys/fs/file-nr".into(),
            "stat -c '%s %n' /proc/[0-9]*/fd | sort -rn | head".into(),
        ],
        remedies: vec![
            Remedy::Application(
                "find the processes with the most open files and see why they keep them".into(),
            ),
            Remedy::Setting {
                knob: "fs.file-max",
                wish: Wish::AtLeast(i64::try_from(max).unwrap_or(i64::MAX).saturating_mul(2)),
                because: "it bounds the open files of the whole host".into(),
            },
        ],
        subject: Subject::Host,
        ..Finding::new(&RULE, now)
    })
}
