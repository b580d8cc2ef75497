//! An accepted connection, from its first byte to its last.

use core::net::SocketAddr;

use super::config::Config;
use super::queue::SendQueue;
use super::report::{Outcome, Report, Transport};
use super::staged::{Staged, send_time, staged_packet};
use super::udp::Udp;
use super::wish::{Ask, Opened, Refusal, Ticket, Wish};
use crate::buffer::Buffer;
use crate::error::{Bug, Error, LimitName, Misuse, Reason, TimerName};
use crate::hresult::Hresult;
use crate::mmsp;
use crate::mmsp::server::{MediaWish, Order, Session};
use crate::mmsp::wire::{ClientLog, Subscriber, TcpMessageHeader};
use crate::selection::Selection;
use crate::time::Instant;
use crate::timer::Timers;

/// Room that the largest reply needs in the send storage.
const LARGEST_REPLY: usize = 1056;
/// Work of one step, so that one client cannot keep its host busy.
const ROUNDS: usize = 64;
/// Bytes that decide about the protocol.
const SNIFF_BYTES: usize = 8;
/// Batches of a hasty play are so many times as large.
const HASTY: u32 = 2;

/// Storage of a connection, from the host.
#[derive(Clone, Debug)]
pub struct Storage<B> {
    /// For received bytes: at least [`Connection::RECEIVE_BYTES`]; it can be replaced when a larger message
    /// comes.
    pub receive: B,
    /// For replies: at least [`Connection::SEND_BYTES`].
    pub send: B,
}

/// What the host knows when it accepts.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// The client's address.
    pub peer: SocketAddr,
    /// Unpredictable bytes: identities that clients must prove are made of them.
    pub random: [u8; 16],
}

/// What the host does next. A plain value that borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "an adapter must not overlook a step")]
pub enum Step {
    /// [`Connection::event`] lends something to look at, until the next step.
    Event,
    /// The receive storage is too small for the message under way: [`Connection::replace_storage`] with at
    /// least so many bytes.
    Storage {
        /// Bytes needed.
        needed: usize,
    },
    /// Hand out wishes, then wait until the socket is ready or the moment has come.
    Wait {
        /// Whether received bytes are wanted.
        read: bool,
        /// Whether bytes wait to be written.
        write: bool,
        /// When to step again at the latest.
        until: Instant,
    },
    /// The connection is over; close the socket.
    Done,
}

/// Something that the host may want to know.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "an event is lent for one look, and without alloc there is no box"
)]
pub enum Event<'a> {
    /// The client named itself.
    Connected {
        /// How.
        subscriber: Subscriber,
    },
    /// The client says what it received.
    ClientLog(ClientLog<'a>),
}

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each connection, and without alloc there is no box"
)]
pub(super) enum Protocol {
    Unknown,
    Mms(Session),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) ticket: u32,
    pub(super) what: MediaWish,
    pub(super) handed_out: bool,
}

