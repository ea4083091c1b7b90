//! A set of ports, as the kernel writes it in ip_local_reserved_ports.

/// A set of ports in 8 KiB.
#[derive(Clone, PartialEq, Eq)]
pub struct PortSet(Box<[u64; 1024]>);

impl Default for PortSet {
    fn default() -> Self {
        PortSet(Box::new([0; 1024]))
    }
}

impl std::fmt::Debug for PortSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PortSet({})", self.text())
    }
}

impl PortSet {
    /// Reads the kernel's list form: `80,443,8000-8100`, empty for none. `None` if it is not one.
    pub fn parse(text: &str) -> Option<PortSet> {
        let mut set = PortSet::default();
        // Every port named twice is more than the kernel ever writes; without a bound a made-up list could keep us busy for hours.
        let mut work = 2 * (u32::from(u16::MAX) + 1);
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            if low > high {
                return None;
            }
            work = work.checked_sub(u32::from(high - low) + 1)?;
            (low..=high).for_each(|p| set.insert(p));
        }
        Some(set)
    }

    /// Adds a port.
    pub fn insert(&mut self, port: u16) {
        if let Some(word) = self.0.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    /// Adds every port of another set.
    pub fn add(&mut self, other: &PortSet) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(word, more)| *word |= more);
    }

    /// Whether a port is in the set.
    pub fn has(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|word| word & (1 << (port & 63)) != 0)
    }

    /// The ports in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        let words = self.0.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(i, word)| {
            let first = (i << 6) as u16;
            (0..64u16).filter(move |bit| word >> bit & 1 != 0).map(move |bit| first | bit)
        })
    }

    /// How many ports from `low` to `high` are in the set.
    pub fn count_in(&self, low: u16, high: u16) -> u32 {
        self.count_masked(low, high, u64::MAX)
    }

    /// How many ports from `low` to `high` that are even or odd as `low` is are in the set.
    pub fn count_parity(&self, low: u16, high: u16) -> u32 {
        self.count_masked(low, high, if low & 1 == 0 { u64::MAX / 3 } else { u64::MAX / 3 * 2 })
    }

    fn count_masked(&self, low: u16, high: u16, mask: u64) -> u32 {
        let (first, last) = (usize::from(low >> 6), usize::from(high >> 6));
        let mut count = 0;
        for (i, word) in self.0.iter().enumerate().take(last + 1).skip(first) {
            let mut bits = *word & mask;
            if i == first {
                bits &= u64::MAX << (low & 63);
            }
            if i == last {
                bits &= u64::MAX >> (63 - (high & 63));
            }
            count += bits.count_ones();
        }
        count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    /// The kernel's list form, neighbours joined to ranges.
    pub fn text(&self) -> String {
        let mut parts: Vec<(u16, u16)> = Vec::new();
        for port in self.iter() {
            match parts.last_mut() {
                Some((_, high)) if u32::from(*high) + 1 == u32::from(port) => *high = port,
                _ => parts.push((port, port)),
            }
        }
        let text: Vec<String> = parts
            .iter()
            .map(|(l, h)| if l == h { l.to_string() } else { format!("{l}-{h}") })
            .collect();
        text.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_round_trip_in_the_kernels_form() {
        for text in ["", "80", "80,443,8000-8100", "0-1,65534-65535"] {
            assert_eq!(PortSet::parse(text).unwrap().text(), text);
        }
        assert_eq!(PortSet::parse("5,4,3").unwrap().text(), "3-5");
        let set = PortSet::parse("0,63-64,8000-8100,65535").unwrap();
        for (low, high, want) in [
            (8050, 9000, 51),
            (0, 65535, 105),
            (64, 64, 1),
            (63, 63, 1),
            (1, 62, 0),
            (8050, 8050, 1),
            (65535, 65535, 1),
        ] {
            assert_eq!(set.count_in(low, high), want, "{low} to {high}");
        }
        // 63, 65535 and the odd ones of 8000 to 8100; 0, 64 and the even ones.
        assert_eq!((set.count_parity(1, 65535), set.count_parity(0, 65535)), (52, 53));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bad in ["a", "5-3", "70000", "1-2-3", "0-65535,0-65535,1"] {
            assert!(PortSet::parse(bad).is_none(), "{bad}");
        }
    }
}
