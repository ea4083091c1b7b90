//! When what is attempted: an assertion that may take a while is measured again and again, at the pace of what it needs, and what comes
//! true after its time came too late.

use std::time::Duration;

use super::{Bench, Measured, finish, measure, needs_look, pause, single};
use crate::assertions::reading::Verdict;
use crate::assertions::{Assertion, Measure};
use crate::cmd::look::Look;
use crate::collect;
use crate::error::Error;
use crate::model::Snapshot;
use crate::render::document::assertion::AssertionDocument;
use crate::sys::System;

/// Shortest and longest time between two attempts, in milliseconds.
const STEPS: (u64, u64) = (100, 1000);

/// An attempt that was to begin at the last moment may begin this many milliseconds later.
const GRACE_MS: u64 = 50;

/// What an attempt takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// A dump, or a file.
    Quick,
    /// The counters, some time after they were read last.
    Rate,
    /// A look of the rules, which may be two with a time between.
    Look,
}

/// An assertion on its way to an outcome.
struct Try<'a> {
    assertion: &'a Assertion,
    pace: Pace,
    patience_ms: u64,
    /// When its time began: what is quick waits for nobody, and is first attempted when the rules have looked.
    begun: u64,
    last: Option<(AssertionDocument, Measured)>,
    over: bool,
}

impl<'a> Try<'a> {
    fn new(assertion: &'a Assertion, bench: &Bench<'_>) -> Try<'a> {
        let pace = match &assertion.measure {
            Measure::Rate(_) => Pace::Rate,
            other if needs_look(other) => Pace::Look,
            _ => Pace::Quick,
        };
        // A capture does not change.
        let patience = assertion.within.filter(|_| bench.settings.from.is_none());
        let patience_ms = patience.map_or(0, ms);
        Try { assertion, pace, patience_ms, begun: 0, last: None, over: false }
    }

    fn is_open(&self, pace: Pace) -> bool {
        !self.over && self.pace == pace
    }

    fn step_ms(&self) -> u64 {
        (self.patience_ms / 10).clamp(STEPS.0, STEPS.1)
    }

    /// When its time is over.
    fn end(&self) -> u64 {
        self.begun.saturating_add(self.patience_ms)
    }

    /// Takes what an attempt that began `now` gave.
    fn take(&mut self, measured: Measured, now: u64) {
        if self.last.is_none() && self.pace == Pace::Quick {
            self.begun = now;
        }
        if self.last.is_some() && now > self.end() + GRACE_MS {
            return;
        }
        let took_ms = now.saturating_sub(self.begun);
        let document = AssertionDocument::new(self.assertion, &measured.reading, took_ms);
        self.over = document.outcome == Verdict::Pass;
        self.last = Some((document, measured));
    }

    /// Gives up if its next attempt, which would be done at `done`, came too late.
    fn give_up(&mut self, now: u64, done: u64) {
        let over = now >= self.end() || done > self.end() + GRACE_MS;
        if let Some((document, _)) = self.last.as_mut().filter(|_| over && !self.over) {
            document.took_ms = now.saturating_sub(self.begun);
            self.over = true;
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long it has been.
struct Clock<'a> {
    system: &'a dyn System,
    begun: Option<u64>,
    paused: u64,
}

impl Clock<'_> {
    fn now(&self) -> u64 {
        let now = collect::uptime_ms(self.system);
        now.zip(self.begun).map_or(self.paused, |(now, begun)| now.saturating_sub(begun))
    }

    fn pause(&mut self, time: u64) -> Result<(), Error> {
        self.paused += time;
        pause(self.system, Duration::from_millis(time))
    }
}

/// Evaluates all of them. What could not be seen is noted in the coverage of `snapshot`.
pub(in crate::cmd) fn evaluate(
    assertions: &[Assertion],
    look: Option<&Look>,
    bench: &Bench<'_>,
    snapshot: &mut Snapshot,
) -> Result<Vec<AssertionDocument>, Error> {
    let mut clock = Clock { system: bench.system, begun: bench.begun, paused: 0 };
    // So long takes a look.
    let mut look_ms = clock.now();
    let (mut counters, wait) = single::Counters::first(assertions, look, bench)?;
    let mut tries: Vec<Try<'_>> = assertions.iter().map(|a| Try::new(a, bench)).collect();
    let mut again: Option<Look> = None;
    let (mut rate_at, mut look_at) = (clock.now() + ms(wait), 0);
    let mut first = true;
    loop {
        let now = clock.now();
        // What an earlier look saw is old by now.
        let look = again.as_ref().or(look.filter(|_| first));
        let looks = first || look.is_some();
        first = false;
        let due = |t: &Try<'_>| match t.pace {
            Pace::Quick => true,
            Pace::Rate => now >= rate_at,
            Pace::Look => looks,
        };
        let mut those: Vec<&mut Try<'_>> = tries.iter_mut().filter(|t| !t.over && due(t)).collect();
        let asked: Vec<&Assertion> = those.iter().map(|t| t.assertion).collect();
        let measured = measure(&asked, look, &mut counters, bench, snapshot)?;
        if those.iter().any(|t| t.pace == Pace::Rate) {
            rate_at = now + ms(bench.sample);
        }
        if look.is_some() {
            let steps = those.iter().filter(|t| t.pace == Pace::Look).map(|t| t.step_ms());
            look_at = now + steps.min().unwrap_or(STEPS.1);
        }
        those.iter_mut().zip(measured).for_each(|(t, measured)| t.take(measured, now));
        for t in &mut tries {
            let done = match t.pace {
                Pace::Quick => now,
                Pace::Rate => rate_at,
                Pace::Look => look_at.max(now) + look_ms,
            };
            t.give_up(now, done);
        }
        if tries.iter().all(|t| t.over) {
            break;
        }
        clock.pause(rest(&tries, now, rate_at, look_at, look_ms))?;
        let now = clock.now();
        let looks = tries.iter().any(|t| t.is_open(Pace::Look));
        again = match looks && now >= look_at && !hurry(&tries, now, look_ms) {
            true => Some((bench.look)()?),
            false => None,
        };
        if again.is_some() {
            look_ms = clock.now().saturating_sub(now);
        }
    }
    let done = tries.into_iter().filter_map(|t| t.last).collect();
    Ok(finish(assertions, done, snapshot, bench.system))
}

/// Whether the time of something quick would end during a look, in which nothing else is attempted.
fn hurry(tries: &[Try<'_>], now: u64, look_ms: u64) -> bool {
    tries.iter().any(|t| t.is_open(Pace::Quick) && t.end() < now + look_ms)
}

/// Milliseconds until something is attempted again.
fn rest(tries: &[Try<'_>], now: u64, rate_at: u64, look_at: u64, look_ms: u64) -> u64 {
    let hurried = hurry(tries, now, look_ms);
    let wait = |t: &Try<'_>| match t.pace {
        // The last attempt is one at the end of its time.
        Pace::Quick => t.step_ms().min(t.end().saturating_sub(now)),
        Pace::Rate => rate_at.saturating_sub(now),
        Pace::Look if hurried => u64::MAX,
        Pace::Look => look_at.saturating_sub(now),
    };
    let open = tries.iter().filter(|t| !t.over);
    open.map(wait).min().unwrap_or_default().max(1)
}
