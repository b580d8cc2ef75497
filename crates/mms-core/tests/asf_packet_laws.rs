//! Laws of packets, payloads and media objects that hold for any bytes and any objects.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use std::collections::BTreeMap;

use asf::objects::{Object, collect, packetise};
use asf::{example_a, example_b};
use mms_core::asf::{ExtendedTime, Packet, PacketWriter, PayloadHead};
use proptest::prelude::*;

/// Objects of up to three streams with rising times and their own numbers, fewer than 128 of each.
fn objects() -> impl Strategy<Value = Vec<Object>> {
    let one = (1..=3u8, 1..700usize, any::<bool>(), 0..5usize, any::<u8>());
    (prop::collection::vec(one, 1..60), any::<u8>()).prop_map(|(specs, first)| {
        let mut numbers = BTreeMap::new();
        let each = |(at, (stream, len, key, extensions, seed)): (usize, (u8, usize, bool, usize, u8))| {
            let number = numbers.entry(stream).or_insert(first);
            *number = number.wrapping_add(1);
            Object {
                stream,
                number: u32::from(*number),
                time: 3000 + u32::try_from(at).unwrap() * 10,
                key,
                extensions: vec![seed; extensions],
                data: (0..len).map(|n| seed.wrapping_add(n.to_le_bytes()[0])).collect(),
            }
        };
        specs.into_iter().enumerate().map(each).collect()
    })
}

