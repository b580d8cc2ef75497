//! Whole sessions in memory: one client, one connection of a server, bytes moved by copies between them.
#![allow(clippy::unwrap_used, missing_docs, reason = "benches")]

use core::hint::black_box;
use core::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mms_core::client::{self, Client, Event, Options, SocketId};
use mms_core::error::Error;
use mms_core::mmsp::server::Pace;
use mms_core::server::{self, Accepted, Ask, Connection, Outcome};
use mms_core::time::Instant;
use mms_testkit::content::Content;
use mms_testkit::pair::peer;

const NOW: Instant = Instant::from_micros(1_000_000);

struct Session<'c> {
    client: Client<Vec<u8>>,
    server: Connection<Vec<u8>, &'c [u8]>,
    content: &'c Content,
    opened: server::Opened,
    read: usize,
    media: usize,
}

impl<'c> Session<'c> {
    fn new(content: &'c Content, read: usize) -> Self {
        let storage = client::Storage { receive: vec![0; 1 << 17], send: vec![0; 4096] };
        let client = Client::new("mmst://server/content.wmv", Options::default(), storage).unwrap();
        let mut config = server::Config::default();
        config.mms.pace = Pace::Off;
        let storage = server::Storage { receive: vec![0; 16_384], send: vec![0; 4096] };
        let accepted = Accepted { peer: peer(), random: [7; 16] };
        let server = Connection::new(config, storage, accepted, NOW).unwrap();
        Self { client, server, content, opened: content.opened(), read, media: 0 }
    }

    /// To the end; asserts that everything arrived.
    fn run(&mut self) {
        let mut quiet = 0;
        loop {
            self.serve();
            if !self.fetch() {
                break;
            }
            let moved = self.carry_to_server() + self.carry_to_client();
            quiet = if moved == 0 { quiet + 1 } else { 0 };
            assert!(quiet < 3, "nothing moves");
        }
        self.server.end_of_stream();
        self.serve();
        assert_eq!(self.client.error(), None);
        assert_eq!(self.server.report().outcome, Outcome::Closed);
        assert_eq!(self.media, self.content.media().len());
    }

    /// Steps the connection until it waits for its socket.
    fn serve(&mut self) {
        loop {
            match self.server.step(NOW) {
                server::Step::Event => {}
                server::Step::Wait { .. } if self.answer() => {}
                server::Step::Wait { .. } | server::Step::Done => return,
                server::Step::Storage { needed } => panic!("{needed} bytes of storage"),
            }
        }
    }

    /// Steps the client until it waits for its socket; `false` at its end.
    fn fetch(&mut self) -> bool {
        loop {
            match self.client.step(NOW) {
                client::Step::Connect(socket) => self.client.connected(socket, peer()),
                client::Step::Close(_) => {}
                client::Step::Event => {
                    if let Some(Event::Packet { bytes, .. }) = self.client.event() {
                        self.media += black_box(bytes).len();
                    }
                }
                client::Step::Wait { .. } => return true,
                client::Step::Done => return false,
                other => panic!("{other:?}"),
            }
        }
    }

    fn answer(&mut self) -> bool {
        let (header, media) = (self.content.header(), self.content.media());
        let Some(wish) = self.server.next_wish() else { return false };
        let ticket = wish.ticket;
        match wish.ask {
            Ask::Open { .. } => self.server.opened(ticket, self.opened),
            Ask::Header { offset, max_bytes } => {
                let rest = &header[offset as usize..];
                self.server.header(ticket, &rest[..rest.len().min(max_bytes as usize)])
            }
            Ask::Packets { from, max_bytes, .. } => {
                let size = self.content.summary().packet_size() as usize;
                let rest = &media[from as usize * size..];
                self.server.packets(ticket, from, &rest[..rest.len().min(max_bytes as usize / size * size)])
            }
            other => panic!("{other:?}"),
        }
    }

    fn carry_to_server(&mut self) -> usize {
        let space = self.server.space();
        let pending = self.client.pending(SocketId::CONTROL);
        let count = pending.len().min(space.len()).min(self.read);
        space[..count].copy_from_slice(&pending[..count]);
        self.server.filled(count);
        self.client.written(SocketId::CONTROL, count);
        count
    }

    /// As much as one read takes.
    fn carry_to_client(&mut self) -> usize {
        let space = self.client.space(SocketId::CONTROL);
        let room = space.len().min(self.read);
        let mut slices = [&[][..]; 64];
        let used = self.server.pending(&mut slices);
        let mut carried = 0;
        for slice in &slices[..used] {
            let count = slice.len().min(room - carried);
            space[carried..carried + count].copy_from_slice(&slice[..count]);
            carried += count;
        }
        self.client.filled(SocketId::CONTROL, carried);
        self.server.written(NOW, carried);
        carried
    }
}

fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");
    for name in ["made/av-256.wmv", "made/av-wmv2-wmav2.wmv", "made/av-64000.wmv", "made/seek-125s.wmv"] {
        let content = Content::testdata(name);
        group.throughput(Throughput::Bytes(content.media().len() as u64));
        for (reads, read) in [("any size", usize::MAX), ("1460 bytes", 1460), ("one byte", 1)] {
            group.bench_function(format!("{name}, reads of {reads}"), |b| {
                b.iter_batched_ref(|| Session::new(&content, read), Session::run, BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}

/// A client and a connection that wait: each poll must cost the same, however many there were.
fn idle(c: &mut Criterion) {
    let mut group = c.benchmark_group("idle");
    let content = Content::testdata("made/av-wmv2-wmav2.wmv");
    for polls in [1000_u64, 10_000] {
        group.throughput(Throughput::Elements(polls));
        group.bench_function(format!("{polls} polls"), |b| {
            b.iter_batched_ref(
                || {
                    let mut session = Session::new(&content, usize::MAX);
                    while session.client.step(NOW) == client::Step::Connect(SocketId::CONTROL) {
                        session.client.connected(SocketId::CONTROL, peer());
                    }
                    session
                },
                |session| {
                    for poll in 0..polls {
                        let now = NOW + Duration::from_micros(poll);
                        assert!(matches!(black_box(session.client.step(now)), client::Step::Wait { .. }));
                        assert!(matches!(black_box(session.server.step(now)), server::Step::Wait { .. }));
                    }
                    assert_eq!(session.client.error(), None::<Error>);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, whole, idle);
criterion_main!(benches);
