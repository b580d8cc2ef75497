//! Stream selection and thinning of data packets (rules of section 8.2, and what servers do on the wire).
//!
//! ```text
//! Full -> every payload;  KeyFrames -> video payloads with the key frame bit, everything of other kinds
//! a level that changes takes effect where the next media object of the stream begins
//! a stream that starts waits for a key frame (video) or for the beginning of a media object
//! ```

use super::payload::{Packet, Payload};
use super::stream::StreamKind;
use super::stream_table::StreamTable;
use crate::error::{BufferTooSmall, DecodeError};

/// How much of a stream is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Keep {
    /// Everything.
    #[default]
    Full,
    /// Key frames only, if the stream is video; everything of other kinds, which have no key frames.
    KeyFrames,
    /// Nothing.
    Nothing,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filtered {
    /// All payloads stay: the packet is to be sent as it is, nothing was written.
    Unchanged,
    /// Payloads were removed: the packet is the first so many bytes of the output.
    Rewritten(usize),
    /// No payload is left: the packet is not to be sent, its number is skipped.
    Empty,
}

/// Why a packet cannot be filtered; it is not to be sent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterError {
    /// The packet is malformed.
    Packet(DecodeError),
    /// The output is too small; the filter is as it was.
    Buffer(BufferTooSmall),
}

impl From<DecodeError> for FilterError {
    fn from(error: DecodeError) -> Self {
        Self::Packet(error)
    }
}

impl From<BufferTooSmall> for FilterError {
    fn from(error: BufferTooSmall) -> Self {
        Self::Buffer(error)
    }
}

impl core::fmt::Display for FilterError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Packet(error) => write!(f, "packet: {error}"),
            Self::Buffer(error) => write!(f, "filtered packet: {error}"),
        }
    }
}

impl core::error::Error for FilterError {}

/// Removes payloads of streams from packets, in fixed state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketFilter {
    now: Levels,
    wanted: Levels,
    /// Streams that follow the key-frame rule.
    video: u128,
    /// Streams that wait for a place to start.
    waiting: u128,
}

/// One bit per stream in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Levels {
    full: u128,
    key_frames: u128,
}

impl Levels {
    fn get(self, bit: u128) -> Keep {
        if self.full & bit != 0 {
            Keep::Full
        } else if self.key_frames & bit != 0 {
            Keep::KeyFrames
        } else {
            Keep::Nothing
        }
    }

    fn set(&mut self, bit: u128, keep: Keep) {
        self.full &= !bit;
        self.key_frames &= !bit;
        match keep {
            Keep::Full => self.full |= bit,
            Keep::KeyFrames => self.key_frames |= bit,
            Keep::Nothing => {}
        }
    }
}

impl PacketFilter {
    /// Keeps everything. Which streams follow the key-frame rule is told by their kind.
    #[must_use]
    pub fn new(streams: &StreamTable) -> Self {
        let all = Levels { full: !0, key_frames: 0 };
        let video = streams.iter().filter(|stream| stream.kind == StreamKind::Video);
        let video = video.fold(0, |bits, stream| bits | bit(stream.number));
        Self { now: all, wanted: all, video, waiting: 0 }
    }

    /// Exempts a stream from the key-frame rule, because it has no key frames (section 4.1).
    pub fn ignore_key_frames(&mut self, stream: u8) {
        self.video &= !bit(stream);
    }

    /// Sets the level of a stream before its first packet, at once. Numbers above 127 are ignored.
    pub fn set(&mut self, stream: u8, keep: Keep) {
        self.wanted.set(bit(stream), keep);
        self.now.set(bit(stream), keep);
    }

    /// Changes the level of a stream among packets: what it had holds to the end of the current media
    /// object, and a stream that had nothing waits for a place to start.
    pub fn switch(&mut self, stream: u8, keep: Keep) {
        let bit = bit(stream);
        self.wanted.set(bit, keep);
        if self.now.get(bit) == Keep::Nothing && keep != Keep::Nothing {
            self.now.set(bit, keep);
            self.waiting |= bit;
        }
    }

    /// The next packet is not the one behind the last: every stream waits for a place to start, and
    /// changes hold at once.
    pub fn restart(&mut self) {
        self.now = self.wanted;
        self.waiting = !0;
    }

