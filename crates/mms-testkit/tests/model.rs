//! Random legal and illegal orders of calls and messages: nothing panics, errors stay, order holds, and a
//! legal client can go on afterwards.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{Options, Play, Position, SocketId};
use mms_core::hresult::Hresult;
use mms_core::mmsp::server::Pace;
use mms_core::mmsp::wire::*;
use mms_core::selection::Thinning;
use mms_core::server::Config;
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::pair::{Network, Pair, Turn};
use mms_testkit::script::{Answers, Packet, ScriptedClient, ScriptedServer, data, packets};
use mms_testkit::talk;
use proptest::collection::vec;
use proptest::prelude::*;

const NS: &str = "NSPlayer/9.0.0.2980";

fn content() -> Content {
    let send_times = (0..300).map(|number| number * 20).collect();
    Content::made_up(&Recipe { packet_size: 64, send_times, ..Recipe::default() })
}

/// Never ends a session by itself.
fn patient() -> Config {
    let mut config = Config::default();
    config.mms.pace = Pace::PerMille(1000);
    config.mms.burst = Duration::from_millis(200);
    config.mms.wrong_requests = u32::MAX;
    config.mms.handshake_timeout = Duration::MAX;
    config.mms.unanswered_pings = u32::MAX;
    config.sniff_timeout = Duration::MAX;
    config.stall_timeout = Duration::MAX;
    config.batch_bytes = 64 * 7;
    config
}

#[derive(Clone, Debug)]
enum Op {
    Say(u8, u32),
    Anything(Vec<u8>),
    Pass(u16),
    Reads(bool),
    Answers(u8),
    Release,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..14_u8, 0..320_u32).prop_map(|(kind, number)| Op::Say(kind, number)),
        1 => vec(any::<u8>(), 1..200).prop_map(Op::Anything),
        3 => (0..3000_u16).prop_map(Op::Pass),
        1 => any::<bool>().prop_map(Op::Reads),
        1 => (0..4_u8).prop_map(Op::Answers),
        1 => Just(Op::Release),
    ]
}

/// Follows what a server sends: media only between a start and its end, numbers without a gap.
#[derive(Default)]
struct Watch {
    playing: Option<u8>,
    first: bool,
    last_location: Option<u32>,
    sequence: u8,
    incarnation: u32,
}

impl Watch {
    fn see(&mut self, packet: &Packet) {
        if let Some(head) = packet.data() {
            if head.play_incarnation == 1 {
                return;
            }
            assert_eq!(self.playing, Some(head.play_incarnation), "media between start and end");
            if core::mem::take(&mut self.first) && self.sequence == 0xFF {
                self.sequence = 0;
            }
            assert_eq!(head.af_flags, self.sequence, "no gap");
            self.sequence = self.sequence.wrapping_add(1);
            assert!(self.last_location.is_none_or(|last| head.location_id > last));
            self.last_location = Some(head.location_id);
            return;
        }
        match packet.message() {
            Message::ReportStartedPlaying(report) if report.hr == Hresult::S_OK => {
                self.playing = Some(report.play_incarnation as u8);
                (self.first, self.last_location) = (true, None);
            }
            Message::ReportEndOfStream(report) if report.hr != Hresult::NS_E_INVALID_REQUEST => {
                self.playing = None;
            }
            _ => {}
        }
    }

