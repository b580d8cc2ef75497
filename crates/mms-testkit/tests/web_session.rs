//! Whole sessions over HTTP between our client and our server, in memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Position, Transport};
use mms_core::mmsp::server::Pace;
use mms_core::server::Config;
use mms_testkit::content::Content;
use mms_testkit::web_pair::WebPair;

fn pair(name: &str, pace: Pace, step: usize) -> WebPair {
    let mut config = Config::default();
    config.http.pace = pace;
    let content = Content::testdata(name);
    WebPair::new("mmsh://server/content.wmv", content, Options::default(), config, step)
}

#[test]
fn every_file_arrives_as_it_was_sent_however_its_bytes_are_cut() {
    for name in ["made/av-wmv2-wmav2.wmv", "made/audio-wmav2.wma", "made/av-256.wmv", "made/one-packet.wma"] {
        let content = Content::testdata(name);
        let mut stories = Vec::new();
        for step in [usize::MAX, 1459, 13] {
            let mut pair = pair(name, Pace::Off, step);
            pair.run();
            assert_eq!((pair.client.error(), pair.client.transport()), (None, Transport::Http), "{name}");
            assert!(pair.media() == content.media(), "{name} in steps of {step}");
            let is_cut = |what: &str| what.starts_with("HeaderPart");
            let story: Vec<String> =
                pair.seen.iter().map(|seen| seen.what.clone()).filter(|what| !is_cut(what)).collect();
            stories.push(story);
        }
        assert!(stories.iter().all(|story| *story == stories[0]), "{name}");
    }
}

#[test]
fn a_paced_stream_takes_its_time_and_no_more() {
    let mut pair = pair("made/av-wmv2-wmav2.wmv", Pace::REALTIME, usize::MAX);
    let begun = pair.now;
    pair.run();
    let lasted = pair.now.since(begun);
    assert!(lasted > Duration::from_secs(1) && lasted < Duration::from_secs(12), "{lasted:?}");
}

#[test]
fn seeks_pauses_and_stops_find_their_place_again() {
    let mut pair = pair("made/seek-125s.wmv", Pace::REALTIME, usize::MAX);
    pair.run_until("Packet 5 ");
    pair.client.seek(Position::Time(Duration::from_secs(60))).unwrap();
    pair.run_until("Started");
    pair.run_until("Packet ");
    let number = |pair: &WebPair| -> u32 {
        pair.seen.last().unwrap().what.split(' ').nth(1).unwrap().parse().unwrap()
    };
    let place = number(&pair);
    assert!((200..260).contains(&place), "60 s of 125 s are not at packet {place} of 529");
    pair.client.pause().unwrap();
    pair.run_until("Stopped");
    let paused_behind = pair
        .seen
        .iter()
        .rev()
        .find_map(|seen| seen.what.strip_prefix("Packet ")?.split(' ').next()?.parse::<u32>().ok())
        .unwrap();
    pair.client.resume().unwrap();
    pair.run_until("Packet ");
    assert_eq!(number(&pair), paused_behind + 1);
    pair.client.stop().unwrap();
    pair.run_until("Stopped");
    pair.client.close();
    pair.run();
    assert_eq!(pair.client.error(), None);
    assert!(pair.connections >= 4);
}

#[test]
fn a_name_that_is_not_there_is_refused() {
    let content = Content::testdata("made/one-packet.wma");
    let mut pair =
        WebPair::new("http://server/missing", content, Options::default(), Config::default(), usize::MAX);
    pair.run();
    let error = pair.client.error().unwrap();
    assert!(error.to_string().contains("HTTP status 404"), "{error}");
}
