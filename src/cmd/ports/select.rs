//! Which destinations are shown: those of `--to`, and those with a socket that the filter selects.

use std::collections::HashSet;

use crate::cli::PortsArgs;
use crate::cmd::around::view_of;
use crate::cmd::filter;
use crate::error::Error;
use crate::fields::{Row, Source};
use crate::filter::endpoint;
use crate::filter::expr::{Expr, Predicate};
use crate::model::Snapshot;
use crate::model::destination::Destination;
use crate::model::endpoint::Addr;
use crate::model::listener::Listeners;
use crate::model::ports::{Pool, Ports, is_client};
use crate::model::text::Text;
use crate::sys::System;
use crate::wire::attributes::Attributes;

/// A destination that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    addr: Addr,
    port: Option<u16>,
}

/// What was asked for.
pub(in crate::cmd) struct Selection {
    targets: Vec<Target>,
    /// Our address, where only one matters.
    pub(in crate::cmd) from: Option<Addr>,
    expr: Expr,
}

impl Selection {
    /// Reads `--to` and the filter.
    pub(in crate::cmd) fn new(args: &PortsArgs, system: &dyn System) -> Result<Selection, Error> {
        let targets: Vec<Target> = args.to.iter().map(|t| target(t)).collect::<Result<_, _>>()?;
        let from = match &args.source {
            None => None,
            Some(text) => Some(match target(text)? {
                Target { addr, port: None } => addr,
                Target { .. } => {
                    return Err(Error::hinted(
                        format!(
                            "--source takes an address without a port, not '{}'",
                            Text::new(text.as_bytes())
                        ),
                        "leave the port out: connect() chooses it",
                    ));
                }
            }),
        };
        if let Some(from) = from
            && targets.iter().any(|t| t.addr.as_v4().is_some() != from.as_v4().is_some())
        {
            return Err(Error::hinted(
                "--source and --to are of different families",
                "give both as IPv4 or both as IPv6",
            ));
        }
        let expr = filter::read(&args.filter.join(" "), system, args.all_netns)?;
        let mut unknown = None;
        expr.predicates(&mut |p| match p {
            Predicate::Compare(field, ..) | Predicate::Known(field)
                if !matches!(field.source, Source::Header | Source::Owners) =>
            {
                unknown = Some(field.name);
            }
            Predicate::Mark(..) => unknown = Some("mark"),
            Predicate::Cgroup(..) => unknown = Some("cgroup"),
            Predicate::Autobound => unknown = Some("autobound"),
            _ => {}
        });
        match unknown {
            None => Ok(Selection { targets, from, expr }),
            Some(name) => Err(Error::hinted(
                format!("ports does not read '{name}'"),
                "select by address, port, state, uid or process; 'tcpvet list' knows the rest",
            )),
        }
    }

    /// Whether a pool is of the address that matters.
    fn is_from(&self, pool: &Pool) -> bool {
        self.from.is_none_or(|from| from == pool.destination.local_addr)
    }

    /// Destinations asked for with a port to which nobody connects.
    pub(super) fn unconnected(&self, ports: &Ports) -> Vec<Destination> {
        let connected = |t: &Target| {
            ports
                .pools
                .iter()
                .any(|p| t.fits(&p.destination) && self.is_from(p) && p.destination.interface == 0)
        };
        let missing = self.targets.iter().filter(|t| !connected(t));
        missing
            .filter_map(|t| {
                let local_addr =
                    if t.addr.as_v4().is_some() { Addr::v4([0; 4]) } else { Addr([0; 16]) };
                let (peer_addr, peer_port) = (t.addr, t.port?);
                Some(Destination { local_addr, peer_addr, peer_port, interface: 0 })
            })
            .collect()
    }

    /// The pools that are selected, least headroom first.
    pub(super) fn pools<'a>(&self, snapshot: &Snapshot, ports: &'a Ports) -> Vec<&'a Pool> {
        let mut pools = ports.by_headroom();
        pools.retain(|p| self.is_from(p));
        if !self.targets.is_empty() {
            pools.retain(|p| self.targets.iter().any(|t| t.fits(&p.destination)));
        }
        if self.expr != Expr::TRUE {
            let chosen = self.chosen(snapshot, ports);
            pools.retain(|p| chosen.contains(&p.destination));
        }
        pools
    }

    /// Destinations with a client socket that the filter selects.
    fn chosen(&self, snapshot: &Snapshot, ports: &Ports) -> HashSet<Destination> {
        let listeners = Listeners::of(snapshot);
        let view = view_of(snapshot, &listeners);
        let attributes = Attributes::of(&[]);
        let clients = snapshot.sockets.iter().filter(|s| is_client(s, &ports.range, &listeners));
        clients
            .filter(|socket| {
                let row = Row { socket, attributes: &attributes, view: &view };
                self.expr.holds(&row) == Some(true)
            })
            .map(Destination::of)
            .collect()
    }
}

impl Target {
    fn fits(self, destination: &Destination) -> bool {
        self.addr == destination.peer_addr && self.port.is_none_or(|p| p == destination.peer_port)
    }
}

/// Reads `10.0.0.5`, `10.0.0.5:5432`, `fd00::5`, `[fd00::5]:5432`.
fn target(text: &str) -> Result<Target, Error> {
    let wrong = || {
        Error::hinted(
            format!("'{}' is not ADDR or ADDR:PORT", Text::new(text.as_bytes())),
            "write it as 10.0.0.5:5432 or [fd00::5]:5432; names are not resolved",
        )
    };
    let (addr, _, port) = endpoint(text).ok_or_else(wrong)?;
    Ok(Target { addr, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_read_as_people_write_them() {
        let read = |text: &str| target(text).map(|t| (t.addr.to_string(), t.port)).ok();
        assert_eq!(read("10.0.0.5"), Some(("10.0.0.5".into(), None)));
        assert_eq!(read("10.0.0.5:5432"), Some(("10.0.0.5".into(), Some(5432))));
        assert_eq!(read("[fd00::5]:443"), Some(("fd00::5".into(), Some(443))));
        assert_eq!(read("fd00::5"), Some(("fd00::5".into(), None)));
        assert_eq!(read("::ffff:10.0.0.5"), Some(("10.0.0.5".into(), None)));
        for bad in ["", "db", "10.0.0.5:", "10.0.0.5:70000", "fd00::5]:1", "10.0.0:1", "10.0.0.1:0"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
