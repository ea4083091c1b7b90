//! `tcpvet ports`: how many connections are left, to whom, for how long.

mod select;

use std::collections::HashMap;
use std::time::Duration;

use super::everywhere::all_netns;
use super::{Done, method, report_status};
use crate::cli::resolve::Settings;
use crate::cli::{Format, PortsArgs};
use crate::collect::is_empty;
use crate::collect::{begin, ports as collect};
use crate::error::Error;
use crate::exit;
use crate::model::Snapshot;
use crate::model::coverage::Coverage;
use crate::model::destination::Destination;
use crate::model::ports::forecast::Change;
use crate::model::ports::what_if::WhatIf;
use crate::model::ports::{Pool, Ports};
use crate::render::document::ports::{Part, PortsDocument, Scope, part, unknown};
use crate::render::{human, json, ports as rows};
use crate::sys::System;
pub(super) use select::Selection;

/// Destinations that a person is shown unless --limit says otherwise.
const SHOWN: usize = 20;

pub(super) fn run(
    args: &PortsArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    if let Some(port) = args.port {
        if matches!(settings.format, Format::Plain | Format::Csv) {
            return Err(Error::hinted(
                "who holds a port is told in no rows",
                "use --format human or --format json",
            ));
        }
        return super::port::run(port, args, settings, system);
    }
    // Everything typed is read before anything is measured.
    let what_if = args.what_if.as_deref().map(WhatIf::parse).transpose()?;
    let selection = Selection::new(args, system)?;
    let supposed = what_if.clone().unwrap_or_default();
    let limit = args.limit.or((settings.format == Format::Human).then_some(SHOWN));
    let limit = if args.bind { 0 } else { limit.filter(|n| *n > 0).unwrap_or(usize::MAX) };
    let mut all = Part::default();
    let mut found = 0;
    let mut whole: Option<Snapshot> = None;
    let mut look = |system: &dyn System, name: Option<&str>| -> Result<(), Error> {
        let netns = name.map(String::from).or_else(|| settings.netns.clone());
        let plan = Look { args, selection: &selection, what_if: &supposed, limit };
        let (snapshot, pools, one) = namespace(&plan, system, netns)?;
        found += pools;
        all.add(one);
        match &mut whole {
            None if args.all_netns => {
                let mut coverage = Coverage::default();
                coverage.merge(&snapshot.coverage, &snapshot.netns);
                whole = Some(Snapshot { coverage, ..snapshot });
            }
            None => whole = Some(snapshot),
            Some(first) => first.coverage.merge(&snapshot.coverage, &snapshot.netns),
        }
        Ok(())
    };
    if args.all_netns {
        let mut coverage = Coverage::default();
        let mut first = true;
        all_netns(system, &mut coverage, &mut |space, inside, _| {
            if first || !is_empty(inside) {
                look(inside, Some(space.typed.as_str()))?;
            }
            first = false;
            Ok(true)
        })?;
        if let Some(first) = &mut whole {
            for s in coverage.sources() {
                first.coverage.note(s.name, s.state, s.reason.clone(), s.hint.clone());
            }
        }
    } else {
        look(system, None)?;
    }
    let snapshot = match whole {
        Some(snapshot) => snapshot,
        None => begin(system, None)?,
    };
    all.sort();
    all.destinations.truncate(limit);
    let sampled = args.sample.map(|d| u32::try_from(d.as_millis()).unwrap_or(u32::MAX));
    let document = PortsDocument::new(&snapshot, all, what_if.as_ref(), sampled);
    let output = match settings.format {
        Format::Json => json::pretty(&document),
        Format::Csv => rows::render(&document, args.bind, !args.no_header, rows::Dialect::Csv),
        Format::Plain => rows::render(&document, args.bind, !args.no_header, rows::Dialect::Plain),
        Format::Human | Format::Jsonl | Format::Verdict(_) => {
            let origin = human::origin(&snapshot, settings.from.is_some());
            let shape = human::ports::Shape {
                header: !args.no_header,
                found,
                bind_only: args.bind,
                details: !args.to.is_empty()
                    || args.source.is_some()
                    || what_if.is_some()
                    || args.sample.is_some(),
                quiet: settings.quiet,
                style: settings.style,
            };
            (origin + &human::ports::render(&snapshot, &document, &shape)).into_bytes()
        }
    };
    // Without the range nothing was told of ports.
    let is_told = document.namespaces.iter().all(|n| n.range.is_some());
    let status = report_status(&snapshot, None, settings);
    let status = if status == exit::OK && !is_told { exit::UNKNOWN } else { status };
    Ok(Done { output, notes: Vec::new(), status })
}

