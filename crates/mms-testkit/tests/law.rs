//! The law: every cut of the byte stream gives the same events and the same output.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Play};
use mms_core::mmsp::server::Pace;
use mms_core::mmsp::wire::*;
use mms_core::server;
use mms_testkit::asf::Recipe;
use mms_testkit::content::{Content, shared};
use mms_testkit::pair::{Network, Pair, Seen};
use mms_testkit::script::{ScriptedClient, ScriptedServer, command, data};
use mms_testkit::talk;

fn content() -> Content {
    let send_times = (0..9).map(|number| number * 100).collect();
    let recipe = Recipe { header_len: 400, packet_size: 64, send_times, ..Recipe::default() };
    Content::made_up(&recipe)
}

fn config() -> server::Config {
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    config
}

/// Everything a client may say, wrong things too.
fn said() -> Vec<u8> {
    let switch = [talk::entry(0xFFFF, 1, 0), talk::entry(2, 0xFFFF, 0)];
    let messages = [
        talk::connect("NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}"),
        talk::start(1),
        talk::funnel_info(MMS_PACKET_PAIR_TCP_HIGH_ENTROPY),
        talk::connect_funnel(r"\\192.0.2.10\UDP\2512"),
        talk::connect_funnel(r"\\192.0.2.10\TCP\2512"),
        talk::open_file(9, "missing.wmv"),
        talk::open_file(9, "found.wmv"),
        talk::read_block(1),
        talk::switch(&switch),
        talk::start(10),
        Message::Pong,
        talk::stop(10),
        talk::close_file(),
    ];
    messages.iter().enumerate().flat_map(|(seq, message)| command(seq as u16, message)).collect()
}

/// Output, events and wishes of the server after input in these pieces.
fn served(pieces: &[&[u8]], read: usize) -> (Vec<u8>, Vec<String>) {
    // only the first packet is due: what goes out does not depend on when the stop is read
    let mut config = server::Config::default();
    config.mms.burst = Duration::ZERO;
    let mut client = ScriptedClient::new(content(), config);
    client.read = read;
    let output = pieces.iter().flat_map(|piece| client.send(piece)).collect();
    assert!(client.done && client.error().is_none(), "{:?}", client.error());
    client.wishes.retain(|wish| !wish.starts_with("Packets"));
    (output, [client.events, client.wishes].concat())
}

#[test]
fn every_cut_of_what_a_client_says_gives_the_same_output() {
    let said = said();
    let (whole, events) = served(&[&said], usize::MAX);
    assert!(!whole.is_empty() && !events.is_empty());
    for at in 0..said.len() {
        let (front, back) = said.split_at(at);
        let (output, told) = served(&[front, back], usize::MAX);
        assert_eq!(told, events, "cut at {at}");
        same_but_media(&output, &whole, at);
    }
    let (bytewise, told) = served(&[&said], 1);
    assert_eq!(told, events);
    same_but_media(&bytewise, &whole, 1);
}

/// Whether the first packet goes out before a stop depends on when that is read; everything else does not.
fn same_but_media(a: &[u8], b: &[u8], at: usize) {
    let commands = |bytes: &[u8]| -> Vec<_> {
        mms_testkit::script::packets(bytes).into_iter().filter(|packet| packet.mid().is_some()).collect()
    };
    assert_eq!(commands(a), commands(b), "cut at {at}");
}

/// What a server says to a client that plays everything.
fn told() -> Vec<u8> {
    let content = content();
    let header = content.header();
    let mut bytes = Vec::new();
    let handshake = [
        talk::connected("9.01.01.3841", None),
        talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
        talk::connected_funnel(),
        talk::report_open(mms_core::hresult::Hresult::S_OK, FileAttributes::CANSEEK, 9),
        talk::report_read_block(mms_core::hresult::Hresult::S_OK),
    ];
    for (seq, message) in handshake.iter().enumerate() {
        bytes.extend(command(seq as u16, message));
    }
    bytes.extend(data(0, 1, 4, &header[..150]));
    bytes.extend(command(5, &Message::Ping));
    bytes.extend(data(1, 1, 0x0C, &header[150..]));
    bytes.extend(command(6, &talk::switched()));
    bytes.extend(command(7, &talk::started(mms_core::hresult::Hresult::S_OK, 10)));
    for number in 0..9 {
        bytes.extend(data(number, 10, number as u8, content.packet(number)));
    }
    bytes.extend(command(8, &talk::end(mms_core::hresult::Hresult::S_OK, 10)));
    bytes
}

