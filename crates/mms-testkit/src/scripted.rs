//! The messages of scripted peers, one chunk of bytes for each.

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::{
    self, CloseFile, Connect, ConnectFunnel, DataHeader, Deframer, FileAttributes, Frame, FrameLimits,
    FunnelInfo, Message, Mid, OpenFile, ReadBlock, ReportConnectedEx, ReportConnectedFunnel,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportStartedPlaying,
    ReportStreamSwitch, StartPlaying, StopPlaying, StreamEntries, StreamSwitch, StreamSwitchEntry,
    TcpMessageHeader,
};
use mms_core::text::Text;

/// Incarnation that our client gives to the header.
pub const HEADER_INCARNATION: u8 = 1;
/// Incarnation that our client gives to its first start.
pub const PLAY_INCARNATION: u8 = 10;

/// A command packet of one message.
#[must_use]
pub fn packet(message: &Message<'_>) -> Vec<u8> {
    packet_of(&[*message])
}

/// A command packet of several messages.
#[must_use]
pub fn packet_of(messages: &[Message<'_>]) -> Vec<u8> {
    let bodies: Vec<u8> = messages.iter().flat_map(encoded).collect();
    [&TcpMessageHeader::for_messages(bodies.len(), 0).encode()[..], &bodies].concat()
}

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = vec![0; message.encoded_len()];
    message.encode(&mut out).unwrap();
    out
}

/// A message by its bytes behind `chunkLen` and MID.
#[must_use]
pub fn raw(mid: Mid, body: &[u8]) -> Vec<u8> {
    let chunks = u32::try_from(body.len() / 8 + 1).unwrap();
    let bytes = [&chunks.to_le_bytes()[..], &mid.0.to_le_bytes(), body].concat();
    [&TcpMessageHeader::for_messages(bytes.len(), 0).encode()[..], &bytes].concat()
}

/// A Data packet.
#[must_use]
pub fn data(location_id: u32, incarnation: u8, af_flags: u8, payload: &[u8]) -> Vec<u8> {
    let head = DataHeader::for_payload(location_id, incarnation, af_flags, payload.len()).unwrap();
    [&head.encode()[..], payload].concat()
}

/// An ASF header in fragments of at most so many bytes.
#[must_use]
pub fn fragments(header: &[u8], size: usize) -> Vec<Vec<u8>> {
    let last = header.len().div_ceil(size) - 1;
    let flags = |index| if index == last { wire::AF_HEADER_LAST } else { wire::AF_HEADER_MORE };
    let parts = header.chunks(size).enumerate();
    parts
        .map(|(index, part)| data(u32::try_from(index).unwrap(), HEADER_INCARNATION, flags(index), part))
        .collect()
}

/// A ReportConnectedEX with this version.
#[must_use]
pub fn connected(version: &str) -> Message<'_> {
    Message::ReportConnectedEx(ReportConnectedEx {
        hr: Hresult::S_OK,
        play_incarnation: wire::MMS_DISABLE_PACKET_PAIR,
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

/// A good server's replies up to the one to OpenFile.
#[must_use]
pub fn server_opens() -> Vec<Vec<u8>> {
    let funnel_info = ReportFunnelInfo {
        hr: Hresult::S_OK,
        play_incarnation: wire::MMS_DISABLE_PACKET_PAIR,
        transport_mask: 8,
        block_fragments: 1,
        fragment_bytes: 0x0001_0000,
        cubs: 1,
        failed_cubs: 0,
        disks: 1,
        decluster: 0,
        cubdd_datagram_size: 0,
        packet_pair: &[],
    };
    vec![
        packet(&connected("9.1.1.3841")),
        packet(&Message::ReportFunnelInfo(funnel_info)),
        packet(&Message::ReportConnectedFunnel(ReportConnectedFunnel {
            hr: Hresult::S_OK,
            play_incarnation: 0,
            packet_payload_size: 0,
            funnel_name: Text::Str("Funnel Of The Gods"),
        })),
        packet(&Message::ReportOpenFile(ReportOpenFile {
            hr: Hresult::S_OK,
            play_incarnation: 9,
            open_file_id: 1,
            file_attributes: FileAttributes::CANSEEK,
            file_duration: 1.0,
            file_blocks: 1,
            file_packet_size: 100,
            file_packet_count: 3,
            file_bit_rate: 1000,
            file_header_size: 1000,
        })),
    ]
}

/// A good server's replies up to the last fragment of this header.
#[must_use]
pub fn server_header(header: &[u8], fragment: usize) -> Vec<Vec<u8>> {
    let mut chunks = server_opens();
    chunks.push(packet(&Message::ReportReadBlock(ReportReadBlock {
        hr: Hresult::S_OK,
        play_incarnation: 1,
        play_sequence: 0,
    })));
    chunks.extend(fragments(header, fragment));
    chunks
}

/// A good server's replies up to the one to StartPlaying.
#[must_use]
pub fn server_starts(header: &[u8], fragment: usize) -> Vec<Vec<u8>> {
    let mut chunks = server_header(header, fragment);
    chunks.push(packet(&Message::ReportStreamSwitch(ReportStreamSwitch { hr: Hresult::S_OK })));
    chunks.push(packet(&Message::ReportStartedPlaying(ReportStartedPlaying {
        hr: Hresult::S_OK,
        play_incarnation: u32::from(PLAY_INCARNATION),
        tiger_file_id: 1,
    })));
    chunks
}

/// Media packets with the incarnation of the first start.
#[must_use]
pub fn media(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let numbered = (0..).zip(payloads);
    numbered.map(|(number, payload)| data(number, PLAY_INCARNATION, 0, payload)).collect()
}

/// The end of the stream.
#[must_use]
pub fn end_of_stream() -> Vec<u8> {
    packet(&Message::ReportEndOfStream(ReportEndOfStream {
        hr: Hresult::S_OK,
        play_incarnation: u32::from(PLAY_INCARNATION),
    }))
}

/// A good client's Connect.
#[must_use]
pub fn connect() -> Message<'static> {
    Message::Connect(Connect {
        play_incarnation: wire::MMS_DISABLE_PACKET_PAIR,
        mac_to_viewer_protocol_revision: wire::MAC_TO_VIEWER_PROTOCOL_REVISION,
        viewer_to_mac_protocol_revision: wire::VIEWER_TO_MAC_PROTOCOL_REVISION,
        subscriber_name: Text::Str(
            "NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}; Host: server",
        ),
    })
}

/// A client's FunnelInfo without packet pair.
#[must_use]
pub fn funnel_info() -> Message<'static> {
    Message::FunnelInfo(FunnelInfo { play_incarnation: wire::MMS_DISABLE_PACKET_PAIR })
}

