//! Framed packets (section 2.2.3).
//!
//! ```text
//! 0  u8   0x24 '$', with the top bit B = 1: another packet follows at once
//! 1  u8   PacketID
//! 2  u16  PacketLength      what follows this field; for $P see there
//! 4  ...  Reason ($C $E $P) or the MMS data packet header ($D $H $M), then the payload
//! ```

use core::fmt;
use core::ops::Range;

use crate::error::{DecodeError, Reason};
use crate::hresult::Hresult;
use crate::mmsp::wire::DataHeader;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketId(pub u8);

impl PacketId {
    /// `$C`: the headers of another playlist entry follow.
    pub const STREAM_CHANGE: Self = Self(b'C');
    /// `$D`: one ASF data packet.
    pub const DATA: Self = Self(b'D');
    /// `$E`: end of the stream or of an entry.
    pub const END_OF_STREAM: Self = Self(b'E');
    /// `$H`: the ASF header.
    pub const HEADER: Self = Self(b'H');
    /// `$M`: metadata, before `$H`.
    pub const METADATA: Self = Self(b'M');
    /// `$P`: packet pair.
    pub const PACKET_PAIR: Self = Self(b'P');
    /// `$T`: pipeline test.
    pub const TEST: Self = Self(b'T');

    /// Whether the frame carries an MMS data packet.
    #[must_use]
    pub const fn has_data_header(self) -> bool {
        matches!(self, Self::DATA | Self::HEADER | Self::METADATA)
    }

    /// Whether the frame carries a Reason.
    #[must_use]
    pub const fn has_reason(self) -> bool {
        matches!(self, Self::STREAM_CHANGE | Self::END_OF_STREAM | Self::PACKET_PAIR)
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", char::from(self.0).escape_default())
    }
}

/// What follows PacketLength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameBody {
    /// The header of an MMS data packet (section 2.2.3.1.2).
    Data(DataHeader),
    /// A result, or the measure of a packet pair.
    Reason(Hresult),
    /// Nothing that we know.
    Other,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// The B bit: the next packet follows without a pause.
    pub burst: bool,
    /// The type.
    pub packet_id: PacketId,
    /// PacketLength as it is written.
    pub packet_length: u16,
    /// What follows it.
    pub body: FrameBody,
}

impl FrameHead {
    /// The longest head.
    pub const MAX_LEN: usize = 12;
    /// The longest payload of an MMS data packet.
    pub const MAX_PAYLOAD: usize = DataHeader::MAX_PAYLOAD;

    /// The head of a `$D`, `$H` or `$M` with so many bytes of payload; `None` above [`Self::MAX_PAYLOAD`].
    #[must_use]
    pub fn data(
        packet_id: PacketId,
        location_id: u32,
        incarnation: u8,
        af_flags: u8,
        payload: usize,
    ) -> Option<Self> {
        let header = DataHeader::for_payload(location_id, incarnation, af_flags, payload)?;
        Some(Self {
            burst: false,
            packet_id,
            packet_length: header.packet_size,
            body: FrameBody::Data(header),
        })
    }

    /// A `$C` or `$E` with its Reason.
    #[must_use]
    pub const fn reason(packet_id: PacketId, reason: Hresult) -> Self {
        Self { burst: false, packet_id, packet_length: 4, body: FrameBody::Reason(reason) }
    }

    /// The `$T` of the pipeline test.
    #[must_use]
    pub const fn test() -> Self {
        Self { burst: false, packet_id: PacketId::TEST, packet_length: 0, body: FrameBody::Other }
    }

    /// The `$P` of this number, 0 to 2, behind a response head of so many bytes (section 2.2.3.7).
    #[must_use]
    pub fn packet_pair(number: u8, response_head_len: usize) -> Self {
        let reason = u32::try_from(response_head_len).unwrap_or(u32::MAX).min(504);
        let packet_length = if number < 2 { 504 } else { 1048 };
        let body = FrameBody::Reason(Hresult(reason));
        Self { burst: false, packet_id: PacketId::PACKET_PAIR, packet_length, body }
    }

