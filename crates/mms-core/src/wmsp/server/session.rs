//! All transitions of the server.

mod answers;
#[cfg(test)]
pub(crate) mod explored;
mod media;

use core::ops::Range;
use core::time::Duration;

use super::config::{Config, Content, Location, Media};
use super::media::{Cursor, FrameBytes, HeaderProgress, begin};
use super::reply::Reply;
use super::request::{Exchange, RequestKind};
use super::table::{Answer, Orders, Request};
use crate::error::{BufferTooSmall, DecodeError, Error, LimitName, Misuse, TimerName};
use crate::hresult::Hresult;
use crate::mmsp::client::Handled;
use crate::selection::Selection;
use crate::time::Instant;
use crate::timer::Timers;
use crate::wmsp::wire::{
    BodyLen, Chunk, Chunked, ContentRange, ContentType, Decimal, Description, DescriptionType, EntryFeatures,
    FrameHead, HeadScanner, HeadStep, MetadataText, PacketId, Pair, Product, Status, Supported, Token,
    encode_text, text_len, utf8_prefix,
};

/// States of a connection, in the order of one request.
#[derive(Clone, Debug)]
enum State {
    /// A head is awaited or under way.
    Head,
    /// The head is there; what it says is told first.
    Read,
    /// The body of a request comes.
    Body { left: BodyLeft, seen: u64 },
    /// The host decides about the name, which stays in the input.
    Opening,
    /// The table decides.
    Asking,
    /// The response head waits to be encoded; then comes its body.
    Replying { then: Then },
    /// `$H`, or a bare header for a client of plain HTTP.
    Header { progress: HeaderProgress, framed: bool, plays: bool },
    /// The host looks for the packet of a time.
    Locating { time: Duration },
    /// `$D`, or bare packets.
    Streaming { framed: bool },
    /// `$E` waits to be encoded.
    Ending { reason: Hresult },
    /// A part of a file or text.
    Bytes { from: u64, to: u64 },
    /// The response is over; what follows depends on the connection.
    Over,
    /// A refused client may finish what it sends.
    Lingering,
    /// Everything is said; what is queued still goes out.
    Closed,
}

#[derive(Clone, Debug)]
enum BodyLeft {
    Exact(u64),
    Chunked(Chunked),
}

/// What follows a response head.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Nothing,
    Header { framed: bool, plays: bool },
    Bytes { from: u64, to: u64 },
    Linger,
}

/// What a session reports to its host.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The first request was read.
    Connected {
        /// What the client calls itself; `Other` for any that does not speak the protocol.
        agent: Product,
    },
    /// A part of what the client logged or reported: a W3C line, XML, or the body of SendEvent.
    LogPart {
        /// Which of the three.
        kind: RequestKind,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether the log is complete with it.
        last: bool,
    },
}

/// An event whose bytes are a range of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Located {
    Connected { agent: Product },
    LogPart { kind: RequestKind, bytes: Range<usize>, last: bool },
}

impl Located {
    pub(crate) fn lend<'a>(&self, input: &'a [u8]) -> Event<'a> {
        match self {
            Self::Connected { agent } => Event::Connected { agent: *agent },
            Self::LogPart { kind, bytes, last } => Event::LogPart {
                kind: *kind,
                bytes: input.get(bytes.clone()).unwrap_or_default(),
                last: *last,
            },
        }
    }
}

/// What a session asks of its host. A wish stays raised until it is answered or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaWish {
    /// What is under the name that [`Session::name`] lends? Answer: [`Session::opened`] or
    /// [`Session::refused`].
    Open,
    /// [`Table::attend`](super::Table::attend) shall be called.
    Session,
    /// Bytes of the ASF header from `offset` on, at most `len`.
    Header {
        /// Offset of the first byte.
        offset: u32,
        /// Most bytes.
        len: u32,
    },
    /// Which packet belongs to this time? Answer: [`Session::located`].
    Locate {
        /// Time of the content.
        time: Duration,
    },
    /// Packets from this one on.
    Packets {
        /// Number of the first packet.
        from: u32,
    },
    /// Bytes of the file or text.
    Bytes {
        /// Offset of the first byte.
        from: u64,
        /// Offset behind the last byte.
        to: u64,
    },
}

