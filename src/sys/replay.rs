//! A capture that answers like the kernel it was taken from.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use netlink_packet_core::{NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR};
use netlink_packet_sock_diag::constants::SOCK_DIAG_BY_FAMILY;

use super::store::Capture;
use super::{Kind, Open, SysError, System};
use crate::model::endpoint::Family;
use crate::model::owner::Bucket;
use crate::model::protocol::Protocol;
use crate::model::socket::Socket;
use crate::model::state::StateSet;
use crate::wire::inet_diag;
use crate::wire::netlink::{Message, message, walk};
use crate::wire::request::{Condition, EXT_ALL, EXT_SECOND_LOOK, Request};

/// Answers from a capture.
pub struct Replay {
    capture: Capture,
    /// Whether the second look at the table has been answered: what is listed from then on is the second list.
    looked_again: AtomicBool,
}

impl Replay {
    /// Answers from this capture.
    pub fn new(capture: Capture) -> Replay {
        Replay { capture, looked_again: AtomicBool::new(false) }
    }

    fn text(&self, asked: &str) -> Result<&[u8], SysError> {
        match self.capture.texts.get(asked) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(e)) => Err(e.clone()),
            None => Err(SysError {
                what: asked.to_string(),
                kind: Kind::Failed,
                reason: "not in the capture".into(),
            }),
        }
    }

    /// The dump that holds the answer: the one of that name, or the one of both families.
    fn dump(&self, request: &Request) -> Result<&[u8], SysError> {
        let kind = match request.condition {
            Some(Condition::ExplicitPort) => "explicit",
            _ if request.extensions == EXT_SECOND_LOOK
                && self.capture.dumps.contains_key("again") =>
            {
                "again"
            }
            _ => "sock_diag",
        };
        let by_family = request.family.map(|f| match f {
            crate::model::endpoint::Family::Ipv4 => format!("{kind}-ipv4"),
            crate::model::endpoint::Family::Ipv6 => format!("{kind}-ipv6"),
        });
        let dumps = &self.capture.dumps;
        let answer = by_family.and_then(|name| dumps.get(&name)).or_else(|| dumps.get(kind));
        match answer {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(e)) => Err(e.clone()),
            None => Err(SysError::failed(kind, "not in the capture")),
        }
    }
}

impl System for Replay {
    fn clock_ms(&self) -> Result<u64, SysError> {
        Ok(self.capture.time_ms)
    }

    fn page_bytes(&self) -> Option<u64> {
        std::str::from_utf8(self.text("page_bytes").ok()?).ok()?.trim().parse().ok()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.text(&format!("read {path}")).map(<[u8]>::to_vec)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SysError> {
        let text = String::from_utf8_lossy(self.text(&format!("list {folder}"))?);
        Ok(text.lines().map(String::from).collect())
    }

    fn link(&self, path: &str) -> Result<Vec<u8>, SysError> {
        self.text(&format!("link {path}")).map(<[u8]>::to_vec)
    }

    fn network_of(&self, pid: Option<u32>) -> Result<u64, SysError> {
        let whose = pid.map_or("self".to_string(), |pid| pid.to_string());
        let text = self.text(&format!("network_of {whose}"))?;
        let inode = std::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok());
        inode.ok_or_else(|| SysError::failed("network_of", "not a number"))
    }

    fn pids(&self) -> Result<Vec<u32>, SysError> {
        Ok(numbers(self.text("pids")?))
    }

    fn descriptor_count(&self, pid: u32) -> Result<u64, SysError> {
        let text = self.text(&format!("descriptor_count {pid}"))?;
        Ok(numbers(text).first().copied().map(u64::from).unwrap_or_default())
    }

    fn socket_descriptors(&self, pid: u32, each: &mut dyn FnMut(u32, u32)) -> Result<(), SysError> {
        let end = self.capture.texts.get(&format!("socket_descriptors_end {pid}"));
        let second = format!("socket_descriptors_again {pid}");
        let again = self.looked_again.load(Ordering::Relaxed);
        let list = match again && self.capture.texts.contains_key(&second) {
            true => self.text(&second),
            false => self.text(&format!("socket_descriptors {pid}")),
        };
        match list {
            Ok(text) => {
                for pair in numbers(text).chunks_exact(2) {
                    if let [fd, inode] = pair {
                        each(*fd, *inode);
                    }
                }
            }
            Err(e) if end.is_none() => return Err(e),
            Err(_) => {}
        }
        match end {
            Some(Err(e)) => Err(e.clone()),
            _ => Ok(()),
        }
    }

