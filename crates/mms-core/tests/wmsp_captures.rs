//! Streams of real encoders and servers, replayed through the framing and through the client session.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use std::path::PathBuf;

use mms_core::wmsp::client::{Config, Target};
use mms_core::wmsp::wire::{Deframer, Frame, FrameLimits, PacketId};
use wmsp::{Answer, drive, response};

/// The shared test data; skipped visibly where it is not there, but not in CI.
fn shared(path: &str) -> Option<Vec<u8>> {
    match std::env::var_os("MMS_SHARED") {
        Some(folder) => Some(std::fs::read(PathBuf::from(folder).join("testdata").join(path)).unwrap()),
        None => {
            assert!(std::env::var_os("CI").is_none(), "MMS_SHARED must be set in CI");
            println!("skipped: MMS_SHARED is not set, {path} is not looked at");
            None
        }
    }
}

/// Types, LocationIds and totals of all frames, the stream being cut into pieces of `step` bytes.
fn frames(stream: &[u8], step: usize) -> Vec<(PacketId, u32, usize)> {
    let (mut deframer, mut start, mut end, mut found) =
        (Deframer::new(FrameLimits::default()), 0, 0, Vec::new());
    while end < stream.len() {
        end = (end + step).min(stream.len());
        while let Frame::Packet { head, total } = deframer.next(&stream[start..end]).unwrap() {
            found.push((head.packet_id, head.data_header().map_or(0, |header| header.location_id), total));
            start += total;
        }
    }
    assert_eq!(start, stream.len());
    found
}

#[test]
fn a_live_stream_of_windows_media_encoder_is_framed_and_played() {
    let Some(stream) = shared("real/mmsh/peercast-wme9-live.mmsh") else { return };
    let found = frames(&stream, stream.len());
    assert_eq!(found.len(), 362);
    assert_eq!(found[0], (PacketId::HEADER, 0, 5271));
    assert!(found[1..].iter().map(|frame| frame.1).eq(50_291..=50_651));
    for step in [1_usize, 1000, 5411] {
        assert_eq!(frames(&stream, step), found);
    }
    let head = "HTTP/1.0 200 OK\nServer: Rex/9.0.0.2980\nPragma: features=\"broadcast,playlist\"";
    let target = Target::new("h", "x", "http://h/x");
    for step in [97, 777, usize::MAX] {
        let answers =
            vec![Answer(response(head, &stream[..5271]), true), Answer(response(head, &stream), true)];
        let run = drive(Config::default(), target, answers, step, true);
        assert_eq!(run.error, None);
        let names = run.names();
        assert_eq!(names[..4], ["Connected", "Opened", "HeaderPart", "Started"]);
        assert_eq!((names.len(), *names.last().unwrap()), (4 + 361 + 1, "EndOfStream"));
        let media: usize = found[1..].iter().map(|frame| frame.2 - 12).sum();
        assert_eq!(run.media.len(), 5259 + media);
    }
}

#[test]
fn a_stream_of_ffmpegs_muxer_is_framed_and_played() {
    let Some(stream) = shared("made/live-framed.mmsh") else { return };
    let found = frames(&stream, 99);
    let count = |id| found.iter().filter(|frame| frame.0 == id).count();
    assert_eq!((count(PacketId::HEADER), count(PacketId::DATA), count(PacketId::END_OF_STREAM)), (1, 94, 1));
    assert_eq!(found.last().unwrap().2, 12);
    // ffserver: the Describe answer streams, too, and the end is longer than it may be
    let head = "HTTP/1.0 200 OK\nServer: Cougar 4.1.0.3923\nPragma: features=\"broadcast\"";
    let target = Target::new("h", "x", "http://h/x");
    let answers = vec![Answer(response(head, &stream), false), Answer(response(head, &stream), false)];
    let run = drive(Config::default(), target, answers, 4096, true);
    assert_eq!((run.error, run.requests.len()), (None, 2));
    assert_eq!(run.events.last().unwrap(), "EndOfStream { hr: Hresult(0), more: false }");
    assert_eq!(run.media.len(), 709 + 94 * 1444);
}
