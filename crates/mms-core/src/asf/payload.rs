//! Payloads of a data packet and the fragments of media objects in them (section 5.2.3).
//!
//! ```text
//! Packet -> payloads (at most 63) -> fragments
//!                |
//!                +- normal: one fragment          replicated data of 8 bytes or more
//!                +- bare: one whole media object  no replicated data
//!                +- compressed: many whole media objects, replicated data of 1 byte
//! ```

use core::ops::Range;

use super::packet::{PacketHead, variable};
use super::read::Reader;
use crate::error::{DecodeError, Reason};

/// A data packet whose payloads can be read (section 5.2).
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    head: PacketHead,
    bytes: &'a [u8],
    count: u8,
    /// Payload length type, 0 for a single payload.
    length_type: u8,
}

impl<'a> Packet<'a> {
    /// Decodes a packet; `bytes` is the whole packet, padded or not.
    ///
    /// # Errors
    /// What [`PacketHead::decode`] finds, and `Count` if several payloads are announced and there are
    /// none or their lengths have no width.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::with_head(PacketHead::decode(bytes)?, bytes)
    }

    /// The same for a packet that may have been received shorter than the nominal size.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn decode_of(bytes: &'a [u8], packet_size: u32) -> Result<Self, DecodeError> {
        let nominal = usize::try_from(packet_size).unwrap_or(usize::MAX);
        Self::with_head(PacketHead::decode_of(bytes, nominal)?, bytes)
    }

    #[inline]
    fn with_head(head: PacketHead, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if !head.multiple_payloads {
            return Ok(Self { head, bytes, count: 1, length_type: 0 });
        }
        let flags = bytes.get(..head.total_len).and_then(|bytes| bytes.get(head.head_len));
        let Some(flags) = flags else { return Err(DecodeError::new(Reason::Truncated, head.head_len)) };
        let (count, length_type) = (flags & 0x3f, flags >> 6);
        if count == 0 || length_type == 0 {
            return Err(DecodeError::new(Reason::Count, head.head_len));
        }
        Ok(Self { head, bytes, count, length_type })
    }

    /// Error correction data and payload parsing information.
    #[must_use]
    #[inline]
    pub fn head(&self) -> &PacketHead {
        &self.head
    }

    /// The bytes that were given.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many payloads the packet announces, 1 to 63.
    #[must_use]
    #[inline]
    pub fn payload_count(&self) -> u8 {
        self.count
    }

    /// The payloads in order. After an error there are no more; those before it remain good.
    #[must_use]
    #[inline]
    pub fn payloads(&self) -> Payloads<'a> {
        let (start, end) = if self.length_type == 0 {
            let range = self.head.payload_range();
            (range.start, range.end)
        } else {
            // The payload flags; each payload has its own length, which wins over the padding.
            (self.head.head_len.saturating_add(1), self.head.total_len)
        };
        let reader = Reader::at(self.bytes, start, end);
        let left = if reader.is_ok() { self.count } else { 0 };
        Payloads {
            reader: reader.unwrap_or(Reader::new(&[])),
            left,
            length_type: self.length_type,
            property_flags: self.head.property_flags,
        }
    }

    /// The pieces of media objects in all payloads, up to the first payload that is malformed.
    #[must_use]
    #[inline]
    pub fn fragments(&self) -> PacketFragments<'a> {
        PacketFragments { payloads: self.payloads(), other: None }
    }
}

/// The payloads of a [`Packet`].
#[derive(Clone, Debug)]
pub struct Payloads<'a> {
    reader: Reader<'a>,
    left: u8,
    length_type: u8,
    property_flags: u8,
}

/// The fields before the replicated data.
struct Numbers {
    stream: u8,
    object_number: u32,
    offset: u32,
    offset_at: usize,
    replicated_len: u32,
}

