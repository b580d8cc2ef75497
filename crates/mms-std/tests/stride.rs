//! Seeking to key frames, fast forward, rewind and stream selection, from a file to a client over sockets.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use mms_core::asf::Packet;
use mms_core::client::{Event, Options, Play, Player, Position, Until};
use mms_core::error::{Error, Incompatible};
use mms_core::mmsp::server::Pace;
use mms_core::selection::{Selection, Thinning};
use mms_core::wmsp::wire::{Product, ProductName};
use mms_media::{Catalogue, Feed};
use mms_std::{Client, Server, ServerOptions};
use mms_testkit::content::{Content, testdata};

/// Plays from a server that runs as long as the client does; packets by number.
fn play(name: &str, play: Play) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    play_from("mmst", Pace::Off, name, play, |_, _| {})
}

/// The same with what is done behind so many packets.
fn play_from(
    scheme: &str,
    pace: Pace,
    name: &str,
    play: Play,
    mut then: impl FnMut(&mut Client, usize),
) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
    let mut options = ServerOptions::default();
    options.connection.mms.pace = pace;
    options.connection.http.pace = pace;
    options.connection.http.burst = Duration::ZERO;
    // from these versions on a choice travels beside the stream
    options.connection.http.product = Product::new(ProductName::Cougar, [9, 1, 1, 3841]);
    let server = Server::bind(&[SocketAddr::from(([127, 0, 0, 1], 0))], options).unwrap();
    let address = server.local_addrs().unwrap()[0];
    let stopper = server.stopper();
    let thread = std::thread::spawn(move || server.serve(Feed::new(Arc::new(catalogue))).unwrap());
    let mut options = Options::default();
    options.play = Some(play);
    options.http.player = Player::with_guid([7; 16]);
    let mut client = Client::new(&format!("{scheme}://{address}/{name}"), options).unwrap();
    let mut packets = Vec::new();
    let result = loop {
        match client.next() {
            Ok(Some(Event::Packet { location_id, bytes, .. })) => {
                packets.push((location_id, bytes.to_vec()));
                then(&mut client, packets.len());
            }
            Ok(Some(_)) => {}
            Ok(None) => break Ok(packets),
            Err(error) => break Err(error),
        }
    };
    stopper.stop();
    thread.join().unwrap();
    result
}

/// Stream and key flag of each payload.
fn payloads(bytes: &[u8]) -> Vec<(u8, bool)> {
    let packet = Packet::decode(bytes).unwrap();
    packet.payloads().flatten().map(|payload| (payload.stream_number, payload.is_key_frame)).collect()
}

fn stride(rate: f64, from: u64) -> Vec<u32> {
    let from = Position::Time(Duration::from_secs(from));
    let packets = play("seek-125s.wmv", Play { from, rate: Some(rate), ..Play::default() }).unwrap();
    for (_, bytes) in &packets {
        assert!(payloads(bytes).iter().all(|payload| *payload == (1, true)), "only key frames");
    }
    packets.iter().map(|(number, _)| *number).collect()
}

#[test]
fn fast_forward_sends_the_key_frames_to_the_end() {
    let numbers = stride(5.0, 60);
    assert!(numbers.is_sorted() && numbers.len() >= 13, "{numbers:?}");
    assert!(stride(1.5, 0).len() > numbers.len());
}

#[test]
fn rewind_sends_the_key_frames_back_to_the_beginning() {
    let forward = stride(5.0, 0);
    let backward = stride(-5.0, 124);
    assert_eq!(backward.len(), forward.len());
    assert_eq!(backward.iter().max(), forward.iter().max());
    assert_eq!(backward.iter().min(), Some(&0));
    let steps_back = backward.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_eq!(steps_back, 24, "{backward:?}");
}

#[test]
fn content_without_an_index_has_no_fast_forward() {
    let play = play("seek-audio-130s.wma", Play { rate: Some(5.0), ..Play::default() });
    assert_eq!(play.unwrap_err(), Error::PeerIncompatible(Incompatible::NotStridable));
}

#[test]
fn a_seek_begins_with_the_key_frame_at_or_before_the_time() {
    let from = Position::Time(Duration::from_secs(62));
    let packets = play("seek-125s.wmv", Play::from(from)).unwrap();
    let (number, first) = &packets[0];
    assert!(payloads(first).contains(&(1, true)));
    let head = *Packet::decode(first).unwrap().head();
    assert!((55_000..=62_000).contains(&head.send_time_ms), "{}", head.send_time_ms);
    assert_eq!(packets.len(), usize::try_from(529 - number).unwrap());
}

#[test]
fn streams_that_are_not_wanted_do_not_come_and_the_others_are_whole() {
    let all = play("two-audio.wmv", Play::default()).unwrap();
    let count = |packets: &[(u32, Vec<u8>)], stream: u8| -> usize {
        packets.iter().flat_map(|(_, bytes)| payloads(bytes)).filter(|(number, _)| *number == stream).count()
    };
    let selection = Selection::ALL.with(2, Thinning::Nothing);
    let two = play("two-audio.wmv", Play { selection, ..Play::default() }).unwrap();
    assert_eq!(count(&two, 2), 0);
    assert!(count(&all, 2) > 0);
    assert_eq!([count(&two, 1), count(&two, 3)], [count(&all, 1), count(&all, 3)]);
    let thinned = Selection::NONE.with(1, Thinning::KeyFrames);
    let thinned = play("two-audio.wmv", Play { selection: thinned, ..Play::default() }).unwrap();
    assert!(thinned.len() < two.len());
    assert!(thinned.iter().flat_map(|(_, bytes)| payloads(bytes)).all(|payload| payload == (1, true)));
}

/// One stream of some packets: object, place in it, and bytes.
fn pieces<'a>(stream: u8, packets: impl Iterator<Item = &'a [u8]>) -> Vec<(u32, u32, Vec<u8>)> {
    let mut all = Vec::new();
    for packet in packets {
        let packet = Packet::decode(packet).unwrap();
        for payload in packet.payloads().flatten().filter(|payload| payload.stream_number == stream) {
            all.push((payload.object_number, payload.offset_field, payload.data.to_vec()));
        }
    }
    all
}

/// What waits at the server was made for the choice before, and goes out as it is.
#[test]
fn a_choice_over_http_loses_nothing_of_the_streams_that_stay() {
    let name = "seek-125s.wmv";
    let play = Play { until: Some(Until::AfterStart(Duration::from_secs(50))), ..Play::default() };
    let mut level = Thinning::Full;
    let packets = play_from("mmsh", Pace::PerMille(20_000), name, play, |client, count| {
        if count.is_multiple_of(9) {
            level = if level == Thinning::Full { Thinning::Nothing } else { Thinning::Full };
            client.driver().switch_stream(2, level).unwrap();
        }
    });
    let packets = packets.unwrap();
    let of = |stream| pieces(stream, packets.iter().map(|(_, bytes)| &bytes[..]));
    let source = Content::testdata(&format!("made/{name}"));
    let all = pieces(1, (0..source.len()).map(|number| source.packet(number)));
    let came = of(1);
    assert!(came.len() > 100, "{} pieces of {}", came.len(), all.len());
    assert!(came == all[..came.len()], "a piece is missing, or comes twice");
    let audio = of(2).len();
    assert!(audio > 0 && audio < pieces(2, (0..source.len()).map(|number| source.packet(number))).len());
}
