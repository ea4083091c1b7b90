//! What the user types: the arguments as they are, read without looking at the system.

mod check;
pub mod config;
mod diagnose;
mod fit;
mod format;
pub mod generate;
mod list;
mod ports;
pub mod resolve;
mod rules;
mod run;
pub mod usage;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use usage::Answer;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "tcpvet",
    version,
    about = "Says what is wrong with this machine's TCP, which process does it and what to change",
    long_about = "Reads the kernel's socket table, counters and settings, and says what is wrong with this machine's TCP, which \
                  process does it and what to change. Without a subcommand it diagnoses. It changes nothing, ever.",
    before_help = EXAMPLES,
    after_help = "Exit status: reports 0, check 0 ok, 1 warning, 2 critical, 3 unknown or usage error (see man tcpvet).",
    disable_help_subcommand = false,
    max_term_width = 100
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// Options of `diagnose`, which is what runs without a subcommand.
    #[command(flatten)]
    pub diagnose: DiagnoseArgs,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  tcpvet                                   what is wrong here
  tcpvet list -tlnp                        as with ss
  tcpvet list 'state close-wait and process = java'
  tcpvet ports                             how many connections are left, and to whom
  tcpvet ports --port 8080                 who holds this port
  tcpvet advise --emit sysctl.d            the settings that help, as a file
  tcpvet check --assert 'count(state close-wait) == 0'
  tcpvet run -- ./integration-tests        fails if sockets leak
  tcpvet capture -o box.tar; tcpvet --from box.tar
";

const CONFIG_EXAMPLE: &str = "A configuration file (TOML):
  select = [\"listeners\", \"close-wait-leak\"]  # families and rules that run
  ignore = [\"reuseport-imbalance\"]          # those that do not

  [rules.close-wait-leak]                   # thresholds, as 'tcpvet explain RULE' lists them
  warning = 50

  [[exception]]                             # for one process, one port, or one process on one port
  process = \"java\"
  port = 8080
  rules.close-wait-leak.warning = 500

Families: ports, listeners, closing, peers, resources, settings.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// Print one JSON document
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,
    /// Output format
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Read a capture instead of this kernel
    #[arg(long, global = true, value_name = "CAPTURE", conflicts_with = "netns")]
    pub from: Option<std::path::PathBuf>,
    /// Look at another network namespace: a name of 'ip netns', a path, a process id, a container or a pod
    #[arg(long, short = 'N', global = true, value_name = "NAME|PATH|PID")]
    pub netns: Option<String>,
    /// Read this folder in place of /proc, in a container that has the host's mounted
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "from")]
    pub proc: Option<std::path::PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto, hide_default_value = true)]
    pub color: When,
    /// Wrap and cut human output at this width (40 or more), in a pipe too
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    pub width: Option<u16>,
    /// Let a report end with the status of its verdict if it is at least so bad
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<Level>,
    /// Print nothing when all is well, and no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// End with status 3 after this time, such as 5s (check: 30s)
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<std::time::Duration>,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, as the environment says.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A level of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Warning, unknown or critical.
    Warning,
    /// Unknown or critical.
    Unknown,
    /// Critical.
    Critical,
}

/// The subcommands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Say what is wrong, who does it and what to change
    Diagnose(DiagnoseArgs),
    /// Judge for monitoring and CI: one line and an exit status
    Check(Box<CheckArgs>),
    /// Run a command, and judge the sockets that it left behind
    Run(Box<RunArgs>),
    /// List sockets with their owners, as ss does and more
    List(Box<ListArgs>),
    /// List listeners: queue, limit, who set it, drops, who waits to be accepted
    Listen(ListenArgs),
    /// Tell how many connections are left, to whom, for how long; or who holds a port
    Ports(PortsArgs),
    /// Tell what can be read here, what is missing, and what grants it
    Env,
    /// List the fields that columns, filters and JSON know
    Fields,
    /// Count sockets by state, family and namespace
    Summary(SummaryArgs),
    /// Propose settings for what was found; nothing is set
    Advise(AdviseArgs),
    /// Explain a rule, a setting, a state, a field or an exit status
    Explain(ExplainArgs),
    /// Show the rules and thresholds in force, and where each came from
    #[command(after_help = CONFIG_EXAMPLE)]
    Config(SelectArgs),
    /// Record what this program reads, for a bug report or a later look
    Capture(CaptureArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
    /// Write the committed completions and manual pages
    #[command(hide = true)]
    Generate(GenerateArgs),
}

