//! The addresses that a network namespace calls its own.

use super::endpoint::Addr;

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The first of them, IPv4 as mapped to IPv6.
    pub addr: Addr,
    /// How many bits all have in common, of 128.
    pub length: u8,
}

impl Prefix {
    /// Whether an address is one of them.
    pub fn has(&self, addr: Addr) -> bool {
        let bits = |a: Addr| u128::from_be_bytes(a.0);
        let differ = bits(self.addr) ^ bits(addr);
        differ.checked_shr(128 - u32::from(self.length.min(128))).unwrap_or(0) == 0
    }
}

/// The routes of a namespace to itself, of one family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// Those that hold for whatever comes.
    plain: Vec<Prefix>,
    /// Those of tables that a rule of policy routing may lead to.
    by_rule: Vec<Prefix>,
}

impl Routes {
    /// Adds one.
    pub fn add(&mut self, prefix: Prefix, by_rule: bool) {
        if by_rule { &mut self.by_rule } else { &mut self.plain }.push(prefix);
    }

    /// Whether connections to an address stay here; `None` if that is up to a rule.
    pub fn has(&self, addr: Addr) -> Option<bool> {
        let any = |of: &[Prefix]| of.iter().any(|p| p.has(addr));
        if any(&self.plain) {
            return Some(true);
        }
        (!any(&self.by_rule)).then_some(false)
    }
}

/// The addresses of a namespace; `None` of a family if they could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Of IPv4.
    pub v4: Option<Routes>,
    /// Of IPv6.
    pub v6: Option<Routes>,
}

impl Addresses {
    /// Whether connections to an address stay here.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn has(&self, addr: Addr) -> Result<bool, &'static str> {
        let routes = if addr.as_v4().is_some() { &self.v4 } else { &self.v6 };
        let routes = routes.as_ref().ok_or("which addresses are here could not be read")?;
        routes.has(addr).ok_or(
            "whether it is an address of this network namespace is up to rules of policy routing",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_what_begins_like_it() {
        let of = |a: [u8; 4], length| Prefix { addr: Addr::v4(a), length };
        assert!(of([10, 0, 0, 0], 104).has(Addr::v4([10, 1, 2, 3])));
        assert!(!of([10, 0, 0, 0], 104).has(Addr::v4([11, 0, 0, 0])));
        assert!(of([10, 0, 0, 1], 128).has(Addr::v4([10, 0, 0, 1])));
        assert!(!of([10, 0, 0, 1], 128).has(Addr::v4([10, 0, 0, 2])));
        assert!(Prefix { addr: Addr([0; 16]), length: 0 }.has(Addr([7; 16])));
        assert!(Addresses::default().has(Addr::v4([10, 0, 0, 1])).is_err());
    }
}
