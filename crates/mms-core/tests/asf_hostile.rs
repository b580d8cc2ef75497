//! Input that broke other programs, by the number of its row in the list of such input.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use std::collections::BTreeSet;

use asf::objects::{collect, packets};
use asf::parts::describe;
use asf::{
    all_files, at_least, data_object, example_a, example_b, extended, extension, file_properties, good,
    header, header_with_data, object, object_of_size, shared, stream, u32_of, walk, walk_in_parts,
};
use mms_core::asf::{
    AudioSpread, Guid, Header, HeaderError, HeaderLimits, HeaderWalker, Index, ObjectAssembly, Packet,
    PacketFilter, PacketWriter, PayloadHead, Seek, SeekStreams, SendTimeSearch, SimpleIndex, StreamKind,
    TagValue, View, packet_at, packet_count, restore_padding, strip_padding, top_level_object,
};
use mms_core::error::{LimitName, Reason};

/// The error of a header, which must be the same in any parts and in the views.
fn refused(bytes: &[u8]) -> (Reason, u32) {
    let limits = HeaderLimits { bytes: u64::MAX, objects: u32::MAX };
    let whole = walk_in_parts(bytes, limits, &[bytes.len()]).unwrap_err();
    assert_eq!(walk_in_parts(bytes, limits, &[1]), Err(whole));
    let HeaderError::Invalid(error) = whole else { panic!("{whole:?}") };
    assert_eq!(Header::decode(bytes).unwrap_err(), error);
    (error.reason, error.offset)
}

fn limited(bytes: &[u8], limits: HeaderLimits) -> HeaderError {
    let whole = walk_in_parts(bytes, limits, &[bytes.len()]).unwrap_err();
    assert_eq!(walk_in_parts(bytes, limits, &[1]), Err(whole));
    whole
}

#[test]
fn a1_a_header_beyond_the_limit_is_refused_after_24_bytes() {
    let mut bytes = header(&good());
    bytes[16..24].copy_from_slice(&(1u64 << 20).to_le_bytes());
    let wanted =
        HeaderError::Limit { limit: LimitName::HeaderBytes, found: (1 << 20) + 50, allowed: 1 << 20 };
    assert_eq!(limited(&bytes[..24], HeaderLimits::default()), wanted);
    bytes[16..24].copy_from_slice(&((1u64 << 20) - 50).to_le_bytes());
    assert_eq!(walk(&bytes), Ok(None), "the limit itself is allowed");
}

#[test]
fn a2_garbage_in_the_header_extension_is_an_error() {
    let garbage = object(Guid::HEADER_EXTENSION, &[0x41; 4000]);
    let [properties, audio] = good();
    let bytes = header(&[properties, garbage, audio]);
    assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 104 + 46 + 16));
    if let Some(folder) = shared("real/hostile") {
        let file = std::fs::read(folder.join("vlc086a-garbage-in-header-extension.wmv")).unwrap();
        assert!(walk(&file).is_err());
        assert_eq!(walk_in_parts(&file, HeaderLimits::default(), &[1]), walk(&file));
    }
}

#[test]
fn a3_packet_sizes_that_are_zero_differ_or_are_too_large_are_refused() {
    for (min, max) in [(0, 0), (100, 101), (0, 100), (65528, 65528), (u32::MAX, u32::MAX)] {
        let [_, audio] = good();
        let bytes = header(&[audio, file_properties(min, max)]);
        assert_eq!(refused(&bytes), (Reason::PacketSizes, 30 + 96 + 92), "{min} {max}");
    }
    let [_, audio] = good();
    assert!(walk(&header(&[audio, file_properties(65527, 65527)])).unwrap().is_some());
}

#[test]
fn a7_codec_data_beyond_the_object_is_cut() {
    let mut format = vec![0; 18];
    format[16..18].copy_from_slice(&0xffffu16.to_le_bytes());
    format.extend_from_slice(&[7; 10]);
    let mut audio = stream(Guid::AUDIO_MEDIA, 1, &format);
    audio[64..68].copy_from_slice(&u32::MAX.to_le_bytes());
    let bytes = header(&[file_properties(100, 100), audio]);
    let found = Header::decode(&bytes).unwrap();
    assert_eq!(found.streams().next().unwrap().audio().unwrap().extra, [7; 10]);
}

#[test]
fn a12_file_properties_of_a_wrong_size_are_refused() {
    let [_, audio] = good();
    for size in [24, 103] {
        let short = object(Guid::FILE_PROPERTIES, &vec![0; size - 24]);
        let bytes = header(&[audio.clone(), short]);
        assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 96 + 16), "{size}");
    }
    let [mut beyond, audio] = good();
    beyond[16..24].copy_from_slice(&0x7fff_ffff_ffff_ffffu64.to_le_bytes());
    assert_eq!(refused(&header(&[beyond, audio])), (Reason::ObjectSize, 30 + 16));
}

