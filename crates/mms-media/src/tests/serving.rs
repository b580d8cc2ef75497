use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use mms_core::asf::{Packet, PacketHead, Payload};
use mms_core::hresult::Hresult;
use mms_core::selection::{Selection, Thinning};
use mms_core::server::Order;

use super::{TempFolder, let_the_clock_tick, made, testdata};
use crate::feed::Feed;
use crate::probe::Media;
use crate::selected::{Run, Selected};

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

/// Where a start is possible: presentation time without preroll, and packet.
fn starts(media: &Media, file: &[u8], wanted: impl Fn(&Payload<'_>) -> bool) -> Vec<(u32, u32)> {
    let info = media.info();
    let packets = file[info.header_len as usize..].chunks_exact(info.packet_size as usize);
    let mut starts = Vec::new();
    for (number, bytes) in (0..info.packet_count).zip(packets) {
        let packet = Packet::decode_of(bytes, info.packet_size).unwrap();
        for payload in
            packet.payloads().flatten().filter(|payload| payload.starts_object() && wanted(payload))
        {
            starts.push((payload.presentation_time_ms().unwrap().saturating_sub(3100), number));
        }
    }
    starts
}

fn locate(media: &Media, time: Duration) -> u32 {
    Selected::new(media, Selection::ALL).locate(media, time, Selection::ALL).unwrap()
}

#[test]
fn a_time_is_found_at_the_key_frame_before_it() {
    let path = testdata("made").join("seek-125s.wmv");
    let media = Media::open(&path).unwrap();
    let file = fs::read(&path).unwrap();
    let keys = starts(&media, &file, |payload| payload.stream_number == 1 && payload.is_key_frame);
    assert_eq!(keys.len(), 25);
    for ms in (0..125_000).step_by(97) {
        let at = keys.partition_point(|(time, _)| *time <= ms).max(1) - 1;
        assert_eq!(locate(&media, Duration::from_millis(u64::from(ms))), keys[at].1, "{ms} ms");
    }
    assert_eq!(locate(&media, Duration::MAX), keys.last().unwrap().1);
}

#[test]
fn an_index_that_lies_or_is_not_there_changes_no_place() {
    let file = made("seek-125s.wmv");
    let folder = TempFolder::new();
    let media = Media::open(&folder.write("good.wmv", &file)).unwrap();
    let keys = media.key_frames().unwrap();
    assert_eq!(keys.len(), 1);
    let info = *media.info();
    let end = info.header_len as usize + (info.packet_count * info.packet_size) as usize;
    let entries = end + mms_core::asf::SIMPLE_INDEX_FIXED;
    // each entry changed: the first packet, no key frame, one key frame late, one early, behind the end
    let changes: [fn(u32) -> u32; 5] =
        [|_| 0, |packet| packet + 1, |packet| packet + 21, |packet| packet.saturating_sub(21), |_| 70_000];
    let mut others = vec![folder.write("none.wmv", &file[..end])];
    for (number, change) in changes.iter().enumerate() {
        let mut wrong = file.clone();
        for entry in wrong[entries..].chunks_exact_mut(6) {
            let packet = u32::from_le_bytes(entry[..4].try_into().unwrap());
            entry[..4].copy_from_slice(&change(packet).to_le_bytes());
        }
        others.push(folder.write(&format!("{number}.wmv"), &wrong));
    }
    for path in others {
        let other = Media::open(&path).unwrap();
        for ms in (0..126_000).step_by(379) {
            let time = Duration::from_millis(ms);
            assert_eq!(locate(&other, time), locate(&media, time), "{} at {ms} ms", path.display());
        }
    }
}

#[test]
fn a_time_of_sound_is_found_at_the_packet_that_begins_before_it() {
    let path = testdata("made").join("seek-audio-130s.wma");
    let media = Media::open(&path).unwrap();
    let file = fs::read(&path).unwrap();
    let all = starts(&media, &file, |_| true);
    for ms in (0..130_000).step_by(131) {
        let at = all.partition_point(|(time, _)| *time <= ms).max(1) - 1;
        assert_eq!(locate(&media, Duration::from_millis(u64::from(ms))), all[at].1, "{ms} ms");
    }
}

#[test]
fn packets_that_cannot_be_decoded_do_not_stop_the_search() {
    let mut file = made("seek-125s.wmv");
    let folder = TempFolder::new();
    let info = *Media::open(&folder.write("a.wmv", &file)).unwrap().info();
    let (head, size) = (info.header_len as usize, info.packet_size as usize);
    // where the search looks first
    let middle = info.packet_count / 2;
    file[head + middle as usize * size..][..3 * size].fill(0xff);
    let media = Media::open(&folder.write("b.wmv", &file)).unwrap();
    let wanted = Duration::from_secs(100);
    let found = locate(&media, wanted);
    let packet = PacketHead::decode(&file[head + found as usize * size..][..size]).unwrap();
    assert!((90_000..=100_000).contains(&packet.send_time_ms), "{}", packet.send_time_ms);
    // and where no packet can be decoded it ends
    file[head..head + info.packet_count as usize * size].fill(0xff);
    let media = Media::open(&folder.write("c.wmv", &file)).unwrap();
    assert_eq!(locate(&media, wanted), 0);
}

#[test]
fn deselected_streams_are_left_out_and_the_others_are_whole() {
    let path = testdata("made").join("two-audio.wmv");
    let media = Media::open(&path).unwrap();
    let file = fs::read(&path).unwrap();
    let info = *media.info();
    let objects = |packets: &[(u32, Vec<u8>)], stream: u8| -> Vec<(u32, Vec<u8>)> {
        let mut data = Vec::new();
        for (_, bytes) in packets {
            let packet = Packet::decode_of(bytes, info.packet_size).unwrap();
            for payload in packet.payloads().flatten().filter(|payload| payload.stream_number == stream) {
                for piece in payload.fragments() {
                    data.push((piece.object_number, piece.data.to_vec()));
                }
            }
        }
        data
    };
    let size = info.packet_size as usize;
    let stored: Vec<(u32, Vec<u8>)> = (0..)
        .zip(file[info.header_len as usize..].chunks_exact(size).map(<[u8]>::to_vec))
        .take(info.packet_count as usize)
        .collect();
    for (chosen, left_out) in [([1, 2], 3), ([1, 3], 2), ([2, 3], 1)] {
        let selection = Selection::ALL.with(u16::from(left_out), Thinning::Nothing);
        let mut selected = Selected::new(&media, Selection::ALL);
        let (mut sent, mut from) = (Vec::new(), 0);
        loop {
            match selected.run(&media, (from, Order::All), 4 * info.packet_size, selection).unwrap() {
                Run::Rewritten { first, packets } => {
                    assert!(first >= from && packets.len() % size == 0);
                    let numbers = first..;
                    sent.extend(numbers.zip(packets.chunks_exact(size).map(<[u8]>::to_vec)));
                    from = first + u32::try_from(packets.len() / size).unwrap();
                }
                Run::Ended => break,
                Run::AsStored => panic!("nothing was left out"),
            }
            if from >= info.packet_count {
                break;
            }
        }
        assert!(objects(&sent, left_out).is_empty());
        for stream in chosen {
            assert!(objects(&sent, stream) == objects(&stored, stream), "stream {stream}");
        }
    }
}

#[test]
fn a_packet_that_is_given_out_again_is_the_one_that_was_sent() {
    let path = testdata("made").join("two-audio.wmv");
    let media = Media::open(&path).unwrap();
    let info = *media.info();
    let size = info.packet_size as usize;
    let mut selected = Selected::new(&media, Selection::ALL);
    let (mut sent, mut from) = (Vec::new(), 3);
    // a stream that starts in the middle waits for its place, so a packet alone does not tell what was sent
    for round in 0.. {
        let left_out = if round < 3 { 2 } else { 3 };
        let selection = Selection::ALL.with(left_out, Thinning::Nothing);
        let run = selected.run(&media, (from, Order::All), 4 * info.packet_size, selection).unwrap();
        let Run::Rewritten { first, packets } = run else { break };
        sent.extend((first..).zip(packets.chunks_exact(size).map(<[u8]>::to_vec)));
        from = first + u32::try_from(packets.len() / size).unwrap();
        if from >= info.packet_count {
            break;
        }
    }
    assert!(sent.len() > 20);
    for (number, bytes) in sent {
        let again = selected.again(&media, number).unwrap();
        assert!(again == Run::Rewritten { first: number, packets: bytes }, "{number}");
    }
    assert_eq!(selected.again(&media, 0).unwrap(), Run::Ended, "never sent");
    let whole = Selected::new(&media, Selection::ALL);
    assert_eq!(whole.again(&media, 5).unwrap(), Run::AsStored);
}

#[test]
fn striding_gives_the_packets_of_each_key_frame_and_nothing_else() {
    let path = testdata("made").join("seek-125s.wmv");
    let media = Media::open(&path).unwrap();
    assert!(media.info().stridable);
    let size = media.info().packet_size;
    let walk = |order: Order, mut from: u32| {
        let mut selected = Selected::new(&media, Selection::ALL);
        let mut runs = Vec::new();
        while let Run::Rewritten { first, packets } =
            selected.run(&media, (from, order), 1 << 16, Selection::ALL).unwrap()
        {
            for bytes in packets.chunks_exact(size as usize) {
                let packet = Packet::decode_of(bytes, size).unwrap();
                for payload in packet.payloads().flatten() {
                    assert!(payload.stream_number == 1 && payload.is_key_frame);
                }
            }
            let count = u32::try_from(packets.len()).unwrap() / size;
            from = if order == Order::KeyFramesBackward { first } else { first + count };
            runs.push(first);
        }
        runs
    };
    let forward = walk(Order::KeyFrames, 0);
    assert_eq!(forward.len(), 25);
    let mut backward = walk(Order::KeyFramesBackward, media.info().packet_count);
    backward.reverse();
    assert_eq!(forward, backward);
    let audio = Media::open(&testdata("made").join("seek-audio-130s.wma")).unwrap();
    assert!(!audio.info().stridable);
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

fn assert_ended(feed: &mut Feed) {
    assert_eq!(feed.packets(1, 65536), Err(Hresult::NS_E_FILE_READ));
    assert_eq!(feed.header(0, 100), Err(Hresult::NS_E_FILE_READ));
    assert_eq!(feed.locate(Duration::ZERO, Selection::ALL), Err(Hresult::NS_E_FILE_READ));
}

#[test]
fn a_file_cut_while_it_is_served_ends_with_an_error_even_before_the_cut() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert_ended(&mut feed);
}

#[test]
fn a_file_appended_to_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
    assert_ended(&mut feed);
}

#[test]
fn a_file_overwritten_in_place_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::End(-1)).unwrap();
    file.write_all(b"x").unwrap();
    assert_ended(&mut feed);
}

#[test]
fn a_file_removed_while_it_is_served_ends_with_an_error() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    fs::remove_file(path).unwrap();
    assert_ended(&mut feed);
    assert_eq!(feed.open("a.wmv").err(), Some(Hresult::NS_E_FILE_NOT_FOUND));
}

#[test]
fn a_file_renamed_over_another_ends_the_session_and_is_served_to_the_next() {
    let folder = TempFolder::new();
    let (mut feed, path) = streaming(&folder);
    let next = made("audio-wmav1.wma");
    fs::rename(folder.write("next", &next), path).unwrap();
    assert_ended(&mut feed);
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
