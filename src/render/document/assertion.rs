//! Assertions in documents: wish, measure, outcome, and who is to be named.

use serde::Serialize;

use super::number::Number;
use super::subject::Endpoint;
use crate::assertions::Assertion;
use crate::assertions::reading::{Reading, Verdict};
use crate::assertions::wish::Wish;
use crate::model::culprit::Culprit;
use crate::model::owner::Provenance;
use crate::model::socket::Socket;
use crate::model::state::State;
use crate::rules::engine::Status;
use crate::rules::finding::Severity;

/// One assertion.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AssertionDocument {
    /// Its name, else the expression.
    pub name: String,
    /// As it was given.
    pub expression: String,
    /// Whether it is a range of a named number (-w, -c) and not an assertion.
    pub is_range: bool,
    /// Why it is wished, as it was given behind a `#`; null without.
    pub comment: Option<String>,
    /// What a failure amounts to.
    pub level: Severity,
    /// How it ended.
    pub outcome: Verdict,
    /// What was wished: operator and number, or a range.
    pub wanted: String,
    /// What was measured, in `unit`; null if it is not known.
    pub measured: Option<Number>,
    /// What was measured, as people read it; of what is not known the bounds, null if there are none.
    pub measured_text: Option<String>,
    /// Unit of `measured`: count, bytes, bytes_per_second, ms, us, ratio, percent, per_second, flag (0 no, 1 yes) or level (0 none to 3
    /// critical).
    pub unit: &'static str,
    /// Why it is not known, or not known exactly.
    pub reason: Option<String>,
    /// How long it might take, milliseconds; null if it had to hold at once.
    pub within_ms: Option<u64>,
    /// How long it took, or how long it was waited for, milliseconds.
    pub took_ms: u64,
    /// Sockets that were counted; null for what is not a count.
    pub selected: Option<u64>,
    /// Up to ten of them, if the assertion failed by what they are.
    pub offenders: Vec<Offender>,
}

/// One socket that was counted.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Offender {
    /// TCP state.
    pub state: &'static str,
    /// Near end.
    pub local: Endpoint,
    /// Far end.
    pub peer: Endpoint,
    /// Process id of the first holder.
    pub pid: Option<u32>,
    /// Its name.
    pub process: Option<String>,
    /// How the holder is known.
    pub provenance: Provenance,
    /// Milliseconds since anything was sent or came; for TIME_WAIT since it was closed; null if that is not told.
    pub idle_ms: Option<u32>,
    /// What was measured on it, as people read it; null where sockets were only counted.
    pub value: Option<String>,
}

/// Assertions by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Passed.
    pub pass: u64,
    /// Failed.
    pub fail: u64,
    /// Unknown.
    pub unknown: u64,
}

impl Counts {
    /// Counts them.
    pub fn of(assertions: &[AssertionDocument]) -> Counts {
        let mut counts = Counts::default();
        for assertion in assertions {
            match assertion.outcome {
                Verdict::Pass => counts.pass += 1,
                Verdict::Fail => counts.fail += 1,
                Verdict::Unknown => counts.unknown += 1,
            }
        }
        counts
    }
}

impl AssertionDocument {
    /// Of an assertion and what was measured.
    pub fn new(assertion: &Assertion, reading: &Reading, took_ms: u64) -> AssertionDocument {
        let unit = assertion.measure.unit();
        let outcome = reading.judge(&assertion.wish);
        let bounds = match (reading.low.is_finite(), reading.high.is_finite()) {
            (true, true) => {
                Some(format!("{} to {}", unit.show(reading.low), unit.show(reading.high)))
            }
            (true, false) => Some(format!("at least {}", unit.show(reading.low))),
            (false, true) => Some(format!("at most {}", unit.show(reading.high))),
            (false, false) => None,
        };
        let beside = reading.value().map(|v| assertion.wish.beside(v, unit));
        AssertionDocument {
            name: assertion.name.clone(),
            expression: assertion.expression.clone(),
            is_range: matches!(assertion.wish, Wish::Quiet(_)),
            comment: assertion.comment.clone(),
            level: assertion.level,
            outcome,
            wanted: beside.as_ref().map_or_else(|| assertion.wish.text(unit), |b| b.1.clone()),
            measured: reading.value().map(Number),
            measured_text: beside.map(|b| b.0).or(bounds),
            unit: unit.word(),
            reason: reading.why.clone(),
            within_ms: assertion.within.map(|w| u64::try_from(w.as_millis()).unwrap_or(u64::MAX)),
            took_ms,
            selected: None,
            offenders: Vec::new(),
        }
    }

