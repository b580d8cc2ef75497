//! Index objects behind the Data Object (section 6).
//!
//! Keys of the time indexes are presentation times as stored, so they include the preroll.

use super::guid::Guid;
use super::object::{FRAME_LEN, Object};
use super::read::Reader;
use crate::error::{BufferTooSmall, DecodeError, Reason};

/// Bytes of a Simple Index Object before its entries.
pub const SIMPLE_INDEX_FIXED: usize = 56;
/// Bytes of an entry of the Simple Index Object.
pub const SIMPLE_INDEX_ENTRY: usize = 6;

/// Identifier and size of an object, of which no more than these 24 bytes need to be there.
///
/// For walking from object to object behind the Data Object without reading them whole.
///
/// # Errors
/// `Truncated` below 24 bytes, `ObjectSize` if the size is less than that.
pub fn object_frame(bytes: &[u8]) -> Result<(Guid, u64), DecodeError> {
    let mut reader = Reader::new(bytes);
    let guid = reader.guid()?;
    let wrong_size = reader.error(Reason::ObjectSize);
    let size = reader.u64()?;
    if size < 24 { Err(wrong_size) } else { Ok((guid, size)) }
}

/// True if an object that is known to stand behind the Data Object begins here, so that this is no packet.
///
/// Tells where packets end in a file whose Data Object has no size.
#[must_use]
pub fn begins_top_level_object(bytes: &[u8]) -> bool {
    let guid = Reader::new(bytes).guid().unwrap_or_default();
    matches!(
        guid,
        Guid::SIMPLE_INDEX
            | Guid::INDEX
            | Guid::MEDIA_OBJECT_INDEX
            | Guid::TIMECODE_INDEX
            | Guid::XMP
            | Guid::HEADER
    )
}

/// An object that stands at the beginning of these bytes, as far as they go.
///
/// # Errors
/// As [`object_frame`].
pub fn top_level_object(bytes: &[u8], offset: u64) -> Result<Object<'_>, DecodeError> {
    let (guid, size) = object_frame(bytes)?;
    let end = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
    Ok(Object { guid, offset, body: bytes.get(FRAME_LEN..end).unwrap_or(&[]) })
}

/// One entry of a Simple Index Object (section 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SimpleIndexEntry {
    /// Packet Number: where the key frame begins.
    pub packet_number: u32,
    /// Packet Count: how many packets it spans.
    pub packet_count: u16,
}

impl SimpleIndexEntry {
    /// The entry as it is stored.
    #[must_use]
    pub fn to_bytes(self) -> [u8; SIMPLE_INDEX_ENTRY] {
        let ([a, b, c, d], [e, f]) = (self.packet_number.to_le_bytes(), self.packet_count.to_le_bytes());
        [a, b, c, d, e, f]
    }
}

/// A Simple Index Object: time to packet of one video stream (section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimpleIndex<'a> {
    /// File ID; often stale.
    pub file_id: Guid,
    /// Index Entry Time Interval in units of 100 ns; 0 in empty indexes.
    pub interval: u64,
    /// Maximum Packet Count; informational.
    pub maximum_packet_count: u32,
    entries: &'a [[u8; SIMPLE_INDEX_ENTRY]],
}

