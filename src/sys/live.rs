//! This kernel.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use netlink_sys::Socket as Netlink;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};
use rustix::net::{AddressFamily, SocketType, netdevice};

use super::door::{Door, any_socket};
use super::proc_root::ProcRoot;
use super::{
    Kind, Namespace, Open, SysError, System, descriptors, files, netlink, netns, privilege,
};
use crate::model::socket::Socket;
use crate::wire::request::{Request, exactly};

/// From where the network is seen.
#[derive(Default)]
enum Stand {
    /// The namespace of this process.
    #[default]
    Here,
    /// Another one, entered.
    Inside(Door),
    /// Another one that may not be entered, by what /proc shows of a process in it: its folder stays open, so that a pid that is given
    /// to another process meanwhile leads nowhere.
    Through(OwnedFd),
}

/// The running kernel, seen from one network namespace.
#[derive(Default)]
pub struct Live {
    stand: Stand,
    netns_inode: Option<u64>,
    proc_root: ProcRoot,
    counts_descriptors: OnceLock<bool>,
}

impl Live {
    /// The namespace of this process.
    pub fn here() -> Live {
        Live::default()
    }

    /// The same, with /proc in another place.
    pub fn with_proc(proc_root: ProcRoot) -> Live {
        Live { proc_root, ..Live::default() }
    }

    /// Another namespace, and proof that it can be entered.
    ///
    /// # Errors
    /// It may not be entered, or is not a network namespace.
    pub fn in_netns(netns: OwnedFd, proc_root: ProcRoot) -> Result<Live, SysError> {
        let netns_inode = rustix::fs::fstat(&netns).ok().map(|s| s.st_ino);
        let stand = Stand::Inside(Door::open(netns)?);
        Ok(Live { stand, netns_inode, proc_root, ..Live::default() })
    }

    /// A namespace that may not be entered, as /proc shows it to whoever sees a process in it: tables and counters, no more.
    ///
    /// # Errors
    /// The process is gone or out of sight.
    pub fn through(pid: u32, proc_root: ProcRoot) -> Result<Live, SysError> {
        let path = proc_root.path(&format!("/proc/{pid}"));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, path.as_str(), flags, Mode::empty());
        let folder = folder.map_err(|e| SysError::new(path, e))?;
        Ok(Live { stand: Stand::Through(folder), proc_root, ..Live::default() })
    }

    /// Where a path of the [`System`] lies for the calling thread, and whether that depends on the network namespace.
    fn place(&self, path: &str) -> (String, bool) {
        // /proc/self/net is that of the main thread; only /proc/thread-self follows the thread that entered.
        let whose = match &self.stand {
            Stand::Through(folder) => format!("/proc/self/fd/{}", folder.as_raw_fd()),
            _ => self.proc_root.path("/proc/thread-self"),
        };
        if let Some(rest) = path.strip_prefix("/proc/net/") {
            return (format!("{whose}/net/{rest}"), true);
        }
        if path == "/proc/self/ns/net" {
            return (format!("{whose}/ns/net"), true);
        }
        (self.proc_root.path(path), path.starts_with("/proc/sys/net/"))
    }

    /// A socket for sock_diag in the namespace.
    fn netlink(&self) -> Result<Netlink, SysError> {
        match &self.stand {
            Stand::Here => netlink::open(),
            Stand::Inside(door) => door.netlink(),
            Stand::Through(..) => Err(not_entered("sock_diag")),
        }
    }

    /// A socket to ask about interfaces through.
    fn any_socket(&self) -> Option<OwnedFd> {
        match &self.stand {
            Stand::Here => any_socket().ok(),
            Stand::Inside(door) => door.socket().ok(),
            Stand::Through(..) => None,
        }
    }

    /// The folder of a process's descriptors.
    fn descriptors(&self, pid: u32) -> String {
        self.proc_root.path(&format!("/proc/{pid}/fd"))
    }
}

/// What a namespace that may not be entered keeps to itself.
fn not_entered(what: &str) -> SysError {
    SysError {
        what: what.into(),
        kind: Kind::Denied,
        reason: "the network namespace may not be entered".into(),
    }
}

impl System for Live {
    fn pause(&self, time: std::time::Duration) -> Result<(), SysError> {
        std::thread::sleep(time);
        Ok(())
    }