    /// What its outcome makes of the verdict.
    pub fn status(&self) -> Status {
        match self.outcome {
            Verdict::Pass => Status::Ok,
            Verdict::Unknown => Status::Unknown,
            Verdict::Fail => Status::of(self.level),
        }
    }

    /// The same of a range, beginning with the name of the number.
    pub fn range_sentence(&self) -> String {
        let number = self.name.split(' ').next().unwrap_or_default();
        let measured = self.measured_text.as_deref().unwrap_or("unknown");
        match self.outcome {
            Verdict::Unknown => self.reason.clone().unwrap_or_default(),
            _ => format!("{number} is {measured}, {} wants {}", self.level.word(), self.wanted),
        }
    }

    /// What was measured and what was wished, in words.
    pub fn sentence(&self) -> String {
        let measured = self.measured_text.as_deref().unwrap_or("nothing");
        match (self.outcome, &self.reason) {
            (Verdict::Unknown, Some(reason)) if self.measured_text.is_none() => reason.clone(),
            (_, Some(reason)) => format!("measured {measured}, wanted {}: {reason}", self.wanted),
            _ => format!("measured {measured}, wanted {}", self.wanted),
        }
    }
}

impl Offender {
    /// Of a socket and who holds it.
    pub fn new(
        socket: &Socket,
        who: Option<&Culprit>,
        provenance: Provenance,
        idle_ms: Option<u32>,
    ) -> Offender {
        let aged = matches!(socket.state, State::TimeWait).then(|| socket.time_wait_age_ms());
        Offender {
            state: socket.state.word(),
            local: Endpoint::of(socket.local_addr, socket.family, socket.local_port),
            peer: Endpoint::of(socket.peer_addr, socket.family, socket.peer_port),
            pid: who.and_then(|h| h.pid),
            process: who.and_then(|h| h.process.as_ref().map(ToString::to_string)),
            provenance,
            // Of a connection that is being made nothing was sent yet, and the kernel tells the time since it was booted.
            idle_ms: aged
                .or(idle_ms.filter(|_| !matches!(socket.state, State::Listen | State::SynSent))),
            value: None,
        }
    }

    /// `close_wait 127.0.0.1:80 -> 127.0.0.1:4711 app[17], silent for 3.0s`.
    pub fn line(&self) -> String {
        let who = match (&self.process, self.pid) {
            (Some(process), Some(pid)) => format!(" {process}[{pid}]"),
            (None, Some(pid)) => format!(" [{pid}]"),
            _ => format!(" ({})", self.provenance.word()),
        };
        let idle = self.idle_ms.map_or(String::new(), |ms| {
            let text = crate::assertions::wish::Unit::Ms.show(ms.into());
            let verb = if self.state == "time_wait" { "closed" } else { "silent for" };
            let tail = if self.state == "time_wait" { " ago" } else { "" };
            format!(", {verb} {text}{tail}")
        });
        let ends = match self.state {
            "listen" => end(&self.local),
            _ => format!("{} -> {}", end(&self.local), end(&self.peer)),
        };
        let value = self.value.as_ref().map_or(String::new(), |v| format!(": {v}"));
        format!("{} {ends}{who}{idle}{value}", self.state)
    }
}

fn end(e: &Endpoint) -> String {
    let port = e.port.map_or("*".to_string(), |p| p.to_string());
    match e.addr.contains(':') {
        true => format!("[{}]:{port}", e.addr),
        false => format!("{}:{port}", e.addr),
    }
}
