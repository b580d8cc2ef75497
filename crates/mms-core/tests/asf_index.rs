//! Index objects, and the way from time to packet with them and without.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod asf;

use asf::objects::packets;
use asf::{all_files, at_least, example_b, object, walk};
use mms_core::asf::{
    Found, Guid, Index, IndexBlockToWrite, IndexKind, IndexSpecifier, IndexToWrite, IndexType, Keep, Object,
    Packet, PacketFilter, PacketWriter, PayloadHead, Seek, SeekStreams, SendTimeSearch, SimpleIndex,
    SimpleIndexEntry, StreamKind, StreamTable, first_presentation_time, packet_at, packet_offset,
    simple_index_head, top_level_object,
};
use proptest::prelude::*;

fn index_of(file: &[u8], at: usize) -> Object<'_> {
    top_level_object(&file[at..], at as u64).unwrap()
}

fn video_of(streams: &StreamTable) -> SeekStreams {
    SeekStreams::of(streams, &PacketFilter::new(streams))
}

fn run(mut seek: Seek, packets: &[&[u8]]) -> (Option<Found>, usize) {
    let mut looks = 0;
    while let Some(wish) = seek.wish() {
        let packet = Packet::decode(packets[usize::try_from(wish).unwrap()]);
        seek.answer(packet.as_ref().ok());
        looks += 1;
        assert!(looks <= packets.len() + 200, "no end");
    }
    (seek.found(), looks)
}

/// The last packet in which a key frame of a video stream begins at or before the time, by looking at all.
fn slow(packets: &[&[u8]], stream: u8, needs_key: bool, time: u64) -> Option<(u64, u32)> {
    let mut last: Option<(u64, u32)> = None;
    for (n, packet) in packets.iter().enumerate() {
        for payload in Packet::decode(packet).unwrap().payloads() {
            let payload = payload.unwrap();
            let fits = payload.stream_number == stream && (payload.is_key_frame || !needs_key);
            if !fits || !payload.starts_object() {
                continue;
            }
            for begins in payload.fragments().filter_map(|fragment| fragment.presentation_time_ms) {
                let is_later = last.is_none_or(|(_, time)| time <= begins);
                if u64::from(begins) <= time && is_later {
                    last = Some((n as u64, begins));
                }
            }
        }
    }
    last
}

#[test]
fn example_b_has_an_index_that_is_read_and_written() {
    let file = example_b();
    let object = index_of(&file, 0x4a4);
    let index = SimpleIndex::decode(&object).unwrap();
    assert_eq!((index.interval, index.maximum_packet_count, index.len()), (500_000, 2, 6));
    let at = |ms| index.lookup(ms).map(|entry| (entry.packet_number, entry.packet_count));
    for (ms, wanted) in
        [(0, (0, 2)), (99, (0, 2)), (190, (0, 2)), (200, (3, 1)), (250, (3, 1)), (u64::MAX, (3, 1))]
    {
        assert_eq!(at(ms), Some(wanted), "{ms}");
    }
    let entries: Vec<_> = (0..6).flat_map(|n| index.entry(n).unwrap().to_bytes()).collect();
    let head = simple_index_head(index.file_id, 500_000, 2, 6);
    assert_eq!([&head[..], &entries].concat(), file[0x4a4..]);
    assert_eq!(index.entry(6), None);
}

#[test]
fn example_b_is_sought_with_its_index_without_and_with_a_wrong_one() {
    let file = example_b();
    let summary = walk(&file).unwrap().unwrap();
    let all = packets(&file, &summary);
    let index = SimpleIndex::decode(&index_of(&file, 0x4a4)).unwrap();
    let streams = video_of(&summary.streams);
    for (ms, packet, time) in [
        (0, 0, None),
        (99, 0, None),
        (100, 0, Some(100)),
        (150, 0, Some(100)),
        (180, 3, Some(180)),
        (199, 3, Some(180)),
        (200, 3, Some(180)),
        (250, 3, Some(180)),
        (10_000, 3, Some(180)),
    ] {
        let wanted = Found { packet, presentation_time_ms: time, by_index: false };
        assert_eq!(run(Seek::new(4, ms, streams), &all).0, Some(wanted), "{ms}");
        // A hint to a packet where nothing begins, beyond the file, after the time, or too early.
        for wrong in [0, 1, 2, 4, u64::MAX] {
            let seek = Seek::new(4, ms, streams).with_hint(2, wrong);
            assert_eq!(run(seek, &all).0, Some(wanted), "{ms}, hint {wrong}");
        }
        let hint = u64::from(index.lookup(ms).unwrap().packet_number);
        assert_eq!(run(Seek::new(4, ms, streams).with_hint(2, hint), &all).0, Some(wanted), "{ms}");
    }
}

