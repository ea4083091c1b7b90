//! What is not counted socket by socket: counters, listeners, pools of ports, findings, named numbers.

use std::time::Duration;

use super::{Bench, Measured};
use crate::assertions::figure::Figure;
use crate::assertions::listening::{Listener, others};
use crate::assertions::reading::Reading;
use crate::assertions::{Assertion, Measure, Target};
use crate::cli::resolve::Settings;
use crate::cmd::look::Look;
use crate::collect::owners::Method;
use crate::collect::{self, ports};
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::destination::Destination;
use crate::model::earlier::{Earlier, Since, is_gauge};
use crate::model::endpoint::Addr;
use crate::model::ports::{EphemeralRange, Ports};
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::nearest::nearest;
use crate::rules::finding::{Finding, Severity};
use crate::rules::outcome::{Cause, Outcome};
use crate::rules::selection::Selection;
use crate::sys::System;

/// The counters of two moments.
pub(super) struct Counters {
    earlier: Option<Earlier>,
    now: Option<Snapshot>,
    since: Option<Since>,
}

/// The name of a counter as the tables have it: nstat leaves the dot out.
fn resolved<'a>(table: &'a Snapshot, typed: &str) -> Option<&'a str> {
    let names = || table.counters.0.keys().map(String::as_str);
    let plain = |name: &str| name.replace('.', "");
    names().find(|n| *n == typed).or_else(|| names().find(|n| plain(n) == typed))
}

/// Whether this kernel has every counter that is named; where none can be read, nobody can tell.
pub(in crate::cmd) fn known_counters(
    assertions: &[Assertion],
    system: &dyn System,
) -> Result<(), Error> {
    let mut table = None;
    for assertion in assertions {
        let (name, gauge_is_well) = match &assertion.measure {
            Measure::Rate(name) | Measure::Delta(name) => (name, false),
            Measure::Counter(name) => (name, true),
            _ => continue,
        };
        if table.is_none() {
            let read = collect::counted(system, None);
            table = Some(read?);
        }
        let Some(read) = table.as_ref().filter(|t| !t.counters.0.is_empty()) else { continue };
        let Some(found) = resolved(read, name) else {
            let words: Vec<String> = read.counters.0.keys().map(|n| n.replace('.', "")).collect();
            let near = nearest(&name.replace('.', ""), words.iter().map(String::as_str));
            let hint = near.map(|n| format!("did you mean {n}?"));
            return Err(Error::hinted(
                format!("{}: this kernel has no counter called '{name}'", assertion.name),
                hint.unwrap_or_else(|| "'nstat -az' lists them".into()),
            ));
        };
        if !gauge_is_well && is_gauge(found) {
            return Err(Error::hinted(
                format!("{}: {found} goes up and down, and has no rate", assertion.name),
                format!("write it as: counter({found})"),
            ));
        }
    }
    Ok(())
}

impl Counters {
    /// The first of two readings, where nothing else gives one, and how long to wait for the second.
    pub(super) fn first(
        assertions: &[Assertion],
        look: Option<&Look>,
        bench: &Bench<'_>,
    ) -> Result<(Counters, Duration), Error> {
        let rates = assertions.iter().any(|a| matches!(a.measure, Measure::Rate(_)));
        let given = bench.past.is_some() || look.is_some_and(|l| l.since.is_some());
        let mut counters = Counters { earlier: None, now: None, since: None };
        if rates && !given && bench.settings.from.is_none() {
            counters.earlier = Some(Earlier::of(&counted(bench)?));
            return Ok((counters, bench.sample));
        }
        Ok((counters, Duration::ZERO))
    }

    /// The next one.
    pub(super) fn next(
        &mut self,
        assertions: &[&Assertion],
        bench: &Bench<'_>,
    ) -> Result<(), Error> {
        let is_it = |a: &&Assertion| {
            matches!(a.measure, Measure::Rate(_) | Measure::Delta(_) | Measure::Counter(_))
        };
        if !assertions.iter().any(is_it) {
            return Ok(());
        }
        let now = counted(bench)?;
        let rates = assertions.iter().any(|a| matches!(a.measure, Measure::Rate(_)));
        let earlier = match bench.past {
            Some(past) => Some(past.earlier.clone()),
            None if rates => self.earlier.take(),
            None => None,
        };
        self.since = earlier.and_then(|e| Since::between(e, &now).ok());
        if rates && bench.past.is_none() {
            // The next attempt measures from here.
            self.earlier = Some(Earlier::of(&now));
        }
        self.now = Some(now);
        Ok(())
    }

