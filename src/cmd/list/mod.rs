//! `tcpvet list`: sockets with their owners, as they are read.

mod output;
mod plan;
mod show;

use std::io::{self, Write};

use output::Output;
use plan::Plan;
use show::Show;

use super::Done;
use super::around::Around;
use super::everywhere::all_netns;
use crate::cli::resolve::Settings;
use crate::cli::{Format, ListArgs};
use crate::collect::stream::{Asked, everywhere, stream};
use crate::collect::{begin, makers, note_bound_inactive, sockets, surroundings};
use crate::error::Error;
use crate::exit;
use crate::fields::View;
use crate::model::Snapshot;
use crate::model::coverage::{Coverage, Seen};
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
        if settings.format != Format::Human {
            return Err(Error::hinted(
                "--explain-filter is for people, and has one format",
                "leave the format out",
            ));
        }
        return Ok(Done::well(plan::explain(&plan).into_bytes()));
    }
    let mut snapshot = begin(system, settings.netns.as_deref())?;
    if let Some(before) = &plan.infer {
        before.fits(&snapshot).map_err(|why| {
            Error::hinted(
                format!("the baseline does not fit: {why}"),
                "take it in the same network namespace of the same boot: tcpvet capture -o before.tar",
            )
        })?;
    }
    let shape = plan.shape.clone();
    let writer: Box<dyn Writer> = match settings.format {
        Format::Human | Format::Verdict(_) => Box::new(Table::new(shape)),
        Format::Plain => Box::new(Delimited::new(Dialect::Plain, &shape)),
        Format::Csv => Box::new(Delimited::new(Dialect::Csv, &shape)),
        Format::Json => Box::new(Document::new(&shape)),
        Format::Jsonl => Box::new(Lines::new(&shape)),
    };
    let groups = (!plan.groups.is_empty()).then(|| Groups::new(plan.groups.clone()));
    let mut output = Output::new(writer, groups, out);
    if output.groups.is_none() {
        output.writer.begin(&Head::new("list", &snapshot), &mut output.bytes);
    }
    let read = if plan.all_netns {
        all_namespaces(&plan, system, &mut snapshot, &mut output)
    } else {
        let netns = snapshot.netns.clone();
        let around = plan.around(system);
        namespace(&plan, system, &netns, &around, &mut snapshot, &mut output)
    };
    read?;
    output.write_sorted(&plan);
    note_bound_inactive(&mut snapshot);
    note_marks(&plan, system, &mut snapshot);
    let head = Head::new("list", &snapshot);
    match &output.groups {
        None => output.writer.end(&head, output.unknown, &mut output.bytes),
        Some(groups) => {
            let text = grouped(groups, &plan, settings, &head, output.unknown);
            output.bytes.extend(text);
        }
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
    // A question that could not be answered for some sockets, because something was kept from us, is not answered; and that is said.
    let unanswered = output.unknown > 0 && !snapshot.coverage.is_complete();
    let mut notes = Vec::new();
    if (!settings.quiet || unanswered) && settings.format != Format::Json {
        notes = gaps(&snapshot);
        if output.unknown > 0 {
            notes.push(format!(
                "note: {} left out: what the filter asks is not known there, or has no meaning ('known FIELD' selects where it is)",
                crate::phrase::count(output.unknown as u64, "socket was", "sockets were")
            ));
        }
    }
    let whole = is_whole(&plan, &snapshot) && !unanswered;
    Ok(Done { output: Vec::new(), notes, status: if whole { exit::OK } else { exit::UNKNOWN } })
}

/// Lists one namespace, protocol by protocol.
fn namespace(
    plan: &Plan,
    system: &dyn System,
    netns: &Text,
    around: &Around,
    snapshot: &mut Snapshot,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    for protocol in &plan.protocols {
        if output.is_done(plan) {
            break;
        }
        let request = plan.request(*protocol);
        if request.states.0 == 0 {
            // The filter leaves no state in which a socket could be: nothing is asked, and nothing is missing.
            snapshot.coverage.seen(sockets::source(*protocol));
            continue;
        }
        let mut view = View { netns: netns.clone(), protocol: *protocol, ..around.view.clone() };
        if plan.resolve && !plan.numeric {
            view.services = around.services.names(*protocol != Protocol::Udp);
        }
        if plan.asks_autobound() {
            view.explicit = surroundings::explicit(system, &request, &mut snapshot.coverage);
            view.ephemeral = surroundings::ephemeral(system);
        }
        let mut known = around.known.clone();
        if let (Some(before), Some(method)) = (&plan.infer, plan.owners) {
            let concluded = makers::conclude(system, method, known, before);
            known = Some(concluded.map_err(|reason| {
                Error::hinted(format!("owners cannot be read: {reason}"), "leave --infer out")
            })?);
        }
        let asked = Asked { request, owners: plan.owners, known, euid: snapshot.host.euid };
        let mut show = Show::new(plan, system, output, view);
        stream(system, &asked, &mut snapshot.coverage, &mut show).map_err(|reason| {
            Error::hinted(
                format!("owners cannot be read by BPF: {reason}"),
                "leave --owners out, or use --owners proc",
            )
        })?;
        show.finish();
    }
    Ok(())
}

fn all_namespaces(
    plan: &Plan,
    system: &dyn System,
    snapshot: &mut Snapshot,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let mut around = plan.around(system);
    if let Some(method) = plan.owners {
        let found = everywhere(system, method, &mut snapshot.coverage, snapshot.host.euid);
        around.known = Some(found.map_err(|reason| {
            Error::hinted(format!("owners cannot be read: {reason}"), "use --owners none")
        })?);
    }
    let mut coverage = std::mem::take(&mut snapshot.coverage);
    let read = all_netns(system, &mut coverage, &mut |space, inside, coverage| {
        // What each namespace could not show is said with its name.
        snapshot.coverage = Coverage::default();
        plan.inside(inside)
            .and_then(|plan| namespace(&plan, inside, &space.name, &around, snapshot, output))?;
        if !is_whole(plan, snapshot) {
            coverage.cut();
        }
        let one = std::mem::take(&mut snapshot.coverage);
        coverage.merge_sources(&one, &space.name);
        Ok(!output.is_done(plan))
    });
    snapshot.coverage = coverage;
    read
}

/// Whether the table of every protocol was read whole, by netlink or by its fallback; one that this kernel does not have is.
fn is_whole(plan: &Plan, snapshot: &Snapshot) -> bool {
    if plan.all_netns && snapshot.coverage.is_cut() {
        return false;
    }
    plan.protocols.iter().all(|protocol| {
        let fallback = if *protocol == Protocol::Udp { "proc_net_udp" } else { "proc_net_tcp" };
        let state = |name: &str| snapshot.coverage.get(name).map(|s| s.state);
        state(sockets::source(*protocol)).is_none_or(|s| s <= Seen::Absent)
            || state(fallback) == Some(Seen::Seen)
    })
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

fn grouped(
    groups: &Groups,
    plan: &Plan,
    settings: &Settings,
    head: &Head,
    unknown: usize,
) -> Vec<u8> {
    match settings.format {
        Format::Human | Format::Verdict(_) => groups.table(plan.limit).into_bytes(),
        Format::Plain => groups.delimited(Dialect::Plain, plan.shape.header, plan.limit),
        Format::Csv => groups.delimited(Dialect::Csv, plan.shape.header, plan.limit),
        Format::Json => groups.document(head, unknown, plan.limit),
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
