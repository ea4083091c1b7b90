//! All integration tests, one binary. `support::house` checks that no file is forgotten here.
#![allow(clippy::disallowed_methods, reason = "tests read files and start programs")]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![allow(clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr)]

mod altered;
mod cli;
mod corpus;
mod golden;
mod house;
mod live;
mod packaging;
mod scenarios;
mod support;
