//! The header as a stream of parts (sections 2.1, 3.1 to 3.4, 3.12, 4.1, 5.1).
//!
//! ```text
//! Header frame, count -> objects -> Data Object (50) -> complete
//!                          |
//!                          +- File Properties, Stream Properties, Stream Bitrate Properties
//!                          +- Header Extension -> the same objects
//!                          |                   -> Extended Stream Properties -> Stream Properties
//!                          +- anything else is skipped
//! ```
//!
//! The deepest chain is fixed, so nothing is nested generically and the state is a few numbers.

use core::fmt;

use super::guid::Guid;
use super::header::{FILE_PROPERTIES_BODY, FileProperties};
use super::object::FRAME_LEN;
use super::patch::HeaderPatch;
use super::read::Reader;
use super::stream::{STREAM_FIXED, StreamKind, stream_number};
use super::stream_table::StreamTable;
use super::{DATA_OBJECT_LEN, MAX_PACKET_SIZE};
use crate::error::{DecodeError, LimitName, Reason};

/// How large a header may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeaderLimits {
    /// Bytes of the header with the 50 bytes of the Data Object.
    pub bytes: u64,
    /// Objects in the header, nested ones included.
    pub objects: u32,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { bytes: 1 << 20, objects: 4096 }
    }
}

/// Why a header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes are no header; the offset counts from the start of the header.
    Invalid(DecodeError),
    /// The header is larger than the host allows.
    Limit {
        /// Which limit.
        limit: LimitName,
        /// What the header has.
        found: u64,
        /// What the limit allows.
        allowed: u64,
    },
}

impl From<DecodeError> for HeaderError {
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error)
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => write!(f, "invalid header: {error}"),
            Self::Limit { limit, found, allowed } => write!(f, "{found} {limit}, {allowed} allowed"),
        }
    }
}

impl core::error::Error for HeaderError {}

/// What a session needs to know of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSummary {
    /// Bytes of the Header Object and of the 50 bytes of the Data Object.
    pub header_len: u64,
    /// The File Properties Object (section 3.2).
    pub file_properties: FileProperties,
    /// Offset of the File Properties Object from the start of the header.
    pub file_properties_offset: u64,
    /// Offset of the Data Object, which is the size of the Header Object.
    pub data_offset: u64,
    /// Size of the Data Object as stored: 0 or 50 if unknown (section 5.1).
    pub data_size: u64,
    /// Total Data Packets as stored in the Data Object (section 5.1).
    pub data_packets: u64,
    /// The streams.
    pub streams: StreamTable,
    /// Bits per second: Maximum Bitrate, or the sum of the streams if that is 0.
    pub bit_rate: u32,
}

impl HeaderSummary {
    fn new() -> Self {
        Self {
            header_len: 0,
            file_properties: FileProperties::default(),
            file_properties_offset: 0,
            data_offset: 0,
            data_size: 0,
            data_packets: 0,
            streams: StreamTable::new(),
            bit_rate: 0,
        }
    }

    /// The size of every packet (section 3.2).
    #[must_use]
    pub fn packet_size(&self) -> u32 {
        self.file_properties.packet_size()
    }
}

/// How many whole packets a file of `file_len` bytes holds (section 5.1).
///
/// The size of the Data Object counts if it is neither unknown nor beyond the file; declared packet
/// counts do not, because files that were cut or never finished contradict them.
#[must_use]
pub fn packet_count(file_len: u64, summary: &HeaderSummary) -> u64 {
    let available = file_len.saturating_sub(summary.header_len);
    let declared = summary.data_size.saturating_sub(fixed(DATA_OBJECT_LEN));
    let body = if declared > 0 && declared <= available { declared } else { available };
    body.checked_div(u64::from(summary.packet_size())).unwrap_or(0)
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    HeaderFrame,
    HeaderRest,
    ObjectFrame,
    FileProperties,
    StreamProperties,
    HeaderExtension,
    BitRateCount,
    BitRate { left: u16 },
    Extended,
    ExtendedName { names: u16, systems: u16 },
    ExtendedSystem { systems: u16 },
    EmbeddedFrame,
    DataObject,
    Complete,
    Failed(HeaderError),
}

impl Step {
    /// Bytes that must be collected before the step can be taken.
    fn wants(self) -> usize {
        match self {
            Self::HeaderFrame | Self::ObjectFrame | Self::EmbeddedFrame => FRAME_LEN,
            Self::HeaderRest | Self::BitRate { .. } => 6,
            Self::FileProperties => FILE_PROPERTIES_BODY,
            Self::StreamProperties => STREAM_FIXED,
            Self::HeaderExtension | Self::ExtendedSystem { .. } => 22,
            Self::BitRateCount => 2,
            Self::Extended => 64,
            Self::ExtendedName { .. } => 4,
            Self::DataObject => DATA_OBJECT_LEN,
            Self::Complete | Self::Failed(_) => 0,
        }
    }
}