    fn socket_sample(&self, pid: u32, _: u64, _: u64) -> Result<(u32, u32), SysError> {
        match numbers(self.text(&format!("socket_sample {pid}"))?).as_slice() {
            [sockets, looked] => Ok((*sockets, *looked)),
            _ => Err(SysError::failed("socket_sample", "not two numbers")),
        }
    }

    fn open_sockets(
        &self,
        _: bool,
        span: Option<(u16, u16)>,
        each: &mut dyn FnMut(Open),
    ) -> Result<bool, SysError> {
        let within = |port: u32| span.is_some_and(|(l, h)| (l.into()..=h.into()).contains(&port));
        for line in numbers(self.text("open_sockets")?).chunks_exact(5) {
            if let [inode, pid, fd, port, bucket] = *line {
                let bucket = Bucket::from_number(bucket).filter(|_| within(port));
                let port = bucket.and_then(|b| Some((u16::try_from(port).ok()?, b)));
                each(Open { inode, pid, fd, port });
            }
        }
        Ok(span.is_some())
    }

    fn socket_protocol(&self, pid: u32, fd: u32) -> Result<Vec<u8>, SysError> {
        self.text(&format!("socket_protocol {pid} {fd}")).map(<[u8]>::to_vec)
    }

    fn sock_diag_exact(
        &self,
        sockets: &[Socket],
        _: u8,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SysError> {
        let wanted: BTreeSet<u64> = sockets.iter().map(|s| s.cookie).collect();
        // A capture of an old kernel holds a dump a family.
        let families = [None, Some(Family::Ipv4), Some(Family::Ipv6)];
        let whole =
            families.map(|family| Request { family, ..Request::tcp(StateSet::ALL, EXT_ALL) });
        let dumps: Vec<&[u8]> = match self.dump(&whole[0]) {
            Ok(both) => vec![both],
            Err(_) => whole.iter().skip(1).filter_map(|r| self.dump(r).ok()).collect(),
        };
        for dump in dumps {
            walk(dump, &mut |m| {
                if let Message::Payload(payload) = m
                    && inet_diag::socket(payload).is_some_and(|s| wanted.contains(&s.cookie))
                {
                    each(&message(SOCK_DIAG_BY_FAMILY, 0, payload));
                }
                true
            });
        }
        Ok(())
    }

    fn sock_diag(
        &self,
        request: &Request,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), SysError> {
        if request.protocol != Protocol::Tcp {
            return Err(SysError {
                what: "sock_diag".into(),
                kind: Kind::Absent,
                reason: "a capture holds TCP sockets only".into(),
            });
        }
        if request.extensions == EXT_SECOND_LOOK {
            self.looked_again.store(true, Ordering::Relaxed);
        }
        let mut end = None;
        let mut go_on = true;
        let seen = walk(self.dump(request)?, &mut |m| {
            match m {
                Message::Payload(payload) => {
                    // What does not decode passes as it came, for the decoder to stumble over again.
                    if inet_diag::socket(payload).is_none_or(|s| request.matches(&s)) {
                        go_on = each(&message(SOCK_DIAG_BY_FAMILY, 0, payload));
                    }
                }
                Message::Error(errno) => end = Some((NLMSG_ERROR, errno)),
                Message::Done(errno) => end = Some((NLMSG_DONE, errno.unwrap_or_default())),
                Message::Overrun | Message::Malformed => go_on = each(&[0]),
            }
            go_on
        });
        if !go_on {
            return Ok(());
        }
        let Some((kind, errno)) = end else {
            return Err(SysError::failed("sock_diag", "the capture ends before the dump was done"));
        };
        let flags = if seen.interrupted { NLM_F_DUMP_INTR } else { 0 };
        each(&message(kind, flags, &errno.saturating_neg().to_ne_bytes()));
        Ok(())
    }
}

/// The decimal numbers of a text.
fn numbers(text: &[u8]) -> Vec<u32> {
    String::from_utf8_lossy(text).split_whitespace().filter_map(|w| w.parse().ok()).collect()
}
