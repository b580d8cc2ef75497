//! Media objects into packets of fixed size (section 8.2, rules 13 to 16).

use super::packet_writer::{Layout, MIN_PACKET_SIZE, PayloadHead};
use crate::error::BufferTooSmall;

/// A media object that shall be put into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaObject<'a> {
    /// Stream number, 1 to 127.
    pub stream_number: u8,
    /// Media Object Number: one more than that of the object before in the stream, 0 after 255.
    pub number: u8,
    /// True if it is a key frame.
    pub is_key_frame: bool,
    /// Presentation time in milliseconds with the preroll.
    pub presentation_time_ms: u32,
    /// When its first byte shall be sent, in milliseconds; not after the presentation time.
    pub send_time_ms: u32,
    /// When its last byte shall be sent; packets between get times between. Not before `send_time_ms`.
    pub send_end_ms: u32,
    /// True if it shall not be cut where a packet of its own would hold it; for audio.
    pub keep_whole: bool,
    /// Data of the payload extension systems, at most 247 bytes.
    pub extensions: &'a [u8],
    /// The object's bytes, not none.
    pub data: &'a [u8],
}

/// What became of a media object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packetised {
    /// All of it was taken; the packet is still open.
    Taken,
    /// The packet is complete. Take it and call again with the same object and the next packet.
    PacketFull,
}

/// Why a media object cannot be put into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketiseError {
    /// The packet buffer is not as large as the packet size.
    Buffer(BufferTooSmall),
    /// No packet of this size can carry a byte of the object with its extension data.
    PacketSize {
        /// The size that would be enough.
        needed: usize,
    },
    /// The object has no bytes, or more than 4 GiB.
    ObjectSize,
    /// The stream number is not 1 to 127.
    StreamNumber,
    /// Another object than the one that is half written.
    OtherObject,
}

impl core::fmt::Display for PacketiseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Buffer(error) => write!(f, "packet buffer is too small: {error}"),
            Self::PacketSize { needed } => write!(f, "object needs packets of {needed} bytes or more"),
            Self::ObjectSize => f.write_str("media object is empty or larger than 4 GiB"),
            Self::StreamNumber => f.write_str("stream number is outside 1 to 127"),
            Self::OtherObject => f.write_str("another media object is half written"),
        }
    }
}

impl core::error::Error for PacketiseError {}

/// Puts media objects into packets, in the order in which they come.
///
/// ```text
/// push(object, packet) -> Taken       next object, same packet
///                      -> PacketFull  take the packet; same object, next packet
/// flush(packet)        -> true        take the last packet
/// ```
///
/// A packet's duration lasts until the next one's send time; that of the last is up to the caller.
#[derive(Clone, Debug)]
pub struct Packetiser {
    layout: Layout,
    packet_size: usize,
    /// Send time of the open packet.
    send_time_ms: u32,
    /// Bytes written of the current object, and its size.
    written: Option<(usize, usize)>,
    packets: u64,
}

impl Packetiser {
    /// Packets of one size, given in bytes.
    ///
    /// # Errors
    /// If the size is below [`MIN_PACKET_SIZE`]; larger than 65527 does not fit the protocols, larger
    /// than 65535 no padding field.
    pub fn new(packet_size: u32) -> Result<Self, PacketiseError> {
        let too_small = PacketiseError::PacketSize { needed: bytes(MIN_PACKET_SIZE) };
        if !(MIN_PACKET_SIZE..=0xffff).contains(&packet_size) {
            return Err(too_small);
        }
        let packet_size = bytes(packet_size);
        let layout = Layout::new(packet_size);
        Ok(Self { layout, packet_size, send_time_ms: 0, written: None, packets: 0 })
    }

    /// Packets completed so far, which is the number of the open one.
    #[must_use]
    pub fn packet_number(&self) -> u64 {
        self.packets
    }

    /// Send time of the open packet, or of the last one if none is open.
    #[must_use]
    pub fn send_time_ms(&self) -> u32 {
        self.send_time_ms
    }

