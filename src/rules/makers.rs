//! Who made the sockets that no process holds any more, as far as it can be concluded; and it is always said that it is.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Evidence;
use super::pools::users_sentence;
use super::who::names;
use crate::model::culprit::{Culprit, users};
use crate::model::endpoint::place;
use crate::model::owner::Provenance;
use crate::model::ports::Pool;
use crate::model::socket::Socket;
use crate::model::text::Text;
use crate::phrase::{duration, number};

/// Who uses a pool, most first, and the sentence that says so.
pub(super) struct Users {
    pub(super) list: Vec<(Culprit, u32)>,
    pub(super) said: String,
}

impl Users {
    /// The culprits alone.
    pub(super) fn culprits(self) -> Vec<Culprit> {
        self.list.into_iter().map(|(culprit, _)| culprit).collect()
    }
}

/// Who has connections in a pool now; where nobody has, who most likely had.
pub(super) fn of_pool(evidence: &Evidence<'_>, pool: &Pool) -> Users {
    let live = users(evidence.now, &pool.inodes);
    let (made, left) = by_cookie(evidence, members(evidence, pool));
    let before = before(evidence);
    if !live.is_empty() {
        let mut said = users_sentence(&live, "to it");
        if !made.is_empty() {
            let made = names(&made);
            said.push_str(&format!(
                " Of the {} that no process holds, these were held {before}: {made}.",
                number(left)
            ));
        }
        return Users { list: live, said };
    }
    let nobody = users_sentence(&[], "to it");
    if !made.is_empty() {
        let said = format!(
            "{nobody} Inferred: of {} left, these were held {before}: {}.",
            number(left),
            names(&made)
        );
        return Users { list: made, said };
    }
    let to = pool.destination;
    match users(evidence.now, &elsewhere(evidence, pool)).as_slice() {
        [(only, n)] if only.pid.is_some() => {
            let only = Culprit { provenance: Provenance::Inferred, ..only.clone() };
            let said = format!(
                "{nobody} Inferred: {} alone has connections to {} from another address.",
                only.name(),
                place(to.peer_addr, to.peer_port)
            );
            Users { list: vec![(only, *n)], said }
        }
        _ => Users { list: Vec::new(), said: nobody },
    }
}

/// Who held some sockets before that nobody holds now, as a sentence; `None` if there was no earlier look, or it saw none of them.
pub(super) fn sentence<'a>(
    evidence: &Evidence<'_>,
    sockets: impl Iterator<Item = &'a Socket>,
) -> Option<String> {
    let (made, left) = by_cookie(evidence, sockets);
    let before = before(evidence);
    (!made.is_empty()).then(|| {
        format!("Inferred: of {}, these were held {before}: {}.", number(left), names(&made))
    })
}

/// Inodes of live connections to a pool's destination from other addresses of ours.
pub(super) fn elsewhere(evidence: &Evidence<'_>, pool: &Pool) -> Vec<u32> {
    let to = pool.destination;
    let same = |s: &&Socket| s.peer_port == to.peer_port && s.peer_addr == to.peer_addr;
    evidence.now.sockets.iter().filter(same).map(|s| s.inode).filter(|i| *i != 0).collect()
}

/// The sockets of a pool that no process holds.
fn members<'a>(
    evidence: &'a Evidence<'_>,
    pool: &'a Pool,
) -> impl Iterator<Item = &'a Socket> + 'a {
    let to = pool.destination;
    // Without an earlier look there is nothing to look for.
    let all = evidence.since.map(|_| evidence.now.sockets.iter()).into_iter().flatten();
    all.filter(move |s| {
        s.peer_port == to.peer_port && s.peer_addr == to.peer_addr && s.local_addr == to.local_addr
    })
}

/// Who held these sockets at the earlier look, most first; and how many there are that nobody holds now.
fn by_cookie<'a>(
    evidence: &Evidence<'_>,
    sockets: impl Iterator<Item = &'a Socket>,
) -> (Vec<(Culprit, u32)>, u64) {
    let mut made: BTreeMap<(u32, Text), u32> = BTreeMap::new();
    let mut left = 0;
    for socket in sockets.filter(|s| crate::model::makers::has_maker(s)) {
        left += 1;
        if let Some(maker) = evidence.since.and_then(|since| since.maker(socket)) {
            *made.entry(maker).or_default() += 1;
        }
    }
    let culprit = |((pid, name), n): ((u32, Text), u32)| {
        let process = Some(name).filter(|name| !name.as_str().is_empty());
        (Culprit { pid: Some(pid), process, provenance: Provenance::Inferred }, n)
    };
    let mut made: Vec<_> = made.into_iter().map(culprit).collect();
    made.sort_by_key(|(c, n)| (Reverse(*n), c.pid));
    (made, left)
}

/// How long before the earlier look was.
fn before(evidence: &Evidence<'_>) -> String {
    let ms = evidence.since.map_or(0, |s| s.elapsed_ms);
    format!("{} before", duration(ms.into()))
}
