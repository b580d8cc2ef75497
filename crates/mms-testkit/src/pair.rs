//! A client and a server connection in memory, on one virtual clock.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use mms_core::client::{self, Client, Event, Options, SocketId};
use mms_core::error::Error;
use mms_core::server::{self, Accepted, Connection, Outcome};
use mms_core::time::Instant;

use crate::content::{Content, Slice};
use crate::netem::{Link, Rules};
use crate::udp::{Checker, Sent};

/// An event of the client, owned and without what depends on how the bytes were cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The event as text; bytes are left out.
    pub what: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How bytes move between the two.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Most bytes of one read.
    pub read: usize,
    /// Most bytes of one write.
    pub write: usize,
    /// Bytes that one direction holds before writes stop.
    pub window: usize,
    /// Bytes per second that the client reads, if it is slow.
    pub client_reads_per_second: Option<usize>,
}

impl Default for Network {
    fn default() -> Self {
        Self { read: usize::MAX, write: usize::MAX, window: 1 << 16, client_reads_per_second: None }
    }
}

/// Two peers.
#[derive(Debug)]
pub struct Pair {
    /// The client.
    pub client: Client<Vec<u8>>,
    /// The server's end.
    pub server: Connection<Vec<u8>, Slice>,
    /// What the server publishes.
    pub content: Content,
    /// The virtual clock.
    pub now: Instant,
    /// Everything that the client reported.
    pub seen: Vec<Seen>,
    /// Of each client log that the server reported: packets received, lost, requested, recovered.
    pub client_logs: Vec<[u32; 4]>,
    /// Everything that the client sent.
    pub to_server_log: Vec<u8>,
    /// Everything that the server sent.
    pub to_client_log: Vec<u8>,
    storage: [usize; 2],
    network: Network,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    client_closed: bool,
    server_closed: bool,
    client_may_read: usize,
    last_read: Instant,
    datagrams: Option<Datagrams>,
}

/// What a pair does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// The client reported something, which is the last of [`Pair::seen`].
    Event,
    /// Nothing moves before the clock is at this moment; it was set to it.
    Waited,
    /// Both ends are over.
    Done,
}

impl Pair {
    /// A client that fetches the content.
    ///
    /// # Panics
    /// If the options are refused.
    #[must_use]
    pub fn new(content: Content, options: Options, config: server::Config, network: Network) -> Self {
        Self::with_url("mmst://server/content.wmv", content, options, config, network)
    }

