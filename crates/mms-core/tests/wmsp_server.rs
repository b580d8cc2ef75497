//! Scripted exchanges of the server session of MMS over HTTP and its session table.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod wmsp;

use core::time::Duration;

use mms_core::error::{Error, LimitName, TimerName};
use mms_core::selection::{Selection, Thinning};
use mms_core::wmsp::server::{Content, Media, Record, Table};
use mms_core::wmsp::wire::{
    Decimal, EntryFeatures, HeadLimits, Offset, Pragma, Product, ResponseHead, Status,
};
use wmsp::host::{Host, PAGE};
use wmsp::*;

const FFMPEG: &str = "GET /a.wma HTTP/1.1\r\nAccept: */*\r\nUser-Agent: NSPlayer/4.1.0.3856\r\nHost: h\r\n\
    Range: bytes=0-\r\nConnection: close\r\nIcy-MetaData: 1\r\n\
    Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,request-context=1,max-duration=0\r\n\
    Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\nConnection: Close\r\n\r\n";
const FFMPEG_PLAY: &str = "GET /a.wma HTTP/1.1\r\nUser-Agent: NSPlayer/4.1.0.3856\r\nHost: h\r\n\
    Range: bytes=0-\r\nPragma: no-cache,rate=1.000000,request-context=2\r\nPragma: xPlayStrm=1\r\n\
    Pragma: xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}\r\nPragma: stream-switch-count=1\r\n\
    Pragma: stream-switch-entry=ffff:1:0 \r\n\
    Pragma: no-cache,rate=1.000000,stream-time=0Connection: Close\r\n\r\n";

fn wm(lines: &str) -> String {
    let (first, rest) = lines.split_once('\n').unwrap_or((lines, ""));
    let rest: String = rest.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!("{first}\r\nUser-Agent: NSPlayer/7.1.0.3055\r\n{rest}\r\n")
}

fn play(tokens: &str) -> String {
    wm(&format!("GET /a.wma HTTP/1.0\nPragma: xPlayStrm=1,{tokens}"))
}

/// The frames of a body: type, LocationId, AFFlags, payload bytes.
fn frames(mut body: &[u8]) -> Vec<(char, u32, u8, usize)> {
    use mms_core::wmsp::wire::{Deframer, Frame, FrameLimits};
    let (mut deframer, mut found) = (Deframer::new(FrameLimits::default()), Vec::new());
    while !body.is_empty() {
        let Ok(Frame::Packet { head, total }) = deframer.next(body) else { panic!("{found:?} {body:?}") };
        let (location, flags) = head.data_header().map_or((0, 0), |data| (data.location_id, data.af_flags));
        found.push((char::from(head.packet_id.0), location, flags, head.payload(total).len()));
        body = &body[total..];
    }
    found
}

fn client_id(head: &str) -> u32 {
    Pragma::of(ResponseHead::decode(head.as_bytes()).unwrap().fields).client_id.unwrap()
}

#[test]
fn describe_gives_one_header_frame_with_its_exact_length_and_closes() {
    let mut host = Host::new();
    let key = host.connect(FFMPEG.as_bytes());
    let (head, body) = host.answer(key);
    assert_eq!(body, header_frame());
    assert!(host.is_over(key));
    let decoded = ResponseHead::decode(head.as_bytes()).unwrap();
    assert_eq!((decoded.status, decoded.reason), (Status::OK, "OK"));
    assert_eq!(decoded.fields.get("Content-Length"), Some("356"));
    assert_eq!(decoded.fields.get("Server"), Some("Cougar/4.1.0.3930"));
    assert_eq!(decoded.fields.get("Content-Type"), Some("application/octet-stream"));
    assert_eq!(decoded.fields.get("Connection"), Some("close"));
    assert_eq!(decoded.fields.get("Cache-Control"), Some("no-cache, x-wms-content-size=1880"));
    let pragma = Pragma::of(decoded.fields);
    assert_eq!((pragma.features, pragma.timeout), (Some(EntryFeatures::SEEKABLE), Some(60_000)));
    assert!(pragma.client_id.is_some_and(|id| id > 0 && id < 1 << 31) && pragma.x_reset_strm.is_none());
    let longest = head.lines().filter_map(|line| line.strip_prefix("Pragma: ")).map(str::len).max();
    assert!(longest < Some(60), "{head}");
    for newer in ["Supported", "chunked", "AccelBW", "Content-Range"] {
        assert!(!head.contains(newer), "{head}");
    }
}

