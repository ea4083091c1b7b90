//! An earlier look, and what changed since: the one place where rates are made.

use super::Snapshot;
use super::counters::Counters;
use super::makers;
use super::owner::Processes;
use super::ports::Ports;
use super::socket::{Socket, Timer};
use super::state::State;
use super::text::Text;

/// How far an earlier look must have gone for what is asked of it. What goes further has all that less far ones have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No earlier look is needed.
    Nothing,
    /// The counters.
    Counters,
    /// The listeners too, and what each had refused.
    Listeners,
    /// Every socket, and how full the pools of ports were.
    Table,
}

/// What is kept of an earlier look: what rates need and no more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Earlier {
    time_ms: u64,
    uptime_ms: Option<u64>,
    boot_id: Text,
    netns_inode: Option<u64>,
    counters: Counters,
    /// The pools of ports that were busy.
    pub ports: Option<Ports>,
    /// Sockets with something in their queues, and those whose state lasts, by cookie.
    sockets: Vec<Then>,
    /// Who held the live sockets; empty if owners were not looked for.
    makers: makers::Earlier,
    /// Names of those processes.
    processes: Processes,
}

/// A socket as it was: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Then {
    cookie: u64,
    /// Its Recv-Q.
    pub recv_queue: u32,
    /// Its Send-Q.
    pub send_queue: u32,
    /// Packets it had dropped; `u32::MAX` if that was not read.
    drops: u32,
    /// Its state.
    pub state: State,
}

impl Then {
    /// Packets it had dropped, for a listener SYNs it refused.
    pub fn drops(&self) -> Option<u32> {
        (self.drops != u32::MAX).then_some(self.drops)
    }
}

/// The cookie of sockets that were not given one.
const NO_COOKIE: u64 = u64::MAX;

/// Whether a later look may want to know how a socket was.
fn is_worth_keeping(s: &Socket) -> bool {
    let lasts = matches!(s.state, State::Listen | State::CloseWait | State::FinWait2);
    let queued = s.recv_queue > 0 || s.send_queue > 0;
    s.cookie != NO_COOKIE && s.timer != Timer::TimeWait && (lasts || queued)
}

impl Earlier {
    /// Keeps what is needed of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Earlier {
        let kept = snapshot.sockets.iter().filter(|s| is_worth_keeping(s));
        let drops = |s: &Socket| snapshot.detail(s).and_then(|d| d.drops).unwrap_or(u32::MAX);
        let mut sockets: Vec<Then> = kept
            .map(|s| Then {
                cookie: s.cookie,
                recv_queue: s.recv_queue,
                send_queue: s.send_queue,
                drops: drops(s),
                state: s.state,
            })
            .collect();
        sockets.sort_unstable_by_key(|t| t.cookie);
        Earlier {
            time_ms: snapshot.time_ms,
            uptime_ms: snapshot.uptime_ms,
            boot_id: snapshot.host.boot_id.clone(),
            netns_inode: snapshot.netns_inode,
            counters: snapshot.counters.clone(),
            ports: Ports::busy(snapshot),
            sockets,
            makers: match &snapshot.owners {
                Some(owners) => makers::Earlier::of(snapshot.sockets.iter(), owners),
                None => makers::Earlier::default(),
            },
            processes: snapshot.processes.clone(),
        }
    }
}

/// What changed from an earlier look to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    earlier: Earlier,
    /// Milliseconds between the looks, at least 1.
    pub elapsed_ms: u32,
}

/// Counters that go up and down: their differences are no growth.
const GAUGES: [&str; 7] = [
    "Tcp.CurrEstab",
    "Tcp.RtoAlgorithm",
    "Tcp.RtoMin",
    "Tcp.RtoMax",
    "Tcp.MaxConn",
    "Ip.Forwarding",
    "Ip.DefaultTTL",
];

/// Whether a counter goes up and down, and has no growth.
pub fn is_gauge(name: &str) -> bool {
    let prefixes = ["sockstat.", "sockstat6.", "protocols."];
    GAUGES.contains(&name) || prefixes.iter().any(|p| name.starts_with(p))
}

impl Since {
    /// Pairs two looks.
    ///
    /// # Errors
    /// Why they cannot be compared: another boot, another network namespace, or the earlier one is not earlier.
    pub fn between(earlier: Earlier, now: &Snapshot) -> Result<Since, String> {
        if earlier.boot_id != now.host.boot_id {
            return Err("it is of another boot or another machine: counters began anew".into());
        }
        // A capture of old does not tell its namespace; then the names, which the caller knows, must do.
        if let (Some(then), Some(here)) = (earlier.netns_inode, now.netns_inode)
            && then != here
        {
            return Err(format!(
                "it is of network namespace net:[{then}], and this is net:[{here}]"
            ));
        }
        let by_uptime = now.uptime_ms.zip(earlier.uptime_ms).map(|(n, e)| n.checked_sub(e));
        let elapsed = by_uptime.unwrap_or_else(|| now.time_ms.checked_sub(earlier.time_ms));
        match elapsed.filter(|ms| *ms > 0) {
            Some(ms) => Ok(Since { earlier, elapsed_ms: u32::try_from(ms).unwrap_or(u32::MAX) }),
            None => Err("it is not earlier than this look".into()),
        }
    }

