//! The socket table: by netlink, one walk for both families where the kernel has it, else family by family; where netlink is
//! refused, from `/proc/net/tcp` and `tcp6`.

use crate::model::Snapshot;
use crate::model::coverage::{Coverage, Seen};
use crate::model::endpoint::Family;
use crate::model::protocol::Protocol;
use crate::model::socket::{Detail, Socket, SocketTable};
use crate::model::state::{State, StateSet};
use crate::sys::{Kind, SysError, System};
use crate::wire::inet_diag;
use crate::wire::netlink::{Message, walk};
use crate::wire::proc_net_tcp;
use crate::wire::request::{Condition, Request};

use super::{ahead, seen};

/// How often a dump that the kernel calls inconsistent is taken anew.
const ATTEMPTS: u32 = 3;

/// What is wrong with a dump that was taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Whoever asked has enough; this is none.
    stopped: bool,
    interrupted: bool,
    overrun: bool,
    /// Messages that are no socket as this program knows them.
    undecoded: u32,
}

impl Flaws {
    /// Whether another try may give a better dump.
    fn may_pass(&self) -> bool {
        (self.interrupted || self.overrun) && !self.stopped
    }

    fn reason(&self) -> Option<String> {
        let mut reasons = Vec::new();
        if self.interrupted {
            reasons.push("the table changed during every attempt to dump it".to_string());
        }
        if self.overrun {
            reasons.push("the kernel dropped part of the dump".to_string());
        }
        if self.undecoded > 0 {
            reasons.push(format!("{} messages could not be decoded", self.undecoded));
        }
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// What a dump hands on.
pub(super) enum Event<'a> {
    /// What came before is void: the dump starts anew.
    Restart,
    /// A socket, and the message it came in.
    Socket(Socket, &'a [u8]),
}

/// Reads the table into `snapshot` and notes how it went.
pub(super) fn read(system: &dyn System, states: StateSet, extensions: u8, snapshot: &mut Snapshot) {
    let request = Request::tcp(states, extensions);
    let result = dump(system, &request, ATTEMPTS, &mut |event| {
        match event {
            Event::Restart => {
                snapshot.sockets = SocketTable::default();
                snapshot.details.clear();
            }
            Event::Socket(mut socket, payload) => {
                if extensions != 0 {
                    snapshot.details.push(inet_diag::detail(payload));
                    socket.detail = snapshot.details.len() as u32;
                }
                snapshot.sockets.push(socket);
            }
        }
        true
    });
    if !note(&mut snapshot.coverage, Protocol::Tcp, result) {
        let Snapshot { coverage, sockets, .. } = snapshot;
        from_proc(system, &request, coverage, &mut |s| {
            sockets.push(*s);
            true
        });
    }
}

/// The name of a protocol's dump in the coverage.
pub fn source(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "sock_diag",
        Protocol::Udp => "sock_diag_udp",
        Protocol::Mptcp => "sock_diag_mptcp",
    }
}

/// Notes how a dump went; false if netlink gave nothing.
pub(super) fn note(
    coverage: &mut Coverage,
    protocol: Protocol,
    result: Result<Flaws, SysError>,
) -> bool {
    let name = source(protocol);
    match result {
        Ok(flaws) => {
            match flaws.reason() {
                None => coverage.seen(name),
                reason => coverage.note(name, Seen::Partial, reason, None),
            }
            true
        }
        // A kernel without MPTCP has no such sockets to hide.
        Err(e) if protocol == Protocol::Mptcp && e.kind == Kind::Absent => {
            coverage.note(name, Seen::Absent, Some(e.reason), None);
            true
        }
        Err(refused) => {
            // A host-wide absence of sock_diag still hides something (queue limits), so it is never "absent" here.
            let state = match seen(&refused) {
                Seen::Absent => Seen::Denied,
                other => other,
            };
            coverage.note(name, state, Some(refused.reason), None);
            false
        }
    }
}

/// Hands every socket of `request` to `each` until that returns false, trying one walk first and both families after. A dump that the
/// kernel calls inconsistent is taken anew as often as `attempts` allows.
pub(super) fn dump(
    system: &dyn System,
    request: &Request,
    attempts: u32,
    each: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Flaws, SysError> {
    let mut flaws = Flaws::default();
    for attempt in 0..attempts {
        if attempt > 0 {
            each(Event::Restart);
        }
        // Only TCP has a request for both families.
        let one_walk = (request.family.is_some() || request.protocol == Protocol::Tcp)
            .then(|| once(system, request, each));
        flaws = match one_walk {
            Some(Ok(flaws)) => flaws,
            Some(Err(e)) if request.family.is_some() => return Err(e),
            Some(Err(_)) | None => {
                each(Event::Restart);
                let mut both = Flaws::default();
                for family in [Family::Ipv4, Family::Ipv6] {
                    let request = Request { family: Some(family), ..request.clone() };
                    let one = once(system, &request, each);
                    match one {
                        Ok(f) => {
                            both.interrupted |= f.interrupted;
                            both.overrun |= f.overrun;
                            both.undecoded += f.undecoded;
                            if f.stopped {
                                return Ok(both);
                            }
                        }
                        // A kernel without IPv6 knows no such family; nothing is hidden then.
                        Err(e) if family == Family::Ipv6 && e.kind == Kind::Absent => {}
                        Err(e) => {
                            each(Event::Restart);
                            return Err(e);
                        }
                    }
                }
                both
            }
        };
        if !flaws.may_pass() {
            break;
        }
    }
    Ok(flaws)
}

/// The socket of a message. Bound without a peer is a state of its own for TCP only.
pub(super) fn decode(payload: &[u8], protocol: Protocol) -> Option<Socket> {
    let mut socket = inet_diag::socket(payload)?;
    if protocol == Protocol::Udp && socket.state == State::BoundInactive {
        socket.state = State::Close;
    }
    Some(socket)
}

/// One exchange.
fn once(
    system: &dyn System,
    request: &Request,
    each: &mut dyn FnMut(Event<'_>) -> bool,
) -> Result<Flaws, SysError> {
    let mut flaws = Flaws::default();
    let mut refused = None;
    let sent = ahead::sock_diag(system, request, &mut |datagram| {
        let mut go_on = true;
        let seen = walk(datagram, &mut |message| {
            match message {
                Message::Payload(payload) => match decode(payload, request.protocol) {
                    Some(socket) if request.matches(&socket) => {
                        go_on = each(Event::Socket(socket, payload));
                        flaws.stopped = !go_on;
                    }
                    Some(_) => {}
                    None => flaws.undecoded += 1,
                },
                Message::Done(None) => go_on = false,
                Message::Done(Some(errno)) | Message::Error(errno) => {
                    let errno = rustix::io::Errno::from_raw_os_error(errno);
                    refused = Some(SysError::new("sock_diag", errno));
                    go_on = false;
                }
                Message::Overrun => flaws.overrun = true,
                Message::Malformed => flaws.undecoded += 1,
            }
            go_on
        });
        flaws.interrupted |= seen.interrupted;
        go_on
    });
    match (sent, refused) {
        (Err(e), _) if e.kind == Kind::Overrun => Ok(Flaws { overrun: true, ..flaws }),
        (Err(e), _) | (Ok(()), Some(e)) => Err(e),
        (Ok(()), None) => Ok(flaws),
    }
}

/// Hands the sockets of a later, narrower request with their details to `each`; false if the kernel refused it or the answer is
/// not whole.
pub(super) fn details(
    system: &dyn System,
    states: StateSet,
    extensions: u8,
    condition: Option<Condition>,
    each: &mut dyn FnMut(Socket, Detail),
) -> Result<(), SysError> {
    let mut found = Vec::new();
    let request = Request { condition, ..Request::tcp(states, extensions) };
    let flaws = dump(system, &request, ATTEMPTS, &mut |event| {
        match event {
            Event::Restart => found.clear(),
            Event::Socket(socket, payload) => found.push((socket, inet_diag::detail(payload))),
        }
        true
    })?;
    found.into_iter().for_each(|(socket, detail)| each(socket, detail));
    match flaws.reason() {
        None => Ok(()),
        Some(reason) => Err(SysError { what: "sock_diag".into(), kind: Kind::Overrun, reason }),
    }
}

/// The fallback: no limits of accept queues, no bound-inactive sockets, no details, nothing of MPTCP.
pub(super) fn from_proc(
    system: &dyn System,
    request: &Request,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Socket) -> bool,
) {
    let paths: &[(&str, Family)] = match request.protocol {
        Protocol::Tcp => &[("/proc/net/tcp", Family::Ipv4), ("/proc/net/tcp6", Family::Ipv6)],
        Protocol::Udp => &[("/proc/net/udp", Family::Ipv4), ("/proc/net/udp6", Family::Ipv6)],
        Protocol::Mptcp => return,
    };
    let name = if request.protocol == Protocol::Udp { "proc_net_udp" } else { "proc_net_tcp" };
    let mut undecoded = 0;
    let mut go_on = true;
    for (path, family) in paths {
        match system.read(path) {
            Ok(text) => {
                let (sockets, bad) = proc_net_tcp::parse(&text, *family);
                undecoded += bad;
                for socket in sockets.iter().filter(|s| request.matches(s)) {
                    go_on = go_on && each(socket);
                }
            }
            Err(e) if e.kind == Kind::Absent && *family == Family::Ipv6 => {}
            Err(e) => {
                let state = seen(&e).max(Seen::Partial);
                coverage.note(name, state, Some(e.to_string()), None);
            }
        }
    }
    if undecoded > 0 {
        let reason = format!("{undecoded} lines could not be decoded");
        coverage.note(name, Seen::Partial, Some(reason), None);
    }
    coverage.seen(name);
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scripted;
    use super::*;
    use crate::wire::netlink::message;
    use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN};

    fn socket_bytes(port: u16) -> Vec<u8> {
        let mut m = vec![0u8; 72];
        (m[0], m[1]) = (2, 1);
        m[4..6].copy_from_slice(&port.to_be_bytes());
        m[6..8].copy_from_slice(&9u16.to_be_bytes());
        m
    }

    fn done(flags: u16) -> Vec<u8> {
        message(NLMSG_DONE, flags, &[0; 4])
    }

    fn refused(errno: i32) -> Vec<u8> {
        message(NLMSG_ERROR, 0, &(-errno).to_ne_bytes())
    }

    fn run(system: &Scripted) -> Snapshot {
        let mut snapshot = Snapshot::default();
        read(system, StateSet::ALL, 0, &mut snapshot);
        snapshot
    }

    fn ports(snapshot: &Snapshot) -> Vec<u16> {
        snapshot.sockets.iter().map(|s| s.local_port).collect()
    }

    #[test]
    fn one_walk_gives_both_families() {
        let s = run(&Scripted::dumps(vec![vec![message(18, 0, &socket_bytes(7)), done(0)]]));
        assert_eq!(ports(&s), [7]);
        assert_eq!(s.coverage.get("sock_diag").unwrap().state, Seen::Seen);
    }

    #[test]
    fn a_kernel_without_the_old_request_is_asked_by_family() {
        let s = run(&Scripted::dumps(vec![
            vec![refused(22)],
            vec![message(20, 0, &socket_bytes(7)), done(0)],
            vec![done(0)],
        ]));
        assert_eq!(ports(&s), [7]);
        assert!(s.coverage.is_complete());
    }

    #[test]
    fn an_interrupted_dump_is_repeated_and_then_called_partial() {
        let interrupted =
            || vec![message(18, NLM_F_DUMP_INTR, &socket_bytes(7)), done(NLM_F_DUMP_INTR)];
        let clean = || vec![message(18, 0, &socket_bytes(8)), done(0)];
        let s = run(&Scripted::dumps(vec![interrupted(), clean()]));
        assert_eq!((ports(&s), s.coverage.is_complete()), (vec![8], true));
        let s = run(&Scripted::dumps(vec![interrupted(), interrupted(), interrupted()]));
        assert_eq!(ports(&s), [7]);
        assert_eq!(s.coverage.get("sock_diag").unwrap().state, Seen::Partial);
        assert!(!s.coverage.table_is_whole());
    }

    #[test]
    fn overruns_are_repeated_and_a_mangled_message_is_counted() {
        let overrun = || vec![message(NLMSG_OVERRUN, 0, &[]), done(0)];
        let s = run(&Scripted::dumps(vec![overrun(), overrun(), overrun()]));
        assert_eq!(s.coverage.get("sock_diag").unwrap().state, Seen::Partial);
        let s = run(&Scripted::dumps(vec![vec![
            message(18, 0, &[1, 2, 3]),
            message(18, 0, &socket_bytes(7)),
            done(0),
        ]]));
        let reason = s.coverage.get("sock_diag").unwrap().reason.clone().unwrap();
        assert_eq!((ports(&s), reason.as_str()), (vec![7], "1 messages could not be decoded"));
    }

    #[test]
    fn refused_netlink_falls_back_to_proc_and_says_so() {
        let line =
            "   1: 0100007F:9C40 0200007F:1389 01 00000000:00000000 00:00000000 00000000 0 0 5 1\n";
        let system = Scripted::dumps(vec![vec![refused(1)], vec![refused(1)]])
            .file("/proc/net/tcp", &format!("head\n{line}"));
        let s = run(&system);
        assert_eq!((ports(&s), s.count(State::Established)), (vec![40000], 1));
        assert_eq!(s.coverage.get("sock_diag").unwrap().state, Seen::Denied);
        assert!(s.coverage.table_is_whole() && !s.coverage.is_complete());
        let s = run(&Scripted::dumps(vec![vec![refused(1)], vec![refused(1)]]));
        assert!(
            !s.coverage.table_is_whole(),
            "nothing could be read, and that must not look healthy"
        );
    }
}
