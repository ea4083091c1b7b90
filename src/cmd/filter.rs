//! A filter as it was typed, with the names that this machine knows.

use crate::collect::surroundings;
use crate::error::Error;
use crate::filter::caret;
use crate::filter::expr::Expr;
use crate::filter::parse::{Names, parse};
use crate::sys::System;

/// Reads a filter; names of interfaces may be of a namespace `elsewhere`.
///
/// # Errors
/// A caret under what is wrong, and the nearest word that is right.
pub(super) fn read(text: &str, system: &dyn System, elsewhere: bool) -> Result<Expr, Error> {
    if text.trim().is_empty() {
        return Ok(Expr::TRUE);
    }
    with_names(system, elsewhere, |names| {
        parse(text, names).map_err(|m| Error::hinted(caret(text, m.at, &m.what), m.hint))
    })
}

/// Reads something with the names that this machine knows.
pub(super) fn with_names<T>(
    system: &dyn System,
    elsewhere: bool,
    read: impl FnOnce(&Names<'_>) -> T,
) -> T {
    let services = surroundings::services(system);
    let words: Vec<String> = services.words().map(String::from).collect();
    let hosts = surroundings::hosts(system);
    let names = Names {
        service: &|name| services.port(name),
        services: &words,
        host: &|name| hosts.iter().filter(|(n, _)| n == name).map(|(_, a)| *a).collect(),
        // No interface has this number.
        interface: &|name| system.interface_index(name).or(elsewhere.then_some(u32::MAX)),
        cgroup: &|path| cgroup(path, system),
    };
    read(&names)
}

/// The id of a control group by its path, from the root of the hierarchy or of the file system, or `#id`.
fn cgroup(path: &str, system: &dyn System) -> Option<u64> {
    if let Some(id) = path.strip_prefix('#') {
        return id.parse().ok();
    }
    let root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    let below = root.iter().find_map(|root| path.strip_prefix(root)).unwrap_or(path);
    let below = below.trim_matches('/');
    let found =
        system.cgroups().into_iter().find(|(_, p)| p.strip_prefix(b"/") == Some(below.as_bytes()));
    found.map(|(id, _)| id)
}