/// Walks a header that arrives in parts of any size, in fixed state.
///
/// Objects that a stream can do without are ignored if they are too short or malformed inside; an object
/// frame that does not fit its container, and everything that makes the header unusable, is an error.
#[derive(Clone, Debug)]
pub struct HeaderWalker {
    limits: HeaderLimits,
    step: Step,
    /// Bytes consumed.
    pos: u64,
    /// Where the bytes of the step begin; everything before is skipped.
    start: u64,
    buffer: [u8; FILE_PROPERTIES_BODY],
    have: usize,
    objects: u32,
    /// End of the object being read: the free-standing one, not one embedded in it.
    object_end: u64,
    /// End of the objects in the Header Extension, and of the extension, while inside it.
    extension: Option<(u64, u64)>,
    summary: HeaderSummary,
}

const _: () = assert!(size_of::<HeaderWalker>() <= 1024);

impl HeaderWalker {
    /// A walker before the first byte of a header.
    #[must_use]
    pub fn new(limits: HeaderLimits) -> Self {
        Self {
            limits,
            step: Step::HeaderFrame,
            pos: 0,
            start: 0,
            buffer: [0; FILE_PROPERTIES_BODY],
            have: 0,
            objects: 0,
            object_end: 0,
            extension: None,
            summary: HeaderSummary::new(),
        }
    }

    /// Takes the next part of the header; bytes behind its end are left alone (see [`consumed`](Self::consumed)).
    ///
    /// # Errors
    /// The first error of the header, whatever the parts are; every later call returns it again.
    pub fn feed(&mut self, part: &[u8]) -> Result<(), HeaderError> {
        let mut rest = part;
        loop {
            if let Step::Failed(error) = self.step {
                return Err(error);
            }
            let skip = self.start.saturating_sub(self.pos.saturating_sub(fixed(self.have)));
            if skip > 0 {
                let taken = usize::try_from(skip).unwrap_or(usize::MAX).min(rest.len());
                rest = self.advance(rest, taken);
            }
            let wants = self.step.wants();
            if wants == 0 || rest.is_empty() {
                return Ok(());
            }
            let taken = wants.saturating_sub(self.have).min(rest.len());
            for (slot, byte) in self.buffer.iter_mut().skip(self.have).zip(rest.iter().take(taken)) {
                *slot = *byte;
            }
            rest = self.advance(rest, taken);
            self.have = self.have.saturating_add(taken);
            if self.have < wants {
                return Ok(());
            }
            self.take_step();
        }
    }

