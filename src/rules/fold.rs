//! Findings that share a cause are one story: what follows from another finding is folded into it.

use super::finding::{Finding, Subject};
use crate::model::culprit::Culprit;

/// How a consequence belongs to its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Both are about the same process, listener, destination or address.
    SameSubject,
    /// The consequence is a listener's, the cause its process's.
    ListenerOf,
    /// The consequence is at the clients of the cause's listener, on the same host.
    ClientsOf,
    /// Any of the namespace.
    Anywhere,
}

/// Cause, consequence, and what ties them; the ends of chains stand first, so that they are carried along.
const FOLDS: &[(&str, &str, Link)] = &[
    ("connect-search-cliff", "connection-churn", Link::SameSubject),
    ("time-wait-buildup", "connect-search-cliff", Link::SameSubject),
    ("time-wait-buildup", "connection-churn", Link::SameSubject),
    ("ephemeral-port-exhaustion", "time-wait-buildup", Link::SameSubject),
    ("ephemeral-port-exhaustion", "connect-search-cliff", Link::SameSubject),
    ("ephemeral-port-exhaustion", "connection-churn", Link::SameSubject),
    ("path-mtu-black-hole", "dead-peer", Link::SameSubject),
    ("accept-queue-full", "backlog-capped", Link::SameSubject),
    ("accept-queue-full", "syn-queue-pressure", Link::SameSubject),
    ("accept-queue-full", "reuseport-imbalance", Link::SameSubject),
    ("accept-queue-full", "close-wait-leak", Link::SameSubject),
    ("accept-queue-full", "syn-sent-stuck", Link::ClientsOf),
    ("time-wait-bucket-overflow", "time-wait-buildup", Link::SameSubject),
    ("receive-queue-stuck", "send-queue-stuck", Link::SameSubject),
    ("descriptor-limit", "accept-queue-full", Link::ListenerOf),
    ("close-wait-leak", "fin-wait2-orphans", Link::SameSubject),
    ("close-wait-leak", "unhashed-sockets", Link::SameSubject),
    ("close-wait-leak", "descriptor-limit", Link::SameSubject),
    ("unhashed-sockets", "descriptor-limit", Link::SameSubject),
    ("syn-flood", "syn-queue-pressure", Link::SameSubject),
    ("tcp-memory-pressure", "receive-queue-stuck", Link::Anywhere),
];

/// Moves consequences into their causes. A cause is as bad as the worst that follows from it.
pub(super) fn fold(mut findings: Vec<Finding>) -> Vec<Finding> {
    for (cause, consequence, link) in FOLDS {
        let mut kept = Vec::with_capacity(findings.len());
        let (mut causes, others): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|f| f.id == *cause);
        for mut finding in others {
            let tied = |c: &&mut Finding| finding.id == *consequence && belongs(*link, c, &finding);
            match causes.iter_mut().find(tied) {
                Some(into) => {
                    into.severity = into.severity.max(finding.severity);
                    let carried = std::mem::take(&mut finding.folded);
                    into.folded.push(finding);
                    into.folded.extend(carried);
                }
                None => kept.push(finding),
            }
        }
        kept.append(&mut causes);
        findings = kept;
    }
    for finding in &mut findings {
        finding.folded.sort_by_cached_key(|f| (std::cmp::Reverse(f.severity), f.id, f.key()));
    }
    findings
}

fn belongs(link: Link, cause: &Finding, consequence: &Finding) -> bool {
    let same_netns = cause.netns == consequence.netns;
    same_netns
        && match link {
            Link::Anywhere => true,
            Link::ListenerOf => {
                let pids = |c: &Culprit| c.pid;
                let held: Vec<_> = consequence.subject.culprits().iter().filter_map(pids).collect();
                let by = cause.subject.culprits().iter().filter_map(pids);
                matches!(consequence.subject, Subject::Listener { .. })
                    && by.into_iter().any(|pid| held.contains(&pid))
            }
            Link::ClientsOf => match (&cause.subject, &consequence.subject) {
                (
                    Subject::Listener { addr, port, .. },
                    Subject::Peer { addr: to, port: at, .. },
                ) => port == at && (addr == to || addr.is_wildcard() && to.is_loopback()),
                _ => false,
            },
            Link::SameSubject => same(&cause.subject, &consequence.subject),
        }
}

/// Whether two subjects are one, whoever else is named beside them.
fn same(a: &Subject, b: &Subject) -> bool {
    match (a, b) {
        (Subject::Process(a), Subject::Process(b)) => a.pid.is_some() && a.pid == b.pid,
        (
            Subject::Listener { addr: a, port: p, .. },
            Subject::Listener { addr: b, port: q, .. },
        ) => (a, p) == (b, q),
        (
            Subject::Destination { destination: a, .. },
            Subject::Destination { destination: b, .. },
        ) => a == b,
        (Subject::Address { addr: a, .. }, Subject::Address { addr: b, .. }) => a == b,
        (Subject::Peer { addr: a, port: p, .. }, Subject::Peer { addr: b, port: q, .. }) => {
            (a, p) == (b, q)
        }
        (Subject::Setting(a), Subject::Setting(b)) => a == b,
        (Subject::Namespace, Subject::Namespace) | (Subject::Host, Subject::Host) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::model::endpoint::Addr;
    use crate::model::owner::Provenance;
    use crate::model::testing::fresh;

    fn who(pid: u32) -> Culprit {
        Culprit { pid: Some(pid), process: None, provenance: Provenance::Exact }
    }

    fn finding(id: &'static str, severity: Severity, subject: Subject) -> Finding {
        let rule = super::super::find(id).unwrap();
        Finding { severity, subject, ..Finding::new(rule, &fresh()) }
    }

    #[test]
    fn a_leak_that_fills_the_descriptors_and_stops_accept_is_one_story() {
        let queue = Subject::Listener { addr: Addr::v4([0; 4]), port: 80, owners: vec![who(7)] };
        let told = fold(vec![
            finding("accept-queue-full", Severity::Warning, queue.clone()),
            finding("close-wait-leak", Severity::Warning, Subject::Process(who(7))),
            finding("descriptor-limit", Severity::Critical, Subject::Process(who(7))),
            finding("descriptor-limit", Severity::Warning, Subject::Process(who(8))),
        ]);
        let mut ids: Vec<_> = told.iter().map(|f| (f.id, f.severity, f.folded.len())).collect();
        ids.sort_unstable();
        assert_eq!(
            ids,
            [
                ("close-wait-leak", Severity::Critical, 2),
                ("descriptor-limit", Severity::Warning, 0)
            ]
        );
        let leak = told.iter().find(|f| f.id == "close-wait-leak").unwrap();
        let folded: Vec<_> = leak.folded.iter().map(|f| f.id).collect();
        assert_eq!(folded, ["descriptor-limit", "accept-queue-full"]);
    }

    #[test]
    fn other_subjects_stay_apart() {
        let listener =
            |port| Subject::Listener { addr: Addr::v4([0; 4]), port, owners: Vec::new() };
        let told = fold(vec![
            finding("accept-queue-full", Severity::Warning, listener(80)),
            finding("close-wait-leak", Severity::Warning, listener(81)),
        ]);
        assert_eq!(told.len(), 2);
    }
}