impl<'a> SimpleIndex<'a> {
    /// Decodes the object; entries that are declared and not there do not count.
    ///
    /// # Errors
    /// `Truncated` if the fixed part is not there, `Value` if it is another object.
    pub fn decode(object: &Object<'a>) -> Result<Self, DecodeError> {
        if object.guid != Guid::SIMPLE_INDEX {
            return Err(DecodeError::new(Reason::Value, 0));
        }
        let mut reader = Reader::new(object.body);
        let (file_id, interval) = (reader.guid()?, reader.u64()?);
        let (maximum_packet_count, declared) = (reader.u32()?, reader.u32()?);
        let (entries, _) = reader.rest().as_chunks();
        let len = usize::try_from(declared).unwrap_or(usize::MAX).min(entries.len());
        let entries = entries.get(..len).unwrap_or(&[]);
        Ok(Self { file_id, interval, maximum_packet_count, entries })
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An entry; entry n stands for the time n * interval.
    #[must_use]
    pub fn entry(&self, at: usize) -> Option<SimpleIndexEntry> {
        let [a, b, c, d, e, f] = *self.entries.get(at)?;
        Some(SimpleIndexEntry {
            packet_number: u32::from_le_bytes([a, b, c, d]),
            packet_count: u16::from_le_bytes([e, f]),
        })
    }

    /// The entry of a presentation time with the preroll; the last one for later times. Nothing if the
    /// index is empty or has no interval.
    #[must_use]
    pub fn lookup(&self, presentation_time_ms: u64) -> Option<SimpleIndexEntry> {
        let at = presentation_time_ms.saturating_mul(10_000).checked_div(self.interval)?;
        let last = self.entries.len().checked_sub(1)?;
        self.entry(usize::try_from(at).unwrap_or(usize::MAX).min(last))
    }
}

/// The fixed part of a Simple Index Object; the entries follow it (section 6.1).
#[must_use]
pub fn simple_index_head(
    file_id: Guid,
    interval: u64,
    maximum_packet_count: u32,
    entries: u32,
) -> [u8; SIMPLE_INDEX_FIXED] {
    let mut head = [0; SIMPLE_INDEX_FIXED];
    let size = u64::from(entries).saturating_mul(6).saturating_add(56);
    let mut out = Writer::new(&mut head);
    out.put(&Guid::SIMPLE_INDEX.0);
    out.put(&size.to_le_bytes());
    out.put(&file_id.0);
    out.put(&interval.to_le_bytes());
    out.put(&maximum_packet_count.to_le_bytes());
    out.put(&entries.to_le_bytes());
    head
}

/// What an entry of an index names (section 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexType(pub u16);

impl IndexType {
    /// Nearest Past Data Packet.
    pub const PACKET: Self = Self(1);
    /// Nearest Past Media Object.
    pub const OBJECT: Self = Self(2);
    /// Nearest Past Cleanpoint.
    pub const CLEANPOINT: Self = Self(3);
    /// Frame Number Offset, of the Media Object Index Object only: entries are no places.
    pub const FRAME_NUMBER: Self = Self(0xff);
}

/// An Index Specifier: one column of an index (section 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexSpecifier {
    /// Stream Number.
    pub stream_number: u16,
    /// Index Type.
    pub index_type: IndexType,
}

/// The Index Specifiers of an index or of its parameters, bounded by their bytes.
#[derive(Clone, Debug)]
pub struct IndexSpecifiers<'a> {
    entries: core::slice::Iter<'a, [u8; 4]>,
}

impl<'a> IndexSpecifiers<'a> {
    pub(super) fn new(bytes: &'a [u8], count: u16) -> Self {
        let (entries, _) = bytes.as_chunks();
        let len = usize::from(count).min(entries.len());
        Self { entries: entries.get(..len).unwrap_or(&[]).iter() }
    }
}

impl Iterator for IndexSpecifiers<'_> {
    type Item = IndexSpecifier;

    fn next(&mut self) -> Option<IndexSpecifier> {
        let [a, b, c, d] = *self.entries.next()?;
        let index_type = IndexType(u16::from_le_bytes([c, d]));
        Some(IndexSpecifier { stream_number: u16::from_le_bytes([a, b]), index_type })
    }
}

/// Which of the three objects with blocks and specifiers an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexKind {
    /// Index Object: entries by time (section 6.2).
    Time,
    /// Media Object Index Object: entries by the number of the media object (section 6.3).
    MediaObject,
    /// Timecode Index Object: entries by timecode (section 6.4).
    Timecode,
}

impl IndexKind {
    const fn guid(self) -> Guid {
        match self {
            Self::Time => Guid::INDEX,
            Self::MediaObject => Guid::MEDIA_OBJECT_INDEX,
            Self::Timecode => Guid::TIMECODE_INDEX,
        }
    }

    /// Bytes of a block before its positions, and of an entry before its offsets.
    const fn extra(self) -> (usize, usize) {
        match self {
            Self::Time | Self::MediaObject => (4, 0),
            Self::Timecode => (6, 4),
        }
    }
}

/// An Index, Media Object Index or Timecode Index Object (sections 6.2 to 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index<'a> {
    /// Which of the three it is.
    pub kind: IndexKind,
    /// Index Entry Time Interval in milliseconds, Index Entry Count Interval in media objects, or 1.
    pub interval: u32,
    specifier_count: u16,
    block_count: u32,
    specifiers: &'a [u8],
    blocks: &'a [u8],
}

/// One block of an [`Index`], which is needed beyond 4 GiB of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexBlock<'a> {
    kind: IndexKind,
    columns: usize,
    /// Timecode Range of a Timecode Index block, else 0.
    pub timecode_range: u16,
    positions: &'a [[u8; 8]],
    entries: &'a [u8],
}

