//! The bytes of an ASF file out of a client's events.

use super::event::Event;
use crate::asf::{HeaderPatch, restore_padding};
use crate::error::DecodeError;

/// Copies the header and the packets that a client reports into the caller's slices, so that together they
/// are an ASF file. Packets that came without their padding get it again.
///
/// Give it one event until it returns 0, then the next, in their order, and append what it writes. It may have all events: of
/// those that are no part of a file it copies nothing.
///
/// [`Event::FilePart`], which may be an index, is copied too, unless a `patch` is given.
///
/// - [`Event::RolledOver`] and [`Event::Redirected`]: all begins anew, at whatever place. Empty the file, take a new `FileBytes`,
///   forget what was counted.
/// - [`Event::StreamChange`]: another header comes, and is copied like the first, but a file has only one. Begin another file
///   with a new `FileBytes`; or [`close`](super::Client::close) and keep the first.
///
/// The header is that of the stream. That of a broadcast, or of a recording that was cut short, promises other packets than
/// came. At the end, change its bytes (keep them, or read them back from the file) and write them again:
/// [`HeaderPatch::finished`] with [`Client::header`](super::Client::header), the packets and the size of the file, then
/// [`apply(0, header)`](HeaderPatch::apply). Where the file cannot be changed afterwards, give a `patch` from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileBytes {
    /// bytes of the current event that are copied
    copied: usize,
}

impl FileBytes {
    /// Copies the next bytes of this event; 0 when it holds no more.
    ///
    /// `packet_size` is that of the header; only packets need it, so it may be 0 before the header is whole. `patch` changes the header on its way, for a file whose counts
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
