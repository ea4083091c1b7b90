//! From what the user named to the System that answers: this kernel, one of its namespaces, or a capture.

use std::collections::BTreeMap;

use crate::cli::resolve::Settings;
use crate::collect::workloads;
use crate::error::{Error, on_file};
use crate::model::place::Way;
use crate::model::text::Text;
use crate::phrase::join;
use crate::sys::live::Live;
use crate::sys::proc_root::ProcRoot;
use crate::sys::replay::Replay;
use crate::sys::store::Capture;
use crate::sys::{Kind, SysError, System, netns, privilege};

/// Opens what the settings name; notes in them what that turned out to be.
///
/// # Errors
/// There is no such namespace, it may not be entered, or the capture cannot be read.
pub fn open(settings: &mut Settings) -> Result<Box<dyn System>, Error> {
    if let Some(from) = &settings.from {
        let hint = "write one with: tcpvet capture -o box.tar";
        let load = || Capture::load(from).map_err(|e| on_file(&e, hint));
        let capture = privilege::as_the_user(load)?;
        settings.netns.clone_from(&capture.netns);
        return Ok(Box::new(Replay::new(capture)));
    }
    let root = proc_root(settings)?;
    let Some(name) = settings.netns.clone() else {
        return Ok(Box::new(Live::with_proc(root)));
    };
    let refused = |e: SysError| {
        let name = Text::new(name.as_bytes());
        let message = format!("cannot enter network namespace '{name}': {}", e.reason);
        Error::hinted(message, hint(&e))
    };
    match netns::open(&name, &root) {
        Ok((live, way)) => {
            settings.netns_way = way;
            Ok(Box::new(live))
        }
        Err(e) if e.kind == Kind::Absent && !name.starts_with(['/', '.']) => {
            let fit = workloads::inhabitants(&Live::with_proc(root.clone()), &name);
            let pid = one_of(&fit, &name)?.ok_or_else(|| refused(e))?;
            settings.netns_way = Way::Process(pid);
            Ok(Box::new(netns::process(pid, &root).map_err(refused)?))
        }
        Err(e) => Err(refused(e)),
    }
}

/// Another folder for /proc; not for whom the program file gave rights that he has not.
fn proc_root(settings: &Settings) -> Result<ProcRoot, Error> {
    let Some(folder) = &settings.proc else { return Ok(ProcRoot::default()) };
    if privilege::came_with_the_file() {
        return Err(Error::hinted(
            "--proc is refused where capabilities come with the program file",
            "run it as root, or a copy without capabilities",
        ));
    }
    let name = folder.to_string_lossy();
    let root = ProcRoot::at(&name);
    let is_proc = Live::with_proc(root.clone()).read("/proc/sys/kernel/osrelease").is_ok();
    if !is_proc || !name.starts_with('/') {
        let message = format!("'{}' is no /proc", Text::new(name.as_bytes()));
        return Err(Error::hinted(
            message,
            "name the folder where the host's is mounted, as /host/proc",
        ));
    }
    Ok(root)
}

/// A process of the container or pod that was named; `None` if there is none.
fn one_of(fit: &BTreeMap<Option<u64>, u32>, name: &str) -> Result<Option<u32>, Error> {
    if fit.len() > 1 {
        let name = Text::new(name.as_bytes());
        let pids: Vec<String> = fit.values().map(|pid| format!("pid:{pid}")).collect();
        let message = format!("{} network namespaces fit '{name}'", fit.len());
        let hint = format!("name a process of the one you mean: {}", join(&pids, 5));
        return Err(Error::hinted(message, hint));
    }
    Ok(fit.values().next().copied())
}

/// What helps against a namespace that cannot be entered.
fn hint(error: &SysError) -> &'static str {
    match error.kind {
        Kind::Absent => {
            "no such name, path, process, container or pod: tcpvet list --all-netns -O netns,pid,container,pod"
        }
        Kind::Denied => "entering one needs root (CAP_SYS_ADMIN)",
        _ => "that is not a network namespace; 'ip netns' lists names",
    }
}
