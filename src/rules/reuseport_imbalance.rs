//! `reuseport-imbalance`: of several listeners that share a port one is left behind.

use std::collections::BTreeMap;

use super::family::Family;
use super::finding::{Finding, Remedy, Subject, Thresholds};
use super::limit::{Limit, Limits};
use super::outcome::Outcome;
use super::{Evidence, rule, who};
use crate::model::earlier::Depth;
use crate::model::endpoint::{Addr, place};
use crate::model::socket::Socket;
use crate::model::wants::Wants;
use crate::phrase::{count, number};

rule! {
    /// # What it does
    /// Finds listeners that share one address and port (SO_REUSEPORT) of which one's accept queue fills while the others' are nearly empty.
    ///
    /// # Why it matters
    /// The kernel chooses the listener by a hash of the addresses, not by who is idle: the clients that fall to a slow or dead worker wait, although
    /// the others have nothing to do.
    ///
    /// # How it is measured
    /// Recv-Q and Send-Q of each listener of the group. A worker that died with its descriptor inherited by another process keeps its share.
    ///
    /// # Thresholds
    /// `info`: share of the fullest one's limit from which it speaks. `others`: the share of the fullest queue that all others together may at most hold.
    ///
    /// # What can fool it
    /// Few clients fall unevenly by chance; the queue of a healthy worker is empty all the same.
    ///
    /// # What to do
    /// See what the holder of the full one does, or whether anybody accepts on it at all. Close the listeners of workers that end.
    ///
    /// # References
    /// net/core/sock_reuseport.c reuseport_select_sock, socket(7) SO_REUSEPORT
    RULE {
        id: "reuseport-imbalance",
        summary: "of listeners that share a port one is left behind",
        since: "0.1.0",
        family: Family::Listeners,
        worst: crate::rules::finding::Severity::Info,
        earlier: Depth::Nothing,
        excepts: true,
        limits: &[
            Limit { key: "info", default: 0.5, min: 0.05, max: 1.0, unit: "ratio of the accept queue's limit",
                doc: "Informs from this share of its limit waiting on one listener." },
            Limit { key: "others", default: 0.25, min: 0.0, max: 1.0, unit: "ratio of the fullest queue",
                doc: "Informs only if all others together hold at most this share of the fullest queue." },
        ],
        wants: wants,
        check: check,
    }
}

/// A queue of fewer says nothing.
const FEW: u32 = 4;

/// The listeners of one address and port, of which one is left behind.
fn uneven<'a>(evidence: &'a Evidence<'_>, limits: &Limits) -> Vec<(&'a Socket, Vec<&'a Socket>)> {
    let mut groups: BTreeMap<(Addr, u16, u32), Vec<&Socket>> = BTreeMap::new();
    for (_, l) in evidence.sockets(&evidence.survey().listen) {
        groups.entry((l.local_addr, l.local_port, l.interface)).or_default().push(l);
    }
    let mut found = Vec::new();
    for group in groups.into_values().filter(|g| g.len() > 1) {
        let Some(fullest) = group.iter().copied().max_by_key(|l| l.recv_queue) else { continue };
        let limits = limits.about(&[], Some(fullest.local_port));
        let others: u64 = group.iter().map(|l| u64::from(l.recv_queue)).sum::<u64>()
            - u64::from(fullest.recv_queue);
        let queue = f64::from(fullest.recv_queue);
        let fills = fullest.recv_queue >= FEW
            && queue >= f64::from(fullest.send_queue) * limits.get(&RULE, "info");
        if fills && others as f64 <= queue * limits.get(&RULE, "others") {
            found.push((fullest, group));
        }
    }
    found
}

fn wants(evidence: &Evidence<'_>, limits: &Limits) -> Wants {
    let groups = uneven(evidence, limits);
    let owners = groups.iter().flat_map(|(_, group)| group).map(|l| l.inode).collect();
    Wants { owners, ..Wants::default() }
}

fn check(evidence: &Evidence<'_>, limits: &Limits) -> Outcome {
    let now = evidence.now;
    if !now.has_netlink_facts() {
        return Outcome::unseen(
            "the limits of accept queues come by netlink only, which is refused here",
        );
    }
    let groups = uneven(evidence, limits);
    if groups.is_empty() {
        return Outcome::Clear("no listener is left behind by others on its port".into());
    }
    let finding = |(fullest, group): &(&Socket, Vec<&Socket>)| {
        let at = place(fullest.local_addr, fullest.local_port);
        let holders = who::holders(now, std::iter::once(*fullest));
        let owners = who::culprits(&holders);
        let rest = who::holders(now, group.iter().copied().filter(|l| l.cookie != fullest.cookie));
        let others: u64 = group.iter().map(|l| u64::from(l.recv_queue)).sum::<u64>()
            - u64::from(fullest.recv_queue);
        Finding {
            title: format!(
                "{} of {} wait on one of {} that share {at}, {} on the others",
                number(fullest.recv_queue.into()),
                number(fullest.send_queue.into()),
                count(group.len() as u64, "listener", "listeners"),
                number(others)
            ),
            facts: BTreeMap::from([
                ("accept_queue", f64::from(fullest.recv_queue)),
                ("accept_queue_limit", f64::from(fullest.send_queue)),
                ("others", others as f64),
                ("listeners", group.len() as f64),
            ]),
            thresholds: Thresholds {
                info: Some(f64::from(fullest.send_queue) * limits.get(&RULE, "info")),
                ..Thresholds::default()
            },
            evidence: vec![
                format!("The full one is held by {}.", who::names(&holders)),
                format!("The others are held by {}.", who::names(&rest)),
            ],
            why: "The kernel deals clients out by a hash of their addresses: those of the full one wait although the others are idle.".into(),
            next: vec![format!("ss -ltnpe 'sport = :{}'", fullest.local_port)],
            remedies: vec![Remedy::Application(format!(
                "{}: accept on every listener that is open, and close those of workers that ended",
                who::names(&holders)
            ))],
            subject: Subject::Listener {
                addr: fullest.local_addr,
                port: fullest.local_port,
                owners,
            },
            ..Finding::new(&RULE, now)
        }
    };
    Outcome::Fired(groups.iter().map(finding).collect())
}
