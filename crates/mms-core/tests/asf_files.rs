//! Every file of the shared test data: summary, views, packet heads, padding.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use std::fs;
use std::path::{Path, PathBuf};

use asf::reference::{self, ReferenceHead};
use asf::{data_object, shared, walk, walk_in_parts};
use mms_core::asf::{
    Header, HeaderLimits, HeaderSummary, PacketHead, StreamKind, TagValue, packet_count, restore_padding,
};

fn files(folder: &Path) -> Vec<PathBuf> {
    let is_asf = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        ["wma", "wmv", "asf"].iter().any(|known| extension == *known)
    };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(is_asf).collect();
    files.sort();
    assert!(files.len() >= 18, "{} has {} files only", folder.display(), files.len());
    files
}

/// A file; the one that ends with its Header Object gets the Data Object that it lacks.
fn read(path: &Path) -> Vec<u8> {
    let mut file = fs::read(path).unwrap();
    if path.ends_with("exiftool-photostory-header.wmv") {
        assert_eq!(walk(&file), Ok(None), "no Data Object, so the header is not whole");
        file.extend_from_slice(&data_object(50, 0));
    }
    file
}

fn packets<'a>(file: &'a [u8], summary: &HeaderSummary) -> impl Iterator<Item = &'a [u8]> {
    let size = summary.packet_size() as usize;
    let count = usize::try_from(packet_count(file.len() as u64, summary)).unwrap();
    file[usize::try_from(summary.header_len).unwrap()..].chunks_exact(size).take(count)
}

fn as_reference(head: &PacketHead) -> ReferenceHead {
    ReferenceHead {
        error_correction_len: head.error_correction_len,
        length_type_flags: head.length_type_flags,
        property_flags: head.property_flags,
        packet_length: head.explicit_packet_length,
        sequence: head.sequence,
        padding: head.padding_len,
        send_time: head.send_time_ms,
        duration: head.duration_ms,
        head_len: head.head_len,
        total_len: head.total_len,
    }
}

/// The number behind `"key": `.
fn number(facts: &str, key: &str) -> u64 {
    let at = facts.find(&format!("\"{key}\": ")).unwrap() + key.len() + 4;
    let digits: String = facts[at..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// Stream number and kind of `"streams": {"1": {.., "kind": "audio", ..}, ..}`.
fn stream_kinds(facts: &str) -> Vec<(u8, String)> {
    let streams = &facts[facts.find("\"streams\": {").unwrap() + 11..];
    let streams = &streams[..streams.find("}}").unwrap()];
    let one = |text: &str| {
        let number = text.split('"').nth(1).unwrap().parse().unwrap();
        let kind = text.split("\"kind\": \"").nth(1).unwrap().split('"').next().unwrap();
        (number, kind.to_owned())
    };
    streams.split("}, ").map(one).collect()
}

#[test]
fn the_made_files_have_the_summary_that_their_facts_say() {
    let Some(folder) = shared("made") else { return };
    let facts = fs::read_to_string(folder.join("facts.json")).unwrap();
    let mut checked = 0;
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let fact = facts.lines().find(|line| line.contains(&format!("\"file\": \"{name}\""))).unwrap();
        let file = read(&path);
        let summary = walk(&file).unwrap().unwrap();
        let properties = &summary.file_properties;
        let found = [
            ("header", summary.data_offset),
            ("packet_size", u64::from(summary.packet_size())),
            ("preroll", properties.preroll_ms),
            ("max_bitrate", u64::from(summary.bit_rate)),
            ("flags", u64::from(properties.flags.bits())),
            ("data_size", summary.data_size),
            ("data_packets", summary.data_packets),
            ("declared_packets", properties.data_packets_count),
            ("declared_size", properties.file_size),
            ("packets", packet_count(file.len() as u64, &summary)),
            ("found_objects", Header::decode(&file).unwrap().objects().count() as u64),
        ];
        for (key, value) in found {
            assert_eq!(value, number(fact, key), "{key} of {name}");
        }
        let streams: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind.to_string())).collect();
        assert_eq!(streams, stream_kinds(fact), "{name}");
        checked += 1;
    }
    assert_eq!(checked, 18);
}

