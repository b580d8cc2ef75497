//! A header for streaming, made from a file's header by leaving objects out.
//!
//! Clients with small buffers refuse headers that players have no use for: pictures and padding. The
//! result is a row of pieces, so nothing is copied until somebody asks.

use super::DATA_OBJECT_LEN;
use super::guid::Guid;
use super::header::Header;
use super::object::{FRAME_LEN, Object, Objects, extension_objects};
use super::read::Reader;
use super::utf16::Utf16;
use crate::error::{BufferTooSmall, DecodeError, Reason};

bitflags::bitflags! {
    /// What a header for streaming does without.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct LeaveOut: u32 {
        /// Padding Objects and room for index parameters.
        const PADDING = 1;
        /// Pictures among the descriptors and in the metadata library.
        const PICTURES = 2;
        /// Parameters of indexes, which are never sent.
        const INDEX_PARAMETERS = 4;
    }
}

/// Bytes of a Header Extension Object before its objects.
const EXTENSION_FIXED: usize = 46;

/// A part of a header for streaming: a few bytes of its own, then bytes of the file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderPiece<'a> {
    own: [u8; EXTENSION_FIXED],
    own_len: usize,
    borrowed: &'a [u8],
}

impl<'a> HeaderPiece<'a> {
    fn new(parts: &[&[u8]], borrowed: &'a [u8]) -> Self {
        let mut piece = Self { own: [0; EXTENSION_FIXED], own_len: 0, borrowed };
        for part in parts {
            let end = piece.own_len.saturating_add(part.len());
            if let Some(place) = piece.own.get_mut(piece.own_len..end) {
                place.copy_from_slice(part);
                piece.own_len = end;
            }
        }
        piece
    }

    /// The bytes of the piece.
    #[must_use]
    pub fn slices(&self) -> [&[u8]; 2] {
        [self.own.get(..self.own_len).unwrap_or(&[]), self.borrowed]
    }

    /// How many bytes they are.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.own_len.saturating_add(self.borrowed.len())
    }
}

/// A header for streaming (see the module's text): Header Object and 50 bytes of the Data Object.
#[derive(Clone, Debug)]
pub struct StreamingHeader<'a> {
    objects: Objects<'a>,
    data: &'a [u8],
    leave_out: LeaveOut,
    /// True if something is left out, so that a signature no longer holds.
    is_changed: bool,
    object_count: u32,
    object_size: usize,
}

impl<'a> StreamingHeader<'a> {
    /// Plans a header; `bytes` is the whole header of a file, more bytes are ignored.
    ///
    /// # Errors
    /// What [`Header::decode`] finds.
    pub fn new(bytes: &'a [u8], leave_out: LeaveOut) -> Result<Self, DecodeError> {
        let header = Header::decode(bytes)?;
        let truncated = DecodeError::new(Reason::Truncated, bytes.len());
        let start = usize::try_from(header.summary().data_offset).map_err(|_| truncated)?;
        let end = start.saturating_add(DATA_OBJECT_LEN);
        let data = bytes.get(start..end).ok_or(truncated)?;
        let objects = header.objects();
        let mut plan = Self { objects, data, leave_out, is_changed: false, object_count: 0, object_size: 30 };
        let kept = plan.objects.clone().chain(header.extension_objects());
        plan.is_changed =
            { kept }.any(|object| plan.leaves_out(&object) || plan.records_of(&object).is_some());
        for object in plan.objects.clone() {
            if let Some(len) = plan.kept_len(&object) {
                plan.object_count = plan.object_count.saturating_add(1);
                plan.object_size = plan.object_size.saturating_add(len);
            }
        }
        Ok(plan)
    }

    /// Bytes of the header with the 50 bytes of the Data Object.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.object_size.saturating_add(self.data.len())
    }

    /// True if something is left out.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// The pieces in order.
    #[must_use]
    pub fn pieces(&self) -> HeaderPieces<'a, '_> {
        HeaderPieces {
            plan: self,
            stage: Stage::Head,
            objects: self.objects.clone(),
            extension: Objects::new(&[], 0),
            records: Records::none(),
        }
    }

    /// Copies the header.
    ///
    /// # Errors
    /// If the output is smaller than [`total_len`](Self::total_len).
    pub fn copy_to(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.total_len();
        let mut rest = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        for piece in self.pieces() {
            for slice in piece.slices() {
                let (place, behind) =
                    rest.split_at_mut_checked(slice.len()).ok_or(BufferTooSmall { needed })?;
                place.copy_from_slice(slice);
                rest = behind;
            }
        }
        Ok(needed)
    }

    fn leaves_out(&self, object: &Object<'_>) -> bool {
        let out = match object.guid {
            Guid::PADDING | Guid::INDEX_PLACEHOLDER => LeaveOut::PADDING,
            Guid::INDEX_PARAMETERS
            | Guid::MEDIA_OBJECT_INDEX_PARAMETERS
            | Guid::TIMECODE_INDEX_PARAMETERS => LeaveOut::INDEX_PARAMETERS,
            Guid::DIGITAL_SIGNATURE => return self.is_changed,
            _ => return false,
        };
        self.leave_out.contains(out)
    }

    /// Size of what stays of an object, nothing if it is left out.
    fn kept_len(&self, object: &Object<'a>) -> Option<usize> {
        if self.leaves_out(object) {
            return None;
        }
        let whole = object.body.len().saturating_add(FRAME_LEN);
        if object.guid == Guid::HEADER_EXTENSION && object.body.len() >= 22 {
            return Some(self.extension_len(object).saturating_add(EXTENSION_FIXED));
        }
        Some(self.records_of(object).map_or(whole, |(_, _, len)| len))
    }

    fn extension_len(&self, extension: &Object<'a>) -> usize {
        let kept = extension_objects(extension).filter(|object| !self.leaves_out(object));
        kept.fold(0, |sum, object| {
            let whole = object.body.len().saturating_add(FRAME_LEN);
            let len = self.records_of(&object).map_or(whole, |(_, _, len)| len);
            sum.saturating_add(len)
        })
    }

    /// The records of an object of which some are left out, how many stay, and the object's size then.
    fn records_of(&self, object: &Object<'a>) -> Option<(Records<'a>, u16, usize)> {
        let records = Records::of(object).filter(|_| self.leave_out.contains(LeaveOut::PICTURES))?;
        let (mut all, mut kept, mut len) = (0u16, 0u16, FRAME_LEN.saturating_add(2));
        for record in records.clone() {
            all = all.saturating_add(1);
            if !record.is_picture {
                kept = kept.saturating_add(1);
                len = len.saturating_add(record.bytes.len());
            }
        }
        // An object that was not understood to its end stays as it is.
        (kept < all && all == records.left).then_some((records, kept, len))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Objects,
    Done,
}

