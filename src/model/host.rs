//! The machine.

use super::text::Text;

/// Which machine and boot this is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// Host name.
    pub hostname: Text,
    /// Kernel release.
    pub kernel: Text,
    /// Identity of this boot (/proc/sys/kernel/random/boot_id).
    pub boot_id: Text,
    /// Effective user id that read all this; `None` if unknown.
    pub euid: Option<u32>,
}
