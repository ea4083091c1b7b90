//! The tree of an expression, and its printing. What is printed reads back as the same tree.

use std::fmt;

use crate::fields::Field;
use crate::model::endpoint::{Addr, Family};
use crate::model::state::{State, StateSet};
use crate::wire::bytecode::End;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `~`: a regular expression matches.
    Matches,
    /// `!~`: it does not.
    MatchesNot,
}

impl Operator {
    /// As it is printed.
    pub fn sign(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Matches => "~",
            Operator::MatchesNot => "!~",
        }
    }

    /// Whether it holds for an order of its sides.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Matches | Operator::MatchesNot => false,
        }
    }
}

/// An address with a prefix length, as it was typed: an IPv4 prefix covers v4-mapped addresses too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// Family as typed.
    pub family: Family,
    /// Address.
    pub addr: Addr,
    /// Length within that family.
    pub length: u8,
}

/// An address, or a port, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPort {
    /// Sockets of this family only (`inet:`, `inet6:`).
    pub family: Option<Family>,
    /// Any address if none.
    pub prefix: Option<Prefix>,
    /// Any port if none.
    pub port: Option<u16>,
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub enum Literal {
    /// A number in the unit of the field, and how it was written.
    Number(u64, String),
    /// A fraction.
    Ratio(f64, String),
    /// A text.
    Text(String),
    /// A regular expression.
    Pattern(regex_lite::Regex),
    /// Yes or no.
    Flag(bool),
}

impl PartialEq for Literal {
    fn eq(&self, other: &Literal) -> bool {
        match (self, other) {
            (Literal::Number(a, _), Literal::Number(b, _)) => a == b,
            (Literal::Ratio(a, _), Literal::Ratio(b, _)) => a.total_cmp(b).is_eq(),
            (Literal::Text(a), Literal::Text(b)) => a == b,
            (Literal::Pattern(a), Literal::Pattern(b)) => a.as_str() == b.as_str(),
            (Literal::Flag(a), Literal::Flag(b)) => a == b,
            _ => false,
        }
    }
}

/// One thing that a socket fulfils or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Its state is in the set.
    State(StateSet),
    /// An end lies within one of these; an empty list is never made.
    Host(End, Vec<HostPort>),
    /// The port of an end compares so.
    Port(End, Operator, u16),
    /// The port of an end is in one of these ranges.
    Ports(End, Vec<(u16, u16)>),
    /// It is bound to this interface.
    Device(u32, String),
    /// Its firewall mark under a mask.
    Mark(u32, u32),
    /// It was made in this control group.
    Cgroup(u64, String),
    /// Its port was chosen by the kernel.
    Autobound,
    /// A field compares so; with several literals, with any of them.
    Compare(&'static Field, Operator, Vec<Literal>),
    /// A field is known.
    Known(&'static Field),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of these; none is everything.
    And(Vec<Expr>),
    /// Any of these.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// One predicate.
    Is(Predicate),
}

impl Expr {
    /// What every socket fulfils.
    pub const TRUE: Expr = Expr::And(Vec::new());

    /// Whether it says nothing.
    pub fn is_true(&self) -> bool {
        matches!(self, Expr::And(parts) if parts.is_empty())
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Expr) -> Expr {
        let mut parts = Vec::new();
        for expr in [self, other] {
            match expr {
                Expr::And(inner) => parts.extend(inner),
                other => parts.push(other),
            }
        }
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                parts.push(last);
                Expr::And(parts)
            }
            (_, None) => Expr::TRUE,
        }
    }

    /// Every predicate in it.
    pub fn predicates<'a>(&'a self, each: &mut dyn FnMut(&'a Predicate)) {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| p.predicates(each)),
            Expr::Not(inner) => inner.predicates(each),
            Expr::Is(predicate) => each(predicate),
        }
    }

    /// Whether it says anything of states.
    pub fn names_states(&self) -> bool {
        let mut found = false;
        self.predicates(&mut |p| {
            found |= match p {
                Predicate::State(_) => true,
                Predicate::Compare(field, ..) | Predicate::Known(field) => field.name == "state",
                _ => false,
            }
        });
        found
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.addr.text(self.family);
        let whole = if self.family == Family::Ipv4 { 32 } else { 128 };
        match (self.family, self.length) {
            (Family::Ipv4, l) if l == whole => f.write_str(&text),
            (Family::Ipv4, l) => write!(f, "{text}/{l}"),
            (Family::Ipv6, l) if l == whole => write!(f, "[{text}]"),
            (Family::Ipv6, l) => write!(f, "[{text}]/{l}"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            None => {}
            Some(Family::Ipv4) => f.write_str("inet:")?,
            Some(Family::Ipv6) => f.write_str("inet6:")?,
        }
        match (self.prefix, self.port) {
            (Some(prefix), Some(port)) => write!(f, "{prefix}:{port}"),
            (Some(prefix), None) => write!(f, "{prefix}"),
            (None, Some(port)) => write!(f, "*:{port}"),
            (None, None) => f.write_str("*"),
        }
    }
}

