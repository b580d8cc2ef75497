//! Scripted exchanges of the client session of MMS over HTTP.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use core::time::Duration;

use mms_core::error::{Error, Incompatible, LimitName, Misbehaviour, Reason, TimerName};
use mms_core::hresult::Hresult;
use mms_core::selection::Thinning;
use mms_core::time::Instant;
use mms_core::wmsp::client::{Config, Play, Position, Target, Until};
use mms_core::wmsp::wire::Credentials;
use wmsp::*;

const TARGET: Target<'_> = Target::new("server:8080", "music/a.wma", "http://server:8080/music/a.wma");

fn stored() -> Vec<Answer> {
    let body = [header_frame(), data(0), data(1), data(2), end(0)].concat();
    vec![
        Answer(response(DESCRIBED, &header_frame()), true),
        Answer(response(DESCRIBED, &body), true),
        Answer(response("HTTP/1.0 204 No Content\nServer: Cougar/9.01.01.3814", b""), true),
    ]
}

fn run(answers: Vec<Answer>) -> Run {
    drive(Config::default(), TARGET, answers, usize::MAX, true)
}

fn described(body: &[u8]) -> Run {
    run(vec![Answer(response(DESCRIBED, body), true)])
}

fn playing(body: &[u8]) -> Run {
    run(vec![
        Answer(response(DESCRIBED, &header_frame()), true),
        Answer(response(DESCRIBED, body), true),
        Answer(response("HTTP/1.0 204 No Content", b""), true),
    ])
}

fn file() -> Vec<u8> {
    [header(), packet(0), packet(1), packet(2)].concat()
}

#[test]
fn stored_content_is_described_played_and_logged_as_in_the_first_example() {
    let run = run(stored());
    assert_eq!(run.error, None);
    assert_eq!(
        run.names(),
        ["Connected", "Opened", "HeaderPart", "Started", "Packet", "Packet", "Packet", "EndOfStream"]
    );
    assert_eq!(run.media, file());
    let describe = "GET /music/a.wma HTTP/1.0\r\nAccept: */*\r\nUser-Agent: NSPlayer/7.1.0.3055\r\n\
        Host: server:8080\r\nPragma: no-cache,rate=1.000,stream-time=0,stream-offset=0:0,\
        packet-num=4294967295,request-context=1,max-duration=0\r\n\
        Pragma: xClientGUID={00000000-0000-0000-0000-000000000000}\r\nConnection: Close\r\n\r\n";
    assert_eq!(run.requests[0], describe);
    let play = "GET /music/a.wma HTTP/1.0\r\nAccept: */*\r\nUser-Agent: NSPlayer/7.1.0.3055\r\n\
        Host: server:8080\r\nPragma: no-cache,rate=1.000,stream-time=0,\
        stream-offset=4294967295:4294967295,packet-num=4294967295,request-context=2,max-duration=0\r\n\
        Pragma: xPlayStrm=1\r\nPragma: stream-switch-count=1\r\nPragma: stream-switch-entry=ffff:1:0\r\n\
        Pragma: xClientGUID={00000000-0000-0000-0000-000000000000}\r\nPragma: client-id=1953501979\r\n\
        Connection: Close\r\n\r\n";
    assert_eq!(run.requests[1], play);
    assert!(run.requests[2].starts_with("POST /music/a.wma HTTP/1.0\r\n"));
    assert!(run.requests[2].contains("Content-Type: application/x-wms-LogStats;charset=UTF-8\r\n"));
    let (_, body) = run.requests[2].split_once("\r\n\r\n").unwrap();
    assert!(run.requests[2].contains(&format!("Content-Length: {}\r\n", body.len())));
    assert!(body.contains("<c-pkts-received>3</c-pkts-received>"));
}

#[test]
fn any_cut_of_the_bytes_gives_the_same_run() {
    let whole = run(stored());
    for step in (1..40).chain([355, 356, 357, 511, 524, 1000]) {
        assert_eq!(drive(Config::default(), TARGET, stored(), step, true), whole, "step {step}");
    }
}

