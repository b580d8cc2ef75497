//! Scripted peers: one end is under test, the other is what a test writes down.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;

use mms_core::client::{self, Client, Options, SocketId};
use mms_core::error::Error;
use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::{self, DataHeader, Message, Mid};
use mms_core::server::{self, Accepted, Ask, Connection, Outcome, Ticket};
use mms_core::time::Instant;

use crate::content::{Content, Slice};
use crate::pair::{Seen, peer, seen};
use crate::udp::{Checker, Sent};

/// A packet of a byte stream, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// A command packet with one message.
    Command {
        /// Number of the packet.
        seq: u16,
        /// The message, from its `chunkLen` on.
        message: Vec<u8>,
    },
    /// A Data packet.
    Data {
        /// Its header.
        header: DataHeader,
        /// What follows.
        payload: Vec<u8>,
    },
}

impl Packet {
    /// The message of a command packet.
    ///
    /// # Panics
    /// For a Data packet.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        let Self::Command { message, .. } = self else { panic!("no command: {self:?}") };
        Message::decode(message).unwrap().0
    }

    /// The identifier of a command.
    #[must_use]
    pub fn mid(&self) -> Option<Mid> {
        matches!(self, Self::Command { .. }).then(|| self.message().mid())
    }

    /// The header of a Data packet.
    #[must_use]
    pub fn data(&self) -> Option<DataHeader> {
        match self {
            Self::Data { header, .. } => Some(*header),
            Self::Command { .. } => None,
        }
    }
}

/// Takes a byte stream apart.
///
/// # Panics
/// If it is not made of whole packets with one message each.
#[must_use]
pub fn packets(mut bytes: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        if word(4) == 0xB00B_FACE {
            let total = word(8) as usize + 16;
            let seq = u16::from_le_bytes([bytes[20], bytes[21]]);
            assert_eq!(word(32) as usize * 8 + 32, total, "one message in a packet");
            packets.push(Packet::Command { seq, message: bytes[32..total].to_vec() });
            bytes = &bytes[total..];
        } else {
            let header = DataHeader::decode(bytes[..8].try_into().unwrap()).unwrap();
            let total = usize::from(header.packet_size);
            packets.push(Packet::Data { header, payload: bytes[8..total].to_vec() });
            bytes = &bytes[total..];
        }
    }
    packets
}

/// A valid message out of any bytes.
#[must_use]
pub fn arbitrary_message(bytes: &[u8]) -> Option<Message<'_>> {
    arbitrary::Arbitrary::arbitrary(&mut arbitrary::Unstructured::new(bytes)).ok()
}

/// A message as a packet.
///
/// # Panics
/// If it is too long for 4096 bytes.
#[must_use]
pub fn command(seq: u16, message: &Message<'_>) -> Vec<u8> {
    let mut out = vec![0; 4096];
    let len = wire::encode_packet(message, seq, &mut out).unwrap();
    out.truncate(len);
    out
}

/// A Data packet.
///
/// # Panics
/// If the payload is too long.
#[must_use]
pub fn data(location_id: u32, play_incarnation: u8, af_flags: u8, payload: &[u8]) -> Vec<u8> {
    let header = DataHeader::for_payload(location_id, play_incarnation, af_flags, payload.len()).unwrap();
    [&header.encode()[..], payload].concat()
}

/// How the host of a [`ScriptedClient`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// At once, as much as is asked for.
    #[default]
    Prompt,
    /// Not before [`ScriptedClient::release`].
    Held,
    /// Every wish but that to open fails.
    Failing(Hresult),
    /// One packet for each wish, and only those whose number is a multiple of this.
    Multiples(u32),
}

/// The server's address, for datagrams.
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 20)), 1755);

/// What is sent over UDP, or beside it, obeys the rules of the protocol.
fn check(checker: &mut Option<Checker>, by_client: bool, is_datagram: bool, bytes: &[u8]) {
    if let Some(checker) = checker {
        let checked = checker.sent(&Sent { by_client, is_datagram, bytes: bytes.to_vec() });
        checked.unwrap_or_else(|violation| panic!("{violation}"));
    }
}