impl<'a> Index<'a> {
    /// Decodes the object; blocks and entries that are declared and not there do not count.
    ///
    /// # Errors
    /// `Truncated` if the fixed part or the specifiers are not there, `Value` if it is another object,
    /// `Count` if there is no specifier.
    pub fn decode(object: &Object<'a>) -> Result<Self, DecodeError> {
        let kind = match object.guid {
            Guid::INDEX => IndexKind::Time,
            Guid::MEDIA_OBJECT_INDEX => IndexKind::MediaObject,
            Guid::TIMECODE_INDEX => IndexKind::Timecode,
            _ => return Err(DecodeError::new(Reason::Value, 0)),
        };
        let mut reader = Reader::new(object.body);
        let interval = reader.u32()?;
        let no_specifier = reader.error(Reason::Count);
        let (specifier_count, block_count) = (reader.u16()?, reader.u32()?);
        if specifier_count == 0 {
            return Err(no_specifier);
        }
        let specifiers = reader.take(usize::from(specifier_count).saturating_mul(4))?;
        Ok(Self { kind, interval, specifier_count, block_count, specifiers, blocks: reader.rest() })
    }

    /// The columns, in order.
    #[must_use]
    pub fn specifiers(&self) -> IndexSpecifiers<'a> {
        IndexSpecifiers::new(self.specifiers, self.specifier_count)
    }

    /// The blocks, in order.
    #[must_use]
    pub fn blocks(&self) -> IndexBlocks<'a> {
        let columns = usize::from(self.specifier_count);
        IndexBlocks { kind: self.kind, columns, reader: Reader::new(self.blocks), left: self.block_count }
    }

    /// The column of a stream and type.
    #[must_use]
    pub fn column(&self, specifier: IndexSpecifier) -> Option<usize> {
        self.specifiers().position(|known| known == specifier)
    }

    /// Where the packet of an entry stands, in bytes behind the first packet: of the entry at this
    /// number, or of the nearest one before it that has a place, or else after it.
    #[must_use]
    pub fn position(&self, entry: u64, column: usize) -> Option<u64> {
        let (mut start, mut before) = (0u64, None);
        for block in self.blocks() {
            let len = block.len();
            let wanted = usize::try_from(entry.saturating_sub(start)).unwrap_or(usize::MAX);
            let last = len.checked_sub(1).map(|last| last.min(wanted));
            before = last.and_then(|last| block.nearest_before(last, column)).or(before);
            let is_behind = wanted >= len;
            if before.is_none() {
                // Nothing before the entry has a place: the first behind it, here or in a later block.
                before = block.nearest_after(wanted.min(len), column);
            }
            if !is_behind && before.is_some() {
                return before;
            }
            start = start.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        }
        before
    }

    /// The same for a presentation time with the preroll, of an Index Object.
    #[must_use]
    pub fn lookup(&self, presentation_time_ms: u64, column: usize) -> Option<u64> {
        let entry = presentation_time_ms.checked_div(u64::from(self.interval))?;
        if self.kind == IndexKind::Time { self.position(entry, column) } else { None }
    }
}

impl IndexBlock<'_> {
    fn width(&self) -> usize {
        let (_, extra) = self.kind.extra();
        self.columns.saturating_mul(4).saturating_add(extra)
    }

    /// How many entries the block has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len().checked_div(self.width()).unwrap_or(0)
    }

    /// True if the block has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Block Position of a column.
    #[must_use]
    pub fn block_position(&self, column: usize) -> Option<u64> {
        self.positions.get(column).map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn field(&self, entry: usize, at: usize) -> Option<u32> {
        let start = entry.checked_mul(self.width())?.checked_add(at)?;
        let bytes = self.entries.get(start..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// Timecode of an entry, of a Timecode Index Object.
    #[must_use]
    pub fn timecode(&self, entry: usize) -> Option<u32> {
        if self.kind == IndexKind::Timecode { self.field(entry, 0) } else { None }
    }

    /// Offset of an entry as stored.
    #[must_use]
    pub fn offset(&self, entry: usize, column: usize) -> Option<u32> {
        let (_, extra) = self.kind.extra();
        let at = column.checked_mul(4)?.checked_add(extra)?;
        if column < self.columns { self.field(entry, at) } else { None }
    }

    /// Where the packet of an entry stands, in bytes behind the first packet; nothing if it has no place.
    #[must_use]
    pub fn position(&self, entry: usize, column: usize) -> Option<u64> {
        let offset = self.offset(entry, column).filter(|offset| *offset != u32::MAX)?;
        self.block_position(column)?.checked_add(u64::from(offset))
    }

    fn nearest_before(&self, entry: usize, column: usize) -> Option<u64> {
        (0..=entry).rev().find_map(|entry| self.position(entry, column))
    }

    fn nearest_after(&self, entry: usize, column: usize) -> Option<u64> {
        (entry..self.len()).find_map(|entry| self.position(entry, column))
    }
}

/// The blocks of an [`Index`]; one that is cut ends them.
#[derive(Clone, Debug)]
pub struct IndexBlocks<'a> {
    kind: IndexKind,
    columns: usize,
    reader: Reader<'a>,
    left: u32,
}

impl<'a> IndexBlocks<'a> {
    fn block(&mut self) -> Option<IndexBlock<'a>> {
        let declared = usize::try_from(self.reader.u32().ok()?).ok()?;
        let timecode_range = if self.kind == IndexKind::Timecode { self.reader.u16().ok()? } else { 0 };
        let positions = self.reader.take(self.columns.checked_mul(8)?).ok()?;
        let (positions, _) = positions.as_chunks();
        let mut block =
            IndexBlock { kind: self.kind, columns: self.columns, timecode_range, positions, entries: &[] };
        let width = block.width();
        let there = self.reader.rest().len().checked_div(width)?;
        block.entries = self.reader.take(declared.min(there).checked_mul(width)?).ok()?;
        if declared > there {
            self.left = 0;
        }
        Some(block)
    }
}

