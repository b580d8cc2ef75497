//! The drive loop of a client.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;

use super::event::{Event, Located};
use super::options::{Options, Step, Storage, Wanted};
use super::patience::Media;
use super::place;
use super::protocol::Protocol;
use super::socket::{SocketId, Sockets};
use super::udp::{Udp, UdpLink, UdpStorage};
use crate::buffer::Buffer;
use crate::error::{Bug, Error, LimitName, Misuse, TimerName};
use crate::mmsp::client::{Play, Position, Target};
use crate::rollover::{Rollover, Transport};
use crate::text::Fixed;
use crate::time::Instant;
use crate::timer::Timers;
use crate::url::{Url, UrlBuf};

/// Rounds of one step before it hands the thread back.
const ROUNDS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// to be connected
    Wanted,
    Connecting,
    /// connected since the last step
    Fresh,
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
    pub(super) protocol: Protocol,
    pub(super) rollover: Rollover,
    pub(super) link: Link,
    pub(super) receive: Buffer<B>,
    pub(super) send: Buffer<B>,
    pub(super) needed: usize,
    pub(super) timers: Timers<3>,
    pub(super) event: Option<(Located, usize)>,
    /// where the bytes of the event are
    pub(super) place: Place,
    pub(super) udp: Option<Udp<B>>,
    pub(super) announced: bool,
    pub(super) redirects: u32,
    pub(super) end_of_input: bool,
    pub(super) failed: Option<Error>,
    pub(super) plays: Option<Play>,
    /// behind the header of an entry that plays by itself
    pub(super) plays_on: bool,
    /// the server spoke the protocol
    pub(super) answered: bool,
    /// something of the content was told
    pub(super) began: bool,
    pub(super) closing: bool,
    pub(super) media: Media,
    /// a short connection of the session before
    pub(super) close_short: bool,
    /// when the host was told to look for bytes once more, because a deadline had passed
    looked: Option<Instant>,
    /// of the last step
    pub(super) now: Instant,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Client<B> {
    /// Least receive storage.
    pub const RECEIVE_BYTES: usize = 2048;
    /// Least send storage: the longest name in OpenFile.
    pub const SEND_BYTES: usize = 2560;

    /// A client for a URL, which cannot have its media in datagrams.
    ///
    /// # Errors
    /// `ApiMisuse`: `Url` for a URL that is neither of the mms family nor of HTTP, `SecureUrl` for `https`, `NoTransport`
    /// for `mmsu`, which needs [`with_udp`](Self::with_udp), for HTTP without the feature `http`, and for an order of
    /// transports that leaves none, `OutOfRange` for storage below the least sizes. `Limit` for a URL that is too long.
    pub fn new(url: &str, options: Options, storage: Storage<B>) -> Result<Self, Error> {
        Self::with(url, options, storage, None)
    }

    /// A client for a URL, which can have its media in datagrams too: `mmsu` takes UDP, `mms` whatever
    /// [`Options::transports`] says.
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
        let Some(rollover) = Rollover::new(&url.url(), options.transports, udp.is_some()) else {
            return Err(Error::ApiMisuse(Misuse::NoTransport));
        };
        let (receive, send) = (Buffer::new(storage.receive), Buffer::new(storage.send));
        if receive.capacity() < Self::RECEIVE_BYTES || send.capacity() < Self::SEND_BYTES {
            return Err(Error::ApiMisuse(Misuse::OutOfRange));
        }
        Ok(Self {
            protocol: place::protocol(&options, &url, &rollover),
            rollover,
            plays: options.play,
            options,
            url,
            link: Link::Wanted,
            receive,
            send,
            needed: 1,
            timers: Timers::new([TimerName::Connect, TimerName::Reply, TimerName::ShutDown]),
            event: None,
            place: Place::Input,
            udp,
            announced: false,
            redirects: 0,
            end_of_input: false,
            failed: None,
            plays_on: false,
            answered: false,
            began: false,
            closing: false,
            media: Media::NONE,
            close_short: false,
            looked: None,
            now: Instant::ZERO,
        })
    }

    // ---- the loop

    /// Does what can be done without the host and says what the host does next. Bounded work.
    pub fn step(&mut self, now: Instant) -> Step {
        self.now = now;
        if let Err(error) = self.release_event() {
            self.fail(error);
        }
        for _ in 0..ROUNDS {
            if self.event.is_some() {
                self.announced = true;
                return Step::Event;
            }
            if self.link != Link::Open && self.timers.next() <= now {
                self.timed_out(now);
                continue;
            }
            if let Some(step) = self.link_step(now) {
                return step;
            }
            if self.link != Link::Open {
                continue;
            }
            match self.advance(now) {
                Ok(_) if self.event.is_some() => {}
                Ok(true) => {}
                Ok(false) => {
                    if self.protocol.has_ended() && !self.timers.is_running(TimerName::ShutDown) {
                        self.timers.start(TimerName::ShutDown, now, self.options.close_timeout);
                    }
                    self.await_media(now);
                    let deadline = self.timers.next().min(self.protocol.poll_timeout());
                    if let Some(looked) = self.looked.take_if(|looked| deadline <= now && deadline <= *looked)
                    {
                        self.timed_out(looked);
                        continue;
                    }
                    // a timer may have raised a wish
                    if let Some(step) = self.http_step(now).or_else(|| self.rest()) {
                        let looks = deadline <= now && matches!(step, Step::Wait { .. });
                        self.looked = looks.then_some(now);
                        return step;
                    }
                }
                Err(error) => self.fail(error),
            }
        }
        Step::Wait { read: Sockets::NONE, write: Sockets::NONE, until: now }
    }

    /// A deadline has passed. While a connection is open that counts only if the host looked for bytes behind it, at this
    /// moment: a host that was busy elsewhere finds them in its socket.
    fn timed_out(&mut self, now: Instant) {
        let result = match self.timers.expired(now) {
            // everything is there; only the goodbye was not taken
            Some(TimerName::ShutDown) => {
                self.leave();
                Ok(())
            }
            Some(TimerName::Reply) => {
                self.step_timed_out();
                Ok(())
            }
            Some(name) => Err(Error::TimedOut(name)),
            None => self.protocol.handle_timeout(now),
        };
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// What the host does about its sockets before anything else; `None` if another round decides, or if the link is
    /// open and the session goes on.
    fn link_step(&mut self, now: Instant) -> Option<Step> {
        if core::mem::take(&mut self.close_short) {
            return Some(Step::Close(SocketId::SHORT));
        }
        if let Some(step) = self.udp_step() {
            return Some(step);
        }
        match self.link {
            // connections come as the session wants them
            Link::Wanted if self.protocol.is_http() => {
                self.link = Link::Open;
                self.http_step(now)
            }
            Link::Wanted => {
                self.link = Link::Connecting;
                self.timers.start(TimerName::Connect, now, self.patience());
                Some(Step::Connect(SocketId::CONTROL))
            }
            Link::Leaving => {
                self.udp.iter_mut().for_each(Udp::leave);
                if let Some(step) = self.udp_step() {
                    return Some(step);
                }
                if let Protocol::Http(http) = &mut self.protocol {
                    if let Some(socket) = http.leave() {
                        return Some(Step::Close(socket));
                    }
                    self.link = Link::Closed;
                    return None;
                }
                self.link = Link::Closed;
                Some(Step::Close(SocketId::CONTROL))
            }
            Link::Closed => Some(Step::Done),
            Link::Connecting => {
                let until = self.timers.next();
                Some(Step::Wait { read: Sockets::NONE, write: Sockets::NONE, until })
            }
            Link::Fresh => {
                self.link = Link::Open;
                if !self.began && self.rollover.has_other_family() {
                    self.timers.start(TimerName::Reply, now, self.options.rollover_timeout);
                }
                None
            }
            Link::Open => self.http_step(now),
        }
    }

    /// How long connecting may take.
    pub(super) fn patience(&self) -> Duration {
        let most = self.options.connect_timeout;
        let may_go_on = !self.began && self.rollover.has_other_family();
        if may_go_on { most.min(self.options.rollover_timeout) } else { most }
    }

    /// What [`Step::Event`] announced, as often as wanted until the next step.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        self.event.as_ref().map(|(event, _)| event.lend(self.event_bytes(self.place)))
    }

    pub(super) fn event_bytes(&self, place: Place) -> &[u8] {
        match (place, &self.udp) {
            (Place::Header, Some(udp)) => udp.part(),
            (Place::Slot, Some(udp)) => udp.datagram(),
            _ => self.receive.data(),
        }
    }

    /// Where a socket wants to be connected to.
    #[must_use]
    pub fn wanted(&self, _socket: SocketId) -> Wanted<'_> {
        self.proxy().unwrap_or_else(|| {
            let url = self.url.url();
            Wanted { host: url.host, port: self.rollover.transport().port(&url) }
        })
    }

    /// The socket is connected; `local` is the address of our end.
    ///
    /// It answers the last [`Step::Connect`], once; at any other time it does nothing. An attempt that [`Step::Close`] or
    /// another `Connect` of the same socket overtook (a time-out does that) must be dropped without a word, or its answer
    /// would count for the new one.
    pub fn connected(&mut self, socket: SocketId, local: SocketAddr) {
        match &mut self.protocol {
            Protocol::Http(http) => http.connected(socket),
            Protocol::Mms(session) if self.link == Link::Connecting => {
                self.timers.stop_all();
                session.set_local(local);
                self.link = Link::Fresh;
                if self.rollover.transport() == Transport::Udp {
                    self.want_udp();
                }
            }
            Protocol::Mms(_) => {}
        }
    }

    /// The socket could not be connected, or the network failed. After the session has ended this is no
    /// error: a server may close before it reads the last requests.
    ///
    /// It takes no error of the system: a host that wants to show one keeps it beside the driver. Sockets that were closed
    /// or replaced since are not reported. Other calls may follow in the same turn, but [`space`](Self::space) may be empty then.
    pub fn connection_failed(&mut self, socket: SocketId) {
        match &mut self.protocol {
            Protocol::Http(http) => http.connection_failed(socket),
            Protocol::Mms(session) if self.link == Link::Open && session.has_ended() => self.leave(),
            Protocol::Mms(_) if matches!(self.link, Link::Leaving | Link::Closed) => {}
            Protocol::Mms(_) => self.fail(Error::ConnectionFailed),
        }
    }

    /// The host's guard saw the driver make no progress, or a step that it does not know.
    ///
    /// The guard is for faults of ours: without one such a fault is a loop that takes a whole processor. It counts the steps
    /// in a row that were a `Wait` whose `until` is past, with no bytes moved. Some are normal, since a step with much to do
    /// hands the thread back in between; thousands are not (the adapters take 1,000). A host that always sleeps a little needs none.
    pub fn no_progress(&mut self) {
        self.fail(Error::Bug(Bug::NoProgress));
    }

    /// Bytes may be received into this space, if [`Step::Wait`] wants to read: it is not empty then, until something was
    /// received or failed. Do not read into an empty one: 0 bytes would look like the end.
    pub fn space(&mut self, socket: SocketId) -> &mut [u8] {
        match (socket, &mut self.udp, &mut self.protocol) {
            (SocketId::MEDIA, Some(udp), _) => udp.space(),
            (SocketId::SHORT, _, Protocol::Http(http)) => http.short_space(),
            (SocketId::CONTROL, ..) if self.event.is_none() => self.receive.space(self.needed),
            _ => &mut [],
        }
    }

    /// `count` bytes were received into the space of a connection; datagrams go to
    /// [`datagram_received`](Self::datagram_received).
    pub fn filled(&mut self, socket: SocketId, count: usize) {
        match (socket, &mut self.protocol) {
            (SocketId::SHORT, Protocol::Http(http)) => http.short_filled(count),
            (SocketId::CONTROL, _) => {
                if let Err(error) = self.receive.filled(count) {
                    self.fail(error);
                }
            }
            _ => self.fail(Error::ApiMisuse(Misuse::WrongState)),
        }
    }

    /// The peer closed its side.
    pub fn end_of_stream(&mut self, socket: SocketId) {
        match (socket, &mut self.protocol) {
            (SocketId::SHORT, Protocol::Http(http)) => http.short_ended(),
            _ => self.end_of_input = true,
        }
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn pending(&self, socket: SocketId) -> &[u8] {
        match (socket, &self.udp, &self.protocol) {
            (SocketId::MEDIA, Some(udp), _) => udp.request(),
            (_, _, Protocol::Http(http)) if !http.sends(socket) => &[],
            _ => self.send.data(),
        }
    }

    /// `count` of the pending bytes were written; 0 of a connection's is allowed and changes nothing.
    pub fn written(&mut self, socket: SocketId, count: usize) {
        if let (SocketId::MEDIA, Some(udp)) = (socket, &mut self.udp) {
            udp.request_sent();
            return;
        }
        self.send.consume(count);
        if let Protocol::Http(http) = &mut self.protocol
            && self.send.is_empty()
        {
            http.sent_all();
        }
    }

    /// Takes larger storage for received bytes, or smaller when little is received; gives the old one back.
    /// Storage that is too small comes back unused.
    pub fn replace_storage(&mut self, receive: B) -> B {
        if receive.as_ref().len() < Self::RECEIVE_BYTES { receive } else { self.receive.replace(receive) }
    }

    // ---- one round

    fn advance(&mut self, now: Instant) -> Result<bool, Error> {
        if let Some(error) = self.protocol.error() {
            return Err(error);
        }
        if self.protocol.is_http() { self.advance_http(now) } else { self.advance_mms(now) }
    }

    fn advance_mms(&mut self, now: Instant) -> Result<bool, Error> {
        if let (Some(udp), Protocol::Mms(session)) = (&self.udp, &mut self.protocol) {
            session.note_reception(udp.statistics());
        }
        let sent = self.transmit(now)?;
        if self.datagrams(now)? {
            return Ok(true);
        }
        let Protocol::Mms(session) = &mut self.protocol else { return Ok(false) };
        let handled = session.locate(now, self.receive.data())?;
        self.needed = handled.needed.max(1);
        if let Some(event) = handled.event {
            self.announce(event.into(), handled.consumed, Place::Input)?;
            return Ok(true);
        }
        self.receive.consume(handled.consumed);
        let over = session.is_closed() || session.is_ending();
        if handled.consumed == 0 && self.end_of_input && !over {
            self.place = Place::Input;
            self.event = session.handle_eof()?.map(|event| (Located::Plain(event.into()), 0));
            return Ok(true);
        }
        Ok(sent || handled.consumed > 0)
    }

    fn transmit(&mut self, now: Instant) -> Result<bool, Error> {
        let mut sent = false;
        let Protocol::Mms(session) = &mut self.protocol else { return Ok(false) };
        while session.wants_transmit() {
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
            match session.poll_transmit(now, &target, out) {
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
        let is_known = self.is_known(&event, place)?;
        self.note_step(&event);
        self.note_media(&event);
        self.react(&event)?;
        if is_known {
            self.receive.consume(consumed);
            return Ok(());
        }
        self.event = Some((event, consumed));
        self.place = place;
        Ok(())
    }

    /// What the driver itself does about an event.
    fn react(&mut self, event: &Located) -> Result<(), Error> {
        match event {
            Located::Plain(Event::Connected { .. }) => {
                self.answered = true;
            }
            Located::Plain(Event::Opened(_)) => self.note_transport(),
            Located::HeaderPart { last, .. } => {
                self.began = true;
                self.plays_on = *last && self.protocol.is_http() && self.protocol.is_streaming();
                if let Some(play) = self.plays.take_if(|_| *last) {
                    self.play_anew(play)?;
                }
            }
            Located::TextPart { .. } => self.began = true,
            Located::Packet { .. } => self.plays_on = false,
            Located::Plain(Event::EndOfStream { hr, more: false }) if self.options.close_at_end => {
                self.failed = hr.is_failure().then_some(Error::Refused(*hr));
                self.protocol.close();
            }
            // nobody is there to wish for something else
            Located::Plain(Event::PlayRefused { error }) if self.options.close_at_end => {
                self.failed = Some(*error);
                self.protocol.close();
            }
            // the new entry begins where it begins (section 3.1.4.4), over HTTP by itself
            Located::Plain(Event::StreamChange { .. }) if !self.protocol.is_http() => {
                self.plays = self.options.play.map(|_| Play {
                    from: Position::Beginning,
                    until: None,
                    ..*self.protocol.last_play()
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
            if self.closing {
                // the host looked where it goes, and does not want to
                self.leave();
            } else {
                self.redirect(*kind, &event)?;
            }
        } else {
            self.receive.consume(consumed);
        }
        Ok(())
    }

    /// Nothing moved: what the host should do. `None` if another round decides.
    fn rest(&mut self) -> Option<Step> {
        if self.protocol.is_closed() && (self.send.is_empty() || self.protocol.is_http()) {
            self.leave();
            return None;
        }
        let capacity = self.receive.capacity();
        if self.needed > capacity && !self.protocol.is_ending() {
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
        let sends = !self.send.is_empty();
        let datagrams = self.udp.as_ref().filter(|udp| udp.link == UdpLink::Open);
        let until = datagrams.map_or(Instant::MAX, Udp::poll_timeout);
        let (read, write) = match &self.protocol {
            Protocol::Mms(_) => (
                Sockets::NONE
                    .with(SocketId::CONTROL, reads)
                    .with(SocketId::MEDIA, datagrams.is_some_and(Udp::has_space)),
                Sockets::NONE
                    .with(SocketId::CONTROL, sends)
                    .with(SocketId::MEDIA, datagrams.is_some_and(|udp| !udp.request().is_empty())),
            ),
            Protocol::Http(http) => (
                Sockets::NONE
                    .with(SocketId::CONTROL, reads && http.reads_stream())
                    .with(SocketId::SHORT, http.reads_short()),
                Sockets::NONE
                    .with(SocketId::CONTROL, sends && http.sends(SocketId::CONTROL))
                    .with(SocketId::SHORT, sends && http.sends(SocketId::SHORT)),
            ),
        };
        let until = until.min(self.protocol.poll_timeout()).min(self.timers.next());
        Some(Step::Wait { read, write, until: until.max(self.now) })
    }

    pub(super) fn leave(&mut self) {
        self.event = None;
        self.timers.stop_all();
        if self.link != Link::Closed {
            self.link = Link::Leaving;
        }
    }
}

/// Host and port as a URL has them.
pub(super) fn write_host(out: &mut impl core::fmt::Write, url: &Url<'_>) -> core::fmt::Result {
    match (url.host.contains(':'), url.port) {
        (true, Some(port)) => write!(out, "[{}]:{port}", url.host),
        (true, None) => write!(out, "[{}]", url.host),
        (false, Some(port)) => write!(out, "{}:{port}", url.host),
        (false, None) => write!(out, "{}", url.host),
    }
}
