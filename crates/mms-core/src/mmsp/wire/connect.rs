//! Connect and ReportConnectedEX: the first exchange of a session.

use crate::error::{DecodeError, Reason};
use crate::hresult::Hresult;
use crate::text::Text;

use super::cursor::{Reader, Writer, text_len};

/// The client introduces itself (section 2.2.4.17).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connect<'a> {
    /// `MMS_USE_PACKET_PAIR`; anything else means no packet pair.
    pub play_incarnation: u32,
    /// Send `MAC_TO_VIEWER_PROTOCOL_REVISION`.
    pub mac_to_viewer_protocol_revision: u32,
    /// Send `VIEWER_TO_MAC_PROTOCOL_REVISION`.
    pub viewer_to_mac_protocol_revision: u32,
    /// Product, version, player id and host; see [`super::Subscriber`].
    pub subscriber_name: Text<'a>,
}

impl<'a> Connect<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<12>()?;
        Ok(Self {
            play_incarnation: fields.u32(),
            mac_to_viewer_protocol_revision: fields.u32(),
            viewer_to_mac_protocol_revision: fields.u32(),
            subscriber_name: Text::from_wire(reader.rest()),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.play_incarnation);
        writer.u32(self.mac_to_viewer_protocol_revision);
        writer.u32(self.viewer_to_mac_protocol_revision);
        writer.text(self.subscriber_name);
    }
}

/// The server introduces itself (section 2.2.4.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReportConnectedEx<'a> {
    /// Result.
    pub hr: Hresult,
    /// `MMS_USE_PACKET_PAIR` if bandwidth can be measured, else `MMS_DISABLE_PACKET_PAIR`.
    pub play_incarnation: u32,
    /// Send `MAC_TO_VIEWER_PROTOCOL_REVISION`.
    pub mac_to_viewer_protocol_revision: u32,
    /// Send `VIEWER_TO_MAC_PROTOCOL_REVISION`.
    pub viewer_to_mac_protocol_revision: u32,
    /// Send 1.0.
    pub block_group_play_time: f64,
    /// Send 1.
    pub block_group_blocks: u32,
    /// Send 1.
    pub max_open_files: u32,
    /// Send 0x8000.
    pub block_max_bytes: u32,
    /// Send 0x00989680.
    pub max_bit_rate: u32,
    /// Version of the server; see [`super::ServerVersion`].
    pub server_version_info: Option<Text<'a>>,
    /// Version of the player to upgrade to.
    pub version_info: Option<Text<'a>>,
    /// Where to get that player.
    pub version_url: Option<Text<'a>>,
    /// `BASIC` or `NTLM`.
    pub authen_package: Option<Text<'a>>,
}

impl<'a> ReportConnectedEx<'a> {
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, DecodeError> {
        let mut fields = reader.fixed::<56>()?;
        let mut message = Self {
            hr: fields.hr(),
            play_incarnation: fields.u32(),
            mac_to_viewer_protocol_revision: fields.u32(),
            viewer_to_mac_protocol_revision: fields.u32(),
            block_group_play_time: fields.f64(),
            block_group_blocks: fields.u32(),
            max_open_files: fields.u32(),
            block_max_bytes: fields.u32(),
            max_bit_rate: fields.u32(),
            server_version_info: None,
            version_info: None,
            version_url: None,
            authen_package: None,
        };
        let (server_version, version) = (fields.u32(), fields.u32());
        let (url, authen_package) = (fields.u32(), fields.u32());
        message.server_version_info = counted(&mut reader, server_version, 48)?;
        message.version_info = counted(&mut reader, version, 52)?;
        message.version_url = counted(&mut reader, url, 56)?;
        message.authen_package = counted(&mut reader, authen_package, 60)?;
        Ok(message)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.hr(self.hr);
        writer.u32(self.play_incarnation);
        writer.u32(self.mac_to_viewer_protocol_revision);
        writer.u32(self.viewer_to_mac_protocol_revision);
        writer.f64(self.block_group_play_time);
        writer.u32(self.block_group_blocks);
        writer.u32(self.max_open_files);
        writer.u32(self.block_max_bytes);
        writer.u32(self.max_bit_rate);
        let strings = [self.server_version_info, self.version_info, self.version_url, self.authen_package];
        for text in strings {
            writer.count32(text.map_or(0, |text| text_len(text) >> 1));
        }
        for text in strings.into_iter().flatten() {
            writer.text(text);
        }
    }
}

/// A string of `count` characters with its NUL; its count field is at `field`. Zero means absent.
fn counted<'a>(reader: &mut Reader<'a>, count: u32, field: usize) -> Result<Option<Text<'a>>, DecodeError> {
    if count == 0 {
        return Ok(None);
    }
    let len = u64::from(count).checked_mul(2).ok_or_else(|| DecodeError::new(Reason::NestedLength, field))?;
    reader.nested(len, field).map(|bytes| Some(Text::from_wire(bytes)))
}
