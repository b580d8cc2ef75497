//! Framing and pacing of what is sent.

use core::time::Duration;

use super::config::{Config, Media};
use super::request::Start;
use crate::mmsp::server::{Pace, Pacing, StopAt};
use crate::time::Instant;
use crate::wmsp::wire::{FrameHead, PacketId, Product, ProductName};

/// A client may ask for a faster start, not for the whole file at once.
const LONGEST_BURST: Duration = Duration::from_secs(60);

/// The bytes that stand before a payload; empty where the payload continues a frame, or has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameBytes {
    bytes: [u8; FrameHead::MAX_LEN],
    len: usize,
}

impl FrameBytes {
    #[inline]
    pub(super) fn of(head: &FrameHead) -> Self {
        Self { bytes: head.encode(), len: head.encoded_len() }
    }

    /// Room for the longest head, and how many bytes of it count.
    #[inline]
    pub(crate) fn array(&self) -> ([u8; FrameHead::MAX_LEN], usize) {
        (self.bytes, self.len)
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
    pub(super) pace: Pace,
    pacing: Pacing,
}

impl Cursor {
    pub(super) fn new(config: &Config, packet: u32) -> Self {
        let mut pacing = Pacing::new();
        pacing.restart(config.burst);
        Self { packet, sequence: 0, pace: config.pace, pacing }
    }

    /// The client asked for another start.
    pub(super) fn set_burst(&mut self, burst: Duration) {
        self.pacing.restart(burst.min(LONGEST_BURST));
    }

    /// Whether the packet just framed is the first one.
    #[inline]
    pub(super) fn is_first(&self) -> bool {
        self.pacing.first().is_some_and(|first| self.packet == first.saturating_add(1))
    }

    #[inline]
    pub(super) fn due(&self, send_time_ms: u32) -> Instant {
        self.pacing.due(self.pace, send_time_ms)
    }

    /// Whether a packet lies behind max-duration: 0 is no limit, the top bit makes it a send time.
    #[inline]
    pub(super) fn is_behind(&self, max_duration: u32, send_time_ms: u32) -> bool {
        let (absolute, time) = (max_duration & 0x8000_0000 != 0, max_duration & 0x7FFF_FFFF);
        let stop = match (max_duration, absolute) {
            (0, _) => None,
            (_, true) => Some(StopAt::Time(time)),
            (_, false) => Some(StopAt::AfterStart(time)),
        };
        self.pacing.is_behind(stop, send_time_ms)
    }

    /// The head of the next packet, which is then sent.
    pub(super) fn frame(
        &mut self,
        now: Instant,
        send_time_ms: u32,
        len: u16,
        rate: Option<u64>,
    ) -> FrameBytes {
        self.pacing.sent(now, self.packet, send_time_ms, len, rate);
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
