//! A client whose media comes in datagrams, against scripted servers: header timer, change of content, bandwidth.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Outcome, Play, Position, Transport};
use mms_core::error::{Error, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::*;
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::script::{Packet, ScriptedServer, data, packets};
use mms_testkit::talk;

/// 1 s, and the time that 2,000 bytes take at 64 kbit/s.
const HEADER_TIMER: Duration = Duration::from_millis(1250);
const OK: Hresult = Hresult::S_OK;

fn content() -> Content {
    Content::made_up(&Recipe::default())
}

/// A server that has answered OpenFile of content with so many packets.
fn opened(url: &str, options: Options, packets: u64) -> ScriptedServer {
    let mut server = ScriptedServer::over_udp(url, options);
    server.settle();
    for message in [
        talk::connected("9.01.01.3841", None),
        talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
        talk::connected_funnel(),
        talk::report_open(OK, FileAttributes::BROADCAST, packets),
    ] {
        server.say(&message);
    }
    server
}

fn header(server: &mut ScriptedServer, content: &Content, incarnation: u8) -> Vec<Packet> {
    let (front, back) = content.header().split_at(1000);
    server.datagram(&data(0, incarnation, 4, front));
    server.datagram(&data(1, incarnation, 0x0C, back))
}

fn report_read_block(play_incarnation: u32) -> Message<'static> {
    Message::ReportReadBlock(ReportReadBlock { hr: OK, play_incarnation, play_sequence: 0 })
}

fn mids(packets: &[Packet]) -> Vec<Mid> {
    packets.iter().map(|packet| packet.mid().unwrap()).collect()
}

/// Incarnations of ReadBlock and CancelReadBlock.
fn reads(packets: &[Packet]) -> (Vec<u32>, Vec<u32>) {
    let (mut reads, mut cancels) = (Vec::new(), Vec::new());
    for packet in packets {
        match packet.message() {
            Message::ReadBlock(read) => reads.push(read.play_incarnation),
            Message::CancelReadBlock(cancel) => cancels.push(cancel.play_incarnation),
            _ => {}
        }
    }
    (reads, cancels)
}

// ---- the Header timer (section 3.1.6.1)

/// The document's limit: the timer may expire four times, the fifth time is the end.
#[test]
fn a_header_that_never_comes_is_asked_for_five_times() {
    let mut server = opened("mmsu://h/a", Options::default(), 70);
    let said = server.pass(Duration::from_secs(100));
    // the first ReadBlock left with the answer to OpenFile
    assert_eq!(reads(&said), (vec![2, 3, 4, 5], vec![1, 2, 3, 4]));
    assert!(server.done);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Header)));
}

/// Ours beyond the document: what was collected is kept, so a retry that brought something new is no retry in vain. With
/// one fragment for each ReadBlock a header of seven needs six retries.
#[test]
fn a_retry_that_brings_a_new_fragment_does_not_count() {
    let content = content();
    let mut server = opened("mmsu://h/a", Options::default(), 70);
    let parts: Vec<&[u8]> = content.header().chunks(300).collect();
    assert_eq!(parts.len(), 7);
    let mut last = Vec::new();
    for number in 0..parts.len() {
        let incarnation = number as u8 + 1;
        server.say(&report_read_block(u32::from(incarnation)));
        // the network loses the others
        for (other, lost) in parts.iter().enumerate() {
            let fragment = data(other as u32, incarnation, if other == 6 { 0x0C } else { 4 }, lost);
            if other == number {
                last = server.datagram(&fragment);
            } else {
                server.lose(&fragment);
            }
        }
        assert!(number == 6 || server.client.header().is_none());
        if number < 6 {
            let said = server.pass(HEADER_TIMER);
            assert_eq!(reads(&said), (vec![u32::from(incarnation) + 1], vec![u32::from(incarnation)]));
        }
    }
    assert_eq!(mids(&last), [Mid::STREAM_SWITCH], "the header is whole: {:?}", server.client.error());
    assert_eq!(server.client.transport(), Transport::Udp);
}