#[test]
fn a16_entries_beyond_extended_stream_properties_end_that_object_only() {
    let name = [0, 0, 0xff, 0xff];
    let system = [&[0; 18][..], &u32::MAX.to_le_bytes()].concat();
    let video = stream(Guid::VIDEO_MEDIA, 2, &[]);
    for (names, systems, rest) in
        [(1, 0, &name[..]), (0, 1, &system), (0xffff, 0xffff, &[0; 60]), (1, 0, &[0; 3])]
    {
        let [properties, audio] = good();
        let outer = extended(2, names, systems, &[rest, &video].concat());
        let after = extended(3, 0, 0, &stream(Guid::COMMAND_MEDIA, 3, &[]));
        let bytes = header(&[properties, extension(&[outer, after]), audio]);
        let summary = walk(&bytes).unwrap().unwrap();
        let kinds: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind)).collect();
        assert_eq!(kinds, [(1, StreamKind::Audio), (3, StreamKind::Command)]);
        let mut views: Vec<_> = Header::decode(&bytes).unwrap().streams().map(|s| s.number).collect();
        views.sort_unstable();
        assert_eq!(views, [1, 3]);
    }
}

#[test]
fn a16_tag_values_shorter_than_their_type_are_taken_as_far_as_they_go() {
    let body =
        [&[3, 0][..], &[2, 0, b'a', 0, 3, 0, 1, 0, 5], &[2, 0, b'b', 0, 2, 0, 0, 0], &[9, 0, 0]].concat();
    let [properties, audio] = good();
    let bytes = header(&[properties, audio, object(Guid::EXTENDED_CONTENT_DESCRIPTION, &body)]);
    let values: Vec<_> = Header::decode(&bytes).unwrap().extended_content().map(|tag| tag.value).collect();
    assert_eq!(values, [TagValue::U32(5), TagValue::Bool(false)], "the third runs beyond the object");
}

#[test]
fn a17_an_audio_format_of_zeros_is_given_as_it_is() {
    let bytes = header(&good());
    let audio = Header::decode(&bytes).unwrap().streams().next().unwrap();
    let format = audio.audio().unwrap();
    assert_eq!((format.block_alignment, format.channels, format.samples_per_second), (0, 0, 0));
}

#[test]
fn a18_object_sizes_beyond_32_bits_are_refused() {
    for size in [1u64 << 32, (1 << 32) + 24, u64::MAX, u64::MAX - 29] {
        let [properties, audio] = good();
        let bytes = header(&[properties, audio, object_of_size(Guid::PADDING, size, &[])]);
        assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 104 + 96 + 16), "{size}");
    }
    let mut bytes = header(&good());
    bytes[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(refused(&bytes), (Reason::ObjectSize, 16));
}

#[test]
fn a18_video_format_data_shorter_than_its_fixed_part_gives_no_format() {
    for len in 0..51 {
        let mut specific = vec![0; len];
        if let Some(field) = specific.get_mut(9..11) {
            field.copy_from_slice(&40u16.to_le_bytes());
        }
        let bytes = header(&[file_properties(100, 100), stream(Guid::VIDEO_MEDIA, 1, &specific)]);
        assert!(Header::decode(&bytes).unwrap().streams().next().unwrap().video().is_none(), "{len}");
    }
}

#[test]
fn a21_an_object_of_size_zero_and_a_count_of_all_ones_end_at_once() {
    let [properties, audio] = good();
    let zero = object_of_size(Guid::LANGUAGE_LIST, 0, &[]);
    let mut bytes = header(&[properties, extension(&[zero]), audio]);
    bytes[24..28].fill(0xff);
    assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 104 + 46 + 16));
    if let Some(folder) = shared("real/hostile") {
        let file = std::fs::read(folder.join("mm-cwe835-zero-size-subobject.wma")).unwrap();
        let error = walk(&file).unwrap_err();
        assert!(matches!(error, HeaderError::Invalid(e) if e.reason == Reason::ObjectSize), "{error}");
    }
}

#[test]
fn a21_a_wrong_object_count_alone_changes_nothing() {
    let bytes = header(&good());
    for count in [0, 1, 3, u32::MAX] {
        let mut wrong = bytes.clone();
        wrong[24..28].copy_from_slice(&count.to_le_bytes());
        assert_eq!(walk(&wrong).unwrap(), walk(&bytes).unwrap());
    }
}

#[test]
fn a22_the_size_of_the_header_extension_has_32_bits() {
    let [properties, audio] = good();
    let large = extension(&[object(Guid::METADATA_LIBRARY, &[0; 98_523]), extended(1, 0, 0, &[])]);
    let bytes = header(&[properties, large, audio]);
    assert!(walk(&bytes).unwrap().is_some());
    assert_eq!(Header::decode(&bytes).unwrap().extension_objects().count(), 2);
}

#[test]
fn a23_a_header_object_of_size_zero_is_refused() {
    let [properties, audio] = good();
    let bytes = header(&[properties, object_of_size(Guid::CODEC_LIST, 0, &[]), audio]);
    assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 104 + 16));
}

