//! `tcpvet run`: a look, the command, a look; and a verdict on what is new.

mod left;

use std::collections::BTreeMap;

use super::assert::{self, Bench};
use super::earlier::Past;
use super::judge::configured;
use super::look::{self, Look};
use super::{Done, reports};
use crate::assertions::{Assertion, Measure};
use crate::cli::resolve::Settings;
use crate::cli::{Allow, RunArgs, SelectArgs};
use crate::collect;
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::before::Before;
use crate::model::earlier::{Earlier, Since};
use crate::model::state::StateSet;
use crate::model::text::Text;
use crate::render::document::run::{Parts, RanDocument, RunDocument};
use crate::render::verdict::Judged;
use crate::rules::selection::Selection;
use crate::sys::{System, child, watchdog};
use left::Elders;

/// What /proc/uptime tells apart.
const TICK: std::time::Duration = std::time::Duration::from_millis(11);

pub(super) fn run(args: &RunArgs, settings: &Settings, system: &dyn System) -> Result<Done, Error> {
    reports::check(&args.reports)?;
    let assertions = assert::read(&args.asserts, Vec::new(), system)?;
    assert::known_counters(&assertions, system)?;
    if args.asserts.dry_run {
        return assert::dry_run(&assertions, settings);
    }
    assert::check_time(&assertions, settings)?;
    // What is wrong in a configuration is told before the command runs.
    let judges = assertions.iter().any(|a| matches!(a.measure, Measure::Finding(_)));
    let mut wanted = match judges {
        true => configured(&SelectArgs::default(), Selection::of_harm())?.0.emptied(),
        false => Selection::none(),
    };
    for assertion in &assertions {
        if let Measure::Finding(word) = &assertion.measure {
            super::check::add(&mut wanted, word)?;
        }
    }
    let (past, pids) = before(settings, system)?;
    // The command takes as long as it takes.
    watchdog::allow(None);
    let begun = collect::uptime_ms(system);
    let until = collect::start_ticks_now(system);
    let ran = started(args);
    let ran_ms = look::elapsed_ms(begun, system);
    // Time is told to a hundredth of a second, and what is compared must be apart.
    assert::pause(system, TICK)?;
    let patience = if ran.signal.is_some() { std::time::Duration::ZERO } else { args.settle };
    assert::allow_time(&assertions, settings, patience);
    // From here on the command's own status goes before that of what cannot be told.
    if ran.exit_status != 0 {
        watchdog::end_with(ran.exit_status);
    }
    let status = ran.exit_status;
    match judged(
        args,
        settings,
        system,
        Ended {
            past,
            elders: Elders { pids, until },
            assertions,
            wanted,
            ran,
            ran_ms,
            patience,
            begun,
        },
    ) {
        Err(e) if status != 0 => {
            let around = collect::begin(system, None).unwrap_or_default();
            reports::failed(&args.reports, "run", around, &e.message);
            Ok(Done { output: Vec::new(), notes: vec![e.to_string()], status })
        }
        other => other,
    }
}

/// What is known when the command has ended.
struct Ended {
    past: Past,
    elders: Elders,
    assertions: Vec<Assertion>,
    /// The rules that assertions ask for.
    wanted: Selection,
    ran: RanDocument,
    ran_ms: u64,
    patience: std::time::Duration,
    begun: Option<u64>,
}

/// The verdict.
fn judged(
    args: &RunArgs,
    settings: &Settings,
    system: &dyn System,
    ended: Ended,
) -> Result<Done, Error> {
    let Ended { past, elders, assertions, wanted, ran, ran_ms, patience, begun } = ended;
    let counted = collect::counted(system, None);
    let counters = counted.ok().and_then(|now| grown(&past, &now));
    let (mut around, mut left) = left::settled(&past, &elders, patience, args, system)?;
    left.time_wait_is_cut = ran_ms > 60_000;
    let looked = collect::uptime_ms(system);
    let again = || Look::at(&wanted, &wanted, None, Some(past.earlier.clone()), settings, system);
    let first = match assertions.iter().any(|a| assert::needs_look(&a.measure)) {
        true => Some(again()?),
        false => None,
    };
    let sample = super::judge::INTERVAL;
    let past = Some(&past);
    let bench = Bench { system, settings, past, begun: looked, sample, look: &again };
    let assertions = assert::evaluate(&assertions, first.as_ref(), &bench, &mut around)?;
    let document = RunDocument::new(
        &around,
        Parts {
            ran: RanDocument { ran_ms, ..ran },
            left,
            counters,
            drops_allowed: args.allow.contains(&Allow::Drops),
            assertions,
            isolated: args.isolate,
            duration_ms: look::elapsed_ms(begun, system),
        },
    );
    let done = reports::done(Judged::Run(&document), &args.reports, settings);
    // Standard output is the command's.
    let text = String::from_utf8_lossy(&done.output).trim_end().to_string();
    let mut notes = if text.is_empty() { Vec::new() } else { vec![text] };
    notes.extend(done.notes);
    let status = match document.ran.exit_status {
        0 => done.status,
        own => own,
    };
    Ok(Done { output: Vec::new(), notes, status })
}

/// Which sockets and processes there are, and how the counters stand.
fn before(settings: &Settings, system: &dyn System) -> Result<(Past, Vec<u32>), Error> {
    let mut snapshot = collect::counted(system, settings.netns.as_deref())?;
    collect::add(system, StateSet::ALL, &mut snapshot);
    let whole = snapshot.coverage.table_is_whole();
    let past = Past {
        before: Before::of(snapshot.sockets.iter().map(|s| s.cookie), whole),
        earlier: Earlier::of(&snapshot),
    };
    let mut pids = system.pids()?;
    pids.sort_unstable();
    Ok((past, pids))
}

/// Runs the command. One that cannot be started has ended too, with the status of a shell.
fn started(args: &RunArgs) -> RanDocument {
    let program = args.command.first().map(|p| p.to_string_lossy().into_owned());
    let program = Text::new(program.unwrap_or_default().as_bytes()).to_string();
    match child::run(&args.command) {
        Ok(ended) => RanDocument {
            program,
            pid: Some(ended.pid),
            exit_status: ended.status,
            signal: ended.signal,
            ran_ms: 0,
        },
        Err(e) => {
            let reason = Text::new(e.error.reason.as_bytes());
            let program = format!("{program} ({reason})");
            RanDocument { program, pid: None, exit_status: e.status, signal: None, ran_ms: 0 }
        }
    }
}

/// The counters of the protocol that grew, by their names in nstat; `None` if they could not be compared.
fn grown(past: &Past, now: &Snapshot) -> Option<BTreeMap<String, u64>> {
    let since = Since::between(past.earlier.clone(), now).ok()?;
    // Whether a listener refused somebody must be known, not merely not told.
    for name in ["TcpExt.ListenOverflows", "TcpExt.ListenDrops"] {
        since.grew(now, name)?;
    }
    let of_protocol = |name: &&String| name.starts_with("Tcp.") || name.starts_with("TcpExt.");
    let names = now.counters.0.keys().filter(of_protocol);
    let grown = names.filter_map(|name| {
        let growth = since.grew(now, name).filter(|n| *n > 0)?;
        Some((name.replace('.', ""), growth))
    });
    Some(grown.collect())
}