/// What is looked for in each namespace.
struct Look<'a> {
    args: &'a PortsArgs,
    selection: &'a Selection,
    what_if: &'a WhatIf,
    /// Most destinations that will be shown.
    limit: usize,
}

/// One namespace, looked at once, or twice where a time between is given: its head, how many destinations were selected, and those
/// that may be shown.
fn namespace(
    look: &Look<'_>,
    system: &dyn System,
    netns: Option<String>,
) -> Result<(Snapshot, usize, Part), Error> {
    let Look { args, selection, what_if, limit } = *look;
    let before = match args.sample {
        None => None,
        Some(time) => {
            let (snapshot, ports) = read(args, what_if, system, netns.clone(), true)?;
            system.pause(time)?;
            ports.map(|p| (snapshot.time_ms, p))
        }
    };
    let (snapshot, ports) = read(args, what_if, system, netns, false)?;
    let Some(ports) = ports else {
        let part = unknown(&snapshot);
        return Ok((snapshot, 0, part));
    };
    let unconnected = selection.unconnected(&ports);
    let empty: Vec<Pool> = unconnected.into_iter().map(|d| ports.empty(&snapshot, d)).collect();
    let mut pools: Vec<&Pool> = empty.iter().chain(selection.pools(&snapshot, &ports)).collect();
    let found = pools.len();
    pools.truncate(limit);
    let changes = changes(before.as_ref(), &snapshot, &pools, args.sample);
    let scope = Scope { ports: &ports, pools, changes, what_if, from: selection.from };
    let part = part(&snapshot, &scope);
    Ok((snapshot, found, part))
}

/// The table and the arithmetic over it; `brief` without owners, for a look that is only compared with.
fn read(
    args: &PortsArgs,
    what_if: &WhatIf,
    system: &dyn System,
    netns: Option<String>,
    brief: bool,
) -> Result<(Snapshot, Option<Ports>), Error> {
    let how = method(args.owners).filter(|_| !brief);
    let mut snapshot = collect::read(system, netns, how, what_if.range)
        .map_err(|e| Error::hinted(e.to_string(), "leave --owners out, or use --owners proc"))?;
    let real = snapshot.sysctls.range("net.ipv4.ip_local_port_range");
    what_if.apply(&mut snapshot);
    let Some(range) = what_if.range(&snapshot, real) else { return Ok((snapshot, None)) };
    let mut ports = Ports::with(&snapshot, range.clone(), 0);
    if collect::refine(system, &mut snapshot, &ports) {
        ports = Ports::with(&snapshot, range, 0);
    }
    Ok((snapshot, Some(ports)))
}

/// What happened to each pool since the first look; one that was not there then began empty.
fn changes(
    before: Option<&(u64, Ports)>,
    now: &Snapshot,
    pools: &[&Pool],
    asked: Option<Duration>,
) -> Vec<Option<Change>> {
    let Some((time, before)) = before else { return Vec::new() };
    // The clock may have been set meanwhile; what was asked for is the time that passed at least.
    let asked = asked.unwrap_or_default().as_millis() as u64;
    let elapsed = now.time_ms.saturating_sub(*time);
    let elapsed =
        if (asked..asked.saturating_mul(10)).contains(&elapsed) { elapsed } else { asked };
    let elapsed = u32::try_from(elapsed).unwrap_or(u32::MAX);
    let index: HashMap<Destination, &Pool> =
        before.pools.iter().map(|p| (p.destination, p)).collect();
    // What was not there had nothing; whose pool it is does not matter.
    let nothing = pools.first().map(|p| before.empty(now, p.destination));
    let one = |pool: &&Pool| {
        let then = index.get(&pool.destination).copied().or(nothing.as_ref())?;
        Some(Change::between(then, pool, elapsed))
    };
    pools.iter().map(one).collect()
}