#[test]
fn a24_a_header_below_30_bytes_is_refused() {
    for size in [0u64, 23, 24, 29] {
        let mut bytes = header(&good());
        bytes[16..24].copy_from_slice(&size.to_le_bytes());
        assert_eq!(refused(&bytes), (Reason::ObjectSize, 16), "{size}");
    }
}

#[test]
fn a24_a_wrong_data_size_of_the_extension_stays_inside_the_object() {
    let video = extended(2, 0, 0, &stream(Guid::VIDEO_MEDIA, 2, &[]));
    for (size, streams) in [(0u32, 1), (23, 1), (u32::MAX, 2)] {
        let [properties, audio] = good();
        let mut outer = extension(core::slice::from_ref(&video));
        outer[42..46].copy_from_slice(&size.to_le_bytes());
        let bytes = header(&[properties, outer, audio]);
        assert_eq!(walk(&bytes).unwrap().unwrap().streams.len(), streams, "{size}");
        assert_eq!(Header::decode(&bytes).unwrap().streams().count(), streams, "{size}");
    }
}

#[test]
fn a25_an_object_size_of_23_is_refused() {
    let [properties, audio] = good();
    let bytes = header(&[properties, audio, object_of_size(Guid::PADDING, 23, &[0; 30])]);
    assert_eq!(refused(&bytes), (Reason::ObjectSize, 30 + 104 + 96 + 16));
    if let Some(folder) = shared("real/hostile") {
        let file = std::fs::read(folder.join("tinytag-invalid-object-size.wma")).unwrap();
        let error = walk(&file).unwrap_err();
        assert!(matches!(error, HeaderError::Invalid(e) if e.reason == Reason::ObjectSize), "{error}");
    }
}

#[test]
fn a26_headers_inside_headers_are_one_unknown_object() {
    let mut nested = object(Guid::HEADER, &[0; 6]);
    for _ in 0..5000 {
        nested = object(Guid::HEADER, &[&[0; 6][..], &nested].concat());
    }
    let [properties, audio] = good();
    let bytes = header(&[properties, nested, audio]);
    assert_eq!(walk(&bytes).unwrap().unwrap().streams.len(), 1);
    assert_eq!(Header::decode(&bytes).unwrap().objects().count(), 3);
}

#[test]
fn a26_extensions_inside_extensions_are_not_entered() {
    let hidden = extension(&[extended(2, 0, 0, &stream(Guid::VIDEO_MEDIA, 2, &[]))]);
    let [properties, audio] = good();
    let bytes = header(&[properties, extension(&[hidden]), audio]);
    assert_eq!(walk(&bytes).unwrap().unwrap().streams.len(), 1);
    assert_eq!(Header::decode(&bytes).unwrap().streams().count(), 1);
}

#[test]
fn a26_thousands_of_leaves_meet_the_limit_of_objects() {
    let leaves = vec![object(Guid::PADDING, &[]); 4095];
    let [properties, audio] = good();
    let bytes = header(&[vec![properties, audio], leaves].concat());
    let wanted = HeaderError::Limit { limit: LimitName::HeaderObjects, found: 4097, allowed: 4096 };
    assert_eq!(limited(&bytes, HeaderLimits::default()), wanted);
    let raised = HeaderLimits { objects: 4097, ..HeaderLimits::default() };
    assert!(walk_in_parts(&bytes, raised, &[977]).unwrap().is_some());
}

#[test]
fn a26_a_header_that_ends_early_stays_incomplete() {
    let bytes = header(&good());
    for len in 0..bytes.len() {
        assert_eq!(walk(&bytes[..len]), Ok(None), "{len}");
        assert_eq!(Header::decode(&bytes[..len]).unwrap_err().reason, Reason::Truncated);
    }
    assert!(walk(&bytes).unwrap().is_some());
}

#[test]
fn a28_the_size_of_the_data_object_may_be_unknown_or_wrong() {
    for (size, packets, file_len, count) in [
        (50, 0, 550, 5),
        (0, 0, 550, 5),
        (0, 0xffff_ffff, 599, 5),
        (250, 2, 550, 2),
        (u64::MAX, u64::MAX, 550, 5),
        (550, 0xffff_ffff, 550, 5),
        (49, 0, 0, 0),
    ] {
        let bytes = header_with_data(&good(), &data_object(size, packets));
        let summary = walk(&bytes).unwrap().unwrap();
        assert_eq!((summary.data_size, summary.data_packets), (size, packets));
        assert_eq!(packet_count(summary.data_offset + file_len, &summary), count, "size {size}");
    }
}

#[test]
fn an_object_that_is_one_byte_longer_than_its_container_is_refused() {
    for more in [0, 1] {
        let [properties, audio] = good();
        let last = object_of_size(Guid::PADDING, 24 + more, &[]);
        let at_end = header(&[properties.clone(), audio.clone(), last.clone()]);
        let inside = header(&[properties, extension(&[last]), audio]);
        if more == 0 {
            assert!(walk(&at_end).unwrap().is_some() && walk(&inside).unwrap().is_some());
        } else {
            assert_eq!(refused(&at_end), (Reason::ObjectSize, 30 + 104 + 96 + 16));
            assert_eq!(refused(&inside), (Reason::ObjectSize, 30 + 104 + 46 + 16));
        }
    }
}