    fn message(&mut self, kind: u8, number: u32) -> Message<'static> {
        const SWITCH: &[StreamSwitchEntry] =
            &[StreamSwitchEntry { src_stream_number: 0xFFFF, dst_stream_number: 1, thinning_level: 0 }];
        self.incarnation = (self.incarnation + 1) % 200;
        let incarnation = self.incarnation + 10;
        match kind {
            0 => talk::connect(NS),
            1 => talk::funnel_info(MMS_PACKET_PAIR_TCP_HIGH_ENTROPY),
            2 => talk::connect_funnel(r"\\1.2.3.4\TCP\1"),
            3 => talk::connect_funnel(r"\\1.2.3.4\UDP\1"),
            4 => talk::open_file(9, if number.is_multiple_of(3) { "missing" } else { "found" }),
            5 => talk::read_block(1),
            6 => talk::switch(SWITCH),
            7 => talk::start(incarnation),
            8 => Message::StartPlaying(StartPlaying {
                position: POSITION_NOT_USED,
                location_id: number,
                ..talk::start_fields(incarnation)
            }),
            9 => Message::StartPlaying(StartPlaying {
                position: f64::from(number) / 50.0,
                frame_offset: 0x8000_0000 | number,
                ..talk::start_fields(incarnation)
            }),
            10 => talk::stride(incarnation, 2.0),
            11 => talk::stop(incarnation),
            12 => Message::CancelReadBlock(CancelReadBlock { play_incarnation: 1 }),
            _ => Message::Pong,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_requests_keeps_the_order_of_replies_and_a_legal_client_completes(
        handshake in 0..8_usize,
        ops in vec(op(), 0..60),
    ) {
        let mut client = ScriptedClient::new(content(), patient());
        let mut watch = Watch::default();
        // most orders begin with a handshake, or they would never play
        for kind in [0, 2, 4, 5, 7].into_iter().take(handshake) {
            let message = watch.message(kind, 1);
            client.say(&message).iter().for_each(|packet| watch.see(packet));
        }
        for op in ops {
            let said = match op {
                Op::Say(kind, number) => {
                    let message = watch.message(kind, number);
                    client.say(&message)
                }
                Op::Anything(bytes) => {
                    match mms_testkit::script::arbitrary_message(&bytes) {
                        Some(message) if message.mid() != Mid::CLOSE_FILE
                            && message.mid() != Mid::START_PLAYING
                            && message.mid() != Mid::READ_BLOCK => client.say(&message),
                        _ => Vec::new(),
                    }
                }
                Op::Pass(ms) => {
                    let said = client.pass(Duration::from_millis(u64::from(ms)));
                    said.into_iter().map(|(_, packet)| packet).collect()
                }
                Op::Reads(reads) => {
                    client.reads = reads;
                    packets(&client.settle())
                }
                Op::Answers(kind) => {
                    client.answers = match kind {
                        0 => Answers::Held,
                        1 => Answers::Multiples(3),
                        _ => Answers::Prompt,
                    };
                    Vec::new()
                }
                Op::Release => {
                    client.release();
                    packets(&client.settle())
                }
            };
            said.iter().for_each(|packet| watch.see(packet));
        }
        (client.reads, client.answers) = (true, Answers::Prompt);
        client.release();
        packets(&client.settle()).iter().for_each(|packet| watch.see(packet));
        prop_assert!(!client.done, "{:?}", client.error());
        for kind in [0, 2, 4, 5, 11] {
            let message = watch.message(kind, 1);
            client.say(&message).iter().for_each(|packet| watch.see(packet));
        }
        let mut all = client.say(&talk::start(250));
        all.extend(client.pass(Duration::from_secs(10)).into_iter().map(|(_, packet)| packet));
        all.iter().for_each(|packet| watch.see(packet));
        let numbers: Vec<u32> = all
            .iter()
            .filter_map(Packet::data)
            .filter(|head| head.play_incarnation == 250)
            .map(|head| head.location_id)
            .collect();
        prop_assert_eq!(numbers, (0..300).collect::<Vec<_>>());
        client.say(&talk::close_file());
        prop_assert!(client.done);
    }

    #[test]
    fn any_bytes_end_a_server_session_once_or_leave_it_alive(pieces in vec(vec(any::<u8>(), 0..90), 0..12)) {
        let mut client = ScriptedClient::new(content(), Config::default());
        client.say(&talk::connect(NS));
        for bytes in pieces {
            client.send(&bytes);
            if client.done {
                let outcome = client.server.report().outcome;
                prop_assert!(client.say(&talk::connect(NS)).is_empty());
                prop_assert_eq!(client.server.report().outcome, outcome, "errors stay");
                break;
            }
        }
    }

    #[test]
    fn any_order_of_messages_and_commands_leaves_the_client_whole(
        steps in vec((0..24_u8, any::<u16>()), 0..80)
    ) {
        let content = content();
        let mut options = Options::default();
        options.play = None;
        options.close_at_end = false;
        let mut server = ScriptedServer::new("mmst://h/a", options);
        server.settle();
        for (kind, number) in steps {
            misuse(&mut server, &content, kind, number);
            if server.done {
                let error = server.client.error();
                prop_assert!(server.say(&Message::Ping).is_empty());
                prop_assert_eq!(server.client.error(), error, "errors stay");
                prop_assert!(server.client.play(Play::all()).is_err());
            } else {
                prop_assert_eq!(server.client.error(), None);
            }
        }
    }

    #[test]
    fn any_order_of_commands_ends_in_a_complete_play(steps in vec((0..8_u8, 0..310_u32, 0..60_u8), 0..25)) {
        let mut options = Options::default();
        options.play = None;
        options.close_at_end = false;
        let mut pair = Pair::new(content(), options, patient(), Network::default());
        pair.run_until(|what| what.starts_with("HeaderPart") && what.ends_with("true"));
        for (kind, number, turns) in steps {
            let client = &mut pair.client;
            // commands in the wrong state are refused and change nothing
            let _ = match kind {
                0 => client.play(Play::all()),
                1 => client.seek(Position::Packet(number)),
                2 => client.seek(Position::Time(Duration::from_millis(u64::from(number) * 20))),
                3 => client.stop(),
                4 => client.pause(),
                5 => client.resume(),
                6 => client.switch_stream(1, Thinning::KeyFrames),
                _ => client.play(Play { rate: Some(2.0), ..Play::all() }),
            };
            for _ in 0..turns {
                pair.turn();
            }
        }
        while pair.client.play(Play::all()).is_err() {
            prop_assert_ne!(pair.turn(), Turn::Done, "{:?} {:?}", pair.client.error(), pair.server.report());
        }
        let marker = pair.seen.len();
        pair.run_until(|what| what.starts_with("EndOfStream"));
        let started = pair.seen[marker..].iter().rposition(|seen| seen.what == "Started").unwrap();
        let bytes: Vec<u8> =
            pair.seen[marker + started..].iter().flat_map(|seen| seen.bytes.iter().copied()).collect();
        prop_assert!(bytes == pair.content.media(), "the last play is whole");
        pair.client.close();
        pair.run();
        prop_assert_eq!(pair.client.error(), None);
    }
}

fn misuse(server: &mut ScriptedServer, content: &Content, kind: u8, number: u16) {
    let ok = Hresult::S_OK;
    let hr = if number.is_multiple_of(7) { Hresult::NS_E_FILE_READ } else { ok };
    let incarnation = 9 + u32::from(number % 4);
    let packet = u32::from(number % 300);
    match kind {
        0 => drop(server.say(&talk::connected("9.0", None))),
        1 => drop(server.say(&talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]))),
        2 => drop(server.say(&talk::connected_funnel())),
        3 => drop(server.say(&talk::report_open(ok, FileAttributes::CANSEEK, 300))),
        4 => drop(server.send(&data(0, 1, 0x0C, content.header()))),
        5 | 6 => drop(server.say(&talk::switched())),
        7 => drop(server.say(&talk::started(hr, incarnation))),
        8 => drop(server.say(&talk::end(Hresult(u32::from(number % 2)), incarnation))),
        9 => drop(server.say(&talk::change())),
        10..=12 => {
            drop(server.send(&data(packet, incarnation as u8, number as u8, content.packet(packet))));
        }
        13 => drop(server.send(&data(packet, 0xFF, 4, content.packet(packet)))),
        14 => drop(server.say(&Message::Ping)),
        15 | 16 => drop(server.client.play(Play::all())),
        17 => drop(server.client.seek(Position::Packet(packet))),
        18 => drop(server.client.stop()),
        19 => drop(server.client.resume()),
        20 => drop(server.client.switch_stream(number, Thinning::Nothing)),
        21 => drop(server.pass(Duration::from_millis(u64::from(number) / 8))),
        22 if number.is_multiple_of(40) => server.client.close(),
        23 if number.is_multiple_of(40) => server.client.connection_failed(SocketId::CONTROL),
        _ => {}
    }
    server.settle();
}
