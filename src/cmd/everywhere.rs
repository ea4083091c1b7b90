//! Every network namespace in sight, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::collect::{surroundings, workloads};
use crate::error::Error;
use crate::model::coverage::{Coverage, Seen};
use crate::model::place::Way;
use crate::model::text::Text;
use crate::model::workload::{Container, Pod, Workload};
use crate::phrase::join;
use crate::sys::{Kind, Namespace, System};

/// A network namespace, as it is called.
pub(super) struct Space {
    /// Its name: by `ip netns`, else its pod or container, else the file it is mounted on, else `pid:N`.
    pub(super) name: Text,
    /// The same as it is typed.
    pub(super) typed: String,
    /// Its inode; `None` where that is hidden from us.
    pub(super) inode: Option<u64>,
    /// How commands reach it.
    pub(super) way: Way,
}

/// What is done in a namespace; false if that was enough.
pub(super) type InNetns<'a> =
    dyn FnMut(&Space, &dyn System, &mut Coverage) -> Result<bool, Error> + 'a;

/// Hands every network namespace in sight to `each`, until that returns false; what may not be entered is noted.
pub(super) fn all_netns(
    system: &dyn System,
    coverage: &mut Coverage,
    each: &mut InNetns<'_>,
) -> Result<(), Error> {
    let namespaces = system.namespaces()?;
    let pids = namespaces.iter().filter(|n| !n.is_ours()).filter_map(|n| n.pid);
    let workloads = workloads::of(system, pids);
    let mut refused = Vec::new();
    let mut seen = BTreeSet::new();
    let (mut total, mut tables, mut unread) = (0, 0, 0);
    for (one, space) in named(&namespaces, &workloads) {
        // One that hides its name may be one that was entered by another way: their tables are the same files.
        let table = one.pid.and_then(|pid| system.network_of(Some(pid)).ok());
        if one.inode.is_none() && table.is_some_and(|t| seen.contains(&t)) {
            continue;
        }
        match one.enter() {
            Ok(inside) => {
                total += 1;
                seen.extend(inside.system.network_of(None));
                if let Some(e) = &inside.refused {
                    refused.push(format!("{}: {}", space.name, e.reason));
                    tables += 1;
                }
                if !each(&space, &*inside.system, coverage)? {
                    break;
                }
            }
            Err(e) if e.kind == Kind::Absent => {}
            Err(e) => {
                total += 1;
                unread += 1;
                refused.push(format!("{}: {}", space.name, e.reason));
            }
        }
    }
    if refused.is_empty() {
        coverage.seen("namespaces");
    } else {
        let shown = join(&refused, 3);
        let read = match (tables, unread) {
            (0, _) => "nothing of them was read".to_string(),
            (_, 0) => "/proc shows their tables and counters".into(),
            // Without a right to look at it, a mounted namespace and that of a process cannot be seen to be the same.
            (n, m) => format!(
                "of {n} /proc shows tables and counters; nothing was read of {m}, which may be the same ones by their names"
            ),
        };
        let reason = format!(
            "{} of {total} network namespaces may not be entered ({shown}): {read}",
            refused.len()
        );
        coverage.note("namespaces", Seen::Partial, Some(reason), Some("run it as root".into()));
    }
    if unread > 0 {
        coverage.cut();
    }
    surroundings::note_namespaces(system, coverage);
    coverage.count_others();
    Ok(())
}

/// The namespaces with their names, of which no two are the same.
fn named<'n>(
    namespaces: &'n [Namespace],
    workloads: &BTreeMap<u32, Workload>,
) -> Vec<(&'n Namespace, Space)> {
    let plain = |n: &'n Namespace| n.mounted.as_deref().filter(|m| !m.contains('/'));
    let called = |n: &'n Namespace| {
        let workload = n.pid.and_then(|pid| workloads.get(&pid));
        let pod = workload.and_then(|w| w.pod.as_ref()).map(Pod::shown);
        let own = pod.or_else(|| workload.and_then(|w| w.container.as_ref()).map(Container::shown));
        plain(n).or(own)
    };
    let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
    for name in namespaces.iter().filter_map(called) {
        *uses.entry(name).or_default() += 1;
    }
    let space = |one: &'n Namespace| {
        let alone = called(one).filter(|name| uses.get(name) == Some(&1));
        let (name, way) = match (plain(one), alone, &one.mounted, one.pid) {
            _ if one.is_ours() => (format!("net:[{}]", one.inode.unwrap_or_default()), Way::Own),
            (Some(name), ..) => (name.to_string(), Way::Name),
            (None, Some(name), _, Some(pid)) => (name.to_string(), Way::Process(pid)),
            (None, _, Some(path), _) => (path.clone(), Way::Path),
            (None, _, None, pid) => {
                let pid = pid.unwrap_or_default();
                (format!("pid:{pid}"), Way::Process(pid))
            }
        };
        let text = Text::new(name.as_bytes());
        (one, Space { name: text, typed: name, inode: one.inode, way })
    };
    namespaces.iter().map(space).collect()
}
