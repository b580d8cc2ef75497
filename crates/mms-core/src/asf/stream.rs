//! Stream Properties and what stands in them (sections 3.3, 3.12, 9.1, 9.2).

use super::codec_list::{CodecTag, codec_name};
use super::guid::Guid;
use super::object::Object;
use super::read::Reader;
use crate::error::{DecodeError, Reason};

/// What a stream carries (section 10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// A type that is not known here.
    Unknown,
    /// Audio Media.
    Audio,
    /// Video Media.
    Video,
    /// Command Media: scripts.
    Command,
    /// JFIF Media.
    Jfif,
    /// Degradable JPEG Media.
    DegradableJpeg,
    /// File Transfer Media.
    FileTransfer,
    /// Binary Media.
    Binary,
}

impl StreamKind {
    const ALL: [(Self, u8, Guid); 7] = [
        (Self::Audio, 2, Guid::AUDIO_MEDIA),
        (Self::Video, 3, Guid::VIDEO_MEDIA),
        (Self::Command, 4, Guid::COMMAND_MEDIA),
        (Self::Jfif, 5, Guid::JFIF_MEDIA),
        (Self::DegradableJpeg, 6, Guid::DEGRADABLE_JPEG_MEDIA),
        (Self::FileTransfer, 7, Guid::FILE_TRANSFER_MEDIA),
        (Self::Binary, 8, Guid::BINARY_MEDIA),
    ];

    /// The kind that a Stream Type names.
    #[must_use]
    pub fn from_guid(guid: Guid) -> Self {
        Self::ALL.iter().find(|(_, _, known)| *known == guid).map_or(Self::Unknown, |(kind, ..)| *kind)
    }

    /// Code of four bits, never 0.
    pub(super) fn code(self) -> u8 {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or(1, |(_, code, _)| *code)
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known, _)| *known == code).map(|(kind, ..)| *kind);
        known.or((code == 1).then_some(Self::Unknown))
    }
}

impl core::fmt::Display for StreamKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Command => "command",
            Self::Jfif => "JFIF",
            Self::DegradableJpeg => "degradable JPEG",
            Self::FileTransfer => "file transfer",
            Self::Binary => "binary",
        })
    }
}

/// Bytes of a Stream Properties Object behind its frame and before its variable part.
pub(super) const STREAM_FIXED: usize = 54;

/// A Stream Properties Object (section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamProperties<'a> {
    /// Stream number, 1 to 127.
    pub number: u8,
    /// What the stream carries.
    pub kind: StreamKind,
    /// The Stream Type that `kind` was made from.
    pub stream_type: Guid,
    /// True if the object stands inside an Extended Stream Properties Object.
    pub hidden: bool,
    /// True if the content is encrypted.
    pub encrypted: bool,
    /// Error Correction Type.
    pub error_correction_type: Guid,
    /// Time Offset in units of 100 ns.
    pub time_offset: u64,
    /// Type-Specific Data, as much of it as the object holds.
    pub type_specific: &'a [u8],
    /// Error Correction Data, as much of it as the object holds.
    pub error_correction: &'a [u8],
}

impl<'a> StreamProperties<'a> {
    pub(super) fn decode(object: &Object<'a>, hidden: bool) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(object.body);
        let stream_type = reader.guid()?;
        let error_correction_type = reader.guid()?;
        let time_offset = reader.u64()?;
        let (specific, correction) = (reader.u32()?, reader.u32()?);
        let wrong_number = reader.error(Reason::StreamNumber);
        let flags = reader.u16()?;
        reader.u32()?;
        let number = stream_number(flags).ok_or(wrong_number)?;
        let mut clamp = |len: u32| {
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(reader.rest().len());
            reader.take(len)
        };
        let (type_specific, error_correction) = (clamp(specific)?, clamp(correction)?);
        Ok(Self {
            number,
            kind: StreamKind::from_guid(stream_type),
            stream_type,
            hidden,
            encrypted: flags & 0x8000 != 0,
            error_correction_type,
            time_offset,
            type_specific,
            error_correction,
        })
    }

