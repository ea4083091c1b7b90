//! The bind pools in the document of `ports`.

use serde::Serialize;

use super::{PortOwner, owners};
use crate::model::Snapshot;
use crate::model::culprit::users;
use crate::model::ports::bind_pool::BindPool;
use crate::model::text::Text;
use crate::render::document::number::{ByState, Number};

/// The pool of one local address.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BindPoolDocument {
    /// Network namespace.
    #[cfg_attr(test, schemars(with = "String"))]
    pub netns: Text,
    /// The address that bind() names.
    pub local_addr: String,
    /// Ports of the range that are not reserved.
    pub usable: u32,
    /// Of those, ports that bind() to this address cannot get: whatever socket has them there or on the wildcard.
    pub used: u32,
    /// Ports taken on the wildcard address.
    pub on_wildcard: u32,
    /// Ports taken on this address by the state of their socket.
    pub by_state: ByState,
    /// How many more bind() calls to port 0 succeed, at least. Then: EADDRINUSE.
    pub headroom: u32,
    /// The same at most.
    pub headroom_max: u32,
    /// Share of `usable` that is taken.
    pub used_ratio: Number,
    /// What the next bind() beyond the headroom fails with.
    pub errno: &'static str,
    /// Whether sockets with SO_REUSEADDR may bind beyond the headroom (ip_autobind_reuse), and then fail at connect() now and then.
    pub reuseaddr_goes_on: bool,
    /// Who holds the ports on this address.
    pub holders: Vec<PortOwner>,
}

/// The bind pools with their holders; a wildcard's are those of every address.
pub(super) fn bind_pools(snapshot: &Snapshot, pools: &[BindPool]) -> Vec<BindPoolDocument> {
    let named: Vec<Vec<PortOwner>> =
        pools.iter().map(|p| owners(users(snapshot, &p.inodes))).collect();
    let mut everybody: Vec<PortOwner> = Vec::new();
    for owner in named.iter().flatten() {
        let is_same = |o: &&mut PortOwner| (o.pid, o.provenance) == (owner.pid, owner.provenance);
        match everybody.iter_mut().find(is_same) {
            Some(sum) => sum.sockets += owner.sockets,
            None => everybody.push(owner.clone()),
        }
    }
    everybody.sort_by_key(|o| (o.pid.is_none(), std::cmp::Reverse(o.sockets)));
    let one = |(pool, holders): (&BindPool, Vec<PortOwner>)| BindPoolDocument {
        netns: snapshot.netns.clone(),
        local_addr: pool.local_addr.to_string(),
        usable: pool.usable,
        used: pool.used,
        on_wildcard: pool.on_wildcard,
        by_state: ByState(pool.by_state.map(u64::from)),
        headroom: pool.headroom,
        headroom_max: pool.headroom_max,
        used_ratio: Number(pool.ratio()),
        errno: "EADDRINUSE",
        reuseaddr_goes_on: snapshot.sysctls.integer("net.ipv4.ip_autobind_reuse") == Some(1),
        holders: if pool.is_wildcard() { everybody.clone() } else { holders },
    };
    pools.iter().zip(named).map(one).collect()
}