/// A network that lets the same fragment pass again and again is given up like one that lets none pass.
#[test]
fn retries_that_bring_nothing_new_are_in_vain() {
    let content = content();
    let mut server = opened("mmsu://h/a", Options::default(), 70);
    let (front, back) = content.header().split_at(1000);
    let mut all = 1;
    for incarnation in 1..20 {
        server.say(&report_read_block(incarnation));
        server.datagram(&data(0, incarnation as u8, 4, front));
        server.lose(&data(1, incarnation as u8, 0x0C, back));
        all += reads(&server.pass(HEADER_TIMER)).0.len();
        if server.done {
            break;
        }
    }
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Header)));
    assert_eq!(all, 6, "one that brought the fragment, five in vain");
}

// ---- the next entry of a playlist (section 3.1.5.19)

#[test]
fn a_stream_change_is_followed_by_a_read_block_and_losses_of_both_entries_are_recovered() {
    let content = content();
    let mut options = Options::default();
    options.play = Some(Play::all());
    let mut server = opened("mmsu://h/a", options, 0);
    server.say(&report_read_block(1));
    assert_eq!(mids(&header(&mut server, &content, 1)), [Mid::STREAM_SWITCH]);
    assert_eq!(mids(&server.say(&talk::switched())), [Mid::START_PLAYING]);
    server.say(&talk::started(OK, 10));
    let media = |number: u32, sequence: u32, incarnation| {
        data(number, incarnation, sequence as u8, content.packet(number))
    };
    for number in [0, 1, 2, 4, 5, 6] {
        if number == 4 {
            server.lose(&media(3, 3, 10));
        }
        server.datagram(&media(number, number, 10));
    }
    assert_eq!(asked(&mut server, 100), [3]);
    server.datagram(&media(3, 3, 10));
    // the first entry has no known length, so its end waits for silence
    assert_eq!(mids(&server.say(&talk::end(Hresult::S_FALSE, 10))), []);
    let said = server.pass(Duration::from_secs(5));
    assert_eq!(mids(&said), [Mid::LOGGING], "{:?}", server.story());

    assert_eq!(reads(&server.say(&talk::change())).0, [2], "the next incarnation of a header");
    server.say(&report_read_block(2));
    // a late packet of the first entry means nothing
    server.foreign("192.0.2.20:1755".parse().unwrap(), &media(6, 6, 10));
    assert_eq!(mids(&header(&mut server, &content, 2)), [Mid::STREAM_SWITCH]);
    let start = server.say(&talk::switched());
    assert!(matches!(start[0].message(), Message::StartPlaying(start) if start.play_incarnation == 11));
    server.say(&talk::started(OK, 11));
    // LocationId begins anew, the counter of packets goes on
    for number in [0, 1, 3, 4, 5] {
        if number == 3 {
            server.lose(&media(2, 9, 11));
        }
        server.datagram(&media(number, 7 + number, 11));
    }
    assert_eq!(asked(&mut server, 100), [9]);
    server.datagram(&media(2, 9, 11));
    server.say(&talk::end(OK, 11));
    server.pass(Duration::from_secs(5));
    let packets: Vec<String> = server.events("Packet ");
    let numbers: Vec<u32> =
        packets.iter().map(|what| what.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5]);
    assert!(server.done);
    assert_eq!(server.client.error(), None);
    let reception = server.client.reception().unwrap();
    assert_eq!((reception.packets_lost_net, reception.packets_recovered_resent), (2, 2));
}

/// Another transport would bring the first entry again, behind what was told of it.
#[test]
fn a_second_header_that_never_comes_is_no_reason_for_another_transport() {
    let content = content();
    let mut options = Options::default();
    options.play = Some(Play::all());
    let mut server = opened("mms://h/a", options, 0);
    server.say(&report_read_block(1));
    header(&mut server, &content, 1);
    server.say(&talk::switched());
    server.say(&talk::started(OK, 10));
    for number in 0..3 {
        server.datagram(&data(number, 10, number as u8, content.packet(number)));
    }
    server.say(&talk::end(Hresult::S_FALSE, 10));
    server.pass(Duration::from_secs(5));
    server.say(&talk::change());
    server.pass(Duration::from_secs(100));
    assert!(server.done);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Header)));
    assert_eq!((server.events("Packet ").len(), server.events("RolledOver").len()), (3, 0));
}

// ---- media that stays away

/// A client that plays, as far as Started, with no datagram of media.
fn started(url: &str, packets: u64) -> ScriptedServer {
    let mut options = Options::default();
    options.play = Some(Play::from(Position::Packet(3)));
    let mut server = ScriptedServer::over_udp(url, options);
    server.settle();
    handshake(&mut server, packets);
    server.say(&report_read_block(1));
    header(&mut server, &content(), 1);
    server.say(&talk::switched());
    server.say(&talk::started(OK, 10));
    server
}