#[test]
fn the_made_packets_have_heads_and_send_times_that_never_decrease() {
    let Some(folder) = shared("made") else { return };
    let facts = fs::read_to_string(folder.join("facts.json")).unwrap();
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let fact = facts.lines().find(|line| line.contains(&format!("\"file\": \"{name}\""))).unwrap();
        let file = read(&path);
        let summary = walk(&file).unwrap().unwrap();
        let heads: Vec<_> = packets(&file, &summary).map(|p| PacketHead::decode(p).unwrap()).collect();
        assert!(heads.is_sorted_by_key(|head| head.send_time_ms), "{name}");
        let multiple = heads.iter().filter(|head| head.multiple_payloads).count() as u64;
        let padding: u64 = heads.iter().map(|head| u64::from(head.padding_len)).sum();
        assert_eq!(multiple, number(fact, "multi"), "{name}");
        assert_eq!(padding, number(fact, "padding"), "{name}");
        assert_eq!(u64::from(heads.first().unwrap().send_time_ms), number(fact, "first_send"), "{name}");
        assert_eq!(u64::from(heads.last().unwrap().send_time_ms), number(fact, "last_send"), "{name}");
    }
}

#[test]
fn every_file_gives_the_same_summary_byte_by_byte_and_in_its_views() {
    for folder in ["made", "real/asf"] {
        let Some(folder) = shared(folder) else { return };
        for path in files(&folder) {
            let file = read(&path);
            let summary = walk(&file).unwrap().unwrap_or_else(|| panic!("{} is cut", path.display()));
            for sizes in [&[1][..], &[23, 1, 2, 80], &[1460]] {
                let parts = walk_in_parts(&file, HeaderLimits::default(), sizes).unwrap();
                assert_eq!(parts.as_ref(), Some(&summary), "{}", path.display());
            }
            let header = Header::decode(&file).unwrap();
            let mut views: Vec<_> = header.streams().map(|s| (s.number, s.kind)).collect();
            views.sort_unstable_by_key(|(number, _)| *number);
            let table: Vec<_> = summary.streams.iter().map(|s| (s.number, s.kind)).collect();
            assert_eq!(views, table, "{}", path.display());
            let ends = header.objects().last().map(|object| object.offset + object.size());
            assert_eq!(ends, Some(summary.data_offset), "{}", path.display());
            for stream in header.streams() {
                assert_eq!(stream.audio().is_some(), stream.kind == StreamKind::Audio, "{}", path.display());
                assert_eq!(stream.video().is_some(), stream.kind == StreamKind::Video, "{}", path.display());
            }
        }
    }
}

/// Packet size, declared packets, and number, kind, codec of each stream.
type Row = (&'static str, u32, u64, &'static [(u8, &'static str, &'static str)]);

const REAL: [Row; 12] = [
    ("atl-voice-8k.wma", 331, 49, &[(1, "audio", "000a 1 8000")]),
    (
        "exiftool-photostory-header.wmv",
        1400,
        287,
        &[(1, "audio", "0161 2 22050"), (2, "video", "WVP2 160x120")],
    ),
    ("fate-wmalossless-24bit.wma", 13406, 5, &[(1, "audio", "0163 2 44100")]),
    ("fate-wmapro-51-cut.wma", 8223, 195, &[(1, "audio", "0162 6 48000")]),
    ("mm-elephant-mp43.asf", 947, 150, &[(1, "audio", "0161 1 8000"), (2, "video", "MP43 160x120")]),
    ("moon-big-streamed-markers.wmv", 200, 16, &[(2, "video", "WVC1 120x80"), (4, "command", "")]),
    (
        "moon-elephantsdream-2lang.wmv",
        12850,
        154,
        &[(1, "audio", "0161 2 44100"), (2, "audio", "0161 2 44100"), (3, "video", "WMV3 320x240")],
    ),
    ("moon-timecode-short-broadcast.wmv", 3200, 0, &[(1, "video", "WMV2 208x160")]),
    ("moon-timecode-short-vc1-adv.wmv", 16000, 11, &[(2, "video", "WVC1 1280x720")]),
    ("ms-rendering-binary.asf", 712, 921, &[(1, "audio", "0055 2 22050"), (2, "binary", "")]),
    (
        "tika-netshow-mbr.asf",
        1272,
        48,
        &[(1, "audio", "0075 1 8000"), (2, "video", "MP42 160x120"), (4, "video", "MP42 160x120")],
    ),
    ("taglib-real-example-nodata.wma", 5976, 260, &[(1, "audio", "0161 2 44100")]),
];

