//! A dump that is not held: sockets pass on to a sink as they come, with their owners if those are asked for. Owners are looked for
//! beside the dump; until they are there, a bounded part of it waits.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::ScopedJoinHandle;

use super::owners::{self, Found, Method, Search};
use super::sockets::{self, Event};
use crate::model::coverage::{Coverage, Seen};
use crate::model::holding::Holding;
use crate::model::listener::Listeners;
use crate::model::owner::Provenance;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::sys::System;
use crate::wire::attributes::Attributes;
use crate::wire::inet_diag;
use crate::wire::request::{EXT_INFO, Request};

/// So many bytes of waiting messages are a big table: every socket's owner is looked for, at once.
const BIG: usize = 256 * 1024;

/// At most so many bytes of messages wait for the owners; then the kernel waits.
const FULL: usize = 6 * 1024 * 1024;

/// At most so many sockets that came after the owners were read are looked up again.
const LATE: usize = 32 * 1024;

/// What to read.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The dump.
    pub request: Request,
    /// How to look for owners; `None` if nobody asks.
    pub owners: Option<Method>,
    /// Owners that were found beforehand, for all namespaces at once.
    pub known: Option<Holding>,
    /// Effective user id, for the advice on what is hidden.
    pub euid: Option<u32>,
}

/// Where the sockets go.
pub trait Sink {
    /// Whether a socket may be shown, as far as it can be said before the owners are known.
    fn may_show(&mut self, socket: &Socket, payload: &[u8]) -> bool;

    /// What follows comes from /proc, which tells less.
    fn without_netlink(&mut self);

    /// The owners of what comes next.
    fn owners(&mut self, holding: Holding);

    /// Shows a socket; false if there is enough.
    fn show(&mut self, socket: &Socket, payload: &[u8]) -> bool;

    /// Who holds a socket, as this sink shows it.
    fn provenance(&self, socket: &Socket, payload: &[u8]) -> Option<Provenance>;
}

/// Messages that wait, in pieces so that they never move.
#[derive(Default)]
struct Waiting {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
    count: usize,
}

impl Waiting {
    const PIECE: usize = 256 * 1024;

    fn push(&mut self, payload: &[u8]) {
        let size = payload.len() + 2;
        match self.pieces.last_mut() {
            Some(piece) if piece.len() + size <= piece.capacity() => keep(piece, payload),
            _ => {
                // The first pieces are small: most lists are.
                let next = Self::PIECE.min(4096 << self.pieces.len().min(6));
                let mut piece = Vec::with_capacity(size.max(next));
                keep(&mut piece, payload);
                self.pieces.push(piece);
            }
        }
        self.bytes += size;
        self.count += 1;
    }

    fn iter(&self, protocol: Protocol) -> impl Iterator<Item = (Socket, &[u8])> {
        self.pieces.iter().flat_map(move |piece| {
            let mut rest = piece.as_slice();
            std::iter::from_fn(move || {
                let length = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
                let payload = rest.get(2..2 + length)?;
                rest = rest.get(2 + length..)?;
                Some((sockets::decode(payload, protocol)?, payload))
            })
        })
    }
}

/// Appends a message behind its length; one attribute-laden message has some hundred bytes.
fn keep(piece: &mut Vec<u8>, payload: &[u8]) {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    piece.extend(length.to_ne_bytes());
    piece.extend(payload.get(..usize::from(length)).unwrap_or_default());
}

type Finder<'scope> = ScopedJoinHandle<'scope, Option<Result<Found, String>>>;

/// The state of a run.
struct Run<'a, 'scope> {
    system: &'a dyn System,
    asked: &'a Asked,
    coverage: &'a mut Coverage,
    sink: &'a mut dyn Sink,
    listeners: Listeners,
    wishes: Option<Sender<Option<Vec<u32>>>>,
    finder: Option<Finder<'scope>>,
    waiting: Waiting,
    late: Waiting,
    /// Whether every socket's owner was looked for before all sockets had come.
    early: bool,
    hidden: usize,
    denied: u32,
    shown: usize,
    /// Whether whoever asked has enough.
    enough: bool,
    /// What is known of owners so far.
    holding: Option<Holding>,
    failure: Option<String>,
}

