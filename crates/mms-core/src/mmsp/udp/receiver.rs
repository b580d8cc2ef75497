//! What a client does with the datagrams of a session (sections 2.2.5 and 3.1.5.11 to 3.1.5.13).

use core::time::Duration;

use super::config::{Config, Pool, RoundTrip};
use super::sequence::{Counter, Spot};
use super::statistics::{Quality, Statistics, bump};
use super::window::{Row, State, Window};
use crate::error::{Error, Misuse};
use crate::mmsp::wire::{Data, DataHeader};
use crate::time::Instant;

/// Bytes of a packet-pair datagram, which every slot must hold (section 3.2.5.8).
const PACKET_PAIR_LEN: usize = 1472;
/// A packet that is further ahead than this is no packet of this stream.
const MAX_JUMP: u64 = 65_536;
/// Packets behind the last one that came which are asked for at a time, without proof that they exist.
const TAIL: u64 = 32;
/// How often a packet is asked for that may not exist.
const SUSPECT_REQUESTS: u8 = 5;

/// What is known of a play-out before its first packet comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Low byte of the incarnation of StartPlaying or StartStriding.
    pub incarnation: u8,
    /// LocationId of the first packet, where the start was at the beginning or at a packet.
    pub first_location: Option<u32>,
    /// Whether LocationId grows; it does not when rewinding.
    pub ordered: bool,
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arrival {
    /// A new ASF data packet.
    Media,
    /// A packet that was there already, or was given up.
    Duplicate,
    /// A new packet without a free slot or row; it will be asked for.
    NoRoom,
    /// A Data packet of another incarnation: header fragment, packet pair, or left over from an earlier
    /// play-out. [`Receiver::other`] lends it until the next call that changes the receiver.
    Other(DataHeader),
    /// No Data packet, or none that this content can have.
    Foreign,
}

/// What comes out, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Released {
    /// A packet, which [`Receiver::packet`] lends until the next [`Receiver::poll`].
    Packet {
        /// Whether it came after it was asked for.
        recovered: bool,
    },
    /// Packets that were given up.
    Missing {
        /// How many.
        count: u64,
    },
    /// The stream is over; nothing comes after it.
    EndOfStream,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    at: Instant,
    last_location: Option<u32>,
}

