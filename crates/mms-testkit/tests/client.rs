//! The client against its tables: replies in and out of order, ends, refusals, timers.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

#[path = "client/ends.rs"]
mod ends;

use core::time::Duration;

use mms_core::client::{
    Client, Options, Play, Position, Quirks, SocketId, Storage, Transport, Transports, Until,
};
use mms_core::error::{Error, Incompatible, LimitName, Misbehaviour, Misuse, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::*;
use mms_core::selection::{Selection, Thinning};
use mms_core::text::Text;
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::script::{Packet, ScriptedServer, data, packets};
use mms_testkit::talk;

const OK: Hresult = Hresult::S_OK;
const SECOND: Duration = Duration::from_secs(1);
const SEEK: FileAttributes = FileAttributes::CANSEEK;

fn content() -> Content {
    Content::made_up(&Recipe::default())
}

/// An application that commands everything itself.
fn manual() -> Options {
    let mut options = Options::default();
    options.play = None;
    options.close_at_end = false;
    options
}

fn quirky(change: impl FnOnce(&mut Quirks)) -> Options {
    let mut options = manual();
    change(&mut options.mms.quirks);
    options
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Connecting,
    Connected,
    Funnel,
    Opening,
    Header,
    Ready,
    Switching,
    Starting,
    Streaming,
}

struct Setup {
    options: Options,
    version: &'static str,
    attributes: FileAttributes,
}

impl Setup {
    fn new(options: Options) -> Self {
        Self { options, version: "9.01.01.3841", attributes: SEEK }
    }

    fn walk(self, at: At) -> ScriptedServer {
        let content = content();
        let mut server = ScriptedServer::new("mmst://media.example.com/a.wmv", self.options);
        server.settle();
        let messages = [
            talk::connected(self.version, None),
            talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
            talk::connected_funnel(),
            talk::report_open(OK, self.attributes, 70),
        ];
        for (step, message) in messages.iter().enumerate().take((at as usize).min(4)) {
            assert_eq!(server.say(message).len(), 1, "request after step {step}");
        }
        if at as u8 >= At::Ready as u8 {
            server.say(&talk::report_read_block(OK));
            header(&mut server, &content, 1);
            assert!(server.client.header().is_some(), "{:?}", server.client.error());
        }
        server.story();
        if at as u8 >= At::Switching as u8 {
            server.client.play(Play::all()).unwrap();
            assert_eq!(mids(&packets(&server.settle())), [Mid::STREAM_SWITCH]);
        }
        if at as u8 >= At::Starting as u8 {
            assert_eq!(mids(&server.say(&talk::switched())), [Mid::START_PLAYING]);
        }
        if at as u8 >= At::Streaming as u8 {
            assert_eq!(server.say(&talk::started(OK, 10)), []);
        }
        server.story();
        server
    }
}

fn at(at: At) -> ScriptedServer {
    Setup::new(manual()).walk(at)
}

fn header(server: &mut ScriptedServer, content: &Content, incarnation: u8) -> Vec<Packet> {
    let (front, back) = content.header().split_at(1000);
    let mut said = packets(&server.send(&data(0, incarnation, 4, front)));
    said.extend(packets(&server.send(&data(1, incarnation, 0x0C, back))));
    said
}

fn media(server: &mut ScriptedServer, numbers: core::ops::Range<u32>, incarnation: u8) -> Vec<Packet> {
    let content = content();
    let bytes: Vec<u8> =
        numbers.flat_map(|number| data(number, incarnation, number as u8, content.packet(number))).collect();
    packets(&server.send(&bytes))
}

fn mids(packets: &[Packet]) -> Vec<Mid> {
    packets.iter().map(|packet| packet.mid().unwrap()).collect()
}

fn start_of(packet: &Packet) -> StartPlaying {
    match packet.message() {
        Message::StartPlaying(start) => start,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_packet_pair_is_measured_between_the_first_two_messages() {
    let mut options = manual();
    options.mms.packet_pair = true;
    let mut server = ScriptedServer::new("mmst://h/a", options);
    let connect = packets(&server.settle());
    assert!(matches!(connect[0].message(), Message::Connect(c) if c.play_incarnation == MMS_USE_PACKET_PAIR));
    let Message::ReportConnectedEx(mut report) = talk::connected("9.0", None) else { panic!() };
    report.play_incarnation = MMS_USE_PACKET_PAIR;
    let said = server.say(&Message::ReportConnectedEx(report));
    assert_eq!(said[0].message(), talk::funnel_info(MMS_PACKET_PAIR_TCP_HIGH_ENTROPY));
    let pair = |len| vec![0x5A_u8; len];
    let info = |bytes: &[u8], server: &mut ScriptedServer| {
        server.say(&talk::report_funnel_info(MMS_PACKET_PAIR_TCP_HIGH_ENTROPY, bytes))
    };
    assert_eq!(info(&pair(432), &mut server), []);
    server.now = server.now.after(Duration::from_millis(4));
    assert_eq!(info(&pair(432), &mut server), []);
    assert_eq!(mids(&info(&pair(976), &mut server)), [Mid::CONNECT_FUNNEL]);
    // 512 bytes in 4 ms
    assert_eq!(server.story()[1], "Bandwidth { bits_per_second: 1024000 }");
    assert_eq!(info(&pair(976), &mut server), []);
    assert!(server.done, "a fourth is an error");
    let fault = Error::PeerMisbehaved(Misbehaviour::TooManyFunnelInfo);
    assert_eq!(server.client.error(), Some(fault));
}

#[test]
fn a_server_that_measures_nothing_is_asked_for_nothing() {
    let mut options = manual();
    options.mms.packet_pair = true;
    options.mms.funnel_info = false;
    let mut server = ScriptedServer::new("mmst://h/a", options);
    server.settle();
    assert_eq!(mids(&server.say(&talk::connected("9.0", None))), [Mid::CONNECT_FUNNEL]);
}

#[test]
fn refusals_of_the_handshake_end_the_session_with_their_result() {
    let refused = Hresult::NS_E_TCP_DISABLED;
    let funnel =
        Message::ReportDisconnectedFunnel(ReportDisconnectedFunnel { hr: refused, play_incarnation: 0 });
    let Message::ReportConnectedEx(mut connected) = talk::connected("9.0", None) else { panic!() };
    connected.hr = refused;
    for (at_state, message) in [
        (At::Connecting, Message::ReportConnectedEx(connected)),
        (At::Funnel, funnel),
        (At::Opening, talk::report_open(refused, SEEK, 0)),
        (At::Header, talk::report_read_block(refused)),
        (At::Header, talk::end(refused, 1)),
    ] {
        let mut server = at(at_state);
        assert_eq!(server.say(&message), []);
        assert!(server.done);
        assert_eq!(server.client.error(), Some(Error::Refused(refused)), "{at_state:?}");
    }
}

#[test]
fn a_redirect_is_followed_on_a_new_connection_up_to_a_limit() {
    let redirect = |url: &'static str| {
        Message::ReportRedirect(ReportRedirect {
            hr: OK,
            redirect_type: RedirectType::URL,
            location: Text::Str(url),
        })
    };
    let mut server = at(At::Opening);
    let said = server.say(&redirect("mmst://b.example:1800/x.asf"));
    assert_eq!(server.connects, ["media.example.com:1755", "b.example:1800"]);
    assert_eq!(mids(&said), [Mid::CONNECT]);
    assert!(matches!(said[0], Packet::Command { seq: 0, .. }), "everything begins anew");
    for round in 0..5 {
        for message in [
            talk::connected("9.0", None),
            talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
            talk::connected_funnel(),
            redirect("mms://c.example/y"),
        ] {
            server.say(&message);
        }
        assert_eq!(server.done, round == 4, "round {round}");
    }
    assert_eq!(
        server.client.error(),
        Some(Error::Limit { limit: LimitName::Redirects, found: 6, allowed: 5 })
    );
    for elsewhere in ["https://b.example/x", "mmsu://b.example/x", "nonsense"] {
        let mut server = at(At::Opening);
        server.say(&redirect(elsewhere));
        assert!(server.story()[0].starts_with("Redirected"), "told before the error");
        let fault = Error::PeerIncompatible(Incompatible::RedirectScheme);
        assert_eq!(server.client.error(), Some(fault), "{elsewhere}");
    }
}

#[test]
fn a_challenge_is_reported_with_the_scheme_of_the_table() {
    let rows: &[(&str, Option<&str>, &[u8], &str)] = &[
        ("9.0", Some("BASIC"), &[0, 0], "Ntlm"),
        ("9.0", Some("NTLM"), b"r\0e\0", "Basic"),
        ("9.0", None, &[], "Basic"),
        ("4.1", Some("NTLM"), b"r\0e\0", "Basic"),
        ("4.1", Some("NTLM"), &[0, 0], "Ntlm"),
        ("4.1", Some("BASIC"), &[0, 0], "Basic"),
        ("4.1", None, &[0, 0], "Ntlm"),
        ("4.1", Some("DIGEST"), &[0, 0], "Unknown"),
    ];
    for (version, package, token, scheme) in rows {
        let mut server = ScriptedServer::new("mmst://h/a", manual());
        server.settle();
        for message in [
            talk::connected(version, *package),
            talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
            talk::connected_funnel(),
        ] {
            server.say(&message);
        }
        server.story();
        server.say(&Message::SecurityChallenge(SecurityChallenge { play_incarnation: 9, cookie: 1, token }));
        assert_eq!(server.story(), [format!("AuthenticationRequired {{ scheme: {scheme} }}")]);
        let fault = Error::PeerIncompatible(Incompatible::AuthenticationRequired);
        assert_eq!(server.client.error(), Some(fault));
    }
}

#[test]
fn the_end_of_a_stream_follows_the_table() {
    let broadcast = FileAttributes::BROADCAST;
    let failure = Hresult::NS_E_FILE_READ;
    let more = Hresult::S_FALSE;
    let rows = [
        ("9.1", OK, SEEK, false),
        ("9.1", failure, SEEK, false),
        ("9.1", more, SEEK, true),
        ("9.1", OK, broadcast, false),
        ("4.1", more, SEEK, false),
        ("4.1", failure, broadcast, false),
        ("4.1", OK, SEEK, false),
        ("4.1", OK, broadcast, true),
    ];
    for (version, hr, attributes, stays) in rows {
        let mut server = Setup { options: manual(), version, attributes }.walk(At::Streaming);
        let said = server.say(&talk::end(hr, 10));
        assert_eq!(mids(&said), [Mid::LOGGING], "{version} {hr}");
        let story = server.story();
        assert!(story[0].starts_with("EndOfStream") && story[0].contains(&format!("more: {stays}")));
        assert_eq!(server.client.is_streaming(), stays, "{version} {hr} {attributes:?}");
        assert_eq!(server.client.error(), None, "the application is told by the event");
        assert_eq!(server.client.play(Play::all()), Ok(()), "READY, or STREAMING and stopped first");
    }
    let mut server = at(At::Streaming);
    server.client.stop().unwrap();
    assert_eq!(mids(&packets(&server.settle())), [Mid::STOP_PLAYING, Mid::LOGGING]);
    assert_eq!(server.say(&talk::end(more, 10)), [], "an acknowledgement, whatever it says");
    assert_eq!(server.story(), ["Stopped"]);
    assert!(!server.client.is_streaming());
}

#[test]
fn the_end_with_an_error_is_the_error_of_a_client_that_closes_at_the_end() {
    let mut options = Options::default();
    options.play = None;
    let mut server = Setup::new(options).walk(At::Streaming);
    let said = server.say(&talk::end(Hresult::NS_E_FILE_READ, 10));
    assert_eq!(mids(&said), [Mid::LOGGING, Mid::CLOSE_FILE]);
    assert!(server.done);
    assert_eq!(server.client.error(), Some(Error::Refused(Hresult::NS_E_FILE_READ)));
}

#[test]
fn a_stream_change_brings_the_next_entry_and_its_early_media() {
    let mut options = Options::default();
    options.play = Some(Play { selection: Selection::NONE.with(1, Thinning::Full), ..Play::all() });
    let mut server = ScriptedServer::new("mmst://h/a", options);
    server.settle();
    for message in [
        talk::connected("9.0", None),
        talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]),
        talk::connected_funnel(),
        talk::report_open(OK, FileAttributes::BROADCAST, 0),
    ] {
        server.say(&message);
    }
    let content = content();
    let first = header(&mut server, &content, 1);
    server.say(&talk::switched());
    server.say(&talk::started(OK, 10));
    media(&mut server, 0..3, 10);
    assert_eq!(mids(&server.say(&talk::end(Hresult::S_FALSE, 10))), [Mid::LOGGING]);
    assert_eq!(server.say(&talk::change()), []);
    media(&mut server, 9..10, 10);
    let second = header(&mut server, &content, 0xFF);
    let entries = |packet: &Packet| match packet.message() {
        Message::StreamSwitch(switch) => switch.entries.iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(entries(&first[0]), entries(&second[0]), "the same streams");
    media(&mut server, 0..1, 0xFF);
    let start = server.say(&talk::switched());
    assert_eq!((start_of(&start[0]).position, start_of(&start[0]).play_incarnation), (0.0, 11));
    media(&mut server, 1..2, 0xFF);
    server.say(&talk::started(OK, 11));
    media(&mut server, 2..4, 11);
    media(&mut server, 8..9, 0xFF);
    let packets: Vec<String> = server.story().into_iter().filter(|what| what.starts_with("Packet")).collect();
    let expected =
        ["Packet 0 0", "Packet 1 1", "Packet 2 2", "Packet 0 0", "Packet 1 1", "Packet 2 2", "Packet 3 3"];
    assert_eq!(packets, expected, "stale packets of both are dropped");
    assert!(server.say(&talk::end(OK, 11)).len() == 2 && server.done);
    assert_eq!(server.client.error(), None);
}

#[test]
fn a_stream_change_that_nobody_announced_is_ignored_when_nothing_plays() {
    let mut server = at(At::Ready);
    server.say(&talk::change());
    assert_eq!(server.story(), Vec::<String>::new());
    server.say(&talk::end(Hresult::S_FALSE, 10));
    server.say(&talk::change());
    assert!(server.story()[0].starts_with("StreamChange"));
}

#[test]
fn resume_goes_on_exactly_at_the_next_packet() {
    let mut server = at(At::Streaming);
    media(&mut server, 0..5, 10);
    server.client.pause().unwrap();
    media(&mut server, 5..7, 10);
    server.say(&talk::end(OK, 10));
    server.client.resume().unwrap();
    server.settle();
    let start = server.say(&talk::switched());
    assert_eq!(start_of(&start[0]).location_id, 7, "those under way at the stop were delivered");
    assert_eq!(start_of(&start[0]).position, POSITION_NOT_USED);
    server.say(&talk::started(OK, 11));
    server.story();
    media(&mut server, 6..7, 10);
    media(&mut server, 7..9, 11);
    assert_eq!(server.story(), ["Packet 7 7", "Packet 8 8"], "the old incarnation is stale");
}

#[test]
fn resume_plays_to_where_the_first_play_was_to_end() {
    let mut server = at(At::Ready);
    let until = Some(Until::AfterStart(10 * SECOND));
    server.client.play(Play { until, ..Play::all() }).unwrap();
    server.settle();
    assert_eq!(start_of(&server.say(&talk::switched())[0]).frame_offset, 0x8000_0000 | 10_000);
    server.say(&talk::started(OK, 10));
    media(&mut server, 0..11, 10);
    server.client.pause().unwrap();
    server.say(&talk::end(OK, 10));
    server.client.resume().unwrap();
    server.settle();
    assert_eq!(start_of(&server.say(&talk::switched())[0]).frame_offset, 0x8000_0000 | 8_200);
}

#[test]
fn resume_behind_the_last_packet_asks_for_the_last_and_drops_it() {
    let mut server = at(At::Streaming);
    media(&mut server, 0..70, 10);
    server.client.pause().unwrap();
    server.say(&talk::end(OK, 10));
    server.client.resume().unwrap();
    server.settle();
    assert_eq!(start_of(&server.say(&talk::switched())[0]).location_id, 69);
    server.say(&talk::started(OK, 11));
    server.story();
    media(&mut server, 69..70, 11);
    assert!(!server.story().iter().any(|what| what.starts_with("Packet")));
}

#[test]
fn live_content_resumes_at_what_is_sent_now() {
    let attributes = FileAttributes::BROADCAST;
    let mut server = Setup { options: manual(), version: "9.0", attributes }.walk(At::Streaming);
    media(&mut server, 5..6, 10);
    server.client.pause().unwrap();
    server.say(&talk::end(OK, 10));
    server.client.resume().unwrap();
    server.settle();
    let start = server.say(&talk::switched());
    assert_eq!((start_of(&start[0]).position, start_of(&start[0]).location_id), (0.0, u32::MAX));
}

#[test]
fn a_seek_by_time_after_a_seek_by_packet_drops_nothing() {
    let mut server = at(At::Streaming);
    server.client.seek(Position::Packet(50)).unwrap();
    server.say(&talk::end(OK, 10));
    server.say(&talk::switched());
    server.say(&talk::started(OK, 11));
    server.client.seek(Position::Time(SECOND)).unwrap();
    server.say(&talk::end(OK, 11));
    server.say(&talk::switched());
    server.say(&talk::started(OK, 12));
    server.story();
    media(&mut server, 5..6, 12);
    assert_eq!(server.story(), ["Packet 5 5"]);
}

#[test]
fn a_server_that_ignores_the_packet_number_is_asked_by_time() {
    for (quirk, expected) in [(true, &[][..]), (false, &["Packet 0 0"][..])] {
        let mut server = Setup::new(quirky(|quirks| quirks.location_id_ignored = quirk)).walk(At::Streaming);
        media(&mut server, 0..11, 10);
        server.client.pause().unwrap();
        server.say(&talk::end(OK, 10));
        server.client.resume().unwrap();
        server.settle();
        server.say(&talk::switched());
        server.say(&talk::started(OK, 11));
        server.story();
        let said = media(&mut server, 0..1, 11);
        assert_eq!(server.story(), expected);
        if quirk {
            assert_eq!(mids(&said), [Mid::STOP_PLAYING]);
            assert_eq!(mids(&server.say(&talk::end(OK, 11))), [Mid::STREAM_SWITCH]);
            let start = server.say(&talk::switched());
            assert_eq!(start_of(&start[0]).position, 1.8, "the send time of packet 10");
            server.say(&talk::started(OK, 12));
            media(&mut server, 10..13, 12);
            let story: Vec<_> = server.story().into_iter().filter(|what| what != "Started").collect();
            assert_eq!(story[1..], ["Packet 11 11", "Packet 12 12"], "{story:?}");
        }
    }
}

#[test]
fn any_incarnation_of_a_header_is_taken_only_with_the_quirk() {
    for (quirk, complete) in [(true, true), (false, false)] {
        let options = quirky(|quirks| quirks.header_any_incarnation = quirk);
        let mut server = Setup::new(options).walk(At::Header);
        header(&mut server, &content(), 77);
        assert_eq!(server.client.header().is_some(), complete);
        assert_eq!(server.client.error(), None);
    }
}

#[test]
fn header_fragments_of_either_flag_scheme_are_taken() {
    for flags in [[4, 4, 0x0C], [4, 0, 8], [0, 0, 8], [0, 4, 0x0C]] {
        let mut server = at(At::Header);
        let content = content();
        for (number, flag) in flags.iter().enumerate() {
            let part = &content.header()[number * 700..2000.min(number * 700 + 700)];
            server.send(&data(number as u32, 1, *flag, part));
        }
        assert!(server.client.header().is_some(), "{flags:?}");
    }
}

#[test]
fn logging_follows_a_stop_and_an_end_with_true_numbers_but_not_to_old_servers() {
    let mut server = at(At::Streaming);
    media(&mut server, 10..16, 10);
    server.client.stop().unwrap();
    let said = packets(&server.settle());
    let Message::Logging(log) = said[1].message() else { panic!("{said:?}") };
    assert_eq!((log.info.packets_received, log.info.bytes_received), (6, 6 * 1444));
    assert_eq!((log.info.start_time_ms, log.info.played_ms), (1_800, 900));
    assert_eq!(log.source_id, 1);
    server.say(&talk::end(OK, 10));
    server.client.resume().unwrap();
    server.settle();
    server.say(&talk::switched());
    server.say(&talk::started(OK, 11));
    media(&mut server, 16..18, 11);
    let said = server.say(&talk::end(OK, 11));
    let Message::Logging(log) = said[0].message() else { panic!("{said:?}") };
    assert_eq!(log.info.packets_received, 2, "since the last Logging");
    assert_eq!((log.info.start_time_ms, log.info.played_ms), (2_880, 180));
    for (version, quirk, logs) in [("2.0", true, 0), ("2.0", false, 1), ("3.0", true, 1)] {
        let options = quirky(|quirks| quirks.no_log_below_version_3 = quirk);
        let mut server = Setup { options, version, attributes: SEEK }.walk(At::Streaming);
        assert_eq!(server.say(&talk::end(OK, 10)).len(), logs, "{version} {quirk}");
    }
    let mut silent = manual();
    silent.mms.logging = false;
    assert_eq!(Setup::new(silent).walk(At::Streaming).say(&talk::end(OK, 10)), []);
}

#[test]
fn the_log_and_the_name_hold_no_credentials() {
    let mut server = ScriptedServer::new("mmst://user:secret@[::1]:1755/a.wmv", manual());
    let said = packets(&server.settle());
    let Message::Connect(connect) = said[0].message() else { panic!() };
    let name: String = connect.subscriber_name.chars().collect();
    assert!(name.ends_with("Host: [::1]:1755"), "{name}");
}

#[test]
fn a_refused_play_is_an_event_and_the_session_stays_ready() {
    let attributes = SEEK | FileAttributes::CANSTRIDE;
    let mut server = Setup { options: manual(), version: "9.0", attributes }.walk(At::Ready);
    server.client.play(Play { rate: Some(5.0), ..Play::all() }).unwrap();
    server.settle();
    assert_eq!(mids(&server.say(&talk::switched())), [Mid::START_STRIDING]);
    server.story();
    server.say(&Message::ReportStartStriding(ReportStartStriding {
        hr: Hresult::NS_E_STRIDE_REFUSED,
        play_incarnation: 10,
    }));
    assert_eq!(server.story(), ["PlayRefused { error: PeerIncompatible(NotStridable) }"]);
    server.client.play(Play::all()).unwrap();
    server.settle();
    server.say(&talk::switched());
    server.say(&talk::started(Hresult::NS_E_FILE_PLAY_FAILED, 11));
    assert!(server.story()[1].starts_with("PlayRefused { error: Refused"));
    assert_eq!(server.client.error(), None);
    server.client.play(Play::all()).unwrap();
    server.settle();
    server.say(&talk::switched());
    server.say(&talk::started(OK, 12));
    assert_eq!(server.story().last().unwrap(), "Started");
}

#[test]
fn a_refused_play_is_the_error_of_a_client_that_closes_at_the_end() {
    let mut options = manual();
    options.close_at_end = true;
    let mut server = Setup::new(options).walk(At::Starting);
    let said = server.say(&talk::started(Hresult::NS_E_FILE_PLAY_FAILED, 10));
    assert_eq!(mids(&said), [Mid::CLOSE_FILE]);
    assert_eq!(server.client.error(), Some(Error::Refused(Hresult::NS_E_FILE_PLAY_FAILED)));
    assert!(server.done);
}

#[test]
fn what_the_content_cannot_do_is_refused_without_asking() {
    let mut live = Setup { options: manual(), version: "9.0", attributes: FileAttributes::BROADCAST };
    let not_seekable = Err(Error::PeerIncompatible(Incompatible::NotSeekable));
    let not_stridable = Err(Error::PeerIncompatible(Incompatible::NotStridable));
    let out_of_range = Err(Error::ApiMisuse(Misuse::OutOfRange));
    let mut server = live.walk(At::Ready);
    assert_eq!(server.client.play(Play::from(Position::Time(SECOND))), not_seekable);
    assert_eq!(server.client.play(Play { rate: Some(2.0), ..Play::all() }), not_stridable);
    for rate in [0.0, 5.1, -6.0, f64::NAN, f64::INFINITY, 5e-324] {
        assert_eq!(server.client.play(Play { rate: Some(rate), ..Play::all() }), out_of_range);
    }
    live = Setup::new(manual());
    live.attributes = SEEK | FileAttributes::PLAYLIST;
    assert_eq!(live.walk(At::Ready).client.seek(Position::Packet(5)), not_seekable);
}

#[test]
fn a_url_that_needs_datagrams_says_so_to_a_client_without_them() {
    let new = |url: &str, transports: &[Transport]| {
        let storage = Storage { receive: vec![0; 65536], send: vec![0; 4096] };
        let mut options = Options::default();
        options.transports = Transports::new(transports);
        Client::new(url, options, storage).map(|client| client.transport())
    };
    let no_transport = Err(Error::ApiMisuse(Misuse::NoTransport));
    assert_eq!(new("mmsu://server/film", &[Transport::Tcp]), no_transport);
    assert_eq!(new("mms://server/film", &[Transport::Udp]), no_transport);
    assert_eq!(new("mms://server/film", &[Transport::Udp, Transport::Http]), Ok(Transport::Http));
    assert_eq!(new("rtsp://server/film", &[Transport::Tcp]), Err(Error::ApiMisuse(Misuse::Url)));
}

#[test]
fn one_switch_at_a_time_while_streaming() {
    let mut server = at(At::Streaming);
    server.client.switch_stream(2, Thinning::KeyFrames).unwrap();
    assert_eq!(server.client.switch_stream(1, Thinning::Nothing), Err(Error::ApiMisuse(Misuse::WrongState)));
    let said = packets(&server.settle());
    assert_eq!(said[0].message(), talk::switch(&[talk::entry(0xFFFF, 2, 1)]));
    assert!(server.client.switch_stream(1, Thinning::Nothing).is_err(), "not answered yet");
    media(&mut server, 0..1, 10);
    server.say(&talk::switched());
    server.client.switch_stream(1, Thinning::Nothing).unwrap();
    assert_eq!(packets(&server.settle())[0].message(), talk::switch(&[talk::entry(1, 0xFFFF, 0)]));
    let failed = Message::ReportStreamSwitch(ReportStreamSwitch { hr: Hresult::NS_E_INVALID_STREAM });
    server.say(&failed);
    assert!(server.story().last().unwrap().contains("StreamsSwitched"));
    assert!(server.client.is_streaming());
}

#[test]
fn late_doubled_and_unknown_messages_mean_nothing_in_any_state() {
    let strange: Vec<(Message<'_>, &[At])> = vec![
        (talk::connected("9.0", None), &[At::Connecting]),
        (talk::report_funnel_info(MMS_DISABLE_PACKET_PAIR, &[]), &[At::Connected]),
        (talk::connected_funnel(), &[At::Funnel]),
        (talk::report_open(OK, SEEK, 1), &[At::Opening]),
        (talk::report_read_block(OK), &[]),
        (talk::switched(), &[At::Switching]),
        (talk::started(OK, 10), &[At::Starting]),
        (talk::end(OK, 3), &[At::Streaming]),
        (Message::Unknown { mid: Mid(0x0004_0018), body: &[0; 8] }, &[]),
        (Message::Pong, &[]),
    ];
    for (message, expected) in &strange {
        for state in [
            At::Connecting,
            At::Connected,
            At::Funnel,
            At::Opening,
            At::Header,
            At::Ready,
            At::Switching,
            At::Starting,
            At::Streaming,
        ] {
            if expected.contains(&state) {
                continue;
            }
            let mut server = at(state);
            assert_eq!(server.say(message), [], "{} at {state:?}", message.mid());
            assert_eq!(server.client.error(), None, "{} at {state:?}", message.mid());
            let story = server.story();
            assert!(story.iter().all(|what| what.starts_with("StreamsSwitched")), "{story:?}");
        }
    }
}

#[test]
fn data_that_nobody_asked_for_is_dropped_in_any_state() {
    for state in
        [At::Connecting, At::Connected, At::Funnel, At::Opening, At::Ready, At::Switching, At::Streaming]
    {
        let mut server = at(state);
        media(&mut server, 0..3, 3);
        media(&mut server, 0..1, 0xFF);
        assert_eq!(server.story(), Vec::<String>::new(), "{state:?}");
        assert_eq!(server.client.error(), None);
    }
    let mut starting = at(At::Starting);
    media(&mut starting, 0..1, 10);
    assert_eq!(starting.story(), ["Packet 0 0"], "before the reply, with the new incarnation");
}

#[test]
fn a_disconnected_funnel_while_streaming_is_an_end() {
    let mut server = at(At::Streaming);
    let hr = Hresult::NS_E_SHUTDOWN;
    server.say(&Message::ReportDisconnectedFunnel(ReportDisconnectedFunnel { hr, play_incarnation: 0 }));
    assert!(server.story()[0].starts_with("EndOfStream"));
}

#[test]
fn pings_are_answered_in_every_state_until_there_are_too_many() {
    for state in [At::Connecting, At::Funnel, At::Header, At::Ready, At::Starting, At::Streaming] {
        assert_eq!(mids(&at(state).say(&Message::Ping)), [Mid::PONG], "{state:?}");
    }
    let mut server = at(At::Ready);
    for _ in 0..120 {
        assert_eq!(server.say(&Message::Ping).len(), 1);
    }
    server.now = server.now.after(60 * SECOND);
    assert_eq!(server.say(&Message::Ping).len(), 1, "a new minute");
    for _ in 0..119 {
        server.say(&Message::Ping);
    }
    assert_eq!(server.say(&Message::Ping), []);
    let limit = Error::Limit { limit: LimitName::Pings, found: 121, allowed: 120 };
    assert_eq!(server.client.error(), Some(limit));
}

#[test]
fn pings_share_one_pong_while_nothing_can_be_written() {
    let mut server = at(At::Ready);
    server.write = 0;
    for _ in 0..100 {
        server.say(&Message::Ping);
    }
    server.write = usize::MAX;
    assert!(packets(&server.settle()).len() < 100);
    assert_eq!(server.client.error(), None);
}
