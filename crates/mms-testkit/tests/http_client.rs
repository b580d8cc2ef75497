//! The client's driver over HTTP against scripted servers.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_core::client::{
    Client, Event, Options, Outcome, Play, Position, Proxy, SocketId, Transport, Transports,
};
use mms_core::error::{Error, Incompatible, LimitName, Misbehaviour, TimerName};
use mms_core::hresult::Hresult;
use mms_core::selection::{Selection, Thinning};
use mms_testkit::content::{Content, shared};
use mms_testkit::script::command;
use mms_testkit::talk;
use mms_testkit::web::{Answer, Fate, PLAIN, STREAM, World, end, fate, frame, header, media, streaming};

const URL: &str = "mmsh://server/a%20b.wmv?x=1";

fn content() -> Content {
    Content::testdata("made/av-256.wmv")
}

fn plain(content: &Content) -> Answer {
    Answer::new(&format!("{PLAIN}\nContent-Length: {}", content.bytes().len()), content.bytes())
}

fn streamed(content: &Content) -> Vec<u8> {
    [content.header(), content.media()].concat()
}

fn run(answers: Vec<Answer>) -> Fate {
    fate(URL, Options::default(), answers, usize::MAX)
}

#[test]
fn a_stream_is_described_played_and_logged() {
    let content = content();
    let fate = run(streaming(&content));
    assert_eq!((fate.error, &fate.file), (None, &streamed(&content)));
    assert_eq!(fate.requests.len(), 3);
    for request in &fate.requests[..2] {
        assert!(request.starts_with("GET /a%20b.wmv?x=1 HTTP/1.0\r\n"), "{request}");
        assert!(request.contains("\r\nHost: server\r\n"), "{request}");
    }
    assert!(fate.requests[1].contains("xPlayStrm=1"), "{}", fate.requests[1]);
    assert!(fate.requests[2].starts_with("POST /a%20b.wmv?x=1 "), "{}", fate.requests[2]);
    assert!(fate.requests[2].contains("mmsh://server/a%20b.wmv?x=1"), "{}", fate.requests[2]);
    assert_eq!(fate.connects, ["server:80"; 3]);
    let names = fate.names();
    assert_eq!(names[..4], ["Connected", "Opened", "Header", "Started"]);
    assert!(names[4..names.len() - 1].iter().all(|name| *name == "Packet"));
    assert_eq!(fate.story.last().unwrap(), "EndOfStream { hr: Hresult(0), more: false }");
    assert_eq!(fate.transport, Some(Transport::Http));
}

