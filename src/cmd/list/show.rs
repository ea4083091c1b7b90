//! Where the sockets of a dump go: through the filter, and into rows, a sort, or groups.

use std::rc::Rc;

use super::output::{Kept, Output, best};
use super::plan::Plan;
use crate::cmd::around::{attributes, name_interface};
use crate::collect::stream::Sink;
use crate::collect::workloads;
use crate::fields::{Row, Source, View};
use crate::model::holding::Holding;
use crate::model::owner::Provenance;
use crate::model::socket::Socket;
use crate::sys::System;
use crate::wire::attributes::Attributes;

/// The sink of one dump.
pub(super) struct Show<'a, 'o> {
    plan: &'a Plan,
    system: &'a dyn System,
    output: &'a mut Output<'o>,
    view: View,
    kept: Vec<Kept>,
    attributes: bool,
    workloads: bool,
}

impl<'a, 'o> Show<'a, 'o> {
    pub(super) fn new(
        plan: &'a Plan,
        system: &'a dyn System,
        output: &'a mut Output<'o>,
        view: View,
    ) -> Show<'a, 'o> {
        Show {
            plan,
            system,
            output,
            view,
            kept: Vec::new(),
            attributes: plan.needs_attributes(),
            workloads: plan.needs(Source::Processes),
        }
    }

    /// The attributes of a message, where anything is read from them.
    fn attributes<'p>(&self, socket: &Socket, payload: &'p [u8]) -> Attributes<'p> {
        attributes(self.attributes, self.view.holding.is_some(), socket, payload)
    }

    /// Ends the dump: what waits for its place in the order goes to the output with its surroundings.
    pub(super) fn finish(self) {
        let view = Rc::new(self.view);
        self.output.keep(self.plan, self.kept, &view);
    }

    /// What the filter says; `None` is not known.
    fn verdict(&self, socket: &Socket, payload: &[u8]) -> Option<bool> {
        let attributes = self.attributes(socket, payload);
        if !self.plan.fits_family(socket, &attributes) {
            return Some(false);
        }
        if self.plan.expr.is_true() {
            return Some(true);
        }
        self.plan.expr.holds(&Row { socket, attributes: &attributes, view: &self.view })
    }
}

impl Sink for Show<'_, '_> {
    fn may_show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        name_interface(&mut self.view, socket, self.system);
        self.verdict(socket, payload) != Some(false)
    }

    fn without_netlink(&mut self) {
        self.view.queue_limits = false;
    }

    fn owners(&mut self, holding: Holding) {
        if self.workloads {
            let found = workloads::of(self.system, holding.processes.keys().copied());
            self.view.workloads = found.into();
        }
        self.view.holding = Some(holding);
    }

    fn show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        match self.verdict(socket, payload) {
            Some(true) => {}
            Some(false) => return true,
            None => {
                self.output.unknown += 1;
                return true;
            }
        }
        if !self.plan.sort.is_empty() {
            self.kept.push(Kept { socket: *socket, payload: payload.into() });
            // With a limit only the best so far are held.
            let most = self.plan.limit.map(|limit| limit.saturating_mul(2).saturating_add(1024));
            if most.is_some_and(|most| self.kept.len() >= most) {
                best(self.plan, &mut self.kept, &self.view);
            }
            return true;
        }
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        self.output.write(self.plan, &row)
    }

    fn provenance(&self, socket: &Socket, payload: &[u8]) -> Option<Provenance> {
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        row.holders().map(|(_, provenance)| provenance)
    }
}
