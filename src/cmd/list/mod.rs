//! `tcpvet list`: sockets with their owners, as they are read.

mod plan;
mod show;

use std::io::{self, Write};

use plan::Plan;
use show::{Output, Show};

use super::{Done, all_netns, report_status};
use crate::cli::resolve::Settings;
use crate::cli::{Format, ListArgs};
use crate::collect::stream::{Asked, everywhere, stream};
use crate::collect::{begin, note_bound_inactive, surroundings};
use crate::error::Error;
use crate::fields::{Source, View};
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::holding::Holding;
use crate::model::protocol::Protocol;
use crate::model::text::Text;
use crate::render::document::Head;
use crate::render::list::Writer;
use crate::render::list::delimited::{Delimited, Dialect};
use crate::render::list::groups::Groups;
use crate::render::list::json::{Document, Lines};
use crate::render::list::table::Table;
use crate::sys::{SysError, System};

pub(super) fn run(
    args: &ListArgs,
    settings: &Settings,
    system: &dyn System,
    out: &mut dyn Write,
) -> Result<Done, Error> {
    let plan = Plan::new(args, settings, system)?;
    if args.explain_filter {
        return Ok(Done::well(plan::explain(&plan).into_bytes()));
    }
    let mut snapshot = begin(system, settings.netns.as_deref())
        .map_err(|e| Error { message: e.to_string(), hint: None })?;
    let shape = plan.shape.clone();
    let writer: Box<dyn Writer> = match settings.format {
        Format::Human => Box::new(Table::new(shape)),
        Format::Plain => Box::new(Delimited::new(Dialect::Plain, &shape)),
        Format::Csv => Box::new(Delimited::new(Dialect::Csv, &shape)),
        Format::Json => Box::new(Document::new(&shape)),
        Format::Jsonl => Box::new(Lines::new(&shape)),
    };
    let groups = (!plan.groups.is_empty()).then(|| Groups::new(plan.groups.clone()));
    let mut output =
        Output { writer, groups, bytes: Vec::new(), out, failure: None, rows: 0, unknown: 0 };
    if output.groups.is_none() {
        output.writer.begin(&Head::new("list", &snapshot), &mut output.bytes);
    }
    let read = if plan.all_netns {
        all_namespaces(&plan, system, &mut snapshot, &mut output)
    } else {
        let netns = snapshot.netns.clone();
        namespace(&plan, system, netns, None, &mut snapshot, &mut output)
    };
    read?;
    note_bound_inactive(&mut snapshot);
    note_marks(&plan, system, &mut snapshot);
    let head = Head::new("list", &snapshot);
    match &output.groups {
        None => output.writer.end(&head, &mut output.bytes),
        Some(groups) => output.bytes.extend(grouped(groups, &plan, settings, &head)),
    }
    output.flush(true);
    match output.failure {
        Some(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            return Err(Error::hinted(
                format!("cannot write to standard output: {}", SysError::from_io("", &e).reason),
                "look at the place the output goes to",
            ));
        }
        _ => {}
    }
    let mut notes = Vec::new();
    if !settings.quiet && settings.format != Format::Json {
        notes = gaps(&snapshot);
        if output.unknown > 0 {
            notes.push(format!(
                "note: {} left out, because it is not known whether they fit the filter",
                crate::phrase::count(output.unknown as u64, "socket was", "sockets were")
            ));
        }
    }
    let status = report_status(&snapshot, None, settings);
    Ok(Done { output: Vec::new(), notes, status })
}

