//! A whole session over HTTP under the counting allocator: describe, play, log, and a download.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "tests")]

use core::time::Duration;

use mms_alloc_test::{Counting, Heap, is_counting, measure};
use mms_core::mmsp::server::Pace;
use mms_core::server::{
    Accepted, Ask, Config, Connection, Key, Opened, Outcome, Record, Step, Storage, Table,
};
use mms_core::time::Instant;
use mms_testkit::content::Content;
use mms_testkit::http::{head_and_body, unframed};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PLAY: &[u8] =
    b"GET /x HTTP/1.0\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nPragma: xPlayStrm=1,stream-time=500\r\n\r\n";
const OTHERS: &[u8] = b"GET /x HTTP/1.1\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nConnection: Keep-Alive\r\n\r\n\
    POST /x HTTP/1.1\r\nUser-Agent: NSPlayer/7.1.0.3055\r\nConnection: Keep-Alive\r\n\
    Content-Type: application/x-wms-LogStats\r\nContent-Length: 5\r\n\r\nhello\
    GET /x HTTP/1.1\r\nRange: bytes=1-\r\n\r\nGET /missing HTTP/1.0\r\n\r\n";

struct Server<'a> {
    content: &'a Content,
    opened: Opened,
    connection: Connection<&'a mut [u8], &'a [u8]>,
    table: Table<[Record; 4]>,
    said: &'a [u8],
    received: Vec<u8>,
    events: usize,
    spare: Vec<u8>,
}

impl Server<'_> {
    fn run(&mut self, plants: bool) {
        let now = Instant::from_millis(1000);
        loop {
            match self.connection.step(now) {
                Step::Event => self.events += 1,
                Step::Storage { needed } => panic!("{needed}"),
                Step::Wait { write, .. } => {
                    self.answer(now);
                    if self.connection.wants_session() {
                        assert_eq!(self.connection.attend(now, Key(1), &mut self.table), [None; 2]);
                    }
                    let space = self.connection.space();
                    let count = self.said.len().min(space.len());
                    space[..count].copy_from_slice(&self.said[..count]);
                    self.said = &self.said[count..];
                    self.connection.filled(count);
                    if write {
                        let mut slices = [&[][..]; 8];
                        let used = self.connection.pending(&mut slices);
                        let mut count = 0;
                        for slice in &slices[..used] {
                            self.received.extend_from_slice(slice);
                            count += slice.len();
                        }
                        self.connection.written(now, count);
                    }
                    if plants && self.spare.is_empty() {
                        self.spare = vec![0; 8];
                    }
                }
                Step::Done => return,
            }
        }
    }

    fn answer(&mut self, now: Instant) {
        let Some(wish) = self.connection.next_wish() else { return };
        let (ticket, file) = (wish.ticket, self.content.bytes());
        let part = |from: usize, to: usize, most: u32| &file[from..to.min(from + most as usize)];
        let header_len = self.content.header().len();
        match wish.ask {
            Ask::Open { name, .. } if name.eq_str("x") => self.connection.opened(ticket, self.opened),
            Ask::Header { offset, max_bytes } => {
                self.connection.header(ticket, part(offset as usize, header_len, max_bytes))
            }
            Ask::Locate { time, .. } => self.connection.located(ticket, self.content.packet_at(time)),
            Ask::Packets { from, max_bytes, .. } => {
                let size = self.opened.packet_size;
                let start = header_len + (from * size) as usize;
                let end = header_len + (self.content.len() * size) as usize;
                self.connection.packets(ticket, from, part(start, end, max_bytes / size * size))
            }
            Ask::Bytes { offset, max_bytes } => {
                self.connection.bytes(ticket, part(offset as usize, file.len(), max_bytes))
            }
            _ => self.connection.failed(now, ticket, mms_core::hresult::Hresult::NS_E_FILE_NOT_FOUND),
        };
    }
}

/// What came, and what was allocated meanwhile.
fn serve(content: &Content, said: &[u8], plants: bool) -> (Vec<u8>, Heap) {
    assert!(is_counting());
    let mut config = Config::default();
    config.http.pace = Pace::Off;
    let (mut receive, mut send) = ([0; 2048], [0; 2304]);
    let storage = Storage { receive: &mut receive[..], send: &mut send[..] };
    let accepted = Accepted { peer: ([192, 0, 2, 1], 9).into(), random: [7; 16] };
    let now = Instant::from_millis(1000);
    let mut connection = Connection::new(config, storage, accepted, now).unwrap();
    connection.allow_http();
    let mut server = Server {
        content,
        opened: content.opened(),
        connection,
        table: Table::new([Record::FREE; 4], Duration::from_secs(75)),
        said,
        received: Vec::with_capacity(content.bytes().len() * 3 + 10_000),
        events: 0,
        spare: Vec::new(),
    };
    let ((), heap) = measure(|| server.run(plants));
    assert_eq!(server.connection.report().outcome, Outcome::Closed);
    assert!(server.events >= 1);
    (server.received, heap)
}

#[test]
fn a_session_over_http_allocates_nothing() {
    for name in ["made/seek-125s.wmv", "made/av-wmv2-wmav2.wmv", "made/av-64000.wmv"] {
        let content = Content::testdata(name);
        let (received, heap) = serve(&content, PLAY, false);
        assert_eq!(heap, Heap::default(), "{name}");
        let (header, packets, reason) = unframed(head_and_body(&received).1);
        assert_eq!((header, reason), (content.header().to_vec(), Some(0)));
        assert_eq!(packets.last().unwrap(), content.packet(content.len() - 1));
        let (received, heap) = serve(&content, OTHERS, false);
        assert_eq!(heap, Heap::default(), "{name}");
        let text = String::from_utf8_lossy(&received);
        for code in [" 200 OK", " 204 No Content", " 206 Partial Content", " 404 Not Found"] {
            assert!(text.contains(code), "{code}");
        }
    }
}

#[test]
fn one_allocation_in_a_session_is_seen() {
    let (_, heap) = serve(&Content::testdata("made/av-256.wmv"), PLAY, true);
    assert_eq!(heap.allocations, 1);
}
