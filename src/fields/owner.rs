//! Fields of the owner: who holds the socket, and how that is known.

use std::borrow::Cow;

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::owner::{Holder, Provenance};
use crate::model::unheld::likely;

pub(super) static FIELDS: &[Field] = &[
    Field {
        name: "pid",
        kind: Kind::Number,
        source: Source::Owners,
        group: Group::Named,
        doc: "Process that holds it, the lowest if several do.",
        get: |row| Value::number(holders(row).first().map(|h| h.pid)),
        all: Some(|row, each| {
            holders(row).iter().for_each(|h| each(Value::Number(h.pid.into())));
        }),
    },
    Field {
        name: "fd",
        kind: Kind::Number,
        source: Source::Owners,
        group: Group::Named,
        doc: "Its descriptor in that process; for a connection that is not accepted yet, the listener's.",
        get: |row| Value::number(descriptors(row).first().map(|h| h.fd)),
        all: Some(|row, each| {
            descriptors(row).iter().for_each(|h| each(Value::Number(h.fd.into())));
        }),
    },
    Field {
        name: "provenance",
        kind: Kind::Text,
        source: Source::Owners,
        group: Group::Named,
        doc: "How the owner is known: exact, listener (not accepted yet: whoever accepts there), inferred (concluded from other sockets), none (the kernel's by nature), hidden (no permission), unheld (nobody in sight has it).",
        get: |row| row.holders().map_or(Value::None, |(_, p)| Value::Word(p.word())),
        all: None,
    },
    Field {
        name: "likely_holder",
        kind: Kind::Text,
        source: Source::Owners,
        group: Group::Named,
        doc: "Who likely holds a socket that no process in sight has (unheld): nfs, nvme-tcp, cifs, ceph or 9p of the kernel, another pid namespace, or gone or io_uring.",
        get: |row| match row.holders() {
            Some((_, Provenance::Unheld)) => {
                Value::Word(likely(row.socket, row.view.other_pid_namespace))
            }
            _ => Value::None,
        },
        all: None,
    },
    Field {
        name: "rests_on",
        kind: Kind::Text,
        source: Source::Owners,
        group: Group::Named,
        doc: "What an inferred owner (--infer) rests on: cookie (that process held the very socket before), listener (it alone listens there), destination (it alone has connections to the same destination).",
        get: |row| match &row.view.holding {
            Some(h) => h
                .maker(row.socket, row.view.protocol)
                .map_or(Value::None, |(_, g)| Value::Word(g.word())),
            None => Value::None,
        },
        all: None,
    },
    Field {
        name: "process",
        kind: Kind::Text,
        source: Source::Owners,
        group: Group::Named,
        doc: "Who holds it, as name[pid], and how many more processes; in parentheses why there is nobody, or who is only inferred. Filters compare the name as it is shown; write it in single quotes if it has a backslash.",
        get: process,
        all: Some(|row, each| {
            let Some(holding) = &row.view.holding else { return };
            for holder in holders(row).iter() {
                // A process that ended before its name was read may have had any.
                each(match holding.comm(holder.pid) {
                    "" => Value::None,
                    comm => Value::Text(Cow::Borrowed(comm)),
                });
            }
        }),
    },
];

pub(super) fn holders<'a>(row: &Row<'a>) -> Cow<'a, [Holder]> {
    row.holders().map_or(Cow::Borrowed(&[]), |(holders, _)| holders)
}

/// Holders that have a descriptor: who is only inferred has none.
fn descriptors<'a>(row: &Row<'a>) -> Cow<'a, [Holder]> {
    match row.holders() {
        Some((holders, provenance)) if provenance != Provenance::Inferred => holders,
        _ => Cow::Borrowed(&[]),
    }
}

fn process<'a>(row: &Row<'a>) -> Value<'a> {
    let (Some(holding), Some((holders, provenance))) = (&row.view.holding, row.holders()) else {
        return Value::None;
    };
    let Some(first) = holders.first() else {
        return Value::Word(match provenance {
            Provenance::None => "(kernel)",
            Provenance::Listener => "(unaccepted)",
            Provenance::Hidden => "(hidden)",
            Provenance::Exact | Provenance::Inferred | Provenance::Unheld => "(unheld)",
        });
    };
    if provenance == Provenance::Inferred {
        let name = holding.name(row.socket, row.view.protocol, first.pid);
        let name = format!("({name}[{}])", first.pid);
        return Value::Text(Cow::Owned(name));
    }
    // Sorted by pid: a process with several descriptors counts once.
    let others = holders.windows(2).filter(|w| matches!(w, [a, b] if a.pid != b.pid)).count();
    Value::Holder(holding.comm(first.pid), first.pid, others)
}