#[test]
fn old_servers_get_a_log_line() {
    let mut answers = stored();
    for answer in &mut answers {
        let text = String::from_utf8_lossy(&answer.0).len();
        assert!(text > 0);
        let head = b"Server: Cougar/9.01.01.3814";
        let at = answer.0.windows(head.len()).position(|window| window == head).unwrap();
        answer.0.splice(at..at + head.len(), *b"Server: Cougar/4.1.0.3920");
    }
    let run = run(answers);
    assert!(run.requests[2].contains("\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"));
    let line = run.requests[2].lines().find_map(|line| line.strip_prefix("Pragma: log-line=")).unwrap();
    assert_eq!(line.split(' ').count(), 44);
}

#[test]
fn vlc_is_played_live_and_never_gets_a_post() {
    let data = |location| frame(b'D', location, 0, &packet(0));
    let header = frame(b'H', 5, 0x0C, &live_header());
    let end = hex("24 45 08 00 07 00 00 00 00 00 08 00");
    let body = [header.clone(), data(5), data(6), end].concat();
    let answers =
        || vec![Answer(response(BROADCAST, &header), true), Answer(response(BROADCAST, &body), true)];
    let run = run(answers());
    assert_eq!(run.error, None);
    assert_eq!(run.events.last().unwrap(), "EndOfStream { hr: Hresult(0), more: false }");
    assert_eq!((run.requests.len(), run.media.len()), (2, 344 + 1024));
    // and without the end frame
    let mut answers = answers();
    let without = answers[1].0.len() - 12;
    answers[1].0.truncate(without);
    assert_eq!(drive(Config::default(), TARGET, answers, 7, true).events, run.events);
    let mut config = Config::default();
    config.quirks.end_without_end_packet = false;
    let cut = vec![
        Answer(response(BROADCAST, &header), true),
        Answer(response(BROADCAST, &[header, data(5)].concat()), true),
    ];
    let run = drive(config, TARGET, cut, 99, true);
    assert_eq!(run.error, Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)));
}

#[test]
fn stored_content_that_is_cut_is_an_error() {
    let unexpected = Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd));
    assert_eq!(playing(&[header_frame(), data(0)].concat()).error, unexpected);
    let mut body = [header_frame(), data(0), data(1), data(2)].concat();
    assert_eq!(playing(&body).error, None);
    body.truncate(body.len() - 1);
    assert_eq!(playing(&body).error, unexpected);
    assert_eq!(playing(&[]).error, unexpected);
    assert_eq!(described(&header_frame()[..300]).error, unexpected);
    assert_eq!(described(&[]).error, unexpected);
}

