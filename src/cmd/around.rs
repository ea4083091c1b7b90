//! What rows are read with beside their own message: users, paths of control groups, names, what is kept from us.

use std::sync::Arc;

use crate::collect::surroundings;
use crate::fields::{Field, Source, View};
use crate::model::Snapshot;
use crate::model::endpoint::Family;
use crate::model::holding::Holding;
use crate::model::listener::Listeners;
use crate::model::owner::Provenance;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::text::Text;
use crate::sys::System;
use crate::wire::attributes::Attributes;
use crate::wire::etc::Services;

/// What is the same for every namespace, and read once.
#[derive(Default)]
pub(super) struct Around {
    pub(super) view: View,
    pub(super) services: Services,
    pub(super) known: Option<Holding>,
}

impl Around {
    /// What these fields need; `resolve` for names of /etc/hosts and /etc/services.
    pub(super) fn read(fields: &[&'static Field], resolve: bool, system: &dyn System) -> Around {
        let needs = |source: Source| fields.iter().any(|f| f.source == source);
        let mut around = Around::default();
        around.view.queue_limits = true;
        around.view.marks = surroundings::may_see_marks(system);
        around.view.other_pid_namespace = surroundings::in_other_pid_namespace(system);
        if needs(Source::Users) {
            around.view.users = surroundings::users(system);
        }
        if needs(Source::Cgroups) {
            around.view.cgroups = surroundings::cgroups(system);
        }
        if resolve {
            let hosts = surroundings::hosts(system);
            // The first name of an address counts.
            for (name, addr) in hosts {
                around.view.hosts.entry(addr).or_insert(Text::new(name.as_bytes()));
            }
            around.services = surroundings::services(system);
        }
        around
    }
}

/// The attributes of a message, where anything is read from them: what is `asked` for, whether a connection without an inode is a subflow
/// where its owner matters, and whether a wildcard takes both families.
pub(super) fn attributes<'p>(
    asked: bool,
    owners: bool,
    socket: &Socket,
    payload: &'p [u8],
) -> Attributes<'p> {
    let wildcard = socket.family == Family::Ipv6 && socket.peer_addr.0 == [0; 16];
    match asked || wildcard || owners && socket.inode == 0 {
        true => Attributes::of(payload),
        false => Attributes::NONE,
    }
}

/// Looks up the name of a socket's interface, once for each.
pub(super) fn name_interface(view: &mut View, socket: &Socket, system: &dyn System) {
    if socket.interface != 0 && !view.interfaces.contains_key(&socket.interface) {
        let name = system.interface_name(socket.interface);
        let name = name.unwrap_or_else(|| format!("if{}", socket.interface).into_bytes());
        view.interfaces.insert(socket.interface, Text::new(&name));
    }
}

/// The view on a table whose owners were read with it, all of them.
pub(super) fn view_of(snapshot: &Snapshot, listeners: &Listeners) -> View {
    View {
        netns: snapshot.netns.clone(),
        protocol: Protocol::Tcp,
        queue_limits: snapshot.has_netlink_facts(),
        holding: snapshot.owners.as_ref().map(|owners| Holding {
            owners: Some(Arc::new(owners.clone())),
            processes: Arc::new(snapshot.processes.clone()),
            listeners: listeners.clone(),
            all_seen: snapshot.unnamed() == Provenance::Unheld,
            ..Holding::default()
        }),
        ..View::default()
    }
}
