//! The terminal: whether there is one, and how wide it is.

use std::io::IsTerminal;

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Width of the terminal in columns, by ioctl alone (never by starting `tput`); `None` if it tells none.
pub fn width() -> Option<usize> {
    match crossterm::terminal::window_size() {
        Ok(size) if size.columns > 0 => Some(usize::from(size.columns)),
        _ => None,
    }
}
