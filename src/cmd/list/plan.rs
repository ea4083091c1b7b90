//! From the options of `list` to what is read and how it is shown.

use crate::cli::resolve::Settings;
use crate::cli::{ListArgs, Owners};
use crate::cmd::around::Around;
use crate::cmd::{filter, method};
use crate::collect::makers::{self, Before};
use crate::collect::owners::Method;
use crate::error::{Error, on_file};
use crate::fields::{Field, Group, Kind, Source, all, defaults, find, lookup};
use crate::filter::expr::{Expr, Predicate};
use crate::filter::push::{Pushed, push};
use crate::filter::states;
use crate::model::endpoint::Family;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::state::{State, StateSet};
use crate::model::text::Text;
use crate::render::list::Shape;
use crate::sys::replay::Replay;
use crate::sys::store::Capture;
use crate::sys::{System, privilege};
use crate::wire::attributes::{Attributes, SKV6ONLY};
use crate::wire::request::{Condition, Request};

/// What is read and how it is shown.
#[derive(Clone)]
pub(super) struct Plan {
    /// The filter as it was typed.
    text: String,
    /// Protocols, in the order of their dumps.
    pub(super) protocols: Vec<Protocol>,
    /// The filter as it was read.
    pub(super) expr: Expr,
    /// The part of it for the kernel.
    pub(super) pushed: Pushed,
    /// States by the options.
    states: Option<StateSet>,
    family: Option<Family>,
    /// Only sockets that carry IPv4: `-4` must not hide a listener that takes it by an IPv6 socket.
    carries_ipv4: bool,
    bound_inactive: bool,
    listening: bool,
    /// What is shown.
    pub(super) shape: Shape,
    pub(super) sort: Vec<&'static Field>,
    pub(super) reverse: bool,
    pub(super) limit: Option<usize>,
    pub(super) groups: Vec<&'static Field>,
    pub(super) owners: Option<Method>,
    /// Who held what before; `None` if makers are not asked for.
    pub(super) infer: Option<Before>,
    pub(super) all_netns: bool,
    pub(super) resolve: bool,
    pub(super) numeric: bool,
}

/// States that ss shows without -a: the connected ones less what the kernel keeps as a bucket.
const CONNECTED: StateSet = StateSet(
    0x2ffe
        & !(1 << State::Listen as u32)
        & !(1 << State::Close as u32)
        & !(1 << State::TimeWait as u32)
        & !(1 << State::SynRecv as u32)
        & !(1 << State::BoundInactive as u32),
);

impl Plan {
    pub(super) fn new(
        args: &ListArgs,
        settings: &Settings,
        system: &dyn System,
    ) -> Result<Plan, Error> {
        let text = args.filter.join(" ");
        // An interface may exist in another namespace only; each looks for itself.
        let expr = filter::read(&text, system, args.all_netns)?;
        let protocols: Vec<Protocol> =
            [(args.tcp, Protocol::Tcp), (args.udp, Protocol::Udp), (args.mptcp, Protocol::Mptcp)]
                .into_iter()
                .filter_map(|(on, p)| on.then_some(p))
                .collect();
        let named = !protocols.is_empty();
        let mut by_option = None;
        for text in &args.state {
            by_option = Some(states(text)?.union(by_option.unwrap_or(StateSet::NONE)));
        }
        let plain = !args.all && !args.listening && !args.bound_inactive;
        let states = match by_option {
            Some(set) => Some(set),
            None if named && plain && !expr.names_states() => Some(CONNECTED),
            None => None,
        };
        let protocols = if named { protocols } else { vec![Protocol::Tcp] };
        // A state that is named wins over -l and -B, as in ss.
        let by_letter = by_option.is_none() && !expr.names_states() && !args.all;
        let mut plan = Plan {
            text,
            pushed: push(&expr),
            expr,
            states,
            // Both together ask for both, whatever their order.
            family: (args.ipv6 && !args.ipv4).then_some(Family::Ipv6),
            carries_ipv4: args.ipv4 && !args.ipv6,
            bound_inactive: args.bound_inactive && by_letter,
            listening: args.listening && by_letter,
            shape: Shape {
                fields: Vec::new(),
                tail: Vec::new(),
                may_drop: args.columns.is_none(),
                header: !args.no_header,
                style: settings.style,
            },
            sort: match &args.sort {
                Some(names) => find(names, Vec::new())?,
                None => Vec::new(),
            },
            reverse: args.reverse,
            limit: args.limit,
            groups: match &args.group_by {
                Some(names) => find(names, Vec::new())?,
                None => Vec::new(),
            },
            owners: None,
            infer: infer(args)?,
            all_netns: args.all_netns,
            resolve: args.resolve,
            numeric: args.numeric,
            protocols,
        };
        plan.columns(args, settings)?;
        let wants_owners =
            plan.fields().iter().any(|f| matches!(f.source, Source::Owners | Source::Processes));
        plan.owners = match args.owners {
            Owners::None if wants_owners => {
                return Err(Error::hinted(
                    "--owners none leaves nothing to show or compare of processes",
                    "leave it out, or name no field of the owner (process, pid, fd, container, provenance)",
                ));
            }
            how => method(how).filter(|_| wants_owners),
        };
        Ok(plan)
    }

