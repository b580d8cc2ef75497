//! TcpMessageHeader: 32 bytes in front of the messages of one TCP packet.

use crate::error::{BufferTooSmall, DecodeError, Reason};

use super::cursor::Reader;
use super::message::Message;

/// The header of a command packet on TCP (section 2.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpMessageHeader {
    /// Send 1; some servers send other values.
    pub rep: u8,
    /// Send 0.
    pub version: u8,
    /// Send 0.
    pub version_minor: u8,
    /// Send 0, ignore.
    pub padding: u8,
    /// Bytes of the messages plus 16: at least 16, a multiple of 8.
    pub message_length: u32,
    /// Chunks of 8 bytes; `message_length / 8` on the wire, ignore.
    pub chunk_count: u32,
    /// The sender's packet counter; ignore.
    pub seq: u16,
    /// Send 0.
    pub mbz: u16,
    /// Of the sender's choice; send 0, ignore.
    pub time_sent: [u8; 8],
}

impl TcpMessageHeader {
    /// Bytes of the header.
    pub const LEN: usize = 32;
    /// The session id at offset 4.
    pub const SESSION_ID: u32 = 0xB00B_FACE;
    /// The seal at offset 12, "MMS ".
    pub const SEAL: u32 = 0x2053_4D4D;

    /// The header for `len` bytes of messages, `chunk_count` as real peers write it.
    #[must_use]
    pub fn for_messages(len: usize, seq: u16) -> Self {
        let message_length = u32::try_from(len.saturating_add(16)).unwrap_or(u32::MAX);
        Self {
            rep: 1,
            version: 0,
            version_minor: 0,
            padding: 0,
            message_length,
            chunk_count: message_length >> 3,
            seq,
            mbz: 0,
            time_sent: [0; 8],
        }
    }

    /// Decodes the first 32 bytes.
    ///
    /// # Errors
    ///
    /// Fewer bytes, a wrong session id or seal, or a `message_length` that no packet can have.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Reader::new(bytes, 0).fixed::<{ Self::LEN }>()?;
        let [rep, version, version_minor, padding] = fields.array();
        if fields.u32() != Self::SESSION_ID {
            return Err(DecodeError::new(Reason::SessionId, 4));
        }
        let message_length = fields.u32();
        if !Self::is_message_length(message_length) {
            return Err(DecodeError::new(Reason::MessageLength, 8));
        }
        if fields.u32() != Self::SEAL {
            return Err(DecodeError::new(Reason::Seal, 12));
        }
        Ok(Self {
            rep,
            version,
            version_minor,
            padding,
            message_length,
            chunk_count: fields.u32(),
            seq: fields.u16(),
            mbz: fields.u16(),
            time_sent: fields.array(),
        })
    }

    /// The 32 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let mut writer = super::cursor::Writer::new(&mut out);
        writer.bytes(&[self.rep, self.version, self.version_minor, self.padding]);
        writer.u32(Self::SESSION_ID);
        writer.u32(self.message_length);
        writer.u32(Self::SEAL);
        writer.u32(self.chunk_count);
        writer.u16(self.seq);
        writer.u16(self.mbz);
        writer.bytes(&self.time_sent);
        out
    }

    /// Bytes of the whole packet, header and messages.
    #[must_use]
    pub fn packet_len(&self) -> u64 {
        u64::from(self.message_length).saturating_add(16)
    }

    pub(super) fn is_message_length(length: u32) -> bool {
        length >= 16 && length.is_multiple_of(8)
    }
}

/// Writes header and one message and returns their length (section 3.1.5.1: one message in a packet).
///
/// # Errors
///
/// `out` is too small; nothing was written.
pub fn encode_packet(message: &Message<'_>, seq: u16, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
    let len = message.encoded_len();
    let needed = len.saturating_add(TcpMessageHeader::LEN);
    let too_small = BufferTooSmall { needed };
    let packet = out.get_mut(..needed).ok_or(too_small)?;
    let (header, body) = packet.split_first_chunk_mut::<{ TcpMessageHeader::LEN }>().ok_or(too_small)?;
    message.encode(body)?;
    *header = TcpMessageHeader::for_messages(len, seq).encode();
    Ok(needed)
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for TcpMessageHeader {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            rep: u.arbitrary()?,
            version: u.arbitrary()?,
            version_minor: u.arbitrary()?,
            padding: u.arbitrary()?,
            message_length: u.int_in_range(2..=u32::MAX >> 3)? << 3,
            chunk_count: u.arbitrary()?,
            seq: u.arbitrary()?,
            mbz: u.arbitrary()?,
            time_sent: u.arbitrary()?,
        })
    }
}