#[test]
fn a_header_must_be_one_and_be_followed_by_data() {
    let bytes = header(&good());
    let mut other = bytes.clone();
    other[0] ^= 1;
    assert_eq!(refused(&other), (Reason::HeaderGuid, 0));
    let mut other = bytes.clone();
    let data = bytes.len() - 50;
    other[data] ^= 1;
    assert_eq!(refused(&other), (Reason::DataGuid, u32_of(data)));
}

#[test]
fn a_header_must_have_file_properties_and_a_stream() {
    let [properties, audio] = good();
    let end = |objects: &[Vec<u8>]| u32_of(header(objects).len() - 50);
    let without = [audio];
    assert_eq!(refused(&header(&without)), (Reason::FilePropertiesMissing, end(&without)));
    for number in [0, 0x80] {
        let unusable = [properties.clone(), stream(Guid::AUDIO_MEDIA, number, &[])];
        assert_eq!(refused(&header(&unusable)), (Reason::NoStreams, end(&unusable)));
    }
    assert_eq!(refused(&header(&[])), (Reason::FilePropertiesMissing, 30));
}

#[test]
fn bytes_behind_the_header_are_not_consumed() {
    let bytes = header(&good());
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(&[&bytes[..], &[0xff; 100]].concat()).unwrap();
    assert!(walker.is_complete());
    assert_eq!((walker.consumed(), walker.total_len()), (bytes.len() as u64, Some(bytes.len() as u64)));
    walker.feed(&[0xff; 100]).unwrap();
    assert_eq!(walker.consumed(), bytes.len() as u64);
}

/// The rows that concern this format.
const ROWS: [(char, u32); 2] = [('a', 29), ('p', 9)];

#[test]
fn every_row_that_concerns_the_format_has_a_test_of_its_name() {
    let source = include_str!("asf_hostile.rs");
    let names = source.lines().filter_map(|line| line.strip_prefix("fn "));
    let tested: BTreeSet<_> = names.filter_map(|name| name.split('_').next()).collect();
    let wanted = ROWS.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}")));
    let missing: Vec<_> = wanted.filter(|id| !tested.contains(id.as_str())).collect();
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let Some(folder) = shared("") else { return };
    let list = std::fs::read_to_string(folder.join("hostile.md")).unwrap();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    for id in rows.map(str::to_lowercase) {
        let (letter, number) = id.split_at(1);
        let Some((_, last)) = ROWS.iter().find(|(known, _)| letter == known.to_string()) else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        assert!(number <= *last, "row {id} is new");
    }
}

/// A packet of example A or B with bytes of it changed.
fn changed(packet: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    for (at, value) in changes {
        packet[*at] = *value;
    }
    packet
}

/// The three packets of example A: single, multiple, compressed.
fn abc() -> [Vec<u8>; 3] {
    let file = example_a();
    [0, 1, 2].map(|n| file[334 + n * 64..334 + (n + 1) * 64].to_vec())
}

fn sizes(packets: &[Vec<u8>]) -> Vec<usize> {
    collect(packets.iter().map(Vec::as_slice), 1000).objects.iter().map(|o| o.data.len()).collect()
}

#[test]
fn a4_payloads_that_run_past_the_packet_end_it_and_those_before_stay() {
    let [a, b, c] = abc();
    for len in [9u8, 38, 255] {
        let mut second = changed(&b, &[(0x1c3 - 0x18e, len)]);
        second[0x1c4 - 0x18e] = u8::from(len == 255);
        let packet = Packet::decode(&second).unwrap();
        let payloads: Vec<_> = packet.payloads().collect();
        let wanted = if len == 9 { Ok(()) } else { Err(Reason::NestedLength) };
        assert_eq!(payloads[1].map(|_| ()).map_err(|e| e.reason), wanted, "{len}");
        assert_eq!((payloads.len(), payloads[0].unwrap().data.len()), (2, 8));
        let kept: &[usize] = &[32, 8, 8, 8, 8];
        assert_eq!(sizes(&[a.clone(), second, c.clone()]), kept, "the second object is lost, no other");
    }
    let first_runs_out = changed(&b, &[(0x1aa - 0x18e, 255)]);
    assert_eq!(sizes(&[a, first_runs_out, c]), [32, 8, 8, 8]);
}

#[test]
fn a5_without_file_properties_there_is_nothing_to_seek_in() {
    let [_, audio] = good();
    assert_eq!(refused(&header(&[audio])).0, Reason::FilePropertiesMissing);
}