type Late = Box<dyn FnOnce(&mut Connection<Vec<u8>, Slice>, Instant) -> bool>;

/// A client that says what a test writes down, to a server's connection.
pub struct ScriptedClient {
    /// The connection under test.
    pub server: Connection<Vec<u8>, Slice>,
    /// What it publishes.
    pub content: Content,
    /// The clock.
    pub now: Instant,
    /// How wishes are answered.
    pub answers: Answers,
    /// Most bytes that the connection gets at a time.
    pub read: usize,
    /// Whether the client reads.
    pub reads: bool,
    /// Bytes of each write.
    pub writes: Vec<usize>,
    /// Wishes, as text.
    pub wishes: Vec<String>,
    /// Events, as text.
    pub events: Vec<String>,
    /// Whether the connection is over.
    pub done: bool,
    /// Datagrams that the server sent, and when.
    pub datagrams: Vec<(Instant, Vec<u8>)>,
    waiting: Vec<u8>,
    received: Vec<u8>,
    checker: Option<Checker>,
    held: Vec<(Ticket, Late)>,
    seq: u16,
    eof: bool,
}

impl core::fmt::Debug for ScriptedClient {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ScriptedClient").field("server", &self.server).finish_non_exhaustive()
    }
}

impl ScriptedClient {
    /// A connection that was just accepted.
    ///
    /// # Panics
    /// If the configuration is refused.
    #[must_use]
    pub fn new(content: Content, config: server::Config) -> Self {
        let now = Instant::from_millis(1000);
        let storage = server::Storage { receive: vec![0; 2048], send: vec![0; 2304] };
        let random = [0x34, 0x12, 0xED, 0x5E, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let accepted = Accepted { peer: peer(), random };
        Self {
            server: Connection::new(config, storage, accepted, now).unwrap(),
            content,
            now,
            answers: Answers::Prompt,
            read: usize::MAX,
            reads: true,
            writes: Vec::new(),
            wishes: Vec::new(),
            events: Vec::new(),
            done: false,
            datagrams: Vec::new(),
            waiting: Vec::new(),
            received: Vec::new(),
            checker: None,
            held: Vec::new(),
            seq: 0,
            eof: false,
        }
    }

    /// The same for a server that sends media in datagrams; the exchange is checked against the rules of the protocol.
    ///
    /// # Panics
    /// If the configuration is refused.
    #[must_use]
    pub fn over_udp(content: Content, config: server::Config) -> Self {
        let mut client = Self::new(content, config);
        client.server.allow_udp();
        client.checker = Some(Checker::default());
        client
    }

    /// Sends a request for lost packets.
    pub fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        check(&mut self.checker, true, true, request);
        self.foreign(request)
    }

    /// A datagram comes to the connection, whoever sent it, and is not checked.
    pub fn foreign(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.server.datagram_received(self.now, bytes);
        self.settle()
    }

    fn move_datagrams(&mut self) -> bool {
        if self.checker.is_some() && self.server.wants_udp() {
            let storage = server::UdpStorage {
                identities: vec![0; 1024 * Connection::<Vec<u8>, Slice>::IDENTITY_BYTES],
                packet_pair: vec![0; Connection::<Vec<u8>, Slice>::PACKET_PAIR_BYTES],
            };
            self.server.start_udp(self.now, storage).unwrap();
        }
        let Some(datagram) = self.server.datagram(self.now) else { return false };
        let bytes = datagram.parts.concat();
        check(&mut self.checker, false, true, &bytes);
        self.datagrams.push((self.now, bytes));
        self.server.datagram_sent(self.now);
        true
    }

