//! The worked examples of the format, byte by byte.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use core::time::Duration;

use asf::{example_a, example_b, extended, extension, file_properties, header, hex, stream, walk};
use mms_core::asf::{
    FileFlags, Guid, Header, HeaderPatch, PacketHead, Restored, StreamKind, packet_count, restore_padding,
};
use mms_core::error::Reason;

fn flat(restored: &Restored<'_>) -> Vec<u8> {
    let mut out = restored.slices().concat();
    out.resize(out.len() + restored.zeros(), 0);
    assert_eq!(out.len(), restored.total_len());
    out
}

fn packet(file: &[u8], header: usize, size: usize, n: usize) -> &[u8] {
    &file[header + n * size..header + (n + 1) * size]
}

#[test]
fn example_a_has_one_audio_stream_and_three_packets() {
    let file = example_a();
    assert_eq!(file.len(), 526);
    let summary = walk(&file).unwrap().unwrap();
    assert_eq!((summary.header_len, summary.data_offset), (334, 284));
    assert_eq!(summary.file_properties_offset, 0x1e);
    assert_eq!((summary.data_size, summary.data_packets), (242, 3));
    let properties = &summary.file_properties;
    assert_eq!(properties.file_id.to_string(), "01020304-0506-0708-090A-0B0C0D0E0F10");
    assert_eq!((properties.file_size, properties.data_packets_count), (526, 3));
    assert_eq!(properties.creation_date, 125_911_584_000_000_000);
    assert_eq!((properties.play_duration, properties.send_duration), (10_090_000, 90_000));
    assert_eq!(properties.content_duration(), Duration::from_millis(9));
    assert_eq!((properties.preroll_ms, properties.flags), (1000, FileFlags::SEEKABLE));
    assert_eq!((properties.packet_size(), properties.max_bitrate, summary.bit_rate), (64, 171_000, 171_000));
    let streams: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind, s.bit_rate)).collect();
    assert_eq!(streams, [(1, StreamKind::Audio, None)]);
    assert_eq!(packet_count(526, &summary), 3);
    assert_eq!(packet_count(525, &summary), 2, "a cut last packet does not count");
    assert_eq!(packet_count(0, &summary), 0);
}

#[test]
fn example_a_views_give_the_audio_format() {
    let file = example_a();
    let header = Header::decode(&file).unwrap();
    let objects: Vec<_> = header.objects().map(|o| (o.guid, o.offset, o.size())).collect();
    let wanted = [
        (Guid::FILE_PROPERTIES, 0x1e, 104),
        (Guid::HEADER_EXTENSION, 0x86, 46),
        (Guid::STREAM_PROPERTIES, 0xb4, 104),
    ];
    assert_eq!(objects, wanted);
    let stream = header.streams().next().unwrap();
    assert!(!stream.encrypted && !stream.hidden);
    assert_eq!(stream.error_correction_type, Guid::AUDIO_SPREAD);
    assert_eq!(stream.error_correction, hex("01 20 00 20 00 01 00 00"));
    let audio = stream.audio().unwrap();
    assert_eq!((audio.codec_id, audio.codec_name()), (7, Some("mu-law")));
    assert_eq!((audio.channels, audio.samples_per_second, audio.average_bytes_per_second), (1, 8000, 8000));
    assert_eq!((audio.block_alignment, audio.bits_per_sample, audio.extra), (1, 8, &[][..]));
    assert!(stream.video().is_none());
}

#[test]
fn example_a_packets_have_their_heads() {
    let file = example_a();
    let heads: Vec<_> = (0..3).map(|n| PacketHead::decode(packet(&file, 334, 64, n)).unwrap()).collect();
    let fields: Vec<_> = heads
        .iter()
        .map(|h| (h.send_time_ms, h.duration_ms, h.padding_len, h.multiple_payloads, h.payload_range()))
        .collect();
    assert_eq!(fields, [(0, 4, 5, false, 12..59), (4, 2, 1, true, 12..63), (6, 3, 17, false, 12..47)]);
    for head in heads {
        assert_eq!((head.error_correction_len, head.head_len, head.total_len), (3, 12, 64));
        assert_eq!((head.explicit_packet_length, head.sequence), (None, None));
    }
}

