//! The command of `run`: started with this terminal, its signals handed on, waited for.
#![expect(unsafe_code, reason = "sigprocmask(2), sigaction(2), sigwaitinfo(2), kill(2)")]
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that starts a program: what the user asked for"
)]

use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use super::SysError;

/// Signals that are handed on.
const HANDED_ON: [libc::c_int; 6] =
    [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its process id.
    pub pid: u32,
    /// The status a shell would give: its own, or 128 and the signal.
    pub status: u8,
    /// The signal that ended it; `None` if it ended by itself.
    pub signal: Option<u8>,
}

/// The command could not be started.
#[derive(Debug)]
pub struct NotStarted {
    /// 127 if there is no such command, else 126, as shells have it.
    pub status: u8,
    /// Why.
    pub error: SysError,
}

/// Starts a command and waits for its end.
///
/// # Errors
/// It cannot be started.
pub fn run(command: &[OsString]) -> Result<Ended, NotStarted> {
    let name = command.first().cloned().unwrap_or_default();
    let failed = |e: &std::io::Error| NotStarted {
        status: if e.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 },
        error: SysError::from_io(name.to_string_lossy(), e),
    };
    let held = Held::hold();
    let before = held.before;
    let mut command_line = Command::new(&name);
    command_line.args(command.get(1..).unwrap_or_default());
    // SAFETY: between fork and exec the child makes one system call, on a set of its own.
    unsafe {
        command_line.pre_exec(move || {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
            Ok(())
        });
    }
    let mut child = command_line.spawn().map_err(|e| failed(&e))?;
    let pid = child.id();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(ended(pid, status)),
            Ok(None) => {}
            Err(e) => return Err(failed(&e)),
        }
        if let Some(signal) = held.next() {
            // SAFETY: sends a signal to a child that has not been waited for, so that the number is still its own.
            unsafe { libc::kill(pid.cast_signed(), signal) };
        }
    }
}

fn ended(pid: u32, status: ExitStatus) -> Ended {
    let signal = status.signal().and_then(|s| u8::try_from(s).ok());
    let own = status.code().and_then(|c| u8::try_from(c).ok());
    Ended { pid, status: signal.map_or(own.unwrap_or(1), |s| 128 | s), signal }
}

/// Signals that wait for us to take them, until this is dropped.
struct Held {
    set: libc::sigset_t,
    before: libc::sigset_t,
}

impl Held {
    fn hold() -> Held {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets are written before they are read, and the action is a plain default.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in HANDED_ON.into_iter().chain([libc::SIGCHLD]) {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
            // A parent that ignores its children's ends leaves that to us, and then there is nothing to wait for.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            Held { set: set.assume_init(), before: before.assume_init() }
        }
    }

    /// Waits for a signal. Gives one that is to be handed on: what the terminal sends, it sends to the child too.
    fn next(&self) -> Option<libc::c_int> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the set is whole, and what is told is written before it is read.
        let (signal, code) = unsafe {
            let signal = libc::sigwaitinfo(&raw const self.set, info.as_mut_ptr());
            (signal, (*info.as_ptr()).si_code)
        };
        (signal > 0 && signal != libc::SIGCHLD && code <= 0).then_some(signal)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that was in force.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut())
        };
    }
}