    fn columns(&mut self, args: &ListArgs, settings: &Settings) -> Result<(), Error> {
        let json = matches!(settings.format, crate::cli::Format::Json | crate::cli::Format::Jsonl);
        let owners = args.owners != Owners::None;
        let mut base: Vec<&'static Field> = if json {
            let core = all().filter(|f| matches!(f.group, Group::Core | Group::Timer));
            core.chain(lookup("process")).collect()
        } else {
            defaults()
        };
        let mut front = Vec::new();
        if args.all_netns && !json {
            front.extend(lookup("netns"));
        }
        if self.protocols.len() > 1 && !json {
            front.extend(lookup("protocol"));
        }
        base.splice(0..0, front);
        if (args.options || args.extended) && !json {
            let at = base.iter().position(|f| f.name == "process").unwrap_or(base.len());
            base.splice(at..at, lookup("timer"));
        }
        if !owners {
            base.retain(|f| f.name != "process");
        }
        self.shape.fields = match &args.columns {
            Some(names) => find(names, base)?,
            None => base,
        };
        if args.columns.is_none() {
            let subflows = args.mptcp;
            let shown = |f: &&'static Field| match f.group {
                Group::Extended => args.extended || args.cgroup && f.name == "cgroup",
                Group::Core => {
                    args.extended && matches!(f.name, "uid" | "inode" | "cookie" | "v6only")
                }
                Group::Memory => args.memory,
                Group::Info => args.info && self.protocols != [Protocol::Mptcp],
                Group::Mptcp => args.info && subflows,
                Group::Tos => args.tos,
                Group::Sockopt => args.inet_sockopt,
                Group::Named | Group::Timer => false,
            };
            let fields = &self.shape.fields;
            self.shape.tail = all().filter(shown).filter(|f| !fields.contains(f)).collect();
        }
        Ok(())
    }

    /// Every field that is shown, compared, sorted or grouped by.
    pub(super) fn fields(&self) -> Vec<&'static Field> {
        let mut fields =
            if self.groups.is_empty() { self.shape.all() } else { self.groups.clone() };
        fields.extend(&self.sort);
        self.expr.predicates(&mut |p| match p {
            Predicate::Compare(field, ..) | Predicate::Known(field) => fields.push(field),
            Predicate::Mark(..) => fields.extend(lookup("mark")),
            _ => {}
        });
        fields
    }

    /// Whether the family of a socket is among those asked for.
    pub(super) fn fits_family(&self, socket: &Socket, attributes: &Attributes<'_>) -> bool {
        !self.carries_ipv4
            || socket.family == Family::Ipv4
            || socket.local_addr.as_v4().is_some()
            || socket.local_addr.is_wildcard() && attributes.byte(SKV6ONLY, 0) != Some(1)
    }

    /// Whether anything is read from attributes.
    pub(super) fn needs_attributes(&self) -> bool {
        let mut found = false;
        self.expr.predicates(&mut |p| found |= matches!(p, Predicate::Cgroup(..)));
        let of = |s: Source| matches!(s, Source::Attribute(_) | Source::Cgroups);
        found || self.fields().iter().any(|f| of(f.source))
    }

    /// What surrounds the rows.
    pub(super) fn around(&self, system: &dyn System) -> Around {
        Around::read(&self.fields(), self.resolve, system)
    }

    /// Whether any field comes from this source.
    pub(super) fn needs(&self, source: Source) -> bool {
        self.fields().iter().any(|f| f.source == source)
    }

    /// The same plan for another namespace, where interfaces have other numbers.
    pub(super) fn inside(&self, system: &dyn System) -> Result<Plan, Error> {
        let mut names_device = false;
        self.expr.predicates(&mut |p| names_device |= matches!(p, Predicate::Device(..)));
        if !names_device {
            return Ok(self.clone());
        }
        let expr = filter::read(&self.text, system, true)?;
        Ok(Plan { pushed: push(&expr), expr, ..self.clone() })
    }

    /// Whether the filter asks for what only the kernel knows of binds.
    pub(super) fn asks_autobound(&self) -> bool {
        let mut found = false;
        self.expr.predicates(&mut |p| found |= *p == Predicate::Autobound);
        found
    }

    /// The dump of one protocol.
    pub(super) fn request(&self, protocol: Protocol) -> Request {
        let mut extensions = 0;
        for field in self.fields() {
            if let Source::Attribute(bits) = field.source {
                extensions |= bits;
            }
        }
        let mut states = self.states.unwrap_or(StateSet::ALL).0;
        if self.bound_inactive || self.listening {
            let listen = if protocol == Protocol::Udp { State::Close } else { State::Listen };
            states &= (u32::from(self.listening) * listen.bit())
                | (u32::from(self.bound_inactive) * State::BoundInactive.bit());
        }
        Request {
            family: self.family.or(self.pushed.family),
            protocol,
            states: StateSet(states & self.pushed.states.0),
            extensions,
            condition: self.pushed.program.clone().map(Condition::Program),
        }
    }
}