/// The pieces of a [`StreamingHeader`].
#[derive(Clone, Debug)]
pub struct HeaderPieces<'a, 'p> {
    plan: &'p StreamingHeader<'a>,
    stage: Stage,
    objects: Objects<'a>,
    extension: Objects<'a>,
    records: Records<'a>,
}

impl<'a> HeaderPieces<'a, '_> {
    fn head(&self) -> HeaderPiece<'a> {
        let size = u64::try_from(self.plan.object_size).unwrap_or(u64::MAX).to_le_bytes();
        let count = self.plan.object_count.to_le_bytes();
        HeaderPiece::new(&[&Guid::HEADER.0, &size, &count, &[1, 2]], &[])
    }

    /// An object, or its beginning if the rest comes in pieces.
    fn object(&mut self, object: &Object<'a>, in_extension: bool) -> HeaderPiece<'a> {
        let guid = &object.guid.0[..];
        let frame = |len: usize| u64::try_from(len).unwrap_or(u64::MAX).to_le_bytes();
        if let Some((records, kept, len)) = self.plan.records_of(object) {
            self.records = records;
            return HeaderPiece::new(&[guid, &frame(len), &kept.to_le_bytes()], &[]);
        }
        let fixed = object.body.get(..18).filter(|_| object.body.len() >= 22);
        if let Some(fixed) = fixed.filter(|_| object.guid == Guid::HEADER_EXTENSION && !in_extension) {
            let len = self.plan.extension_len(object);
            self.extension = extension_objects(object);
            let size = frame(len.saturating_add(EXTENSION_FIXED));
            let declared = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
            return HeaderPiece::new(&[guid, &size, fixed, &declared], &[]);
        }
        HeaderPiece::new(&[guid, &frame(object.body.len().saturating_add(FRAME_LEN))], object.body)
    }
}

impl<'a> Iterator for HeaderPieces<'a, '_> {
    type Item = HeaderPiece<'a>;

    fn next(&mut self) -> Option<HeaderPiece<'a>> {
        if self.stage == Stage::Head {
            self.stage = Stage::Objects;
            return Some(self.head());
        }
        if let Some(record) = self.records.find(|record| !record.is_picture) {
            return Some(HeaderPiece::new(&[], record.bytes));
        }
        let plan = self.plan;
        if let Some(object) = self.extension.find(|object| !plan.leaves_out(object)) {
            return Some(self.object(&object, true));
        }
        if let Some(object) = self.objects.find(|object| !plan.leaves_out(object)) {
            return Some(self.object(&object, false));
        }
        let is_first = self.stage == Stage::Objects;
        self.stage = Stage::Done;
        is_first.then(|| HeaderPiece::new(&[], self.plan.data))
    }
}

/// The records of an Extended Content Description or Metadata Library Object, with their bytes.
#[derive(Clone, Debug)]
struct Records<'a> {
    reader: Reader<'a>,
    left: u16,
    is_library: bool,
}

struct Record<'a> {
    bytes: &'a [u8],
    is_picture: bool,
}

impl<'a> Records<'a> {
    fn none() -> Self {
        Self { reader: Reader::new(&[]), left: 0, is_library: false }
    }

    fn of(object: &Object<'a>) -> Option<Self> {
        let is_library = match object.guid {
            Guid::EXTENDED_CONTENT_DESCRIPTION => false,
            Guid::METADATA_LIBRARY => true,
            _ => return None,
        };
        let mut reader = Reader::new(object.body);
        let left = reader.u16().ok()?;
        Some(Self { reader, left, is_library })
    }

    fn record(&mut self) -> Option<Record<'a>> {
        let before = self.reader.rest();
        let reader = &mut self.reader;
        let name = if self.is_library {
            reader.take(4).ok()?;
            let name_len = reader.u16().ok()?;
            reader.u16().ok()?;
            let len = usize::try_from(reader.u32().ok()?).ok()?;
            let name = reader.take(usize::from(name_len)).ok()?;
            reader.take(len).ok()?;
            name
        } else {
            let name_len = reader.u16().ok()?;
            let name = reader.take(usize::from(name_len)).ok()?;
            reader.u16().ok()?;
            let len = reader.u16().ok()?;
            reader.take(usize::from(len)).ok()?;
            name
        };
        let len = before.len().saturating_sub(reader.rest().len());
        let is_picture = Utf16::new(name) == *"WM/Picture";
        Some(Record { bytes: before.get(..len)?, is_picture })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let record = self.record();
        if record.is_none() {
            self.left = 0;
        }
        record
    }
}
