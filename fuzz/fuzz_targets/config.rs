//! Runs `entry::config`; its corpus is run by the normal tests too.
#![no_main]

#[path = "../entry.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::config(data));
