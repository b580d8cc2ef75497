//! The server against its tables: which message is allowed when, where playing starts and ends, timers.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::error::{Error, LimitName, Reason, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::server::{Pace, Quirks};
use mms_core::mmsp::wire::*;
use mms_core::selection::Thinning;
use mms_core::server::{Config, Outcome};
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::script::{Answers, Packet, ScriptedClient, packets};
use mms_testkit::talk;

const NS: &str = "NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-1D3F5C9A7B11}";
const INVALID: Hresult = Hresult::NS_E_INVALID_REQUEST;
const SECOND: Duration = Duration::from_secs(1);

/// 70 packets, 180 ms apart.
fn content() -> Content {
    Content::made_up(&Recipe::default())
}

fn unpaced() -> Config {
    let mut config = Config::default();
    config.mms.pace = Pace::Off;
    config
}

/// Nothing goes out ahead of its time.
fn paced() -> Config {
    let mut config = Config::default();
    config.mms.burst = Duration::ZERO;
    config
}

fn quirky(change: impl FnOnce(&mut Quirks)) -> Config {
    let mut config = unpaced();
    change(&mut config.mms.quirks);
    config
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Start,
    Connected,
    Funnelled,
    Opened,
    Ready,
    Streaming,
}

/// A client that got so far; media is paced, so STREAMING stays.
fn client(at: At, config: Config) -> ScriptedClient {
    let mut client = ScriptedClient::new(content(), config);
    let steps = [
        (At::Connected, talk::connect(NS)),
        (At::Funnelled, talk::connect_funnel(r"\\192.0.2.10\TCP\1755")),
        (At::Opened, talk::open_file(9, "a.wmv")),
        (At::Ready, talk::read_block(1)),
        (At::Streaming, talk::start(10)),
    ];
    for (reached, message) in steps {
        if at == At::Start || (reached as u8) > (at as u8) {
            break;
        }
        assert!(!client.say(&message).is_empty());
    }
    client.wishes.clear();
    client
}

/// The result in a reply.
fn hr(packet: &Packet) -> Hresult {
    match packet.message() {
        Message::ReportConnectedEx(report) => report.hr,
        Message::ReportFunnelInfo(report) => report.hr,
        Message::ReportConnectedFunnel(report) => report.hr,
        Message::ReportDisconnectedFunnel(report) => report.hr,
        Message::ReportOpenFile(report) => report.hr,
        Message::ReportReadBlock(report) => report.hr,
        Message::ReportStreamSwitch(report) => report.hr,
        Message::ReportStartedPlaying(report) => report.hr,
        Message::ReportStartStriding(report) => report.hr,
        Message::ReportEndOfStream(report) => report.hr,
        other => panic!("no report: {other:?}"),
    }
}

/// Replies without media.
fn replies(packets: &[Packet]) -> Vec<(Mid, Hresult)> {
    packets.iter().filter_map(|packet| Some((packet.mid()?, hr(packet)))).collect()
}

fn numbers(packets: &[Packet]) -> Vec<u32> {
    packets.iter().filter_map(Packet::data).map(|header| header.location_id).collect()
}

