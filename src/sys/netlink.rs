//! One netlink exchange with sock_diag: send the request, receive datagrams into one reused buffer. No decoding.

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use rustix::net::RecvFlags;

use super::SysError;

/// The kernel fills at most 32 KiB at a time; larger buffers gain nothing.
const BUFFER: usize = 32 * 1024;

/// Opens a socket in the network namespace of the calling thread; it stays in it wherever it is used.
pub(super) fn open() -> Result<Socket, SysError> {
    Socket::new(NETLINK_SOCK_DIAG).map_err(|e| SysError::from_io("sock_diag socket", &e))
}

/// SKNLGRP_INET_TCP_DESTROY (include/uapi/linux/sock_diag.h).
const DESTROYED: u32 = 1;

/// Joins the group that is told of the ends of IPv4 connections.
pub(super) fn join_destroy(socket: &mut Socket) -> Result<(), SysError> {
    let failed = |e: std::io::Error| SysError::from_io("destroy events", &e);
    socket.bind_auto().map_err(failed)?;
    socket.add_membership(DESTROYED).map_err(failed)
}

/// Sends `request` and hands each datagram to `each` until it returns false.
pub(super) fn exchange(
    socket: &Socket,
    request: &[u8],
    each: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), SysError> {
    let kernel = SocketAddr::new(0, 0);
    retry(|| socket.send_to(request, &kernel, 0))
        .map_err(|e| SysError::from_io("sock_diag request", &e))?;
    let mut buffer = vec![0u8; BUFFER];
    loop {
        // MSG_TRUNC makes recv tell the datagram's true length.
        let flags = RecvFlags::TRUNC.bits().cast_signed();
        let length = retry(|| socket.recv(&mut buffer.as_mut_slice(), flags))
            .map_err(|e| SysError::from_io("sock_diag answer", &e))?;
        if length == 0 {
            return Err(SysError::failed("sock_diag answer", "it ended before the dump was done"));
        }
        if length > buffer.len() {
            // The kernel fills no more than the buffer; should one ever do, the dump is taken anew and told as partial.
            return Err(SysError {
                what: "sock_diag answer".into(),
                kind: super::Kind::Overrun,
                reason: format!("a datagram of {length} bytes was truncated"),
            });
        }
        let datagram = buffer.get(..length).unwrap_or_default();
        if !each(datagram) {
            return Ok(());
        }
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> std::io::Result<T>) -> std::io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
