//! The beginning of a data packet (sections 5.2.1 and 5.2.2).

use core::ops::Range;

use super::read::Reader;
use crate::error::{DecodeError, Reason};

/// Error correction data and payload parsing information of a data packet (sections 5.2.1, 5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketHead {
    /// Bytes of error correction data with its flags, 0 if there is none.
    pub error_correction_len: usize,
    /// Length Type Flags as they stand in the packet.
    pub length_type_flags: u8,
    /// Property Flags as they stand in the packet.
    pub property_flags: u8,
    /// Packet Length, if the packet carries it.
    pub explicit_packet_length: Option<u32>,
    /// Sequence, if the packet carries it; without meaning.
    pub sequence: Option<u32>,
    /// Padding Length that holds: 0 if absent, or if several payloads contradict it.
    pub padding_len: u32,
    /// Send Time in milliseconds.
    pub send_time_ms: u32,
    /// Duration in milliseconds.
    pub duration_ms: u16,
    /// True if the payload area begins with payload flags.
    pub multiple_payloads: bool,
    /// Bytes up to the payload area: all up to Duration.
    pub head_len: usize,
    /// Bytes of the packet that count: Packet Length, or all that is there.
    pub total_len: usize,
    /// Where the Sequence field stands; empty if absent.
    pub(super) sequence_at: (usize, usize),
}

