//! Fields of congestion controls with figures of their own, and of the protocol above TCP (ULP): TLS, MPTCP subflows.

use super::options::word;
use super::value::Value;
use super::{Field, Group, Kind, Row, Source};
use crate::wire::attributes::{
    BBRINFO, DCTCPINFO, ULP_INFO, ULP_MPTCP as MPTCP, ULP_NAME as NAME, VEGASINFO, nested,
};
use crate::wire::request::EXT_INFO;

/// INET_DIAG_VEGASINFO in `idiag_ext` brings the figures of whichever control is in use.
const EXT_PLUGIN: u8 = 1 << 2;

/// INET_ULP_INFO_TLS.
const TLS: u16 = 2;

macro_rules! field {
    ($name:literal, $kind:ident, $ask:expr, $doc:literal, $get:expr) => {
        Field {
            name: $name,
            kind: Kind::$kind,
            source: Source::Attribute($ask),
            group: Group::Info,
            doc: $doc,
            get: $get,
            all: None,
        }
    };
}

macro_rules! int {
    ($name:literal, $kind:ident, $attribute:ident, $width:ident, $offset:literal, $doc:literal) => {
        field!($name, $kind, EXT_PLUGIN, $doc, |row| Value::number(
            row.attributes.$width($attribute, $offset)
        ))
    };
}

/// A gain in 1/256 (struct tcp_bbr_info).
macro_rules! gain {
    ($name:literal, $offset:literal, $doc:literal) => {
        field!($name, Ratio, EXT_PLUGIN, $doc, |row| {
            let gain = row.attributes.u32(BBRINFO, $offset);
            gain.map_or(Value::None, |g| Value::Ratio(f64::from(g) / 256.0))
        })
    };
}

pub(super) static FIELDS: &[Field] = &[
    field!("bbr_bw", Rate, EXT_PLUGIN, "Bandwidth that BBR estimates.", |row| {
        // Two words, the lower first whatever the byte order.
        let (low, high) = (row.attributes.u32(BBRINFO, 0), row.attributes.u32(BBRINFO, 4));
        Value::number(low.zip(high).map(|(l, h)| u64::from(h) << 32 | u64::from(l)))
    }),
    int!("bbr_mrtt", Us, BBRINFO, u32, 8, "Least round trip time that BBR uses."),
    gain!("bbr_pacing_gain", 12, "Gain of pacing in BBR."),
    gain!("bbr_cwnd_gain", 16, "Gain of the window in BBR."),
    int!(
        "dctcp_enabled",
        Number,
        DCTCPINFO,
        u16,
        0,
        "Whether DCTCP works as such (1) or fell back to Reno (0)."
    ),
    int!("dctcp_ce_state", Number, DCTCPINFO, u16, 2, "Last congestion mark seen by DCTCP."),
    int!(
        "dctcp_alpha",
        Number,
        DCTCPINFO,
        u32,
        4,
        "Share of marked bytes in DCTCP, 1024 being all."
    ),
    int!("dctcp_ab_ecn", Bytes, DCTCPINFO, u32, 8, "Marked bytes acknowledged in this window."),
    int!("dctcp_ab_tot", Bytes, DCTCPINFO, u32, 12, "Bytes acknowledged in this window."),
    int!("vegas_rtt", Us, VEGASINFO, u32, 8, "Round trip time in Vegas and its kin."),
    int!("vegas_minrtt", Us, VEGASINFO, u32, 12, "Least round trip time in Vegas and its kin."),
    field!("ulp", Text, EXT_INFO, "Protocol above TCP: tls, mptcp ...", |row| {
        let name = row.attributes.get(ULP_INFO).and_then(|n| nested(n, NAME));
        name.map_or(Value::None, word)
    }),
    field!("tls_version", Text, EXT_INFO, "Version of kernel TLS.", |row| {
        match u16_in(row, TLS, 1) {
            Some(0x0303) => Value::Word("1.2"),
            Some(0x0304) => Value::Word("1.3"),
            other => Value::number(other),
        }
    }),
    field!("tls_cipher", Text, EXT_INFO, "Cipher of kernel TLS.", |row| {
        const CIPHERS: [&str; 8] = [
            "aes-gcm-128",
            "aes-gcm-256",
            "aes-ccm-128",
            "chacha20-poly1305",
            "sm4-gcm",
            "sm4-ccm",
            "aria-gcm-128",
            "aria-gcm-256",
        ];
        let cipher = u16_in(row, TLS, 2);
        let known = cipher.and_then(|c| CIPHERS.get(usize::from(c).checked_sub(51)?));
        known.map_or(Value::number(cipher), |name| Value::Word(name))
    }),
    field!("tls_txconf", Text, EXT_INFO, "Who encrypts: none, sw or hw.", |row| conf(row, 3)),
    field!("tls_rxconf", Text, EXT_INFO, "Who decrypts: none, sw or hw.", |row| conf(row, 4)),
    field!(
        "mptcp_token_rem",
        Id,
        EXT_INFO,
        "The peer's token of the MPTCP connection this is a subflow of.",
        |row| { u32_in(row, MPTCP, 1).map_or(Value::None, |t| Value::Id(t.into())) }
    ),
    field!("mptcp_token_loc", Id, EXT_INFO, "Our token of that connection.", |row| {
        u32_in(row, MPTCP, 2).map_or(Value::None, |t| Value::Id(t.into()))
    }),
    field!("mptcp_map_seq", Id, EXT_INFO, "Sequence number of the present mapping.", |row| {
        let bytes = inside(row, MPTCP, 4).and_then(|b| b.first_chunk::<8>());
        bytes.map_or(Value::None, |b| Value::Id(u64::from_ne_bytes(*b)))
    }),
    field!("mptcp_map_sfseq", Number, EXT_INFO, "Its place in the subflow.", |row| {
        Value::number(u32_in(row, MPTCP, 5))
    }),
    field!(
        "mptcp_ssn_offset",
        Number,
        EXT_INFO,
        "Offset of the subflow's sequence numbers.",
        |row| { Value::number(u32_in(row, MPTCP, 6)) }
    ),
    field!("mptcp_map_datalen", Bytes, EXT_INFO, "Length of the present mapping.", |row| {
        Value::number(u16_in(row, MPTCP, 7))
    }),
    field!(
        "mptcp_flags",
        Id,
        EXT_INFO,
        "Flags of the subflow (MPTCP_SUBFLOW_FLAG_*, include/uapi/linux/mptcp.h).",
        |row| { u32_in(row, MPTCP, 8).map_or(Value::None, |f| Value::Id(f.into())) }
    ),
];

/// A value inside one nest of INET_DIAG_ULP_INFO.
fn inside<'a>(row: &Row<'a>, nest: u16, kind: u16) -> Option<&'a [u8]> {
    nested(nested(row.attributes.get(ULP_INFO)?, nest)?, kind)
}

fn u16_in(row: &Row<'_>, nest: u16, kind: u16) -> Option<u16> {
    inside(row, nest, kind)?.first_chunk().map(|b| u16::from_ne_bytes(*b))
}

fn u32_in(row: &Row<'_>, nest: u16, kind: u16) -> Option<u32> {
    inside(row, nest, kind)?.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

/// TLS_CONF_BASE, _SW, _HW, _HW_RECORD (include/uapi/linux/tls.h).
fn conf(row: &Row<'_>, kind: u16) -> Value<'static> {
    match u16_in(row, TLS, kind) {
        Some(1) => Value::Word("none"),
        Some(2) => Value::Word("sw"),
        Some(3) => Value::Word("hw"),
        Some(4) => Value::Word("hw-record"),
        other => Value::number(other),
    }
}
