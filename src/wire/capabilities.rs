//! Capabilities in /proc/PID/status, and what they let us read (capabilities(7)).

use crate::model::text::Text;

/// Capabilities that matter to reading sockets and their owners, by number (include/uapi/linux/capability.h).
const NAMES: [(u32, &str); 7] = [
    (1, "dac_override"),
    (2, "dac_read_search"),
    (12, "net_admin"),
    (19, "sys_ptrace"),
    (21, "sys_admin"),
    (38, "perfmon"),
    (39, "bpf"),
];

/// The capabilities of /proc/self/status that this program has or can raise, as a mask; none if the text does not tell.
pub fn capabilities(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let of = |name: &str| text.lines().find_map(|l| l.strip_prefix(name));
    let set = of("CapPrm:").or_else(|| of("CapEff:"));
    set.and_then(|s| u64::from_str_radix(s.trim(), 16).ok()).unwrap_or_default()
}

/// Whether the capabilities of /proc/self/status let every process's descriptors be read: CAP_SYS_PTRACE together with
/// CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE.
pub fn may_read_every_process(text: &[u8]) -> bool {
    const DAC: u64 = (1 << 1) | (1 << 2);
    const PTRACE: u64 = 1 << 19;
    let set = capabilities(text);
    set & DAC != 0 && set & PTRACE != 0
}

/// Whether they let a tracing program be loaded: CAP_BPF and CAP_PERFMON, or the CAP_SYS_ADMIN of old.
pub fn may_trace_with_bpf(text: &[u8]) -> bool {
    const SYS_ADMIN: u64 = 1 << 21;
    const BOTH: u64 = (1 << 38) | (1 << 39);
    let set = capabilities(text);
    set & SYS_ADMIN != 0 || set & BOTH == BOTH
}

/// Whether they hold CAP_NET_ADMIN.
pub fn may_administer_network(text: &[u8]) -> bool {
    capabilities(text) & (1 << 12) != 0
}

/// Whether they let other network namespaces be entered: CAP_SYS_ADMIN.
pub fn may_enter_namespaces(text: &[u8]) -> bool {
    capabilities(text) & (1 << 21) != 0
}

/// The capabilities of the bounding set, which no program can exceed; all if the text does not tell.
pub fn bounding(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let set = text.lines().find_map(|l| l.strip_prefix("CapBnd:"));
    set.and_then(|s| u64::from_str_radix(s.trim(), 16).ok()).unwrap_or(u64::MAX)
}

/// The names of those of a set that matter here.
pub fn names(set: u64) -> Vec<&'static str> {
    let have = |(number, _): &&(u32, &str)| set & (1 << number) != 0;
    NAMES.iter().filter(have).map(|(_, name)| *name).collect()
}

/// The mode in force of /sys/kernel/security/lockdown, `none [integrity] confidentiality` (kernel_lockdown(7)); `None` where it is none.
pub fn lockdown(text: &[u8]) -> Option<Text> {
    let text = String::from_utf8_lossy(text);
    let mode = text.split_whitespace().find_map(|w| w.strip_prefix('[')?.strip_suffix(']'))?;
    (mode != "none").then(|| Text::new(mode.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_all_processes_takes_two_capabilities() {
        let may = |set: u64| may_read_every_process(format!("CapEff:\t{set:016x}\n").as_bytes());
        assert!(may(0x1ff_ffff_ffff) && may(1 << 19 | 1 << 2));
        assert!(!may(0) && !may(1 << 19) && !may(1 << 2));
        assert!(!may_read_every_process(b""));
    }

    #[test]
    fn what_can_be_raised_counts() {
        let low = b"CapPrm:\t0000000000080004\nCapEff:\t0000000000000000\n";
        assert!(may_read_every_process(low) && !may_enter_namespaces(low));
        assert_eq!(names(capabilities(low)), ["dac_read_search", "sys_ptrace"]);
        assert_eq!(names(capabilities(b"")).len(), 0);
        assert_eq!(names(bounding(b"CapBnd:\t0000000000001000\n")), ["net_admin"]);
        assert_eq!(names(bounding(b"")).len(), NAMES.len());
        let mode = |text: &[u8]| lockdown(text).map(|t| t.to_string());
        assert_eq!(mode(b"none [integrity] confidentiality\n").as_deref(), Some("integrity"));
        assert_eq!((mode(b"[none] integrity\n"), mode(b"")), (None, None));
    }
}