impl<'a> Payloads<'a> {
    /// The payload in the layout that all files have, read in one piece, and what follows it.
    #[inline]
    fn usual(&self) -> Option<(Payload<'a>, &'a [u8])> {
        let (&[stream, number, a, b, c, d, len], rest) = self.reader.rest().split_first_chunk()?;
        if self.property_flags != 0x5d || len < 8 {
            return None;
        }
        let (replicated, rest) = rest.split_at_checked(usize::from(len))?;
        let (data, rest) = match self.length_type {
            0 => rest.split_at_checked(rest.len())?,
            2 => {
                let (len, rest) = rest.split_first_chunk()?;
                rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?
            }
            _ => return None,
        };
        let start = self.reader.pos();
        let payload = Payload {
            stream_number: stream & 0x7f,
            is_key_frame: stream & 0x80 != 0,
            object_number: u32::from(number),
            offset_field: u32::from_le_bytes([a, b, c, d]),
            replicated,
            data,
            start,
            end: start.saturating_add(self.reader.rest().len().saturating_sub(rest.len())),
            // Behind these seven bytes and the size of the object.
            time_at: start.saturating_add(11),
            is_single: self.length_type == 0,
            number_mask: 0xff,
        };
        Some((payload, rest))
    }

    fn numbers(&mut self) -> Result<Numbers, DecodeError> {
        let start = self.reader.pos();
        if let Some((&[stream, number, a, b, c, d, len], rest)) = self.reader.rest().split_first_chunk()
            && self.property_flags == 0x5d
            && !(2..8).contains(&len)
        {
            self.reader.skip_to(rest);
            return Ok(Numbers {
                stream,
                object_number: u32::from(number),
                offset: u32::from_le_bytes([a, b, c, d]),
                offset_at: start.saturating_add(2),
                replicated_len: u32::from(len),
            });
        }
        let reader = &mut self.reader;
        let stream = reader.u8()?;
        let object_number = variable(reader, self.property_flags >> 4)?.unwrap_or(0);
        let offset_at = reader.pos();
        let offset = variable(reader, self.property_flags >> 2)?.unwrap_or(0);
        let wrong_replicated = reader.error(Reason::ReplicatedData);
        let replicated_len = variable(reader, self.property_flags)?.unwrap_or(0);
        if (2..8).contains(&replicated_len) {
            return Err(wrong_replicated);
        }
        Ok(Numbers { stream, object_number, offset, offset_at, replicated_len })
    }

    #[inline(never)]
    fn any(&mut self) -> Result<Payload<'a>, DecodeError> {
        let start = self.reader.pos();
        let numbers = self.numbers()?;
        let reader = &mut self.reader;
        let Numbers { stream, object_number, offset, offset_at, replicated_len } = numbers;
        let time_at = match replicated_len {
            0 => 0,
            // A presentation time in another width cannot be exchanged for any other.
            1 if self.property_flags & 0x0c != 0x0c => 0,
            1 => offset_at,
            _ => reader.pos().saturating_add(4),
        };
        let replicated = take(reader, replicated_len)?;
        let data = if self.length_type == 0 {
            reader.take(reader.rest().len())?
        } else {
            let len = match self.length_type {
                2 => u32::from(reader.u16()?),
                other => variable(reader, other)?.unwrap_or(0),
            };
            take(reader, len)?
        };
        Ok(Payload {
            stream_number: stream & 0x7f,
            is_key_frame: stream & 0x80 != 0,
            object_number,
            offset_field: offset,
            replicated,
            data,
            start,
            end: reader.pos(),
            time_at,
            is_single: self.length_type == 0,
            number_mask: match (self.property_flags >> 4) & 3 {
                0 => 0,
                1 => 0xff,
                2 => 0xffff,
                _ => u32::MAX,
            },
        })
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Result<Payload<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        if let Some((payload, rest)) = self.usual() {
            self.reader.skip_to(rest);
            return Some(Ok(payload));
        }
        let payload = self.any();
        if payload.is_err() {
            self.left = 0;
        }
        Some(payload)
    }
}

fn take<'a>(reader: &mut Reader<'a>, len: u32) -> Result<&'a [u8], DecodeError> {
    let too_long = reader.error(Reason::NestedLength);
    reader.take(usize::try_from(len).unwrap_or(usize::MAX)).map_err(|_| too_long)
}

/// The fragments of a [`Packet`].
#[derive(Clone, Debug)]
pub struct PacketFragments<'a> {
    payloads: Payloads<'a>,
    /// Those of a payload that is not normal.
    other: Option<Fragments<'a>>,
}

impl<'a> PacketFragments<'a> {
    /// The rule, which is not that of nearly all payloads.
    #[inline(never)]
    fn next_of_any(&mut self) -> Option<Fragment<'a>> {
        loop {
            if let Some(fragment) = self.other.as_mut().and_then(Iterator::next) {
                return Some(fragment);
            }
            self.other = None;
            self.other = Some(self.payloads.next()?.ok()?.fragments());
        }
    }
}

