//! tcpvet: diagnoses TCP on a Linux host.
//!
//! The rooms and the way of the data through them:
//!
//! ```text
//! bytes --decode--> facts --assemble--> Snapshot --+--rules--> Report --advise--> Plan --+
//!   ^ sys            wire     collect     model    +--fields + filter--> Rows -----------+--render--> bytes --> stdout
//!   live | replay | record
//! ```
//!
//! `wire model rules advise topics fields filter assertions render` are pure: no clock, environment, file, thread or hash order reaches them.
#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("tcpvet reads the Linux kernel's sock_diag and /proc; it runs on Linux only");

pub mod advise;
pub mod assertions;
pub mod cli;
pub mod cmd;
pub mod collect;
pub mod error;
pub mod exit;
pub mod fields;
pub mod filter;
pub mod model;
pub mod nearest;
pub mod phrase;
pub mod render;
pub mod rules;
pub mod sys;
pub mod topics;
pub mod wire;
