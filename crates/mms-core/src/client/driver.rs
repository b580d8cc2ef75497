//! The drive loop of a client.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;

use super::socket::{SocketId, Sockets};
use super::udp::{Udp, UdpLink, UdpStorage};
use crate::asf::{HeaderPatch, HeaderSummary};
use crate::buffer::Buffer;
use crate::error::{Bug, Error, Incompatible, LimitName, Misuse, TimerName};
use crate::mmsp::client::{
    Config, Content, Event, Located, Play, Position, RedirectKind, Session, Statistics, Target,
};
use crate::mmsp::udp;
use crate::selection::Thinning;
use crate::text::Fixed;
use crate::time::Instant;
use crate::timer::Timers;
use crate::url::{Scheme, Url, UrlBuf};

/// Rounds of one step before it hands the thread back.
const ROUNDS: usize = 64;

/// Settings of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Settings of the session.
    pub mms: Config,
    /// What to play when the header is there; `None` waits for [`Client::play`].
    pub play: Option<Play>,
    /// Whether to close when the stream has ended.
    pub close_at_end: bool,
    /// Ours: how long connecting may take.
    pub connect_timeout: Duration,
    /// Ours: how long the last requests may take to go out, when all is said.
    pub close_timeout: Duration,
    /// Redirects that are followed in a row.
    pub redirects: u32,
    /// Most bytes of receive storage to ask for.
    pub storage_bytes: u32,
    /// How media shall travel, in the order of trying; `None` twice takes what the URL says.
    pub transports: [Option<Transport>; 2],
    /// Settings of media over UDP.
    pub udp: udp::Config,
}

/// How media travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// In datagrams.
    Udp,
    /// On the control connection.
    Tcp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mms: Config::default(),
            play: Some(Play::default()),
            close_at_end: true,
            connect_timeout: Duration::from_secs(15),
            close_timeout: Duration::from_secs(5),
            redirects: 5,
            storage_bytes: 1 << 17,
            transports: [None; 2],
            udp: udp::Config::default(),
        }
    }
}

/// Storage of a client, from the host.
#[derive(Clone, Debug)]
pub struct Storage<B> {
    /// For received bytes, at least [`Client::RECEIVE_BYTES`]; it can be replaced when a larger frame comes.
    pub receive: B,
    /// For requests, at least [`Client::SEND_BYTES`].
    pub send: B,
}

/// What the host does next. A plain value that borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Begin to connect this socket to what [`Client::wanted`] names; then [`Client::connected`] or
    /// [`Client::connection_failed`]. A socket of the same name that is still open is closed first.
    Connect(SocketId),
    /// Bind this UDP socket to any port of the address family of the control connection; then
    /// [`Client::bound`] or [`Client::bind_failed`].
    Bind(SocketId),
    /// Close this socket, connected or not.
    Close(SocketId),
    /// [`Client::event`] lends something to look at, until the next step.
    Event,
    /// The receive storage is too small for the frame under way: [`Client::replace_storage`] with at least
    /// so many bytes.
    Storage {
        /// Bytes needed.
        needed: usize,
    },
    /// Wait until one of these sockets is ready or the moment has come.
    Wait {
        /// Sockets from which received bytes are wanted.
        read: Sockets,
        /// Sockets for which bytes wait to be written.
        write: Sockets,
        /// When to step again at the latest; a moment in the past means at once.
        until: Instant,
    },
    /// All is over; [`Client::error`] says whether it failed.
    Done,
}

/// Where a socket wants to be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Name or address.
    pub host: &'a str,
    /// Port.
    pub port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// to be connected
    Wanted,
    Connecting,
    Open,
    /// to be closed
    Leaving,
    Closed,
}

/// Where the bytes of an event are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Input,
    Header,
    Slot,
}

/// A client without its sockets. `B` is storage.
#[derive(Debug)]
pub struct Client<B> {
    pub(super) options: Options,
    pub(super) url: UrlBuf,
    pub(super) session: Session,
    pub(super) link: Link,
    receive: Buffer<B>,
    send: Buffer<B>,
    needed: usize,
    timers: Timers<2>,
    pub(super) event: Option<(Located, usize)>,
    /// where the bytes of the event are
    place: Place,
    pub(super) udp: Option<Udp<B>>,
    /// place in the list of transports
    pub(super) attempt: usize,
    pub(super) transport: Transport,
    announced: bool,
    redirects: u32,
    end_of_input: bool,
    failed: Option<Error>,
    plays: Option<Play>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Least receive storage.
    pub const RECEIVE_BYTES: usize = 2048;
    /// Least send storage: the longest name in OpenFile.
    pub const SEND_BYTES: usize = 2560;

