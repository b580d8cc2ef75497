//! All transitions of the client.

mod body;
#[cfg(test)]
pub(crate) mod explored;
mod file;
mod frames;

use core::fmt::Write as _;
use core::time::Duration;

use super::config::{Config, Target};
use super::event::{Event, Located};
use super::link::{Body, ConnectionId, ConnectionWish, Link, Socket};
use super::request::{Common, Guid, Request, What};
use crate::asf::{HeaderError, HeaderSummary, HeaderWalker, PacketHead};
use crate::error::{BufferTooSmall, Error, Incompatible, LimitName, Misbehaviour, Misuse, TimerName};
use crate::hresult::Hresult;
use crate::mmsp::client::{
    AuthenticationScheme, Content, Handled, Play, Position, RedirectKind, Statistics, Until,
};
use crate::mmsp::wire::{DataHeader, FileAttributes};
use crate::selection::Thinning;
use crate::text::Fixed;
use crate::time::Instant;
use crate::timer::Timers;
use crate::wmsp::wire::{
    BodyLen, Challenges, ClientLog, Deframer, EntryFeatures, Frame, FrameError, FrameHead, FrameLimits,
    HeadStep, Metadata, PacketId, Pragma, Product, ProductName, ResponseHead, Status, Supported, SwitchEntry,
    encode_text, same, value_range,
};
use file::FileCut;
use frames::{attributes, done, frame_limits, incomplete};

/// Short requests that can wait.
const SHORT: usize = 4;
/// Events without bytes that can wait.
const EVENTS: usize = 4;

/// States in the order of the protocol (section 3.1.1; the steps of INIT are ours).
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Describe is wanted or on its way; with frames, the header is read.
    Describing,
    Ready,
    /// Play is wanted or on its way; its own copy of the header may come.
    Playing,
    Streaming,
    /// Another entry follows; `$C` was seen, and its header is announced.
    EntryChange {
        changed: bool,
        announced: bool,
    },
    /// The answer is a plain file.
    File,
    /// The answer is a text.
    Text,
    /// Everything is said but what short connections carry.
    Closing,
    Closed,
}

/// What the body of the response on the streaming connection is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Unknown,
    Frames,
    File,
    Text,
}

/// A request for the short connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Short {
    Log(Logged),
    KeepAlive,
    Select,
}

/// What a log says, as it was when playing ended.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Logged {
    start: Duration,
    played: Duration,
    rate: i16,
    statistics: Statistics,
}

/// A client session of MMS over HTTP. It knows no socket: it says which connections it wants
/// ([`poll_connection`](Self::poll_connection)), bytes come in by [`handle_input`](Self::handle_input), requests
/// go out by [`poll_transmit`](Self::poll_transmit).
///
/// Every error but [`Error::ApiMisuse`] and [`Error::PeerIncompatible`] of a command ends the session.
#[derive(Clone, Debug)]
pub struct Session {
    config: Config,
    state: State,
    streaming: Link,
    short: Link,
    form: Form,
    deframer: Deframer,
    requests: [Option<Short>; SHORT],
    short_deadline: Instant,
    events: [Option<Event<'static>>; EVENTS],
    timers: Timers<3>,
    connected: bool,
    /// the answer to Describe is taken for the stream, which has to show in packets
    adopted: bool,
    authorize: bool,
    server: Product,
    supported: Supported,
    client_id: Option<u32>,
    playlist_gen_id: Option<u32>,
    keep_alive_interval: Option<Duration>,
    features: EntryFeatures,
    content: Option<Content>,
    walker: HeaderWalker,
    header_received: u64,
    /// the copy of the header that Play sends
    copy: HeaderWalker,
    offset: u64,
    file: FileCut,
    play: Play,
    last_packet: Option<u32>,
    first_send_time: Option<u32>,
    last_send_time: Option<u32>,
    wanted_packet: Option<u32>,
    /// packets come that lie before the one that is wanted
    early: bool,
    statistics: Statistics,
    failed: Option<Error>,
}

impl Session {
    /// A session that is about to speak; it wants a streaming connection for Describe.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut streaming = Link::new(config.head);
        streaming.open();
        let limits = frame_limits(&config, None);
        Self {
            state: State::Describing,
            streaming,
            short: Link::new(config.head),
            form: Form::Unknown,
            deframer: Deframer::new(limits),
            requests: [None; SHORT],
            short_deadline: Instant::MAX,
            events: [None; EVENTS],
            timers: Timers::new([TimerName::Reply, TimerName::Silence, TimerName::KeepAlive]),
            connected: false,
            adopted: false,
            authorize: false,
            server: Product::new(ProductName::Other, [0; 4]),
            supported: Supported::ASSUMED_OF_SERVER,
            client_id: None,
            playlist_gen_id: None,
            keep_alive_interval: None,
            features: EntryFeatures::empty(),
            content: None,
            walker: HeaderWalker::new(config.header),
            header_received: 0,
            copy: HeaderWalker::new(config.header),
            offset: 0,
            file: FileCut::new(),
            play: Play::default(),
            last_packet: None,
            first_send_time: None,
            last_send_time: None,
            wanted_packet: None,
            early: false,
            statistics: Statistics::default(),
            failed: None,
            config,
        }
    }