/// Hands every socket that is asked for to `sink`, and notes in `coverage` what could not be seen.
///
/// # Errors
/// Owners were asked for in a way that this kernel refuses; nothing has been shown then.
pub fn stream(
    system: &dyn System,
    asked: &Asked,
    coverage: &mut Coverage,
    sink: &mut dyn Sink,
) -> Result<(), String> {
    std::thread::scope(|scope| {
        let (wishes, wish) = channel::<Option<Vec<u32>>>();
        let finder = asked.owners.filter(|_| asked.known.is_none()).map(|method| {
            scope.spawn(move || {
                let wanted = wish.recv().ok()?;
                Some({
                    let wanted = wanted.as_deref();
                    owners::find(system, Search { method, wanted, ..Search::default() })
                })
            })
        });
        let (listeners, mptcp) = match asked.owners {
            Some(_) => listeners(system, &asked.request),
            None => (Listeners::default(), false),
        };
        // Only tcp_info brings the word that tells a subflow from a connection that waits to be accepted.
        let mut asked = asked.clone();
        if mptcp {
            asked.request.extensions |= EXT_INFO;
        }
        let asked = &asked;
        let known = asked.known.as_ref();
        let known = known.map(|known| Holding { listeners: listeners.clone(), ..known.clone() });
        if let Some(known) = &known {
            sink.owners(known.clone());
        }
        let mut run = Run {
            system,
            asked,
            coverage,
            sink,
            listeners,
            wishes: finder.is_some().then_some(wishes),
            finder,
            waiting: Waiting::default(),
            late: Waiting::default(),
            early: asked.known.is_some(),
            hidden: 0,
            denied: 0,
            shown: 0,
            enough: false,
            holding: known,
            failure: None,
        };
        run.read();
        run.failure.map_or(Ok(()), Err)
    })
}

/// The owners of every socket of every namespace, to be shared by the streams of all.
///
/// # Errors
/// They cannot be found at all, or not in the way that was asked for.
pub fn everywhere(
    system: &dyn System,
    method: Method,
    coverage: &mut Coverage,
    euid: Option<u32>,
) -> Result<Holding, String> {
    let found = owners::find(system, Search { method, everywhere: true, ..Search::default() })?;
    owners::note(coverage, &found, 0, 0, euid, false);
    Ok(Holding {
        owners: Some(Arc::new(found.owners)),
        processes: Arc::new(found.processes),
        all_seen: found.all_seen,
        ..Holding::default()
    })
}

/// The listeners, where connections may wait to be accepted; and whether any of them accepts MPTCP, as far as we are told.
fn listeners(system: &dyn System, request: &Request) -> (Listeners, bool) {
    let accepts = request.protocol != Protocol::Udp
        && (request.states.has(State::Established) || request.states.has(State::CloseWait));
    let (mut found, mut mptcp) = (Vec::new(), false);
    if accepts {
        let states = StateSet::of(State::Listen);
        let request = Request { condition: None, extensions: EXT_INFO, states, ..request.clone() };
        // Where this fails, so does the dump itself, which says so.
        let _ = sockets::dump(system, &request, 1, &mut |event| {
            match event {
                Event::Restart => found.clear(),
                Event::Socket(socket, payload) => {
                    mptcp |= Attributes::of(payload).is_subflow();
                    found.push(socket);
                }
            }
            true
        });
    }
    (Listeners::among(found.iter()), mptcp)
}