/// What is known of an earlier look, where makers are asked for.
fn infer(args: &ListArgs) -> Result<Option<Before>, Error> {
    let Some(path) = &args.baseline else { return Ok(args.infer.then(Before::default)) };
    let hint = "write one with: tcpvet capture -o box.tar";
    let capture = privilege::as_the_user(|| Capture::load(path).map_err(|e| on_file(&e, hint)))?;
    makers::before(&Replay::new(capture)).map(Some).map_err(|e| on_file(&e, hint))
}

/// An expression as it may be shown: what a terminal would obey is escaped, a backslash is one already.
fn shown(expr: &Expr) -> String {
    let text = expr.to_string();
    text.split('\\')
        .map(|part| Text::new(part.as_bytes()).to_string())
        .collect::<Vec<_>>()
        .join("\\")
}

/// What `--explain-filter` says.
pub(super) fn explain(plan: &Plan) -> String {
    let mut text = format!("filter  {}\n", shown(&plan.expr));
    for protocol in &plan.protocols {
        let request = plan.request(*protocol);
        let shown: Vec<&str> =
            State::ALL.iter().filter(|s| request.states.has(**s)).map(|s| s.word()).collect();
        let shown =
            if request.states == StateSet::ALL { "all".to_string() } else { shown.join(", ") };
        let family = match request.family {
            Some(family) => family.word(),
            None if plan.carries_ipv4 => "ipv4, and ipv6 for what carries ipv4",
            None => "ipv4 and ipv6",
        };
        text.push_str(&format!("kernel  {}: {family}, states {shown}\n", protocol.word()));
    }
    match &plan.pushed.program {
        Some(program) => text.push_str(&format!(
            "kernel  {} ({} bytes of bytecode)\n",
            shown(&plan.pushed.condition),
            program.bytes().len()
        )),
        None => text.push_str("kernel  no further condition\n"),
    }
    let sources: Vec<String> = plan
        .fields()
        .iter()
        .filter(|f| f.kind != Kind::State && !matches!(f.source, Source::Header))
        .map(|f| f.name.to_string())
        .collect();
    let mut needs = sources;
    needs.sort();
    needs.dedup();
    text.push_str("here    the whole filter again\n");
    if !needs.is_empty() {
        text.push_str(&format!("reads   besides the header: {}\n", needs.join(", ")));
    }
    text
}
