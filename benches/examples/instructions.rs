//! Does one thing so many times, so that a counter of instructions can tell what one time costs: the difference
//! of two counts, divided. `instructions.sh` beside the benches runs it.
//!
//! ```sh
//! instructions list
//! instructions WHAT TIMES
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measuring")]

use core::hint::black_box;
use core::net::SocketAddr;

use mms_core::hresult::Hresult;
use mms_core::mmsp::server::{self, MediaWish, Pace, Session};
use mms_core::mmsp::wire::{FileAttributes, Message, ReportOpenFile, TcpMessageHeader};
use mms_core::server::{Accepted, Ask, Config, Connection, Opened, Step, Storage};
use mms_core::time::Instant;
use mms_testkit::asf::Recipe;
use mms_testkit::content::{Content, Slice};
use mms_testkit::{scripted, talk};

const NOW: Instant = Instant::from_micros(1_000_000);
/// Packets of one answer of the host.
const BATCH: u32 = 20;

/// What can be counted, and the most instructions that it may take.
const ALL: [(&str, u32); 6] = [
    ("decode-ping", 100),
    ("decode-start-playing", 100),
    ("decode-report-open-file", 100),
    ("frame-media-packet", 100),
    ("frame-media-packet-paced", 100),
    // with the host's answers, the queue, slices for the write, and what was written
    ("serve-media-packet", 900),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => ALL.iter().for_each(|(name, most)| println!("{name} {most}")),
        [what, times] => count(what, times.parse().unwrap()),
        _ => panic!("instructions list | instructions WHAT TIMES"),
    }
}

fn count(what: &str, times: u32) {
    match what {
        "decode-ping" => decode(&Message::Ping, times),
        "decode-start-playing" => decode(&talk::start(10), times),
        "decode-report-open-file" => decode(&report_open_file(), times),
        "frame-media-packet" => frame(Pace::Off, times),
        "frame-media-packet-paced" => frame(Pace::REALTIME, times),
        "serve-media-packet" => serve(times),
        other => panic!("{other} is not counted"),
    }
}

fn report_open_file() -> Message<'static> {
    Message::ReportOpenFile(ReportOpenFile {
        hr: Hresult::S_OK,
        play_incarnation: 9,
        open_file_id: 1,
        file_attributes: FileAttributes::CANSEEK,
        file_duration: 12.5,
        file_blocks: 13,
        file_packet_size: 3200,
        file_packet_count: 500,
        file_bit_rate: 1_000_000,
        file_header_size: 2000,
    })
}

fn decode(message: &Message<'_>, times: u32) {
    let bytes = scripted::packet(message);
    let body = &bytes[TcpMessageHeader::LEN..];
    for _ in 0..times {
        let decoded = Message::decode(black_box(body));
        assert!(black_box(&decoded).is_ok());
    }
}

/// What stands in front of a packet: whether it is due, its number, its head.
fn frame(pace: Pace, times: u32) {
    let mut session = streaming(pace);
    for number in 0..times {
        let send_time = black_box(number);
        let now = NOW + core::time::Duration::from_millis(u64::from(number));
        assert!(!session.is_behind_stop(send_time) && session.due(send_time) <= now);
        let head = session.frame(now, send_time, 3200).unwrap();
        black_box(head.encode());
    }
}

/// A session that streams.
fn streaming(pace: Pace) -> Session {
    let mut config = server::Config::default();
    config.pace = pace;
    let mut session = Session::new(config, [7; 16], NOW);
    let live = server::Content {
        header_len: 2000,
        packet_size: 3200,
        // without a count the stream has no end
        packet_count: None,
        duration: None,
        bit_rate: 1_000_000,
        seekable: false,
        stridable: false,
    };
    let mut out = [0; 2048];
    for request in scripted::client_plays() {
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            let consumed = session.handle_input(NOW, rest).unwrap().consumed;
            rest = &rest[consumed..];
            if session.name(rest).is_some() {
                let consumed = session.opened(live).unwrap();
                rest = &rest[consumed..];
            }
            while let Some(MediaWish::Header { len, .. }) = session.wish() {
                session.frame_header(NOW, u16::try_from(len).unwrap()).unwrap();
            }
            while session.poll_transmit(NOW, &mut out).unwrap().is_some() {}
        }
    }
    assert!(session.is_streaming());
    session
}

/// Packets through a connection: framed, queued and taken as written. The host's packets are always the same.
fn serve(times: u32) {
    let content = Content::made_up(&Recipe { packet_size: 256, ..Recipe::default() });
    let batch = content.slice(0..BATCH);
    let mut connection = connection();
    let requests = scripted::client_plays().concat();
    let (mut said, mut framed) = (0, 0);
    while framed < times {
        let step = connection.step(NOW);
        assert!(matches!(step, Step::Wait { .. } | Step::Event));
        let space = connection.space();
        let count = space.len().min(requests.len() - said);
        space[..count].copy_from_slice(&requests[said..said + count]);
        connection.filled(count);
        said += count;
        framed += answer(&mut connection, &content, &batch);
        let mut slices = [&[][..]; 64];
        let used = connection.pending(&mut slices);
        let pending = slices[..used].iter().map(|slice| slice.len()).sum();
        connection.written(NOW, pending);
    }
    assert!(connection.report().packets + 64 > u64::from(times));
}

fn connection() -> Connection<Vec<u8>, Slice> {
    let mut config = Config::default();
    config.mms.pace = Pace::Off;
    let storage = Storage { receive: vec![0; 4096], send: vec![0; 4096] };
    let peer = SocketAddr::from(([127, 0, 0, 1], 1755));
    Connection::new(config, storage, Accepted { peer, random: [7; 16] }, NOW).unwrap()
}

/// Answers a wish; how many packets were given.
fn answer(connection: &mut Connection<Vec<u8>, Slice>, content: &Content, batch: &Slice) -> u32 {
    let Some(wish) = connection.next_wish() else { return 0 };
    let ticket = wish.ticket;
    match wish.ask {
        // without a count the stream has no end
        Ask::Open { .. } => {
            assert!(connection.opened(ticket, Opened { packet_count: None, ..content.opened() }))
        }
        Ask::Packets { from, .. } => {
            assert!(connection.packets(ticket, from, batch.clone()));
            return BATCH;
        }
        _ => assert!(content.answer(wish)(connection, NOW)),
    }
    0
}