#[test]
fn a6_a_simple_index_with_interval_0_has_no_entry_for_any_time() {
    let mut file = example_b();
    file[0x4cc..0x4d4].fill(0);
    let object = top_level_object(&file[0x4a4..], 0x4a4).unwrap();
    let index = SimpleIndex::decode(&object).unwrap();
    assert_eq!((index.interval, index.len(), index.lookup(0), index.lookup(u64::MAX)), (0, 6, None, None));
    let body =
        [&[0u8; 4][..], &[1, 0], &[1, 0, 0, 0], &[1, 0, 1, 0], &[1, 0, 0, 0], &[0; 8], &[0; 4]].concat();
    let bytes = object_of_size(Guid::INDEX, body.len() as u64 + 24, &body);
    let index = Index::decode(&top_level_object(&bytes, 0).unwrap()).unwrap();
    assert_eq!((index.lookup(0, 0), index.position(0, 0)), (None, Some(0)));
}

#[test]
fn a8_every_order_of_calls_is_allowed() {
    let file = example_b();
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    for part in [&file[..], &file[..10], &[]] {
        walker.feed(part).unwrap();
        assert!(walker.is_complete());
    }
    let packet = Packet::decode(&file[676..676 + 128]).unwrap();
    let fragment = packet.payloads().nth(1).unwrap().unwrap().fragments().next().unwrap();
    let mut assembly = ObjectAssembly::new();
    assert_eq!(assembly.finish(), None);
    for _ in 0..2 {
        assert!(assembly.push(&fragment, &mut [0; 71]).is_err() && !assembly.is_open());
        assembly.push(&fragment, &mut [0; 150]).unwrap();
        assert!(assembly.push(&fragment, &mut [0; 150]).unwrap().is_duplicate);
        assert_eq!(assembly.finish().unwrap().missing, 72..150);
    }
    let streams = walk(&file).unwrap().unwrap().streams;
    let wanted = SeekStreams::of(&streams, &PacketFilter::new(&streams));
    let mut seek = Seek::new(1, 100, wanted);
    seek.answer(Some(&packet));
    let found = seek.found();
    seek.answer(None);
    seek.answer(Some(&packet));
    assert_eq!((seek.found(), seek.wish(), found.is_some()), (found, None, true));
}

#[test]
fn a9_markers_shorter_than_their_fixed_part_or_with_names_beyond_it_are_refused() {
    for len in 0..24 {
        let bytes = object(Guid::MARKER, &vec![0xff; len]);
        assert!(top_level_object(&bytes, 0).unwrap().view().is_err(), "{len}");
    }
    let name_beyond = [&[0; 20][..], &[0; 2], &[200, 0], &[0; 199]].concat();
    assert!(top_level_object(&object(Guid::MARKER, &name_beyond), 0).unwrap().view().is_err());
}

#[test]
fn a10_an_index_shorter_than_its_fixed_part_is_refused() {
    for size in 24..56 {
        let bytes = object(Guid::SIMPLE_INDEX, &vec![0xff; size - 24]);
        assert!(SimpleIndex::decode(&top_level_object(&bytes, 0).unwrap()).is_err(), "{size}");
    }
    for size in 24..38 {
        let bytes = object(Guid::INDEX, &vec![0xff; size - 24]);
        assert!(Index::decode(&top_level_object(&bytes, 0).unwrap()).is_err(), "{size}");
    }
}

#[test]
fn a11_a_seek_to_no_stream_or_beyond_the_data_ends_inside_the_file() {
    let file = example_b();
    let none = walk(&header(&good())).unwrap().unwrap().streams;
    let mut filter = PacketFilter::new(&none);
    filter.set(1, mms_core::asf::Keep::Nothing);
    let nothing = SeekStreams::of(&none, &filter);
    let streams = walk(&file).unwrap().unwrap().streams;
    let video = SeekStreams::of(&streams, &PacketFilter::new(&streams));
    for (wanted, hint) in [(nothing, 3), (video, 4), (video, u64::MAX)] {
        let mut seek = Seek::new(4, u64::MAX, wanted).with_hint(2, hint);
        while let Some(wish) = seek.wish() {
            assert!(wish < 4);
            let at = 676 + usize::try_from(wish).unwrap() * 128;
            seek.answer(Packet::decode(&file[at..at + 128]).as_ref().ok());
        }
        assert!(seek.found().unwrap().packet < 4);
    }
    assert_eq!(Seek::new(0, 5, video).found(), None);
    assert_eq!((packet_at(676, 128, 675), packet_at(676, 128, 677)), (None, None));
}

#[test]
fn a13_a_marker_count_of_all_ones_ends_with_the_bytes() {
    let one = [&[1; 16][..], &[12, 0], &[0; 12]].concat();
    let body = [&[0; 16][..], &[0xff; 4], &[0; 2], &[0; 2], &one, &one, &one[..29]].concat();
    let bytes = object(Guid::MARKER, &body);
    let View::Markers(view) = top_level_object(&bytes, 0).unwrap().view().unwrap() else { panic!() };
    assert_eq!(view.markers().count(), 2);
}

