//! Assertions as they are typed, counted and judged.

mod counting;
mod reading;
mod typed;

use super::{Assertion, parse};
use crate::filter::parse::{Mistake, Names};

/// Reads an assertion with a few names of a machine.
fn read(text: &str) -> Result<Assertion, Mistake> {
    let names = Names {
        service: &|name| (name == "https").then_some(443),
        services: &["https".to_string()],
        host: &|_| Vec::new(),
        interface: &|name| (name == "lo").then_some(1),
        cgroup: &|path| (path == "/").then_some(1),
    };
    parse(text, &names)
}
