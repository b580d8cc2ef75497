//! Makes a large file, and reads streams as cheaply as a program can: the load of the scripts beside it.
//!
//! ```sh
//! load make FILE MEGABYTES        an ASF file of packets of 3,200 bytes
//! load read URL TIMES             fetches it so often, one after the other, in reads of 256 KiB
//! ```
//!
//! `mmst://` asks for a stream over MMS/TCP, `mmsh://` over HTTP, `http://` for a file. Behind the opening bytes are counted, not looked at.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measuring")]

use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use mms_core::mmsp::wire::{AF_HEADER_LAST, DataHeader, Message, Mid, TcpMessageHeader};
use mms_testkit::asf::Recipe;
use mms_testkit::{scripted, talk};

/// The same for every server that is compared.
const READ: usize = 256 << 10;
const PACKET: usize = 3200;
/// What a player says over HTTP to play.
const PLAY: &str = "User-Agent: NSPlayer/7.1.0.3055\r\nPragma: xPlayStrm=1\r\nPragma: stream-switch-count=1\r\n\
                    Pragma: stream-switch-entry=ffff:1:0\r\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["make", file, megabytes] => make(file, megabytes.parse().unwrap()),
        ["read", url, times] => {
            let mut bytes = 0;
            let mut buffer = vec![0; READ];
            for _ in 0..times.parse().unwrap() {
                bytes += read(url, &mut buffer);
            }
            println!("{bytes}");
        }
        _ => panic!("load make FILE MEGABYTES | load read URL TIMES"),
    }
}

fn make(file: &str, megabytes: u32) {
    let packets = u32::try_from((megabytes as usize * 1_000_000).div_ceil(PACKET)).unwrap();
    let recipe = Recipe {
        packet_size: PACKET,
        send_times: (0..packets).map(|number| number * 25).collect(),
        streams: 1,
        duration: Duration::from_millis(25) * packets,
        bit_rate: 1_024_000,
        ..Recipe::default()
    };
    fs::write(file, recipe.bake()).unwrap();
}

/// Fetches once; the bytes of media.
fn read(url: &str, buffer: &mut [u8]) -> u64 {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).unwrap();
    socket.set_nodelay(true).unwrap();
    match scheme {
        "mmst" => {
            let expected = open_mms(&mut socket, path);
            count(&mut socket, buffer, expected)
        }
        "http" => {
            write!(socket, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
            count(&mut socket, buffer, u64::MAX)
        }
        "mmsh" => {
            write!(socket, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n{PLAY}\r\n").unwrap();
            count(&mut socket, buffer, u64::MAX)
        }
        other => panic!("{other} is not read here"),
    }
}

/// Reads until so many bytes have come, or to the end.
fn count(socket: &mut TcpStream, buffer: &mut [u8], expected: u64) -> u64 {
    let mut total = 0;
    while total < expected {
        match socket.read(buffer).unwrap() {
            0 if expected == u64::MAX => break,
            0 => panic!("the stream broke off after {total} of {expected} bytes"),
            count => total += count as u64,
        }
    }
    total
}

/// Says all that is said before media flows; the bytes of media that follow, with their heads.
fn open_mms(socket: &mut TcpStream, name: &str) -> u64 {
    let mut expected = 0;
    let opening = [
        (scripted::connect(), Mid::REPORT_CONNECTED_EX),
        (talk::connect_funnel(r"\\127.0.0.1\TCP\1755"), Mid::REPORT_CONNECTED_FUNNEL),
        (talk::open_file(9, name), Mid::REPORT_OPEN_FILE),
        (talk::read_block(1), Mid::REPORT_READ_BLOCK),
    ];
    for (request, reply) in opening {
        socket.write_all(&scripted::packet(&request)).unwrap();
        command(socket, reply, |message| {
            if let Message::ReportOpenFile(file) = message {
                assert!(!file.hr.is_failure(), "{name}: {}", file.hr);
                expected = file.file_packet_count * u64::from(file.file_packet_size + 8);
            }
        });
    }
    while data(socket).af_flags != AF_HEADER_LAST {}
    for (request, reply) in [
        (scripted::stream_switch(), Mid::REPORT_STREAM_SWITCH),
        (talk::start(10), Mid::REPORT_STARTED_PLAYING),
    ] {
        socket.write_all(&scripted::packet(&request)).unwrap();
        command(socket, reply, |_| {});
    }
    expected
}

/// Reads one command, which must be this one.
fn command(socket: &mut TcpStream, wanted: Mid, mut look: impl FnMut(Message<'_>)) {
    let mut head = [0; TcpMessageHeader::LEN];
    socket.read_exact(&mut head).unwrap();
    let total = TcpMessageHeader::decode(&head).unwrap().packet_len();
    let mut body = vec![0; usize::try_from(total).unwrap() - head.len()];
    socket.read_exact(&mut body).unwrap();
    let (message, _) = Message::decode(&body).unwrap();
    assert_eq!(message.mid(), wanted);
    look(message);
}

/// Reads one Data packet.
fn data(socket: &mut TcpStream) -> DataHeader {
    let mut head = [0; DataHeader::LEN];
    socket.read_exact(&mut head).unwrap();
    let head = DataHeader::decode(&head).unwrap();
    let mut payload = vec![0; head.payload_len()];
    socket.read_exact(&mut payload).unwrap();
    head
}
