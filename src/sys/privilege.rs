//! Capabilities that came with the program file must not help its user read files of his choice: they lie low from the start, and are
//! raised around what this program itself decides to read.

#![expect(unsafe_code, reason = "getauxval(3)")]

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Lowers every capability until it is raised, unless root runs this: called before anything else is done.
pub fn lie_low() {
    if !rustix::process::geteuid().is_root() {
        let _ = lower();
    }
}

/// Whether the program file gave us capabilities or another user's rights (AT_SECURE): then nothing that the user names may decide what
/// is read with them.
pub fn came_with_the_file() -> bool {
    // SAFETY: it reads what the kernel put beside the arguments, and touches nothing.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

fn lower() -> rustix::io::Result<()> {
    let ours = capabilities(None)?;
    set_capabilities(None, CapabilitySets { effective: CapabilitySet::empty(), ..ours })
}

/// Capabilities in force until this is dropped.
#[derive(Debug)]
pub struct Raised(Option<CapabilitySets>);

/// Raises, for the calling thread, what is permitted. Nothing changes for root, nor for who has nothing.
pub fn raise() -> Raised {
    if rustix::process::geteuid().is_root() {
        return Raised(None);
    }
    let Ok(ours) = capabilities(None) else { return Raised(None) };
    if ours.permitted == ours.effective {
        return Raised(None);
    }
    let up = CapabilitySets { effective: ours.permitted, ..ours };
    // What is permitted may always be raised; if it fails, less is seen, and that is said.
    Raised(set_capabilities(None, up).is_ok().then_some(ours))
}

impl Drop for Raised {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            let _ = set_capabilities(None, before);
        }
    }
}

/// Does `work` with no more rights than the user has, whatever is raised around it. For root nothing changes.
pub fn as_the_user<T>(work: impl FnOnce() -> T) -> T {
    if rustix::process::geteuid().is_root() {
        return work();
    }
    let Ok(ours) = capabilities(None) else { return work() };
    if ours.effective.is_empty() {
        return work();
    }
    let _ = lower();
    let result = work();
    let _ = set_capabilities(None, ours);
    result
}
