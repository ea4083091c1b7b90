//! The program as somebody who is not root: with no capability, or with a few.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run::{Run, finish};

/// A copy of the program where everybody may run it; gone when this is dropped.
pub struct Copy(PathBuf);

impl Copy {
    /// Makes one.
    pub fn new() -> Copy {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("tcpvet-public-{}-{n}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let open = || std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&folder, open()).unwrap();
        let copy = folder.join("tcpvet");
        std::fs::copy(env!("CARGO_BIN_EXE_tcpvet"), &copy).unwrap();
        std::fs::set_permissions(&copy, open()).unwrap();
        Copy(copy)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its folder, which everybody may enter.
    pub fn folder(&self) -> &Path {
        self.0.parent().unwrap()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

/// Runs the program as nobody; `None` where this process may not change its user.
pub fn as_nobody(args: &[&str]) -> Option<Run> {
    nobody_with("", &[], args)
}

/// Runs the program as nobody who has these capabilities, `+bpf,+perfmon`, behind other programs that make its surroundings.
pub fn nobody_with(capabilities: &str, before: &[&str], args: &[&str]) -> Option<Run> {
    let mut words = vec!["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    if !capabilities.is_empty() {
        words.extend(["--inh-caps", capabilities, "--ambient-caps", capabilities]);
    }
    let start = |last: &[&str]| {
        let all: Vec<&str> = before.iter().chain(&words).chain(last).copied().collect();
        let mut command = Command::new(all[0]);
        command.args(&all[1..]);
        command
    };
    if !start(&["true"]).status().is_ok_and(|s| s.success()) {
        println!("SKIPPED: this process may not run another as nobody with '{capabilities}'");
        return None;
    }
    let copy = Copy::new();
    let path = copy.path().to_str().unwrap();
    Some(finish(&mut start(&[&[path], args].concat())))
}
