//! The end of patience: `--timeout` ends the program with "unknown", whatever it is waiting for.
#![expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]
#![expect(unsafe_code, reason = "sigprocmask(2)")]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When it ends, and how long that was; `None` while nobody is in a hurry.
static DEADLINE: Mutex<Option<(Instant, Duration)>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

/// Calls `expired` with the time that was allowed, from a thread of its own once `after` has passed, unless that is changed. The thread ends with the program.
pub fn start(after: Duration, expired: impl FnOnce(Duration) + Send + 'static) {
    allow(Some(after));
    std::thread::spawn(move || {
        take_no_signals();
        let mut deadline = lock();
        let allowed = loop {
            let left =
                deadline.map(|(at, all)| (at.saturating_duration_since(Instant::now()), all));
            deadline = match left {
                Some((Duration::ZERO, allowed)) => break allowed,
                Some((left, _)) => {
                    CHANGED.wait_timeout(deadline, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => CHANGED.wait(deadline).unwrap_or_else(PoisonError::into_inner),
            };
        };
        drop(deadline);
        expired(allowed);
    });
}

/// For last words.
const MOMENT: Duration = Duration::from_millis(500);

/// The status with which the program ends when the time is over.
static STATUS: AtomicU8 = AtomicU8::new(3);

/// Ends with another status than 3 when the time is over.
pub fn end_with(status: u8) {
    STATUS.store(status, Ordering::Relaxed);
}

/// That status.
pub fn status() -> u8 {
    STATUS.load(Ordering::Relaxed)
}

/// Allows so much time from now on; without an end if `None`.
pub fn allow(time: Option<Duration>) {
    *lock() = time.and_then(|time| Some((Instant::now().checked_add(time)?, time)));
    CHANGED.notify_all();
}

fn lock() -> std::sync::MutexGuard<'static, Option<(Instant, Duration)>> {
    DEADLINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does work beside, and waits for its end no longer than a moment.
pub fn for_a_moment(work: impl FnOnce() + Send + 'static) {
    let worker = std::thread::spawn(work);
    let end = Instant::now() + MOMENT;
    while !worker.is_finished() && Instant::now() < end {
        std::thread::sleep(MOMENT / 50);
    }
}

/// Signals are for the thread that works.
fn take_no_signals() {
    // SAFETY: the set is filled before it is read.
    unsafe {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}
