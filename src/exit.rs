//! The exit status: one table for the whole program.

use crate::rules::engine::Status;

/// Nothing wrong, or a report was given.
pub const OK: u8 = 0;
/// A warning.
pub const WARNING: u8 = 1;
/// Something critical, or a failed assertion.
pub const CRITICAL: u8 = 2;
/// It could not be told: usage, I/O, a table not read whole, a timeout, a panic.
pub const UNKNOWN: u8 = 3;

/// Every status: its number, its word, its meaning.
pub static TABLE: [(u8, &str, &str); 4] = [
    (OK, "ok", "all is well, or a report was given whatever it found (see --fail-on)"),
    (WARNING, "warning", "something is not as it should be (check; reports with --fail-on)"),
    (CRITICAL, "critical", "harm is here, or an assertion failed"),
    (
        UNKNOWN,
        "unknown",
        "it could not be told: usage error, unreadable input, a socket table that could not be read whole, timeout, internal error",
    ),
];

/// The exit status of a verdict.
pub fn code(status: Status) -> u8 {
    match status {
        Status::Ok => OK,
        Status::Warning => WARNING,
        Status::Critical => CRITICAL,
        Status::Unknown => UNKNOWN,
    }
}

/// The exit status of a report, which is 0 unless `--fail-on` names a level that the verdict reaches (2 beats 3 beats 1).
pub fn of_report(status: Status, fail_on: Option<Status>) -> u8 {
    match fail_on {
        Some(level) if status >= level => code(status),
        _ => OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on_follows_the_precedence_of_the_table() {
        use Status::{Critical, Ok, Unknown, Warning};
        assert_eq!([Ok, Warning, Critical, Unknown].map(code), [0, 1, 2, 3]);
        assert_eq!([Ok, Warning, Critical, Unknown].map(|s| of_report(s, None)), [0; 4]);
        assert_eq!(
            [Ok, Warning, Critical, Unknown].map(|s| of_report(s, Some(Warning))),
            [0, 1, 2, 3]
        );
        assert_eq!(
            [Ok, Warning, Critical, Unknown].map(|s| of_report(s, Some(Unknown))),
            [0, 0, 2, 3]
        );
        assert_eq!(
            [Ok, Warning, Critical, Unknown].map(|s| of_report(s, Some(Critical))),
            [0, 0, 2, 0]
        );
    }
}
