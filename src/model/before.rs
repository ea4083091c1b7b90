//! Which sockets were there at an earlier look, by their cookies: 8 bytes a socket.

use super::socket::Socket;

/// The cookie of sockets that were not given one.
const NO_COOKIE: u64 = u64::MAX;

/// The sockets of an earlier look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before {
    /// Sorted.
    cookies: Vec<u64>,
    /// Whether every socket was seen and had a cookie: else one that is not known may have been there all the same.
    is_whole: bool,
}

impl Before {
    /// Of these cookies; `is_whole` if the table was read whole.
    pub fn of(cookies: impl IntoIterator<Item = u64>, is_whole: bool) -> Before {
        let mut cookies: Vec<u64> = cookies.into_iter().collect();
        cookies.sort_unstable();
        let all_had = cookies.last() != Some(&NO_COOKIE);
        cookies.dedup();
        Before { cookies, is_whole: is_whole && all_had }
    }

    /// Whether a socket was not there. A socket keeps its cookie from its first state into TIME_WAIT. `None` if that cannot be told.
    pub fn is_new(&self, socket: &Socket) -> Option<bool> {
        if socket.cookie == NO_COOKIE {
            return None;
        }
        match self.cookies.binary_search(&socket.cookie) {
            Ok(_) => Some(false),
            Err(_) => self.is_whole.then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::State;
    use super::super::testing::socket;
    use super::*;

    #[test]
    fn what_had_no_cookie_or_was_not_seen_is_not_new() {
        let with =
            |cookie| Socket { cookie, ..socket(State::CloseWait, "127.0.0.1:80", "127.0.0.1:9") };
        let before = Before::of([9, 5, 7], true);
        let answers = [5, 6, 7, NO_COOKIE].map(|c| before.is_new(&with(c)));
        assert_eq!(answers, [Some(false), Some(true), Some(false), None]);
        let cut = Before::of([9], false);
        assert_eq!([9, 6].map(|c| cut.is_new(&with(c))), [Some(false), None]);
        let by_proc = Before::of([9, NO_COOKIE], true);
        assert_eq!(by_proc.is_new(&with(6)), None);
    }
}