#[test]
fn every_request_in_every_state_gets_its_report() {
    use At::*;
    let switch = [talk::entry(0xFFFF, 1, 0)];
    let ok = Hresult::S_OK;
    let rows: &[(Message<'_>, Mid, &[At], Mid, Hresult)] = &[
        (talk::connect(NS), Mid::REPORT_CONNECTED_EX, &[Start], Mid::REPORT_CONNECTED_EX, ok),
        (talk::funnel_info(0), Mid::REPORT_FUNNEL_INFO, &[Connected, Funnelled], Mid::REPORT_FUNNEL_INFO, ok),
        (
            talk::connect_funnel(r"\\a\TCP\1"),
            Mid::REPORT_CONNECTED_FUNNEL,
            &[Connected, Funnelled],
            Mid::REPORT_DISCONNECTED_FUNNEL,
            ok,
        ),
        (talk::open_file(9, "b"), Mid::REPORT_OPEN_FILE, &[Funnelled], Mid::REPORT_OPEN_FILE, ok),
        (talk::read_block(2), Mid::REPORT_READ_BLOCK, &[Opened, Ready], Mid::REPORT_READ_BLOCK, ok),
        (
            talk::switch(&switch),
            Mid::REPORT_STREAM_SWITCH,
            &[Ready, Streaming],
            Mid::REPORT_STREAM_SWITCH,
            ok,
        ),
        (talk::start(11), Mid::REPORT_STARTED_PLAYING, &[Ready, Streaming], Mid::REPORT_STARTED_PLAYING, ok),
        (
            talk::stride(11, 5.0),
            Mid::REPORT_START_STRIDING,
            &[Ready, Streaming],
            Mid::REPORT_START_STRIDING,
            Hresult::NS_E_STRIDE_REFUSED,
        ),
        (talk::stop(7), Mid::REPORT_END_OF_STREAM, &[Ready, Streaming], Mid::REPORT_END_OF_STREAM, ok),
        (
            Message::SecurityResponse(SecurityResponse { play_incarnation: 9, cookie: 1, token: b"x\0" }),
            Mid::REPORT_OPEN_FILE,
            &[],
            Mid::REPORT_OPEN_FILE,
            ok,
        ),
    ];
    for (message, report, allowed, refusal, result) in rows {
        for at in [Start, Connected, Funnelled, Opened, Ready, Streaming] {
            let mut client = client(at, paced());
            let said = replies(&client.say(message));
            let expected = if allowed.contains(&at) { (*report, *result) } else { (*refusal, INVALID) };
            assert_eq!(said, [expected], "{} in {at:?}", message.mid());
            assert!(!client.done);
        }
    }
}

#[test]
fn messages_without_a_reply_get_none_in_any_state() {
    for at in [At::Start, At::Connected, At::Funnelled, At::Opened, At::Ready, At::Streaming] {
        for message in [
            Message::Pong,
            Message::CancelReadBlock(CancelReadBlock { play_incarnation: 1 }),
            Message::Unknown { mid: Mid(0x0003_0030), body: &[0; 8] },
            Message::Ping,
            talk::switched(),
        ] {
            let mut client = client(at, paced());
            assert_eq!(client.say(&message), [], "{} in {at:?}", message.mid());
            assert!(!client.done, "{} in {at:?}", message.mid());
        }
        let mut client = client(at, paced());
        assert_eq!(client.say(&talk::close_file()), []);
        assert!(client.done && client.error().is_none(), "CloseFile in {at:?}");
    }
}

#[test]
fn logging_is_handed_to_the_host_once_a_file_is_open() {
    let log = Message::Logging(ClientLog { proto: "mms".into(), ..ClientLog::default() });
    for (at, count) in [(At::Connected, 0), (At::Opened, 1), (At::Ready, 1), (At::Streaming, 1)] {
        let mut client = client(at, paced());
        client.events.clear();
        assert_eq!(client.say(&log), []);
        assert_eq!(client.events.len(), count, "{at:?}");
    }
}

#[test]
fn another_file_id_is_refused_and_the_session_goes_on() {
    let mut client = client(At::Ready, paced());
    let wrong = StartPlaying { open_file_id: 2, ..talk::start_fields(10) };
    let said = client.say(&Message::StartPlaying(wrong));
    assert_eq!(replies(&said), [(Mid::REPORT_STARTED_PLAYING, Hresult::E_INVALIDARG)]);
    assert_eq!(numbers(&client.say(&talk::start(11))), [0]);
}

#[test]
fn too_many_wrong_requests_end_the_session() {
    let mut client = client(At::Connected, paced());
    for _ in 0..8 {
        assert_eq!(replies(&client.say(&talk::start(1))), [(Mid::REPORT_STARTED_PLAYING, INVALID)]);
    }
    assert_eq!(client.say(&talk::start(1)), []);
    let limit = Error::Limit { limit: LimitName::Requests, found: 9, allowed: 8 };
    assert_eq!(client.error(), Some(limit));
}

#[test]
fn a_refused_funnel_or_name_may_be_asked_for_again() {
    let mut client = client(At::Connected, paced());
    for (name, hr) in [
        (r"\\192.0.2.10\UDP\2512", Hresult::NS_E_UDP_DISABLED),
        (r"\\192.0.2.10\UDP\99999", Hresult::NS_E_INVALID_PORT),
        (r"TCP", Hresult::E_INVALIDARG),
    ] {
        let said = client.say(&talk::connect_funnel(name));
        assert_eq!(replies(&said), [(Mid::REPORT_DISCONNECTED_FUNNEL, hr)], "{name}");
    }
    client.say(&talk::connect_funnel(r"\\192.0.2.10\tcp\2512"));
    let said = client.say(&talk::open_file(9, "missing"));
    assert_eq!(replies(&said), [(Mid::REPORT_OPEN_FILE, Hresult::NS_E_FILE_NOT_FOUND)]);
    let Packet::Command { message, .. } = &said[0] else { panic!() };
    assert_eq!(message.len(), 120, "full size, so that FFmpeg sees the result");
    let said = client.say(&talk::open_file(9, "found"));
    assert_eq!(replies(&said), [(Mid::REPORT_OPEN_FILE, Hresult::S_OK)]);
}

#[test]
fn the_start_position_follows_the_rules_for_all_clients() {
    let (max, unused) = (POSITION_NOT_USED, u32::MAX);
    let rows: &[(f64, u32, u32, u32, u32)] = &[
        // position, asfOffset, locationId, first packet, the same by the letter of the document
        (0.0, unused, unused, 0, 0),
        (0.0, 0, 0, 0, 0),
        (max, unused, unused, 0, 0),
        (max, unused, 20, 20, 20),
        (max, 2000 + 1444 * 5 + 7, unused, 5, 5),
        (max, 100, unused, 0, 0),
        (1.0, unused, unused, 5, 5),
        (0.0, unused, 30, 30, 0),
        (1.0, unused, 30, 30, 5),
        (0.0, 2000 + 1444 * 5, 0, 5, 0),
        (f64::NAN, unused, unused, 0, 0),
        (-1.0, unused, unused, 0, 0),
        (f64::INFINITY, unused, unused, 0, 0),
        (1e299, unused, unused, 69, 69),
        (5e-324, unused, unused, 0, 0),
    ];
    for (position, asf_offset, location_id, first, by_letter) in rows {
        for (quirk, expected) in [(true, first), (false, by_letter)] {
            let config = quirky(|quirks| quirks.location_id_beats_position = quirk);
            let mut client = client(At::Ready, config);
            let start = StartPlaying {
                position: *position,
                asf_offset: *asf_offset,
                location_id: *location_id,
                ..talk::start_fields(10)
            };
            let said = client.say(&Message::StartPlaying(start));
            assert_eq!(replies(&said)[0], (Mid::REPORT_STARTED_PLAYING, Hresult::S_OK));
            assert_eq!(numbers(&said)[0], *expected, "{position} {asf_offset} {location_id} {quirk}");
        }
    }
}

#[test]
fn a_start_behind_the_last_packet_ends_at_once() {
    for location_id in [70, 71, u32::MAX - 1] {
        let mut client = client(At::Ready, unpaced());
        let start = StartPlaying { position: POSITION_NOT_USED, location_id, ..talk::start_fields(10) };
        let said = client.say(&Message::StartPlaying(start));
        assert_eq!(
            replies(&said),
            [(Mid::REPORT_STARTED_PLAYING, Hresult::S_OK), (Mid::REPORT_END_OF_STREAM, Hresult::S_OK)]
        );
        assert_eq!(said.len(), 2);
    }
}

#[test]
fn frame_offset_stops_at_a_time_or_after_the_start() {
    let rows = [
        (0, 0.0, true, 70),
        (1_800, 0.0, true, 10),
        (0x8000_0000 | 1_800, 0.0, true, 10),
        (0x8000_0000 | 1_800, 1.8, true, 10),
        (3_600, 1.8, true, 10),
        (900, 1.8, true, 0),
        (0x00FF_FFFF, 0.0, true, 70),
        (0x7FFF_FFFF, 0.0, true, 70),
        (0xFFFF_FFFF, 0.0, true, 70),
    ];
    for (frame_offset, position, quirk, count) in rows {
        let mut client = client(At::Ready, quirky(|quirks| quirks.no_limit_frame_offset = quirk));
        let start = StartPlaying { frame_offset, position, ..talk::start_fields(10) };
        let said = client.say(&Message::StartPlaying(start));
        assert_eq!(numbers(&said).len(), count, "{frame_offset:#X} from {position}");
        assert_eq!(said.last().unwrap().mid(), Some(Mid::REPORT_END_OF_STREAM));
    }
}

#[test]
fn frame_offset_0x00ffffff_is_a_limit_without_the_quirk() {
    for (quirk, count) in [(true, 3), (false, 2)] {
        let times = vec![0, 0x00FF_0000, 0x00FF_FFFF];
        let content = Content::made_up(&Recipe { send_times: times, ..Recipe::default() });
        let mut client = ScriptedClient::new(content, quirky(|quirks| quirks.no_limit_frame_offset = quirk));
        for message in [
            talk::connect(NS),
            talk::connect_funnel(r"\\a\TCP\1"),
            talk::open_file(9, "a"),
            talk::read_block(1),
        ] {
            client.say(&message);
        }
        let start = StartPlaying { frame_offset: 0x00FF_FFFF, ..talk::start_fields(10) };
        assert_eq!(numbers(&client.say(&Message::StartPlaying(start))).len(), count, "quirk {quirk}");
    }
}

#[test]
fn a_start_while_streaming_seeks_without_an_end_and_numbers_have_no_gap() {
    let mut client = client(At::Ready, unpaced());
    client.reads = false;
    client.say(&talk::start(10));
    client.reads = true;
    // the queue is full of packets that nobody read
    let start = StartPlaying { position: POSITION_NOT_USED, location_id: 40, ..talk::start_fields(5) };
    let said = client.say(&Message::StartPlaying(start));
    assert!(replies(&said).iter().all(|(_, hr)| *hr == Hresult::S_OK));
    let mut sequence = 0_u8;
    let mut after_second_start = Vec::new();
    let mut starts = 0;
    for packet in &said {
        match packet.data() {
            Some(header) => {
                assert_eq!(header.af_flags, sequence, "no gap");
                sequence = sequence.wrapping_add(1);
                if starts == 2 {
                    assert_eq!(header.play_incarnation, 5);
                    after_second_start.push(header.location_id);
                }
            }
            None if packet.mid() == Some(Mid::REPORT_STARTED_PLAYING) => starts += 1,
            None => {}
        }
    }
    assert_eq!(starts, 2);
    assert_eq!(after_second_start, (40..70).collect::<Vec<_>>());
    let ends = said.iter().filter(|packet| packet.mid() == Some(Mid::REPORT_END_OF_STREAM)).count();
    assert_eq!(ends, 1, "only that of the content");
}

#[test]
fn a_start_while_streaming_only_changes_the_incarnation_without_the_quirk() {
    let mut config = paced();
    config.mms.quirks.start_while_streaming_seeks = false;
    let mut client = client(At::Streaming, config);
    let start = StartPlaying { position: POSITION_NOT_USED, location_id: 40, ..talk::start_fields(5) };
    let said = client.say(&Message::StartPlaying(start));
    assert_eq!(replies(&said), [(Mid::REPORT_STARTED_PLAYING, Hresult::S_OK)]);
    let media = client.pass(Duration::from_millis(400));
    let heads: Vec<_> = media.iter().filter_map(|(_, packet)| packet.data()).collect();
    assert_eq!(
        heads.iter().map(|head| (head.location_id, head.play_incarnation)).collect::<Vec<_>>(),
        [(1, 5), (2, 5)]
    );
}

#[test]
fn a_stop_discards_what_was_not_begun_and_the_next_start_goes_on_counting() {
    let mut client = client(At::Ready, unpaced());
    client.reads = false;
    client.say(&talk::start(10));
    client.say(&talk::stop(77));
    client.reads = true;
    let said = packets(&client.settle());
    assert_eq!(numbers(&said), [], "nothing was begun");
    assert_eq!(
        replies(&said),
        [(Mid::REPORT_STARTED_PLAYING, Hresult::S_OK), (Mid::REPORT_END_OF_STREAM, Hresult::S_OK)]
    );
    let Message::ReportEndOfStream(end) = said[1].message() else { panic!() };
    assert_eq!(end.play_incarnation, 77, "echoed");
    let again = client.say(&talk::start(11));
    assert_eq!(again[1].data().unwrap().af_flags, 0, "the numbers were given back");
    assert_eq!(client.server.report().packets, 70);
}

#[test]
fn a_stop_behind_an_unread_header_keeps_the_header() {
    let mut client = client(At::Opened, unpaced());
    client.reads = false;
    for message in [talk::read_block(1), talk::start(10), talk::stop(10)] {
        client.say(&message);
    }
    client.reads = true;
    let said = packets(&client.settle());
    let header: Vec<u8> = said
        .iter()
        .filter_map(|packet| match packet {
            Packet::Data { header, payload } if header.play_incarnation == 1 => Some(payload.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(header, client.content.header());
    let again = client.say(&talk::start(11));
    assert_eq!(again[1].data().unwrap().af_flags, 0);
}

#[test]
fn af_flags_count_over_starts_and_skip_ff_as_a_first_number() {
    let send_times = vec![0; 255];
    let content = Content::made_up(&Recipe { send_times, packet_size: 64, ..Recipe::default() });
    let mut client = ScriptedClient::new(content, unpaced());
    for message in
        [talk::connect(NS), talk::connect_funnel(r"\\a\TCP\1"), talk::open_file(9, "a"), talk::read_block(1)]
    {
        client.say(&message);
    }
    let first = client.say(&talk::start(10));
    assert_eq!(first[255].data().unwrap().af_flags, 0xFE);
    let second = client.say(&talk::start(11));
    assert_eq!(second[1].data().unwrap().af_flags, 0x00, "0xFF is skipped");
    let third = client.say(&talk::start(12));
    assert_eq!(third[1].data().unwrap().af_flags, 0x00, "after 0xFE again");
}

#[test]
fn stream_switch_is_the_whole_selection_before_playing_and_a_change_while_streaming() {
    let mut client = client(At::Ready, paced());
    let entries = [talk::entry(0xFFFF, 1, 1), talk::entry(2, 0xFFFF, 0), talk::entry(0xFFFF, 0xFFFF, 0)];
    client.say(&talk::switch(&entries));
    client.say(&talk::start(10));
    let selection = client.selection();
    assert_eq!(
        [1, 2, 3].map(|stream| selection.level(stream)),
        [Thinning::KeyFrames, Thinning::Nothing, Thinning::Nothing]
    );
    client.say(&talk::switch(&[talk::entry(1, 2, 0), talk::entry(0xFFFF, 3, 0)]));
    let selection = client.selection();
    assert_eq!(
        [1, 2, 3].map(|stream| selection.level(stream)),
        [Thinning::Nothing, Thinning::Full, Thinning::Full]
    );
    client.say(&talk::switch(&[
        talk::entry(2, 2, 1),
        talk::entry(0xFFFF, 3, 2),
        talk::entry(0xFFFF, 999, 0),
    ]));
    let selection = client.selection();
    assert_eq!([2, 3].map(|stream| selection.level(stream)), [Thinning::KeyFrames, Thinning::Nothing]);
}

#[test]
fn without_a_stream_switch_every_stream_is_sent_or_none_by_the_letter() {
    for (quirk, name, level) in
        [(true, NS, Thinning::Full), (false, NS, Thinning::Nothing), (false, "Spooooon!", Thinning::Full)]
    {
        let mut config = paced();
        config.mms.quirks.all_streams_without_switch = quirk;
        let mut client = ScriptedClient::new(content(), config);
        for message in [
            talk::connect(name),
            talk::connect_funnel(r"\\a\TCP\1"),
            talk::open_file(9, "a"),
            talk::read_block(1),
            talk::start(10),
        ] {
            client.say(&message);
        }
        assert_eq!(client.selection().level(1), level, "{quirk} {name}");
    }
}

#[test]
fn several_messages_in_one_packet_are_all_answered() {
    let mut client = client(At::Ready, paced());
    let mut body = Vec::new();
    for message in [talk::switch(&[talk::entry(0xFFFF, 1, 0)]), Message::Pong, talk::start(10)] {
        let mut out = [0; 128];
        let len = message.encode(&mut out).unwrap();
        body.extend(&out[..len]);
    }
    let header = TcpMessageHeader::for_messages(body.len(), 0);
    let said = packets(&client.send(&[&header.encode()[..], &body].concat()));
    assert_eq!(replies(&said).len(), 2);
    assert_eq!(numbers(&said), [0]);
    let empty = TcpMessageHeader::for_messages(0, 1).encode();
    assert!(client.send(&empty).is_empty() && !client.done, "no message is no fault");
}

#[test]
fn a_data_packet_never_looks_like_a_command() {
    let recipe = Recipe { packet_size: 45_059, send_times: vec![0; 252], ..Recipe::default() };
    let mut client = ScriptedClient::new(Content::made_up(&recipe), unpaced());
    for message in
        [talk::connect(NS), talk::connect_funnel(r"\\a\TCP\1"), talk::open_file(9, "a"), talk::read_block(1)]
    {
        client.say(&message);
    }
    let said = client.say(&talk::start(0xCE));
    let flags: Vec<u8> = said.iter().filter_map(Packet::data).map(|head| head.af_flags).collect();
    assert_eq!(flags.len(), 252);
    assert_eq!(flags[249..], [0xF9, 0xFB, 0xFC]);
}

#[test]
fn media_goes_out_in_its_own_time_after_the_burst_or_faster_when_the_client_asks() {
    let mut config = Config::default();
    config.mms.burst = SECOND;
    for (seconds, at_once) in [(None, 6), (Some(0), 6), (Some(3), 17), (Some(3600), 70)] {
        let mut client = client(At::Ready, config.clone());
        let acceleration = seconds.map(|seconds: u32| Acceleration {
            accel_bandwidth: 1_000_000,
            accel_duration: seconds * 1000,
            link_bandwidth: None,
        });
        let start = StartPlaying { acceleration, ..talk::start_fields(10) };
        let said = client.say(&Message::StartPlaying(start));
        assert_eq!(numbers(&said).len(), at_once, "{seconds:?}");
        let later = client.pass(Duration::from_millis(540));
        assert_eq!(later.iter().filter(|(_, packet)| packet.data().is_some()).count(), 3.min(70 - at_once));
    }
}

#[test]
fn failing_content_ends_the_stream_and_the_session_or_only_the_stream() {
    let mut client = client(At::Ready, unpaced());
    client.answers = Answers::Failing(Hresult::NS_E_FILE_READ);
    let said = client.say(&talk::start(10));
    let end = (Mid::REPORT_END_OF_STREAM, Hresult::NS_E_FILE_READ);
    assert_eq!(replies(&said), [(Mid::REPORT_STARTED_PLAYING, Hresult::S_OK), end]);
    assert_eq!(client.server.report().outcome, Outcome::Failed(Error::ContentFailed(end.1)));
    assert!(client.done);

    let mut client = client_at_ready_without_close();
    client.answers = Answers::Failing(Hresult::NS_E_FILE_READ);
    assert_eq!(replies(&client.say(&talk::start(10)))[1], end);
    client.answers = Answers::Prompt;
    assert_eq!(numbers(&client.say(&talk::start(11))).len(), 70, "the session goes on");
}

fn client_at_ready_without_close() -> ScriptedClient {
    client(At::Ready, quirky(|quirks| quirks.close_after_error = false))
}

#[test]
fn a_position_that_cannot_be_found_is_refused_and_the_session_stays_ready() {
    let mut client = client(At::Ready, unpaced());
    client.answers = Answers::Failing(Hresult::NS_E_FILE_READ);
    let start = Message::StartPlaying(StartPlaying { position: 5.0, ..talk::start_fields(10) });
    let refused = (Mid::REPORT_STARTED_PLAYING, Hresult::NS_E_FILE_READ);
    assert_eq!(replies(&client.say(&start)), [refused]);
    client.answers = Answers::Prompt;
    assert_eq!(numbers(&client.say(&start))[0], 27);
}

#[test]
fn a_header_that_cannot_be_read_ends_the_session() {
    let mut client = client(At::Opened, unpaced());
    client.answers = Answers::Failing(Hresult::NS_E_FILE_READ);
    let said = client.say(&talk::read_block(1));
    assert_eq!(replies(&said)[1], (Mid::REPORT_END_OF_STREAM, Hresult::NS_E_FILE_READ));
    assert!(client.done);
}

#[test]
fn late_answers_to_withdrawn_wishes_do_nothing() {
    let mut client = client(At::Ready, unpaced());
    client.answers = Answers::Held;
    client.say(&talk::start(10));
    client.say(&talk::stop(10));
    assert_eq!(client.release(), [false]);
    assert_eq!(packets(&client.settle()), []);
    client.say(&talk::start(11));
    let seek = StartPlaying { position: POSITION_NOT_USED, location_id: 60, ..talk::start_fields(12) };
    client.say(&Message::StartPlaying(seek));
    client.answers = Answers::Prompt;
    assert_eq!(client.release(), [false, true], "the first is of another place");
    assert_eq!(numbers(&packets(&client.settle())), (60..70).collect::<Vec<_>>());
}

#[test]
fn a_host_may_skip_packets_and_numbers_of_the_sequence_are_not_used_up() {
    let mut client = client(At::Ready, unpaced());
    client.answers = Answers::Multiples(3);
    let said = client.say(&talk::start(10));
    let heads: Vec<_> = said.iter().filter_map(Packet::data).collect();
    let pairs: Vec<_> = heads.iter().map(|head| (head.location_id, u32::from(head.af_flags))).collect();
    assert_eq!(pairs, (0..24).map(|n| (n * 3, n)).collect::<Vec<_>>());
    assert_eq!(said.last().unwrap().mid(), Some(Mid::REPORT_END_OF_STREAM));
}

#[test]
fn a_slow_host_loses_nothing_and_holds_one_wish_at_a_time() {
    let mut config = unpaced();
    config.batch_bytes = 1444 * 4;
    let mut client = client(At::Ready, config);
    client.answers = Answers::Held;
    let mut all = client.say(&talk::start(10));
    for _ in 0..100 {
        client.release();
        all.extend(packets(&client.settle()));
    }
    assert_eq!(numbers(&all), (0..70).collect::<Vec<_>>());
    assert_eq!(client.wishes.len(), 18, "each packet was asked for once");
}

#[test]
fn two_batches_wait_while_the_client_does_not_read() {
    let mut config = unpaced();
    config.batch_bytes = 1444 * 40;
    let mut client = client(At::Ready, config);
    client.reads = false;
    client.say(&talk::start(10));
    assert_eq!(client.wishes.len(), 1, "the queue is full");
    client.reads = true;
    assert_eq!(numbers(&packets(&client.settle())), (0..70).collect::<Vec<_>>());
    assert_eq!(client.wishes.len(), 2);
}

// ---- timers

fn dies_of(client: &mut ScriptedClient, timer: TimerName, after: Duration) {
    client.pass(after.saturating_sub(Duration::from_millis(10)));
    assert_eq!(client.error(), None, "not before {after:?}");
    client.pass(Duration::from_millis(20));
    assert_eq!(client.error(), Some(Error::TimedOut(timer)));
    assert!(client.done);
}

#[test]
fn a_connection_that_says_nothing_or_something_else_is_closed() {
    dies_of(&mut client(At::Start, paced()), TimerName::Sniff, 5 * SECOND);
    let mut other = client(At::Start, paced());
    other.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(other.error(), Some(Error::InvalidMessage { reason: Reason::SessionId, offset: 4 }));
}

#[test]
fn a_handshake_has_30_seconds() {
    for at in [At::Connected, At::Funnelled, At::Opened] {
        dies_of(&mut client(at, paced()), TimerName::Handshake, 30 * SECOND);
    }
}

#[test]
fn a_client_that_only_answers_pings_is_kept_and_each_ping_waits_its_time() {
    let mut client = client(At::Ready, paced());
    for _ in 0..130 {
        let said = client.pass(30 * SECOND);
        assert_eq!(
            said.iter().map(|(at, packet)| (*at, packet.mid())).collect::<Vec<_>>(),
            [(30 * SECOND, Some(Mid::PING))]
        );
        assert_eq!(client.say(&Message::Pong), [], "a Pong is never answered");
    }
    assert!(!client.done);
}

#[test]
fn the_idle_time_out_counts_from_the_last_message_while_nothing_streams() {
    let mut config = paced();
    config.mms.keep_alive = Duration::MAX;
    dies_of(&mut client(At::Ready, config.clone()), TimerName::IdleTimeout, 3600 * SECOND);
    let mut client = client(At::Ready, config);
    client.pass(3000 * SECOND);
    client.say(&Message::Pong);
    dies_of(&mut client, TimerName::IdleTimeout, 3600 * SECOND);
}

#[test]
fn unanswered_pings_end_the_session() {
    let mut client = client(At::Ready, paced());
    let pings = client.pass(119 * SECOND);
    assert_eq!(pings.iter().map(|(at, _)| at.as_secs()).collect::<Vec<_>>(), [30, 60, 90]);
    client.pass(2 * SECOND);
    assert_eq!(client.error(), Some(Error::TimedOut(TimerName::Pong)));
}

#[test]
fn pings_come_only_when_the_handshake_is_over() {
    let mut config = paced();
    config.mms.handshake_timeout = Duration::MAX;
    config.sniff_timeout = Duration::MAX;
    for at in [At::Connected, At::Funnelled, At::Opened] {
        assert_eq!(client(at, config.clone()).pass(1000 * SECOND), [], "{at:?}");
    }
    let mut streaming = client(At::Streaming, config);
    let said = streaming.pass(45 * SECOND);
    assert_eq!(said.iter().filter(|(_, packet)| packet.mid() == Some(Mid::PING)).count(), 1);
}

#[test]
fn a_client_that_does_not_read_is_not_pinged_and_dies_of_stall() {
    let mut client = client(At::Streaming, paced());
    client.reads = false;
    client.pass(SECOND);
    dies_of(&mut client, TimerName::Stall, Duration::from_millis(59_180));
}

#[test]
fn shutting_down_ends_a_stream_with_its_result_within_its_time() {
    let mut streaming = client(At::Streaming, paced());
    streaming.server.shut_down(streaming.now);
    let said = packets(&streaming.settle());
    assert_eq!(replies(&said), [(Mid::REPORT_END_OF_STREAM, Hresult::NS_E_SHUTDOWN)]);
    assert!(streaming.done);
    assert_eq!(streaming.server.report().outcome, Outcome::ShutDown);
    let mut ready = client(At::Ready, paced());
    ready.server.shut_down(ready.now);
    assert!(ready.settle().is_empty() && ready.done);
    let mut deaf = client(At::Streaming, paced());
    deaf.reads = false;
    deaf.server.shut_down(deaf.now);
    deaf.settle();
    dies_of(&mut deaf, TimerName::ShutDown, 5 * SECOND);
}

#[test]
fn a_client_that_closes_ends_every_state_without_an_error() {
    for at in [At::Start, At::Connected, At::Funnelled, At::Opened, At::Ready, At::Streaming] {
        let mut client = client(at, paced());
        client.close();
        assert!(client.done, "{at:?}");
        assert_eq!(client.server.report().outcome, Outcome::Closed, "{at:?}");
    }
}

#[test]
fn a_failing_network_after_close_file_is_no_error() {
    let mut client = client(At::Ready, unpaced());
    client.reads = false;
    client.say(&talk::start(10));
    client.say(&talk::close_file());
    client.server.connection_failed();
    client.settle();
    assert!(client.done);
    assert_eq!(client.server.report().outcome, Outcome::Closed);
}

#[test]
fn a_flood_of_requests_that_reads_nothing_waits_quietly() {
    let mut client = client(At::Ready, unpaced());
    client.reads = false;
    client.say(&talk::start(10));
    for _ in 0..60 {
        client.say(&talk::switch(&[talk::entry(0xFFFF, 1, 0)]));
        client.say(&talk::start(11));
    }
    client.reads = true;
    let said = packets(&client.settle());
    assert_eq!(numbers(&said).last(), Some(&69));
    let started = said.iter().rposition(|packet| packet.mid() == Some(Mid::REPORT_STARTED_PLAYING)).unwrap();
    assert_eq!(numbers(&said[started..]), (0..70).collect::<Vec<_>>());
}
