//! One assertion over the sockets of a dump, as they come: what is certain, what may be, and who is to be named.

use super::mute::Mute;
use super::reading::Reading;
use super::wish::Wish;
use super::{Aggregate, Measure};
use crate::fields::value::Value;
use crate::fields::{Row, Source};
use crate::filter::expr::{Expr, Predicate};
use crate::model::before::Before;
use crate::model::socket::Socket;
use crate::model::state::StateSet;
use crate::phrase::count;

/// Most sockets named for one assertion.
pub const MAX_OFFENDERS: usize = 10;

/// The running result.
#[derive(Debug, Clone)]
pub struct Tally<'a> {
    measure: &'a Measure,
    filter: &'a Expr,
    states: StateSet,
    /// Whether the rows come from /proc, which tells less.
    by_proc: bool,
    /// Sockets that have what is measured, of which it was not told.
    untold: u64,
    sure: u64,
    unsure: u64,
    /// Values of the sockets that are selected for certain.
    values: Vec<f64>,
    /// Values of those that may be.
    maybe: Vec<f64>,
    mute: Mute,
    first: Vec<(f64, Socket)>,
}

impl<'a> Tally<'a> {
    /// Begins; `None` for what is not measured over sockets.
    pub fn new(measure: &'a Measure) -> Option<Tally<'a>> {
        let filter = measure.filter()?;
        let over = match measure {
            Measure::Over(_, field, _) => Some(*field),
            _ => None,
        };
        Some(Tally {
            measure,
            filter,
            states: crate::filter::push::push(filter).states,
            by_proc: false,
            untold: 0,
            sure: 0,
            unsure: 0,
            values: Vec::new(),
            maybe: Vec::new(),
            mute: Mute::of(filter, over),
            first: Vec::new(),
        })
    }

    /// What is measured.
    pub fn measure(&self) -> &'a Measure {
        self.measure
    }

    /// Whether a socket may matter, as far as its state tells.
    pub fn may_count(&self, socket: &Socket) -> bool {
        self.states.has(socket.state)
    }

    /// Whether a socket may matter before its owners are known.
    pub fn may_match(&self, row: &Row<'_>) -> bool {
        self.may_count(row.socket) && self.filter.holds(row) != Some(false)
    }

    /// Takes a socket into account.
    pub fn add(&mut self, row: &Row<'_>, before: Option<&Before>) {
        if !self.may_count(row.socket) {
            return;
        }
        self.by_proc |= !row.view.queue_limits;
        self.mute.hear(row);
        let selected = match self.filter.holds(row) {
            Some(true) => Some(true),
            // What has no meaning for this socket is not fulfilled by it; what is kept from us may be.
            None if is_kept_from_us(self.filter, row) => None,
            Some(false) | None => return,
        };
        let selected = match (self.measure, before) {
            (Measure::New(_), Some(before)) => match before.is_new(row.socket) {
                Some(false) => return,
                Some(true) => selected,
                None => None,
            },
            _ => selected,
        };
        let value = match self.measure {
            Measure::Over(_, field, _) => match number(&(field.get)(row)) {
                Some(value) => value,
                None => {
                    self.untold += u64::from(self.by_proc);
                    return;
                }
            },
            _ => 1.0,
        };
        match selected {
            Some(_) => self.sure += 1,
            None => self.unsure += 1,
        }
        if matches!(self.measure, Measure::Over(..)) {
            let values = if selected.is_some() { &mut self.values } else { &mut self.maybe };
            values.push(value);
        }
        if selected.is_some() {
            self.keep(value, row.socket);
        }
    }

    /// Keeps who is to be named: the first, or those with the largest values.
    fn keep(&mut self, value: f64, socket: &Socket) {
        if self.first.len() < MAX_OFFENDERS {
            self.first.push((value, *socket));
            return;
        }
        let least = self.first.iter_mut().min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some(least) = least.filter(|l| l.0 < value) {
            *least = (value, *socket);
        }
    }

    /// Whether of some sockets it is not known whether they are meant.
    pub fn is_unsure(&self) -> bool {
        self.unsure > 0
    }

    /// Sockets that were selected for certain.
    pub fn selected(&self) -> u64 {
        self.sure
    }

    /// Up to ten of them, those with the largest values first; of a largest value only those that go against the wish themselves.
    pub fn offenders(&self, wish: &Wish) -> Vec<(f64, Socket)> {
        let mut kept = self.first.clone();
        if matches!(self.measure, Measure::Over(Aggregate::Max | Aggregate::Percentile { .. }, ..))
        {
            kept.retain(|(value, _)| wish.surely_not(*value, *value));
        }
        kept.sort_by(|a, b| b.0.total_cmp(&a.0));
        kept
    }

