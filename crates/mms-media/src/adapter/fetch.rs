//! A client's driver with its sockets.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;

use mms_core::client::{Client, Event, Options, SocketId, Sockets, Step, Storage, UdpStorage, Wanted};
use mms_core::error::Error;
use mms_core::mmsp::udp::HeaderCollector;
use mms_core::time::Instant;

use super::datagrams::{self, Datagrams as _};
use super::room::{Guard, Room};
use super::stream::{self, Stream};
use crate::{Clock, IoLimits};

/// Most bytes that receive storage grows to before a frame needs more.
const STORAGE_BYTES: usize = 1 << 16;
/// Bytes of datagrams that wait for one that was lost.
const UDP_BYTES: usize = 1 << 20;
/// Datagrams of one turn.
const DATAGRAMS: usize = 64;
/// How long the system is asked for readiness where a moment has passed: before the driver gives up it wants to know
/// what came meanwhile.
const LOOK: Duration = Duration::from_millis(1);
/// Turns in a row before others get theirs.
const BUDGET: u32 = 64;

/// A client's driver with its sockets `S` and attempts to connect `C`.
#[derive(Debug)]
pub struct Fetch<S: Stream, C> {
    driver: Client<Vec<u8>>,
    /// as [`SocketId::CONNECTIONS`]
    links: [Link<S, C>; 2],
    media: Option<S::Datagrams>,
    clock: Clock,
    limits: IoLimits,
    guard: Guard,
    room: Room,
    turns: u32,
    /// what the driver waits for while this sleeps
    waits: Option<(Sockets, Sockets)>,
    failed: Option<io::Error>,
}

/// What became of the wish to connect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Link<S, C> {
    /// Nothing.
    Closed,
    /// It is under way.
    Connecting(C),
    /// The socket.
    Open(S),
}

/// What a client does after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an adapter must do all of these")]
pub enum Next {
    /// Look at the driver's event.
    Event,
    /// Wait until a socket is ready or this moment has come.
    Sleep(Instant),
    /// Let others have their turn, then go on.
    Yield,
    /// All is over.
    Over,
}

impl<S: Stream, C> Fetch<S, C> {
    /// A client for a URL.
    ///
    /// # Errors
    /// A URL that this client does not speak.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let most = usize::try_from(options.storage_bytes).unwrap_or(usize::MAX).min(STORAGE_BYTES);
        let room = Room::new(Client::<Vec<u8>>::RECEIVE_BYTES, most);
        let storage = Storage {
            receive: vec![0; Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; Client::<Vec<u8>>::HTTP_SEND_BYTES],
        };
        let slots = UDP_BYTES;
        let header = usize::try_from(options.mms.header.bytes).unwrap_or(usize::MAX).min(UDP_BYTES);
        let header = HeaderCollector::<Vec<u8>>::storage_for(header);
        // pages that nothing is written to cost nothing
        let udp = UdpStorage { slots: vec![0; slots], header: vec![0; header] };
        Ok(Self {
            driver: Client::with_udp(url, options, storage, udp)?,
            links: [const { Link::Closed }; 2],
            media: None,
            clock: Clock::start(),
            limits: IoLimits::default(),
            guard: Guard::default(),
            room,
            turns: 0,
            waits: None,
            failed: None,
        })
    }

    /// Bounds the bytes of one read and one write.
    pub fn set_limits(&mut self, limits: IoLimits) {
        self.limits = limits;
    }

    /// Takes another clock, before the first turn.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The driver.
    pub fn driver(&mut self) -> &mut Client<Vec<u8>> {
        &mut self.driver
    }

    /// The driver's event, when its turns ended with one; else why the session failed, or `None` if it did not.
    ///
    /// # Errors
    /// Why the session failed.
    pub fn event(&self, has_event: bool) -> Result<Option<Event<'_>>, Error> {
        match (has_event, self.driver.error()) {
            (false, Some(error)) => Err(error),
            _ => Ok(self.driver.event()),
        }
    }

    /// What the system said of the last control connection, if it could not be made or broke.
    #[must_use]
    pub fn system_error(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    /// A connection; that of control, if it is none.
    pub fn link(&mut self, id: SocketId) -> &mut Link<S, C> {
        let [control, short] = &mut self.links;
        if id == SocketId::SHORT { short } else { control }
    }

    /// The UDP socket.
    pub fn media(&mut self) -> Option<&mut S::Datagrams> {
        self.media.as_mut()
    }
}

