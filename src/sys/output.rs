//! Standard output as this program means it: buffered, silent about a closed pipe, loud about anything else.

use std::io::{self, Write};

/// Writes `bytes` to standard output. A reader that has gone (`tcpvet | head`) is no error: the verdict stands.
///
/// # Errors
/// Any other failure, such as a full disk.
pub fn write_all(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Standard output for what is written as it is read. Unlike [`write_all`] it tells of a closed pipe, so that reading can end.
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let out = io::stdout();
        // Straight to the descriptor: what comes here is large already, and a line buffer would cut it.
        rustix::io::retry_on_intr(|| rustix::io::write(&out, bytes)).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a note to standard error; there is nobody to tell if that fails.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes to a descriptor if that can be done at once: for the last words of a program that may be stuck in writing.
pub fn last_words(bytes: &[u8], to_stdout: bool) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let (out, err) = (io::stdout(), io::stderr());
    let fd =
        if to_stdout { std::os::fd::AsFd::as_fd(&out) } else { std::os::fd::AsFd::as_fd(&err) };
    let mut ready = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut ready, Some(&now)).is_ok_and(|n| n > 0) {
        let _ = rustix::io::write(fd, bytes);
    }
}

/// Writes a generated file, with the folder it stands in.
///
/// # Errors
/// It cannot be written.
#[expect(clippy::disallowed_methods, reason = "this is the edge the ban list points to")]
pub fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), super::SysError> {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|e| super::SysError::from_io(path.display().to_string(), &e))
}
