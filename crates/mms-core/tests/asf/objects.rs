//! Media objects of packets, for the tests: reassembly with owned results, and packets made of objects.

use core::ops::Range;
use std::collections::BTreeMap;

use mms_core::asf::{
    HeaderSummary, MediaObject, ObjectAssembly, Packet, Packetised, Packetiser, packet_count,
};

/// A whole media object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) stream: u8,
    pub(crate) number: u32,
    pub(crate) time: u32,
    pub(crate) key: bool,
    pub(crate) extensions: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// What was found in packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whole objects in the order of their last fragments.
    pub(crate) objects: Vec<Object>,
    /// Stream, object number, bytes that are missing of an object of which a part came.
    pub(crate) losses: Vec<(u8, u32, Range<u32>)>,
    pub(crate) skipped: BTreeMap<u8, u32>,
    pub(crate) duplicates: usize,
    /// Objects with holes of which the last byte came.
    pub(crate) damaged: usize,
    pub(crate) errors: Vec<String>,
}

#[derive(Default)]
struct Stream {
    assembly: ObjectAssembly,
    buffer: Vec<u8>,
    extensions: Vec<u8>,
}

/// Reassembles everything that is in the packets; a payload without time gets send time + preroll.
pub(crate) fn collect<'a>(packets: impl IntoIterator<Item = &'a [u8]>, preroll: u64) -> Found {
    let mut found = Found::default();
    let mut streams: BTreeMap<u8, Stream> = BTreeMap::new();
    for bytes in packets {
        let packet = match Packet::decode(bytes) {
            Ok(packet) => packet,
            Err(error) => {
                found.errors.push(error.to_string());
                continue;
            }
        };
        for payload in packet.payloads() {
            let payload = match payload {
                Ok(payload) => payload,
                Err(error) => {
                    found.errors.push(error.to_string());
                    break;
                }
            };
            assert_eq!(&bytes[payload.range()][payload.range().len() - payload.data.len()..], payload.data);
            for fragment in payload.fragments() {
                let stream = streams.entry(fragment.stream_number).or_default();
                if stream.buffer.len() < fragment.end() as usize {
                    stream.buffer.resize(fragment.end() as usize, 0xee);
                }
                if fragment.offset == 0 {
                    stream.extensions = fragment.extensions.to_vec();
                }
                let assembled = stream.assembly.push(&fragment, &mut stream.buffer).unwrap();
                for loss in assembled.abandoned.iter().chain(&assembled.hole) {
                    found.losses.push((fragment.stream_number, loss.number, loss.missing.clone()));
                }
                *found.skipped.entry(fragment.stream_number).or_default() += assembled.skipped_objects;
                found.duplicates += usize::from(assembled.is_duplicate);
                let Some(object) = assembled.object else { continue };
                if object.missing > 0 {
                    found.damaged += 1;
                    continue;
                }
                let send = packet.head().send_time_ms;
                let default = send.wrapping_add(u32::try_from(preroll).unwrap());
                let data = &stream.buffer[..object.size as usize];
                found.objects.push(Object {
                    stream: fragment.stream_number,
                    number: object.number,
                    time: object.presentation_time_ms.unwrap_or(default),
                    key: object.is_key_frame,
                    extensions: stream.extensions.clone(),
                    data: if object.is_fragment { fragment.data } else { data }.to_vec(),
                });
            }
        }
    }
    for (number, mut stream) in streams {
        if let Some(loss) = stream.assembly.finish() {
            found.losses.push((number, loss.number, loss.missing));
        }
    }
    found.skipped.retain(|_, skipped| *skipped > 0);
    found
}

/// The packets of a file.
pub(crate) fn packets<'a>(file: &'a [u8], summary: &HeaderSummary) -> Vec<&'a [u8]> {
    let size = summary.packet_size() as usize;
    let count = usize::try_from(packet_count(file.len() as u64, summary)).unwrap();
    file[usize::try_from(summary.header_len).unwrap()..].chunks_exact(size).take(count).collect()
}

/// Puts objects into packets; each is sent at half its presentation time.
pub(crate) fn packetise(objects: &[Object], packet_size: u32, keep_whole: bool) -> Vec<Vec<u8>> {
    let mut packetiser = Packetiser::new(packet_size).unwrap();
    let mut packet = vec![0xaa; packet_size as usize];
    let mut packets = vec![];
    for object in objects {
        let object = MediaObject {
            stream_number: object.stream,
            number: object.number.to_le_bytes()[0],
            is_key_frame: object.key,
            presentation_time_ms: object.time,
            send_time_ms: object.time / 2,
            send_end_ms: object.time / 2 + 20,
            keep_whole,
            extensions: &object.extensions,
            data: &object.data,
        };
        while packetiser.push(&object, &mut packet).unwrap() == Packetised::PacketFull {
            packets.push(packet.clone());
            assert_eq!(packetiser.packet_number(), packets.len() as u64);
        }
    }
    if packetiser.flush(&mut packet, 7) {
        packets.push(packet);
    }
    packets
}