    /// The result; `unseen` says why sockets may be missing, where they may.
    pub fn reading(&self, unseen: Option<&str>) -> Reading {
        let mut why = Vec::new();
        why.extend(unseen.map(ToString::to_string));
        if self.unsure > 0 {
            why.push(format!(
                "of {} it is not known whether they are meant",
                count(self.unsure, "socket", "sockets")
            ));
        }
        let silent = self.mute.silent();
        let by_proc = "netlink is refused, and /proc does not tell";
        why.extend(silent.map(|name| match self.by_proc {
            true => format!("{by_proc} {name}"),
            false => format!("this kernel does not tell {name}"),
        }));
        if let Measure::Over(_, field, _) = self.measure
            && self.untold > 0
            && silent.is_none()
        {
            why.push(format!("{by_proc} {}", field.name));
        }
        let open = unseen.is_some() || silent.is_some() || self.untold > 0;
        let why = why.join("; ");
        let bounds = match self.measure {
            Measure::Over(aggregate, ..) => self.over(*aggregate, open),
            _ => {
                let high = if open { f64::INFINITY } else { (self.sure + self.unsure) as f64 };
                Some((self.sure as f64, high))
            }
        };
        match bounds {
            Some((low, high)) => Reading::between(low, high, why),
            None if why.is_empty() => Reading::unknown("no socket has what is to be measured"),
            None => Reading::unknown(why),
        }
    }

    /// The bounds of a figure over values; `None` if there is nothing to measure.
    fn over(&self, aggregate: Aggregate, open: bool) -> Option<(f64, f64)> {
        let fold = |values: &[f64], start: f64, f: fn(f64, f64) -> f64| {
            values.iter().copied().fold(start, f)
        };
        let (sum, more) =
            (fold(&self.values, 0.0, |a, b| a + b), fold(&self.maybe, 0.0, |a, b| a + b));
        let infinite = |bound: f64| if open { f64::INFINITY } else { bound };
        if aggregate == Aggregate::Sum {
            return Some((sum, infinite(sum + more)));
        }
        if self.values.is_empty() {
            return None;
        }
        if self.maybe.is_empty() && !open {
            let value = exact(aggregate, &self.values, sum);
            return Some((value, value));
        }
        let (least, most) =
            (fold(&self.values, f64::INFINITY, f64::min), fold(&self.values, 0.0, f64::max));
        Some(match aggregate {
            Aggregate::Max => (most, infinite(fold(&self.maybe, most, f64::max))),
            Aggregate::Min => (if open { 0.0 } else { fold(&self.maybe, least, f64::min) }, least),
            // With values that may belong to it and may not, a mean or a percentile lies anywhere among all of them.
            _ => (
                if open { 0.0 } else { fold(&self.maybe, least, f64::min) },
                infinite(fold(&self.maybe, most, f64::max)),
            ),
        })
    }
}

/// Whether a filter leaves a socket open because something was kept from us: its owner, its mark, or whatever /proc does not tell. What
/// has no meaning for the socket is no secret.
fn is_kept_from_us(filter: &Expr, row: &Row<'_>) -> bool {
    let mut kept = !row.view.queue_limits;
    filter.predicates(&mut |p| {
        let secret = match p {
            Predicate::Compare(f, ..) | Predicate::Known(f) => {
                matches!(f.source, Source::Owners | Source::Processes)
                    || f.name == "mark" && !row.view.marks
            }
            Predicate::Mark(..) => !row.view.marks,
            Predicate::Autobound => true,
            _ => false,
        };
        kept = kept || secret && p.holds(row).is_none();
    });
    kept
}

fn exact(aggregate: Aggregate, values: &[f64], sum: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |i: usize| sorted.get(i).copied().unwrap_or_default();
    let last = sorted.len() - 1;
    match aggregate {
        Aggregate::Min => at(0),
        Aggregate::Max => at(last),
        Aggregate::Sum => sum,
        Aggregate::Avg => sum / sorted.len() as f64,
        Aggregate::Percentile { part, of } => {
            let rank = (u128::from(part) * sorted.len() as u128).div_ceil(u128::from(of.max(1)));
            at((rank as usize).clamp(1, sorted.len()) - 1)
        }
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n as f64),
        Value::Ratio(r) => Some(*r),
        _ => None,
    }
}
