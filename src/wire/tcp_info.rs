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

/// Copies the facts that `info` holds into `detail`.
pub fn read(info: &[u8], detail: &mut Detail) {
    detail.options = info.get(OPTIONS).copied();
    detail.last_data_sent_ms = u32_at(info, LAST_DATA_SENT);
    detail.last_data_recv_ms = u32_at(info, LAST_DATA_RECV);
    detail.last_ack_recv_ms = u32_at(info, LAST_ACK_RECV);
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