pub use check::{AssertArgs, CheckArgs, Report, ReportArgs};
pub use diagnose::DiagnoseArgs;
pub use format::Format;
pub use list::{ListArgs, ListenArgs, Owners};
pub use ports::PortsArgs;
pub use rules::{RuleArgs, SelectArgs};
pub use run::{Allow, RunArgs};

/// The definition of the command line, in which every command shows what it takes.
pub fn definition() -> clap::Command {
    fit::fitted(Cli::command(), fit::Refused::Hidden)
}

/// Reads what was typed, the program's name first.
///
/// # Errors
/// It cannot be meant, or asks for a text that explains it.
pub fn parse<T: Into<std::ffi::OsString> + Clone>(
    typed: impl IntoIterator<Item = T>,
) -> Result<Cli, Answer> {
    let read = |e: clap::Error| usage::answer(&e);
    let matches = definition().try_get_matches_from(typed).map_err(read)?;
    let cli = Cli::from_arg_matches(&matches).map_err(read)?;
    fit::check(&cli.global, cli.command.as_ref()).map_err(Answer::Wrong)?;
    Ok(cli)
}

impl Command {
    /// Its name, as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Diagnose(_) => "diagnose",
            Command::Check(_) => "check",
            Command::Run(_) => "run",
            Command::List(_) => "list",
            Command::Listen(_) => "listen",
            Command::Ports(_) => "ports",
            Command::Env => "env",
            Command::Fields => "fields",
            Command::Summary(_) => "summary",
            Command::Advise(_) => "advise",
            Command::Explain(_) => "explain",
            Command::Config(_) => "config",
            Command::Capture(_) => "capture",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
            Command::Generate(_) => "generate",
        }
    }
}

/// Options of `summary`.
#[derive(Debug, Clone, Args)]
pub struct SummaryArgs {
    /// Every network namespace in sight
    #[arg(long, conflicts_with_all = ["netns", "from"])]
    pub all_netns: bool,
}

/// Options of `advise`.
#[derive(Debug, Clone, Args)]
pub struct AdviseArgs {
    /// Rules and thresholds.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Print the settings as a file
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["json", "format"])]
    pub emit: Option<Emit>,
}

/// Files that `advise` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// A fragment for /etc/sysctl.d, or for 'sysctl -p FILE'.
    #[value(name = "sysctl.d")]
    SysctlD,
    /// A shell script.
    Shell,
    /// Tasks for ansible.posix.sysctl.
    Ansible,
    /// The securityContext of a pod.
    Kubernetes,
    /// Options of docker run and podman run.
    Docker,
    /// A profile for TuneD.
    Tuned,
    /// The JSON document.
    Json,
}

/// Options of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A rule, a setting, a state, a field, an exit status; all are listed without
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// Options of `capture`.
#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    /// A new folder, or a new file whose name ends in .tar
    #[arg(short, long, value_name = "DIR|FILE.tar")]
    pub output: std::path::PathBuf,
}

/// Options of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

/// Options of `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// The page of a subcommand
    #[arg(value_name = "SUBCOMMAND")]
    pub page: Option<String>,
}

/// Options of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// Root of the project
    #[arg(default_value = ".")]
    pub root: std::path::PathBuf,
}

/// `5s`, `200ms`, `2m`, or plain seconds.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse::<u32>().map(|s| std::time::Duration::from_secs(s.into()));
    let parsed = seconds.or_else(|_| humantime::parse_duration(text));
    parsed.ok().filter(|d| !d.is_zero()).ok_or_else(|| "write it as 5s, 200ms or 2m".to_string())
}

/// A time between two looks, which are told apart by hundredths of a second.
fn interval(text: &str) -> Result<std::time::Duration, String> {
    let least = std::time::Duration::from_millis(50);
    duration(text).and_then(|time| match time >= least {
        true => Ok(time),
        false => Err("two looks are at least 50ms apart".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn durations() {
        assert_eq!(duration("5"), duration("5s"));
        assert_eq!(duration("200ms").unwrap().as_millis(), 200);
        for bad in ["", "0", "x", "-1s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(interval("50ms"), duration("50ms"));
        assert!(interval("49ms").is_err());
    }
}
