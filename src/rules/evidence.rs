//! What rules judge: the snapshot, what changed since an earlier look, and what several rules derive from them, computed once.

use std::cell::OnceCell;

use crate::model::Snapshot;
use crate::model::earlier::Since;
use crate::model::listener::Listeners;
use crate::model::ports::forecast::Change;
use crate::model::ports::{Pool, Ports};
use crate::model::socket::Socket;
use crate::model::survey::Survey;

/// What is derived from a snapshot and stays true while more of it is read.
#[derive(Debug, Default)]
pub struct Derived {
    survey: OnceCell<Survey>,
    listeners: OnceCell<Listeners>,
    ports: OnceCell<Option<Ports>>,
}

impl Derived {
    /// The rows worth a closer look, if any rule looked at them.
    pub fn survey(&mut self) -> &Survey {
        self.survey.get_or_init(Survey::default)
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
        Evidence::on(now, None, Derived::default())
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
        self.derived.survey.get_or_init(|| Survey::of(self.now))
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

    /// By how much a counter grew since the earlier look; `None` without one, or if the counter is not to be had in both.
    pub fn grew(&self, counter: &str) -> Option<u64> {
        self.since?.grew(self.now, counter)
    }
}
