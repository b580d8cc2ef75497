//! A client or a server connection under attack, while a good pair goes on with the same content.

use core::time::Duration;

use mms_alloc_test::{Heap, Meter};
use mms_core::client::{self, Client, Options, SocketId};
use mms_core::error::Error;
use mms_core::mmsp::server::Pace;
use mms_core::server::{self, Accepted, Connection, Outcome, Report};
use mms_core::time::Instant;

use crate::content::{Content, Slice};
use crate::pair::{Network, Pair, Turn, peer, seen};
use crate::scripted::{Said, said};

/// Steps that no attack may take; an endless loop takes more.
const MOST_STEPS: usize = 500_000;

/// What an attacker does when all is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It closes its side.
    Close,
    /// It says nothing more; only a timer can help.
    Silence,
    /// The connection is reset.
    Reset,
}

/// What an attacker sends, and how.
#[derive(Clone, Debug)]
pub struct Attack<'a> {
    /// Pieces; each is sent when the victim has done what it can with those before.
    pub chunks: &'a [Vec<u8>],
    /// Most bytes of one read.
    pub delivery: usize,
    /// Pause behind each piece.
    pub pause: Duration,
    /// What follows the last piece.
    pub ending: Ending,
    /// Whether the attacker reads what the victim sends.
    pub reads: bool,
    /// Whether the victim's host answers its wishes, if the victim is a server.
    pub host_answers: bool,
}

impl<'a> Attack<'a> {
    /// Pieces at once, then silence.
    #[must_use]
    pub fn new(chunks: &'a [Vec<u8>]) -> Self {
        Self {
            chunks,
            delivery: usize::MAX,
            pause: Duration::ZERO,
            ending: Ending::Silence,
            reads: true,
            host_answers: true,
        }
    }
}

/// What became of the victim.
#[derive(Clone, Debug)]
pub struct Fate {
    /// The error that ended it.
    pub error: Option<Error>,
    /// What the victim reported to its application, bytes left out.
    pub story: Vec<String>,
    /// The bytes of what it reported.
    pub bytes: Vec<u8>,
    /// What it sent.
    pub sent: Vec<u8>,
    /// The most bytes of heap that it held after a call.
    pub most_live: usize,
    /// The same while storage was replaced.
    pub peak: usize,
    /// Bytes of heap that were left when it was gone.
    pub left: isize,
    /// How long it lived.
    pub lived: Duration,
    /// Bytes that it took from the attacker.
    pub taken: usize,
    /// A server's report.
    pub report: Option<Report>,
}

impl Fate {
    /// The messages and packets that the victim sent.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        said(&self.sent)
    }

    /// Asserts that a client never held more than its least storage and the limit `storage_bytes`, and that
    /// nothing is left.
    ///
    /// # Panics
    /// If it did.
    pub fn assert_client_heap(&self) {
        let baseline = Client::<Vec<u8>>::RECEIVE_BYTES + Client::<Vec<u8>>::SEND_BYTES;
        self.assert_heap(baseline, Options::default().storage_bytes as usize);
    }

    /// The same for a server connection and its limit `command_bytes`.
    ///
    /// # Panics
    /// If it held more.
    pub fn assert_server_heap(&self) {
        let baseline = Connection::<Vec<u8>, Slice>::RECEIVE_BYTES + Connection::<Vec<u8>, Slice>::SEND_BYTES;
        self.assert_heap(baseline, server::Config::default().mms.command_bytes as usize);
    }

    fn assert_heap(&self, baseline: usize, limit: usize) {
        assert!(self.most_live <= baseline + limit, "{} of {baseline} + {limit}", self.most_live);
        assert!(self.most_live >= baseline, "the heap is not counted: {}", self.most_live);
        // old and new storage live side by side while one replaces the other
        assert!(self.peak <= baseline + 2 * limit, "{} of {baseline} + 2 * {limit}", self.peak);
        assert_eq!(self.left, 0, "something is left");
    }
}