#[test]
fn a14_an_index_count_of_all_ones_ends_with_the_bytes() {
    let mut file = example_b();
    file[0x4d8..0x4dc].fill(0xff);
    let index = SimpleIndex::decode(&top_level_object(&file[0x4a4..], 0).unwrap()).unwrap();
    assert_eq!((index.len(), index.lookup(u64::MAX).unwrap().packet_number), (6, 3));
    let cut = SimpleIndex::decode(&top_level_object(&file[0x4a4..0x4a4 + 56 + 11], 0).unwrap()).unwrap();
    assert_eq!(cut.len(), 1);
}

#[test]
fn a15_every_byte_of_objects_and_payloads_may_be_anything() {
    let file = example_b();
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1] {
            let damaged = changed(&file, &[(at, value)]);
            if let Ok(header) = Header::decode(&damaged) {
                let _ =
                    header.objects().chain(header.extension_objects()).filter_map(|o| o.view().ok()).count();
            }
            for packet in damaged[676..676 + 512].chunks(128) {
                let Ok(packet) = Packet::decode(packet) else { continue };
                let read: usize = packet.payloads().flatten().map(|payload| payload.data.len()).sum();
                assert!(read <= 128, "byte {at} = {value}");
                let _ = strip_padding(&packet);
            }
        }
    }
}

#[test]
fn a19_counts_times_entry_sizes_stay_within_the_bytes() {
    let all_ones = [&[0xff; 4][..], &[0xff; 2], &[0xff; 4], &[1; 200]].concat();
    for guid in [Guid::INDEX, Guid::MEDIA_OBJECT_INDEX, Guid::TIMECODE_INDEX] {
        let bytes = object(guid, &all_ones);
        assert!(Index::decode(&top_level_object(&bytes, 0).unwrap()).is_err());
        // One column and as many blocks and entries as can be said.
        let body = [&[1, 0, 0, 0][..], &[1, 0], &[0xff; 4], &[1, 0, 1, 0], &[0xff; 4], &[0; 60]].concat();
        let bytes = object(guid, &body);
        let index = Index::decode(&top_level_object(&bytes, 0).unwrap()).unwrap();
        assert_eq!(index.blocks().count(), 1);
        assert!(index.blocks().map(|block| block.len()).sum::<usize>() <= 15);
        assert!(index.position(u64::MAX, 0).is_some());
    }
}

#[test]
fn a20_every_size_field_of_a_header_may_be_anything() {
    let file = example_b();
    let frames = [0x10, 0x2e, 0x96, 0xc4, 0xeb, 0x159, 0x173, 0x1db, 0x25c, 0x282];
    for at in frames {
        for size in [0u64, 1, 23, 24, 25, 29, 30, 77, 600, 1 << 31, 1 << 32, 1 << 63, u64::MAX - 23, u64::MAX]
        {
            let mut damaged = file.clone();
            damaged[at..at + 8].copy_from_slice(&size.to_le_bytes());
            let limits = HeaderLimits { bytes: u64::MAX, objects: u32::MAX };
            let whole = walk_in_parts(&damaged, limits, &[damaged.len()]);
            assert_eq!(walk_in_parts(&damaged, limits, &[7]), whole);
            if let Ok(header) = Header::decode(&damaged) {
                assert!(header.objects().all(|object| object.size() <= 626));
            }
        }
    }
}

#[test]
fn a27_fields_of_headers_markers_and_scripts_may_be_anything() {
    let files = all_files();
    let mut tried = 0;
    for (name, file) in files.iter().filter(|(_, file)| file.len() < 70_000) {
        let len = usize::try_from(walk(file).unwrap().unwrap().header_len).unwrap();
        for at in (30..len.min(6000) - 4).step_by(5) {
            let mut damaged = file[..len].to_vec();
            damaged[at..at + 4].fill(if at % 2 == 0 { 0xff } else { 0x00 });
            let Ok(header) = Header::decode(&damaged) else { continue };
            if header.objects().chain(header.extension_objects()).all(|object| object.view().is_ok()) {
                assert!(describe(header.objects()).len() < len, "{name} at {at}");
            }
            tried += 1;
        }
    }
    at_least(tried, 5001);
}

#[test]
fn a29_packets_that_are_declared_and_not_there_do_not_count() {
    let file = example_a();
    for cut in 0..=192 {
        let summary = walk(&file).unwrap().unwrap();
        assert_eq!(packet_count(526 - cut, &summary), (192 - cut) / 64, "{cut}");
    }
    let mut declared = file.clone();
    declared[0x56] = 99;
    declared[0x144] = 99;
    let after = [&declared[..], &object(Guid([9; 16]), &[0; 40])].concat();
    let summary = walk(&after).unwrap().unwrap();
    assert_eq!(packet_count(after.len() as u64, &summary), 3, "the object behind the data is no packet");
    assert_eq!(collect(packets(&after, &summary), 0).objects.len(), 6);
}

