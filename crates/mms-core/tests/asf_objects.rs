//! Payloads, media objects and their way into packets, on the worked examples and on every file.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use std::collections::BTreeMap;
use std::fs;

use asf::objects::{Found, Object, collect, packetise, packets};
use asf::{all_files, asf_files, at_least, example_a, example_b, number, shared, walk};
use mms_core::asf::{
    ExtensionValue, Guid, Header, MIN_PACKET_SIZE, Packet, PacketWriter, Packetiser, PayloadForm,
    PayloadHead, content_time_ms,
};

fn of_file(file: &[u8]) -> Found {
    let summary = walk(file).unwrap().unwrap();
    collect(packets(file, &summary), summary.file_properties.preroll_ms)
}

fn row(object: &Object) -> (u8, u32, u32, bool, usize) {
    (object.stream, object.number, object.time, object.key, object.data.len())
}

#[test]
fn example_a_has_six_objects_in_three_forms_of_packets() {
    let file = example_a();
    let found = of_file(&file);
    let rows: Vec<_> = found.objects.iter().map(row).collect();
    let wanted = [
        (1, 1, 1000, true, 32),
        (1, 2, 1004, true, 8),
        (1, 3, 1005, true, 8),
        (1, 4, 1006, true, 8),
        (1, 5, 1007, true, 8),
        (1, 6, 1008, true, 8),
    ];
    assert_eq!(rows, wanted);
    assert_eq!(found.objects[5].data, [0x80; 8]);
    assert!(found.losses.is_empty() && found.errors.is_empty() && found.duplicates == 0);
    let forms: Vec<_> = packets(&file, &walk(&file).unwrap().unwrap())
        .iter()
        .flat_map(|p| Packet::decode(p).unwrap().payloads().collect::<Vec<_>>())
        .map(|payload| payload.unwrap().form())
        .collect();
    use PayloadForm::{Compressed, Normal};
    assert_eq!(forms, [Normal, Normal, Normal, Compressed]);
}

#[test]
fn example_b_has_fragments_key_frames_and_sample_durations() {
    let file = example_b();
    let found = of_file(&file);
    let rows: Vec<_> = found.objects.iter().map(row).collect();
    let wanted = [
        (1, 1, 100, false, 8),
        (2, 1, 100, true, 150),
        (1, 2, 140, false, 8),
        (2, 2, 140, false, 20),
        (2, 3, 180, true, 30),
        (2, 4, 220, false, 10),
    ];
    assert_eq!(rows, wanted);
    assert!(found.objects[1].data.iter().copied().eq(0x20..0x20 + 150));
    let header = Header::decode(&file).unwrap();
    let extended = header.extended_stream(2).unwrap();
    assert_eq!((extended.stream.data_bit_rate, extended.stream.maximum_object_size), (20000, 150));
    assert_eq!((extended.stream.average_time_per_frame, extended.names().count()), (400_000, 0));
    assert!(extended.stream_properties().is_none() && header.extended_stream(1).is_none());
    let systems = header.extension_systems(2);
    for object in found.objects.iter().filter(|object| object.stream == 2) {
        let values: Vec<_> = systems.values(&object.extensions).collect();
        assert_eq!(values, [(Guid::EXTENSION_SAMPLE_DURATION, ExtensionValue::SampleDuration(40))]);
    }
    assert_eq!(systems.values(&[40]).count(), 0, "one byte is too short for a duration");
    assert_eq!(header.extension_systems(1).count(), 0);
    assert_eq!((content_time_ms(180, 100), content_time_ms(99, 100)), (80, -1));
}

#[test]
fn a_lost_packet_is_told_by_object_and_bytes() {
    let file = example_b();
    let summary = walk(&file).unwrap().unwrap();
    let all = packets(&file, &summary);
    let without = |lost: usize| {
        let kept = all.iter().enumerate().filter(|(n, _)| *n != lost).map(|(_, p)| *p);
        collect(kept, 100)
    };
    let found = without(1);
    assert_eq!(found.losses, [(2, 1, 72..150)]);
    assert!(found.skipped.is_empty());
    let found = without(0);
    assert_eq!((found.losses.as_slice(), found.damaged), (&[(2, 1, 0..72)][..], 1));
    let found = without(2);
    assert_eq!((found.losses.len(), found.skipped), (0, BTreeMap::from([(2, 1)])));
}

