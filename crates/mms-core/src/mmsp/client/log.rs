//! The client log that a session writes about itself (section 2.2.4.20).

use super::config::Player;
use super::event::Content;
use super::session::Statistics;
use crate::error::BufferTooSmall;
use crate::mmsp::udp;
use crate::mmsp::wire::{self, ClientLog, ClientLogInfo, Message};

pub(super) struct Input<'a> {
    pub(super) url: &'a str,
    pub(super) unique_pid: &'a str,
    pub(super) player: Player,
    pub(super) open_file_id: u32,
    pub(super) content: Option<Content>,
    pub(super) statistics: Statistics,
    /// what came in datagrams
    pub(super) reception: Option<udp::Statistics>,
    /// send time of the first packet
    pub(super) start_ms: u32,
    pub(super) played_ms: u32,
    pub(super) rate: Option<f64>,
}

pub(super) fn encode(seq: u16, out: &mut [u8], input: &Input<'_>) -> Result<usize, BufferTooSmall> {
    let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let duration = input.content.and_then(|content| content.duration).unwrap_or_default();
    let reception = input.reception.unwrap_or_default();
    let [a, b, c, d] = input.player.version.map(u64::from);
    let log = ClientLog {
        info: ClientLogInfo {
            url: input.url.into(),
            client_version: a << 48 | b << 32 | c << 16 | d,
            lang: "en-US".into(),
            unique_pid: input.unique_pid.into(),
            host_exe: "mms".into(),
            file_duration_ms: u32::try_from(duration.as_millis()).unwrap_or(u32::MAX),
            start_time_ms: input.start_ms,
            played_ms: input.played_ms,
            rate: input.rate.map_or(1, whole_rate),
            bytes_received: input.statistics.bytes_received,
            packets_received: count(input.statistics.packets_received),
            packets_lost_client: count(reception.packets_lost_client),
            min_reception_quality: reception.min_reception_quality,
            ..ClientLogInfo::default()
        },
        source_id: input.open_file_id,
        ip_address: 0xFFFF_FFFF,
        proto: "mms".into(),
        transport: if input.reception.is_some() { "UDP" } else { "TCP" }.into(),
        packets_lost_net: count(reception.packets_lost_net),
        packets_lost_cont_net: count(reception.packets_lost_cont_net),
        resend_requests: count(reception.resend_requests),
        packets_recovered_resent: count(reception.packets_recovered_resent),
        packets_resent: count(reception.packets_resent),
        ..ClientLog::default()
    };
    wire::encode_packet(&Message::Logging(log), seq, out)
}

/// The rate as the log has it; it was checked to lie within -5.0 to 5.0.
fn whole_rate(rate: f64) -> i16 {
    (-5..=5).rev().find(|whole| f64::from(*whole) <= rate).unwrap_or(-5)
}
