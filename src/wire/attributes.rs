//! The attributes behind `struct inet_diag_msg` (include/uapi/linux/inet_diag.h), found once and read by need.

use super::inet_diag::HEADER;

/// INET_DIAG_INFO: `struct tcp_info`, or `struct mptcp_info`.
pub const INFO: u16 = 2;
/// INET_DIAG_VEGASINFO.
pub const VEGASINFO: u16 = 3;
/// INET_DIAG_CONG: the name of the congestion control.
pub const CONG: u16 = 4;
/// INET_DIAG_TOS.
pub const TOS: u16 = 5;
/// INET_DIAG_TCLASS.
pub const TCLASS: u16 = 6;
/// INET_DIAG_SKMEMINFO.
pub const SKMEMINFO: u16 = 7;
/// INET_DIAG_SHUTDOWN: which halves are closed.
pub const SHUTDOWN: u16 = 8;
/// INET_DIAG_DCTCPINFO.
pub const DCTCPINFO: u16 = 9;
/// INET_DIAG_SKV6ONLY.
pub const SKV6ONLY: u16 = 11;
/// INET_DIAG_MARK; sent to CAP_NET_ADMIN only.
pub const MARK: u16 = 15;
/// INET_DIAG_BBRINFO.
pub const BBRINFO: u16 = 16;
/// INET_DIAG_CLASS_ID.
pub const CLASS_ID: u16 = 17;
/// INET_DIAG_ULP_INFO.
pub const ULP_INFO: u16 = 19;
/// INET_ULP_INFO_NAME.
pub const ULP_NAME: u16 = 1;
/// INET_ULP_INFO_MPTCP: present in the nest of a subflow.
pub const ULP_MPTCP: u16 = 3;
/// INET_DIAG_CGROUP_ID.
pub const CGROUP_ID: u16 = 21;
/// INET_DIAG_SOCKOPT.
pub const SOCKOPT: u16 = 22;

/// Kinds that are kept; the kernel's higher ones are not read here.
const KINDS: usize = 24;

/// Where each attribute of one message lies. The last of a kind wins, as in the kernel's own parser.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    payload: &'a [u8],
    /// Start and length of the value; a start of 0 is none, since the header stands there.
    places: [(u16, u16); KINDS],
}

impl<'a> Attributes<'a> {
    /// No attributes.
    pub const NONE: Attributes<'static> = Attributes { payload: &[], places: [(0, 0); KINDS] };

    /// Finds the attributes of a message: each by its length; one that is cut ends the walk.
    pub fn of(payload: &'a [u8]) -> Attributes<'a> {
        let mut found = Attributes { payload, places: [(0, 0); KINDS] };
        let mut at = HEADER;
        while let Some((length, kind)) = head(payload, at) {
            let end = at + usize::from(length);
            if length < 4 || end > payload.len() {
                break;
            }
            let place = (u16::try_from(at + 4), length - 4);
            if let (Some(slot), (Ok(start), length)) = (found.places.get_mut(kind), place) {
                *slot = (start, length);
            }
            at = end.next_multiple_of(4);
        }
        found
    }

    /// The value of an attribute; `None` if the kernel did not send it.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        let (start, length) = *self.places.get(usize::from(kind))?;
        let start = usize::from(start);
        (start != 0).then(|| self.payload.get(start..start + usize::from(length)))?
    }

    /// Whether the socket is a subflow of an MPTCP connection, which is told with tcp_info only, and to CAP_NET_ADMIN.
    pub fn is_subflow(&self) -> bool {
        // A listener has the name and no more.
        let name = self.get(ULP_INFO).and_then(|nest| nested(nest, ULP_NAME));
        name.is_some_and(|name| name.starts_with(b"mptcp"))
    }

    /// A byte of an attribute.
    pub fn byte(&self, kind: u16, offset: usize) -> Option<u8> {
        self.get(kind)?.get(offset).copied()
    }

    /// A C bit field of a byte: `first` bits stand before it in the declaration, which begins at the low end on little-endian machines and
    /// at the high end on others.
    pub fn bits(&self, kind: u16, offset: usize, first: u32, width: u32) -> Option<u8> {
        let shift = if cfg!(target_endian = "little") { first } else { 8 - first - width };
        self.byte(kind, offset).map(|byte| byte >> shift & ((1 << width) - 1))
    }

    /// A native-endian u16 of an attribute.
    pub fn u16(&self, kind: u16, offset: usize) -> Option<u16> {
        super::bytes(self.get(kind)?, offset).map(u16::from_ne_bytes)
    }

    /// A native-endian u32 of an attribute.
    pub fn u32(&self, kind: u16, offset: usize) -> Option<u32> {
        super::u32_at(self.get(kind)?, offset)
    }

    /// A native-endian u64 of an attribute.
    pub fn u64(&self, kind: u16, offset: usize) -> Option<u64> {
        super::bytes(self.get(kind)?, offset).map(u64::from_ne_bytes)
    }
}

/// Length and kind (without the nested and byte-order flags) of the attribute at `at`.
fn head(bytes: &[u8], at: usize) -> Option<(u16, usize)> {
    let length = u16::from_ne_bytes(super::bytes(bytes, at)?);
    let kind = u16::from_ne_bytes(super::bytes(bytes, at + 2)?);
    Some((length, usize::from(kind & 0x3fff)))
}

/// The value of one attribute inside a nest.
pub fn nested(nest: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut at = 0;
    while let Some((length, kind)) = head(nest, at) {
        let end = at + usize::from(length);
        if length < 4 || end > nest.len() {
            return None;
        }
        if kind == usize::from(wanted) {
            return nest.get(at + 4..end);
        }
        at = end.next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = ((value.len() + 4) as u16).to_ne_bytes().to_vec();
        out.extend(kind.to_ne_bytes());
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    #[test]
    fn each_is_found_by_kind_and_a_cut_one_ends_the_walk() {
        let mut m = vec![0u8; HEADER];
        m.extend(attribute(SHUTDOWN, &[2]));
        m.extend(attribute(99, &[1, 2, 3]));
        m.extend(attribute(MARK, &7u32.to_ne_bytes()));
        m.extend(attribute(INFO | 0x8000, &[0, 4, 0]));
        let a = Attributes::of(&m);
        assert_eq!(
            (a.byte(SHUTDOWN, 0), a.u32(MARK, 0), a.byte(INFO, 1)),
            (Some(2), Some(7), Some(4))
        );
        assert_eq!((a.get(CONG), a.u32(INFO, 0), a.u64(MARK, 0)), (None, None, None));
        m.extend([200, 0, 4, 0, b'x']);
        assert_eq!(Attributes::of(&m).get(CONG), None);
        assert_eq!(Attributes::of(&m[..HEADER - 1]).get(SHUTDOWN), None);
    }

    #[test]
    fn a_nest_is_searched() {
        let mut nest = attribute(1, b"tls\0");
        nest.extend(attribute(2, &attribute(1, &[4, 3])));
        assert_eq!(nested(&nest, 1), Some(&b"tls\0"[..]));
        assert_eq!(nested(nested(&nest, 2).unwrap(), 1), Some(&[4, 3][..]));
        assert_eq!(nested(&nest, 3), None);
    }

    proptest! {
        #[test]
        fn finding_never_panics(payload in proptest::collection::vec(any::<u8>(), 0..600), kind: u16, at in 0usize..700) {
            let a = Attributes::of(&payload);
            let _ = (a.get(kind), a.byte(kind, at), a.u16(kind, at), a.u32(kind, at), a.u64(kind, at));
            let _ = nested(&payload, kind);
        }
    }
}
