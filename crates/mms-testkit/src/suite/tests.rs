//! The tests. Each panics when the adapter does not do what its name says.
#![allow(clippy::missing_panics_doc, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use mms_core::client::{Client, Event, Transport};
use mms_core::error::{Error, Misbehaviour};
use mms_core::hresult::Hresult;
use mms_core::mmsp::server::Pace;
use mms_core::server::{Outcome, Transport as ServedBy};
use mms_media::adapter::ServerOptions;
use mms_media::{Catalogue, Feed, IoLimits, ManualClock};

pub use super::ends::*;
pub use super::http::*;
use super::peers::SCHEMES;
use super::trace::Trace;
use super::{Adapter, Fetching, Memory, descriptors, peers, unpaced, wait_until};
use crate::content::{Content, testdata};
use crate::pair::{Pair, Seen};
use crate::web_pair::WebPair;

pub(super) const SHORT: &str = "made/av-256.wmv";

pub(super) fn memory() -> Memory {
    Memory::new(Content::testdata(SHORT))
}

/// A file as a client should get it: header and packets, without what stands behind them.
fn streamed(content: &Content) -> Vec<u8> {
    [content.header(), content.media()].concat()
}

fn files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(testdata().join("made")).unwrap();
    let is_asf = |path: &PathBuf| std::fs::read(path).unwrap().starts_with(&[0x30, 0x26, 0xB2, 0x75]);
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).filter(is_asf).collect();
    paths.sort();
    assert!(paths.len() >= 18);
    paths
}

fn feed() -> Feed {
    let (catalogue, _) = Catalogue::scan(&[testdata().join("made")]).unwrap();
    Feed::new(Arc::new(catalogue))
}

fn read_one<A: Adapter>(fetching: Fetching) -> Vec<u8> {
    A::read(vec![fetching]).pop().unwrap().unwrap()
}

/// What a client gets that is an error.
pub(super) fn fail<A: Adapter>(fetching: Fetching) -> Error {
    A::fetch(fetching, &mut |_| {}).expect_err("it should fail")
}

/// Each file of the test data, through the byte reader, from disk.
pub fn every_file_arrives_as_it_was_sent<A: Adapter>() {
    let server = A::serve(feed(), unpaced());
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = Content::new(std::fs::read(&path).unwrap());
        let bytes = read_one::<A>(Fetching::new(server.address, name));
        assert!(bytes[content.header().len()..] == *content.media(), "{name}: packets differ");
        // the server corrects the header of a file that was never finished
        if name != "live-pipe.asf" {
            assert!(bytes == streamed(&content), "{name}: header differs");
        }
    }
}

/// Each file of the test data over HTTP.
pub fn every_file_arrives_over_http_as_it_was_sent<A: Adapter>() {
    let server = A::serve(feed(), unpaced());
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = Content::new(std::fs::read(&path).unwrap());
        let bytes = read_one::<A>(with_scheme(server.address, "mmsh", name));
        assert!(bytes[content.header().len()..] == *content.media(), "{name}: packets differ");
    }
}

pub(super) fn with_scheme(address: SocketAddr, scheme: &str, name: &str) -> Fetching {
    Fetching { url: format!("{scheme}://{address}/{name}"), ..Fetching::new(address, name) }
}

/// Each file of the test data in datagrams, sent faster than anybody plays.
pub fn every_file_arrives_over_udp_as_it_was_sent<A: Adapter>() {
    let mut options = unpaced();
    options.connection.mms.pace = Pace::PerMille(100_000);
    let server = A::serve(feed(), options);
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = Content::new(std::fs::read(&path).unwrap());
        let bytes = read_one::<A>(with_scheme(server.address, "mmsu", name));
        assert!(bytes[content.header().len()..] == *content.media(), "{name}: packets differ");
    }
}

/// A server without pacing overruns the client's socket; what is lost is asked for.
pub fn an_unpaced_server_loses_nothing_over_udp<A: Adapter>() {
    let server = A::serve(feed(), unpaced());
    let content = Content::testdata("made/seek-125s.wmv");
    for scheme in ["mmsu", "mms"] {
        let mut seen = None;
        let fetching = with_scheme(server.address, scheme, "seek-125s.wmv");
        A::fetch(fetching, &mut |driver| seen = driver.reception()).unwrap();
        let reception = seen.expect("media came over UDP");
        assert_eq!(reception.packets_lost_client, 0, "{reception:?}");
        assert_eq!(reception.packets_received, u64::from(content.len()), "{reception:?}");
    }
}