    // ---- getters

    /// Whether the header is there and nothing plays.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether media is under way or asked for.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        matches!(self.state, State::Playing | State::Streaming | State::EntryChange { .. } | State::File)
    }

    /// Whether all is said; the connections can be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether the session is over, although a log may still be on its way.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
    }

    /// Whether what was received waits for a wish to play: a file behind its header, or a stream that began with the
    /// answer to Describe. The end of the connection means nothing until then, if bytes are `left`.
    #[must_use]
    pub fn is_waiting(&self, left: bool) -> bool {
        let stream = self.state == State::Ready && self.form == Form::Frames && self.streaming.is_live();
        self.is_file_waiting() || stream && left
    }

    /// What was last asked to be played.
    #[must_use]
    pub fn last_play(&self) -> &Play {
        &self.play
    }

    /// The content, once it is open.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// The ASF header, once it is complete.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderSummary> {
        self.walker.summary()
    }

    /// The walker over the header, which knows some places before the header is complete.
    #[must_use]
    pub fn walker(&self) -> &HeaderWalker {
        &self.walker
    }

    /// What was received.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The session's name with the server, once it has one.
    #[must_use]
    pub fn client_id(&self) -> Option<u32> {
        self.client_id
    }

    /// The error that ended the session.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.failed
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called; `Instant::MAX` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.timers.next().min(self.short_deadline)
    }

    // ---- commands

    /// Plays (section 3.1.4.3): at once when ready; while streaming, on a new connection. Behind the header of
    /// another entry it only says which streams are wanted.
    ///
    /// # Errors
    /// `ApiMisuse` before the header is there, after the end, or for a rate outside -5.0 to 5.0;
    /// `PeerIncompatible` if the content cannot do it. The session goes on.
    pub fn play(&mut self, play: Play) -> Result<(), Error> {
        self.check_play(&play)?;
        if self.is_file_waiting() {
            return self.play_file(play);
        }
        match self.state {
            State::Ready => {}
            State::Playing | State::Streaming => self.enqueue_log(),
            _ => return Err(Error::ApiMisuse(Misuse::WrongState)),
        }
        self.early = false;
        self.wanted_packet = match play.from {
            Position::Packet(number) if number > 0 && self.is_stored() => Some(number),
            _ => None,
        };
        self.play = play;
        self.timers.stop_all();
        let is_live = self.state == State::Ready && self.streaming.is_live();
        if is_live && play.from == Position::Beginning && play.rate.is_none() && self.has_no_choice() {
            self.adopted = true;
            self.state = State::Streaming;
            self.report(Event::Started);
            return Ok(());
        }
        self.play_anew();
        Ok(())
    }

    /// Whether all streams of the header are wanted: a stream that nobody asked for has them all.
    fn has_no_choice(&self) -> bool {
        let mut streams = self.walker.summary().into_iter().flat_map(|summary| summary.streams.iter());
        streams.all(|stream| self.play.selection.level(u16::from(stream.number)) == Thinning::Full)
    }

    fn play_anew(&mut self) {
        self.adopted = false;
        self.state = State::Playing;
        self.copy = HeaderWalker::new(self.config.header);
        self.form = Form::Unknown;
        self.streaming.open();
    }

    /// Seeks: plays the same streams from another position.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn seek(&mut self, from: Position) -> Result<(), Error> {
        self.play(Play { from, rate: None, ..self.play })
    }

    /// Stops by closing the streaming connection; [`Event::Stopped`] follows.
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn stop(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Playing | State::Streaming | State::EntryChange { .. }) {
            return Err(Error::ApiMisuse(Misuse::WrongState));
        }
        self.rest();
        self.report(Event::Stopped);
        Ok(())
    }

    /// Pauses: a stop that [`resume`](Self::resume) continues behind the last packet received. KeepAlive holds
    /// the session meanwhile.
    ///
    /// # Errors
    /// `ApiMisuse` unless streaming.
    pub fn pause(&mut self, now: Instant) -> Result<(), Error> {
        self.stop()?;
        if let (Some(interval), true) = (self.keep_alive_interval, self.may_post()) {
            self.timers.start(TimerName::KeepAlive, now, interval);
        }
        Ok(())
    }

    /// Plays on behind the last packet that was received.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn resume(&mut self) -> Result<(), Error> {
        let from = match self.last_packet {
            Some(last) if self.is_stored() => Position::Packet(last.saturating_add(1)),
            _ if self.is_stored() => self.play.from,
            _ => Position::Beginning,
        };
        self.play(Play { from, ..self.play })
    }

    /// Changes one stream: by SelectStream (section 3.1.4.4) where the server knows it, else by playing on from
    /// the same place.
    ///
    /// # Errors
    /// `ApiMisuse` before the header is there or after the end.
    pub fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        if !matches!(self.state, State::Ready | State::Playing | State::Streaming) {
            return Err(Error::ApiMisuse(Misuse::WrongState));
        }
        self.play.selection.set(stream, level);
        if self.state != State::Streaming {
            return Ok(());
        }
        if self.may_select() {
            self.enqueue(Short::Select);
            return Ok(());
        }
        self.resume()?;
        self.report(Event::StreamsSwitched { hr: Hresult::S_OK });
        Ok(())
    }

    /// Ends the session: stops if needed, sends what is still to be logged. Then
    /// [`is_closed`](Self::is_closed).
    pub fn close(&mut self) {
        if matches!(self.state, State::Closed | State::Closing) {
            return;
        }
        if self.is_streaming() {
            self.rest();
        }
        self.streaming.close();
        self.timers.stop_all();
        self.state = State::Closing;
        self.settle();
    }

    // ---- connections

    /// What is wanted of a connection; each wish comes once.
    pub fn poll_connection(&mut self) -> Option<ConnectionWish> {
        let streaming = self.streaming.poll(ConnectionId::Streaming);
        streaming.or_else(|| self.short.poll(ConnectionId::Short))
    }

    /// The connection is there.
    pub fn connected(&mut self, now: Instant, id: ConnectionId) {
        let link = self.link(id);
        if link.socket != Socket::Opening {
            return;
        }
        link.socket = Socket::Open;
        match id {
            ConnectionId::Streaming => self.timers.start(TimerName::Reply, now, self.config.reply_timeout),
            ConnectionId::Short => self.short_deadline = now + self.config.short_timeout,
        }
    }

    /// The connection could not be made, or the network failed. Only the streaming one is worth an error.
    pub fn connection_failed(&mut self, id: ConnectionId) {
        match id {
            _ if !self.link(id).is_needed() => {}
            ConnectionId::Streaming => self.fail(Error::ConnectionFailed),
            ConnectionId::Short => self.short_over(Hresult::NS_E_CONNECTION_FAILURE),
        }
    }

    /// Whether a request waits for [`poll_transmit`](Self::poll_transmit) on an open connection.
    #[must_use]
    pub fn wants_transmit(&self, id: ConnectionId) -> bool {
        match id {
            ConnectionId::Streaming => self.streaming.wants_transmit(),
            ConnectionId::Short => self.short.wants_transmit(),
        }
    }

    /// Encodes the next request for a connection into `out` and returns its length; `None` if there is none.
    ///
    /// # Errors
    /// If `out` is too small; nothing is lost and nothing changes.
    pub fn poll_transmit(
        &mut self,
        id: ConnectionId,
        target: &Target<'_>,
        out: &mut [u8],
    ) -> Result<Option<usize>, BufferTooSmall> {
        if !self.wants_transmit(id) {
            return Ok(None);
        }
        let mut list = [SwitchEntry::for_stream(0, Thinning::Full); 127];
        let entries = self.entries(&mut list);
        let mut player_id = Fixed::<40>::default();
        // formatting into a buffer that is large enough cannot fail
        let _ = write!(player_id, "{{{}}}", Guid(&self.config.player.guid));
        let what = match (id, self.requests.first().copied().flatten()) {
            (ConnectionId::Streaming, _) if self.state == State::Playing => {
                What::Play { play: self.play, entries, playlist_gen_id: self.playlist_gen_id }
            }
            (ConnectionId::Streaming, _) => What::Describe,
            (ConnectionId::Short, Some(Short::Log(logged))) => What::Log {
                log: self.log(target, player_id.as_str(), &logged),
                xml: self.server.at_least(9, 0),
            },
            (ConnectionId::Short, Some(Short::KeepAlive)) => What::KeepAlive,
            (ConnectionId::Short, Some(Short::Select)) => What::SelectStream { entries },
            (ConnectionId::Short, None) => return Ok(None),
        };
        let common = Common {
            target,
            player: self.config.player,
            client_id: self.client_id,
            authorize: self.authorize,
            modern: !self.connected || self.server.is_modern_server(),
        };
        let len = encode_text(&Request { common, what }, out)?;
        self.link(id).sent = true;
        Ok(Some(len))
    }

    // ---- input

    /// Takes the framing of a chunked body out of all bytes that were received and not consumed, and returns
    /// how many are left at the front of `input`. To be called before each
    /// [`handle_input`](Self::handle_input); it costs nothing when the body is not chunked.
    ///
    /// # Errors
    /// The error that ended the session. A malformed chunk ends it when the content before it is handled.
    pub fn arrange(&mut self, id: ConnectionId, input: &mut [u8]) -> Result<usize, Error> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.link(id).arrange(input)),
        }
    }

    /// An event that needs no input, to be asked for before input is handled.
    pub fn poll_event(&mut self) -> Option<Event<'static>> {
        let event = self.events.first_mut()?.take()?;
        self.events.rotate_left(1);
        Some(event)
    }

    /// Handles at most one head or frame at the front of `input`, the bytes received on a connection and not
    /// consumed yet.
    ///
    /// # Errors
    /// Every error ends the session and is returned again by each later call.
    pub fn handle_input<'b>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        input: &'b [u8],
    ) -> Result<Handled<Event<'b>>, Error> {
        let Handled { consumed, needed, event } = self.locate(now, id, input)?;
        Ok(Handled { consumed, needed, event: event.map(|event| event.lend(input)) })
    }

    pub(crate) fn locate(
        &mut self,
        now: Instant,
        id: ConnectionId,
        input: &[u8],
    ) -> Result<Handled<Located>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = match id {
            _ if !self.link(id).is_live() => Ok(done(input.len(), None)),
            ConnectionId::Short => Ok(self.short_input(input)),
            ConnectionId::Streaming => {
                self.streaming_input(now, input).and_then(|handled| self.unbroken(handled))
            }
        };
        match &result {
            Ok(handled) => self.link(id).consume(handled.consumed),
            Err(error) => self.fail(*error),
        }
        result
    }

    /// Nothing more can be handled before a malformed chunk.
    fn unbroken(&self, handled: Handled<Located>) -> Result<Handled<Located>, Error> {
        match self.streaming.broken {
            Some(error) if handled.consumed == 0 && handled.event.is_none() && !self.is_waiting(true) => {
                Err(Error::invalid(error, self.streaming.position))
            }
            _ => Ok(handled),
        }
    }

    /// The peer closed its side, and nothing more of what was received can be handled.
    ///
    /// # Errors
    /// `UnexpectedEnd` where more was due.
    pub fn handle_eof(&mut self, id: ConnectionId) -> Result<Option<Event<'static>>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if id == ConnectionId::Short {
            self.short_over(Hresult::S_OK);
            return Ok(None);
        }
        if !self.streaming.is_live() {
            return Ok(None);
        }
        self.end_of_body(true).inspect_err(|error| self.fail(*error))
    }

    /// A timer fired, if its time has come.
    ///
    /// # Errors
    /// `TimedOut` ends the session.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.short_deadline <= now {
            self.short_over(Hresult::NS_E_TIMEOUT);
        }
        match self.timers.expired(now) {
            Some(TimerName::KeepAlive) => {
                self.enqueue(Short::KeepAlive);
                if let Some(interval) = self.keep_alive_interval {
                    self.timers.start(TimerName::KeepAlive, now, interval);
                }
            }
            Some(TimerName::Reply) => self.fail(Error::TimedOut(self.awaited())),
            Some(name) => self.fail(Error::TimedOut(name)),
            None => {}
        }
        self.failed.map_or(Ok(()), Err)
    }

    /// What is waited for, as errors name it.
    pub(crate) fn awaited(&self) -> TimerName {
        match self.state {
            State::Describing if matches!(self.streaming.body, Body::Head) => TimerName::Reply,
            State::Describing if self.content.is_none() => TimerName::Open,
            State::Describing | State::EntryChange { .. } => TimerName::Header,
            State::Playing => TimerName::Play,
            State::Streaming if self.early => TimerName::Silence,
            State::Streaming => TimerName::Media,
            State::File if self.walker.is_complete() => TimerName::Silence,
            State::File => TimerName::Header,
            State::Text | State::Ready | State::Closing | State::Closed => TimerName::Reply,
        }
    }

    /// A short connection carries one answer, of which only the head counts.
    fn short_input(&mut self, input: &[u8]) -> Handled<Located> {
        match self.short.head(input) {
            Ok(HeadStep::Incomplete { needed }) => incomplete(needed),
            Ok(HeadStep::Complete { total }) => {
                let head = input.get(..total).unwrap_or_default();
                let hr = match ResponseHead::decode(head) {
                    Ok(head) if head.status.is_success() => Hresult::S_OK,
                    Ok(head) => Hresult::from_http(head.status.0),
                    Err(_) => Hresult::NS_E_INVALID_DATA,
                };
                self.short_over(hr);
                done(input.len(), None)
            }
            Err(_) => {
                self.short_over(Hresult::NS_E_INVALID_DATA);
                done(input.len(), None)
            }
        }
    }

    fn short_over(&mut self, hr: Hresult) {
        if self.short.is_idle() {
            return;
        }
        let request = self.requests.first_mut().and_then(Option::take);
        self.requests.rotate_left(1);
        self.short_deadline = Instant::MAX;
        self.short.close();
        if request == Some(Short::Select) {
            self.report(Event::StreamsSwitched { hr });
        }
        if matches!(self.requests.first(), Some(Some(_))) {
            self.short.open();
        }
        self.settle();
    }

    fn streaming_input(&mut self, now: Instant, input: &[u8]) -> Result<Handled<Located>, Error> {
        self.streaming.partial = !input.is_empty();
        if matches!(self.streaming.body, Body::Head) {
            return match self.streaming.head(input)? {
                HeadStep::Incomplete { needed } => Ok(incomplete(needed)),
                HeadStep::Complete { total } => {
                    let event = self.response(now, input.get(..total).unwrap_or_default())?;
                    Ok(done(total, event))
                }
            };
        }
        if self.state == State::Ready {
            // what follows the header waits for a wish to play
            return Ok(done(0, None));
        }
        if self.adopted && !self.timers.is_running(TimerName::Silence) {
            self.timers.start(TimerName::Silence, now, self.config.silence_timeout);
        }
        let content = self.streaming.content(input);
        self.streaming.partial = !content.is_empty();
        match self.form {
            Form::Unknown => self.sniff(now, content),
            Form::Frames => self.frame(now, content),
            Form::File => self.file(now, content),
            Form::Text => self.plain(now, content),
        }
    }

    // ---- the head of a response (section 3.1.5.3)

    fn response(&mut self, now: Instant, bytes: &[u8]) -> Result<Option<Located>, Error> {
        let position = self.streaming.position;
        let invalid = |error| Error::invalid(error, position);
        let head = ResponseHead::decode(bytes).map_err(invalid)?;
        if head.status.0 < 200 {
            return Ok(None);
        }
        self.server = head.fields.get("Server").map_or(self.server, Product::parse);
        if let Some(list) = head.fields.get("Supported") {
            self.supported = Supported::parse(list);
        }
        if head.status == Status::UNAUTHORIZED || head.status == Status::PROXY_AUTHENTICATION_REQUIRED {
            return Ok(self.unauthorized(&head));
        }
        if let (true, Some(location)) =
            (head.status.is_redirect() || head.status == Status::USE_PROXY, value_range(bytes, "Location"))
        {
            let proxy = head.status == Status::USE_PROXY;
            let kind = if proxy { RedirectKind::Proxy } else { RedirectKind::Url };
            self.streaming.close();
            self.timers.stop_all();
            self.state = State::Closed;
            return Ok(Some(Located::Redirected { kind, location }));
        }
        if !head.status.is_success() {
            return Err(Error::Refused(Hresult::from_http(head.status.0)));
        }
        if !self.server.is_server() && !self.config.quirks.any_server {
            return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage));
        }
        let coding = BodyLen::of(head.fields).map_err(invalid)?;
        if coding == BodyLen::UnknownCoding {
            return Err(Error::PeerMisbehaved(Misbehaviour::UnexpectedMessage));
        }
        let pragma = Pragma::of(head.fields);
        self.client_id = pragma.client_id.or(self.client_id);
        self.playlist_gen_id = pragma.playlist_gen_id.or(self.playlist_gen_id);
        self.features = pragma.features.unwrap_or(self.features);
        if let (Some(milliseconds), true) = (pragma.timeout, self.config.keep_alive) {
            // a little earlier than the server wants it, and never in a storm
            let tenth = milliseconds.checked_div(10).unwrap_or(0);
            let interval = Duration::from_millis(u64::from(milliseconds.saturating_sub(tenth)));
            self.keep_alive_interval = Some(interval.max(Duration::from_secs(1)));
        }
        self.streaming.begin_body(coding, bytes.len());
        self.form = Form::Unknown;
        self.deframer = Deframer::new(frame_limits(&self.config, self.walker.summary()));
        self.timers.start(TimerName::Reply, now, self.config.reply_timeout);
        let first = !core::mem::replace(&mut self.connected, true);
        Ok(first.then_some(Located::Plain(Event::Connected { server: self.server })))
    }

    fn unauthorized(&mut self, head: &ResponseHead<'_>) -> Option<Located> {
        let asked_by_server = head.status == Status::UNAUTHORIZED;
        let mut challenges = head
            .fields
            .into_iter()
            .filter(|(name, _)| same(name, "WWW-Authenticate") || same(name, "Proxy-Authenticate"))
            .flat_map(|(_, value)| Challenges::new(crate::wmsp::wire::utf8_prefix(value)));
        let basic = challenges.any(|challenge| challenge.is_basic());
        if basic && asked_by_server && self.config.has_credentials && !self.authorize {
            self.authorize = true;
            self.streaming.open();
            return None;
        }
        let who = match asked_by_server {
            true => Incompatible::AuthenticationRequired,
            false => Incompatible::ProxyAuthenticationRequired,
        };
        self.fail(Error::PeerIncompatible(who));
        let scheme = if basic { AuthenticationScheme::Basic } else { AuthenticationScheme::Ntlm };
        Some(Located::Plain(Event::AuthenticationRequired { scheme }))
    }
}
