//! The way into a network namespace that belongs to another user namespace, as those of rootless containers do: only a process with a
//! single thread may enter a user namespace (setns(2)), so that a child is forked that enters both and hands out what it reads, and
//! sockets that it opened there. It allocates nothing, for another thread may have held the allocator's lock when it was forked.
#![expect(
    unsafe_code,
    reason = "fork(2), descriptors received from the child, and the ioctl of nsfs"
)]

use std::ffi::{CStr, CString};
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use netlink_sys::Socket;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, netlink,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::SysError;

/// The child, and the line to it.
pub(super) struct Keeper {
    line: Mutex<UnixStream>,
    child: rustix::process::Pid,
}

/// What may be asked: the first byte of a request, before two bytes of length and a path.
const OPEN: u8 = b'o';
const LINK: u8 = b'l';
const NETLINK: u8 = b'n';
const SOCKET: u8 = b's';

/// The longest path that is asked for.
const LONGEST_PATH: usize = 255;

/// NS_GET_USERNS of ioctl_nsfs(2): a descriptor of the user namespace that owns a namespace.
const NS_GET_USERNS: libc::Ioctl = 0xb701;

/// The user namespace that owns a network namespace.
fn owner(netns: &OwnedFd) -> Result<OwnedFd, SysError> {
    // SAFETY: the request takes no argument and gives a new descriptor or -1.
    let fd = unsafe { libc::ioctl(netns.as_raw_fd(), NS_GET_USERNS) };
    if fd < 0 {
        return Err(SysError::from_io("user namespace", &std::io::Error::last_os_error()));
    }
    // SAFETY: it is open and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Keeper {
    /// Forks a child into the user namespace that owns `netns`, and into `netns`.
    ///
    /// # Errors
    /// The user namespace is not ours to enter, or there can be no child.
    pub(super) fn start(netns: &OwnedFd) -> Result<Keeper, SysError> {
        let userns = owner(netns)?;
        let failed = |e: &std::io::Error| SysError::from_io("a process for the namespace", e);
        let (ours, theirs) = UnixStream::pair().map_err(|e| failed(&e))?;
        let keep = [theirs.as_raw_fd(), userns.as_raw_fd(), netns.as_raw_fd()];
        // SAFETY: the child makes system calls only, on memory that is there already, and ends by _exit.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            close_all_but(keep);
            serve(&userns, netns, theirs.as_fd());
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(0) }
        }
        if pid < 0 {
            return Err(failed(&std::io::Error::last_os_error()));
        }
        drop(theirs);
        let child = rustix::process::Pid::from_raw(pid)
            .ok_or_else(|| SysError::failed("a process for the namespace", "it has no pid"))?;
        let keeper = Keeper { line: Mutex::new(ours), child };
        let mut entered = [0u8; 4];
        keeper
            .with_line(|line| line.read_exact(&mut entered))
            .map_err(|e| SysError::from_io("network namespace", &e))?;
        match i32::from_ne_bytes(entered) {
            0 => Ok(keeper),
            code => Err(SysError::new("network namespace", Errno::from_raw_os_error(code))),
        }
    }

    fn with_line<T>(&self, work: impl FnOnce(&mut UnixStream) -> T) -> T {
        work(&mut self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// A file as the child opens it: what it tells was settled when it was opened.
    pub(super) fn open(&self, path: &str) -> Result<OwnedFd, SysError> {
        self.descriptor(OPEN, path, path)
    }

    /// A link as the child reads it.
    pub(super) fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.bytes(path)
    }

    /// A request for a path; the line is busy until the answer was read.
    fn ask(line: &mut UnixStream, what: u8, path: &str) -> Result<(), SysError> {
        let name = CString::new(path).map_err(|_| SysError::new(path, Errno::INVAL))?;
        let name = name.as_bytes_with_nul();
        let length = u16::try_from(name.len()).ok().filter(|n| usize::from(*n) <= LONGEST_PATH);
        let length = length.ok_or_else(|| SysError::new(path, Errno::NAMETOOLONG))?;
        let mut request = vec![what];
        request.extend(length.to_ne_bytes());
        request.extend(name);
        line.write_all(&request).map_err(|e| SysError::from_io(path, &e))
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, SysError> {
        let broken = |e: std::io::Error| SysError::from_io(path, &e);
        self.with_line(|line| {
            Keeper::ask(line, LINK, path)?;
            let (mut code, mut size) = ([0u8; 4], [0u8; 4]);
            line.read_exact(&mut code).map_err(broken)?;
            line.read_exact(&mut size).map_err(broken)?;
            let mut bytes = vec![0u8; u32::from_ne_bytes(size) as usize];
            line.read_exact(&mut bytes).map_err(broken)?;
            match i32::from_ne_bytes(code) {
                0 => Ok(bytes),
                code => Err(SysError::new(path, Errno::from_raw_os_error(code))),
            }
        })
    }

    /// A socket for sock_diag that the child opened.
    pub(super) fn netlink(&self) -> Result<Socket, SysError> {
        let fd = self.descriptor(NETLINK, "", "sock_diag socket")?;
        // SAFETY: it came open over the line and is nobody else's.
        Ok(unsafe { Socket::from_raw_fd(fd.into_raw_fd()) })
    }

    /// A socket to ask about interfaces through.
    pub(super) fn socket(&self) -> Result<OwnedFd, SysError> {
        self.descriptor(SOCKET, "", "a socket")
    }

    fn descriptor(&self, what: u8, path: &str, name: &str) -> Result<OwnedFd, SysError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut code = [0u8; 4];
        self.with_line(|line| {
            Keeper::ask(line, what, path)?;
            let into = &mut [std::io::IoSliceMut::new(&mut code)];
            rustix::net::recvmsg(&*line, into, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
                .map_err(|e| SysError::new(name, e))
        })?;
        let received = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        match (i32::from_ne_bytes(code), received) {
            (0, Some(fd)) => Ok(fd),
            (0, None) => Err(SysError::failed(name, "the child sent none")),
            (code, _) => Err(SysError::new(name, Errno::from_raw_os_error(code))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The child ends when the line does.
        let _ = self.with_line(|line| line.shutdown(std::net::Shutdown::Both));
        let _ = rustix::process::waitpid(Some(self.child), rustix::process::WaitOptions::empty());
    }
}

/// Closes what the child inherited: the parent's end of the line, without which it would never hear that the parent is gone, and the
/// outputs, which would stay open with it.
fn close_all_but(mut keep: [i32; 3]) {
    keep.sort_unstable();
    let mut from = 0;
    for fd in keep {
        close_range(from, fd - 1);
        from = fd + 1;
    }
    close_range(from, i32::MAX);
}

fn close_range(first: i32, last: i32) {
    if last < first {
        return;
    }
    let (low, high) = (first.cast_unsigned(), last.cast_unsigned());
    // SAFETY: nothing of the child's uses these descriptors.
    if unsafe { libc::syscall(libc::SYS_close_range, low, high, 0u32) } == 0 {
        return;
    }
    // Before Linux 5.9 one by one; a program has few, and what it may have more than this it was given by nobody.
    for fd in first..=last.min(4096) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

/// The life of the child.
fn serve(userns: &OwnedFd, netns: &OwnedFd, line: BorrowedFd<'_>) {
    let enter = |fd: &OwnedFd, kind| move_into_link_name_space(fd.as_fd(), Some(kind));
    let entered = enter(userns, LinkNameSpaceType::User)
        .and_then(|()| enter(netns, LinkNameSpaceType::Network));
    let code = entered.err().map_or(0, Errno::raw_os_error);
    if !send(line, &code.to_ne_bytes()) || code != 0 {
        return;
    }
    let mut path = [0u8; LONGEST_PATH];
    let mut room = [0u8; 4096];
    loop {
        let mut head = [0u8; 3];
        if !receive(line, &mut head) {
            return;
        }
        let [what, low, high] = head;
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let Some(path) = path.get_mut(..length) else { return };
        if !receive(line, path) {
            return;
        }
        let path = CStr::from_bytes_with_nul(path).map_err(|_| Errno::INVAL);
        let sent = match what {
            LINK => {
                let got = path.and_then(|path| link(path, &mut room));
                let (code, size) = got.map_or_else(|e| (e.raw_os_error(), 0), |size| (0, size));
                send(line, &code.to_ne_bytes())
                    && send(line, &u32::try_from(size).unwrap_or(0).to_ne_bytes())
                    && send(line, room.get(..size).unwrap_or_default())
            }
            OPEN => hand_over(
                line,
                path.and_then(|path| {
                    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                    rustix::fs::openat(CWD, path, flags, Mode::empty())
                }),
            ),
            _ => hand_over(line, socket(what)),
        };
        if !sent {
            return;
        }
    }
}

/// Reads a link into `room`; gives its length.
fn link(path: &CStr, room: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the path ends with a null byte and the room is as long as it is said to be.
    let n = unsafe { libc::readlink(path.as_ptr(), room.as_mut_ptr().cast(), room.len()) };
    usize::try_from(n)
        .map_err(|_| Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
}

fn socket(what: u8) -> Result<OwnedFd, Errno> {
    let (family, protocol) = match what {
        NETLINK => (AddressFamily::NETLINK, Some(netlink::SOCK_DIAG)),
        _ => (AddressFamily::INET, None),
    };
    rustix::net::socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, protocol)
}

/// Sends what was opened, or why it was not.
fn hand_over(line: BorrowedFd<'_>, opened: Result<OwnedFd, Errno>) -> bool {
    let fd = match opened {
        Ok(fd) => fd,
        Err(e) => return send(line, &e.raw_os_error().to_ne_bytes()),
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    let zero = 0i32.to_ne_bytes();
    let from = [std::io::IoSlice::new(&zero)];
    rustix::net::sendmsg(line, &from, &mut ancillary, SendFlags::NOSIGNAL).is_ok()
}

fn send(line: BorrowedFd<'_>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let sent =
            rustix::io::retry_on_intr(|| rustix::net::send(line, bytes, SendFlags::NOSIGNAL));
        match sent {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(_) => return false,
        }
    }
    true
}

fn receive(line: BorrowedFd<'_>, mut room: &mut [u8]) -> bool {
    while !room.is_empty() {
        match rustix::io::retry_on_intr(|| rustix::io::read(line, &mut *room)) {
            Ok(n @ 1..) => room = room.get_mut(n..).unwrap_or_default(),
            _ => return false,
        }
    }
    true
}