/// A server that does not offer UDP: `mms` takes TCP, `mmsu` fails.
pub fn without_udp_on_the_server_the_client_takes_tcp<A: Adapter>() {
    let mut options = unpaced();
    options.udp = false;
    let server = A::serve(memory(), options);
    let mut transport = None;
    let fetching = with_scheme(server.address, "mms", "x");
    A::fetch(fetching, &mut |driver| transport = Some(driver.transport())).unwrap();
    assert_eq!(transport, Some(Transport::Tcp));
    let error = fail::<A>(with_scheme(server.address, "mmsu", "x"));
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}

/// A hundred sessions share the UDP socket of the listener.
pub fn a_hundred_sessions_share_one_udp_socket<A: Adapter>() {
    let mut options = unpaced();
    options.connection.mms.pace = Pace::PerMille(20_000);
    let content = Content::testdata(SHORT);
    let server = A::serve(memory(), options);
    let fetchings = (0..100).map(|_| with_scheme(server.address, "mmsu", "x")).collect();
    for bytes in A::read(fetchings) {
        assert!(bytes.unwrap() == streamed(&content));
    }
}

/// Both ends read and write one byte at a time.
pub fn a_file_arrives_when_each_call_moves_one_byte<A: Adapter>() {
    limited::<A>(IoLimits { read: 1, write: 1 });
}

/// Vectored writes are cut in heads, in packets, and in the second slice.
pub fn a_file_arrives_when_writes_end_anywhere<A: Adapter>() {
    for (read, write) in [(97, 3), (7, 11), (1 << 18, 301), (13, 4096), (4000, 263)] {
        limited::<A>(IoLimits { read, write });
    }
}

fn limited<A: Adapter>(io: IoLimits) {
    let mut options = unpaced();
    options.io = io;
    let server = A::serve(memory(), options);
    for scheme in SCHEMES {
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.io = io;
        assert!(read_one::<A>(fetching) == streamed(&Content::testdata(SHORT)), "{scheme} {io:?}");
    }
}

/// The host's result arrives.
pub fn a_name_that_is_not_there_is_refused<A: Adapter>() {
    let server = A::serve(memory(), unpaced());
    for (scheme, hr) in [("mmst", Hresult::NS_E_FILE_NOT_FOUND), ("mmsh", Hresult::from_http(404))] {
        assert_eq!(fail::<A>(with_scheme(server.address, scheme, "missing")), Error::Refused(hr));
    }
}

/// The system refuses the connection.
pub fn nobody_listening_is_a_failed_connection<A: Adapter>() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in SCHEMES {
        assert_eq!(fail::<A>(with_scheme(free, scheme, "x")), Error::ConnectionFailed);
    }
}

/// Every future is dropped after its first poll, at whatever await it stands.
pub fn a_future_that_is_dropped_at_any_await_loses_nothing<A: Adapter>() {
    let mut options = unpaced();
    options.io = IoLimits { read: 97, write: 301 };
    let server = A::serve(memory(), options);
    let content = Content::testdata(SHORT);
    for scheme in SCHEMES {
        let mut fetching = with_scheme(server.address, scheme, "x");
        fetching.io = IoLimits { read: 61, write: 5 };
        let mut bytes = Vec::new();
        let mut see = |driver: &mut Client<Vec<u8>>| take(driver, &mut bytes);
        let Some(result) = A::fetch_dropping(fetching, &mut see, &mut || {}) else {
            println!("SKIPPED: {} has no futures", A::NAME);
            return;
        };
        result.unwrap();
        assert!(bytes == streamed(&content), "{scheme}");
    }
}