#[test]
fn p1_replicated_data_and_sub_payloads_beyond_the_packet_are_lost_alone() {
    let [a, b, c] = abc();
    for len in [0xffu8, 60, 50] {
        let first = changed(&a, &[(0x160 - 0x14e, len)]);
        let payload = Packet::decode(&first).unwrap().payloads().next().unwrap();
        assert_eq!(payload.unwrap_err().reason, Reason::NestedLength, "{len}");
        assert_eq!(sizes(&[first, b.clone(), c.clone()]), [8; 5]);
    }
    for len in [27u8, 200, 255] {
        let third = changed(&c, &[(0x1eb - 0x1ce, len)]);
        assert_eq!(sizes(&[a.clone(), b.clone(), third]), [32, 8, 8, 8], "sub-payload of {len}");
    }
}

#[test]
fn p2_audio_spread_of_zeros_is_no_spread() {
    for span in [0, 1, 2, 255] {
        for packet in [0, 1, 2, 0xffff] {
            for chunk in [0, 1, 2, 0xffff] {
                let spread = AudioSpread { span, virtual_packet_len: packet, virtual_chunk_len: chunk };
                let len = usize::from(packet) * usize::from(span);
                let is_spread = spread.is_spread(len);
                assert_eq!(is_spread, span > 1 && chunk > 0 && packet > chunk && packet % chunk == 0);
                assert_eq!(spread.descramble(&vec![1; len], &mut vec![0; len]), is_spread);
            }
        }
    }
}

#[test]
fn p3_replicated_data_of_2_to_7_bytes_drops_the_rest_of_the_packet() {
    let [a, b, c] = abc();
    for len in 2..8 {
        let first = changed(&a, &[(0x160 - 0x14e, len)]);
        let payload = Packet::decode(&first).unwrap().payloads().next().unwrap();
        assert_eq!(payload.unwrap_err().reason, Reason::ReplicatedData);
        assert_eq!(sizes(&[first, b.clone(), c.clone()]), [8; 5]);
        let second = changed(&b, &[(0x1ba - 0x18e, len)]);
        assert_eq!(sizes(&[a.clone(), second, c.clone()]), [32, 8, 8, 8, 8], "what stands before stays");
    }
}

#[test]
fn p4_padding_and_packet_lengths_that_do_not_fit_are_refused() {
    let [a, b, c] = abc();
    for padding in [53u8, 200, 255] {
        let first = changed(&a, &[(0x153 - 0x14e, padding)]);
        assert_eq!(Packet::decode(&first).unwrap_err().reason, Reason::PacketLength, "{padding}");
        assert_eq!(sizes(&[first, b.clone(), c.clone()]), [8; 5]);
        // Each of several payloads has its own length.
        let second = changed(&b, &[(0x193 - 0x18e, padding)]);
        assert_eq!(sizes(&[a.clone(), second, c.clone()]), [32, 8, 8, 8, 8, 8]);
    }
    let wire = [&[0x82, 0, 0, 0x40, 0x5d, 0x3c, 0][..], &a[6..59]].concat();
    assert_eq!(sizes(core::slice::from_ref(&wire)), [32]);
    for (length, reason) in
        [(61u8, Reason::PacketLength), (12, Reason::PacketLength), (0, Reason::PacketLength)]
    {
        assert_eq!(Packet::decode(&changed(&wire, &[(5, length)])).unwrap_err().reason, reason);
    }
    assert!(restore_padding(&wire, 59).is_err());
}

#[test]
fn p5_payloads_of_no_bytes_and_too_many_payloads_harm_nothing_else() {
    let [a, b, c] = abc();
    let empty = changed(&b, &[(0x1aa - 0x18e, 0)]);
    // The bytes of the first payload are read as a second one, whose replicated data is no length.
    assert_eq!(sizes(&[a.clone(), empty, c.clone()]), [32, 8, 8, 8]);
    let mut out = vec![0; 64];
    let mut writer = PacketWriter::new(&mut out).unwrap();
    let head = PayloadHead {
        stream_number: 1,
        is_key_frame: true,
        object_number: 2,
        offset: 0,
        object_size: 8,
        presentation_time_ms: 1004,
        extensions: &[],
    };
    writer.push(&head, &[]).unwrap();
    writer.push(&PayloadHead { object_number: 3, ..head }, &[5; 8]).unwrap();
    let second = writer.finish(4, 2).unwrap().to_vec();
    assert_eq!(sizes(&[a.clone(), second, c.clone()]), [32, 8, 8, 8, 8]);
    let many = changed(&b, &[(0x19a - 0x18e, 0x80 | 63)]);
    let packet = Packet::decode(&many).unwrap();
    assert_eq!((packet.payload_count(), packet.payloads().count()), (63, 3));
    assert_eq!(sizes(&[a.clone(), many, c.clone()]), [32, 8, 8, 8, 8, 8]);
    for flags in [0x80, 0x02, 0x00] {
        let none = changed(&b, &[(0x19a - 0x18e, flags)]);
        assert_eq!(Packet::decode(&none).unwrap_err().reason, Reason::Count);
        assert_eq!(sizes(&[a.clone(), none, c.clone()]), [32, 8, 8, 8]);
    }
}

