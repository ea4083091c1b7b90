//! Texts of /etc that give names to numbers: passwd(5), services(5), hosts(5); read without NSS, which a static program has not.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::endpoint::Addr;
use crate::model::text::Text;

/// User names by id; the first of an id counts.
pub fn users(text: &[u8]) -> BTreeMap<u32, Text> {
    let mut users = BTreeMap::new();
    for line in text.split(|b| *b == b'\n') {
        let mut words = line.split(|b| *b == b':');
        let (name, uid) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        let uid = std::str::from_utf8(uid).ok().and_then(|u| u.parse().ok());
        if let Some(uid) = uid
            && !name.is_empty()
            && !name.starts_with(b"#")
        {
            users.entry(uid).or_insert_with(|| Text::new(name));
        }
    }
    users
}

/// The home of a user, by id.
pub fn home(text: &[u8], uid: u32) -> Option<String> {
    String::from_utf8_lossy(text).lines().find_map(|line| {
        let words: Vec<&str> = line.split(':').collect();
        let is_theirs = words.get(2)?.parse() == Ok(uid);
        words.get(5).filter(|home| is_theirs && home.starts_with('/')).map(ToString::to_string)
    })
}

/// Names of ports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    ports: Vec<(String, u16, bool)>,
}

impl Services {
    /// Reads services(5): `name port/protocol alias ...`.
    pub fn read(text: &[u8]) -> Services {
        let mut ports = Vec::new();
        for line in String::from_utf8_lossy(text).lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            let Some((port, protocol)) = port.split_once('/') else { continue };
            let Ok(port) = port.parse::<u16>() else { continue };
            for name in std::iter::once(name).chain(words) {
                ports.push((name.to_string(), port, protocol == "tcp"));
            }
        }
        Services { ports }
    }

    /// The port of a name: TCP's, else another's.
    pub fn port(&self, name: &str) -> Option<u16> {
        let of = |tcp: bool| self.ports.iter().find(|(n, _, t)| n == name && *t == tcp);
        of(true).or_else(|| of(false)).map(|(_, port, _)| *port)
    }

    /// The first name of every port: TCP's, or the others'.
    pub fn names(&self, tcp: bool) -> BTreeMap<u16, Text> {
        let mut names = BTreeMap::new();
        for (name, port, _) in self.ports.iter().filter(|(_, _, t)| *t == tcp) {
            names.entry(*port).or_insert_with(|| Text::new(name.as_bytes()));
        }
        names
    }

    /// Every name, for hints.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.ports.iter().map(|(name, _, _)| name.as_str())
    }
}

/// Every name of every address, in the order of the file.
pub fn hosts(text: &[u8]) -> Vec<(String, Addr)> {
    let mut hosts = Vec::new();
    for line in String::from_utf8_lossy(text).lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let addr = match words.next().map(str::parse) {
            Some(Ok(IpAddr::V4(v4))) => Addr::v4(v4.octets()),
            Some(Ok(IpAddr::V6(v6))) => Addr(v6.octets()),
            Some(Err(_)) | None => continue,
        };
        hosts.extend(words.map(|name| (name.to_string(), addr)));
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_found_and_rubbish_is_passed_over() {
        let users = users(b"root:x:0:0::/:/bin/sh\ntoor:x:0:0\n#x:x:7\nbroken\n:x:8\nw\x1b:x:9:\n");
        assert_eq!(users.len(), 2);
        assert_eq!(home(b"x\nme:x:7:7::/home/me:/bin/sh\n", 7).as_deref(), Some("/home/me"));
        assert_eq!((home(b"me:x:7:7::home:\n", 7), home(b"me:x:7:7::/home:\n", 8)), (None, None));
        assert_eq!((users[&0].as_str(), users[&9].as_str()), ("root", "w\\x1b"));
        let services =
            Services::read(b"ssh 22/tcp # x\ndomain 53/udp\nhttp 80/tcp www\nbad x/tcp\n");
        assert_eq!((services.port("ssh"), services.port("www")), (Some(22), Some(80)));
        assert_eq!((services.port("domain"), services.port("x")), (Some(53), None));
        assert_eq!(services.names(true)[&80].as_str(), "http");
        assert_eq!(services.names(false)[&53].as_str(), "domain");
        let hosts = hosts(b"127.0.0.1 localhost me\n::1 localhost6 # x\nx y\n");
        let names: Vec<_> = hosts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["localhost", "me", "localhost6"]);
        assert_eq!(hosts[1].1, Addr::v4([127, 0, 0, 1]));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (users(&text), Services::read(&text), hosts(&text));
        }
    }
}
