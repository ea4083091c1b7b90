//! `tcpvet generate`: writes the committed completions and manual pages.

use std::path::Path;

use super::Done;
use crate::cli::generate::files;
use crate::error::{Error, on_file};
use crate::sys::output::write_file;

pub(super) fn run(root: &Path) -> Result<Done, Error> {
    let mut text = String::new();
    for (name, bytes) in files() {
        write_file(&root.join(&name), &bytes)
            .map_err(|e| on_file(&e, "run it in the project's root"))?;
        text.push_str(&name);
        text.push('\n');
    }
    Ok(Done::well(text.into_bytes()))
}
