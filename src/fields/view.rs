//! What a field is read from: one socket, its attributes, and what surrounds it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::endpoint::Addr;
use crate::model::holding::Holding;
use crate::model::owner::{Holder, Provenance};
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::text::Text;
use crate::model::workload::Workload;
use crate::wire::attributes::Attributes;

/// What is known beside the rows of one dump.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Network namespace.
    pub netns: Text,
    /// Protocol of the dump.
    pub protocol: Protocol,
    /// Whether limits of accept queues are told: /proc/net/tcp does not.
    pub queue_limits: bool,
    /// Whether firewall marks are told to us.
    pub marks: bool,
    /// Whether our pid namespace is not the initial one, so that holders may be out of sight.
    pub other_pid_namespace: bool,
    /// Who holds what; `None` if owners were not asked for.
    pub holding: Option<Holding>,
    /// Names by user id.
    pub users: BTreeMap<u32, Text>,
    /// Paths by cgroup id.
    pub cgroups: BTreeMap<u64, Text>,
    /// Names by interface index.
    pub interfaces: BTreeMap<u32, Text>,
    /// Names by address and by port, where `-r` asks for them.
    pub hosts: BTreeMap<Addr, Text>,
    /// Names by port of the protocol, where `-r` asks for them.
    pub services: BTreeMap<u16, Text>,
    /// Cookies of the sockets whose port was taken by an explicit bind(); `None` if not asked.
    pub explicit: Option<BTreeSet<u64>>,
    /// The ephemeral range, where `autobound` asks for it.
    pub ephemeral: Option<(u16, u16)>,
    /// What processes belong to, by process id, where asked.
    pub workloads: Arc<BTreeMap<u32, Workload>>,
}

/// One socket in its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The header.
    pub socket: &'a Socket,
    /// The attributes.
    pub attributes: &'a Attributes<'a>,
    /// The rest.
    pub view: &'a View,
}

impl<'a> Row<'a> {
    /// Its holders and how they are known; `None` if owners were not asked for.
    pub fn holders(&self) -> Option<(Cow<'a, [Holder]>, Provenance)> {
        let holding = self.view.holding.as_ref()?;
        Some(holding.of(self.socket, self.view.protocol, self.attributes.is_subflow()))
    }
}