/// A server that sends as fast as the client reads.
#[must_use]
pub fn unpaced() -> server::Config {
    let mut config = server::Config::default();
    config.mms.pace = Pace::Off;
    config
}

/// A client that does nothing wrong and fetches the same content from the same host meanwhile.
struct Bystander {
    pair: Pair,
    done: bool,
}

impl Bystander {
    fn new(content: &Content) -> Self {
        let network = Network { read: 4096, write: 4096, ..Network::default() };
        let mut pair = Pair::new(content.clone(), Options::default(), unpaced(), network);
        pair.run_until(|what| what == "Started");
        Self { pair, done: false }
    }

    fn turn(&mut self) {
        self.done = self.done || self.pair.turn() == Turn::Done;
    }

    /// # Panics
    /// If it did not get everything.
    fn finish(mut self) {
        self.pair.run();
        self.pair.assert_complete();
    }
}

/// The attacker's side: what is sent next.
struct Feed<'a> {
    attack: &'a Attack<'a>,
    chunk: usize,
    at: usize,
    next: Instant,
    taken: usize,
    ended: bool,
}

impl<'a> Feed<'a> {
    fn new(attack: &'a Attack<'a>, now: Instant) -> Self {
        Self { attack, chunk: 0, at: 0, next: now, taken: 0, ended: false }
    }

    fn put(&mut self, now: Instant, space: &mut [u8]) -> usize {
        let Some(chunk) = self.attack.chunks.get(self.chunk).filter(|_| now >= self.next) else { return 0 };
        let count = space.len().min(self.attack.delivery).min(chunk.len() - self.at);
        space[..count].copy_from_slice(&chunk[self.at..self.at + count]);
        self.at += count;
        self.taken += count;
        if self.at == chunk.len() {
            self.at = 0;
            self.chunk += 1;
            self.next = now + self.attack.pause;
        }
        count
    }

    fn is_over(&self) -> bool {
        self.chunk >= self.attack.chunks.len()
    }

    /// The ending, once, when nothing more came.
    fn ending(&mut self, count: usize) -> Option<Ending> {
        let due = count == 0 && self.is_over() && !self.ended;
        self.ended |= due;
        due.then_some(self.attack.ending).filter(|ending| *ending != Ending::Silence)
    }

    /// When something happens, by the victim's timers and the attacker's.
    fn until(&self, victim: Instant) -> Instant {
        if self.is_over() { victim } else { victim.min(self.next) }
    }
}

/// A victim's heap.
#[derive(Default)]
struct Watch {
    meter: Meter,
    most_live: isize,
}

impl Watch {
    fn call<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let result = self.meter.measure(work);
        self.most_live = self.most_live.max(self.meter.heap().live);
        result
    }

    fn heap(&self) -> Heap {
        self.meter.heap()
    }
}

/// Lets a scripted server attack a client that wants to fetch a file.
///
/// # Panics
/// If the client hangs or loops, or the bystander does not get everything.
#[must_use]
pub fn attack_client(content: &Content, options: Options, attack: &Attack<'_>) -> Fate {
    let mut bystander = Bystander::new(content);
    let (start, socket) = (Instant::from_micros(1_000_000), SocketId::CONTROL);
    let (mut now, mut watch) = (start, Watch::default());
    let mut client = watch.call(|| {
        let storage = client::Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
        };
        Client::new("mmst://server/content.wmv", options, storage).unwrap()
    });
    let mut feed = Feed::new(attack, now);
    let (mut story, mut bytes, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0.. {
        assert!(step < MOST_STEPS, "the client does not end");
        bystander.turn();
        match watch.call(|| client.step(now)) {
            client::Step::Connect(socket) => client.connected(socket, peer()),
            client::Step::Close(_) => {}
            client::Step::Event => {
                let event = seen(&client.event().unwrap());
                story.push(event.what);
                bytes.extend(event.bytes);
            }
            client::Step::Storage { needed } => {
                watch.call(|| drop(client.replace_storage(vec![0; needed])));
            }
            client::Step::Wait { read, write, until } => {
                if write.contains(socket) && attack.reads {
                    let pending = client.pending(socket);
                    let count = pending.len();
                    sent.extend_from_slice(pending);
                    watch.call(|| client.written(socket, count));
                    continue;
                }
                if read.contains(socket) {
                    let count = watch.call(|| feed.put(now, client.space(socket)));
                    watch.call(|| client.filled(socket, count));
                    match feed.ending(count) {
                        Some(Ending::Reset) => client.connection_failed(socket),
                        Some(_) => client.end_of_stream(socket),
                        None if count == 0 => now = later(now, feed.until(until)),
                        None => {}
                    }
                    continue;
                }
                now = later(now, until);
            }
            client::Step::Done => break,
            other => panic!("unknown step {other:?}"),
        }
    }
    bystander.finish();
    let error = client.error();
    watch.call(|| drop(client));
    let heap = watch.heap();
    Fate {
        error,
        story,
        bytes,
        sent,
        most_live: usize::try_from(watch.most_live).unwrap(),
        peak: usize::try_from(heap.peak).unwrap(),
        left: heap.live,
        lived: now.since(start),
        taken: feed.taken,
        report: None,
    }
}