    /// What one of them says.
    pub(super) fn reading(&self, measure: &Measure, look: Option<&Look>) -> Reading {
        let (Measure::Rate(name) | Measure::Delta(name) | Measure::Counter(name)) = measure else {
            return Reading::unknown("it is no counter");
        };
        let Some(now) = &self.now else { return Reading::unknown("counters were not read") };
        let Some(found) = resolved(now, name) else {
            return Reading::unknown(format!("the counter {name} could not be read"));
        };
        if matches!(measure, Measure::Counter(_)) {
            return match now.counters.get(found) {
                Some(value) => Reading::exact(value as f64),
                None => Reading::unknown(format!("the counter {name} could not be read")),
            };
        }
        // A look of just now had two readings so far apart as a rate should be; those of ours may lie before and behind it.
        let of_look = look.and_then(|l| Some((l.since.as_ref()?, &l.snapshot)));
        let pair = of_look.or(self.since.as_ref().map(|since| (since, now)));
        let Some((since, now)) = pair else {
            return Reading::unknown("a rate needs two looks, and this is one: --baseline CAPTURE");
        };
        match (since.grew(now, found), measure) {
            (Some(growth), Measure::Rate(_)) => Reading::exact(growth as f64 / since.seconds()),
            (Some(growth), _) => Reading::exact(growth as f64),
            (None, _) => Reading::unknown(format!(
                "{name} could not be compared: it is missing in one look, or went backwards"
            )),
        }
    }
}

fn counted(bench: &Bench<'_>) -> Result<Snapshot, Error> {
    collect::counted(bench.system, bench.settings.netns.as_deref()).map_err(Error::from)
}

/// Every listener, and whether all of them were seen.
pub(super) fn listeners(
    table: Option<&Snapshot>,
    system: &dyn System,
    snapshot: &mut Snapshot,
) -> (Vec<Listener>, bool) {
    if let Some(table) = table {
        return listeners_of(table);
    }
    let mut table = snapshot.surroundings();
    collect::add(system, StateSet::of(State::Listen), &mut table);
    for s in table.coverage.sources() {
        snapshot.coverage.note(s.name, s.state, s.reason.clone(), s.hint.clone());
    }
    listeners_of(&table)
}

fn listeners_of(table: &Snapshot) -> (Vec<Listener>, bool) {
    let told = table.has_netlink_facts();
    let of = |s: &Socket| Listener { socket: *s, v6only: told.then_some(s.v6only) };
    let all = table.sockets.iter().filter(|s| s.state == State::Listen);
    (all.map(of).collect(), table.coverage.table_is_whole())
}

/// Whether nobody listens anywhere else.
pub(super) fn only(listeners: &[Listener], whole: bool, ports: &[(u16, u16)]) -> Measured {
    let sockets: Vec<_> = others(listeners, ports).map(|l| l.socket).collect();
    let reading = match (sockets.is_empty(), whole) {
        (false, _) => Reading::flag(false),
        (true, true) => Reading::flag(true),
        (true, false) => Reading::between(0.0, 1.0, "the socket table could not be read whole"),
    };
    Measured { reading, selected: Some(sockets.len() as u64), sockets, values: Vec::new() }
}

/// The pools of ephemeral ports, as `tcpvet ports` counts them.
pub(super) fn pools(
    settings: &Settings,
    system: &dyn System,
    snapshot: &mut Snapshot,
) -> Result<(Snapshot, Option<Ports>), Error> {
    let read = ports::read(system, settings.netns.clone(), Some(Method::Auto), None);
    let mut table = read?;
    let count = |t: &Snapshot| Some(Ports::with(t, EphemeralRange::of(t)?, 0));
    let mut found = count(&table);
    if let Some(first) = &found
        && ports::refine(system, &mut table, first)
    {
        found = count(&table);
    }
    for s in table.coverage.sources() {
        snapshot.coverage.note(s.name, s.state, s.reason.clone(), s.hint.clone());
    }
    Ok((table, found))
}