    /// True if the whole header was read and is good.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.step == Step::Complete
    }

    /// Bytes of the header consumed so far.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.pos
    }

    /// Bytes of the whole header with the 50 bytes of the Data Object, known after its first 24 bytes.
    #[must_use]
    pub fn total_len(&self) -> Option<u64> {
        (self.summary.header_len > 0).then_some(self.summary.header_len)
    }

    /// What the header says, once it is complete.
    #[must_use]
    pub fn summary(&self) -> Option<&HeaderSummary> {
        self.is_complete().then_some(&self.summary)
    }

    /// Edits for a header that shall promise nothing. Known once the place of File Properties is, which is
    /// before the first byte that they change.
    #[must_use]
    pub fn broadcast_patch(&self) -> Option<HeaderPatch> {
        let seen = self.step == Step::FileProperties || self.summary.file_properties_offset > 0;
        seen.then(|| HeaderPatch::broadcast(&self.summary))
    }

    fn advance<'a>(&mut self, bytes: &'a [u8], taken: usize) -> &'a [u8] {
        self.pos = self.pos.saturating_add(fixed(taken));
        bytes.get(taken..).unwrap_or(&[])
    }

    /// Acts on the bytes that were collected and decides what comes next.
    fn take_step(&mut self) {
        let (buffer, begin) = (self.buffer, self.start);
        self.start = self.pos;
        self.have = 0;
        let bytes = buffer.get(..self.step.wants()).unwrap_or(&[]);
        let base = usize::try_from(begin).unwrap_or(usize::MAX);
        let next = self.handle(bytes, begin).map_err(|error| match error {
            HeaderError::Invalid(error) => HeaderError::Invalid(error.within(base)),
            limit @ HeaderError::Limit { .. } => limit,
        });
        self.step = next.unwrap_or_else(Step::Failed);
    }

    /// The step over these bytes, which begin at `begin`; errors count from there.
    fn handle(&mut self, bytes: &[u8], begin: u64) -> Result<Step, HeaderError> {
        let mut reader = Reader::new(bytes);
        match self.step {
            Step::HeaderFrame => self.header_frame(&mut reader),
            Step::HeaderRest => self.next_object(begin),
            Step::ObjectFrame => self.object_frame(&mut reader, begin),
            Step::FileProperties => self.file_properties(bytes, begin),
            Step::StreamProperties => self.stream_properties(&mut reader, begin),
            Step::HeaderExtension => self.header_extension(&mut reader, begin),
            Step::BitRateCount => {
                let left = reader.u16()?;
                self.bit_rate_or_end(left, begin)
            }
            Step::BitRate { left } => {
                let (flags, rate) = (reader.u16()?, reader.u32()?);
                if let Some(number) = stream_number(flags) {
                    self.summary.streams.set_bit_rate(number, rate);
                }
                self.bit_rate_or_end(left.saturating_sub(1), begin)
            }
            Step::Extended => self.extended(&mut reader, begin),
            Step::ExtendedName { names, systems } => {
                reader.u16()?;
                let len = reader.u16()?;
                self.skip(u64::from(len));
                self.extended_part(names.saturating_sub(1), systems, begin)
            }
            Step::ExtendedSystem { systems } => {
                reader.take(18)?;
                let len = reader.u32()?;
                self.skip(u64::from(len));
                self.extended_part(0, systems.saturating_sub(1), begin)
            }
            Step::EmbeddedFrame => self.embedded_frame(&mut reader, begin),
            Step::DataObject => self.data_object(&mut reader),
            Step::Complete | Step::Failed(_) => Ok(self.step),
        }
    }

    fn header_frame(&mut self, reader: &mut Reader<'_>) -> Result<Step, HeaderError> {
        if reader.guid()? != Guid::HEADER {
            return Err(DecodeError::new(Reason::HeaderGuid, 0).into());
        }
        let wrong_size = reader.error(Reason::ObjectSize);
        let size = reader.u64()?;
        let total = size.checked_add(fixed(DATA_OBJECT_LEN)).filter(|_| size >= 30).ok_or(wrong_size)?;
        if total > self.limits.bytes {
            let limit = LimitName::HeaderBytes;
            return Err(HeaderError::Limit { limit, found: total, allowed: self.limits.bytes });
        }
        self.summary.data_offset = size;
        self.summary.header_len = total;
        Ok(Step::HeaderRest)
    }

    /// What stands at `start`: the next object, or the end of its container.
    ///
    /// `begin` is where the bytes of the current step began, because errors count from there.
    fn next_object(&mut self, begin: u64) -> Result<Step, HeaderError> {
        if let Some((objects_end, extension_end)) = self.extension {
            if objects_end.saturating_sub(self.start) >= fixed(FRAME_LEN) {
                return Ok(Step::ObjectFrame);
            }
            self.extension = None;
            self.start = extension_end;
        }
        let header_end = self.summary.data_offset;
        if header_end.saturating_sub(self.start) >= fixed(FRAME_LEN) {
            return Ok(Step::ObjectFrame);
        }
        self.start = header_end;
        let at_end = usize::try_from(header_end.saturating_sub(begin)).unwrap_or(usize::MAX);
        if self.summary.file_properties_offset == 0 {
            return Err(DecodeError::new(Reason::FilePropertiesMissing, at_end).into());
        }
        if self.summary.streams.is_empty() {
            return Err(DecodeError::new(Reason::NoStreams, at_end).into());
        }
        Ok(Step::DataObject)
    }

    /// Leaves the current object, whatever of it was read.
    fn end_object(&mut self, begin: u64) -> Result<Step, HeaderError> {
        self.start = self.object_end;
        self.next_object(begin)
    }

    /// Skips inside the current object; `start` beyond its end is caught by [`Self::has_room`].
    fn skip(&mut self, len: u64) {
        self.start = self.start.saturating_add(len);
    }

    fn has_room(&self, step: Step) -> bool {
        self.object_end.saturating_sub(self.start) >= fixed(step.wants())
    }

    /// The step inside the current object, or its end if the bytes are not there.
    fn inside_or_end(&mut self, step: Step, begin: u64) -> Result<Step, HeaderError> {
        if self.has_room(step) { Ok(step) } else { self.end_object(begin) }
    }

    fn object_frame(&mut self, reader: &mut Reader<'_>, begin: u64) -> Result<Step, HeaderError> {
        self.count_object()?;
        let container_end = self.extension.map_or(self.summary.data_offset, |(end, _)| end);
        let guid = reader.guid()?;
        let wrong_size = reader.error(Reason::ObjectSize);
        self.object_end = object_end(reader.u64()?, begin, container_end).ok_or(wrong_size)?;
        let step = match guid {
            Guid::FILE_PROPERTIES if self.summary.file_properties_offset == 0 => {
                if !self.has_room(Step::FileProperties) {
                    return Err(wrong_size.into());
                }
                self.summary.file_properties_offset = begin;
                Step::FileProperties
            }
            Guid::STREAM_PROPERTIES => Step::StreamProperties,
            Guid::STREAM_BITRATE_PROPERTIES => Step::BitRateCount,
            Guid::EXTENDED_STREAM_PROPERTIES => Step::Extended,
            // Not inside itself: that is the rule that keeps the chain bounded.
            Guid::HEADER_EXTENSION if self.extension.is_none() => Step::HeaderExtension,
            _ => return self.end_object(begin),
        };
        self.inside_or_end(step, begin)
    }

    fn count_object(&mut self) -> Result<(), HeaderError> {
        self.objects = self.objects.saturating_add(1);
        if self.objects <= self.limits.objects {
            return Ok(());
        }
        let (found, allowed) = (u64::from(self.objects), u64::from(self.limits.objects));
        Err(HeaderError::Limit { limit: LimitName::HeaderObjects, found, allowed })
    }

    fn file_properties(&mut self, bytes: &[u8], begin: u64) -> Result<Step, HeaderError> {
        let properties = FileProperties::decode(bytes)?;
        let (min, max) = (properties.min_packet_size, properties.max_packet_size);
        if min == 0 || min != max || max > MAX_PACKET_SIZE {
            return Err(DecodeError::new(Reason::PacketSizes, 68).into());
        }
        self.summary.file_properties = properties;
        self.end_object(begin)
    }

    fn stream_properties(&mut self, reader: &mut Reader<'_>, begin: u64) -> Result<Step, HeaderError> {
        let kind = StreamKind::from_guid(reader.guid()?);
        reader.take(32)?;
        // Number 0 makes this object unusable, not the file.
        if let Some(number) = stream_number(reader.u16()?) {
            self.summary.streams.insert(number, kind);
        }
        self.end_object(begin)
    }

    fn header_extension(&mut self, reader: &mut Reader<'_>, begin: u64) -> Result<Step, HeaderError> {
        reader.take(18)?;
        let declared = self.start.saturating_add(u64::from(reader.u32()?));
        self.extension = Some((declared.min(self.object_end), self.object_end));
        self.next_object(begin)
    }

    fn bit_rate_or_end(&mut self, left: u16, begin: u64) -> Result<Step, HeaderError> {
        if left == 0 { self.end_object(begin) } else { self.inside_or_end(Step::BitRate { left }, begin) }
    }

    fn extended(&mut self, reader: &mut Reader<'_>, begin: u64) -> Result<Step, HeaderError> {
        reader.take(16)?;
        let rate = reader.u32()?;
        reader.take(28)?;
        let number = reader.u16()?;
        reader.take(10)?;
        if let Some(number) = stream_number(number) {
            self.summary.streams.default_bit_rate(number, rate);
        }
        let (names, systems) = (reader.u16()?, reader.u16()?);
        self.extended_part(names, systems, begin)
    }

    /// Names, then extension systems, then perhaps a Stream Properties Object.
    fn extended_part(&mut self, names: u16, systems: u16, begin: u64) -> Result<Step, HeaderError> {
        let step = match (names, systems) {
            (0, 0) => Step::EmbeddedFrame,
            (0, _) => Step::ExtendedSystem { systems },
            _ => Step::ExtendedName { names, systems },
        };
        self.inside_or_end(step, begin)
    }

    fn embedded_frame(&mut self, reader: &mut Reader<'_>, begin: u64) -> Result<Step, HeaderError> {
        let guid = reader.guid()?;
        let fits = object_end(reader.u64()?, begin, self.object_end)
            .is_some_and(|end| end.saturating_sub(self.start) >= fixed(STREAM_FIXED));
        // Other bytes here belong to a later revision of the outer object.
        if guid != Guid::STREAM_PROPERTIES || !fits {
            return self.end_object(begin);
        }
        self.count_object()?;
        Ok(Step::StreamProperties)
    }

    fn data_object(&mut self, reader: &mut Reader<'_>) -> Result<Step, HeaderError> {
        if reader.guid()? != Guid::DATA {
            return Err(DecodeError::new(Reason::DataGuid, 0).into());
        }
        let summary = &mut self.summary;
        summary.data_size = reader.u64()?;
        reader.guid()?;
        summary.data_packets = reader.u64()?;
        let declared = summary.file_properties.max_bitrate;
        summary.bit_rate = if declared == 0 { summary.streams.bit_rate() } else { declared };
        Ok(Step::Complete)
    }
}

/// The end of an object at `begin` if its size is at least a frame and fits the container.
fn object_end(size: u64, begin: u64, container_end: u64) -> Option<u64> {
    let left = container_end.checked_sub(begin)?;
    (size >= fixed(FRAME_LEN) && size <= left).then(|| begin.saturating_add(size))
}

/// A small count as u64.
fn fixed(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