fn later(now: Instant, until: Instant) -> Instant {
    assert!(until != Instant::MAX, "the victim would wait for ever");
    assert!(until >= now, "the clock goes back");
    until
}

/// Lets a scripted client attack a connection of a server.
///
/// # Panics
/// If the connection hangs or loops, or the bystander does not get everything.
#[must_use]
pub fn attack_server(content: &Content, config: server::Config, attack: &Attack<'_>) -> Fate {
    let mut bystander = Bystander::new(content);
    let start = Instant::from_micros(1_000_000);
    let (mut now, mut watch) = (start, Watch::default());
    let mut server: Connection<Vec<u8>, Slice> = watch.call(|| {
        let storage = server::Storage {
            receive: vec![0; Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, Slice>::SEND_BYTES],
        };
        let accepted = Accepted { peer: peer(), random: *b"0123456789abcdef" };
        Connection::new(config, storage, accepted, now).unwrap()
    });
    let mut feed = Feed::new(attack, now);
    let (mut story, mut sent) = (Vec::new(), Vec::new());
    for step in 0.. {
        assert!(step < MOST_STEPS, "the connection does not end");
        bystander.turn();
        match watch.call(|| server.step(now)) {
            server::Step::Event => story.push(format!("{:?}", server.event().unwrap())),
            server::Step::Storage { needed } => {
                watch.call(|| drop(server.replace_storage(vec![0; needed])));
            }
            server::Step::Wait { read, write, until } => {
                let answer = server.next_wish().map(|wish| content.answer(wish));
                if let Some(answer) = answer {
                    if attack.host_answers {
                        watch.call(|| answer(&mut server, now));
                    }
                    continue;
                }
                if write && attack.reads {
                    let mut slices = [&[][..]; 16];
                    let used = server.pending(&mut slices);
                    let bytes = slices[..used].concat();
                    watch.call(|| server.written(now, bytes.len()));
                    sent.extend(bytes);
                    continue;
                }
                if read {
                    let count = watch.call(|| feed.put(now, server.space()));
                    watch.call(|| server.filled(count));
                    match feed.ending(count) {
                        Some(Ending::Reset) => server.connection_failed(),
                        Some(_) => server.end_of_stream(),
                        None if count == 0 => now = later(now, feed.until(until)),
                        None => {}
                    }
                    continue;
                }
                now = later(now, until);
            }
            server::Step::Done => break,
        }
    }
    bystander.finish();
    let report = server.report();
    watch.call(|| drop(server));
    let heap = watch.heap();
    Fate {
        error: match report.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        },
        story,
        bytes: Vec::new(),
        sent,
        most_live: usize::try_from(watch.most_live).unwrap(),
        peak: usize::try_from(heap.peak).unwrap(),
        left: heap.live,
        lived: now.since(start),
        taken: feed.taken,
        report: Some(report),
    }
}
