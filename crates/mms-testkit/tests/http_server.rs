//! HTTP through the driver: many connections, one table, and what hostile clients meet.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::error::{Error, Reason, TimerName};
use mms_core::hresult::Hresult;
use mms_core::mmsp::server::Pace;
use mms_core::mmsp::wire::{Message, TcpMessageHeader};
use mms_core::server::{Config, Outcome, Transport};
use mms_core::wmsp::wire::{Deframer, Frame, FrameLimits};
use mms_testkit::asf::Recipe;
use mms_testkit::content::Content;
use mms_testkit::http::{End, HttpServer, PAGE, head_and_body, status, unframed};
use mms_testkit::scripted;

const SECOND: Duration = Duration::from_secs(1);

/// Nine packets, each sent 100 ms behind the one before.
fn content() -> Content {
    let send_times = (0..9).map(|number| number * 100).collect();
    Content::made_up(&Recipe { header_len: 400, packet_size: 64, send_times, ..Recipe::default() })
}

fn unpaced() -> HttpServer {
    let mut config = Config::default();
    config.http.pace = Pace::Off;
    HttpServer::new(content(), config)
}

/// Only what is due goes out.
fn paced() -> HttpServer {
    let mut config = Config::default();
    config.http.burst = Duration::ZERO;
    // two packets, so that a choice of streams is heard of soon
    config.batch_bytes = 200;
    HttpServer::new(content(), config)
}

fn wm(lines: &str) -> String {
    let (first, rest) = lines.split_once('\n').unwrap_or((lines, ""));
    let rest: String = rest.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!("{first}\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nHost: h:8080\r\n{rest}\r\n")
}

fn play(tokens: &str) -> String {
    wm(&format!("GET /a.wma HTTP/1.0\nPragma: xPlayStrm=1{tokens}"))
}

fn client_id(head: &str) -> String {
    head.split("client-id=").nth(1).unwrap().split([',', '\r']).next().unwrap().to_owned()
}

fn packets(content: &Content, from: u32) -> Vec<Vec<u8>> {
    (from..content.len()).map(|number| content.packet(number).to_vec()).collect()
}

#[test]
fn a_stream_is_the_header_the_packets_and_a_plain_end() {
    let mut server = unpaced();
    for piece in [u32::MAX, 100, 64, 1] {
        server.piece = piece;
        let key = server.connect(play("").as_bytes());
        let end = server.end(key);
        let (head, body) = head_and_body(&end.received);
        assert!(head.starts_with("HTTP/1.0 200 OK\r\nServer: Cougar/4.1"), "{head}");
        let (report, done) = (end.report(), end.done);
        let (header, got, reason) = unframed(body);
        assert_eq!(header, content().header());
        assert_eq!((got, reason), (packets(&content(), 0), Some(0)), "pieces of {piece}");
        assert!(done && report.completed);
        assert_eq!(
            (report.transport, report.packets, report.started_at, report.outcome),
            (Transport::Http, 9, Some(0), Outcome::Closed)
        );
    }
}

#[test]
fn a_time_leads_to_its_packet_through_the_host() {
    let mut server = unpaced();
    let key = server.connect(play(",stream-time=450").as_bytes());
    let end = server.end(key);
    assert!(end.wishes.iter().any(|wish| wish.starts_with("Locate")), "{:?}", end.wishes);
    assert_eq!(end.report().started_at, Some(4));
    let (_, body) = head_and_body(&end.received);
    assert_eq!(unframed(body).1, packets(&content(), 4));
}

#[test]
fn packets_leave_when_they_are_due() {
    let mut server = paced();
    let key = server.connect(play("").as_bytes());
    let count = |server: &mut HttpServer| {
        let received = server.end(key).received.clone();
        unframed(head_and_body(&received).1).1.len()
    };
    assert_eq!(count(&mut server), 1);
    server.pass(Duration::from_millis(250));
    assert_eq!(count(&mut server), 3);
    server.pass(SECOND);
    assert!(count(&mut server) == 9 && server.end(key).done);
}

