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

/// Writes a note to standard error; there is nobody to tell if that fails.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