/// How many more connections a destination can have, or the worst one.
pub(super) fn headroom(
    pools: Option<&(Snapshot, Option<Ports>)>,
    target: Option<&Target>,
) -> Reading {
    let Some((table, Some(ports))) = pools else {
        return Reading::unknown("the range of ephemeral ports could not be read");
    };
    if !table.coverage.table_is_whole() {
        return Reading::unknown("the socket table could not be read whole");
    }
    // Of binds /proc tells nothing, and each may hold a port.
    let blind = !table.has_netlink_facts();
    let empty = |target: Option<&Target>| {
        let peer_addr = target.map_or(Addr::v4([0; 4]), |t| t.addr);
        let any = if peer_addr.as_v4().is_some() { Addr::v4([0; 4]) } else { Addr([0; 16]) };
        let local_addr = target.and_then(|t| t.from).unwrap_or(any);
        let peer_port = target.and_then(|t| t.port).unwrap_or_default();
        ports.empty(table, Destination { local_addr, peer_addr, peer_port, interface: 0 })
    };
    let fits = |d: &Destination| {
        target.is_none_or(|t| {
            t.addr == d.peer_addr
                && t.port.is_none_or(|p| p == d.peer_port)
                && t.from.is_none_or(|f| f == d.local_addr)
        })
    };
    let mut found: Vec<_> = ports.pools.iter().filter(|p| fits(&p.destination)).cloned().collect();
    if found.is_empty() {
        found.push(empty(target));
    }
    let low = found.iter().map(crate::model::ports::Pool::headroom).min().unwrap_or_default();
    let high = found.iter().map(crate::model::ports::Pool::headroom_max).min().unwrap_or_default();
    if blind {
        return Reading::between(
            0.0,
            high.into(),
            "bound sockets come by netlink only, which is refused here",
        );
    }
    let why = "the kernel does not tell of every port in use whether another connection may have it ('tcpvet ports' says why)";
    Reading::between(low.into(), high.into(), why)
}

/// The worst finding of a rule, or of a family of rules.
pub(super) fn finding(look: Option<&Look>, word: &str) -> Reading {
    let mut selection = Selection::all();
    let Some(look) = look.filter(|_| selection.select([word]).is_ok()) else {
        return Reading::unknown("the rules were not judged");
    };
    let is_rule = crate::rules::find(word).is_ok();
    let level = |s: Severity| match s {
        Severity::Info => 1.0,
        Severity::Warning => 2.0,
        Severity::Critical => 3.0,
    };
    let told = look.report.findings.iter().flat_map(Finding::all);
    let told = told.filter(|f| selection.rules().any(|r| r.id == f.id));
    let worst = told.map(|f| level(f.severity)).fold(0.0, f64::max);
    let open: Vec<String> = look
        .report
        .outcomes
        .iter()
        .filter(|(rule, _)| selection.runs(rule))
        .filter_map(|(rule, outcome)| match outcome {
            Outcome::NotEvaluated(Cause::Unseen, why) => Some(format!("{}: {why}", rule.id)),
            // Of a family it is what this namespace does not have.
            Outcome::NotEvaluated(Cause::Elsewhere, why) if is_rule => {
                Some(format!("{}: {why}", rule.id))
            }
            // Whoever asks for a finding that rests on a rate is not answered by one look.
            outcome if *outcome == Outcome::needs_two() => {
                Some(format!("{} needs two looks, and this is one: --baseline CAPTURE", rule.id))
            }
            _ => None,
        })
        .collect();
    match (open.is_empty(), look.report.blind) {
        (true, None) => Reading::exact(worst),
        (true, Some(why)) => Reading::between(worst, 3.0, why),
        (false, _) => Reading::between(worst, 3.0, open.join("; ")),
    }
}

/// A named number.
pub(super) fn figure(look: Option<&Look>, figure: &Figure) -> Reading {
    let read = look.and_then(|l| l.figures.iter().find(|r| r.figure.name == figure.name));
    match read.and_then(|r| r.value.zip(r.other)) {
        Some((a, b)) => {
            let why = "the kernel does not tell of every port in use whether another connection may have it";
            Reading::between(a.min(b), a.max(b), why)
        }
        None => Reading::unknown(format!("{} could not be seen", figure.name)),
    }
}
