//! Tokens to a tree: `not` binds tighter than `and`, `and` tighter than `or`; two conditions side by side are joined by `and`. States
//! that lead an expression are read as ss reads them: they add up, and hold for all that follows.

use super::expr::{Expr, Literal, Operator, Predicate};
use super::literal::{self, Wrong};
use super::states;
use super::token::{Kind as T, Token, tokens};
use crate::fields::{Field, Kind, all, lookup};
use crate::model::endpoint::Addr;
use crate::model::state::StateSet;
use crate::nearest::nearest;
use crate::wire::bytecode::End;

/// Deeper nesting than this is no expression that anybody typed.
const DEEPEST: usize = 100;

/// Names that are looked up while reading.
pub struct Names<'a> {
    /// Port of a service.
    pub service: &'a dyn Fn(&str) -> Option<u16>,
    /// Services, for hints.
    pub services: &'a [String],
    /// Addresses of a host.
    pub host: &'a dyn Fn(&str) -> Vec<Addr>,
    /// Index of an interface.
    pub interface: &'a dyn Fn(&str) -> Option<u32>,
    /// Id of a control group.
    pub cgroup: &'a dyn Fn(&str) -> Option<u64>,
}

impl Names<'static> {
    /// No names: only numbers are understood.
    pub const NONE: Names<'static> = Names {
        service: &|_| None,
        services: &[],
        host: &|_| Vec::new(),
        interface: &|_| None,
        cgroup: &|_| None,
    };
}

/// A mistake: where, what, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Byte of the text.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub hint: String,
}

/// Words with a meaning of their own, for hints.
const KEYWORDS: [&str; 16] = [
    "state",
    "exclude",
    "src",
    "dst",
    "sport",
    "dport",
    "dev",
    "fwmark",
    "cgroup",
    "autobound",
    "known",
    "and",
    "or",
    "not",
    "in",
    "all",
];

