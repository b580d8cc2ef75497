//! A server of HTTP in memory: connections through the driver, one session table, clients that say what a test
//! writes down.

use core::time::Duration;
use std::collections::BTreeMap;

use mms_core::hresult::Hresult;
use mms_core::server::{
    Accepted, Ask, Config, Connection, Event, Key, Location, Record, Refusal, Report, Step, Storage, Table,
    Wakes, Wish,
};
use mms_core::time::Instant;

use crate::content::{Content, Slice};
use crate::pair::peer;

/// The text under the empty name.
pub const PAGE: &str = "<HTML>a page</HTML>";

type Reply = Box<dyn FnOnce(&mut Connection<Vec<u8>, Slice>, Instant) -> bool>;

/// Connections of one server.
#[derive(Debug)]
pub struct HttpServer {
    /// The clock.
    pub now: Instant,
    /// Settings of connections to come.
    pub config: Config,
    /// The sessions.
    pub table: Table<Vec<Record>>,
    /// What is under every name but the empty one and those with a word of their own: `missing`, `full`, `denied`,
    /// `moved`, `broken` (opens and cannot be read), `slow` (never answered).
    pub content: Content,
    /// Most bytes that a connection gets at a time.
    pub read: usize,
    /// Most bytes of one answer of the host.
    pub piece: u32,
    /// Whether clients that connect now are turned away.
    pub full: bool,
    ends: BTreeMap<u64, End>,
    next: u64,
}

/// One connection, and its client.
#[derive(Debug)]
pub struct End {
    connection: Connection<Vec<u8>, Slice>,
    waiting: Vec<u8>,
    eof: bool,
    /// What the client received.
    pub received: Vec<u8>,
    /// What was reported, as text; the parts of a log are put together.
    pub events: Vec<String>,
    /// What was wished for, as text.
    pub wishes: Vec<String>,
    /// Whether the client reads.
    pub reads: bool,
    /// Whether the connection is over.
    pub done: bool,
    log: Vec<u8>,
    until: Instant,
}

impl HttpServer {
    /// A server of this content.
    #[must_use]
    pub fn new(content: Content, config: Config) -> Self {
        Self {
            now: Instant::from_millis(1_000_000),
            config,
            table: Table::new(vec![Record::FREE; 8], Duration::from_secs(75)),
            content,
            read: usize::MAX,
            piece: u32::MAX,
            full: false,
            ends: BTreeMap::new(),
            next: 0,
        }
    }

    /// A client that connects, sends these bytes and waits.
    pub fn connect(&mut self, bytes: &[u8]) -> u64 {
        let key = self.next;
        self.next += 1;
        let storage = Storage {
            receive: vec![0; Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, Slice>::SEND_BYTES],
        };
        let mut random = [7; 16];
        random[..8].copy_from_slice(&(key + 99).to_le_bytes());
        let accepted = Accepted { peer: peer(), random };
        let mut connection = Connection::new(self.config.clone(), storage, accepted, self.now).unwrap();
        connection.allow_http();
        if self.full {
            connection.turn_away();
        }
        let end = End {
            connection,
            waiting: Vec::new(),
            eof: false,
            received: Vec::new(),
            events: Vec::new(),
            wishes: Vec::new(),
            reads: true,
            done: false,
            log: Vec::new(),
            until: Instant::MAX,
        };
        self.ends.insert(key, end);
        self.send(key, bytes);
        key
    }

    /// The client sends more.
    pub fn send(&mut self, key: u64, bytes: &[u8]) {
        self.end(key).waiting.extend(bytes);
        self.settle(key);
    }

    /// The client closes its side.
    pub fn close(&mut self, key: u64) {
        self.end(key).eof = true;
        self.settle(key);
    }

    /// The client vanishes.
    pub fn reset(&mut self, key: u64) {
        self.end(key).connection.connection_failed();
        self.settle(key);
    }

    /// Ends every connection in order.
    pub fn shut_down(&mut self) {
        let now = self.now;
        for key in self.keys() {
            self.end(key).connection.shut_down(now);
            self.settle(key);
        }
    }

