//! What a command left behind: what came while it ran, and stays.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli::{Allow, RunArgs};
use crate::cmd::assert::{offenders, pause};
use crate::cmd::earlier::Past;
use crate::collect::{self, enrich, surroundings};
use crate::error::Error;
use crate::model::Snapshot;
use crate::model::listener::Listeners;
use crate::model::owner::{Process, Provenance};
use crate::model::ports::EphemeralRange;
use crate::model::portset::PortSet;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::wants::Wants;
use crate::render::document::run::{LeftDocument, LeftKind, LeftOrphans};
use crate::sys::System;

/// Between two looks.
const STEP: Duration = Duration::from_millis(200);

/// What one look found.
#[derive(Default)]
struct Found {
    close_wait: Vec<Socket>,
    open: Vec<Socket>,
    listeners: Vec<Socket>,
    time_wait: u64,
    time_wait_ports: u64,
    of_others: u64,
    orphans: Vec<Socket>,
    hidden: Vec<Socket>,
    known: bool,
    /// Cookies of all that came while the command ran.
    fresh: BTreeSet<u64>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        // Whose a connection is may be found out by the next look: a process may just have been starting.
        let all = [&self.close_wait, &self.open, &self.listeners, &self.hidden, &self.orphans];
        self.known && all.iter().all(|left| left.is_empty())
    }
}

/// Who was there before the command.
#[derive(Debug, Default)]
pub(super) struct Elders {
    /// Their process ids, sorted.
    pub(super) pids: Vec<u32>,
    /// When the command was started, by [`collect::start_ticks_now`].
    pub(super) until: Option<u64>,
}

impl Elders {
    /// Whether a process was started later. The number alone does not tell: it may be that of one which ended.
    fn is_younger(&self, pid: u32, process: Option<&Process>) -> bool {
        let started = process.and_then(|p| p.start_ticks);
        self.pids.binary_search(&pid).is_err()
            || started.zip(self.until).is_some_and(|(started, until)| started > until)
    }
}

/// Looks until nothing is left, or the time is over: what is gone until then was on its way out.
pub(super) fn settled(
    past: &Past,
    elders: &Elders,
    patience: Duration,
    args: &RunArgs,
    system: &dyn System,
) -> Result<(Snapshot, LeftDocument), Error> {
    let begun = collect::uptime_ms(system);
    let mut waited = Duration::ZERO;
    // What came while the command ran is what was there at its end: a later one belongs to what goes on now.
    let mut suspects: Option<BTreeSet<u64>> = None;
    loop {
        let (snapshot, mut found) = look(past, elders, args.isolate, system)?;
        if let Some(seen) = &suspects {
            let stays = |s: &Socket| seen.contains(&s.cookie);
            found.close_wait.retain(stays);
            found.open.retain(stays);
            found.listeners.retain(stays);
            found.hidden.retain(stays);
            found.orphans.retain(stays);
        }
        if found.is_nothing() || waited >= patience {
            let around = snapshot.surroundings();
            let left = document(found, &around, args, system);
            return Ok((around, left));
        }
        // A table that was cut does not say what was not there.
        if found.known {
            suspects.get_or_insert_with(|| std::mem::take(&mut found.fresh));
        }
        let step = STEP.min(patience.saturating_sub(waited));
        pause(system, step)?;
        let elapsed = crate::cmd::look::elapsed_ms(begun, system);
        waited = Duration::from_millis(elapsed).max(waited + step);
    }
}