#[test]
fn chunked_answers_are_read_through_chunks_that_straddle_frames() {
    let body = [header_frame(), data(0), data(1), data(2), end(0)].concat();
    let chunked = |body: &[u8], size: usize| {
        let mut out = Vec::new();
        for part in body.chunks(size) {
            out.extend(format!("{:x}\r\n", part.len()).bytes());
            out.extend(part);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
        response(&format!("{DESCRIBED}\nTransfer-Encoding: chunked"), &out)
    };
    for size in [1, 5, 300, 4096] {
        for step in [1, 17, 100_000] {
            let answers = vec![
                Answer(chunked(&header_frame(), size), false),
                Answer(chunked(&body, size), false),
                Answer(Vec::new(), true),
            ];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert_eq!((run.error, run.media), (None, file()), "{size} {step}");
        }
    }
    let answer = response(&format!("{DESCRIBED}\nTransfer-Encoding: chunked"), b"zz\r\n");
    let Some(Error::InvalidMessage { reason, .. }) = run(vec![Answer(answer, false)]).error else { panic!() };
    assert_eq!(reason, Reason::Chunk);
}

#[test]
fn another_entry_is_told_with_its_header_and_confirmed_by_select_stream() {
    let mut other = header();
    // another packet size, so that it is visible
    other[0x7A..0x7A + 8].copy_from_slice(&hex("00 04 00 00 00 04 00 00"));
    let next = frame(b'D', 0, 3, &[0x82; 1024]);
    let second = frame(b'H', 0, 0x0C, &other);
    let body = [header_frame(), data(0), end(1), CHANGE.into(), second, next, end(0)].concat();
    let answers = vec![
        Answer(response(DESCRIBED, &header_frame()), true),
        Answer(response(DESCRIBED, &body), true),
        Answer(response("HTTP/1.0 204 No Content", b""), true),
        Answer(response("HTTP/1.0 200 OK", b""), true),
        Answer(response("HTTP/1.0 204 No Content", b""), true),
    ];
    let run = run(answers);
    assert_eq!(run.error, None);
    assert_eq!(
        run.names(),
        [
            "Connected",
            "Opened",
            "HeaderPart",
            "Started",
            "Packet",
            "EndOfStream",
            "StreamChange",
            "HeaderPart",
            "Packet",
            "EndOfStream",
            "StreamsSwitched"
        ]
    );
    assert_eq!(run.events[6], "StreamChange { packet_size: 1024, header_len: 344, bit_rate: 22064 }");
    assert!(run.requests[3].contains("Pragma: stream-switch-entry=ffff:1:0\r\n"));
    assert!(run.requests[3].starts_with("POST ") && run.requests[3].contains("client-id=1953501979"));
}

#[test]
fn a_bare_header_in_mid_stream_is_a_change_unless_that_quirk_is_off() {
    let header = frame(b'H', 0, 0x0C, &live_header());
    let body = [header.clone(), data(0), header.clone(), data(1)].concat();
    let answers =
        || vec![Answer(response(BROADCAST, &header), true), Answer(response(BROADCAST, &body), true)];
    let run = run(answers());
    assert_eq!(run.names()[4..], ["Packet", "StreamChange", "HeaderPart", "Packet", "EndOfStream"]);
    let mut config = Config::default();
    config.quirks.header_without_change = false;
    let run = drive(config, TARGET, answers(), 50, true);
    assert_eq!(run.error, Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)));
}

#[test]
fn headers_in_fragments_are_put_together_by_mark_or_by_size() {
    let header = header();
    for marks in [[4, 0, 8], [0, 0, 0], [4, 4, 0x0C]] {
        let fragments: Vec<u8> =
            header.chunks(150).zip(marks).flat_map(|(part, mark)| frame(b'H', 0, mark, part)).collect();
        let body = [fragments.clone(), data(0), data(1), data(2), end(0)].concat();
        let answers =
            vec![Answer(response(DESCRIBED, &fragments), true), Answer(response(DESCRIBED, &body), true)];
        let run = drive(Config::default(), TARGET, answers, 61, true);
        assert_eq!((run.error, run.media), (None, file()), "{marks:?}");
    }
}

#[test]
fn metadata_pairs_tests_and_unknown_frames_are_skipped_wherever_they_come() {
    let metadata = frame(b'M', 0, 0x0C, b"playlist-gen-id=77, broadcast-id=0, features=\"seekable\"\0");
    let mut pairs = Vec::new();
    for (length, behind) in [(504_u16, 504), (504, 504), (1048, 1048)] {
        pairs.extend([b'$', b'P']);
        pairs.extend(length.to_le_bytes());
        pairs.extend([0; 4]);
        pairs.extend(vec![0x24; behind]);
    }
    let filler = b"$F\x02\0xx\xA4T\0\0".to_vec();
    let describe = [pairs, metadata.clone(), filler.clone(), header_frame()].concat();
    let body = [metadata, header_frame(), filler, data(0), data(1), data(2), end(0), end(0)].concat();
    let answers =
        vec![Answer(response(DESCRIBED, &describe), true), Answer(response(DESCRIBED, &body), true)];
    let run = run(answers);
    assert_eq!((run.error, run.media), (None, file()));
    assert!(run.requests[1].contains("Pragma: playlist-gen-id=77\r\n"));
}

#[test]
fn a_describe_that_streams_is_left_behind_the_header() {
    let answers = vec![
        Answer(response(DESCRIBED, &[header_frame(), data(0), data(1)].concat()), false),
        Answer(response(DESCRIBED, &[data(0), data(1), data(2), end(0)].concat()), false),
    ];
    let run = run(answers);
    assert_eq!((run.error, run.media), (None, file()));
}

