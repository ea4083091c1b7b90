//! A scripted System for tests: answers dumps in turn, files by path, and refuses the rest.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::sys::{Kind, SysError, System};
use crate::wire::request::Request;

/// Answers from a script.
#[derive(Default)]
pub(crate) struct Scripted {
    dumps: Mutex<Vec<Vec<Vec<u8>>>>,
    files: BTreeMap<String, String>,
    /// Socket descriptors by pid; `None` refuses.
    pub(crate) processes: BTreeMap<u32, Option<Vec<(u32, u32)>>>,
    /// Processes that are listed and gone.
    pub(crate) ended: Vec<u32>,
}

impl Scripted {
    /// Each dump is a list of datagrams; once they run out, dumps are refused.
    pub(crate) fn dumps(mut dumps: Vec<Vec<Vec<u8>>>) -> Scripted {
        dumps.reverse();
        Scripted { dumps: Mutex::new(dumps), ..Scripted::default() }
    }

    /// Adds a file.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Scripted {
        self.files.insert(path.to_string(), text.to_string());
        self
    }
}

fn no(what: &str, kind: Kind) -> SysError {
    SysError { what: what.into(), kind, reason: "scripted".into() }
}

impl System for Scripted {
    fn clock_ms(&self) -> Result<u64, SysError> {
        Ok(1)
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.files.get(path).map(|t| t.clone().into_bytes()).ok_or_else(|| no(path, Kind::Absent))
    }
    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        let text = self.read(&format!("list {folder}"))?;
        Ok(String::from_utf8_lossy(&text).lines().map(String::from).collect())
    }
    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.read(path)
    }
    fn pids(&self) -> Result<Vec<u32>, SysError> {
        Ok(self.processes.keys().chain(&self.ended).copied().collect())
    }
    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        match self.processes.get(&pid) {
            Some(Some(fds)) => Ok(fds.len() as u64),
            _ => Err(no("fd", Kind::Denied)),
        }
    }
    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        match self.processes.get(&pid) {
            Some(Some(fds)) => fds.iter().for_each(|(fd, inode)| each(*fd, *inode)),
            Some(None) => return Err(no("fd", Kind::Denied)),
            None => return Err(no("fd", Kind::Absent)),
        }
        Ok(())
    }
    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        self.read(&format!("protocol {pid} {fd}"))
    }
    fn sock_diag(
        &self,
        _request: &Request,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), SysError> {
        let Some(datagrams) = self.dumps.lock().unwrap().pop() else {
            return Err(no("sock_diag", Kind::Denied));
        };
        let _ = datagrams.iter().all(|d| each(d));
        Ok(())
    }
}
