//! An accepted connection, from its first byte to its last.

use core::net::SocketAddr;

use super::config::Config;
use super::http::{self, Http};
use super::protocol::{Protocol, Want};
use super::queue::SendQueue;
use super::report::{Outcome, Report, Transport};
use super::staged::Staged;
use super::udp::Udp;
use crate::buffer::Buffer;
use crate::error::{Bug, Error, Misuse, TimerName};
use crate::mmsp;
use crate::mmsp::wire::{ClientLog, Subscriber};
use crate::selection::Selection;
use crate::time::Instant;
use crate::timer::Timers;

/// Work of one step, so that one client cannot keep its host busy.
const ROUNDS: usize = 64;
/// Bytes that decide about the protocol.
pub(super) const SNIFF_BYTES: usize = 8;

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
    /// The client's first request over HTTP was read.
    #[cfg(feature = "http")]
    Agent {
        /// What it calls itself; `Other` for any that does not speak the protocol.
        product: crate::wmsp::wire::Product,
    },
    /// A part of what a client said over HTTP about what it received: a W3C line, XML, or the body of SendEvent.
    #[cfg(feature = "http")]
    LogPart {
        /// Which of the three.
        kind: crate::wmsp::server::RequestKind,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether it is complete with them.
        last: bool,
    },
}

/// An event whose bytes lie in the receive storage.
#[derive(Clone, Debug)]
pub(super) enum Located {
    Mms(mmsp::server::Located),
    Http(http::Located),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) ticket: u32,
    pub(super) what: Want,
    pub(super) handed_out: bool,
}

/// One accepted connection without its socket. `B` is storage, `H` the host's handle of packets in memory,
/// `N` the number of messages and packets that may wait to be written.
#[derive(Debug)]
pub struct Connection<B, H, const N: usize = 32> {
    pub(super) config: Config,
    pub(super) random: [u8; 16],
    pub(super) peer: SocketAddr,
    pub(super) protocol: Protocol,
    pub(super) udp_allowed: bool,
    pub(super) http_allowed: bool,
    /// the server is full, and the client is told so
    pub(super) turned_away: bool,
    pub(super) udp: Option<Udp<B, H>>,
    pub(super) receive: Buffer<B>,
    pub(super) control: Buffer<B>,
    pub(super) queue: SendQueue<H, N>,
    pub(super) timers: Timers<3>,
    pub(super) needed: usize,
    pub(super) event: Option<(Located, usize)>,
    announced: bool,
    pub(super) asked: Option<Asked>,
    pub(super) next_ticket: u32,
    pub(super) staged: Option<Staged<H>>,
    pub(super) next: Option<Staged<H>>,
    pub(super) packet_size: u32,
    pub(super) end_of_input: bool,
    pub(super) blocked: bool,
    /// the host has no packet behind the staged ones
    pub(super) no_more: bool,
    /// Datagrams were sent faster than the host delivered packets.
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
            http_allowed: false,
            turned_away: false,
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
                bytes: 0,
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
        let input = self.receive.data();
        Some(match event {
            Located::Mms(event) => match event.lend(input)? {
                mmsp::server::Event::Connected { subscriber } => Event::Connected { subscriber },
                mmsp::server::Event::Log(log) => Event::ClientLog(log),
            },
            Located::Http(event) => http::event(event, input),
        })
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
    /// their way to it. Nor is it over HTTP, where closing is how a client stops.
    pub fn connection_failed(&mut self) {
        self.forget_output();
        match &mut self.protocol {
            Protocol::Mms(session) if session.has_ended() => session.handle_eof(),
            Protocol::Http(_) => self.finish(Outcome::Closed),
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
        self.report.bytes = self.report.bytes.saturating_add(finished.file_bytes);
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
        self.protocol.shut_down();
    }

    /// The streams that the client wants, once it speaks a known protocol.
    #[must_use]
    pub fn selection(&self) -> Option<Selection> {
        self.protocol.selection()
    }

    /// What the connection did so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report
    }

    // ---- ends

    fn timeouts(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(name) = self.timers.expired(now) {
            return self.late(now, name);
        }
        match &mut self.protocol {
            Protocol::Mms(session) if session.poll_timeout() <= now => {
                session.handle_timeout(now, !self.queue.is_empty())?;
            }
            Protocol::Http(Http { session }) if session.poll_timeout() <= now => session.handle_timeout(now),
            _ => {}
        }
        Ok(())
    }

    /// A client whose request line does not come is answered as one whose head does not.
    fn late(&mut self, now: Instant, name: TimerName) -> Result<(), Error> {
        let begun = self.receive.data().first().is_some_and(u8::is_ascii_alphabetic);
        if name != TimerName::Sniff || !begun || !self.http_allowed || self.turned_away {
            return Err(Error::TimedOut(name));
        }
        self.begin_http(now).time_out();
        Ok(())
    }

    pub(super) fn watch_stall(&mut self, now: Instant) {
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
            // what the client did wrong is answered before the end
            Protocol::Http(Http { session }) => {
                if session.is_closed() && self.queue.is_empty() {
                    let outcome = session.error().map_or(Outcome::Closed, Outcome::Failed);
                    self.finish(outcome);
                    return true;
                }
                matches!(self.report.outcome, Outcome::Failed(_) | Outcome::Closed)
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.protocol.is_closed()
    }

    pub(super) fn forget_output(&mut self) {
        self.queue.clear();
        self.control.clear();
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
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
