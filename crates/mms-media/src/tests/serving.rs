use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use mms_core::asf::PacketHead;
use mms_core::hresult::Hresult;

use super::{TempFolder, let_the_clock_tick, made, testdata};
use crate::feed::Feed;
use crate::probe::Media;

#[test]
fn batches_are_whole_packets_and_equal_to_the_file_for_every_size() {
    for name in ["av-256.wmv", "one-packet.wma", "av-wmv2-wmav2.wmv"] {
        let file = made(name);
        let folder = TempFolder::new();
        folder.write(name, &file);
        let mut feed = folder.feed();
        let info = *feed.open(name).unwrap().info();
        let (head, size) = (info.header_len as usize, info.packet_size as usize);
        let media = &file[head..head + size * info.packet_count as usize];
        let around = |n: u32| [n.saturating_sub(1), n, n + 1];
        let mut sizes = vec![0, u32::MAX];
        for packets in [1, 2, 3, info.packet_count] {
            sizes.extend(around(packets * info.packet_size));
        }
        for max_bytes in sizes {
            let (mut got, mut from) = (Vec::new(), 0);
            while from < info.packet_count {
                let batch = feed.packets(from, max_bytes).unwrap();
                let len = batch.as_ref().len();
                assert!(
                    len > 0 && len % size == 0 && len <= size.max(max_bytes as usize),
                    "{name} {max_bytes}"
                );
                got.extend_from_slice(batch.as_ref());
                from += u32::try_from(len / size).unwrap();
            }
            assert!(got == media, "{name} {max_bytes}");
        }
        assert_eq!(feed.packets(info.packet_count, 65536), Err(Hresult::NS_E_STREAM_END));
        assert_eq!(feed.packets(u32::MAX, 65536), Err(Hresult::NS_E_STREAM_END));
    }
}

#[test]
fn the_header_is_given_in_the_parts_that_are_asked_for() {
    let folder = TempFolder::new();
    let file = made("av-wmv2-wmav2.wmv");
    folder.write("a.wmv", &file);
    let mut feed = folder.feed();
    let len = feed.open("a.wmv").unwrap().info().header_len;
    assert_eq!(feed.header(0, u32::MAX).unwrap().as_ref(), &file[..len as usize]);
    assert_eq!(feed.header(len - 3, 100).unwrap().as_ref(), &file[len as usize - 3..len as usize]);
    assert_eq!(feed.header(len, 100), Err(Hresult::E_INVALIDARG));
    assert_eq!(feed.header(0, 0), Err(Hresult::E_INVALIDARG));
}

#[test]
fn a_time_is_found_as_by_looking_at_every_packet() {
    let path = testdata("made").join("seek-125s.wmv");
    let media = Media::open(&path).unwrap();
    let size = media.info().packet_size as usize;
    let file = fs::read(&path).unwrap();
    let media_bytes = &file[media.info().header_len as usize..];
    let times: Vec<u32> = media_bytes
        .chunks_exact(size)
        .take(media.info().packet_count as usize)
        .map(|packet| PacketHead::decode(packet).unwrap().send_time_ms)
        .collect();
    let end = times.last().unwrap() + 10;
    assert!(end > 120_000);
    let mut expected = 0;
    for ms in 0..end {
        while times.get(expected + 1).is_some_and(|time| *time <= ms) {
            expected += 1;
        }
        let found = media.locate(Duration::from_millis(u64::from(ms))).unwrap();
        assert_eq!(found as usize, expected, "at {ms} ms");
    }
    assert_eq!(media.locate(Duration::MAX).unwrap(), media.info().packet_count - 1);
}

