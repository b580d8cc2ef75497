//! Scripted servers for a client over HTTP: answers in order, cut at will, on connections in memory.

use core::time::Duration;
use std::collections::VecDeque;

use mms_core::client::{Attempt, Client, Event, FileBytes, Options, SocketId, Step, Storage, Transport};
use mms_core::error::Error;
use mms_core::time::Instant;

use crate::content::Content;

/// What a server says to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether the connection is closed behind them.
    pub closes: bool,
    /// Whether it breaks instead.
    pub breaks: bool,
}

impl Answer {
    /// An answer with these lines and this body, behind which the server closes.
    #[must_use]
    pub fn new(lines: &str, body: &[u8]) -> Self {
        let mut bytes: String = lines.trim().lines().map(|line| format!("{}\r\n", line.trim())).collect();
        bytes.push_str("\r\n");
        Self { bytes: [bytes.as_bytes(), body].concat(), closes: true, breaks: false }
    }

    /// The same with the connection left open.
    #[must_use]
    pub fn open(self) -> Self {
        Self { closes: false, ..self }
    }

    /// The same with a connection that breaks behind the bytes.
    #[must_use]
    pub fn broken(self) -> Self {
        Self { breaks: true, ..self }
    }
}

/// The head of an answer of a streaming server.
pub const STREAM: &str = "HTTP/1.0 200 OK
    Server: Cougar/9.01.01.3814
    Content-Type: application/x-mms-framed
    Pragma: no-cache, client-id=1953501979, features=\"seekable\", timeout=60000";

/// The head of an answer of a web server.
pub const PLAIN: &str = "HTTP/1.1 200 OK
    Server: nginx
    Content-Type: application/octet-stream";

/// A frame of MMS over HTTP with the MMS header inside.
///
/// # Panics
/// If the payload is too long.
#[must_use]
pub fn frame(id: u8, location_id: u32, af_flags: u8, payload: &[u8]) -> Vec<u8> {
    let size = u16::try_from(payload.len() + 8).unwrap().to_le_bytes();
    let mut frame = vec![b'$', id, size[0], size[1]];
    frame.extend(location_id.to_le_bytes());
    frame.extend([0, af_flags, size[0], size[1]]);
    frame.extend(payload);
    frame
}

/// `$E` with a reason.
#[must_use]
pub fn end(reason: u32) -> Vec<u8> {
    [&b"$E\x04\0"[..], &reason.to_le_bytes()].concat()
}

/// `$H` of some content, in one frame.
#[must_use]
pub fn header(content: &Content) -> Vec<u8> {
    frame(b'H', 0, 0x0C, content.header())
}

/// All of `$D`, and `$E`.
///
/// # Panics
/// If a packet is too long for a frame.
#[must_use]
pub fn media(content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..content.len() {
        bytes.extend(frame(b'D', number, number.to_le_bytes()[0], content.packet(number)));
    }
    bytes.extend(end(0));
    bytes
}

/// What a good streaming server says to Describe and Play.
#[must_use]
pub fn streaming(content: &Content) -> Vec<Answer> {
    let header = header(content);
    vec![Answer::new(STREAM, &header), Answer::new(STREAM, &[header, media(content)].concat())]
}

/// What became of a client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fate {
    /// Events as text, without bytes and without what depends on how they were cut.
    pub story: Vec<String>,
    /// Requests in order; what is no HTTP stands there as `MMS`.
    pub requests: Vec<String>,
    /// Where it connected to, in order.
    pub connects: Vec<String>,
    /// The bytes of the ASF file.
    pub file: Vec<u8>,
    /// The bytes of a text.
    pub text: Vec<u8>,
    /// Why it failed.
    pub error: Option<Error>,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// The transport at the end.
    pub transport: Option<Transport>,
    /// The URL at the end.
    pub url: String,
    /// How long it took.
    pub lasted: Duration,
}

impl Fate {
    /// The first words of the story.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.story.iter().map(|what| what.split(['(', ' ', '{']).next().unwrap_or_default()).collect()
    }
}

#[derive(Debug, Default)]
struct Connection {
    heard: Vec<u8>,
    answer: Option<Answer>,
    said: usize,
    over: bool,
}

/// A client and the world around it.
#[derive(Debug)]
pub struct World {
    /// The client.
    pub client: Client<Vec<u8>>,
    /// Answers to requests of the streaming connection.
    pub answers: VecDeque<Answer>,
    /// Answers to short requests; behind them it is always 204.
    pub short_answers: VecDeque<Answer>,
    /// What answers that are no HTTP get.
    pub to_mms: Option<Answer>,
    /// Ports that refuse connections.
    pub refuses: Vec<u16>,
    /// Ports that never answer a connection.
    pub drops: Vec<u16>,
    /// Most bytes of one read.
    pub step: usize,
    /// The clock.
    pub now: Instant,
    /// What came of it so far.
    pub fate: Fate,
    connections: [Option<Connection>; SocketId::COUNT],
    header: usize,
    is_done: bool,
}

