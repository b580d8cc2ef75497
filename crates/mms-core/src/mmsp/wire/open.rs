//! Opening and closing a file, and being sent elsewhere.

use bitflags::bitflags;

use crate::error::{DecodeError, Reason};
use crate::hresult::Hresult;
use crate::text::Text;

use super::cursor::{Fields, Reader, Writer, text_len};

/// The client opens a file (section 2.2.4.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFile<'a> {
    /// Copied into the answer.
    pub play_incarnation: u32,
    /// Send 0, ignore.
    pub spare: u32,
    /// Path of the URL without the leading slash, not percent-encoded.
    pub file_name: Text<'a>,
    /// Credentials, empty if there are none.
    pub token_data: &'a [u8],
}

impl<'a> OpenFile<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<16>()?;
        let (play_incarnation, spare) = (fields.u32(), fields.u32());
        let (token, cb_token) = (fields.u32(), fields.u32());
        if cb_token == 0 {
            let file_name = Text::from_wire(reader.rest());
            return Ok(Self { play_incarnation, spare, file_name, token_data: &[] });
        }
        // `token` counts from the start of the name, which has at least its NUL in front of a token.
        if token < 2 {
            return Err(DecodeError::new(Reason::NestedLength, 16));
        }
        let file_name = Text::from_wire(reader.nested(u64::from(token), 16)?);
        let token_data = reader.nested(u64::from(cb_token), 20)?;
        Ok(Self { play_incarnation, spare, file_name, token_data })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
        writer.u32(self.spare);
        writer.count32(if self.token_data.is_empty() { 0 } else { text_len(self.file_name) });
        writer.count32(self.token_data.len());
        writer.text(self.file_name);
        writer.bytes(self.token_data);
    }
}

/// The client has finished (section 2.2.4.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFile {
    /// Send 0, ignore.
    pub play_incarnation: u32,
    /// From ReportOpenFile.
    pub open_file_id: u32,
}

impl CloseFile {
    #[inline]
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        Ok(Self { play_incarnation: fields.u32(), open_file_id: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
        writer.u32(self.open_file_id);
    }
}

bitflags! {
    /// What can be done with the opened file (section 2.2.4.7).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct FileAttributes: u32 {
        /// Fast forward and rewind are possible.
        const CANSTRIDE = 0x0080_0000;
        /// Seeking is possible.
        const CANSEEK = 0x0100_0000;
        /// A broadcast that clients share.
        const BROADCAST = 0x0200_0000;
        /// Live content.
        const LIVE = 0x0400_0000;
        /// An entry of a server-side playlist.
        const PLAYLIST = 0x4000_0000;
        const _ = !0;
    }
}

/// What was opened, or why not (section 2.2.4.7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportOpenFile {
    /// Result.
    pub hr: Hresult,
    /// Copied from the OpenFile or SecurityResponse.
    pub play_incarnation: u32,
    /// Names the file in later requests.
    pub open_file_id: u32,
    /// What can be done with the file.
    pub file_attributes: FileAttributes,
    /// Seconds; zero, negative or NaN if unknown.
    pub file_duration: f64,
    /// Seconds, rounded up.
    pub file_blocks: u32,
    /// Maximum size of an ASF data packet.
    pub file_packet_size: u32,
    /// Number of ASF data packets; 0 or 0xFFFFFFFF if unknown.
    pub file_packet_count: u64,
    /// Sum of the streams' maximum bit rates.
    pub file_bit_rate: u32,
    /// Bytes of the ASF header as it is sent.
    pub file_header_size: u32,
}

impl ReportOpenFile {
    #[inline]
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        let (hr, play_incarnation) = (fields.hr(), fields.u32());
        // Some servers end a refusal behind the incarnation.
        let mut fields = match reader.fixed::<64>() {
            Err(_) if hr.is_failure() => Fields::absent::<64>(),
            fields => fields?,
        };
        let open_file_id = fields.u32();
        fields.skip::<8>();
        let file_attributes = FileAttributes::from_bits_retain(fields.u32());
        let (file_duration, file_blocks) = (fields.f64(), fields.u32());
        fields.skip::<16>();
        Ok(Self {
            hr,
            play_incarnation,
            open_file_id,
            file_attributes,
            file_duration,
            file_blocks,
            file_packet_size: fields.u32(),
            file_packet_count: fields.u64(),
            file_bit_rate: fields.u32(),
            file_header_size: fields.u32(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.open_file_id);
        writer.zeros(8);
        writer.u32(self.file_attributes.bits());
        writer.f64(self.file_duration);
        writer.u32(self.file_blocks);
        writer.zeros(16);
        writer.u32(self.file_packet_size);
        writer.u64(self.file_packet_count);
        writer.u32(self.file_bit_rate);
        writer.u32(self.file_header_size);
        writer.zeros(36);
    }
}

/// Where a ReportRedirect leads (section 2.2.4.9); unknown values stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RedirectType(pub u16);

impl RedirectType {
    /// To another URL.
    pub const URL: Self = Self(1);
    /// Through another proxy, or through none.
    pub const PROXY: Self = Self(2);
}

/// The server sends the client elsewhere (section 2.2.4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportRedirect<'a> {
    /// Result.
    pub hr: Hresult,
    /// What `location` is.
    pub redirect_type: RedirectType,
    /// A URL, at most 32766 code units; an empty one takes the proxy away.
    pub location: Text<'a>,
}

impl<'a> ReportRedirect<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        let (hr, redirect_type) = (fields.hr(), RedirectType(fields.u16()));
        let location = Text::from_wire(reader.nested(u64::from(fields.u16()), 14)?);
        Ok(Self { hr, redirect_type, location })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u16(self.redirect_type.0);
        writer.count16(text_len(self.location));
        writer.text(self.location);
    }
}
