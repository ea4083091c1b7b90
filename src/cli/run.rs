//! Options of `run`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{AssertArgs, ReportArgs, duration};

const EXAMPLES: &str = "Examples:
  tcpvet run -- ./integration-tests
  tcpvet run --isolate --report junit=tcp.xml -- make test
  tcpvet run --assert 'new(state time-wait) < 1000' -- ./load 10s

Judged is what came while the command ran and is still there when it has ended and --settle is over (what a process held and closed by \
ending is not seen): connections that the peer has \
closed and the program has not (CLOSE_WAIT), sockets of processes that were started meanwhile, listeners that stay, connections that \
listeners refused. TIME_WAIT, and the ports it costs, are told. Without --isolate that is whatever happened in this network namespace; \
with it the command has one of its own, with a loopback interface and nothing else.

The command has the terminal, its signals and its standard output; the verdict goes to standard error. The exit status is the command's \
if that is not 0, else that of the verdict. --timeout bounds the looks and not the command: timeout(1) does that.";

/// Options of `run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Assertions.
    #[command(flatten)]
    pub asserts: AssertArgs,
    /// How long sockets may take to go when the command has ended
    #[arg(long, value_name = "DURATION", value_parser = settle, default_value = "5s")]
    pub settle: Duration,
    /// Run the command in a network namespace of its own
    #[arg(long)]
    pub isolate: bool,
    /// Accept this of what could be left behind (repeated, or separated by commas)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub allow: Vec<Allow>,
    /// Reports beside the output.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<OsString>,
}

/// What a command may leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Allow {
    /// Connections in CLOSE_WAIT.
    CloseWait,
    /// Connections of processes that it started.
    Open,
    /// Listeners.
    Listeners,
    /// Connections that listeners refused.
    Drops,
}

/// A duration that may be 0.
fn settle(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        other => duration(other),
    }
}
