//! Options of `check`, and what `run` shares with it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{RuleArgs, duration};
use crate::render::verdict::Form;

const EXAMPLES: &str = "Assertions are written as [NAME:] MEASURE OP VALUE [within TIME] [level warning] [# reason]:
  no-leak: count(state close-wait and process = app) == 0 within 30s
  max(rtt, dport = 5432) < 50ms          min, max, sum, avg, p50, p95, p99.9 of any field
  headroom(to 10.0.0.5:5432) > 2000      connections that can still be made
  rate(TcpExtListenOverflows) == 0       a second; delta(...) since --baseline
  counter(sockstat.TCP.orphan) < 100     as it stands
  new(state close-wait) == 0             sockets that --baseline did not have
  listening(80 via ipv4)                 [::]:80 counts where it takes IPv4
  not listening(0.0.0.0:6379)
  only_listening(22,80,443)
  finding(listeners) < warning           a rule, or a family of rules

All are read before anything is measured, and all are evaluated. What could not be seen makes an assertion unknown, never passed.

  tcpvet check --format nagios -w close_wait=50 -c close_wait=200
  tcpvet check -q --report prometheus=/var/lib/node_exporter/tcpvet.prom
  tcpvet check -f tcp.assert --report junit=tcp.xml";

/// Options of `check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Rules and thresholds.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Assertions.
    #[command(flatten)]
    pub asserts: AssertArgs,
    /// Warn if a named number leaves this range of the Monitoring Plugins, as in close_wait=50 (can be repeated)
    #[arg(short, long, value_name = "NAME=RANGE", conflicts_with = "all_netns")]
    pub warning: Vec<String>,
    /// Be critical if it leaves this one
    #[arg(short, long, value_name = "NAME=RANGE", conflicts_with = "all_netns")]
    pub critical: Vec<String>,
    /// Every network namespace in sight
    #[arg(long, conflicts_with_all = ["netns", "from", "baseline", "assert", "file"])]
    pub all_netns: bool,
    /// Write the command lines of the processes that are named into the document, with secrets of known forms masked
    #[arg(long, conflicts_with = "from")]
    pub cmdline: bool,
    /// Reports beside the output.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Check again and again, this long apart, and write nothing but the reports, until a signal ends it
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "report", conflicts_with_all = ["from", "format", "json"])]
    pub every: Option<Duration>,
    /// The same as --timeout
    #[arg(short, value_name = "DURATION", value_parser = duration, conflicts_with = "timeout")]
    pub t: Option<Duration>,
}

/// Assertions, on the command line and in files.
#[derive(Debug, Clone, Default, Args)]
pub struct AssertArgs {
    /// Judge this instead of the rules, such as 'leak: count(state close-wait) == 0' (can be repeated)
    #[arg(long, value_name = "ASSERTION")]
    pub assert: Vec<String>,
    /// Read assertions from this file too, one a line; - is standard input (can be repeated)
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Read the assertions, say how they were understood, and measure nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Where a verdict goes besides standard output, and what it does to the exit status.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportArgs {
    /// Write the verdict to a file too, such as junit=out.xml (can be repeated)
    #[arg(long, value_name = "FORMAT=PATH", value_parser = report)]
    pub report: Vec<Report>,
    /// End with status 0 whatever the verdict is, if there is one
    #[arg(long)]
    pub exit_zero: bool,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its format.
    pub form: Form,
    /// Its file.
    pub path: PathBuf,
}

fn report(text: &str) -> Result<Report, String> {
    let words = || Form::ALL.into_iter().map(Form::word);
    let known = words().collect::<Vec<_>>().join(", ");
    let Some((word, path)) = text.split_once('=') else {
        return Err(format!("write it as FORMAT=PATH, with FORMAT one of {known}"));
    };
    let Some(form) = Form::ALL.into_iter().find(|f| f.word() == word) else {
        return Err(match crate::nearest::nearest(word, words()) {
            Some(near) => format!("did you mean {near}={path}?"),
            None => format!("formats are: {known}"),
        });
    };
    if path.is_empty() {
        return Err("the path is missing".into());
    }
    Ok(Report { form, path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_name_a_format_and_a_file() {
        let read = report("junit=a=b.xml").unwrap();
        assert_eq!((read.form, read.path.to_str()), (Form::Junit, Some("a=b.xml")));
        assert_eq!(report("jnuit=x").unwrap_err(), "did you mean junit=x?");
        for bad in ["junit", "=x", "junit=", "sarif=x"] {
            assert!(report(bad).is_err(), "{bad}");
        }
    }
}
