//! Padding that was removed for the wire, put back (section 5.2.2).

use super::packet::PacketHead;
use super::payload::Packet;
use crate::error::{DecodeError, Reason};

/// Error correction data, two flag bytes, Packet Length, Sequence, Padding Length, Send Time and Duration
/// at most.
const MAX_HEAD: usize = 16 + 2 + 4 + 4 + 4 + 6;

/// A packet of nominal size: a rewritten head, borrowed bytes, zeros.
#[derive(Clone, Copy, Debug)]
pub struct Restored<'a> {
    head: [u8; MAX_HEAD],
    head_len: usize,
    rest: &'a [u8],
    zeros: usize,
}

impl<'a> Restored<'a> {
    /// The packet without its last zeros: the head, then bytes of the received packet.
    #[must_use]
    pub fn slices(&self) -> [&[u8]; 2] {
        [self.head.get(..self.head_len).unwrap_or(&[]), self.rest]
    }

    /// The borrowed part alone, with the lifetime of the received packet.
    #[must_use]
    pub fn borrowed(&self) -> &'a [u8] {
        self.rest
    }

    /// Padding bytes that follow the slices.
    #[must_use]
    pub fn zeros(&self) -> usize {
        self.zeros
    }

    /// Bytes in all, which is the nominal packet size.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.head_len.saturating_add(self.rest.len()).saturating_add(self.zeros)
    }

    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.head_len.checked_add(bytes.len())?;
        self.head.get_mut(self.head_len..end)?.copy_from_slice(bytes);
        self.head_len = end;
        Some(())
    }
}

/// A packet without padding: a rewritten head and borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub struct Stripped<'a> {
    packet: Restored<'a>,
}

impl<'a> Stripped<'a> {
    /// The packet: the head, then bytes of the packet that was given.
    #[must_use]
    pub fn slices(&self) -> [&[u8]; 2] {
        self.packet.slices()
    }

    /// The borrowed part alone, with the lifetime of the packet that was given.
    #[must_use]
    pub fn borrowed(&self) -> &'a [u8] {
        self.packet.rest
    }

    /// Bytes in all.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.packet.total_len()
    }
}

/// Removes the padding of a packet for the wire, as real servers do.
///
/// Several payloads lose what is behind the last of them, and Padding Length becomes 0. A single one
/// gets a Packet Length, because readers of a packet that was filled up again would take the padding for
/// data. A packet that would not become shorter stays as it is. [`restore_padding`] is the way back; of
/// real packets it brings most, not all, back to the same bytes.
///
/// # Errors
/// If the packet or one of its payloads is malformed: it is not to be sent.
pub fn strip_padding<'a>(packet: &Packet<'a>) -> Result<Stripped<'a>, DecodeError> {
    let head = packet.head();
    let mut end = head.payload_range().end;
    if head.multiple_payloads {
        end = 0;
    }
    for payload in packet.payloads() {
        end = payload?.range().end.max(end);
    }
    let unchanged = Restored { head: [0; MAX_HEAD], head_len: 0, rest: packet.bytes(), zeros: 0 };
    let stripped = strip(packet, end).filter(|stripped| stripped.total_len() < unchanged.total_len());
    Ok(Stripped { packet: stripped.unwrap_or(unchanged) })
}

fn strip<'a>(packet: &Packet<'a>, end: usize) -> Option<Restored<'a>> {
    let (head, bytes) = (packet.head(), packet.bytes());
    let mut stripped = Restored { head: [0; MAX_HEAD], head_len: 0, rest: bytes, zeros: 0 };
    let lengths = head.length_fields();
    let times = bytes.get(head.head_len.checked_sub(6)?..head.head_len)?;
    let (from, to) = head.sequence_at;
    let sequence = bytes.get(from..to)?;
    stripped.rest = bytes.get(head.head_len..end)?;
    stripped.push(bytes.get(..head.error_correction_len)?)?;
    if head.multiple_payloads {
        let (from, to) = lengths.packet_length;
        let total = u32::try_from(end).ok()?.to_le_bytes();
        let (padding_from, padding_to) = lengths.padding_length;
        stripped.push(&[head.length_type_flags, head.property_flags])?;
        stripped.push(total.get(..to.checked_sub(from)?)?)?;
        stripped.push(sequence)?;
        stripped.push([0; 4].get(..padding_to.checked_sub(padding_from)?)?)?;
        stripped.push(times)?;
        return Some(stripped);
    }
    let fixed = head.error_correction_len.checked_add(10)?.checked_add(sequence.len())?;
    let total = u16::try_from(fixed.checked_add(stripped.rest.len())?).ok()?;
    stripped.push(&[(head.length_type_flags & !0x78) | 0x40, head.property_flags])?;
    stripped.push(&total.to_le_bytes())?;
    stripped.push(sequence)?;
    stripped.push(times)?;
    Some(stripped)
}

/// Restores a packet that may have been received shorter than the nominal size.
///
/// A packet of nominal size stays as it is, whatever it holds. A shorter one loses its Packet Length
/// and gets a Padding Length in the smallest form, so that each payload keeps its bytes.
///
/// # Errors
/// `PacketLength` if the packet is longer than the nominal size, and what [`PacketHead::decode`]
/// finds in a shorter one.
pub fn restore_padding(received: &[u8], packet_size: u32) -> Result<Restored<'_>, DecodeError> {
    let too_long = DecodeError::new(Reason::PacketLength, 0);
    let nominal = usize::try_from(packet_size).map_err(|_| too_long)?;
    let missing = nominal.checked_sub(received.len()).ok_or(too_long)?;
    let mut restored = Restored { head: [0; MAX_HEAD], head_len: 0, rest: received, zeros: missing };
    if missing == 0 {
        return Ok(restored);
    }
    let head = PacketHead::decode_of(received, nominal)?;
    rewrite(&mut restored, &head, received, nominal).ok_or(too_long)?;
    Ok(restored)
}

fn rewrite<'a>(
    restored: &mut Restored<'a>,
    head: &PacketHead,
    received: &'a [u8],
    nominal: usize,
) -> Option<()> {
    let (from, to) = head.sequence_at;
    let (correction, sequence) = (received.get(..head.error_correction_len)?, received.get(from..to)?);
    let times = received.get(head.head_len.checked_sub(6)?..head.head_len)?;
    let area = received.get(head.head_len..head.total_len)?;

    let fixed = correction.len().checked_add(2)?.checked_add(sequence.len())?.checked_add(times.len())?;
    // Padding that was received stays in `area` and counts as padding again.
    let kept = usize::try_from(head.padding_len).ok()?;
    let body = fixed.checked_add(area.len())?.checked_sub(kept)?;
    let room = nominal.checked_sub(body)?;
    // One byte of field holds 255, so with the field itself it covers 256 bytes.
    let (length_type, width) = if room <= 256 { (1u8, 1) } else { (2u8, 2) };
    let padding = u16::try_from(room.checked_sub(width)?).ok()?.to_le_bytes();

    restored.zeros = room.checked_sub(width)?.checked_sub(kept)?;
    restored.push(correction)?;
    restored.push(&[(head.length_type_flags & !0x78) | (length_type << 3), head.property_flags])?;
    restored.push(sequence)?;
    restored.push(padding.get(..width)?)?;
    restored.push(times)?;
    restored.rest = area;
    Some(())
}