/// One packet for each picture of 40 ms, from 1000 ms on; these are key frames.
fn pictures(keys: &[u32]) -> Vec<Vec<u8>> {
    let objects: Vec<_> = (0..1000)
        .map(|number| {
            let (time, key) = (1000 + number * 40, keys.contains(&number));
            let data = vec![1; 50];
            asf::objects::Object { stream: 1, number, time, key, extensions: vec![], data }
        })
        .collect();
    asf::objects::packetise(&objects, 90, false)
}

#[test]
fn a_key_frame_that_an_index_passes_over_is_found_and_a_proved_one_ends_a_long_way() {
    let bytes = asf::header(&[asf::file_properties(90, 90), asf::stream(Guid::VIDEO_MEDIA, 1, &[])]);
    let streams = video_of(&walk(&bytes).unwrap().unwrap().streams);
    let keys = [0, 3, 7, 300, 310, 900];
    let packets = pictures(&keys);
    let all: Vec<_> = packets.iter().map(Vec::as_slice).collect();
    for number in 0..1000u32 {
        let ms = u64::from(1000 + number * 40);
        let key = u64::from(*keys.iter().rev().find(|key| **key <= number).unwrap());
        // Entries of a second, of ten seconds, and all of them the first key frame.
        let before = |interval: u32| {
            let entry = (1000 + number * 40) / interval * interval;
            let last = keys.iter().rev().find(|key| 1000 + **key * 40 <= entry);
            u64::from(*last.unwrap_or(&0))
        };
        for hint in [before(1000), before(10_000), 0] {
            let found = run(Seek::new(1000, ms, streams).with_hint(1, hint), &all).0.unwrap();
            assert_eq!((found.packet, found.by_index), (key, false), "picture {number}, hint {hint}");
        }
        // Fewer packets than lie between: what the index says is the best there is.
        let few = Seek::new(1000, ms, streams).with_hint(1, before(1000)).with_steps(20);
        let found = run(few, &all).0.unwrap();
        assert!(
            found.packet == key || (found.by_index && found.packet == before(1000)),
            "{number}: {found:?}"
        );
        assert!(found.presentation_time_ms.is_some());
    }
    let without = run(Seek::new(1000, 30_000, streams).with_steps(20), &all).0.unwrap();
    assert_eq!((without.presentation_time_ms, without.by_index), (None, false));
}

#[test]
fn every_file_is_sought_as_looking_at_all_packets_says() {
    let files = all_files();
    let mut sought = 0;
    for (name, file) in files {
        let summary = walk(&file).unwrap().unwrap();
        let all = packets(&file, &summary);
        let Some(last) = all.iter().rev().find_map(|p| first_presentation_time(&Packet::decode(p).unwrap()))
        else {
            continue;
        };
        let first = summary.streams.iter().find(|s| s.kind == StreamKind::Video);
        let Some(stream) = first.or(summary.streams.iter().find(|s| s.kind == StreamKind::Audio)) else {
            continue;
        };
        let mut filter = PacketFilter::new(&summary.streams);
        summary
            .streams
            .iter()
            .filter(|s| s.number != stream.number)
            .for_each(|s| filter.set(s.number, Keep::Nothing));
        let streams = SeekStreams::of(&summary.streams, &filter);
        for step in 0..=20u64 {
            let ms = u64::from(last) * step / 20 + step % 3;
            let wanted = slow(&all, stream.number, stream.kind == StreamKind::Video, ms);
            let (found, _) = run(Seek::new(all.len() as u64, ms, streams), &all);
            let found = found.unwrap();
            assert_eq!(found.presentation_time_ms, wanted.map(|w| w.1), "{name} at {ms}");
            assert_eq!(found.packet, wanted.map_or(0, |w| w.0), "{name} at {ms}");
            sought += 1;
        }
    }
    at_least(sought, 901);
}

