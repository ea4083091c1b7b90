//! What the finding says of a listener whose queue is full or was.

use super::who;
use crate::model::culprit::Culprit;
use crate::model::endpoint::place;
use crate::model::socket::Socket;
use crate::phrase::{count, join, number};
use crate::rules::Evidence;
use crate::rules::finding::{Remedy, Wish};

/// A listener, and what happened to it.
pub(super) struct Door<'a> {
    pub(super) listener: &'a Socket,
    pub(super) is_full: bool,
    /// What it refused between two looks.
    pub(super) refused: u64,
    /// Listeners that share the port and are full too, itself included.
    pub(super) full: usize,
}

impl Door<'_> {
    fn at(&self) -> String {
        place(self.listener.local_addr, self.listener.local_port)
    }

    pub(super) fn title(&self) -> String {
        let (queue, limit) = (self.listener.recv_queue, self.listener.send_queue);
        if self.is_full {
            format!(
                "{} waiting to be accepted on {} (limit {})",
                count(queue.into(), "connection", "connections"),
                self.at(),
                number(limit.into())
            )
        } else {
            format!(
                "{} refused on {} between two looks (limit {}, {} waiting now)",
                count(self.refused, "packet", "packets"),
                self.at(),
                number(limit.into()),
                number(queue.into())
            )
        }
    }

    pub(super) fn why(&self) -> &'static str {
        if self.is_full {
            "New connections to it are being dropped now; clients wait and retry without an error."
        } else {
            "Its queue was full for a while: clients that came then waited and retried without an error."
        }
    }

    pub(super) fn evidence(&self, evidence: &Evidence<'_>) -> Vec<String> {
        let now = evidence.now;
        let l = self.listener;
        let mut said = Vec::new();
        if self.full > 1 {
            said.push(format!(
                "{} listeners share this port, and all of these are full.",
                self.full
            ));
        }
        if let Some(since) = evidence.since {
            let refused = count(self.refused, "packet", "packets");
            let seconds = since.seconds();
            said.push(match since.then(l) {
                Some(then) if self.is_full && then.recv_queue >= then.send_queue => format!(
                    "It was full {seconds:.1} s before too, and refused {refused} since: nobody accepts, or far too slowly."
                ),
                _ => format!(
                    "It refused {refused} in the last {seconds:.1} s, retries of one client counted each time."
                ),
            });
        }
        let unaccepted = &evidence.survey().unaccepted;
        let mut waiting = evidence
            .sockets(unaccepted)
            .map(|(_, s)| s)
            .filter(|s| s.local_port == l.local_port)
            .peekable();
        if waiting.peek().is_some() {
            said.push(format!("In the queue wait {}.", who::machines(waiting)));
        }
        if let Some(drops) = now.detail(l).and_then(|d| d.drops) {
            said.push(format!(
                "This listener has refused {} since it was opened, retries of one client counted each time.",
                count(drops.into(), "packet", "packets")
            ));
        }
        match now.sysctls.integer("net.core.somaxconn") {
            Some(max) if max == i64::from(l.send_queue) => said.push(format!(
                "The limit equals net.core.somaxconn ({max}): the setting caps it, or the application asked for the same."
            )),
            Some(max) => said.push(format!(
                "The limit was set by listen(): the application asked for it, or net.core.somaxconn ({max} now) was lower then."
            )),
            None => {}
        }
        said
    }

    pub(super) fn remedies(&self, somaxconn: Option<i64>, owners: &[Culprit]) -> Vec<Remedy> {
        let names: Vec<String> = owners.iter().map(Culprit::name).collect();
        let mut remedies = vec![
            Remedy::Application(format!(
                "{}: accept faster; look for a blocked or overloaded accepting thread, or EMFILE",
                join(&names, 3)
            )),
            Remedy::Application("give listen() a backlog that covers a burst, and restart the listener: listen() reads both limits once".into()),
        ];
        let limit = i64::from(self.listener.send_queue);
        if somaxconn == Some(limit) {
            remedies.push(Remedy::Setting {
                knob: "net.core.somaxconn",
                wish: Wish::AtLeast(limit.saturating_mul(2).max(4096)),
                because: format!(
                    "it caps the backlog of {}; it counts at the next listen()",
                    self.at()
                ),
            });
        }
        remedies
    }
}
