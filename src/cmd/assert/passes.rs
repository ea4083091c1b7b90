//! How the sockets are gone through for many assertions: as few dumps as may be, each asking the kernel for no more than is needed.

use crate::assertions::Measure;
use crate::assertions::tally::Tally;
use crate::cmd::around::{Around, attributes, name_interface, view_of};
use crate::collect::owners::Method;
use crate::collect::stream::{Asked, Sink, stream};
use crate::collect::{surroundings, workloads};
use crate::error::Error;
use crate::fields::{Field, Row, Source, View, lookup};
use crate::filter::expr::{Expr, Predicate};
use crate::filter::push::push;
use crate::model::Snapshot;
use crate::model::before::Before;
use crate::model::coverage::{Coverage, Seen};
use crate::model::holding::Holding;
use crate::model::listener::Listeners;
use crate::model::owner::Provenance;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::sys::System;
use crate::wire::attributes::Attributes;
use crate::wire::request::{Condition, Request};

/// One dump and what is measured on it.
struct Pass {
    /// Which of the tallies.
    members: Vec<usize>,
    attributes: bool,
    owners: bool,
    /// Whether it matters what the owners belong to.
    workloads: bool,
}

/// Goes through the sockets for all tallies, those of a table that is there already where that is enough. What could not be seen is noted in the coverage of `snapshot`; gives for each tally why
/// sockets may be missing.
pub(super) fn go<'a>(
    tallies: &mut [Tally<'a>],
    table: Option<Table<'_>>,
    before: Option<&Before>,
    system: &dyn System,
    snapshot: &mut Snapshot,
) -> Result<Vec<Option<String>>, Error> {
    let filters: Vec<&'a Measure> = tallies.iter().map(Tally::measure).collect();
    let mut unseen = vec![None; tallies.len()];
    for pass in plan(&filters, table.is_some()) {
        let mut coverage = Coverage::default();
        let mut members = Vec::new();
        for (at, tally) in tallies.iter_mut().enumerate() {
            if pass.members.contains(&at) {
                members.push(tally);
            }
        }
        match table.filter(|table| table.tells(&pass)) {
            Some(table) => over(table, members, before, system, &mut coverage),
            None => one(&pass, members, before, system, snapshot, &mut coverage)?,
        }
        for at in &pass.members {
            let why = filters.get(*at).and_then(|m| missing(m, snapshot, &coverage));
            if let Some(place) = unseen.get_mut(*at) {
                *place = why;
            }
        }
        for s in coverage.sources() {
            snapshot.coverage.note(s.name, s.state, s.reason.clone(), s.hint.clone());
        }
    }
    Ok(unseen)
}

/// A table that was read already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// Whether the owners of all its sockets were looked for, and not only of some.
    pub(super) with_owners: bool,
}

impl Table<'_> {
    /// Whether it has all that a pass needs.
    fn tells(&self, pass: &Pass) -> bool {
        if pass.attributes || !pass.owners {
            return !pass.attributes;
        }
        // What waits to be accepted, and the subflows of MPTCP, are told apart by attributes.
        let plain = || !self.snapshot.sockets.iter().any(Socket::is_unaccepted);
        self.with_owners && self.snapshot.owners.is_some() && !pass.workloads && plain()
    }
}

/// Goes through a table that was read already.
fn over(
    table: Table<'_>,
    members: Vec<&mut Tally<'_>>,
    before: Option<&Before>,
    system: &dyn System,
    coverage: &mut Coverage,
) {
    let table = table.snapshot;
    let mut view = view_of(table, &Listeners::of(table));
    view.other_pid_namespace = surroundings::in_other_pid_namespace(system);
    let mut members = members;
    for socket in table.sockets.iter() {
        let row = Row { socket, attributes: &Attributes::NONE, view: &view };
        members.iter_mut().for_each(|t| t.add(&row, before));
    }
    let told = ["sock_diag", "proc_net_tcp", "owners"];
    for s in table.coverage.sources().iter().filter(|s| told.contains(&s.name)) {
        coverage.note(s.name, s.state, s.reason.clone(), s.hint.clone());
    }
}

/// Whether a filter asks for what only a dump of its own tells.
fn asks_the_kernel(measure: &Measure) -> bool {
    let mut found = false;
    if let Some(filter) = measure.filter() {
        filter.predicates(&mut |p| {
            found |= matches!(p, Predicate::Autobound | Predicate::Device(..));
        });
    }
    found
}

/// The fields that a measure reads.
fn fields(measure: &Measure) -> Vec<&'static Field> {
    let mut fields = Vec::new();
    if let Measure::Over(_, field, _) = measure {
        fields.push(*field);
    }
    if let Some(filter) = measure.filter() {
        filter.predicates(&mut |p| match p {
            Predicate::Compare(field, ..) | Predicate::Known(field) => fields.push(field),
            Predicate::Mark(..) => fields.extend(lookup("mark")),
            Predicate::Cgroup(..) => fields.extend(lookup("cgroup")),
            _ => {}
        });
    }
    fields
}