#[test]
fn real_files_have_the_packets_and_streams_that_their_table_says() {
    let Some(folder) = shared("real/asf") else { return };
    for (name, packet_size, packets, streams) in REAL {
        let file = read(&folder.join(name));
        let header = Header::decode(&file).unwrap();
        assert_eq!(header.file_properties().packet_size(), packet_size, "{name}");
        assert_eq!(header.file_properties().data_packets_count, packets, "{name}");
        let mut found: Vec<_> = header
            .streams()
            .map(|stream| {
                let audio = stream.audio().map(|format| {
                    format!("{:04x} {} {}", format.codec_id, format.channels, format.samples_per_second)
                });
                let video = stream.video().map(|format| {
                    let code = core::str::from_utf8(&format.compression).unwrap().to_owned();
                    format!("{code} {}x{}", format.width, format.height)
                });
                (stream.number, stream.kind.to_string(), audio.or(video).unwrap_or_default())
            })
            .collect();
        found.sort_unstable();
        let found: Vec<_> = found.iter().map(|(n, k, c)| (*n, k.as_str(), c.as_str())).collect();
        assert_eq!(found, streams, "{name}");
    }
}

#[test]
fn files_that_declare_too_much_have_the_packets_that_are_there() {
    let Some(folder) = shared("real/asf") else { return };
    let wanted = [
        ("taglib-real-example-nodata.wma", 0),
        ("exiftool-photostory-header.wmv", 0),
        ("fate-wmapro-51-cut.wma", 3),
        ("mutagen-silence-1.wma", 11),
        ("atl-xmp-after-data.wma", 17),
    ];
    for (name, count) in wanted {
        let file = read(&folder.join(name));
        assert_eq!(packet_count(file.len() as u64, &walk(&file).unwrap().unwrap()), count, "{name}");
    }
}

