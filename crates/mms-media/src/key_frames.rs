//! The key frames that the simple indexes of a file name.

use std::fs::File;
use std::io;

use mms_core::asf::{Guid, SimpleIndex, StreamKind, StreamTable, object_frame, top_level_object};

use crate::disk::read_at;

/// Top-level objects behind the packets that are looked at.
const OBJECTS: usize = 64;
/// An index of more bytes is not read: at one entry a second it covers a week.
const INDEX_BYTES: u64 = 4 << 20;
/// GUID and size of an object.
const FRAME: usize = 24;

/// The simple index of one video stream.
#[derive(Debug)]
pub(crate) struct KeyFrames {
    pub(crate) stream: u8,
    object: Vec<u8>,
    offset: u64,
    /// first packet and number of packets of each key frame, ascending
    runs: Vec<(u32, u32)>,
}

impl KeyFrames {
    /// The packet that the index names for a presentation time.
    pub(crate) fn hint(&self, presentation_time_ms: u64) -> Option<u64> {
        let object = top_level_object(&self.object, self.offset).ok()?;
        let entry = SimpleIndex::decode(&object).ok()?.lookup(presentation_time_ms)?;
        Some(u64::from(entry.packet_number))
    }

    /// The packets of the first key frame that begins at `from` or behind.
    pub(crate) fn at_or_behind(&self, from: u32) -> Option<(u32, u32)> {
        let at = self.runs.partition_point(|(packet, _)| *packet < from);
        self.runs.get(at).copied()
    }

    /// The packets of the last key frame that begins before `from`.
    pub(crate) fn before(&self, from: u32) -> Option<(u32, u32)> {
        let at = self.runs.partition_point(|(packet, _)| *packet < from);
        self.runs.get(at.checked_sub(1)?).copied()
    }
}

/// The places of the simple indexes behind the packets: offset and size of each.
fn places(file: &File, mut offset: u64, file_len: u64) -> io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for _ in 0..OBJECTS {
        let mut frame = [0; FRAME];
        if file_len.saturating_sub(offset) < frame.len() as u64 {
            break;
        }
        read_at(file, offset, &mut frame)?;
        let Ok((guid, size)) = object_frame(&frame) else { break };
        if size < FRAME as u64 || size > file_len - offset {
            break;
        }
        if guid == Guid::SIMPLE_INDEX {
            found.push((offset, size));
        }
        offset += size;
    }
    Ok(found)
}

/// Whether a file has a simple index for a video stream.
pub(crate) fn has_index(
    file: &File,
    media_end: u64,
    file_len: u64,
    streams: &StreamTable,
) -> io::Result<bool> {
    Ok(streams.has_video() && !places(file, media_end, file_len)?.is_empty())
}

/// Reads the simple indexes: they stand in the order of the video streams (section 6.1).
pub(crate) fn read(
    file: &File,
    media_end: u64,
    file_len: u64,
    streams: &StreamTable,
    packet_count: u32,
) -> io::Result<Vec<KeyFrames>> {
    let video = streams.iter().filter(|stream| stream.kind == StreamKind::Video);
    let mut all = Vec::new();
    for ((offset, size), stream) in places(file, media_end, file_len)?.into_iter().zip(video) {
        if size > INDEX_BYTES {
            continue;
        }
        let mut object = vec![0; usize::try_from(size).unwrap_or_default()];
        read_at(file, offset, &mut object)?;
        let Ok(decoded) = top_level_object(&object, offset) else { continue };
        let Ok(index) = SimpleIndex::decode(&decoded) else { continue };
        let mut runs: Vec<(u32, u32)> = (0..index.len())
            .filter_map(|at| index.entry(at))
            .map(|entry| (entry.packet_number, u32::from(entry.packet_count.max(1))))
            .filter(|(packet, count)| packet.checked_add(*count).is_some_and(|end| end <= packet_count))
            .collect();
        runs.sort_unstable();
        runs.dedup_by_key(|(packet, _)| *packet);
        all.push(KeyFrames { stream: stream.number, object, offset, runs });
    }
    Ok(all)
}
