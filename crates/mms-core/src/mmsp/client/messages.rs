//! The messages of the client, and how they are written.

use core::fmt::{self, Write as _};
use core::net::SocketAddr;
use core::time::Duration;

use super::config::{Config, Play, Position, Until};
use super::event::Content;
use super::log;
use super::session::Statistics;
use super::state::Intent;
use crate::asf::{StreamInfo, StreamTable};
use crate::error::BufferTooSmall;
use crate::mmsp::udp;
use crate::mmsp::wire::{
    self, CancelReadBlock, CloseFile, Connect, ConnectFunnel, FunnelInfo, FunnelNameBuf, FunnelTransport,
    Message, OpenFile, ReadBlock, ServerVersion, StartPlaying, StartStriding, StopPlaying, StreamEntries,
    StreamSwitch, StreamSwitchEntry,
};
use crate::selection::Thinning;
use crate::text::{Fixed, Text};

/// The strings of a session, which live with the host.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Name or address of the server, with the port if it is not the default one.
    pub host: &'a str,
    /// Path without the leading slash, percent-decoded.
    pub path: &'a str,
    /// The whole URL, for the client log.
    pub url: &'a str,
}

/// What messages say besides the host's strings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) local: Option<SocketAddr>,
    /// our port for media, if that is to come in datagrams
    pub(super) udp_port: Option<u16>,
    pub(super) header_incarnation: u8,
    pub(super) version: ServerVersion,
    pub(super) content: Option<Content>,
    pub(super) streams: Option<&'a StreamTable>,
    pub(super) open_file_id: u32,
    pub(super) next_header_incarnation: u8,
    pub(super) next_play_incarnation: u8,
    /// that of the latest start
    pub(super) play_incarnation: u8,
    pub(super) play: &'a Play,
    /// since the last Logging
    pub(super) received: Statistics,
    /// what came in datagrams since the last Logging
    pub(super) reception: Option<udp::Statistics>,
    pub(super) start_ms: u32,
    pub(super) played_ms: u32,
}

/// Writes one message as a packet.
pub(super) fn encode(
    intent: Intent,
    facts: &Facts<'_>,
    target: &Target<'_>,
    seq: u16,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let packet_pair = facts.config.packet_pair;
    let open_file_id = facts.open_file_id;
    let message = match intent {
        Intent::Connect => return connect(facts, target, seq, out),
        Intent::FunnelInfo => Message::FunnelInfo(FunnelInfo {
            play_incarnation: match (packet_pair, facts.udp_port) {
                (false, _) => wire::MMS_DISABLE_PACKET_PAIR,
                (true, None) => wire::MMS_PACKET_PAIR_TCP_HIGH_ENTROPY,
                (true, Some(_)) => wire::MMS_PACKET_PAIR_UDP_HIGH_ENTROPY,
            },
        }),
        Intent::ConnectFunnel => return connect_funnel(facts, seq, out),
        Intent::OpenFile => Message::OpenFile(OpenFile {
            play_incarnation: u32::from(facts.next_play_incarnation),
            spare: 0,
            file_name: Text::Str(target.path),
            token_data: &[],
        }),
        Intent::ReadBlock => Message::ReadBlock(ReadBlock {
            open_file_id,
            file_block_id: 0,
            offset: 0,
            length: 0x8000,
            flags: 0xFFFF_FFFF,
            t_earliest: 0.0,
            t_deadline: 3600.0,
            play_incarnation: u32::from(facts.next_header_incarnation),
            play_sequence: 0,
        }),
        Intent::CancelReadBlock => Message::CancelReadBlock(CancelReadBlock {
            play_incarnation: u32::from(facts.header_incarnation),
        }),
        Intent::SwitchAll => return switch_all(facts, seq, out),
        Intent::SwitchOne(entry) => {
            let entries = [entry];
            let message = Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(&entries) });
            return wire::encode_packet(&message, seq, out);
        }
        Intent::Start => start(facts),
        Intent::Stop => Message::StopPlaying(StopPlaying {
            open_file_id,
            play_incarnation: u32::from(facts.play_incarnation),
        }),
        Intent::Log => return logging(facts, target, seq, out),
        Intent::Close => Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id }),
        Intent::Pong => Message::Pong,
    };
    wire::encode_packet(&message, seq, out)
}

fn connect(
    facts: &Facts<'_>,
    target: &Target<'_>,
    seq: u16,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let player = &facts.config.player;
    let mut name = Fixed::<96>::default();
    let [a, b, c, d] = player.version;
    // formatting into a buffer that is large enough cannot fail
    let _ = write!(name, "NSPlayer/{a}.{b}.{c}.{d}; {{{}}}; Host: ", Guid(&player.guid));
    let parts = [name.as_str(), target.host];
    let message = Message::Connect(Connect {
        play_incarnation: if facts.config.packet_pair {
            wire::MMS_USE_PACKET_PAIR
        } else {
            wire::MMS_DISABLE_PACKET_PAIR
        },
        mac_to_viewer_protocol_revision: wire::MAC_TO_VIEWER_PROTOCOL_REVISION,
        viewer_to_mac_protocol_revision: wire::VIEWER_TO_MAC_PROTOCOL_REVISION,
        subscriber_name: Text::Parts(&parts),
    });
    wire::encode_packet(&message, seq, out)
}