    fn page_bytes(&self) -> Option<u64> {
        Some(rustix::param::page_size() as u64)
    }

    fn clock_ms(&self) -> Result<u64, SysError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(since.map(|d| d.as_millis() as u64).unwrap_or_default())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SysError> {
        let one = self.read_all(&[path]).pop();
        one.unwrap_or_else(|| Err(SysError::failed(path, "nothing was read")))
    }

    fn read_all(&self, paths: &[&str]) -> Vec<Result<Vec<u8>, SysError>> {
        let _raised = privilege::raise();
        let mut behind = Vec::new();
        let mut read: Vec<Option<Result<Vec<u8>, SysError>>> = paths
            .iter()
            .map(|path| match (&self.stand, self.place(path)) {
                (Stand::Inside(_), (real, true)) => {
                    behind.push(real);
                    None
                }
                (Stand::Through(..), _) if path.starts_with("/proc/sys/net/") => {
                    Some(Err(not_entered(path)))
                }
                (_, (real, _)) => Some(files::read(&real)),
            })
            .collect();
        if let (Stand::Inside(door), false) = (&self.stand, behind.is_empty()) {
            let mut answers = door.read(behind).into_iter();
            for slot in read.iter_mut().filter(|slot| slot.is_none()) {
                *slot = answers.next();
            }
        }
        let named = |(path, result): (&&str, Option<Result<Vec<u8>, SysError>>)| {
            let missing = || Err(SysError::failed(*path, "nothing was read"));
            // Errors tell the path that was asked for.
            result.unwrap_or_else(missing).map_err(|e| SysError { what: (*path).into(), ..e })
        };
        paths.iter().zip(read).map(named).collect()
    }

