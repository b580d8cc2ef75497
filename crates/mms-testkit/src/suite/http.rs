//! The tests over HTTP, with clients that say what is written down here.
#![allow(clippy::missing_panics_doc, reason = "tests")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mms_core::mmsp::server::Pace;
use mms_core::server::Transport;
use mms_media::adapter::ServerOptions;
use mms_media::{Catalogue, Feed, GateLimits, IoLimits, ManualClock};

use super::{Adapter, Fetching, Log, Memory, Serving, peers, unpaced, wait_until};
use crate::content::{Content, testdata};
use crate::http::{head_and_body, status, unframed};

const NAMES: [&str; 4] = ["av-256.wmv", "av-64000.wmv", "audio-wmav2.wma", "av-msmpeg4v3-wmav1-1460.asf"];

pub(super) fn play(name: &str, tokens: &str) -> String {
    format!("GET /{name} HTTP/1.0\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nPragma: xPlayStrm=1{tokens}\r\n\r\n")
}

fn made(name: &str) -> Vec<u8> {
    std::fs::read(testdata().join("made").join(name)).unwrap()
}

fn feed() -> Feed {
    let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
    Feed::new(Arc::new(catalogue))
}

/// Sends a request and reads until the server closes.
fn exchange(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = peers::client(address, request.as_bytes());
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn assert_streamed(answer: &[u8], content: &Content, name: &str) {
    let (header, packets, reason) = unframed(head_and_body(answer).1);
    assert!(header == content.header() && reason == Some(0), "{name}");
    assert!(packets.concat() == content.media(), "{name}: packets differ");
}

/// Files as they are and as streams, from disk, and a page that names them.
pub fn files_arrive_over_http_framed_and_as_they_are<A: Adapter>() {
    let server = A::serve(feed(), unpaced());
    for name in NAMES {
        let (file, content) = (made(name), Content::new(made(name)));
        let answer = exchange(server.address, &format!("GET /{name} HTTP/1.0\r\n\r\n"));
        assert!(head_and_body(&answer).1 == file, "{name}");
        let range = format!("GET /{name} HTTP/1.0\r\nRange: bytes=-1000\r\n\r\n");
        assert!(head_and_body(&exchange(server.address, &range)).1 == &file[file.len() - 1000..], "{name}");
        assert_streamed(&exchange(server.address, &play(name, "")), &content, name);
        let asx = exchange(server.address, &format!("GET /{name}.asx HTTP/1.0\r\nHost: h:1\r\n\r\n"));
        let asx = String::from_utf8_lossy(head_and_body(&asx).1).into_owned();
        assert!(asx.contains(&format!("\"mms://h:1/{name}\"")), "{asx}");
    }
    let page = exchange(server.address, "GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    let page = String::from_utf8_lossy(head_and_body(&page).1).into_owned();
    assert!(NAMES.iter().all(|name| page.contains(&format!("HREF=\"mms://h:80/{name}\""))), "{page}");
    assert_eq!(status(&exchange(server.address, "GET /none.asx HTTP/1.0\r\n\r\n")), 404);
}

/// Both ends read and write one byte at a time.
pub fn http_works_when_each_call_moves_one_byte<A: Adapter>() {
    let content = Content::testdata("made/av-256.wmv");
    for (read, write) in [(1, 1), (7, 11), (3, 301), (4096, 263)] {
        let mut options = unpaced();
        options.io = IoLimits { read, write };
        let server = A::serve(Memory::new(content.clone()), options);
        assert_streamed(&exchange(server.address, &play("x", "")), &content, "x");
        let answer = exchange(server.address, "GET /x HTTP/1.0\r\n\r\n");
        assert!(head_and_body(&answer).1 == content.bytes());
    }
}

/// What a client says on one connection wakes its stream on another.
pub fn a_stop_on_another_connection_ends_the_stream<A: Adapter>() {
    let mut options = unpaced();
    options.connection.http.pace = Pace::REALTIME;
    options.connection.http.burst = Duration::ZERO;
    let host = Memory::new(Content::testdata("made/seek-125s.wmv"));
    let log = host.log();
    let server = A::serve(host, options);
    for _ in 0..3 {
        let mut stream = peers::client(server.address, play("x", "").as_bytes());
        let mut received = vec![0; 4096];
        let mut count = 0;
        while !received[..count].windows(2).any(|two| two == b"$D") {
            count += stream.read(&mut received[count..]).unwrap();
        }
        let text = String::from_utf8_lossy(&received[..count]).into_owned();
        let id = text.split("client-id=").nth(1).unwrap().split([',', '\r']).next().unwrap();
        let stop = format!(
            "POST /x HTTP/1.0\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nPragma: xStopStrm=1,client-id={id}\r\n\r\n"
        );
        assert_eq!(status(&exchange(server.address, &stop)), 200);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(b"$E\x04\0\0\0\0\0"), "{} bytes", rest.len());
    }
    wait_until("the connections end", || log.ended().len() == 6);
    let streams = log.ended().into_iter().filter(|ended| ended.report.packets > 0);
    assert!(streams.inspect(|ended| assert_eq!(ended.report.transport, Transport::Http)).count() == 3);
}

/// A stream that is asked for again begins when the connection of the first one is gone.
pub fn a_stream_is_taken_over_from_a_connection_that_closed<A: Adapter>() {
    let mut options = unpaced();
    options.connection.http.pace = Pace::REALTIME;
    let server = A::serve(Memory::new(Content::testdata("made/seek-125s.wmv")), options);
    let describe = "GET /x HTTP/1.0\r\nUser-Agent: NSPlayer/7.1.0.3055\r\n\r\n";
    let text = String::from_utf8_lossy(&exchange(server.address, describe)).into_owned();
    let id = text.split("client-id=").nth(1).unwrap().split([',', '\r']).next().unwrap().to_owned();
    let request = play("x", &format!(",client-id={id}"));
    let first = first_bytes(peers::client(server.address, request.as_bytes()));
    let second = peers::client(server.address, request.as_bytes());
    drop(first);
    let mut third = first_bytes(second);
    third.write_all(b"more, which nobody reads").unwrap();
    // while the second one runs, nobody else gets it
    assert_eq!(status(&exchange(server.address, &request)), 409);
}

fn first_bytes(mut stream: TcpStream) -> TcpStream {
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.0 200 OK");
    stream
}

/// Clients of both protocols at one listener, at the same time.
pub fn one_listener_speaks_mms_and_http<A: Adapter>() {
    let content = Content::testdata("made/av-256.wmv");
    let server = A::serve(Memory::new(content.clone()), unpaced());
    let address = server.address;
    let threads: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || match number % 2 {
                0 => exchange(address, &play("x", "")),
                _ => exchange(address, "GET /x HTTP/1.0\r\n\r\n"),
            })
        })
        .collect();
    let fetchings = (0..4).map(|_| Fetching::new(address, "x")).collect();
    for bytes in A::read(fetchings) {
        assert!(bytes.unwrap() == [content.header(), content.media()].concat());
    }
    for (number, thread) in threads.into_iter().enumerate() {
        let answer = thread.join().unwrap();
        match number % 2 {
            0 => assert_streamed(&answer, &content, "x"),
            _ => assert!(head_and_body(&answer).1 == content.bytes()),
        }
    }
}