    /// Bytes of the head as [`encode`](Self::encode) writes it.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self.body {
            FrameBody::Data(_) => 12,
            FrameBody::Reason(_) => 8,
            FrameBody::Other => 4,
        }
    }

    /// The head; only the first [`encoded_len`](Self::encoded_len) bytes count.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::MAX_LEN] {
        let [low, high] = self.packet_length.to_le_bytes();
        let first = if self.burst { 0xA4 } else { 0x24 };
        let rest = match self.body {
            FrameBody::Data(header) => header.encode(),
            FrameBody::Reason(Hresult(reason)) => {
                let [a, b, c, d] = reason.to_le_bytes();
                [a, b, c, d, 0, 0, 0, 0]
            }
            FrameBody::Other => [0; 8],
        };
        let [a, b, c, d, e, f, g, h] = rest;
        [first, self.packet_id.0, low, high, a, b, c, d, e, f, g, h]
    }

    /// The Reason; `None` for a frame without one.
    #[must_use]
    pub const fn result(&self) -> Option<Hresult> {
        match self.body {
            FrameBody::Reason(reason) => Some(reason),
            _ => None,
        }
    }

    /// The header of the MMS data packet, if there is one.
    #[must_use]
    pub const fn data_header(&self) -> Option<DataHeader> {
        match self.body {
            FrameBody::Data(header) => Some(header),
            _ => None,
        }
    }

    /// Where the payload lies in a frame of `total` bytes.
    #[must_use]
    pub fn payload(&self, total: usize) -> Range<usize> {
        self.encoded_len().min(total)..total
    }
}

/// What a peer may send in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Bytes of a `$D` with its head.
    pub data_bytes: u32,
    /// Whether a PacketSize that is not PacketLength is forgiven; PacketLength holds then (digest 7.2).
    pub sizes_may_differ: bool,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { data_bytes: 65_539, sizes_may_differ: false }
    }
}

/// What is at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// Not enough for a decision, or for the frame.
    Incomplete {
        /// Bytes wanted in all, counted from the start of the frame.
        needed: usize,
    },
    /// A whole frame.
    Packet {
        /// Its head.
        head: FrameHead,
        /// Bytes of the frame.
        total: usize,
    },
}

/// Why the stream cannot be cut; there is no way to find the next frame behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Not a frame; the offset counts from the start of the frame.
    Invalid(DecodeError),
    /// A `$D` that is larger than its limit.
    Limit {
        /// Bytes that the peer announced.
        found: u32,
        /// Bytes that the limit allows.
        allowed: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Limit { found, allowed } => write!(f, "frame of {found} bytes, {allowed} allowed"),
        }
    }
}

impl core::error::Error for FrameError {}

const _: () = assert!(size_of::<FrameError>() <= 12 && size_of::<Frame>() <= 32);

/// Finds the frames in the body of one response; it holds no bytes and looks at each head once.
///
/// Give it everything from the start of a frame; after a complete frame remove `total` bytes. An error is
/// final: every later call returns it again.
///
/// ```
/// use mms_core::wmsp::wire::{Deframer, Frame, FrameLimits};
///
/// let mut deframer = Deframer::new(FrameLimits::default());
/// let stream = [0x24, 0x44, 10, 0, 7, 0, 0, 0, 0, 3, 10, 0, 0xAA, 0xBB];
/// assert_eq!(deframer.next(&stream[..3]), Ok(Frame::Incomplete { needed: 4 }));
/// assert_eq!(deframer.next(&stream[..4]), Ok(Frame::Incomplete { needed: 12 }));
/// let Ok(Frame::Packet { head, total: 14 }) = deframer.next(&stream) else { panic!() };
/// assert_eq!(head.data_header().map(|header| header.location_id), Some(7));
/// assert_eq!(stream[head.payload(14)], [0xAA, 0xBB]);
/// ```
#[derive(Clone, Debug)]
pub struct Deframer {
    limits: FrameLimits,
    packet_pairs: u8,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Nothing.
    Start,
    /// The first four bytes.
    Prefix { burst: bool, packet_id: PacketId, packet_length: u16 },
    /// Everything that says where the frame ends.
    Known { head: FrameHead, total: usize },
    /// It is not a frame.
    Failed(FrameError),
}

enum Step {
    Next(Progress),
    Wait(usize),
}

impl Deframer {
    /// For the body of one response.
    #[must_use]
    pub const fn new(limits: FrameLimits) -> Self {
        Self { limits, packet_pairs: 0, progress: Progress::Start }
    }

    /// Looks at the frame at the start of `input`, which holds at least as much as in the last call.
    ///
    /// # Errors
    ///
    /// The bytes are no frame, or one that is larger than its limit; known as soon as its length is there.
    pub fn next(&mut self, input: &[u8]) -> Result<Frame, FrameError> {
        loop {
            let step = match self.progress {
                Progress::Start => prefix(input),
                Progress::Prefix { burst, packet_id, packet_length } => {
                    self.body(input, burst, packet_id, packet_length)
                }
                Progress::Known { head, total } => return Ok(self.complete(input, head, total)),
                Progress::Failed(error) => return Err(error),
            };
            match step {
                // Each step moves to a later state, so the loop ends.
                Ok(Step::Next(progress)) => self.progress = progress,
                Ok(Step::Wait(needed)) => return Ok(Frame::Incomplete { needed }),
                Err(error) => self.progress = Progress::Failed(error),
            }
        }
    }