#[test]
fn play_gives_header_packets_and_a_plain_end() {
    let mut host = Host::new();
    let key = host.connect(FFMPEG_PLAY.as_bytes());
    let (head, body) = host.answer(key);
    assert!(!head.contains("Content-Length") && head.contains("Connection: close\r\n"));
    assert_eq!(body, [header_frame(), data(0), data(1), data(2), end(0)].concat());
    assert!(host.is_over(key) && host.connections[&key].session.is_completed());
    assert_eq!(
        host.connections[&key].events[0],
        "Connected { agent: Product { name: NsPlayer, \
        version: [4, 1, 0, 3856], slash: true, via_proxy: false } }"
    );
}

#[test]
fn any_cut_of_the_bytes_gives_the_same_answers() {
    let log = wm(
        "POST /a.wma HTTP/1.1\nConnection: Keep-Alive\nTransfer-Encoding: chunked\nContent-Type: application/x-wms-LogStats",
    );
    let stream = [log.as_bytes(), b"5\r\n<XML>\r\n3;x\r\nabc\r\n0\r\n\r\n", FFMPEG_PLAY.as_bytes()].concat();
    let run = |step: usize| {
        let mut host = Host::new();
        let key = host.connect(b"");
        for part in stream.chunks(step) {
            host.send(key, part);
        }
        assert!(host.is_over(key));
        let connection = &host.connections[&key];
        (connection.output.clone(), connection.events.clone(), connection.log.clone())
    };
    let whole = run(stream.len());
    assert_eq!(whole.2, b"<XML>abc");
    assert!(whole.0.starts_with(b"HTTP/1.1 204 No Content\r\n") && whole.0.ends_with(&end(0)));
    for step in (1..50).chain([200, 300]) {
        assert_eq!(run(step), whole, "step {step}");
    }
}