/// The server says the next few bytes when a future was dropped that waited for them, so that one is dropped between any
/// two parts of what a server says.
pub fn a_future_that_is_dropped_between_any_two_parts_loses_nothing<A: Adapter>() {
    const PART: usize = 61;
    let content = Content::testdata("made/one-packet.wma");
    let mut whole = peers::pair(&content);
    whole.run();
    let said = whole.to_client_log;
    let parts = said.chunks(PART).len();
    assert!(parts > 50, "{parts}");
    for reads in [false, true] {
        let (permit, permits) = mpsc::channel();
        let said = said.clone();
        let (address, peer) = peers::server(move |mut stream| {
            stream.set_nodelay(true).unwrap();
            for part in said.chunks(PART) {
                if permits.recv().is_err() {
                    return;
                }
                stream.write_all(part).unwrap();
            }
            peers::close_and_read(stream).unwrap();
        });
        let (mut bytes, mut dropped) = (Vec::new(), 0);
        let mut drops = || {
            dropped += 1;
            // at the end the peer wants no more
            let _ = permit.send(());
        };
        let fetching = Fetching::new(address, "content.wmv");
        let result = if reads {
            A::read_dropping(fetching, &mut drops).map(|read| bytes = read.unwrap())
        } else {
            let result = A::fetch_dropping(fetching, &mut |driver| take(driver, &mut bytes), &mut drops);
            result.map(Result::unwrap)
        };
        drop(permit);
        if result.is_none() {
            println!("SKIPPED: {} has no futures", A::NAME);
            drop(std::net::TcpStream::connect(address));
            peer.join().unwrap();
            return;
        }
        peer.join().unwrap();
        assert!(dropped >= parts, "{dropped} futures were dropped, and {parts} parts came");
        assert!(bytes == streamed(&content));
    }
}

/// The bytes of the driver's event.
fn take(driver: &Client<Vec<u8>>, bytes: &mut Vec<u8>) {
    if let Some(Event::HeaderPart { bytes: part, .. } | Event::Packet { bytes: part, .. }) = driver.event() {
        bytes.extend_from_slice(part);
    }
}

/// Clients of a server that is dropped see the connection end, and hosts are told.
pub fn a_server_whose_future_is_dropped_ends_its_connections<A: Adapter>() {
    let host = memory().endless();
    let log = host.log();
    let mut server = A::serve(host, unpaced());
    let Some(abort) = server.abort.take() else {
        println!("SKIPPED: {} has no futures", A::NAME);
        return;
    };
    let mut abort = Some(abort);
    let result = A::fetch(Fetching::new(server.address, "x"), &mut |driver| {
        if let Some(Event::Packet { .. }) = driver.event()
            && let Some(abort) = abort.take()
        {
            abort();
        }
    });
    assert!(result.is_err(), "{result:?}");
    wait_until("the host is told", || log.ended().len() == 1);
}

/// A client asks and a server sends media, both more than the system buffers; neither waits for the other.
pub fn requests_and_media_flow_at_the_same_time<A: Adapter>() {
    const COUNT: u16 = 30_000;
    let content = Content::testdata(SHORT);
    let host = memory().endless();
    let server = A::serve(host, unpaced());
    let said = peers::said_until(&content, "Started");
    let stream = peers::client(server.address, &said.by_client);
    let mut writer = stream.try_clone().unwrap();
    let asks = thread::spawn(move || writer.write_all(&peers::requests(COUNT)).unwrap());
    let media = content.packet(0);
    let (mut reader, mut seen, mut replies, mut packets) = (stream, Vec::new(), 0, 0);
    let mut space = vec![0; 1 << 16];
    while replies < usize::from(COUNT) || packets < 1000 {
        let count = reader.read(&mut space).unwrap();
        assert!(count > 0, "closed after {replies} replies and {packets} packets");
        seen.extend_from_slice(&space[..count]);
        if seen.len() > 1 << 20 {
            // keeps enough for what is cut at the end
            let rest = seen.split_off(seen.len() - media.len());
            replies += peers::occurrences(&seen, &REPORT_STREAM_SWITCH);
            packets += peers::occurrences(&seen, &media[media.len() - 32..]);
            seen = rest;
        }
    }
    asks.join().unwrap();
}

/// The code of the answer to a request, which does not occur in the media.
const REPORT_STREAM_SWITCH: [u8; 4] = [0x21, 0x00, 0x04, 0x00];