#[test]
fn every_cut_of_the_bytes_gives_the_same_events() {
    let content = content();
    let chunked = |body: &[u8]| {
        let mut bytes = Vec::new();
        for piece in body.chunks(333) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    };
    let header = header(&content);
    let whole = [header.clone(), media(&content)].concat();
    let coded = format!("{PLAIN}\nTransfer-Encoding: chunked");
    let live = "HTTP/1.0 200 OK\nServer: Cougar 4.1.0.3921\nPragma: client-id=1, features=\"broadcast\"";
    let change = [&whole[..whole.len() - 8], &end(1), b"$C\x04\0\0\0\0\0", &whole].concat();
    let asx = b"<asx version=\"3.0\"><entry><ref href=\"mms://h/x\"/></entry></asx>";
    let scripts: Vec<(&str, Vec<Answer>)> = vec![
        ("stored", streaming(&content)),
        ("left open", streaming(&content).into_iter().map(Answer::open).collect()),
        ("live", vec![Answer::new(live, &header), Answer::new(live, &whole[..whole.len() - 8])]),
        ("playlist", vec![Answer::new(STREAM, &header), Answer::new(STREAM, &change)]),
        ("describe streams", vec![Answer::new(PLAIN, &whole)]),
        ("chunked stream", vec![Answer::new(&coded, &chunked(&whole)).open()]),
        ("file", vec![plain(&content)]),
        ("chunked file", vec![Answer::new(&coded, &chunked(content.bytes())).open()]),
        ("file to the end", vec![Answer::new(PLAIN, content.bytes())]),
        ("cut file", vec![Answer::new(PLAIN, &content.bytes()[..content.bytes().len() - 900])]),
        ("text", vec![Answer::new(PLAIN, asx)]),
        ("short text", vec![Answer::new(PLAIN, b"no")]),
        ("cut stream", vec![Answer::new(STREAM, &header), Answer::new(STREAM, &whole[..9000])]),
        ("cut header", vec![Answer::new(STREAM, &header[..99])]),
        (
            "redirect",
            [vec![Answer::new("HTTP/1.0 302 Found\nLocation: /b", b"")], streaming(&content)].concat(),
        ),
        ("garbage", vec![Answer::new(STREAM, b"$Hxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]),
        ("not found", vec![Answer::new("HTTP/1.1 404 Not Found\nContent-Length: 3", b"no!")]),
        ("no HTTP", vec![Answer { bytes: b"SSH-2.0-x\r\n\r\n".to_vec(), closes: true, breaks: false }]),
    ];
    for (name, answers) in scripts {
        // where the answer to a request on another connection stands among packets is up to the network
        let told = |step| {
            let mut fate = fate(URL, Options::default(), answers.clone(), step);
            fate.story.retain(|what| !what.starts_with("StreamsSwitched"));
            fate
        };
        let whole = told(usize::MAX);
        for step in [1, 2, 7, 100, 1461, 5000] {
            let cut = told(step);
            assert_eq!((&cut.story, cut.error), (&whole.story, whole.error), "{name} in steps of {step}");
            assert!(cut == whole, "{name} in steps of {step}: bytes or requests differ");
        }
        assert_eq!(whole.story.is_empty(), ["not found", "no HTTP"].contains(&name), "{name}: {whole:?}");
    }
}

#[test]
fn a_plain_file_comes_as_header_packets_and_what_is_behind_them() {
    let content = Content::testdata("made/av-wmv2-wmav2.wmv");
    let fate = run(vec![plain(&content)]);
    assert_eq!((fate.error, &fate.file[..]), (None, content.bytes()));
    let names = fate.names();
    assert_eq!(names[..5], ["Connected", "File", "Opened", "Header", "Started"]);
    let packets = usize::try_from(content.len()).unwrap();
    assert!(names[5..5 + packets].iter().all(|name| *name == "Packet"));
    assert_eq!(names[5 + packets..], ["FilePart", "EndOfStream"]);
    assert_eq!(fate.requests.len(), 1, "no log: the server is none of Windows Media");
}

#[test]
fn a_plain_file_waits_for_a_wish_and_plays_from_its_beginning_only() {
    let content = content();
    let mut options = Options::default();
    options.play = None;
    let mut world = World::new("http://server/a", options, vec![plain(&content)], usize::MAX);
    world.settle();
    assert_eq!(world.fate.names(), ["Connected", "File", "Opened", "Header"]);
    let elsewhere = world.client.seek(Position::Time(Duration::from_secs(1)));
    assert_eq!(elsewhere, Err(Error::PeerIncompatible(Incompatible::NotSeekable)));
    world.client.play(Play::all()).unwrap();
    world.settle();
    let fate = world.finish();
    assert_eq!((fate.error, &fate.file[..]), (None, content.bytes()));
}

#[test]
fn every_whole_file_of_the_test_data_comes_as_it_is() {
    for folder in ["made", "real"] {
        for entry in std::fs::read_dir(mms_testkit::content::testdata().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if !bytes.starts_with(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") {
                continue;
            }
            let fate = fate("http://h/x", Options::default(), vec![Answer::new(PLAIN, &bytes)], 10_000);
            assert_eq!(fate.error, None, "{}", path.display());
            assert!(fate.file == bytes, "{}", path.display());
        }
    }
}

#[test]
fn texts_come_in_parts_and_end_the_session() {
    let text = "[Reference]\r\nRef1=http://h/a?MSWMExt=.asf\r\n";
    let head = format!("{PLAIN}\nContent-Length: {}", text.len());
    let fate = run(vec![Answer::new(&head, text.as_bytes()).open()]);
    assert_eq!((fate.error, &fate.text[..]), (None, text.as_bytes()));
    assert_eq!(fate.names(), ["Connected", "Text"]);
    let long = "#EXTM3U\n".repeat(40_000);
    let fate = run(vec![Answer::new(PLAIN, long.as_bytes())]);
    assert!(matches!(fate.error, Some(Error::Limit { limit: LimitName::MetafileBytes, .. })));
}

// ---- rollover

const REFUSED: Outcome = Outcome::Failed(Error::ConnectionFailed);

fn mms(url: &str, prepare: impl Fn(&mut World)) -> Fate {
    let mut world = World::new(url, Options::default(), streaming(&content()), usize::MAX);
    prepare(&mut world);
    world.run()
}

fn outcomes(fate: &Fate) -> Vec<(Transport, Outcome)> {
    fate.attempts.iter().map(|attempt| (attempt.transport, attempt.outcome)).collect()
}

#[test]
fn mms_goes_on_to_http_when_its_own_port_refuses() {
    let fate = mms("mms://server/x", |world| world.refuses.push(1755));
    assert_eq!((fate.error, &fate.file), (None, &streamed(&content())));
    assert_eq!(fate.connects[..2], ["server:1755", "server:80"]);
    assert_eq!(outcomes(&fate), [(Transport::Tcp, REFUSED), (Transport::Http, Outcome::Current)]);
    assert!(fate.story[0].starts_with("RolledOver { from: Tcp, error: ConnectionFailed, to: Http }"));
    let fate = mms("mms://server:99/x", |world| world.to_mms = Some(Answer::new("HTTP/1.0 400 Bad", b"")));
    assert_eq!(
        (fate.error, fate.connects[..2].to_vec()),
        (None, vec!["server:99".into(), "server:99".into()])
    );
    assert_eq!(fate.transport, Some(Transport::Http));
}

#[test]
fn a_door_that_drops_or_says_nothing_costs_five_seconds() {
    for (drops, error) in [(true, TimerName::Connect), (false, TimerName::Reply)] {
        let fate = mms("mms://server/x", |world| world.drops.extend(drops.then_some(1755)));
        assert_eq!(fate.error, None);
        assert_eq!(outcomes(&fate)[0].1, Outcome::Failed(Error::TimedOut(error)));
        assert_eq!(fate.lasted, Duration::from_secs(5));
    }
}

#[test]
fn a_door_behind_which_nothing_is_opened_costs_ten_seconds() {
    let connected = talk::connected("9.01.01.3841", None);
    let fate = mms("mms://server/x", |world| {
        world.to_mms = Some(Answer { bytes: command(0, &connected), closes: false, breaks: false });
    });
    assert_eq!((fate.error, &fate.file), (None, &streamed(&content())));
    assert_eq!(outcomes(&fate)[0].1, Outcome::Failed(Error::TimedOut(TimerName::Funnel)));
    assert_eq!(fate.lasted, Duration::from_secs(10));
}

#[test]
fn the_order_can_be_changed_and_explicit_schemes_stay_with_theirs() {
    let mut options = Options::default();
    options.transports = Transports::new(&[Transport::Http, Transport::Tcp]);
    let fate = fate("mms://server/x", options, streaming(&content()), usize::MAX);
    assert_eq!((fate.error, fate.connects[0].as_str()), (None, "server:80"));
    assert_eq!(outcomes(&fate)[1], (Transport::Tcp, Outcome::Untried));
    for url in ["mmst://server/x", "mmsh://server/x"] {
        let fate = mms(url, |world| world.refuses.extend([1755, 80]));
        assert_eq!((fate.error, fate.connects.len()), (Some(Error::ConnectionFailed), 1), "{url}");
    }
    let storage = mms_core::client::Storage { receive: vec![0; 4096], send: vec![0; 8192] };
    let mut options = Options::default();
    options.transports = Transports::new(&[]);
    assert!(Client::new("mms://server/x", options, storage).is_err());
}

#[test]
fn when_all_doors_are_shut_the_error_that_says_most_is_told() {
    let fate = mms("mms://server/x", |world| world.refuses.extend([1755, 80]));
    assert_eq!(fate.error, Some(Error::ConnectionFailed));
    assert_eq!(outcomes(&fate), [(Transport::Tcp, REFUSED), (Transport::Http, REFUSED)]);
    let fate = mms("mms://server/x", |world| {
        world.refuses.push(1755);
        world.answers = vec![Answer::new("HTTP/1.0 404 Not Found", b"")].into();
    });
    assert_eq!(fate.error, Some(Error::Refused(Hresult::from_http(404))));
    let fate = mms("mms://server/x", |world| {
        world.refuses.push(80);
        world.to_mms = Some(Answer { bytes: vec![0; 64], closes: true, breaks: false });
    });
    assert!(matches!(fate.error, Some(Error::InvalidMessage { .. })), "{:?}", fate.error);
}

#[test]
fn nothing_is_tried_again_once_media_began_or_the_application_closed() {
    let content = content();
    let cut = Answer::new(STREAM, &[header(&content), media(&content)[..9000].to_vec()].concat()).broken();
    let mut options = Options::default();
    options.transports = Transports::new(&[Transport::Http, Transport::Tcp]);
    let answers = vec![Answer::new(STREAM, &header(&content)), cut];
    let fate = fate("mms://server/x", options, answers, usize::MAX);
    assert_eq!(fate.error, Some(Error::ConnectionFailed));
    assert_eq!(outcomes(&fate)[1], (Transport::Tcp, Outcome::Untried));
    assert!(fate.names().contains(&"Packet"), "what came before the break is told");
    let mut world = World::new("mms://server/x", Options::default(), Vec::new(), 1);
    world.drops.push(1755);
    for _ in 0..3 {
        world.turn();
    }
    world.client.close();
    world.settle();
    assert!(world.is_done() && world.finish().error.is_none());
}

#[test]
fn a_live_stream_that_stops_between_chunks_has_broken_off() {
    let content = content();
    let all = [header(&content), media(&content)].concat();
    let live = &all[..all.len() - 8];
    let head = "HTTP/1.1 200 OK\nServer: Cougar 4.1.0.3921\nPragma: client-id=1, features=\"broadcast\"\n\
                Transfer-Encoding: chunked";
    for (last, error) in [("0\r\n\r\n", None), ("", Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)))]
    {
        let chunk = [format!("{:x}\r\n", live.len()).as_bytes(), live, b"\r\n", last.as_bytes()].concat();
        let fate = fate(URL, Options::default(), vec![Answer::new(head, &chunk); 2], usize::MAX);
        assert_eq!(fate.error, error, "{last:?}");
    }
}

// ---- redirects, credentials, proxy

#[test]
fn locations_are_followed_whether_relative_or_not_with_credentials_for_their_host_only() {
    let found = |location: &str| Answer::new(&format!("HTTP/1.1 302 Found\nLocation: {location}"), b"");
    for (location, url) in [
        ("/b/c?d", "http://u:p@server/b/c?d"),
        ("e", "http://u:p@server/e"),
        ("http://server/x", "http://u:p@server/x"),
        ("http://server:81/x", "http://server:81/x"),
        ("//other/x", "http://other/x"),
        ("mmsh://v:w@other/x", "mmsh://v:w@other/x"),
    ] {
        let answers = [vec![found(location)], streaming(&content())].concat();
        let fate = fate("http://u:p@server/a", Options::default(), answers, usize::MAX);
        assert_eq!((fate.error, fate.url.as_str()), (None, url), "{location}");
        assert_eq!(fate.file, streamed(&content()));
        assert!(fate.names().contains(&"Redirected"));
    }
    for location in ["https://server/x", "rtsp://server/x", "file:///etc/passwd", ""] {
        let fate = fate("http://server/a", Options::default(), vec![found(location)], usize::MAX);
        let elsewhere = Some(Error::PeerIncompatible(Incompatible::RedirectScheme));
        assert_eq!(fate.error, elsewhere, "{location}");
    }
    let loops: Vec<Answer> = (0..7).map(|_| found("/a")).collect();
    let fate = fate("http://server/a", Options::default(), loops, usize::MAX);
    assert_eq!(fate.error, Some(Error::Limit { limit: LimitName::Redirects, found: 6, allowed: 5 }));
}

#[test]
fn an_application_that_closes_at_a_redirect_does_not_go_there() {
    let found = Answer::new("HTTP/1.1 302 Found\nLocation: http://other/y", b"");
    let answers = [vec![found], streaming(&content())].concat();
    let mut world = World::new("http://server/a", Options::default(), answers, usize::MAX);
    while !matches!(world.client.event(), Some(Event::Redirected { .. })) {
        assert!(world.turn(), "a redirect comes");
    }
    world.client.close();
    world.settle();
    assert!(world.is_done());
    let fate = world.finish();
    assert_eq!((fate.error, fate.connects), (None, vec![String::from("server:80")]));
}

#[test]
fn a_redirect_to_mms_begins_a_rollover_of_its_own() {
    let found = Answer::new("HTTP/1.1 302 Found\nLocation: mms://other/y", b"");
    let answers = [vec![found], streaming(&content())].concat();
    let mut world = World::new("http://server/a", Options::default(), answers, usize::MAX);
    world.refuses.push(1755);
    let fate = world.run();
    assert_eq!(
        (fate.error, fate.connects[..3].to_vec()),
        (None, ["server:80", "other:1755", "other:80"].map(String::from).to_vec())
    );
}

#[test]
fn credentials_go_out_when_they_are_asked_for() {
    let asked = Answer::new("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"", b"");
    let answers = [vec![asked.clone()], streaming(&content())].concat();
    let url = "http://me:p%40ss@server/a";
    let told = fate(url, Options::default(), answers, usize::MAX);
    assert_eq!((told.error, &told.file), (None, &streamed(&content())));
    assert!(!told.requests[0].contains("Authorization"));
    // "me:p@ss"
    assert!(
        told.requests[1..].iter().all(|request| request.contains("Authorization: Basic bWU6cEBzcw==\r\n"))
    );
    let needed = Some(Error::PeerIncompatible(Incompatible::AuthenticationRequired));
    assert_eq!(fate(url, Options::default(), vec![asked.clone(), asked.clone()], 9).error, needed);
    assert_eq!(fate("http://server/a", Options::default(), vec![asked], 9).error, needed);
}

#[test]
fn a_proxy_gets_the_whole_url_unless_the_host_is_an_exception() {
    let with = |except: &str, url: &str| {
        let mut options = Options::default();
        options.proxy = Some(Proxy::new("http://proxy:3128", except).unwrap());
        fate(url, options, streaming(&content()), usize::MAX)
    };
    let fate = with("other", "http://me:secret@server:81/a");
    assert_eq!((fate.error, fate.connects[0].as_str()), (None, "proxy:3128"));
    assert!(fate.requests[0].starts_with("GET http://server:81/a HTTP/1.0\r\n"), "{}", fate.requests[0]);
    assert!(!fate.requests[0].contains("secret"));
    let fate = with("server", "http://server:81/a");
    assert_eq!((fate.error, fate.connects[0].as_str()), (None, "server:81"));
    assert!(fate.requests[0].starts_with("GET /a HTTP/1.0\r\n"), "{}", fate.requests[0]);
}

#[test]
fn credentials_for_the_proxy_go_to_the_proxy_only_and_are_shown_to_nobody() {
    let with = |except: &str, url: &str, answers: Vec<Answer>| {
        let mut options = Options::default();
        options.proxy = Some(Proxy::new("http://me:p%40ss@proxy:3128", except).unwrap());
        assert!(!format!("{options:?}").contains("p%40"), "{options:?}");
        fate(url, options, answers, usize::MAX)
    };
    // "me:p@ss"
    let told = "\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n";
    let found = Answer::new("HTTP/1.1 302 Found\nLocation: http://other/y", b"");
    let answers = [vec![found], streaming(&content())].concat();
    let moved = with("other", "http://server/a", answers.clone());
    assert_eq!((moved.error, moved.requests.len()), (None, 4));
    assert_eq!(moved.connects[..2], ["proxy:3128", "other:80"]);
    assert!(moved.requests[0].contains(told), "{}", moved.requests[0]);
    assert!(moved.requests[1..].iter().all(|request| !request.contains("Authorization")), "{moved:?}");
    let through = with("", "http://server/a", answers);
    assert_eq!((through.error, through.connects.len()), (None, 4));
    assert!(through.requests.iter().all(|request| request.contains(told)), "short requests too");
    assert!(through.requests.iter().all(|request| !request.contains("\r\nAuthorization")));
    let refused = Answer::new("HTTP/1.1 407 No\nProxy-Authenticate: Basic realm=\"x\"", b"");
    let error = Error::PeerIncompatible(Incompatible::ProxyAuthenticationRequired);
    assert_eq!(with("", "http://server/a", vec![refused.clone(), refused]).error, Some(error));
}

#[test]
fn a_proxy_that_wants_to_know_who_asks_says_nothing_of_the_server() {
    let mut options = Options::default();
    options.proxy = Some(Proxy::new("http://proxy:3128", "").unwrap());
    let answers = vec![Answer::new("HTTP/1.1 407 No\nProxy-Authenticate: Basic realm=\"x\"", b"")];
    let mut world = World::new("mms://server:8080/x", options, answers, usize::MAX);
    world.refuses.push(8080);
    let fate = world.run();
    assert_eq!(fate.connects, ["proxy:3128", "server:8080"], "a port of HTTP: HTTP goes first");
    assert_eq!(fate.error, Some(Error::PeerIncompatible(Incompatible::ProxyAuthenticationRequired)));
}

// ---- commands and the short connection

#[test]
fn a_stream_that_nobody_asked_for_is_asked_for_again_where_there_is_a_choice() {
    let content = Content::testdata("made/av-wmv2-wmav2.wmv");
    let whole = [header(&content), media(&content)].concat();
    let streams = |selection: Selection| {
        let mut options = Options::default();
        options.play = Some(Play { selection, ..Play::all() });
        fate(URL, options, vec![Answer::new(PLAIN, &whole), Answer::new(PLAIN, &whole)], 1000)
    };
    let all = streams(Selection::ALL);
    assert_eq!((all.error, all.requests.len(), &all.file), (None, 1, &streamed(&content)));
    let numbers: Vec<u8> = content.summary().streams.iter().map(|stream| stream.number).collect();
    let all = streams(numbers.iter().fold(Selection::NONE, |all, n| all.with(u16::from(*n), Thinning::Full)));
    assert_eq!((all.error, all.requests.len()), (None, 1), "each by its number is all");
    let one = streams(Selection::ALL.with(1, Thinning::Nothing));
    assert_eq!((one.error, one.requests.len()), (None, 2));
    assert!(one.requests[1].contains("stream-switch-entry=ffff:1:2"), "{}", one.requests[1]);
    assert_eq!(one.file, streamed(&content), "nothing is lost and nothing comes twice");
}

#[test]
fn seeking_and_pausing_open_new_streams_and_logs_go_beside_them() {
    let content = content();
    let all = [header(&content), media(&content)].concat();
    let live = Answer::new(STREAM, &all[..all.len() - 8]).open();
    let answers = vec![Answer::new(STREAM, &header(&content)), live.clone(), live.clone(), live];
    let mut world = World::new(URL, Options::default(), answers, usize::MAX);
    while world.fate.names().iter().filter(|name| **name == "Packet").count() < 5 {
        assert!(world.turn());
    }
    world.client.seek(Position::Packet(3)).unwrap();
    while world.fate.requests.len() < 4 {
        assert!(world.turn());
    }
    world.client.pause().unwrap();
    while !world.fate.names().contains(&"Stopped") {
        assert!(world.turn());
    }
    world.client.resume().unwrap();
    while world.fate.names().iter().filter(|name| **name == "Started").count() < 3 {
        assert!(world.turn());
    }
    world.client.close();
    world.settle();
    assert!(world.is_done());
    let fate = world.finish();
    assert_eq!(fate.error, None);
    let posts = fate.requests.iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!((fate.requests.len() - posts, posts >= 2), (4, true), "{:?}", fate.requests);
    assert!(fate.requests.iter().any(|request| request.contains("packet-num=3")), "{:?}", fate.requests);
}

#[test]
fn what_happens_to_a_short_request_does_not_matter() {
    let long = Answer::new(&format!("HTTP/1.0 200 OK\nX: {}", "y".repeat(4000)), b"").open();
    let shorts = [
        Answer::new("HTTP/1.0 500 No", b""),
        Answer { bytes: b"garbage\r\n\r\n".to_vec(), closes: true, breaks: false },
        Answer { bytes: Vec::new(), closes: true, breaks: false },
        Answer { bytes: Vec::new(), closes: false, breaks: true },
        Answer { bytes: Vec::new(), closes: false, breaks: false },
        long,
    ];
    for answer in shorts {
        let mut world = World::new(URL, Options::default(), streaming(&content()), 100);
        world.short_answers.push_back(answer.clone());
        let fate = world.run();
        assert_eq!((fate.error, fate.requests.len()), (None, 3), "{answer:?}");
        assert!(fate.lasted <= Duration::from_secs(5), "{answer:?}");
    }
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let silent = Answer { bytes: Vec::new(), closes: false, breaks: false };
    let fate = run(vec![silent]);
    assert_eq!((fate.error, fate.lasted), (Some(Error::TimedOut(TimerName::Reply)), Duration::from_secs(20)));
    let content = content();
    let stuck = Answer::new(STREAM, &[header(&content), media(&content)[..5000].to_vec()].concat()).open();
    let fate = run(vec![Answer::new(STREAM, &header(&content)), stuck]);
    assert_eq!(
        (fate.error, fate.lasted),
        (Some(Error::TimedOut(TimerName::Silence)), Duration::from_secs(90))
    );
    let empty = Answer::new(STREAM, &header(&content)).open();
    let fate = run(vec![Answer::new(STREAM, &header(&content)), empty]);
    assert_eq!((fate.error, fate.lasted), (Some(Error::TimedOut(TimerName::Media)), Duration::from_secs(15)));
    for (count, name) in
        [(0, TimerName::Open), (1, TimerName::Open), (3, TimerName::Header), (600, TimerName::Header)]
    {
        let halted = Answer::new(STREAM, &header(&content)[..count]).open();
        let fate = run(vec![halted]);
        assert_eq!(
            (fate.error, fate.lasted),
            (Some(Error::TimedOut(name)), Duration::from_secs(20)),
            "{count}"
        );
        let halted = Answer::new(STREAM, &header(&content)[..count]).open();
        let fate = run(vec![Answer::new(STREAM, &header(&content)), halted]);
        assert_eq!(
            (fate.error, fate.lasted),
            (Some(Error::TimedOut(TimerName::Play)), Duration::from_secs(20))
        );
    }
    let halted = Answer::new(PLAIN, content.header()).open();
    let fate = run(vec![halted]);
    assert_eq!(
        (fate.error, fate.lasted),
        (Some(Error::TimedOut(TimerName::Silence)), Duration::from_secs(20))
    );
    let halted = Answer::new(PLAIN, &content.bytes()[..9000]).open();
    let fate = run(vec![halted]);
    assert_eq!(
        (fate.error, fate.lasted),
        (Some(Error::TimedOut(TimerName::Silence)), Duration::from_secs(20))
    );
    let mut world = World::new(URL, Options::default(), Vec::new(), 1);
    world.drops.push(80);
    let fate = world.run();
    assert_eq!(
        (fate.error, fate.lasted),
        (Some(Error::TimedOut(TimerName::Connect)), Duration::from_secs(15))
    );
}

#[test]
fn small_storage_for_requests_is_an_error_with_its_size() {
    let storage = mms_core::client::Storage { receive: vec![0; 4096], send: vec![0; 2560] };
    let url = format!("mmsh://h/{}", "é".repeat(500));
    let mut client = Client::new(&url, Options::default(), storage).unwrap();
    let now = mms_core::time::Instant::from_millis(1);
    assert_eq!(client.step(now), mms_core::client::Step::Connect(SocketId::CONTROL));
    client.connected(SocketId::CONTROL, "192.0.2.1:1".parse().unwrap());
    while client.step(now) != mms_core::client::Step::Done {}
    assert!(matches!(
        client.error(),
        Some(Error::Limit { limit: LimitName::StorageBytes, allowed: 2560, .. })
    ));
}

// ---- the rows of hostile input that concern a client over HTTP

/// The error of a client that is answered so, the same for any cut.
fn meets(answers: Vec<Answer>) -> Option<Error> {
    let whole = run(answers.clone());
    for step in [1, 13, 1000] {
        assert_eq!(fate(URL, Options::default(), answers.clone(), step).error, whole.error);
    }
    whole.error
}

fn described(body: &[u8]) -> Option<Error> {
    meets(vec![Answer::new(STREAM, body)])
}

fn playing(body: &[u8]) -> Option<Error> {
    let header = header(&content());
    meets(vec![Answer::new(STREAM, &header), Answer::new(STREAM, &[&header, body].concat())])
}

#[test]
fn w1_a_line_or_head_without_end_meets_a_limit() {
    let line = Answer::new(&format!("HTTP/1.0 200 OK\nX: {}", "y".repeat(100_000)), b"");
    assert!(matches!(meets(vec![line]), Some(Error::Limit { .. })));
    let lines = Answer::new(&format!("HTTP/1.0 200 OK\n{}", "X: y\n".repeat(5000)), b"");
    assert!(matches!(meets(vec![lines]), Some(Error::Limit { .. })));
}

#[test]
fn w2_w3_w9_frames_whose_lengths_lie_are_errors_with_their_place() {
    for frame in [
        &b"$H\x04\0abcd"[..],
        b"$H\x07\0abcdefg",
        b"$H\x0a\0\0\0\0\0\0\x0c\xff\0ab",
        b"$H\xff\xff\0\0\0\0\0\x0c\x10\0",
    ] {
        assert!(matches!(described(frame), Some(Error::InvalidMessage { .. })), "{frame:?}");
    }
}

#[test]
fn w4_an_object_size_beyond_everything_is_an_error() {
    let mut payload = vec![0; 142];
    payload.extend(0x8000_0000_8000_0017_u64.to_le_bytes());
    assert!(matches!(described(&frame(b'H', 0, 0x0C, &payload)), Some(Error::InvalidMessage { .. })));
}

#[test]
fn w5_a_header_without_end_meets_a_limit() {
    let content = content();
    let mut header = content.header().to_vec();
    header[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut body = frame(b'H', 0, 0x04, &header);
    let more = frame(b'H', 1, 0x00, &[0; 60_000]);
    (0..40).for_each(|_| body.extend(&more));
    assert!(matches!(described(&body), Some(Error::Limit { .. } | Error::InvalidMessage { .. })));
}

#[test]
fn w6_a_percent_sign_in_the_path_stays_one() {
    let fate = fate("mmsh://server/%n%s%%x", Options::default(), streaming(&content()), 9);
    assert_eq!(fate.error, None);
    assert!(fate.requests[0].starts_with("GET /%n%s%%x HTTP/1.0\r\n"), "{}", fate.requests[0]);
}

#[test]
fn w8_o3_unknown_frames_are_skipped_and_data_out_of_place_is_an_error() {
    let content = content();
    let data = frame(b'D', 0, 0, content.packet(0));
    assert_eq!(described(&data), Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage)));
    let large = frame(b'D', 0, 0, &[0; 20_000]);
    assert_eq!(playing(&large), Some(Error::PeerMisbehaved(Misbehaviour::PacketTooLarge)));
    let unknown = [&b"$F\x02\0xx\xA4T\0\0"[..], &media(&content)].concat();
    assert_eq!(playing(&unknown), None);
    // a gap in the middle of a frame: the stream ends there
    assert_eq!(playing(&media(&content)[..700]), Some(Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd)));
}

