//! How streams belong together (sections 3.8 and 4.2 to 4.6).

use super::guid::Guid;
use super::read::{Reader, entries};
use super::utf16::Utf16;
use crate::error::DecodeError;

entries! {
    /// Stream numbers of a list.
    StreamNumbers<'a>, u16, |reader| reader.u16()
}

/// A Bitrate or Advanced Mutual Exclusion Object: of these streams only one plays (sections 3.8, 4.2).
#[derive(Clone, Debug)]
pub struct MutualExclusion<'a> {
    /// Exclusion Type.
    pub exclusion_type: Guid,
    streams: StreamNumbers<'a>,
}

impl<'a> MutualExclusion<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (exclusion_type, count) = (reader.guid()?, reader.u16()?);
        Ok(Self { exclusion_type, streams: StreamNumbers::new(reader, u32::from(count)) })
    }

    /// The streams that exclude each other.
    #[must_use]
    pub fn streams(&self) -> StreamNumbers<'a> {
        self.streams.clone()
    }
}

entries! {
    /// Groups of streams that exclude each other.
    ExclusionGroups<'a>, StreamNumbers<'a>, |reader| {
        let count = reader.u16()?;
        let inner = *reader;
        reader.take(usize::from(count).saturating_mul(2))?;
        Ok(StreamNumbers::new(inner, u32::from(count)))
    }
}

/// A Group Mutual Exclusion Object: of these groups only one plays (section 4.3).
#[derive(Clone, Debug)]
pub struct GroupMutualExclusion<'a> {
    /// Exclusion Type.
    pub exclusion_type: Guid,
    groups: ExclusionGroups<'a>,
}

impl<'a> GroupMutualExclusion<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (exclusion_type, count) = (reader.guid()?, reader.u16()?);
        Ok(Self { exclusion_type, groups: ExclusionGroups::new(reader, u32::from(count)) })
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> ExclusionGroups<'a> {
        self.groups.clone()
    }
}

/// A record of the Stream Prioritization Object (section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamPriority {
    /// Stream Number.
    pub stream_number: u16,
    /// Priority Flags; bit 0 means mandatory.
    pub flags: u16,
}

impl StreamPriority {
    /// True if the stream must not be left out.
    #[must_use]
    pub fn is_mandatory(self) -> bool {
        self.flags & 1 != 0
    }
}

entries! {
    /// The records of a Stream Prioritization Object, the most important first.
    StreamPriorities<'a>, StreamPriority, |reader| {
        Ok(StreamPriority { stream_number: reader.u16()?, flags: reader.u16()? })
    }
}

impl<'a> StreamPriorities<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.u16()?;
        Ok(Self::new(reader, u32::from(count)))
    }
}

/// A Bandwidth Sharing Object (section 4.5).
#[derive(Clone, Debug)]
pub struct BandwidthSharing<'a> {
    /// Sharing Type.
    pub sharing_type: Guid,
    /// Data Bitrate.
    pub data_bit_rate: u32,
    /// Buffer Size in bits.
    pub buffer_size_bits: u32,
    streams: StreamNumbers<'a>,
}

impl<'a> BandwidthSharing<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let sharing_type = reader.guid()?;
        let (data_bit_rate, buffer_size_bits, count) = (reader.u32()?, reader.u32()?, reader.u16()?);
        let streams = StreamNumbers::new(reader, u32::from(count));
        Ok(Self { sharing_type, data_bit_rate, buffer_size_bits, streams })
    }

    /// The streams that share.
    #[must_use]
    pub fn streams(&self) -> StreamNumbers<'a> {
        self.streams.clone()
    }
}

entries! {
    /// The languages of a Language List Object, by their index (section 4.6).
    Languages<'a>, Utf16<'a>, |reader| {
        let len = reader.u8()?;
        reader.take(usize::from(len)).map(Utf16::new)
    }
}

impl<'a> Languages<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let count = reader.u16()?;
        Ok(Self::new(reader, u32::from(count)))
    }
}
