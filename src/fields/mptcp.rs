//! Fields of `struct mptcp_info` (include/uapi/linux/mptcp.h): the connection above the subflows.

use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::model::protocol::Protocol;
use crate::wire::attributes::INFO;
use crate::wire::request::EXT_INFO;

macro_rules! field {
    ($name:literal, $kind:ident, $doc:literal, $get:expr) => {
        Field {
            name: $name,
            kind: Kind::$kind,
            source: Source::Attribute(EXT_INFO),
            group: Group::Mptcp,
            doc: $doc,
            get: |row| {
                if row.view.protocol == Protocol::Mptcp { $get(row) } else { Value::None }
            },
            all: None,
        }
    };
}

macro_rules! int {
    ($name:literal, $kind:ident, $width:ident, $offset:literal, $doc:literal) => {
        field!($name, $kind, $doc, |row: &Row<'_>| Value::number(
            row.attributes.$width(INFO, $offset)
        ))
    };
}

macro_rules! id {
    ($name:literal, $width:ident, $offset:literal, $doc:literal) => {
        field!($name, Id, $doc, |row: &Row<'_>| {
            let id = row.attributes.$width(INFO, $offset);
            id.map_or(Value::None, |id| Value::Id(id.into()))
        })
    };
}

pub(super) static FIELDS: &[Field] = &[
    int!("mptcp_subflows", Number, byte, 0, "Subflows beside the first."),
    int!("mptcp_add_addr_signal", Number, byte, 1, "Addresses announced to the peer."),
    int!("mptcp_add_addr_accepted", Number, byte, 2, "Announced addresses that were accepted."),
    int!("mptcp_subflows_max", Number, byte, 3, "Limit of subflows."),
    int!("mptcp_add_addr_signal_max", Number, byte, 4, "Limit of announced addresses."),
    int!("mptcp_add_addr_accepted_max", Number, byte, 5, "Limit of accepted addresses."),
    field!("mptcp_fallback", Flag, "Whether it fell back to plain TCP.", |row: &Row<'_>| {
        row.attributes.u32(INFO, 8).map_or(Value::None, |f| Value::Flag(f & 1 != 0))
    }),
    field!("mptcp_remote_key", Flag, "Whether the peer's key is known.", |row: &Row<'_>| {
        row.attributes.u32(INFO, 8).map_or(Value::None, |f| Value::Flag(f & 2 != 0))
    }),
    id!("mptcp_token", u32, 12, "Token of the connection."),
    id!("mptcp_write_seq", u64, 16, "Next sequence number to be written."),
    id!("mptcp_snd_una", u64, 24, "First sequence number not acknowledged."),
    id!("mptcp_rcv_nxt", u64, 32, "Next sequence number expected."),
    int!("mptcp_local_addr_used", Number, byte, 40, "Local addresses in use."),
    int!("mptcp_local_addr_max", Number, byte, 41, "Limit of local addresses."),
    int!("mptcp_csum_enabled", Number, byte, 42, "Whether checksums are in use."),
    int!("mptcp_retransmits", Number, u32, 44, "Retransmissions at the MPTCP level."),
    int!("mptcp_bytes_retrans", Bytes, u64, 48, "Bytes retransmitted at the MPTCP level."),
    int!("mptcp_bytes_sent", Bytes, u64, 56, "Bytes sent."),
    int!("mptcp_bytes_received", Bytes, u64, 64, "Bytes received."),
    int!("mptcp_bytes_acked", Bytes, u64, 72, "Bytes acknowledged."),
    int!("mptcp_subflows_total", Number, byte, 80, "Subflows, the first included."),
    int!("mptcp_last_data_sent", Ms, u32, 84, "Since data was last sent."),
    int!("mptcp_last_data_recv", Ms, u32, 88, "Since data last came."),
    int!("mptcp_last_ack_recv", Ms, u32, 92, "Since the last acknowledgement came."),
];
