//! The drive loop's turns over HTTP: one connection that streams, and one beside it for what is short. Without the feature
//! `http`, `no_http.rs` stands here.

use core::fmt::Write as _;

use super::driver::{Client, Place, write_host};
use super::event::{Event, Located};
use super::options::{Options, Step, Wanted};
use super::protocol::Protocol;
use super::socket::SocketId;
use crate::error::{Error, LimitName, TimerName};
use crate::mmsp::wire::ServerVersion;
use crate::rollover::{Rollover, Transport};
use crate::text::{Fixed, Text};
use crate::time::Instant;
use crate::url::{Url, UrlBuf, percent_decoded};
use crate::wmsp::client as wmsp;
use crate::wmsp::client::{ConnectionId, ConnectionWish, Session, Target};
use crate::wmsp::wire::Credentials;

/// Most bytes of the head of an answer to a short request; of a longer one nothing is learnt.
const SHORT_BYTES: usize = 512;

/// A connection, as the host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Closed,
    Connecting,
    /// connected, which the session does not know yet
    Fresh,
    Open,
}

/// A session over HTTP, and its connections.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) session: Session,
    streaming: Socket,
    short: Socket,
    /// the network failed; what had come is used up first
    broken: bool,
    short_input: [u8; SHORT_BYTES],
    short_len: usize,
    short_ended: bool,
    short_deadline: Instant,
    /// whose request waits to be written
    sending: Option<ConnectionId>,
}

impl Http {
    /// A session, if HTTP is what is tried now.
    pub(super) fn new(options: &Options, url: &UrlBuf, rollover: &Rollover) -> Option<Self> {
        if rollover.transport() != Transport::Http {
            return None;
        }
        let mut config = options.http.clone();
        config.has_credentials |= url.url().user_info.is_some();
        Some(Self {
            session: Session::new(config),
            streaming: Socket::Closed,
            short: Socket::Closed,
            broken: false,
            short_input: [0; SHORT_BYTES],
            short_len: 0,
            short_ended: false,
            short_deadline: Instant::MAX,
            sending: None,
        })
    }

    pub(super) fn has_short(&self) -> bool {
        self.short != Socket::Closed
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.session.poll_timeout().min(self.short_deadline)
    }

    /// Whether bytes of the streaming connection are of use.
    pub(super) fn reads_stream(&self) -> bool {
        self.streaming == Socket::Open && !self.broken
    }

    pub(super) fn reads_short(&self) -> bool {
        self.short == Socket::Open && !self.short_ended && self.short_len < SHORT_BYTES
    }

    pub(super) fn sends(&self, socket: SocketId) -> bool {
        self.sending.is_some_and(|id| socket_of(id) == socket)
    }

    pub(super) fn sent_all(&mut self) {
        self.sending = None;
    }

    pub(super) fn short_space(&mut self) -> &mut [u8] {
        self.short_input.get_mut(self.short_len..).unwrap_or_default()
    }

    pub(super) fn short_filled(&mut self, count: usize) {
        self.short_len = self.short_len.saturating_add(count).min(SHORT_BYTES);
    }

    pub(super) fn short_ended(&mut self) {
        self.short_ended = true;
    }

    pub(super) fn connected(&mut self, socket: SocketId) {
        let state = if socket == SocketId::SHORT { &mut self.short } else { &mut self.streaming };
        if *state == Socket::Connecting {
            *state = Socket::Fresh;
        }
    }

    pub(super) fn connection_failed(&mut self, socket: SocketId) {
        match (socket, self.streaming) {
            (SocketId::SHORT, _) => self.session.connection_failed(ConnectionId::Short),
            (_, Socket::Open) => self.broken = true,
            (_, Socket::Closed) => {}
            _ => self.session.connection_failed(ConnectionId::Streaming),
        }
    }

    /// A socket that is to be closed because all is over.
    pub(super) fn leave(&mut self) -> Option<SocketId> {
        for (socket, id) in [(&mut self.streaming, SocketId::CONTROL), (&mut self.short, SocketId::SHORT)] {
            if core::mem::replace(socket, Socket::Closed) != Socket::Closed {
                return Some(id);
            }
        }
        None
    }

    /// What came on the short connection. True if something changed.
    fn short_input(&mut self, now: Instant) -> Result<bool, Error> {
        if self.short != Socket::Open || self.short_len == 0 && !self.short_ended {
            return Ok(false);
        }
        let input = self.short_input.get(..self.short_len).unwrap_or_default();
        if self.session.locate(now, ConnectionId::Short, input)?.consumed > 0 {
            self.short_len = 0;
            return Ok(true);
        }
        let is_over = core::mem::take(&mut self.short_ended) || self.short_len >= SHORT_BYTES;
        if is_over {
            self.short_len = 0;
            self.session.handle_eof(ConnectionId::Short)?;
        }
        Ok(is_over)
    }
}

