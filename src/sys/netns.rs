//! Network namespaces: find the one a user means, and all that are in sight.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};

use super::live::Live;
use super::proc_root::ProcRoot;
use super::{Kind, SysError, System, files, privilege};
use crate::model::place::Way as Reach;
use crate::wire::mounts;

/// A network namespace that can be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name by `ip netns`, or the path of the file it is mounted on.
    pub mounted: Option<String>,
    /// Its inode; `None` where that is hidden from us.
    pub inode: Option<u64>,
    /// A process in it, the lowest in sight.
    pub pid: Option<u32>,
    way: Way,
    proc_root: ProcRoot,
}

/// The way in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// It is ours.
    Here,
    /// By this file.
    File(String),
    /// There is none: only what /proc shows of a process in it.
    Closed,
}

/// A namespace as far as one gets into it.
pub struct Entered {
    /// What is seen from there.
    pub system: Box<dyn System>,
    /// Why it could not be entered; then tables and counters of /proc are all there is.
    pub refused: Option<SysError>,
}

impl Namespace {
    /// Whether this program runs in it.
    pub fn is_ours(&self) -> bool {
        self.way == Way::Here
    }

    /// Goes in: one after the other, for there may be more of them than we may have files open.
    ///
    /// # Errors
    /// It may not be entered and no process shows its tables, or it is gone.
    pub fn enter(&self) -> Result<Entered, SysError> {
        let root = self.proc_root.clone();
        let entered = match &self.way {
            Way::Here => Ok(Live::with_proc(root.clone())),
            Way::File(path) => file(path).and_then(|fd| Live::in_netns(fd, root.clone())),
            Way::Closed => Err(SysError::new("network namespace", rustix::io::Errno::PERM)),
        };
        match (entered, self.pid) {
            (Ok(live), _) => Ok(Entered { system: Box::new(live), refused: None }),
            (Err(e), Some(pid)) if e.kind == Kind::Denied => {
                Ok(Entered { system: Box::new(Live::through(pid, root)?), refused: Some(e) })
            }
            (Err(e), _) => Err(e),
        }
    }
}

/// Opens a file that may be a namespace. It may be a pipe or a device as well, which must not keep us waiting.
fn file(path: &str) -> Result<OwnedFd, SysError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let _raised = privilege::raise();
    openat(CWD, path, flags, Mode::empty()).map_err(|e| SysError::new(path, e))
}

/// Goes into the namespace that `spec` names: a name of `ip netns`, a path, or a process id.
///
/// # Errors
/// There is none of that name, or it may not be entered.
pub fn open(spec: &str, root: &ProcRoot) -> Result<(Live, Reach), SysError> {
    if spec.contains('/') {
        let fd = privilege::as_the_user(|| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            openat(CWD, spec, flags, Mode::empty()).map_err(|e| SysError::new(spec, e))
        })?;
        return Ok((Live::in_netns(fd, root.clone())?, Reach::Path));
    }
    if let Some(Ok(pid)) = spec.strip_prefix("pid:").map(str::parse::<u32>) {
        return Ok((process(pid, root)?, Reach::Process(pid)));
    }
    if spec.is_empty() {
        return Err(SysError::new("''", rustix::io::Errno::NOENT));
    }
    let pid = spec.parse::<u32>();
    let named = file(&format!("/run/netns/{spec}"));
    match (named, pid) {
        (Err(e), Ok(pid)) if e.kind == Kind::Absent => {
            Ok((process(pid, root)?, Reach::Process(pid)))
        }
        (named, _) => Ok((Live::in_netns(named?, root.clone())?, Reach::Name)),
    }
}

/// Goes into the namespace of a process; where that is refused, its tables are read from outside.
///
/// # Errors
/// There is no such process.
pub fn process(pid: u32, root: &ProcRoot) -> Result<Live, SysError> {
    let path = root.path(&format!("/proc/{pid}/ns/net"));
    match file(&path).and_then(|fd| Live::in_netns(fd, root.clone())) {
        Err(e) if e.kind == Kind::Denied => {
            let live = Live::through(pid, root.clone()).map_err(|_| e.clone())?;
            live.network_of(None).map(|_| live).map_err(|_| e)
        }
        other => other,
    }
}