/// A server for one client, and that client.
fn full<A: Adapter>(options: ServerOptions) -> (Serving, Arc<Log>, TcpStream) {
    let host = Memory::new(Content::testdata("made/av-256.wmv"));
    let log = host.log();
    let server = A::serve(host, options);
    let mut first = peers::client(server.address, b"GET /x HTTP/1.1\r\nRange: bytes=0-0\r\n\r\n");
    let mut head = [0; 12];
    first.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 206");
    (server, log, first)
}

fn one_and(refusals: usize) -> ServerOptions {
    let mut options = unpaced();
    options.gate = GateLimits { total: 1, per_address: 1, refusals, refusals_per_address: refusals };
    options
}

/// Nothing, then the end.
fn is_closed(mut stream: TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        // where the server did not read what was sent
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Beyond the limit a client gets an answer, beyond the limit of those none, and a place that is free is given again.
pub fn a_full_server_says_so_to_a_few_and_closes_the_rest<A: Adapter>() {
    // no time passes, so the server closes none for its silence
    let mut options = one_and(2);
    options.clock = ManualClock::default().into();
    let (server, log, first) = full::<A>(options);
    let address = server.address;
    let request = "GET /x HTTP/1.0\r\n\r\n";
    for _ in 0..5 {
        let answer = exchange(address, request);
        assert_eq!(status(&answer), 503);
        assert!(head_and_body(&answer).0.contains("Connection: close"));
        assert_eq!(status(&exchange(address, &play("x", ""))), 503);
        match A::read(vec![Fetching::new(address, "x")]).pop().unwrap() {
            Err(error) => assert!(error.to_string().contains("client limit"), "{error}"),
            Ok(_) => panic!("a second client was served"),
        }
    }
    // those that say nothing keep the places of refusals, until these are all taken
    let mut held = Vec::new();
    wait_until("both places for refusals are taken", || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let waits = matches!((&stream).read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        held.extend(waits.then_some(stream));
        held.len() == 2
    });
    for _ in 0..20 {
        assert!(is_closed(peers::client(address, b"")));
    }
    drop((held, first));
    wait_until("a place is free", || status(&exchange_if_open(address, request)) == 200);
    wait_until("the two that were served end", || log.ended().len() == 2);
    assert!(log.ended().iter().all(|ended| ended.report.transport == Transport::Http));
}

/// The same, where the server may close without a word.
fn exchange_if_open(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = peers::client(address, request.as_bytes());
    let mut bytes = Vec::new();
    // what came before a reset counts
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// Whoever is turned away has five seconds in all, whatever it does.
pub fn who_is_turned_away_and_says_nothing_is_closed<A: Adapter>() {
    let (hand, mut options) = (ManualClock::default(), one_and(3));
    options.clock = hand.clone().into();
    let (server, log, _first) = full::<A>(options);
    let all = [&b""[..], b"GET / HT", b"GET /x HTTP/1.1\r\nA: b\r\n"];
    let streams = all.map(|said| peers::client(server.address, said));
    // accepted before the clock goes on: a fourth one is closed
    wait_until("all places for refusals are taken", || is_closed_at_once(server.address));
    hand.advance(Duration::from_secs(5));
    assert!(streams.into_iter().all(is_closed));
    assert!(log.ended().is_empty(), "the one that was served is there still");
}

fn is_closed_at_once(address: SocketAddr) -> bool {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    is_closed(stream)
}

/// A file that is replaced while it is downloaded ends short: nobody gets a mixture.
pub fn a_file_that_changes_ends_its_download<A: Adapter>() {
    let folder = std::env::temp_dir().join(format!("mms-suite-{}-{}", std::process::id(), A::NAME));
    std::fs::create_dir_all(&folder).unwrap();
    // more than sockets hold, so that the rest is read after the change
    let (path, mut source) = (folder.join("x.wmv"), made("seek-125s.wmv"));
    source.resize(source.len() + (32 << 20), 7);
    std::fs::write(&path, &source).unwrap();
    let (catalogue, _) = Catalogue::scan(std::slice::from_ref(&path)).unwrap();
    let server = A::serve(Feed::new(Arc::new(catalogue)), unpaced());
    let mut stream = peers::client(server.address, b"GET /x.wmv HTTP/1.0\r\n\r\n");
    let mut front = vec![0; 1000];
    stream.read_exact(&mut front).unwrap();
    replace(&path);
    let mut rest = Vec::new();
    // it ends, in order or not
    let _ = stream.read_to_end(&mut rest);
    let all = [front, rest].concat();
    let body = head_and_body(&all).1;
    assert!(source.starts_with(body), "a mixture");
    assert!(body.len() < source.len(), "the change was not seen");
    drop(server);
    let _ = std::fs::remove_dir_all(&folder);
}

fn replace(path: &Path) {
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, made("av-256.wmv")).unwrap();
    std::fs::rename(fresh, path).unwrap();
}
