//! Turns a recording that was cut off or never finished into a proper file.
//!
//! Every whole packet is kept. Counts, sizes, durations and flags become true, and each visible video
//! stream gets a Simple Index. The result takes its place at once or not at all.

use core::time::Duration;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use mms_core::asf::{
    DATA_OBJECT_LEN, FileScan, Guid, Header, HeaderRewrite, HeaderSummary, Packet, begins_top_level_object,
    object_frame, packet_count, shift_times,
};

use crate::disk::read_at;
use crate::indexes::Indexes;
use crate::output::{Output, RewriteError};
use crate::probe::{Unservable, walk_source};
use crate::system::random;

/// Bytes that can be read at any place.
pub trait Source {
    /// How many there are.
    ///
    /// # Errors
    /// If the system does not tell.
    fn source_len(&self) -> io::Result<u64>;

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// If there are not as many, or reading failed.
    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

impl Source for File {
    fn source_len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_at(self, offset, bytes)
    }
}

impl Source for [u8] {
    fn source_len(&self) -> io::Result<u64> {
        u64::try_from(self.len()).map_err(io::Error::other)
    }

    fn read_exact_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start.checked_add(bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// What a repaired file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// Packets.
    pub packets: u64,
    /// Packets of them that no reader can decode; they were kept.
    pub unreadable: u64,
    /// Simple Index Objects that were made.
    pub indexes: usize,
    /// How long the content plays.
    pub duration: Duration,
    /// True if times were moved to the beginning, because the recording joined late.
    pub moved: bool,
    /// Bytes of the file.
    pub len: u64,
}

/// Repairs a file. `output` may be the same path as `input`; it is replaced when everything was written.
///
/// # Errors
/// If the header is not whole, there is no whole packet, or reading or writing failed; then there is
/// nothing new at `output`.
pub fn repair(input: &Path, output: &Path) -> Result<Repaired, RewriteError> {
    let source = File::open(input).map_err(Unservable::from)?;
    let mut out = Output::create(output)?;
    let repaired = repair_to(&source, out.file(), Guid(random_guid()?))?;
    out.replace()?;
    Ok(repaired)
}

/// The same from any source into any output; the File ID is that of the new file.
///
/// # Errors
/// As [`repair`].
pub fn repair_to<S, W>(source: &S, out: &mut W, file_id: Guid) -> Result<Repaired, RewriteError>
where
    S: Source + ?Sized,
    W: Write + Seek,
{
    let len = source.source_len().map_err(Unservable::from)?;
    let summary = walk_source(source, len)?;
    let header_len = usize::try_from(summary.header_len).map_err(|_| Unservable::HeaderCut)?;
    let mut bytes = vec![0; header_len];
    source.read_exact_at(0, &mut bytes).map_err(Unservable::from)?;
    let header =
        Header::decode(&bytes).map_err(|error| Unservable::from(mms_core::asf::HeaderError::from(error)))?;
    let mut packets = PacketReader::new(source, &summary, len);
    let shift = time_shift(&header, &mut packets)?;
    packets.rewind();

    out.write_all(&bytes)?;
    let mut scan = FileScan::new(&header);
    let mut indexes = Indexes::new(&header);
    while let Some(packet) = packets.next_packet()? {
        if let Some((send, presentation)) = shift {
            // what is malformed stays as it is
            let _ = shift_times(packet, send, presentation);
        }
        take(&mut scan, &mut indexes, packet);
        out.write_all(packet)?;
    }
    if scan.packet_count() == 0 {
        return Err(Unservable::NoPackets.into());
    }
    let all_there = scan.packet_count() == summary.data_packets && shift.is_none();
    let kept = copy_objects(source, out, packets.end(&summary), len, all_there)?;
    let indexes = indexes.finish(file_id);
    out.write_all(&indexes.bytes)?;
    let media_len = scan.data_size(&summary) - DATA_OBJECT_LEN as u64;
    let file_len = summary.header_len + media_len + kept + indexes.bytes.len() as u64;
    let properties = scan.finished(&summary, file_id, file_len, indexes.is_complete);
    let rewrite = HeaderRewrite::new(&summary, &properties, scan.data_size(&summary), scan.packet_count());
    rewrite.apply(0, &mut bytes);
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&bytes)?;
    out.flush()?;
    Ok(Repaired {
        packets: scan.packet_count(),
        unreadable: scan.unreadable_count(),
        indexes: indexes.count,
        duration: properties.content_duration(),
        moved: shift.is_some(),
        len: file_len,
    })
}