#[test]
fn a_repeated_packet_changes_nothing_but_the_count_of_duplicates() {
    for file in [example_a(), example_b()] {
        let summary = walk(&file).unwrap().unwrap();
        let once = collect(packets(&file, &summary), 100);
        let twice = collect(packets(&file, &summary).into_iter().flat_map(|p| [p, p]), 100);
        assert_eq!((&twice.objects, &twice.losses), (&once.objects, &once.losses));
        assert!(twice.duplicates >= 6);
    }
}

#[test]
fn made_files_have_the_objects_that_their_facts_say() {
    let Some(folder) = shared("made") else { return };
    let facts = fs::read_to_string(folder.join("facts.json")).unwrap();
    for path in asf_files(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let fact = facts.lines().find(|line| line.contains(&format!("\"file\": \"{name}\""))).unwrap();
        let found = of_file(&fs::read(&path).unwrap());
        assert!(found.losses.is_empty() && found.errors.is_empty() && found.skipped.is_empty(), "{name}");
        let streams = &fact[fact.find("\"streams\": {").unwrap()..];
        let mut checked = 0;
        for number_of in 1..=3u8 {
            let Some(at) = streams.find(&format!("\"{number_of}\": {{")) else { continue };
            let fact = &streams[at..];
            let fact = &fact[..fact.find('}').unwrap()];
            let of_stream: Vec<_> = found.objects.iter().filter(|o| o.stream == number_of).collect();
            let values = [
                ("objects", of_stream.len()),
                ("bytes", of_stream.iter().map(|o| o.data.len()).sum()),
                ("keys", of_stream.iter().filter(|o| o.key).count()),
                ("largest", of_stream.iter().map(|o| o.data.len()).max().unwrap()),
                ("first", of_stream.first().unwrap().time as usize),
                ("last", of_stream.last().unwrap().time as usize),
            ];
            for (key, value) in values {
                assert_eq!(value as u64, number(fact, key), "{key} of stream {number_of} of {name}");
            }
            checked += of_stream.len();
        }
        assert_eq!(checked, found.objects.len(), "{name}");
    }
}

/// Real files whose last object is cut, with what is missing: the only losses there are.
const CUT: [(&str, u8, u32, core::ops::Range<u32>); 1] =
    [("moon-timecode-short-broadcast.wmv", 1, 24, 1074..6919)];

#[test]
fn real_files_have_no_loss_but_in_the_objects_that_are_cut() {
    let files = all_files();
    let mut losses = vec![];
    let mut objects = 0;
    for (name, file) in &files {
        let found = of_file(file);
        assert_eq!(found.errors, [""; 0], "{name}");
        assert_eq!((found.duplicates, found.damaged, found.skipped.len()), (0, 0, 0), "{name}");
        losses
            .extend(found.losses.into_iter().map(|(stream, n, missing)| (name.as_str(), stream, n, missing)));
        objects += found.objects.len();
    }
    let is_here = |row: &&(&str, u8, u32, core::ops::Range<u32>)| files.iter().any(|(name, _)| name == row.0);
    assert_eq!(losses, CUT.iter().filter(is_here).cloned().collect::<Vec<_>>());
    at_least(objects, 10001);
}

#[test]
fn every_object_survives_every_packet_size() {
    let files = all_files();
    for (name, file) in files {
        let objects = of_file(&file).objects;
        let largest_extension = objects.iter().map(|o| o.extensions.len()).max().unwrap_or(0);
        let least = MIN_PACKET_SIZE + u32::try_from(largest_extension).unwrap();
        let small: Vec<_> = objects.iter().take(40).cloned().collect();
        for (objects, packet_size, keep_whole) in [
            (&small, least, false),
            (&small, 61, true),
            (&objects, 1460, true),
            (&objects, 300, false),
            (&objects, 65_535, false),
        ] {
            let packets = packetise(objects, packet_size, keep_whole);
            let found = collect(packets.iter().map(Vec::as_slice), 0);
            assert_eq!(&found.objects, objects, "{name} in packets of {packet_size}");
            assert!(found.losses.is_empty() && found.errors.is_empty() && found.duplicates == 0, "{name}");
            let heads: Vec<_> = packets.iter().map(|p| *Packet::decode(p).unwrap().head()).collect();
            assert!(heads.is_sorted_by_key(|head| head.send_time_ms), "{name}");
            for (head, next) in heads.iter().zip(heads.iter().skip(1)) {
                assert_eq!(head.send_time_ms + u32::from(head.duration_ms), next.send_time_ms, "{name}");
            }
        }
    }
}