    /// Sends bytes and lets the server work without time passing; returns what it sent.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        check(&mut self.checker, true, false, bytes);
        self.waiting.extend(bytes);
        self.settle()
    }

    /// Sends a message; returns the packets that it caused.
    pub fn say(&mut self, message: &Message<'_>) -> Vec<Packet> {
        let bytes = command(self.seq, message);
        self.seq = self.seq.wrapping_add(1);
        packets(&self.send(&bytes))
    }

    /// Closes the client's side.
    pub fn close(&mut self) -> Vec<u8> {
        self.eof = true;
        self.settle()
    }

    /// Lets time pass; returns what the server sent, each with the time that had passed.
    pub fn pass(&mut self, time: Duration) -> Vec<(Duration, Packet)> {
        let (start, end) = (self.now, self.now.after(time));
        let mut all = Vec::new();
        loop {
            let sent = packets(&self.settle());
            all.extend(sent.into_iter().map(|packet| (self.now.since(start), packet)));
            let until = self.until();
            if self.done || until > end {
                self.now = end;
                return all;
            }
            assert!(until > self.now, "a timer of the past does nothing");
            self.now = until;
        }
    }

    /// Gives the answers that were held back; says of each whether it was still wanted.
    pub fn release(&mut self) -> Vec<bool> {
        let held = core::mem::take(&mut self.held);
        held.into_iter().map(|(_, answer)| answer(&mut self.server, self.now)).collect()
    }

    /// The streams that the server takes to be wanted.
    ///
    /// # Panics
    /// If no session was begun.
    #[must_use]
    pub fn selection(&self) -> mms_core::selection::Selection {
        self.server.selection().expect("a session")
    }

    /// The error that ended the connection.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match self.server.report().outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn until(&mut self) -> Instant {
        match self.server.step(self.now) {
            server::Step::Wait { until, .. } => until,
            _ => self.now,
        }
    }

    /// Lets the server work until nothing moves; returns what it sent.
    ///
    /// # Panics
    /// If it never rests.
    pub fn settle(&mut self) -> Vec<u8> {
        for _ in 0..1_000_000 {
            if !self.turn() {
                return core::mem::take(&mut self.received);
            }
        }
        panic!("the server does not rest: {:?}", self.server);
    }

    fn turn(&mut self) -> bool {
        match self.server.step(self.now) {
            server::Step::Event => {
                self.events.push(format!("{:?}", self.server.event().unwrap()));
                true
            }
            server::Step::Storage { needed } => {
                self.server.replace_storage(vec![0; needed]);
                true
            }
            server::Step::Wait { read, write, until } => {
                let mut moved = self.answer() || until <= self.now;
                if read {
                    let space = self.server.space();
                    let count = self.waiting.len().min(space.len()).min(self.read);
                    space[..count].copy_from_slice(&self.waiting[..count]);
                    self.waiting.drain(..count);
                    self.server.filled(count);
                    moved |= count > 0;
                    if self.eof && self.waiting.is_empty() {
                        self.server.end_of_stream();
                        self.eof = false;
                        moved = true;
                    }
                }
                if write && self.reads {
                    let mut slices = [&[][..]; 8];
                    let used = self.server.pending(&mut slices);
                    let bytes = slices[..used].concat();
                    self.writes.push(bytes.len());
                    self.server.written(self.now, bytes.len());
                    moved |= !bytes.is_empty();
                    check(&mut self.checker, false, false, &bytes);
                    self.received.extend(bytes);
                }
                moved | self.move_datagrams()
            }
            server::Step::Done => {
                self.done = true;
                false
            }
        }
    }

    fn answer(&mut self) -> bool {
        let Some(wish) = self.server.next_wish() else { return false };
        self.wishes.push(match wish.ask {
            Ask::Open { name, .. } => format!("Open {name}"),
            ask => format!("{ask:?}"),
        });
        let (ticket, opens) = (wish.ticket, matches!(wish.ask, Ask::Open { .. }));
        match (self.answers, wish.ask) {
            (Answers::Failing(hr), _) if !opens => {
                self.server.failed(self.now, ticket, hr);
            }
            (Answers::Multiples(of), Ask::Packets { from, .. }) => {
                let first = from.next_multiple_of(of);
                let packet = if first < self.content.len() { first } else { self.content.len() - 1 };
                let slice = self.content.slice(packet..packet + 1);
                self.server.packets(ticket, first, slice);
            }
            (Answers::Held, _) => {
                let answer = self.content.answer(wish);
                self.held.push((ticket, Box::new(answer)));
            }
            _ => {
                let answer = self.content.answer(wish);
                assert!(answer(&mut self.server, self.now), "the wish was withdrawn");
            }
        }
        true
    }
}