    /// The same with a URL.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn with_url(
        url: &str,
        content: Content,
        options: Options,
        config: server::Config,
        network: Network,
    ) -> Self {
        let now = Instant::from_micros(1_000_000);
        let storage = client::Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
        };
        let client = Client::new(url, options, storage).unwrap();
        let storage = server::Storage {
            receive: vec![0; Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, Slice>::SEND_BYTES],
        };
        let accepted = Accepted { peer: peer(), random: *b"0123456789abcdef" };
        let server = Connection::new(config, storage, accepted, now).unwrap();
        Self {
            client,
            server,
            content,
            now,
            seen: Vec::new(),
            client_logs: Vec::new(),
            to_server_log: Vec::new(),
            to_client_log: Vec::new(),
            storage: [Client::<Vec<u8>>::RECEIVE_BYTES, Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
            network,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            client_closed: false,
            server_closed: false,
            client_may_read: 0,
            last_read: now,
            datagrams: None,
        }
    }

    /// A client that can have its media in datagrams, over a network with these rules to the client and to the
    /// server; a server that sends them, if it `speaks_udp`.
    ///
    /// # Panics
    /// If URL or options are refused.
    #[must_use]
    pub fn over_udp(
        url: &str,
        content: Content,
        options: Options,
        config: server::Config,
        plan: UdpPlan,
    ) -> Self {
        let mut pair = Self::new(content, Options::default(), config.clone(), Network::default());
        let storage = client::Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::SEND_BYTES],
        };
        let slots = vec![0; plan.slot_bytes];
        let udp = client::UdpStorage { slots, header: vec![0; plan.header_bytes] };
        pair.client = Client::with_udp(url, options, storage, udp).unwrap();
        pair.client.set_peer(server_address());
        let [to_client, to_server] = plan.rules;
        pair.datagrams = Some(Datagrams {
            plan,
            config,
            connects: 0,
            to_client: Link::new(plan.seed, to_client),
            to_server: Link::new(!plan.seed, to_server),
            log: Vec::new(),
            checker: Checker::default(),
            exchange: Vec::new(),
        });
        pair.serve_udp();
        pair
    }

    /// The datagrams that the two sent, with the moment and whether the client sent it.
    #[must_use]
    pub fn datagram_log(&self) -> &[(Instant, bool, Vec<u8>)] {
        self.datagrams.as_ref().map_or(&[], |datagrams| &datagrams.log)
    }

    /// All that the two sent over the last connection, in its order; all of it was checked against the rules of the
    /// protocol.
    #[must_use]
    pub fn exchange(&self) -> &[Sent] {
        self.datagrams.as_ref().map_or(&[], |datagrams| &datagrams.exchange)
    }

    fn check(&mut self, by_client: bool, bytes: &[u8]) {
        if let Some(datagrams) = &mut self.datagrams {
            datagrams.check(Sent { by_client, is_datagram: false, bytes: bytes.to_vec() });
        }
    }

    fn serve_udp(&mut self) {
        if self.datagrams.as_ref().is_some_and(|datagrams| datagrams.plan.speaks_udp) {
            self.server.allow_udp();
        }
    }

    fn start_udp(&mut self) -> bool {
        let Some(datagrams) = self.datagrams.as_ref().filter(|_| self.server.wants_udp()) else {
            return false;
        };
        let identities = datagrams.plan.identities * Connection::<Vec<u8>, Slice>::IDENTITY_BYTES;
        let storage = server::UdpStorage {
            identities: vec![0; identities],
            packet_pair: vec![0; Connection::<Vec<u8>, Slice>::PACKET_PAIR_BYTES],
        };
        self.server.start_udp(self.now, storage).unwrap();
        true
    }

    /// A client that connects again finds a new end of the server.
    fn connect(&mut self) {
        let Some(datagrams) = &mut self.datagrams else { return };
        datagrams.connects += 1;
        datagrams.checker = Checker::default();
        datagrams.exchange.clear();
        if datagrams.connects > 1 {
            let storage = server::Storage {
                receive: vec![0; Connection::<Vec<u8>, Slice>::RECEIVE_BYTES],
                send: vec![0; Connection::<Vec<u8>, Slice>::SEND_BYTES],
            };
            let accepted = Accepted { peer: peer(), random: *b"0123456789abcdef" };
            self.server = Connection::new(datagrams.config.clone(), storage, accepted, self.now).unwrap();
            (self.client_closed, self.server_closed) = (false, false);
            self.to_server.clear();
            self.to_client.clear();
            self.serve_udp();
        }
    }

    /// Moves datagrams out of the server and into it.
    fn server_datagrams(&mut self) -> bool {
        let mut moved = self.start_udp();
        let Some(datagrams) = &mut self.datagrams else { return false };
        while let Some(datagram) = datagrams.to_server.receive(self.now) {
            self.server.datagram_received(self.now, &datagram);
            moved = true;
        }
        // one for each round, so that the client has its turn
        if let Some(datagram) = self.server.datagram(self.now) {
            assert_eq!(datagram.to, SocketAddr::new(peer().ip(), client_port()));
            let bytes = datagram.parts.concat();
            datagrams.to_client.send(self.now, &bytes);
            datagrams.datagram(self.now, false, bytes);
            self.server.datagram_sent(self.now);
            moved = true;
        }
        moved
    }

    /// Moves datagrams out of the client and into it.
    fn client_datagrams(&mut self, read: bool, write: bool) -> bool {
        let Some(datagrams) = &mut self.datagrams else { return false };
        let mut moved = false;
        if write {
            let bytes = self.client.pending(SocketId::MEDIA).to_vec();
            assert_eq!(self.client.datagram_target(), Some(server_address()));
            datagrams.to_server.send(self.now, &bytes);
            self.client.written(SocketId::MEDIA, bytes.len());
            datagrams.datagram(self.now, true, bytes);
            moved = true;
        }
        if read && let Some(datagram) = datagrams.to_client.receive(self.now) {
            let space = self.client.space(SocketId::MEDIA);
            let count = datagram.len().min(space.len());
            space[..count].copy_from_slice(&datagram[..count]);
            self.client.datagram_received(self.now, count, server_address());
            moved = true;
        }
        moved
    }

    fn next_datagram(&self) -> Instant {
        let Some(datagrams) = &self.datagrams else { return Instant::MAX };
        datagrams.to_client.next_arrival().min(datagrams.to_server.next_arrival())
    }

    /// Runs until both ends are over.
    ///
    /// # Panics
    /// If they do not end within the turns of a long session.
    pub fn run(&mut self) {
        for _ in 0..50_000_000_u64 {
            if self.turn() == Turn::Done {
                return;
            }
        }
        panic!("the pair does not end");
    }

    /// Runs until the client reports something that `wanted` accepts.
    ///
    /// # Panics
    /// If everything ends before.
    pub fn run_until(&mut self, wanted: impl Fn(&str) -> bool) {
        loop {
            match self.turn() {
                Turn::Event if wanted(&self.seen.last().unwrap().what) => return,
                Turn::Done => panic!("ended without: {:?}", self.client.error()),
                _ => {}
            }
        }
    }

    /// Does the next thing.
    pub fn turn(&mut self) -> Turn {
        let mut looks = 0;
        loop {
            let server = self.step_server();
            let client = self.step_client();
            if let Some(Turn::Event) = client.turn {
                return Turn::Event;
            }
            if self.client_closed && self.server_closed {
                return Turn::Done;
            }
            if server.moved || client.moved {
                looks = 0;
                continue;
            }
            let mut until = server.until.min(client.until);
            if let (Some(_), false) = (self.network.client_reads_per_second, self.to_client.is_empty()) {
                until = until.min(self.now + Duration::from_millis(100));
            }
            until = until.min(self.next_datagram());
            assert!(until != Instant::MAX, "nothing moves and no timer runs");
            if until <= self.now {
                // the client has the host look once more before it gives up
                looks += 1;
                assert!(looks < 1000, "a timer of the past does nothing");
                continue;
            }
            self.now = until;
            return Turn::Waited;
        }
    }

    fn step_server(&mut self) -> Stepped {
        let mut stepped = Stepped::default();
        loop {
            match self.server.step(self.now) {
                server::Step::Event => {
                    let event = self.server.event().expect("an event was announced");
                    if let server::Event::ClientLog(log) = event {
                        let [received, recovered] = [log.info.packets_received, log.packets_recovered_resent];
                        let [lost, requested] = [log.packets_lost_net, log.resend_requests];
                        self.client_logs.push([received, lost, requested, recovered]);
                    }
                    stepped.moved = true;
                }
                server::Step::Storage { needed } => {
                    self.storage[1] = self.storage[1].max(needed);
                    self.server.replace_storage(vec![0; needed]);
                    stepped.moved = true;
                }
                server::Step::Wait { read, write, until } => {
                    let answer = self.server.next_wish().map(|wish| self.content.answer(wish));
                    if let Some(answer) = answer {
                        answer(&mut self.server, self.now);
                        stepped.moved = true;
                        continue;
                    }
                    if read {
                        if self.to_server.is_empty() && self.client_closed {
                            self.server.end_of_stream();
                            stepped.moved = true;
                            continue;
                        }
                        let space = self.server.space();
                        let count = take(&mut self.to_server, space, self.network.read);
                        if count > 0 {
                            self.server.filled(count);
                            stepped.moved = true;
                        }
                    }
                    if write {
                        let mut slices = [&[][..]; 16];
                        let used = self.server.pending(&mut slices);
                        let room = self.network.window.saturating_sub(self.to_client.len());
                        let most = self.network.write.min(room);
                        let bytes: Vec<u8> = slices[..used]
                            .iter()
                            .flat_map(|slice| slice.iter().copied())
                            .take(most)
                            .collect();
                        if !bytes.is_empty() {
                            self.server.written(self.now, bytes.len());
                            self.to_client.extend(&bytes);
                            self.check(false, &bytes);
                            self.to_client_log.extend(bytes);
                            stepped.moved = true;
                        }
                    }
                    stepped.moved |= self.server_datagrams();
                    stepped.until = until;
                    return stepped;
                }
                server::Step::Done => {
                    stepped.moved |= !self.server_closed;
                    self.server_closed = true;
                    return stepped;
                }
            }
        }
    }

    fn step_client(&mut self) -> Stepped {
        let mut stepped = Stepped::default();
        let socket = SocketId::CONTROL;
        loop {
            match self.client.step(self.now) {
                client::Step::Connect(socket) => {
                    self.connect();
                    self.client.connected(socket, peer());
                    stepped.moved = true;
                }
                client::Step::Bind(socket) => {
                    self.client.bound(socket, SocketAddr::from(([0, 0, 0, 0], client_port())));
                    stepped.moved = true;
                }
                client::Step::Close(socket) => {
                    self.client_closed |= socket == SocketId::CONTROL;
                    stepped.moved = true;
                }
                client::Step::Event => {
                    let event = self.client.event().expect("an event was announced");
                    self.seen.push(seen(&event));
                    stepped.moved = true;
                    stepped.turn = Some(Turn::Event);
                    return stepped;
                }
                client::Step::Storage { needed } => {
                    self.storage[0] = self.storage[0].max(needed);
                    self.client.replace_storage(vec![0; needed]);
                    stepped.moved = true;
                }
                client::Step::Wait { read, write, until } => {
                    if read.contains(socket) {
                        let most = self.client_reads();
                        if self.to_client.is_empty() && self.server_closed {
                            self.client.end_of_stream(socket);
                            stepped.moved = true;
                            continue;
                        }
                        let space = self.client.space(socket);
                        let count = take(&mut self.to_client, space, most);
                        if count > 0 {
                            self.client.filled(socket, count);
                            self.client_may_read = self.client_may_read.saturating_sub(count);
                            stepped.moved = true;
                        }
                    }
                    if write.contains(socket) {
                        let room = self.network.window.saturating_sub(self.to_server.len());
                        let bytes: Vec<u8> = self.client.pending(socket).to_vec();
                        let bytes = &bytes[..bytes.len().min(self.network.write).min(room)];
                        self.to_server.extend(bytes);
                        self.to_server_log.extend(bytes);
                        let bytes = bytes.to_vec();
                        self.check(true, &bytes);
                        self.client.written(socket, bytes.len());
                        stepped.moved |= !bytes.is_empty();
                    }
                    let media = SocketId::MEDIA;
                    stepped.moved |= self.client_datagrams(read.contains(media), write.contains(media));
                    stepped.until = until;
                    return stepped;
                }
                client::Step::Done => return stepped,
                other => panic!("unknown step {other:?}"),
            }
        }
    }

    fn client_reads(&mut self) -> usize {
        let Some(rate) = self.network.client_reads_per_second else { return self.network.read };
        let elapsed = self.now.since(self.last_read);
        let more = usize::try_from(elapsed.as_micros()).unwrap() * rate / 1_000_000;
        if more > 0 {
            self.last_read = self.now;
            self.client_may_read = (self.client_may_read + more).min(rate);
        }
        self.client_may_read.min(self.network.read)
    }

    /// The most storage that both ends had at a time, for what they receive and send.
    #[must_use]
    pub fn storage_bytes(&self) -> usize {
        let send = Client::<Vec<u8>>::SEND_BYTES + Connection::<Vec<u8>, Slice>::SEND_BYTES;
        self.storage.iter().sum::<usize>() + send
    }

    /// The bytes of the header that the client reported.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        self.bytes_of("HeaderPart")
    }

    /// The bytes of the packets that the client reported.
    #[must_use]
    pub fn media(&self) -> Vec<u8> {
        self.bytes_of("Packet")
    }

    fn bytes_of(&self, what: &str) -> Vec<u8> {
        self.seen
            .iter()
            .filter(|seen| seen.what.starts_with(what))
            .flat_map(|seen| seen.bytes.clone())
            .collect()
    }

    /// Events without their bytes, packets left out.
    #[must_use]
    pub fn story(&self) -> Vec<&str> {
        self.seen.iter().map(|seen| seen.what.as_str()).filter(|what| !what.starts_with("Packet")).collect()
    }

    /// Asserts that everything was fetched, byte for byte, and both ends closed in order.
    ///
    /// # Panics
    /// If not.
    pub fn assert_complete(&self) {
        assert_eq!(self.client.error(), None);
        assert_eq!(self.server.report().outcome, Outcome::Closed);
        assert!(self.header() == self.content.header(), "the header differs");
        assert!(self.media() == self.content.media(), "the media differs");
        assert_eq!(self.server.report().packets, u64::from(self.content.len()));
    }

    /// The error that ended the server's end.
    #[must_use]
    pub fn server_error(&self) -> Option<Error> {
        match self.server.report().outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Changes bytes that are under way: those to the server, those to the client.
    pub fn tamper<T>(&mut self, change: impl FnOnce(&mut VecDeque<u8>, &mut VecDeque<u8>) -> T) -> T {
        change(&mut self.to_server, &mut self.to_client)
    }

    /// The server's end closes without a word, as if its process was killed.
    pub fn kill_server(&mut self) {
        self.server.connection_failed();
        self.to_client.clear();
    }

    /// The client's end vanishes.
    pub fn kill_client(&mut self) {
        self.client.connection_failed(SocketId::CONTROL);
        self.to_server.clear();
    }
}

