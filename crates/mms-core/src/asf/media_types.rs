//! Type-specific data of streams other than audio and video, and concealment of audio (section 9).

use super::guid::Guid;
use super::read::Reader;
use super::stream::{StreamKind, StreamProperties};
use super::utf16::Utf16;
use crate::error::{DecodeError, Reason};

/// Type-Specific Data of a stream of pictures (sections 9.4.1 and 9.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFormat<'a> {
    /// Image Width.
    pub width: u32,
    /// Image Height.
    pub height: u32,
    /// Interchange Data of degradable JPEG.
    pub interchange: &'a [u8],
}

/// Type-Specific Data of file transfer and binary streams (section 9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryFormat<'a> {
    /// Major Media Type.
    pub major_type: Guid,
    /// Media Subtype.
    pub subtype: Guid,
    /// Fixed-Size Samples.
    pub fixed_size_samples: bool,
    /// Temporal Compression.
    pub temporal_compression: bool,
    /// Sample Size.
    pub sample_size: u32,
    /// Format Type.
    pub format_type: Guid,
    /// Format Data, as much of it as there is.
    pub format: &'a [u8],
}

impl<'a> StreamProperties<'a> {
    /// The format of a JFIF or degradable JPEG stream, if its fixed part is there.
    #[must_use]
    pub fn image(&self) -> Option<ImageFormat<'a>> {
        let mut reader = Reader::new(self.type_specific);
        let (width, height) = (reader.u32().ok()?, reader.u32().ok()?);
        match self.kind {
            StreamKind::Jfif => Some(ImageFormat { width, height, interchange: &[] }),
            StreamKind::DegradableJpeg => {
                reader.take(6).ok()?;
                let len = usize::from(reader.u16().ok()?).min(reader.rest().len());
                Some(ImageFormat { width, height, interchange: reader.take(len).ok()? })
            }
            _ => None,
        }
    }

    /// The format of a file transfer or binary stream, if its fixed part is there.
    #[must_use]
    pub fn binary(&self) -> Option<BinaryFormat<'a>> {
        if self.kind != StreamKind::FileTransfer && self.kind != StreamKind::Binary {
            return None;
        }
        let mut reader = Reader::new(self.type_specific);
        let (major_type, subtype) = (reader.guid().ok()?, reader.guid().ok()?);
        let (fixed, temporal) = (reader.u32().ok()?, reader.u32().ok()?);
        let (sample_size, format_type) = (reader.u32().ok()?, reader.guid().ok()?);
        let len = usize::try_from(reader.u32().ok()?).unwrap_or(usize::MAX).min(reader.rest().len());
        Some(BinaryFormat {
            major_type,
            subtype,
            fixed_size_samples: fixed != 0,
            temporal_compression: temporal != 0,
            sample_size,
            format_type,
            format: reader.take(len).ok()?,
        })
    }

    /// How the audio is spread over packets, if it is (section 9.1.1).
    #[must_use]
    pub fn audio_spread(&self) -> Option<AudioSpread> {
        if self.error_correction_type != Guid::AUDIO_SPREAD {
            return None;
        }
        let mut reader = Reader::new(self.error_correction);
        let span = reader.u8().ok()?;
        let (packet, chunk) = (reader.u16().ok()?, reader.u16().ok()?);
        Some(AudioSpread { span, virtual_packet_len: packet, virtual_chunk_len: chunk })
    }
}

/// Concealment by spreading: Error Correction Data of an audio stream (section 9.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioSpread {
    /// Span: 1 if nothing is spread.
    pub span: u8,
    /// Virtual Packet Length.
    pub virtual_packet_len: u16,
    /// Virtual Chunk Length.
    pub virtual_chunk_len: u16,
}

impl AudioSpread {
    /// Chunks of a virtual packet, if media objects of this size are spread.
    fn columns(self, object_len: usize) -> Option<usize> {
        let (packet, chunk) = (usize::from(self.virtual_packet_len), usize::from(self.virtual_chunk_len));
        let columns = packet.checked_div(chunk)?;
        let is_even = packet.checked_rem(chunk)? == 0;
        let whole = packet.checked_mul(usize::from(self.span))? == object_len;
        (self.span > 1 && columns > 1 && is_even && whole).then_some(columns)
    }

    /// True if media objects of this size are spread.
    #[must_use]
    pub fn is_spread(self, object_len: usize) -> bool {
        self.columns(object_len).is_some()
    }

    /// Puts the chunks of a media object in order; the output is as long as the object. False if it is
    /// not spread or the lengths differ; nothing was written then.
    pub fn descramble(self, object: &[u8], out: &mut [u8]) -> bool {
        let Some(columns) = self.columns(object.len()).filter(|_| object.len() == out.len()) else {
            return false;
        };
        let (chunk, span) = (usize::from(self.virtual_chunk_len), usize::from(self.span));
        for (at, place) in out.chunks_exact_mut(chunk).enumerate() {
            let row = at.checked_div(span).unwrap_or(0);
            let column = at.checked_rem(span).unwrap_or(0);
            let start = row.saturating_add(column.saturating_mul(columns)).saturating_mul(chunk);
            if let Some(from) = object.get(start..start.saturating_add(chunk)) {
                place.copy_from_slice(from);
            }
        }
        true
    }
}

/// The beginning of a media object of a web stream (section 9.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSample<'a> {
    /// Part Number, from 0.
    pub part_number: u16,
    /// Total Part Count.
    pub part_count: u16,
    /// Sample Type: 1 file, 2 render.
    pub sample_type: u16,
    /// URL String.
    pub url: Utf16<'a>,
    /// What follows the header.
    pub data: &'a [u8],
}

impl<'a> WebSample<'a> {
    /// Decodes the header of a media object.
    ///
    /// # Errors
    /// `Truncated` if the fixed part is not there, `NestedLength` if the header is longer than the object.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let too_long = reader.error(Reason::NestedLength);
        let len = usize::from(reader.u16()?);
        let (part_number, part_count, sample_type) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let url = Utf16::new(reader.take(len.checked_sub(8).ok_or(too_long)?).map_err(|_| too_long)?);
        Ok(Self { part_number, part_count, sample_type, url, data: reader.rest() })
    }
}
