//! Options of `list` and `listen`: those of ss where ss has them, with the same letters and the same meaning.

use clap::{ArgAction, Args, ValueEnum};

const EXAMPLES: &str = "Examples:
  tcpvet list -tlnp
  tcpvet list state close-wait
  tcpvet list -tn 'dport in (80,443,8000-8100) and not dst 10.0.0.0/8'
  tcpvet list 'rtt > 200ms or bytes_retrans > 1M'
  tcpvet list 'process ~ \"^java\" and recvq > 64k'

Filters are those of ss and more: 'not' binds tighter than 'and', 'and' tighter than 'or'; blanks are needed nowhere. Every field of \
'tcpvet fields' can be compared; what is not known of a socket selects it neither way.

Without -t, -u or -M all TCP sockets are listed. With one of them, and without -a, -l or a state, only the connected ones are, as with ss. \
Unix, raw, packet, SCTP and vsock sockets are not listed.";

/// Options of `list`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// Which sockets: an expression, in one argument or in many
    #[arg(value_name = "FILTER", allow_hyphen_values = false)]
    pub filter: Vec<String>,
    /// TCP sockets
    #[arg(short, long, help_heading = "Which sockets")]
    pub tcp: bool,
    /// UDP sockets
    #[arg(short, long, help_heading = "Which sockets")]
    pub udp: bool,
    /// MPTCP connections
    #[arg(short = 'M', long, help_heading = "Which sockets")]
    pub mptcp: bool,
    /// All states
    #[arg(short, long, help_heading = "Which sockets")]
    pub all: bool,
    /// Only listening sockets; for UDP the unconnected ones
    #[arg(short, long, help_heading = "Which sockets")]
    pub listening: bool,
    /// Only sockets that are bound to a port and neither connected nor listening
    #[arg(short = 'B', long, help_heading = "Which sockets")]
    pub bound_inactive: bool,
    /// Only sockets in this state (can be repeated, or separated by commas)
    #[arg(long, value_name = "STATE", help_heading = "Which sockets")]
    pub state: Vec<String>,
    /// Only sockets that carry IPv4, listeners of both families too
    #[arg(short = '4', long, action = ArgAction::SetTrue, help_heading = "Which sockets")]
    pub ipv4: bool,
    /// Only IPv6 sockets; with -4 both
    #[arg(short = '6', long, action = ArgAction::SetTrue, help_heading = "Which sockets")]
    pub ipv6: bool,
    /// Every network namespace in sight
    #[arg(long, conflicts_with_all = ["netns", "from"], help_heading = "Which sockets")]
    pub all_netns: bool,
    /// Numbers in place of the names of ports; this is how it is without -r
    #[arg(short, long, help_heading = "What is shown")]
    pub numeric: bool,
    /// Names of /etc/hosts and, without -n, of /etc/services in place of numbers; the network is not asked
    #[arg(short, long, help_heading = "What is shown")]
    pub resolve: bool,
    /// Processes; they are shown anyway
    #[arg(short, long, help_heading = "What is shown")]
    pub processes: bool,
    /// Timers
    #[arg(short, long, help_heading = "What is shown")]
    pub options: bool,
    /// Timer, user, inode, cookie, mark, control group, halves that are closed
    #[arg(short, long, help_heading = "What is shown")]
    pub extended: bool,
    /// Memory and drops
    #[arg(short, long, help_heading = "What is shown")]
    pub memory: bool,
    /// Everything the kernel tells of the connection (tcp_info)
    #[arg(short, long, help_heading = "What is shown")]
    pub info: bool,
    /// Type of service, traffic class, class id
    #[arg(long, help_heading = "What is shown")]
    pub tos: bool,
    /// Control group
    #[arg(long, help_heading = "What is shown")]
    pub cgroup: bool,
    /// Socket options
    #[arg(long, help_heading = "What is shown")]
    pub inet_sockopt: bool,
    /// Columns, separated by commas; +a,b adds to the default ones ('tcpvet fields' lists them)
    #[arg(short = 'O', long, value_name = "COLUMNS", help_heading = "What is shown")]
    pub columns: Option<String>,
    /// Print no head
    #[arg(short = 'H', long, help_heading = "What is shown")]
    pub no_header: bool,
    /// How owners are looked for
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Owners::Auto, hide_default_value = true, help_heading = "What is shown")]
    pub owners: Owners,
    /// Name who most likely made what no process holds: TIME_WAIT, and connections that were closed and not yet ended
    #[arg(long, conflicts_with_all = ["udp", "mptcp"], help_heading = "What is shown")]
    pub infer: bool,
    /// With --infer: a capture of the same boot and namespace, in which these sockets were still held
    #[arg(
        long,
        value_name = "CAPTURE",
        requires = "infer",
        conflicts_with = "all_netns",
        help_heading = "What is shown"
    )]
    pub baseline: Option<std::path::PathBuf>,
    /// Sort by these fields, separated by commas; unknown values stand last
    #[arg(long, value_name = "FIELDS", help_heading = "What is shown")]
    pub sort: Option<String>,
    /// Turn the order round
    #[arg(long, requires = "sort", help_heading = "What is shown")]
    pub reverse: bool,
    /// At most so many rows
    #[arg(long, value_name = "N", help_heading = "What is shown")]
    pub limit: Option<usize>,
    /// Count sockets and sum their queues by these fields, separated by commas
    #[arg(long, value_name = "FIELDS", conflicts_with_all = ["columns", "sort"], help_heading = "What is shown")]
    pub group_by: Option<String>,
    /// Say how the filter was read, what of it the kernel checks, and list nothing
    #[arg(long)]
    pub explain_filter: bool,
}

/// How owners are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Owners {
    /// By BPF where it is allowed and pays, else by /proc.
    #[default]
    Auto,
    /// By BPF; what that does not find is looked for in /proc.
    Bpf,
    /// By /proc.
    Proc,
    /// Not.
    None,
}

/// Options of `listen`.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs {
    /// One dump and nothing more: queue, limit, who set it, drops
    #[arg(long)]
    pub brief: bool,
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