/// A text as it must be quoted to be one token.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@'));
    if plain {
        return text.to_string();
    }
    if !text.contains(['\\', '\'']) {
        return format!("'{text}'");
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Number(_, typed) | Literal::Ratio(_, typed) => f.write_str(typed),
            Literal::Text(text) => f.write_str(&quoted(text)),
            Literal::Pattern(pattern) => f.write_str(&quoted(pattern.as_str())),
            Literal::Flag(yes) => f.write_str(if *yes { "yes" } else { "no" }),
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, head: &str, items: &[T]) -> fmt::Result {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    write!(f, "{head} in ({})", items.join(", "))
}

fn end(end: End, local: &'static str, peer: &'static str) -> &'static str {
    if end == End::Local { local } else { peer }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Predicate::State(set) => {
                let words: Vec<&str> =
                    State::ALL.iter().filter(|s| set.has(**s)).map(|s| s.word()).collect();
                match words.as_slice() {
                    [one] => write!(f, "state {one}"),
                    many => write!(f, "state in ({})", many.join(", ")),
                }
            }
            Predicate::Host(e, hosts) => match hosts.as_slice() {
                [one] => write!(f, "{} {one}", end(*e, "src", "dst")),
                many => list(f, end(*e, "src", "dst"), many),
            },
            Predicate::Port(e, op, port) => {
                write!(f, "{} {} {port}", end(*e, "sport", "dport"), op.sign())
            }
            Predicate::Ports(e, ranges) => {
                let items: Vec<String> = ranges
                    .iter()
                    .map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") })
                    .collect();
                list(f, end(*e, "sport", "dport"), &items)
            }
            Predicate::Device(_, name) => write!(f, "dev = {}", quoted(name)),
            Predicate::Mark(value, u32::MAX) => write!(f, "fwmark = {value}"),
            Predicate::Mark(value, mask) => write!(f, "fwmark = {value}/0x{mask:x}"),
            Predicate::Cgroup(_, path) => write!(f, "cgroup = {}", quoted(path)),
            Predicate::Autobound => f.write_str("autobound"),
            Predicate::Compare(field, op, literals) => match literals.as_slice() {
                [one] => write!(f, "{} {} {one}", field.name, op.sign()),
                many => list(f, field.name, many),
            },
            Predicate::Known(field) => write!(f, "known {}", field.name),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str| {
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Expr::Is(_) | Expr::Not(_) => write!(f, "{part}")?,
                    Expr::And(_) | Expr::Or(_) => write!(f, "({part})")?,
                }
            }
            Ok(())
        };
        match self {
            Expr::And(parts) if parts.is_empty() => f.write_str("all"),
            Expr::And(parts) => joined(f, parts, "and"),
            Expr::Or(parts) => joined(f, parts, "or"),
            Expr::Not(inner) => match &**inner {
                Expr::Is(_) => write!(f, "not {inner}"),
                _ => write!(f, "not ({inner})"),
            },
            Expr::Is(predicate) => write!(f, "{predicate}"),
        }
    }
}
