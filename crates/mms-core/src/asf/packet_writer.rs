//! Writing data packets in the one form that every reader takes (section 5.2, rules of 8.2).
//!
//! ```text
//! 82 00 00 | LTF 5D | padding length? | send time, duration | payload flags? | payloads | zeros
//! ```
//!
//! Payloads are written where they belong in a packet without padding field; finishing moves them by
//! the width of that field, so the first bytes of a packet change until then.

use super::payload::Fragment;
use crate::error::BufferTooSmall;

/// Bytes before the payloads of a packet with one payload and no padding.
const SINGLE_HEAD: usize = 11;
/// Where the two flag bytes end.
const FLAGS_END: usize = 5;
/// Payloads that one packet can hold.
pub const MAX_PAYLOADS: u8 = 63;
/// Bytes of a payload header with 8 bytes of replicated data and without length.
const PAYLOAD_HEAD: usize = 15;
/// Bytes of the Payload Length.
const PAYLOAD_LENGTH: usize = 2;

/// The least packet size that can carry a byte of a media object: one payload, no extension data.
///
/// Each byte of payload extension data adds one.
pub const MIN_PACKET_SIZE: u32 = 27;

const _: () = assert!(SINGLE_HEAD + PAYLOAD_HEAD + 1 == MIN_PACKET_SIZE as usize);

/// What a payload says of its media object besides its data (section 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PayloadHead<'a> {
    /// Stream Number, 1 to 127.
    pub stream_number: u8,
    /// Key Frame Bit.
    pub is_key_frame: bool,
    /// Media Object Number.
    pub object_number: u8,
    /// Offset Into Media Object.
    pub offset: u32,
    /// Media Object Size.
    pub object_size: u32,
    /// Presentation Time in milliseconds with the preroll.
    pub presentation_time_ms: u32,
    /// Data of the payload extension systems, at most 247 bytes.
    pub extensions: &'a [u8],
}

impl<'a> PayloadHead<'a> {
    /// The head of a piece that was read, with the time that is given if it has none of its own.
    #[must_use]
    pub fn of(fragment: &Fragment<'a>, default_time_ms: u32) -> Self {
        let [object_number, ..] = fragment.object_number.to_le_bytes();
        Self {
            stream_number: fragment.stream_number,
            is_key_frame: fragment.is_key_frame,
            object_number,
            offset: fragment.offset,
            object_size: fragment.object_size,
            presentation_time_ms: fragment.presentation_time_ms.unwrap_or(default_time_ms),
            extensions: fragment.extensions,
        }
    }
}

/// The state of a packet that is being written, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: usize,
    /// Bytes used, in the form that the count asks for, without padding field.
    pub(super) len: usize,
    pub(super) count: u8,
}

impl Layout {
    pub(super) fn new(size: usize) -> Self {
        Self { size, len: SINGLE_HEAD, count: 0 }
    }

    /// What one more payload costs besides its header and data: payload flags and lengths.
    fn form_cost(&self) -> usize {
        match self.count {
            0 => 0,
            1 => 1 + PAYLOAD_LENGTH + PAYLOAD_LENGTH,
            _ => PAYLOAD_LENGTH,
        }
    }

    /// Bytes of payload header and data for which there is room.
    fn room(&self) -> usize {
        if self.count >= MAX_PAYLOADS {
            return 0;
        }
        self.size.saturating_sub(self.len).saturating_sub(self.form_cost())
    }

    pub(super) fn data_room(&self, extensions: usize) -> usize {
        // Payload Length is a WORD.
        self.room().saturating_sub(PAYLOAD_HEAD).saturating_sub(extensions).min(usize::from(u16::MAX))
    }