#[test]
fn metadata_is_read_with_its_characters() {
    let Some(folder) = shared("made") else { return };
    let file = read(&folder.join("metadata-utf16.wma"));
    let header = Header::decode(&file).unwrap();
    let content = header.content_description().unwrap();
    assert_eq!(content.title.to_string(), "Über den Wolken 𝄞 日本語 😀");
    assert_eq!(content.author.to_string(), "Ærøskøbing ﷽ 𐍈");
    assert_eq!(content.copyright.to_string(), "© 2026 the mms authors");
    let text = |name: &str| match header.extended_content().find(|tag| tag.name == *name).unwrap().value {
        TagValue::Text(text) => text.to_string(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!((text("WM/AlbumTitle").as_str(), text("WM/Year").as_str()), ("𝕬𝖑𝖇𝖚𝖒", "2026"));
    let codec = header.codecs().next().unwrap();
    assert_eq!(codec.tag().and_then(mms_core::asf::codec_name), Some("Windows Media Audio 2"));
}

#[test]
fn every_packet_decodes_as_the_slow_decoder_says_also_when_it_is_damaged() {
    let mut seen = 0;
    for folder in ["made", "real/asf"] {
        let Some(folder) = shared(folder) else { return };
        for path in files(&folder) {
            let file = read(&path);
            for packet in packets(&file, &walk(&file).unwrap().unwrap()) {
                seen += 1;
                let head = PacketHead::decode(packet).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert_eq!(Some(as_reference(&head)), reference::decode(packet), "{}", path.display());
                compare_damaged(packet, seen);
            }
        }
    }
    assert!(seen > 4000, "{seen} packets only");
}

/// Changes one of the first bytes and the length, differently for each packet.
fn compare_damaged(packet: &[u8], seed: usize) {
    let mut damaged = packet.to_vec();
    for turn in 0..8 {
        let noise = seed.wrapping_mul(0x9e37_79b9).wrapping_add(turn * 0x85eb_ca6b);
        let at = (noise >> 8) % 16.min(damaged.len());
        damaged[at] = (noise >> 16).to_le_bytes()[0];
        if turn % 3 == 2 {
            damaged.truncate(damaged.len().min(noise % 40 + 1));
        }
        let fast = PacketHead::decode(&damaged).ok().as_ref().map(as_reference);
        assert_eq!(fast, reference::decode(&damaged), "{damaged:02x?}");
    }
}

#[test]
fn padding_that_is_cut_from_several_payloads_comes_back() {
    let Some(folder) = shared("made") else { return };
    let (mut whole, mut same) = (0, 0);
    for path in files(&folder) {
        let file = read(&path);
        let summary = walk(&file).unwrap().unwrap();
        for packet in packets(&file, &summary) {
            let head = PacketHead::decode(packet).unwrap();
            if !head.multiple_payloads || head.padding_len == 0 {
                continue;
            }
            let range = head.payload_range();
            let mut wire = packet[..range.end].to_vec();
            let field = head.head_len - 6;
            let width = if head.length_type_flags & 0x18 == 0x08 { 1 } else { 2 };
            wire[field - width..field].fill(0);
            let restored = restore_padding(&wire, summary.packet_size()).unwrap();
            let mut back = restored.slices().concat();
            back.resize(back.len() + restored.zeros(), 0);
            assert_eq!(back.len(), packet.len());
            let again = PacketHead::decode(&back).unwrap();
            assert_eq!(back[again.payload_range()], packet[range], "{}", path.display());
            whole += 1;
            same += usize::from(back == packet);
        }
    }
    assert!(whole > 100 && same * 10 > whole * 9, "{same} of {whole} are identical");
}

/// The header and the packets of an HTTP body: `$H` and `$D` frames of 4 + 8 bytes and content.
fn frames(body: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let (mut header, mut packets, mut rest) = (vec![], vec![], body);
    while rest.len() >= 12 {
        let len = usize::from(u16::from_le_bytes([rest[2], rest[3]]));
        match rest[1] {
            b'H' => header.extend_from_slice(&rest[12..4 + len]),
            b'D' => packets.push(&rest[12..4 + len]),
            _ => {}
        }
        rest = &rest[4 + len..];
    }
    (header, packets)
}

#[test]
fn packets_of_a_real_encoder_on_the_wire_are_restored_to_the_declared_size() {
    let Some(folder) = shared("real/mmsh") else { return };
    let body = fs::read(folder.join("peercast-wme9-live.mmsh")).unwrap();
    let (header, packets) = frames(&body);
    let summary = walk(&header).unwrap().unwrap();
    assert_eq!((summary.packet_size(), summary.header_len), (5400, header.len() as u64));
    assert!(summary.file_properties.is_broadcast());
    let (mut short, mut explicit) = (0, 0);
    for packet in &packets {
        let head = PacketHead::decode(packet).unwrap();
        assert_eq!(reference::decode(packet), Some(as_reference(&head)));
        explicit += usize::from(head.explicit_packet_length.is_some());
        short += usize::from(packet.len() < 5400);
        let restored = restore_padding(packet, 5400).unwrap();
        let mut whole = restored.slices().concat();
        whole.resize(whole.len() + restored.zeros(), 0);
        let again = PacketHead::decode(&whole).unwrap();
        assert_eq!((whole.len(), again.send_time_ms), (5400, head.send_time_ms));
        assert_eq!(whole[again.payload_range()], packet[head.payload_range()]);
    }
    assert_eq!((packets.len(), explicit, short), (361, 116, 231 + 116));
    assert_eq!(PacketHead::decode(packets[0]).unwrap().send_time_ms, 4_989_621);
}
