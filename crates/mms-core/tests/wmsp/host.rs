//! A host in memory: content, a session table, and connections that tests write to and read from.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, reason = "each test uses its part")]

use core::time::Duration;
use std::collections::BTreeMap;

use mms_core::asf::PacketHead;
use mms_core::hresult::Hresult;
use mms_core::time::Instant;
use mms_core::wmsp::server::{
    Config, Content, Event, Key, Location, Media, MediaWish, Record, Session, Table,
};
use mms_core::wmsp::wire::{Credentials, Status};

pub const PAGE: &[u8] = b"<html>";

pub struct Connection {
    pub session: Session,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub events: Vec<String>,
    pub log: Vec<u8>,
    pub packets: u32,
    pub over: bool,
}

pub struct Host {
    pub now: Instant,
    pub config: Config,
    pub table: Table<Vec<Record>>,
    pub connections: BTreeMap<u64, Connection>,
    pub header: Vec<u8>,
    pub file: Vec<u8>,
    pub live: bool,
    /// bytes of a header piece, and packets of a batch
    pub piece: usize,
    pub batch: usize,
    /// packets that are there; the host answers no wish beyond
    pub available: u32,
    next: u64,
}

impl Host {
    pub fn new() -> Self {
        let header = super::header();
        let file = [header.clone(), super::packet(0), super::packet(1), super::packet(2)].concat();
        Self {
            now: Instant::from_millis(1_000_000),
            config: Config::default(),
            table: Table::new(vec![Record::FREE; 8], Duration::from_secs(75)),
            connections: BTreeMap::new(),
            header,
            file,
            live: false,
            piece: 100,
            batch: 2,
            available: 3,
            next: 0,
        }
    }

    /// A client that connects, sends these bytes and waits.
    pub fn connect(&mut self, bytes: &[u8]) -> u64 {
        let key = self.next;
        self.next += 1;
        let mut random = [7; 16];
        random[..8].copy_from_slice(&(key + 99).to_le_bytes());
        let session = Session::new(self.config.clone(), random, self.now);
        self.connections.insert(
            key,
            Connection {
                session,
                input: Vec::new(),
                output: Vec::new(),
                events: Vec::new(),
                log: Vec::new(),
                packets: 0,
                over: false,
            },
        );
        self.send(key, bytes);
        key
    }

    pub fn send(&mut self, key: u64, bytes: &[u8]) {
        self.connections.get_mut(&key).unwrap().input.extend(bytes);
        self.pump(key);
    }

    /// The client closes.
    pub fn hang_up(&mut self, key: u64) {
        self.connections.get_mut(&key).unwrap().session.handle_eof();
        self.pump(key);
    }

    pub fn advance(&mut self, time: Duration) {
        self.now = self.now + time;
        for key in self.connections.keys().copied().collect::<Vec<_>>() {
            let connection = self.connections.get_mut(&key).unwrap();
            if connection.session.poll_timeout() <= self.now {
                connection.session.handle_timeout(self.now);
            }
            self.pump(key);
        }
    }

    pub fn output(&self, key: u64) -> &[u8] {
        &self.connections[&key].output
    }

    /// Head and body of the only answer.
    pub fn answer(&self, key: u64) -> (String, Vec<u8>) {
        let output = self.output(key);
        let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        (String::from_utf8(output[..end].to_vec()).unwrap(), output[end..].to_vec())
    }

