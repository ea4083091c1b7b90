//! The end of patience: `--timeout` ends the program with "unknown", whatever it is waiting for.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::time::Duration;

/// Calls `expired` from a thread of its own once `after` has passed. The thread ends with the program.
pub fn start(after: Duration, expired: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        std::thread::sleep(after);
        expired();
    });
}