#[test]
fn the_wire_forms_of_example_a_are_restored_byte_for_byte() {
    let file = example_a();
    let disk = |n| packet(&file, 334, 64, n);
    let single = |n: usize, len: u8, data: core::ops::Range<usize>| {
        let head = [&hex("82 00 00 40 5D")[..], &[len, 0]].concat();
        [&head, &disk(n)[6..12], &disk(n)[data]].concat()
    };
    let mut multiple = disk(1)[..63].to_vec();
    multiple[5] = 0;
    let wires = [single(0, 60, 12..59), multiple, single(2, 48, 12..47)];
    assert_eq!(wires.each_ref().map(Vec::len), [60, 63, 48]);
    for (n, wire) in wires.iter().enumerate() {
        let restored = restore_padding(wire, 64).unwrap();
        assert_eq!(flat(&restored), disk(n), "packet {n}");
        assert_eq!(restored.borrowed().as_ptr_range().end, wire.as_ptr_range().end, "payload is not copied");
    }
}

#[test]
fn a_packet_of_nominal_size_stays_as_it_is_even_if_it_is_nonsense() {
    for bytes in [[0xff; 64], [0; 64]] {
        let restored = restore_padding(&bytes, 64).unwrap();
        assert_eq!((flat(&restored), restored.zeros()), (bytes.to_vec(), 0));
    }
}

#[test]
fn a_packet_longer_than_nominal_is_refused() {
    assert_eq!(restore_padding(&[0; 65], 64).unwrap_err().reason, Reason::PacketLength);
}

#[test]
fn large_padding_takes_a_field_of_two_bytes() {
    let wire = hex("82 00 00 40 5D 0F 00 01 00 00 00 02 00 81 01");
    for (size, flags, field) in [
        (13 + 256, 0x08, vec![255]),
        (13 + 257, 0x10, vec![255, 0]),
        (65527, 0x10, (65527u16 - 15).to_le_bytes().to_vec()),
    ] {
        let whole = flat(&restore_padding(&wire, size).unwrap());
        assert_eq!(whole.len(), size as usize);
        let head = PacketHead::decode(&whole).unwrap();
        assert_eq!((whole[3], &whole[5..5 + field.len()]), (flags, &field[..]));
        assert_eq!((head.send_time_ms, head.duration_ms), (1, 2));
        assert_eq!(whole[head.payload_range()], [0x81, 0x01]);
    }
}

#[test]
fn padding_that_was_received_counts_again() {
    // Two bytes of payload, three of padding that are not zero, sequence 7.
    let wire = hex("0A 5D 07 03 01 00 00 00 02 00 81 01 AA BB CC");
    let whole = flat(&restore_padding(&wire, 20).unwrap());
    assert_eq!(whole, hex("0A 5D 07 08 01 00 00 00 02 00 81 01 AA BB CC 00 00 00 00 00"));
}

#[test]
fn padding_that_was_cut_without_telling_is_put_back() {
    let file = example_a();
    for (n, len) in [(0, 59), (1, 63), (2, 47)] {
        let disk = packet(&file, 334, 64, n);
        assert_eq!(flat(&restore_padding(&disk[..len], 64).unwrap()), disk, "packet {n}");
    }
}

#[test]
fn packet_length_that_leaves_the_padding_out_is_understood() {
    // Packet Length 16 and padding 4 add up to 20, the nominal size.
    let disk = hex("48 5D 10 00 04 01 00 00 00 02 00 81 01 02 03 04 00 00 00 00");
    let head = PacketHead::decode(&disk).unwrap();
    assert_eq!((head.padding_len, head.payload_range()), (0, 11..16));
    let whole = flat(&restore_padding(&disk[..16], 20).unwrap());
    assert_eq!(whole[PacketHead::decode(&whole).unwrap().payload_range()], [0x81, 1, 2, 3, 4]);
}