#[test]
fn headers_of_any_size_are_framed_whole_if_they_can_be() {
    for len in [344_u32, 65_527, 65_528, 200_000] {
        let mut host = Host::new();
        host.header = vec![9; len as usize];
        host.piece = 7001;
        let (_, head, body) = host.ask(FFMPEG);
        let found = frames(&body);
        assert_eq!(found.iter().map(|frame| frame.3).sum::<usize>(), len as usize);
        assert_eq!(found.len(), len.div_ceil(65_527) as usize);
        let flags: Vec<u8> = found.iter().map(|frame| frame.2).collect();
        match flags.as_slice() {
            [only] => assert_eq!(*only, 0x0C),
            [first, middle @ .., last] => {
                assert_eq!((*first, *last), (4, 8));
                assert!(middle.iter().all(|flags| *flags == 0));
            }
            [] => panic!(),
        }
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}

#[test]
fn each_position_leads_to_its_packet() {
    let first = |request: String| {
        let mut host = Host::new();
        let (_, _, body) = host.ask(&request);
        frames(&body).iter().find(|frame| frame.0 != 'H').map(|frame| (frame.0, frame.1, frame.2))
    };
    let none = "packet-num=4294967295";
    let other = "stream-offset=4294967295:4294967295";
    assert_eq!(first(play(&format!("stream-time=0,{other},{none}"))), Some(('D', 0, 0)));
    assert_eq!(first(play(&format!("stream-time=200,{other},{none}"))), Some(('D', 1, 0)));
    assert_eq!(first(play(&format!("stream-time=0,{other},packet-num=2"))), Some(('D', 2, 0)));
    assert_eq!(first(play(&format!("stream-time=0,stream-offset=0:1400,{none}"))), Some(('D', 2, 0)));
    assert_eq!(first(play("")), Some(('D', 0, 0)));
    // beyond the end: headers and the end
    assert_eq!(first(play(&format!("{other},packet-num=99"))), Some(('E', 0, 0)));
    assert_eq!(first(play(&format!("{none},stream-offset=4294967294:0"))), Some(('E', 0, 0)));
    let agent = |name: &str, offset: u32| {
        play(&format!("stream-offset=0:{offset},{none}")).replace("NSPlayer/7.1.0.3055", name)
    };
    assert_eq!(first(agent("NSPlayer/4.1.0.3856", 1024)), Some(('D', 1, 0)));
    assert_eq!(first(agent("NSPlayer/7.10.0.3059", 1024)), Some(('D', 2, 0)));
    assert_eq!(first(agent("NSPlayer/7.10.0.3059", 0)), Some(('D', 0, 0)));
}

#[test]
fn playing_stops_where_the_client_said() {
    let packets = |tokens: &str| {
        let (_, _, body) = Host::new().ask(&play(tokens));
        frames(&body).iter().filter(|frame| frame.0 == 'D').count()
    };
    assert_eq!(packets("max-duration=0"), 3);
    assert_eq!(packets("max-duration=186"), 1);
    assert_eq!(packets("max-duration=187"), 2);
    assert_eq!(packets("stream-time=200,max-duration=100"), 1);
    assert_eq!(packets("stream-time=200,max-duration=2147483848"), 1);
}

#[test]
fn media_keeps_to_its_times_behind_the_burst() {
    let mut host = Host::new();
    host.config.burst = Duration::from_millis(100);
    let key = host.connect(play("").as_bytes());
    assert_eq!(host.connections[&key].packets, 1);
    host.advance(Duration::from_millis(85));
    assert_eq!(host.connections[&key].packets, 1);
    host.advance(Duration::from_millis(1));
    assert_eq!(host.connections[&key].packets, 2);
    host.advance(Duration::from_secs(1));
    assert!(host.is_over(key));
}

#[test]
fn a_session_lives_on_over_its_connections() {
    let mut host = Host::new();
    let (_, head, _) = host.ask(FFMPEG);
    let id = client_id(&head);
    host.available = 1;
    let stream = host.connect(play(&format!("client-id={id}")).as_bytes());
    assert_eq!(client_id(&host.answer(stream).0), id);
    assert!(!host.answer(stream).0.contains("xResetStrm"));
    // another selection on another connection reaches the stream
    let select = wm(&format!(
        "POST /a.wma HTTP/1.0\nPragma: client-id={id}\nPragma: stream-switch-count=1\nPragma: stream-switch-entry=1:1:1\nContent-Length: 0"
    ));
    assert_eq!(host.ask(&select).0, 200);
    assert_eq!(host.connections[&stream].session.selection().level(1), Thinning::KeyFrames);
    // somebody else may not take the stream, and waits only a moment
    let thief = host.connect(play(&format!("client-id={id}")).as_bytes());
    assert!(host.output(thief).is_empty());
    host.advance(Duration::from_millis(499));
    assert!(host.output(thief).is_empty());
    host.advance(Duration::from_millis(1));
    assert_eq!(host.status(thief), 409);
    // the client itself closes and plays again: it gets the stream at once
    let again = host.connect(play(&format!("client-id={id},packet-num=1")).as_bytes());
    assert!(host.output(again).is_empty());
    host.hang_up(stream);
    assert_eq!(host.status(again), 200);
    let log = wm(&format!(
        "POST /a.wma HTTP/1.0\nContent-Type: text/plain\nPragma: client-id={id}\nPragma: log-line=0.0.0.0 a, b=c -\nContent-Length: 0"
    ));
    let key = host.connect(log.as_bytes());
    assert_eq!(
        (host.status(key), host.connections[&key].log.as_slice()),
        (204, b"0.0.0.0 a, b=c -".as_slice())
    );
    // Stop ends the stream with its end
    let stop = wm(&format!("POST /a.wma HTTP/1.1\nPragma: xStopStrm=1,client-id={id}\nContent-Length: 0"));
    assert_eq!(host.ask(&stop).0, 200);
    assert!(host.is_over(again) && host.output(again).ends_with(&end(0)));
}

#[test]
fn sessions_are_forgotten_in_time_and_named_anew() {
    let mut host = Host::new();
    let id = client_id(&host.ask(FFMPEG).1);
    let keep_alive = wm(&format!(
        "POST /a.wma HTTP/1.0\nPragma: no-cache,client-id={id},xKeepAliveInPause=1\nContent-Length: 0"
    ));
    host.advance(Duration::from_secs(70));
    let (status, head, _) = host.ask(&keep_alive);
    assert_eq!((status, client_id(&head)), (200, id));
    host.advance(Duration::from_secs(74));
    assert_eq!(client_id(&host.ask(&keep_alive).1), id);
    host.advance(Duration::from_secs(75));
    assert!(host.table.is_empty(host.now));
    let (status, head, _) = host.ask(&keep_alive);
    assert_eq!(status, 200);
    assert!(!head.contains("client-id"));
    let (_, head, _) = host.ask(&play(&format!("client-id={id}")));
    assert!(head.contains("Pragma: xResetStrm=1\r\n"));
    assert_ne!(client_id(&head), id);
    let stop = wm("POST /a.wma HTTP/1.0\nPragma: xStopStrm=1,client-id=5\nContent-Length: 0");
    assert_eq!(host.ask(&stop).0, 404);
    let nameless = wm("POST /a.wma HTTP/1.0\nPragma: xStopStrm=1\nContent-Length: 0");
    assert_eq!(host.ask(&nameless).0, 400);
}

#[test]
fn a_storm_of_describes_pushes_out_only_sessions_that_do_not_stream() {
    let mut host = Host::new();
    host.available = 1;
    let stream = host.connect(play("").as_bytes());
    let id = client_id(&host.answer(stream).0);
    for _ in 0..100 {
        assert_eq!(host.ask(FFMPEG).0, 200);
    }
    assert_eq!(host.table.len(host.now), 8);
    let stop = wm(&format!("POST /a.wma HTTP/1.0\nPragma: xStopStrm=1,client-id={id}\nContent-Length: 0"));
    assert_eq!(host.ask(&stop).0, 200);
    assert!(host.is_over(stream));
    // all streaming: no room
    let streams: Vec<u64> = (0..8).map(|_| host.connect(play("").as_bytes())).collect();
    assert!(streams.iter().all(|key| host.status(*key) == 200));
    assert_eq!(host.ask(&play("")).0, 503);
    assert_eq!(host.ask(FFMPEG).0, 503);
    host.hang_up(streams[3]);
    assert_eq!(host.ask(FFMPEG).0, 200);
    let mut empty: Table<[Record; 0]> = Table::new([], Duration::from_secs(60));
    assert!(
        empty.is_empty(host.now) && empty.released(host.now, mms_core::wmsp::server::Key(1)) == [None; 2]
    );
}

#[test]
fn no_selection_is_all_streams_and_numbers_are_read_in_either_base() {
    let selection = |tokens: &str| {
        let mut host = Host::new();
        host.available = 0;
        let key = host.connect(play(tokens).as_bytes());
        host.connections[&key].session.selection()
    };
    assert_eq!(selection(""), Selection::ALL);
    let one = selection("x\r\nPragma: stream-switch-entry=ffff:1:0");
    assert_eq!((one.level(1), one.level(2)), (Thinning::Full, Thinning::Nothing));
    let mut host = Host::new();
    host.config.quirks.all_streams_without_entries = false;
    host.available = 0;
    let key = host.connect(play("").as_bytes());
    assert_eq!(host.connections[&key].session.selection(), Selection::NONE);
}

#[test]
fn live_content_is_a_broadcast_without_end() {
    let mut host = Host::new();
    host.live = true;
    let (_, head, _) = host.ask(FFMPEG);
    assert!(head.contains("features=\"broadcast\"") && head.contains("x-wms-stream-type=\"broadcast\""));
    let key = host.connect(play("packet-num=2").as_bytes());
    assert_eq!(frames(&host.answer(key).1).len(), 4, "positions mean nothing");
    assert!(!host.is_over(key));
    host.connections.get_mut(&key).unwrap().session.shut_down();
    host.pump(key);
    assert!(host.output(key).ends_with(&end(0)) && host.is_over(key));
    // others get the bare stream
    let key = host.connect(b"GET /a.wma HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(host.answer(key).1, host.file);
    assert!(!host.answer(key).0.contains("Content-Length") && !host.is_over(key));
}

#[test]
fn newer_servers_give_newer_clients_metadata_speed_and_types_and_no_others() {
    let mut host = Host::new();
    host.config.product = Product::parse("Cougar/9.01.01.3841");
    let modern = |request: &str| request.replace("NSPlayer/7.1.0.3055", "NSPlayer/9.0.0.2980");
    let (_, head, body) = host.ask(&modern(&wm("GET /a.wma HTTP/1.0")));
    assert!(head.contains("application/vnd.ms.wms-hdr.asfv1") && head.contains("com.microsoft.wm.sswitch"));
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    let kinds: String = frames(&body).iter().map(|frame| frame.0).collect();
    assert_eq!(kinds, "MH");
    let (_, head, body) = host.ask(&modern(&play("Speed=91268.055,AccelBW=2147483647,AccelDuration=18000")));
    let pragma = Pragma::of(ResponseHead::decode(head.as_bytes()).unwrap().fields);
    assert_eq!((pragma.speed, pragma.accel_bw), (Some(Decimal(5000)), Some(2_147_483_647)));
    assert_eq!(frames(&body).iter().map(|frame| frame.0).collect::<String>(), "MHDDDE");
    let old = play("Speed=5.0,AccelBW=2147483647,AccelDuration=18000");
    let (_, head, body) = host.ask(&old);
    assert!(!head.contains("Speed") && !head.contains("AccelBW") && !head.contains("Supported"));
    assert_eq!(frames(&body).iter().map(|frame| frame.0).collect::<String>(), "HDDDE");
    let (_, head, _) = host.ask(&old.replace("NSPlayer/7.1.0.3055", "NSPlayer/8.0"));
    assert!(head.contains("AccelBW=1048576"));
    let info = "POST /a.wma HTTP/1.0\nContent-Type: application/x-wms-getcontentinfo\nContent-Length: 1";
    assert_eq!(host.ask(&format!("{}x", wm(info))).0, 200);
    assert_eq!(Host::new().ask(&format!("{}x", wm(info))).0, 400, "version 4 does not know it");
}

#[test]
fn other_clients_get_the_file_and_its_ranges() {
    let mut host = Host::new();
    let file = host.file.clone();
    let mut get = |lines: &str| {
        let (status, head, body) = host.ask(&format!("GET /a.wma?x=1 HTTP/1.1\r\nHost: h\r\n{lines}\r\n"));
        let range = head.lines().find_map(|line| line.strip_prefix("Content-Range: ")).map(String::from);
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        assert!(!head.contains("Pragma") && head.contains("Accept-Ranges: bytes"));
        (status, range, body)
    };
    assert_eq!(get(""), (200, None, file.clone()));
    assert_eq!(
        get("User-Agent: Lavf/59\r\nRange: bytes=0-\r\n"),
        (206, Some("bytes 0-1879/1880".into()), file.clone())
    );
    let part = (206, Some("bytes 5-9/1880".into()), file[5..10].to_vec());
    assert_eq!(get("Range: bytes=5-9\r\n"), part);
    assert_eq!(get("Range: bytes=5-9\r\nIf-Range: \"x\"\r\n").0, 200, "nothing here has that tag");
    assert_eq!(get("Range: bytes=-3\r\n").2, file[1877..]);
    assert_eq!(get("Range: bytes=1880-\r\n"), (416, Some("bytes */1880".into()), Vec::new()));
    assert_eq!(get("Range: bytes=1-2,4-5\r\n").0, 200);
    assert_eq!(get("Range: lines=1-2\r\n").0, 200);
    let (status, head, body) = host.ask("HEAD /a.wma HTTP/1.0\r\nRange: bytes=5-9\r\n\r\n");
    assert_eq!((status, body.len()), (200, 0));
    assert!(head.contains("Content-Length: 1880\r\n"));
    let (status, head, body) = host.ask(&wm("HEAD /a.wma HTTP/1.0"));
    assert_eq!((status, body.len()), (200, 0));
    assert!(head.contains("Content-Length: 356\r\n"));
}

#[test]
fn pages_move_and_refuse_as_the_host_says() {
    let mut host = Host::new();
    let (status, head, body) = host.ask("GET / HTTP/1.0\r\n\r\n");
    assert_eq!((status, body.as_slice()), (200, PAGE));
    assert!(head.contains("Content-Type: text/html\r\n") && head.contains("Connection: close"));
    let (status, head, _) = host.ask("GET http://h/moved HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(status, 302);
    assert!(head.contains("Location: mms://other/x\r\n"));
    assert_eq!(host.ask(&wm("GET /moved HTTP/1.0")).0, 302);
    assert_eq!(host.ask(&wm("GET /moved HTTP/1.0").replace("/7.1", "/6.4")).0, 500);
    assert_eq!(host.ask("GET /none HTTP/1.0\r\n\r\n").0, 404);
    assert_eq!(host.ask(&wm("GET /none HTTP/1.0")).0, 404);
    assert_eq!(host.ask("GET /full HTTP/1.0\r\n\r\n").0, 503);
    assert_eq!(host.ask("GET /broken HTTP/1.0\r\n\r\n").0, 500);
    let (status, head, _) = host.ask("GET /secret.wma HTTP/1.0\r\n\r\n");
    assert_eq!(status, 401);
    assert!(head.contains("WWW-Authenticate: Basic realm=\"Windows Media\"\r\n"));
    let with = |value: &str| format!("GET /secret.wma HTTP/1.0\r\nAuthorization: {value}\r\n\r\n");
    assert_eq!(host.ask(&with("Basic bWU6cGFzcw==")).0, 200);
    assert_eq!(host.ask(&with("Basic bWU6cGFzcw=")).0, 401);
    assert_eq!(host.ask(&with("Digest x")).0, 401);
}

#[test]
fn connections_are_kept_as_their_client_wants() {
    let mut host = Host::new();
    let key = host.connect(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(host.output(key).to_vec()).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(text.matches("HTTP/1.1 404 Not Found").count(), 1);
    assert!(host.is_over(key));
    let key = host.connect(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(!host.is_over(key) && host.answer(key).0.contains("Connection: Keep-Alive"));
    host.advance(Duration::from_secs(60));
    assert!(host.is_over(key), "nothing came any more");
    let key = host.connect(b"GET / HTTP/1.0\r\n\r\n");
    assert!(host.is_over(key));
    // a client of the protocol waits for the close (libmms, VLC)
    let key = host.connect(wm("GET /a.wma HTTP/1.1").as_bytes());
    assert!(host.is_over(key));
    let key = host.connect(wm("GET /a.wma HTTP/1.1\nConnection: Keep-Alive").as_bytes());
    assert!(!host.is_over(key));
    host.config.requests = 3;
    let key = host.connect(&b"HEAD / HTTP/1.1\r\n\r\n".repeat(9));
    assert_eq!(String::from_utf8_lossy(host.output(key)).matches("200 OK").count(), 3);
    assert!(host.is_over(key));
}

#[test]
fn half_closed_clients_get_their_answer_and_streams_end_with_their_client() {
    let mut host = Host::new();
    let key = host.connect(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    host.hang_up(key);
    assert!(!host.is_over(key));
    let session = &mut host.connections.get_mut(&key).unwrap().session;
    session.opened(Content::Text { len: PAGE.len() as u64, content_type: "text/plain" }).unwrap();
    host.pump(key);
    assert!(host.is_over(key) && host.output(key).ends_with(PAGE));
    host.available = 1;
    let key = host.connect(play("").as_bytes());
    assert!(!host.is_over(key));
    host.send(key, &[b'x'; 100_000]);
    assert!(host.connections[&key].input.is_empty(), "what comes beside a stream is dropped");
    host.hang_up(key);
    assert!(host.is_over(key) && !host.output(key).ends_with(&end(0)));
}

#[test]
fn answers_to_nothing_are_misuse() {
    let mut host = Host::new();
    let key = host.connect(b"");
    let media = Media {
        header_len: 1,
        packet_size: 0,
        packet_count: None,
        file_len: None,
        seekable: false,
        streams: 0,
    };
    let session = &mut host.connections.get_mut(&key).unwrap().session;
    assert!(session.opened(Content::Media(media)).is_err() && session.refused(Status::NOT_FOUND).is_err());
    assert!(session.located(1).is_err());
    assert_eq!(
        (session.frame_header(9), session.send_bytes(9), session.frame(host.now, 0, 9)),
        (None, 0, None)
    );
    let key = host.connect(b"GET /slow HTTP/1.0\r\n\r\n");
    let session = &mut host.connections.get_mut(&key).unwrap().session;
    assert!(session.opened(Content::Media(media)).is_err() && session.refused(Status::OK).is_err());
    assert!(session.refused(Status::FORBIDDEN).is_ok());
}

// ---- statuses and hostile clients

/// Every status with which a request can be refused, and what causes it.
#[test]
fn the_table_of_statuses() {
    let long = "y".repeat(9000);
    let many = "A: b\r\n".repeat(101);
    let log =
        |length: &str| wm(&format!("POST /a HTTP/1.0\nContent-Type: application/x-wms-LogStats\n{length}"));
    let rows: Vec<(u16, String)> = vec![
        (400, "nonsense\r\n\r\n".into()),
        (400, "GET / HTTP/3.0\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".into()),
        (400, "GET / HTTP/1.1\r\nContent-Length : 0\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n".into()),
        (400, wm("POST /a HTTP/1.0")),
        (400, format!("{}hello", wm("POST /a HTTP/1.0\nContent-Length: 5"))),
        (400, format!("{}zz\r\n", log("Transfer-Encoding: chunked"))),
        (404, "GET /none HTTP/1.0\r\n\r\n".into()),
        (405, "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n".into()),
        (405, "PUT / HTTP/1.0\r\n\r\n".into()),
        (405, "DELETE / HTTP/1.0\r\n\r\n".into()),
        (413, log("Content-Length: 65537")),
        (413, log("Content-Length: 18446744073709551615")),
        (
            413,
            format!(
                "{}{}",
                log("Transfer-Encoding: chunked"),
                format!("8000\r\n{}\r\n", "x".repeat(0x8000)).repeat(3)
            ),
        ),
        (414, format!("GET /{long} HTTP/1.0\r\n\r\n")),
        (416, "GET /a.wma HTTP/1.0\r\nRange: bytes=9999-\r\n\r\n".into()),
        (431, format!("GET / HTTP/1.0\r\nA: {long}\r\n\r\n")),
        (431, format!("GET / HTTP/1.0\r\n{many}\r\n")),
        (431, format!("GET / HTTP/1.0\r\n{}\r\n", format!("A: {}\r\n", "y".repeat(4000)).repeat(5))),
        (501, "BREW /coffee HTTP/1.0\r\n\r\n".into()),
        (501, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".into()),
        (501, wm("GET /a.wma HTTP/1.1\nPragma: pipeline-request=1")),
        (503, "GET /full HTTP/1.0\r\n\r\n".into()),
    ];
    for (status, request) in rows {
        let shown: String = request.chars().take(60).collect();
        for step in [1_usize, 7, 1_000_000] {
            let mut host = Host::new();
            let key = host.connect(b"");
            for part in request.as_bytes().chunks(step) {
                host.send(key, part);
            }
            assert_eq!(host.status(key), status, "{shown:?} {step}");
            let (head, body) = host.answer(key);
            assert!(head.contains("Content-Length: 0\r\n") && body.is_empty(), "{head}");
            assert_eq!(head.contains("Allow: "), status == 405);
            host.advance(Duration::from_secs(1));
            assert!(host.is_over(key), "{shown:?}");
        }
    }
}

#[test]
fn s13_slow_heads_and_bodies_are_answered_with_408() {
    let mut host = Host::new();
    let key = host.connect(b"GET / HT");
    for _ in 0..3 {
        host.advance(Duration::from_secs(6));
        host.send(key, b"x");
    }
    assert!(host.output(key).is_empty());
    host.advance(Duration::from_secs(2));
    assert_eq!(host.status(key), 408);
    host.advance(Duration::from_secs(1));
    assert!(host.is_over(key));
    assert_eq!(host.connections[&key].session.error(), Some(Error::TimedOut(TimerName::Handshake)));
    let log = wm("POST /a HTTP/1.0\nContent-Type: application/x-wms-LogStats\nContent-Length: 100");
    let key = host.connect(format!("{log}abc").as_bytes());
    host.advance(Duration::from_secs(20));
    assert_eq!(host.status(key), 408);
    // who says nothing is told nothing
    let key = host.connect(b"");
    host.advance(Duration::from_secs(20));
    assert!(host.is_over(key) && host.output(key).is_empty());
}

#[test]
fn s13_requests_in_advance_wait_in_the_buffer() {
    let mut host = Host::new();
    let key = host
        .connect(&[b"GET /slow HTTP/1.1\r\n\r\n".to_vec(), b"GET / HTTP/1.1\r\n\r\n".repeat(1000)].concat());
    assert!(host.output(key).is_empty());
    assert_eq!(host.connections[&key].input.len(), 22 + 18_000, "nothing is taken before the answer");
}

#[test]
fn s5_logs_of_any_size_are_passed_in_parts_or_refused() {
    let request = |len: usize| {
        let head = wm(&format!(
            "POST /x HTTP/1.0\nContent-Type: application/x-wms-LogStats;charset=UTF-8\nContent-Length: {len}"
        ));
        [head.into_bytes(), vec![b'A'; len]].concat()
    };
    for len in [1, 10_000, 65_536] {
        let mut host = Host::new();
        let key = host.connect(&request(len));
        assert_eq!((host.status(key), host.connections[&key].log.len()), (204, len));
        assert_eq!(host.connections[&key].events.last().unwrap(), &format!("Log {len}"));
    }
    let mut host = Host::new();
    let key = host.connect(&request(65_537));
    assert_eq!((host.status(key), host.connections[&key].log.len()), (413, 0));
    // old clients log in the head, of which a line may be long
    let line = format!("Pragma: log-line={}", "x ".repeat(4000));
    let key = host.connect(wm(&format!("POST /x HTTP/1.0\n{line}")).as_bytes());
    assert_eq!((host.status(key), host.connections[&key].log.len()), (204, 7999));
    let event = wm("POST /x HTTP/1.0\nContent-Type: application/x-wms-sendevent\nContent-Length: 3");
    let key = host.connect(format!("{event}1,2").as_bytes());
    assert_eq!(
        (host.status(key), host.connections[&key].events.last().unwrap().as_str()),
        (200, "SendEvent 3")
    );
}

#[test]
fn huge_pragma_lists_are_bounded_by_the_head() {
    let list = "Pragma: xPlayStrm=1,stream-switch-entry=".to_string() + &"ffff:1:0 ".repeat(800);
    let mut host = Host::new();
    assert_eq!(host.ask(&wm(&format!("GET /a.wma HTTP/1.0\n{list}"))).0, 200);
    host.config.head = HeadLimits { line_bytes: 4096, ..HeadLimits::default() };
    let key = host.connect(wm(&format!("GET /a.wma HTTP/1.0\n{list}")).as_bytes());
    assert_eq!(host.status(key), 431);
    let error = host.connections[&key].session.error();
    assert!(matches!(error, Some(Error::Limit { limit: LimitName::LineBytes, .. })));
}

#[test]
fn requests_of_real_clients_are_understood() {
    let vlc = "GET /a.wma HTTP/1.0\r\nAccept: */*\r\nUser-Agent: NSPlayer/7.10.0.3059\r\nHost: h:80\r\n\
        Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=4294967295:4294967295,packet-num=4294967295,max-duration=0\r\n\
        Pragma: xPlayStrm=1\r\nPragma: xClientGUID={0xbabac001-0xa6ae-0xfeed-0xa7967554b1fcb1e5}\r\n\
        Pragma: stream-switch-count=1\r\nPragma: stream-switch-entry=ffff:1:0 \r\nConnection: Close\r\n\r\n";
    let moonlight = "GET /a.wma HTTP/1.1\r\nUser-Agent: NSPlayer/11.08.0005.0000\r\n\
        Supported: com.microsoft.wm.srvppair,com.microsoft.wm.sswitch\r\nPragma: xPlayStrm=1\r\n\
        Pragma: no-cache,rate=1.000000,stream-time=0,stream-offset=0:0,packet-num=4294967295,max-duration=0\r\n\
        Pragma: stream-switch-count=1\r\nPragma: stream-switch-entry=ffff:1:0\r\n\r\n";
    let peercast =
        "GET /a.wma HTTP/1.1\r\nHost: h\r\nUser-Agent: NSPlayer/12.0\r\nPragma: xplaystrm=1\r\n\r\n";
    for request in [vlc, moonlight, peercast, FFMPEG_PLAY] {
        let (status, _, body) = Host::new().ask(request);
        assert_eq!((status, body.len()), (200, 356 + 3 * 524 + 8), "{request}");
    }
    assert_eq!(Offset::NOT_GIVEN.0, u64::MAX);
}