impl<'a> Iterator for IndexBlocks<'a> {
    type Item = IndexBlock<'a>;

    fn next(&mut self) -> Option<IndexBlock<'a>> {
        self.left = self.left.checked_sub(1)?;
        let block = self.block();
        if block.is_none() {
            self.left = 0;
        }
        block
    }
}

/// A block to write: positions of the columns, then one row of offsets for each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexBlockToWrite<'a> {
    /// Block Positions, one for each column.
    pub positions: &'a [u64],
    /// Timecode Range; of a Timecode Index Object.
    pub timecode_range: u16,
    /// Timecodes, one for each entry; of a Timecode Index Object.
    pub timecodes: &'a [u32],
    /// Offsets, row by row; `u32::MAX` for an entry without a place.
    pub offsets: &'a [u32],
}

/// An Index, Media Object Index or Timecode Index Object to write (sections 6.2 to 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexToWrite<'a> {
    /// Which of the three it is.
    pub kind: IndexKind,
    /// Interval in milliseconds or media objects; 1 for timecodes.
    pub interval: u32,
    /// The columns, not none.
    pub specifiers: &'a [IndexSpecifier],
    /// The blocks.
    pub blocks: &'a [IndexBlockToWrite<'a>],
}

impl IndexToWrite<'_> {
    /// Bytes of the object.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let (block_extra, entry_extra) = self.kind.extra();
        let columns = self.specifiers.len();
        let fixed = columns.saturating_mul(4).saturating_add(34);
        self.blocks.iter().fold(fixed, |sum, block| {
            let entries = block.offsets.len().checked_div(columns).unwrap_or(0);
            let width = columns.saturating_mul(4).saturating_add(entry_extra);
            let head = columns.saturating_mul(8).saturating_add(block_extra);
            sum.saturating_add(head).saturating_add(entries.saturating_mul(width))
        })
    }

    /// Writes the object; rows that are not whole are left out.
    ///
    /// # Errors
    /// If the output is smaller than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.encoded_len();
        let mut out = Writer::new(out.get_mut(..needed).ok_or(BufferTooSmall { needed })?);
        let columns = self.specifiers.len();
        out.put(&self.kind.guid().0);
        out.put(&u64::try_from(needed).unwrap_or(u64::MAX).to_le_bytes());
        out.put(&self.interval.to_le_bytes());
        out.put(&u16::try_from(columns).unwrap_or(u16::MAX).to_le_bytes());
        out.put(&u32::try_from(self.blocks.len()).unwrap_or(u32::MAX).to_le_bytes());
        for specifier in self.specifiers {
            out.put(&specifier.stream_number.to_le_bytes());
            out.put(&specifier.index_type.0.to_le_bytes());
        }
        for block in self.blocks {
            let entries = block.offsets.len().checked_div(columns).unwrap_or(0);
            out.put(&u32::try_from(entries).unwrap_or(u32::MAX).to_le_bytes());
            if self.kind == IndexKind::Timecode {
                out.put(&block.timecode_range.to_le_bytes());
            }
            for at in 0..columns {
                out.put(&block.positions.get(at).copied().unwrap_or(0).to_le_bytes());
            }
            for (at, row) in block.offsets.chunks_exact(columns.max(1)).enumerate() {
                if self.kind == IndexKind::Timecode {
                    out.put(&block.timecodes.get(at).copied().unwrap_or(0).to_le_bytes());
                }
                for offset in row {
                    out.put(&offset.to_le_bytes());
                }
            }
        }
        Ok(needed)
    }
}

/// Writes forward into a slice and stops at its end.
pub(super) struct Writer<'b> {
    out: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    pub(super) fn new(out: &'b mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = end;
    }
}
