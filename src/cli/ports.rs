//! Options of `ports`.

use clap::Args;

use super::Owners;

const EXAMPLES: &str = "Examples:
  tcpvet ports
  tcpvet ports --to 10.0.0.5:5432 --sample 5s
  tcpvet ports --what-if range=15000-60999,tw_reuse=1,sources=2
  tcpvet ports --to 10.0.0.5:443 --what-if rate=1000
  tcpvet ports 'process = nginx'
  tcpvet ports --port 8080

LEFT is the number of further connect() calls that succeed; two numbers are an interval, where the kernel does not tell. \
TO CLIFF: so many until every search for a port gets long. CLOSES/S: connections that this side closed, by its TIME_WAIT. CEILING/S: what \
the ports bear for good. FULL IN: when LEFT is 0 at the rates seen; ? where one look shows none. \
--what-if takes range=LOW-HIGH, reserved=PORTS, tw_reuse=0|1|2, tw_reuse_delay=MS, timestamps=0|1|2, sources=N, rate=N, and \
socket_range=LOW-HIGH for a program that sets IP_LOCAL_PORT_RANGE.";

/// Options of `ports`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct PortsArgs {
    /// Only destinations with a socket that this expression selects, in one argument or in many
    #[arg(value_name = "FILTER", allow_hyphen_values = false)]
    pub filter: Vec<String>,
    /// Only this destination, connected or not (can be repeated)
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub to: Vec<String>,
    /// Only from this address of ours, in use or not
    #[arg(long, value_name = "ADDR")]
    pub source: Option<String>,
    /// Say who holds this port, until when, and what helps: for "Address already in use"
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..),
          conflicts_with_all = ["filter", "to", "what_if", "sample", "limit", "bind", "all_netns"])]
    pub port: Option<u16>,
    /// Suppose other settings, source addresses or rates
    #[arg(long, value_name = "NAME=VALUE,...")]
    pub what_if: Option<String>,
    /// Look twice, this long apart, and tell rates of new connections and growth
    #[arg(long, value_name = "DURATION", value_parser = super::interval, conflicts_with = "from")]
    pub sample: Option<std::time::Duration>,
    /// Only the pools of programs that bind() before they connect()
    #[arg(long, conflicts_with_all = ["to", "sample"])]
    pub bind: bool,
    /// At most so many destinations (people: 20, other formats: all)
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Every network namespace in sight
    #[arg(long, conflicts_with_all = ["netns", "from"])]
    pub all_netns: bool,
    /// Print no head
    #[arg(short = 'H', long)]
    pub no_header: bool,
    /// How owners are looked for
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Owners::Auto, hide_default_value = true)]
    pub owners: Owners,
}