#[derive(Clone, Copy, Debug)]
struct Stepped {
    moved: bool,
    until: Instant,
    turn: Option<Turn>,
}

impl Default for Stepped {
    fn default() -> Self {
        Self { moved: false, until: Instant::MAX, turn: None }
    }
}

fn take(queue: &mut VecDeque<u8>, space: &mut [u8], most: usize) -> usize {
    let count = queue.len().min(space.len()).min(most);
    for (slot, byte) in space.iter_mut().zip(queue.drain(..count)) {
        *slot = byte;
    }
    count
}

/// The owned form of an event.
#[must_use]
pub fn seen(event: &Event<'_>) -> Seen {
    match event {
        Event::HeaderPart { offset, bytes, last } => {
            Seen { what: format!("HeaderPart {offset} {last}"), bytes: bytes.to_vec() }
        }
        Event::Packet { location_id, af_flags, bytes } => {
            Seen { what: format!("Packet {location_id} {af_flags}"), bytes: bytes.to_vec() }
        }
        other => Seen { what: format!("{other:?}"), bytes: Vec::new() },
    }
}

/// What is between two peers that exchange datagrams.
#[derive(Clone, Copy, Debug)]
pub struct UdpPlan {
    /// Seed of the network.
    pub seed: u64,
    /// What it does to datagrams to the client, and to the server.
    pub rules: [Rules; 2],
    /// Whether the server sends datagrams.
    pub speaks_udp: bool,
    /// Packets that the server remembers.
    pub identities: usize,
    /// The client's storage for datagrams.
    pub slot_bytes: usize,
    /// The client's storage for the header.
    pub header_bytes: usize,
}