/// A server that says what a test writes down, to a client.
#[derive(Debug)]
pub struct ScriptedServer {
    /// The client under test.
    pub client: Client<Vec<u8>>,
    /// The clock.
    pub now: Instant,
    /// What the client reported.
    pub seen: Vec<Seen>,
    /// Where the client wanted to connect to.
    pub connects: Vec<String>,
    /// Most bytes that the client gets at a time.
    pub read: usize,
    /// Most bytes that the client writes at a time.
    pub write: usize,
    /// Whether the client is over.
    pub done: bool,
    /// Requests for lost packets that the client sent, and when.
    pub requests: Vec<(Instant, Vec<u8>)>,
    waiting: Vec<u8>,
    received: Vec<u8>,
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    checker: Option<Checker>,
    seq: u16,
    eof: bool,
}

impl ScriptedServer {
    /// A client for a URL, connected at once.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn new(url: &str, options: Options) -> Self {
        let storage = client::Storage { receive: vec![0; 2048], send: vec![0; 2560] };
        Self {
            client: Client::new(url, options, storage).unwrap(),
            now: Instant::from_millis(1000),
            seen: Vec::new(),
            connects: Vec::new(),
            read: usize::MAX,
            write: usize::MAX,
            done: false,
            requests: Vec::new(),
            waiting: Vec::new(),
            received: Vec::new(),
            datagrams: VecDeque::new(),
            checker: None,
            seq: 0,
            eof: false,
        }
    }

    /// The same for a client that has its media in datagrams; the exchange is checked against the rules of the protocol.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn over_udp(url: &str, options: Options) -> Self {
        let mut server = Self::new("mmst://h/a", options.clone());
        let storage = client::Storage { receive: vec![0; 2048], send: vec![0; 2560] };
        let udp = client::UdpStorage { slots: vec![0; 1 << 18], header: vec![0; 1 << 14] };
        server.client = Client::with_udp(url, options, storage, udp).unwrap();
        server.client.set_peer(SERVER);
        server.checker = Some(Checker::default());
        server
    }

    /// Sends a datagram; returns what the client says over TCP.
    pub fn datagram(&mut self, bytes: &[u8]) -> Vec<Packet> {
        check(&mut self.checker, false, true, bytes);
        self.foreign(SERVER, bytes)
    }

    /// Sends a datagram that never comes.
    pub fn lose(&mut self, bytes: &[u8]) {
        check(&mut self.checker, false, true, bytes);
    }

    /// Events that begin so, which stay to be told.
    #[must_use]
    pub fn events(&self, begin: &str) -> Vec<String> {
        self.seen.iter().map(|seen| seen.what.clone()).filter(|what| what.starts_with(begin)).collect()
    }

    /// A datagram comes that is not checked, from anywhere.
    pub fn foreign(&mut self, from: SocketAddr, bytes: &[u8]) -> Vec<Packet> {
        self.datagrams.push_back((from, bytes.to_vec()));
        packets(&self.settle())
    }

    fn move_datagrams(&mut self, read: bool, write: bool) -> bool {
        let socket = SocketId::MEDIA;
        if write {
            let bytes = self.client.pending(socket).to_vec();
            assert_eq!(self.client.datagram_target(), Some(SERVER), "nobody else is asked");
            check(&mut self.checker, true, true, &bytes);
            self.client.written(socket, bytes.len());
            self.requests.push((self.now, bytes));
        }
        if read && let Some((from, bytes)) = self.datagrams.pop_front() {
            let space = self.client.space(socket);
            let count = bytes.len().min(space.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.client.datagram_received(self.now, count, from);
            return true;
        }
        write
    }

    /// Sends bytes and lets the client work without time passing; returns what it sent.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        check(&mut self.checker, false, false, bytes);
        self.waiting.extend(bytes);
        self.settle()
    }

    /// Sends a message; returns the packets that it caused.
    pub fn say(&mut self, message: &Message<'_>) -> Vec<Packet> {
        let bytes = command(self.seq, message);
        self.seq = self.seq.wrapping_add(1);
        packets(&self.send(&bytes))
    }

    /// Closes the server's side.
    pub fn close(&mut self) -> Vec<u8> {
        self.eof = true;
        self.settle()
    }

    /// Lets time pass; returns what the client sent.
    pub fn pass(&mut self, time: Duration) -> Vec<Packet> {
        let end = self.now.after(time);
        let mut all = packets(&self.settle());
        while let client::Step::Wait { until, .. } = self.client.step(self.now) {
            if until > end {
                break;
            }
            self.now = self.now.max(until);
            all.extend(packets(&self.settle()));
        }
        self.now = end;
        all
    }

    /// Events since the last call, packets without their bytes.
    pub fn story(&mut self) -> Vec<String> {
        self.seen.drain(..).map(|seen| seen.what).collect()
    }

    /// Lets the client work until nothing moves; returns what it sent.
    ///
    /// # Panics
    /// If it never rests.
    pub fn settle(&mut self) -> Vec<u8> {
        for _ in 0..1_000_000 {
            if !self.turn() {
                return core::mem::take(&mut self.received);
            }
        }
        panic!("the client does not rest: {:?}", self.client);
    }

    fn turn(&mut self) -> bool {
        let socket = SocketId::CONTROL;
        match self.client.step(self.now) {
            client::Step::Connect(id) => {
                let wanted = self.client.wanted(id);
                self.connects.push(format!("{}:{}", wanted.host, wanted.port));
                self.client.connected(id, "192.0.2.10:1755".parse().unwrap());
                self.waiting.clear();
                self.checker = self.checker.as_ref().map(|_| Checker::default());
                self.seq = 0;
                true
            }
            client::Step::Bind(id) => {
                self.client.bound(id, "0.0.0.0:2512".parse().unwrap());
                true
            }
            client::Step::Close(_) => true,
            client::Step::Event => {
                self.seen.push(seen(&self.client.event().unwrap()));
                true
            }
            client::Step::Storage { needed } => {
                self.client.replace_storage(vec![0; needed]);
                true
            }
            client::Step::Wait { read, write, until } => {
                let mut moved = until <= self.now;
                if read.contains(socket) {
                    let space = self.client.space(socket);
                    let count = self.waiting.len().min(space.len()).min(self.read);
                    space[..count].copy_from_slice(&self.waiting[..count]);
                    self.waiting.drain(..count);
                    self.client.filled(socket, count);
                    moved |= count > 0;
                    if self.eof && self.waiting.is_empty() {
                        self.client.end_of_stream(socket);
                        self.eof = false;
                        moved = true;
                    }
                }
                if write.contains(socket) {
                    let count = self.client.pending(socket).len().min(self.write);
                    check(&mut self.checker, true, false, &self.client.pending(socket)[..count]);
                    self.received.extend(&self.client.pending(socket)[..count]);
                    self.client.written(socket, count);
                    moved |= count > 0;
                }
                let media = SocketId::MEDIA;
                moved | self.move_datagrams(read.contains(media), write.contains(media))
            }
            client::Step::Done => {
                self.done = true;
                false
            }
            other => panic!("unknown step {other:?}"),
        }
    }
}
