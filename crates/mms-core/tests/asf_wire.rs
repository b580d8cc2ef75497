//! Packets on the wire: padding removed, streams left out, thinned.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::objects::{Object, collect, packets};
use asf::{all_files, at_least, example_a, example_b, hex, walk};
use mms_core::asf::{
    FilterError, Filtered, HeaderSummary, Keep, Packet, PacketFilter, StreamKind, restore_padding,
    strip_padding,
};
use proptest::prelude::*;

fn stripped(packet: &[u8]) -> Vec<u8> {
    let stripped = strip_padding(&Packet::decode(packet).unwrap()).unwrap();
    let bytes = stripped.slices().concat();
    assert_eq!(bytes.len(), stripped.total_len());
    assert!(bytes.ends_with(stripped.borrowed()));
    bytes
}

fn restored(packet: &[u8], size: u32) -> Vec<u8> {
    let restored = restore_padding(packet, size).unwrap();
    let mut bytes = restored.slices().concat();
    bytes.resize(bytes.len() + restored.zeros(), 0);
    bytes
}

/// The packets that are left, each as it is sent.
fn filtered(filter: &mut PacketFilter, packets: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut out = vec![0xee; 65_536];
    let mut sent = vec![];
    for bytes in packets {
        match filter.apply(&Packet::decode(bytes).unwrap(), &mut out).unwrap() {
            Filtered::Unchanged => sent.push(bytes.to_vec()),
            Filtered::Rewritten(len) => sent.push(out[..len].to_vec()),
            Filtered::Empty => {}
            other => panic!("{other:?}"),
        }
    }
    sent
}

fn objects_of(packets: &[Vec<u8>]) -> Vec<Object> {
    let found = collect(packets.iter().map(Vec::as_slice), 0);
    assert_eq!(found.errors, [""; 0]);
    found.objects
}

#[test]
fn example_a_is_stripped_as_real_servers_do_and_comes_back() {
    let file = example_a();
    let packets: Vec<_> = file[334..].chunks(64).collect();
    let wire: Vec<_> = packets.iter().map(|packet| stripped(packet)).collect();
    let first = hex("82 00 00 40 5D 3C 00 00 00 00 00 04 00 81 01 00 00 00 00 08 20 00 00 00 E8 03 00 00");
    let second = hex("82 00 00 09 5D 00 04 00 00 00 02 00 82 81 02");
    let third = hex("82 00 00 40 5D 30 00 06 00 00 00 03 00 81 04 EE 03 00 00 01 01 08 60");
    assert_eq!(wire.iter().map(Vec::len).collect::<Vec<_>>(), [60, 63, 48]);
    for (wire, wanted) in wire.iter().zip([first, second, third]) {
        assert_eq!(wire[..wanted.len()], wanted);
    }
    for (wire, packet) in wire.iter().zip(&packets) {
        assert_eq!(restored(wire, 64), *packet);
    }
}

#[test]
fn example_b_loses_streams_as_the_worked_example_says() {
    let file = example_b();
    let streams = walk(&file).unwrap().unwrap().streams;
    let packets: Vec<_> = file[676..676 + 512].chunks(128).collect();
    let mut audio = PacketFilter::new(&streams);
    audio.set(2, Keep::Nothing);
    let sent = filtered(&mut audio, &packets);
    let first = "82 00 00 01 5D 00 00 00 00 1E 00 81 01 01 00 00 00 00 08 08 00 00 00 64 00 00 00 08 00 01 02 03 04 05 06 07 08";
    let second = "82 00 00 09 5D 00 3C 00 00 00 1E 00 81 01 02 00 00 00 00 08 08 00 00 00 8C 00 00 00 08 00 11 12 13 14 15 16 17 18";
    assert_eq!(sent, [hex(first), hex(second)]);

    let mut video = PacketFilter::new(&streams);
    video.set(1, Keep::Nothing);
    let sent = filtered(&mut video, &packets);
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [103, 128, 52, 128]);
    assert_eq!(sent[0][11..13], [0x81, 0x82]);

    let mut keys = PacketFilter::new(&streams);
    keys.set(2, Keep::KeyFrames);
    keys.set(1, Keep::KeyFrames);
    let sent = filtered(&mut keys, &packets);
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [128, 128, 38, 62]);
    assert_eq!(objects_of(&sent).len(), 4, "audio has no key frames and is not thinned");
    assert_eq!(
        (keys.level(1), keys.level(2), keys.level(200)),
        (Keep::KeyFrames, Keep::KeyFrames, Keep::Nothing)
    );
}

