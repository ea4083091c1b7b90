//! Fields of INET_DIAG_SKMEMINFO: the memory of a socket, word by word (SK_MEMINFO_*, include/uapi/linux/sock_diag.h).

use super::value::Value;
use super::{Field, Group, Kind, Source};
use crate::wire::attributes::SKMEMINFO;
use crate::wire::request::EXT_SKMEMINFO;

macro_rules! word {
    ($name:literal, $kind:ident, $index:literal, $doc:literal) => {
        Field {
            name: $name,
            kind: Kind::$kind,
            source: Source::Attribute(EXT_SKMEMINFO),
            group: Group::Memory,
            doc: $doc,
            get: |row| Value::number(row.attributes.u32(SKMEMINFO, $index * 4)),
            all: None,
        }
    };
}

pub(super) static FIELDS: &[Field] = &[
    word!("skmem_r", Bytes, 0, "Memory of received data not yet read (sk_rmem_alloc)."),
    word!("skmem_rb", Bytes, 1, "Receive buffer (sk_rcvbuf)."),
    word!("skmem_t", Bytes, 2, "Memory of data handed to the network layer (sk_wmem_alloc)."),
    word!("skmem_tb", Bytes, 3, "Send buffer (sk_sndbuf)."),
    word!("skmem_f", Bytes, 4, "Memory kept for later use (sk_forward_alloc)."),
    word!("skmem_w", Bytes, 5, "Memory of data written and not yet acknowledged (sk_wmem_queued)."),
    word!("skmem_o", Bytes, 6, "Memory of options (sk_omem_alloc)."),
    word!("skmem_bl", Bytes, 7, "Packets that wait while the socket is in use (sk_backlog)."),
    word!(
        "drops",
        Number,
        8,
        "Packets dropped on this socket; for a listener, handshakes refused since it was opened."
    ),
];