fn look(
    past: &Past,
    elders: &Elders,
    isolated: bool,
    system: &dyn System,
) -> Result<(Snapshot, Found), Error> {
    let mut snapshot = collect::begin(system, None)?;
    collect::add(system, StateSet::ALL, &mut snapshot);
    collect::read_settings(system, &mut snapshot);
    let whole = snapshot.coverage.table_is_whole();
    let fresh: Vec<Socket> =
        snapshot.sockets.iter().filter(|s| past.before.is_new(s) == Some(true)).copied().collect();
    let cookies = fresh.iter().map(|s| s.cookie).collect();
    let unsure = snapshot.sockets.iter().any(|s| past.before.is_new(s).is_none());
    let mut found = Found { known: whole && !unsure, fresh: cookies, ..Found::default() };
    let listeners = Listeners::of(&snapshot);
    let mut wants = Wants::default();
    wants
        .owners
        .extend(fresh.iter().filter(|s| is_held(s)).map(|s| holder_of(s, &listeners).inode));
    wants.owners.remove(&0);
    if !wants.owners.is_empty() {
        enrich(system, &mut snapshot, &wants);
    }
    let elsewhere = surroundings::in_other_pid_namespace(system);
    let range = EphemeralRange::of(&snapshot);
    let mut ports = PortSet::default();
    for socket in fresh {
        match socket.state {
            State::TimeWait => {
                found.time_wait += 1;
                if range.as_ref().is_some_and(|r| r.has(socket.local_port)) {
                    ports.insert(socket.local_port);
                }
            }
            State::CloseWait => found.close_wait.push(socket),
            State::FinWait1 | State::Closing | State::LastAck if socket.is_kernel_owned() => {
                found.orphans.push(socket);
            }
            _ if !is_held(&socket) => {}
            state => {
                let own = isolated
                    || state == State::Listen
                    || is_younger(&snapshot, holder_of(&socket, &listeners), elders);
                match (own, snapshot.provenance(holder_of(&socket, &listeners))) {
                    (true, _) if state == State::Listen => found.listeners.push(socket),
                    (true, _) => found.open.push(socket),
                    (false, Provenance::Hidden) => found.hidden.push(socket),
                    // Out of sight may be the very process that was started.
                    (false, Provenance::Unheld) if elsewhere => found.hidden.push(socket),
                    (false, _) => found.of_others += 1,
                }
            }
        }
    }
    found.time_wait_ports = u64::from(ports.count_in(1, u16::MAX));
    Ok((snapshot, found))
}

/// Whether a process holds a socket, or one will that waits to be accepted; the others the kernel brings to an end.
fn is_held(socket: &Socket) -> bool {
    !socket.is_kernel_owned() && (socket.inode != 0 || socket.is_unaccepted())
}

/// The socket whose holders answer for one: the listener's for what waits to be accepted.
fn holder_of<'a>(socket: &'a Socket, listeners: &'a Listeners) -> &'a Socket {
    match socket.is_unaccepted() {
        true => listeners.accepting(socket).unwrap_or(socket),
        false => socket,
    }
}

/// Whether a process that holds a socket was started meanwhile.
fn is_younger(snapshot: &Snapshot, socket: &Socket, elders: &Elders) -> bool {
    let holders = snapshot.owners.as_ref().map(|o| o.of(socket.inode)).unwrap_or_default();
    holders.iter().any(|h| elders.is_younger(h.pid, snapshot.processes.get(&h.pid)))
}

fn document(found: Found, around: &Snapshot, args: &RunArgs, system: &dyn System) -> LeftDocument {
    let hidden = found.hidden.len() as u64;
    let orphans = LeftOrphans {
        sockets: found.orphans.len() as u64,
        unsent_bytes: found.orphans.iter().map(|s| u64::from(s.send_queue)).sum(),
    };
    let groups = [found.close_wait, found.open, found.listeners];
    let mut named = offenders::named(&groups, around, system).into_iter();
    let mut kind = |sockets: &[Socket], what: Allow| LeftKind {
        sockets: sockets.len() as u64,
        allowed: args.allow.contains(&what),
        offenders: named.next().unwrap_or_default(),
    };
    let [close_wait, open, listeners] = &groups;
    LeftDocument {
        close_wait: kind(close_wait, Allow::CloseWait),
        open: kind(open, Allow::Open),
        listeners: kind(listeners, Allow::Listeners),
        time_wait: found.time_wait,
        time_wait_ports: found.time_wait_ports,
        time_wait_is_cut: false,
        orphans,
        of_others: found.of_others,
        hidden,
        known: found.known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_used_before_makes_nobody_old() {
        let elders = Elders { pids: vec![7, 11], until: Some(5000) };
        let process = |ticks| Process { start_ticks: Some(ticks), ..Process::default() };
        assert!(elders.is_younger(8, None), "it was not there");
        assert!(!elders.is_younger(7, Some(&process(5000))), "within the same hundredth");
        assert!(elders.is_younger(7, Some(&process(5001))), "the number is that of another");
        assert!(!elders.is_younger(11, None), "nothing else is known of it");
    }
}
