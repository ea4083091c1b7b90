//! `tcpvet check`: a verdict, one line and an exit status.

use std::time::Duration;

use super::assert::{self, Bench};
use super::earlier::{self, First};
use super::judge::{Compared, INTERVAL, selection};
use super::judge_all::everywhere;
use super::look::{self, Look};
use super::{Done, reports};
use crate::assertions::{Assertion, Measure};
use crate::cli::CheckArgs;
use crate::cli::resolve::Settings;
use crate::collect;
use crate::error::Error;
use crate::model::earlier::Depth;
use crate::render::document::check::{Check, Parts};
use crate::render::document::figure::{FigureDocument, figures};
use crate::render::document::profile::documents;
use crate::render::verdict::Judged;
use crate::rules::selection::Selection;
use crate::sys::output::note;
use crate::sys::{System, watchdog};

pub(super) fn run(
    args: &CheckArgs,
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    // Everything typed is read before anything is measured.
    let selection = selection(&args.rules, Selection::of_harm())?;
    reports::check(&args.reports)?;
    let bounds = assert::bounds(&args.warning, &args.critical)?;
    let assertions = assert::read(&args.asserts, bounds, system)?;
    assert::known_counters(&assertions, system)?;
    assert::need_baseline(&assertions, args.rules.baseline.is_some())?;
    has_time_for_two(args, &selection, &assertions, settings)?;
    within_is_long_enough(args, &selection, &assertions)?;
    if args.asserts.dry_run {
        return assert::dry_run(&assertions, settings);
    }
    assert::check_time(&assertions, settings)?;
    loop {
        assert::allow_time(&assertions, settings, Duration::ZERO);
        let done = round(args, &selection, &assertions, settings, system)?;
        let Some(pause) = args.every else { return Ok(done) };
        // Nobody reads a status before the end.
        done.notes.iter().for_each(|text| note(text));
        // The time is that of a round, and not of the rest between two.
        watchdog::allow(None);
        assert::pause(system, pause)?;
    }
}

/// Whether the time between two looks fits into a timeout that the user set.
fn has_time_for_two(
    args: &CheckArgs,
    selection: &Selection,
    assertions: &[Assertion],
    settings: &Settings,
) -> Result<(), Error> {
    let judged = judged(selection, shown(args, selection), assertions)?;
    let compared = Compared::asked(&args.rules, Compared::twice(&judged, settings));
    let rates = assertions.iter().any(|a| matches!(a.measure, Measure::Rate(_)));
    let apart = match compared {
        Compared::Sample(time) if judged.rules().next().is_some() => Some(time),
        Compared::Baseline(_) => None,
        _ => (rates && settings.from.is_none()).then(|| args.rules.sample.unwrap_or(INTERVAL)),
    };
    match (apart, settings.timeout) {
        (Some(apart), Some(end)) if settings.timeout_is_asked && end <= apart => {
            Err(Error::hinted(
                format!(
                    "two looks take {}, and the timeout is {}",
                    humantime::format_duration(apart),
                    humantime::format_duration(end)
                ),
                "allow more with --timeout, or take a shorter --sample",
            ))
        }
        _ => Ok(()),
    }
}

/// Whether what takes two looks may take so long.
fn within_is_long_enough(
    args: &CheckArgs,
    selection: &Selection,
    assertions: &[Assertion],
) -> Result<(), Error> {
    if args.rules.baseline.is_some() {
        return Ok(());
    }
    let sample = args.rules.sample.unwrap_or(INTERVAL);
    for assertion in assertions {
        let twice = match &assertion.measure {
            Measure::Rate(_) => true,
            Measure::Finding(word) => {
                let mut asked = selection.emptied();
                asked.add(word)?;
                asked.earlier() > Depth::Nothing
            }
            _ => false,
        };
        if let Some(within) = assertion.within.filter(|within| twice && *within < sample) {
            return Err(Error::hinted(
                format!(
                    "{}: it takes two looks {} apart, and may take {}",
                    assertion.name,
                    humantime::format_duration(sample),
                    humantime::format_duration(within)
                ),
                "allow more behind within, or take a shorter --sample",
            ));
        }
    }
    Ok(())
}

/// What is shown of the rules: all that run, or with assertions those that were asked for besides.
fn shown<'a>(args: &CheckArgs, selection: &'a Selection) -> Option<&'a Selection> {
    let typed = !args.asserts.assert.is_empty() || !args.asserts.file.is_empty();
    let selected = !args.rules.which.select.is_empty();
    (!typed || selected).then_some(selection)
}

/// One verdict.
fn round(
    args: &CheckArgs,
    selection: &Selection,
    assertions: &[Assertion],
    settings: &Settings,
    system: &dyn System,
) -> Result<Done, Error> {
    let begun = collect::uptime_ms(system);
    let check = match args.all_netns {
        true => all_namespaces(args, selection, settings, system, begun)?,
        false => one(args, selection, assertions, settings, system, begun)?,
    };
    Ok(reports::done(Judged::Check(&check), &args.reports, settings))
}