fn connect_funnel(facts: &Facts<'_>, seq: u16, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
    // the address means nothing to the server, nor does the port over TCP (section 3.2.5.5)
    let local = facts.local.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 1755)));
    let (transport, port) = match facts.udp_port {
        Some(port) => (FunnelTransport::Udp, port),
        None => (FunnelTransport::Tcp, local.port()),
    };
    let name = FunnelNameBuf::new(transport, local.ip(), port);
    let message = Message::ConnectFunnel(ConnectFunnel {
        play_incarnation: 0,
        max_block_bytes: 0xFFFF_FFFF,
        max_funnel_bytes: 0,
        max_bit_rate: 10_000_000,
        funnel_mode: 2,
        funnel_name: name.as_text(),
    });
    wire::encode_packet(&message, seq, out)
}

/// The complete selection of all streams of the header (section 3.1.4.2).
fn switch_all(facts: &Facts<'_>, seq: u16, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let mut entries = [entry(0, Thinning::Nothing); 127];
    let mut count = 0_usize;
    let streams = facts.streams.into_iter().flat_map(StreamTable::iter);
    for (slot, StreamInfo { number, .. }) in entries.iter_mut().zip(streams) {
        let number = u16::from(number);
        *slot = entry(number, facts.play.selection.level(number));
        count = count.saturating_add(1);
    }
    let entries = entries.get(..count).unwrap_or_default();
    let message = Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(entries) });
    wire::encode_packet(&message, seq, out)
}

/// One entry of a StreamSwitch (section 2.2.4.28).
pub(super) fn entry(stream: u16, level: Thinning) -> StreamSwitchEntry {
    let (src_stream_number, dst_stream_number, thinning_level) = match level {
        Thinning::Full => (wire::NO_STREAM, stream, wire::THINNING_NONE),
        Thinning::KeyFrames => (wire::NO_STREAM, stream, wire::THINNING_KEY_FRAMES),
        Thinning::Nothing => (stream, wire::NO_STREAM, 0),
    };
    StreamSwitchEntry { src_stream_number, dst_stream_number, thinning_level }
}

/// StartPlaying or StartStriding (sections 2.2.4.25 and 2.2.4.26).
fn start(facts: &Facts<'_>) -> Message<'static> {
    let play = facts.play;
    // some servers answer a request behind the last packet with nothing at all (digest 8.3)
    let last = facts.content.and_then(|content| content.packet_count).map(|count| count.saturating_sub(1));
    let last = last.and_then(|last| u32::try_from(last).ok()).unwrap_or(u32::MAX);
    let (position, asf_offset, location_id) = match play.from {
        Position::Packet(number) if number.min(last) > 0 => {
            (wire::POSITION_NOT_USED, wire::START_NOT_USED, number.min(last))
        }
        Position::Offset(offset) if offset > 0 => (wire::POSITION_NOT_USED, offset, wire::START_NOT_USED),
        Position::Time(time) => (time.as_secs_f64(), wire::START_NOT_USED, wire::START_NOT_USED),
        // packet 0 cannot be asked for by number (OPEN-4)
        _ => (0.0, wire::START_NOT_USED, wire::START_NOT_USED),
    };
    let frame_offset = match play.until {
        None => 0,
        Some(Until::Time(time)) => milliseconds(time),
        Some(Until::AfterStart(time)) => milliseconds(time) | 0x8000_0000,
    };
    let play_incarnation = u32::from(facts.next_play_incarnation);
    let open_file_id = facts.open_file_id;
    if let Some(rate) = play.rate {
        return Message::StartStriding(StartStriding {
            open_file_id,
            position,
            asf_offset,
            location_id,
            frame_offset: 0,
            play_incarnation,
            rate,
        });
    }
    let acceleration = play.acceleration.filter(|_| facts.version.major >= 9);
    Message::StartPlaying(StartPlaying {
        open_file_id,
        position,
        asf_offset,
        location_id,
        frame_offset,
        play_incarnation,
        acceleration: acceleration.map(|wanted| wire::Acceleration {
            accel_bandwidth: wanted.bandwidth,
            accel_duration: milliseconds(wanted.duration),
            link_bandwidth: wanted.link_bandwidth,
        }),
    })
}

fn logging(
    facts: &Facts<'_>,
    target: &Target<'_>,
    seq: u16,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let mut pid = Fixed::<40>::default();
    let _ = write!(pid, "{{{}}}", Guid(&facts.config.player.guid));
    let input = log::Input {
        url: target.url,
        unique_pid: pid.as_str(),
        player: facts.config.player,
        open_file_id: facts.open_file_id,
        content: facts.content,
        statistics: facts.received,
        reception: facts.reception,
        start_ms: facts.start_ms,
        played_ms: facts.played_ms,
        rate: facts.play.rate,
    };
    log::encode(seq, out, &input)
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX).min(0x7FFF_FFFF)
}

/// A player id in the usual form of a GUID.
struct Guid<'a>(&'a [u8; 16]);

impl fmt::Display for Guid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_char('-')?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}