impl Run<'_, '_> {
    fn read(&mut self) {
        let mut broken = false;
        let request = &self.asked.request;
        let mut dump = |run: &mut Self, request: &Request| {
            sockets::dump(run.system, request, 1, &mut |event| match event {
                Event::Restart => {
                    // Before the first socket the dump is merely asked for in another way.
                    broken = run.has_any();
                    !broken
                }
                Event::Socket(socket, payload) => !broken && run.take(&socket, payload),
            })
        };
        let mut result = dump(self, request);
        // A part of the filter that this kernel refuses is checked here instead.
        if result.is_err() && request.condition.is_some() && !self.has_any() {
            result = dump(self, &Request { condition: None, ..request.clone() });
        }
        if broken {
            let reason = Some("the dump broke off in the middle".to_string());
            self.coverage.note(sockets::source(request.protocol), Seen::Partial, reason, None);
        } else if !sockets::note(self.coverage, request.protocol, result) {
            self.sink.without_netlink();
            let mut found = Vec::new();
            sockets::from_proc(self.system, request, self.coverage, &mut |socket| {
                found.push(*socket);
                true
            });
            for socket in found {
                if !self.take(&socket, &inet_diag::encode(&socket)) {
                    break;
                }
            }
        }
        if self.finder.is_some() {
            self.ask();
            self.meet();
        }
        self.look_again();
        if self.hidden > 0 {
            let (hidden, shown) = (self.hidden, self.shown);
            let reason = owners::unseen(hidden, shown, self.denied);
            let hint = owners::grant_for(self.asked.euid);
            self.coverage.note("owners", Seen::Partial, Some(reason), Some(hint));
        }
    }

    /// Whether any socket has come.
    fn has_any(&self) -> bool {
        self.shown > 0 || self.waiting.count > 0 || self.late.count > 0
    }

    /// Takes one socket in: it waits for the owners, or is shown.
    fn take(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        // Before the filter is asked: it would take a socket that is younger than the owners for nobody's.
        if self.finder.is_none() && self.is_late(socket, payload) {
            self.late.push(payload);
            return true;
        }
        if !self.sink.may_show(socket, payload) {
            return true;
        }
        if self.finder.is_none() {
            return self.failure.is_none() && self.show(socket, payload);
        }
        self.waiting.push(payload);
        if self.waiting.bytes > BIG
            && let Some(wishes) = self.wishes.take()
        {
            self.early = true;
            let _ = wishes.send(None);
        }
        if self.waiting.bytes > FULL { self.meet() } else { true }
    }

    /// Says whose owners are wanted, if it was not said already.
    fn ask(&mut self) {
        if let Some(wishes) = self.wishes.take() {
            let accepting = self.listeners.iter().map(|l| l.inode);
            let mut wanted: Vec<u32> = self
                .waiting
                .iter(self.asked.request.protocol)
                .map(|(s, _)| s.inode)
                .chain(accepting)
                .filter(|i| *i != 0)
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            // Without a wish the finder ends without looking.
            if self.waiting.count > 0 && !wanted.is_empty() {
                let _ = wishes.send(Some(wanted));
            }
        }
    }

    /// Waits for the owners and shows what waited for them.
    fn meet(&mut self) -> bool {
        let Some(finder) = self.finder.take() else { return true };
        match finder.join() {
            Ok(Some(Ok(found))) => self.hand_over(found),
            Ok(None) => {
                let nothing = Found { all_seen: true, ..Found::default() };
                self.coverage.seen("owners");
                self.hand_over_silently(nothing);
            }
            Ok(Some(Err(reason))) if self.asked.owners == Some(Method::Bpf) => {
                self.failure = Some(reason);
                return false;
            }
            Ok(Some(Err(reason))) => {
                self.coverage.note("owners", Seen::Failed, Some(reason), None);
                self.hand_over_silently(Found::default());
            }
            Err(_) => {
                let reason = Some("the thread that looked for owners panicked".to_string());
                self.coverage.note("owners", Seen::Failed, reason, None);
                self.hand_over_silently(Found::default());
            }
        }
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .iter(self.asked.request.protocol)
            .all(|(socket, payload)| self.show(&socket, payload))
    }

    fn hand_over(&mut self, found: Found) {
        owners::note(self.coverage, &found, 0, 0, self.asked.euid, false);
        self.hand_over_silently(found);
    }