const fn socket_of(id: ConnectionId) -> SocketId {
    match id {
        ConnectionId::Streaming => SocketId::CONTROL,
        ConnectionId::Short => SocketId::SHORT,
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Send storage for the longest request over HTTP. With less a long URL or many streams can be an error.
    pub const HTTP_SEND_BYTES: usize = 8192;

    /// What the host does about connections before anything else.
    pub(super) fn http_step(&mut self, now: Instant) -> Option<Step> {
        let patience = self.patience();
        let Protocol::Http(http) = &mut self.protocol else { return None };
        let wish = http.session.poll_connection()?;
        let (ConnectionWish::Open(id) | ConnectionWish::Close(id)) = wish;
        if http.sending == Some(id) {
            http.sending = None;
            self.send.clear();
        }
        let opens = matches!(wish, ConnectionWish::Open(_));
        let state = if opens { Socket::Connecting } else { Socket::Closed };
        match id {
            ConnectionId::Streaming => {
                http.streaming = state;
                http.broken = false;
                self.receive.clear();
                self.needed = 1;
                self.end_of_input = false;
                self.timers.stop(TimerName::Connect);
                self.timers.stop(TimerName::Reply);
                if opens {
                    self.timers.start(TimerName::Connect, now, patience);
                }
            }
            ConnectionId::Short => {
                http.short = state;
                http.short_len = 0;
                http.short_ended = false;
                http.short_deadline = if opens { now.after(patience) } else { Instant::MAX };
            }
        }
        let socket = socket_of(id);
        Some(if opens { Step::Connect(socket) } else { Step::Close(socket) })
    }

    pub(super) fn advance_http(&mut self, now: Instant) -> Result<bool, Error> {
        self.http_fresh(now);
        let sent = self.transmit_http()?;
        let Protocol::Http(http) = &mut self.protocol else { return Ok(false) };
        if http.short_deadline <= now {
            http.short_deadline = Instant::MAX;
            http.session.connection_failed(ConnectionId::Short);
        }
        if let Some(event) = http.session.poll_event() {
            self.announce(Located::Plain(event.into()), 0, Place::Input)?;
            return Ok(true);
        }
        let moved = http.short_input(now)? || sent;
        let id = ConnectionId::Streaming;
        let len = http.session.arrange(id, self.receive.data_mut())?;
        self.receive.truncate(len);
        let handled = http.session.locate(now, id, self.receive.data())?;
        self.needed = handled.needed.max(1);
        if let Some(event) = handled.event {
            self.announce(event.into(), handled.consumed, Place::Input)?;
            return Ok(true);
        }
        self.receive.consume(handled.consumed);
        if handled.consumed > 0 || moved {
            return Ok(true);
        }
        let is_over = self.end_of_input || http.broken;
        let left = !self.receive.is_empty();
        if !is_over || http.streaming != Socket::Open || http.session.is_waiting(left) {
            return Ok(false);
        }
        if http.broken && !self.end_of_input {
            http.broken = false;
            http.session.connection_failed(id);
            http.streaming = Socket::Closed;
            return Ok(true);
        }
        if let Some(event) = http.session.handle_eof(id)? {
            self.announce(Located::Plain(event.into()), 0, Place::Input)?;
        }
        Ok(true)
    }

    /// Tells the session of connections that are there.
    fn http_fresh(&mut self, now: Instant) {
        let waits = !self.answered && !self.began && self.rollover.has_other_family();
        let Protocol::Http(http) = &mut self.protocol else { return };
        if http.streaming == Socket::Fresh {
            http.streaming = Socket::Open;
            http.session.connected(now, ConnectionId::Streaming);
            self.timers.stop(TimerName::Connect);
            if waits {
                self.timers.start(TimerName::Reply, now, self.options.rollover_timeout);
            }
        }
        if http.short == Socket::Fresh {
            http.short = Socket::Open;
            http.short_deadline = Instant::MAX;
            http.session.connected(now, ConnectionId::Short);
        }
    }

    /// The proxy, if the connections go to it.
    pub(super) fn proxy(&self) -> Option<Wanted<'_>> {
        let proxy = self.options.proxy.as_ref().filter(|_| self.protocol.is_http())?;
        let url = self.url.url();
        let serves = proxy.serves(url.host, Transport::Http.port(&url));
        serves.then_some(Wanted { host: proxy.host(), port: proxy.port() })
    }

    /// One request at a time waits to be written, for one connection or the other.
    fn transmit_http(&mut self) -> Result<bool, Error> {
        let Protocol::Http(http) = &self.protocol else { return Ok(false) };
        let ids = [ConnectionId::Streaming, ConnectionId::Short];
        let wanting = ids.into_iter().find(|id| http.session.wants_transmit(*id));
        // most steps end here; those behind it take the URL apart
        let Some(id) = wanting.filter(|_| self.send.is_empty()) else { return Ok(false) };
        let through_proxy = self.proxy().is_some();
        let Protocol::Http(http) = &mut self.protocol else { return Ok(false) };
        let url = self.url.url();
        let mut host = Fixed::<{ UrlBuf::LIMIT }>::default();
        // the host is a part of a URL of at most so many bytes
        let _ = write_host(&mut host, &url);
        // the log names the content, never the credentials
        let mut shown = Fixed::<{ UrlBuf::LIMIT }>::default();
        let _ = write!(shown, "{}://{}/{}", url.scheme.as_str(), host.as_str(), url.path);
        let (mut room, mut proxy_room) = Default::default();
        let credentials = credentials(&url, &mut room);
        let proxy = self.options.proxy.as_ref().filter(|_| through_proxy);
        let mut target = Target::new(host.as_str(), url.path, shown.as_str());
        target.credentials = credentials;
        target.through_proxy = through_proxy;
        target.proxy_credentials = proxy.and_then(|proxy| decoded(proxy.credentials()?, &mut proxy_room));
        let out = self.send.space(usize::MAX);
        match http.session.poll_transmit(id, &target, out) {
            Ok(Some(len)) => self.send.filled(len)?,
            Ok(None) => return Ok(false),
            Err(small) => {
                let wide = |count| u64::try_from(count).unwrap_or(u64::MAX);
                let (found, allowed) = (wide(small.needed), wide(self.send.capacity()));
                return Err(Error::limit(LimitName::StorageBytes, found, allowed));
            }
        }
        http.sending = Some(id);
        Ok(true)
    }
}

