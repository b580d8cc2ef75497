//! Whole sessions, from connect to close, in which the core allocates nothing.

use std::time::Duration;

use mms_alloc_test::{Counting, Heap, is_counting, measure};
use mms_core::asf::PacketHead;
use mms_core::client::{self, Client, Event, FileBytes, Options, Position, SocketId};
use mms_core::mmsp::server::Pace;
use mms_core::server::{self, Accepted, Ask, Connection, Outcome};
use mms_core::time::Instant;
use mms_testkit::content::Content;
use mms_testkit::pair::peer;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One direction of a connection, in storage of fixed size.
struct Pipe {
    bytes: Vec<u8>,
    start: usize,
}

impl Pipe {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(1 << 16), start: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> usize {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        let count = bytes.len().min(self.bytes.capacity() - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }

    fn take(&mut self, space: &mut [u8]) -> usize {
        let count = space.len().min(self.bytes.len() - self.start);
        space[..count].copy_from_slice(&self.bytes[self.start..self.start + count]);
        self.start += count;
        count
    }
}

/// Both ends, what they need given beforehand.
struct Session<'c> {
    client: Client<Vec<u8>>,
    server: Connection<Vec<u8>, &'c [u8]>,
    content: &'c Content,
    opened: server::Opened,
    send_times: Vec<Duration>,
    spare: Vec<Vec<u8>>,
    to_client: Pipe,
    to_server: Pipe,
    now: Instant,
    /// the file as the client puts it together
    file: Vec<u8>,
    reader: FileBytes,
    packets: u32,
    last: Option<u32>,
    commands: usize,
    plants: bool,
}

impl<'c> Session<'c> {
    fn new(content: &'c Content, pace: Pace) -> Self {
        let now = Instant::from_micros(1_000_000);
        let storage = client::Storage { receive: vec![0; 1 << 17], send: vec![0; 4096] };
        let mut options = Options::default();
        options.mms.packet_pair = true;
        let client = Client::new("mms://server/folder/content%20one.wmv", options, storage).unwrap();
        let mut config = server::Config::default();
        config.mms.pace = pace;
        let storage = server::Storage { receive: vec![0; 16384], send: vec![0; 4096] };
        let accepted = Accepted { peer: peer(), random: *b"0123456789abcdef" };
        Self {
            client,
            server: Connection::new(config, storage, accepted, now).unwrap(),
            content,
            opened: content.opened(),
            send_times: (0..content.len()).map(|packet| content.send_time(packet)).collect(),
            spare: Vec::new(),
            to_client: Pipe::new(),
            to_server: Pipe::new(),
            now,
            file: Vec::with_capacity(content.header().len() + content.media().len() * 4),
            reader: FileBytes::default(),
            packets: 0,
            last: None,
            commands: 0,
            plants: false,
        }
    }

    fn run(&mut self) {
        let mut idle = 0;
        loop {
            let (server_until, server_moved) = self.server();
            let (client_until, client_moved) = self.client();
            let Some(client_until) = client_until else { break };
            idle = if server_moved || client_moved { 0 } else { idle + 1 };
            if idle > 0 {
                let until = server_until.unwrap_or(Instant::MAX).min(client_until);
                assert!(until > self.now && until != Instant::MAX, "nothing moves");
                self.now = until;
            }
        }
        while self.server().0.is_some() {
            self.server.end_of_stream();
        }
    }

    fn server(&mut self) -> (Option<Instant>, bool) {
        let mut moved = false;
        loop {
            match self.server.step(self.now) {
                server::Step::Event => assert!(self.server.event().is_some()),
                server::Step::Storage { needed } => panic!("the storage of {needed} bytes was given"),
                server::Step::Done => return (None, moved),
                server::Step::Wait { read, write, until } => {
                    if self.answer() {
                        moved = true;
                        continue;
                    }
                    if read {
                        let count = self.to_server.take(self.server.space());
                        self.server.filled(count);
                        moved |= count > 0;
                    }
                    if write {
                        let mut slices = [&[][..]; 8];
                        let used = self.server.pending(&mut slices);
                        let count = slices[..used].iter().map(|slice| self.to_client.put(slice)).sum();
                        self.server.written(self.now, count);
                        moved |= count > 0;
                    }
                    return (Some(until), moved);
                }
            }
        }
    }