    /// Adds a payload given in parts that follow each other.
    fn push(&mut self, out: &mut [u8], head: &[&[u8]], data: &[&[u8]]) -> Result<(), BufferTooSmall> {
        let head_len = head.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        let data_len = data.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        let len = head_len.saturating_add(data_len);
        let needed = self.len.saturating_add(self.form_cost()).saturating_add(len);
        let too_small = BufferTooSmall { needed };
        let wire_len = u16::try_from(data_len).map_err(|_| too_small)?;
        if needed > self.size || needed > out.len() || self.count >= MAX_PAYLOADS {
            return Err(too_small);
        }
        if self.count == 1 {
            self.make_multiple(out).ok_or(too_small)?;
        }
        for part in head {
            self.put(out, part).ok_or(too_small)?;
        }
        if self.count > 0 {
            self.put(out, &wire_len.to_le_bytes()).ok_or(too_small)?;
        }
        for part in data {
            self.put(out, part).ok_or(too_small)?;
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Gives the payload that was single its length, and the packet its payload flags.
    fn make_multiple(&mut self, out: &mut [u8]) -> Option<()> {
        let replicated = usize::from(*out.get(SINGLE_HEAD.checked_add(6)?)?);
        let data_at = SINGLE_HEAD.checked_add(7)?.checked_add(replicated)?;
        let data_len = u16::try_from(self.len.checked_sub(data_at)?).ok()?;
        out.copy_within(data_at..self.len, data_at.checked_add(3)?);
        out.copy_within(SINGLE_HEAD..data_at, SINGLE_HEAD.checked_add(1)?);
        let length = out.get_mut(data_at.checked_add(1)?..data_at.checked_add(3)?)?;
        length.copy_from_slice(&data_len.to_le_bytes());
        self.len = self.len.checked_add(3)?;
        Some(())
    }

    fn put(&mut self, out: &mut [u8], bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        out.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    pub(super) fn push_fragment(
        &mut self,
        out: &mut [u8],
        head: &PayloadHead<'_>,
        data: &[u8],
    ) -> Result<(), BufferTooSmall> {
        let replicated = u8::try_from(head.extensions.len().saturating_add(8));
        let replicated = replicated.map_err(|_| BufferTooSmall { needed: usize::MAX })?;
        let numbers = [stream_byte(head.stream_number, head.is_key_frame), head.object_number];
        let fixed = [
            &numbers[..],
            &head.offset.to_le_bytes(),
            &[replicated],
            &head.object_size.to_le_bytes(),
            &head.presentation_time_ms.to_le_bytes(),
            head.extensions,
        ];
        self.push(out, &fixed, &[data])
    }

    /// Writes the head and the padding; all of `size` bytes are valid then.
    pub(super) fn finish(&mut self, out: &mut [u8], send_time_ms: u32, duration_ms: u16) -> Option<()> {
        if out.len() < self.size {
            return None;
        }
        let multiple = self.count != 1;
        let rest = self.size.checked_sub(self.len)?;
        // A BYTE covers 256 bytes, its own included.
        let (length_type, width) = match rest {
            0 => (0u8, 0),
            1..=256 => (1, 1),
            _ => (2, 2),
        };
        let padding = u16::try_from(rest.checked_sub(width)?).ok()?.to_le_bytes();
        let payloads_at = SINGLE_HEAD.checked_add(width)?;
        out.copy_within(SINGLE_HEAD..self.len, payloads_at);
        let flags = (length_type << 3) | u8::from(multiple);
        out.get_mut(..FLAGS_END)?.copy_from_slice(&[0x82, 0, 0, flags, 0x5d]);
        let times_at = FLAGS_END.checked_add(width)?;
        out.get_mut(FLAGS_END..times_at)?.copy_from_slice(padding.get(..width)?);
        let duration_at = times_at.checked_add(4)?;
        out.get_mut(times_at..duration_at)?.copy_from_slice(&send_time_ms.to_le_bytes());
        out.get_mut(duration_at..payloads_at)?.copy_from_slice(&duration_ms.to_le_bytes());
        if multiple {
            *out.get_mut(payloads_at)? = 0x80 | self.count;
        }
        let end = self.len.checked_add(width)?;
        out.get_mut(end..self.size)?.fill(0);
        self.len = self.size;
        Some(())
    }
}

fn stream_byte(number: u8, is_key_frame: bool) -> u8 {
    (number & 0x7f) | (u8::from(is_key_frame) << 7)
}

/// Writes one packet of fixed size into the caller's buffer.
///
/// Single-payload form for one payload, multiple-payload form for more; Packet Length is not written.
#[derive(Debug)]
pub struct PacketWriter<'b> {
    out: &'b mut [u8],
    layout: Layout,
}

impl<'b> PacketWriter<'b> {
    /// An empty packet as large as the buffer.
    ///
    /// # Errors
    /// If the buffer is smaller than [`MIN_PACKET_SIZE`].
    pub fn new(out: &'b mut [u8]) -> Result<Self, BufferTooSmall> {
        let needed = usize::try_from(MIN_PACKET_SIZE).unwrap_or(usize::MAX);
        if out.len() < needed {
            return Err(BufferTooSmall { needed });
        }
        let layout = Layout::new(out.len());
        Ok(Self { out, layout })
    }

    /// Payloads written so far.
    #[must_use]
    pub fn payload_count(&self) -> u8 {
        self.layout.count
    }

    /// Data bytes that one more payload with so many bytes of extension data can have.
    #[must_use]
    pub fn data_room(&self, extensions: usize) -> usize {
        self.layout.data_room(extensions)
    }

    /// Adds a payload with a piece of a media object.
    ///
    /// # Errors
    /// If it does not fit; nothing changed then.
    pub fn push(&mut self, head: &PayloadHead<'_>, data: &[u8]) -> Result<(), BufferTooSmall> {
        self.layout.push_fragment(self.out, head, data)
    }

    /// Adds a compressed payload: whole media objects of one stream, evenly spaced, each with at most
    /// 255 bytes. `object_number` and time are those of the first (section 5.2.3.2).
    ///
    /// # Errors
    /// If it does not fit; nothing changed then.
    pub fn push_compressed(
        &mut self,
        stream_number: u8,
        is_key_frame: bool,
        object_number: u8,
        presentation_time_ms: u32,
        time_delta_ms: u8,
        objects: &[&[u8]],
    ) -> Result<(), BufferTooSmall> {
        let lens = objects.iter().map(|object| object.len().saturating_add(1));
        let data_len = lens.fold(0usize, usize::saturating_add);
        let needed = self.layout.len.saturating_add(self.layout.form_cost());
        let needed = needed.saturating_add(data_len).saturating_add(8);
        let too_small = BufferTooSmall { needed };
        if objects.iter().any(|object| object.len() > 255) || usize::from(u16::MAX) < data_len {
            return Err(BufferTooSmall { needed: usize::MAX });
        }
        if needed > self.layout.size {
            return Err(too_small);
        }
        let numbers = [stream_byte(stream_number, is_key_frame), object_number];
        let time = presentation_time_ms.to_le_bytes();
        let head = [&numbers[..], &time, &[1, time_delta_ms]];
        // The sub-payloads are put one by one, behind a payload of no data, whose length is set after.
        self.layout.push(self.out, &head, &[])?;
        let data_at = self.layout.len;
        for object in objects {
            let len = [u8::try_from(object.len()).map_err(|_| too_small)?];
            self.layout.put(self.out, &len).ok_or(too_small)?;
            self.layout.put(self.out, object).ok_or(too_small)?;
        }
        if self.layout.count > 1 {
            let length_at = data_at.saturating_sub(PAYLOAD_LENGTH);
            let length = u16::try_from(data_len).map_err(|_| too_small)?;
            let field = self.out.get_mut(length_at..data_at).ok_or(too_small)?;
            field.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }

    /// Writes head and padding and gives the packet back, which is as large as the buffer.
    ///
    /// # Errors
    /// If no payload was written: such a packet is not allowed.
    pub fn finish(mut self, send_time_ms: u32, duration_ms: u16) -> Result<&'b mut [u8], BufferTooSmall> {
        let empty = BufferTooSmall { needed: SINGLE_HEAD };
        if self.layout.count == 0 {
            return Err(empty);
        }
        self.layout.finish(self.out, send_time_ms, duration_ms).ok_or(empty)?;
        Ok(self.out)
    }
}
