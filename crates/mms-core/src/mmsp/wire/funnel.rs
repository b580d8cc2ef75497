//! The funnel: how media will travel, and what identifies the client.

use crate::error::DecodeError;
use crate::hresult::Hresult;
use crate::text::Text;

use super::cursor::{Reader, Writer};

/// The client says where media shall go (section 2.2.4.18).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectFunnel<'a> {
    /// Send 0, ignore.
    pub play_incarnation: u32,
    /// Send 0xFFFFFFFF, ignore.
    pub max_block_bytes: u32,
    /// Send 0, ignore.
    pub max_funnel_bytes: u32,
    /// Send 0x00989680, ignore.
    pub max_bit_rate: u32,
    /// Send 2, ignore.
    pub funnel_mode: u32,
    /// Address, protocol and port; see [`super::FunnelName`].
    pub funnel_name: Text<'a>,
}

impl<'a> ConnectFunnel<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<20>()?;
        Ok(Self {
            play_incarnation: fields.u32(),
            max_block_bytes: fields.u32(),
            max_funnel_bytes: fields.u32(),
            max_bit_rate: fields.u32(),
            funnel_mode: fields.u32(),
            funnel_name: Text::from_wire(reader.rest()),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
        writer.u32(self.max_block_bytes);
        writer.u32(self.max_funnel_bytes);
        writer.u32(self.max_bit_rate);
        writer.u32(self.funnel_mode);
        writer.text(self.funnel_name);
    }
}

/// The client asks for its identifier (section 2.2.4.19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunnelInfo {
    /// One of the packet-pair constants; anything else means no packet pair.
    pub play_incarnation: u32,
}

impl FunnelInfo {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { play_incarnation: reader.fixed::<4>()?.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
    }
}

/// The server gives the client its identifier (section 2.2.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportFunnelInfo<'a> {
    /// Result.
    pub hr: Hresult,
    /// One of the packet-pair constants.
    pub play_incarnation: u32,
    /// Send 8.
    pub transport_mask: u32,
    /// Send 1.
    pub block_fragments: u32,
    /// Send 0x10000.
    pub fragment_bytes: u32,
    /// The client's identifier in resend requests.
    pub cubs: u32,
    /// Send 0.
    pub failed_cubs: u32,
    /// Send 1.
    pub disks: u32,
    /// Send 0.
    pub decluster: u32,
    /// Send 0.
    pub cubdd_datagram_size: u32,
    /// Random bytes to measure bandwidth with; whatever follows the fixed part on receipt.
    pub packet_pair: &'a [u8],
}

impl<'a> ReportFunnelInfo<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<40>()?;
        Ok(Self {
            hr: fields.hr(),
            play_incarnation: fields.u32(),
            transport_mask: fields.u32(),
            block_fragments: fields.u32(),
            fragment_bytes: fields.u32(),
            cubs: fields.u32(),
            failed_cubs: fields.u32(),
            disks: fields.u32(),
            decluster: fields.u32(),
            cubdd_datagram_size: fields.u32(),
            packet_pair: reader.rest(),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.transport_mask);
        writer.u32(self.block_fragments);
        writer.u32(self.fragment_bytes);
        writer.u32(self.cubs);
        writer.u32(self.failed_cubs);
        writer.u32(self.disks);
        writer.u32(self.decluster);
        writer.u32(self.cubdd_datagram_size);
        writer.bytes(self.packet_pair);
    }
}

/// The server accepts the funnel (section 2.2.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportConnectedFunnel<'a> {
    /// Result.
    pub hr: Hresult,
    /// Send 0, ignore.
    pub play_incarnation: u32,
    /// Send 0, ignore.
    pub packet_payload_size: u32,
    /// Send `Funnel Of The Gods`, ignore.
    pub funnel_name: Text<'a>,
}

impl<'a> ReportConnectedFunnel<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<12>()?;
        Ok(Self {
            hr: fields.hr(),
            play_incarnation: fields.u32(),
            packet_payload_size: fields.u32(),
            funnel_name: Text::from_wire(reader.rest()),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.packet_payload_size);
        writer.text(self.funnel_name);
    }
}

/// The server refuses the funnel (section 2.2.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportDisconnectedFunnel {
    /// Why.
    pub hr: Hresult,
    /// Send 0, ignore.
    pub play_incarnation: u32,
}

impl ReportDisconnectedFunnel {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<8>()?;
        Ok(Self { hr: fields.hr(), play_incarnation: fields.u32() })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
    }
}
