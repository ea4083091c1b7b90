//! The value of one field of one socket, without a copy of anything: a hundred thousand rows pass through here.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::Ipv6Addr;

use super::Kind;
use crate::model::endpoint::{Addr, Family};
use crate::model::socket::Timer;

/// A value; what is unknown is not zero.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Unknown, or without meaning for this socket.
    None,
    /// Yes or no.
    Flag(bool),
    /// A number in the unit of its field.
    Number(u64),
    /// A number with a fraction.
    Ratio(f64),
    /// A word of this program or of the kernel's lists.
    Word(&'static str),
    /// Text that is safe to show.
    Text(Cow<'a, str>),
    /// A 64-bit identity, shown in hexadecimal.
    Id(u64),
    /// An address as its socket writes it.
    Addr(Addr, Family),
    /// Address and port.
    Endpoint(Addr, Family, u16),
    /// Running timer, milliseconds left, retries.
    Timer(Timer, u32, u8),
    /// Name and pid of the first holder, and how many more processes hold it.
    Holder(&'a str, u32, usize),
}

impl Value<'_> {
    /// From an optional number.
    pub fn number(n: Option<impl Into<u64>>) -> Value<'static> {
        n.map_or(Value::None, |n| Value::Number(n.into()))
    }

    /// Whether nothing is known.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// Appends the value as a table shows it: `-` for none, times and rates with their unit.
    pub fn show(&self, kind: Kind, out: &mut Vec<u8>) {
        match self {
            Value::None => out.push(b'-'),
            Value::Number(n) => match kind {
                Kind::Ms => time(n.saturating_mul(1000), out),
                Kind::Us => time(*n, out),
                Kind::Rate => rate(*n, out),
                _ => decimal(*n, out),
            },
            Value::Timer(timer, left, retries) => {
                out.extend(timer.word().as_bytes());
                out.push(b':');
                time(u64::from(*left) * 1000, out);
                if *retries != 0 {
                    out.push(b':');
                    decimal((*retries).into(), out);
                }
            }
            other => other.raw(out),
        }
    }

    /// Appends the value for machines: plain numbers in the unit that the field's key names; nothing for none.
    pub fn raw(&self, out: &mut Vec<u8>) {
        match self {
            Value::None => {}
            Value::Flag(true) => out.extend_from_slice(b"yes"),
            Value::Flag(false) => out.extend_from_slice(b"no"),
            Value::Number(n) => decimal(*n, out),
            // Factors are never negative; the library is thorough with fractions, and slow.
            Value::Ratio(r) => fixed((r * 1000.0).round() as u64, 3, out),
            Value::Word(word) => out.extend(word.as_bytes()),
            Value::Text(text) => out.extend(text.as_bytes()),
            Value::Id(id) => out.extend(format!("0x{id:x}").bytes()),
            Value::Addr(a, family) => addr(*a, *family, out),
            Value::Endpoint(a, family, port) => endpoint(*a, *family, *port, out),
            Value::Timer(timer, left, retries) => {
                out.extend(timer.word().as_bytes());
                out.push(b':');
                decimal((*left).into(), out);
                out.push(b':');
                decimal((*retries).into(), out);
            }
            Value::Holder(comm, pid, others) => {
                out.extend(comm.as_bytes());
                out.push(b'[');
                decimal((*pid).into(), out);
                out.push(b']');
                if *others > 0 {
                    out.push(b'+');
                    decimal(*others as u64, out);
                }
            }
        }
    }

    /// Order for sorting: numbers by size, texts by letters; what is unknown stands last.
    pub fn order(&self, other: &Value<'_>) -> Ordering {
        match (self, other) {
            (Value::None, Value::None) => Ordering::Equal,
            (Value::None, _) => Ordering::Greater,
            (_, Value::None) => Ordering::Less,
            (Value::Number(a), Value::Number(b)) | (Value::Id(a), Value::Id(b)) => a.cmp(b),
            (Value::Ratio(a), Value::Ratio(b)) => a.total_cmp(b),
            (Value::Flag(a), Value::Flag(b)) => a.cmp(b),
            (Value::Addr(a, f), Value::Addr(b, g)) => (a, f).cmp(&(b, g)),
            (Value::Endpoint(a, f, p), Value::Endpoint(b, g, q)) => (a, p, f).cmp(&(b, q, g)),
            (Value::Timer(a, p, m), Value::Timer(b, q, n)) => {
                (p, m, a.word()).cmp(&(q, n, b.word()))
            }
            (Value::Holder(a, p, m), Value::Holder(b, q, n)) => (a, p, m).cmp(&(b, q, n)),
            // Words such as (kernel) stand in place of holders; they sort as text.
            (a, b) => {
                let (mut left, mut right) = (Vec::new(), Vec::new());
                a.raw(&mut left);
                b.raw(&mut right);
                left.cmp(&right)
            }
        }
    }
}

/// A decimal number. Most are small, and a copy of unknown length costs more than the digit.
pub fn decimal(n: u64, out: &mut Vec<u8>) {
    match n {
        0..10 => out.push(b'0' + n as u8),
        10..100 => out.extend_from_slice(&[b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]),
        _ => out.extend(itoa::Buffer::new().format(n).as_bytes()),
    }
}

/// An address for a socket of `family`: `127.0.0.1`, `::1`, `::ffff:127.0.0.1`.
fn addr(addr: Addr, family: Family, out: &mut Vec<u8>) {
    match (family, addr.as_v4()) {
        (Family::Ipv4, Some(v4)) => {
            for (i, octet) in v4.octets().into_iter().enumerate() {
                if i > 0 {
                    out.push(b'.');
                }
                decimal(octet.into(), out);
            }
        }
        _ => out.extend(Ipv6Addr::from(addr.0).to_string().bytes()),
    }
}