pub(crate) fn random_guid() -> io::Result<[u8; 16]> {
    let mut bytes = random()?;
    // version 4, variant 1
    bytes[7] = (bytes[7] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(bytes)
}

/// Takes a packet that was written.
pub(crate) fn take(scan: &mut FileScan, indexes: &mut Indexes, packet: &[u8]) {
    let packet = Packet::decode(packet).ok();
    indexes.add(packet.as_ref());
    match packet {
        Some(packet) => scan.packet(&packet),
        None => scan.unreadable_packet(),
    }
}

/// How far times are moved back in a live recording that joined late: sending, presenting.
fn time_shift<S: Source + ?Sized>(
    header: &Header<'_>,
    packets: &mut PacketReader<'_, S>,
) -> io::Result<Option<(u32, i64)>> {
    if !header.file_properties().is_broadcast() {
        return Ok(None);
    }
    let mut scan = FileScan::new(header);
    while let Some(packet) = packets.next_packet()? {
        if let Ok(packet) = Packet::decode(packet) {
            scan.packet(&packet);
        }
    }
    let preroll = i64::try_from(header.file_properties().preroll_ms).unwrap_or(0);
    let first = scan.first_presentation_time_ms().map_or(preroll, i64::from);
    Ok(scan.first_send_time_ms().filter(|send| *send > 0).map(|send| (send, first - preroll)))
}

/// Copies objects behind the data that are whole; how many bytes they are. Indexes only if nothing moved.
fn copy_objects<S: Source + ?Sized>(
    source: &S,
    out: &mut impl Write,
    mut at: u64,
    len: u64,
    with_indexes: bool,
) -> io::Result<u64> {
    let mut copied = 0;
    let mut frame = [0; 24];
    while len.saturating_sub(at) >= 24 {
        source.read_exact_at(at, &mut frame)?;
        let Ok((guid, size)) = object_frame(&frame) else { break };
        if size > len - at {
            break;
        }
        let is_index = [Guid::INDEX, Guid::MEDIA_OBJECT_INDEX, Guid::TIMECODE_INDEX].contains(&guid);
        let is_wanted = if is_index { with_indexes } else { guid == Guid::XMP };
        if is_wanted {
            copy(source, out, at, size)?;
            copied += size;
        }
        at += size;
    }
    Ok(copied)
}

fn copy<S: Source + ?Sized>(source: &S, out: &mut impl Write, mut at: u64, mut left: u64) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        source.read_exact_at(at, &mut buffer[..part])?;
        out.write_all(&buffer[..part])?;
        at += part as u64;
        left -= part as u64;
    }
    Ok(())
}

/// The packets of a source, one after the other.
pub(crate) struct PacketReader<'s, S: ?Sized> {
    source: &'s S,
    header_len: u64,
    /// True if the Data Object tells where the packets end.
    is_bounded: bool,
    count: u64,
    next: u64,
    packet: usize,
    /// Packets read ahead, and where the next one of them begins.
    buffer: Vec<u8>,
    at: usize,
}

impl<'s, S: Source + ?Sized> PacketReader<'s, S> {
    pub(crate) fn new(source: &'s S, summary: &HeaderSummary, len: u64) -> Self {
        let available = len.saturating_sub(summary.data_offset);
        let packet = usize::try_from(summary.packet_size()).unwrap_or(usize::MAX);
        Self {
            source,
            header_len: summary.header_len,
            is_bounded: (DATA_OBJECT_LEN as u64 + 1..=available).contains(&summary.data_size),
            count: packet_count(len, summary),
            next: 0,
            packet,
            buffer: vec![],
            at: 0,
        }
    }

    pub(crate) fn rewind(&mut self) {
        (self.next, self.at) = (0, 0);
        self.buffer.clear();
    }

    /// The next packet, which may be changed.
    pub(crate) fn next_packet(&mut self) -> io::Result<Option<&mut [u8]>> {
        if self.next >= self.count {
            return Ok(None);
        }
        if self.at == self.buffer.len() {
            let ahead = ((1 << 18) / self.packet).max(1) as u64;
            let packets = usize::try_from(ahead.min(self.count - self.next)).unwrap_or(1);
            self.buffer.resize(packets * self.packet, 0);
            let offset = self.header_len + self.next * self.packet as u64;
            self.source.read_exact_at(offset, &mut self.buffer)?;
            self.at = 0;
        }
        if !self.is_bounded && begins_top_level_object(&self.buffer[self.at..]) {
            self.count = self.next;
            return Ok(None);
        }
        let start = self.at;
        self.at += self.packet;
        self.next += 1;
        Ok(Some(&mut self.buffer[start..self.at]))
    }

    /// Where the packets end, or the Data Object says that they do.
    fn end(&self, summary: &HeaderSummary) -> u64 {
        if self.is_bounded {
            return summary.data_offset + summary.data_size;
        }
        self.header_len + self.count * self.packet as u64
    }
}