/// One connection of the HTTP server. It knows no socket, no file and no clock.
///
/// [`Error::ApiMisuse`] apart, an error ends the connection; the reply that tells the client goes out before.
#[derive(Clone, Debug)]
pub struct Session {
    config: Config,
    state: State,
    scanner: HeadScanner,
    exchange: Exchange,
    introduced: bool,
    /// bytes of the head that are still in the input
    head_in_input: usize,
    reply: Option<Reply>,
    content: Option<Content>,
    client_id: Option<u32>,
    fresh: u64,
    asked_at: Instant,
    later: Instant,
    orders: Option<Orders>,
    selection: Selection,
    cursor: Cursor,
    discard: bool,
    requests: u32,
    received: bool,
    timers: Timers<3>,
    position: u64,
    failed: Option<Error>,
    completed: bool,
    /// the server is full
    turned_away: bool,
}

impl Session {
    /// A session on an accepted connection. `random` must be unpredictable: client-ids are made of it.
    #[must_use]
    pub fn new(config: Config, random: [u8; 16], now: Instant) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = random;
        let mut timers = Timers::new([TimerName::Handshake, TimerName::IdleTimeout, TimerName::Linger]);
        timers.start(TimerName::Handshake, now, config.head_timeout);
        Self {
            state: State::Head,
            scanner: HeadScanner::new(config.head),
            exchange: Exchange::unknown(),
            introduced: false,
            head_in_input: 0,
            reply: None,
            content: None,
            client_id: None,
            // any odd number starts the generator well
            fresh: u64::from_le_bytes([a, b, c, d, e, f, g, h]) | 1,
            asked_at: now,
            later: Instant::MAX,
            orders: None,
            selection: Selection::ALL,
            cursor: Cursor::new(&config, 0),
            discard: false,
            requests: 0,
            received: false,
            timers,
            position: 0,
            failed: None,
            completed: false,
            turned_away: false,
            config,
        }
    }

    // ---- getters

    /// Whether nothing more will be said; what is queued still has to go out.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether media is being sent.
    #[must_use]
    #[inline]
    pub fn is_streaming(&self) -> bool {
        matches!(self.state, State::Streaming { .. } | State::Locating { .. })
    }

    /// The streams that the client wants.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.selection
    }

    /// The name of the client's session, once there is one.
    #[must_use]
    pub fn client_id(&self) -> Option<u32> {
        self.client_id
    }

    /// Whether a stream was sent to its end.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.completed
    }

    /// The error that ended the session.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.failed
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `Instant::MAX` for never.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        self.timers.next()
    }

    /// When the table wants to be asked again, if a request waits for a stream to end.
    #[must_use]
    #[inline]
    pub fn poll_table(&self) -> Option<Instant> {
        matches!(self.state, State::Asking).then_some(self.later)
    }

    /// What the host is asked for now.
    #[must_use]
    #[inline]
    pub fn wish(&self) -> Option<MediaWish> {
        match (&self.state, self.media()) {
            (State::Opening, _) => Some(MediaWish::Open),
            (State::Asking, _) => Some(MediaWish::Session),
            (State::Header { progress, .. }, Some(media)) => {
                let len = media.header_len.saturating_sub(progress.offset);
                Some(MediaWish::Header { offset: progress.offset, len })
            }
            (State::Locating { time }, _) => Some(MediaWish::Locate { time: *time }),
            (State::Streaming { .. }, _) if self.has_more() => {
                Some(MediaWish::Packets { from: self.cursor.packet })
            }
            (State::Bytes { from, to }, _) => Some(MediaWish::Bytes { from: *from, to: *to }),
            _ => None,
        }
    }

    /// Whether a wish that was raised still fits the state.
    #[must_use]
    pub fn wants(&self, wish: MediaWish) -> bool {
        match (wish, &self.state) {
            (MediaWish::Open, State::Opening)
            | (MediaWish::Session, State::Asking)
            | (MediaWish::Header { .. }, State::Header { .. })
            | (MediaWish::Bytes { .. }, State::Bytes { .. })
            | (MediaWish::Packets { .. }, State::Streaming { .. }) => true,
            (MediaWish::Locate { time: asked }, State::Locating { time }) => asked == *time,
            _ => false,
        }
    }

    /// The name that is asked for as the client wrote it, percent-encoded and with its query, without the leading
    /// slash; `input` is the input that [`handle_input`](Self::handle_input) left unconsumed.
    #[must_use]
    pub fn name<'a>(&self, input: &'a [u8]) -> Option<&'a str> {
        let range = matches!(self.state, State::Opening).then(|| self.exchange.name.clone())?;
        input.get(range).map(utf8_prefix)
    }

    /// The value of the Authorization field of the request for that name, for
    /// [`Credentials::decode`](crate::wmsp::wire::Credentials::decode).
    #[must_use]
    pub fn authorization<'a>(&self, input: &'a [u8]) -> Option<&'a str> {
        let range = self.exchange.authorization.clone().filter(|_| matches!(self.state, State::Opening))?;
        input.get(range).map(utf8_prefix)
    }

    /// The value of the Host field of the request for that name: the address that the client used.
    #[must_use]
    pub fn host<'a>(&self, input: &'a [u8]) -> Option<&'a str> {
        let range = self.exchange.host.clone().filter(|_| matches!(self.state, State::Opening))?;
        input.get(range).map(utf8_prefix)
    }

    /// What the client of the request under way calls itself.
    #[must_use]
    pub fn agent(&self) -> Product {
        self.exchange.agent
    }

    // ---- input

    /// Handles at most one head, or one part of a body. Input stays unconsumed, with `needed` 0, while a
    /// response is under way.
    ///
    /// # Errors
    /// `ConnectionFailed` after the end. What the client did wrong is answered, and told by
    /// [`error`](Self::error).
    pub fn handle_input<'b>(&mut self, now: Instant, input: &'b [u8]) -> Result<Handled<Event<'b>>, Error> {
        let Handled { consumed, needed, event } = self.locate(now, input)?;
        Ok(Handled { consumed, needed, event: event.map(|event| event.lend(input)) })
    }

    pub(crate) fn locate(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        let handled = self.locate_inner(now, input);
        let consumed = u64::try_from(handled.consumed).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(consumed);
        Ok(handled)
    }

    fn locate_inner(&mut self, now: Instant, input: &[u8]) -> Handled<Located> {
        if self.head_in_input > 0 && !matches!(self.state, State::Read | State::Opening) {
            let consumed = core::mem::take(&mut self.head_in_input);
            return done(consumed, None);
        }
        if matches!(self.state, State::Over) {
            self.next_request(now);
        }
        match &self.state {
            State::Head => self.head(now, input),
            State::Read => self.read(now),
            State::Body { .. } => self.body(now, input),
            // on the connection of a stream nothing is said but the end (section 1.3)
            State::Streaming { .. } | State::Locating { .. } | State::Header { plays: true, .. } => {
                done(input.len(), None)
            }
            State::Ending { .. } | State::Lingering | State::Closed => done(input.len(), None),
            _ => done(0, None),
        }
    }

    fn head(&mut self, now: Instant, input: &[u8]) -> Handled<Located> {
        if !input.is_empty() && !self.received {
            self.received = true;
            self.timers.stop(TimerName::IdleTimeout);
            self.timers.start(TimerName::Handshake, now, self.config.head_timeout);
        }
        let total = match self.scanner.next(input) {
            Ok(HeadStep::Incomplete { needed }) => return Handled { consumed: 0, needed, event: None },
            Ok(HeadStep::Complete { total }) => total,
            Err(error) => {
                self.refuse(error.status(), error.at(self.position));
                return done(input.len(), None);
            }
        };
        self.requests = self.requests.saturating_add(1);
        match Exchange::read(input.get(..total).unwrap_or_default(), &self.config) {
            Ok(exchange) if self.turned_away => {
                self.exchange = exchange;
                self.refuse_full();
                done(total, None)
            }
            Ok(exchange) => {
                self.exchange = exchange;
                self.exchange.keep_alive &= self.requests < self.config.requests;
                self.head_in_input = total;
                self.state = State::Read;
                self.read(now)
            }
            Err(status) => {
                let error = DecodeError::new(crate::error::Reason::HttpHead, 0);
                self.refuse(status, Error::invalid(error, self.position));
                done(total, None)
            }
        }
    }

    /// The head is told in events, then its request goes on.
    fn read(&mut self, now: Instant) -> Handled<Located> {
        if !core::mem::replace(&mut self.introduced, true) {
            return done(0, Some(Located::Connected { agent: self.exchange.agent }));
        }
        let kind = self.exchange.kind;
        if let (Some(bytes), RequestKind::Log) = (self.exchange.log_line.take(), kind) {
            return done(0, Some(Located::LogPart { kind, bytes, last: true }));
        }
        let left = match self.exchange.body {
            BodyLen::Exact(len) if len > 0 => BodyLeft::Exact(len),
            BodyLen::Chunked => BodyLeft::Chunked(Chunked::new()),
            _ => {
                self.timers.stop(TimerName::Handshake);
                self.asked_at = now;
                if self.exchange.needs_content() {
                    self.state = State::Opening;
                    return done(0, None);
                }
                self.state = State::Asking;
                return done(core::mem::take(&mut self.head_in_input), None);
            }
        };
        self.state = State::Body { left, seen: 0 };
        done(core::mem::take(&mut self.head_in_input), None)
    }

    fn body(&mut self, now: Instant, input: &[u8]) -> Handled<Located> {
        let State::Body { left, seen } = &mut self.state else { return done(0, None) };
        let (consumed, bytes, last) = match left {
            BodyLeft::Exact(left) => {
                let count = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                (count, 0..count, *left == 0)
            }
            BodyLeft::Chunked(chunked) => match chunked.next(input) {
                Ok(Chunk::Framing(count)) => (count, 0..0, false),
                Ok(Chunk::Content(count)) => (count, 0..count, false),
                Ok(Chunk::End(count)) => (count, 0..0, true),
                Err(error) => {
                    self.refuse(Status::BAD_REQUEST, Error::invalid(error, self.position));
                    return done(input.len(), None);
                }
            },
        };
        *seen = seen.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let (seen, allowed) = (*seen, u64::from(self.config.body_bytes));
        if seen > allowed {
            self.refuse(Status::PAYLOAD_TOO_LARGE, Error::limit(LimitName::BodyBytes, seen, allowed));
            return done(input.len(), None);
        }
        if last {
            self.timers.stop(TimerName::Handshake);
            self.asked_at = now;
            self.state = State::Asking;
        } else if consumed == 0 {
            return Handled { consumed: 0, needed: 1, event: None };
        }
        let kind = self.exchange.kind;
        let told = matches!(kind, RequestKind::Log | RequestKind::SendEvent) && (last || !bytes.is_empty());
        done(consumed, told.then_some(Located::LogPart { kind, bytes, last }))
    }

    /// The client closed its side. A stream ends with it; the answer to a request that was read still goes out.
    /// Returns whether anything changed.
    pub fn handle_eof(&mut self) -> bool {
        match self.state {
            State::Closed => false,
            State::Head | State::Read | State::Body { .. } | State::Over | State::Lingering => {
                self.close();
                true
            }
            _ if self.exchange.kind == RequestKind::Play => {
                self.close();
                true
            }
            _ => core::mem::replace(&mut self.exchange.keep_alive, false),
        }
    }

    /// A timer fired, if its time has come: slow requests are answered with 408 (S13).
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.timers.expired(now) {
            Some(TimerName::Handshake) if self.received => {
                self.refuse(Status::REQUEST_TIMEOUT, Error::TimedOut(TimerName::Handshake));
            }
            Some(TimerName::Handshake) => {
                self.failed = Some(Error::TimedOut(TimerName::Handshake));
                self.close();
            }
            Some(_) => self.close(),
            None => {}
        }
    }

    /// A request was begun before there was a session, and took too long.
    pub(crate) fn refuse_late(&mut self) {
        self.refuse(Status::REQUEST_TIMEOUT, Error::TimedOut(TimerName::Handshake));
    }

    /// The server is full: the first request is answered with 503, whatever it asks for.
    pub(crate) fn turn_away(&mut self) {
        self.turned_away = true;
    }

    // ---- output

    /// Encodes the next response head or `$E` into `out` and returns its length; `None` if there is nothing to
    /// send now.
    ///
    /// # Errors
    /// If `out` is too small; nothing is lost and nothing changes.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Result<Option<usize>, BufferTooSmall> {
        match self.state {
            State::Replying { then } => {
                let Some(reply) = self.reply else { return Ok(None) };
                let len = self.encode(&reply, then, out)?;
                self.reply = None;
                self.follow(now, then);
                Ok(Some(len))
            }
            State::Ending { reason } => {
                let frame = FrameBytes::of(&FrameHead::reason(PacketId::END_OF_STREAM, reason));
                let bytes = frame.as_slice();
                let needed = bytes.len();
                out.get_mut(..needed).ok_or(BufferTooSmall { needed })?.copy_from_slice(bytes);
                // without chunks only the close ends the body
                self.state = State::Closed;
                Ok(Some(needed))
            }
            _ => Ok(None),
        }
    }

    fn encode(&self, reply: &Reply, then: Then, out: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let metadata = match then {
            Then::Header { framed: true, .. } if !self.exchange.head_only => self.metadata(),
            _ => None,
        };
        let Some(metadata) = metadata else { return encode_text(reply, out) };
        let payload = text_len(&metadata);
        let Some(frame) = FrameHead::data(PacketId::METADATA, 0, 0, 0x0C, payload) else {
            return encode_text(reply, out);
        };
        let head = text_len(reply);
        let needed = head.saturating_add(FrameHead::MAX_LEN).saturating_add(payload);
        let room = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let (reply_room, rest) = room.split_at_mut_checked(head).ok_or(BufferTooSmall { needed })?;
        let (frame_room, text_room) =
            rest.split_at_mut_checked(FrameHead::MAX_LEN).ok_or(BufferTooSmall { needed })?;
        encode_text(reply, reply_room)?;
        frame_room.copy_from_slice(&frame.encode());
        encode_text(&metadata, text_room)?;
        Ok(needed)
    }

    fn follow(&mut self, now: Instant, then: Then) {
        let head_only = self.exchange.head_only;
        match then {
            Then::Linger => {
                self.timers.start(TimerName::Linger, now, self.config.linger);
                self.state = State::Lingering;
            }
            Then::Bytes { from, to } if from < to && !head_only => self.state = State::Bytes { from, to },
            Then::Header { framed, plays } if !head_only => {
                self.state = State::Header { progress: HeaderProgress::START, framed, plays };
            }
            _ => self.over(),
        }
    }

    /// The response is over, and with it the connection unless it is kept.
    fn over(&mut self) {
        let kept = self.exchange.keep_alive && self.failed.is_none();
        self.state = if kept { State::Over } else { State::Closed };
    }

    fn next_request(&mut self, now: Instant) {
        self.state = State::Head;
        self.received = false;
        self.content = None;
        self.timers.start(TimerName::IdleTimeout, now, self.config.idle_timeout);
    }

    // ---- helpers

    fn refuse(&mut self, status: Status, error: Error) {
        self.failed = Some(error);
        self.exchange = Exchange { version: self.exchange.version, ..Exchange::unknown() };
        self.refuse_with(status, None);
        self.state = State::Replying { then: Then::Linger };
    }

    fn refuse_with(&mut self, status: Status, realm: Option<&'static str>) {
        let mut reply = self.new_reply(status);
        reply.realm = realm;
        reply.allow = status == Status::METHOD_NOT_ALLOWED;
        self.exchange.keep_alive = reply.keep_alive;
        self.answer_with(reply, Then::Nothing);
    }

    /// A body that follows is let in, so that the answer is not lost by a reset.
    fn refuse_full(&mut self) {
        self.exchange.keep_alive = false;
        self.refuse_with(Status::SERVICE_UNAVAILABLE, None);
        if !matches!(self.exchange.body, BodyLen::Unstated | BodyLen::Exact(0)) {
            self.state = State::Replying { then: Then::Linger };
        }
    }

    fn new_reply(&self, status: Status) -> Reply {
        let mut reply = Reply::new(self.exchange.version, status, self.config.product);
        reply.tokens = self.exchange.is_streaming_client();
        reply.keep_alive = self.exchange.keep_alive && self.failed.is_none();
        reply
    }

    fn answer_with(&mut self, reply: Reply, then: Then) {
        self.timers.stop(TimerName::Handshake);
        self.reply = Some(reply);
        self.state = State::Replying { then };
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.timers.stop_all();
    }
}

fn done(consumed: usize, event: Option<Located>) -> Handled<Located> {
    Handled { consumed, needed: 0, event }
}