    fn body(
        &self,
        input: &[u8],
        burst: bool,
        packet_id: PacketId,
        packet_length: u16,
    ) -> Result<Step, FrameError> {
        let total = usize::from(packet_length).saturating_add(4);
        let (body, total) = if packet_id.has_data_header() {
            if usize::from(packet_length) < DataHeader::LEN {
                return Err(FrameError::Invalid(DecodeError::new(Reason::FrameLength, 2)));
            }
            let (found, allowed) = (u32::from(packet_length).saturating_add(4), self.limits.data_bytes);
            if packet_id == PacketId::DATA && found > allowed {
                return Err(FrameError::Limit { found, allowed });
            }
            let Some(bytes) = input.get(4..12) else { return Ok(Step::Wait(12)) };
            let header = self.data_header(bytes, packet_length)?;
            (FrameBody::Data(header), total)
        } else if packet_id == PacketId::PACKET_PAIR {
            let Some(reason) = reason(input) else { return Ok(Step::Wait(8)) };
            (FrameBody::Reason(reason), self.packet_pair_len(packet_length, reason)?)
        } else if packet_id.has_reason() {
            // VLC and ffserver send 8 bytes, and 0 to 3 bytes hold no Reason (digest 7.3)
            if packet_length < 4 {
                (FrameBody::Reason(Hresult::S_OK), total)
            } else {
                let Some(reason) = reason(input) else { return Ok(Step::Wait(8)) };
                (FrameBody::Reason(reason), total)
            }
        } else {
            (FrameBody::Other, total)
        };
        Ok(Step::Next(Progress::Known { head: FrameHead { burst, packet_id, packet_length, body }, total }))
    }

    fn data_header(&self, bytes: &[u8], packet_length: u16) -> Result<DataHeader, FrameError> {
        let header = match DataHeader::decode(bytes) {
            Ok(header) => header,
            Err(error) => {
                let [a, b, c, d, incarnation, flags, ..] = *bytes else {
                    return Err(FrameError::Invalid(error.within(4)));
                };
                let location_id = u32::from_le_bytes([a, b, c, d]);
                DataHeader { location_id, play_incarnation: incarnation, af_flags: flags, packet_size: 0 }
            }
        };
        if header.packet_size != packet_length && !self.limits.sizes_may_differ {
            return Err(FrameError::Invalid(DecodeError::new(Reason::FrameSizes, 10)));
        }
        Ok(DataHeader { packet_size: packet_length, ..header })
    }

    /// PacketLength of a `$P` does not count the Reason R: 504 - R, 504 and 1048 + R bytes follow it.
    fn packet_pair_len(&self, packet_length: u16, reason: Hresult) -> Result<usize, FrameError> {
        let measure = usize::try_from(reason.0).unwrap_or(usize::MAX);
        let bad = |at| FrameError::Invalid(DecodeError::new(Reason::Count, at));
        if measure > 504 {
            return Err(bad(4));
        }
        let length = usize::from(packet_length);
        let behind = match self.packet_pairs {
            0 => length.checked_sub(measure).ok_or(bad(2))?,
            1 => length,
            2 => length.saturating_add(measure),
            _ => return Err(bad(1)),
        };
        Ok(behind.saturating_add(8))
    }

    fn complete(&mut self, input: &[u8], head: FrameHead, total: usize) -> Frame {
        if input.len() < total {
            return Frame::Incomplete { needed: total };
        }
        self.progress = Progress::Start;
        if head.packet_id == PacketId::PACKET_PAIR {
            self.packet_pairs = self.packet_pairs.saturating_add(1);
        }
        Frame::Packet { head, total }
    }
}

fn prefix(input: &[u8]) -> Result<Step, FrameError> {
    match *input {
        [first, ..] if first & 0x7F != 0x24 => {
            Err(FrameError::Invalid(DecodeError::new(Reason::FrameStart, 0)))
        }
        [first, id, low, high, ..] => Ok(Step::Next(Progress::Prefix {
            burst: first & 0x80 != 0,
            packet_id: PacketId(id),
            packet_length: u16::from_le_bytes([low, high]),
        })),
        _ => Ok(Step::Wait(4)),
    }
}

