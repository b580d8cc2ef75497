//! The end of an entry, and the next one.

use crate::error::DecodeError;
use crate::hresult::Hresult;

use super::cursor::{Reader, Writer};

/// The entry ended, or a StopPlaying is acknowledged (section 2.2.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportEndOfStream {
    /// `S_OK` nothing follows, `S_FALSE` a ReportStreamChange follows, else an error.
    pub hr: Hresult,
    /// That of the StopPlaying, else of the latest start.
    pub play_incarnation: u32,
}

impl ReportEndOfStream {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        Ok(Self { hr: fields.hr(), play_incarnation: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
    }
}

/// The next entry of a playlist begins (section 2.2.4.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStreamChange {
    /// Result.
    pub hr: Hresult,
    /// Send 0xFF: the incarnation of the Data packets that follow on TCP.
    pub tcp_hdr_incarnation: u32,
    /// Maximum size of an ASF data packet of the new entry.
    pub packet_size: u32,
    /// Bytes of the new ASF header.
    pub header_size: u32,
    /// Sum of the streams' maximum bit rates.
    pub bit_rate: u32,
}

impl ReportStreamChange {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<20>()?;
        Ok(Self {
            hr: fields.hr(),
            tcp_hdr_incarnation: fields.u32(),
            packet_size: fields.u32(),
            header_size: fields.u32(),
            bit_rate: fields.u32(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.tcp_hdr_incarnation);
        writer.u32(self.packet_size);
        writer.u32(self.header_size);
        writer.u32(self.bit_rate);
        writer.zeros(4);
    }
}