/// A client's ConnectFunnel.
#[must_use]
pub fn connect_funnel(name: &str) -> Message<'_> {
    Message::ConnectFunnel(ConnectFunnel {
        play_incarnation: 0,
        max_block_bytes: u32::MAX,
        max_funnel_bytes: 0,
        max_bit_rate: 10_000_000,
        funnel_mode: 2,
        funnel_name: Text::Str(name),
    })
}

/// A client's OpenFile.
#[must_use]
pub fn open_file(name: &str) -> Message<'_> {
    Message::OpenFile(OpenFile { play_incarnation: 9, spare: 0, file_name: Text::Str(name), token_data: &[] })
}

/// A client's ReadBlock.
#[must_use]
pub fn read_block() -> Message<'static> {
    Message::ReadBlock(ReadBlock {
        open_file_id: 1,
        file_block_id: 0,
        offset: 0,
        length: 0x8000,
        flags: u32::MAX,
        t_earliest: 0.0,
        t_deadline: 3600.0,
        play_incarnation: 1,
        play_sequence: 0,
    })
}

/// A client's StreamSwitch that wants stream 1.
#[must_use]
pub fn stream_switch() -> Message<'static> {
    const ENTRIES: &[StreamSwitchEntry] =
        &[StreamSwitchEntry { src_stream_number: wire::NO_STREAM, dst_stream_number: 1, thinning_level: 0 }];
    Message::StreamSwitch(StreamSwitch { entries: StreamEntries::new(ENTRIES) })
}

/// A client's StartPlaying from the beginning.
#[must_use]
pub fn start_playing() -> Message<'static> {
    Message::StartPlaying(StartPlaying {
        open_file_id: 1,
        position: 0.0,
        asf_offset: wire::START_NOT_USED,
        location_id: wire::START_NOT_USED,
        frame_offset: 0,
        play_incarnation: 10,
        acceleration: None,
    })
}

/// A client's StopPlaying.
#[must_use]
pub fn stop_playing() -> Message<'static> {
    Message::StopPlaying(StopPlaying { open_file_id: 1, play_incarnation: 10 })
}

/// A client's CloseFile.
#[must_use]
pub fn close_file() -> Message<'static> {
    Message::CloseFile(CloseFile { play_incarnation: 0, open_file_id: 1 })
}

/// A good client's requests up to StartPlaying.
#[must_use]
pub fn client_plays() -> Vec<Vec<u8>> {
    let messages = [
        connect(),
        funnel_info(),
        connect_funnel(r"\\127.0.0.1\TCP\1755"),
        open_file("content.wmv"),
        read_block(),
        stream_switch(),
        start_playing(),
    ];
    messages.iter().map(packet).collect()
}

/// What somebody said: the messages and Data packets in these bytes.
///
/// # Panics
/// If they are none.
#[must_use]
pub fn said(bytes: &[u8]) -> Vec<Said> {
    let mut deframer = Deframer::client(FrameLimits::default());
    let (mut rest, mut all) = (bytes, Vec::new());
    while let Ok(frame @ (Frame::Command { total } | Frame::Data { total, .. })) = deframer.next(rest) {
        if let Frame::Data { header, .. } = frame {
            all.push(Said { mid: None, hr: None, location_id: Some(header.location_id) });
        }
        let mut messages = if matches!(frame, Frame::Command { .. }) { &rest[32..total] } else { &[] };
        while !messages.is_empty() {
            let (message, used) = Message::decode(messages).unwrap();
            let hr = message.mid().from_client().eq(&false).then(|| messages.get(8..12)).flatten();
            let hr = hr.map(|hr| Hresult(u32::from_le_bytes(hr.try_into().unwrap())));
            all.push(Said { mid: Some(message.mid()), hr, location_id: None });
            messages = &messages[used..];
        }
        rest = &rest[total..];
    }
    all
}

/// One thing that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The message, `None` for a Data packet.
    pub mid: Option<Mid>,
    /// The first field of a server's message, which is its result in all but Ping.
    pub hr: Option<Hresult>,
    /// The number of a Data packet.
    pub location_id: Option<u32>,
}
