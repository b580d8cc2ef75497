//! Data packets: media, header fragments and packet pairs, on TCP and UDP alike.

use crate::error::{BufferTooSmall, DecodeError, Reason};

use super::cursor::{Reader, Writer};

/// The header of a Data packet (section 2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataHeader {
    /// Index of the payload in the object being sent.
    pub location_id: u32,
    /// Low 8 bits of the incarnation of the request that caused the packet.
    pub play_incarnation: u8,
    /// Header fragment marker, or low 8 bits of the packet's sequence number.
    pub af_flags: u8,
    /// Bytes of the whole packet with these 8.
    pub packet_size: u16,
}

impl DataHeader {
    /// Bytes of the header.
    pub const LEN: usize = 8;
    /// The longest payload that a packet can have.
    pub const MAX_PAYLOAD: usize = 65_527;

    /// The header of a packet with so many bytes of payload, `None` above [`Self::MAX_PAYLOAD`].
    #[must_use]
    #[inline]
    pub fn for_payload(
        location_id: u32,
        play_incarnation: u8,
        af_flags: u8,
        payload_len: usize,
    ) -> Option<Self> {
        let packet_size = u16::try_from(payload_len.checked_add(Self::LEN)?).ok()?;
        Some(Self { location_id, play_incarnation, af_flags, packet_size })
    }

    /// Decodes the first 8 bytes.
    ///
    /// # Errors
    ///
    /// Fewer bytes, or a `packet_size` below 8.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut fields = Reader::new(bytes, 0).fixed::<{ Self::LEN }>()?;
        let header = Self {
            location_id: fields.u32(),
            play_incarnation: fields.u8(),
            af_flags: fields.u8(),
            packet_size: fields.u16(),
        };
        if usize::from(header.packet_size) < Self::LEN {
            return Err(DecodeError::new(Reason::PacketSize, 6));
        }
        Ok(header)
    }

    /// The 8 bytes.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.location_id.to_le_bytes();
        let [e, f] = self.packet_size.to_le_bytes();
        [a, b, c, d, self.play_incarnation, self.af_flags, e, f]
    }

    /// Bytes of the payload.
    #[must_use]
    #[inline]
    pub fn payload_len(&self) -> usize {
        usize::from(self.packet_size).saturating_sub(Self::LEN)
    }

    /// Whether a client would take these bytes for a command packet (section 3.1.5.2); a server sends such a
    /// packet with another size.
    #[must_use]
    #[inline]
    pub fn looks_like_command(&self) -> bool {
        (self.play_incarnation, self.af_flags, self.packet_size) == (0xCE, 0xFA, 0xB00B)
    }
}

/// A whole Data packet (section 2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Index of the payload in the object being sent.
    pub location_id: u32,
    /// Low 8 bits of the incarnation of the request that caused the packet.
    pub play_incarnation: u8,
    /// Header fragment marker, or low 8 bits of the packet's sequence number.
    pub af_flags: u8,
    /// The payload, at most [`DataHeader::MAX_PAYLOAD`] bytes.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Decodes a datagram, or a frame of a TCP stream; bytes behind `packet_size` are dropped.
    ///
    /// # Errors
    ///
    /// Fewer than 8 bytes, or a `packet_size` below 8 or beyond the end.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let header = DataHeader::decode(datagram)?;
        let payload = datagram
            .get(DataHeader::LEN..usize::from(header.packet_size))
            .ok_or(DecodeError::new(Reason::PacketSize, 6))?;
        let DataHeader { location_id, play_incarnation, af_flags, .. } = header;
        Ok(Self { location_id, play_incarnation, af_flags, payload })
    }

    /// The header of this packet, `None` if the payload is too long for one packet.
    #[must_use]
    pub fn header(&self) -> Option<DataHeader> {
        DataHeader::for_payload(self.location_id, self.play_incarnation, self.af_flags, self.payload.len())
    }

    /// Bytes of the packet.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.payload.len().saturating_add(DataHeader::LEN)
    }

    /// Writes the packet and returns its length.
    ///
    /// # Errors
    ///
    /// `out` is too small, or no packet can hold the payload (`needed` is `usize::MAX` then); nothing was written.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let header = self.header().ok_or(BufferTooSmall { needed: usize::MAX })?;
        let needed = self.encoded_len();
        let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let mut writer = Writer::new(room);
        writer.bytes(&header.encode());
        writer.bytes(self.payload);
        Ok(needed)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for DataHeader {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self {
            location_id: u.arbitrary()?,
            play_incarnation: u.arbitrary()?,
            af_flags: u.arbitrary()?,
            packet_size: u.int_in_range(8..=u16::MAX)?,
        })
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Data<'a> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let (location_id, play_incarnation, af_flags) = u.arbitrary()?;
        let bytes: &'a [u8] = u.arbitrary()?;
        let payload = bytes.get(..DataHeader::MAX_PAYLOAD).unwrap_or(bytes);
        Ok(Self { location_id, play_incarnation, af_flags, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_cut_at_its_packet_size() {
        let data = Data::decode(&[3, 0, 0, 0, 0x0A, 3, 10, 0, 0xAA, 0xBB, 0xCC]).unwrap();
        assert_eq!(data.payload, [0xAA, 0xBB]);
        assert_eq!(data.header().unwrap().payload_len(), 2);
    }

    #[test]
    fn a_packet_size_below_8_or_beyond_the_datagram_is_an_error() {
        for size in [0_u8, 7, 10, 255] {
            let error = Data::decode(&[0, 0, 0, 0, 1, 4, size, 0, 0xAA]).unwrap_err();
            assert_eq!(error, DecodeError::new(Reason::PacketSize, 6));
        }
        assert_eq!(Data::decode(&[0; 7]), Err(DecodeError::new(Reason::Truncated, 7)));
    }

    #[test]
    fn a_payload_beyond_16_bits_is_never_written() {
        let data = Data { location_id: 0, play_incarnation: 1, af_flags: 0, payload: &[0; 65_528] };
        let mut out = [0xAA; 65_536];
        assert_eq!(data.encode(&mut out), Err(BufferTooSmall { needed: usize::MAX }));
        assert!(out.iter().all(|byte| *byte == 0xAA));
        assert!(DataHeader::for_payload(0, 1, 0, DataHeader::MAX_PAYLOAD).is_some());
        assert!(DataHeader::for_payload(0, 1, 0, usize::MAX).is_none());
    }

    #[test]
    fn the_triple_that_looks_like_a_command_is_known() {
        let header = DataHeader::for_payload(1, 0xCE, 0xFA, 45_059).unwrap();
        assert!(header.looks_like_command());
        assert_eq!(header.encode()[4..], TCP_SESSION_ID);
    }

    const TCP_SESSION_ID: [u8; 4] = super::super::TcpMessageHeader::SESSION_ID.to_le_bytes();
}
