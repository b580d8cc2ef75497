//! ASF headers made by hand, good ones and others.

use mms_core::asf::Guid;

/// Packet size of [`good`].
pub const PACKET_SIZE: usize = 100;

/// An object with its frame.
#[must_use]
pub fn object(guid: Guid, body: &[u8]) -> Vec<u8> {
    object_of_size(guid, body.len() as u64 + 24, body)
}

/// An object whose size field says something else.
#[must_use]
pub fn object_of_size(guid: Guid, size: u64, body: &[u8]) -> Vec<u8> {
    [&guid.0[..], &size.to_le_bytes(), body].concat()
}

/// File Properties with these packet sizes.
#[must_use]
pub fn file_properties(min: u32, max: u32) -> Vec<u8> {
    let mut body = vec![0; 80];
    body[68..72].copy_from_slice(&min.to_le_bytes());
    body[72..76].copy_from_slice(&max.to_le_bytes());
    object(Guid::FILE_PROPERTIES, &body)
}

/// Stream Properties of a stream.
#[must_use]
pub fn stream(kind: Guid, number: u16) -> Vec<u8> {
    let mut body = vec![0; 54];
    body[..16].copy_from_slice(&kind.0);
    body[48..50].copy_from_slice(&number.to_le_bytes());
    object(Guid::STREAM_PROPERTIES, &body)
}

/// A Header Extension with these objects.
#[must_use]
pub fn extension(objects: &[Vec<u8>]) -> Vec<u8> {
    let objects = objects.concat();
    let len = u32::try_from(objects.len()).unwrap().to_le_bytes();
    object(Guid::HEADER_EXTENSION, &[&Guid::RESERVED_1.0[..], &[6, 0], &len, &objects].concat())
}

/// A Header Object of these objects and an empty Data Object.
#[must_use]
pub fn header(objects: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(objects.len()).unwrap().to_le_bytes();
    let body = [&count[..], &[1, 2], &objects.concat()].concat();
    let data = [&[0; 16][..], &[0; 8], &[1, 1]].concat();
    [object(Guid::HEADER, &body), object_of_size(Guid::DATA, 50, &data)].concat()
}

/// File Properties and audio stream 1: the least that is good.
#[must_use]
pub fn good() -> Vec<Vec<u8>> {
    let size = u32::try_from(PACKET_SIZE).unwrap();
    vec![file_properties(size, size), stream(Guid::AUDIO_MEDIA, 1)]
}

/// A data packet that holds one payload of nothing in particular.
#[must_use]
pub fn packet(send_time_ms: u32) -> Vec<u8> {
    let mut packet = vec![0x82, 0, 0, 0, 0x5D];
    packet.extend(send_time_ms.to_le_bytes());
    packet.resize(PACKET_SIZE, 0);
    packet
}
