//! What every namespace and protocol of a run shares: the rows as they go out, and those that wait for their place in the order.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::rc::Rc;

use super::plan::Plan;
use crate::fields::{Row, View};
use crate::model::socket::Socket;
use crate::render::list::Writer;
use crate::render::list::groups::Groups;
use crate::wire::attributes::Attributes;

/// Output is handed on in pieces of this size.
const PIECE: usize = 64 * 1024;

/// A socket that waits for its place in the order.
pub(super) struct Kept {
    pub(super) socket: Socket,
    pub(super) payload: Box<[u8]>,
}

/// The output of a run.
pub(super) struct Output<'a> {
    pub(super) writer: Box<dyn Writer>,
    pub(super) groups: Option<Groups>,
    pub(super) bytes: Vec<u8>,
    pub(super) out: &'a mut dyn Write,
    pub(super) failure: Option<io::Error>,
    /// Rows written.
    rows: usize,
    /// Sockets that an unknown value kept out.
    pub(super) unknown: usize,
    kept: Vec<(Rc<View>, Kept)>,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        writer: Box<dyn Writer>,
        groups: Option<Groups>,
        out: &'a mut dyn Write,
    ) -> Output<'a> {
        Output {
            writer,
            groups,
            bytes: Vec::new(),
            out,
            failure: None,
            rows: 0,
            unknown: 0,
            kept: Vec::new(),
        }
    }

    /// Whether nothing more is wanted: the limit is reached, or nobody reads.
    pub(super) fn is_done(&self, plan: &Plan) -> bool {
        self.failure.is_some()
            || self.groups.is_none() && plan.limit.is_some_and(|limit| self.rows >= limit)
    }

    /// Writes a row or counts it into its group; false if nothing more is wanted.
    pub(super) fn write(&mut self, plan: &Plan, row: &Row<'_>) -> bool {
        if self.is_done(plan) {
            return false;
        }
        match &mut self.groups {
            Some(groups) => groups.add(row),
            None => {
                self.writer.row(row, &mut self.bytes);
                self.rows += 1;
            }
        }
        // The first rows go out at once.
        let first = self.rows.is_power_of_two() && self.rows < 1024;
        self.flush(first);
        !self.is_done(plan)
    }

    /// Hands on what was written, if it is much or `all` of it must go.
    pub(super) fn flush(&mut self, all: bool) {
        if self.failure.is_none() && (all || self.bytes.len() >= PIECE) && !self.bytes.is_empty() {
            self.failure = self.out.write_all(&self.bytes).err();
            self.bytes.clear();
        }
    }

    /// Takes over what waits for its place.
    pub(super) fn keep(&mut self, plan: &Plan, kept: Vec<Kept>, view: &Rc<View>) {
        self.kept.extend(kept.into_iter().map(|one| (Rc::clone(view), one)));
        if plan.limit.is_some() {
            self.sort(plan);
        }
    }

    fn sort(&mut self, plan: &Plan) {
        self.kept.sort_by(|(v, a), (w, b)| order(plan, (v, a), (w, b)));
        self.kept.truncate(plan.limit.unwrap_or(usize::MAX));
    }

    /// Writes what waited for its place.
    pub(super) fn write_sorted(&mut self, plan: &Plan) {
        self.sort(plan);
        for (view, one) in std::mem::take(&mut self.kept) {
            let attributes = Attributes::of(&one.payload);
            let row = Row { socket: &one.socket, attributes: &attributes, view: &view };
            if !self.write(plan, &row) {
                break;
            }
        }
    }
}

/// Keeps the first of `kept` in the order, as many as are wanted.
pub(super) fn best(plan: &Plan, kept: &mut Vec<Kept>, view: &View) {
    kept.sort_by(|a, b| order(plan, (view, a), (view, b)));
    kept.truncate(plan.limit.unwrap_or(usize::MAX));
}

/// The order of two sockets; what is unknown stands last, whichever way the order goes.
fn order(plan: &Plan, (view, a): (&View, &Kept), (other, b): (&View, &Kept)) -> Ordering {
    let (left, right) = (Attributes::of(&a.payload), Attributes::of(&b.payload));
    let left = Row { socket: &a.socket, attributes: &left, view };
    let right = Row { socket: &b.socket, attributes: &right, view: other };
    for field in &plan.sort {
        let (x, y) = ((field.get)(&left), (field.get)(&right));
        let order = match plan.reverse && !x.is_none() && !y.is_none() {
            true => y.order(&x),
            false => x.order(&y),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}