fn handshake(server: &mut ScriptedServer, packets: u64) {
    for message in [
        talk::connected("9.01.01.3841", None),
        talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
        talk::connected_funnel(),
        talk::report_open(OK, FileAttributes::CANSEEK, packets),
    ] {
        server.say(&message);
    }
}

/// The same server over TCP, with this header.
fn over_tcp(server: &mut ScriptedServer, header: &[u8]) -> Vec<Packet> {
    handshake(server, 70);
    server.say(&talk::report_read_block(OK));
    let mut said = packets(&server.send(&data(0, 1, 4, &header[..700])));
    said.extend(packets(&server.send(&data(1, 1, 0x0C, &header[700..]))));
    said
}

#[test]
fn media_that_stays_away_is_fetched_over_tcp_behind_the_header_that_was_told() {
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_millis(4_990));
    assert_eq!(server.connects.len(), 1);
    server.pass(Duration::from_millis(20));
    assert_eq!(server.connects.len(), 2);
    assert_eq!(mids(&over_tcp(&mut server, content().header())), [Mid::STREAM_SWITCH]);
    let start = server.say(&talk::switched());
    assert!(matches!(start[0].message(), Message::StartPlaying(start) if start.location_id == 3));
    server.say(&talk::started(OK, 10));
    for number in 3..6 {
        server.send(&data(number, 10, number as u8 - 3, content().packet(number)));
    }
    server.say(&talk::end(OK, 10));
    let names: Vec<String> =
        server.story().iter().map(|what| what.split(' ').next().unwrap().to_owned()).collect();
    let packets = ["Packet"; 3];
    let before = ["Connected", "Opened", "HeaderPart", "HeaderPart", "StreamsSwitched", "Started"];
    let after = ["FellBack", "StreamsSwitched", "Started"];
    let all: Vec<&str> = [&before[..], &after, &packets, &["EndOfStream"]].concat();
    let begins = |(name, begin): (&String, &&str)| name.starts_with(begin);
    assert!(names.len() == all.len() && names.iter().zip(&all).all(begins), "{names:?}");
    assert_eq!((server.client.error(), server.client.transport()), (None, Transport::Tcp));
    let outcome = server.client.attempts().next().unwrap().outcome;
    assert_eq!(outcome, Outcome::Failed(Error::TimedOut(TimerName::Media)));
}

#[test]
fn a_stream_that_is_over_before_anything_of_it_came_is_fetched_over_tcp_at_once() {
    let mut server = started("mms://h/a", 4);
    server.say(&talk::end(OK, 10));
    server.pass(Duration::from_millis(4_500));
    assert_eq!((server.connects.len(), server.events("PacketsLost").len()), (2, 0));
    // where there is no TCP, that is all
    let mut server = started("mmsu://h/a", 4);
    server.say(&talk::end(OK, 10));
    server.pass(Duration::from_secs(5));
    assert_eq!((server.connects.len(), server.events("PacketsLost").len()), (1, 1));
}

#[test]
fn media_that_stays_away_is_an_error_where_tcp_brings_another_header_or_is_not_wanted() {
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(6));
    let mut other = content().header().to_vec();
    other[900] ^= 1;
    over_tcp(&mut server, &other);
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Media)));
    assert_eq!(server.connects.len(), 2, "and nothing else is tried");
    let mut server = started("mmsu://h/a", 70);
    server.pass(Duration::from_secs(14));
    assert_eq!(server.client.error(), None);
    server.pass(Duration::from_secs(2));
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Media)));
}

