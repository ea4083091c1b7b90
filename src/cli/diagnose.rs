//! Options of `diagnose`.

use clap::Args;

use super::RuleArgs;

/// Options of `diagnose`.
#[derive(Debug, Clone, Default, Args)]
pub struct DiagnoseArgs {
    /// Rules and thresholds.
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Every network namespace in sight
    #[arg(long, conflicts_with_all = ["netns", "from", "baseline"])]
    pub all_netns: bool,
    /// Show the command lines of the processes that are named, with secrets of known forms masked
    #[arg(long, conflicts_with = "from")]
    pub cmdline: bool,
}

impl DiagnoseArgs {
    /// Whether nothing was said of rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.all_netns && !self.cmdline
    }
}
