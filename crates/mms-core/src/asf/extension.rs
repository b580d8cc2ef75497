//! Extended Stream Properties and the payload extension systems (sections 4.1, 7.3, 10.13).

use super::guid::Guid;
use super::object::{Object, embedded_stream};
use super::read::Reader;
use super::stream::{StreamProperties, stream_number};
use super::utf16::Utf16;
use crate::error::{DecodeError, Reason};

bitflags::bitflags! {
    /// Flags of the Extended Stream Properties Object (section 4.1).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ExtendedStreamFlags: u32 {
        /// Shall be transmitted reliably.
        const RELIABLE = 1;
        /// Can be sought.
        const SEEKABLE = 2;
        /// Has no key frames: nobody shall wait for one.
        const NO_CLEANPOINTS = 4;
        /// Who joins a live stream gets everything since the last key frame first.
        const RESEND_LIVE_CLEANPOINTS = 8;
        const _ = !0;
    }
}

/// The fixed part of the Extended Stream Properties Object (section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExtendedStream {
    /// Start Time in milliseconds with the preroll, 0 unknown.
    pub start_time_ms: u64,
    /// End Time in milliseconds with the preroll, 0 unknown.
    pub end_time_ms: u64,
    /// Data Bitrate without packet overhead.
    pub data_bit_rate: u32,
    /// Buffer Size in milliseconds.
    pub buffer_size_ms: u32,
    /// Initial Buffer Fullness in milliseconds.
    pub initial_buffer_fullness_ms: u32,
    /// Alternate Data Bitrate.
    pub alternate_data_bit_rate: u32,
    /// Alternate Buffer Size in milliseconds.
    pub alternate_buffer_size_ms: u32,
    /// Alternate Initial Buffer Fullness in milliseconds.
    pub alternate_initial_buffer_fullness_ms: u32,
    /// Maximum Object Size in bytes, 0 unknown.
    pub maximum_object_size: u32,
    /// Flags.
    pub flags: ExtendedStreamFlags,
    /// Stream Number, 1 to 127.
    pub stream_number: u8,
    /// Stream Language ID Index.
    pub language_index: u16,
    /// Average Time Per Frame in units of 100 ns, 0 unknown.
    pub average_time_per_frame: u64,
}

/// The Extended Stream Properties Object (section 4.1).
#[derive(Clone, Debug)]
pub struct ExtendedStreamProperties<'a> {
    /// The fixed part.
    pub stream: ExtendedStream,
    names: StreamNames<'a>,
    systems: ExtensionSystems<'a>,
    embedded: Option<Object<'a>>,
}

impl<'a> ExtendedStreamProperties<'a> {
    /// Decodes the object; names and systems that run beyond it are left out.
    ///
    /// # Errors
    /// `Truncated` if the fixed part is not there, `StreamNumber` if the number is no stream.
    pub fn decode(object: &Object<'a>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(object.body);
        let (start_time_ms, end_time_ms) = (reader.u64()?, reader.u64()?);
        let mut rates = [0; 7];
        for rate in &mut rates {
            *rate = reader.u32()?;
        }
        let flags = ExtendedStreamFlags::from_bits_retain(reader.u32()?);
        let wrong_number = reader.error(Reason::StreamNumber);
        let stream_number = stream_number(reader.u16()?).ok_or(wrong_number)?;
        let (language_index, average_time_per_frame) = (reader.u16()?, reader.u64()?);
        let (name_count, system_count) = (reader.u16()?, reader.u16()?);
        let names = StreamNames { reader, left: name_count };
        let mut behind = names.clone();
        let is_whole = behind.by_ref().count() == usize::from(name_count);
        let systems =
            ExtensionSystems { reader: behind.reader, left: if is_whole { system_count } else { 0 } };
        let [data, buffer, fullness, alternate, alternate_buffer, alternate_fullness, largest] = rates;
        let stream = ExtendedStream {
            start_time_ms,
            end_time_ms,
            data_bit_rate: data,
            buffer_size_ms: buffer,
            initial_buffer_fullness_ms: fullness,
            alternate_data_bit_rate: alternate,
            alternate_buffer_size_ms: alternate_buffer,
            alternate_initial_buffer_fullness_ms: alternate_fullness,
            maximum_object_size: largest,
            flags,
            stream_number,
            language_index,
            average_time_per_frame,
        };
        Ok(Self { stream, names, systems, embedded: embedded_stream(object) })
    }

    /// The names of the stream.
    #[must_use]
    pub fn names(&self) -> StreamNames<'a> {
        self.names.clone()
    }

    /// The payload extension systems, in the order of their data.
    #[must_use]
    pub fn extension_systems(&self) -> ExtensionSystems<'a> {
        self.systems.clone()
    }

    /// The Stream Properties Object inside, if the stream is hidden.
    #[must_use]
    pub fn stream_properties(&self) -> Option<StreamProperties<'a>> {
        StreamProperties::decode(&self.embedded?, true).ok()
    }
}

/// A name of a stream in a language (section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamName<'a> {
    /// Language ID Index.
    pub language_index: u16,
    /// Stream Name.
    pub name: Utf16<'a>,
}

