//! Which configuration files there are, and reading them: /etc/tcpvet.toml, then the user's own; or the one that is named.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::path::{Path, PathBuf};

use super::SelectArgs;
use crate::error::{Error, on_file};
use crate::model::text::Text;
use crate::rules::config::Config;
use crate::sys::{Kind, settings_file};

/// The configuration of the whole machine.
const SYSTEM: &str = "/etc/tcpvet.toml";

/// The places that are looked at where no file is named, the later stronger.
pub fn places() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    // Relative paths are to be ignored (XDG Base Directory Specification).
    let folder = set("XDG_CONFIG_HOME").filter(|p| p.is_absolute());
    let own = folder.or_else(|| set("HOME").map(|home| home.join(".config")));
    std::iter::once(PathBuf::from(SYSTEM))
        .chain(own.map(|folder| folder.join("tcpvet").join("config.toml")))
        .collect()
}

/// Reads what applies to a run.
///
/// # Errors
/// A file cannot be read, or says something that this program does not know: file, line, and the nearest known word.
pub fn load(args: &SelectArgs) -> Result<Config, Error> {
    let mut config = Config::default();
    if args.no_config {
        return Ok(config);
    }
    match &args.config {
        Some(path) => {
            if !read(path, &mut config).map_err(|e| e.error)? {
                let name = Text::new(path.display().to_string().as_bytes());
                return Err(Error::hinted(
                    format!("{name}: no such file"),
                    "name a file that is there, or leave --config out",
                ));
            }
        }
        None => {
            for path in places() {
                // A user's own file that this user may not read is not his: the program runs as another user, with another's HOME.
                match read(&path, &mut config) {
                    Err(e) if path != Path::new(SYSTEM) && e.is_denied => {}
                    other => {
                        other.map_err(|e| e.error)?;
                    }
                }
            }
        }
    }
    Ok(config)
}

/// Why a file was not read.
struct Unread {
    error: Error,
    is_denied: bool,
}

/// Adds a file; false if there is none.
fn read(path: &Path, into: &mut Config) -> Result<bool, Unread> {
    let text = settings_file::read(path).map_err(|e| Unread {
        is_denied: e.kind == Kind::Denied,
        error: on_file(&e, "mend it, or run with --no-config"),
    })?;
    let Some(text) = text else { return Ok(false) };
    let name = Text::new(path.display().to_string().as_bytes());
    let wrong = |e: (String, String)| Unread { error: Error::from(e), is_denied: false };
    into.read(&name, &text).map_err(wrong)?;
    Ok(true)
}