    /// Puts an object, or what is left of it, into the open packet.
    ///
    /// `packet` has at least the packet size and is the same until the packet is full.
    ///
    /// # Errors
    /// If the object cannot be put into packets; nothing changed then.
    pub fn push(
        &mut self,
        object: &MediaObject<'_>,
        packet: &mut [u8],
    ) -> Result<Packetised, PacketiseError> {
        self.check(object, packet)?;
        let size = u32::try_from(object.data.len()).map_err(|_| PacketiseError::ObjectSize)?;
        let mut written = self.written.map_or(0, |(written, _)| written);
        let rest = object.data.get(written..).unwrap_or(&[]);
        let room = self.layout.data_room(object.extensions.len());
        let whole_room = Layout::new(self.packet_size).data_room(object.extensions.len());
        let better_whole = object.keep_whole && written == 0 && rest.len() > room && rest.len() <= whole_room;
        let send_time_ms = self.send_time_of(object, written);
        if room == 0 || better_whole {
            self.close(packet, send_time_ms);
            return Ok(Packetised::PacketFull);
        }
        if self.layout.count == 0 {
            self.send_time_ms = send_time_ms;
        }
        let piece = rest.get(..room.min(rest.len())).unwrap_or(&[]);
        let head = PayloadHead {
            stream_number: object.stream_number,
            is_key_frame: object.is_key_frame,
            object_number: object.number,
            offset: u32::try_from(written).unwrap_or(u32::MAX),
            object_size: size,
            presentation_time_ms: object.presentation_time_ms,
            extensions: object.extensions,
        };
        self.layout.push_fragment(packet, &head, piece).map_err(PacketiseError::Buffer)?;
        written = written.saturating_add(piece.len());
        if written == object.data.len() {
            self.written = None;
            return Ok(Packetised::Taken);
        }
        self.written = Some((written, object.data.len()));
        self.close(packet, self.send_time_of(object, written));
        Ok(Packetised::PacketFull)
    }

    /// Completes the open packet; false if there is none, or if the buffer is too small for it.
    pub fn flush(&mut self, packet: &mut [u8], duration_ms: u16) -> bool {
        if self.layout.count == 0 {
            return false;
        }
        let end = self.send_time_ms.saturating_add(u32::from(duration_ms));
        self.close(packet, end)
    }

    fn check(&self, object: &MediaObject<'_>, packet: &[u8]) -> Result<(), PacketiseError> {
        if packet.len() < self.packet_size {
            return Err(PacketiseError::Buffer(BufferTooSmall { needed: self.packet_size }));
        }
        if object.data.is_empty() {
            return Err(PacketiseError::ObjectSize);
        }
        if object.stream_number == 0 || object.stream_number > 127 {
            return Err(PacketiseError::StreamNumber);
        }
        let needed = bytes(MIN_PACKET_SIZE).saturating_add(object.extensions.len());
        if needed > self.packet_size || object.extensions.len() > 247 {
            return Err(PacketiseError::PacketSize { needed });
        }
        if self.written.is_some_and(|(_, size)| size != object.data.len()) {
            return Err(PacketiseError::OtherObject);
        }
        Ok(())
    }

    /// When the byte at this place of the object shall be sent; never before the packet before.
    fn send_time_of(&self, object: &MediaObject<'_>, at: usize) -> u32 {
        let span = u64::from(object.send_end_ms.saturating_sub(object.send_time_ms));
        let (at, size) = (u64::try_from(at).unwrap_or(0), u64::try_from(object.data.len()).unwrap_or(1));
        let part = span.saturating_mul(at).checked_div(size).unwrap_or(0);
        let time = object.send_time_ms.saturating_add(u32::try_from(part).unwrap_or(u32::MAX));
        time.max(self.send_time_ms)
    }

    fn close(&mut self, packet: &mut [u8], next_send_ms: u32) -> bool {
        let duration = next_send_ms.saturating_sub(self.send_time_ms);
        let duration = u16::try_from(duration).unwrap_or(u16::MAX);
        if self.layout.finish(packet, self.send_time_ms, duration).is_none() {
            return false;
        }
        self.layout = Layout::new(self.packet_size);
        self.packets = self.packets.saturating_add(1);
        true
    }
}

fn bytes(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
