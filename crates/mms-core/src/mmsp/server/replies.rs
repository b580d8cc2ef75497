//! The messages of the server, and how they are written.

use super::config::Content;
use crate::error::BufferTooSmall;
use crate::hresult::Hresult;
use crate::mmsp::wire::{
    self, FileAttributes, Message, ReportConnectedEx, ReportConnectedFunnel, ReportDisconnectedFunnel,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportStartStriding,
    ReportStartedPlaying, ReportStreamSwitch,
};
use crate::text::Text;

/// The file id; some clients take any other for an error (digest 5.4).
pub(super) const OPEN_FILE_ID: u32 = 1;
/// Random bytes of the three packet-pair messages (section 3.2.5.4).
pub(super) const PACKET_PAIR: [u16; 3] = [432, 432, 976];

/// A message that waits to be encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reply {
    ConnectedEx { hr: Hresult, packet_pair: bool },
    FunnelInfo { hr: Hresult, incarnation: u32, random: u16 },
    ConnectedFunnel,
    DisconnectedFunnel { hr: Hresult },
    OpenFile { hr: Hresult, incarnation: u32 },
    ReadBlock { hr: Hresult, incarnation: u32 },
    StreamSwitch { hr: Hresult },
    StartedPlaying { hr: Hresult, incarnation: u32 },
    StartStriding { hr: Hresult, incarnation: u32 },
    EndOfStream { hr: Hresult, incarnation: u32 },
    Ping,
}

impl Reply {
    /// The Report message that answers this request with an error; `None` if none does (OPEN-23).
    pub(super) fn refusal(request: &Message<'_>, hr: Hresult) -> Option<Self> {
        Some(match request {
            Message::Connect(_) => Self::ConnectedEx { hr, packet_pair: false },
            Message::FunnelInfo(_) => {
                Self::FunnelInfo { hr, incarnation: wire::MMS_DISABLE_PACKET_PAIR, random: 0 }
            }
            Message::ConnectFunnel(_) => Self::DisconnectedFunnel { hr },
            Message::OpenFile(open) => Self::OpenFile { hr, incarnation: open.play_incarnation },
            Message::SecurityResponse(response) => {
                Self::OpenFile { hr, incarnation: response.play_incarnation }
            }
            Message::ReadBlock(read) => Self::ReadBlock { hr, incarnation: read.play_incarnation },
            Message::StreamSwitch(_) => Self::StreamSwitch { hr },
            Message::StartPlaying(start) => Self::StartedPlaying { hr, incarnation: start.play_incarnation },
            Message::StartStriding(start) => Self::StartStriding { hr, incarnation: start.play_incarnation },
            Message::StopPlaying(stop) => Self::EndOfStream { hr, incarnation: stop.play_incarnation },
            _ => return None,
        })
    }
}

/// What replies say besides their own fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) version: &'a str,
    pub(super) client_id: u32,
    pub(super) content: Option<Content>,
}

/// Writes one reply as a packet. `random` is the state of the generator for packet-pair bytes.
pub(super) fn encode(
    reply: Reply,
    facts: &Facts<'_>,
    random: &mut u64,
    seq: u16,
    out: &mut [u8],
) -> Result<usize, BufferTooSmall> {
    let message = match reply {
        Reply::ConnectedEx { hr, packet_pair } => connected_ex(hr, packet_pair, facts.version),
        Reply::FunnelInfo { hr, incarnation, random: count } => {
            let mut bytes = [0_u8; 976];
            let bytes = bytes.get_mut(..usize::from(count)).unwrap_or_default();
            fill_random(random, bytes);
            let message = funnel_info(hr, incarnation, facts.client_id, bytes);
            return wire::encode_packet(&message, seq, out);
        }
        Reply::ConnectedFunnel => Message::ReportConnectedFunnel(ReportConnectedFunnel {
            hr: Hresult::S_OK,
            play_incarnation: 0,
            packet_payload_size: 0,
            funnel_name: Text::Str("Funnel Of The Gods"),
        }),
        Reply::DisconnectedFunnel { hr } => {
            Message::ReportDisconnectedFunnel(ReportDisconnectedFunnel { hr, play_incarnation: 0 })
        }
        Reply::OpenFile { hr, incarnation } => {
            let content = facts.content.filter(|_| !hr.is_failure());
            Message::ReportOpenFile(open_file(hr, incarnation, content))
        }
        Reply::ReadBlock { hr, incarnation } => {
            Message::ReportReadBlock(ReportReadBlock { hr, play_incarnation: incarnation, play_sequence: 0 })
        }
        Reply::StreamSwitch { hr } => Message::ReportStreamSwitch(ReportStreamSwitch { hr }),
        Reply::StartedPlaying { hr, incarnation } => Message::ReportStartedPlaying(ReportStartedPlaying {
            hr,
            play_incarnation: incarnation,
            tiger_file_id: OPEN_FILE_ID,
        }),
        Reply::StartStriding { hr, incarnation } => {
            Message::ReportStartStriding(ReportStartStriding { hr, play_incarnation: incarnation })
        }
        Reply::EndOfStream { hr, incarnation } => {
            Message::ReportEndOfStream(ReportEndOfStream { hr, play_incarnation: incarnation })
        }
        Reply::Ping => Message::Ping,
    };
    wire::encode_packet(&message, seq, out)
}

