//! Capabilities that came with the program file must not help its user read files of his choice.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Gives up every capability unless root runs this: called before a file that the user names is opened.
pub fn drop_before_user_files() {
    if !rustix::process::geteuid().is_root() {
        let none = CapabilitySet::empty();
        // Without capabilities this cannot fail, and with them lowering is always allowed.
        let _ = set_capabilities(
            None,
            CapabilitySets { effective: none, permitted: none, inheritable: none },
        );
    }
}

/// Does `work` with no more rights than the user has; what needs capabilities afterwards still has them. For root nothing changes.
pub fn as_the_user<T>(work: impl FnOnce() -> T) -> T {
    if rustix::process::geteuid().is_root() {
        return work();
    }
    let Ok(ours) = capabilities(None) else { return work() };
    let lowered = CapabilitySets { effective: CapabilitySet::empty(), ..ours };
    if set_capabilities(None, lowered).is_err() {
        drop_before_user_files();
        return work();
    }
    let result = work();
    // Raising again what is permitted is always allowed; if it fails, less is seen, and that is said.
    let _ = set_capabilities(None, ours);
    result
}