#[test]
fn a_filter_that_lacks_room_says_how_much_and_stays_as_it_was() {
    let file = example_b();
    let mut filter = PacketFilter::new(&walk(&file).unwrap().unwrap().streams);
    filter.set(2, Keep::Nothing);
    let before = filter.clone();
    let packet = Packet::decode(&file[676..676 + 128]).unwrap();
    for room in 0..37 {
        let Err(FilterError::Buffer(error)) = filter.apply(&packet, &mut vec![0; room]) else {
            panic!("{room}")
        };
        assert_eq!((error.needed, &filter), (37, &before));
    }
    assert_eq!(filter.apply(&packet, &mut [0; 37]), Ok(Filtered::Rewritten(37)));
}

#[test]
fn a_stream_that_starts_again_waits_for_its_key_frame_and_others_for_an_object() {
    let file = example_b();
    let packets: Vec<_> = file[676..676 + 512].chunks(128).collect();
    let mut filter = PacketFilter::new(&walk(&file).unwrap().unwrap().streams);
    filter.restart();
    let found = objects_of(&filtered(&mut filter, &packets[1..]));
    let rows: Vec<_> = found.iter().map(|o| (o.stream, o.number)).collect();
    assert_eq!(rows, [(1, 2), (2, 3), (2, 4)]);

    // Switched off within an object: it is sent to its end.
    let mut filter = PacketFilter::new(&walk(&file).unwrap().unwrap().streams);
    let mut sent = filtered(&mut filter, &packets[..1]);
    filter.switch(2, Keep::Nothing);
    sent.extend(filtered(&mut filter, &packets[1..3]));
    filter.switch(2, Keep::KeyFrames);
    sent.extend(filtered(&mut filter, &packets[3..]));
    let rows: Vec<_> = objects_of(&sent).iter().map(|o| (o.stream, o.number)).collect();
    assert_eq!(rows, [(1, 1), (2, 1), (1, 2), (2, 3)]);

    // From key frames back to everything: not before the next key frame.
    let mut filter = PacketFilter::new(&walk(&file).unwrap().unwrap().streams);
    filter.set(2, Keep::KeyFrames);
    filter.switch(2, Keep::Full);
    let rows: Vec<_> =
        objects_of(&filtered(&mut filter, &packets[1..])).iter().map(|o| (o.stream, o.number)).collect();
    assert_eq!(rows, [(1, 2), (2, 3), (2, 4)]);
    assert!(filter.keeps_all());
    filter.ignore_key_frames(2);
    filter.set(2, Keep::KeyFrames);
    assert_eq!(objects_of(&filtered(&mut filter, &packets)).len(), 6);
}

fn wanted(summary: &HeaderSummary, filter: &PacketFilter, object: &Object) -> bool {
    let is_video = summary.streams.get(object.stream).is_some_and(|s| s.kind == StreamKind::Video);
    match filter.level(object.stream) {
        Keep::Full => true,
        Keep::KeyFrames => object.key || !is_video,
        _ => false,
    }
}