#[test]
fn a_pause_holds_while_the_transport_changes() {
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(6));
    assert_eq!(server.connects.len(), 2);
    server.client.pause().unwrap();
    assert!(over_tcp(&mut server, content().header()).is_empty());
    assert_eq!((server.events("Stopped").len(), server.client.error()), (1, None));
    server.pass(Duration::from_secs(100));
    server.client.resume().unwrap();
    assert_eq!(mids(&packets(&server.settle())), [Mid::STREAM_SWITCH]);
    let start = server.say(&talk::switched());
    assert!(matches!(start[0].message(), Message::StartPlaying(start) if start.location_id == 3));
    // a stop that is taken back
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(6));
    server.client.pause().unwrap();
    server.client.resume().unwrap();
    assert_eq!(mids(&over_tcp(&mut server, content().header())), [Mid::STREAM_SWITCH]);
    assert_eq!(server.events("Stopped").len(), 0);
    // a wish that the content turns out not to grant is refused, and the session goes on
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(6));
    server.client.play(Play { rate: Some(9.0), ..Play::all() }).unwrap();
    assert!(over_tcp(&mut server, content().header()).is_empty());
    assert_eq!((server.events("PlayRefused").len(), server.client.error()), (1, None));
    server.client.play(Play::all()).unwrap();
    assert_eq!(mids(&packets(&server.settle())), [Mid::STREAM_SWITCH]);
    // another wish takes the place of the first
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(6));
    server.client.seek(Position::Packet(9)).unwrap();
    over_tcp(&mut server, content().header());
    let start = server.say(&talk::switched());
    assert!(matches!(start[0].message(), Message::StartPlaying(start) if start.location_id == 9));
    // a stop while the end is held back
    let mut server = started("mms://h/a", 4);
    server.say(&talk::end(OK, 10));
    server.client.stop().unwrap();
    server.pass(Duration::from_secs(5));
    assert_eq!((server.connects.len(), server.events("EndOfStream").len()), (1, 1));
}

#[test]
fn a_first_datagram_that_is_lost_is_no_reason_for_tcp() {
    let mut server = started("mms://h/a", 70);
    server.pass(Duration::from_secs(2));
    server.lose(&data(3, 10, 0, content().packet(3)));
    server.datagram(&data(4, 10, 1, content().packet(4)));
    server.pass(Duration::from_secs(10));
    assert_eq!((server.connects.len(), server.client.error()), (1, None));
    assert_eq!(
        (server.events("Packet").len(), server.events("FellBack").len()),
        (2, 0),
        "PacketsLost, Packet"
    );
}

#[test]
fn media_that_was_told_is_not_asked_for_over_tcp() {
    let mut server = started("mms://h/a", 70);
    server.datagram(&data(3, 10, 0, content().packet(3)));
    server.pass(Duration::from_secs(80));
    assert_eq!((server.client.error(), server.connects.len()), (None, 1));
    server.pass(Duration::from_secs(20));
    assert_eq!(server.client.error(), Some(Error::TimedOut(TimerName::Silence)));
    assert_eq!(server.connects.len(), 1);
}

/// Numbers that the client asked for since the last call, and asks for within so many milliseconds.
fn asked(server: &mut ScriptedServer, millis: u64) -> Vec<u32> {
    server.pass(Duration::from_millis(millis));
    let mut numbers = Vec::new();
    for (_, request) in server.requests.drain(..) {
        numbers.extend(RequestPacketListResend::decode(&request).unwrap().sequences.iter());
    }
    numbers
}

// ---- bandwidth (sections 3.1.5.4 and 3.1.5.11)

fn measured(url: &str, pairs: &[(u64, Vec<u8>)]) -> Vec<String> {
    let mut options = Options::default();
    options.mms.packet_pair = true;
    let mut server = ScriptedServer::over_udp(url, options);
    server.settle();
    let Message::ReportConnectedEx(connected) = talk::connected("9.01.01.3841", None) else { unreachable!() };
    server.say(&Message::ReportConnectedEx(ReportConnectedEx {
        play_incarnation: MMS_USE_PACKET_PAIR,
        ..connected
    }));
    server.say(&talk::report_funnel_info(MMS_PACKET_PAIR_UDP_HIGH_ENTROPY, &[]));
    server.say(&talk::connected_funnel());
    server.say(&talk::report_open(OK, FileAttributes::CANSEEK, 70));
    for (micros, pair) in pairs {
        server.pass(Duration::from_micros(*micros));
        server.datagram(pair);
    }
    server.say(&report_read_block(1));
    server.events("Bandwidth")
}

#[test]
fn the_rate_between_two_datagrams_is_offered_to_the_application() {
    let pair = |which: u32| data(0xF0F0_F000 + which, 0xFF, 0x10, &[which as u8 + 1; 1464]);
    let rates = measured("mmsu://h/a", &[(1_000, pair(0)), (11_776, pair(1))]);
    assert_eq!(rates, ["Bandwidth { bits_per_second: 1000000 }"], "1472 bytes in 11.776 ms");
}