impl<S: Stream, C: Future<Output = io::Result<S>> + Unpin> Fetch<S, C> {
    /// Takes turns: ready with true when the driver has an event, with false when all is over. `sleep` is ready when
    /// the system's time has come, `connect` begins to connect a socket.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        mut sleep: impl FnMut(&mut Context<'_>, std::time::Instant) -> Poll<()>,
        mut connect: impl FnMut(SocketId, Wanted<'_>) -> C,
    ) -> Poll<bool> {
        loop {
            match self.turn(cx, &mut connect) {
                Next::Event => return Poll::Ready(true),
                Next::Over => return Poll::Ready(false),
                Next::Yield => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Sleep(until) => ready!(sleep(cx, self.clock.at(until))),
            }
        }
    }

    /// Does what can be done now. `connect` begins to connect a socket.
    pub fn turn(&mut self, cx: &mut Context<'_>, mut connect: impl FnMut(SocketId, Wanted<'_>) -> C) -> Next {
        self.turns += 1;
        if self.turns > BUDGET {
            self.turns = 0;
            return Next::Yield;
        }
        // what came while it slept is read before the driver looks at the time
        if let Some((read, write)) = self.waits.take() {
            self.move_bytes(cx, read, write);
        }
        loop {
            match self.driver.step(self.clock.now()) {
                Step::Connect(id) => {
                    if id == SocketId::CONTROL {
                        self.failed = None;
                    }
                    // an old one is closed first
                    *self.link(id) = Link::Closed;
                    let connecting = connect(id, self.driver.wanted(id));
                    *self.link(id) = Link::Connecting(connecting);
                }
                Step::Bind(id) => match self.bind() {
                    Ok(local) => self.driver.bound(id, local),
                    Err(error) => {
                        tracing::debug!(%error, "bind");
                        self.driver.bind_failed(id);
                    }
                },
                Step::Close(SocketId::MEDIA) => self.media = None,
                Step::Close(id) => *self.link(id) = Link::Closed,
                Step::Event => {
                    self.guard.moved();
                    return Next::Event;
                }
                Step::Storage { needed } => {
                    self.driver.replace_storage(self.room.needed(needed));
                }
                Step::Wait { read, write, until } => {
                    if self.move_bytes(cx, read, write) {
                        continue;
                    }
                    let until = match self.rest(until) {
                        Some(until) => {
                            self.guard.moved();
                            until
                        }
                        None if self.guard.is_stuck() => {
                            self.driver.no_progress();
                            continue;
                        }
                        // a step with much to do hands the thread back
                        None if read == Sockets::NONE && write == Sockets::NONE => continue,
                        None => self.clock.now() + LOOK,
                    };
                    self.waits = Some((read, write));
                    self.turns = 0;
                    return Next::Sleep(until);
                }
                Step::Done => return Next::Over,
                _ => self.driver.no_progress(),
            }
        }
    }

    /// A UDP socket beside the control connection.
    fn bind(&mut self) -> io::Result<SocketAddr> {
        let [Link::Open(stream), _] = &self.links else { return Err(io::ErrorKind::NotConnected.into()) };
        let socket = crate::bind_udp(SocketAddr::new(stream.local_addr()?.ip(), 0))?;
        let local = socket.local_addr()?;
        self.media = Some(stream.datagrams(socket)?);
        Ok(local)
    }

    /// Moves bytes and datagrams where sockets are ready; whether anything happened.
    fn move_bytes(&mut self, cx: &mut Context<'_>, reads: Sockets, writes: Sockets) -> bool {
        let datagrams = self.datagrams(cx, reads, writes);
        let moved = self.transfer(cx, reads, writes) || datagrams;
        if moved {
            self.guard.moved();
        }
        moved
    }

    /// Moves datagrams; whether there were any.
    fn datagrams(&mut self, cx: &mut Context<'_>, reads: Sockets, writes: Sockets) -> bool {
        let Self { driver, media: Some(socket), clock, .. } = self else { return false };
        let id = SocketId::MEDIA;
        let mut moved = false;
        if writes.contains(id) {
            if let Some(to) = driver.datagram_target() {
                // a request that the system refuses is lost as others are
                let _ = socket.try_send_to(driver.pending(id), to);
            }
            driver.written(id, driver.pending(id).len());
            moved = true;
        }
        for _ in 0..DATAGRAMS {
            let space = if reads.contains(id) { driver.space(id) } else { break };
            if space.is_empty() {
                break;
            }
            match datagrams::receive(socket, cx, space) {
                Some(Ok((count, from))) => driver.datagram_received(clock.now(), count, from),
                // what an earlier datagram met with says nothing
                Some(Err(_)) => {}
                None => break,
            }
            moved = true;
        }
        moved
    }

    /// Moves bytes where sockets are ready; whether anything happened.
    fn transfer(&mut self, cx: &mut Context<'_>, reads: Sockets, writes: Sockets) -> bool {
        let Self { driver, links, limits, failed, .. } = self;
        let mut fail = |driver: &mut Client<Vec<u8>>, id, error| {
            driver.connection_failed(id);
            if id == SocketId::CONTROL {
                *failed = Some(error);
            }
        };
        let mut moved = false;
        for (id, link) in SocketId::CONNECTIONS.into_iter().zip(links) {
            if let Link::Connecting(connecting) = link {
                let Poll::Ready(result) = Pin::new(connecting).poll(cx) else { continue };
                moved = true;
                match result.and_then(|stream| Ok((stream.local_addr()?, stream.peer_addr()?, stream))) {
                    Ok((local, peer, stream)) => {
                        *link = Link::Open(stream);
                        driver.set_peer(peer);
                        driver.connected(id, local);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "connect");
                        *link = Link::Closed;
                        fail(driver, id, error);
                    }
                }
            }
            let Link::Open(stream) = link else { continue };
            // an application that gave a command while this slept may have changed what is wanted
            if reads.contains(id) && !driver.space(id).is_empty() {
                let space = driver.space(id);
                let len = space.len().min(limits.read);
                let result = stream::read(stream, cx, space, *limits);
                moved |= result.is_some();
                match result {
                    Some(Ok(0)) => driver.end_of_stream(id),
                    Some(Ok(count)) => {
                        driver.filled(id, count);
                        if id == SocketId::CONTROL
                            && let Some(storage) = self.room.read(self.clock.now(), count, len)
                        {
                            driver.replace_storage(storage);
                        }
                    }
                    Some(Err(error)) => fail(driver, id, error),
                    None => {}
                }
            }
            if writes.contains(id) && !driver.pending(id).is_empty() {
                let result = stream::write(stream, cx, [driver.pending(id)], 1, *limits);
                moved |= result.is_some();
                match result {
                    Some(Ok(count)) => driver.written(id, count),
                    Some(Err(error)) => fail(driver, id, error),
                    None => {}
                }
            }
        }
        moved
    }

    /// How long to sleep when nothing moves; `None` if the moment has come already.
    fn rest(&mut self, until: Instant) -> Option<Instant> {
        let now = self.clock.now();
        if let Some(storage) = self.room.shrink(now) {
            let back = self.driver.replace_storage(storage);
            self.room.came_back(&back);
        }
        (until > now).then(|| until.min(self.room.drained_at()))
    }
}
