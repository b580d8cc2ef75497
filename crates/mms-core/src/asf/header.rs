//! The Header Object in memory (sections 3.1 and 3.2).

use core::time::Duration;

use super::codec_list::CodecEntries;
use super::content::{ContentDescription, Tags};
use super::extension::{ExtendedStreamProperties, ExtensionSystems};
use super::guid::Guid;
use super::index::Writer;
use super::object::{Object, Objects, embedded_stream, extension_objects};
use super::read::Reader;
use super::stream::{StreamBitRates, StreamProperties};
use super::walker::{HeaderError, HeaderLimits, HeaderSummary, HeaderWalker};
use crate::error::{DecodeError, Reason};

bitflags::bitflags! {
    /// Flags of the File Properties Object (section 3.2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct FileFlags: u32 {
        /// The file is still being made: sizes, counts and durations are invalid.
        const BROADCAST = 1;
        /// The file can be sought.
        const SEEKABLE = 2;
        /// Not in the specification: headers of real live sources carry it beside BROADCAST.
        const LIVE = 8;
        const _ = !0;
    }
}

/// The File Properties Object (section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileProperties {
    /// File ID, the same as in the Data Object.
    pub file_id: Guid,
    /// File Size in bytes; often stale.
    pub file_size: u64,
    /// Creation Date in units of 100 ns since 1601.
    pub creation_date: u64,
    /// Data Packets Count; 0xFFFFFFFF in live headers.
    pub data_packets_count: u64,
    /// Play Duration in units of 100 ns, the preroll included.
    pub play_duration: u64,
    /// Send Duration in units of 100 ns.
    pub send_duration: u64,
    /// Preroll in milliseconds.
    pub preroll_ms: u64,
    /// Flags.
    pub flags: FileFlags,
    /// Minimum Data Packet Size in bytes.
    pub min_packet_size: u32,
    /// Maximum Data Packet Size in bytes.
    pub max_packet_size: u32,
    /// Maximum Bitrate in bits per second.
    pub max_bitrate: u32,
}

/// Bytes of the File Properties Object behind its frame.
pub(super) const FILE_PROPERTIES_BODY: usize = 80;

impl FileProperties {
    /// Decodes the 80 bytes behind the frame; sizes are not checked against each other.
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        Ok(Self {
            file_id: reader.guid()?,
            file_size: reader.u64()?,
            creation_date: reader.u64()?,
            data_packets_count: reader.u64()?,
            play_duration: reader.u64()?,
            send_duration: reader.u64()?,
            preroll_ms: reader.u64()?,
            flags: FileFlags::from_bits_retain(reader.u32()?),
            min_packet_size: reader.u32()?,
            max_packet_size: reader.u32()?,
            max_bitrate: reader.u32()?,
        })
    }

    /// The 80 bytes behind the frame.
    pub(super) fn to_bytes(self) -> [u8; FILE_PROPERTIES_BODY] {
        let mut bytes = [0; FILE_PROPERTIES_BODY];
        let mut writer = Writer::new(&mut bytes);
        writer.put(&self.file_id.0);
        let wide = [
            self.file_size,
            self.creation_date,
            self.data_packets_count,
            self.play_duration,
            self.send_duration,
            self.preroll_ms,
        ];
        for value in wide {
            writer.put(&value.to_le_bytes());
        }
        for value in [self.flags.bits(), self.min_packet_size, self.max_packet_size, self.max_bitrate] {
            writer.put(&value.to_le_bytes());
        }
        bytes
    }

    /// The size of every packet of the file: minimum and maximum are equal once a header was accepted.
    #[must_use]
    pub fn packet_size(&self) -> u32 {
        self.min_packet_size
    }

    /// How long the content plays: Play Duration without the preroll, zero for a broadcast.
    #[must_use]
    pub fn content_duration(&self) -> Duration {
        if self.is_broadcast() {
            return Duration::ZERO;
        }
        from_hundred_nanos(self.play_duration).saturating_sub(self.preroll())
    }

    /// How long a player waits before it renders.
    #[must_use]
    pub fn preroll(&self) -> Duration {
        Duration::from_millis(self.preroll_ms)
    }

    /// True if the file is still being made.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        self.flags.contains(FileFlags::BROADCAST)
    }
}

fn from_hundred_nanos(units: u64) -> Duration {
    const PER_SECOND: u64 = 10_000_000;
    let nanos = u32::try_from((units % PER_SECOND).saturating_mul(100)).unwrap_or(0);
    Duration::new(units / PER_SECOND, nanos)
}

/// A whole header in memory: Header Object and the 50 fixed bytes of the Data Object.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    objects: &'a [u8],
    summary: HeaderSummary,
}