#[test]
fn packets_that_are_not_payload_say_so() {
    let reason = |text: &str| PacketHead::decode(&hex(text)).unwrap_err().reason;
    assert_eq!(reason("92 01 00 08 5D 00 00 00 00 00 00 00"), Reason::ErrorCorrection, "opaque data");
    assert_eq!(reason("82 12 00 08 5D 00 00 00 00 00 00 00"), Reason::ErrorCorrection, "parity packet");
    assert_eq!(
        reason("A2 00 00 08 5D 00 00 00 00 00 00 00"),
        Reason::ErrorCorrection,
        "reserved length type"
    );
    assert_eq!(reason("82 00 00 08 1D 00 00 00 00 00 00 00"), Reason::Value, "stream number is no byte");
    assert_eq!(reason("82 00 00 08 5D 01 00 00 00 00 00 00"), Reason::PacketLength, "padding without room");
    assert_eq!(reason("40 5D FF 00 00 00 00 00 00 00"), Reason::PacketLength, "length beyond the packet");
    assert_eq!(reason("40 5D 09 00 00 00 00 00 00 00"), Reason::PacketLength, "length inside the head");
    assert_eq!(reason("82 00 00 08 5D 00 00 00 00 00 00"), Reason::Truncated);
}

#[test]
fn several_payloads_win_over_a_padding_length_without_room() {
    let head = PacketHead::decode(&hex("82 00 00 09 5D 05 00 00 00 00 00 00 82 01")).unwrap();
    assert_eq!((head.padding_len, head.payload_range()), (0, 12..14));
}

#[test]
fn example_b_has_audio_and_video_with_their_bit_rates() {
    let file = example_b();
    assert_eq!(file.len(), 1280);
    let summary = walk(&file).unwrap().unwrap();
    assert_eq!((summary.header_len, summary.packet_size(), summary.data_size), (676, 128, 562));
    assert_eq!((summary.file_properties.preroll_ms, summary.bit_rate), (100, 36864));
    assert_eq!(summary.file_properties.content_duration(), Duration::from_millis(160));
    let streams: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind, s.bit_rate)).collect();
    assert_eq!(streams, [(1, StreamKind::Audio, Some(16000)), (2, StreamKind::Video, Some(20864))]);
    assert_eq!(packet_count(1280, &summary), 4, "the index behind the packets is no packet");
}

#[test]
fn example_b_views_reach_into_the_extension() {
    let file = example_b();
    let header = Header::decode(&file).unwrap();
    let names: Vec<_> = header.extension_objects().map(|o| (o.guid.name().unwrap(), o.offset)).collect();
    let wanted = [("Language List", 0xb4), ("Extended Stream Properties", 0xdb), ("Compatibility", 0x149)];
    assert_eq!(names, wanted);
    let video = header.streams().find(|s| s.number == 2).unwrap();
    let format = video.video().unwrap();
    assert_eq!((format.width, format.height, format.bit_count), (16, 16, 24));
    assert_eq!((&format.compression, format.extra), (b"XYZ1", &[][..]));
    assert!(video.audio().is_none());
    let rates: Vec<_> = header.stream_bit_rates().map(|r| (r.number, r.bit_rate)).collect();
    assert_eq!(rates, [(1, 16000), (2, 20864)]);
    assert_eq!((header.codecs().count(), header.extended_content().count()), (0, 0));
    assert!(header.content_description().is_none());
}

#[test]
fn example_b_packets_have_their_send_times() {
    let file = example_b();
    let heads = (0..4).map(|n| PacketHead::decode(packet(&file, 676, 128, n)).unwrap());
    let fields: Vec<_> = heads.map(|h| (h.send_time_ms, h.head_len, h.payload_range().end)).collect();
    assert_eq!(fields, [(0, 11, 128), (30, 12, 107), (60, 12, 77), (90, 12, 91)]);
}

