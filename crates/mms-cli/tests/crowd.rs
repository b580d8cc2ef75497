//! Many clients at once on one `mms serve`, and such among them that want to hold it up.
//!
//! CI runs a film of one megabyte once. `benches/crowd.sh` runs a longer one in turns, with and without those that hold
//! it up, and compares the times (`MMS_CROWD_TURNS`, `MMS_CROWD_PACKETS`).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "other tests use the rest")]
mod many;
#[allow(dead_code, reason = "the interoperability tests use the rest")]
mod support;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::time::Instant;

use many::{Film, Process, download, fetch, runtime, setting};
use mms_testkit::scripted;
use support::process::Scratch;
use support::server::{Server, field};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

/// Clients that fetch, and how: of ten one after the other.
const CLIENTS: usize = 500;
const WAYS: [Way; 10] =
    [Way::Tcp, Way::Http, Way::File, Way::Tcp, Way::Http, Way::Udp, Way::Tcp, Way::Http, Way::File, Way::Tcp];
/// 128 KB, less than a socket holds.
const SHORT_PACKETS: u32 = 40;
/// Clients that never read, and as many that send a byte a second; of each, every second one speaks HTTP.
const IDLERS: usize = 50;
const MIB: u64 = 1 << 20;
/// Room for all of them in one process.
const DESCRIPTORS: usize = 2000;
/// How long a client may read nothing: short, for the test's sake.
const STALL: &str = "4";
const STALL_LIMIT: &str = "stall";
const FIRST_BYTES_LIMIT: &str = "first bytes";
const HANDSHAKE_LIMIT: &str = "handshake";

/// How a client fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// MMS, media over TCP.
    Tcp,
    /// MMS, media in datagrams: a short film, since a crowd without pace overruns sockets beyond what is sent again.
    Udp,
    /// Framed over HTTP.
    Http,
    /// The file as it is over HTTP.
    File,
}

fn server(films: &[&Film]) -> Server {
    assert_eq!(mms_testkit::suite::descriptors(DESCRIPTORS).1, DESCRIPTORS, "too few descriptors");
    let options =
        ["--pace", "off", "--max-connections", "2000", "--max-per-address", "2000", "--stall-timeout", STALL];
    Server::start_with(&options, &films.iter().map(|film| film.path.clone()).collect::<Vec<_>>())
}

#[test]
fn five_hundred_get_their_film_while_a_hundred_hold_the_server_up() {
    let scratch = Scratch::new("crowd");
    let packets = u32::try_from(setting("MMS_CROWD_PACKETS", 330)).unwrap();
    let film = Film::make(&scratch, "film.wmv", packets);
    // more than the system takes for somebody who does not read
    let long = Film::make(&scratch, "content.wmv", 4000);
    let short = Film::make(&scratch, "short.wmv", SHORT_PACKETS);
    let mut server = server(&[&film, &long, &short]);
    let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
    let process = Process::of(&mut server);

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for turn in 1..=usize::try_from(setting("MMS_CROWD_TURNS", 1)).unwrap() {
        alone.push(runtime().block_on(crowd(address, &film, &short)));
        let seconds = runtime().block_on(async {
            let mut slow = JoinSet::new();
            let mut silent = Vec::new();
            for number in 0..IDLERS {
                silent.push(never_reads(address, number % 2 == 0).await);
                slow.spawn(sends_slowly(address, number % 2 == 0));
            }
            let seconds = crowd(address, &film, &short).await;
            while slow.join_next().await.is_some() {}
            wait_for_limit(&server, STALL_LIMIT, IDLERS * turn).await;
            drop(silent);
            seconds
        });
        beside.push(seconds);
        tell(&format!("turn {turn}: alone {:.2} s, beside {seconds:.2} s", alone[turn - 1]));
    }
    let peak = process.peak();
    let allowed = 64 * MIB + (CLIENTS + 2 * IDLERS) as u64 * 128 * 1024;
    tell(&format!(
        "peak {:.1} MiB, {:.1} MiB allowed",
        peak as f64 / MIB as f64,
        allowed as f64 / MIB as f64
    ));
    assert!(peak <= allowed, "{peak} bytes");
    assert_named_limits(&server, alone.len());
    if alone.len() > 2 {
        let ratio = median(&mut beside) / median(&mut alone);
        tell(&format!("beside those that hold it up it takes {ratio:.2} times as long"));
        assert!(ratio <= 1.5, "{ratio}");
    }
}

/// All at once, each compares; the seconds that it took.
async fn crowd(address: SocketAddr, film: &Film, short: &Film) -> f64 {
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for way in WAYS.into_iter().cycle().take(CLIENTS) {
        let film = if way == Way::Udp { short.clone() } else { film.clone() };
        clients.spawn(async move {
            let result = match way {
                Way::Tcp => fetch(&format!("mmst://{address}/film.wmv"), &film).await,
                Way::Udp => fetch(&format!("mmsu://{address}/short.wmv"), &film).await,
                Way::Http => fetch(&format!("mmsh://{address}/film.wmv"), &film).await,
                Way::File => download(address, &film).await,
            };
            result.map_err(|error| format!("{way:?}: {error}"))
        });
    }
    let mut complete = 0;
    while let Some(result) = clients.join_next().await {
        result.unwrap().unwrap();
        complete += 1;
    }
    assert_eq!(complete, CLIENTS);
    begun.elapsed().as_secs_f64()
}

