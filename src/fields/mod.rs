//! One vocabulary for everything that shows, selects, sorts or groups by a property of a socket: a row for each.

mod columns;
mod ends;
mod memory;
mod mptcp;
mod options;
mod owner;
mod plugin;
mod tcp_info;
pub mod value;
pub mod view;
mod workload;

pub use columns::{DEFAULT, DROP_ORDER, defaults, find, lookup};
pub use view::{Row, View};

use value::Value;

/// What kind of values a field has: it gives the unit, the JSON type and what a filter may compare it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word or a text.
    Text,
    /// Yes or no.
    Flag,
    /// A TCP state.
    State,
    /// An address.
    Address,
    /// Address and port.
    Endpoint,
    /// A port.
    Port,
    /// Kind of timer, time left, retries.
    Timer,
    /// A 64-bit identity, hexadecimal; a string in JSON.
    Id,
    /// A count.
    Number,
    /// Bytes.
    Bytes,
    /// Bytes a second in JSON, bits a second on screen.
    Rate,
    /// Milliseconds in JSON.
    Ms,
    /// Microseconds in JSON.
    Us,
    /// A factor.
    Ratio,
}

impl Kind {
    /// What the key in JSON and CSV ends in.
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Bytes => "_bytes",
            Kind::Rate => "_bytes_per_second",
            Kind::Ms => "_ms",
            Kind::Us => "_us",
            _ => "",
        }
    }

    /// What `tcpvet fields` says of it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Flag => "yes/no",
            Kind::State => "state",
            Kind::Address => "address",
            Kind::Endpoint => "address:port",
            Kind::Port => "port",
            Kind::Timer => "timer",
            Kind::Id => "hex",
            Kind::Number => "count",
            Kind::Bytes => "bytes",
            Kind::Rate => "rate",
            Kind::Ms | Kind::Us => "time",
            Kind::Ratio => "ratio",
        }
    }

    /// Numbers are set to the right.
    pub fn right(self) -> bool {
        matches!(
            self,
            Kind::Port
                | Kind::Number
                | Kind::Bytes
                | Kind::Rate
                | Kind::Ms
                | Kind::Us
                | Kind::Ratio
        )
    }
}

/// Where a field comes from, and so what must be read for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The header of every message.
    Header,
    /// An attribute; the bits ask for it in `idiag_ext`, none if it comes unasked.
    Attribute(u8),
    /// A scan of descriptors.
    Owners,
    /// The files of the holding process.
    Processes,
    /// /etc/passwd.
    Users,
    /// Paths of cgroups.
    Cgroups,
    /// Names of interfaces.
    Interfaces,
}

/// Which options of `list` add the field to what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// By name only.
    Named,
    /// In every JSON document.
    Core,
    /// `-o`.
    Timer,
    /// `-e`.
    Extended,
    /// `-m`.
    Memory,
    /// `-i`.
    Info,
    /// `-i` together with `-M`.
    Mptcp,
    /// `--tos`.
    Tos,
    /// `--inet-sockopt`.
    Sockopt,
}

/// Hands every value of a field of one row to the callee.
pub type Each = for<'a> fn(&Row<'a>, &mut dyn FnMut(Value<'a>));

/// One field.
pub struct Field {
    /// Name in `--columns`, filters and, with its unit, JSON.
    pub name: &'static str,
    /// Kind of values.
    pub kind: Kind,
    /// Where it comes from.
    pub source: Source,
    /// Which options show it.
    pub group: Group,
    /// One sentence.
    pub doc: &'static str,
    /// Reads it.
    pub get: for<'a> fn(&Row<'a>) -> Value<'a>,
    /// For a field that may have several values, hands every one of them to the callee; filters ask whether any fits.
    pub all: Option<Each>,
}

impl Field {
    /// Head of the column.
    pub fn header(&self) -> String {
        match self.name {
            "recvq" => "RECV-Q".to_string(),
            "sendq" => "SEND-Q".to_string(),
            name => name.to_uppercase().replace('_', "-"),
        }
    }

    /// Key in JSON and CSV: the name with its unit.
    pub fn key(&self) -> String {
        match self.name {
            "recvq" => "recv_queue_bytes".to_string(),
            "sendq" => "send_queue_bytes".to_string(),
            name => format!("{name}{}", self.kind.suffix()),
        }
    }

    /// Hands every value of the field to `each`.
    pub fn values<'a>(&self, row: &Row<'a>, each: &mut dyn FnMut(Value<'a>)) {
        match self.all {
            Some(all) => all(row, each),
            None => each((self.get)(row)),
        }
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        self.name == other.name
    }
}

/// Every field, in the order in which outputs show them. A new one is a row in one of these tables.
pub fn all() -> impl Iterator<Item = &'static Field> + Clone {
    let tables: [&'static [Field]; 8] = [
        ends::FIELDS,
        options::FIELDS,
        memory::FIELDS,
        tcp_info::FIELDS,
        plugin::FIELDS,
        mptcp::FIELDS,
        owner::FIELDS,
        workload::FIELDS,
    ];
    tables.into_iter().flatten()
}
