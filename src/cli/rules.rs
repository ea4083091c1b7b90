//! Options of the commands that judge.

use clap::Args;

use super::interval;

/// Which rules run, and with what thresholds.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Run only these rules, or families of rules (repeated, or separated by commas)
    #[arg(long, value_name = "RULE|FAMILY", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave out these rules, or families of rules
    #[arg(long, value_name = "RULE|FAMILY", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Change a threshold (can be repeated)
    #[arg(long, value_name = "RULE.KEY=VALUE")]
    pub set: Vec<String>,
    /// Read this configuration file in place of /etc/tcpvet.toml and the user's own
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// Read no configuration file
    #[arg(long, conflicts_with = "config")]
    pub no_config: bool,
}

/// Which rules run and how they judge.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArgs {
    /// Which rules, and with what thresholds.
    #[command(flatten)]
    pub which: SelectArgs,
    /// Look twice, this long apart: what needs a rate can be judged then
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with = "from")]
    pub sample: Option<std::time::Duration>,
    /// Compare with this capture of the same boot and namespace instead
    #[arg(long, value_name = "CAPTURE", conflicts_with = "sample")]
    pub baseline: Option<std::path::PathBuf>,
}

impl RuleArgs {
    /// Whether nothing was said of rules.
    pub fn is_empty(&self) -> bool {
        let which = &self.which;
        which.select.is_empty()
            && which.ignore.is_empty()
            && which.set.is_empty()
            && which.config.is_none()
            && !which.no_config
            && self.sample.is_none()
            && self.baseline.is_none()
    }
}
