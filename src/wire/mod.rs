//! Bytes and kernel texts to facts. Pure and total: whatever the input, a decoder returns facts or says what is missing, and never
//! panics. One file per format; properties and fuzz targets hold them to that.

pub mod attributes;
pub mod btf;
pub mod bytecode;
pub mod capabilities;
pub mod cgroup;
pub mod command_line;
pub mod counters;
pub mod etc;
pub mod inet_diag;
pub mod local_addresses;
pub mod mounts;
pub mod netlink;
pub mod proc_net_tcp;
pub mod proc_pid;
pub mod request;
pub mod runtime;
pub mod sysctl;
pub mod sysctl_d;
pub mod tcp_info;

/// The bytes at `offset`, if the buffer reaches that far.
fn bytes<const N: usize>(buffer: &[u8], offset: usize) -> Option<[u8; N]> {
    buffer.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

/// A native-endian u32 at `offset`.
fn u32_at(buffer: &[u8], offset: usize) -> Option<u32> {
    bytes(buffer, offset).map(u32::from_ne_bytes)
}

/// A big-endian u16 at `offset`.
fn be16_at(buffer: &[u8], offset: usize) -> Option<u16> {
    bytes(buffer, offset).map(u16::from_be_bytes)
}

/// A text in which characters are written as a sign and so many digits; what is no such number stays.
fn unescaped(text: &str, sign: &str, digits: usize, radix: u32) -> String {
    let mut parts = text.split(sign);
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let code = part.get(..digits).and_then(|d| u8::from_str_radix(d, radix).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code));
                out.push_str(part.get(digits..).unwrap_or_default());
            }
            None => {
                out.push_str(sign);
                out.push_str(part);
            }
        }
    }
    out
}