/// A name or password without percent-encoding.
pub(super) struct Decoded([u8; 384], usize);

impl Default for Decoded {
    fn default() -> Self {
        Self([0; 384], 0)
    }
}

impl Decoded {
    /// `None` if it is too long or no UTF-8.
    fn fill(&mut self, text: &str) -> Option<&str> {
        for byte in percent_decoded(text) {
            *self.0.get_mut(self.1)? = byte;
            self.1 = self.1.saturating_add(1);
        }
        core::str::from_utf8(self.0.get(..self.1)?).ok()
    }
}

fn credentials<'r>(url: &Url<'_>, room: &'r mut [Decoded; 2]) -> Option<Credentials<'r>> {
    decoded(url.credentials()?, room)
}

pub(super) fn decoded<'r>(
    (user, password): (&str, &str),
    room: &'r mut [Decoded; 2],
) -> Option<Credentials<'r>> {
    let [first, second] = room;
    Some(Credentials { user: first.fill(user)?, password: second.fill(password)? })
}

impl<'a> From<wmsp::Event<'a>> for Event<'a> {
    fn from(event: wmsp::Event<'a>) -> Self {
        match event {
            wmsp::Event::Connected { server } => {
                let [major, minor, ..] = server.version;
                Self::Connected { version: ServerVersion { major, minor } }
            }
            wmsp::Event::AuthenticationRequired { scheme } => Self::AuthenticationRequired { scheme },
            wmsp::Event::Redirected { kind, location } => {
                Self::Redirected { kind, location: Text::Str(location) }
            }
            wmsp::Event::Opened(content) => Self::Opened(content),
            wmsp::Event::HeaderPart { offset, bytes, last } => Self::HeaderPart { offset, bytes, last },
            wmsp::Event::StreamsSwitched { hr } => Self::StreamsSwitched { hr },
            wmsp::Event::Started => Self::Started,
            wmsp::Event::Packet { location_id, af_flags, bytes } => {
                Self::Packet { location_id, af_flags, bytes }
            }
            wmsp::Event::Stopped => Self::Stopped,
            wmsp::Event::EndOfStream { hr, more } => Self::EndOfStream { hr, more },
            wmsp::Event::StreamChange { packet_size, header_len, bit_rate } => {
                Self::StreamChange { packet_size, header_len, bit_rate }
            }
            wmsp::Event::File { len } => Self::File { len },
            wmsp::Event::FilePart { offset, bytes } => Self::FilePart { offset, bytes },
            wmsp::Event::TextPart { offset, bytes, last } => Self::TextPart { offset, bytes, last },
        }
    }
}

impl From<wmsp::Located> for Located {
    fn from(event: wmsp::Located) -> Self {
        match event {
            wmsp::Located::Plain(event) => Self::Plain(event.into()),
            wmsp::Located::HeaderPart { offset, bytes, last } => Self::HeaderPart { offset, bytes, last },
            wmsp::Located::Packet { location_id, af_flags, bytes } => {
                Self::Packet { location_id, af_flags, bytes }
            }
            wmsp::Located::Redirected { kind, location } => Self::Redirected { kind, location, wide: false },
            wmsp::Located::FilePart { offset, bytes } => Self::FilePart { offset, bytes },
            wmsp::Located::TextPart { offset, bytes, last } => Self::TextPart { offset, bytes, last },
        }
    }
}