#[test]
fn a_foreign_server_that_streams_at_once_is_played_on_its_one_connection() {
    let head = "HTTP/1.1 200 OK\nContent-Type: application/octet-stream";
    let body = [header_frame(), data(0), data(1), data(2), end(0)].concat();
    for step in [1, 300, 100_000] {
        let answers = vec![Answer(response(head, &body), true)];
        let run = drive(Config::default(), TARGET, answers, step, true);
        assert_eq!((run.error, &run.media, run.requests.len()), (None, &file(), 1));
        assert_eq!(run.names()[2..4], ["HeaderPart", "Started"]);
        // a proxy that hides the name of the server: Describe had the header only
        let answers =
            vec![Answer(response(head, &header_frame()), true), Answer(response(head, &body), true)];
        let run = drive(Config::default(), TARGET, answers, step, true);
        assert_eq!((run.error, &run.media, run.requests.len()), (None, &file(), 2));
    }
    let mut config = Config::default();
    config.quirks.describe_may_stream = false;
    let answers = vec![Answer(response(head, &body), false), Answer(response(head, &body), true)];
    let run = drive(config, TARGET, answers, 99, true);
    assert_eq!((run.error, &run.media, run.requests.len()), (None, &file(), 2));
    // who wants another place gets a connection for it
    let answers = vec![Answer(response(head, &body), false), Answer(response(head, &body), true)];
    let mut driven = Driven::new(Config::default(), answers, 4096);
    driven.turn(TARGET, false);
    driven.session.play(Play::from(Position::Packet(2))).unwrap();
    driven.turn(TARGET, false);
    assert_eq!(
        (driven.run.requests.len(), driven.run.names()[4..].to_vec()),
        (2, vec!["Packet", "EndOfStream"])
    );
}

#[test]
fn plain_files_and_texts_are_told_by_their_first_bytes() {
    let plain = "HTTP/1.1 200 OK\nServer: nginx\nContent-Type: text/html";
    for (extra, closed) in [("", true), ("Content-Length: 1880", false)] {
        for step in [1, 100, 10_000] {
            let head = format!("{plain}\n{extra}");
            let mut body = file();
            body.resize(1880, 9);
            let answers = vec![Answer(response(&head, &body), closed)];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert_eq!((run.error, &run.media), (None, &body));
            let whole = [
                "Connected",
                "File",
                "Opened",
                "HeaderPart",
                "Started",
                "Packet",
                "Packet",
                "Packet",
                "EndOfStream",
            ];
            assert_eq!(run.names(), whole, "{extra} {step}");
            // the file behind its Data Object comes as it is, and so does a packet that is cut
            let mut long = body.clone();
            long.extend([0xEE; 600]);
            let head = head.replace("1880", "2480");
            let answers = vec![Answer(response(&head, &long), closed)];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert_eq!((run.error, &run.media), (None, &long));
            let head = head.replace("2480", "1700");
            let answers = vec![Answer(response(&head, &body[..1700]), closed)];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert_eq!((run.error, &run.media[..]), (None, &body[..1700]));
            let text = "<asx version=\"3.0\"/>";
            let head = format!("{plain}\n{}", extra.replace("1880", &text.len().to_string()));
            let answers = vec![Answer(response(&head, text.as_bytes()), closed)];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert_eq!((run.error, run.media.as_slice()), (None, text.as_bytes()));
            assert_eq!(run.names(), ["Connected", "Text"], "{extra} {step}");
        }
    }
    let run = run(vec![Answer(response(plain, b"x"), true)]);
    assert_eq!((run.error, run.media), (None, b"x".to_vec()));
    let cut = response(&format!("{plain}\nContent-Length: 9999"), &file());
    let run = drive(Config::default(), TARGET, vec![Answer(cut, true)], 77, true);
    assert_eq!(run.error, Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)));
    let long = "[Reference]".repeat(40_000);
    let run =
        drive(Config::default(), TARGET, vec![Answer(response(plain, long.as_bytes()), true)], 9999, true);
    assert!(matches!(run.error, Some(Error::Limit { limit: LimitName::MetafileBytes, .. })));
}