#[test]
fn every_file_thinned_has_exactly_the_objects_that_should_remain() {
    let files = all_files();
    let (mut changed, mut empty) = (0, 0);
    for (name, file) in files {
        let summary = walk(&file).unwrap().unwrap();
        let all = packets(&file, &summary);
        let whole = collect(all.iter().copied(), 0).objects;
        let numbers: Vec<_> = summary.streams.iter().map(|s| s.number).collect();
        for keep in [Keep::Nothing, Keep::KeyFrames, Keep::Full] {
            for other in [Keep::Nothing, Keep::KeyFrames] {
                for number in &numbers {
                    let mut filter = PacketFilter::new(&summary.streams);
                    numbers.iter().for_each(|n| filter.set(*n, keep));
                    filter.set(*number, other);
                    let sent = filtered(&mut filter, &all);
                    changed += sent.iter().filter(|p| p.len() < all.first().map_or(0, |p| p.len())).count();
                    empty += all.len() - sent.len();
                    let remain: Vec<_> =
                        whole.iter().filter(|o| wanted(&summary, &filter, o)).cloned().collect();
                    let found = collect(sent.iter().map(Vec::as_slice), 0);
                    assert_eq!(found.objects, remain, "{name}, stream {number}");
                    assert!(found.errors.is_empty() && found.damaged == 0, "{name}");
                    // What clients do: fill up, with and without telling it.
                    let filled =
                        sent.iter().map(|packet| restored(packet, summary.packet_size())).collect::<Vec<_>>();
                    assert_eq!(objects_of(&filled), remain, "{name}");
                }
            }
        }
    }
    at_least(changed, 1001);
    at_least(empty, 1001);
}

#[test]
fn every_packet_stripped_and_restored_keeps_its_payloads_times_and_size() {
    let files = all_files();
    let (mut seen, mut same, mut saved) = (0, 0, 0);
    for (name, file) in files {
        let summary = walk(&file).unwrap().unwrap();
        let all = packets(&file, &summary);
        let mut back = vec![];
        for packet in &all {
            let wire = stripped(packet);
            assert!(wire.len() <= packet.len());
            saved += packet.len() - wire.len();
            // What most clients do: zeros behind the packet, nothing else.
            let mut filled = wire.clone();
            filled.resize(packet.len(), 0);
            let (old, new) = (Packet::decode(packet).unwrap(), Packet::decode(&filled).unwrap());
            let of = |p: &Packet<'_>| p.payloads().map(|p| p.unwrap().data.to_vec()).collect::<Vec<_>>();
            assert_eq!(of(&old), of(&new), "{name}");
            let restored = restored(&wire, summary.packet_size());
            let (a, b) = (*old.head(), *Packet::decode(&restored).unwrap().head());
            assert_eq!((a.send_time_ms, a.duration_ms), (b.send_time_ms, b.duration_ms), "{name}");
            assert_eq!(restored.len(), packet.len());
            seen += 1;
            same += usize::from(restored == *packet);
            back.push(restored);
        }
        assert_eq!(objects_of(&back), collect(all.iter().copied(), 0).objects, "{name}");
    }
    at_least(saved, 100_001);
    assert!(same * 4 > seen * 3, "{same} of {seen} the same");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_packet_is_filtered_and_stripped_without_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in prop::sample::select(vec![9u8, 1, 8, 0x11, 0x51, 0x33, 0x40]),
        level in 0..3usize,
    ) {
        let bytes = [&[0x82, 0, 0, start, 0x5d][..], &bytes].concat();
        let Ok(packet) = Packet::decode(&bytes) else { return Ok(()) };
        let streams = walk(&example_b()).unwrap().unwrap().streams;
        let mut filter = PacketFilter::new(&streams);
        for stream in 0..100 {
            filter.set(stream, [Keep::Nothing, Keep::KeyFrames, Keep::Full][level]);
        }
        let mut out = vec![0; bytes.len()];
        let is_good = packet.payloads().all(|payload| payload.is_ok());
        let result = filter.apply(&packet, &mut out);
        prop_assert_eq!(result.is_ok(), is_good || level == 2, "what is kept whole is not looked at");
        if let Ok(Filtered::Rewritten(len)) = result {
            let left = Packet::decode(&out[..len]).unwrap();
            prop_assert!(left.payloads().all(|payload| payload.is_ok()));
            prop_assert_eq!(left.payloads().count(), usize::from(left.payload_count()));
            prop_assert!(left.payload_count() < packet.payload_count());
        }
        let stripped = strip_padding(&packet);
        prop_assert_eq!(stripped.is_ok(), is_good);
        if let Ok(stripped) = stripped {
            let wire = stripped.slices().concat();
            prop_assert!(wire.len() <= bytes.len());
            let again = Packet::decode(&wire).unwrap();
            let data = |p: &Packet<'_>| p.payloads().map(|p| p.unwrap().data.to_vec()).collect::<Vec<_>>();
            prop_assert_eq!(data(&again), data(&packet));
        }
    }
}
