//! Every network namespace in sight, one after the other.

use std::collections::BTreeMap;

use crate::collect::{surroundings, workloads};
use crate::error::Error;
use crate::model::coverage::{Coverage, Seen};
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
    /// A process in it by which it is reached, where no name of `ip netns` and no file leads in.
    pub(super) process: Option<u32>,
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
    let namespaces =
        system.namespaces().map_err(|e| Error { message: e.to_string(), hint: None })?;
    let total = namespaces.len();
    let pids = namespaces.iter().filter(|n| !n.is_ours()).filter_map(|n| n.pid);
    let workloads = workloads::of(system, pids);
    let mut refused = Vec::new();
    let mut tables = 0;
    for (one, space) in named(&namespaces, &workloads) {
        match one.enter() {
            Ok(inside) => {
                if let Some(e) = &inside.refused {
                    refused.push(format!("{}: {}", space.name, e.reason));
                    tables += 1;
                }
                if !each(&space, &*inside.system, coverage)? {
                    break;
                }
            }
            Err(e) if e.kind == Kind::Absent => {}
            Err(e) => refused.push(format!("{}: {}", space.name, e.reason)),
        }
    }
    if refused.is_empty() {
        coverage.seen("namespaces");
    } else {
        let read = match tables {
            0 => String::new(),
            n if n == refused.len() => "; /proc shows their tables".into(),
            n => format!("; of {n} /proc shows the tables"),
        };
        let shown = join(&refused, 3);
        // Without a right to look at it, a mounted namespace and that of a process cannot be seen to be the same.
        let twice = match tables > 0 && tables < refused.len() {
            true => ", and some may be counted twice",
            false => "",
        };
        let reason = format!(
            "{} of {total} network namespaces may not be entered ({shown}){read}{twice}",
            refused.len()
        );
        coverage.note("namespaces", Seen::Partial, Some(reason), Some("run it as root".into()));
    }
    surroundings::note_namespaces(system, coverage);
    Ok(())
}

/// The namespaces with their names, of which no two are the same.
fn named<'n>(
    namespaces: &'n [Namespace],
    workloads: &BTreeMap<u32, Workload>,
) -> Vec<(&'n Namespace, Space)> {
    let called = |n: &Namespace| {
        let workload = n.pid.and_then(|pid| workloads.get(&pid));
        let pod = workload.and_then(|w| w.pod.as_ref()).map(Pod::shown);
        pod.or_else(|| workload.and_then(|w| w.container.as_ref()).map(Container::shown))
    };
    let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
    for name in namespaces.iter().filter_map(called) {
        *uses.entry(name).or_default() += 1;
    }
    let space = |one: &'n Namespace| {
        let plain = one.mounted.as_ref().filter(|m| !m.contains('/'));
        let alone = called(one).filter(|name| uses.get(name) == Some(&1));
        let (name, process) = match (plain, alone, &one.mounted, one.pid) {
            _ if one.is_ours() => (format!("net:[{}]", one.inode.unwrap_or_default()), None),
            (Some(name), ..) => (name.clone(), None),
            (None, Some(name), _, pid) => (name.to_string(), pid),
            (None, None, Some(path), _) => (path.clone(), None),
            (None, None, None, pid) => (format!("pid:{}", pid.unwrap_or_default()), pid),
        };
        // A container's name is made safe already; making it safe again would double its backslashes.
        let typed = if process.is_some() { name.replace("\\\\", "\\") } else { name };
        let name = Text::new(typed.as_bytes());
        (one, Space { name, typed, inode: one.inode, process })
    };
    namespaces.iter().map(space).collect()
}