#[test]
fn the_live_form_of_example_a_differs_in_the_fields_of_a_broadcast_only() {
    let file = example_a();
    let mut wanted = file[..334].to_vec();
    wanted[0x76] = 9;
    wanted[0x56..0x5e].copy_from_slice(&hex("FF FF FF FF 00 00 00 00"));
    wanted[0x5e..0x6e].fill(0);
    wanted[0x46..0x4e].copy_from_slice(&334u64.to_le_bytes());
    wanted[0x12c..0x134].copy_from_slice(&50u64.to_le_bytes());
    wanted[0x144..0x14c].fill(0);

    let patch = HeaderPatch::broadcast(&walk(&file).unwrap().unwrap());
    for size in [334, 7, 1] {
        let mut live = file[..334].to_vec();
        for (n, part) in live.chunks_mut(size).enumerate() {
            patch.apply((n * size) as u64, part);
        }
        assert_eq!(live, wanted, "in parts of {size}");
    }
    let summary = walk(&wanted).unwrap().unwrap();
    assert!(summary.file_properties.is_broadcast());
    assert_eq!(summary.file_properties.content_duration(), Duration::ZERO);
    assert_eq!(packet_count(526, &summary), 3);
}

#[test]
fn a_finished_recording_of_the_live_form_is_example_a_again() {
    let file = example_a();
    let mut header = file[..334].to_vec();
    HeaderPatch::broadcast(&walk(&file).unwrap().unwrap()).apply(0, &mut header);
    let live = walk(&header).unwrap().unwrap();
    let send = Some(Duration::from_millis(9));
    let play = Some(Duration::from_millis(1009));
    HeaderPatch::finished(&live, 3, send, play, 526, live.streams.is_seekable(false)).apply(0, &mut header);
    assert_eq!(header, file[..334]);
}

#[test]
fn a_finished_recording_with_video_is_seekable_with_an_index_only() {
    let file = example_b();
    let summary = walk(&file).unwrap().unwrap();
    let mut header = file[..676].to_vec();
    HeaderPatch::finished(&summary, 2, None, None, 932, summary.streams.is_seekable(true))
        .apply(0, &mut header);
    assert_eq!(walk(&header).unwrap().unwrap().file_properties.flags, FileFlags::SEEKABLE);
    HeaderPatch::finished(&summary, 2, None, None, 932, summary.streams.is_seekable(false))
        .apply(0, &mut header);
    let patched = walk(&header).unwrap().unwrap();
    assert_eq!(patched.file_properties.flags, FileFlags::empty());
    assert_eq!((patched.data_size, patched.data_packets), (306, 2));
    assert_eq!(patched.file_properties.play_duration, summary.file_properties.play_duration);
}

#[test]
fn a_hidden_stream_is_found_behind_names_and_extension_systems() {
    let names = hex("00 00 04 00 61 00 00 00 00 00 00 00");
    let systems = [[&[7; 18][..], &[2, 0, 0, 0, 9, 9]].concat(), [&[8; 18][..], &[0; 4]].concat()].concat();
    let inner = stream(Guid::VIDEO_MEDIA, 0x8000 | 5, &[]);
    let mut outer = extended(5, 2, 2, &[names, systems, inner].concat());
    outer[40..44].copy_from_slice(&20_000u32.to_le_bytes());
    let bytes = header(&[file_properties(100, 100), extension(&[outer]), stream(Guid::AUDIO_MEDIA, 1, &[])]);
    let summary = walk(&bytes).unwrap().unwrap();
    let table: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind, s.bit_rate)).collect();
    assert_eq!(table, [(1, StreamKind::Audio, None), (5, StreamKind::Video, Some(20_000))]);
    assert_eq!(summary.bit_rate, 20_000, "Maximum Bitrate is 0, so the streams are added up");
    let views: Vec<_> =
        Header::decode(&bytes).unwrap().streams().map(|s| (s.number, s.hidden, s.encrypted)).collect();
    assert_eq!(views, [(5, true, true), (1, false, false)]);
}