#[test]
fn w10_redirects_end_the_session_with_their_location() {
    for (status, kind) in [(301, "Url"), (302, "Url"), (303, "Url"), (307, "Url"), (305, "Proxy")] {
        let answer = response(&format!("HTTP/1.1 {status} X\nLocation: mms://other/b?c \nX: y"), b"");
        let run = run(vec![Answer(answer, true)]);
        assert_eq!(run.events, [format!("Redirected {{ kind: {kind}, location: \"mms://other/b?c\" }}")]);
        assert_eq!((run.error, run.requests.len()), (None, 1));
    }
}

#[test]
fn a_status_that_is_no_success_is_told() {
    for status in [304, 400, 404, 409, 500, 503, 302] {
        let run = run(vec![Answer(response(&format!("HTTP/1.1 {status}"), b""), true)]);
        assert_eq!(run.error, Some(Error::Refused(Hresult::from_http(status))));
    }
    let early = [response("HTTP/1.1 100 Continue", b""), response(DESCRIBED, &header_frame())].concat();
    let run = drive(Config::default(), TARGET, vec![Answer(early, true)], 40, false);
    assert_eq!(run.names(), ["Connected", "Opened", "HeaderPart"]);
}

#[test]
fn s12_credentials_go_out_only_when_basic_is_asked_for() {
    let challenge = "HTTP/1.0 401 Unauthorized\nWWW-Authenticate: NTLM\nWWW-Authenticate: Basic realm=\"x\"";
    let mut answers = stored();
    answers.insert(0, Answer(response(challenge, b"<html>"), true));
    let target = Target { credentials: Some(Credentials { user: "me", password: "pass" }), ..TARGET };
    let mut config = Config::default();
    config.has_credentials = true;
    let run = drive(config.clone(), target, answers, 33, true);
    assert_eq!((run.error, run.media), (None, file()));
    assert!(!run.requests[0].contains("Authorization"));
    assert!(
        run.requests[1..].iter().all(|request| request.contains("Authorization: Basic bWU6cGFzcw==\r\n"))
    );
    // refused twice, or asked for something else, or none to give
    let twice = vec![Answer(response(challenge, b""), true), Answer(response(challenge, b""), true)];
    let run = drive(config.clone(), target, twice, 33, true);
    assert_eq!(run.events, ["AuthenticationRequired { scheme: Basic }"]);
    assert_eq!(run.error, Some(Error::PeerIncompatible(Incompatible::AuthenticationRequired)));
    let ntlm = response("HTTP/1.0 401 X\nWWW-Authenticate: NTLM, Negotiate", b"");
    let run = drive(config, target, vec![Answer(ntlm, true)], 33, true);
    assert_eq!(run.events, ["AuthenticationRequired { scheme: Ntlm }"]);
    assert!(!run.requests[0].contains("Authorization"));
    let none = vec![Answer(response(challenge, b""), true)];
    assert_eq!(drive(Config::default(), TARGET, none, 33, true).requests.len(), 1);
}

#[test]
fn each_position_is_asked_for_alone() {
    let none = "stream-offset=4294967295:4294967295,packet-num=4294967295";
    for (from, until, wanted) in [
        (Position::Time(Duration::from_millis(200)), None, format!("stream-time=200,{none}")),
        (
            Position::Packet(7),
            None,
            "stream-time=4294967295,stream-offset=4294967295:4294967295,packet-num=7".into(),
        ),
        (
            Position::Offset(900),
            None,
            "stream-time=4294967295,stream-offset=0:900,packet-num=4294967295".into(),
        ),
        (Position::Beginning, Some(Until::Time(Duration::from_secs(1))), "max-duration=2147484648".into()),
        (Position::Beginning, Some(Until::AfterStart(Duration::from_secs(1))), "max-duration=1000".into()),
    ] {
        let mut driven = Driven::new(Config::default(), stored(), 4096);
        driven.turn(TARGET, false);
        driven.session.play(Play { until, ..Play::from(from) }).unwrap();
        driven.turn(TARGET, false);
        assert!(driven.run.requests[1].contains(&wanted), "{}", driven.run.requests[1]);
    }
}