impl<'a> Iterator for PacketFragments<'a> {
    type Item = Fragment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Fragment<'a>> {
        if self.other.is_none() {
            let left = self.payloads.left.checked_sub(1)?;
            if let Some((payload, rest)) = self.payloads.usual()
                && let Some(fragment) = payload.normal()
            {
                self.payloads.left = left;
                self.payloads.reader.skip_to(rest);
                return Some(fragment);
            }
        }
        self.next_of_any()
    }
}

/// What the replicated data makes of a payload (section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadForm {
    /// A fragment with size and presentation time of its media object.
    Normal,
    /// No replicated data: a whole media object without a time of its own.
    Bare,
    /// Sub-payloads, each a whole media object.
    Compressed,
}

/// One payload of a data packet, as it stands there (section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Payload<'a> {
    /// Stream Number, 0 to 127; 0 is not allowed and has no fragments.
    pub stream_number: u8,
    /// Key Frame Bit.
    pub is_key_frame: bool,
    /// Media Object Number.
    pub object_number: u32,
    /// Offset Into Media Object, which is the Presentation Time of a compressed payload.
    pub offset_field: u32,
    /// Replicated Data.
    pub replicated: &'a [u8],
    /// Payload Data.
    pub data: &'a [u8],
    start: usize,
    end: usize,
    time_at: usize,
    is_single: bool,
    number_mask: u32,
}

impl<'a> Payload<'a> {
    /// Where the payload with its header stands in the packet.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// What the replicated data makes of the payload.
    #[must_use]
    #[inline]
    pub fn form(&self) -> PayloadForm {
        match self.replicated.len() {
            0 => PayloadForm::Bare,
            1 => PayloadForm::Compressed,
            _ => PayloadForm::Normal,
        }
    }

    /// Size of the media object, if the payload tells it.
    #[must_use]
    #[inline]
    pub fn object_size(&self) -> Option<u32> {
        let size = self.replicated.first_chunk()?;
        Some(u32::from_le_bytes(*size))
    }

    /// Presentation time of the media object or of the first sub-payload, in milliseconds and with the
    /// preroll, if the payload tells it.
    #[must_use]
    #[inline]
    pub fn presentation_time_ms(&self) -> Option<u32> {
        if self.form() == PayloadForm::Compressed {
            return Some(self.offset_field);
        }
        let time = self.replicated.get(4..)?.first_chunk()?;
        Some(u32::from_le_bytes(*time))
    }

    /// Where the presentation time stands in the packet, in 32 bits, and what it is.
    pub(super) fn time_field(&self) -> Option<(usize, u32)> {
        Some((self.time_at, self.presentation_time_ms()?)).filter(|(at, _)| *at > 0)
    }

    /// True if a media object begins with this payload.
    #[must_use]
    #[inline]
    pub fn starts_object(&self) -> bool {
        self.offset_field == 0 || self.form() == PayloadForm::Compressed
    }

    /// Presentation Time Delta of a compressed payload, in milliseconds.
    #[must_use]
    pub fn time_delta_ms(&self) -> Option<u8> {
        if let [delta] = self.replicated { Some(*delta) } else { None }
    }

