//! Whether a socket fulfils an expression: yes, no, or not known. What is not known is never taken for either.

use super::expr::{Expr, HostPort, Literal, Operator, Predicate, Prefix};
use crate::fields::value::Value;
use crate::fields::{Field, Row, Source};
use crate::model::endpoint::{Addr, Family};
use crate::model::owner::Provenance;
use crate::model::socket::Socket;
use crate::wire::attributes::{CGROUP_ID, MARK};
use crate::wire::bytecode::End;

impl Expr {
    /// Whether the row fulfils this; `None` if that depends on something unknown.
    pub fn holds(&self, row: &Row<'_>) -> Option<bool> {
        match self {
            Expr::And(parts) => all(parts.iter().map(|p| p.holds(row))),
            Expr::Or(parts) => all(parts.iter().map(|p| p.holds(row).map(|h| !h))).map(|h| !h),
            Expr::Not(inner) => inner.holds(row).map(|h| !h),
            Expr::Is(predicate) => predicate.holds(row),
        }
    }
}

/// No if any part is no; else unknown if any part is unknown.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

fn ends(socket: &Socket, end: End) -> (Addr, u16) {
    match end {
        End::Local => (socket.local_addr, socket.local_port),
        End::Peer => (socket.peer_addr, socket.peer_port),
    }
}

impl Predicate {
    /// Whether the row fulfils this; `None` if that depends on something unknown.
    pub fn holds(&self, row: &Row<'_>) -> Option<bool> {
        let s = row.socket;
        Some(match self {
            Predicate::State(set) => set.has(s.state),
            Predicate::Host(end, hosts) => {
                let (addr, port) = ends(s, *end);
                hosts.iter().any(|h| h.covers(addr, s.family, port))
            }
            Predicate::Port(end, op, port) => op.holds(ends(s, *end).1.cmp(port)),
            Predicate::Ports(end, ranges) => {
                let port = ends(s, *end).1;
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&port))
            }
            // /proc does not tell interfaces.
            Predicate::Device(..) if !row.view.queue_limits => return None,
            Predicate::Device(index, _) => s.interface == *index,
            Predicate::Mark(value, mask) => row.attributes.u32(MARK, 0)? & mask == *value & mask,
            Predicate::Cgroup(id, _) => row.attributes.u64(CGROUP_ID, 0)? == *id,
            Predicate::Autobound => {
                let explicit = row.view.explicit.as_ref()?.contains(&s.cookie);
                let (low, high) = row.view.ephemeral?;
                !explicit && (low..=high).contains(&s.local_port)
            }
            Predicate::Compare(field, op, literals) => return compare(row, field, *op, literals),
            Predicate::Known(field) => return known(field, row),
        })
    }
}

impl HostPort {
    fn covers(&self, addr: Addr, family: Family, port: u16) -> bool {
        self.family.is_none_or(|f| f == family)
            && self.prefix.is_none_or(|p| p.covers(addr, family))
            && self.port.is_none_or(|p| p == port)
    }
}

impl Prefix {
    /// As the kernel sees it (inet_diag_bc_run): an IPv6 prefix is for IPv6 sockets only, an IPv4 one covers v4-mapped addresses.
    fn covers(&self, addr: Addr, family: Family) -> bool {
        let bits = match self.family {
            Family::Ipv6 if family == Family::Ipv4 => return false,
            Family::Ipv6 => self.length,
            Family::Ipv4 if addr.as_v4().is_none() => return false,
            Family::Ipv4 => 96 + self.length,
        };
        let (a, b) = (u128::from_be_bytes(addr.0), u128::from_be_bytes(self.addr.0));
        let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
        a & mask == b & mask
    }
}

/// Compares a field with any of the literals. A field of several values fulfils `=` if any does, and `!=` if none is equal.
fn compare(row: &Row<'_>, field: &Field, op: Operator, literals: &[Literal]) -> Option<bool> {
    let negative = matches!(op, Operator::NotEqual | Operator::MatchesNot);
    let positive = match op {
        Operator::NotEqual => Operator::Equal,
        Operator::MatchesNot => Operator::Matches,
        other => other,
    };
    let (mut any, mut values, mut unsure) = (false, 0, false);
    field.values(row, &mut |value| {
        values += 1;
        unsure |= value.is_none();
        any = any || literals.iter().any(|l| one(&value, positive, l));
    });
    if any {
        return Some(!negative);
    }
    if values == 0 && owned(field) {
        // Nobody holds it: that is known, where every process was read.
        let (_, provenance) = row.holders()?;
        return is_certain(provenance, row).then_some(negative);
    }
    (values > 0 && !unsure).then_some(negative)
}

/// Whether a field has a value. What is kept from us is not known to have none.
fn known(field: &Field, row: &Row<'_>) -> Option<bool> {
    if field.name == "mark" && !row.view.marks {
        return None;
    }
    // /proc tells nothing of what comes as attributes.
    if matches!(field.source, Source::Attribute(_)) && !row.view.queue_limits {
        return None;
    }
    if !owned(field) || field.name == "provenance" {
        return Some(!(field.get)(row).is_none());
    }
    let (holders, provenance) = row.holders()?;
    if holders.is_empty() {
        return is_certain(provenance, row).then_some(false);
    }
    Some(field.name != "container" || !(field.get)(row).is_none())
}

/// Whether nobody holding a socket is a fact, and not a want of rights.
fn is_certain(provenance: Provenance, row: &Row<'_>) -> bool {
    match provenance {
        Provenance::None | Provenance::Exact => true,
        // In a pid namespace of its own this program sees its own processes, and no more.
        Provenance::Unheld => !row.view.other_pid_namespace,
        _ => false,
    }
}

/// Whether a field is of the owner.
fn owned(field: &Field) -> bool {
    matches!(field.source, Source::Owners | Source::Processes)
}

fn one(value: &Value<'_>, op: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Number(n) | Value::Id(n), Literal::Number(m, _)) => op.holds(n.cmp(m)),
        (Value::Ratio(n), Literal::Ratio(m, _)) => op.holds(n.total_cmp(m)),
        (Value::Flag(n), Literal::Flag(m)) => op.holds(n.cmp(m)),
        (value, literal) => {
            let text = match value {
                Value::Word(word) => word,
                Value::Text(text) => text.as_ref(),
                _ => return false,
            };
            match literal {
                Literal::Text(wanted) => op.holds(text.cmp(wanted.as_str())),
                Literal::Pattern(pattern) => pattern.is_match(text),
                _ => false,
            }
        }
    }
}