    /// The format of an audio stream, if its 16 bytes are there (section 9.1).
    #[must_use]
    pub fn audio(&self) -> Option<AudioFormat<'a>> {
        if self.kind != StreamKind::Audio {
            return None;
        }
        AudioFormat::decode(self.type_specific).ok()
    }

    /// The format of a video stream, if its fixed part is there (section 9.2).
    #[must_use]
    pub fn video(&self) -> Option<VideoFormat<'a>> {
        if self.kind != StreamKind::Video {
            return None;
        }
        VideoFormat::decode(self.type_specific).ok()
    }
}

/// The stream number in the low seven bits of a flags field.
pub(super) fn stream_number(flags: u16) -> Option<u8> {
    u8::try_from(flags & 0x7f).ok().filter(|&number| number != 0)
}

/// Type-Specific Data of an audio stream (section 9.1). Nothing in it was checked against anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat<'a> {
    /// Codec ID, the wFormatTag.
    pub codec_id: u16,
    /// Number of channels.
    pub channels: u16,
    /// Samples per second.
    pub samples_per_second: u32,
    /// Average number of bytes per second.
    pub average_bytes_per_second: u32,
    /// Block alignment in bytes; may be 0.
    pub block_alignment: u16,
    /// Bits per sample.
    pub bits_per_sample: u16,
    /// Codec specific data, as much of it as there is.
    pub extra: &'a [u8],
}

impl<'a> AudioFormat<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (codec_id, channels) = (reader.u16()?, reader.u16()?);
        let (samples_per_second, average_bytes_per_second) = (reader.u32()?, reader.u32()?);
        let (block_alignment, bits_per_sample) = (reader.u16()?, reader.u16()?);
        let len = usize::from(reader.u16().unwrap_or(0)).min(reader.rest().len());
        let extra = reader.take(len)?;
        Ok(Self {
            codec_id,
            channels,
            samples_per_second,
            average_bytes_per_second,
            block_alignment,
            bits_per_sample,
            extra,
        })
    }

    /// The codec's name, if it is known.
    #[must_use]
    pub fn codec_name(&self) -> Option<&'static str> {
        codec_name(CodecTag::Audio(self.codec_id))
    }
}

/// Type-Specific Data of a video stream (section 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat<'a> {
    /// Encoded image width in pixels.
    pub width: u32,
    /// Encoded image height in pixels.
    pub height: u32,
    /// Compression ID, the four characters in order.
    pub compression: [u8; 4],
    /// Bits per pixel.
    pub bit_count: u16,
    /// Codec specific data, as much of it as there is.
    pub extra: &'a [u8],
}

impl<'a> VideoFormat<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (width, height) = (reader.u32()?, reader.u32()?);
        reader.u8()?;
        let len = usize::from(reader.u16()?).min(reader.rest().len());
        let mut format = Reader::new(reader.take(len)?);
        format.take(14)?;
        let bit_count = format.u16()?;
        let compression = format.array()?;
        format.take(20)?;
        Ok(Self { width, height, compression, bit_count, extra: format.rest() })
    }

    /// The codec's name, if it is known.
    #[must_use]
    pub fn codec_name(&self) -> Option<&'static str> {
        codec_name(CodecTag::Video(self.compression))
    }
}

/// One record of the Stream Bitrate Properties Object (section 3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamBitRate {
    /// Stream number.
    pub number: u8,
    /// Average bit rate, packet overhead included.
    pub bit_rate: u32,
}

/// The records of a Stream Bitrate Properties Object, bounded by its bytes.
#[derive(Clone, Debug)]
pub struct StreamBitRates<'a> {
    reader: Reader<'a>,
    left: u16,
}

impl<'a> StreamBitRates<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let mut reader = Reader::new(body);
        let left = reader.u16().unwrap_or(0);
        Self { reader, left }
    }
}

impl Iterator for StreamBitRates<'_> {
    type Item = StreamBitRate;

    fn next(&mut self) -> Option<StreamBitRate> {
        while self.left > 0 {
            self.left = self.left.saturating_sub(1);
            let (flags, bit_rate) = (self.reader.u16().ok()?, self.reader.u32().ok()?);
            if let Some(number) = stream_number(flags) {
                return Some(StreamBitRate { number, bit_rate });
            }
        }
        None
    }
}