    /// The pieces of media objects in this payload. Empty ones, those that contradict the size of their
    /// object, and those of stream 0 are left out.
    #[must_use]
    #[inline]
    pub fn fragments(&self) -> Fragments<'a> {
        if self.form() != PayloadForm::Normal {
            return self.other_fragments();
        }
        match self.normal() {
            Some(fragment) => Fragments { fragment, rest: &[], left: Left::One },
            None => Fragments::none(),
        }
    }

    #[inline(never)]
    fn other_fragments(&self) -> Fragments<'a> {
        if self.stream_number == 0 || self.data.is_empty() {
            return Fragments::none();
        }
        if let Some(delta) = self.time_delta_ms() {
            let first = self.fragment(0, 0, Some(self.offset_field), &[]);
            return Fragments { fragment: first, rest: self.data, left: Left::Many { delta } };
        }
        match u32::try_from(self.data.len()) {
            Ok(size) if self.offset_field == 0 => {
                Fragments { fragment: self.fragment(0, size, None, self.data), rest: &[], left: Left::One }
            }
            _ => Fragments::none(),
        }
    }

    #[inline]
    fn normal(&self) -> Option<Fragment<'a>> {
        let (size, offset) = (self.object_size()?, self.offset_field);
        let room = size.checked_sub(offset)?;
        let clipped = usize::try_from(room).unwrap_or(usize::MAX);
        // A single payload ends where the packet does, so padding that nobody told of is cut here.
        let data = if self.is_single { self.data.get(..clipped).unwrap_or(self.data) } else { self.data };
        if self.stream_number == 0 || data.is_empty() || data.len() > clipped {
            return None;
        }
        let extensions = self.replicated.get(8..).unwrap_or(&[]);
        Some(Fragment { extensions, ..self.fragment(offset, size, self.presentation_time_ms(), data) })
    }

    #[inline]
    fn fragment(&self, offset: u32, size: u32, time: Option<u32>, data: &'a [u8]) -> Fragment<'a> {
        Fragment {
            stream_number: self.stream_number,
            is_key_frame: self.is_key_frame,
            object_number: self.object_number,
            offset,
            object_size: size,
            presentation_time_ms: time,
            extensions: &[],
            data,
            number_mask: self.number_mask,
        }
    }
}

/// A piece of a media object, or a whole one (section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment<'a> {
    /// Stream number, 1 to 127.
    pub stream_number: u8,
    /// True if the media object is a key frame.
    pub is_key_frame: bool,
    /// Media Object Number, which wraps, normally after 255.
    pub object_number: u32,
    /// Where the piece belongs in its media object.
    pub offset: u32,
    /// Size of the media object, never 0.
    pub object_size: u32,
    /// Presentation time in milliseconds with the preroll, if the payload tells it.
    pub presentation_time_ms: Option<u32>,
    /// Data of the payload extension systems (section 7.3).
    pub extensions: &'a [u8],
    /// The bytes of the piece, never none, never beyond the media object.
    pub data: &'a [u8],
    pub(super) number_mask: u32,
}

impl Fragment<'_> {
    /// The offset behind the piece.
    #[must_use]
    #[inline]
    pub fn end(&self) -> u32 {
        self.offset.saturating_add(u32::try_from(self.data.len()).unwrap_or(u32::MAX))
    }

    /// True if the piece is a whole media object.
    #[must_use]
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.offset == 0 && self.end() == self.object_size
    }
}

/// The fragments of a [`Payload`].
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    /// The next one; of a compressed payload it has no data yet.
    fragment: Fragment<'a>,
    /// Sub-payloads that follow.
    rest: &'a [u8],
    left: Left,
}

#[derive(Clone, Copy, Debug)]
enum Left {
    Nothing,
    One,
    /// Sub-payloads, which are so many milliseconds apart.
    Many {
        delta: u8,
    },
}

impl<'a> Fragments<'a> {
    /// The next sub-payload that is not empty; one that runs beyond the payload ends it.
    #[inline]
    fn sub_payload(&mut self, delta: u8) -> Option<Fragment<'a>> {
        loop {
            let (len, rest) = self.rest.split_first()?;
            let (data, rest) = rest.split_at_checked(usize::from(*len))?;
            let next = &mut self.fragment;
            let fragment = Fragment { data, object_size: u32::from(*len), ..*next };
            next.object_number = next.object_number.wrapping_add(1) & next.number_mask;
            let time = next.presentation_time_ms.unwrap_or(0);
            next.presentation_time_ms = Some(time.wrapping_add(u32::from(delta)));
            self.rest = rest;
            if !data.is_empty() {
                return Some(fragment);
            }
        }
    }

    #[inline]
    fn none() -> Self {
        let fragment = Fragment {
            stream_number: 0,
            is_key_frame: false,
            object_number: 0,
            offset: 0,
            object_size: 0,
            presentation_time_ms: None,
            extensions: &[],
            data: &[],
            number_mask: 0,
        };
        Self { fragment, rest: &[], left: Left::Nothing }
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Fragment<'a>> {
        match self.left {
            Left::Nothing => None,
            Left::One => {
                self.left = Left::Nothing;
                Some(self.fragment)
            }
            Left::Many { delta } => self.sub_payload(delta),
        }
    }
}
