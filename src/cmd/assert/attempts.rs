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
    /// A capture does not change: there nothing is attempted twice.
    fn new(assertion: &'a Assertion, is_capture: bool) -> Try<'a> {
        let pace = match &assertion.measure {
            Measure::Rate(_) => Pace::Rate,
            other if needs_look(other) => Pace::Look,
            _ => Pace::Quick,
        };
        let patience = assertion.within.filter(|_| !is_capture);
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
    let is_capture = bench.settings.from.is_some();
    let mut tries: Vec<Try<'_>> = assertions.iter().map(|a| Try::new(a, is_capture)).collect();
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
        let plan = Plan { rate_at, sample: ms(bench.sample), look_at, look_ms };
        for t in &mut tries {
            t.give_up(now, plan.done(t, now));
        }
        if tries.iter().all(|t| t.over) {
            break;
        }
        clock.pause(plan.rest(&tries, now))?;
        let now = clock.now();
        // The counters are due when the first rate is.
        let due = tries.iter().filter(|t| t.is_open(Pace::Rate)).map(|t| plan.at(t, now)).min();
        rate_at = due.map_or(rate_at, |due| rate_at.min(due));
        let looks = tries.iter().filter(|t| t.is_open(Pace::Look)).any(|t| plan.at(t, now) <= now);
        // What is due by now comes before a look.
        let rates = due.is_some_and(|due| due <= now);
        again = match looks && !rates && !plan.hurry(&tries, now) {
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

/// What comes when, in milliseconds since it began.
struct Plan {
    /// When the counters may be read again.
    rate_at: u64,
    /// The time of a rate.
    sample: u64,
    /// When there may be a look again.
    look_at: u64,
    /// How long one takes.
    look_ms: u64,
}

impl Plan {
    /// When an attempt should begin: as soon as may be, and once more at the end of its time.
    fn at(&self, t: &Try<'_>, now: u64) -> u64 {
        let end = t.end();
        match t.pace {
            Pace::Quick => (now + t.step_ms()).min(end).max(now),
            // A last rate may be one over a shorter time.
            Pace::Rate if end < self.rate_at && end + self.sample / 2 >= self.rate_at => end,
            Pace::Rate => self.rate_at,
            Pace::Look => self.look_at.min(end.saturating_sub(self.look_ms).max(now)),
        }
    }

    /// When it would be done.
    fn done(&self, t: &Try<'_>, now: u64) -> u64 {
        match t.pace {
            Pace::Quick => now,
            Pace::Rate => self.at(t, now),
            Pace::Look => self.at(t, now).max(now) + self.look_ms,
        }
    }

    /// Whether the time of something else would end during a look, in which nothing is attempted.
    fn hurry(&self, tries: &[Try<'_>], now: u64) -> bool {
        let pressing =
            |t: &Try<'_>| !t.over && t.pace != Pace::Look && t.end() < now + self.look_ms;
        tries.iter().any(pressing)
    }

    /// Milliseconds until something is attempted again.
    fn rest(&self, tries: &[Try<'_>], now: u64) -> u64 {
        let hurried = self.hurry(tries, now);
        let open = tries.iter().filter(|t| !(t.over || hurried && t.pace == Pace::Look));
        open.map(|t| self.at(t, now).saturating_sub(now)).min().unwrap_or_default().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertions::file;
    use crate::assertions::reading::Reading;
    use crate::filter::parse::Names;

    fn typed(text: &str) -> Assertion {
        file::one(text, &Names::NONE).unwrap()
    }

    fn attempt(t: &mut Try<'_>, yes: bool, now: u64) {
        t.take(Measured::plain(Reading::flag(yes)), now);
    }

    fn outcome(t: &Try<'_>) -> (Verdict, u64) {
        let (document, _) = t.last.as_ref().unwrap();
        (document.outcome, document.took_ms)
    }

    #[test]
    fn what_is_quick_has_its_time_from_the_first_attempt_and_no_longer() {
        let door = typed("listening(80) within 300ms");
        let begun = |at| {
            let mut t = Try::new(&door, false);
            attempt(&mut t, false, at);
            t
        };
        let mut t = begun(1000);
        assert_eq!((t.end(), t.step_ms()), (1300, 100));
        t.give_up(1000, 1000);
        assert!(!t.over, "its time has just begun");
        attempt(&mut t, true, 1340);
        assert_eq!((outcome(&t), t.over), ((Verdict::Pass, 340), true), "begun at the last moment");
        let mut late = begun(1000);
        attempt(&mut late, true, 1400);
        assert!(!late.over, "too late");
        late.give_up(1400, 1400);
        assert_eq!((outcome(&late), late.over), ((Verdict::Fail, 400), true));
        let mut of_capture = Try::new(&door, true);
        attempt(&mut of_capture, false, 0);
        of_capture.give_up(0, 0);
        assert!(of_capture.over, "a capture does not change");
    }

    #[test]
    fn what_cannot_be_done_in_time_is_given_up() {
        let rate = typed("rate(TcpOutRsts) == 0 within 2s");
        let mut t = Try::new(&rate, false);
        t.give_up(0, 9999);
        assert!(!t.over, "it was not attempted yet");
        t.take(Measured::plain(Reading::exact(7.0)), 1000);
        t.give_up(1000, 2000);
        assert!(!t.over);
        t.give_up(1100, 2100);
        assert!(t.over, "the next one would end after its time");
    }

    #[test]
    fn a_look_waits_for_what_is_quick_and_pressing() {
        let (door, rule) =
            (typed("listening(80) within 1s"), typed("finding(ports) == none within 30s"));
        let mut tries = [Try::new(&door, false), Try::new(&rule, false)];
        attempt(&mut tries[0], false, 500);
        tries[1].take(Measured::plain(Reading::exact(2.0)), 500);
        let plan = |look_at, look_ms| Plan { rate_at: 0, sample: 1000, look_at, look_ms };
        assert!(plan(600, 1100).hurry(&tries, 600), "a look would take up its time");
        assert!(!plan(600, 300).hurry(&tries, 600));
        // In the hurry only the door is attempted again, at its own pace and at its end.
        assert_eq!(plan(600, 1100).rest(&tries, 600), 100);
        assert_eq!(plan(600, 1100).rest(&tries, 1450), 50);
        tries[0].over = true;
        assert_eq!(plan(1600, 1100).rest(&tries, 1500), 100);
        assert!(!plan(600, 1100).hurry(&tries, 1500));
    }

    #[test]
    fn the_last_attempt_is_one_at_the_end_of_the_time() {
        let (rule, rate) =
            (typed("finding(ports) == none within 2s"), typed("rate(TcpOutRsts) == 0 within 2s"));
        let plan = |rate_at, look_at, look_ms| Plan { rate_at, sample: 1000, look_at, look_ms };
        let look = Try::new(&rule, false);
        // A look of a second that was done at 1010 is begun again at once, to be done in time.
        assert_eq!(plan(0, 1210, 1000).at(&look, 1010), 1010);
        assert_eq!(plan(0, 1210, 1000).done(&look, 1010), 2010);
        assert_eq!(plan(0, 500, 100).at(&look, 300), 500, "there is room for another before");
        assert_eq!(plan(0, 2500, 100).at(&look, 1700), 1900);
        // A rate that would be late is one over a shorter time, but not over a moment.
        let last = Try::new(&rate, false);
        assert_eq!(plan(2130, 0, 0).at(&last, 1200), 2000);
        assert_eq!(plan(1900, 0, 0).at(&last, 1200), 1900);
        assert_eq!(plan(2900, 0, 0).at(&last, 1900), 2900);
        // It is not forgotten for a look.
        let tries = [last, look];
        assert!(plan(2000, 0, 1100).hurry(&tries, 1500));
    }
}