    /// The level of a stream.
    #[must_use]
    pub fn level(&self, stream: u8) -> Keep {
        self.wanted.get(bit(stream))
    }

    /// True if every payload is kept, so that packets need not be looked at.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.now.full == !0 && self.wanted.full == !0 && self.waiting == 0
    }

    /// Removes what is not wanted from a packet. Object numbers, offsets, times, send time and duration
    /// stay as they are; a rewritten packet has no padding.
    ///
    /// # Errors
    /// If the packet is malformed or the output is smaller than what is left of it.
    pub fn apply(&mut self, packet: &Packet<'_>, out: &mut [u8]) -> Result<Filtered, FilterError> {
        if self.keeps_all() {
            return Ok(Filtered::Unchanged);
        }
        let before = self.clone();
        let result = self.rewrite(packet, out);
        if result.is_err() {
            *self = before;
        }
        result
    }

    fn rewrite(&mut self, packet: &Packet<'_>, out: &mut [u8]) -> Result<Filtered, FilterError> {
        let (mut kept, mut seen) = (0u8, 0u8);
        let bytes = packet.bytes();
        let head = packet.head();
        let mut writer = Copy { out, len: 0, needed: 0 };
        writer.put(bytes.get(..head.head_len).unwrap_or(&[]));
        if head.multiple_payloads {
            writer.put(&[0]);
        }
        for payload in packet.payloads() {
            let payload = payload?;
            seen = seen.saturating_add(1);
            if self.keeps(&payload) {
                kept = kept.saturating_add(1);
                writer.put(bytes.get(payload.range()).unwrap_or(&[]));
            }
        }
        if kept == 0 {
            return Ok(Filtered::Empty);
        }
        if kept == seen {
            return Ok(Filtered::Unchanged);
        }
        if writer.needed > writer.len {
            return Err(BufferTooSmall { needed: writer.needed }.into());
        }
        let len = writer.len;
        // A single payload is kept or not, so this packet has payload flags.
        if let (Some(to), Some(from)) = (out.get_mut(head.head_len), bytes.get(head.head_len)) {
            *to = (from & 0xc0) | kept;
        }
        let lengths = head.length_fields();
        write_field(out, lengths.packet_length, u32::try_from(len).unwrap_or(u32::MAX));
        write_field(out, lengths.padding_length, 0);
        Ok(Filtered::Rewritten(len))
    }

    fn keeps(&mut self, payload: &Payload<'_>) -> bool {
        let bit = bit(payload.stream_number);
        let is_video = self.video & bit != 0;
        let (now, wanted) = (self.now.get(bit), self.wanted.get(bit));
        // What depends on pictures that were left out cannot be decoded.
        let needs_key = is_video && now == Keep::KeyFrames && wanted == Keep::Full;
        if payload.starts_object() && (payload.is_key_frame || !needs_key) {
            self.now.set(bit, wanted);
        }
        let keep = match self.now.get(bit) {
            Keep::Full => true,
            Keep::KeyFrames => !is_video || payload.is_key_frame,
            Keep::Nothing => false,
        };
        if keep && self.waiting & bit != 0 {
            let starts = payload.starts_object() && (!is_video || payload.is_key_frame);
            if !starts {
                return false;
            }
            self.waiting &= !bit;
        }
        keep
    }
}

/// Output that goes on counting behind its end.
struct Copy<'b> {
    out: &'b mut [u8],
    len: usize,
    needed: usize,
}

impl Copy<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.needed = self.needed.saturating_add(bytes.len());
        let place = self.len.checked_add(bytes.len()).and_then(|end| self.out.get_mut(self.len..end));
        if let Some(place) = place.filter(|_| self.needed == self.len.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
            self.len = self.needed;
        }
    }
}

/// Writes a little-endian value into a field of 0 to 4 bytes.
fn write_field(out: &mut [u8], field: (usize, usize), value: u32) {
    if let Some(field) = out.get_mut(field.0..field.1) {
        for (to, from) in field.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
    }
}

fn bit(stream: u8) -> u128 {
    if stream > 127 { 0 } else { 1u128.checked_shl(u32::from(stream)).unwrap_or(0) }
}