fn reason(input: &[u8]) -> Option<Hresult> {
    let bytes = input.get(4..8)?.first_chunk::<4>()?;
    Some(Hresult(u32::from_le_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn next(bytes: &[u8]) -> Result<Frame, FrameError> {
        Deframer::new(FrameLimits::default()).next(bytes)
    }

    fn invalid(reason: Reason, offset: usize) -> Result<Frame, FrameError> {
        Err(FrameError::Invalid(DecodeError::new(reason, offset)))
    }

    #[test]
    fn w3_a_length_below_the_data_header_is_an_error() {
        for id in *b"DHM" {
            for length in 0..8 {
                assert_eq!(next(&[0x24, id, length, 0]), invalid(Reason::FrameLength, 2));
            }
        }
    }

    #[test]
    fn w2_w9_two_lengths_that_disagree_are_an_error_unless_forgiven() {
        let frame = |size: u8| [0x24, b'D', 9, 0, 1, 0, 0, 0, 2, 3, size, 0, 0xAA];
        for size in [0, 7, 8, 10, 255] {
            assert_eq!(next(&frame(size)), invalid(Reason::FrameSizes, 10), "{size}");
            let limits = FrameLimits { sizes_may_differ: true, ..FrameLimits::default() };
            let Ok(Frame::Packet { head, total: 13 }) = Deframer::new(limits).next(&frame(size)) else {
                panic!()
            };
            assert_eq!(head.payload(13), 12..13);
            let header = head.data_header().unwrap();
            assert_eq!((header.location_id, header.play_incarnation, header.af_flags), (1, 2, 3));
        }
        assert!(matches!(next(&frame(9)), Ok(Frame::Packet { .. })));
    }

    #[test]
    fn both_first_bytes_are_taken_and_no_other() {
        assert!(matches!(
            next(&[0xA4, b'T', 0, 0]),
            Ok(Frame::Packet { head: FrameHead { burst: true, .. }, total: 4 })
        ));
        for first in [0, b'H', b'<', 0x30, 0x23, 0xFF] {
            assert_eq!(next(&[first]), invalid(Reason::FrameStart, 0));
        }
    }

    #[test]
    fn an_end_of_any_length_is_taken() {
        for length in 0..12_u8 {
            let mut bytes = Vec::from([0x24, b'E', length, 0]);
            bytes.extend([5, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
            let Ok(Frame::Packet { head, total }) = next(&bytes) else { panic!("{length}") };
            assert_eq!(total, usize::from(length) + 4);
            assert_eq!(head.result(), Some(Hresult(if length < 4 { 0 } else { 5 })), "{length}");
        }
    }

    #[test]
    fn packet_pairs_have_their_own_lengths() {
        for measure in [0_usize, 100, 504, 9999] {
            let mut stream = Vec::new();
            for (number, behind) in
                [504 - measure.min(504), 504, 1048 + measure.min(504)].into_iter().enumerate()
            {
                let head = FrameHead::packet_pair(u8::try_from(number).unwrap(), measure);
                stream.extend(&head.encode()[..head.encoded_len()]);
                stream.extend(core::iter::repeat_n(0x24, behind));
            }
            assert_eq!(stream.len(), 2080);
            stream.extend([0x24, b'T', 0, 0, 0x24, b'P', 0, 0, 0, 0, 0, 0]);
            let (mut deframer, mut at) = (Deframer::new(FrameLimits::default()), 0);
            for expected in [b'P', b'P', b'P', b'T'] {
                let Ok(Frame::Packet { head, total }) = deframer.next(&stream[at..]) else { panic!() };
                assert_eq!(head.packet_id.0, expected);
                at += total;
            }
            assert_eq!(deframer.next(&stream[at..]), invalid(Reason::Count, 1), "a fourth");
        }
        assert_eq!(next(&[0x24, b'P', 0xF8, 1, 0xF9, 1, 0, 0]), invalid(Reason::Count, 4));
        assert_eq!(next(&[0x24, b'P', 1, 0, 2, 0, 0, 0]), invalid(Reason::Count, 2));
    }

    #[test]
    fn w8_data_above_its_limit_is_refused_and_unknown_types_are_skipped() {
        let limits = FrameLimits { data_bytes: 100, ..FrameLimits::default() };
        let error = Err(FrameError::Limit { found: 101, allowed: 100 });
        assert_eq!(Deframer::new(limits).next(&[0x24, b'D', 97, 0]), error);
        assert_eq!(Deframer::new(limits).next(&[0x24, b'H', 97, 0]), Ok(Frame::Incomplete { needed: 12 }));
        assert!(matches!(next(&[0x24, b'F', 1, 0, 9]), Ok(Frame::Packet { total: 5, .. })));
    }

    #[test]
    fn a_decision_once_made_is_not_made_again() {
        let mut deframer = Deframer::new(FrameLimits::default());
        assert_eq!(deframer.next(&[0x24, b'E', 4, 0]), Ok(Frame::Incomplete { needed: 8 }));
        assert!(matches!(deframer.next(&[0; 8]), Ok(Frame::Packet { total: 8, .. })));
    }
}
