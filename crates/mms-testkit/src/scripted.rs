//! The messages of scripted peers, one chunk of bytes for each.

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::{
    self, DataHeader, Deframer, FileAttributes, Frame, FrameLimits, Message, Mid, ReportOpenFile,
    StreamSwitchEntry, TcpMessageHeader,
};

use crate::talk;

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

/// A good server's replies up to the one to OpenFile.
#[must_use]
pub fn server_opens() -> Vec<Vec<u8>> {
    vec![
        packet(&talk::connected("9.1.1.3841", None)),
        packet(&talk::report_funnel_info(wire::MMS_DISABLE_PACKET_PAIR, &[])),
        packet(&talk::connected_funnel()),
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
    chunks.push(packet(&talk::report_read_block(Hresult::S_OK)));
    chunks.extend(fragments(header, fragment));
    chunks
}

/// A good server's replies up to the one to StartPlaying.
#[must_use]
pub fn server_starts(header: &[u8], fragment: usize) -> Vec<Vec<u8>> {
    let mut chunks = server_header(header, fragment);
    chunks.push(packet(&talk::switched()));
    chunks.push(packet(&talk::started(Hresult::S_OK, u32::from(PLAY_INCARNATION))));
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
    packet(&talk::end(Hresult::S_OK, u32::from(PLAY_INCARNATION)))
}

/// A good client's Connect.
#[must_use]
pub fn connect() -> Message<'static> {
    talk::connect("NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}; Host: server")
}

/// A client's StreamSwitch that wants stream 1.
#[must_use]
pub fn stream_switch() -> Message<'static> {
    const ENTRIES: &[StreamSwitchEntry] =
        &[StreamSwitchEntry { src_stream_number: wire::NO_STREAM, dst_stream_number: 1, thinning_level: 0 }];
    talk::switch(ENTRIES)
}

/// A good client's requests up to StartPlaying.
#[must_use]
pub fn client_plays() -> Vec<Vec<u8>> {
    let messages = [
        connect(),
        talk::funnel_info(wire::MMS_DISABLE_PACKET_PAIR),
        talk::connect_funnel(r"\\127.0.0.1\TCP\1755"),
        talk::open_file(9, "content.wmv"),
        talk::read_block(1),
        stream_switch(),
        talk::start(u32::from(PLAY_INCARNATION)),
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
