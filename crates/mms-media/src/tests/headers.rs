use core::time::Duration;
use std::fs;
use std::sync::Arc;

use mms_core::asf::{FileFlags, HeaderLimits, HeaderSummary, HeaderWalker, PacketHead};

use super::{TempFolder, made, testdata};
use crate::feed::Feed;
use crate::probe::{Media, MediaInfo};

fn open(bytes: &[u8]) -> (MediaInfo, Vec<u8>) {
    let folder = TempFolder::new();
    let media = Media::open(&folder.write("a.wmv", bytes)).unwrap();
    let info = *media.info();
    let mut header = vec![0; info.header_len as usize];
    media.read_header(0, &mut header).unwrap();
    // in parts it is the same
    for size in [1, 7, 100] {
        for (number, part) in header.chunks(size).enumerate() {
            let mut again = vec![0; part.len()];
            media.read_header(u32::try_from(number * size).unwrap(), &mut again).unwrap();
            assert_eq!(again, part);
        }
    }
    (info, header)
}

fn walk(header: &[u8]) -> HeaderSummary {
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    walker.feed(header).unwrap();
    walker.summary().unwrap().clone()
}

fn sent(packet: &[u8]) -> Duration {
    let head = PacketHead::decode(packet).unwrap();
    Duration::from_millis(u64::from(head.send_time_ms) + u64::from(head.duration_ms))
}

/// The counts of a header against what is there.
fn assert_true(header: &[u8], info: &MediaInfo, last: &[u8]) {
    let summary = walk(header);
    let count = u64::from(info.packet_count);
    let properties = &summary.file_properties;
    assert_eq!(summary.header_len, header.len() as u64);
    assert_eq!((summary.data_packets, properties.data_packets_count), (count, count));
    assert_eq!(summary.data_size, 50 + count * u64::from(info.packet_size));
    assert_eq!(properties.file_size, header.len() as u64 + summary.data_size - 50);
    assert!(!properties.flags.contains(FileFlags::BROADCAST));
    assert_eq!(Some(properties.content_duration()), info.duration);
    assert_eq!(info.duration, Some(sent(last)));
}

#[test]
fn a_header_that_is_true_is_served_as_it_is() {
    for name in ["audio-wmav1.wma", "av-wmv2-wmav2.wmv", "seek-125s.wmv", "av-256.wmv", "markers.wmv"] {
        let file = made(name);
        let (info, header) = open(&file);
        assert!(!info.header_is_patched, "{name}");
        assert_eq!(header, file[..header.len()], "{name}");
        assert_eq!(info.duration, Some(walk(&header).file_properties.content_duration()), "{name}");
    }
}

#[test]
fn a_cut_file_is_announced_with_the_packets_that_are_left() {
    let file = made("av-wmv2-wmav2.wmv");
    let (whole, header) = open(&file);
    let (head, size) = (header.len(), whole.packet_size as usize);
    for (left, surplus) in [(1, 0), (1, 5), (7, size - 1), (whole.packet_count as usize - 1, 0)] {
        let (info, header) = open(&file[..head + left * size + surplus]);
        assert!(info.header_is_patched);
        assert_eq!(info.packet_count as usize, left);
        let last = &file[head + (left - 1) * size..][..size];
        assert_true(&header, &info, last);
    }
}

#[test]
fn a_file_with_broadcast_header_is_announced_with_true_counts() {
    let file = made("live-pipe.asf");
    let (info, header) = open(&file);
    assert!(walk(&file).file_properties.is_broadcast());
    assert!(info.header_is_patched);
    let end = header.len() + info.packet_count as usize * info.packet_size as usize;
    assert_eq!(end, file.len() - (file.len() - header.len()) % info.packet_size as usize);
    assert_true(&header, &info, &file[end - info.packet_size as usize..end]);
}

#[test]
fn an_absurd_duration_is_taken_from_the_packets() {
    let mut file = made("seek-125s.wmv");
    let (whole, header) = open(&file);
    let at = usize::try_from(walk(&header).file_properties_offset).unwrap();
    let end = header.len() + whole.packet_count as usize * whole.packet_size as usize;
    let from_packets = sent(&file[end - whole.packet_size as usize..end]);
    for play in [0, u64::MAX, 1_300 * 10_000_000] {
        file[at + 64..at + 72].copy_from_slice(&u64::to_le_bytes(play));
        assert_eq!(open(&file).0.duration, Some(from_packets), "{play}");
    }
    // the rate is computed if the header has none
    file[at + 100..at + 104].fill(0);
    let rate =
        u128::from(whole.packet_size) * u128::from(whole.packet_count) * 8000 / from_packets.as_millis();
    assert_eq!(u128::from(open(&file).0.bit_rate), rate);
}

#[test]
fn a_slim_header_leaves_out_pictures_and_padding_and_the_packets_stay_where_they_are() {
    let mut slimmer = 0;
    for (name, smaller) in [("atl-voice-8k.wma", true), ("ms-sire.wma", true), ("ms-house.wma", false)] {
        let file = fs::read(testdata("real").join(name)).unwrap();
        let folder = TempFolder::new();
        folder.write(name, &file);
        let (catalogue, problems) = folder.scan();
        assert!(problems.is_empty());
        let catalogue = Arc::new(catalogue.with_slim_headers());
        let mut feed = Feed::new(Arc::clone(&catalogue));
        let info = *feed.open(name).unwrap().info();
        let whole = catalogue.entries()[0].media;
        assert_eq!(info.header_len < whole.header_len, smaller, "{name}");
        assert_eq!(MediaInfo { header_len: whole.header_len, ..info }, whole);
        let header = feed.header(0, info.header_len).unwrap();
        let (slim, stored) = (walk(header.as_ref()), walk(&file));
        assert_eq!((slim.header_len, slim.data_packets), (u64::from(info.header_len), stored.data_packets));
        assert_eq!((slim.streams, slim.file_properties), (stored.streams, stored.file_properties));
        // in parts it is the same, and packets are those of the file
        let part = feed.header(100, 50).unwrap();
        assert_eq!(part.as_ref(), &header.as_ref()[100..150]);
        let size = info.packet_size as usize;
        let packets = feed.packets(3, info.packet_size * 2).unwrap();
        assert_eq!(packets.as_ref(), &file[whole.header_len as usize + 3 * size..][..2 * size], "{name}");
        slimmer += usize::from(info.header_len <= 8192);
    }
    assert!(slimmer > 1, "{slimmer}");
}