/// One accepted connection without its socket. `B` is storage, `H` the host's handle of packets in memory,
/// `N` the number of messages and packets that may wait to be written.
#[derive(Debug)]
pub struct Connection<B, H, const N: usize = 32> {
    pub(super) config: Config,
    random: [u8; 16],
    pub(super) peer: SocketAddr,
    pub(super) protocol: Protocol,
    pub(super) udp_allowed: bool,
    pub(super) udp: Option<Udp<B, H>>,
    receive: Buffer<B>,
    control: Buffer<B>,
    pub(super) queue: SendQueue<H, N>,
    timers: Timers<3>,
    needed: usize,
    event: Option<(mmsp::server::Located, usize)>,
    announced: bool,
    pub(super) asked: Option<Asked>,
    next_ticket: u32,
    pub(super) staged: Option<Staged<H>>,
    pub(super) next: Option<Staged<H>>,
    pub(super) packet_size: u32,
    end_of_input: bool,
    blocked: bool,
    /// the host has no packet behind the staged ones
    pub(super) no_more: bool,
    /// Media was sent faster than the host delivered it.
    pub(super) hasty: bool,
    /// rewinding: the packets of a key frame are under way
    pub(super) in_run: bool,
    /// when the end of the stream may be told that has come
    pub(super) end_at: Instant,
    pub(super) report: Report,
}

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    /// Least receive storage.
    pub const RECEIVE_BYTES: usize = 2048;
    /// Least send storage: the three packet-pair replies go out together.
    pub const SEND_BYTES: usize = 2304;

    /// A connection that was just accepted.
    ///
    /// # Errors
    /// `ApiMisuse` if the storage is smaller than the least sizes.
    pub fn new(config: Config, storage: Storage<B>, accepted: Accepted, now: Instant) -> Result<Self, Error> {
        let receive = Buffer::new(storage.receive);
        let control = Buffer::new(storage.send);
        if receive.capacity() < Self::RECEIVE_BYTES || control.capacity() < Self::SEND_BYTES || N < 4 {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        let mut timers = Timers::new([TimerName::Sniff, TimerName::Stall, TimerName::ShutDown]);
        timers.start(TimerName::Sniff, now, config.sniff_timeout);
        Ok(Self {
            config,
            random: accepted.random,
            peer: accepted.peer,
            protocol: Protocol::Unknown,
            udp_allowed: false,
            udp: None,
            receive,
            control,
            queue: SendQueue::new(),
            timers,
            needed: SNIFF_BYTES,
            event: None,
            announced: false,
            asked: None,
            next_ticket: 0,
            staged: None,
            next: None,
            packet_size: 0,
            end_of_input: false,
            blocked: false,
            no_more: false,
            hasty: false,
            in_run: false,
            end_at: Instant::MAX,
            report: Report {
                transport: Transport::None,
                packets: 0,
                started_at: None,
                completed: false,
                outcome: Outcome::Open,
            },
        })
    }

    // ---- the loop

    /// Does what can be done without the host and says what the host does next. Bounded work.
    pub fn step(&mut self, now: Instant) -> Step {
        self.release_event();
        for _ in 0..ROUNDS {
            if self.is_over() {
                return Step::Done;
            }
            if let Err(error) = self.timeouts(now) {
                self.fail(error);
                continue;
            }
            let moved = match self.advance(now) {
                Ok(moved) => moved,
                Err(error) => {
                    self.fail(error);
                    continue;
                }
            };
            if self.event.is_some() {
                self.announced = true;
                return Step::Event;
            }
            if !moved {
                return if self.is_over() { Step::Done } else { self.wait(now) };
            }
        }
        Step::Wait { read: false, write: !self.queue.is_empty(), until: now }
    }

    /// What [`Step::Event`] announced, as often as wanted until the next step.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        let (event, _) = self.event.as_ref()?;
        match event.lend(self.receive.data())? {
            mmsp::server::Event::Connected { subscriber } => Some(Event::Connected { subscriber }),
            mmsp::server::Event::Log(log) => Some(Event::ClientLog(log)),
        }
    }

    /// Bytes may be received into this space, if [`Step::Wait`] wants to read.
    pub fn space(&mut self) -> &mut [u8] {
        if self.event.is_some() { &mut [] } else { self.receive.space(self.needed) }
    }

    /// `count` bytes were received into the space.
    pub fn filled(&mut self, count: usize) {
        if let Err(error) = self.receive.filled(count) {
            self.fail(error);
        }
    }

    /// The client closed its side.
    pub fn end_of_stream(&mut self) {
        self.end_of_input = true;
    }

    /// The network failed. After the session has ended this is no error: a client may close with bytes on
    /// their way to it.
    pub fn connection_failed(&mut self) {
        self.forget_output();
        match &self.protocol {
            Protocol::Mms(session) if session.has_ended() => {}
            _ => self.fail(Error::ConnectionFailed),
        }
    }

    /// The host's guard saw the connection make no progress.
    pub fn no_progress(&mut self) {
        self.fail(Error::Bug(Bug::NoProgress));
    }

    /// Fills `slices` with what waits to be written and returns how many are used.
    pub fn pending<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        self.queue.slices(self.control.data(), slices)
    }

    /// `count` of the pending bytes were written.
    pub fn written(&mut self, now: Instant, count: usize) {
        if count == 0 {
            return;
        }
        let finished = self.queue.written(count);
        if finished.surplus > 0 {
            self.fail(Error::ApiMisuse(Misuse::TooManyBytes));
            return;
        }
        self.control.consume(finished.control_bytes);
        self.report.packets = self.report.packets.saturating_add(u64::from(finished.packets));
        self.timers.stop(TimerName::Stall);
        self.watch_stall(now);
    }

    /// Takes larger storage for received bytes, or smaller when little is received; gives the old one back.
    /// Storage that is too small comes back unused.
    pub fn replace_storage(&mut self, receive: B) -> B {
        if receive.as_ref().len() < Self::RECEIVE_BYTES { receive } else { self.receive.replace(receive) }
    }

    /// Ends the connection in order: a stream ends with NS_E_SHUTDOWN, then it closes.
    pub fn shut_down(&mut self, now: Instant) {
        if self.report.outcome != Outcome::Open {
            return;
        }
        self.report.outcome = Outcome::ShutDown;
        self.timers.start(TimerName::ShutDown, now, self.config.shut_down_timeout);
        if let Protocol::Mms(session) = &mut self.protocol {
            session.shut_down();
        }
    }

    /// The streams that the client wants, once it speaks a known protocol.
    #[must_use]
    pub fn selection(&self) -> Option<Selection> {
        match &self.protocol {
            Protocol::Mms(session) => Some(session.selection()),
            Protocol::Unknown => None,
        }
    }

    /// What the connection did so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report
    }

    // ---- wishes

    /// A wish that was not handed out yet. Answer it with its ticket, now or later.
    pub fn next_wish(&mut self) -> Option<Wish<'_>> {
        let Protocol::Mms(session) = &self.protocol else { return None };
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.handed_out) else {
            return self.udp.as_mut()?.next_wish();
        };
        asked.handed_out = true;
        // what is sent faster than it is read is read in larger pieces: each costs a way to a thread and back
        let batch_bytes = self.config.batch_bytes.saturating_mul(if self.hasty { HASTY } else { 1 });
        let ask = match asked.what {
            MediaWish::Open => Ask::Open { name: session.name(self.receive.data())? },
            MediaWish::Header { offset, .. } => Ask::Header { offset, max_bytes: batch_bytes },
            MediaWish::Locate { time } => Ask::Locate { time, selection: session.selection() },
            MediaWish::Packets { from, order } => Ask::Packets {
                from,
                max_bytes: batch_bytes.max(self.packet_size),
                selection: session.selection(),
                order,
            },
        };
        Some(Wish { ticket: Ticket(asked.ticket), ask })
    }

    /// The host allows the name. `false`: the wish was withdrawn.
    pub fn opened(&mut self, ticket: Ticket, content: Opened) -> bool {
        if !self.answered(ticket, |what| *what == MediaWish::Open) {
            return false;
        }
        let Protocol::Mms(session) = &mut self.protocol else { return false };
        self.packet_size = content.packet_size;
        match session.opened(content) {
            Ok(consumed) => self.receive.consume(consumed),
            Err(error) => self.fail(error),
        }
        true
    }

    /// The host refuses the name. `false`: the wish was withdrawn.
    pub fn refused(&mut self, ticket: Ticket, refusal: Refusal) -> bool {
        if !self.answered(ticket, |what| *what == MediaWish::Open) {
            return false;
        }
        let Protocol::Mms(session) = &mut self.protocol else { return false };
        match session.refused(refusal.0) {
            Ok(consumed) => self.receive.consume(consumed),
            Err(error) => self.fail(error),
        }
        true
    }

    /// Header bytes from the offset that was asked for, as many as the host likes to give, at least one.
    /// `false`: the wish was withdrawn.
    pub fn header(&mut self, ticket: Ticket, bytes: H) -> bool {
        let Some(Asked { what: MediaWish::Header { offset, .. }, .. }) = self.asked else { return false };
        if !self.answered(ticket, |what| matches!(what, MediaWish::Header { .. })) {
            return false;
        }
        if bytes.as_ref().is_empty() {
            self.fail(Error::ApiMisuse(Misuse::OutOfRange));
        } else {
            self.stage(Staged { handle: bytes, first: offset });
        }
        true
    }

    /// Whole packets, the first of which has the number `first`: the one that was asked for, or a later one
    /// if those between hold nothing for this client; then there may be none at all. When rewinding, an
    /// earlier one. `false`: the wish was withdrawn.
    pub fn packets(&mut self, ticket: Ticket, first: u32, packets: H) -> bool {
        let mut staged = Staged { handle: packets, first };
        if let Some(udp) = &mut self.udp {
            match udp.answered(ticket, Some(staged)) {
                Err(Some(other)) => staged = other,
                _ => return true,
            }
        }
        let Some(Asked { what: MediaWish::Packets { from, .. }, .. }) = self.asked else { return false };
        if !self.answered(ticket, |what| matches!(what, MediaWish::Packets { .. })) {
            return false;
        }
        if staged.handle.as_ref().is_empty() && first <= from {
            self.fail(Error::ApiMisuse(Misuse::OutOfRange));
        } else {
            self.stage(staged);
        }
        true
    }

    /// No packet follows what was delivered. `false`: the wish was withdrawn.
    pub fn ended(&mut self, ticket: Ticket) -> bool {
        if self.udp.as_mut().is_some_and(|udp| udp.answered(ticket, None).is_ok()) {
            return true;
        }
        let answered = self.answered(ticket, |what| matches!(what, MediaWish::Packets { .. }));
        self.no_more |= answered;
        answered
    }

    /// The packet of a time. `false`: the wish was withdrawn.
    pub fn located(&mut self, ticket: Ticket, packet: u32) -> bool {
        if !self.answered(ticket, |what| matches!(what, MediaWish::Locate { .. })) {
            return false;
        }
        let Protocol::Mms(session) = &mut self.protocol else { return false };
        if let Err(error) = session.located(packet) {
            self.fail(error);
        }
        true
    }

    /// The host cannot give what was asked for. `false`: the wish was withdrawn.
    pub fn failed(&mut self, now: Instant, ticket: Ticket, hr: Hresult) -> bool {
        if self.udp.as_mut().is_some_and(|udp| udp.answered(ticket, None).is_ok()) {
            return true;
        }
        if self.asked.is_some_and(|asked| asked.what == MediaWish::Open) {
            return self.refused(ticket, Refusal(hr));
        }
        if !self.answered(ticket, |_| true) {
            return false;
        }
        if let Protocol::Mms(session) = &mut self.protocol {
            session.content_failed(now, hr);
        }
        true
    }

    fn answered(&mut self, ticket: Ticket, fits: impl FnOnce(&MediaWish) -> bool) -> bool {
        match self.asked {
            Some(Asked { ticket: raised, what, .. }) if raised == ticket.0 && fits(&what) => {
                self.asked = None;
                true
            }
            _ => false,
        }
    }

    fn stage(&mut self, staged: Staged<H>) {
        if self.staged.is_none() {
            self.staged = Some(staged);
        } else {
            self.next = Some(staged);
        }
    }

    // ---- one round

    fn advance(&mut self, now: Instant) -> Result<bool, Error> {
        let mut moved = self.sniff(now)?;
        moved |= self.input(now)?;
        moved |= self.output(now)?;
        moved |= self.media(now)?;
        self.ask();
        self.watch_stall(now);
        Ok(moved)
    }

    fn sniff(&mut self, now: Instant) -> Result<bool, Error> {
        if !matches!(self.protocol, Protocol::Unknown) {
            return Ok(false);
        }
        let Some(prefix) = self.receive.data().first_chunk::<SNIFF_BYTES>() else {
            if self.end_of_input {
                self.finish(Outcome::Closed);
            }
            return Ok(false);
        };
        let [_, _, _, _, a, b, c, d] = *prefix;
        if u32::from_le_bytes([a, b, c, d]) != TcpMessageHeader::SESSION_ID {
            return Err(Error::InvalidMessage { reason: Reason::SessionId, offset: 4 });
        }
        self.timers.stop(TimerName::Sniff);
        self.report.transport = Transport::MmsTcp;
        let mut session = Session::new(self.config.mms.clone(), self.random, now);
        if self.udp_allowed {
            session.enable_udp();
        }
        self.protocol = Protocol::Mms(session);
        Ok(true)
    }

    fn input(&mut self, now: Instant) -> Result<bool, Error> {
        let Protocol::Mms(session) = &mut self.protocol else { return Ok(false) };
        if self.event.is_some() {
            return Ok(false);
        }
        let handled = session.locate(now, self.receive.data())?;
        self.blocked = handled.needed == 0 && handled.consumed == 0;
        self.needed = handled.needed;
        let datagrams = session.client_port().is_some();
        self.report.transport = if datagrams { Transport::MmsUdp } else { Transport::MmsTcp };
        if let Some(event) = handled.event {
            self.event = Some((event, handled.consumed));
            return Ok(true);
        }
        self.receive.consume(handled.consumed);
        if handled.consumed == 0 && self.end_of_input && !session.has_ended() {
            session.handle_eof();
            // nobody is there to read it
            self.forget_output();
            return Ok(true);
        }
        Ok(handled.consumed > 0)
    }

    fn output(&mut self, now: Instant) -> Result<bool, Error> {
        let Protocol::Mms(session) = &mut self.protocol else { return Ok(false) };
        let mut moved = session.take_discard();
        if moved {
            let unsent = self.udp.as_mut().map_or(0, Udp::discard);
            session.give_back(self.queue.discard_packets().saturating_add(unsent));
            self.staged = None;
            self.next = None;
            self.asked = None;
            self.no_more = false;
            self.hasty = false;
            self.in_run = false;
        }
        // the packet pair goes ahead of the report on ReadBlock
        let waits = self.udp.as_ref().is_some_and(|udp| session.owes_pair() || udp.holds_pair());
        while !waits && !self.queue.is_full() {
            let out = self.control.space(LARGEST_REPLY);
            if out.len() < LARGEST_REPLY && !self.queue.is_empty() {
                break;
            }
            let Ok(reply) = session.poll_transmit(now, out) else {
                return Err(Error::Bug(Bug::ReplyRoom));
            };
            let Some(len) = reply else { break };
            self.control.filled(len)?;
            self.queue.push_control(len, session.one_reply_per_write());
            moved = true;
        }
        Ok(moved)
    }

    /// Raises the wish that fits the state, or withdraws one that does not fit any more.
    fn ask(&mut self) {
        let Protocol::Mms(session) = &self.protocol else { return };
        let mut wish =
            if session.name(self.receive.data()).is_some() { Some(MediaWish::Open) } else { session.wish() };
        match wish {
            Some(MediaWish::Header { .. }) if self.staged.is_some() => wish = None,
            Some(MediaWish::Packets { from, order }) => {
                let from = self.staged_end(order).unwrap_or(from);
                let backward = order == Order::KeyFramesBackward;
                let more = !self.no_more && if backward { from > 0 } else { session.has_packet(from) };
                let want = more && self.next.is_none() && self.queue.len_is_low();
                wish = want.then_some(MediaWish::Packets { from, order });
            }
            _ => {}
        }
        match (wish, self.asked) {
            (Some(what), Some(asked)) if same_wish(what, asked.what) => {}
            (Some(what), _) => {
                self.next_ticket = self.next_ticket.wrapping_add(1);
                self.asked = Some(Asked { ticket: self.next_ticket, what, handed_out: false });
            }
            (None, Some(asked)) if !session.wants(asked.what) => self.asked = None,
            (None, _) => {}
        }
        if let Some(udp) = &mut self.udp {
            udp.ask(&mut self.next_ticket);
        }
    }

    /// The packet behind those that are staged, in the order of the stream.
    fn staged_end(&self, order: Order) -> Option<u32> {
        let last = self.next.as_ref().or(self.staged.as_ref())?;
        if order == Order::KeyFramesBackward {
            return Some(last.first);
        }
        let bytes = u32::try_from(last.handle.as_ref().len()).ok()?;
        // a packet alone may be shorter than the packet size
        let packets =
            bytes.saturating_add(self.packet_size).saturating_sub(1).checked_div(self.packet_size)?;
        Some(last.first.saturating_add(packets))
    }

    fn wait(&mut self, now: Instant) -> Step {
        let capacity = self.receive.capacity();
        if self.needed > capacity && !self.blocked {
            let limit = usize::try_from(self.config.mms.command_bytes).unwrap_or(usize::MAX);
            if self.needed > limit {
                let error = Error::limit(
                    LimitName::StorageBytes,
                    u64::try_from(self.needed).unwrap_or(u64::MAX),
                    u64::try_from(limit).unwrap_or(u64::MAX),
                );
                self.fail(error);
                return Step::Done;
            }
            if self.receive.room() == 0 {
                // grow with what has come, not with what was announced
                return Step::Storage { needed: self.needed.min(capacity.saturating_mul(2)) };
            }
        }
        let mut until = self.timers.next();
        if let Protocol::Mms(session) = &self.protocol {
            until = until.min(session.poll_timeout()).min(self.next_due(session));
            until = self.udp.as_ref().map_or(until, |udp| until.min(udp.free_at(now))).min(self.end_at);
        }
        Step::Wait {
            read: !self.end_of_input && self.receive.room() > 0,
            write: !self.queue.is_empty(),
            until,
        }
    }

    fn next_due(&self, session: &Session) -> Instant {
        // media waits behind replies that have no room before the client reads
        let datagrams = session.client_port().is_some();
        let waits = datagrams && self.udp.as_ref().is_none_or(|udp| !udp.is_free());
        if session.wants_transmit() || waits {
            return Instant::MAX;
        }
        let (Some(staged), Some(MediaWish::Packets { from, .. }), false) =
            (&self.staged, session.wish(), self.queue.is_full())
        else {
            return Instant::MAX;
        };
        staged_packet(staged, from, self.packet_size)
            .map_or(Instant::MAX, |(_, packet)| session.due(send_time(packet)))
    }

    // ---- ends

    fn timeouts(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(name) = self.timers.expired(now) {
            return Err(Error::TimedOut(name));
        }
        if let Protocol::Mms(session) = &mut self.protocol
            && session.poll_timeout() <= now
        {
            session.handle_timeout(now, !self.queue.is_empty())?;
        }
        Ok(())
    }

    fn watch_stall(&mut self, now: Instant) {
        if self.queue.is_empty() {
            self.timers.stop(TimerName::Stall);
        } else if !self.timers.is_running(TimerName::Stall) {
            self.timers.start(TimerName::Stall, now, self.config.stall_timeout);
        }
    }

    fn is_over(&mut self) -> bool {
        match &self.protocol {
            Protocol::Unknown => self.report.outcome != Outcome::Open,
            Protocol::Mms(session) => {
                if session.is_closed() {
                    let outcome = session.error().map_or(Outcome::Closed, Outcome::Failed);
                    self.finish(outcome);
                }
                matches!(self.report.outcome, Outcome::Failed(error) if !is_gentle(error))
                    || (self.is_closed() && self.queue.is_empty())
            }
        }
    }

    fn is_closed(&self) -> bool {
        matches!(&self.protocol, Protocol::Mms(session) if session.is_closed())
    }

    fn forget_output(&mut self) {
        self.queue.clear();
        self.control.clear();
    }

    fn finish(&mut self, outcome: Outcome) {
        if self.report.outcome == Outcome::Open {
            self.report.outcome = outcome;
        }
    }

    pub(super) fn fail(&mut self, error: Error) {
        if !matches!(self.report.outcome, Outcome::Failed(_)) {
            self.report.outcome = Outcome::Failed(error);
        }
    }

    fn release_event(&mut self) {
        if core::mem::take(&mut self.announced)
            && let Some((_, consumed)) = self.event.take()
        {
            self.receive.consume(consumed);
        }
    }
}

/// Errors after which the replies that are queued still go out.
fn is_gentle(error: Error) -> bool {
    matches!(error, Error::ContentFailed(_))
}

fn same_wish(a: MediaWish, b: MediaWish) -> bool {
    match (a, b) {
        // the length is only a hint
        (MediaWish::Header { offset: a, .. }, MediaWish::Header { offset: b, .. }) => a == b,
        (a, b) => a == b,
    }
}
