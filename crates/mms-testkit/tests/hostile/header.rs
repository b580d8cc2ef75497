//! ASF headers of a hostile server, as they reach a client.

use mms_core::asf::Guid;
use mms_core::error::{Error, LimitName, Misbehaviour, Reason};
use mms_core::mmsp::wire::Mid;
use mms_testkit::build::{extension, file_properties, good, header, object, object_of_size, packet, stream};
use mms_testkit::content::{shared, testdata};
use mms_testkit::scripted::{end_of_stream, media, server_header, server_opens, server_starts};

use super::{and, client_meets, invalid, len, limit};

/// Where the first byte of a header in one fragment stands in the connection.
fn place_of_header() -> usize {
    len(&server_header(&[0], 1)) - 1
}

/// The error of a client that gets this header in one fragment, or in parts.
fn refused(header: &[u8], reason: Reason, offset: usize) {
    let fate = client_meets(&server_header(header, 60_000));
    assert!(header.len() <= 60_000);
    assert_eq!(fate.error, invalid(reason, place_of_header() + offset));
    let fate = client_meets(&server_header(header, 16));
    let Some(Error::InvalidMessage { reason: again, .. }) = fate.error else { panic!("{:?}", fate.error) };
    assert_eq!(again, reason);
}

fn plays(header: &[u8]) {
    let mut chunks = server_starts(header, 60_000);
    chunks.extend(media(&[packet(0), packet(1)]));
    let fate = client_meets(&and(chunks, end_of_stream()));
    assert_eq!(fate.error, None);
    assert_eq!(fate.bytes, [header, &packet(0), &packet(1)].concat());
}

fn streams(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut objects = good()[..1].to_vec();
    objects.extend(numbers.into_iter().map(|number| stream(Guid::AUDIO_MEDIA, number)));
    header(&objects)
}

#[test]
fn m1_more_streams_than_any_table_meet_the_limit_of_objects() {
    plays(&streams(1..=21));
    let fate = client_meets(&server_header(&streams((0..5000).map(|n| n % 127 + 1)), 60_000));
    assert_eq!(fate.error, limit(LimitName::HeaderObjects, 4097, 4096));
}

#[test]
fn m4_header_chunks_beyond_the_announced_size_are_refused() {
    let good = header(&good());
    let fate = client_meets(&server_header(&[&good[..], &[0; 1]].concat(), 100));
    assert_eq!(fate.error, Some(Error::PeerMisbehaved(Misbehaviour::HeaderTooLong)));
    let fate = client_meets(&server_header(&good[..good.len() - 1], 100));
    assert_eq!(fate.error, Some(Error::PeerMisbehaved(Misbehaviour::HeaderTooShort)));
    let mut huge = good.clone();
    huge[16..24].copy_from_slice(&(1_u64 << 20).to_le_bytes());
    let fate = client_meets(&server_header(&huge, 100));
    assert_eq!(fate.error, limit(LimitName::HeaderBytes, (1 << 20) + 50, 1 << 20));
    let mut chunks = server_header(&good, 100);
    let last = chunks.len() - 1;
    chunks.swap(last, last - 1);
    assert_eq!(client_meets(&chunks).error, Some(Error::PeerMisbehaved(Misbehaviour::FragmentOrder)));
}

#[test]
fn m11_a_stream_number_that_cannot_be_is_no_stream() {
    for number in [0, 0x80, 0x100, 0xFF80] {
        let bytes = streams([number]);
        refused(&bytes, Reason::NoStreams, bytes.len() - 50);
        plays(&streams([number, 1]));
    }
    // only seven bits of the field are a number
    plays(&streams([0xFFFF]));
}

#[test]
fn m12_an_unknown_object_below_24_bytes_is_refused() {
    for size in [0, 1, 23] {
        let [properties, audio] = <[Vec<u8>; 2]>::try_from(good()).unwrap();
        let unknown = object_of_size(Guid([0x41; 16]), size, &[0; 40]);
        refused(&header(&[properties, audio, unknown]), Reason::ObjectSize, 30 + 104 + 78 + 16);
    }
}

#[test]
fn m13_a_packet_size_of_zero_is_refused() {
    let bytes = header(&[file_properties(0, 0), stream(Guid::AUDIO_MEDIA, 1)]);
    refused(&bytes, Reason::PacketSizes, 30 + 92);
}

