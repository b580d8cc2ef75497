//! Input that broke other programs, by the number of its row in the list of such input.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::{
    data_object, extended, extension, file_properties, good, header, header_with_data, object,
    object_of_size, shared, stream, u32_of, walk, walk_in_parts,
};
use mms_core::asf::{
    Guid, Header, HeaderError, HeaderLimits, HeaderWalker, StreamKind, TagValue, packet_count,
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
