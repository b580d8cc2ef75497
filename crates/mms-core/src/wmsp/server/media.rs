//! Framing and pacing of what is sent.

use core::time::Duration;

use super::config::{Config, Media};
use super::request::Start;
use crate::mmsp::server::Pace;
use crate::time::Instant;
use crate::wmsp::wire::{FrameHead, PacketId, Product, ProductName};

/// A step between send times that is longer is taken for a fault of the file, not for a pause.
const LONGEST_GAP: u64 = 60_000;
/// A client may ask for a faster start, not for the whole file at once.
pub(super) const LONGEST_BURST: Duration = Duration::from_secs(60);
/// Most milliseconds of a day: below it a difference of send times is an advance.
const THOUSAND: u64 = 1000;

/// The bytes that stand before a payload; empty where the payload continues a frame, or has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameBytes {
    bytes: [u8; FrameHead::MAX_LEN],
    len: usize,
}

impl FrameBytes {
    pub(super) fn of(head: &FrameHead) -> Self {
        Self { bytes: head.encode(), len: head.encoded_len() }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The header on its way: frames have nothing to do with the pieces that the host reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeaderProgress {
    pub(super) offset: u32,
    frame_left: u32,
    fragment: u32,
}

impl HeaderProgress {
    pub(super) const START: Self = Self { offset: 0, frame_left: 0, fragment: 0 };

    /// Bytes of all frames of a header.
    pub(super) fn framed_len(header_len: u32) -> u64 {
        let frames = u64::from(header_len).div_ceil(u64::from(LARGEST_FRAGMENT));
        let heads = frames.saturating_mul(u64::try_from(FrameHead::MAX_LEN).unwrap_or(0));
        u64::from(header_len).saturating_add(heads)
    }

    /// The head before the next piece of at most `available` bytes, and how many bytes the piece has. One frame
    /// holds the whole header if it fits (digest 17, server rule 3).
    pub(super) fn next(&mut self, header_len: u32, available: u32) -> (FrameBytes, u32) {
        let mut head = FrameBytes::default();
        let rest = header_len.saturating_sub(self.offset);
        if self.frame_left == 0 {
            self.frame_left = rest.min(LARGEST_FRAGMENT);
            let first = self.fragment == 0;
            let last = self.frame_left == rest;
            let af_flags = if first { 0x04 } else { 0 } | if last { 0x08 } else { 0 };
            let len = usize::try_from(self.frame_left).unwrap_or(0);
            let frame = FrameHead::data(PacketId::HEADER, self.fragment, 0, af_flags, len);
            head = frame.map_or(head, |frame| FrameBytes::of(&frame));
            self.fragment = self.fragment.saturating_add(1);
        }
        let len = self.frame_left.min(available);
        self.frame_left = self.frame_left.saturating_sub(len);
        self.offset = self.offset.saturating_add(len);
        (head, len)
    }
}

/// The payload of a full frame.
const LARGEST_FRAGMENT: u32 = 65_527;

/// Where the stream stands: the next packet, and when it may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) packet: u32,
    sequence: u8,
    /// when, send time and number of the first packet
    pub(super) started: Option<(Instant, u32, u32)>,
    last_send_ms: u32,
    media_ms: u64,
    pub(super) burst: Duration,
    pub(super) per_mille: Option<u32>,
    rate_free: Instant,
}

impl Cursor {
    pub(super) fn new(config: &Config, packet: u32) -> Self {
        let per_mille = match config.pace {
            Pace::PerMille(rate) => Some(rate),
            _ => None,
        };
        Self {
            packet,
            sequence: 0,
            started: None,
            last_send_ms: 0,
            media_ms: 0,
            burst: config.burst,
            per_mille,
            rate_free: Instant::ZERO,
        }
    }

    /// Media time since the start; send times that go back or jump count as nothing (P9).
    fn media_at(&self, send_time_ms: u32) -> u64 {
        let step = u64::from(send_time_ms.wrapping_sub(self.last_send_ms));
        if step > LONGEST_GAP { self.media_ms } else { self.media_ms.saturating_add(step) }
    }

    pub(super) fn due(&self, send_time_ms: u32) -> Instant {
        let (Some(rate), Some((started, _, _))) = (self.per_mille, self.started) else {
            return self.rate_free;
        };
        let media = self.media_at(send_time_ms).saturating_mul(THOUSAND);
        let micros = media.saturating_mul(THOUSAND).checked_div(u64::from(rate)).unwrap_or(u64::MAX);
        let due = (started + Duration::from_micros(micros)).before(self.burst);
        due.max(self.rate_free)
    }

    /// The head of the next packet, which is then sent.
    pub(super) fn frame(
        &mut self,
        now: Instant,
        send_time_ms: u32,
        len: u16,
        rate: Option<u64>,
    ) -> FrameBytes {
        if self.started.is_none() {
            self.started = Some((now, send_time_ms, self.packet));
            self.last_send_ms = send_time_ms;
        }
        self.media_ms = self.media_at(send_time_ms);
        self.last_send_ms = send_time_ms;
        if let Some(rate) = rate {
            let micros = u64::from(len).saturating_mul(8_000_000).checked_div(rate).unwrap_or(0);
            self.rate_free = self.rate_free.max(now) + Duration::from_micros(micros);
        }
        let head = FrameHead::data(PacketId::DATA, self.packet, 0, self.sequence, usize::from(len));
        self.sequence = self.sequence.wrapping_add(1);
        self.packet = self.packet.saturating_add(1);
        head.map_or(FrameBytes::default(), |head| FrameBytes::of(&head))
    }

    /// Packets that were framed and not sent.
    pub(super) fn give_back(&mut self, count: u32) {
        self.packet = self.packet.saturating_sub(count);
        let [low, ..] = count.to_le_bytes();
        self.sequence = self.sequence.wrapping_sub(low);
    }
}

/// The packet of a byte offset in the file (digest 17, server rule 7).
pub(super) fn packet_of_offset(offset: u64, media: &Media, agent: &Product, by_agent: bool) -> u32 {
    let size = u64::from(media.packet_size);
    let aligned = offset.checked_rem(size) == Some(0);
    let quotient = |bytes: u64| bytes.checked_div(size).unwrap_or(0);
    let player = |version| agent.name == ProductName::NsPlayer && agent.version == version;
    let packet = if offset == 0 {
        0
    } else if by_agent && aligned && player([4, 1, 0, 3856]) {
        // libmms counts from 1
        quotient(offset).saturating_sub(1)
    } else if by_agent && aligned && player([7, 10, 0, 3059]) {
        // VLC leaves the header out
        quotient(offset)
    } else {
        quotient(offset.saturating_sub(u64::from(media.header_len)))
    };
    u32::try_from(packet).unwrap_or(u32::MAX)
}

/// Where a Play begins: a packet, or a time that the host must look up.
pub(super) fn begin(start: Start, media: &Media, agent: &Product, by_agent: bool) -> Result<u32, Duration> {
    match start {
        // live goes on as it goes
        _ if media.packet_count.is_none() => Ok(0),
        Start::Beginning => Ok(0),
        Start::Packet(packet) => Ok(packet),
        Start::Offset(offset) => Ok(packet_of_offset(offset, media, agent, by_agent)),
        Start::Time(time) if media.seekable => Err(Duration::from_millis(u64::from(time))),
        Start::Time(_) => Ok(0),
    }
}
