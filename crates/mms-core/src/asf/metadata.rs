//! Metadata and Metadata Library Objects, and the parameters of indexes (sections 4.7 to 4.11).

use super::content::TagValue;
use super::guid::Guid;
use super::index::{IndexKind, IndexSpecifiers};
use super::object::Object;
use super::read::{Reader, entries};
use super::utf16::Utf16;
use crate::error::{DecodeError, Reason};

/// A record of the Metadata or Metadata Library Object (sections 4.7, 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataRecord<'a> {
    /// Language List Index, of the library only.
    pub language_index: u16,
    /// Stream Number, 0 for the whole file.
    pub stream_number: u16,
    /// Name.
    pub name: Utf16<'a>,
    /// Data.
    pub value: TagValue<'a>,
}

entries! {
    /// The records of a Metadata or Metadata Library Object.
    MetadataRecords<'a>, MetadataRecord<'a>, |reader| {
        let (language_index, stream_number) = (reader.u16()?, reader.u16()?);
        let (name_len, kind) = (reader.u16()?, reader.u16()?);
        let too_long = reader.error(Reason::NestedLength);
        let len = usize::try_from(reader.u32()?).map_err(|_| too_long)?;
        let name = Utf16::new(reader.take(usize::from(name_len))?);
        let value = TagValue::new(kind, reader.take(len)?);
        Ok(MetadataRecord { language_index, stream_number, name, value })
    }
}

impl<'a> MetadataRecords<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.u16()?;
        Ok(Self::new(reader, u32::from(count)))
    }
}

/// The parameters from which an index was or will be made (sections 4.9 to 4.11).
#[derive(Clone, Debug)]
pub struct IndexParameters<'a> {
    /// Of which index.
    pub kind: IndexKind,
    /// Interval in milliseconds or media objects.
    pub interval: u32,
    specifiers: IndexSpecifiers<'a>,
}

impl<'a> IndexParameters<'a> {
    pub(super) fn decode(object: &Object<'a>) -> Result<Self, DecodeError> {
        let kind = match object.guid {
            Guid::MEDIA_OBJECT_INDEX_PARAMETERS => IndexKind::MediaObject,
            Guid::TIMECODE_INDEX_PARAMETERS => IndexKind::Timecode,
            _ => IndexKind::Time,
        };
        let mut reader = Reader::new(object.body);
        let (interval, count) = (reader.u32()?, reader.u16()?);
        Ok(Self { kind, interval, specifiers: IndexSpecifiers::new(reader.rest(), count) })
    }

    /// The columns of the index.
    #[must_use]
    pub fn specifiers(&self) -> IndexSpecifiers<'a> {
        self.specifiers.clone()
    }
}