/// A server sends more pings than the system buffers while it reads the answers.
pub fn pings_and_pongs_flow_at_the_same_time<A: Adapter>() {
    const COUNT: u16 = 60_000;
    let said = peers::said_until(&Content::testdata(SHORT), "Started");
    let (address, peer) = peers::server(move |mut stream| {
        let mut reader = stream.try_clone().unwrap();
        let answers = thread::spawn(move || {
            let (mut bytes, mut space) = (0, vec![0; 1 << 16]);
            while let Ok(count @ 1..) = reader.read(&mut space) {
                bytes += count;
            }
            bytes
        });
        stream.write_all(&said.by_server).unwrap();
        stream.write_all(&peers::pings(COUNT)).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let bytes = answers.join().unwrap();
        // pings that wait for a slow writer share one answer
        assert!(bytes >= 100_000, "{bytes}");
    });
    let mut fetching = Fetching::new(address, "content.wmv");
    fetching.options.mms.pings_per_minute = u32::MAX;
    // the end is seen, so all that was before it was read
    assert_eq!(fail::<A>(fetching), Error::PeerMisbehaved(Misbehaviour::UnexpectedEnd));
    peer.join().unwrap();
}

/// The others and the server itself go on.
pub fn a_host_that_panics_ends_its_connection_only<A: Adapter>() {
    let server = A::serve(memory(), unpaced());
    for scheme in SCHEMES {
        let error = fail::<A>(with_scheme(server.address, scheme, "panic"));
        assert!(matches!(error, Error::ConnectionFailed | Error::PeerMisbehaved(_)), "{error:?}");
        assert!(
            read_one::<A>(with_scheme(server.address, scheme, "x")) == streamed(&Content::testdata(SHORT))
        );
    }
}

/// All are under way at the same time, because the server's clock stands still until they are.
pub fn a_thousand_sessions_at_once_get_their_files<A: Adapter>() {
    // a client has a socket and perhaps something to wait with; the server has a socket for each
    const EACH: usize = 4;
    let (_alone, allowed) = descriptors(1000 * EACH);
    let count = allowed / EACH;
    if count < 1000 {
        println!("SCALED: {count} sessions instead of 1000, {allowed} descriptors are allowed");
    }
    let content = Content::testdata("made/audio-wmav1.wma");
    let whole = streamed(&content);
    for scheme in SCHEMES {
        let (host, hand) = (Memory::new(content.clone()), ManualClock::default());
        let log = host.log();
        let mut options = unpaced();
        options.connection = Default::default();
        options.connection.mms.burst = Duration::ZERO;
        options.connection.http.burst = Duration::ZERO;
        options.clock = hand.clone().into();
        let server = A::serve(host, options);
        let over = AtomicBool::new(false);
        let results = thread::scope(|scope| {
            scope.spawn(|| {
                wait_until("all are under way", || log.peak() == count || over.load(Ordering::Acquire));
                wait_until("all are over", || {
                    hand.advance(Duration::from_millis(10));
                    over.load(Ordering::Acquire)
                });
            });
            let results = A::read(vec![with_scheme(server.address, scheme, "x"); count]);
            over.store(true, Ordering::Release);
            results
        });
        assert_eq!(log.peak(), count, "{scheme}");
        assert_eq!(results.len(), count);
        for result in results {
            assert!(result.unwrap() == whole, "{scheme}");
        }
    }
}

