//! The Codec List Object and the names of known codecs (section 3.5).

use super::read::Reader;
use super::utf16::Utf16;
use crate::error::DecodeError;

/// What kind of codec an entry describes (section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodecKind(pub u16);

impl CodecKind {
    /// A video codec.
    pub const VIDEO: Self = Self(1);
    /// An audio codec.
    pub const AUDIO: Self = Self(2);
    /// A codec of unknown kind.
    pub const UNKNOWN: Self = Self(0xffff);
}

/// One entry of the Codec List Object; for display only (section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecEntry<'a> {
    /// Type.
    pub kind: CodecKind,
    /// Codec Name.
    pub name: Utf16<'a>,
    /// Codec Description.
    pub description: Utf16<'a>,
    /// Codec Information: a format tag for audio, four characters for video.
    pub information: &'a [u8],
}

impl CodecEntry<'_> {
    /// What the information names, if kind and length fit.
    #[must_use]
    pub fn tag(&self) -> Option<CodecTag> {
        let mut reader = Reader::new(self.information);
        match self.kind {
            CodecKind::AUDIO => reader.u16().ok().map(CodecTag::Audio),
            CodecKind::VIDEO => reader.array().ok().map(CodecTag::Video),
            _ => None,
        }
    }
}

/// The entries of a Codec List Object, bounded by its bytes.
#[derive(Clone, Debug)]
pub struct CodecEntries<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> CodecEntries<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let mut reader = Reader::new(body);
        let left = reader.guid().and_then(|_| reader.u32()).unwrap_or(0);
        Self { reader, left }
    }

    fn entry(&mut self) -> Result<CodecEntry<'a>, DecodeError> {
        let kind = CodecKind(self.reader.u16()?);
        let name = self.text()?;
        let description = self.text()?;
        let len = self.reader.u16()?;
        Ok(CodecEntry { kind, name, description, information: self.reader.take(usize::from(len))? })
    }

    /// Text whose length counts 16-bit units.
    fn text(&mut self) -> Result<Utf16<'a>, DecodeError> {
        let units = self.reader.u16()?;
        self.reader.take(usize::from(units).saturating_mul(2)).map(Utf16::new)
    }
}

impl<'a> Iterator for CodecEntries<'a> {
    type Item = CodecEntry<'a>;

    fn next(&mut self) -> Option<CodecEntry<'a>> {
        self.left = self.left.checked_sub(1)?;
        let entry = self.entry().ok();
        if entry.is_none() {
            self.left = 0;
        }
        entry
    }
}

/// What names a codec: the wFormatTag of audio, the four characters of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecTag {
    /// A wFormatTag.
    Audio(u16),
    /// A FourCC, its characters in order.
    Video([u8; 4]),
}

/// The name of a codec that is met in this format.
#[must_use]
pub fn codec_name(tag: CodecTag) -> Option<&'static str> {
    match tag {
        CodecTag::Audio(tag) => audio_name(tag),
        CodecTag::Video(code) => video_name(code),
    }
}

fn audio_name(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x0001 => "PCM",
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x000a => "Windows Media Audio Voice",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0050 => "MPEG audio layer 1/2",
        0x0055 => "MP3",
        0x0075 => "Voxware",
        0x00ff => "AAC",
        0x0130 => "ACELP.net",
        0x0160 => "Windows Media Audio 1",
        0x0161 => "Windows Media Audio 2",
        0x0162 => "Windows Media Audio Professional",
        0x0163 => "Windows Media Audio Lossless",
        0x0164 => "Windows Media Audio over S/PDIF",
        0x1600 => "AAC ADTS",
        0x2000 => "AC-3",
        0x7a21 | 0x7a22 => "GSM-AMR",
        0xfffe => "extensible",
        _ => return None,
    })
}

fn video_name(code: [u8; 4]) -> Option<&'static str> {
    Some(match &code.map(|c| c.to_ascii_uppercase()) {
        b"MPG4" => "Microsoft MPEG-4 v1",
        b"MP42" => "Microsoft MPEG-4 v2",
        b"MP43" => "Microsoft MPEG-4 v3",
        b"MP4S" | b"M4S2" => "ISO MPEG-4",
        b"WMV1" => "Windows Media Video 7",
        b"WMV2" => "Windows Media Video 8",
        b"WMV3" => "Windows Media Video 9",
        b"WMVA" => "Windows Media Video 9 Advanced Profile",
        b"WVC1" => "VC-1 Advanced Profile",
        b"WMVP" => "Windows Media Video 9 Image",
        b"WVP2" => "Windows Media Video 9 Image v2",
        b"MSS1" => "Windows Media Video 7 Screen",
        b"MSS2" => "Windows Media Video 9 Screen",
        b"MJPG" => "Motion JPEG",
        b"H264" => "H.264",
        b"DVR " => "MPEG-2 (DVR-MS)",
        _ => return None,
    })
}
