//! Building a header from its parts (sections 3, 4 and 5.1).

use super::codec_list::CodecEntry;
use super::content::{ContentDescription, Tag, TagValue};
use super::extension::{ExtendedStream, ExtensionSystem, StreamName};
use super::guid::Guid;
use super::header::FileProperties;
use super::index::{IndexKind, IndexSpecifier};
use super::metadata::MetadataRecord;
use super::relations::StreamPriority;
use super::script::{Marker, ScriptCommand};
use super::stream::{StreamBitRate, StreamProperties};
use super::utf16::Utf16;
use crate::error::BufferTooSmall;

/// Why a header was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderWriteError {
    /// The output is too small.
    Buffer(BufferTooSmall),
    /// A text, a list or a number does not fit its field.
    TooLong,
    /// Objects of the extension outside of it, or an extension inside an extension.
    Misplaced,
}

impl core::fmt::Display for HeaderWriteError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Buffer(error) => write!(f, "header: {error}"),
            Self::TooLong => f.write_str("a part of the header does not fit its field"),
            Self::Misplaced => f.write_str("header objects are nested wrongly"),
        }
    }
}

impl core::error::Error for HeaderWriteError {}

/// Writes a header object by object into the caller's slice.
///
/// Nothing fails before [`finish`](Self::finish), which says how many bytes were needed; a writer over
/// an empty slice therefore measures. Texts are written as they are given, with their NUL if they have one.
#[derive(Debug)]
pub struct HeaderWriter<'b> {
    out: &'b mut [u8],
    len: usize,
    /// Objects of the Header Object.
    count: u32,
    /// Where the extension begins, while it is open.
    extension: Option<usize>,
    file_id: Guid,
    error: Option<HeaderWriteError>,
}

impl<'b> HeaderWriter<'b> {
    /// A header without objects.
    pub fn new(out: &'b mut [u8]) -> Self {
        let file_id = Guid::default();
        let mut writer = Self { out, len: 0, count: 0, extension: None, file_id, error: None };
        writer.put(&Guid::HEADER.0);
        writer.put(&[0; 12]);
        writer.put(&[1, 2]);
        writer
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = end;
    }

    fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.out.get_mut(at..at.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
        }
    }

    fn u16_of(&mut self, value: usize) {
        let value = u16::try_from(value).unwrap_or_else(|_| self.fail(HeaderWriteError::TooLong));
        self.put(&value.to_le_bytes());
    }

    fn u32_of(&mut self, value: usize) {
        let value = u32::try_from(value).unwrap_or_else(|_| self.fail(HeaderWriteError::TooLong));
        self.put(&value.to_le_bytes());
    }

    fn fail<T: Default>(&mut self, error: HeaderWriteError) -> T {
        self.error = self.error.or(Some(error));
        T::default()
    }

    /// Text behind a length in bytes.
    fn text(&mut self, text: Utf16<'_>) {
        self.u16_of(text.as_bytes().len());
        self.put(text.as_bytes());
    }

    /// Text behind a length in units.
    fn units(&mut self, text: Utf16<'_>) {
        let (units, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            self.fail::<()>(HeaderWriteError::TooLong);
        }
        self.u16_of(units.len());
        self.put(units.as_flattened());
    }

    fn begin(&mut self, guid: Guid) -> usize {
        let start = self.len;
        if self.extension.is_none() {
            self.count = self.count.saturating_add(1);
        }
        self.put(&guid.0);
        self.put(&[0; 8]);
        start
    }

    fn end(&mut self, start: usize) {
        let size = u64::try_from(self.len.saturating_sub(start)).unwrap_or(u64::MAX);
        self.patch(start.saturating_add(16), &size.to_le_bytes());
    }

    /// Any object, by its bytes behind identifier and size.
    pub fn object(&mut self, guid: Guid, body: &[u8]) {
        let start = self.begin(guid);
        self.put(body);
        self.end(start);
    }

    /// File Properties Object (section 3.2). Its File ID becomes that of the Data Object.
    pub fn file_properties(&mut self, properties: &FileProperties) {
        self.file_id = properties.file_id;
        self.object(Guid::FILE_PROPERTIES, &properties.to_bytes());
    }

    /// Stream Properties Object (section 3.3).
    pub fn stream_properties(&mut self, stream: &StreamProperties<'_>) {
        let start = self.begin(Guid::STREAM_PROPERTIES);
        self.stream_body(stream);
        self.end(start);
    }

    fn stream_body(&mut self, stream: &StreamProperties<'_>) {
        self.put(&stream.stream_type.0);
        self.put(&stream.error_correction_type.0);
        self.put(&stream.time_offset.to_le_bytes());
        self.u32_of(stream.type_specific.len());
        self.u32_of(stream.error_correction.len());
        let flags = u16::from(stream.number & 0x7f) | (u16::from(stream.encrypted) << 15);
        self.put(&flags.to_le_bytes());
        self.put(&[0; 4]);
        self.put(stream.type_specific);
        self.put(stream.error_correction);
    }

    /// Opens the Header Extension Object; the objects that follow stand in it (section 3.4).
    pub fn begin_extension(&mut self) {
        if self.extension.is_some() {
            return self.fail(HeaderWriteError::Misplaced);
        }
        let start = self.begin(Guid::HEADER_EXTENSION);
        self.extension = Some(start);
        self.put(&Guid::RESERVED_1.0);
        self.put(&[6, 0, 0, 0, 0, 0]);
    }

    /// Closes the Header Extension Object.
    pub fn end_extension(&mut self) {
        let Some(start) = self.extension.take() else { return self.fail(HeaderWriteError::Misplaced) };
        let len = self.len.saturating_sub(start).saturating_sub(46);
        let len = u32::try_from(len).unwrap_or_else(|_| self.fail(HeaderWriteError::TooLong));
        self.patch(start.saturating_add(42), &len.to_le_bytes());
        self.end(start);
    }

    /// Extended Stream Properties Object, with a Stream Properties Object inside if the stream is hidden
    /// (section 4.1).
    pub fn extended_stream(
        &mut self,
        stream: &ExtendedStream,
        names: &[StreamName<'_>],
        systems: &[ExtensionSystem<'_>],
        embedded: Option<&StreamProperties<'_>>,
    ) {
        let start = self.begin(Guid::EXTENDED_STREAM_PROPERTIES);
        self.put(&stream.start_time_ms.to_le_bytes());
        self.put(&stream.end_time_ms.to_le_bytes());
        let rates = [
            stream.data_bit_rate,
            stream.buffer_size_ms,
            stream.initial_buffer_fullness_ms,
            stream.alternate_data_bit_rate,
            stream.alternate_buffer_size_ms,
            stream.alternate_initial_buffer_fullness_ms,
            stream.maximum_object_size,
            stream.flags.bits(),
        ];
        for value in rates {
            self.put(&value.to_le_bytes());
        }
        self.put(&u16::from(stream.stream_number).to_le_bytes());
        self.put(&stream.language_index.to_le_bytes());
        self.put(&stream.average_time_per_frame.to_le_bytes());
        self.u16_of(names.len());
        self.u16_of(systems.len());
        for name in names {
            self.put(&name.language_index.to_le_bytes());
            self.text(name.name);
        }
        for system in systems {
            self.put(&system.id.0);
            self.put(&system.data_size.unwrap_or(0xffff).to_le_bytes());
            self.u32_of(system.info.len());
            self.put(system.info);
        }
        if let Some(embedded) = embedded {
            let inner = self.len;
            self.put(&Guid::STREAM_PROPERTIES.0);
            self.put(&[0; 8]);
            self.stream_body(embedded);
            self.end(inner);
        }
        self.end(start);
    }

    /// Codec List Object (section 3.5).
    pub fn codec_list(&mut self, entries: &[CodecEntry<'_>]) {
        let start = self.begin(Guid::CODEC_LIST);
        self.put(&Guid::RESERVED_2.0);
        self.u32_of(entries.len());
        for entry in entries {
            self.put(&entry.kind.0.to_le_bytes());
            self.units(entry.name);
            self.units(entry.description);
            self.u16_of(entry.information.len());
            self.put(entry.information);
        }
        self.end(start);
    }

    /// Script Command Object (section 3.6).
    pub fn script_commands(&mut self, types: &[Utf16<'_>], commands: &[ScriptCommand<'_>]) {
        let start = self.begin(Guid::SCRIPT_COMMAND);
        self.put(&Guid::RESERVED_3.0);
        self.u16_of(commands.len());
        self.u16_of(types.len());
        for text in types {
            self.units(*text);
        }
        for command in commands {
            self.put(&command.presentation_time_ms.to_le_bytes());
            self.put(&command.type_index.to_le_bytes());
            self.units(command.command);
        }
        self.end(start);
    }

    /// Marker Object (section 3.7).
    pub fn markers(&mut self, name: Utf16<'_>, markers: &[Marker<'_>]) {
        let start = self.begin(Guid::MARKER);
        self.put(&Guid::RESERVED_4.0);
        self.u32_of(markers.len());
        self.put(&[0; 2]);
        self.text(name);
        for marker in markers {
            let (units, rest) = marker.description.as_bytes().as_chunks::<2>();
            if !rest.is_empty() {
                self.fail::<()>(HeaderWriteError::TooLong);
            }
            self.put(&marker.offset.to_le_bytes());
            self.put(&marker.presentation_time.to_le_bytes());
            self.u16_of(units.as_flattened().len().saturating_add(12));
            self.put(&marker.send_time_ms.to_le_bytes());
            self.put(&marker.flags.to_le_bytes());
            self.u32_of(units.len());
            self.put(units.as_flattened());
        }
        self.end(start);
    }

    /// Content Description Object (section 3.10).
    pub fn content_description(&mut self, content: &ContentDescription<'_>) {
        let start = self.begin(Guid::CONTENT_DESCRIPTION);
        let texts = [content.title, content.author, content.copyright, content.description, content.rating];
        for text in texts {
            self.u16_of(text.as_bytes().len());
        }
        for text in texts {
            self.put(text.as_bytes());
        }
        self.end(start);
    }

    /// Extended Content Description Object (section 3.11).
    pub fn extended_content(&mut self, tags: &[Tag<'_>]) {
        let start = self.begin(Guid::EXTENDED_CONTENT_DESCRIPTION);
        self.u16_of(tags.len());
        for tag in tags {
            self.text(tag.name);
            self.put(&tag.value.kind().to_le_bytes());
            self.u16_of(tag.value.encoded_len(4));
            self.tag_value(&tag.value, 4);
        }
        self.end(start);
    }

    fn tag_value(&mut self, value: &TagValue<'_>, bool_len: usize) {
        match value {
            TagValue::Text(text) => self.put(text.as_bytes()),
            TagValue::Bytes(bytes) => self.put(bytes),
            TagValue::Bool(value) => {
                let bytes = [u8::from(*value), 0, 0, 0];
                self.put(bytes.get(..bool_len).unwrap_or(&bytes));
            }
            TagValue::U32(value) => self.put(&value.to_le_bytes()),
            TagValue::U64(value) => self.put(&value.to_le_bytes()),
            TagValue::U16(value) => self.put(&value.to_le_bytes()),
            TagValue::Guid(value) => self.put(&value.0),
        }
    }

    /// Stream Bitrate Properties Object (section 3.12).
    pub fn stream_bit_rates(&mut self, rates: &[StreamBitRate]) {
        let start = self.begin(Guid::STREAM_BITRATE_PROPERTIES);
        self.u16_of(rates.len());
        for rate in rates {
            self.put(&u16::from(rate.number & 0x7f).to_le_bytes());
            self.put(&rate.bit_rate.to_le_bytes());
        }
        self.end(start);
    }

    /// Padding Object of so many bytes in all, at least 24 (section 3.17).
    pub fn padding(&mut self, size: usize) {
        let start = self.begin(Guid::PADDING);
        let end = start.saturating_add(size).max(self.len);
        if let Some(place) = self.out.get_mut(self.len..end) {
            place.fill(0);
        }
        self.len = end;
        self.end(start);
    }

    fn numbers(&mut self, numbers: &[u16]) {
        self.u16_of(numbers.len());
        for number in numbers {
            self.put(&number.to_le_bytes());
        }
    }

    /// Bitrate Mutual Exclusion Object outside of the extension (section 3.8), Advanced Mutual Exclusion
    /// Object in it (section 4.2).
    pub fn mutual_exclusion(&mut self, exclusion_type: Guid, streams: &[u16]) {
        let guid = match self.extension {
            None => Guid::BITRATE_MUTUAL_EXCLUSION,
            Some(_) => Guid::ADVANCED_MUTUAL_EXCLUSION,
        };
        let start = self.begin(guid);
        self.put(&exclusion_type.0);
        self.numbers(streams);
        self.end(start);
    }

    /// Group Mutual Exclusion Object (section 4.3).
    pub fn group_mutual_exclusion(&mut self, exclusion_type: Guid, groups: &[&[u16]]) {
        let start = self.begin(Guid::GROUP_MUTUAL_EXCLUSION);
        self.put(&exclusion_type.0);
        self.u16_of(groups.len());
        for group in groups {
            self.numbers(group);
        }
        self.end(start);
    }

    /// Stream Prioritization Object (section 4.4).
    pub fn stream_prioritization(&mut self, priorities: &[StreamPriority]) {
        let start = self.begin(Guid::STREAM_PRIORITIZATION);
        self.u16_of(priorities.len());
        for priority in priorities {
            self.put(&priority.stream_number.to_le_bytes());
            self.put(&priority.flags.to_le_bytes());
        }
        self.end(start);
    }

    /// Bandwidth Sharing Object (section 4.5).
    pub fn bandwidth_sharing(
        &mut self,
        sharing_type: Guid,
        data_bit_rate: u32,
        buffer_size_bits: u32,
        streams: &[u16],
    ) {
        let start = self.begin(Guid::BANDWIDTH_SHARING);
        self.put(&sharing_type.0);
        self.put(&data_bit_rate.to_le_bytes());
        self.put(&buffer_size_bits.to_le_bytes());
        self.numbers(streams);
        self.end(start);
    }

    /// Language List Object (section 4.6).
    pub fn language_list(&mut self, languages: &[Utf16<'_>]) {
        let start = self.begin(Guid::LANGUAGE_LIST);
        self.u16_of(languages.len());
        for language in languages {
            let len = u8::try_from(language.as_bytes().len());
            let len = len.unwrap_or_else(|_| self.fail(HeaderWriteError::TooLong));
            self.put(&[len]);
            self.put(language.as_bytes());
        }
        self.end(start);
    }

    /// Metadata Object (section 4.7).
    pub fn metadata(&mut self, records: &[MetadataRecord<'_>]) {
        self.records(Guid::METADATA, records);
    }

    /// Metadata Library Object (section 4.8).
    pub fn metadata_library(&mut self, records: &[MetadataRecord<'_>]) {
        self.records(Guid::METADATA_LIBRARY, records);
    }

    fn records(&mut self, guid: Guid, records: &[MetadataRecord<'_>]) {
        let start = self.begin(guid);
        self.u16_of(records.len());
        for record in records {
            let name = record.name.as_bytes();
            self.put(&record.language_index.to_le_bytes());
            self.put(&record.stream_number.to_le_bytes());
            self.u16_of(name.len());
            self.put(&record.value.kind().to_le_bytes());
            self.u32_of(record.value.encoded_len(2));
            self.put(name);
            self.tag_value(&record.value, 2);
        }
        self.end(start);
    }

    /// Index Parameters, Media Object Index Parameters or Timecode Index Parameters Object
    /// (sections 4.9 to 4.11).
    pub fn index_parameters(&mut self, kind: IndexKind, interval: u32, specifiers: &[IndexSpecifier]) {
        let start = self.begin(match kind {
            IndexKind::Time => Guid::INDEX_PARAMETERS,
            IndexKind::MediaObject => Guid::MEDIA_OBJECT_INDEX_PARAMETERS,
            IndexKind::Timecode => Guid::TIMECODE_INDEX_PARAMETERS,
        });
        self.put(&interval.to_le_bytes());
        self.u16_of(specifiers.len());
        for specifier in specifiers {
            self.put(&specifier.stream_number.to_le_bytes());
            self.put(&specifier.index_type.0.to_le_bytes());
        }
        self.end(start);
    }

    /// Compatibility Object (section 4.12).
    pub fn compatibility(&mut self) {
        self.object(Guid::COMPATIBILITY, &[2, 1]);
    }

    /// Closes the header with the fixed part of the Data Object and gives the number of bytes.
    ///
    /// # Errors
    /// If the output was too small, or something could not be written.
    pub fn finish(mut self, data_size: u64, data_packets: u64) -> Result<usize, HeaderWriteError> {
        if self.extension.is_some() {
            self.fail::<()>(HeaderWriteError::Misplaced);
        }
        let size = u64::try_from(self.len).unwrap_or(u64::MAX);
        let count = self.count;
        self.patch(16, &size.to_le_bytes());
        self.patch(24, &count.to_le_bytes());
        let file_id = self.file_id;
        self.put(&Guid::DATA.0);
        self.put(&data_size.to_le_bytes());
        self.put(&file_id.0);
        self.put(&data_packets.to_le_bytes());
        self.put(&[1, 1]);
        match self.error {
            Some(error) => Err(error),
            None if self.len > self.out.len() => {
                Err(HeaderWriteError::Buffer(BufferTooSmall { needed: self.len }))
            }
            None => Ok(self.len),
        }
    }
}

impl TagValue<'_> {
    /// The type as stored.
    fn kind(&self) -> u16 {
        match self {
            Self::Text(_) => 0,
            Self::Bytes(_) => 1,
            Self::Bool(_) => 2,
            Self::U32(_) => 3,
            Self::U64(_) => 4,
            Self::U16(_) => 5,
            Self::Guid(_) => 6,
        }
    }

    fn encoded_len(&self, bool_len: usize) -> usize {
        match self {
            Self::Text(text) => text.as_bytes().len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Bool(_) => bool_len,
            Self::U32(_) => 4,
            Self::U64(_) => 8,
            Self::U16(_) => 2,
            Self::Guid(_) => 16,
        }
    }
}