/// Where the rules are judged, and where only the assertions are.
fn one(
    args: &CheckArgs,
    selection: &Selection,
    assertions: &[Assertion],
    settings: &Settings,
    system: &dyn System,
    begun: Option<u64>,
) -> Result<Check, Error> {
    let selected = !args.rules.which.select.is_empty();
    let shown = shown(args, selection);
    let past = match &args.rules.baseline {
        Some(path) => Some(earlier::past(path, settings)?),
        None => None,
    };
    let judged = judged(selection, shown, assertions)?;
    let wanted = with_figures(&judged, assertions)?;
    let again = || {
        let earlier = match &past {
            Some(past) => Some(past.earlier.clone()),
            // What a number needs read is not judged, and no number is a rate.
            None => {
                let twice = Compared::twice(&judged, settings);
                let first = match shown {
                    Some(_) => First::WHOLE,
                    None => First::for_severities(&judged),
                };
                Compared::asked(&args.rules, twice).earlier(first, settings, system)?
            }
        };
        Look::at(&wanted, &judged, shown, earlier, settings, system)
    };
    if shown.is_some_and(|s| s.rules().next().is_none()) && assertions.is_empty() {
        return Err(Error::hinted(
            "no rule is left to judge",
            "--select or --ignore leaves none: take a part of it out",
        ));
    }
    let needed = shown.is_some() || assertions.iter().any(|a| assert::needs_look(&a.measure));
    let first_begun = collect::uptime_ms(system);
    let first = if needed { Some(again()?) } else { None };
    let mut around = match &first {
        Some(look) => look.snapshot.surroundings(),
        None => look::begin(past.as_ref(), settings, system)?,
    };
    let sample = args.rules.sample.unwrap_or(INTERVAL);
    let past = past.as_ref();
    let bench = Bench { system, settings, past, begun: first_begun, sample, look: &again };
    let judged = assert::evaluate(assertions, first.as_ref(), &bench, &mut around)?;
    let report = first.as_ref().and_then(|look| look.shown.as_ref());
    let processes = first.as_ref().zip(report).map(|(look, report)| {
        collect::profiles::of(system, &look.snapshot, report.culprits(), args.cmdline)
    });
    let numbers = first.as_ref().map(|look| figures(&look.figures, assertions));
    let mut numbers = numbers.unwrap_or_default();
    // For assertions alone not everything is read: of the others nobody asked.
    let asked =
        |n: &FigureDocument| n.value.is_some() || n.warning.is_some() || n.critical.is_some();
    numbers.retain(|n| shown.is_some() || asked(n));
    let parts = Parts {
        report,
        selected,
        assertions: judged,
        numbers,
        processes: processes.map(|p| documents(&p)).unwrap_or_default(),
        namespaces: None,
        duration_ms: look::elapsed_ms(begun, system),
    };
    Ok(Check::new(&around, parts))
}

/// Every rule that is shown, or that an assertion asks for.
fn judged(
    selection: &Selection,
    shown: Option<&Selection>,
    assertions: &[Assertion],
) -> Result<Selection, Error> {
    let mut all = shown.cloned().unwrap_or_else(|| selection.emptied());
    for assertion in assertions {
        if let Measure::Finding(word) = &assertion.measure {
            add(&mut all, word)?;
        }
    }
    Ok(all)
}

/// Adds what an assertion asks for; one of which everything is ignored would pass without a look.
pub(super) fn add(all: &mut Selection, word: &str) -> Result<(), Error> {
    all.add(word)?;
    let mut meant = Selection::none();
    meant.add(word)?;
    if meant.rules().any(|rule| all.runs(rule)) {
        return Ok(());
    }
    Err(Error::hinted(
        format!("finding({word}): every rule of it is ignored"),
        "see 'tcpvet config', and take a rule out of --ignore or ignore = [...]",
    ))
}

/// Those too for which is read what a number needs.
fn with_figures(judged: &Selection, assertions: &[Assertion]) -> Result<Selection, Error> {
    let mut all = judged.clone();
    for assertion in assertions {
        if let Measure::Figure(figure) = &assertion.measure {
            let mut needed = Selection::none();
            figure.rests_on.map_or(Ok(()), |word| needed.add(word))?;
            // By their ids: what is not judged is read all the same.
            needed.rules().try_for_each(|rule| all.add(rule.id))?;
        }
    }
    Ok(all)
}

fn all_namespaces(
    args: &CheckArgs,
    selection: &Selection,
    settings: &Settings,
    system: &dyn System,
    begun: Option<u64>,
) -> Result<Check, Error> {
    let compared = Compared::asked(&args.rules, Compared::twice(selection, settings));
    let all = everywhere(selection, compared, settings, system)?;
    let culprits = all.report.culprits();
    let parts = Parts {
        report: Some(&all.report),
        selected: !args.rules.which.select.is_empty(),
        processes: documents(&collect::profiles::of(system, &all.shared, culprits, args.cmdline)),
        namespaces: Some(all.verdicts()),
        duration_ms: look::elapsed_ms(begun, system),
        ..Parts::default()
    };
    Ok(Check::new(&all.shared, parts))
}
