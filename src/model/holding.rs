//! Who holds the sockets of a list, ready to be asked row by row.

use std::borrow::Cow;
use std::sync::Arc;

use super::listener::Listeners;
use super::makers::{Ground, Makers};
use super::owner::{Holder, Owners, Processes, Provenance};
use super::protocol::Protocol;
use super::socket::Socket;

/// What a scan of descriptors found, and what it takes to read it.
#[derive(Debug, Clone, Default)]
pub struct Holding {
    /// The scan; `None` if none was made.
    pub owners: Option<Arc<Owners>>,
    /// Names of the holders.
    pub processes: Arc<Processes>,
    /// Names of the holders at an earlier look, whose pids others may have now.
    pub former: Arc<Processes>,
    /// Who accepts connections that no process has yet.
    pub listeners: Listeners,
    /// Who most likely made what no process holds; `None` if nobody asked.
    pub makers: Option<Arc<Makers>>,
    /// Whether every process could be read: only then is a socket without a holder nobody's.
    pub all_seen: bool,
}

impl Holding {
    /// The holders of a socket, and how they are known. A connection that waits to be accepted has its listener's; where it may
    /// be in several queues, those of all of them, for nothing tells in which it is. A subflow without an inode belongs to
    /// its MPTCP connection and is never laid at a listener's door.
    pub fn of(
        &self,
        socket: &Socket,
        protocol: Protocol,
        subflow: bool,
    ) -> (Cow<'_, [Holder]>, Provenance) {
        const NOBODY: Cow<'static, [Holder]> = Cow::Borrowed(&[]);
        if let Some((pid, _)) = self.maker(socket, protocol) {
            let maker = Holder { inode: 0, pid, fd: 0 };
            return (Cow::Owned(vec![maker]), Provenance::Inferred);
        }
        if socket.is_kernels(protocol) || socket.is_unaccepted() && subflow {
            return (NOBODY, Provenance::None);
        }
        let Some(owners) = &self.owners else { return (NOBODY, Provenance::Hidden) };
        if socket.is_unaccepted() {
            let holders = match self.listeners.queues(socket).as_slice() {
                [] => NOBODY,
                [only] => Cow::Borrowed(owners.of(only.inode)),
                many => {
                    let mut all: Vec<Holder> =
                        many.iter().flat_map(|l| owners.of(l.inode)).copied().collect();
                    all.sort_by_key(|h| (h.pid, h.fd));
                    all.dedup_by_key(|h| h.pid);
                    Cow::Owned(all)
                }
            };
            return (holders, Provenance::Listener);
        }
        let holders = owners.of(socket.inode);
        let provenance = match (holders.is_empty(), self.all_seen) {
            (false, _) => Provenance::Exact,
            (true, true) => Provenance::Unheld,
            (true, false) => Provenance::Hidden,
        };
        (Cow::Borrowed(holders), provenance)
    }

    /// Who most likely made a socket that no process holds, and what that rests on.
    pub fn maker(&self, socket: &Socket, protocol: Protocol) -> Option<(u32, Ground)> {
        let makers = self.makers.as_ref().filter(|_| protocol == Protocol::Tcp)?;
        makers.maker(socket)
    }

    /// The name of a holder: of one that an earlier look saw, the name that it had then.
    pub fn name(&self, socket: &Socket, protocol: Protocol, pid: u32) -> &str {
        let former = match self.maker(socket, protocol) {
            Some((_, Ground::Cookie)) => self.former.get(&pid),
            _ => None,
        };
        former.map_or_else(|| self.comm(pid), |p| p.comm.as_str())
    }

    /// The name of a process; empty if it was gone before it could be read.
    pub fn comm(&self, pid: u32) -> &str {
        self.processes.get(&pid).map_or("", |p| p.comm.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::owner::Process;
    use super::super::state::State;
    use super::super::testing::{listener, socket};
    use super::super::text::Text;
    use super::*;

    #[test]
    fn every_kind_of_owner_is_told_apart() {
        let mut listening = listener("0.0.0.0:80", 1, 5);
        listening.inode = 7;
        let process = Process { pid: 4, comm: Text::new(b"nginx"), ..Process::default() };
        let mut holding = Holding {
            owners: Some(Arc::new(Owners {
                holders: vec![Holder { inode: 7, pid: 4, fd: 3 }],
                ..Owners::default()
            })),
            processes: Arc::new([(4, process)].into()),
            listeners: Listeners::among([listening].iter()),
            all_seen: true,
            makers: None,
            ..Holding::default()
        };
        let of = |h: &Holding, s: &Socket, subflow| {
            let (holders, provenance) = h.of(s, Protocol::Tcp, subflow);
            (holders.first().map(|h| h.pid), provenance)
        };
        assert_eq!(of(&holding, &listening, false), (Some(4), Provenance::Exact));
        let mut waiting = socket(State::Established, "10.0.0.1:80", "10.0.0.2:9");
        waiting.inode = 0;
        assert_eq!(of(&holding, &waiting, false), (Some(4), Provenance::Listener));
        assert_eq!(of(&holding, &waiting, true), (None, Provenance::None));
        let mut foreign = socket(State::Established, "10.0.0.1:81", "10.0.0.2:9");
        foreign.inode = 9;
        assert_eq!(of(&holding, &foreign, false), (None, Provenance::Unheld));
        holding.all_seen = false;
        assert_eq!(of(&holding, &foreign, false), (None, Provenance::Hidden));
        let bucket = socket(State::TimeWait, "10.0.0.1:81", "10.0.0.2:9");
        assert_eq!(of(&holding, &bucket, false), (None, Provenance::None));
        assert_eq!((holding.comm(4), holding.comm(5)), ("nginx", ""));
    }
}