/// Every network namespace in sight: of every process, and those that only a mount keeps alive. The caller's own comes first.
pub(super) fn all(pids: &[u32], root: &ProcRoot) -> Result<Vec<Namespace>, SysError> {
    let inode = |path: &str| statat(CWD, path, AtFlags::empty()).map(|s| s.st_ino);
    let ours = root.path("/proc/thread-self/ns/net");
    let here = inode(&ours).map_err(|e| SysError::new(ours, e))?;
    let mut found = Finding { list: Vec::new(), root };
    found.add(Some(here), Way::Here, |_| ());
    for (name, path) in mounted(root) {
        if let Ok(inode) = inode(&path) {
            found.add(Some(inode), Way::File(path), |n| {
                n.mounted.get_or_insert(name);
            });
        }
    }
    let mut hidden = Vec::new();
    for pid in pids {
        let path = root.path(&format!("/proc/{pid}/ns/net"));
        match inode(&path) {
            Ok(inode) => {
                found.add(Some(inode), Way::File(path), |n| {
                    n.pid.get_or_insert(*pid);
                });
            }
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => hidden.push(*pid),
            Err(_) => {}
        }
    }
    // A namespace that does not show its name is known by its files in /proc.
    let table = |pid: u32| inode(&root.path(&format!("/proc/{pid}/net/tcp"))).ok();
    let mut seen: Vec<u64> = found.list.iter().filter_map(|n| table(n.pid?)).collect();
    seen.extend(inode(&root.path("/proc/thread-self/net/tcp")));
    for pid in hidden {
        if let Some(table) = table(pid).filter(|t| !seen.contains(t)) {
            seen.push(table);
            found.add(None, Way::Closed, |n| n.pid = Some(pid));
        }
    }
    Ok(found.list)
}

struct Finding<'a> {
    list: Vec<Namespace>,
    root: &'a ProcRoot,
}

impl Finding<'_> {
    /// Changes the namespace of an inode, made if it is new; one without always is.
    fn add(&mut self, inode: Option<u64>, way: Way, change: impl FnOnce(&mut Namespace)) {
        let known = self.list.iter_mut().find(|n| inode.is_some() && n.inode == inode);
        if let Some(known) = known {
            return change(known);
        }
        let proc_root = self.root.clone();
        let mut new = Namespace { mounted: None, inode, pid: None, way, proc_root };
        change(&mut new);
        self.list.push(new);
    }
}

/// Files through which network namespaces are mounted, with the names that they give.
fn mounted(root: &ProcRoot) -> Vec<(String, String)> {
    let list = |mountinfo: &str, above: &str| {
        let text = files::read(mountinfo).unwrap_or_default();
        let name = |path: String| {
            let folder = ["/run/netns/", "/var/run/netns/"];
            let short = folder.iter().find_map(|f| path.strip_prefix(f)).unwrap_or(&path);
            (short.to_string(), format!("{above}{path}"))
        };
        mounts::network_namespaces(&text).into_iter().map(name).collect::<Vec<_>>()
    };
    let mut found = list("/proc/thread-self/mountinfo", "");
    // Under another /proc it is the first process there that sees the host's mounts.
    if root.is_elsewhere() {
        found.extend(list(&root.path("/proc/1/mountinfo"), &root.path("/proc/1/root")));
    }
    // What another mount lies over is no namespace any more.
    let is_nsfs = |path: &str| rustix::fs::statfs(path).is_ok_and(|s| s.f_type == NSFS_MAGIC);
    found.retain(|(_, path)| is_nsfs(path));
    found
}

/// The file system of namespaces (include/uapi/linux/magic.h).
const NSFS_MAGIC: rustix::fs::FsWord = 0x6e73_6673;