#[test]
fn the_client_stops_by_itself_where_it_was_told_to() {
    let mut driven = Driven::new(Config::default(), stored(), 4096);
    driven.turn(TARGET, false);
    let until = Some(Until::Time(Duration::from_millis(300)));
    driven.session.play(Play { until, ..Play::all() }).unwrap();
    driven.turn(TARGET, false);
    assert_eq!(driven.run.names()[3..], ["Started", "Packet", "Packet", "EndOfStream"]);
}

#[test]
fn packets_before_the_wanted_one_are_dropped() {
    let mut driven = Driven::new(Config::default(), stored(), 4096);
    driven.turn(TARGET, false);
    driven.session.play(Play::from(Position::Packet(2))).unwrap();
    driven.turn(TARGET, false);
    assert_eq!(driven.run.names()[3..], ["Started", "Packet", "EndOfStream"]);
}

#[test]
fn live_content_is_not_sought_and_nothing_is_asked_in_the_wrong_state() {
    let header = frame(b'H', 0, 0x0C, &live_header());
    let mut driven = Driven::new(Config::default(), vec![Answer(response(BROADCAST, &header), true)], 4096);
    assert!(driven.session.play(Play::all()).is_err() && driven.session.stop().is_err());
    driven.turn(TARGET, false);
    let elsewhere = driven.session.play(Play::from(Position::Packet(2)));
    assert_eq!(elsewhere, Err(Error::PeerIncompatible(Incompatible::NotSeekable)));
    let stride = driven.session.play(Play { rate: Some(2.0), ..Play::all() });
    assert_eq!(stride, Err(Error::PeerIncompatible(Incompatible::NotStridable)));
    assert!(driven.session.play(Play { rate: Some(f64::NAN), ..Play::all() }).is_err());
    assert!(driven.session.resume().is_ok());
}

#[test]
fn pausing_closes_logs_keeps_alive_and_resumes_behind_the_last_packet() {
    let part = response(DESCRIBED, &[header_frame(), data(0), data(1)].concat());
    let done = || Answer(response("HTTP/1.0 204 No Content\nServer: Cougar/9.1", b""), true);
    let answers =
        vec![Answer(response(DESCRIBED, &header_frame()), true), Answer(part, false), done(), done()];
    let mut driven = Driven::new(Config::default(), answers, 4096);
    driven.turn(TARGET, true);
    driven.session.pause(driven.now).unwrap();
    driven.turn(TARGET, false);
    assert_eq!(driven.run.names()[3..], ["Started", "Packet", "Packet", "Stopped"]);
    assert!(driven.run.requests[2].contains("LogStats"));
    // 54 s after the pause, before the 60 s that the server gave
    let due = driven.session.poll_timeout();
    assert!(due > driven.now + Duration::from_secs(50) && due < driven.now + Duration::from_secs(60));
    driven.session.handle_timeout(due).unwrap();
    driven.turn(TARGET, false);
    assert!(
        driven.run.requests[3].contains("xKeepAliveInPause=1") && driven.run.requests[3].starts_with("POST")
    );
    driven.add(Answer(response(DESCRIBED, &[header_frame(), data(2), end(0)].concat()), true));
    driven.add(done());
    driven.session.resume().unwrap();
    driven.turn(TARGET, false);
    assert!(driven.run.requests[4].contains("packet-num=2,"));
    assert_eq!(driven.run.media, file());
}