#[test]
fn files_ranges_and_pages_come_as_they_are_on_a_connection_that_is_kept() {
    let mut server = unpaced();
    let file = content().bytes().to_vec();
    for piece in [u32::MAX, 33] {
        server.piece = piece;
        let key = server.connect(b"GET /a.wma HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(head_and_body(&server.end(key).received).1, file);
        server.end(key).received.clear();
        server
            .send(key, b"GET /a.wma HTTP/1.1\r\nHost: h\r\nRange: bytes=10-19\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        let received = server.end(key).received.clone();
        let (head, body) = head_and_body(&received);
        assert!(head.contains(&format!("Content-Range: bytes 10-19/{}\r\n", file.len())), "{head}");
        assert_eq!(body[..10], file[10..20]);
        assert_eq!(head_and_body(&body[10..]).1, PAGE.as_bytes());
        server.close(key);
        let report = server.end(key).report();
        let bytes = file.len() + 10 + PAGE.len();
        assert_eq!((report.bytes, report.packets, report.outcome), (bytes as u64, 0, Outcome::Closed));
        assert!(report.completed && server.end(key).done);
    }
    let head = server.ask(b"HEAD /a.wma HTTP/1.0\r\n\r\n");
    assert_eq!((status(&head), head_and_body(&head).1.len()), (200, 0));
}

#[test]
fn the_host_learns_what_the_client_said_beside_the_name() {
    let mut server = unpaced();
    let key = server
        .connect(b"GET /denied HTTP/1.0\r\nHost: [::1]:8080\r\nAuthorization: Basic bWU6cGFzcw==\r\n\r\n");
    let end = server.end(key);
    assert_eq!(
        end.wishes,
        ["Open \"denied\" host Some(\"[::1]:8080\") authorization Some(\"Basic bWU6cGFzcw==\")"]
    );
    let head = String::from_utf8(end.received.clone()).unwrap();
    assert!(head.starts_with("HTTP/1.0 401 ") && head.contains("WWW-Authenticate: Basic "), "{head}");
    assert_eq!(
        end.events,
        ["Agent { product: Product { name: Other, version: [0, 0, 0, 0], slash: true, via_proxy: false } }"]
    );
}

/// A session that describes, plays, selects, logs and stops over several connections.
#[test]
fn orders_from_other_connections_reach_the_stream() {
    let mut server = paced();
    let described = server.ask(wm("GET /a.wma HTTP/1.0").as_bytes());
    let id = client_id(&head_and_body(&described).0);
    let stream = server.connect(play(&format!(",client-id={id}")).as_bytes());
    server.pass(Duration::from_millis(150));
    assert_eq!(server.end(stream).report().packets, 2);
    let select =
        wm(&format!("GET /a.wma HTTP/1.0\nPragma: client-id={id}\nPragma: stream-switch-entry=ffff:1:2"));
    assert_eq!(status(&server.ask(select.as_bytes())), 200);
    server.pass(Duration::from_millis(100));
    let wishes = &server.end(stream).wishes;
    let first = wishes.iter().find(|wish| wish.starts_with("Packets")).unwrap().clone();
    let selection = |wish: &str| wish.split("selection").nth(1).unwrap().to_owned();
    assert_ne!(selection(wishes.last().unwrap()), selection(&first), "{wishes:?}");
    let stop = wm(&format!("POST /a.wma HTTP/1.0\nPragma: xStopStrm=1,client-id={id}"));
    assert_eq!(status(&server.ask(stop.as_bytes())), 200);
    let end = server.end(stream);
    assert!(end.done);
    let (_, got, reason) = unframed(head_and_body(&end.received).1);
    assert_eq!((got, reason), (packets(&content(), 0)[..3].to_vec(), Some(0)));
}

#[test]
fn a_stream_is_taken_over_when_its_connection_is_gone_and_refused_while_it_runs() {
    let mut server = paced();
    let first = server.connect(play("").as_bytes());
    let id = client_id(&head_and_body(&server.end(first).received).0);
    let again = play(&format!(",client-id={id},stream-time=400"));
    let second = server.connect(again.as_bytes());
    assert!(server.end(second).received.is_empty(), "it waits");
    server.pass(Duration::from_millis(300));
    server.close(first);
    assert!(server.end(first).done && server.end(first).report().outcome == Outcome::Closed);
    assert_eq!(status(&server.end(second).received), 200, "woken");
    assert_eq!(server.end(second).report().started_at, Some(4));
    // this one runs for 400 ms more, which is shorter than the patience of the next one
    let third = server.connect(again.as_bytes());
    server.pass(Duration::from_millis(450));
    assert!(server.end(second).done && status(&server.end(third).received) == 200);
    // and a whole one is longer
    let from_start = play(&format!(",client-id={id}"));
    server.pass(SECOND);
    let fourth = server.connect(from_start.as_bytes());
    let fifth = server.connect(from_start.as_bytes());
    server.pass(Duration::from_millis(499));
    assert!(server.end(fifth).received.is_empty());
    server.pass(Duration::from_millis(1));
    assert!(status(&server.end(fifth).received) == 409 && !server.end(fourth).done);
}

#[test]
fn a_client_that_vanishes_has_stopped() {
    let mut server = paced();
    let key = server.connect(play("").as_bytes());
    server.reset(key);
    let report = server.end(key).report();
    assert!(server.end(key).done);
    assert_eq!((report.outcome, report.completed, report.packets), (Outcome::Closed, false, 1));
}

#[test]
fn half_closed_clients_get_files_and_no_streams() {
    let mut server = paced();
    let file = content().bytes().to_vec();
    let key = server.connect(b"");
    server.end(key).reads = false;
    server.send(key, b"GET /a.wma HTTP/1.1\r\n\r\n");
    server.close(key);
    server.end(key).reads = true;
    server.pass(Duration::ZERO);
    assert!(server.end(key).done && head_and_body(&server.end(key).received).1 == file);
}

#[test]
fn a_server_that_goes_down_ends_streams_in_order_and_answers_what_it_read() {
    let mut server = paced();
    let stream = server.connect(play("").as_bytes());
    let slow = server.connect(b"GET /slow HTTP/1.0\r\n\r\n");
    let idle = server.connect(b"GET / HTTP/1.1\r\n\r\n");
    let silent = server.connect(b"");
    server.shut_down();
    let (_, got, reason) = unframed(head_and_body(&server.end(stream).received).1);
    assert_eq!((got.len(), reason), (1, Some(0)));
    assert_eq!(status(&server.end(slow).received), 503);
    for key in [stream, slow, idle, silent] {
        assert!(server.end(key).done, "{key}");
        assert_eq!(server.end(key).report().outcome, Outcome::ShutDown);
    }
}

#[test]
fn timers_end_who_says_nothing_and_who_reads_nothing() {
    let mut server = unpaced();
    let silent = server.connect(b"");
    let kept = server.connect(b"GET / HTTP/1.1\r\n\r\n");
    server.pass(5 * SECOND);
    assert_eq!(server.end(silent).report().outcome, Outcome::Failed(Error::TimedOut(TimerName::Sniff)));
    assert!(server.end(silent).received.is_empty() && !server.end(kept).done);
    server.pass(55 * SECOND);
    assert!(server.end(kept).done && server.end(kept).report().outcome == Outcome::Closed);
    let stalled = server.connect(b"");
    server.end(stalled).reads = false;
    server.send(stalled, play("").as_bytes());
    server.pass(60 * SECOND);
    assert!(server.end(stalled).done);
    assert_eq!(server.end(stalled).report().outcome, Outcome::Failed(Error::TimedOut(TimerName::Stall)));
}

/// What a client gets that is turned away, wherever its bytes are cut.
fn turned_away(said: &[u8], step: usize) -> End {
    let mut server = unpaced();
    (server.full, server.read) = (true, step);
    let key = server.connect(said);
    server.pass(SECOND);
    let end = server.take(key);
    assert!(end.done && end.wishes.is_empty() && end.events.is_empty(), "{:?} {:?}", end.wishes, end.events);
    assert_eq!(end.report().outcome, Outcome::Closed);
    end
}

#[test]
fn a_full_server_answers_the_first_request_with_503_and_closes() {
    let get = "GET /a.wma HTTP/1.1\r\nHost: h\r\n\r\n";
    let log = wm("POST /a HTTP/1.0\nContent-Type: application/x-wms-LogStats\nContent-Length: 5") + "<XML>";
    let plain = "HTTP/1.1 503 Service Unavailable\r\nServer: Cougar/4.1.0.3930\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    // a player gets the line that it gets with every answer
    let player = plain
        .replace("/1.1", "/1.0")
        .replace("Connection", "Pragma: no-cache\r\nCache-Control: no-cache\r\nConnection");
    for (said, answer) in [
        (get, plain),
        (&get.repeat(50), plain),
        (&get.replace("GET", "HEAD"), plain),
        (&play(""), &player),
        (&log, &player),
        (&(log.clone() + get), &player),
    ] {
        for step in [1, 7, usize::MAX] {
            let end = turned_away(said.as_bytes(), step);
            assert_eq!(String::from_utf8_lossy(&end.received), answer, "{said:?}");
            assert_eq!((end.report().transport, end.report().packets), (Transport::Http, 0));
        }
    }
    let mut server = unpaced();
    server.full = true;
    assert_eq!(status(&server.ask(b"GET /\r\n\r\n")), 400);
}

#[test]
fn a_full_server_refuses_connect_and_closes_at_anything_else_of_mms() {
    let all = scripted::client_plays();
    for step in [1, 7, usize::MAX] {
        let received = turned_away(&all[0], step).received;
        let (message, _) = Message::decode(&received[TcpMessageHeader::LEN..]).unwrap();
        let Message::ReportConnectedEx(report) = message else { panic!("{message:?}") };
        assert_eq!(report.hr, Hresult::NS_E_MAX_CLIENTS);
        assert_eq!(scripted::said(&received).len(), 1);
        assert_eq!(turned_away(&all.concat(), step).received, received);
    }
    assert!(turned_away(&scripted::packet(&Message::Pong), 1).received.is_empty());
}

#[test]
fn who_is_turned_away_has_no_more_time_than_for_its_first_bytes() {
    let head = b"GET / HTTP/1.1\r\nA: ";
    let late = Outcome::Failed(Error::TimedOut(TimerName::Sniff));
    for (said, more) in [
        (&b""[..], &b""[..]),
        (b"G", b""),
        (head, b"a"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\nX-A: ", b"b"),
        (&scripted::packet(&scripted::connect())[..16], b"\0"),
    ] {
        let mut server = unpaced();
        server.full = true;
        let key = server.connect(said);
        for _ in 0..4 {
            server.pass(SECOND);
            server.send(key, more);
        }
        assert!(!server.end(key).done, "{said:?}");
        server.pass(SECOND);
        assert!(server.end(key).done && server.end(key).received.is_empty(), "{said:?}");
        assert_eq!(server.end(key).report().outcome, late, "{said:?}");
    }
    // nor does it help to read nothing
    let mut server = unpaced();
    server.full = true;
    let key = server.connect(b"");
    server.end(key).reads = false;
    server.send(key, b"GET / HTTP/1.0\r\n\r\n");
    server.pass(5 * SECOND);
    assert!(server.end(key).done && server.end(key).report().outcome == late);
}

#[test]
fn s13_slow_heads_are_answered_with_408_wherever_they_stop() {
    for said in ["G", "GET / H", "GET / HTTP/1.1\r\nA: ", "POST /a HTTP/1.1\r\nContent-"] {
        let mut server = unpaced();
        let key = server.connect(said.as_bytes());
        server.pass(21 * SECOND);
        assert_eq!(status(&server.end(key).received), 408, "{said:?}");
        assert!(server.end(key).done);
        assert_eq!(server.end(key).report().outcome, Outcome::Failed(Error::TimedOut(TimerName::Handshake)));
    }
}

#[test]
fn s13_a_head_that_never_ends_is_bounded_and_refused() {
    for step in [1, 1000, usize::MAX] {
        let mut server = unpaced();
        server.read = step;
        let key = server.connect(b"GET / HTTP/1.0\r\n");
        let line = format!("A: {}\r\n", "y".repeat(90));
        for _ in 0..400 {
            server.send(key, line.as_bytes());
        }
        assert_eq!(status(&server.end(key).received), 431);
        server.pass(SECOND);
        assert!(server.end(key).done);
    }
}

#[test]
fn s13_requests_in_advance_are_answered_in_order_or_wait_unread() {
    let mut server = unpaced();
    let key = server.connect(&b"GET / HTTP/1.1\r\n\r\n".repeat(300));
    let answers = server.end(key).received.windows(6).filter(|window| window == b"a page").count();
    assert_eq!(answers, 300);
    let slow = [b"GET /slow HTTP/1.1\r\n\r\n".to_vec(), b"GET / HTTP/1.1\r\n\r\n".repeat(10_000)].concat();
    let key = server.connect(&slow);
    assert!(server.end(key).received.is_empty() && !server.end(key).done);
}

#[test]
fn s5_logs_of_any_size_are_reported_or_refused() {
    let log = |len: usize| {
        let head =
            wm(&format!("POST /x HTTP/1.0\nContent-Type: application/x-wms-LogStats\nContent-Length: {len}"));
        [head.into_bytes(), vec![b'A'; len]].concat()
    };
    for (len, code) in [(1, 204), (65_536, 204), (65_537, 413), (10_000_000, 413)] {
        let mut server = unpaced();
        let key = server.connect(&log(len));
        let end = server.end(key);
        assert_eq!(status(&end.received), code);
        let told = end.events.iter().any(|event| event.len() == "Log ".len() + len);
        assert_eq!(told, code == 204, "{len}");
    }
}

/// O3: whatever hole a stream has, the place is told where it stops making sense.
#[test]
fn o3_a_hole_in_a_stream_is_an_error_at_its_place_and_never_a_hang() {
    let mut server = unpaced();
    let received = server.ask(play("").as_bytes());
    let body = head_and_body(&received).1.to_vec();
    let mut broken = 0;
    for at in (0..body.len() - 40).step_by(7) {
        let hole = [&body[..at], &body[at + 40..]].concat();
        let (mut deframer, mut rest) = (Deframer::new(FrameLimits::default()), &hole[..]);
        loop {
            match deframer.next(rest) {
                Ok(Frame::Packet { total, .. }) => rest = &rest[total..],
                Ok(Frame::Incomplete { needed }) => {
                    assert!(needed > rest.len());
                    break;
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    assert!(format!("{error:?}").contains("Frame"), "{error:?}");
                    broken += 1;
                    break;
                }
            }
        }
    }
    assert!(broken > 20, "{broken}");
}

#[test]
fn what_is_neither_mms_nor_http_is_refused_at_its_first_bytes() {
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        &[0; 9],
        b"\x01\0\0\0\xce\xfa\x0b\xb1",
        b"$D\x04\0\0\0\0\0\0",
    ] {
        let mut server = unpaced();
        let key = server.connect(bytes);
        assert!(server.end(key).done && server.end(key).received.is_empty());
        let wrong = Error::InvalidMessage { reason: Reason::SessionId, offset: 4 };
        assert_eq!(server.end(key).report().outcome, Outcome::Failed(wrong));
        assert_eq!(server.end(key).report().transport, Transport::None);
    }
}

/// Every status with which a request can be refused, through the driver, in any pieces.
#[test]
fn the_table_of_statuses() {
    let long = "y".repeat(9000);
    let log =
        |length: &str| wm(&format!("POST /a HTTP/1.0\nContent-Type: application/x-wms-LogStats\n{length}"));
    let rows: Vec<(u16, String)> = vec![
        (400, "nonsense\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".into()),
        (400, "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n".into()),
        (400, format!("{}zz\r\n", log("Transfer-Encoding: chunked"))),
        (400, format!("{}FFFFFFFFFFFFFFFFFF\r\n", log("Transfer-Encoding: chunked"))),
        (401, "GET /denied HTTP/1.0\r\n\r\n".into()),
        (403, "GET /forbidden HTTP/1.0\r\n\r\n".into()),
        (404, "GET /missing HTTP/1.0\r\n\r\n".into()),
        (405, "PUT /aaaa HTTP/1.0\r\n\r\n".into()),
        (413, log("Content-Length: 65537")),
        (414, format!("GET /{long} HTTP/1.0\r\n\r\n")),
        (416, "GET /a.wma HTTP/1.0\r\nRange: bytes=99999-\r\n\r\n".into()),
        (431, format!("GET / HTTP/1.0\r\nA: {long}\r\n\r\n")),
        (431, format!("GET / HTTP/1.0\r\n{}\r\n", "A: b\r\n".repeat(101))),
        (501, "BREW /coffee HTTP/1.0\r\n\r\n".into()),
        (501, wm("GET /a.wma HTTP/1.1\nPragma: pipeline-request=1")),
        (503, "GET /full HTTP/1.0\r\n\r\n".into()),
    ];
    for (code, request) in rows {
        let shown: String = request.chars().take(60).collect();
        for read in [1, 7, usize::MAX] {
            let mut server = unpaced();
            server.read = read;
            let key = server.connect(request.as_bytes());
            assert_eq!(status(&server.end(key).received), code, "{shown:?} by {read}");
            server.pass(SECOND);
            assert!(server.end(key).done, "{shown:?}");
        }
    }
    // the host fails: before the answer, where it can be said, and within the body, where only the close can
    let mut server = unpaced();
    let received = server.ask(b"GET /broken HTTP/1.0\r\n\r\n");
    let (head, body) = head_and_body(&received);
    assert!(head.contains("Content-Length: ") && body.is_empty(), "{head}");
}

/// Everything a client may say on one connection, wrong things at the end.
fn said() -> Vec<u8> {
    [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        "GET /missing HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(),
        "HEAD /a.wma HTTP/1.1\r\n\r\n".to_owned(),
        "GET /a.wma HTTP/1.1\r\nRange: bytes=-70\r\n\r\n".to_owned(),
        wm("POST /a HTTP/1.1\nConnection: Keep-Alive\nContent-Type: application/x-wms-LogStats\nContent-Length: 5") + "hello",
        wm("POST /a HTTP/1.1\nConnection: Keep-Alive\nContent-Type: application/x-wms-LogStats\nTransfer-Encoding: chunked")
            + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\n",
        wm("GET /a.wma HTTP/1.1\nConnection: Keep-Alive"),
        wm("OPTIONS * HTTP/1.1\nConnection: Keep-Alive"),
        play(""),
    ]
    .concat()
    .into_bytes()
}

fn served(pieces: &[&[u8]], read: usize, piece: u32) -> (Vec<u8>, Vec<String>) {
    let mut server = unpaced();
    server.read = read;
    server.piece = piece;
    let key = server.connect(b"");
    for part in pieces {
        server.send(key, part);
    }
    let end = server.end(key);
    assert!(end.done && end.report().outcome == Outcome::Closed, "{:?}", end.report());
    let opens = end.wishes.iter().filter(|wish| wish.starts_with("Open")).cloned();
    (end.received.clone(), end.events.iter().cloned().chain(opens).collect())
}

#[test]
fn every_cut_of_what_a_client_says_gives_the_same_output_and_events() {
    let said = said();
    let whole = served(&[&said], usize::MAX, u32::MAX);
    assert_eq!(
        whole.1.iter().filter(|what| what.starts_with("Log ")).collect::<Vec<_>>(),
        ["Log hello", "Log abcde"]
    );
    for at in 0..said.len() {
        let (front, back) = said.split_at(at);
        assert!(served(&[front, back], usize::MAX, u32::MAX) == whole, "cut at {at}");
    }
    for (read, piece) in [(1, u32::MAX), (1, 1), (usize::MAX, 7), (3, 64)] {
        assert!(served(&[&said], read, piece) == whole, "{read} {piece}");
    }
}
