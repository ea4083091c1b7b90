//! `struct tcp_info` (include/uapi/linux/tcp.h), read by offset: every kernel sends another length, and what it did not send is
//! unknown.

use super::u32_at;
use crate::model::socket::Detail;

/// Offset of `tcpi_options`.
const OPTIONS: usize = 5;
/// Offset of `tcpi_last_data_sent`, milliseconds.
pub const LAST_DATA_SENT: usize = 44;
/// Offset of `tcpi_last_data_recv`, milliseconds.
pub const LAST_DATA_RECV: usize = 52;
/// Offset of `tcpi_last_ack_recv`, milliseconds.
const LAST_ACK_RECV: usize = 56;
/// Offset of `tcpi_backoff`.
const BACKOFF: usize = 4;
/// Offset of `tcpi_snd_mss`.
const SND_MSS: usize = 16;
/// Offset of `tcpi_unacked`.
const UNACKED: usize = 24;
/// Offset of `tcpi_pmtu`.
const PMTU: usize = 60;
/// Offset of `tcpi_rtt`, microseconds.
const RTT: usize = 68;
/// Offset of `tcpi_total_retrans`.
const TOTAL_RETRANS: usize = 100;
/// Offset of `tcpi_bytes_acked`.
const BYTES_ACKED: usize = 120;
/// Offset of `tcpi_data_segs_out`.
const DATA_SEGS_OUT: usize = 156;
/// Offset of `tcpi_snd_wnd`.
const SND_WND: usize = 228;
/// Offset of `tcpi_rcv_wnd`.
const RCV_WND: usize = 232;

/// Copies the facts that `info` holds into `detail`.
pub fn read(info: &[u8], detail: &mut Detail) {
    detail.options = info.get(OPTIONS).copied();
    detail.last_data_sent_ms = u32_at(info, LAST_DATA_SENT);
    detail.last_data_recv_ms = u32_at(info, LAST_DATA_RECV);
    detail.last_ack_recv_ms = u32_at(info, LAST_ACK_RECV);
    detail.backoff = info.get(BACKOFF).copied();
    detail.snd_mss = u32_at(info, SND_MSS);
    detail.unacked = u32_at(info, UNACKED);
    detail.pmtu = u32_at(info, PMTU);
    detail.rtt_us = u32_at(info, RTT);
    detail.total_retrans = u32_at(info, TOTAL_RETRANS);
    detail.bytes_acked = super::bytes(info, BYTES_ACKED).map(u64::from_ne_bytes);
    detail.data_segs_out = u32_at(info, DATA_SEGS_OUT);
    detail.snd_wnd = u32_at(info, SND_WND);
    detail.rcv_wnd = u32_at(info, RCV_WND);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_gives_what_it_holds() {
        let mut info = [0u8; 280];
        info[44] = 1;
        info[52] = 2;
        info[56] = 3;
        for (length, want) in [
            (0, (None, None, None)),
            (48, (Some(1), None, None)),
            (59, (Some(1), Some(2), None)),
            (60, (Some(1), Some(2), Some(3))),
            (104, (Some(1), Some(2), Some(3))),
            (280, (Some(1), Some(2), Some(3))),
        ] {
            let mut d = Detail::default();
            read(&info[..length], &mut d);
            assert_eq!(
                (d.last_data_sent_ms, d.last_data_recv_ms, d.last_ack_recv_ms),
                want,
                "{length}"
            );
        }
    }
}