#[test]
fn streams_are_switched_beside_the_stream_or_by_playing_on() {
    let part = || response(DESCRIBED, &[header_frame(), data(0)].concat());
    let mut answers = vec![Answer(response(DESCRIBED, &header_frame()), true), Answer(part(), false)];
    answers.push(Answer(response("HTTP/1.0 200 OK\nServer: Cougar/9.1", b""), true));
    let mut driven = Driven::new(Config::default(), answers, 4096);
    driven.turn(TARGET, true);
    driven.session.switch_stream(1, Thinning::KeyFrames).unwrap();
    driven.turn(TARGET, false);
    assert!(driven.run.requests[2].contains("stream-switch-entry=1:1:1\r\n"));
    assert_eq!(driven.run.events.last().unwrap(), "StreamsSwitched { hr: Hresult(0) }");
    assert!(driven.session.is_streaming());
    // a server of version 4 does not know SelectStream
    let old = |body: &[u8]| response(&DESCRIBED.replace("9.01.01.3814", "4.1.0.3920"), body);
    let answers = vec![
        Answer(old(&header_frame()), true),
        Answer(old(&[header_frame(), data(0)].concat()), false),
        Answer(old(&[header_frame(), data(1), data(2), end(0)].concat()), true),
    ];
    let mut config = Config::default();
    config.logging = false;
    let mut driven = Driven::new(config, answers, 4096);
    driven.turn(TARGET, true);
    driven.session.switch_stream(1, Thinning::KeyFrames).unwrap();
    driven.turn(TARGET, false);
    assert!(driven.run.requests[2].contains("packet-num=1,"));
    assert!(driven.run.requests[2].contains("stream-switch-entry=1:1:1\r\n"));
    assert_eq!(driven.run.media, file());
}

#[test]
fn closing_waits_for_the_log_and_for_nothing_else() {
    let part = response(DESCRIBED, &[header_frame(), data(0)].concat());
    let answers = vec![
        Answer(response(DESCRIBED, &header_frame()), true),
        Answer(part, false),
        Answer(Vec::new(), false),
    ];
    let mut driven = Driven::new(Config::default(), answers, 4096);
    driven.turn(TARGET, true);
    driven.session.close();
    driven.turn(TARGET, false);
    assert!(!driven.session.is_closed() && driven.run.requests[2].contains("LogStats"));
    // the server never answers
    driven.session.handle_timeout(driven.session.poll_timeout()).unwrap();
    assert!(driven.session.is_closed());
    assert_eq!(driven.session.poll_timeout(), Instant::MAX);
}

#[test]
fn a_connection_that_fails_ends_the_session_only_if_it_is_needed() {
    use mms_core::wmsp::client::{ConnectionId, ConnectionWish, Session};
    let mut session = Session::new(Config::default());
    assert_eq!(session.poll_connection(), Some(ConnectionWish::Open(ConnectionId::Streaming)));
    session.connection_failed(ConnectionId::Short);
    assert_eq!(session.error(), None);
    session.connection_failed(ConnectionId::Streaming);
    assert_eq!(session.error(), Some(Error::ConnectionFailed));
    assert!(session.is_closed());
    // stopped while it connects: nobody waits for it any more
    let mut driven = Driven::new(Config::default(), stored(), 4096);
    driven.turn(TARGET, false);
    driven.session.play(Play::all()).unwrap();
    while driven.session.poll_connection() != Some(ConnectionWish::Open(ConnectionId::Streaming)) {}
    driven.session.stop().unwrap();
    driven.session.connection_failed(ConnectionId::Streaming);
    assert!(driven.session.is_ready());
}

#[test]
fn a_silent_server_is_given_up() {
    let mut driven = Driven::new(Config::default(), vec![Answer(Vec::new(), false)], 4096);
    driven.turn(TARGET, true);
    let due = driven.session.poll_timeout();
    assert_eq!(due, driven.now + Duration::from_secs(20));
    assert_eq!(driven.session.handle_timeout(due), Err(Error::TimedOut(TimerName::Reply)));
    let part = response(DESCRIBED, &[header_frame(), data(0)].concat());
    let answers = vec![Answer(response(DESCRIBED, &header_frame()), true), Answer(part, false)];
    let mut driven = Driven::new(Config::default(), answers, 4096);
    driven.turn(TARGET, true);
    let due = driven.session.poll_timeout();
    assert_eq!(driven.session.handle_timeout(due), Err(Error::TimedOut(TimerName::Silence)));
}