impl UdpPlan {
    /// A network with a delay of 20 ms.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let rules = Rules { delay: Duration::from_millis(20), ..Rules::default() };
        Self {
            seed,
            rules: [rules; 2],
            speaks_udp: true,
            identities: 4096,
            slot_bytes: 1 << 20,
            header_bytes: 1 << 17,
        }
    }

    /// The same with independent loss per mille, each way.
    #[must_use]
    pub fn with_loss(mut self, per_mille: u64) -> Self {
        self.rules.iter_mut().for_each(|rules| rules.loss = per_mille);
        self
    }
}

#[derive(Debug)]
struct Datagrams {
    plan: UdpPlan,
    config: server::Config,
    connects: u32,
    to_client: Link,
    to_server: Link,
    log: Vec<(Instant, bool, Vec<u8>)>,
    checker: Checker,
    exchange: Vec<Sent>,
}

impl Datagrams {
    fn datagram(&mut self, now: Instant, by_client: bool, bytes: Vec<u8>) {
        self.check(Sent { by_client, is_datagram: true, bytes: bytes.clone() });
        self.log.push((now, by_client, bytes));
    }

    fn check(&mut self, sent: Sent) {
        let checked = self.checker.sent(&sent);
        checked.unwrap_or_else(|violation| panic!("seed {}: {violation}", self.plan.seed));
        self.exchange.push(sent);
    }
}

fn client_port() -> u16 {
    2512
}

fn server_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1755))
}

/// An address for both ends.
#[must_use]
pub fn peer() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 40_000))
}
