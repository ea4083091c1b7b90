//! From assertions to outcomes: what each needs is read, once for all of them, again and again for those that may take a while.

mod attempts;
pub(super) mod offenders;
mod passes;
mod read;
mod single;

pub(super) use attempts::evaluate;
pub(super) use read::{allow_time, bounds, check_time, dry_run, need_baseline, read};
pub(super) use single::known_counters;

use std::time::Duration;

use super::earlier::Past;
use super::look::Look;
use crate::assertions::reading::{Reading, Verdict};
use crate::assertions::tally::Tally;
use crate::assertions::wish::Wish;
use crate::assertions::{Assertion, Measure};
use crate::cli::resolve::Settings;
use crate::collect;
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::addresses::Addresses;
use crate::model::socket::Socket;
use crate::render::document::assertion::{AssertionDocument, Offender};
use crate::sys::System;

/// What assertions are measured with.
pub(super) struct Bench<'a> {
    pub(super) system: &'a dyn System,
    pub(super) settings: &'a Settings,
    pub(super) past: Option<&'a Past>,
    /// When it began, by [`collect::uptime_ms`]: the first look has taken its time already.
    pub(super) begun: Option<u64>,
    /// Time between two readings of the counters.
    pub(super) sample: Duration,
    /// Lets the rules look again.
    pub(super) look: &'a dyn Fn() -> Result<Look, Error>,
}

/// A reading, and the sockets that made it.
struct Measured {
    reading: Reading,
    selected: Option<u64>,
    sockets: Vec<Socket>,
    /// Their values, where one was measured.
    values: Vec<f64>,
}

impl Measured {
    fn plain(reading: Reading) -> Measured {
        Measured { reading, selected: None, sockets: Vec::new(), values: Vec::new() }
    }
}

/// Names those who failed.
fn finish(
    assertions: &[Assertion],
    done: Vec<(AssertionDocument, Measured)>,
    snapshot: &Snapshot,
    system: &dyn System,
) -> Vec<AssertionDocument> {
    let of = |((document, measured), assertion): (&(AssertionDocument, Measured), &Assertion)| {
        let flag = matches!(assertion.measure, Measure::OnlyListening(_));
        let upper = flag || assertion.wish.is_upper_bound(measured.reading.low);
        match document.outcome == Verdict::Fail && upper {
            true => measured.sockets.clone(),
            false => Vec::new(),
        }
    };
    let groups: Vec<Vec<Socket>> = done.iter().zip(assertions).map(of).collect();
    let named = offenders::named(&groups, snapshot, system);
    let with = |(((document, measured), mut offenders), assertion): (
        ((AssertionDocument, Measured), Vec<Offender>),
        &Assertion,
    )| {
        let unit = assertion.measure.unit();
        for (offender, value) in offenders.iter_mut().zip(&measured.values) {
            offender.value = Some(unit.show(*value));
        }
        AssertionDocument { selected: measured.selected, offenders, ..document }
    };
    done.into_iter().zip(named).zip(assertions).map(with).collect()
}

/// Whether the rules, or the whole table, must be looked at.
pub(super) fn needs_look(measure: &Measure) -> bool {
    matches!(measure, Measure::Finding(_) | Measure::Figure(_))
}

pub(in crate::cmd) fn pause(system: &dyn System, time: Duration) -> Result<(), Error> {
    system.pause(time).map_err(Error::from)
}

/// Measures each once.
fn measure(
    assertions: &[&Assertion],
    look: Option<&Look>,
    counters: &mut single::Counters,
    bench: &Bench<'_>,
    snapshot: &mut Snapshot,
) -> Result<Vec<Measured>, Error> {
    let system = bench.system;
    let mut tallies: Vec<Tally<'_>> =
        assertions.iter().filter_map(|a| Tally::new(&a.measure)).collect();
    let before = bench.past.map(|p| &p.before);
    let has = |is_it: fn(&Measure) -> bool| assertions.iter().any(|a| is_it(&a.measure));
    let pools = has(|m| matches!(m, Measure::Headroom(_)))
        .then(|| single::pools(bench.settings, system, snapshot))
        .transpose()?;
    // A table that is read anyway serves for all that it tells.
    let with_owners = pools.as_ref().map(|p| passes::Table { snapshot: &p.0, with_owners: true });
    let of_look = look.map(|l| passes::Table { snapshot: &l.snapshot, with_owners: false });
    let table = with_owners.or(of_look);
    let unseen = passes::go(&mut tallies, table, before, system, snapshot)?;
    let doors = has(|m| matches!(m, Measure::Listening(_) | Measure::OnlyListening(_)))
        .then(|| single::listeners(table.map(|t| t.snapshot), system, snapshot));
    let at_an_address = has(|m| matches!(m, Measure::Listening(door) if door.address().is_some()));
    let addresses =
        if at_an_address { collect::addresses::read(system) } else { Addresses::default() };
    counters.next(assertions, bench)?;
    let mut counted = tallies.iter().zip(&unseen);
    let mut measured = Vec::new();
    for assertion in assertions {
        measured.push(match &assertion.measure {
            Measure::Count(_) | Measure::New(_) | Measure::Over(..) => match counted.next() {
                Some((tally, unseen)) => {
                    of_tally(tally, unseen.as_deref(), &assertion.wish, snapshot)
                }
                None => Measured::plain(Reading::unknown("it was not measured")),
            },
            Measure::Listening(door) => {
                let (listeners, whole) =
                    doors.as_ref().map_or((&[][..], false), |d| (&d.0[..], d.1));
                Measured::plain(door.reading(listeners, &addresses, whole))
            }
            Measure::OnlyListening(ports) => {
                let (listeners, whole) =
                    doors.as_ref().map_or((&[][..], false), |d| (&d.0[..], d.1));
                single::only(listeners, whole, ports)
            }
            Measure::Headroom(target) => {
                Measured::plain(single::headroom(pools.as_ref(), target.as_ref()))
            }
            Measure::Rate(_) | Measure::Delta(_) | Measure::Counter(_) => {
                Measured::plain(counters.reading(&assertion.measure, look))
            }
            Measure::Finding(word) => Measured::plain(single::finding(look, word)),
            Measure::Figure(figure) => Measured::plain(single::figure(look, figure)),
        });
    }
    Ok(measured)
}

fn of_tally(tally: &Tally<'_>, unseen: Option<&str>, wish: &Wish, snapshot: &Snapshot) -> Measured {
    let mut reading = tally.reading(unseen);
    // What is not known of a socket mostly is who holds it, and the coverage says why.
    if let (Some(why), Some(source)) = (&mut reading.why, snapshot.coverage.get("owners"))
        && tally.is_unsure()
        && let Some(reason) = &source.reason
    {
        why.push_str(&format!(" ({reason})"));
    }
    let over = matches!(tally.measure(), Measure::Over(..));
    let (values, sockets): (Vec<f64>, Vec<Socket>) = tally.offenders(wish).into_iter().unzip();
    // Of a figure over values it is not counted how many go against the wish.
    let selected = (!over).then(|| tally.selected());
    Measured { reading, selected, sockets, values: if over { values } else { Vec::new() } }
}