/// The names of an [`ExtendedStreamProperties`].
#[derive(Clone, Debug)]
pub struct StreamNames<'a> {
    reader: Reader<'a>,
    left: u16,
}

impl<'a> Iterator for StreamNames<'a> {
    type Item = StreamName<'a>;

    fn next(&mut self) -> Option<StreamName<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut one = || {
            let (language_index, len) = (self.reader.u16().ok()?, self.reader.u16().ok()?);
            let name = Utf16::new(self.reader.take(usize::from(len)).ok()?);
            Some(StreamName { language_index, name })
        };
        let name = one();
        if name.is_none() {
            self.left = 0;
        }
        name
    }
}

/// The definition of a payload extension system (section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionSystem<'a> {
    /// Extension System ID.
    pub id: Guid,
    /// Extension Data Size, `None` if each payload tells it.
    pub data_size: Option<u16>,
    /// Extension System Info.
    pub info: &'a [u8],
}

/// The payload extension systems of a stream.
#[derive(Clone, Debug)]
pub struct ExtensionSystems<'a> {
    reader: Reader<'a>,
    left: u16,
}

impl<'a> ExtensionSystems<'a> {
    /// No systems.
    pub const NONE: Self = Self { reader: Reader::new(&[]), left: 0 };

    /// What these systems say of a payload; `data` is the extension data of a fragment. It ends with
    /// the first system whose data is not there.
    #[must_use]
    pub fn values(&self, data: &'a [u8]) -> ExtensionValues<'a> {
        ExtensionValues { systems: self.clone(), data: Reader::new(data) }
    }
}

impl<'a> Iterator for ExtensionSystems<'a> {
    type Item = ExtensionSystem<'a>;

    fn next(&mut self) -> Option<ExtensionSystem<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut one = || {
            let (id, size, len) =
                (self.reader.guid().ok()?, self.reader.u16().ok()?, self.reader.u32().ok()?);
            let info = self.reader.take(usize::try_from(len).ok()?).ok()?;
            Some(ExtensionSystem { id, data_size: (size != 0xffff).then_some(size), info })
        };
        let system = one();
        if system.is_none() {
            self.left = 0;
        }
        system
    }
}

/// What a payload extension system says (section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionValue<'a> {
    /// A timecode.
    Timecode {
        /// Which run of timecodes it belongs to.
        range: u16,
        /// Hours, minutes, seconds, frames in two decimal digits each, hours in the highest byte.
        timecode: u32,
        /// User bits.
        user_bits: u32,
    },
    /// The name of a file.
    FileName(Utf16<'a>),
    /// How a picture is interlaced, as bits 4 to 7: repeat, bottom first, top first, interlaced.
    ContentType(u8),
    /// Width and height of a pixel.
    PixelAspectRatio(u8, u8),
    /// How long the media object lasts, in milliseconds; 1 in early fragments of real files means unknown.
    SampleDuration(u16),
    /// The counter of an encrypted sample, big-endian.
    EncryptionSampleId(&'a [u8]),
    /// Whether the media object is a key frame.
    OutputCleanPoint(bool),
    /// A system that is not known here, or data of a wrong size.
    Other(&'a [u8]),
}

impl<'a> ExtensionValue<'a> {
    fn new(id: Guid, data: &'a [u8]) -> Self {
        let known = match (id, data) {
            (Guid::EXTENSION_TIMECODE, _) => Self::timecode(data),
            (Guid::EXTENSION_FILE_NAME, _) => Some(Self::FileName(Utf16::new(data))),
            (Guid::EXTENSION_CONTENT_TYPE, [flags]) => Some(Self::ContentType(*flags)),
            (Guid::EXTENSION_PIXEL_ASPECT_RATIO, [x, y]) => Some(Self::PixelAspectRatio(*x, *y)),
            (Guid::EXTENSION_SAMPLE_DURATION, [low, high]) => {
                Some(Self::SampleDuration(u16::from_le_bytes([*low, *high])))
            }
            (Guid::EXTENSION_ENCRYPTION_SAMPLE_ID, _) => Some(Self::EncryptionSampleId(data)),
            (Guid::EXTENSION_OUTPUT_CLEAN_POINT, [flag]) => Some(Self::OutputCleanPoint(*flag != 0)),
            _ => None,
        };
        known.unwrap_or(Self::Other(data))
    }

    fn timecode(data: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let (range, timecode, user_bits) = (reader.u16().ok()?, reader.u32().ok()?, reader.u32().ok()?);
        Some(Self::Timecode { range, timecode, user_bits })
    }
}

/// What the payload extension systems of a stream say of one payload.
#[derive(Clone, Debug)]
pub struct ExtensionValues<'a> {
    systems: ExtensionSystems<'a>,
    data: Reader<'a>,
}

impl<'a> Iterator for ExtensionValues<'a> {
    type Item = (Guid, ExtensionValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let system = self.systems.next()?;
        let mut one = || {
            let len = match system.data_size {
                Some(len) => len,
                None => self.data.u16().ok()?,
            };
            self.data.take(usize::from(len)).ok()
        };
        let data = one();
        if data.is_none() {
            self.systems = ExtensionSystems::NONE;
        }
        Some((system.id, ExtensionValue::new(system.id, data?)))
    }
}