    /// Who held a socket at the earlier look that nobody holds now, with its name.
    pub fn maker(&self, socket: &Socket) -> Option<(u32, Text)> {
        let pid =
            makers::has_maker(socket).then(|| self.earlier.makers.holder(socket.cookie))??;
        let name = self.earlier.processes.get(&pid).map(|p| p.comm.clone());
        Some((pid, name.unwrap_or_default()))
    }

    /// Seconds between the looks.
    pub fn seconds(&self) -> f64 {
        f64::from(self.elapsed_ms) / 1e3
    }

    /// By how much a counter grew; `None` if either look lacks it, if it went backwards, or if it is no counter at all.
    pub fn grew(&self, now: &Snapshot, name: &str) -> Option<u64> {
        if is_gauge(name) {
            return None;
        }
        let growth = now.counters.get(name)?.checked_sub(self.earlier.counters.get(name)?)?;
        u64::try_from(growth).ok()
    }

    /// The pools that were busy then.
    pub fn ports(&self) -> Option<&Ports> {
        self.earlier.ports.as_ref()
    }

    /// A socket as it was then; `None` if it was not there, or had nothing worth keeping.
    pub fn then(&self, socket: &Socket) -> Option<&Then> {
        let sockets = &self.earlier.sockets;
        let at = sockets.binary_search_by_key(&socket.cookie, |t| t.cookie).ok()?;
        sockets.get(at).filter(|_| socket.cookie != NO_COOKIE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fresh, listener, push_detailed, socket};
    use super::*;
    use crate::model::socket::Detail;

    fn look(uptime_ms: u64, drops: i64) -> Snapshot {
        let mut s = fresh();
        (s.uptime_ms, s.time_ms, s.netns_inode) = (Some(uptime_ms), 5, Some(7));
        s.counters.0.insert("TcpExt.ListenDrops".into(), drops);
        s.counters.0.insert("Tcp.CurrEstab".into(), drops);
        s
    }

    fn since(earlier: &Snapshot, now: &Snapshot) -> Result<Since, String> {
        Since::between(Earlier::of(earlier), now)
    }

    #[test]
    fn growth_needs_a_counter_in_both_looks_that_did_not_go_backwards() {
        let now = look(3_000, 107);
        let s = since(&look(1_000, 100), &now).unwrap();
        assert_eq!((s.elapsed_ms, s.grew(&now, "TcpExt.ListenDrops")), (2_000, Some(7)));
        assert_eq!(s.grew(&now, "TcpExt.Unknown"), None);
        assert_eq!(s.grew(&now, "Tcp.CurrEstab"), None, "a gauge does not grow");
        let back = since(&look(1_000, 108), &now).unwrap();
        assert_eq!(back.grew(&now, "TcpExt.ListenDrops"), None);
    }

    #[test]
    fn another_boot_another_namespace_and_a_later_look_are_refused() {
        let now = look(3_000, 1);
        let mut other = look(1_000, 1);
        other.host.boot_id = Text::new(b"b");
        assert!(since(&other, &now).unwrap_err().contains("another boot"));
        let mut other = look(1_000, 1);
        other.netns_inode = Some(8);
        assert!(since(&other, &now).unwrap_err().contains("net:[8]"));
        assert!(since(&look(3_000, 1), &now).unwrap_err().contains("not earlier"));
        assert!(since(&look(4_000, 1), &now).is_err());
        // Without uptime the clock tells.
        let mut old = look(9, 1);
        (old.uptime_ms, old.time_ms) = (None, 2);
        assert_eq!(since(&old, &now).unwrap().elapsed_ms, 3);
    }

    #[test]
    fn a_socket_is_found_again_by_its_cookie() {
        let mut before = look(1, 0);
        let mut door = listener("127.0.0.1:80", 3, 5);
        door.cookie = 9;
        push_detailed(&mut before, door, Detail { drops: Some(4), ..Detail::default() });
        let mut idle = socket(State::Established, "127.0.0.1:80", "127.0.0.1:9");
        idle.cookie = 10;
        before.sockets.push(idle);
        let mut nameless = listener("127.0.0.1:81", 3, 5);
        nameless.cookie = NO_COOKIE;
        before.sockets.push(nameless);
        let s = since(&before, &look(2, 0)).unwrap();
        let then = s.then(&door).unwrap();
        assert_eq!((then.recv_queue, then.drops(), then.state), (3, Some(4), State::Listen));
        assert!(s.then(&idle).is_none() && s.then(&nameless).is_none());
        assert_eq!(std::mem::size_of::<Then>(), 24);
    }
}