impl World {
    /// A client for a URL, without datagrams.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn new(url: &str, options: Options, answers: Vec<Answer>, step: usize) -> Self {
        let storage = Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::HTTP_SEND_BYTES],
        };
        Self {
            client: Client::new(url, options, storage).unwrap(),
            answers: answers.into(),
            short_answers: VecDeque::new(),
            to_mms: None,
            refuses: Vec::new(),
            drops: Vec::new(),
            step,
            now: Instant::from_millis(1000),
            fate: Fate::default(),
            connections: Default::default(),
            header: 0,
            is_done: false,
        }
    }

    /// Runs until the client is done or nothing moves any more.
    ///
    /// # Panics
    /// If it moves for ever.
    #[must_use]
    pub fn run(mut self) -> Fate {
        self.settle();
        self.finish()
    }

    /// Runs until the client is done or waits for the application only.
    ///
    /// # Panics
    /// If it moves for ever.
    pub fn settle(&mut self) {
        for _ in 0..4_000_000 {
            if !self.turn() {
                return;
            }
        }
        panic!("no end");
    }

    /// What came of it.
    #[must_use]
    pub fn finish(mut self) -> Fate {
        self.fate.error = self.client.error();
        self.fate.attempts = self.client.attempts().collect();
        self.fate.transport = Some(self.client.transport());
        self.fate.url = self.client.url().as_str().to_owned();
        self.fate.lasted = self.now.since(Instant::from_millis(1000));
        self.fate
    }

    /// Whether the client has said that all is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// One step of the client; false if nothing moves any more.
    ///
    /// # Panics
    /// If the client does not keep to its own rules.
    pub fn turn(&mut self) -> bool {
        match self.client.step(self.now) {
            Step::Connect(id) => self.connect(id),
            Step::Close(id) => self.connections[id.index()] = None,
            Step::Event => self.note(),
            Step::Storage { needed } => drop(self.client.replace_storage(vec![0; needed])),
            Step::Wait { read, write, until } => {
                let mut moved = until <= self.now;
                for id in SocketId::CONNECTIONS {
                    if write.contains(id) {
                        self.hear(id);
                        moved = true;
                    }
                    moved |= read.contains(id) && self.say(id);
                }
                if !moved {
                    if until == Instant::MAX {
                        return false;
                    }
                    self.now = until;
                }
            }
            Step::Done => {
                self.is_done = true;
                return false;
            }
            other => panic!("{other:?}"),
        }
        true
    }

    fn connect(&mut self, id: SocketId) {
        let wanted = self.client.wanted(id);
        let port = wanted.port;
        self.fate.connects.push(format!("{}:{port}", wanted.host));
        self.connections[id.index()] = None;
        if self.refuses.contains(&port) {
            self.client.connection_failed(id);
        } else if !self.drops.contains(&port) {
            self.connections[id.index()] = Some(Connection::default());
            self.client.connected(id, "192.0.2.1:5000".parse().unwrap());
        }
    }

    fn hear(&mut self, id: SocketId) {
        let count = self.client.pending(id).len().min(self.step);
        let bytes = self.client.pending(id)[..count].to_vec();
        self.client.written(id, count);
        let Some(connection) = &mut self.connections[id.index()] else { return };
        connection.heard.extend(bytes);
        if connection.answer.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(&connection.heard).into_owned();
        if text.starts_with('\u{1}') {
            self.fate.requests.push("MMS".to_owned());
            connection.answer = self.to_mms.clone();
        } else if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                self.fate.requests.push(text.clone());
                let none = || Answer::new("HTTP/1.0 204 No Content", b"");
                connection.answer = if id == SocketId::SHORT {
                    Some(self.short_answers.pop_front().unwrap_or_else(none))
                } else {
                    self.answers.pop_front()
                };
            }
        }
    }

    fn say(&mut self, id: SocketId) -> bool {
        let Some(connection) = &mut self.connections[id.index()] else { return false };
        let Some(answer) = connection.answer.as_ref().filter(|_| !connection.over) else { return false };
        let rest = &answer.bytes[connection.said..];
        if rest.is_empty() {
            connection.over = answer.closes || answer.breaks;
            if answer.breaks {
                self.client.connection_failed(id);
            } else if answer.closes {
                self.client.end_of_stream(id);
            }
            return connection.over;
        }
        let space = self.client.space(id);
        let count = rest.len().min(space.len()).min(self.step);
        space[..count].copy_from_slice(&rest[..count]);
        self.client.filled(id, count);
        connection.said += count;
        count > 0
    }

    fn note(&mut self) {
        let event = self.client.event().expect("an event was announced");
        let size = self.client.header().map_or(0, |header| header.packet_size());
        let mut reader = FileBytes::default();
        let mut room = [0; 1024];
        while let Ok(count @ 1..) = reader.read(&event, size, None, &mut room) {
            self.fate.file.extend(&room[..count]);
        }
        let story = &mut self.fate.story;
        match event {
            Event::HeaderPart { offset, bytes, last } => {
                if offset == 0 {
                    self.header = 0;
                }
                assert_eq!(offset, self.header as u64, "parts come in order");
                self.header += bytes.len();
                if last {
                    story.push(format!("Header {}", self.header));
                }
            }
            Event::Packet { location_id, bytes, .. } => {
                assert!(bytes.len() <= size as usize, "packets are not larger than their size");
                story.push(format!("Packet {location_id} {}", bytes.len()));
            }
            Event::FilePart { .. } => {
                if story.last().is_none_or(|last| last != "FilePart") {
                    story.push("FilePart".to_owned());
                }
            }
            Event::TextPart { offset, bytes, last } => {
                assert_eq!(offset, self.fate.text.len() as u64);
                self.fate.text.extend(bytes);
                if last {
                    story.push(format!("Text {}", self.fate.text.len()));
                }
            }
            other => story.push(format!("{other:?}")),
        }
    }
}

/// A client for a URL against answers, to its end.
#[must_use]
pub fn fate(url: &str, options: Options, answers: Vec<Answer>, step: usize) -> Fate {
    World::new(url, options, answers, step).run()
}