fn played(pieces: &[&[u8]], read: usize, write: usize) -> (Vec<u8>, Vec<Seen>) {
    let mut server = ScriptedServer::new("mmst://h/a.wmv", Options::default());
    (server.read, server.write) = (read, write);
    let mut output = server.settle();
    for piece in pieces {
        output.extend(server.send(piece));
    }
    assert!(server.done);
    assert_eq!(server.client.error(), None);
    (output, server.seen)
}

#[test]
fn every_cut_of_what_a_server_says_gives_the_same_events_and_output() {
    let told = told();
    let whole = played(&[&told], usize::MAX, usize::MAX);
    assert_eq!(whole.1.iter().filter(|seen| seen.what.starts_with("Packet")).count(), 9);
    for at in 0..told.len() {
        let (front, back) = told.split_at(at);
        assert!(played(&[front, back], usize::MAX, usize::MAX) == whole, "cut at {at}");
    }
    assert!(played(&[&told], 1, 1) == whole, "byte by byte");
}

#[test]
fn random_cuts_give_the_same_events() {
    let told = told();
    let whole = played(&[&told], usize::MAX, usize::MAX);
    for seed in 1..60_u64 {
        let mut state = seed;
        let (mut rest, mut pieces) = (&told[..], Vec::new());
        while !rest.is_empty() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let len = ((state >> 40) as usize % 700 + 1).min(rest.len());
            pieces.push(&rest[..len]);
            rest = &rest[len..];
        }
        assert!(played(&pieces, usize::MAX, 7) == whole, "seed {seed}");
    }
}

#[test]
fn the_captured_player_byte_by_byte_gets_the_same_replies() {
    let Some(folder) = shared() else { return };
    let bytes = std::fs::read(folder.join("testdata/real/mms-tcp/wmp64-client-messages.bin")).unwrap();
    let run = |read| {
        let mut client = ScriptedClient::new(content(), config());
        client.read = read;
        client.send(&bytes)
    };
    assert!(run(1) == run(usize::MAX));
}

#[test]
fn a_whole_session_is_the_same_with_one_byte_reads_and_writes() {
    let run = |network| {
        let mut pair = Pair::new(content(), Options::default(), config(), network);
        pair.run();
        pair.assert_complete();
        (pair.seen, pair.to_server_log)
    };
    let whole = run(Network::default());
    for (read, write) in [(1, usize::MAX), (usize::MAX, 1), (1, 1), (3, 5)] {
        assert!(run(Network { read, write, ..Network::default() }) == whole, "{read} {write}");
    }
}

#[test]
fn both_sides_may_send_at_once_through_a_tiny_window() {
    let mut options = Options::default();
    options.play = Some(Play::all());
    let network = Network { window: 16, ..Network::default() };
    let mut pair = Pair::new(Content::testdata("made/av-wmv2-wmav2.wmv"), options, config(), network);
    pair.run();
    pair.assert_complete();
}

fn million() -> Content {
    let recipe = Recipe { header_len: 1 << 20, send_times: vec![0; 20], ..Recipe::default() };
    Content::made_up(&recipe)
}

fn for_million() -> Options {
    let mut options = Options::default();
    options.mms.header.bytes = 1 << 20;
    options
}

#[test]
fn a_header_of_a_megabyte_passes_through_64_kib_of_storage() {
    let mut pair = Pair::new(million(), for_million(), config(), Network::default());
    pair.run();
    pair.assert_complete();
    assert_eq!(pair.header().len(), 1 << 20);
    assert!(pair.storage_bytes() <= 1 << 16, "{} bytes of storage", pair.storage_bytes());
}

#[test]
fn a_header_of_a_megabyte_reaches_a_client_that_reads_a_kilobyte_in_a_second() {
    let network = Network { client_reads_per_second: Some(1024), ..Network::default() };
    let mut pair = Pair::new(million(), for_million(), config(), network);
    let begin = pair.now;
    pair.run();
    pair.assert_complete();
    let taken = pair.now.since(begin);
    assert!(taken >= Duration::from_secs(1000) && taken < Duration::from_secs(1200), "{taken:?}");
}
