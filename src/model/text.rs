//! The one type through which text that a process, a peer or a file chose reaches an output.

use std::fmt;

use serde::Serialize;

/// Text from outside, made safe once: control characters (C0, DEL, C1), line and paragraph separators, bidirectional and
/// zero-width characters and bytes that are not UTF-8 are written as `\x1b`, `\u{202e}`, `\xff`; a backslash as `\\`. What is left
/// can neither move a cursor nor forge a row, in any format.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Default)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Makes bytes from the kernel or a file safe.
    pub fn new(bytes: &[u8]) -> Text {
        let mut out = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) => {
                        out.push_str(&format!("\\x{:02x}", c as u32));
                    }
                    c if is_deceptive(c) => out.push_str(&format!("\\u{{{:04x}}}", c as u32)),
                    c => out.push(c),
                }
            }
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        Text(out)
    }

    /// The same for names in which a backslash is nothing unusual, as systemd's are: it stays single.
    pub fn plain(bytes: &[u8]) -> Text {
        let mut parts = bytes.split(|b| *b == b'\\');
        let mut out = parts.next().map_or_else(Text::default, Text::new).0;
        for part in parts {
            out.push('\\');
            out.push_str(Text::new(part).as_str());
        }
        Text(out)
    }

    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that show nothing or reorder their neighbours.
fn is_deceptive(c: char) -> bool {
    matches!(c as u32,
        0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_terminal_obeys_and_keeps_the_rest() {
        assert_eq!(Text::new(b"nginx: worker").as_str(), "nginx: worker");
        assert_eq!(Text::new(b"\x1b]0;pwn\x07\n").as_str(), "\\x1b]0;pwn\\x07\\x0a");
        assert_eq!(Text::new("a\u{202e}b\u{9b}c".as_bytes()).as_str(), "a\\u{202e}b\\x9bc");
        assert_eq!(Text::new(&[b'a', 0xff, b'\\']).as_str(), "a\\xff\\\\");
        assert_eq!(Text::plain(b"dev-a\\x2db\x1b\\").as_str(), "dev-a\\x2db\\x1b\\");
        assert_eq!((Text::plain(b"\\").as_str(), Text::plain(b"").as_str()), ("\\", ""));
        assert_eq!(Text::new("\u{4f60}\u{e9}".as_bytes()).as_str(), "\u{4f60}\u{e9}");
    }
}