/// Address and port: `10.0.0.5:80`, `[::1]:80`, `*` for no port.
fn endpoint(a: Addr, family: Family, port: u16, out: &mut Vec<u8>) {
    let v4 = family == Family::Ipv4;
    if !v4 {
        out.push(b'[');
    }
    addr(a, family, out);
    out.extend(if v4 { &b":"[..] } else { b"]:" });
    if port == 0 {
        out.push(b'*');
    } else {
        decimal(port.into(), out);
    }
}

/// Microseconds as people say them, without a blank: `87us`, `1.25ms`, `9.5s`, `12min`, `3.2h`.
fn time(us: u64, out: &mut Vec<u8>) {
    match us {
        0 => out.extend_from_slice(b"0ms"),
        1..1_000 => {
            decimal(us, out);
            out.extend_from_slice(b"us");
        }
        1_000..1_000_000 => {
            let digits = if us < 10_000 { 2 } else { 0 };
            fixed(if us < 10_000 { us / 10 } else { us / 1_000 }, digits, out);
            out.extend_from_slice(b"ms");
        }
        1_000_000..60_000_000 => {
            fixed(us / 100_000, 1, out);
            out.push(b's');
        }
        60_000_000..7_200_000_000 => {
            decimal(us / 60_000_000, out);
            out.extend_from_slice(b"min");
        }
        _ => {
            fixed(us / 360_000_000, 1, out);
            out.push(b'h');
        }
    }
}

/// Bytes a second as bits a second: `48.3Mbps`.
fn rate(bytes: u64, out: &mut Vec<u8>) {
    let bits = u128::from(bytes) * 8;
    let (scaled, digits, unit): (u128, u32, &[u8]) = match bits {
        0..1_000 => (bits, 0, b"bps"),
        1_000..1_000_000 => (bits / 100, 1, b"kbps"),
        1_000_000..1_000_000_000 => (bits / 100_000, 1, b"Mbps"),
        _ => (bits / 100_000_000, 1, b"Gbps"),
    };
    fixed(u64::try_from(scaled).unwrap_or(u64::MAX), digits, out);
    out.extend(unit);
}

/// A number with so many digits behind the point, which `scaled` holds too.
fn fixed(scaled: u64, digits: u32, out: &mut Vec<u8>) {
    let factor = 10u64.pow(digits);
    decimal(scaled / factor, out);
    if digits > 0 {
        out.push(b'.');
        let mut place = factor / 10;
        let rest = scaled % factor;
        while place > 1 && rest < place {
            out.push(b'0');
            place /= 10;
        }
        decimal(rest, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value<'_>, kind: Kind) -> String {
        let mut out = Vec::new();
        value.show(kind, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_and_rates_carry_their_unit() {
        for (us, want) in [
            (0, "0ms"),
            (87, "87us"),
            (1250, "1.25ms"),
            (1050, "1.05ms"),
            (40_000, "40ms"),
            (9_560_000, "9.5s"),
            (59_999_999, "59.9s"),
            (720_000_000, "12min"),
            (11_520_000_000, "3.2h"),
        ] {
            assert_eq!(shown(&Value::Number(us), Kind::Us), want);
        }
        assert_eq!(shown(&Value::Number(40), Kind::Ms), "40ms");
        assert_eq!(shown(&Value::Number(6_037_500), Kind::Rate), "48.3Mbps");
        assert_eq!(shown(&Value::Number(u64::MAX), Kind::Rate), "147573952589.6Gbps");
        assert_eq!(
            shown(&Value::Timer(Timer::Keepalive, 7_200_000, 3), Kind::Text),
            "keepalive:2.0h:3"
        );
        assert_eq!(shown(&Value::None, Kind::Number), "-");
        for (ratio, want) in
            [(0.0, "0.000"), (2.885, "2.885"), (1.0, "1.000"), (1.05, "1.050"), (0.0049, "0.005")]
        {
            assert_eq!(shown(&Value::Ratio(ratio), Kind::Ratio), want);
        }
    }

    #[test]
    fn addresses_are_written_as_the_model_writes_them() {
        let a = Addr::v4([127, 0, 0, 1]);
        for (addr, family, port) in [
            (a, Family::Ipv4, 80),
            (a, Family::Ipv6, 443),
            (Addr([0; 16]), Family::Ipv6, 0),
            (Addr::v4([0; 4]), Family::Ipv4, 0),
            (Addr([0x20; 16]), Family::Ipv6, 65535),
        ] {
            let want = crate::model::endpoint::host_port(addr, family, port);
            assert_eq!(shown(&Value::Endpoint(addr, family, port), Kind::Text), want);
            assert_eq!(shown(&Value::Addr(addr, family), Kind::Text), addr.text(family));
        }
    }

    #[test]
    fn unknown_sorts_last_and_numbers_by_size() {
        let mut values =
            [Value::None, Value::Number(10), Value::Number(9), Value::Number(100)].to_vec();
        values.sort_by(Value::order);
        assert_eq!(values, [Value::Number(9), Value::Number(10), Value::Number(100), Value::None]);
        let holders = [Value::Word("(kernel)"), Value::Holder("b", 2, 0), Value::Holder("a", 9, 1)];
        let mut sorted = holders.to_vec();
        sorted.sort_by(Value::order);
        assert_eq!(sorted, [holders[0].clone(), holders[2].clone(), holders[1].clone()]);
    }
}
