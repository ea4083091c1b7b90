//! The socket table: by netlink in both ways, its attributes, and the fallback.

use super::works;
use crate::collect::sockets::{self, Event};
use crate::model::Snapshot;
use crate::model::ability::{Ability, Works};
use crate::model::endpoint::Family;
use crate::model::state::StateSet;
use crate::phrase::join;
use crate::sys::{SysError, System};
use crate::wire::attributes::{Attributes, CGROUP_ID, CONG, INFO, MARK, SKMEMINFO, SOCKOPT, TOS};
use crate::wire::netlink::{Message, walk};
use crate::wire::request::{EXT_ALL, Request};

/// Attributes worth naming.
const NAMED: [(u16, &str); 7] = [
    (INFO, "tcp_info"),
    (SKMEMINFO, "skmeminfo"),
    (CONG, "cong"),
    (TOS, "tos"),
    (SOCKOPT, "sockopt"),
    (CGROUP_ID, "cgroup_id"),
    (MARK, "mark"),
];

/// Sockets that are looked at for their attributes.
const LOOKED_AT: usize = 64;

pub(super) fn abilities(system: &dyn System, snapshot: &Snapshot) -> Vec<Ability> {
    let mut came = Came::default();
    let netlink = attributes(system, &mut came);
    let one_walk = one_walk(system);
    let (tables, table_words) = tables(system);
    // The right holds in the user namespace that owns the network's: what came is the better witness.
    let may = crate::collect::surroundings::may_see_marks(system);
    let marks = may && (came.sockets == 0 || came.has(MARK));
    let socket_table = works(&netlink);
    let old = crate::collect::shows_no_bound_sockets(snapshot.host.kernel.as_str());
    vec![
        Ability {
            name: "sock_diag",
            works: socket_table,
            seen: match (&netlink, &one_walk) {
                (Err(e), _) => e.reason.clone(),
                (Ok(()), Ok(())) => "netlink, both families in one walk".into(),
                (Ok(()), Err(_)) => "netlink, one family after the other".into(),
            },
            costs: "limits of accept queues, ages, memory, tcp_info and bound sockets are unknown",
            capabilities: &[],
        },
        Ability {
            name: "attributes",
            works: if socket_table == Works::Yes { came.works() } else { socket_table },
            seen: came.words(),
            costs: "columns and rules that need what is missing stay empty",
            capabilities: &[],
        },
        Ability {
            name: "marks",
            works: if marks { Works::Yes } else { Works::Denied },
            seen: if marks { "told" } else { "told to CAP_NET_ADMIN only" }.into(),
            costs: "firewall marks, subflows of MPTCP and TCP MD5 are hidden",
            capabilities: &["cap_net_admin"],
        },
        Ability {
            name: "bound_inactive",
            works: if old { Works::Absent } else { socket_table },
            seen: if old { "Linux shows them from 6.8 on" } else { "asked for with the table" }
                .into(),
            costs: "sockets that hold a port and do nothing are in no table",
            capabilities: &[],
        },
        Ability {
            name: "proc_net_tcp",
            works: tables,
            seen: table_words,
            costs: "there is no fallback where netlink is refused",
            capabilities: &[],
        },
    ]
}

/// What came with some sockets.
#[derive(Default)]
struct Came {
    sockets: usize,
    kinds: [bool; NAMED.len()],
    tcp_info: usize,
}

impl Came {
    fn note(&mut self, payload: &[u8]) {
        let attributes = Attributes::of(payload);
        self.sockets += 1;
        for (seen, (kind, _)) in self.kinds.iter_mut().zip(NAMED) {
            *seen |= attributes.get(kind).is_some();
        }
        self.tcp_info = self.tcp_info.max(attributes.get(INFO).map_or(0, <[u8]>::len));
    }

    fn has(&self, kind: u16) -> bool {
        NAMED.iter().zip(self.kinds).any(|((k, _), seen)| *k == kind && seen)
    }

    fn works(&self) -> Works {
        if self.sockets == 0 || self.tcp_info > 0 { Works::Yes } else { Works::Partly }
    }

    fn words(&self) -> String {
        let names = NAMED.iter().zip(self.kinds).filter(|(_, seen)| *seen);
        let names: Vec<String> = names
            .map(|((kind, name), _)| match *kind {
                INFO => format!("{name} of {} bytes", self.tcp_info),
                _ => (*name).to_string(),
            })
            .collect();
        match (self.sockets, names.is_empty()) {
            (0, _) => "no socket here to tell".into(),
            (_, true) => "none came".into(),
            _ => join(&names, NAMED.len()),
        }
    }
}

/// Asks for the whole table with every attribute, and looks at the first of it.
fn attributes(system: &dyn System, came: &mut Came) -> Result<(), SysError> {
    let request = Request::tcp(StateSet::ALL, EXT_ALL);
    sockets::dump(system, &request, 1, &mut |event| {
        if let Event::Socket(_, payload) = event {
            came.note(payload);
        }
        came.sockets < LOOKED_AT
    })
    .map(|_| ())
}

/// Asks for both families at once.
fn one_walk(system: &dyn System) -> Result<(), SysError> {
    let request = Request { family: None, ..Request::tcp(StateSet(1 << 10), 0) };
    let mut refused = None;
    system.sock_diag(&request, &mut |datagram| {
        walk(datagram, &mut |message| {
            if let Message::Error(errno) = message {
                refused = Some(errno);
            }
            true
        });
        false
    })?;
    match refused {
        None => Ok(()),
        Some(_) => Err(SysError::failed("sock_diag", "refused")),
    }
}

/// The tables of /proc.
fn tables(system: &dyn System) -> (Works, String) {
    let mut results = system.read_all(&["/proc/net/tcp", "/proc/net/tcp6"]);
    let (v6, v4) = (results.pop(), results.pop());
    let of = |result: Option<Result<Vec<u8>, SysError>>| {
        result.unwrap_or_else(|| Err(SysError::failed("/proc/net", "not read")))
    };
    let (v4, v6) = (of(v4), of(v6));
    let worse = works(&v4).max(if works(&v6) == Works::Absent { Works::Yes } else { works(&v6) });
    let words = match (&v4, &v6) {
        (Err(e), _) => e.reason.clone(),
        (Ok(_), Ok(_)) => "readable, both families".into(),
        (Ok(_), Err(_)) => format!("readable, {} only", Family::Ipv4.word()),
    };
    (worse, words)
}
