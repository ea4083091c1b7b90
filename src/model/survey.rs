//! One pass over the table that sorts out the few sockets which rules look at closely, so that no rule goes through all of them again.

use super::Snapshot;
use super::socket::{Socket, Timer};
use super::state::State;

/// Rows of the table by what is noteworthy about them. A row number finds its socket by [`Survey::sockets`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Sockets by state, in the order of [`State::ALL`].
    pub by_state: [u64; 12],
    /// Listeners.
    pub listen: Vec<u32>,
    /// Connections that wait to be accepted.
    pub unaccepted: Vec<u32>,
    /// CLOSE_WAIT.
    pub close_wait: Vec<u32>,
    /// SYN_SENT.
    pub syn_sent: Vec<u32>,
    /// SYN_RECV.
    pub syn_recv: Vec<u32>,
    /// FIN_WAIT1, CLOSING and LAST_ACK: our FIN is not acknowledged.
    pub fin_unacknowledged: Vec<u32>,
    /// FIN_WAIT2, whether a process holds it, an orphan waits, or a bucket stands for it.
    pub fin_wait2: Vec<u32>,
    /// Established or CLOSE_WAIT, with data sent more than once and not acknowledged.
    pub retransmitting: Vec<u32>,
    /// Established or CLOSE_WAIT, whose keepalive probes are not answered.
    pub probing: Vec<u32>,
    /// Established or CLOSE_WAIT, which may not send because the peer's window is zero.
    pub window_closed: Vec<u32>,
    /// Established with data that the application has not read.
    pub unread: Vec<u32>,
    /// Established toward another host, held by a process, without a timer: keepalive is off, and nothing is on its way.
    pub without_keepalive: Vec<u32>,
    /// Established toward another host, held by a process, with keepalive as the running timer.
    pub with_keepalive: Vec<u32>,
    /// Full sockets, which `sockstat` counts as allocated.
    pub full: u64,
    /// Bound and not connected.
    pub bound: u64,
}

impl Survey {
    /// Looks at every socket once.
    pub fn of(snapshot: &Snapshot) -> Survey {
        let mut survey = Survey::default();
        for (row, socket) in (0u32..).zip(snapshot.sockets.iter()) {
            survey.sort(row, socket);
        }
        survey
    }

    fn sort(&mut self, row: u32, s: &Socket) {
        if let Some(count) = self.by_state.get_mut(s.state.index()) {
            *count += 1;
        }
        let bucket = matches!(s.state, State::TimeWait | State::SynRecv);
        self.full += u64::from(!bucket && s.timer != Timer::TimeWait);
        match s.state {
            State::TimeWait | State::Close => {}
            State::BoundInactive => self.bound += 1,
            State::Listen => self.listen.push(row),
            State::SynSent => self.syn_sent.push(row),
            State::SynRecv => self.syn_recv.push(row),
            State::FinWait1 | State::Closing | State::LastAck => self.fin_unacknowledged.push(row),
            State::FinWait2 => self.fin_wait2.push(row),
            State::CloseWait | State::Established if s.inode == 0 => {
                self.unaccepted.push(row);
                if s.state == State::CloseWait {
                    self.close_wait.push(row);
                }
            }
            State::CloseWait => {
                self.close_wait.push(row);
                self.trouble(row, s);
            }
            State::Established => {
                self.trouble(row, s);
                if s.recv_queue > 0 {
                    self.unread.push(row);
                } else if s.send_queue == 0 && !s.is_on_this_host() {
                    match s.timer {
                        Timer::Off => self.without_keepalive.push(row),
                        Timer::Keepalive => self.with_keepalive.push(row),
                        _ => {}
                    }
                }
            }
        }
    }

    /// What the timer of a connection in use says.
    fn trouble(&mut self, row: u32, s: &Socket) {
        match s.timer {
            Timer::Retransmit if s.retries > 0 => self.retransmitting.push(row),
            Timer::Keepalive if s.retries > 0 => self.probing.push(row),
            Timer::Probe => self.window_closed.push(row),
            _ => {}
        }
    }

    /// The number of sockets in a state.
    pub fn count(&self, state: State) -> u64 {
        self.by_state.get(state.index()).copied().unwrap_or_default()
    }

    /// The sockets of some rows.
    pub fn sockets<'a>(
        snapshot: &'a Snapshot,
        rows: &'a [u32],
    ) -> impl Iterator<Item = (u32, &'a Socket)> + Clone {
        rows.iter().filter_map(|row| Some((*row, snapshot.sockets.get(*row)?)))
    }

    /// At most `most` of some rows, spread evenly over them.
    pub fn spread(rows: &[u32], most: usize) -> impl Iterator<Item = u32> + '_ {
        let step = rows.len().div_ceil(most.max(1)).max(1);
        rows.iter().step_by(step).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fresh, listener, socket, time_wait};
    use super::*;

    #[test]
    fn every_socket_goes_where_the_rules_look_for_it() {
        let mut s = fresh();
        s.sockets.push(listener("0.0.0.0:80", 0, 5));
        s.sockets.push(time_wait("10.0.0.1:1", "10.0.0.2:2", 5));
        let mut add = |state, timer, retries, recv_queue, peer: &str| {
            let mut x = socket(state, "10.0.0.1:9", peer);
            (x.timer, x.retries, x.recv_queue, x.inode) = (timer, retries, recv_queue, 5);
            s.sockets.push(x);
        };
        let far = "10.0.0.2:80";
        add(State::Established, Timer::Off, 0, 0, far);
        add(State::Established, Timer::Off, 0, 0, "10.0.0.1:80");
        add(State::Established, Timer::Keepalive, 0, 0, far);
        add(State::Established, Timer::Keepalive, 2, 0, far);
        add(State::Established, Timer::Retransmit, 0, 0, far);
        add(State::Established, Timer::Retransmit, 1, 0, far);
        add(State::CloseWait, Timer::Probe, 0, 0, far);
        add(State::Established, Timer::Off, 0, 7, far);
        let survey = Survey::of(&s);
        assert_eq!((&survey.listen, &survey.without_keepalive), (&vec![0], &vec![2]));
        assert_eq!((&survey.with_keepalive, &survey.probing), (&vec![4, 5], &vec![5]));
        assert_eq!((&survey.retransmitting, &survey.window_closed), (&vec![7], &vec![8]));
        assert_eq!((&survey.close_wait, &survey.unread), (&vec![8], &vec![9]));
        assert_eq!((survey.count(State::Established), survey.full), (7, 9));
        let (row, found) = Survey::sockets(&s, &survey.unread).next().unwrap();
        assert_eq!((row, found.recv_queue), (9, 7));
    }

    #[test]
    fn a_sample_is_spread_over_all_rows() {
        let rows: Vec<u32> = (0..10).collect();
        let some = |most| Survey::spread(&rows, most).collect::<Vec<_>>();
        assert_eq!((some(3), some(10).len(), some(99).len()), (vec![0, 4, 8], 10, 10));
    }
}