    fn read_unkept(&self, path: &str, as_user: bool) -> Result<Vec<u8>, SysError> {
        // With capabilities raised, a path in somebody's home could lead to what he may not read.
        if as_user {
            return privilege::as_the_user(|| files::read_plain(path));
        }
        let _raised = privilege::raise();
        files::read_plain(&self.proc_root.path(path))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        let _raised = privilege::raise();
        files::list(&self.proc_root.path(folder))
    }

    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        let _raised = privilege::raise();
        let target = match (&self.stand, self.place(path)) {
            (Stand::Inside(door), (real, true)) => door.link(&real),
            (_, (real, _)) => files::link(&real),
        };
        target.map_err(|e| SysError { what: path.into(), ..e })
    }

    fn destroy_events(&self) -> Result<(), SysError> {
        let _raised = privilege::raise();
        netlink::join_destroy(&mut self.netlink()?)
    }

    fn is_behind_user_namespace(&self) -> bool {
        matches!(self.stand, Stand::Inside(Door::Process(_)))
    }

    fn is_closed(&self) -> bool {
        matches!(self.stand, Stand::Through(..))
    }

    fn network_of(&self, pid: Option<u32>) -> Result<u64, SysError> {
        let _raised = privilege::raise();
        let path = match (pid, &self.stand) {
            (Some(pid), _) => self.proc_root.path(&format!("/proc/{pid}/net/tcp")),
            (None, Stand::Inside(door)) => {
                return door.file_inode(&self.proc_root.path("/proc/thread-self/net/tcp"));
            }
            (None, _) => self.place("/proc/net/tcp").0,
        };
        let stat = statat(CWD, path.as_str(), AtFlags::empty());
        stat.map(|s| s.st_ino).map_err(|e| SysError::new(path, e))
    }

    fn pids(&self) -> Result<Vec<u32>, SysError> {
        let _raised = privilege::raise();
        let mut pids = Vec::new();
        descriptors::each_number(&self.proc_root.path("/proc"), &mut |pid| pids.push(pid))?;
        Ok(pids)
    }

    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        let _raised = privilege::raise();
        let size = |path: &str| statat(CWD, path, AtFlags::empty()).map(|s| s.st_size);
        // The size of the folder is the count from Linux 6.2 on; before, it is 0 even for ourselves.
        let counts =
            self.counts_descriptors.get_or_init(|| size("/proc/self/fd").is_ok_and(|n| n > 0));
        let path = self.descriptors(pid);
        if *counts {
            let n = size(&path).map_err(|e| SysError::new(path, e))?;
            return Ok(u64::try_from(n).unwrap_or_default());
        }
        let mut n = 0;
        descriptors::each_number(&path, &mut |_| n += 1)?;
        Ok(n)
    }

    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        let _raised = privilege::raise();
        descriptors::sockets(&self.descriptors(pid), each)
    }

    fn socket_sample(&self, pid: u32, of: u64, most: u64) -> Result<(u32, u32), SysError> {
        let _raised = privilege::raise();
        descriptors::sample(&self.descriptors(pid), of, most)
    }

    fn open_sockets(
        &self,
        everywhere: bool,
        span: Option<(u16, u16)>,
        each: &mut dyn FnMut(Open),
    ) -> Result<bool, SysError> {
        // A socket of our own must come out with our pid and descriptor, else the pass is not to be trusted: the kernel's layout may
        // not be what BTF made us think, or our pids may be those of another pid namespace.
        let _raised = privilege::raise();
        let make = || rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
        let failed = |e| SysError::new("BPF task_file", e);
        let probe = match &self.stand {
            Stand::Inside(door) => door.stream_socket()?,
            Stand::Here | Stand::Through(..) => make().map_err(failed)?,
        };
        let inode = |fd: &OwnedFd| rustix::fs::fstat(fd).map_or(0, |s| s.st_ino as u32);
        let wanted = Open {
            inode: inode(&probe),
            pid: self.proc_root.own_pid().ok_or_else(|| {
                SysError::failed("BPF task_file", "/proc does not tell who we are")
            })?,
            fd: probe.as_raw_fd().cast_unsigned(),
            port: None,
        };
        let netns = match (everywhere, &self.stand) {
            // One that may not be entered holds other sockets than ours.
            (true, _) | (false, Stand::Through(..)) => None,
            (false, Stand::Inside(_)) => self.netns_inode.map(|inode| inode as u32),
            (false, Stand::Here) => Some(
                statat(CWD, "/proc/thread-self/ns/net", AtFlags::empty())
                    .map_err(|e| SysError::new("/proc/self/ns/net", e))?
                    .st_ino as u32,
            ),
        };
        let mut proved = false;
        let told = super::bpf::open_sockets(netns, span, &mut |open| {
            if open == wanted {
                proved = true;
            } else {
                each(open);
            }
        })?;
        match proved {
            true => Ok(told),
            false => Err(SysError::failed("BPF task_file", "a socket of our own did not come out")),
        }
    }

    fn cgroups(&self) -> BTreeMap<u64, Vec<u8>> {
        super::cgroup::paths()
    }

    fn interface_name(&self, index: u32) -> Option<Vec<u8>> {
        netdevice::index_to_name(self.any_socket()?, index).ok().map(String::into_bytes)
    }

    fn interface_index(&self, name: &str) -> Option<u32> {
        netdevice::name_to_index(self.any_socket()?, name).ok()
    }

    fn namespaces(&self) -> Result<Vec<Namespace>, SysError> {
        let _raised = privilege::raise();
        netns::all(&self.pids()?, &self.proc_root)
    }

    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        let _raised = privilege::raise();
        let path = self.proc_root.path(&format!("/proc/{pid}/fd/{fd}"));
        let mut buffer = [0u8; 64];
        let length = rustix::fs::getxattr(path.as_str(), "system.sockprotoname", &mut buffer)
            .map_err(|e| SysError::new(path, e))?;
        let name = buffer.get(..length).unwrap_or_default();
        Ok(name.split(|b| *b == 0).next().unwrap_or_default().to_vec())
    }

    fn sock_diag_exact(
        &self,
        sockets: &[Socket],
        extensions: u8,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SysError> {
        let _raised = privilege::raise();
        let door = self.netlink()?;
        sockets.iter().try_for_each(|socket| {
            // The answer is one datagram: a socket, or the error that there is none.
            netlink::exchange(&door, &exactly(socket, extensions), &mut |datagram| {
                each(datagram);
                false
            })
        })
    }

    fn sock_diag(
        &self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), SysError> {
        let _raised = privilege::raise();
        let socket = self.netlink()?;
        netlink::exchange(&socket, &request.encode(), each)
    }
}
