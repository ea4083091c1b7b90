//! Reading ahead: the kernel fills the next part of a dump on another thread while this one decodes the last.

use std::sync::mpsc::sync_channel;

use crate::sys::{SysError, System};
use crate::wire::netlink::{Message, walk};
use crate::wire::request::Request;

/// Datagrams on their way, of at most 32 KiB each.
const QUEUE: usize = 32;

/// Like [`System::sock_diag`], received on a thread of its own.
pub(super) fn sock_diag(
    system: &dyn System,
    request: &Request,
    each: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), SysError> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<u8>>(QUEUE);
        let reader = scope.spawn(move || {
            system.sock_diag(request, &mut |datagram| {
                // Nothing comes after the end of the dump, and waiting for it would never end.
                let mut last = false;
                walk(datagram, &mut |message| {
                    last |= matches!(message, Message::Done(_) | Message::Error(_));
                    !last
                });
                // Sending fails once nobody wants more.
                send.send(datagram.to_vec()).is_ok() && !last
            })
        });
        for datagram in &receive {
            if !each(&datagram) {
                break;
            }
        }
        drop(receive);
        reader.join().unwrap_or_else(|_| Err(SysError::failed("sock_diag", "its thread panicked")))
    })
}