    /// A connection.
    ///
    /// # Panics
    /// If there is none of the key.
    pub fn end(&mut self, key: u64) -> &mut End {
        self.ends.get_mut(&key).unwrap()
    }

    /// A connection, which the server knows no longer.
    ///
    /// # Panics
    /// If there is none of the key.
    pub fn take(&mut self, key: u64) -> End {
        self.ends.remove(&key).unwrap()
    }

    /// Connects, sends, and returns what came.
    pub fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        let key = self.connect(bytes);
        self.end(key).received.clone()
    }

    /// Lets time pass, stopping wherever a connection wants it.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        loop {
            let open = self.ends.values().filter(|end| !end.done);
            let next = open.map(|end| end.until).min().unwrap_or(Instant::MAX);
            self.now = next.clamp(self.now, end);
            for key in self.keys() {
                self.settle(key);
            }
            if self.now >= end {
                return;
            }
        }
    }

    fn keys(&self) -> Vec<u64> {
        self.ends.keys().copied().collect()
    }

    /// Lets a connection work until nothing moves.
    fn settle(&mut self, key: u64) {
        for _ in 0..2_000_000 {
            let mut end = self.ends.remove(&key).unwrap();
            let (moved, wakes) = self.turn(key, &mut end);
            self.ends.insert(key, end);
            for woken in wakes.into_iter().flatten().filter(|woken| woken.0 != key) {
                self.attend(woken.0);
                self.settle(woken.0);
            }
            if !moved {
                return;
            }
        }
        panic!("the connection does not rest");
    }

    fn attend(&mut self, key: u64) {
        let Some(end) = self.ends.get_mut(&key) else { return };
        let wakes = end.connection.attend(self.now, Key(key), &mut self.table);
        assert_eq!(wakes, Wakes::default(), "orders wake nobody");
    }

    fn turn(&mut self, key: u64, end: &mut End) -> (bool, Wakes) {
        let mut wakes = Wakes::default();
        if end.done {
            return (false, wakes);
        }
        let moved = match end.connection.step(self.now) {
            Step::Event => {
                end.note();
                true
            }
            Step::Storage { needed } => {
                end.connection.replace_storage(vec![0; needed]);
                true
            }
            Step::Wait { read, write, until } => {
                end.until = until;
                let mut moved = self.answer(end);
                if end.connection.wants_session() {
                    wakes = end.connection.attend(self.now, Key(key), &mut self.table);
                    moved |= !end.connection.wants_session();
                }
                moved |= read && end.read(self.read);
                moved |= write && end.write(self.now);
                // a moment of the past means now
                moved || until <= self.now
            }
            Step::Done => {
                end.done = true;
                wakes = self.table.released(self.now, Key(key));
                false
            }
        };
        (moved, wakes)
    }

    fn answer(&self, end: &mut End) -> bool {
        let Some(wish) = end.connection.next_wish() else { return false };
        end.wishes.push(match wish.ask {
            Ask::Open { name, http, .. } => {
                let http = http.unwrap_or_default();
                let name: String = name.chars().collect();
                format!("Open {name:?} host {:?} authorization {:?}", http.host, http.authorization)
            }
            ask => format!("{ask:?}"),
        });
        let reply = self.reply(&wish, &end.wishes);
        reply(&mut end.connection, self.now)
    }

    fn reply(&self, wish: &Wish<'_>, wishes: &[String]) -> Reply {
        let (ticket, is_page) = (wish.ticket, self.page_bytes(wishes));
        let refused =
            |hr| -> Reply { Box::new(move |connection, _| connection.refused(ticket, Refusal(hr))) };
        if let Ask::Open { name, .. } = wish.ask {
            let (name, opened) = (name.chars().collect::<String>(), self.content.opened());
            return match name.as_str() {
                "" => Box::new(move |connection, _| {
                    connection.opened_text(ticket, PAGE.len() as u64, "text/html")
                }),
                "missing" => refused(Hresult::NS_E_FILE_NOT_FOUND),
                "full" => refused(Hresult::NS_E_MAX_CLIENTS),
                "denied" => refused(Hresult::E_ACCESSDENIED),
                "forbidden" => refused(Hresult::from_http(403)),
                "moved" => Box::new(move |connection, _| {
                    connection.moved(ticket, Location::new("mms://other/x").unwrap())
                }),
                "slow" => Box::new(|_, _| false),
                _ => Box::new(move |connection, _| connection.opened(ticket, opened)),
            };
        }
        if wishes.iter().any(|wish| wish.starts_with("Open \"broken\"")) {
            return Box::new(move |connection, now| connection.failed(now, ticket, Hresult::NS_E_FILE_READ));
        }
        match wish.ask {
            Ask::Bytes { offset, max_bytes } => {
                let most = max_bytes.min(self.piece);
                let start = usize::try_from(offset).unwrap();
                let bytes = match is_page {
                    true => Slice::of(&PAGE.as_bytes()[start..PAGE.len().min(start + most as usize)]),
                    false => self.content.file_slice(offset, most),
                };
                Box::new(move |connection, _| connection.bytes(ticket, bytes))
            }
            Ask::Header { offset, max_bytes } => {
                let bytes = self.content.header_slice(offset, max_bytes.min(self.piece));
                Box::new(move |connection, _| connection.header(ticket, bytes))
            }
            Ask::Locate { time, .. } => {
                let packet = self.content.packet_at(time);
                Box::new(move |connection, _| connection.located(ticket, packet))
            }
            Ask::Packets { from, max_bytes, .. } => {
                let packets = self.content.packet_slice(from, max_bytes.min(self.piece));
                Box::new(move |connection, _| connection.packets(ticket, from, packets))
            }
            other => panic!("unknown wish {other:?}"),
        }
    }

    fn page_bytes(&self, wishes: &[String]) -> bool {
        let last = wishes.iter().rev().find(|wish| wish.starts_with("Open "));
        last.is_some_and(|wish| wish.starts_with("Open \"\" "))
    }
}