/// Lists one namespace, protocol by protocol.
fn namespace(
    plan: &Plan,
    system: &dyn System,
    netns: Text,
    known: Option<&Holding>,
    snapshot: &mut Snapshot,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let fields = plan.fields();
    let needs = |source: Source| fields.iter().any(|f| f.source == source);
    let mut view = View { netns, queue_limits: true, ..View::default() };
    if needs(Source::Users) {
        view.users = surroundings::users(system);
    }
    if needs(Source::Cgroups) {
        view.cgroups = surroundings::cgroups(system);
    }
    if plan.resolve {
        view.hosts = surroundings::hosts(system);
        view.services = surroundings::services(system).names();
    }
    for protocol in &plan.protocols {
        let request = plan.request(*protocol);
        if request.states.0 == 0 {
            // The filter leaves no state in which a socket could be: nothing is asked, and nothing is missing.
            snapshot.coverage.seen("sock_diag");
            continue;
        }
        if plan.asks_autobound() && *protocol == Protocol::Tcp {
            view.explicit = surroundings::explicit(system, request.states, &mut snapshot.coverage);
            view.ephemeral = surroundings::ephemeral(system);
        }
        let asked =
            Asked { request, owners: plan.owners, known: known.cloned(), euid: snapshot.host.euid };
        let view = View { protocol: *protocol, ..view.clone() };
        let mut show = Show::new(plan, system, output, view);
        stream(system, &asked, &mut snapshot.coverage, &mut show).map_err(|reason| {
            Error::hinted(
                format!("owners cannot be read by BPF: {reason}"),
                "leave --owners out, or use --owners proc",
            )
        })?;
        show.finish();
        if output.failure.is_some() {
            break;
        }
    }
    Ok(())
}

fn all_namespaces(
    plan: &Plan,
    system: &dyn System,
    snapshot: &mut Snapshot,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let known = match plan.owners {
        None => None,
        Some(method) => {
            let found = everywhere(system, method, &mut snapshot.coverage, snapshot.host.euid);
            Some(found.map_err(|reason| {
                Error::hinted(format!("owners cannot be read: {reason}"), "use --owners none")
            })?)
        }
    };
    let mut coverage = std::mem::take(&mut snapshot.coverage);
    let read = all_netns(system, &mut coverage, &mut |name, inside, coverage| {
        // What each namespace could not show is noted in the one coverage of the run.
        std::mem::swap(&mut snapshot.coverage, coverage);
        let name = Text::new(name.as_bytes());
        let listed = namespace(plan, inside, name, known.as_ref(), snapshot, output);
        std::mem::swap(&mut snapshot.coverage, coverage);
        listed.map(|()| output.failure.is_none())
    });
    snapshot.coverage = coverage;
    read
}

/// Marks are told to CAP_NET_ADMIN only; whoever asks for them without it is told so.
fn note_marks(plan: &Plan, system: &dyn System, snapshot: &mut Snapshot) {
    if plan.fields().iter().any(|f| f.name == "mark") && !surroundings::may_see_marks(system) {
        let reason = "firewall marks are told to CAP_NET_ADMIN only".to_string();
        let hint =
            "sudo tcpvet, or: sudo setcap cap_net_admin+ep \"$(command -v tcpvet)\"".to_string();
        snapshot.coverage.note("mark", Seen::Denied, Some(reason), Some(hint));
    }
}

fn grouped(groups: &Groups, plan: &Plan, settings: &Settings, head: &Head) -> Vec<u8> {
    match settings.format {
        Format::Human => groups.table(plan.limit).into_bytes(),
        Format::Plain => groups.delimited(Dialect::Plain, plan.shape.header, plan.limit),
        Format::Csv => groups.delimited(Dialect::Csv, plan.shape.header, plan.limit),
        Format::Json => groups.document(head, plan.limit),
        Format::Jsonl => groups.lines(plan.limit),
    }
}

/// What could not be seen, for standard error: the rows on standard output stay rows.
fn gaps(snapshot: &Snapshot) -> Vec<String> {
    let sources = snapshot.coverage.sources().iter();
    let gaps = sources.filter(|s| s.state > Seen::Absent);
    gaps.map(|s| {
        let mut note =
            format!("warning: {}: {}", s.name, s.reason.as_deref().unwrap_or("not read"));
        if let Some(hint) = &s.hint {
            note.push_str(&format!("\nhint: {hint}"));
        }
        note
    })
    .collect()
}
