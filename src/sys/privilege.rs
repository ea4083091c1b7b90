//! Capabilities that came with the program file must not help its user read files of his choice.

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

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