fn connected_ex(hr: Hresult, packet_pair: bool, version: &str) -> Message<'_> {
    Message::ReportConnectedEx(ReportConnectedEx {
        hr,
        play_incarnation: if packet_pair { wire::MMS_USE_PACKET_PAIR } else { wire::MMS_DISABLE_PACKET_PAIR },
        mac_to_viewer_protocol_revision: wire::MAC_TO_VIEWER_PROTOCOL_REVISION,
        viewer_to_mac_protocol_revision: wire::VIEWER_TO_MAC_PROTOCOL_REVISION,
        block_group_play_time: 1.0,
        block_group_blocks: 1,
        max_open_files: 1,
        block_max_bytes: 0x8000,
        max_bit_rate: 10_000_000,
        server_version_info: Some(Text::Str(version)),
        version_info: None,
        version_url: None,
        authen_package: None,
    })
}

fn funnel_info(hr: Hresult, incarnation: u32, client_id: u32, packet_pair: &[u8]) -> Message<'_> {
    Message::ReportFunnelInfo(ReportFunnelInfo {
        hr,
        play_incarnation: incarnation,
        transport_mask: 8,
        block_fragments: 1,
        fragment_bytes: 0x0001_0000,
        cubs: client_id,
        failed_cubs: 0,
        disks: 1,
        decluster: 0,
        cubdd_datagram_size: 0,
        packet_pair,
    })
}

fn open_file(hr: Hresult, incarnation: u32, content: Option<Content>) -> ReportOpenFile {
    let mut report = ReportOpenFile {
        hr,
        play_incarnation: incarnation,
        open_file_id: 0,
        file_attributes: FileAttributes::empty(),
        file_duration: 0.0,
        file_blocks: 0,
        file_packet_size: 0,
        file_packet_count: 0,
        file_bit_rate: 0,
        file_header_size: 0,
    };
    if let Some(content) = content {
        let duration = content.duration.unwrap_or_default();
        let up = u64::from(duration.subsec_nanos() > 0);
        report.open_file_id = OPEN_FILE_ID;
        report.file_attributes = match content.packet_count {
            None => FileAttributes::BROADCAST,
            Some(_) if content.seekable && content.stridable => {
                FileAttributes::CANSEEK | FileAttributes::CANSTRIDE
            }
            Some(_) if content.seekable => FileAttributes::CANSEEK,
            Some(_) => FileAttributes::empty(),
        };
        report.file_duration = duration.as_secs_f64();
        report.file_blocks = u32::try_from(duration.as_secs().saturating_add(up)).unwrap_or(u32::MAX);
        report.file_packet_size = content.packet_size;
        report.file_packet_count = u64::from(content.packet_count.unwrap_or(0));
        report.file_bit_rate = content.bit_rate;
        report.file_header_size = content.header_len;
    }
    report
}

/// xorshift64*: the bytes need only be incompressible.
pub(super) fn fill_random(state: &mut u64, bytes: &mut [u8]) {
    for byte in bytes {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        let [.., high] = state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes();
        *byte = high;
    }
}
