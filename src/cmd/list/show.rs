//! Where the sockets of a dump go: through the filter, and into rows, a sort, or groups.

use std::cmp::Ordering;
use std::io::{self, Write};

use super::plan::Plan;
use crate::collect::stream::Sink;
use crate::collect::surroundings;
use crate::fields::{Row, Source, View};
use crate::model::holding::Holding;
use crate::model::owner::Provenance;
use crate::model::socket::Socket;
use crate::model::text::Text;
use crate::render::list::Writer;
use crate::render::list::groups::Groups;
use crate::sys::System;
use crate::wire::attributes::Attributes;

/// Output is handed on in pieces of this size.
const PIECE: usize = 64 * 1024;

/// What every namespace and protocol of a run shares.
pub(super) struct Output<'a> {
    pub(super) writer: Box<dyn Writer>,
    pub(super) groups: Option<Groups>,
    pub(super) bytes: Vec<u8>,
    pub(super) out: &'a mut dyn Write,
    pub(super) failure: Option<io::Error>,
    /// Rows written.
    pub(super) rows: usize,
    /// Sockets that an unknown value kept out.
    pub(super) unknown: usize,
}

impl Output<'_> {
    /// Hands on what was written, if it is much or `all` of it must go; false if nobody reads it.
    pub(super) fn flush(&mut self, all: bool) -> bool {
        if self.failure.is_none() && (all || self.bytes.len() >= PIECE) && !self.bytes.is_empty() {
            self.failure = self.out.write_all(&self.bytes).err();
            self.bytes.clear();
        }
        self.failure.is_none()
    }
}

/// A socket that waits for its place in the order.
struct Kept {
    socket: Socket,
    payload: Box<[u8]>,
}

/// The sink of one dump.
pub(super) struct Show<'a, 'o> {
    plan: &'a Plan,
    system: &'a dyn System,
    output: &'a mut Output<'o>,
    view: View,
    kept: Vec<Kept>,
    attributes: bool,
    interfaces: bool,
    containers: bool,
    sorts: bool,
}

impl<'a, 'o> Show<'a, 'o> {
    pub(super) fn new(
        plan: &'a Plan,
        system: &'a dyn System,
        output: &'a mut Output<'o>,
        view: View,
    ) -> Show<'a, 'o> {
        let fields = plan.fields();
        let needs = |source: Source| fields.iter().any(|f| f.source == source);
        let attributes =
            fields.iter().any(|f| matches!(f.source, Source::Attribute(_) | Source::Cgroups));
        Show {
            plan,
            system,
            output,
            view,
            kept: Vec::new(),
            attributes,
            interfaces: needs(Source::Interfaces),
            containers: needs(Source::Processes),
            sorts: !plan.sort.is_empty(),
        }
    }

    /// The attributes of a message, where anything is read from them; whether a connection without an inode is a subflow is.
    fn attributes<'p>(&self, socket: &Socket, payload: &'p [u8]) -> Attributes<'p> {
        match self.attributes || self.view.holding.is_some() && socket.inode == 0 {
            true => Attributes::of(payload),
            false => Attributes::NONE,
        }
    }

    fn emit(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        if self.interfaces
            && socket.interface != 0
            && !self.view.interfaces.contains_key(&socket.interface)
        {
            let name = self.system.interface_name(socket.interface);
            let name = name.unwrap_or_else(|| format!("if{}", socket.interface).into_bytes());
            self.view.interfaces.insert(socket.interface, Text::new(&name));
        }
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        match &mut self.output.groups {
            Some(groups) => groups.add(&row),
            None => {
                self.output.writer.row(&row, &mut self.output.bytes);
                self.output.rows += 1;
            }
        }
        // The first rows go out at once.
        let first = self.output.rows.is_power_of_two();
        let enough = self.output.groups.is_none()
            && self.plan.limit.is_some_and(|limit| self.output.rows >= limit);
        self.output.flush(first) && !enough
    }

    fn order(&self, a: &Kept, b: &Kept) -> Ordering {
        let (left, right) = (Attributes::of(&a.payload), Attributes::of(&b.payload));
        let left = Row { socket: &a.socket, attributes: &left, view: &self.view };
        let right = Row { socket: &b.socket, attributes: &right, view: &self.view };
        for field in &self.plan.sort {
            let (x, y) = ((field.get)(&left), (field.get)(&right));
            let order = match self.plan.reverse && !x.is_none() && !y.is_none() {
                true => y.order(&x),
                false => x.order(&y),
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    fn sort(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by(|a, b| self.order(a, b));
        if let Some(limit) = self.plan.limit {
            kept.truncate(limit);
        }
        self.kept = kept;
    }

    /// Writes what waited for its place.
    pub(super) fn finish(mut self) {
        if self.sorts {
            self.sort();
            let kept = std::mem::take(&mut self.kept);
            for one in &kept {
                if !self.emit(&one.socket, &one.payload) {
                    break;
                }
            }
        }
    }

    /// What the filter says; `None` is not known.
    fn verdict(&self, socket: &Socket, payload: &[u8]) -> Option<bool> {
        if self.plan.expr.is_true() {
            return Some(true);
        }
        let attributes = self.attributes(socket, payload);
        self.plan.expr.holds(&Row { socket, attributes: &attributes, view: &self.view })
    }
}

impl Sink for Show<'_, '_> {
    fn may_show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        self.verdict(socket, payload) != Some(false)
    }

    fn without_netlink(&mut self) {
        self.view.queue_limits = false;
    }

    fn owners(&mut self, holding: Holding) {
        if self.containers {
            self.view.containers = surroundings::containers(self.system, &holding.processes);
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
        if !self.sorts {
            return self.emit(socket, payload);
        }
        self.kept.push(Kept { socket: *socket, payload: payload.into() });
        // With a limit only the best so far are held.
        if self.plan.limit.is_some_and(|limit| self.kept.len() >= 2 * limit + 1024) {
            self.sort();
        }
        true
    }

    fn provenance(&self, socket: &Socket, payload: &[u8]) -> Option<Provenance> {
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        row.holders().map(|(_, provenance)| provenance)
    }
}
