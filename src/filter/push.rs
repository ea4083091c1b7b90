//! What of an expression the kernel can check: states, family, and a program for the rest. It is never stricter than the expression,
//! and everything that passes is checked again.

use super::expr::{Expr, HostPort, Operator, Predicate};
use crate::model::endpoint::{Addr, Family};
use crate::model::state::StateSet;
use crate::wire::bytecode::{End, Program};

/// The part for the kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// States that can occur.
    pub states: StateSet,
    /// The only family that can occur.
    pub family: Option<Family>,
    /// What the program checks.
    pub condition: Expr,
    /// The program.
    pub program: Option<Program>,
}

/// What the kernel can check of `expr`.
pub fn push(expr: &Expr) -> Pushed {
    let families = families(expr, false);
    let condition = approximate(expr, false).unwrap_or(Expr::TRUE);
    let program = compile(&condition).filter(Program::fits);
    Pushed {
        states: states(expr, false),
        family: match families {
            (true, false) => Some(Family::Ipv4),
            (false, true) => Some(Family::Ipv6),
            _ => None,
        },
        condition: if program.is_some() { condition } else { Expr::TRUE },
        program,
    }
}

/// The states in which `expr`, or its contrary, can hold.
fn states(expr: &Expr, contrary: bool) -> StateSet {
    match (expr, contrary) {
        (Expr::Is(Predicate::State(set)), false) => StateSet(set.0 & StateSet::ALL.0),
        (Expr::Is(Predicate::State(set)), true) => StateSet(!set.0 & StateSet::ALL.0),
        (Expr::Is(_), _) => StateSet::ALL,
        (Expr::Not(inner), _) => states(inner, !contrary),
        (Expr::And(parts), false) | (Expr::Or(parts), true) => {
            let sets = parts.iter().map(|p| states(p, contrary).0);
            StateSet(sets.fold(StateSet::ALL.0, |a, b| a & b))
        }
        (Expr::Or(parts), false) | (Expr::And(parts), true) => {
            StateSet(parts.iter().map(|p| states(p, contrary).0).fold(0, |a, b| a | b))
        }
    }
}

/// Whether IPv4 and IPv6 sockets can fulfil `expr`, or its contrary.
fn families(expr: &Expr, contrary: bool) -> (bool, bool) {
    match (expr, contrary) {
        (Expr::Is(Predicate::Host(_, hosts)), false) => {
            let only_v6 = |h: &HostPort| {
                h.family == Some(Family::Ipv6) || h.prefix.is_some_and(|p| p.family == Family::Ipv6)
            };
            let only_v4 = |h: &HostPort| h.family == Some(Family::Ipv4);
            (!hosts.iter().all(only_v6), !hosts.iter().all(only_v4))
        }
        (Expr::Is(_), _) => (true, true),
        (Expr::Not(inner), _) => families(inner, !contrary),
        (Expr::And(parts), false) | (Expr::Or(parts), true) => parts
            .iter()
            .map(|p| families(p, contrary))
            .fold((true, true), |a, b| (a.0 && b.0, a.1 && b.1)),
        (Expr::Or(parts), false) | (Expr::And(parts), true) => parts
            .iter()
            .map(|p| families(p, contrary))
            .fold((false, false), |a, b| (a.0 || b.0, a.1 || b.1)),
    }
}

/// What is true wherever `expr` (or its contrary) is, in predicates that the kernel knows; `None` for nothing.
fn approximate(expr: &Expr, contrary: bool) -> Option<Expr> {
    match (expr, contrary) {
        (Expr::Is(predicate), contrary) => {
            let known = matches!(
                predicate,
                Predicate::Host(..)
                    | Predicate::Port(..)
                    | Predicate::Ports(..)
                    | Predicate::Device(..)
                    | Predicate::Mark(..)
                    | Predicate::Cgroup(..)
                    | Predicate::Autobound
            );
            // What is narrower here than in the kernel has a contrary that is wider.
            let inexact = contrary
                && match predicate {
                    Predicate::Autobound => true,
                    Predicate::Host(_, hosts) => hosts.iter().any(|h| h.family.is_some()),
                    _ => false,
                };
            let leaf = (known && !inexact).then(|| Expr::Is(predicate.clone()))?;
            Some(if contrary { Expr::Not(Box::new(leaf)) } else { leaf })
        }
        (Expr::Not(inner), _) => approximate(inner, !contrary),
        (Expr::And(parts), false) | (Expr::Or(parts), true) => {
            let known: Vec<Expr> = parts.iter().filter_map(|p| approximate(p, contrary)).collect();
            known.into_iter().reduce(Expr::and)
        }
        (Expr::Or(parts), false) | (Expr::And(parts), true) => {
            let mut known: Vec<Expr> =
                parts.iter().map(|p| approximate(p, contrary)).collect::<Option<_>>()?;
            match known.len() {
                0 => None,
                1 => known.pop(),
                _ => Some(Expr::Or(known)),
            }
        }
    }
}

fn compile(expr: &Expr) -> Option<Program> {
    match expr {
        Expr::And(parts) => parts.iter().map(compile).reduce(|a, b| Some(a?.and(b?)))?,
        Expr::Or(parts) => parts.iter().map(compile).reduce(|a, b| Some(a?.or(b?)))?,
        Expr::Not(inner) => compile(inner).map(Program::negate),
        Expr::Is(predicate) => leaf(predicate),
    }
}

fn leaf(predicate: &Predicate) -> Option<Program> {
    match predicate {
        Predicate::Host(end, hosts) => hosts.iter().map(|h| host(*end, h)).reduce(Program::or),
        Predicate::Port(end, op, port) => port_program(*end, *op, *port),
        Predicate::Ports(end, ranges) => {
            let one = |(low, high): &(u16, u16)| Program::ports(*end, *low, *high);
            ranges.iter().map(one).reduce(Program::or)
        }
        Predicate::Device(index, _) => Some(Program::device(*index)),
        Predicate::Mark(value, mask) => Some(Program::mark(value & mask, *mask)),
        Predicate::Cgroup(id, _) => Some(Program::cgroup(*id)),
        Predicate::Autobound => Some(Program::autobound()),
        Predicate::State(_) | Predicate::Compare(..) | Predicate::Known(_) => None,
    }
}

fn host(end: End, host: &HostPort) -> Program {
    let prefix = host.prefix.map(|p| Program::prefix(end, p.family, p.addr, p.length));
    let port = host.port.map(|p| Program::ports(end, p, p));
    match (prefix, port) {
        (Some(prefix), Some(port)) => prefix.and(port),
        (Some(one), None) | (None, Some(one)) => one,
        // Any address of either family, any port: every socket.
        (None, None) => Program::prefix(end, Family::Ipv4, Addr([0; 16]), 0).or(Program::prefix(
            end,
            Family::Ipv6,
            Addr([0; 16]),
            0,
        )),
    }
}

fn port_program(end: End, op: Operator, port: u16) -> Option<Program> {
    Some(match op {
        Operator::Equal => Program::ports(end, port, port),
        Operator::NotEqual => Program::ports(end, port, port).negate(),
        Operator::GreaterOrEqual => Program::ports(end, port, u16::MAX),
        Operator::Less => Program::ports(end, port, u16::MAX).negate(),
        Operator::LessOrEqual => Program::ports(end, 0, port),
        Operator::Greater => Program::ports(end, 0, port).negate(),
        Operator::Matches | Operator::MatchesNot => return None,
    })
}
