//! Padding that was removed for the wire, put back (section 5.2.2).

use super::packet::PacketHead;
use crate::error::{DecodeError, Reason};

/// Error correction data, two flag bytes, Sequence, Padding Length, Send Time and Duration at most.
const MAX_HEAD: usize = 16 + 2 + 4 + 2 + 6;

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
