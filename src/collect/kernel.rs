//! The kernel's texts: who and what this host is, its sysctls, its counters; each by name.

use super::seen;
use crate::model::Snapshot;
use crate::model::coverage::Seen;
use crate::model::sysctl::Reading;
use crate::model::text::Text;
use crate::sys::{Kind, SysError, System};
use crate::wire;

/// The sysctls that rules and advice know. Absent ones are noted as such: a child namespace has no tcp_mem, an old kernel no
/// tcp_tw_reuse_delay.
pub(super) const SYSCTLS: &[&str] = &[
    "fs.file-max",
    "fs.file-nr",
    "fs.nr_open",
    "net.core.netdev_max_backlog",
    "net.core.somaxconn",
    "net.ipv4.ip_autobind_reuse",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_mtu_probing",
    "net.ipv4.tcp_orphan_retries",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.tcp_rto_max_ms",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syn_linear_timeouts",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.tcp_synack_retries",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_recycle",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_wmem",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_established",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
];

/// Reads host name, kernel release, boot id and our user id.
pub(super) fn host(system: &dyn System, snapshot: &mut Snapshot) {
    let text = |path: &str| {
        let bytes = system.read(path).unwrap_or_default();
        Text::new(bytes.trim_ascii_end())
    };
    snapshot.host.hostname = text("/proc/sys/kernel/hostname");
    snapshot.host.kernel = text("/proc/sys/kernel/osrelease");
    snapshot.host.boot_id = text("/proc/sys/kernel/random/boot_id");
    let status = system.read("/proc/self/status").unwrap_or_default();
    snapshot.host.euid = wire::proc_pid::effective_uid(&status);
}

/// Notes where the kernel shows no bound sockets: they came with Linux 6.8.
pub(super) fn note_bound_inactive(snapshot: &mut Snapshot) {
    if snapshot.has_netlink_facts() && older_than_6_8(snapshot.host.kernel.as_str()) {
        let reason = Some("Linux shows bound, unconnected sockets from 6.8 on".to_string());
        snapshot.coverage.note("bound_inactive", Seen::Absent, reason, None);
    }
}

/// Reads the release; one that cannot be read is taken for a new one.
pub(super) fn older_than_6_8(release: &str) -> bool {
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < (6, 8),
        _ => false,
    }
}

/// Reads the sysctls of the namespace.
pub(super) fn settings(system: &dyn System, snapshot: &mut Snapshot) {
    let paths: Vec<String> = SYSCTLS.iter().map(|name| wire::sysctl::path(name)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for (name, result) in SYSCTLS.iter().zip(system.read_all(&paths)) {
        keep(snapshot, name, result);
    }
    // A namespace always has its port range: without it, /proc/sys is not there to be read.
    if snapshot.sysctls.text("net.ipv4.ip_local_port_range").is_none() {
        let reason = Some("/proc/sys/net is not readable here".to_string());
        snapshot.coverage.note("sysctl", Seen::Denied, reason, None);
    }
    snapshot.coverage.seen("sysctl");
}

/// Reads one sysctl.
pub(super) fn setting(system: &dyn System, snapshot: &mut Snapshot, name: &str) {
    keep(snapshot, name, system.read(&wire::sysctl::path(name)));
}

/// Keeps one sysctl, or why there is none.
fn keep(snapshot: &mut Snapshot, name: &str, result: Result<Vec<u8>, SysError>) {
    let reading = match result {
        Ok(text) => Reading::Value(wire::sysctl::value(&text)),
        Err(e) => {
            let state = seen(&e);
            if state != Seen::Absent {
                snapshot.coverage.note("sysctl", Seen::Partial, Some(e.to_string()), None);
            }
            Reading::None(state)
        }
    };
    snapshot.sysctls.0.insert(name.to_string(), reading);
}

/// Reads the counters of the namespace (and, from sockstat, the host-wide ones).
pub(super) fn counters(system: &dyn System, snapshot: &mut Snapshot) {
    type Reader = fn(&[u8], &mut std::collections::BTreeMap<String, i64>);
    // The moment of the counters is that of the rates.
    snapshot.uptime_ms = system.read("/proc/uptime").ok().and_then(|t| wire::sysctl::uptime_ms(&t));
    let sources: [(&'static str, &str, Reader); 7] = [
        ("snmp", "/proc/net/snmp", wire::counters::line_pairs),
        ("netstat", "/proc/net/netstat", wire::counters::line_pairs),
        ("sockstat", "/proc/net/sockstat", wire::counters::sockstat),
        ("sockstat6", "/proc/net/sockstat6", wire::counters::sockstat),
        ("protocols", "/proc/net/protocols", wire::counters::protocols),
        ("softnet", "/proc/net/softnet_stat", wire::counters::softnet),
        ("conntrack", "/proc/net/stat/nf_conntrack", wire::counters::conntrack),
    ];
    let paths = sources.map(|(_, path, _)| path);
    for ((name, _, read), result) in sources.into_iter().zip(system.read_all(&paths)) {
        match result {
            Ok(text) => {
                read(&text, &mut snapshot.counters.0);
                snapshot.coverage.seen(name);
            }
            Err(e) => {
                // Every kernel with TCP has the first three; the others may be missing, and nothing is hidden then.
                let state = match (e.kind, name) {
                    (Kind::Absent, "snmp" | "netstat" | "sockstat") => Seen::Failed,
                    _ => seen(&e),
                };
                snapshot.coverage.note(name, state, Some(e.to_string()), None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_distributions_write_them() {
        for (release, old) in [
            ("4.19.0-27-amd64", true),
            ("6.1.0", true),
            ("6.7.12-arch1", true),
            ("6.8.0-45-generic", false),
            ("6.18.44", false),
            ("7.0", false),
            ("", false),
        ] {
            assert_eq!(older_than_6_8(release), old, "{release}");
        }
    }
}
