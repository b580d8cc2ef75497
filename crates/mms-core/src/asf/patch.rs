//! What recording and broadcasting change in a header (sections 3.2 and 5.1).

use core::time::Duration;

use super::DATA_OBJECT_LEN;
use super::guid::Guid;
use super::header::{FILE_PROPERTIES_BODY, FileFlags, FileProperties};
use super::index::Writer;
use super::walker::HeaderSummary;

/// New values for File Properties and the Data Object, applied to any part of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderPatch {
    edits: [Edit; 7],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edit {
    offset: u64,
    bytes: [u8; 8],
    len: usize,
}

impl Edit {
    fn u64(base: u64, offset: u64, value: u64) -> Self {
        Self { offset: base.saturating_add(offset), bytes: value.to_le_bytes(), len: 8 }
    }

    fn u32(base: u64, offset: u64, value: u32) -> Self {
        Self { len: 4, ..Self::u64(base, offset, u64::from(value)) }
    }
}

struct Values {
    file_size: u64,
    packets: u64,
    play: u64,
    send: u64,
    flags: FileFlags,
    data_size: u64,
    data_packets: u64,
}

impl HeaderPatch {
    /// The header of a recording that is complete.
    ///
    /// Send and Play Duration stay as they are where `None` is given. The broadcast flags are cleared;
    /// the seekable flag becomes what is given: see
    /// [`StreamTable::is_seekable`](super::StreamTable::is_seekable) for a file.
    #[must_use]
    pub fn finished(
        summary: &HeaderSummary,
        packets: u64,
        send_duration: Option<Duration>,
        play_duration: Option<Duration>,
        file_size: u64,
        seekable: bool,
    ) -> Self {
        let properties = &summary.file_properties;
        let mut flags = properties.flags.difference(FileFlags::BROADCAST.union(FileFlags::LIVE));
        flags.set(FileFlags::SEEKABLE, seekable);
        let media = packets.saturating_mul(u64::from(properties.packet_size()));
        Self::of(
            summary,
            &Values {
                file_size,
                packets,
                play: play_duration.map_or(properties.play_duration, hundred_nanos),
                send: send_duration.map_or(properties.send_duration, hundred_nanos),
                flags,
                data_size: media.saturating_add(50),
                data_packets: packets,
            },
        )
    }

    /// The header of a broadcast, with the values that real servers send.
    #[must_use]
    pub fn broadcast(summary: &HeaderSummary) -> Self {
        Self::of(
            summary,
            &Values {
                file_size: summary.header_len,
                packets: 0xffff_ffff,
                play: 0,
                send: 0,
                flags: FileFlags::BROADCAST.union(FileFlags::LIVE),
                // Players refuse 0 here.
                data_size: 50,
                data_packets: 0,
            },
        )
    }

    fn of(summary: &HeaderSummary, values: &Values) -> Self {
        let (properties, data) = (summary.file_properties_offset, summary.data_offset);
        Self {
            edits: [
                Edit::u64(properties, 40, values.file_size),
                Edit::u64(properties, 56, values.packets),
                Edit::u64(properties, 64, values.play),
                Edit::u64(properties, 72, values.send),
                Edit::u32(properties, 88, values.flags.bits()),
                Edit::u64(data, 16, values.data_size),
                Edit::u64(data, 40, values.data_packets),
            ],
        }
    }

    /// Writes what overlaps the part of the header that begins at `part_offset`.
    pub fn apply(&self, part_offset: u64, part: &mut [u8]) {
        for edit in &self.edits {
            let bytes = edit.bytes.get(..edit.len).unwrap_or(&[]);
            overwrite(edit.offset, bytes, part_offset, part);
        }
    }
}

/// New File Properties and a new fixed part of the Data Object, written over any part of a header.
///
/// The File ID of the File Properties becomes that of the Data Object. Nothing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRewrite {
    properties_offset: u64,
    properties: [u8; FILE_PROPERTIES_BODY],
    data_offset: u64,
    data: [u8; DATA_OBJECT_LEN],
}

impl HeaderRewrite {
    /// Values for the header that the summary was made from.
    #[must_use]
    pub fn new(
        summary: &HeaderSummary,
        properties: &FileProperties,
        data_size: u64,
        data_packets: u64,
    ) -> Self {
        let mut data = [0; DATA_OBJECT_LEN];
        let mut writer = Writer::new(&mut data);
        writer.put(&Guid::DATA.0);
        writer.put(&data_size.to_le_bytes());
        writer.put(&properties.file_id.0);
        writer.put(&data_packets.to_le_bytes());
        writer.put(&[1, 1]);
        Self {
            properties_offset: summary.file_properties_offset.saturating_add(24),
            properties: properties.to_bytes(),
            data_offset: summary.data_offset,
            data,
        }
    }

    /// Writes what overlaps the part of the header that begins at `part_offset`.
    pub fn apply(&self, part_offset: u64, part: &mut [u8]) {
        overwrite(self.properties_offset, &self.properties, part_offset, part);
        overwrite(self.data_offset, &self.data, part_offset, part);
    }
}

/// Writes bytes that belong at `offset` over a part that begins at `part_offset`.
fn overwrite(offset: u64, bytes: &[u8], part_offset: u64, part: &mut [u8]) {
    for (at, byte) in (offset..).zip(bytes) {
        let index = at.checked_sub(part_offset).and_then(|index| usize::try_from(index).ok());
        if let Some(slot) = index.and_then(|index| part.get_mut(index)) {
            *slot = *byte;
        }
    }
}

fn hundred_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos() / 100).unwrap_or(u64::MAX)
}