#[test]
fn packets_that_cannot_be_decoded_do_not_stop_the_search() {
    let mut file = made("seek-125s.wmv");
    let folder = TempFolder::new();
    let info = *Media::open(&folder.write("a.wmv", &file)).unwrap().info();
    let (head, size) = (info.header_len as usize, info.packet_size as usize);
    let time = |file: &[u8], number: u32| {
        let packet = &file[head + number as usize * size..][..size];
        PacketHead::decode(packet).map(|head| Duration::from_millis(u64::from(head.send_time_ms))).unwrap()
    };
    // where the search looks first
    let middle = info.packet_count / 2;
    let target = middle + 20;
    let wanted = time(&file, target);
    file[head + middle as usize * size..][..3 * size].fill(0xff);
    let media = Media::open(&folder.write("b.wmv", &file)).unwrap();
    let found = media.locate(wanted).unwrap();
    assert!(found >= target && time(&file, found) == wanted);
    let early = media.locate(Duration::from_millis(1)).unwrap();
    assert!(time(&file, early) <= Duration::from_millis(1));
    // and where no packet can be decoded it ends
    file[head..].fill(0xff);
    let media = Media::open(&folder.write("c.wmv", &file)).unwrap();
    assert_eq!(media.locate(wanted).unwrap(), 0);
}

/// A feed that streams, and the path of its file.
fn streaming(folder: &TempFolder) -> (Feed, std::path::PathBuf) {
    let path = folder.write("a.wmv", &made("av-wmv2-wmav2.wmv"));
    let mut feed = folder.feed();
    feed.open("a.wmv").unwrap();
    assert!(feed.packets(0, 65536).is_ok());
    let_the_clock_tick();
    (feed, path)
}

fn assert_ended(feed: &Feed) {
    assert_eq!(feed.packets(1, 65536), Err(Hresult::NS_E_FILE_READ));
    assert_eq!(feed.header(0, 100), Err(Hresult::NS_E_FILE_READ));
    assert_eq!(feed.locate(Duration::ZERO), Err(Hresult::NS_E_FILE_READ));
}

#[test]
fn a_file_cut_while_it_is_served_ends_with_an_error_even_before_the_cut() {
    let folder = TempFolder::new();
    let (feed, path) = streaming(&folder);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert_ended(&feed);
}

#[test]
fn a_file_appended_to_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (feed, path) = streaming(&folder);
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
    assert_ended(&feed);
}

#[test]
fn a_file_overwritten_in_place_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (feed, path) = streaming(&folder);
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::End(-1)).unwrap();
    file.write_all(b"x").unwrap();
    assert_ended(&feed);
}

#[test]
fn a_file_removed_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    fs::remove_file(path).unwrap();
    assert_ended(&feed);
    assert_eq!(feed.open("a.wmv").err(), Some(Hresult::NS_E_FILE_NOT_FOUND));
}

#[test]
fn a_file_renamed_over_another_ends_the_session_and_is_served_to_the_next() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    let next = made("audio-wmav1.wma");
    fs::rename(folder.write("next", &next), path).unwrap();
    assert_ended(&feed);
    let info = *feed.open("a.wmv").unwrap().info();
    assert_eq!((info.packet_size, info.packet_count), (1024, 44));
    let header = feed.header(0, u32::MAX).unwrap();
    assert_eq!(header.as_ref(), &next[..header.as_ref().len()]);
    let media = feed.packets(0, u32::MAX).unwrap();
    assert_eq!(media.as_ref(), &next[header.as_ref().len()..][..44 * 1024]);
}

#[test]
fn a_file_replaced_by_one_that_cannot_be_served_is_refused() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    fs::write(path, "no film").unwrap();
    assert_eq!(feed.open("a.wmv").err(), Some(Hresult::NS_E_FILE_PLAY_FAILED));
    assert_eq!(feed.packets(0, 65536), Err(Hresult::NS_E_INVALID_REQUEST));
}

#[test]
fn a_clone_has_no_file_open() {
    let folder = TempFolder::new();
    let (feed, _) = streaming(&folder);
    assert_eq!(feed.clone().packets(0, 65536), Err(Hresult::NS_E_INVALID_REQUEST));
    assert!(feed.packets(0, 65536).is_ok());
}
