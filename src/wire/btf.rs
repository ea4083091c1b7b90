//! BTF, the kernel's own description of its types (Documentation/bpf/btf.rst): where a field lies in this very kernel.

use std::collections::BTreeMap;

use super::u32_at;

/// BTF_KIND_STRUCT.
pub const STRUCT: u32 = 4;
/// BTF_KIND_FUNC.
pub const FUNC: u32 = 12;

/// A parsed blob, such as /sys/kernel/btf/vmlinux.
pub struct Btf<'a> {
    bytes: &'a [u8],
    types: usize,
    types_end: usize,
    strings: usize,
}

/// One type that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub id: u32,
    at: usize,
}

impl<'a> Btf<'a> {
    /// Reads the head; `None` if it is not BTF in this machine's byte order.
    pub fn new(bytes: &'a [u8]) -> Option<Btf<'a>> {
        const MAGIC: u16 = 0xeb9f;
        if u16::from_ne_bytes(super::bytes(bytes, 0)?) != MAGIC {
            return None;
        }
        let at = |offset| u32_at(bytes, offset).map(|n| n as usize);
        let head = at(4)?;
        let types = head.checked_add(at(8)?)?;
        let types_end = types.checked_add(at(12)?)?;
        let strings = head.checked_add(at(16)?)?;
        (types_end <= bytes.len() && strings <= bytes.len()).then_some(Btf {
            bytes,
            types,
            types_end,
            strings,
        })
    }

    fn name_is(&self, offset: u32, name: &str) -> bool {
        let start = self.strings.saturating_add(offset as usize);
        let text = self.bytes.get(start..).unwrap_or_default();
        text.starts_with(name.as_bytes()) && text.get(name.len()) == Some(&0)
    }

    /// Finds the first definition of each wanted (name, kind) in one pass.
    pub fn find(&self, wanted: &[(&'static str, u32)]) -> BTreeMap<&'static str, Found> {
        let mut found = BTreeMap::new();
        let (mut at, mut id) = (self.types, 1u32);
        while at < self.types_end && found.len() < wanted.len() {
            let (Some(name), Some(info)) = (u32_at(self.bytes, at), u32_at(self.bytes, at + 4))
            else {
                break;
            };
            let (kind, members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            if name != 0 && (kind == FUNC || kind == STRUCT && members > 0) {
                for (word, k) in wanted {
                    if *k == kind && self.name_is(name, word) {
                        found.entry(*word).or_insert(Found { id, at });
                    }
                }
            }
            // INT, ARRAY, STRUCT, UNION, ENUM, FUNC_PROTO, VAR, DATASEC, DECL_TAG, ENUM64; an unknown kind would lose the way.
            let tail = match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => members * 12,
                6 | 13 => members * 8,
                0 | 2 | 7..=12 | 16 | 18 => 0,
                _ => break,
            };
            at += 12 + tail;
            id += 1;
        }
        found
    }

    /// Offset in bytes of a member of a struct; `None` if it has none of that name, or it is a bit field.
    pub fn member(&self, of: Found, name: &str) -> Option<u32> {
        let (bits, size) = self.place(of, name)?;
        (size == 0 && bits % 8 == 0).then_some(bits / 8)
    }

    /// The byte that holds a bit field, its lowest bit there and its width; `None` if there is none, or it lies in several bytes.
    pub fn bit_field(&self, of: Found, name: &str) -> Option<(u32, u32, u32)> {
        let (bits, size) = self.place(of, name)?;
        (size > 0 && bits % 8 + size <= 8).then_some((bits / 8, bits % 8, size))
    }

    /// Where a member begins, in bits, and its width if it is a bit field, else 0.
    fn place(&self, of: Found, name: &str) -> Option<(u32, u32)> {
        let info = u32_at(self.bytes, of.at + 4)?;
        let packed = info >> 31 != 0;
        (0..(info & 0xffff) as usize).find_map(|i| {
            let at = of.at + 12 + i * 12;
            if !self.name_is(u32_at(self.bytes, at)?, name) {
                return None;
            }
            let offset = u32_at(self.bytes, at + 8)?;
            Some(if packed { (offset & 0xff_ffff, offset >> 24) } else { (offset, 0) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `struct file { int x; int *f_inode; }` behind an int and before a function.
    fn blob() -> Vec<u8> {
        let strings = b"\0int\0file\0f_inode\0x\0run\0";
        let at = |word: &str| {
            strings
                .windows(word.len() + 1)
                .position(|w| w == [word.as_bytes(), b"\0"].concat())
                .unwrap() as u32
        };
        let mut types: Vec<u32> = vec![at("int"), 1 << 24, 4, 32];
        types.extend([at("file"), STRUCT << 24 | 2, 16, at("x"), 1, 0, at("f_inode"), 1, 64]);
        types.extend([at("run"), FUNC << 24, 1]);
        let mut out: Vec<u8> = 0xeb9fu16.to_ne_bytes().to_vec();
        out.extend([1, 0]);
        let size = types.len() as u32 * 4;
        for n in [24, 0, size, size, strings.len() as u32] {
            out.extend(n.to_ne_bytes());
        }
        types.iter().for_each(|t| out.extend(t.to_ne_bytes()));
        out.extend(strings);
        out
    }

    #[test]
    fn types_are_found_with_their_number_and_members_with_their_place() {
        let bytes = blob();
        let btf = Btf::new(&bytes).unwrap();
        let found = btf.find(&[("file", STRUCT), ("run", FUNC), ("fil", STRUCT)]);
        assert_eq!((found["file"].id, found["run"].id, found.len()), (2, 3, 2));
        assert_eq!(btf.member(found["file"], "f_inode"), Some(8));
        assert_eq!(btf.member(found["file"], "f_mode"), None);
        assert_eq!(btf.bit_field(found["file"], "f_inode"), None);
        assert!(Btf::new(b"ELF").is_none());
    }

    #[test]
    fn bit_fields_are_found_in_their_byte() {
        let mut bytes = blob();
        // The struct's flag, and 4 bits from bit 67 on in place of the pointer at 64.
        let at = 24 + 16 + 4;
        bytes[at + 3] |= 0x80;
        let member = 24 + 16 + 12 + 12 + 8;
        bytes[member..member + 4].copy_from_slice(&(4u32 << 24 | 0x43).to_ne_bytes());
        let btf = Btf::new(&bytes).unwrap();
        let found = btf.find(&[("file", STRUCT)])["file"];
        assert_eq!(
            (btf.bit_field(found, "f_inode"), btf.member(found, "f_inode")),
            (Some((8, 3, 4)), None)
        );
    }

    proptest! {
        #[test]
        fn broken_blobs_never_panic(at in 0usize..100, byte: u8, cut in 0usize..120) {
            let mut bytes = blob();
            if let Some(b) = bytes.get_mut(at) {
                *b = byte;
            }
            bytes.truncate(cut.max(24));
            if let Some(btf) = Btf::new(&bytes) {
                for found in btf.find(&[("file", STRUCT), ("run", FUNC)]).into_values() {
                    let _ = btf.member(found, "f_inode");
                    let _ = btf.bit_field(found, "f_inode");
                }
            }
        }
    }
}