/// Asks for everything and reads nothing.
async fn never_reads(address: SocketAddr, http: bool) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let mms = scripted::client_plays().concat();
    let request = if http { b"GET /content.wmv HTTP/1.0\r\n\r\n" } else { mms.as_slice() };
    stream.write_all(request).await.unwrap();
    stream
}

/// A byte of a good request each second, until it is closed.
async fn sends_slowly(address: SocketAddr, http: bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mms = scripted::packet(&scripted::connect());
    let request = if http { b"GET /content.wmv HTTP/1.0\r\n\r\n" } else { mms.as_slice() };
    let mut seconds = interval(Duration::from_secs(1));
    for byte in request {
        seconds.tick().await;
        let mut reply = [0; 64];
        tokio::select! {
            // an answer, the end, or a reset
            count = stream.read(&mut reply) => {
                if count.is_ok_and(|count| count > 0) {
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
                return;
            }
            () = sleep(Duration::from_millis(900)) => {}
        }
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
    }
    panic!("nobody minded");
}

/// Waits until the log says so often that this limit ended a session.
async fn wait_for_limit(server: &Server, limit: &str, count: usize) {
    let patience = Instant::now() + Duration::from_secs(60);
    while ended_by(&server.logs(), limit) < count {
        assert!(Instant::now() < patience, "{limit}\n{}", server.logs());
        sleep(Duration::from_millis(200)).await;
    }
}

/// Sessions that this limit ended, by the log.
fn ended_by(log: &str, limit: &str) -> usize {
    log.lines().filter(|line| line.contains(&format!("outcome=\"timed out: {limit}\""))).count()
}

/// The log tells something exactly so often; its lines come through a pipe, so they may be late.
fn assert_logged(server: &Server, what: &str, count: usize, told: impl Fn(&str) -> usize) {
    let patience = Instant::now() + Duration::from_secs(60);
    while told(&server.logs()) < count && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(200));
    }
    let log = server.logs();
    assert_eq!(told(&log), count, "{what}\n{log}");
}

/// The log names the limit that ended each of those that held the server up, and nobody else.
fn assert_named_limits(server: &Server, turns: usize) {
    let half = IDLERS / 2;
    for (limit, each) in [(STALL_LIMIT, IDLERS), (FIRST_BYTES_LIMIT, half), (HANDSHAKE_LIMIT, half)] {
        assert_logged(server, limit, each * turns, |log| ended_by(log, limit));
    }
    for (transport, ways) in
        [("MMS/TCP", &[Way::Tcp][..]), ("MMS/UDP", &[Way::Udp]), ("HTTP", &[Way::Http, Way::File])]
    {
        let completed = |line: &&str| {
            field(line, "transport").as_deref() == Some(transport) && line.contains("outcome=completed")
        };
        let clients = CLIENTS / WAYS.len() * WAYS.iter().filter(|way| ways.contains(way)).count();
        assert_logged(server, transport, 2 * clients * turns, |log| log.lines().filter(completed).count());
    }
    let log = server.logs();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

#[test]
fn a_thousand_idle_sessions_with_an_open_file_are_small() {
    let requests = scripted::client_plays();
    // up to the header, which comes in one fragment as it is shorter than a packet; nothing is played
    assert_idle_is_small("sessions of MMS", &requests[..5].concat(), |said| {
        let fragments = scripted::said(said).iter().filter(|said| said.location_id.is_some()).count();
        fragments == 1
    });
}

#[test]
fn a_thousand_idle_connections_of_http_are_small() {
    let request = b"GET /content.wmv HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-99\r\n\r\n";
    assert_idle_is_small("connections of HTTP that are kept", request, |said| {
        let head = said.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        assert!(said.len() < 12 || said.starts_with(b"HTTP/1.1 206"), "{}", String::from_utf8_lossy(said));
        head.is_some_and(|head| said.len() == head + 4 + 100)
    });
}

/// A thousand clients that said this, got a whole answer, and say nothing more: user memory of the server for each.
fn assert_idle_is_small(what: &str, request: &[u8], is_whole: impl Fn(&[u8]) -> bool) {
    const CLIENTS: usize = 1000;
    const WARM: usize = 50;
    let scratch = Scratch::new("idle");
    let film = Film::make(&scratch, "content.wmv", 40);
    let mut server = server(&[&film]);
    let process = Process::of(&mut server);
    let open = |_| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request).unwrap();
        let mut said = Vec::new();
        while !is_whole(&said) {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).unwrap();
            assert!(count > 0, "the server closed");
            said.extend_from_slice(&part[..count]);
        }
        stream
    };
    let warm: Vec<_> = (0..WARM).map(open).collect();
    let before = process.anonymous();
    let idle: Vec<_> = (0..CLIENTS).map(open).collect();
    let each = process.anonymous().saturating_sub(before) / CLIENTS as u64;
    tell(&format!("{CLIENTS} idle {what}: {each} bytes for each"));
    assert!(each <= 16 * 1024, "{each}");
    assert!(!server.logs().contains("outcome="), "all are open\n{}", server.logs());
    drop((warm, idle));
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Past the test harness, which swallows the output of tests that pass.
fn tell(line: &str) {
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}
