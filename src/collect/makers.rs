//! Who most likely made what no process holds: the sockets of now, and those of an earlier look.

use super::owners::{self, Search};
use super::sockets::{self, Event};
use super::{Start, hold, start};
use crate::model::Snapshot;
use crate::model::holding::Holding;
use crate::model::listener::Listeners;
use crate::model::makers::{Earlier, Makers};
use crate::model::owner::Processes;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::text::Text;
use crate::sys::{SysError, System};
use crate::wire::request::Request;

use super::owners::Method;
use std::sync::Arc;

/// Who held what at an earlier look, and their names.
#[derive(Debug, Clone, Default)]
pub struct Before {
    earlier: Earlier,
    processes: Processes,
    /// Boot and namespace of that look; `None` without one.
    of: Option<(Text, Option<u64>)>,
}

impl Before {
    /// Whether that look was of this boot and namespace: elsewhere cookies mean other sockets.
    ///
    /// # Errors
    /// Why it was not.
    pub fn fits(&self, now: &Snapshot) -> Result<(), String> {
        match &self.of {
            Some((boot, _)) if *boot != now.host.boot_id => {
                Err("it is of another boot or another machine".into())
            }
            Some((_, Some(then))) if now.netns_inode.is_some_and(|here| here != *then) => {
                Err(format!("it is of network namespace net:[{then}], and this is another"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads an earlier look out of a capture.
///
/// # Errors
/// The capture is none.
pub fn before(capture: &dyn System) -> Result<Before, SysError> {
    let mut snapshot =
        start(capture, &Start { kernel: false, owners: false, ..Start::diagnosis(None) })?;
    hold(capture, &mut snapshot, None);
    let owners = snapshot.owners.unwrap_or_default();
    let earlier = Earlier::of(snapshot.sockets.iter(), &owners);
    let of = Some((snapshot.host.boot_id.clone(), snapshot.netns_inode));
    Ok(Before { earlier, processes: snapshot.processes, of })
}

/// Adds to what is known of owners who most likely made the sockets without one, in one namespace.
///
/// # Errors
/// Owners cannot be looked for in the way that was asked for.
pub fn conclude(
    system: &dyn System,
    method: Method,
    known: Option<Holding>,
    before: &Before,
) -> Result<Holding, String> {
    let mut holding = match known {
        Some(holding) => holding,
        None => {
            let found = owners::find(system, Search { method, ..Search::default() })?;
            Holding {
                owners: Some(Arc::new(found.owners)),
                processes: Arc::new(found.processes),
                all_seen: found.all_seen,
                ..Holding::default()
            }
        }
    };
    let live = StateSet(StateSet::ALL.0 & !State::TimeWait.bit() & !State::SynRecv.bit());
    let mut sockets: Vec<Socket> = Vec::new();
    // Where this fails, so does the list itself, which says so.
    let _ = sockets::dump(system, &Request::tcp(live, 0), 1, &mut |event| {
        match event {
            Event::Restart => sockets.clear(),
            Event::Socket(socket, _) if socket.inode != 0 => sockets.push(socket),
            Event::Socket(..) => {}
        }
        true
    });
    let owners = holding.owners.clone().unwrap_or_default();
    let doors = Listeners::among(sockets.iter().filter(|s| s.state == State::Listen));
    let earlier = before.earlier.clone();
    holding.makers = Some(Arc::new(Makers::of(sockets.iter(), &owners, &doors, earlier)));
    holding.former = Arc::new(before.processes.clone());
    Ok(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_of_this_boot_and_this_namespace() {
        let mut now = Snapshot { netns_inode: Some(7), ..Snapshot::default() };
        now.host.boot_id = Text::new(b"a");
        let fits = |boot: &[u8], netns| {
            let of = Some((Text::new(boot), netns));
            Before { of, ..Before::default() }.fits(&now)
        };
        assert_eq!((fits(b"a", Some(7)), fits(b"a", None)), (Ok(()), Ok(())));
        assert!(fits(b"b", Some(7)).unwrap_err().contains("another boot"));
        assert!(fits(b"a", Some(8)).unwrap_err().contains("net:[8]"));
        assert_eq!(Before::default().fits(&now), Ok(()));
    }
}
