//! What made observers of a connection loop or lose their way.

use mms_core::error::Reason;
use mms_core::mmsp::wire::{Deframer, Frame, FrameError, FrameLimits};
use mms_testkit::build::{good, header, packet as media_packet};
use mms_testkit::hostile::{Attack, Ending};
use mms_testkit::scripted::{
    client_plays, connect, end_of_stream, media, packet, server_opens, server_starts,
};
use mms_testkit::talk::{close_file, connected};

use super::{and, client_meets, client_under, invalid, len, put, server_meets, server_under};

#[test]
fn o1_lengths_of_zero_are_errors_for_both_sides() {
    for length in [0, 1, 8, 15] {
        let mut bytes = packet(&connected("9.1.1.3841", None));
        put(&mut bytes, 8, length);
        assert_eq!(client_meets(&[bytes.clone()]).error, invalid(Reason::MessageLength, 8), "{length}");
        let mut bytes = packet(&connect());
        put(&mut bytes, 8, length);
        assert_eq!(server_meets(&[bytes]).error, invalid(Reason::MessageLength, 8), "{length}");
    }
    let mut bytes = packet(&connect());
    put(&mut bytes, 32, 0);
    assert_eq!(server_meets(&[bytes]).error, invalid(Reason::ChunkLen, 32));
}

#[test]
fn o1_data_packets_shorter_than_their_header_are_errors() {
    let before = server_opens();
    for size in 0..8 {
        let short = vec![0, 0, 0, 0, 1, 4, size, 0];
        let fate = client_meets(&and(before.clone(), short));
        assert_eq!(fate.error, invalid(Reason::PacketSize, len(&before) + 6), "{size}");
    }
    // a packet that holds nothing is one
    let mut deframer = Deframer::client(FrameLimits::default());
    assert!(matches!(deframer.next(&[0, 0, 0, 0, 1, 4, 8, 0]), Ok(Frame::Data { total: 8, .. })));
    let mut deframer = Deframer::client(FrameLimits::default());
    assert!(matches!(deframer.next(&[0; 8]), Err(FrameError::Invalid(_))));
}

fn replies() -> Vec<Vec<u8>> {
    let mut chunks = server_starts(&header(&good()), 100);
    chunks.extend(media(&[media_packet(0), media_packet(20), media_packet(40)]));
    and(chunks, end_of_stream())
}

#[test]
fn o2_one_message_in_any_two_segments_is_the_same_to_a_client() {
    let whole = client_meets(&replies());
    assert_eq!(whole.error, None);
    let all = replies().concat();
    for cut in 1..all.len() {
        let chunks = [all[..cut].to_vec(), all[cut..].to_vec()];
        let fate = client_under(&Attack::new(&chunks));
        assert_eq!((fate.error, &fate.story), (None, &whole.story), "cut at {cut}");
        assert_eq!(fate.bytes, whole.bytes, "cut at {cut}");
    }
    for delivery in [1, 2, 3, 7, 8, 31, 33, 64] {
        let chunks = [all.clone()];
        let fate = client_under(&Attack { delivery, ..Attack::new(&chunks) });
        assert_eq!((fate.error, fate.story, fate.bytes), (None, whole.story.clone(), whole.bytes.clone()));
    }
}

#[test]
fn o2_messages_in_any_segments_are_the_same_to_a_server() {
    // everything but the start, so that no media is between the replies
    let chunks = and(client_plays()[..6].to_vec(), packet(&close_file()));
    let whole = server_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks) });
    assert_eq!(whole.error, None);
    let all = chunks.concat();
    for cut in (1..all.len()).step_by(3) {
        let chunks = [all[..cut].to_vec(), all[cut..].to_vec()];
        let fate = server_under(&Attack { ending: Ending::Close, ..Attack::new(&chunks) });
        assert_eq!((fate.error, &fate.story), (None, &whole.story), "cut at {cut}");
        assert_eq!(fate.said(), whole.said(), "cut at {cut}");
    }
    for delivery in [1, 5, 40] {
        let chunks = [all.clone()];
        let fate = server_under(&Attack { delivery, ending: Ending::Close, ..Attack::new(&chunks) });
        assert_eq!((fate.error, fate.said()), (None, whole.said()));
    }
}
