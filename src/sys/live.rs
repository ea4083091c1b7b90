//! This kernel.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, openat, readlinkat_raw, statat};

use rustix::net::{AddressFamily, SocketType, netdevice};

use super::{Namespace, Open, SysError, System, netlink, netns};
use crate::model::socket::Socket;
use crate::wire::request::{Request, exactly};

/// The running kernel, seen from one network namespace.
#[derive(Default)]
pub struct Live {
    netns: Option<OwnedFd>,
    counts_descriptors: OnceLock<bool>,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Live {
    /// The namespace of this process.
    pub fn here() -> Live {
        Live::default()
    }

    /// Another namespace, and proof that it can be entered.
    ///
    /// # Errors
    /// It may not be entered, or is not a network namespace.
    pub fn in_netns(netns: OwnedFd) -> Result<Live, SysError> {
        netns::within(&netns, || ())?;
        Ok(Live { netns: Some(netns), ..Live::default() })
    }

    /// Runs `work` in the namespace under examination.
    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SysError> {
        match &self.netns {
            Some(netns) => netns::within(netns, work),
            None => Ok(work()),
        }
    }

    /// Runs `work` in the namespace under examination if `path` depends on it.
    fn at<T: Send>(&self, path: &str, work: impl FnOnce(&str) -> T + Send) -> Result<T, SysError> {
        // /proc/self/net is that of the main thread; only /proc/thread-self follows the thread that entered.
        let own = ["/proc/net/", "/proc/self/ns/net"]
            .iter()
            .find_map(|p| path.strip_prefix(p).map(|rest| (*p, rest)));
        let path = match own {
            Some(("/proc/net/", rest)) => format!("/proc/thread-self/net/{rest}"),
            Some(_) => "/proc/thread-self/ns/net".to_string(),
            None => path.to_string(),
        };
        match &self.netns {
            Some(netns) if own.is_some() || path.starts_with("/proc/sys/net/") => {
                netns::within(netns, || work(&path))
            }
            _ => Ok(work(&path)),
        }
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
        if path.starts_with("/proc/sys/") {
            return self.at(path, read_once)?.map_err(|e| SysError::new(path, e));
        }
        self.at(path, |real| std::fs::read(real))?.map_err(|e| SysError::from_io(path, &e))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        let entries = std::fs::read_dir(folder).map_err(|e| SysError::from_io(folder, &e))?;
        let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        use std::os::unix::ffi::OsStringExt;
        let target = self.at(path, |real| std::fs::read_link(real))?;
        target.map(|t| t.into_os_string().into_vec()).map_err(|e| SysError::from_io(path, &e))
    }

    fn pids(&self) -> Result<Vec<u32>, SysError> {
        let dir = openat(CWD, "/proc", DIRECTORY, Mode::empty())
            .map_err(|e| SysError::new("/proc", e))?;
        let mut pids = Vec::new();
        each_number(dir, "/proc", &mut |pid| pids.push(pid))?;
        Ok(pids)
    }

    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        let size = |path: &str| statat(CWD, path, AtFlags::empty()).map(|s| s.st_size);
        // The size of the folder is the count from Linux 6.2 on; before, it is 0 even for ourselves.
        let counts =
            self.counts_descriptors.get_or_init(|| size("/proc/self/fd").is_ok_and(|n| n > 0));
        let path = format!("/proc/{pid}/fd");
        if *counts {
            let n = size(&path).map_err(|e| SysError::new(path, e))?;
            return Ok(u64::try_from(n).unwrap_or_default());
        }
        let dir = openat(CWD, path.as_str(), DIRECTORY, Mode::empty())
            .map_err(|e| SysError::new(path.as_str(), e))?;
        let mut n = 0;
        each_number(dir, &path, &mut |_| n += 1)?;
        Ok(n)
    }

    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        let path = format!("/proc/{pid}/fd");
        let dir = openat(CWD, path.as_str(), DIRECTORY, Mode::empty())
            .map_err(|e| SysError::new(path.as_str(), e))?;
        let mut denied = None;
        let mut buffer = [MaybeUninit::<u8>::uninit(); 16 * 1024];
        let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|e| SysError::new(path.as_str(), e))?;
            let Some(fd) = number(entry.file_name().to_bytes()) else { continue };
            // readlink, not stat: stat would follow the descriptor and hang on a dead network mount.
            let mut link = [MaybeUninit::<u8>::uninit(); 40];
            match readlinkat_raw(&dir, entry.file_name(), &mut link[..]) {
                Ok((text, _)) => {
                    let inode = text.strip_prefix(b"socket:[").and_then(|t| t.strip_suffix(b"]"));
                    if let Some(inode) = inode.and_then(number) {
                        each(fd, inode);
                    }
                }
                Err(e @ (rustix::io::Errno::ACCESS | rustix::io::Errno::PERM)) => {
                    denied = Some(SysError::new(path.as_str(), e));
                }
                Err(_) => {}
            }
        }
        denied.map_or(Ok(()), Err)
    }

    fn socket_sample(&self, pid: u32, of: u64, most: u64) -> Result<(u32, u32), SysError> {
        let path = format!("/proc/{pid}/fd");
        let dir = openat(CWD, path.as_str(), DIRECTORY, Mode::empty())
            .map_err(|e| SysError::new(path.as_str(), e))?;
        let step = of.div_ceil(most.max(1)).max(1);
        let (mut sockets, mut looked) = (0, 0);
        // Numbers are given from 0 on, the lowest free one first, so that most up to the count are in use.
        for fd in (0..of).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            let mut link = [MaybeUninit::<u8>::uninit(); 40];
            match readlinkat_raw(&dir, fd.to_string(), &mut link[..]) {
                Ok((text, _)) => {
                    looked += 1;
                    sockets += u32::from(text.starts_with(b"socket:["));
                }
                Err(e @ (rustix::io::Errno::ACCESS | rustix::io::Errno::PERM)) => {
                    return Err(SysError::new(path, e));
                }
                Err(_) => {}
            }
        }
        Ok((sockets, looked))
    }

    fn open_sockets(
        &self,
        everywhere: bool,
        span: Option<(u16, u16)>,
        each: &mut dyn FnMut(Open),
    ) -> Result<bool, SysError> {
        // A socket of our own must come out with our pid and descriptor, else the pass is not to be trusted: the kernel's layout may
        // not be what BTF made us think, or our pids may be those of another pid namespace.
        let make = || rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
        let probe = self.inside(make)?.map_err(|e| SysError::new("BPF task_file", e))?;
        let inode = |fd: &OwnedFd| rustix::fs::fstat(fd).map_or(0, |s| s.st_ino as u32);
        let wanted = Open {
            inode: inode(&probe),
            pid: std::process::id(),
            fd: probe.as_raw_fd().cast_unsigned(),
            port: None,
        };
        let netns = match (everywhere, &self.netns) {
            (true, _) => None,
            (false, Some(netns)) => Some(inode(netns)),
            (false, None) => Some(
                statat(CWD, "/proc/self/ns/net", AtFlags::empty())
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
        self.inside(|| {
            let socket = any_socket()?;
            netdevice::index_to_name(&socket, index).ok().map(String::into_bytes)
        })
        .ok()?
    }

    fn interface_index(&self, name: &str) -> Option<u32> {
        self.inside(|| netdevice::name_to_index(any_socket()?, name).ok()).ok()?
    }

    fn namespaces(&self) -> Result<Vec<Namespace>, SysError> {
        netns::all(self.pids()?)
    }

    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        let path = format!("/proc/{pid}/fd/{fd}");
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
        let door = match &self.netns {
            Some(netns) => netns::within(netns, netlink::open)??,
            None => netlink::open()?,
        };
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
        let socket = match &self.netns {
            Some(netns) => netns::within(netns, netlink::open)??,
            None => netlink::open()?,
        };
        netlink::exchange(&socket, &request.encode(), each)
    }
}

/// A sysctl in one read(2): lists of ports (kernel/sysctl.c proc_do_large_bitmap) answer the first read with as much as fits and every
/// later one with the end of the file, so that reading in small steps would cut them without a word.
fn read_once(path: &str) -> rustix::io::Result<Vec<u8>> {
    // The longest list, every other port, has 32768 numbers of up to six characters.
    const LONGEST: usize = 256 * 1024;
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = vec![0; LONGEST];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(&file, text.as_mut_slice()))?;
    text.truncate(length);
    Ok(text)
}

/// A socket to ask about interfaces through.
fn any_socket() -> Option<OwnedFd> {
    rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None).ok()
}

/// Hands the entries of an open folder that are numbers to `each`.
fn each_number(dir: OwnedFd, path: &str, each: &mut dyn FnMut(u32)) -> Result<(), SysError> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 16 * 1024];
    let mut entries = RawDir::new(dir, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|e| SysError::new(path, e))?;
        if let Some(n) = number(entry.file_name().to_bytes()) {
            each(n);
        }
    }
    Ok(())
}

/// A decimal number and nothing else.
fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u32, |n, c| {
        let digit = c.is_ascii_digit().then(|| u32::from(c - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}