    /// Adds what was found to what is known: rows that wait to be sorted still need the first scan's owners.
    fn hand_over_silently(&mut self, found: Found) {
        self.denied = self.denied.max(found.owners.denied);
        let (mut owners, mut processes) = (found.owners, found.processes);
        if let Some(known) = &self.holding {
            owners.holders.extend(known.owners.iter().flat_map(|o| &o.holders));
            owners.holders.sort_unstable();
            owners.holders.dedup();
            processes.extend(known.processes.iter().map(|(pid, p)| (*pid, p.clone())));
        }
        let holding = Holding {
            owners: Some(Arc::new(owners)),
            processes: Arc::new(processes),
            listeners: self.listeners.clone(),
            makers: self.holding.as_ref().and_then(|h| h.makers.clone()),
            former: self.holding.as_ref().map(|h| h.former.clone()).unwrap_or_default(),
            all_seen: found.all_seen,
        };
        self.holding = Some(holding.clone());
        self.sink.owners(holding);
    }

    /// Whether a socket has no owner because it may have been made after the owners were read: those are looked up again at the end.
    fn is_late(&self, socket: &Socket, payload: &[u8]) -> bool {
        if !self.early || self.late.count >= LATE {
            return false;
        }
        match self.sink.provenance(socket, payload) {
            Some(Provenance::Unheld) => true,
            // Root is refused by a process or two; for others a second look would find no more than the first.
            Some(Provenance::Hidden) => self.asked.euid == Some(0),
            _ => false,
        }
    }