/// Sessions that have opened a file and wait, in a server of its own process. `MMS_IDLE` says how many.
pub fn an_idle_session_is_small<A: Adapter>() {
    const ALLOWED: u64 = 16 * 1024;
    let wanted = std::env::var("MMS_IDLE").map_or(10_000, |count| count.parse().unwrap());
    let (_alone, count) = descriptors(wanted);
    if std::env::var_os("MMS_IDLE_SERVER").is_some() {
        let server = A::serve(memory(), unpaced());
        println!("listening at {} ", server.address);
        // until the other process is done
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    if count < wanted {
        println!("SCALED: {count} sessions instead of {wanted}");
    }
    let process = OtherProcess::start("an_idle_session_is_small", count);
    let said = peers::said_until(&Content::testdata(SHORT), "StreamsSwitched");
    let open = |_| {
        let mut stream = peers::client(process.address, &said.by_client);
        stream.read_exact(&mut vec![0; said.by_server.len()]).unwrap();
        stream
    };
    let _first: Vec<_> = (0..100).map(open).collect();
    let before = process.resident_bytes();
    let _others: Vec<_> = (100..count).map(open).collect();
    let each = (process.resident_bytes() - before) / (count - 100) as u64;
    println!("{}: {count} idle sessions, {each} bytes of user space for each", A::NAME);
    assert!(each <= ALLOWED, "{each}");
}

/// This test in another process, as the server.
struct OtherProcess {
    child: Child,
    address: SocketAddr,
}

impl OtherProcess {
    fn start(test: &str, count: usize) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .envs([("MMS_IDLE_SERVER", "1"), ("MMS_IDLE", &count.to_string())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map(Result::unwrap).find_map(|line| {
            let (_, address) = line.split_once("listening at ")?;
            address.trim().parse().ok()
        });
        Self { address: address.unwrap(), child }
    }

    fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients in mid-stream are told that the server stops, and then it has stopped.
pub fn sessions_end_in_order_when_the_server_stops<A: Adapter>() {
    let refused = Err(Error::Refused(Hresult::NS_E_SHUTDOWN));
    // over HTTP an error would make clients come back at once, so the end is told without one
    for (scheme, told) in [("mmst", refused), ("mmsh", Ok(()))] {
        let host = memory().endless();
        let log = host.log();
        let mut server = A::serve(host, unpaced());
        let address = server.address;
        // a client that has said nothing ends too
        let mut silent = peers::client(address, &[]);
        let under_way = AtomicUsize::new(0);
        let fetch = || {
            let mut begun = false;
            A::fetch(with_scheme(address, scheme, "x"), &mut |driver| {
                if matches!(driver.event(), Some(Event::Packet { .. }))
                    && !core::mem::replace(&mut begun, true)
                {
                    under_way.fetch_add(1, Ordering::AcqRel);
                }
            })
        };
        thread::scope(|scope| {
            let sessions: Vec<_> = (0..8).map(|_| scope.spawn(fetch)).collect();
            wait_until("all are under way", || under_way.load(Ordering::Acquire) == 8);
            server.stop();
            for session in sessions {
                assert_eq!(session.join().unwrap(), told, "{scheme}");
            }
        });
        assert_eq!(silent.read(&mut [0]).unwrap(), 0);
        drop(server);
        // connections on which a client of HTTP only asked what there is were over before
        let was_open =
            |ended: &mms_media::Ended| ended.report.transport != ServedBy::Http || ended.report.packets > 0;
        let ended: Vec<_> = log.ended().into_iter().filter(was_open).collect();
        assert_eq!(ended.len(), 9);
        assert!(ended.iter().all(|ended| ended.report.outcome == Outcome::ShutDown), "{ended:?}");
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

/// The lines of each file are those of a client and a server in memory, so those of all adapters are equal.
pub fn events_are_those_of_two_peers_in_memory<A: Adapter>() {
    traces::<A>("mmst", &unpaced(), |content| ran(peers::pair(content)));
}

/// The same with media in datagrams, slowly enough that none is lost.
pub fn events_over_udp_are_those_of_two_peers_in_memory<A: Adapter>() {
    let mut options = unpaced();
    options.connection.mms.pace = Pace::PerMille(20_000);
    traces::<A>("mmsu", &options, |content| ran(peers::pair_over_udp(content)));
}

/// The same over HTTP.
pub fn events_over_http_are_those_of_two_peers_in_memory<A: Adapter>() {
    let mut options = unpaced();
    options.connection.http.pace = Pace::Off;
    let config = options.connection.clone();
    traces::<A>("mmsh", &options, |content| {
        let url = "mmsh://127.0.0.1/content.wmv";
        let mut pair = WebPair::new(
            url,
            content.clone(),
            mms_core::client::Options::default(),
            config.clone(),
            usize::MAX,
        );
        pair.run();
        pair.seen
    });
}

fn ran(mut pair: Pair) -> Vec<Seen> {
    pair.run();
    pair.seen
}

fn traces<A: Adapter>(scheme: &str, options: &ServerOptions, run: impl Fn(&Content) -> Vec<Seen>) {
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = Content::new(std::fs::read(&path).unwrap());
        let (mut expected, mut trace) = (Trace::new(scheme == "mmsu"), Trace::new(scheme == "mmsu"));
        run(&content).iter().for_each(|seen| expected.seen(seen));
        let server = A::serve(Memory::new(content), options.clone());
        let fetching = with_scheme(server.address, scheme, "content.wmv");
        A::fetch(fetching, &mut |driver| trace.event(&driver.event().unwrap())).unwrap();
        trace.keep(A::NAME, scheme, name);
        assert_eq!(trace.lines, expected.lines, "{scheme} {name}");
    }
}
