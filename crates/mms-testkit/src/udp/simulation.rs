//! A receiver and a toy sender made of a resend ring, with a network between them.
//!
//! Control messages travel on a path that loses nothing, as TCP does; they stand as values here.

use core::time::Duration;
use std::collections::VecDeque;

use mms_core::mmsp::udp::{
    Arrival, Config, Fragment, HeaderCollector, HeaderTimeout, Receiver, Released, ResendConfig, ResendRing,
    Start, Statistics,
};
use mms_core::mmsp::wire::{Data, DataHeader};
use mms_core::selection::Selection;
use mms_core::time::Instant;

use crate::netem::{Link, Random, Rules};

const CLIENT_ID: u32 = 0x5EED_1234;
const SOURCE_ID: u16 = 1;
const PLAY_INCARNATION: u8 = 10;
const PACKET_SIZE: u16 = 1400;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// Seed of the network.
    pub seed: u64,
    /// Packets of the stream.
    pub packets: u32,
    /// Fragments of the header.
    pub fragments: u32,
    /// Time between two packets.
    pub interval: Duration,
    /// Slots of the receiver.
    pub slots: usize,
    /// Settings of the receiver.
    pub receiver: Config,
    /// Settings of the ring.
    pub ring: ResendConfig,
    /// Packets that the ring remembers.
    pub remembered: usize,
    /// Whether the client knows how many packets there are.
    pub count_known: bool,
    /// Whether packets without content for the client are left out, as a filtering server does: every n-th.
    pub left_out: Option<u32>,
    /// The path to the client.
    pub to_client: Rules,
    /// The path to the server.
    pub to_server: Rules,
}

impl Simulation {
    /// 2,000 packets of up to 1,400 bytes every 10 ms, 25 ms each way.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let rules = Rules { delay: Duration::from_millis(25), ..Rules::default() };
        Self {
            seed,
            packets: 2_000,
            fragments: 1,
            interval: Duration::from_millis(10),
            slots: 512,
            receiver: Config::default(),
            ring: ResendConfig::default(),
            remembered: 1024,
            count_known: true,
            left_out: None,
            to_client: rules,
            to_server: rules,
        }
    }

    /// The same with this loss per mille in both directions.
    #[must_use]
    pub fn with_loss(mut self, per_mille: u64) -> Self {
        self.to_client.loss = per_mille;
        self.to_server.loss = per_mille;
        self
    }

    /// Runs it.
    ///
    /// # Panics
    /// If something comes out that was not sent, or in another order, or twice, or if it does not end.
    #[must_use]
    pub fn run(&self) -> Outcome {
        let mut run = Run::new(*self);
        for _ in 0..20_000_000_u64 {
            if run.turn() {
                return run.outcome();
            }
        }
        panic!("seed {}: the simulation does not end", self.seed);
    }
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the header came.
    pub header: bool,
    /// ReadBlock messages that it took.
    pub header_attempts: u32,
    /// Packets that left the server.
    pub sent: u64,
    /// Packets that came out of the receiver.
    pub delivered: u64,
    /// Packets that the receiver said were missing.
    pub reported_missing: u64,
    /// Packets whose first copy the network lost.
    pub first_copies_lost: u64,
    /// Time from when a packet would have come without loss until it came out: mean, 99 of 100, most.
    pub extra_delay: [Duration; 3],
    /// Time from the end of the sending to the end of the stream.
    pub end_after: Duration,
    /// The receiver's counters.
    pub statistics: Statistics,
    /// Copies that the server sent.
    pub resent: u64,
}

impl Outcome {
    /// Packets that did not come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.sent - self.delivered
    }
}

#[derive(Clone, Copy, Debug)]
enum Control {
    ReadBlock(u8),
    StartPlaying,
    EndOfStream,
}

/// A path without loss.
#[derive(Debug)]
struct Tcp(VecDeque<(Instant, Control)>);

impl Tcp {
    fn next(&self) -> Instant {
        self.0.front().map_or(Instant::MAX, |(at, _)| *at)
    }

    fn receive(&mut self, now: Instant) -> Option<Control> {
        if self.next() > now { None } else { self.0.pop_front().map(|(_, control)| control) }
    }
}

struct Run {
    plan: Simulation,
    now: Instant,
    to_client: Link,
    to_server: Link,
    control_to_client: Tcp,
    control_to_server: Tcp,
    // the client
    collector: HeaderCollector<Vec<u8>>,
    receiver: Receiver<Vec<u8>>,
    incarnation: u8,
    header_attempts: u32,
    header: Option<bool>,
    header_len: u32,
    delivered: Vec<u32>,
    reported_missing: u64,
    delays: Vec<Duration>,
    ended: Option<Instant>,
    // the server
    ring: ResendRing<Vec<u8>>,
    next_packet: u32,
    due: Instant,
    sequence: u32,
    sent: Vec<Option<Instant>>,
    last_sent: Instant,
    first_copies_lost: u64,
}

