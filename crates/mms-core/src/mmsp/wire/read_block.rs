//! Asking for the ASF header.

use crate::error::DecodeError;
use crate::hresult::Hresult;

use super::cursor::{Reader, Writer};

/// The client asks for the whole ASF header (section 2.2.4.23).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadBlock {
    /// From ReportOpenFile.
    pub open_file_id: u32,
    /// Send 0, ignore.
    pub file_block_id: u32,
    /// Send 0, ignore.
    pub offset: u32,
    /// Send 0x8000, ignore.
    pub length: u32,
    /// Send 0xFFFFFFFF, ignore.
    pub flags: u32,
    /// Send 0.0, ignore.
    pub t_earliest: f64,
    /// Send 3600.0, ignore.
    pub t_deadline: f64,
    /// Copied into the answer, low byte into the header fragments.
    pub play_incarnation: u32,
    /// Send 0.
    pub play_sequence: u32,
}

impl ReadBlock {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<48>()?;
        let (open_file_id, file_block_id) = (fields.u32(), fields.u32());
        let (offset, length, flags) = (fields.u32(), fields.u32(), fields.u32());
        fields.skip::<4>();
        Ok(Self {
            open_file_id,
            file_block_id,
            offset,
            length,
            flags,
            t_earliest: fields.f64(),
            t_deadline: fields.f64(),
            play_incarnation: fields.u32(),
            play_sequence: fields.u32(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.open_file_id);
        writer.u32(self.file_block_id);
        writer.u32(self.offset);
        writer.u32(self.length);
        writer.u32(self.flags);
        writer.zeros(4);
        writer.f64(self.t_earliest);
        writer.f64(self.t_deadline);
        writer.u32(self.play_incarnation);
        writer.u32(self.play_sequence);
    }
}

/// The client no longer waits for a ReadBlock (section 2.2.4.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelReadBlock {
    /// That of the ReadBlock.
    pub play_incarnation: u32,
}

impl CancelReadBlock {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { play_incarnation: reader.fixed::<4>()?.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
    }
}

/// The ASF header follows, or why not (section 2.2.4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportReadBlock {
    /// Result.
    pub hr: Hresult,
    /// Copied from the ReadBlock.
    pub play_incarnation: u32,
    /// Send 0.
    pub play_sequence: u32,
}

impl ReportReadBlock {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<12>()?;
        Ok(Self { hr: fields.hr(), play_incarnation: fields.u32(), play_sequence: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.play_sequence);
    }
}