/// A reorder window over storage of the caller: a datagram is received into a slot of it and stays there
/// until it was lent to the application.
///
/// ```text
/// socket ──space()──► slot ──filled()──► row of its number ──poll()──► packet()
///                                        missing rows ──poll_resend()──► server
/// ```
///
/// The caller compares the source address of a datagram; the receiver checks all else. No datagram is an
/// error.
#[derive(Clone, Debug)]
pub struct Receiver<B> {
    pub(super) config: Config,
    pub(super) window: Window<B>,
    pub(super) counter: Counter,
    packet_size: usize,
    start: Option<Start>,
    previous: Option<u8>,
    /// The number that is released next.
    pub(super) head: u64,
    /// One past the highest number that exists, or may exist.
    pub(super) high: u64,
    /// How often a packet came that was later than all before.
    pub(super) advances: u32,
    /// The value of `advances` when the first packet was missed that is not declared lost yet.
    pub(super) undeclared: Option<u32>,
    scratch: Option<u16>,
    other: usize,
    lent: Option<(u16, u16)>,
    ended: Option<Ended>,
    tail_counted: bool,
    /// Packets that were given up and are not reported yet.
    owed: u64,
    finished: bool,
    pub(super) last_arrival: Instant,
    /// Numbers below this are given up to catch up with the stream.
    skip_to: u64,
    /// LocationId of the packet that came out last.
    released: Option<u32>,
    overrun_since: Option<Instant>,
    pub(super) resend: bool,
    pub(super) pool: Pool,
    pub(super) trip: RoundTrip,
    /// When the rows must be looked at again.
    pub(super) next_look: Instant,
    pub(super) unanswered: u32,
    pub(super) answered: bool,
    pub(super) statistics: Statistics,
    quality: Quality,
    run: u64,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Receiver<B> {
    /// A receiver that has no slots before [`open`](Self::open).
    #[must_use]
    pub fn new(storage: B, config: Config) -> Self {
        Self {
            window: Window::new(storage),
            counter: Counter::default(),
            packet_size: 0,
            start: None,
            previous: None,
            head: 0,
            high: 0,
            advances: 0,
            undeclared: None,
            scratch: None,
            other: 0,
            lent: None,
            ended: None,
            tail_counted: false,
            owed: 0,
            finished: false,
            last_arrival: Instant::ZERO,
            skip_to: 0,
            released: None,
            overrun_since: None,
            resend: true,
            pool: Pool::new(&config),
            trip: RoundTrip::new(&config),
            next_look: Instant::MAX,
            unanswered: 0,
            answered: false,
            statistics: Statistics::default(),
            quality: Quality::default(),
            run: 0,
            config,
        }
    }

    /// Bytes of storage for so many slots of packets of this size. A stream of `r` packets in a second wants
    /// `r` slots for each second of [`Config::patience`].
    #[must_use]
    pub const fn storage_for(slots: usize, packet_size: u16) -> usize {
        Window::<B>::bytes_for(slots, slot_len(packet_size))
    }

    /// The content has packets of this size at most. What was held before is dropped; counters go on.
    ///
    /// # Errors
    /// `Limit` if the storage has no room for eight slots of this size.
    pub fn open(&mut self, packet_size: u16) -> Result<(), Error> {
        self.forget();
        self.start = None;
        self.packet_size = usize::from(packet_size);
        self.window.lay_out(slot_len(packet_size))?;
        self.scratch = self.window.take();
        Ok(())
    }

    /// Gives the storage back.
    #[must_use]
    pub fn into_storage(self) -> B {
        self.window.into_storage()
    }

    /// Whether missing packets may be asked for; without a Client-ID (section 2.2.4.6) they cannot be.
    pub fn set_resend(&mut self, resend: bool) {
        self.resend = resend;
    }

    /// The round trip as measured elsewhere, for instance between StartPlaying and its reply.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        if self.trip.smoothed().is_none() {
            self.trip.sample(round_trip);
        }
    }

    /// The round trip, once it was measured.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.trip.smoothed()
    }

    /// Counters for the Logging message.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let worst = self.statistics.min_reception_quality.min(self.quality.percent());
        Statistics { min_reception_quality: worst, ..self.statistics }
    }

    // ---- commands

    /// A Start message leaves: packets of its incarnation are wanted from now on, all others are not.
    pub fn start(&mut self, start: Start) {
        self.stop();
        self.start = Some(start);
        self.counter.start(start.ordered);
        self.finished = false;
    }

    /// Nothing is wanted any more; what is held is dropped, and its absence is no loss.
    pub fn stop(&mut self) {
        if let Some(start) = self.start.take() {
            self.previous = Some(start.incarnation);
            self.counter.stop();
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.window.clear();
        self.scratch = self.window.take();
        self.other = 0;
        self.lent = None;
        self.ended = None;
        self.tail_counted = false;
        self.owed = 0;
        self.head = self.counter.next;
        self.high = self.counter.next;
        self.undeclared = None;
        self.skip_to = 0;
        self.released = None;
        self.overrun_since = None;
        self.next_look = Instant::MAX;
        self.run = 0;
    }

    /// ReportEndOfStream came. The end is held back until the tail came or was given up: until the packet
    /// with
    /// `last_location`, where the caller knows it (section 2.2.4.7), else until nothing came for a while.
    pub fn end_of_stream(&mut self, now: Instant, last_location: Option<u32>) {
        let Some(start) = self.start else { return };
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(Ended { at: now, last_location: last_location.filter(|_| start.ordered) });
        if let (false, Some(first), Some(_)) = (self.counter.anchored, start.first_location, last_location) {
            self.counter.assume(first);
            self.head = self.counter.next;
            self.high = self.head;
        }
        self.extend_tail(now);
    }

    // ---- datagrams in

    /// Whether [`space`](Self::space) has a slot. If not, [`poll`](Self::poll) frees one: that is the
    /// back-pressure.
    #[must_use]
    pub fn has_space(&self) -> bool {
        self.scratch.is_some() || (!self.is_held_back() && self.highest_held().is_some())
    }

    /// A slot for the next datagram; `None` if all are full of packets that can be taken out.
    pub fn space(&mut self) -> Option<&mut [u8]> {
        self.other = 0;
        if self.scratch.is_none() && !self.is_held_back() {
            // All slots wait behind a hole. What fills the hole must find room, so the latest packet makes
            // way.
            let (sequence, row) = self.highest_held()?;
            self.scratch = Some(row.slot);
            let since = self.last_arrival;
            let missing = Row { state: State::Missing, declared: true, requests: 0, since, ..row };
            self.window.set(sequence, &missing);
            self.pool.pay_in(self.config.tenths_per_loss);
            self.statistics.packets_received = self.statistics.packets_received.saturating_sub(1);
            bump(&mut self.statistics.no_room);
            self.next_look = Instant::ZERO;
        }
        self.scratch.map(|slot| self.window.slot_mut(slot))
    }

    /// Whether the application holds things back: the next packet in order is there.
    fn is_held_back(&self) -> bool {
        self.head < self.high && self.window.row(self.head).state == State::Held
    }

    fn highest_held(&self) -> Option<(u64, Row)> {
        let end = self.high.min(self.head.saturating_add(self.window.span()));
        let rows = (self.head..end).rev().map(|sequence| (sequence, self.window.row(sequence)));
        rows.into_iter().find(|(_, row)| row.state == State::Held)
    }

    /// A datagram of `len` bytes was received into the [`space`](Self::space).
    ///
    /// # Errors
    /// `ApiMisuse` if there was no space, or less.
    pub fn filled(&mut self, now: Instant, len: usize) -> Result<Arrival, Error> {
        let slot = self.scratch.ok_or(Error::ApiMisuse(Misuse::TooManyBytes))?;
        let datagram = self.window.slot(slot).get(..len).ok_or(Error::ApiMisuse(Misuse::TooManyBytes))?;
        let Some(header) = Data::decode(datagram).ok().and_then(|data| data.header()) else {
            bump(&mut self.statistics.foreign);
            return Ok(Arrival::Foreign);
        };
        match self.start {
            Some(start) if start.incarnation == header.play_incarnation => {
                let payload = header.payload_len();
                if payload == 0 || payload > self.packet_size {
                    bump(&mut self.statistics.foreign);
                    return Ok(Arrival::Foreign);
                }
                Ok(self.media(now, start, slot, header))
            }
            _ => {
                if self.previous == Some(header.play_incarnation) {
                    self.counter.follow(header.af_flags);
                }
                bump(&mut self.statistics.stale);
                self.other = len;
                Ok(Arrival::Other(header))
            }
        }
    }

    /// The Data packet of [`Arrival::Other`].
    #[must_use]
    pub fn other(&self) -> Option<Data<'_>> {
        let slot = self.scratch.filter(|_| self.other > 0)?;
        Data::decode(self.window.slot(slot).get(..self.other)?).ok()
    }

    fn media(&mut self, now: Instant, start: Start, slot: u16, header: DataHeader) -> Arrival {
        if self.finished || self.tail_counted {
            bump(&mut self.statistics.duplicates);
            return Arrival::Duplicate;
        }
        let sequence = match self.number(now, start, header) {
            Ok(sequence) => sequence,
            Err(arrival) => return arrival,
        };
        if sequence < self.head {
            bump(&mut self.statistics.duplicates);
            return Arrival::Duplicate;
        }
        self.last_arrival = now;
        if sequence >= self.counter.next {
            self.advance(now, sequence);
        }
        self.counter.accept(sequence, header.location_id);
        let arrival = if sequence >= self.end_of_window() {
            self.overrun(now, sequence);
            Arrival::NoRoom
        } else {
            self.store(now, sequence, slot, header)
        };
        self.extend_tail(now);
        arrival
    }

    /// The number of a packet, or what else the packet is.
    fn number(&mut self, now: Instant, start: Start, header: DataHeader) -> Result<u64, Arrival> {
        let DataHeader { location_id, af_flags, .. } = header;
        if !self.counter.anchored || self.counter.is_wrong(af_flags, location_id) {
            // nothing is held yet
            self.empty_rows();
            let lead = self.counter.anchor(af_flags, location_id, start.first_location);
            let half = self.window.span() >> 1;
            let missing = if lead.certain { lead.missing } else { lead.missing.min(half) };
            self.head = lead.sequence.saturating_sub(missing);
            self.high = self.head;
            self.notice(now, lead.sequence, !lead.certain);
            // what the window cannot hold besides the packets that follow is too late
            self.skip_to = lead.sequence.saturating_sub(half);
            return Ok(lead.sequence);
        }
        let sequence = match self.counter.spot(af_flags, location_id) {
            Spot::At(sequence) => sequence,
            Spot::UpTo(sequence) => self.behind(sequence, location_id).ok_or_else(|| {
                bump(&mut self.statistics.duplicates);
                Arrival::Duplicate
            })?,
        };
        if sequence >= self.counter.next.saturating_add(MAX_JUMP) {
            bump(&mut self.statistics.foreign);
            return Err(Arrival::Foreign);
        }
        Ok(sequence)
    }

    /// Among the numbers `sequence`, `sequence` - 256 and so on, the one between whose neighbours a packet
    /// with this LocationId lies.
    fn behind(&self, mut sequence: u64, location_id: u32) -> Option<u64> {
        if self.released.is_some_and(|released| location_id <= released) {
            return None;
        }
        let high = self.high.min(self.end_of_window());
        while sequence >= self.head {
            let row = self.window.row(sequence);
            if row.state == State::Held && row.location_id == location_id {
                return Some(sequence);
            }
            if sequence < high && row.state == State::Missing {
                let held = |sequence: &u64| self.window.row(*sequence).state == State::Held;
                let below = (self.head..sequence).rev().find(held);
                let above = (sequence.saturating_add(1)..high).find(held);
                let location = |sequence: u64| self.window.row(sequence).location_id;
                if below.is_none_or(|below| location(below) < location_id)
                    && above.is_none_or(|above| location(above) > location_id)
                {
                    return Some(sequence);
                }
            }
            sequence = sequence.checked_sub(0x100)?;
        }
        None
    }

    /// A packet came that is later than all before; those between are missing.
    fn advance(&mut self, now: Instant, sequence: u64) {
        // numbers that were given up as a tail that perhaps did not exist: it did
        let passed = self.head.min(sequence).saturating_sub(self.counter.next);
        self.owed = self.owed.saturating_add(passed);
        self.advances = self.advances.wrapping_add(1);
        // a tail that was waited for: only from now on a later packet shows that it is late
        for passed in self.counter.next.max(self.head)..sequence.min(self.high).min(self.end_of_window()) {
            let row = self.window.row(passed);
            self.window.set(passed, &Row { advance: self.advances, ..row });
            self.undeclared = Some(self.undeclared.unwrap_or(self.advances));
        }
        self.notice(now, sequence, false);
        self.high = self.high.max(sequence.saturating_add(1));
        let later = self.undeclared.map_or(0, |first| self.advances.wrapping_sub(first));
        if later.saturating_add(1) >= self.config.reorder_packets {
            self.next_look = self.next_look.min(now);
        }
    }

    /// Numbers up to `to` exist, or may exist.
    fn notice(&mut self, now: Instant, to: u64, suspected: bool) {
        let from = self.high.max(self.head);
        self.high = self.high.max(to);
        self.miss(now, from..to.min(self.end_of_window()), suspected);
    }

    fn miss(&mut self, now: Instant, numbers: core::ops::Range<u64>, suspected: bool) {
        for sequence in numbers {
            let row = self.window.row(sequence);
            let suspected = suspected || sequence >= self.counter.next;
            if row.state == State::Empty {
                let advance = self.advances;
                let missing = Row { state: State::Missing, suspected, advance, since: now, ..row };
                self.window.set(sequence, &missing);
                self.undeclared.get_or_insert(advance);
                self.next_look = self.next_look.min(now.after(self.config.reorder_time));
            }
        }
    }

    /// Forgets what the window says; no packet is held.
    fn empty_rows(&mut self) {
        for sequence in self.head..self.end_of_window() {
            self.window.set(sequence, &Row::default());
        }
    }

    fn end_of_window(&self) -> u64 {
        self.head.saturating_add(self.window.span())
    }

    /// A packet is beyond the window. If that lasts, what is oldest is given up to catch up with the stream.
    fn overrun(&mut self, now: Instant, sequence: u64) {
        bump(&mut self.statistics.no_room);
        let since = *self.overrun_since.get_or_insert(now);
        if now.since(since) >= self.config.patience {
            self.skip_to = sequence.saturating_add(1);
            self.overrun_since = None;
        }
    }

    fn store(&mut self, now: Instant, sequence: u64, slot: u16, header: DataHeader) -> Arrival {
        let row = self.window.row(sequence);
        if row.state == State::Held {
            bump(&mut self.statistics.duplicates);
            if row.requests > 0 {
                bump(&mut self.statistics.packets_resent);
            }
            return Arrival::Duplicate;
        }
        if row.requests > 0 {
            bump(&mut self.statistics.packets_lost_net);
            bump(&mut self.statistics.packets_recovered_resent);
            bump(&mut self.statistics.packets_resent);
            self.answered = true;
            self.counter.keep_offset();
            if row.requests == 1 {
                self.trip.sample(now.since(row.asked));
            } else {
                self.trip.ambiguous();
            }
        } else if row.declared {
            // it was only late, and nobody had to ask for it
            self.pool.take_back(self.config.tenths_per_loss);
        }
        let DataHeader { location_id, packet_size: len, .. } = header;
        self.window.set(sequence, &Row { state: State::Held, slot, len, location_id, ..row });
        bump(&mut self.statistics.packets_received);
        let bytes = u64::try_from(header.payload_len()).unwrap_or(u64::MAX);
        self.statistics.bytes_received = self.statistics.bytes_received.saturating_add(bytes);
        self.scratch = self.window.take();
        self.overrun_since = None;
        Arrival::Media
    }

    /// Behind ReportEndOfStream: how many packets may still be missing at the end.
    fn extend_tail(&mut self, now: Instant) {
        let last = self.ended.and_then(|ended| ended.last_location);
        if let (true, Some(last)) = (self.counter.anchored, last) {
            let rest = self.behind_the_last(last);
            self.notice(now, self.counter.next.saturating_add(rest.min(TAIL)), true);
        }
    }

    /// Packets of the file behind the last one that came.
    fn behind_the_last(&self, last_location: u32) -> u64 {
        u64::from(last_location).saturating_add(1).saturating_sub(u64::from(self.counter.next_location))
    }

    // ---- packets out

    /// Takes what is next in order, and frees what was lent before.
    pub fn poll(&mut self, now: Instant) -> Option<Released> {
        if let Some((slot, _)) = self.lent.take() {
            if self.scratch.is_none() {
                self.scratch = Some(slot);
            } else {
                self.window.give(slot);
            }
        }
        if self.finished || self.start.is_none() {
            return None;
        }
        let count = self.give_up(now);
        if count > 0 {
            self.lose(now, count);
            return Some(Released::Missing { count });
        }
        if self.head >= self.high {
            return self.end(now);
        }
        let row = self.window.row(self.head);
        if row.state != State::Held {
            return None;
        }
        let recovered = row.requests > 0;
        self.run = if recovered { self.run.saturating_add(1) } else { 0 };
        self.count(now, 1, 0);
        self.lent = Some((row.slot, row.len));
        self.released = Some(row.location_id);
        self.step(now);
        Some(Released::Packet { recovered })
    }

    /// The packet of [`Released::Packet`].
    #[must_use]
    pub fn packet(&self) -> Option<Data<'_>> {
        Data::decode(self.datagram()?).ok()
    }

    /// The same with its head.
    #[must_use]
    pub fn datagram(&self) -> Option<&[u8]> {
        let (slot, len) = self.lent?;
        self.window.slot(slot).get(..usize::from(len))
    }

    /// Gives up missing packets at the front whose time has passed, and returns how many are known to exist.
    fn give_up(&mut self, now: Instant) -> u64 {
        let mut count = core::mem::take(&mut self.owed);
        let mut steps = 0_u64;
        while self.head < self.high {
            let row = self.window.row(self.head);
            let over = self.head < self.skip_to || now >= self.deadline(self.head, &row);
            if row.state == State::Held || !over {
                break;
            }
            if steps >= self.window.span() {
                // every row was given up, so all up to here is missing
                let to = self.skip_to.min(self.high).max(self.head);
                count = count.saturating_add(to.saturating_sub(self.head));
                self.head = to;
                self.empty_rows();
                self.miss(now, to..self.high.min(self.end_of_window()), false);
                break;
            }
            if !row.suspected || self.is_proven(self.head) {
                count = count.saturating_add(1);
            }
            self.step(now);
            steps = steps.saturating_add(1);
        }
        count
    }

    /// Whether a packet exists that was only suspected: later ones of the same play-out came.
    fn is_proven(&self, sequence: u64) -> bool {
        sequence >= self.counter.first && sequence < self.counter.next
    }

    /// When a missing packet is given up.
    fn deadline(&self, sequence: u64, row: &Row) -> Instant {
        if row.state == State::Empty {
            return Instant::ZERO;
        }
        let patience = if self.resend { self.config.patience } else { self.config.reorder_time };
        let deadline = row.since.after(patience);
        let doubtful = row.suspected && !self.is_proven(sequence);
        let tail = sequence >= self.counter.next && self.counter.is_lockstep();
        if doubtful && !tail && row.requests >= SUSPECT_REQUESTS {
            deadline.min(row.asked.after(self.trip.spacing()))
        } else {
            deadline
        }
    }

    /// The front moves on by one number, and one enters the window.
    fn step(&mut self, now: Instant) {
        self.window.set(self.head, &Row::default());
        let entering = self.end_of_window();
        self.head = self.head.saturating_add(1);
        if entering < self.high {
            self.miss(now, entering..entering.saturating_add(1), false);
        }
    }

    fn lose(&mut self, now: Instant, count: u64) {
        let add = |counter: &mut u64| *counter = counter.saturating_add(count);
        add(&mut self.statistics.packets_lost_net);
        add(&mut self.statistics.packets_lost_client);
        add(&mut self.run);
        self.count(now, 0, count);
    }

    fn count(&mut self, now: Instant, came: u64, lost: u64) {
        let longest = self.statistics.packets_lost_cont_net.max(self.run);
        self.statistics.packets_lost_cont_net = longest;
        let worst = self.statistics.min_reception_quality;
        self.statistics.min_reception_quality = self.quality.count(now, came, lost, worst);
    }

    /// All that can come is out: is the stream over?
    fn end(&mut self, now: Instant) -> Option<Released> {
        let ended = self.ended?;
        let rest = match ended.last_location {
            Some(last) if self.counter.anchored => Some(self.behind_the_last(last)),
            _ => None,
        };
        if rest != Some(0) && now < self.quiet_at(ended) {
            return None;
        }
        if let Some(count @ 1..) = rest
            && self.counter.is_lockstep()
            && !self.tail_counted
        {
            self.tail_counted = true;
            self.lose(now, count);
            return Some(Released::Missing { count });
        }
        self.finished = true;
        Some(Released::EndOfStream)
    }

    fn quiet_at(&self, ended: Ended) -> Instant {
        self.last_arrival.max(ended.at).after(self.config.silence)
    }

    /// When [`poll`](Self::poll) or [`poll_resend`](Self::poll_resend) has something to do without a
    /// datagram.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        if self.finished || self.start.is_none() {
            return Instant::MAX;
        }
        let look = if self.resend { self.next_look } else { Instant::MAX };
        if self.head < self.high {
            let row = self.window.row(self.head);
            return match row.state {
                State::Held => look,
                _ if self.head < self.skip_to => Instant::ZERO,
                _ => look.min(self.deadline(self.head, &row)),
            };
        }
        self.ended.map_or(look, |ended| look.min(self.quiet_at(ended)))
    }
}

const fn slot_len(packet_size: u16) -> usize {
    let datagram = (packet_size as usize).saturating_add(DataHeader::LEN);
    if datagram > PACKET_PAIR_LEN { datagram } else { PACKET_PAIR_LEN }
}
