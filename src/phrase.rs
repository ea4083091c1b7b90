//! Small pieces of the language of outputs: numbers, counts and durations as people read them.

/// A count with thousands apart: `1,942`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 socket`, `23 sockets`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A share in whole percent, rounded down so that 100 % means full; an empty whole is full.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{} %", part.saturating_mul(100).checked_div(whole).unwrap_or(100))
}

/// Bytes as people say them: `640 B`, `9.5 KiB`, `12 MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if value < 99.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Milliseconds as people say them: `640 ms`, `9.5 s`, `12 min`, `3.2 h`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1e3),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{:.1} h", ms as f64 / 3.6e6),
    }
}

/// Seconds as people say them: `0.4 s`, `28 s`, `12 min`, `3.2 h`.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Names joined: `a, b and 3 more`.
pub fn join(names: &[String], most: usize) -> String {
    match names.get(..most) {
        Some(some) if names.len() > most => {
            format!("{} and {} more", some.join(", "), number((names.len() - most) as u64))
        }
        _ => names.join(", "),
    }
}

/// A number without a fraction where it has none, else with at most three digits of it.
pub fn plain(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "any number" } else { "less" }.to_string();
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1000, 28232, 1_234_567].map(number),
            ["0", "999", "1,000", "28,232", "1,234,567"]
        );
        assert_eq!(count(1, "socket", "sockets"), "1 socket");
        assert_eq!(
            (percent(57, 100), percent(999, 1000), percent(0, 0)),
            ("57 %".into(), "99 %".into(), "100 %".into())
        );
        assert_eq!(
            [640, 9500, 720_000, 11_520_000].map(duration),
            ["640 ms", "9.5 s", "12 min", "3.2 h"]
        );
        assert_eq!(
            [0.0, 9.94, 28.2, 119.0, 150.0, 11_520.0].map(seconds),
            ["0.0 s", "9.9 s", "28 s", "119 s", "2 min", "3.2 h"]
        );
        assert_eq!(
            [640, 1024, 9_728, 104_857_600, 1_048_575].map(bytes),
            ["640 B", "1.0 KiB", "9.5 KiB", "100 MiB", "1.0 MiB"]
        );
        let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(
            (join(&names, 3), join(&names, 2)),
            ("a, b, c".into(), "a, b and 1 more".into())
        );
    }
}