#[test]
fn p6_reassembly_is_bounded_and_tells_what_is_missing() {
    let mut out = [0; 64];
    let mut fragment_of = |number: u8, offset: u32, size: u32, data: &[u8]| {
        let mut writer = PacketWriter::new(&mut out).unwrap();
        let head = PayloadHead {
            stream_number: 1,
            is_key_frame: false,
            object_number: number,
            offset,
            object_size: size,
            presentation_time_ms: 5000 + u32::from(number),
            extensions: &[],
        };
        writer.push(&head, data).unwrap();
        writer.finish(0, 0).unwrap().to_vec()
    };
    // An object of 4 GiB in fragments of one byte: nothing grows but by what arrives.
    let mut assembly = ObjectAssembly::new();
    let mut buffer = [0; 8];
    for at in 0..10 {
        let packet = fragment_of(1, at, u32::MAX, &[7]);
        let packet = Packet::decode(&packet).unwrap();
        let fragment = packet.payloads().next().unwrap().unwrap().fragments().next().unwrap();
        assert_eq!(assembly.push(&fragment, &mut buffer).is_ok(), at < 8);
    }
    assert_eq!(assembly.finish().unwrap().missing, 8..u32::MAX);
    // Beyond the object: what is too much of a single payload is padding, an offset beyond is nothing.
    let beyond = [fragment_of(2, 3, 3, &[1; 4]), fragment_of(2, u32::MAX, 3, &[1; 4])];
    assert_eq!(collect(beyond.iter().map(Vec::as_slice), 0).losses.len(), 0);
    let twice = [fragment_of(3, 0, 6, &[1; 3]), fragment_of(3, 0, 6, &[2; 3]), fragment_of(3, 3, 6, &[3; 3])];
    let found = collect(twice.iter().map(Vec::as_slice), 0);
    assert_eq!((found.objects[0].data.as_slice(), found.duplicates), (&[1, 1, 1, 3, 3, 3][..], 1));
    let never = [fragment_of(4, 0, 9, &[1; 3]), fragment_of(5, 0, 2, &[2; 2])];
    let found = collect(never.iter().map(Vec::as_slice), 0);
    assert_eq!((found.losses, found.objects.len()), (vec![(1, 4, 3..9)], 1));
    assert!(size_of::<ObjectAssembly>() * 127 < 8192, "127 open objects are a few kilobytes");
}

#[test]
fn p7_error_correction_of_another_form_is_skipped_or_refused() {
    let [a, b, c] = abc();
    for len in [0u8, 1, 3, 15] {
        let data = vec![0; usize::from(len)];
        let other = [&[0x80 | len][..], &data, &a[3..]].concat();
        assert_eq!(sizes(core::slice::from_ref(&other)), [32], "{len} bytes");
    }
    for (first, second) in [(0x92, 0), (0xa2, 0), (0xc2, 0), (0xf2, 0), (0x82, 2), (0x82, 0x12)] {
        let parity = changed(&a, &[(0, first), (1, second)]);
        assert_eq!(Packet::decode(&parity).unwrap_err().reason, Reason::ErrorCorrection);
        assert_eq!(sizes(&[parity, b.clone(), c.clone()]), [8; 5]);
    }
    assert_eq!(sizes(&[changed(&a, &[(0, 0x82), (1, 0x21), (2, 5)])]), [32], "a packet of a parity set");
    assert_eq!(sizes(&[a[3..].to_vec()]), [32], "no error correction at all");
}

#[test]
fn p8_several_payloads_without_their_padding_are_whole() {
    let [a, b, c] = abc();
    for missing in 0..=1 {
        let short = b[..64 - missing].to_vec();
        assert_eq!(sizes(&[a.clone(), short, c.clone()]), [32, 8, 8, 8, 8, 8]);
        let restored = restore_padding(&b[..64 - missing], 64).unwrap();
        let mut whole = restored.slices().concat();
        whole.resize(whole.len() + restored.zeros(), 0);
        assert_eq!(sizes(&[whole]), [8, 8]);
    }
}

#[test]
fn p9_send_times_that_go_back_wrap_or_start_late_end_every_search() {
    let times = [4_980_000u32, 4_980_100, 10, u32::MAX, 0, 5, 4_980_200, u32::MAX - 1, 3];
    for time in [0, 4, 4_980_050, u64::from(u32::MAX), u64::MAX] {
        let mut search = SendTimeSearch::new(times.len() as u64, time);
        let mut looks = 0;
        while let Some(wish) = search.wish() {
            search.answer(Some(times[usize::try_from(wish).unwrap()]));
            looks += 1;
            assert!(looks < 6);
        }
        assert!(search.found().unwrap() < times.len() as u64);
    }
    let [a, ..] = abc();
    for send in [0u32, 4_980_000, u32::MAX] {
        let mut late = a.clone();
        late[6..10].copy_from_slice(&send.to_le_bytes());
        assert_eq!(Packet::decode(&late).unwrap().head().send_time_ms, send);
        assert_eq!(sizes(&[late]), [32]);
    }
}
