//! What others can cost a session over UDP: requests that are spoofed or replayed, datagrams of strangers, a client that
//! vanishes. Each test names its bound.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::net::SocketAddr;
use core::time::Duration;

use mms_core::client::Options;
use mms_core::error::{Error, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::server::Pace;
use mms_core::mmsp::wire::{FileAttributes, MMS_DISABLE_PACKET_PAIR, RequestPacketListResend, Sequences};
use mms_core::server;
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::netem::Random;
use mms_testkit::script::{ScriptedClient, ScriptedServer, data};
use mms_testkit::talk;

const SECOND: Duration = Duration::from_secs(1);
const OK: Hresult = Hresult::S_OK;

// ---- a server and those who claim to be its client

/// A client of a server that sends packets of 1,400 bytes in their own time, or all at once; `identified` clients can ask
/// for lost packets.
fn streaming(pace: Pace, identified: bool) -> ScriptedClient {
    let send_times = (0..600).map(|number| number * 200).collect();
    let content = Content::made_up(&Recipe { packet_size: 1400, send_times, ..Recipe::default() });
    let mut config = server::Config::default();
    config.mms.pace = pace;
    let mut client = ScriptedClient::over_udp(content, config);
    client.say(&talk::connect("NSPlayer/9.0.0.2980; {01234567-89AB-CDEF-0123-456789ABCDEF}"));
    if identified {
        client.say(&talk::funnel_info(MMS_DISABLE_PACKET_PAIR));
    }
    client.say(&talk::connect_funnel(r"\\192.0.2.10\UDP\2512"));
    client.say(&talk::open_file(9, "a.wmv"));
    client.say(&talk::read_block(1));
    client.pass(SECOND);
    client.say(&talk::start(10));
    client
}

fn client_id(client: &ScriptedClient) -> u32 {
    client.server.client_id().unwrap()
}

fn request(client_id: u32, source_id: u16, numbers: &[u32]) -> Vec<u8> {
    let sequences = Sequences::new(numbers).unwrap();
    let mut out = vec![0; RequestPacketListResend::MAX_LEN];
    let len = RequestPacketListResend { client_id, source_id, sequences }.encode(&mut out).unwrap();
    out.truncate(len);
    out
}

/// Bytes of the datagrams from the `from`th on.
fn bytes(client: &ScriptedClient, from: usize) -> u64 {
    client.datagrams[from..].iter().map(|(_, datagram)| datagram.len() as u64).sum()
}

#[test]
fn a_request_with_a_guessed_identifier_brings_nothing() {
    let mut client = streaming(Pace::Off, true);
    client.pass(SECOND);
    let (before, id) = (client.datagrams.len(), client_id(&client));
    for guess in 1..=10_000_u32 {
        client.foreign(&request(id ^ guess, 1, &[1, 2, 3]));
        client.foreign(&request(id, 1 + (guess as u16 | 1), &[1, 2, 3]));
    }
    client.foreign(b"nonsense");
    assert_eq!(client.datagrams.len(), before, "not one datagram");
    assert_eq!(client.server.resends().unwrap().rejected, 20_001);
}

#[test]
fn the_identifier_is_made_of_the_random_bytes_of_the_host() {
    let ids: std::collections::BTreeSet<u32> = (0..64_u8)
        .map(|byte| {
            let storage = server::Storage { receive: vec![0; 2048], send: vec![0; 2304] };
            let accepted = server::Accepted { peer: "192.0.2.9:1".parse().unwrap(), random: [byte; 16] };
            let now = mms_core::time::Instant::ZERO;
            let mut server =
                server::Connection::<_, Vec<u8>>::new(server::Config::default(), storage, accepted, now)
                    .unwrap();
            server.allow_udp();
            let mut client =
                ScriptedClient::over_udp(Content::made_up(&Recipe::default()), server::Config::default());
            let _ = &mut client;
            let mut say = |bytes: &[u8]| {
                server.step(now);
                server.space()[..bytes.len()].copy_from_slice(bytes);
                server.filled(bytes.len());
                server.step(now);
            };
            say(&mms_testkit::script::command(0, &talk::connect("NSPlayer/9.0.0.2980")));
            say(&mms_testkit::script::command(1, &talk::connect_funnel(r"\\192.0.2.10\UDP\2512")));
            server.client_id().unwrap()
        })
        .collect();
    assert_eq!(ids.len(), 64);
}

/// 32 numbers in each of 1,000 requests a second, for ten seconds.
#[test]
fn replayed_requests_cost_no_more_than_the_ceiling_of_resends() {
    let config = server::Config::default();
    let mut client = streaming(Pace::Off, true);
    client.pass(SECOND);
    let (before, id) = (client.datagrams.len(), client_id(&client));
    let numbers: Vec<Vec<u32>> = (0..18).map(|first| (first * 32..first * 32 + 32).collect()).collect();
    for millis in 0..10_000 {
        client.ask(&request(id, 1, &numbers[millis % numbers.len()]));
        client.pass(Duration::from_millis(1));
    }
    let resent = bytes(&client, before);
    let ceiling = config.resend.burst_bytes + 10 * config.resend.bytes_per_second;
    assert!(resent <= ceiling, "{resent} of {ceiling}");
    let each = u64::from(config.resend.copies) * 600 * 1408;
    assert!(
        resent <= each && resent > 1_000_000,
        "{resent}: {} copies of each packet at most",
        config.resend.copies
    );
    // the same over and over: no packet more than 24 times, whatever time passes
    let (before, replayed) = (client.datagrams.len(), request(id, 1, &[599]));
    for _ in 0..1000 {
        client.ask(&replayed);
        client.pass(Duration::from_millis(11));
    }
    assert!(client.datagrams.len() - before <= usize::from(config.resend.copies));
}

#[test]
fn requests_before_the_play_and_behind_a_stop_bring_nothing() {
    let mut client = streaming(Pace::REALTIME, true);
    client.pass(3 * SECOND);
    let id = client_id(&client);
    client.say(&talk::stop(10));
    let before = client.datagrams.len();
    client.foreign(&request(id, 1, &[0, 1, 2]));
    client.pass(SECOND);
    assert_eq!(client.datagrams.len(), before, "what a Stop discarded is not sent again");
    client.close();
    client.foreign(&request(id, 1, &[0, 1, 2]));
    assert_eq!(client.datagrams.len(), before);
}

/// Nothing but a Connect and a ConnectFunnel over TCP makes a server send a datagram, and then only to the address of
/// that connection, as much as was asked for.
#[test]
fn nothing_is_sent_before_the_handshake_shows_the_address() {
    let mut client =
        ScriptedClient::over_udp(Content::made_up(&Recipe::default()), server::Config::default());
    client.foreign(&request(0x5EED_1234, 1, &[0, 1, 2]));
    client.say(&talk::connect("NSPlayer/9.0.0.2980"));
    client.foreign(&request(0x5EED_1234, 1, &[0, 1, 2]));
    client.say(&talk::connect_funnel(r"\\203.0.113.77\UDP\2512"));
    client.foreign(&request(0x5EED_1234, 1, &[0, 1, 2]));
    client.pass(SECOND);
    assert_eq!(client.datagrams, []);
    client.say(&talk::open_file(9, "a.wmv"));
    client.say(&talk::read_block(1));
    client.pass(SECOND);
    assert_eq!(client.datagrams.len(), 2, "the header, to the peer of the TCP connection");
}

/// Packets of 1,400 bytes every 200 ms: 7 kB/s. The last Pong is behind the last Ping, so what a client that vanished
/// still gets is the media of four times 30 s at most, and no request makes it more.
#[test]
fn a_client_that_vanishes_gets_media_for_two_minutes_at_most() {
    for identified in [true, false] {
        let mut client = streaming(Pace::REALTIME, identified);
        client.pass(5 * SECOND);
        let (vanished, before) = (client.now, client.datagrams.len());
        let id = client_id(&client);
        client.pass(300 * SECOND);
        assert_eq!(client.error(), Some(Error::TimedOut(TimerName::Pong)));
        let last = client.datagrams.last().unwrap().0;
        assert!(last.since(vanished) <= 120 * SECOND, "{:?}", last.since(vanished));
        assert!(bytes(&client, before) <= 125 * 7_040, "{} bytes", bytes(&client, before));
        assert_eq!(client.server.client_id(), None, "its way is closed");
        let after = client.datagrams.len();
        client.foreign(&request(id, 1, &[0, 1, 2]));
        assert_eq!(client.datagrams.len(), after);
    }
}

// ---- a client and those who claim to be its server

fn server() -> SocketAddr {
    "192.0.2.20:1755".parse().unwrap()
}

/// A server that has sent three of 70 packets.
fn playing() -> ScriptedServer {
    let content = Content::made_up(&Recipe::default());
    let mut script = ScriptedServer::over_udp("mmsu://media.example.com/a.wmv", Options::default());
    script.settle();
    for message in [
        talk::connected("9.01.01.3841", None),
        talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
        talk::connected_funnel(),
        talk::report_open(OK, FileAttributes::CANSEEK, 70),
        talk::report_read_block(OK),
    ] {
        script.say(&message);
    }
    script.datagram(&data(0, 1, 4, &content.header()[..1000]));
    script.datagram(&data(1, 1, 0x0C, &content.header()[1000..]));
    script.say(&talk::switched());
    script.say(&talk::started(OK, 10));
    for number in 0..3 {
        script.datagram(&data(number, 10, number as u8, content.packet(number)));
    }
    assert!(script.story().last().unwrap().starts_with("Packet 2"));
    script
}

/// Goes on behind what strangers did, with nothing lost.
fn goes_on(script: &mut ScriptedServer) {
    let content = Content::made_up(&Recipe::default());
    for number in 3..70 {
        script.datagram(&data(number, 10, number as u8, content.packet(number)));
    }
    script.say(&talk::end(OK, 10));
    let packets = script.story().into_iter().filter(|what| what.starts_with("Packet ")).count();
    assert_eq!(packets, 67);
    assert!(script.done);
    assert_eq!(script.client.error(), None);
}

#[test]
fn datagrams_of_strangers_are_not_looked_at() {
    let mut script = playing();
    let before = script.client.reception().unwrap();
    let content = Content::made_up(&Recipe::default());
    for number in 3..10_000_u32 {
        let from = SocketAddr::from(([203, 0, 113, (number % 250) as u8], 1755));
        script.foreign(from, &data(number, 10, number as u8, content.packet(number % 70)));
    }
    assert_eq!((script.client.reception(), script.story()), (Some(before), vec![]));
    assert_eq!(script.requests, []);
    goes_on(&mut script);
}

/// Storage is given once, so nothing grows; what is no Data packet of what plays costs a look.
#[test]
fn noise_under_the_address_of_the_server_is_dropped_and_asks_for_nothing() {
    let mut script = playing();
    let mut random = Random::new(7);
    for _ in 0..20_000 {
        let len = random.below(1_600) as usize;
        let mut noise: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        if len > 4 && noise[4] == 10 {
            noise[4] = 11; // what is no noise has the incarnation that plays
        }
        script.foreign(server(), &noise);
        script.foreign(server(), &data(random.below(1 << 32) as u32, 9, 0x0C, &noise[..len.min(50)]));
    }
    assert_eq!(script.requests, []);
    let reception = script.client.reception().unwrap();
    assert!(reception.foreign + reception.stale >= 39_000, "{reception:?}");
    goes_on(&mut script);
}

/// Whoever can write the server's address can disturb what it plays. It costs the client no memory, and no more requests
/// than the pool allows: 32 numbers and 2.5 for each packet that is believed lost.
#[test]
fn media_that_is_made_up_costs_a_bounded_number_of_requests() {
    let mut script = playing();
    let mut random = Random::new(9);
    let begun = script.now;
    for _ in 0..5_000 {
        let location = random.below(1 << 20) as u32;
        script.foreign(server(), &data(location, 10, random.below(256) as u8, &[1; 20]));
        script.pass(Duration::from_millis(2));
        if script.done {
            break;
        }
    }
    let numbers: u64 = script.requests.iter().map(|(_, request)| (request.len() as u64 - 12) / 4).sum();
    let reception = script.client.reception().unwrap();
    let believed = reception.packets_lost_net + reception.no_room + 512;
    println!("{numbers} numbers in {} requests, {reception:?}", script.requests.len());
    assert!(numbers <= 32 + 5 * believed / 2, "{numbers} numbers, {reception:?}");
    let seconds = script.now.since(begun).as_secs() + 1;
    assert!(
        script.requests.len() as u64 <= 1_000 * seconds,
        "{} requests in {seconds} s",
        script.requests.len()
    );
}