#[test]
fn simple_indexes_of_files_name_the_packets_where_key_frames_begin() {
    let files = all_files();
    let mut indexes = 0;
    for (name, file) in files {
        let summary = walk(&file).unwrap().unwrap();
        let all = packets(&file, &summary);
        let mut at = usize::try_from(summary.data_offset + summary.data_size).unwrap();
        let mut video = summary.streams.iter().filter(|s| s.kind == StreamKind::Video);
        while let Ok(object) =
            file.get(at..).map_or(Err(()), |rest| top_level_object(rest, at as u64).map_err(|_| ()))
        {
            at += usize::try_from(object.size()).unwrap();
            let Ok(index) = SimpleIndex::decode(&object) else { continue };
            let Some(stream) = video.next() else { continue };
            if index.is_empty() || all.is_empty() {
                continue;
            }
            indexes += 1;
            let first = (0..all.len()).find(|n| slow(&all[*n..=*n], stream.number, true, u64::MAX).is_some());
            let mut right = 0;
            for n in 0..index.len() {
                let ms = n as u64 * index.interval / 10_000;
                let entry = index.lookup(ms).unwrap();
                assert_eq!(Some(entry), index.entry(n), "{name}");
                let wanted = slow(&all, stream.number, true, ms).map_or(first.unwrap() as u64, |w| w.0);
                right += usize::from(u64::from(entry.packet_number) == wanted);
            }
            assert!(right * 10 >= index.len() * 9, "{name}: {right} of {}", index.len());
        }
    }
    at_least(indexes, 16);
}

const SPECIFIERS: [IndexSpecifier; 2] = [
    IndexSpecifier { stream_number: 1, index_type: IndexType::PACKET },
    IndexSpecifier { stream_number: 2, index_type: IndexType::CLEANPOINT },
];

#[test]
fn an_index_of_two_blocks_reaches_beyond_4_gib() {
    let blocks = [
        IndexBlockToWrite {
            positions: &[0, 100],
            timecode_range: 0,
            timecodes: &[],
            offsets: &[0, u32::MAX, 10, u32::MAX, 20, 300],
        },
        IndexBlockToWrite {
            positions: &[1 << 32, (1 << 32) + 5],
            timecode_range: 0,
            timecodes: &[],
            offsets: &[u32::MAX, 1, 7, u32::MAX],
        },
    ];
    let index =
        IndexToWrite { kind: IndexKind::Time, interval: 1000, specifiers: &SPECIFIERS, blocks: &blocks };
    let mut out = vec![0xee; index.encoded_len()];
    assert!(index.encode(&mut vec![0; out.len() - 1]).is_err());
    assert_eq!(index.encode(&mut out), Ok(out.len()));
    let object = top_level_object(&out, 0).unwrap();
    assert_eq!(object.size(), out.len() as u64);
    let read = Index::decode(&object).unwrap();
    assert_eq!((read.specifiers().count(), read.blocks().count()), (2, 2));
    let column = read.column(SPECIFIERS[1]).unwrap();
    assert_eq!(column, 1);
    let at = |seconds: u64, column| read.lookup(seconds * 1000 + 999, column);
    let first: Vec<_> = (0..7).map(|n| at(n, 0)).collect();
    let big = 1u64 << 32;
    assert_eq!(first, [Some(0), Some(10), Some(20), Some(20), Some(big + 7), Some(big + 7), Some(big + 7)]);
    let second: Vec<_> = (0..6).map(|n| at(n, 1)).collect();
    assert_eq!(second, [Some(400), Some(400), Some(400), Some(big + 6), Some(big + 6), Some(big + 6)]);
    assert_eq!(at(0, 2), None, "no such column");
}