    fn answer(&mut self) -> bool {
        let (content, header, media) = (self.content, self.content.header(), self.content.media());
        let Some(wish) = self.server.next_wish() else { return false };
        let ticket = wish.ticket;
        match wish.ask {
            Ask::Open { name, .. } => {
                assert!(name.eq_str("folder/content one.wmv"));
                self.server.opened(ticket, self.opened)
            }
            Ask::Header { offset, max_bytes } => {
                let rest = &header[offset as usize..];
                self.server.header(ticket, &rest[..rest.len().min(max_bytes as usize)])
            }
            Ask::Locate { time, .. } => {
                let packet = self.send_times.iter().take_while(|at| **at <= time).count().saturating_sub(1);
                self.server.located(ticket, packet as u32)
            }
            Ask::Packets { from, max_bytes, .. } => {
                let size = content.summary().packet_size() as usize;
                let rest = &media[from as usize * size..];
                let most = max_bytes as usize / size * size;
                self.server.packets(ticket, from, &rest[..rest.len().min(most)])
            }
            other => panic!("{other:?}"),
        }
    }

    fn client(&mut self) -> (Option<Instant>, bool) {
        let socket = SocketId::CONTROL;
        let mut moved = false;
        loop {
            match self.client.step(self.now) {
                client::Step::Connect(socket) => self.client.connected(socket, peer()),
                client::Step::Close(_) => self.server.end_of_stream(),
                client::Step::Storage { needed } => panic!("the storage of {needed} bytes was given"),
                client::Step::Event => {
                    moved = true;
                    self.event();
                }
                client::Step::Wait { read, write, until } => {
                    if read.contains(socket) {
                        let count = self.to_client.take(self.client.space(socket));
                        self.client.filled(socket, count);
                        moved |= count > 0;
                    }
                    if write.contains(socket) {
                        let count = self.to_server.put(self.client.pending(socket));
                        self.client.written(socket, count);
                        moved |= count > 0;
                    }
                    return (Some(until), moved);
                }
                client::Step::Done => return (None, moved),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Keeps what arrives, and pauses, resumes and seeks once each.
    fn event(&mut self) {
        let size = self.content.summary().packet_size();
        let event = self.client.event().unwrap();
        let mut part = [0; 1000];
        loop {
            let count = self.reader.read(&event, size, None, &mut part).unwrap();
            if count == 0 {
                break;
            }
            self.file.extend_from_slice(&part[..count]);
        }
        let half = self.content.len() / 2;
        match event {
            Event::Packet { location_id, bytes, .. } => {
                assert!(PacketHead::decode(bytes).is_ok());
                self.packets += 1;
                self.last = Some(location_id);
                if self.plants {
                    self.spare.push(vec![0; 8]);
                    self.plants = false;
                }
                if self.commands == 0 && location_id == half {
                    self.commands = 1;
                    self.client.pause().unwrap();
                }
            }
            Event::Stopped if self.commands == 1 => {
                self.commands = 2;
                self.client.resume().unwrap();
            }
            Event::Started if self.commands == 2 => {
                self.commands = 3;
                self.client.seek(Position::Time(Duration::from_secs(1))).unwrap();
            }
            _ => {}
        }
    }
}

fn whole(name: &str, pace: Pace, plants: bool) -> Heap {
    assert!(is_counting());
    let content = Content::testdata(name);
    let mut session = Session::new(&content, pace);
    session.plants = plants;
    let ((), heap) = measure(|| session.run());
    assert_eq!(session.client.error(), None);
    assert_eq!(session.server.report().outcome, Outcome::Closed);
    assert_eq!(session.commands, 3, "paused, resumed and sought");
    assert_eq!(session.last, Some(content.len() - 1));
    assert!(session.packets >= content.len(), "{} of {}", session.packets, content.len());
    assert_eq!(session.file[..content.header().len()], *content.header());
    let tail = content.packet(content.len() - 1);
    assert!(session.file.ends_with(tail), "the last packet arrived last");
    heap
}

#[test]
fn a_session_with_pause_and_seek_allocates_nothing() {
    for name in ["made/seek-125s.wmv", "made/av-wmv2-wmav2.wmv", "real/atl-voice-8k.wma", "made/av-64000.wmv"]
    {
        assert_eq!(whole(name, Pace::Off, false), Heap::default(), "{name}");
    }
}

#[test]
fn a_session_in_its_own_time_allocates_nothing() {
    assert_eq!(whole("made/av-wmv2-wmav2.wmv", Pace::REALTIME, false), Heap::default());
}

#[test]
fn the_header_arrives_in_parts() {
    let content = Content::testdata("real/atl-voice-8k.wma");
    assert!(content.header().len() > 16_384 && content.summary().packet_size() < 400);
}

#[test]
fn one_allocation_in_a_session_is_seen() {
    let heap = whole("made/av-wmv2-wmav2.wmv", Pace::Off, true);
    assert_eq!(heap.allocations, 2, "the vector and its place");
    assert!(heap.live > 8);
}