impl End {
    /// What the connection did.
    #[must_use]
    pub fn report(&self) -> Report {
        self.connection.report()
    }

    fn note(&mut self) {
        match self.connection.event() {
            Some(Event::LogPart { kind, bytes, last }) => {
                self.log.extend(bytes);
                if last {
                    let log = core::mem::take(&mut self.log);
                    self.events.push(format!("{kind:?} {}", String::from_utf8_lossy(&log)));
                }
            }
            Some(event) => self.events.push(format!("{event:?}")),
            None => panic!("no event was lent"),
        }
    }

    fn read(&mut self, most: usize) -> bool {
        let space = self.connection.space();
        let count = self.waiting.len().min(space.len()).min(most);
        space[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        self.connection.filled(count);
        let ends = self.waiting.is_empty() && core::mem::take(&mut self.eof);
        if ends {
            self.connection.end_of_stream();
        }
        count > 0 || ends
    }

    fn write(&mut self, now: Instant) -> bool {
        if !self.reads {
            return false;
        }
        let mut slices = [&[][..]; 8];
        let used = self.connection.pending(&mut slices);
        let bytes = slices[..used].concat();
        self.connection.written(now, bytes.len());
        self.received.extend(&bytes);
        !bytes.is_empty()
    }
}

/// The status of the first answer in these bytes; 0 if there is none.
#[must_use]
pub fn status(bytes: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(bytes);
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Head and body of the first answer.
///
/// # Panics
/// If there is no whole head.
#[must_use]
pub fn head_and_body(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), &bytes[end..])
}

/// What follows when the frames of a body are taken apart: the header, the packets, and the reason at the end.
///
/// # Panics
/// If they are not whole frames.
#[must_use]
pub fn unframed(mut body: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>, Option<u32>) {
    let (mut header, mut packets, mut reason) = (Vec::new(), Vec::new(), None);
    while !body.is_empty() {
        let len = usize::from(u16::from_le_bytes([body[2], body[3]])) + 4;
        let frame = &body[..len];
        match &frame[..2] {
            b"$H" => header.extend(&frame[12..]),
            b"$D" => packets.push(frame[12..].to_vec()),
            b"$E" => reason = Some(u32::from_le_bytes(frame[4..8].try_into().unwrap())),
            other => panic!("frame {other:?}"),
        }
        body = &body[len..];
    }
    (header, packets, reason)
}
