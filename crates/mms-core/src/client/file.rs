//! The bytes of an ASF file out of a client's events.

use super::event::Event;
use crate::asf::{HeaderPatch, restore_padding};
use crate::error::DecodeError;

/// Copies the header and the packets that a client reports into the caller's slices, so that together they
/// are an ASF file. Packets that came without their padding get it again.
///
/// Give it one event until it returns 0, then the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileBytes {
    /// bytes of the current event that are copied
    copied: usize,
}

impl FileBytes {
    /// Copies the next bytes of this event; 0 when it holds no more.
    ///
    /// `packet_size` is that of the header. `patch` changes the header on its way, for a file whose counts
    /// are not known: see [`Client::broadcast_patch`](super::Client::broadcast_patch).
    ///
    /// # Errors
    /// A packet that is shorter than the packet size and cannot be taken apart.
    pub fn read(
        &mut self,
        event: &Event<'_>,
        packet_size: u32,
        patch: Option<&HeaderPatch>,
        out: &mut [u8],
    ) -> Result<usize, DecodeError> {
        let copied = match event {
            Event::HeaderPart { offset, bytes, .. } => {
                let count = copy([bytes, &[]], 0, self.copied, out);
                let place = offset.saturating_add(u64::try_from(self.copied).unwrap_or(u64::MAX));
                if let (Some(patch), Some(part)) = (patch, out.get_mut(..count)) {
                    patch.apply(place, part);
                }
                count
            }
            Event::Packet { bytes, .. } => {
                let restored = restore_padding(bytes, packet_size)?;
                copy(restored.slices(), restored.zeros(), self.copied, out)
            }
            // what is behind the packets has no place in a file that promises nothing
            Event::FilePart { bytes, .. } if patch.is_none() => copy([bytes, &[]], 0, self.copied, out),
            _ => 0,
        };
        self.copied = if copied == 0 { 0 } else { self.copied.saturating_add(copied) };
        Ok(copied)
    }
}

/// Copies what follows the first `skip` bytes of two slices and some zeros; returns how much.
fn copy(slices: [&[u8]; 2], zeros: usize, mut skip: usize, out: &mut [u8]) -> usize {
    let mut used = 0_usize;
    for slice in slices {
        let rest = slice.get(skip..).unwrap_or_default();
        skip = skip.saturating_sub(slice.len());
        let count = rest.len().min(out.len().saturating_sub(used));
        let end = used.saturating_add(count);
        if let (Some(target), Some(source)) = (out.get_mut(used..end), rest.get(..count)) {
            target.copy_from_slice(source);
        }
        used = end;
    }
    let count = zeros.saturating_sub(skip).min(out.len().saturating_sub(used));
    let end = used.saturating_add(count);
    out.get_mut(used..end).unwrap_or_default().fill(0);
    end
}