/// The bytes of a packet, from its number alone.
fn payload(number: u32) -> Vec<u8> {
    let mut random = Random::new(u64::from(number));
    let len = 200 + random.below(u64::from(PACKET_SIZE) - 199) as usize;
    let mut bytes: Vec<u8> = (0..=len / 8).flat_map(|_| random.bits().to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}

fn fragment(number: u32) -> Vec<u8> {
    let mut bytes = payload(number ^ 0x8000_0000);
    bytes.truncate(1_000);
    bytes
}

impl Run {
    fn new(plan: Simulation) -> Self {
        let now = Instant::from_millis(1_000);
        let header_len: usize = (0..plan.fragments).map(|number| fragment(number).len()).sum();
        let header_len = u32::try_from(header_len).unwrap();
        let storage = HeaderCollector::<Vec<u8>>::storage_for(header_len as usize);
        let mut receiver =
            Receiver::new(vec![0; Receiver::<Vec<u8>>::storage_for(plan.slots, PACKET_SIZE)], plan.receiver);
        receiver.open(PACKET_SIZE).unwrap();
        let ring = vec![0; plan.remembered * ResendRing::<Vec<u8>>::IDENTITY_LEN];
        let mut run = Self {
            plan,
            now,
            to_client: Link::new(plan.seed, plan.to_client),
            to_server: Link::new(!plan.seed, plan.to_server),
            control_to_client: Tcp(VecDeque::new()),
            control_to_server: Tcp(VecDeque::new()),
            collector: HeaderCollector::new(vec![0; storage], true),
            receiver,
            incarnation: 1,
            header_attempts: 1,
            header: None,
            header_len,
            delivered: Vec::new(),
            reported_missing: 0,
            delays: Vec::new(),
            ended: None,
            ring: ResendRing::new(now, ring, plan.ring),
            next_packet: 0,
            due: Instant::MAX,
            sequence: 0,
            sent: vec![None; plan.packets as usize],
            last_sent: now,
            first_copies_lost: 0,
        };
        run.collector.start(now, 1, header_len, 1_000_000).unwrap();
        run.command(Control::ReadBlock(1));
        run
    }

    fn command(&mut self, control: Control) {
        self.control_to_server.0.push_back((self.now + self.plan.to_server.delay, control));
    }

    /// Does what is due and moves the clock; true at the end.
    fn turn(&mut self) -> bool {
        self.serve();
        self.play();
        if self.ended.is_some() || self.header == Some(false) {
            return true;
        }
        let next = [
            self.to_client.next_arrival(),
            self.to_server.next_arrival(),
            self.control_to_client.next(),
            self.control_to_server.next(),
            self.collector.poll_timeout(),
            self.receiver.poll_timeout(),
            self.due,
        ];
        let next = next.into_iter().min().unwrap();
        assert_ne!(next, Instant::MAX, "seed {}: nothing is left to happen", self.plan.seed);
        self.now = self.now.max(next);
        false
    }

    // ---- the server

    fn serve(&mut self) {
        while let Some(control) = self.control_to_server.receive(self.now) {
            match control {
                Control::ReadBlock(incarnation) => self.send_header(incarnation),
                Control::StartPlaying => self.due = self.now,
                Control::EndOfStream => {}
            }
        }
        while let Some(datagram) = self.to_server.receive(self.now) {
            self.ring.request(self.now, &datagram, CLIENT_ID, SOURCE_ID).unwrap();
        }
        while let Some(identity) = self.ring.next_wanted(self.now) {
            let bytes = payload(identity.header.location_id);
            let again = [&identity.header.encode(), bytes.as_slice()].concat();
            self.to_client.send(self.now, &again);
        }
        while self.due <= self.now {
            self.send_packet();
        }
    }

    fn send_header(&mut self, incarnation: u8) {
        for number in 0..self.plan.fragments {
            let bytes = fragment(number);
            let af_flags = if number + 1 == self.plan.fragments { 0x0C } else { 0x04 };
            let data = Data { location_id: number, play_incarnation: incarnation, af_flags, payload: &bytes };
            let mut out = vec![0; data.encoded_len()];
            data.encode(&mut out).unwrap();
            self.to_client.send(self.now, &out);
        }
    }

    fn send_packet(&mut self) {
        let number = self.next_packet;
        if number == self.plan.packets {
            let at = self.now + self.plan.to_client.delay;
            self.control_to_client.0.push_back((at, Control::EndOfStream));
            self.due = Instant::MAX;
            return;
        }
        self.next_packet += 1;
        if self.plan.left_out.is_some_and(|every| number % every == every - 1) {
            return;
        }
        let bytes = payload(number);
        let [low, ..] = self.sequence.to_le_bytes();
        let header = DataHeader::for_payload(number, PLAY_INCARNATION, low, bytes.len()).unwrap();
        self.ring.sent(self.now, self.sequence, &header, &Selection::ALL);
        self.sequence += 1;
        self.sent[number as usize] = Some(self.now);
        self.last_sent = self.now;
        if !self.to_client.send(self.now, &[&header.encode(), bytes.as_slice()].concat()) {
            self.first_copies_lost += 1;
        }
        self.due = self.due + self.plan.interval;
    }

    // ---- the client

    fn play(&mut self) {
        while self.receiver.has_space() {
            let Some(datagram) = self.to_client.receive(self.now) else { break };
            self.receiver.space().unwrap()[..datagram.len()].copy_from_slice(&datagram);
            if let Arrival::Other(_) = self.receiver.filled(self.now, datagram.len()).unwrap() {
                self.fragment();
            }
            self.drain();
        }
        while let Some(control) = self.control_to_client.receive(self.now) {
            assert!(matches!(control, Control::EndOfStream));
            let last = self.plan.count_known.then(|| self.plan.packets - 1);
            self.receiver.end_of_stream(self.now, last);
        }
        self.header_timer();
        self.drain();
        let mut out = [0; 140];
        while let Some(len) = self.receiver.poll_resend(self.now, CLIENT_ID, SOURCE_ID, &mut out).unwrap() {
            self.to_server.send(self.now, &out[..len]);
        }
    }

    fn fragment(&mut self) {
        if self.header.is_some() {
            return;
        }
        let data = self.receiver.other().unwrap();
        if self.collector.fragment(&data) != Fragment::Complete {
            return;
        }
        let mut header = Vec::new();
        while self.collector.poll_part().is_some() {
            header.extend_from_slice(self.collector.part().unwrap());
        }
        let whole: Vec<u8> = (0..self.plan.fragments).flat_map(fragment).collect();
        assert_eq!(header.len(), self.header_len as usize);
        assert!(header == whole, "seed {}: the header differs", self.plan.seed);
        self.header = Some(true);
        self.receiver.start(Start { incarnation: PLAY_INCARNATION, first_location: Some(0), ordered: true });
        self.command(Control::StartPlaying);
    }

    fn header_timer(&mut self) {
        match self.collector.handle_timeout(self.now) {
            Some(HeaderTimeout::Retry { .. }) => {
                self.incarnation = self.incarnation % 8 + 1;
                self.header_attempts += 1;
                self.collector.retry(self.now, self.incarnation);
                self.command(Control::ReadBlock(self.incarnation));
            }
            Some(_) => self.header = Some(false),
            None => {}
        }
    }

    fn drain(&mut self) {
        while let Some(released) = self.receiver.poll(self.now) {
            match released {
                Released::Packet { .. } => {
                    let data = self.receiver.packet().unwrap();
                    let seed = self.plan.seed;
                    let number = data.location_id;
                    assert!(self.delivered.last().is_none_or(|last| *last < number), "seed {seed}: order");
                    assert!(data.payload == payload(number), "seed {seed}: packet {number} differs");
                    let sent = self.sent[number as usize].expect("a packet comes that was never sent");
                    self.delays.push(self.now.since(sent + self.plan.to_client.delay));
                    self.delivered.push(number);
                }
                Released::Missing { count } => self.reported_missing += count,
                Released::EndOfStream => self.ended = Some(self.now),
                _ => unreachable!(),
            }
        }
    }

    fn outcome(mut self) -> Outcome {
        self.delays.sort_unstable();
        let count = self.delays.len().max(1);
        let mean = self.delays.iter().sum::<Duration>() / count as u32;
        let at = |index: usize| self.delays.get(index).copied().unwrap_or_default();
        let sent = self.sent.iter().flatten().count() as u64;
        Outcome {
            header: self.header == Some(true),
            header_attempts: self.header_attempts,
            sent,
            delivered: self.delivered.len() as u64,
            reported_missing: self.reported_missing,
            first_copies_lost: self.first_copies_lost,
            extra_delay: [mean, at(count * 99 / 100), at(count - 1)],
            end_after: self.ended.map_or(Duration::ZERO, |at| at.since(self.last_sent)),
            statistics: self.receiver.statistics(),
            resent: self.ring.statistics().resent,
        }
    }
}
