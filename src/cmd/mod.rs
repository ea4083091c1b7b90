//! One file per subcommand: collect, ask, show. They get the System and the settings, and give back bytes and an exit status; nothing
//! is printed here; only `list` writes as it reads, into what it is given for that.

mod advise;
mod around;
mod assert;
mod capture;
mod check;
mod config;
mod diagnose;
mod earlier;
pub mod enter;
mod env;
mod everywhere;
mod explain;
mod fields;
mod filter;
mod generate;
mod judge;
mod judge_all;
mod list;
mod listen;
mod look;
mod port;
mod ports;
mod reports;
mod run;
mod summary;

use crate::cli::resolve::Settings;
use std::io::Write;

use crate::cli::{Cli, Command, Owners, generate as definitions};
use crate::collect::owners::Method;
use crate::collect::{self, Start, start};
use crate::error::Error;
use crate::exit;
use crate::model::Snapshot;
use crate::model::place::Way;
use crate::rules::engine::Report;
use crate::sys::live::Live;
use crate::sys::{System, watchdog};

/// What a command leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// For standard output.
    pub output: Vec<u8>,
    /// For standard error, one note a line.
    pub notes: Vec<String>,
    /// Exit status.
    pub status: u8,
}

impl Done {
    /// Output that went well.
    fn well(output: Vec<u8>) -> Done {
        Done { output, notes: Vec::new(), status: exit::OK }
    }
}

/// Runs what was typed.
///
/// # Errors
/// The command cannot do its work: the arguments name something unknown, or a file cannot be read or written.
pub fn dispatch(
    cli: &Cli,
    settings: &Settings,
    system: &dyn System,
    out: &mut dyn Write,
) -> Result<Done, Error> {
    if cli.command.is_some() && !cli.diagnose.is_empty() {
        return Err(Error::hinted(
            "the options of rules (--select, --set, --sample ...) stand before the subcommand",
            "write them behind it, as in: tcpvet check --select close-wait-leak",
        ));
    }
    match &cli.command {
        None => diagnose::run(&cli.diagnose, settings, system),
        Some(Command::Diagnose(args)) => diagnose::run(args, settings, system),
        Some(Command::Check(args)) => check::run(args, settings, system),
        Some(Command::Run(args)) => run::run(args, settings, system),
        Some(Command::List(args)) => list::run(args, settings, system, out),
        Some(Command::Listen(args)) => listen::run(args, settings, system),
        Some(Command::Ports(args)) => ports::run(args, settings, system),
        Some(Command::Env) => env::run(settings, system),
        Some(Command::Fields) => fields::run(settings),
        Some(Command::Summary(args)) => summary::run(args, settings, system),
        Some(Command::Advise(args)) => advise::run(args, settings, system),
        Some(Command::Explain(args)) => explain::run(args, settings, system),
        Some(Command::Config(args)) => config::run(args, settings),
        Some(Command::Capture(args)) => capture::run(args, settings, system),
        Some(Command::Completions(args)) => Ok(Done::well(definitions::completions(args.shell))),
        Some(Command::Man(args)) => Ok(Done::well(definitions::man(args.page.as_deref())?)),
        Some(Command::Generate(args)) => generate::run(&args.root),
    }
}

/// Tells the reports of a check or a run that no verdict came, and why.
pub fn no_verdict(command: Option<&Command>, message: &str) {
    let (args, name) = match command {
        Some(Command::Check(args)) => (&args.reports, "check"),
        Some(Command::Run(args)) => (&args.reports, "run"),
        _ => return,
    };
    if !args.report.is_empty() && reports::check(args).is_ok() {
        let around = collect::begin(&Live::here(), None).unwrap_or_default();
        reports::failed(args, name, around, message);
    }
}

/// The same where the time is over: it takes a moment at most.
pub fn give_up(command: Option<Command>, message: &str) {
    let message = message.to_string();
    watchdog::for_a_moment(move || no_verdict(command.as_ref(), &message));
}

/// The table, as far as it can be read.
fn table(settings: &Settings, system: &dyn System, what: &Start) -> Result<Snapshot, Error> {
    let start_with = Start { netns: settings.netns.clone(), ..what.clone() };
    let mut snapshot = start(system, &start_with)?;
    snapshot.netns_way = way(settings, system);
    Ok(snapshot)
}

/// The way into the namespace that is looked at.
fn way(settings: &Settings, system: &dyn System) -> Way {
    match settings.netns_way {
        Way::Process(pid) if system.is_behind_user_namespace() => Way::UserProcess(pid),
        way => way,
    }
}

/// The exit status of a report: 3 if the table could not be read whole, else by `--fail-on`.
fn report_status(snapshot: &Snapshot, report: Option<&Report>, settings: &Settings) -> u8 {
    let verdict = report.map_or(exit::OK, |r| exit::of_report(r.status, settings.fail_on));
    if verdict == exit::OK && !snapshot.coverage.table_is_whole() { exit::UNKNOWN } else { verdict }
}

/// How owners are to be looked for; `None` for not at all.
fn method(owners: Owners) -> Option<Method> {
    match owners {
        Owners::None => None,
        Owners::Auto => Some(Method::Auto),
        Owners::Bpf => Some(Method::Bpf),
        Owners::Proc => Some(Method::Proc),
    }
}