    /// A client for a URL, which has its media on the control connection.
    ///
    /// # Errors
    /// `ApiMisuse` for a URL that is not `mms` or `mmst`, or storage below the least sizes; `Limit` for a URL
    /// that is too long.
    pub fn new(url: &str, options: Options, storage: Storage<B>) -> Result<Self, Error> {
        Self::with(url, options, storage, None)
    }

    /// A client for a URL, which can have its media in datagrams too: `mmsu` takes UDP, `mms` tries UDP and then TCP.
    ///
    /// # Errors
    /// As [`new`](Self::new), but `mmsu` is no error.
    pub fn with_udp(
        url: &str,
        options: Options,
        storage: Storage<B>,
        udp: UdpStorage<B>,
    ) -> Result<Self, Error> {
        let any_incarnation = options.mms.quirks.header_any_incarnation;
        let udp = Udp::new(udp, options.udp, any_incarnation);
        Self::with(url, options, storage, Some(udp))
    }

    fn with(url: &str, options: Options, storage: Storage<B>, udp: Option<Udp<B>>) -> Result<Self, Error> {
        let url = UrlBuf::new(url)?;
        let Some(transport) = transport(&options, url.url().scheme, udp.is_some(), 0) else {
            return Err(Error::ApiMisuse(Misuse::Url));
        };
        let (receive, send) = (Buffer::new(storage.receive), Buffer::new(storage.send));
        if receive.capacity() < Self::RECEIVE_BYTES || send.capacity() < Self::SEND_BYTES {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        Ok(Self {
            session: new_session(&options, url.url().scheme, transport),
            plays: options.play,
            options,
            url,
            link: Link::Wanted,
            receive,
            send,
            needed: 1,
            timers: Timers::new([TimerName::Connect, TimerName::ShutDown]),
            event: None,
            place: Place::Input,
            udp,
            attempt: 0,
            transport,
            announced: false,
            redirects: 0,
            end_of_input: false,
            failed: None,
        })
    }

    // ---- the loop

    /// Does what can be done without the host and says what the host does next. Bounded work.
    pub fn step(&mut self, now: Instant) -> Step {
        if let Err(error) = self.release_event() {
            self.fail(error);
        }
        for _ in 0..ROUNDS {
            match self.timers.expired(now) {
                // everything is there; only the goodbye was not taken
                Some(TimerName::ShutDown) => self.leave(),
                Some(name) => self.fail(Error::TimedOut(name)),
                None => {}
            }
            match self.link {
                Link::Wanted => {
                    if let Some(step) = self.udp_step() {
                        return step;
                    }
                    self.link = Link::Connecting;
                    self.timers.start(TimerName::Connect, now, self.options.connect_timeout);
                    return Step::Connect(SocketId::CONTROL);
                }
                Link::Leaving => {
                    self.udp.iter_mut().for_each(Udp::leave);
                    if let Some(step) = self.udp_step() {
                        return step;
                    }
                    self.link = Link::Closed;
                    return Step::Close(SocketId::CONTROL);
                }
                Link::Closed => return Step::Done,
                Link::Connecting => {
                    let until = self.timers.next();
                    return Step::Wait { read: Sockets::NONE, write: Sockets::NONE, until };
                }
                Link::Open => {
                    if let Some(step) = self.udp_step() {
                        return step;
                    }
                }
            }
            match self.advance(now) {
                Ok(_) if self.event.is_some() => {
                    self.announced = true;
                    return Step::Event;
                }
                Ok(true) => {}
                Ok(false) => {
                    if self.session.has_ended() && !self.timers.is_running(TimerName::ShutDown) {
                        self.timers.start(TimerName::ShutDown, now, self.options.close_timeout);
                    }
                    if let Some(step) = self.rest() {
                        return step;
                    }
                }
                Err(error) => self.fail(error),
            }
        }
        Step::Wait { read: Sockets::NONE, write: Sockets::NONE, until: now }
    }

    /// What [`Step::Event`] announced, as often as wanted until the next step.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        let bytes = match (self.place, &self.udp) {
            (Place::Header, Some(udp)) => udp.part(),
            (Place::Slot, Some(udp)) => udp.datagram(),
            _ => self.receive.data(),
        };
        self.event.as_ref().map(|(event, _)| event.lend(bytes))
    }

    /// Where a socket wants to be connected to.
    #[must_use]
    pub fn wanted(&self, _socket: SocketId) -> Wanted<'_> {
        let url = self.url.url();
        Wanted { host: url.host, port: url.port_or_default() }
    }

    /// The socket is connected; `local` is the address of our end.
    pub fn connected(&mut self, _socket: SocketId, local: SocketAddr) {
        if self.link == Link::Connecting {
            self.timers.stop_all();
            self.session.set_local(local);
            self.link = Link::Open;
            if self.transport == Transport::Udp {
                self.want_udp();
            }
        }
    }

    /// The socket could not be connected, or the network failed. After the session has ended this is no
    /// error: a server may close before it reads the last requests.
    pub fn connection_failed(&mut self, _socket: SocketId) {
        if self.link == Link::Open && self.session.has_ended() {
            self.leave();
        } else {
            self.fail(Error::ConnectionFailed);
        }
    }

    /// The host's guard saw the driver make no progress, or a step that it does not know.
    pub fn no_progress(&mut self) {
        self.fail(Error::Bug(Bug::NoProgress));
    }

    /// Bytes may be received into this space, if [`Step::Wait`] wants to read.
    pub fn space(&mut self, socket: SocketId) -> &mut [u8] {
        if let (SocketId::MEDIA, Some(udp)) = (socket, &mut self.udp) {
            return udp.space();
        }
        if self.event.is_some() { &mut [] } else { self.receive.space(self.needed) }
    }

    /// `count` bytes were received into the space of the control connection; datagrams go to
    /// [`datagram_received`](Self::datagram_received).
    pub fn filled(&mut self, socket: SocketId, count: usize) {
        if socket != SocketId::CONTROL {
            self.fail(Error::ApiMisuse(Misuse::WrongState));
        } else if let Err(error) = self.receive.filled(count) {
            self.fail(error);
        }
    }

    /// The peer closed its side.
    pub fn end_of_stream(&mut self, _socket: SocketId) {
        self.end_of_input = true;
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn pending(&self, socket: SocketId) -> &[u8] {
        match (socket, &self.udp) {
            (SocketId::MEDIA, Some(udp)) => udp.request(),
            _ => self.send.data(),
        }
    }

    /// `count` of the pending bytes were written.
    pub fn written(&mut self, socket: SocketId, count: usize) {
        match (socket, &mut self.udp) {
            (SocketId::MEDIA, Some(udp)) => udp.request_sent(),
            _ => self.send.consume(count),
        }
    }

    /// Takes larger storage for received bytes, or smaller when little is received; gives the old one back.
    /// Storage that is too small comes back unused.
    pub fn replace_storage(&mut self, receive: B) -> B {
        if receive.as_ref().len() < Self::RECEIVE_BYTES { receive } else { self.receive.replace(receive) }
    }

    // ---- commands

    /// Plays: at once when the header is there, after a stop while streaming.
    ///
    /// # Errors
    /// `ApiMisuse` if the state does not allow it, `PeerIncompatible` if the content does not. Nothing changes.
    pub fn play(&mut self, play: Play) -> Result<(), Error> {
        self.session.play(play)
    }

    /// Plays the same streams from another position.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn seek(&mut self, from: Position) -> Result<(), Error> {
        self.session.seek(from)
    }

    /// Stops; [`Event::Stopped`] follows.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn stop(&mut self) -> Result<(), Error> {
        self.session.stop()
    }

    /// Stops so that [`resume`](Self::resume) goes on behind the last packet.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn pause(&mut self) -> Result<(), Error> {
        self.session.pause()
    }

    /// Goes on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn resume(&mut self) -> Result<(), Error> {
        self.session.resume()
    }

    /// Changes how much of one stream is sent.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn switch_stream(&mut self, stream: u16, level: Thinning) -> Result<(), Error> {
        self.session.switch_stream(stream, level)
    }

    /// Ends the session in order; [`Step::Done`] follows.
    pub fn close(&mut self) {
        self.plays = None;
        match self.link {
            Link::Wanted | Link::Connecting => self.leave(),
            _ => self.session.close(),
        }
    }

    // ---- getters

    /// Why it failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.failed
    }

    /// The URL in use, after redirects.
    #[must_use]
    pub fn url(&self) -> &UrlBuf {
        &self.url
    }

    /// The content, once it is open.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.session.content()
    }

    /// The ASF header, once it is complete.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderSummary> {
        self.session.header()
    }

    /// Edits for a header that shall promise nothing, as soon as their places are known: for
    /// [`FileBytes`](super::FileBytes).
    #[must_use]
    pub fn broadcast_patch(&self) -> Option<HeaderPatch> {
        self.session.walker().broadcast_patch()
    }

    /// What was received.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.session.statistics()
    }

    /// Whether media is under way or asked for.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.session.is_streaming()
    }

    // ---- one round

    fn advance(&mut self, now: Instant) -> Result<bool, Error> {
        if let Some(error) = self.session.error() {
            return Err(error);
        }
        if self.session.poll_timeout() <= now {
            self.session.handle_timeout(now)?;
        }
        if let Some(udp) = &self.udp {
            self.session.note_reception(udp.statistics());
        }
        let sent = self.transmit(now)?;
        if self.datagrams(now)? {
            return Ok(true);
        }
        let handled = self.session.locate(now, self.receive.data())?;
        self.needed = handled.needed.max(1);
        if let Some(event) = handled.event {
            self.announce(event, handled.consumed, Place::Input)?;
            return Ok(true);
        }
        self.receive.consume(handled.consumed);
        let over = self.session.is_closed() || self.session.is_ending();
        if handled.consumed == 0 && self.end_of_input && !over {
            self.place = Place::Input;
            self.event = self.session.handle_eof()?.map(|event| (Located::Plain(event), 0));
            return Ok(true);
        }
        Ok(sent || handled.consumed > 0)
    }

    fn transmit(&mut self, now: Instant) -> Result<bool, Error> {
        let mut sent = false;
        while self.session.wants_transmit() {
            let url = self.url.url();
            let mut host = Fixed::<{ UrlBuf::LIMIT }>::default();
            // the host is a part of a URL of at most so many bytes
            let _ = write_host(&mut host, &url);
            // the log names the content, never the credentials
            let mut shown = Fixed::<{ UrlBuf::LIMIT }>::default();
            let _ = write!(shown, "{}://{}/{}", url.scheme.as_str(), host.as_str(), url.path);
            let target = Target { host: host.as_str(), path: self.url.decoded_path(), url: shown.as_str() };
            let whole = self.send.is_empty();
            let out = self.send.space(Self::SEND_BYTES);
            match self.session.poll_transmit(now, &target, out) {
                Ok(Some(len)) => self.send.filled(len)?,
                Ok(None) => break,
                // what was sent before must be written first
                Err(_) if !whole => break,
                Err(_) => return Err(Error::Bug(Bug::ReplyRoom)),
            }
            sent = true;
        }
        Ok(sent)
    }

    pub(super) fn announce(&mut self, event: Located, consumed: usize, place: Place) -> Result<(), Error> {
        self.react(&event)?;
        self.event = Some((event, consumed));
        self.place = place;
        Ok(())
    }

    /// What the driver itself does about an event.
    fn react(&mut self, event: &Located) -> Result<(), Error> {
        match event {
            Located::HeaderPart { last: true, .. } => {
                if let Some(play) = self.plays.take() {
                    self.session.play(play)?;
                }
            }
            Located::Plain(Event::EndOfStream { hr, more: false }) if self.options.close_at_end => {
                self.failed = hr.is_failure().then_some(Error::Refused(*hr));
                self.session.close();
            }
            // nobody is there to wish for something else
            Located::Plain(Event::PlayRefused { error }) if self.options.close_at_end => {
                self.failed = Some(*error);
                self.session.close();
            }
            // the new entry begins where it begins (section 3.1.4.4)
            Located::Plain(Event::StreamChange { .. }) => {
                self.plays = self.options.play.map(|_| Play {
                    from: Position::Beginning,
                    until: None,
                    ..*self.session.last_play()
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn release_event(&mut self) -> Result<(), Error> {
        if !core::mem::take(&mut self.announced) {
            return Ok(());
        }
        let Some((event, consumed)) = self.event.take() else { return Ok(()) };
        if let Located::Redirected { kind, .. } = &event {
            self.redirect(*kind, &event)?;
        } else {
            self.receive.consume(consumed);
        }
        Ok(())
    }

    /// Section 3.1.5.7: everything begins anew at the new place.
    fn redirect(&mut self, kind: RedirectKind, event: &Located) -> Result<(), Error> {
        let Event::Redirected { location, .. } = event.lend(self.receive.data()) else { return Ok(()) };
        self.redirects = self.redirects.saturating_add(1);
        if self.redirects > self.options.redirects {
            let (found, allowed) = (self.redirects, self.options.redirects);
            return Err(Error::limit(LimitName::Redirects, u64::from(found), u64::from(allowed)));
        }
        let elsewhere = Error::PeerIncompatible(Incompatible::RedirectScheme);
        // No proxy is in use, so leaving it changes nothing; using one is not ours.
        let stays = kind == RedirectKind::Proxy && location.is_empty();
        if !stays {
            if kind != RedirectKind::Url {
                return Err(elsewhere);
            }
            let mut text = Fixed::<{ UrlBuf::LIMIT }>::default();
            write!(text, "{location}").map_err(|_| elsewhere)?;
            let url = UrlBuf::new(text.as_str()).map_err(|_| elsewhere)?;
            self.url = url;
            self.attempt = 0;
        }
        if self.restart() { Ok(()) } else { Err(elsewhere) }
    }

    /// Begins anew with the transport of this attempt; false if there is none.
    pub(super) fn restart(&mut self) -> bool {
        let scheme = self.url.url().scheme;
        let Some(transport) = transport(&self.options, scheme, self.udp.is_some(), self.attempt) else {
            return false;
        };
        self.transport = transport;
        self.session = new_session(&self.options, scheme, transport);
        self.plays = self.options.play;
        self.udp.iter_mut().for_each(Udp::restart);
        self.receive.clear();
        self.send.clear();
        self.needed = 1;
        self.end_of_input = false;
        self.timers.stop_all();
        self.link = Link::Wanted;
        true
    }

    /// Nothing moved: what the host should do. `None` if another round decides.
    fn rest(&mut self) -> Option<Step> {
        if self.session.is_closed() && self.send.is_empty() {
            self.leave();
            return None;
        }
        let capacity = self.receive.capacity();
        if self.needed > capacity && !self.session.is_ending() {
            let limit = usize::try_from(self.options.storage_bytes).unwrap_or(usize::MAX);
            if self.needed > limit {
                let (found, allowed) = (u64::try_from(self.needed), u64::from(self.options.storage_bytes));
                self.fail(Error::limit(LimitName::StorageBytes, found.unwrap_or(u64::MAX), allowed));
                return None;
            }
            if self.receive.room() == 0 {
                // grow with what has come, not with what was announced
                return Some(Step::Storage { needed: self.needed.min(capacity.saturating_mul(2)) });
            }
        }
        let reads = !self.end_of_input && self.receive.room() > 0;
        let datagrams = self.udp.as_ref().filter(|udp| udp.link == UdpLink::Open);
        let until = datagrams.map_or(Instant::MAX, Udp::poll_timeout);
        Some(Step::Wait {
            read: Sockets::NONE
                .with(SocketId::CONTROL, reads)
                .with(SocketId::MEDIA, datagrams.is_some_and(Udp::has_space)),
            write: Sockets::NONE
                .with(SocketId::CONTROL, !self.send.is_empty())
                .with(SocketId::MEDIA, datagrams.is_some_and(|udp| !udp.request().is_empty())),
            until: until.min(self.session.poll_timeout()).min(self.timers.next()),
        })
    }

    pub(super) fn fail(&mut self, error: Error) {
        if self.failed.is_none() {
            self.failed = Some(error);
        }
        self.leave();
    }

    fn leave(&mut self) {
        self.event = None;
        self.timers.stop_all();
        if self.link != Link::Closed {
            self.link = Link::Leaving;
        }
    }
}

/// The transport of an attempt; `None` if there are no more.
pub(super) fn transport(options: &Options, scheme: Scheme, udp: bool, attempt: usize) -> Option<Transport> {
    let wanted = match (scheme, options.transports) {
        (Scheme::Mms, [None, None]) => [Some(Transport::Udp), Some(Transport::Tcp)],
        (Scheme::Mms, wanted) => wanted,
        (Scheme::Mmst, _) => [Some(Transport::Tcp), None],
        (Scheme::Mmsu, _) => [Some(Transport::Udp), None],
        (Scheme::Mmsh, _) => [None, None],
    };
    wanted.into_iter().flatten().filter(|transport| udp || *transport == Transport::Tcp).nth(attempt)
}

fn new_session(options: &Options, scheme: Scheme, transport: Transport) -> Session {
    let mut config = options.mms.clone();
    // the server may refuse datagrams on the way; the same connection does for TCP
    config.tcp_after_udp &= transport == Transport::Udp && scheme == Scheme::Mms;
    Session::new(config)
}

/// Host and port as a URL has them.
fn write_host(out: &mut impl core::fmt::Write, url: &Url<'_>) -> core::fmt::Result {
    match (url.host.contains(':'), url.port) {
        (true, Some(port)) => write!(out, "[{}]:{port}", url.host),
        (true, None) => write!(out, "[{}]", url.host),
        (false, Some(port)) => write!(out, "{}:{port}", url.host),
        (false, None) => write!(out, "{}", url.host),
    }
}