#[test]
fn indexes_without_interval_specifier_or_entries_say_nothing() {
    let empty = [&[0; 16][..], &0u64.to_le_bytes(), &[0; 4], &u32::MAX.to_le_bytes()].concat();
    let bytes = object(Guid::SIMPLE_INDEX, &empty);
    let index = SimpleIndex::decode(&top_level_object(&bytes, 0).unwrap()).unwrap();
    assert!(index.is_empty() && index.lookup(0).is_none());
    let one = object(Guid::SIMPLE_INDEX, &[&empty[..], &[1, 0, 0, 0, 1, 0]].concat());
    let index = SimpleIndex::decode(&top_level_object(&one, 0).unwrap()).unwrap();
    assert_eq!((index.len(), index.lookup(5)), (1, None), "an interval of 0");
    assert_eq!(index.entry(0), Some(SimpleIndexEntry { packet_number: 1, packet_count: 1 }));
    for len in 0..32 {
        let short = object(Guid::SIMPLE_INDEX, &empty[..len]);
        assert!(SimpleIndex::decode(&top_level_object(&short, 0).unwrap()).is_err());
    }
    let none = object(Guid::INDEX, &[1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert!(Index::decode(&top_level_object(&none, 0).unwrap()).is_err());
    assert!(top_level_object(&[0; 23], 0).is_err() && top_level_object(&[0; 24], 0).is_err());
}

#[test]
fn real_indexes_by_time_name_starts_of_packets() {
    let files = all_files();
    let mut found = 0;
    for (name, file) in files {
        let summary = walk(&file).unwrap().unwrap();
        let size = u64::from(summary.packet_size());
        let mut at = usize::try_from(summary.data_offset + summary.data_size).unwrap();
        while let Ok(object) =
            file.get(at..).map_or(Err(()), |rest| top_level_object(rest, at as u64).map_err(|_| ()))
        {
            at += usize::try_from(object.size()).unwrap();
            let Ok(index) = Index::decode(&object) else { continue };
            found += 1;
            for block in index.blocks() {
                for column in 0..index.specifiers().count() {
                    for entry in 0..block.len() {
                        let Some(position) = block.position(entry, column) else { continue };
                        assert_eq!(position % size, 0, "{name}");
                        let packet = packet_at(
                            summary.header_len,
                            summary.packet_size(),
                            summary.header_len + position,
                        );
                        assert!(packet.unwrap() * size < summary.data_size, "{name}");
                    }
                }
            }
        }
    }
    assert!(found > 0 || asf::shared("").is_none());
}

/// A packet of a file of 5 GiB: 20 ms each, a key frame of one packet every 16.
fn made_up(number: u64, out: &mut [u8]) {
    let time = u32::try_from(number * 20).unwrap();
    let mut writer = PacketWriter::new(out).unwrap();
    let head = PayloadHead {
        stream_number: 1,
        is_key_frame: number.is_multiple_of(16),
        object_number: number.to_le_bytes()[0],
        offset: 0,
        object_size: 8,
        presentation_time_ms: time + 500,
        extensions: &[],
    };
    writer.push(&head, &number.to_le_bytes()).unwrap();
    writer.finish(time, 20).unwrap();
}

#[test]
fn ten_thousand_seeks_in_5_gib_land_where_arithmetic_says() {
    let size = 1460u32;
    let count = 5 * (1u64 << 30) / u64::from(size);
    let mut streams = walk(&example_b()).unwrap().unwrap().streams;
    assert_eq!(streams.get(2).unwrap().kind, StreamKind::Video);
    let mut out = [0; 64];
    let mut seed = 1u64;
    // The made-up video is stream 1, so that of example B is exchanged for it.
    streams = {
        let bytes = asf::header(&[asf::file_properties(64, 64), asf::stream(Guid::VIDEO_MEDIA, 1, &[])]);
        let _ = streams;
        walk(&bytes).unwrap().unwrap().streams
    };
    for turn in 0..10_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ms = (seed >> 20) % (count * 20 + 2000);
        let mut seek = Seek::new(count, ms, video_of(&streams));
        let mut looks = 0;
        while let Some(wish) = seek.wish() {
            made_up(wish, &mut out);
            seek.answer(Some(&Packet::decode(&out).unwrap()));
            looks += 1;
        }
        let key = ms.saturating_sub(500) / 20 / 16 * 16;
        let wanted = key.min((count - 1) / 16 * 16);
        let found = seek.found().unwrap();
        assert_eq!(found.packet, wanted, "turn {turn}, {ms} ms");
        assert!(looks < 22 + 2 + 25 + 16, "{looks} looks");
        let offset = packet_offset(5000, size, found.packet).unwrap();
        assert_eq!(packet_at(5000, size, offset), Some(found.packet));
        assert_eq!(packet_at(5000, size, offset + 1), None);
    }
    assert_eq!((packet_at(5000, size, 4999), packet_at(0, 0, 0)), (None, None));
    assert_eq!(packet_offset(1, u32::MAX, u64::MAX), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_by_send_time_ends_soon_and_at_the_right_packet(
        mut times in prop::collection::vec(any::<u32>(), 0..300),
        unreadable in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        time in any::<u32>(),
    ) {
        times.sort_unstable();
        let holes: Vec<_> = unreadable.iter().filter(|_| !times.is_empty()).map(|i| i.index(times.len())).collect();
        let mut search = SendTimeSearch::new(times.len() as u64, u64::from(time));
        let mut looks = 0;
        while let Some(wish) = search.wish() {
            let wish = usize::try_from(wish).unwrap();
            search.answer((!holes.contains(&wish)).then(|| times[wish]));
            looks += 1;
            prop_assert!(looks < 9 * 10);
        }
        let wanted = times.partition_point(|sent| *sent <= time).saturating_sub(1);
        match search.found() {
            None => prop_assert!(times.is_empty()),
            Some(found) if holes.is_empty() => prop_assert_eq!(found, wanted as u64),
            Some(found) => prop_assert!(found <= wanted as u64),
        }
    }

    #[test]
    fn a_search_ends_whatever_the_packets_say(
        answers in prop::collection::vec(prop::option::of(0..4usize), 1..40),
        count in 0..400u64,
        time in 0..400u64,
        hint in prop::option::of(0..500u64),
    ) {
        let file = example_b();
        let all: Vec<_> = file[676..676 + 512].chunks(128).map(|p| Packet::decode(p).unwrap()).collect();
        let streams = walk(&file).unwrap().unwrap().streams;
        let mut seek = Seek::new(count, time, video_of(&streams)).with_steps(50);
        if let Some(hint) = hint {
            seek = seek.with_hint(2, hint);
        }
        let mut looks = 0;
        while let Some(wish) = seek.wish() {
            prop_assert!(wish < count);
            seek.answer(answers[looks % answers.len()].map(|n| &all[n]));
            looks += 1;
            prop_assert!(looks <= 1 + 9 * 10 + 50, "no end");
        }
        prop_assert_eq!(seek.found().is_some(), count > 0);
        if let Some(found) = seek.found() {
            prop_assert!(found.packet < count);
        }
    }

    #[test]
    fn an_index_that_is_written_is_read_as_it_was(
        kind in prop::sample::select(vec![IndexKind::Time, IndexKind::MediaObject, IndexKind::Timecode]),
        columns in 1..4usize,
        blocks in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u32>(), 0..30)), 0..4),
        interval in any::<u32>(),
        cut in 0..200usize,
    ) {
        let specifiers: Vec<_> = (0..columns).map(|n| {
            IndexSpecifier { stream_number: u16::try_from(n).unwrap(), index_type: IndexType(u16::try_from(n).unwrap() + 1) }
        }).collect();
        let rows: Vec<_> = blocks.iter().map(|(range, offsets)| {
            let len = offsets.len() / columns * columns;
            (*range, &offsets[..len], &offsets[..len / columns])
        }).collect();
        let positions: Vec<u64> = (0..columns).map(|n| n as u64 * 1_000_000_007).collect();
        let blocks: Vec<_> = rows.iter().map(|(range, offsets, timecodes)| IndexBlockToWrite {
            positions: &positions,
            timecode_range: if kind == IndexKind::Timecode { *range } else { 0 },
            timecodes,
            offsets,
        }).collect();
        let index = IndexToWrite { kind, interval, specifiers: &specifiers, blocks: &blocks };
        let mut out = vec![0; index.encoded_len()];
        index.encode(&mut out).unwrap();
        let read = Index::decode(&top_level_object(&out, 0).unwrap()).unwrap();
        prop_assert_eq!((read.kind, read.interval), (kind, interval));
        prop_assert_eq!(read.specifiers().collect::<Vec<_>>(), specifiers.clone());
        prop_assert_eq!(read.blocks().count(), blocks.len());
        for (block, wanted) in read.blocks().zip(&blocks) {
            prop_assert_eq!(block.timecode_range, wanted.timecode_range);
            prop_assert_eq!(block.len(), wanted.offsets.len() / columns);
            for (n, offset) in wanted.offsets.iter().enumerate() {
                prop_assert_eq!(block.offset(n / columns, n % columns), Some(*offset));
                let position = (*offset != u32::MAX).then(|| positions[n % columns] + u64::from(*offset));
                prop_assert_eq!(block.position(n / columns, n % columns), position);
            }
            for (n, timecode) in wanted.timecodes.iter().enumerate() {
                let told = (kind == IndexKind::Timecode).then_some(*timecode);
                prop_assert_eq!(block.timecode(n), told);
            }
        }
        // Cut anywhere: what is there is there, nothing else.
        let short = &out[..out.len().saturating_sub(cut).max(24)];
        if let Ok(read) = Index::decode(&top_level_object(short, 0).unwrap()) {
            let entries: usize = read.blocks().map(|block| block.len()).sum();
            prop_assert!(entries * columns * 4 <= short.len());
        }
    }
}