impl PacketHead {
    /// Decodes the beginning of a packet; `packet` is the whole packet, padded or not.
    ///
    /// # Errors
    /// `Truncated` if a field is missing, `ErrorCorrection` for parity packets and reserved forms,
    /// `Value` for Property Flags that are not allowed, `PacketLength` if Packet Length or the
    /// padding of a single payload do not fit.
    #[inline]
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_of(packet, packet.len())
    }

    /// The same for a packet whose nominal size may be larger than what is there.
    #[inline]
    pub(super) fn decode_of(packet: &[u8], nominal: usize) -> Result<Self, DecodeError> {
        match Self::usual(packet, nominal) {
            Some(head) => Ok(head),
            None => Self::any(packet, nominal),
        }
    }

    /// What stands at the beginning of nearly all packets, read in one piece.
    #[inline]
    fn usual(packet: &[u8], nominal: usize) -> Option<Self> {
        let (&[0x82, 0, 0, length_type_flags, 0x5d], rest) = packet.split_first_chunk()? else { return None };
        // No Packet Length, no Sequence; Padding Length in a BYTE or WORD, or none.
        if nominal != packet.len() || length_type_flags & 0xe6 != 0 {
            return None;
        }
        let (padding, times, head_len) = match length_type_flags & 0x18 {
            0 => (0, rest, 11),
            0x08 => rest.split_first().map(|(padding, times)| (u16::from(*padding), times, 12))?,
            0x10 => {
                rest.split_first_chunk().map(|(padding, times)| (u16::from_le_bytes(*padding), times, 13))?
            }
            _ => return None,
        };
        let [a, b, c, d, e, f] = *times.first_chunk()?;
        if usize::from(padding) > packet.len().saturating_sub(head_len) {
            return None;
        }
        Some(Self {
            error_correction_len: 3,
            length_type_flags,
            property_flags: 0x5d,
            explicit_packet_length: None,
            sequence: None,
            padding_len: u32::from(padding),
            send_time_ms: u32::from_le_bytes([a, b, c, d]),
            duration_ms: u16::from_le_bytes([e, f]),
            multiple_payloads: length_type_flags & 1 != 0,
            head_len,
            total_len: packet.len(),
            sequence_at: (5, 5),
        })
    }

    fn any(packet: &[u8], nominal: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(packet);
        let length_type_flags = skip_error_correction(&mut reader)?;
        let error_correction_len = reader.pos().saturating_sub(1);
        let bad_property = reader.error(Reason::Value);
        let property_flags = reader.u8()?;
        if property_flags >> 6 != 1 {
            return Err(bad_property);
        }
        let length_error = reader.error(Reason::PacketLength);
        let explicit_packet_length = variable(&mut reader, length_type_flags >> 5)?;
        let sequence_start = reader.pos();
        let sequence = variable(&mut reader, length_type_flags >> 1)?;
        let sequence_at = (sequence_start, reader.pos());
        let padding_error = reader.error(Reason::PacketLength);
        let padding = variable(&mut reader, length_type_flags >> 3)?.unwrap_or(0);
        let (send_time_ms, duration_ms) = (reader.u32()?, reader.u16()?);
        let head_len = reader.pos();

        let declared = explicit_packet_length.map_or(Ok(packet.len()), usize::try_from);
        let total_len = declared.map_err(|_| length_error)?;
        if total_len > packet.len() || total_len < head_len {
            return Err(length_error);
        }
        let multiple_payloads = length_type_flags & 1 != 0;
        let mut head = Self {
            error_correction_len,
            length_type_flags,
            property_flags,
            explicit_packet_length,
            sequence,
            padding_len: padding,
            send_time_ms,
            duration_ms,
            multiple_payloads,
            head_len,
            total_len,
            sequence_at,
        };
        head.settle_padding([nominal, packet.len()]).then_some(head).ok_or(padding_error)
    }

    /// The payload area: behind the head, before the padding.
    #[must_use]
    #[inline]
    pub fn payload_range(&self) -> Range<usize> {
        let padding = usize::try_from(self.padding_len).unwrap_or(usize::MAX);
        self.head_len..self.total_len.saturating_sub(padding).max(self.head_len)
    }

    /// Where Packet Length and Padding Length stand; empty if absent.
    pub(super) fn length_fields(&self) -> LengthFields {
        let width = |length_type: u8| match length_type & 3 {
            0 => 0usize,
            1 => 1,
            2 => 2,
            _ => 4,
        };
        let (sequence_start, sequence_end) = self.sequence_at;
        let packet_length = sequence_start.saturating_sub(width(self.length_type_flags >> 5));
        let padding_end = sequence_end.saturating_add(width(self.length_type_flags >> 3));
        LengthFields {
            packet_length: (packet_length, sequence_start),
            padding_length: (sequence_end, padding_end),
        }
    }

    /// Decides which padding holds, given nominal and present size; false if it contradicts a
    /// single payload.
    fn settle_padding(&mut self, sizes: [usize; 2]) -> bool {
        let padding = usize::try_from(self.padding_len).unwrap_or(usize::MAX);
        // One muxer leaves the padding out of Packet Length, and a sender may cut padding without
        // telling: then both add up to one of the sizes, and no padding is among the bytes that count.
        let sum = self.total_len.saturating_add(padding);
        let is_outside = padding > 0 && sizes.contains(&sum);
        if is_outside {
            self.padding_len = 0;
        } else if padding > self.total_len.saturating_sub(self.head_len) {
            // Each of several payloads has its own length, which wins.
            self.padding_len = 0;
            return self.multiple_payloads;
        }
        true
    }
}

/// Start and end of the fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthFields {
    pub(super) packet_length: (usize, usize),
    pub(super) padding_length: (usize, usize),
}

/// Skips error correction data and returns the Length Type Flags behind it (section 5.2.1).
fn skip_error_correction(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let unusable = reader.error(Reason::ErrorCorrection);
    let first = reader.u8()?;
    if first & 0x80 == 0 {
        return Ok(first);
    }
    if first & 0x70 != 0 {
        return Err(unusable);
    }
    let data = reader.take(usize::from(first & 0x0f))?;
    // Type 2 is a parity packet: it carries no payloads.
    if data.first().is_some_and(|byte| byte & 0x0f == 2) {
        return Err(unusable);
    }
    reader.u8()
}

/// A field whose width is given by a two-bit length type (section 5.2.2).
pub(super) fn variable(reader: &mut Reader<'_>, length_type: u8) -> Result<Option<u32>, DecodeError> {
    Ok(match length_type & 3 {
        0 => None,
        1 => Some(u32::from(reader.u8()?)),
        2 => Some(u32::from(reader.u16()?)),
        _ => Some(reader.u32()?),
    })
}
