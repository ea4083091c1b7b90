//! Which side resets, and why: the story behind the counters.

use crate::rules::Evidence;

/// What happened between two looks.
pub(super) struct Resets {
    pub(super) established: u64,
    pub(super) on_close: u64,
    pub(super) on_data: u64,
    pub(super) others: u64,
    pub(super) sent: u64,
    pub(super) refused_us: u64,
    pub(super) handshakes: u64,
    pub(super) opened: u64,
}

/// Title, why it matters, what to do.
pub(super) type Story = (String, &'static str, &'static str);

impl Resets {
    /// What the counters say; `None` without those that every kernel has.
    pub(super) fn measured(evidence: &Evidence<'_>) -> Option<Resets> {
        let grew = |name: &str| evidence.grew(name);
        let optional = |name: &str| evidence.grew(name).unwrap_or_default();
        let handshakes = optional("TcpExt.EmbryonicRsts");
        Some(Resets {
            established: grew("Tcp.EstabResets")?,
            on_close: optional("TcpExt.TCPAbortOnClose"),
            on_data: optional("TcpExt.TCPAbortOnData"),
            others: optional("TcpExt.TCPAbortOnTimeout")
                + optional("TcpExt.TCPAbortOnMemory")
                + optional("TcpExt.TCPAbortOnLinger"),
            sent: grew("Tcp.OutRsts")?,
            // Connects that ran into their time count as failed too, and nobody refused them.
            refused_us: grew("Tcp.AttemptFails")?
                .saturating_sub(handshakes + optional("TcpExt.TCPAbortOnTimeout")),
            handshakes,
            opened: grew("Tcp.ActiveOpens")? + grew("Tcp.PassiveOpens")?,
        })
    }

    /// The first story that `much` lets pass, given how many events a second are much.
    pub(super) fn story(&self, seconds: f64, much: impl Fn(u64) -> bool) -> Option<Story> {
        let per_second = |n: u64| n as f64 / seconds;
        let ours = self.on_close + self.on_data;
        // Resets that no abort of ours explains: nobody listens, or the connection is long gone.
        let refusals = self.sent.saturating_sub(ours + self.others);
        let by_us = self.established > 0 && ours * 2 >= self.established;
        let resets = per_second(self.established);
        if much(self.established) && by_us && self.on_close >= self.on_data {
            Some((
                format!(
                    "{resets:.0} connections a second are reset by this side: closed with unread data"
                ),
                "close() with data unread sends a reset in place of a FIN: the peer loses what was under way.",
                "read until recv() returns 0 before close(), or shutdown(SHUT_WR) first; do not answer early and close on a request that is still coming",
            ))
        } else if much(self.established) && by_us {
            Some((
                format!("{resets:.0} connections a second are reset by this side: SO_LINGER 0"),
                "A socket with SO_LINGER 0 is reset by close(): what the peer has not received yet is lost.",
                "take SO_LINGER 0 out; it saves a TIME_WAIT and loses the ends of answers",
            ))
        } else if much(self.established) {
            Some((
                format!("{resets:.0} open connections a second are reset by their peers"),
                "The peers give up before this side is done: their timeouts are shorter, or they crash.",
                "compare the timeouts of both sides, and look into the peers' logs",
            ))
        } else if much(self.refused_us) {
            Some((
                format!("{:.0} connects a second are refused", per_second(self.refused_us)),
                "Whoever connects there gets ECONNREFUSED at once: nobody listens, or a firewall rejects.",
                "see whether the service on the other side runs; let retries wait longer each time",
            ))
        } else if much(refusals) {
            Some((
                format!(
                    "{:.0} segments a second are answered by a reset: nobody listens, or the connection is gone",
                    per_second(refusals)
                ),
                "Clients connect to a port without a listener, or still use connections that this side has forgotten.",
                "see to which ports they connect (tcpdump 'tcp[tcpflags] & tcp-rst != 0'), and whether a service is missing",
            ))
        } else {
            None
        }
    }
}