impl<'a> Header<'a> {
    /// Checks a header and keeps it for the views; bytes behind it are ignored.
    ///
    /// # Errors
    /// What [`HeaderWalker::feed`] finds, and `Truncated` if the header is not whole. Sizes and counts
    /// have no limit here, because the bytes are in memory already.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut walker = HeaderWalker::new(HeaderLimits { bytes: u64::MAX, objects: u32::MAX });
        walker.feed(bytes).map_err(|error| match error {
            HeaderError::Invalid(error) => error,
            HeaderError::Limit { .. } => DecodeError::new(Reason::Count, 0),
        })?;
        let truncated = DecodeError::new(Reason::Truncated, bytes.len());
        let summary = walker.summary().ok_or(truncated)?.clone();
        let end = usize::try_from(summary.data_offset).map_err(|_| truncated)?;
        let objects = bytes.get(30..end).ok_or(truncated)?;
        Ok(Self { objects, summary })
    }

    /// What a session needs to know of the header.
    #[must_use]
    pub fn summary(&self) -> &HeaderSummary {
        &self.summary
    }

    /// The File Properties Object (section 3.2).
    #[must_use]
    pub fn file_properties(&self) -> &FileProperties {
        &self.summary.file_properties
    }

    /// The objects of the Header Object, in order.
    #[must_use]
    pub fn objects(&self) -> Objects<'a> {
        Objects::new(self.objects, 30)
    }

    /// The objects of the first Header Extension Object, in order (section 3.4).
    #[must_use]
    pub fn extension_objects(&self) -> Objects<'a> {
        let extension = self.objects().find(|object| object.guid == Guid::HEADER_EXTENSION);
        extension.map_or(Objects::new(&[], 0), |object| extension_objects(&object))
    }

    /// The streams in the order of the header, those in Extended Stream Properties included;
    /// of two with one number the first.
    #[must_use]
    pub fn streams(&self) -> Streams<'a> {
        Streams { objects: self.objects(), extension: Objects::new(&[], 0), seen: 1 }
    }

    /// The Extended Stream Properties of a stream, if there are any (section 4.1).
    #[must_use]
    pub fn extended_stream(&self, number: u8) -> Option<ExtendedStreamProperties<'a>> {
        self.extended_streams().find(|extended| extended.stream.stream_number == number)
    }

    /// The Extended Stream Properties of all streams, in order (section 4.1).
    pub fn extended_streams(&self) -> impl Iterator<Item = ExtendedStreamProperties<'a>> + use<'a> {
        self.objects()
            .chain(self.extension_objects())
            .filter(|object| object.guid == Guid::EXTENDED_STREAM_PROPERTIES)
            .filter_map(|object| ExtendedStreamProperties::decode(&object).ok())
    }

    /// The payload extension systems of a stream, none if it has no Extended Stream Properties.
    #[must_use]
    pub fn extension_systems(&self, number: u8) -> ExtensionSystems<'a> {
        self.extended_stream(number).map_or(ExtensionSystems::NONE, |extended| extended.extension_systems())
    }

    /// The entries of the Codec List Object (section 3.5).
    #[must_use]
    pub fn codecs(&self) -> CodecEntries<'a> {
        CodecEntries::new(self.body_of(Guid::CODEC_LIST))
    }

    /// The Content Description Object (section 3.10).
    #[must_use]
    pub fn content_description(&self) -> Option<ContentDescription<'a>> {
        ContentDescription::decode(self.body_of(Guid::CONTENT_DESCRIPTION)).ok()
    }

    /// The descriptors of the Extended Content Description Object (section 3.11).
    #[must_use]
    pub fn extended_content(&self) -> Tags<'a> {
        Tags::new(self.body_of(Guid::EXTENDED_CONTENT_DESCRIPTION))
    }

    /// The records of the Stream Bitrate Properties Object (section 3.12).
    #[must_use]
    pub fn stream_bit_rates(&self) -> StreamBitRates<'a> {
        StreamBitRates::new(self.body_of(Guid::STREAM_BITRATE_PROPERTIES))
    }

    /// The first object of its kind, in the header or in its extension.
    #[must_use]
    pub fn find(&self, guid: Guid) -> Option<Object<'a>> {
        self.objects().chain(self.extension_objects()).find(|object| object.guid == guid)
    }

    fn body_of(&self, guid: Guid) -> &'a [u8] {
        self.find(guid).map_or(&[], |object| object.body)
    }
}

/// The streams of a [`Header`].
#[derive(Clone, Debug)]
pub struct Streams<'a> {
    objects: Objects<'a>,
    extension: Objects<'a>,
    /// One bit per number; number 0 is never a stream.
    seen: u128,
}

impl<'a> Streams<'a> {
    fn stream(&mut self, object: &Object<'a>, in_extension: bool) -> Option<StreamProperties<'a>> {
        let decoded = match object.guid {
            Guid::STREAM_PROPERTIES => StreamProperties::decode(object, false),
            Guid::EXTENDED_STREAM_PROPERTIES => StreamProperties::decode(&embedded_stream(object)?, true),
            Guid::HEADER_EXTENSION if !in_extension => {
                self.extension = extension_objects(object);
                return None;
            }
            _ => return None,
        };
        let stream = decoded.ok()?;
        let bit = 1u128.checked_shl(u32::from(stream.number))?;
        let is_new = self.seen & bit == 0;
        self.seen |= bit;
        is_new.then_some(stream)
    }
}

impl<'a> Iterator for Streams<'a> {
    type Item = StreamProperties<'a>;

    fn next(&mut self) -> Option<StreamProperties<'a>> {
        loop {
            let inner = self.extension.next();
            let in_extension = inner.is_some();
            let object = inner.or_else(|| self.objects.next())?;
            if let Some(stream) = self.stream(&object, in_extension) {
                return Some(stream);
            }
        }
    }
}