/// Reads a whole expression; an empty one is everything.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str, names: &Names<'_>) -> Result<Expr, Mistake> {
    let tokens = tokens(text).map_err(|at| Mistake {
        at,
        what: "the quote never ends".into(),
        hint: "close it".into(),
    })?;
    let mut parser = Parser { tokens, at: 0, end: text.trim_end().len(), depth: 0, names };
    if parser.peek().is_none() {
        return Ok(Expr::TRUE);
    }
    let expr = match parser.leading_states()? {
        None => parser.or(None)?,
        Some(states) if parser.peek().is_none() => states,
        Some(states) if parser.connective() => parser.or(Some(states))?,
        Some(states) => states.and(parser.or(None)?),
    };
    match parser.peek() {
        None => Ok(expr),
        Some(T::Close) => parser.fail("there is no '(' for this", "take it out"),
        Some(_) => parser.fail("the expression ends before this", "join conditions with and, or"),
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    depth: usize,
    names: &'a Names<'a>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&T> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |t| t.start)
    }

    fn fail<R>(&self, what: impl Into<String>, hint: impl Into<String>) -> Result<R, Mistake> {
        Err(Mistake { at: self.place(), what: what.into(), hint: hint.into() })
    }

    /// A mistake in the token before.
    fn wrong<R>(&self, at: usize, (what, hint): Wrong) -> Result<R, Mistake> {
        let shown = self.tokens.iter().find(|t| t.start == at).and_then(|t| match &t.kind {
            T::Word(word) | T::Quoted(word) => Some(word.chars().take(60).collect::<String>()),
            _ => None,
        });
        let what = match shown {
            Some(word) => format!("'{}': {what}", crate::model::text::Text::new(word.as_bytes())),
            None => what,
        };
        Err(Mistake { at, what, hint })
    }

    /// The next word in lower case, if it is one and not quoted.
    fn keyword(&self) -> Option<String> {
        match self.peek() {
            Some(T::Word(word)) => Some(word.to_lowercase()),
            _ => None,
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.keyword().as_deref() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn take_kind(&mut self, kind: &T) -> bool {
        let found = self.peek() == Some(kind);
        self.at += usize::from(found);
        found
    }

    fn connective(&self) -> bool {
        matches!(self.peek(), Some(T::And | T::Or))
            || matches!(self.keyword().as_deref(), Some("and" | "or"))
    }

    /// `state A state B exclude C` at the head, as ss has it: the named states together, less the excluded ones.
    fn leading_states(&mut self) -> Result<Option<Expr>, Mistake> {
        let mut found: Option<StateSet> = None;
        loop {
            let exclude = match self.keyword().as_deref() {
                Some("state") => false,
                Some("exclude" | "excl") => true,
                _ => break,
            };
            // `state = x` and `state in (...)` are comparisons.
            let next = self.tokens.get(self.at + 1).map(|t| &t.kind);
            if !matches!(next, Some(T::Word(w)) if !["in", "eq", "ne", "neq"].contains(&w.to_lowercase().as_str()))
            {
                break;
            }
            self.at += 1;
            let set = self.state_words()?;
            found = Some(match (found, exclude) {
                (None, false) => set,
                (None, true) => StateSet(StateSet::ALL.0 & !set.0),
                (Some(old), false) => old.union(set),
                (Some(old), true) => StateSet(old.0 & !set.0),
            });
        }
        Ok(found.map(|set| Expr::Is(Predicate::State(set))))
    }

    /// One state, or several with commas between.
    fn state_words(&mut self) -> Result<StateSet, Mistake> {
        let mut set = StateSet::NONE;
        loop {
            let at = self.place();
            let word = self.word("a state is expected here", "as in: state close-wait")?;
            set = set.union(states(&word).map_err(|(what, hint)| Mistake { at, what, hint })?);
            if !self.take_kind(&T::Comma) {
                return Ok(set);
            }
        }
    }

    fn word(&mut self, what: &str, hint: &str) -> Result<String, Mistake> {
        match self.peek() {
            Some(T::Word(word) | T::Quoted(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => self.fail(what, hint),
        }
    }

    fn or(&mut self, first: Option<Expr>) -> Result<Expr, Mistake> {
        let mut parts = vec![self.and(first)?];
        while self.take_kind(&T::Or) || self.take("or") {
            parts.push(self.and(None)?);
        }
        Ok(match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                parts.extend(last);
                Expr::Or(parts)
            }
        })
    }

    fn and(&mut self, first: Option<Expr>) -> Result<Expr, Mistake> {
        let mut expr = match first {
            Some(first) => first,
            None => self.not()?,
        };
        loop {
            let joined = self.take_kind(&T::And) || self.take("and");
            let more = match self.peek() {
                Some(T::Open | T::Not) => true,
                Some(T::Word(_)) => self.keyword().as_deref() != Some("or"),
                _ => false,
            };
            if !joined && !more {
                return Ok(expr);
            }
            expr = expr.and(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Expr, Mistake> {
        let mut contrary = false;
        while self.take_kind(&T::Not) || self.take("not") {
            contrary = !contrary;
        }
        let expr = self.primary()?;
        Ok(if contrary { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        if self.take_kind(&T::Open) {
            self.depth += 1;
            if self.depth > DEEPEST {
                return self.fail("nested too deeply", "take parentheses out");
            }
            let expr = self.or(None)?;
            self.depth -= 1;
            if !self.take_kind(&T::Close) {
                return self.fail("')' is missing", "close the parenthesis");
            }
            return Ok(expr);
        }
        let at = self.place();
        let Some(word) = self.keyword() else {
            return self
                .fail("a condition is expected here", "as in: state close-wait and dport = 443");
        };
        self.at += 1;
        let predicate = match word.replace('-', "_").as_str() {
            "all" => return Ok(Expr::TRUE),
            "state" => return self.state(false),
            "exclude" | "excl" => return self.state(true),
            "src" | "local" | "local_addr" => return self.host(End::Local),
            "dst" | "peer" | "peer_addr" => return self.host(End::Peer),
            "sport" | "local_port" => return self.port(End::Local),
            "dport" | "peer_port" => return self.port(End::Peer),
            "dev" | "interface" => return self.device(),
            "fwmark" | "mark" => return self.mark(),
            "cgroup" => return self.cgroup(at),
            "autobound" => Predicate::Autobound,
            "known" => {
                let at = self.place();
                let name = self.word("a field is expected here", "'tcpvet fields' lists them")?;
                Predicate::Known(self.field(&name, at)?)
            }
            _ => return self.compare(&word, at),
        };
        Ok(Expr::Is(predicate))
    }

    fn field(&self, name: &str, at: usize) -> Result<&'static Field, Mistake> {
        match lookup(name) {
            Some(field) => Ok(field),
            None => {
                let words = all().map(|f| f.name).chain(KEYWORDS);
                let hint = match nearest(&name.replace('-', "_"), words) {
                    Some(near) => format!("did you mean {near}?"),
                    None if StateSet::parse(name).is_some() => format!("write it as: state {name}"),
                    None => "'tcpvet fields' lists what can be compared".to_string(),
                };
                self.wrong(at, ("not a field or a word of the filter language".into(), hint))
            }
        }
    }

    /// The comparison that comes next, in signs or in the words of ss.
    fn operator(&mut self) -> Option<Operator> {
        let found = match self.peek()? {
            T::Sign(sign) => match *sign {
                "!=" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                "~" => Operator::Matches,
                "!~" => Operator::MatchesNot,
                _ => Operator::Equal,
            },
            T::Word(word) => match word.to_lowercase().as_str() {
                "eq" => Operator::Equal,
                "ne" | "neq" => Operator::NotEqual,
                "lt" => Operator::Less,
                "le" | "leq" => Operator::LessOrEqual,
                "gt" => Operator::Greater,
                "ge" | "geq" => Operator::GreaterOrEqual,
                _ => return None,
            },
            _ => return None,
        };
        self.at += 1;
        Some(found)
    }

    /// `=`, `!=` or nothing; true for `!=`.
    fn equality(&mut self, name: &str) -> Result<bool, Mistake> {
        let at = self.at;
        match self.operator() {
            None | Some(Operator::Equal) => Ok(false),
            Some(Operator::NotEqual) => Ok(true),
            Some(_) => {
                self.at = at;
                self.fail(
                    format!("{name} is compared with = or != only"),
                    format!("as in: {name} = x, or: {name} in (x, y)"),
                )
            }
        }
    }

    /// Words in parentheses after `in`, or words with commas between; with their places.
    fn words(&mut self, what: &str) -> Result<Vec<(usize, String)>, Mistake> {
        let example = match what {
            "a state is expected here" => "as in: state close-wait",
            "an address is expected here" => "as in: dst 10.0.0.0/8",
            _ => "as in: dport in (80, 443, 8000-8100)",
        };
        let listed = self.take("in");
        if listed && !self.take_kind(&T::Open) {
            return self.fail("'(' is expected after in", "as in: dport in (80, 443)");
        }
        let mut words = Vec::new();
        loop {
            let at = self.place();
            words.push((at, self.word(what, example)?));
            let comma = self.take_kind(&T::Comma);
            if listed && self.take_kind(&T::Close) {
                return Ok(words);
            }
            if !comma {
                if listed {
                    return self.fail("',' or ')' is expected here", "as in: dport in (80, 443)");
                }
                return Ok(words);
            }
        }
    }

    fn state(&mut self, exclude: bool) -> Result<Expr, Mistake> {
        let contrary = self.equality("state")? != exclude;
        let mut set = StateSet::NONE;
        for (at, word) in self.words("a state is expected here")? {
            set = set.union(states(&word).map_err(|(what, hint)| Mistake { at, what, hint })?);
        }
        let set = if contrary { StateSet(StateSet::ALL.0 & !set.0) } else { set };
        Ok(Expr::Is(Predicate::State(set)))
    }

    fn host(&mut self, end: End) -> Result<Expr, Mistake> {
        let contrary = self.equality(if end == End::Local { "src" } else { "dst" })?;
        let mut hosts = Vec::new();
        for (at, word) in self.words("an address is expected here")? {
            match literal::hosts(&word, self.names) {
                Ok(found) => hosts.extend(found),
                Err(wrong) => return self.wrong(at, wrong),
            }
        }
        Ok(negated(contrary, Predicate::Host(end, hosts)))
    }

    fn port(&mut self, end: End) -> Result<Expr, Mistake> {
        let before = self.place();
        let op = self.operator().unwrap_or(Operator::Equal);
        let words = self.words("a port is expected here")?;
        let mut ranges = Vec::new();
        for (at, word) in &words {
            match literal::ports(word, self.names) {
                Ok(range) => ranges.push(range),
                Err(wrong) => return self.wrong(*at, wrong),
            }
        }
        if let [(low, high)] = ranges.as_slice()
            && low == high
        {
            return match op {
                Operator::Matches | Operator::MatchesNot => Err(Mistake {
                    at: before,
                    what: "ports are numbers, and patterns are for texts".into(),
                    hint: "as in: dport in (80, 8000-8100)".into(),
                }),
                // There is a port 0, and every port is at least that.
                op => Ok(Expr::Is(Predicate::Port(end, op, *low))),
            };
        }
        match op {
            Operator::Equal | Operator::NotEqual => {
                Ok(negated(op == Operator::NotEqual, Predicate::Ports(end, ranges)))
            }
            _ => Err(Mistake {
                at: before,
                what: "a list or range of ports has no order".into(),
                hint: "as in: dport in (80, 8000-8100)".into(),
            }),
        }
    }

    fn device(&mut self) -> Result<Expr, Mistake> {
        let contrary = self.equality("dev")?;
        let at = self.place();
        let name = self.word("an interface is expected here", "as in: dev = eth0")?;
        let index = name.parse().ok().or_else(|| (self.names.interface)(&name));
        match index {
            Some(index) => Ok(negated(contrary, Predicate::Device(index, name))),
            None => self.wrong(
                at,
                ("no interface of this network namespace".into(), "'ip link' lists them".into()),
            ),
        }
    }

    fn mark(&mut self) -> Result<Expr, Mistake> {
        let contrary = self.equality("fwmark")?;
        let at = self.place();
        let text =
            self.word("a mark is expected here", "as in: fwmark = 5 or fwmark = 0x10/0xf0")?;
        let number = |t: &str| match t.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => t.parse().ok(),
        };
        let (value, mask) = text.split_once('/').unwrap_or((&text, "0xffffffff"));
        match (number(value), number(mask)) {
            (Some(value), Some(mask)) => Ok(negated(contrary, Predicate::Mark(value, mask))),
            _ => self.wrong(
                at,
                ("no mark of 32 bits".into(), "as in: fwmark = 5 or fwmark = 0x10/0xf0".into()),
            ),
        }
    }

    fn cgroup(&mut self, start: usize) -> Result<Expr, Mistake> {
        if matches!(self.peek(), Some(T::Sign("~" | "!~"))) {
            return self.compare("cgroup", start);
        }
        let contrary = self.equality("cgroup")?;
        let at = self.place();
        let path =
            self.word("a path is expected here", "as in: cgroup = /system.slice/nginx.service")?;
        match (self.names.cgroup)(&path) {
            Some(id) => Ok(negated(contrary, Predicate::Cgroup(id, path))),
            None => self.wrong(
                at,
                (
                    "no control group below /sys/fs/cgroup".into(),
                    "'systemd-cgls' lists them; a part of a path is matched by: cgroup ~ nginx"
                        .into(),
                ),
            ),
        }
    }

    fn compare(&mut self, name: &str, at: usize) -> Result<Expr, Mistake> {
        let mut field = self.field(name, at)?;
        let listed = self.keyword().as_deref() == Some("in");
        let op = match self.operator() {
            Some(op) => op,
            None if listed => Operator::Equal,
            None if field.kind == Kind::Flag => {
                let yes = vec![Literal::Flag(true)];
                return Ok(Expr::Is(Predicate::Compare(field, Operator::Equal, yes)));
            }
            None => {
                return self.fail(
                    format!("a comparison is expected after {}", field.name),
                    "operators are: = != < <= > >= ~ !~ in",
                );
            }
        };
        // A timer is compared by its kind or by the time that is left.
        if field.kind == Kind::Timer {
            let by_kind = matches!(self.peek(), Some(T::Word(w)) if !w.starts_with(|c: char| c.is_ascii_digit()));
            let name = if by_kind || listed { "timer_kind" } else { "timer_expires" };
            field = lookup(name).unwrap_or(field);
        }
        if self.peek().is_none() {
            return self.fail(
                "a value is expected here",
                format!("as in: {} {}", field.name, literal::example(field.kind)),
            );
        }
        let words = self.words("a value is expected here")?;
        let contrary = words.len() > 1 && op == Operator::NotEqual;
        if words.len() > 1 && !matches!(op, Operator::Equal | Operator::NotEqual) {
            return Err(Mistake {
                at,
                what: "a list is compared with = or != only".into(),
                hint: format!("as in: {} in (a, b)", field.name),
            });
        }
        let op = if contrary { Operator::Equal } else { op };
        let mut literals = Vec::new();
        for (at, word) in words {
            match literal::literal(field, op, &word) {
                Ok(literal) => literals.push(literal),
                Err(wrong) => return self.wrong(at, wrong),
            }
        }
        Ok(negated(contrary, Predicate::Compare(field, op, literals)))
    }
}

fn negated(contrary: bool, predicate: Predicate) -> Expr {
    let expr = Expr::Is(predicate);
    if contrary { Expr::Not(Box::new(expr)) } else { expr }
}