/// Bytes of packets, whole, damaged, cut, or of nothing.
fn packet_bytes() -> impl Strategy<Value = Vec<u8>> {
    let (a, b) = (example_a(), example_b());
    let mut good: Vec<Vec<u8>> = a[334..].chunks(64).map(<[u8]>::to_vec).collect();
    good.extend(b[676..676 + 512].chunks(128).map(<[u8]>::to_vec));
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5);
    let damaged = (prop::sample::select(good), damage, any::<prop::sample::Index>(), any::<bool>());
    let damaged = damaged.prop_map(|(mut bytes, damage, cut, is_cut)| {
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(if is_cut { cut.index(bytes.len()) } else { bytes.len() });
        bytes
    });
    let heads = prop::sample::select(vec![
        vec![0x82, 0, 0, 9, 0x5d, 0, 0, 0, 0, 0, 0, 0],
        vec![0x82, 0, 0, 0x11, 0x5d, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![1, 0x7f, 0, 0, 0, 0, 0, 0],
        vec![0, 0x40, 0, 0, 0, 0, 0, 0],
    ]);
    let built = (heads, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(a, b)| [a, b].concat());
    prop_oneof![damaged, built, prop::collection::vec(any::<u8>(), 0..80)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn payloads_of_any_bytes_stay_inside_their_packet_and_come_to_an_end(bytes in packet_bytes()) {
        let Ok(packet) = Packet::decode(&bytes) else { return Ok(()) };
        let (mut turns, mut end, mut sum) = (0, packet.head().head_len, 0);
        for payload in packet.payloads() {
            turns += 1;
            let Ok(payload) = payload else { continue };
            prop_assert!(payload.range().start >= end && payload.range().end <= packet.head().total_len);
            end = payload.range().end;
            sum += payload.data.len();
            let mut pieces = 0;
            for fragment in payload.fragments() {
                pieces += fragment.data.len();
                prop_assert!(!fragment.data.is_empty() && fragment.end() <= fragment.object_size);
                prop_assert!((1..=127).contains(&fragment.stream_number));
            }
            prop_assert!(pieces <= payload.data.len());
        }
        prop_assert!(turns <= usize::from(packet.payload_count()) && packet.payload_count() <= 63);
        prop_assert!(sum <= bytes.len());
    }

    #[test]
    fn any_packets_in_any_order_are_taken_without_harm(
        packets in prop::collection::vec(packet_bytes(), 0..20),
    ) {
        // An offset of gigabytes asks for a buffer of gigabytes; the limit is the caller's.
        let is_small = |packet: &&Vec<u8>| Packet::decode(packet).is_ok_and(|packet| {
            packet.payloads().flatten().flat_map(|p| p.fragments()).all(|f| f.end() < 1 << 20)
        });
        let found = collect(packets.iter().filter(is_small).map(Vec::as_slice), 0);
        for object in found.objects {
            prop_assert!(!object.data.is_empty());
        }
    }

    #[test]
    fn what_is_packetised_is_found_again(
        objects in objects(),
        packet_size in 32..2000u32,
        keep_whole in any::<bool>(),
    ) {
        let packets = packetise(&objects, packet_size, keep_whole);
        let found = collect(packets.iter().map(Vec::as_slice), 0);
        prop_assert_eq!(&found.objects, &objects);
        prop_assert!(found.losses.is_empty() && found.errors.is_empty() && found.skipped.is_empty());
        for packet in &packets {
            prop_assert_eq!(packet.len(), packet_size as usize);
        }
    }

    #[test]
    fn every_byte_that_is_lost_is_told_and_no_other(
        objects in objects(),
        packet_size in 40..600u32,
        lost in prop::collection::vec(any::<bool>(), 8),
    ) {
        let packets = packetise(&objects, packet_size, false);
        let is_lost = |n: usize| n % 4 == 1 && lost[n / 4 % 8];
        // How many bytes of each object came, and whether it is of interest: one behind the last that
        // came is not told, because nothing follows it.
        let mut came: BTreeMap<(u8, u32), (usize, Vec<bool>)> = BTreeMap::new();
        let mut kept = vec![];
        for (n, bytes) in packets.iter().enumerate() {
            for payload in Packet::decode(bytes).unwrap().payloads() {
                for fragment in payload.unwrap().fragments() {
                    let key = (fragment.stream_number, fragment.object_number);
                    let size = fragment.object_size as usize;
                    let object = came.entry(key).or_insert_with(|| (0, vec![false; size]));
                    if !is_lost(n) {
                        object.0 += 1;
                        object.1[fragment.offset as usize..fragment.end() as usize].fill(true);
                    }
                }
            }
            if !is_lost(n) {
                kept.push(bytes.as_slice());
            }
        }
        let found = collect(kept, 0);
        let mut told: BTreeMap<(u8, u32), Vec<bool>> = BTreeMap::new();
        for (stream, number, missing) in &found.losses {
            let (_, bytes) = &came[&(*stream, *number)];
            let told = told.entry((*stream, *number)).or_insert_with(|| vec![true; bytes.len()]);
            told[missing.start as usize..missing.end as usize].fill(false);
        }
        let mut whole = 0;
        for (key, (pieces, bytes)) in &came {
            let is_whole = bytes.iter().all(|byte| *byte);
            whole += usize::from(is_whole);
            if *pieces > 0 && !is_whole {
                prop_assert_eq!(told.get(key), Some(bytes), "{:?}", key);
            } else {
                prop_assert_eq!(told.get(key), None, "{:?}", key);
            }
        }
        prop_assert_eq!(found.objects.len(), whole);
        for stream in 1..=3 {
            let of_stream: Vec<_> = objects.iter().filter(|o| o.stream == stream).collect();
            let pieces = |o: &&Object| came[&(stream, o.number)].0;
            let first = of_stream.iter().position(|o| pieces(o) > 0);
            let last = of_stream.iter().rposition(|o| pieces(o) > 0);
            let (Some(first), Some(last)) = (first, last) else { continue };
            let between = of_stream[first..=last].iter().filter(|o| pieces(o) == 0).count();
            let skipped = found.skipped.get(&stream).copied().unwrap_or(0);
            prop_assert_eq!(skipped as usize, between, "stream {}", stream);
        }
    }

    #[test]
    fn a_packet_that_is_written_is_read_as_it_was(
        payloads in prop::collection::vec(
            (1..=127u8, any::<bool>(), any::<u8>(), 0..1000u32, any::<u32>(), 0..20usize, 1..90usize), 1..70),
        size in 80..3000usize,
        send in any::<u32>(),
        duration in any::<u16>(),
    ) {
        let mut out = vec![0x77; size];
        let mut writer = PacketWriter::new(&mut out).unwrap();
        let mut wanted = vec![];
        for (stream, key, number, offset, time, extensions, len) in payloads {
            let extensions = vec![number; extensions];
            let data = vec![stream; len];
            let head = PayloadHead {
                stream_number: stream,
                is_key_frame: key,
                object_number: number,
                offset,
                object_size: offset + 90,
                presentation_time_ms: time,
                extensions: &extensions,
            };
            let fits = len <= writer.data_room(extensions.len());
            prop_assert_eq!(writer.push(&head, &data).is_ok(), fits);
            if fits {
                wanted.push((stream, key, u32::from(number), offset, time, extensions, data));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let bytes = writer.finish(send, duration).unwrap();
        let packet = Packet::decode(bytes).unwrap();
        prop_assert_eq!((packet.head().send_time_ms, packet.head().duration_ms), (send, duration));
        let mut end = 0;
        let found: Vec<_> = packet.payloads().map(|payload| {
            let payload = payload.unwrap();
            end = payload.range().end;
            let f = payload.fragments().next().unwrap();
            let time = f.presentation_time_ms.unwrap();
            (f.stream_number, f.is_key_frame, f.object_number, f.offset, time, f.extensions.to_vec(), f.data.to_vec())
        }).collect();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(end, packet.head().payload_range().end, "padding begins behind the last payload");
    }

    #[test]
    fn compressed_payloads_are_read_as_they_were_written(
        objects in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..256), 1..6),
        delta in any::<u8>(),
        time in 1..100_000u32,
        before in any::<bool>(),
    ) {
        let mut out = vec![0x77; 2000];
        let mut writer = PacketWriter::new(&mut out).unwrap();
        let head = PayloadHead {
            stream_number: 2, is_key_frame: true, object_number: 9, offset: 0, object_size: 3,
            presentation_time_ms: 1, extensions: &[],
        };
        if before {
            writer.push(&head, &[1, 2, 3]).unwrap();
        }
        let slices: Vec<_> = objects.iter().map(Vec::as_slice).collect();
        writer.push_compressed(3, true, 250, time, delta, &slices).unwrap();
        let after = writer.push(&head, &[1, 2, 3]).is_ok();
        prop_assert!(after);
        let packet = Packet::decode(writer.finish(0, 0).unwrap()).unwrap();
        let payload = packet.payloads().nth(usize::from(before)).unwrap().unwrap();
        for (n, (fragment, object)) in payload.fragments().zip(&objects).enumerate() {
            let n = u32::try_from(n).unwrap();
            prop_assert_eq!(fragment.data, object.as_slice());
            prop_assert_eq!(fragment.presentation_time_ms, Some(time + n * u32::from(delta)));
            prop_assert_eq!(fragment.object_number, (250 + n) & 0xff);
        }
        prop_assert_eq!(payload.fragments().count(), objects.len());
        prop_assert_eq!(packet.payloads().count(), 2 + usize::from(before));
    }

    #[test]
    fn times_beyond_32_bits_are_told_from_their_low_bits(steps in prop::collection::vec(0..1u64 << 31, 0..20)) {
        let (mut extended, mut time) = (ExtendedTime::default(), 0u64);
        for step in steps {
            time += step;
            let low = u32::try_from(time & 0xffff_ffff).unwrap();
            prop_assert_eq!(extended.extend(low), time);
        }
    }
}