    /// Shows a socket, unless its owner is to be looked up again.
    fn show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
        if self.asked.owners.is_some() {
            if self.is_late(socket, payload) {
                self.late.push(payload);
                return true;
            }
            if self.sink.provenance(socket, payload) == Some(Provenance::Hidden) {
                self.hidden += 1;
            }
        }
        self.shown += 1;
        let more = self.sink.show(socket, payload);
        self.enough |= !more;
        more
    }

    fn look_again(&mut self) {
        let late = std::mem::take(&mut self.late);
        if late.count == 0 || self.enough {
            return;
        }
        self.early = false;
        let accepting = self.listeners.iter().map(|l| l.inode);
        let mut wanted: Vec<u32> =
            late.iter(self.asked.request.protocol).map(|(s, _)| s.inode).chain(accepting).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let method = self.asked.owners.unwrap_or_default();
        if let Ok(found) =
            owners::find(self.system, Search { method, wanted: Some(&wanted), ..Search::default() })
        {
            self.hand_over_silently(found);
        }
        let _ = late
            .iter(self.asked.request.protocol)
            .all(|(socket, payload)| self.show(&socket, payload));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::model::owner::{Holder, Owners};
    use crate::wire::bytecode::{End, Program};
    use crate::wire::netlink::message;
    use crate::wire::request::Condition;
    use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};

    /// Writes down what comes.
    struct Book {
        holding: Option<Holding>,
        /// Near port and first holder.
        rows: Vec<(u16, Option<u32>)>,
        netlink: bool,
        /// Rows that are enough.
        most: usize,
    }

    impl Sink for Book {
        /// Asks for sockets that somebody holds.
        fn may_show(&mut self, socket: &Socket, payload: &[u8]) -> bool {
            self.provenance(socket, payload) != Some(Provenance::Unheld)
        }
        fn without_netlink(&mut self) {
            self.netlink = false;
        }
        fn owners(&mut self, holding: Holding) {
            self.holding = Some(holding);
        }
        fn show(&mut self, socket: &Socket, _: &[u8]) -> bool {
            let holders = self.holding.as_ref().map(|h| h.of(socket, Protocol::Tcp, false).0);
            let first = holders.and_then(|h| h.first().map(|h| h.pid));
            self.rows.push((socket.local_port, first));
            self.rows.len() < self.most
        }
        fn provenance(&self, socket: &Socket, _: &[u8]) -> Option<Provenance> {
            Some(self.holding.as_ref()?.of(socket, Protocol::Tcp, false).1)
        }
    }

    fn dump(sockets: &[(u16, u32)]) -> Vec<Vec<u8>> {
        let one = |(port, inode): &(u16, u32)| {
            let mut m = vec![0u8; 72];
            (m[0], m[1]) = (2, 1);
            m[4..6].copy_from_slice(&port.to_be_bytes());
            m[6..8].copy_from_slice(&9u16.to_be_bytes());
            m[68..72].copy_from_slice(&inode.to_ne_bytes());
            message(18, 0, &m)
        };
        sockets.iter().map(one).chain([message(NLMSG_DONE, 0, &[0; 4])]).collect()
    }

    fn refused() -> Vec<Vec<u8>> {
        vec![message(NLMSG_ERROR, 0, &(-1i32).to_ne_bytes())]
    }

    fn run(system: &Scripted, asked: &Asked, most: usize) -> (Book, Coverage) {
        let mut book = Book { holding: None, rows: Vec::new(), netlink: true, most };
        let mut coverage = Coverage::default();
        stream(system, asked, &mut coverage, &mut book).unwrap();
        (book, coverage)
    }

    fn asked(owners: Option<Method>) -> Asked {
        Asked { request: Request::tcp(StateSet::ALL, 0), owners, known: None, euid: Some(0) }
    }

    fn with_processes(dumps: Vec<Vec<Vec<u8>>>) -> Scripted {
        let mut system = Scripted::dumps(dumps).file("/proc/self/status", "CapEff:\tffffffffff\n");
        system.processes.insert(10, Some(vec![(3, 77)]));
        system.processes.insert(11, Some(vec![(4, 99)]));
        system
    }

    #[test]
    fn owners_of_a_small_table_are_there_before_its_rows() {
        let system = with_processes(vec![dump(&[]), dump(&[(7, 77), (8, 99), (9, 5)])]);
        let (book, coverage) = run(&system, &asked(Some(Method::Proc)), 9);
        assert_eq!(book.rows, [(7, Some(10)), (8, Some(11)), (9, None)]);
        assert!(coverage.is_complete());
    }

    #[test]
    fn a_socket_younger_than_the_owners_is_looked_up_again_and_loses_nobody_theirs() {
        let holders = vec![Holder { inode: 77, pid: 10, fd: 3 }];
        let known = Holding {
            owners: Some(Arc::new(Owners { holders, ..Owners::default() })),
            all_seen: true,
            ..Holding::default()
        };
        let system = with_processes(vec![dump(&[]), dump(&[(7, 77), (8, 99)])]);
        let asked = Asked { known: Some(known), ..asked(Some(Method::Proc)) };
        let (book, _) = run(&system, &asked, 9);
        assert_eq!(book.rows, [(7, Some(10)), (8, Some(11))], "the filter must not lose it");
        let owners = book.holding.unwrap().owners.unwrap();
        assert_eq!((owners.of(77).len(), owners.of(99).len()), (1, 1), "rows may still be sorted");
        let system = with_processes(vec![dump(&[]), dump(&[(8, 99), (7, 77)])]);
        assert_eq!(run(&system, &asked, 1).0.rows, [(7, Some(10))], "enough is enough");
    }

    #[test]
    fn a_condition_that_is_refused_is_left_to_the_filter() {
        let mut asked = asked(None);
        asked.request.condition = Some(Condition::Program(Program::ports(End::Local, 7, 7)));
        let system = Scripted::dumps(vec![refused(), refused(), dump(&[(7, 77), (8, 99)])]);
        let (book, coverage) = run(&system, &asked, 9);
        assert_eq!((book.rows.len(), coverage.is_complete()), (2, true));
    }

    #[test]
    fn without_netlink_the_rows_come_from_proc_and_the_sink_is_told() {
        let line =
            "   1: 0100007F:9C40 0200007F:1389 01 00000000:00000000 00:00000000 00000000 0 0 5 1\n";
        let system = Scripted::dumps(vec![refused(), refused()])
            .file("/proc/net/tcp", &format!("head\n{line}"));
        let (book, coverage) = run(&system, &asked(None), 9);
        assert_eq!((book.rows, book.netlink), (vec![(40000, None)], false));
        assert!(coverage.table_is_whole() && !coverage.is_complete());
    }
}