/// Sorts the measures into dumps: one for what the header tells, one with attributes, one with owners, one with both. What the header
/// tells is taken along where a dump brings every socket anyway.
fn plan(measures: &[&Measure], has_table: bool) -> Vec<Pass> {
    let mut passes: Vec<Pass> = Vec::new();
    for (at, measure) in measures.iter().enumerate() {
        let fields = fields(measure);
        let beside =
            |f: &&Field| !matches!(f.source, Source::Header | Source::Owners | Source::Processes);
        // The option of a bind, and the device of a socket, are asked for with a dump.
        let attributes = fields.iter().any(beside) || asks_the_kernel(measure);
        let owners = fields.iter().any(|f| matches!(f.source, Source::Owners | Source::Processes));
        let workloads = fields.iter().any(|f| f.source == Source::Processes);
        match passes.iter_mut().find(|p| (p.attributes, p.owners) == (attributes, owners)) {
            Some(pass) => {
                pass.members.push(at);
                pass.workloads |= workloads;
            }
            None => passes.push(Pass { members: vec![at], attributes, owners, workloads }),
        }
    }
    let brings_all = |pass: &Pass| {
        let pushed = push(&together(pass, measures));
        let many = pushed.states.has(State::Established) && pushed.states.has(State::TimeWait);
        pushed.program.is_none() && many
    };
    let plain = passes.iter().position(|p| !p.attributes && !p.owners);
    let host = passes.iter().position(|p| (p.attributes || p.owners) && brings_all(p));
    if let (Some(plain), Some(host), false) = (plain, host, has_table) {
        let members = passes.get(plain).map(|p| p.members.clone()).unwrap_or_default();
        if let Some(host) = passes.get_mut(host) {
            host.members.extend(members);
        }
        passes.remove(plain);
    }
    passes
}

/// What any of the members selects.
fn together(pass: &Pass, measures: &[&Measure]) -> Expr {
    let filters = pass.members.iter().filter_map(|at| measures.get(*at)?.filter());
    Expr::Or(filters.cloned().collect())
}

/// Why sockets may be missing from a dump; `None` if none can.
fn missing(measure: &Measure, snapshot: &Snapshot, coverage: &Coverage) -> Option<String> {
    if !coverage.table_is_whole() {
        return Some("the socket table could not be read whole".into());
    }
    // Counting everything counts what this kernel shows; naming the state asks for it.
    let filter = measure.filter()?;
    let bound = filter.names_states() && push(filter).states.has(State::BoundInactive);
    let only_all = push(filter).states == StateSet::ALL;
    if !bound || only_all {
        return None;
    }
    let told = coverage.get("sock_diag").is_some_and(|s| s.state <= Seen::Partial);
    let mut of_kernel = Snapshot { host: snapshot.host.clone(), ..Snapshot::default() };
    of_kernel.coverage = coverage.clone();
    crate::collect::note_bound_inactive(&mut of_kernel);
    match of_kernel.coverage.get("bound_inactive").and_then(|s| s.reason.clone()) {
        Some(reason) => Some(reason),
        None if !told => Some("bound sockets come by netlink only, which is refused here".into()),
        None => None,
    }
}

/// Goes through one dump.
fn one(
    pass: &Pass,
    members: Vec<&mut Tally<'_>>,
    before: Option<&Before>,
    system: &dyn System,
    snapshot: &Snapshot,
    coverage: &mut Coverage,
) -> Result<(), Error> {
    let measures: Vec<&Measure> = members.iter().map(|t| t.measure()).collect();
    let filters = measures.iter().filter_map(|m| m.filter());
    let all = Expr::Or(filters.cloned().collect());
    let pushed = push(&all);
    let fields: Vec<&'static Field> = measures.iter().flat_map(|m| fields(m)).collect();
    let extensions = fields.iter().fold(0, |bits, f| match f.source {
        Source::Attribute(more) => bits | more,
        _ => bits,
    });
    let request = Request {
        family: pushed.family,
        protocol: Protocol::Tcp,
        states: pushed.states,
        extensions,
        condition: pushed.program.map(Condition::Program),
    };
    if request.states.0 == 0 {
        coverage.seen("sock_diag");
        return Ok(());
    }
    let mut view = Around::read(&fields, false, system).view;
    view.netns = snapshot.netns.clone();
    let mut autobound = false;
    all.predicates(&mut |p| autobound |= *p == Predicate::Autobound);
    if autobound {
        view.explicit = surroundings::explicit(system, &request, coverage);
        view.ephemeral = surroundings::ephemeral(system);
    }
    let mut sink = Counting {
        system,
        tallies: members,
        view,
        before,
        attributes: pass.attributes,
        owners: pass.owners,
        interfaces: fields.iter().any(|f| f.source == Source::Interfaces),
        workloads: pass.workloads,
    };
    let owners = pass.owners.then_some(Method::Auto);
    let asked = Asked { request, owners, known: None, euid: snapshot.host.euid };
    stream(system, &asked, coverage, &mut sink)
        .map_err(|reason| Error { message: format!("owners cannot be read: {reason}"), hint: None })
}

/// Where the sockets of a dump go: to every tally.
struct Counting<'a, 't, 'm> {
    system: &'a dyn System,
    tallies: Vec<&'t mut Tally<'m>>,
    view: View,
    before: Option<&'a Before>,
    attributes: bool,
    owners: bool,
    interfaces: bool,
    workloads: bool,
}

impl Counting<'_, '_, '_> {
    /// The attributes of a message, where anything is read from them.
    fn attributes<'p>(&self, socket: &Socket, payload: &'p [u8]) -> Attributes<'p> {
        attributes(self.attributes, self.owners, socket, payload)
    }
}

impl Sink for Counting<'_, '_, '_> {
    fn may_show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        if !self.tallies.iter().any(|t| t.may_count(socket)) {
            return false;
        }
        if self.interfaces {
            name_interface(&mut self.view, socket, self.system);
        }
        if !self.owners {
            return true;
        }
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        self.tallies.iter().any(|t| t.may_match(&row))
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
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        let before = self.before;
        self.tallies.iter_mut().for_each(|t| t.add(&row, before));
        true
    }

    fn provenance(&self, socket: &Socket, payload: &[u8]) -> Option<Provenance> {
        let attributes = self.attributes(socket, payload);
        let row = Row { socket, attributes: &attributes, view: &self.view };
        row.holders().map(|(_, provenance)| provenance)
    }
}