#[test]
fn w10_redirects_to_themselves_end_at_the_limit() {
    for location in [URL, "http://server/a%20b.wmv?x=1"] {
        let found = Answer::new(&format!("HTTP/1.0 302 Found\nLocation: {location}"), b"");
        let error = meets(vec![found; 9]);
        assert!(matches!(error, Some(Error::Limit { limit: LimitName::Redirects, .. })), "{location}");
    }
}

#[test]
fn broken_chunks_and_lengths_are_errors() {
    for (lines, body) in [
        ("Transfer-Encoding: chunked", &b"zz\r\nx"[..]),
        ("Transfer-Encoding: chunked", b"ffffffffffffffffff\r\nx"),
        ("Transfer-Encoding: gzip", b"xxxxxxxx"),
        ("Content-Length: 1\nContent-Length: 2", b"xx"),
        ("Content-Length: -1", b"xx"),
    ] {
        let error = meets(vec![Answer::new(&format!("{PLAIN}\n{lines}"), body)]);
        assert!(
            matches!(
                error,
                Some(Error::InvalidMessage { .. } | Error::PeerMisbehaved(_) | Error::Limit { .. })
            ),
            "{lines}: {error:?}"
        );
    }
}

// ---- recorded streams

#[test]
fn a_recorded_live_stream_of_windows_media_encoder_is_played() {
    let Some(folder) = shared() else { return };
    let stream = std::fs::read(folder.join("testdata/real/mmsh/peercast-wme9-live.mmsh")).unwrap();
    let head = "HTTP/1.0 200 OK\nServer: Rex/9.0.0.2980\nPragma: features=\"broadcast,playlist\"";
    let answers = vec![Answer::new(head, &stream[..5271]), Answer::new(head, &stream)];
    let whole = run(answers.clone());
    assert_eq!(whole.error, None);
    assert_eq!(whole.names().iter().filter(|name| **name == "Packet").count(), 361);
    // packets come as they are: those that are shorter get their padding in the file
    let size = (whole.file.len() - 5259) / 361;
    assert_eq!((whole.file.len() - 5259) % 361, 0, "packets of {size} bytes");
    for step in [97, 1460] {
        assert_eq!(fate(URL, Options::default(), answers.clone(), step), whole);
    }
}

#[test]
fn a_recorded_stream_of_ffmpegs_muxer_is_played() {
    let stream = std::fs::read(mms_testkit::content::testdata().join("made/live-framed.mmsh")).unwrap();
    // FFmpeg's `-listen` has one connection to give, and no head of the family
    let whole = run(vec![Answer::new(PLAIN, &stream)]);
    assert_eq!((whole.error, whole.requests.len()), (None, 1));
    assert_eq!(whole.names().iter().filter(|name| **name == "Packet").count(), 94);
    assert_eq!(fate(URL, Options::default(), vec![Answer::new(PLAIN, &stream)], 333), whole);
}