#[test]
fn m17_every_stream_number_at_once_is_switched_in_one_message() {
    let bytes = streams((1..=127).chain(1..=127));
    let mut chunks = server_starts(&bytes, 60_000);
    chunks.extend(media(&[packet(0)]));
    let fate = client_meets(&and(chunks, end_of_stream()));
    assert_eq!(fate.error, None);
    let switches = fate.said().iter().filter(|said| said.mid == Some(Mid::STREAM_SWITCH)).count();
    assert_eq!(switches, 1);
    let at = fate.sent.windows(4).position(|four| four == Mid::STREAM_SWITCH.0.to_le_bytes()).unwrap();
    assert_eq!(fate.sent[at + 4..at + 8], 127_u32.to_le_bytes());
}

#[test]
fn a3_packet_sizes_that_differ_are_refused() {
    for (min, max) in [(0, 0), (0, 100), (100, 101), (65_528, 65_528), (u32::MAX, u32::MAX)] {
        let bytes = header(&[file_properties(min, max), stream(Guid::AUDIO_MEDIA, 1)]);
        refused(&bytes, Reason::PacketSizes, 30 + 92);
    }
}

#[test]
fn a21_an_object_of_size_zero_in_the_extension_is_refused() {
    let inner = extension(&[object_of_size(Guid::PADDING, 0, &[0; 100])]);
    let [properties, audio] = <[Vec<u8>; 2]>::try_from(good()).unwrap();
    refused(&header(&[properties, inner, audio]), Reason::ObjectSize, 30 + 104 + 46 + 16);
    let file = std::fs::read(testdata().join("hostile/mm-cwe835-zero-size-subobject.wma")).unwrap();
    let fate = client_meets(&server_header(&file, 8000));
    assert!(matches!(fate.error, Some(Error::InvalidMessage { reason: Reason::ObjectSize, .. })));
}

#[test]
fn a21_an_object_count_of_four_billion_counts_for_nothing() {
    let mut bytes = header(&good());
    bytes[24..28].fill(0xFF);
    plays(&bytes);
}

#[test]
fn a25_an_object_of_23_bytes_is_refused() {
    let mut objects = good();
    objects.push(object_of_size(Guid::PADDING, 23, &[0; 30]));
    refused(&header(&objects), Reason::ObjectSize, 30 + 104 + 78 + 16);
    let file = std::fs::read(testdata().join("hostile/tinytag-invalid-object-size.wma")).unwrap();
    let fate = client_meets(&server_header(&file, 60_000));
    let Some(Error::InvalidMessage { reason: Reason::ObjectSize, offset }) = fate.error else {
        panic!("{:?}", fate.error)
    };
    let place = usize::try_from(offset).unwrap() - place_of_header();
    let size = u64::from_le_bytes(file[place..place + 8].try_into().unwrap());
    assert!(size < 24, "the offset is that of the size: {size}");
}

#[test]
fn a26_headers_inside_headers_are_one_object_and_leaves_meet_the_limit() {
    let mut nested = object(Guid::HEADER, &[0; 6]);
    for _ in 0..1500 {
        nested = object(Guid::HEADER, &[&[0; 6][..], &nested].concat());
    }
    plays(&header(&[good(), vec![nested]].concat()));
    let leaves = vec![object(Guid::HEADER, &[0; 6]); 5000];
    let fate = client_meets(&server_header(&header(&[good(), leaves].concat()), 60_000));
    assert_eq!(fate.error, limit(LimitName::HeaderObjects, 4097, 4096));
    // it ends early
    let mut chunks = server_header(&header(&good())[..200], 50);
    chunks.truncate(server_opens().len() + 3);
    let fate = client_meets(&chunks);
    assert!(matches!(fate.error, Some(Error::TimedOut(_))), "{:?}", fate.error);
}

#[test]
fn a21_garbage_of_a_real_file_is_refused() {
    let Some(folder) = shared() else { return };
    let file = folder.join("testdata/real/hostile/vlc086a-garbage-in-header-extension.wmv");
    let fate = client_meets(&server_header(&std::fs::read(file).unwrap(), 1000));
    assert!(matches!(fate.error, Some(Error::InvalidMessage { .. })), "{:?}", fate.error);
}
