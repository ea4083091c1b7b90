//! A way into another network namespace that stays open while it is examined: what depends on the namespace is read behind it, by a
//! thread that entered and does nothing else. The main thread never moves.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Sender, channel};

use netlink_sys::Socket;
use rustix::fs::{AtFlags, CWD, statat};
use rustix::net::{AddressFamily, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::keeper::Keeper;
use super::{Kind, SysError, files, netlink, privilege};

/// What is asked of the thread behind the door.
enum Task {
    Read(Vec<String>, Sender<Vec<Result<Vec<u8>, SysError>>>),
    Link(String, Sender<Result<Vec<u8>, SysError>>),
    Netlink(Sender<Result<Socket, SysError>>),
    Socket(SocketType, Sender<Result<OwnedFd, SysError>>),
    Inode(String, Sender<Result<u64, SysError>>),
}

/// A namespace that was entered.
pub(super) enum Door {
    /// By a thread.
    Thread(Entered),
    /// By a process of its own, because the way leads through another user namespace.
    Process(Keeper),
}

/// The near end of the thread.
pub(super) struct Entered(Sender<Task>);

/// The thread ended: nothing else ends it than a panic.
fn gone() -> SysError {
    SysError::failed("network namespace", "its thread has ended")
}

impl Door {
    /// Enters.
    ///
    /// # Errors
    /// It may not be entered, or is not a network namespace.
    pub(super) fn open(netns: OwnedFd) -> Result<Door, SysError> {
        let again = netns.try_clone();
        match (Door::by_thread(netns), again) {
            (Err(e), Ok(netns)) if e.kind == Kind::Denied => {
                // A namespace of a user namespace that is ours to enter, as those of rootless containers are.
                Keeper::start(&netns).map(Door::Process).map_err(|_| e)
            }
            (entered, _) => entered,
        }
    }

    fn by_thread(netns: OwnedFd) -> Result<Door, SysError> {
        let (tasks, inbox) = channel::<Task>();
        let (entered, answer) = channel();
        let work = move || {
            let moved = {
                let _raised = privilege::raise();
                move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network))
            };
            let is_in = moved.is_ok();
            let _ = entered.send(moved.map_err(|e| SysError::new("network namespace", e)));
            if is_in {
                inbox.into_iter().for_each(answer_task);
            }
        };
        std::thread::Builder::new()
            .spawn(work)
            .map_err(|e| SysError::from_io("a thread for the namespace", &e))?;
        answer.recv().map_err(|_| gone())??;
        Ok(Door::Thread(Entered(tasks)))
    }

    /// Reads files that depend on the namespace, one after the other.
    pub(super) fn read(&self, paths: Vec<String>) -> Vec<Result<Vec<u8>, SysError>> {
        let asked = paths.len();
        match self {
            Door::Process(keeper) => {
                paths.iter().map(|path| files::read_open(keeper.open(path)?, path)).collect()
            }
            Door::Thread(thread) => {
                thread.ask(|back| Task::Read(paths, back)).unwrap_or_else(|e| vec![Err(e); asked])
            }
        }
    }

    /// The text of a link that depends on the namespace.
    pub(super) fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        match self {
            Door::Process(keeper) => keeper.link(path),
            Door::Thread(thread) => thread.ask(|back| Task::Link(path.to_string(), back))?,
        }
    }

    /// A socket for sock_diag.
    pub(super) fn netlink(&self) -> Result<Socket, SysError> {
        match self {
            Door::Process(keeper) => keeper.netlink(),
            Door::Thread(thread) => thread.ask(Task::Netlink)?,
        }
    }

    /// A socket to ask about interfaces through.
    pub(super) fn socket(&self) -> Result<OwnedFd, SysError> {
        match self {
            Door::Process(keeper) => keeper.socket(),
            Door::Thread(thread) => thread.ask(|back| Task::Socket(SocketType::DGRAM, back))?,
        }
    }

    /// A TCP socket that is neither bound nor connected.
    pub(super) fn stream_socket(&self) -> Result<OwnedFd, SysError> {
        match self {
            Door::Process(_) => Err(SysError::failed("a socket", "the way in is a process")),
            Door::Thread(thread) => thread.ask(|back| Task::Socket(SocketType::STREAM, back))?,
        }
    }

    /// The inode of a file that depends on the namespace.
    pub(super) fn file_inode(&self, path: &str) -> Result<u64, SysError> {
        match self {
            Door::Process(keeper) => {
                let file = keeper.open(path)?;
                rustix::fs::fstat(&file).map(|s| s.st_ino).map_err(|e| SysError::new(path, e))
            }
            Door::Thread(thread) => thread.ask(|back| Task::Inode(path.to_string(), back))?,
        }
    }
}

impl Entered {
    fn ask<T>(&self, task: impl FnOnce(Sender<T>) -> Task) -> Result<T, SysError> {
        let (back, answer) = channel();
        self.0.send(task(back)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())
    }
}

/// Does what is asked; whoever asked may have gone, and then nobody misses the answer.
fn answer_task(task: Task) {
    let _raised = privilege::raise();
    match task {
        Task::Read(paths, back) => {
            let _ = back.send(paths.iter().map(|path| files::read(path)).collect());
        }
        Task::Link(path, back) => {
            let _ = back.send(files::link(&path));
        }
        Task::Netlink(back) => {
            let _ = back.send(netlink::open());
        }
        Task::Socket(kind, back) => {
            let _ = back.send(socket(kind));
        }
        Task::Inode(path, back) => {
            let stat = statat(CWD, path.as_str(), AtFlags::empty());
            let _ = back.send(stat.map(|s| s.st_ino).map_err(|e| SysError::new(path, e)));
        }
    }
}

/// A socket of the calling thread's namespace that sends nothing.
pub(super) fn any_socket() -> Result<OwnedFd, SysError> {
    socket(SocketType::DGRAM)
}

fn socket(kind: SocketType) -> Result<OwnedFd, SysError> {
    rustix::net::socket(AddressFamily::INET, kind, None).map_err(|e| SysError::new("a socket", e))
}