    pub fn status(&self, key: u64) -> u16 {
        self.answer(key).0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub fn is_over(&self, key: u64) -> bool {
        self.connections[&key].over
    }

    /// Asks on a connection of its own and returns the answer.
    pub fn ask(&mut self, request: &str) -> (u16, String, Vec<u8>) {
        let key = self.connect(request.as_bytes());
        let (head, body) = self.answer(key);
        (self.status(key), head, body)
    }

    pub fn pump(&mut self, key: u64) {
        for _ in 0..100_000 {
            let mut connection = self.connections.remove(&key).unwrap();
            let (moved, wakes) = self.round(key, &mut connection);
            self.connections.insert(key, connection);
            for woken in wakes.into_iter().flatten() {
                if woken.0 != key && self.connections.contains_key(&woken.0) {
                    self.pump(woken.0);
                }
            }
            if !moved {
                return;
            }
        }
        panic!("no progress");
    }

    fn round(&mut self, key: u64, connection: &mut Connection) -> (bool, Vec<Option<Key>>) {
        if connection.over {
            return (false, Vec::new());
        }
        let session = &mut connection.session;
        let mut wakes = Vec::from(self.table.attend(self.now, Key(key), session));
        let handled = session.handle_input(self.now, &connection.input).unwrap();
        let mut moved = handled.consumed > 0 || handled.event.is_some();
        match handled.event {
            Some(Event::LogPart { kind, bytes, last }) => {
                connection.log.extend(bytes);
                if last {
                    connection.events.push(format!("{kind:?} {}", connection.log.len()));
                }
            }
            Some(other) => connection.events.push(format!("{other:?}")),
            None => {}
        }
        connection.input.drain(..handled.consumed);
        let mut out = vec![0; 2048];
        if let Some(len) = session.poll_transmit(self.now, &mut out).unwrap() {
            connection.output.extend(&out[..len]);
            moved = true;
        }
        if session.take_discard() {
            session.give_back(0);
            moved = true;
        }
        moved |= self.serve(connection);
        if connection.session.is_closed() {
            connection.over = true;
            wakes.extend(self.table.released(self.now, Key(key)));
            moved = false;
        }
        (moved, wakes)
    }

    fn media(&self) -> Media {
        Media {
            header_len: u32::try_from(self.header.len()).unwrap(),
            packet_size: 512,
            packet_count: (!self.live).then_some(3),
            file_len: (!self.live).then_some(self.file.len() as u64),
            seekable: !self.live,
            streams: 0b10,
        }
    }

    fn serve(&mut self, connection: &mut Connection) -> bool {
        let session = &mut connection.session;
        let packets = self.file.len() - 3 * 512;
        match session.wish() {
            Some(MediaWish::Open) => {
                let name = session.name(&connection.input).unwrap();
                let mut room = [0; 64];
                let known = session
                    .authorization(&connection.input)
                    .and_then(|value| Credentials::decode(value, &mut room))
                    .is_some_and(|found| found.user == "me" && found.password == "pass");
                let result = match name.split('?').next().unwrap() {
                    "a.wma" => session.opened(Content::Media(self.media())),
                    "secret.wma" if known => session.opened(Content::Media(self.media())),
                    "secret.wma" => session.refused(Status::UNAUTHORIZED),
                    "" => session.opened(Content::Text { len: PAGE.len() as u64, content_type: "text/html" }),
                    "moved" => session.opened(Content::Moved(Location::new("mms://other/x").unwrap())),
                    "full" => session.refused(Status::SERVICE_UNAVAILABLE),
                    "broken" => {
                        session.content_failed(Hresult::NS_E_FILE_READ);
                        Ok(())
                    }
                    "slow" => return false,
                    _ => session.refused(Status::NOT_FOUND),
                };
                result.unwrap();
                true
            }
            Some(MediaWish::Header { offset, .. }) => {
                let start = offset as usize;
                let end = (start + self.piece).min(self.header.len());
                let (head, len) = session.frame_header(u32::try_from(end - start).unwrap()).unwrap();
                connection.output.extend(head.as_slice());
                connection.output.extend(&self.header[start..start + len as usize]);
                true
            }
            Some(MediaWish::Locate { time }) => {
                let packet = u32::try_from(time.as_millis() / 186).unwrap();
                session.located(packet.min(2)).unwrap();
                true
            }
            Some(MediaWish::Packets { from }) if from < self.available => {
                let start = packets + 512 * from as usize;
                let packet = &self.file[start..start + 512];
                let send_time = PacketHead::decode(packet).unwrap().send_time_ms;
                if session.is_behind_stop(send_time) {
                    session.end_of_media();
                    return true;
                }
                if session.due(send_time) > self.now {
                    return false;
                }
                let head = session.frame(self.now, send_time, 512).unwrap();
                connection.output.extend(head.as_slice());
                connection.output.extend(packet);
                connection.packets += 1;
                true
            }
            Some(MediaWish::Packets { .. } | MediaWish::Session) => false,
            Some(MediaWish::Bytes { from, to }) => {
                let source = if to == PAGE.len() as u64 { PAGE } else { &self.file };
                let len = session.send_bytes(700);
                let (start, end) = (usize::try_from(from).unwrap(), usize::try_from(from + len).unwrap());
                connection.output.extend(&source[start..end]);
                true
            }
            Some(other) => panic!("{other:?}"),
            None if session.is_streaming() && !session.has_more() => {
                session.end_of_media();
                true
            }
            None => false,
        }
    }
}
