//! Any System, writing down what passes, so that a run can be replayed.

use std::sync::Mutex;

use super::store::{Answer, Capture};
use super::{Open, SysError, System};
use crate::model::endpoint::Family;
use crate::model::protocol::Protocol;
use crate::model::state::StateSet;
use crate::wire::request::{Condition, EXT_ALL, EXT_SECOND_LOOK, Request};

/// Passes every question on to another System and keeps the answers.
pub struct Record<'a> {
    inner: &'a dyn System,
    log: Mutex<Capture>,
}

/// The name under which a dump is kept; `None` for one that a replay can cut out of the full dump.
pub(super) fn dump_name(request: &Request) -> Option<String> {
    let whole = request.states == StateSet::ALL && request.extensions == EXT_ALL;
    if request.protocol != Protocol::Tcp {
        return None;
    }
    let kind = match &request.condition {
        None if whole => "sock_diag",
        None if request.states == StateSet::ALL && request.extensions == EXT_SECOND_LOOK => "again",
        Some(Condition::ExplicitPort) => "explicit",
        None | Some(Condition::PeerPort(_) | Condition::Program(_)) => return None,
    };
    Some(match request.family {
        None => kind.to_string(),
        Some(Family::Ipv4) => format!("{kind}-ipv4"),
        Some(Family::Ipv6) => format!("{kind}-ipv6"),
    })
}

impl<'a> Record<'a> {
    /// Starts a recording; `netns` is the user's name of the namespace.
    pub fn new(inner: &'a dyn System, netns: Option<String>) -> Record<'a> {
        Record { inner, log: Mutex::new(Capture { netns, ..Capture::default() }) }
    }

    /// Ends the recording.
    pub fn finish(self) -> Capture {
        self.log.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn with_log(&self, write: impl FnOnce(&mut Capture)) {
        write(&mut self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    fn keep(&self, asked: String, answer: Answer) -> Answer {
        self.with_log(|log| {
            // A process that ended after it was read the first time was there.
            let known = log.texts.get(&asked).is_some_and(Result::is_ok);
            if answer.is_ok() || !known {
                log.texts.insert(asked, answer.clone());
            }
        });
        answer
    }
}

impl System for Record<'_> {
    fn clock_ms(&self) -> Result<u64, SysError> {
        let now = self.inner.clock_ms()?;
        self.with_log(|log| log.time_ms = now);
        Ok(now)
    }

    fn page_bytes(&self) -> Option<u64> {
        let bytes = self.inner.page_bytes();
        if let Some(bytes) = bytes {
            let _ = self.keep("page_bytes".into(), Ok(bytes.to_string().into_bytes()));
        }
        bytes
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.keep(format!("read {path}"), self.inner.read(path))
    }

    fn read_unkept(&self, path: &str, as_user: bool) -> Result<Vec<u8>, SysError> {
        self.inner.read_unkept(path, as_user)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        let names = self.inner.list(folder);
        let text = names.as_ref().map(|n| n.join("\n").into_bytes()).map_err(Clone::clone);
        let _ = self.keep(format!("list {folder}"), text);
        names
    }

    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.keep(format!("link {path}"), self.inner.link(path))
    }

    fn network_of(&self, pid: Option<u32>) -> Result<u64, SysError> {
        let inode = self.inner.network_of(pid);
        let text = inode.as_ref().map(|n| n.to_string().into_bytes()).map_err(Clone::clone);
        let whose = pid.map_or("self".to_string(), |pid| pid.to_string());
        let _ = self.keep(format!("network_of {whose}"), text);
        inode
    }

    fn pids(&self) -> Result<Vec<u32>, SysError> {
        let pids = self.inner.pids();
        let text = pids.as_ref().map(|pids| {
            let words: Vec<String> = pids.iter().map(u32::to_string).collect();
            words.join("\n").into_bytes()
        });
        let _ = self.keep("pids".into(), text.map_err(Clone::clone));
        pids
    }

    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        let count = self.inner.descriptor_count(pid);
        let text = count.as_ref().map(|n| n.to_string().into_bytes()).map_err(Clone::clone);
        let _ = self.keep(format!("descriptor_count {pid}"), text);
        count
    }

    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        let mut text = String::new();
        let result = self.inner.socket_descriptors(pid, &mut |fd, inode| {
            text.push_str(&format!("{fd} {inode}\n"));
            each(fd, inode);
        });
        // After the second look at the table comes the second list; both are kept.
        let mut again = "";
        self.with_log(|log| {
            if log.dumps.contains_key("again") {
                again = "_again";
            }
        });
        // A denial in the middle keeps what came before it: the replay gives both.
        if !text.is_empty() || result.is_ok() {
            let _ = self.keep(format!("socket_descriptors{again} {pid}"), Ok(text.into_bytes()));
        }
        if let Err(e) = &result {
            let _ = self.keep(format!("socket_descriptors_end {pid}"), Err(e.clone()));
        }
        result
    }

    fn socket_sample(&self, pid: u32, of: u64, most: u64) -> Result<(u32, u32), SysError> {
        let sample = self.inner.socket_sample(pid, of, most);
        let text = sample.as_ref().map(|(n, looked)| format!("{n} {looked}").into_bytes());
        let _ = self.keep(format!("socket_sample {pid}"), text.map_err(Clone::clone));
        sample
    }

    fn open_sockets(
        &self,
        everywhere: bool,
        span: Option<(u16, u16)>,
        each: &mut dyn FnMut(Open),
    ) -> Result<bool, SysError> {
        let mut text = String::new();
        let result = self.inner.open_sockets(everywhere, span, &mut |open| {
            let (port, bucket) = open.port.map_or((0, 0), |(port, b)| (port, b.number()));
            text.push_str(&format!("{} {} {} {port} {bucket}\n", open.inode, open.pid, open.fd));
            each(open);
        });
        // Where it is refused, /proc answers, and the capture needs no word of it.
        if result.is_ok() {
            let _ = self.keep("open_sockets".into(), Ok(text.into_bytes()));
        }
        result
    }

    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        self.keep(format!("socket_protocol {pid} {fd}"), self.inner.socket_protocol(pid, fd))
    }

    fn sock_diag(
        &self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), SysError> {
        let Some(name) = dump_name(request) else { return self.inner.sock_diag(request, each) };
        let mut bytes = Vec::new();
        let result = self.inner.sock_diag(request, &mut |datagram| {
            bytes.extend_from_slice(datagram);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            each(datagram)
        });
        let answer = result.clone().map(|()| bytes);
        self.with_log(|log| {
            log.dumps.insert(name, answer);
        });
        result
    }
}