#[test]
fn requests_through_a_proxy_carry_the_whole_url_and_hostile_strings_stay_in_their_line() {
    let target = Target { through_proxy: true, ..TARGET };
    let run = drive(Config::default(), target, stored(), 4096, true);
    assert!(run.requests[0].starts_with("GET http://server:8080/music/a.wma HTTP/1.0\r\n"));
    let hostile = Target::new("h\r\nX: y", "a b\r\nInjected: %n", "u");
    let run = drive(Config::default(), hostile, stored(), 4096, true);
    assert!(run.requests[0].starts_with("GET /a%20b%0D%0AInjected:%20%n HTTP/1.0\r\n"));
    assert!(
        run.requests.iter().all(|request| !request.contains("\nX: y") && !request.contains("\nInjected"))
    );
}

// ---- hostile servers

#[test]
fn w1_long_lines_and_endless_heads_meet_a_limit() {
    let line = response(&format!("HTTP/1.0 200 OK\nX: {}", "y".repeat(100_000)), b"");
    let endless = [b"HTTP/1.0 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(100_000)].concat();
    for (answer, wanted) in [(line, LimitName::LineBytes), (endless, LimitName::HeadLines)] {
        for step in [100, 1_000_000] {
            let answers = vec![Answer(answer.clone(), false)];
            let run = drive(Config::default(), TARGET, answers, step, true);
            assert!(
                matches!(run.error, Some(Error::Limit { limit, .. }) if limit == wanted),
                "{:?}",
                run.error
            );
        }
    }
}

#[test]
fn w2_w3_w9_lengths_that_lie_are_errors() {
    let reason = |frame: &[u8]| match playing(&[header_frame(), frame.to_vec()].concat()).error {
        Some(Error::InvalidMessage { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(b"$D\x07\0\0\0\0\0\0\0\x07"), Reason::FrameLength);
    assert_eq!(reason(b"$D\x0C\0\0\0\0\0\0\0\xFF\xFFabcd"), Reason::FrameSizes);
    assert_eq!(reason(b"$D\x0C\0\0\0\0\0\0\0\x08\0abcd"), Reason::FrameSizes);
    assert_eq!(reason(b"garbage"), Reason::FrameStart);
}

#[test]
fn w4_an_object_size_beyond_everything_is_an_error() {
    let mut payload = vec![0; 142];
    payload.extend(0x8000_0000_8000_0017_u64.to_le_bytes());
    assert!(matches!(described(&frame(b'H', 0, 0x0C, &payload)).error, Some(Error::InvalidMessage { .. })));
}

#[test]
fn w5_a_header_without_end_meets_a_limit() {
    let mut first = header();
    // the Header Object says that it has 4 GB
    first[16..24].copy_from_slice(&0xFFFF_FFFF_u64.to_le_bytes());
    let error = described(&frame(b'H', 0, 4, &first)).error;
    assert!(matches!(error, Some(Error::Limit { limit: LimitName::HeaderBytes, .. })), "{error:?}");
    let more = [frame(b'H', 0, 4, &header()[..100]), frame(b'H', 1, 4, &[0; 65_000])].concat();
    let error = described(&more).error;
    assert!(error.is_some(), "more than was announced");
}

#[test]
fn w7_a_stream_with_the_number_0_is_an_error() {
    let mut header = header();
    header[0x100 - 12 + 8] = 0;
    let error = described(&frame(b'H', 0, 0x0C, &header)).error;
    assert!(
        matches!(error, Some(Error::InvalidMessage { reason: Reason::StreamNumber | Reason::NoStreams, .. })),
        "{error:?}"
    );
}

#[test]
fn w8_frames_that_do_not_fit_are_errors_or_skipped() {
    let misbehaved = |what| Some(Error::PeerMisbehaved(what));
    assert_eq!(described(&data(0)).error, misbehaved(Misbehaviour::UnexpectedMessage));
    let long = frame(b'D', 0, 0, &[0; 513]);
    assert_eq!(playing(&[header_frame(), long].concat()).error, misbehaved(Misbehaviour::PacketTooLarge));
    // a change in mid-stream whose packets come before its header: skipped, and the stream is not over
    let body = [header_frame(), data(0), CHANGE.into(), data(1), header_frame(), data(2), end(0)].concat();
    let run = playing(&body);
    assert_eq!(run.names()[4..9], ["Packet", "StreamChange", "HeaderPart", "Packet", "EndOfStream"]);
}
