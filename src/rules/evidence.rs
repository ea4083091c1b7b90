//! What rules judge: the snapshot, what changed since an earlier look, and what several rules derive from them, computed once.

use std::cell::OnceCell;

use super::outcome::{Cause, Outcome};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::earlier::Since;
use crate::model::listener::Listeners;
use crate::model::ports::forecast::Change;
use crate::model::ports::{Pool, Ports};
use crate::model::socket::Socket;
use crate::model::survey::Survey;

/// What is derived from a snapshot and stays true while more of it is read.
#[derive(Debug)]
pub struct Derived {
    survey: Survey,
    listeners: OnceCell<Listeners>,
    ports: OnceCell<Option<Ports>>,
}

impl Derived {
    /// What is derived from a snapshot at once; the rest follows when it is asked for.
    pub fn of(snapshot: &Snapshot) -> Derived {
        Derived { survey: Survey::of(snapshot), listeners: OnceCell::new(), ports: OnceCell::new() }
    }

    /// The rows worth a closer look.
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// What was read since tells more of the pools: they are counted anew.
    pub fn forget_ports(&mut self) {
        self.ports = OnceCell::new();
    }
}

/// What a rule judges.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The snapshot.
    pub now: &'a Snapshot,
    /// What changed since an earlier look; `None` for a single look.
    pub since: Option<&'a Since>,
    derived: Derived,
}

impl<'a> Evidence<'a> {
    /// Wraps a snapshot.
    pub fn new(now: &'a Snapshot) -> Evidence<'a> {
        Evidence::on(now, None, Derived::of(now))
    }

    /// The same, with an earlier look to compare with, and what is derived already.
    pub fn on(now: &'a Snapshot, since: Option<&'a Since>, derived: Derived) -> Evidence<'a> {
        Evidence { now, since, derived }
    }

    /// What was derived, for when more has been read.
    pub fn into_derived(self) -> Derived {
        self.derived
    }

    /// The rows worth a closer look.
    pub fn survey(&self) -> &Survey {
        &self.derived.survey
    }

    /// Some of those rows, with their sockets.
    pub fn sockets<'b>(
        &'b self,
        rows: &'b [u32],
    ) -> impl Iterator<Item = (u32, &'b Socket)> + Clone {
        Survey::sockets(self.now, rows)
    }

    /// The listeners.
    pub fn listeners(&self) -> &Listeners {
        self.derived.listeners.get_or_init(|| {
            Listeners::among(self.sockets(&self.survey().listen).map(|(_, socket)| socket))
        })
    }

    /// What happened to a pool since the earlier look; `None` without one, and for a pool that was not busy then.
    pub fn change(&self, pool: &Pool) -> Option<Change> {
        let since = self.since?;
        let then = since.ports()?.pools.iter().find(|p| p.destination == pool.destination)?;
        Some(Change::between(then, pool, since.elapsed_ms))
    }

    /// The pools of ephemeral ports; `None` if the port range could not be read.
    pub fn ports(&self) -> Option<&Ports> {
        self.derived.ports.get_or_init(|| Ports::busy(self.now)).as_ref()
    }

    /// Whether asking for details went wrong. Where it did not, a socket without details is gone, and what is gone is not stuck.
    pub fn details_are_missing(&self) -> bool {
        let source = self.now.coverage.get("sock_diag_details");
        source.is_some_and(|s| s.state > Seen::Absent)
    }

    /// The outcome where a sysctl is missing: absent if this kernel or namespace does not have it, and then `why`; else not seen.
    pub fn without(&self, sysctl: &str, why: &str) -> Outcome {
        match self.now.sysctls.missing(sysctl) {
            None | Some(Seen::Absent) => Outcome::absent(why),
            Some(_) => Outcome::unseen(format!("{sysctl} could not be read")),
        }
    }

    /// The outcome where a sysctl is missing that the initial namespace has for all of them.
    pub fn without_the_hosts(&self, sysctl: &str) -> Outcome {
        match self.without(sysctl, "") {
            Outcome::NotEvaluated(Cause::Absent, _) => {
                let why = format!("{sysctl} is told in the initial namespace only");
                Outcome::NotEvaluated(Cause::Elsewhere, why)
            }
            other => other,
        }
    }

    /// By how much a counter grew since the earlier look; `None` without one, or if the counter is not to be had in both.
    pub fn grew(&self, counter: &str) -> Option<u64> {
        self.since?.grew(self.now, counter)
    }
}