#[test]
fn an_object_that_fits_a_packet_is_not_cut_if_it_shall_stay_whole() {
    let object = |number, len| Object {
        stream: 1,
        number,
        time: 1000,
        key: false,
        extensions: vec![],
        data: vec![7; len],
    };
    let objects = [object(0, 30), object(1, 30), object(2, 30), object(3, 74), object(4, 75)];
    let payloads = |keep_whole| {
        let packets = packetise(&objects, 100, keep_whole);
        packets.iter().map(|p| Packet::decode(p).unwrap().payload_count()).collect::<Vec<_>>()
    };
    // 75 bytes are one too many for a packet with 26 bytes around them and no room for padding.
    assert_eq!(payloads(true), [1, 1, 1, 1, 1, 1]);
    assert_eq!(payloads(false), [2, 3, 1, 1, 1]);
}

#[test]
fn packets_that_the_examples_have_are_written_byte_by_byte() {
    for (file, header, size, numbers) in [(example_a(), 334, 64, 0..3), (example_b(), 676, 128, 0..4)] {
        for n in numbers {
            let wanted = &file[header + n * size..header + (n + 1) * size];
            let packet = Packet::decode(wanted).unwrap();
            let mut out = vec![0x55; size];
            let mut writer = PacketWriter::new(&mut out).unwrap();
            for payload in packet.payloads() {
                let payload = payload.unwrap();
                let fragments: Vec<_> = payload.fragments().collect();
                if payload.form() == PayloadForm::Compressed {
                    let data: Vec<_> = fragments.iter().map(|f| f.data).collect();
                    let delta = payload.time_delta_ms().unwrap();
                    writer.push_compressed(1, true, 4, payload.offset_field, delta, &data).unwrap();
                } else {
                    writer.push(&PayloadHead::of(&fragments[0], 0), fragments[0].data).unwrap();
                }
            }
            let head = packet.head();
            assert_eq!(writer.payload_count(), packet.payload_count());
            assert_eq!(writer.finish(head.send_time_ms, head.duration_ms).unwrap(), wanted, "packet {n}");
        }
    }
}

#[test]
fn a_packet_writer_refuses_what_does_not_fit_and_stays_as_it_was() {
    let mut out = [0; 64];
    assert!(PacketWriter::new(&mut out[..26]).is_err());
    let mut writer = PacketWriter::new(&mut out).unwrap();
    let head = PayloadHead {
        stream_number: 1,
        is_key_frame: false,
        object_number: 0,
        offset: 0,
        object_size: 38,
        presentation_time_ms: 5,
        extensions: &[],
    };
    assert_eq!(writer.data_room(0), 64 - 26);
    assert!(writer.push(&head, &[1; 39]).is_err());
    assert!(writer.push(&PayloadHead { extensions: &[0; 248], ..head }, &[1]).is_err());
    writer.push(&head, &[1; 38]).unwrap();
    assert_eq!((writer.data_room(0), writer.payload_count()), (0, 1));
    assert!(writer.push(&head, &[]).is_err() && writer.push_compressed(1, true, 1, 1, 1, &[&[1]]).is_err());
    let packet = writer.finish(0, 0).unwrap();
    assert_eq!(packet[3], 0, "single payload, no padding field");
    assert!(PacketWriter::new(&mut [0; 64]).unwrap().finish(0, 0).is_err(), "no payload");
    assert!(Packetiser::new(MIN_PACKET_SIZE - 1).is_err() && Packetiser::new(65_536).is_err());
}
