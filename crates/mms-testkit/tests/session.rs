//! Whole sessions in memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Play, Position};
use mms_core::mmsp::server::Pace;
use mms_core::server;
use mms_testkit::content::Content;
use mms_testkit::pair::{Network, Pair};

fn unpaced() -> server::Config {
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    config
}

#[test]
fn a_file_arrives_as_it_was_sent() {
    let content = Content::testdata("made/av-wmv2-wmav2.wmv");
    let mut pair = Pair::new(content, Options::default(), unpaced(), Network::default());
    pair.run();
    pair.assert_complete();
    let story: Vec<&str> =
        pair.story().iter().map(|what| what.split([' ', '(']).next().unwrap_or_default()).collect();
    assert_eq!(story, ["Connected", "Opened", "HeaderPart", "StreamsSwitched", "Started", "EndOfStream"]);
}

#[test]
fn a_file_arrives_in_its_own_time_when_paced() {
    let content = Content::testdata("made/av-wmv2-wmav2.wmv");
    let mut config = server::Config::default();
    config.mms.burst = Duration::from_secs(2);
    let mut pair = Pair::new(content, Options::default(), config, Network::default());
    let start = pair.now;
    pair.run();
    pair.assert_complete();
    let taken = pair.now.since(start);
    let last = pair.content.send_time(pair.content.len() - 1);
    assert!(taken >= last - Duration::from_secs(2), "{taken:?} of {last:?}");
    assert!(taken < last, "{taken:?} of {last:?}");
}

#[test]
fn a_seek_starts_at_the_packet_of_that_time() {
    let content = Content::testdata("made/seek-125s.wmv");
    let mut options = Options::default();
    let time = Duration::from_secs(60);
    options.play = Some(Play::from(Position::Time(time)));
    let expected = content.packet_at(time);
    let mut pair = Pair::new(content, options, unpaced(), Network::default());
    pair.run();
    assert_eq!(pair.client.error(), None);
    let first = pair.seen.iter().find(|seen| seen.what.starts_with("Packet")).unwrap();
    assert_eq!(first.what, format!("Packet {expected} 0"));
    assert_eq!(pair.server.report().started_at, Some(expected));
}
