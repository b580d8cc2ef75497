//! One accepted connection: its driver and its host.

use core::future::{Future, poll_fn};
use core::net::{IpAddr, SocketAddr};
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::ErrorKind;
use std::panic::catch_unwind;
use std::sync::{Arc, OnceLock};
use std::thread;

use mms_core::error::Error;
use mms_core::server::{Accepted, Connection, Event, Step, Storage, UdpStorage};
use mms_core::time::Instant;

use super::datagrams::{MTU, Mailbox, UdpPort};
use super::doors::ServerOptions;
use super::room::{Guard, Room};
use super::sessions::Seat;
use super::stream::{self, Stream};
use crate::{Answer, Clock, Ended, Host, IoLimits, Permit, Question};

/// Slices of one vectored write.
const SLICES: usize = 64;
/// Datagrams of one round.
const DATAGRAMS: usize = 64;
/// Wait after the system had no room for datagrams.
const UDP_PAUSE: Duration = Duration::from_millis(1);
/// Rounds of one turn before others get theirs.
const BUDGET: u32 = 32;

/// One accepted connection without its socket. `J` is an answer under way.
///
/// When it is dropped, its host is told that it has ended: at once, or when it has given the answer under way.
#[derive(Debug)]
pub struct Session<H: Host, J> {
    driver: Connection<Vec<u8>, H::Packets>,
    host: Option<Guest<H>>,
    ended: Arc<OnceLock<Ended>>,
    job: Option<J>,
    peer: SocketAddr,
    since: Instant,
    clock: Clock,
    limits: IoLimits,
    guard: Guard,
    room: Room,
    udp: Option<Udp>,
    seat: Seat,
    _permit: Permit,
}

/// The way of a connection's datagrams.
#[derive(Debug)]
struct Udp {
    port: Arc<UdpPort>,
    mailbox: Arc<Mailbox>,
    client_id: Option<u32>,
    remembered: usize,
    /// the system has no room for more
    is_full: bool,
}

/// What a connection does after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an adapter must do all of these")]
pub enum Turn {
    /// Wait until the socket is ready or this moment has come.
    Sleep(Instant),
    /// Let others have their turn, then go on.
    Yield,
    /// The connection is over; drop it and its socket.
    Over,
}

/// A host, wherever it is; when it is dropped behind its connection, it is told that this has ended.
#[derive(Debug)]
pub struct Guest<H: Host> {
    host: H,
    ended: Arc<OnceLock<Ended>>,
}

impl<H: Host> Guest<H> {
    fn told(&mut self, event: &Event<'_>) {
        match event {
            Event::ClientLog(log) => self.host.client_log(log),
            Event::LogPart { kind, bytes, last } => self.host.log_part(*kind, bytes, *last),
            _ => {}
        }
    }
}

impl<H: Host> Drop for Guest<H> {
    fn drop(&mut self) {
        // a host that panicked is dropped before
        if let Some(ended) = self.ended.get() {
            self.host.ended(ended);
        }
    }
}

/// A host's answer, and the host back; or what it panicked with.
pub type Answered<H> = thread::Result<(Guest<H>, Answer<<H as Host>::Packets>)>;

/// Lets a host answer; may block on files.
///
/// # Errors
/// What the host panicked with.
pub fn answer<H: Host>(mut guest: Guest<H>, question: Question) -> Answered<H> {
    // the host is lost when it panics, so nobody sees it half changed
    catch_unwind(AssertUnwindSafe(move || {
        let answer = guest.host.answer(question);
        (guest, answer)
    }))
}

impl<H: Host, J> Session<H, J> {
    /// Without a host the client is turned away.
    pub(super) fn new(
        options: &ServerOptions,
        host: Option<H>,
        accepted: Accepted,
        permit: Permit,
        (seat, udp): (Seat, Option<Arc<UdpPort>>),
    ) -> Result<Self, Error> {
        let least = Connection::<Vec<u8>, H::Packets>::RECEIVE_BYTES;
        let storage =
            Storage { receive: vec![0; least], send: vec![0; Connection::<Vec<u8>, H::Packets>::SEND_BYTES] };
        let since = options.clock.now();
        let ended = Arc::default();
        let mut driver = Connection::new(options.connection.clone(), storage, accepted, since)?;
        driver.allow_http();
        if host.is_none() {
            driver.turn_away();
        }
        if udp.is_some() {
            driver.allow_udp();
        }
        let remembered = options.remembered;
        let udp = udp.map(|port| Udp {
            port,
            mailbox: Arc::default(),
            client_id: None,
            remembered,
            is_full: false,
        });
        Ok(Self {
            driver,
            udp,
            seat,
            host: host.map(|host| Guest { host, ended: Arc::clone(&ended) }),
            ended,
            job: None,
            peer: accepted.peer,
            since,
            clock: options.clock.clone(),
            limits: options.io,
            guard: Guard::default(),
            // requests are small, so storage grows for a large one only
            room: Room::new(least, least),
            _permit: permit,
        })
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Ends the connection in order.
    pub fn shut_down(&mut self) {
        self.driver.shut_down(self.clock.now());
    }
}

impl<H: Host, J: Future<Output = Answered<H>> + Unpin> Session<H, J> {
    /// Does what can be done now. `ask` begins to [`answer`] a question, perhaps on a thread that may block;
    /// a host that panics ends the connection.
    pub fn turn(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Stream,
        ask: impl Fn(Guest<H>, Question) -> J,
    ) -> Turn {
        for _ in 0..BUDGET {
            match self.driver.step(self.clock.now()) {
                Step::Event => {
                    if let (Some(event), Some(guest)) = (self.driver.event(), &mut self.host) {
                        guest.told(&event);
                    }
                }
                Step::Storage { needed } => {
                    self.driver.replace_storage(self.room.needed(needed));
                }
                Step::Wait { read, write, until } => {
                    let answered = self.wishes(cx, &ask);
                    let sent = self.datagrams(cx);
                    let attended = self.seat.attend(self.clock.now(), cx, &mut self.driver);
                    if self.transfer(cx, stream, read, write) || answered || sent || attended {
                        self.guard.moved();
                    } else if let Some(until) = self.rest(until) {
                        self.guard.moved();
                        return Turn::Sleep(until);
                    } else if self.guard.is_stuck() {
                        self.driver.no_progress();
                    }
                }
                // the host comes back first, so that it is told before the server's end
                Step::Done if self.job.is_some() && !self.poll_job(cx) => return Turn::Sleep(Instant::MAX),
                Step::Done => return Turn::Over,
            }
        }
        Turn::Yield
    }

    /// Takes turns until the connection is over. It ends in order when `shut_down` is ready; `sleep` is ready when
    /// the system's time has come, `ask` is that of [`turn`](Self::turn).
    pub async fn run(
        self: Box<Self>,
        mut stream: impl Stream,
        shut_down: impl Future<Output = ()>,
        mut sleep: impl FnMut(&mut Context<'_>, std::time::Instant) -> Poll<()>,
        ask: impl Fn(Guest<H>, Question) -> J,
    ) {
        // dropped before the stream, also with the future: the host is told before the client sees the end
        let mut session = self;
        let mut shut_down = pin!(shut_down);
        let mut going_down = false;
        poll_fn(|cx| {
            if !going_down && shut_down.as_mut().poll(cx).is_ready() {
                going_down = true;
                session.shut_down();
            }
            match session.turn(cx, &mut stream, &ask) {
                Turn::Over => return Poll::Ready(()),
                Turn::Sleep(until) => ready!(sleep(cx, session.clock.at(until))),
                Turn::Yield => {}
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Hands out the next wish and looks for its answer; whether an answer came.
    fn wishes(&mut self, cx: &mut Context<'_>, ask: impl Fn(Guest<H>, Question) -> J) -> bool {
        if let Some(guest) = &mut self.host
            && let Some(wish) = self.driver.next_wish()
        {
            let question = Question::new(&wish, self.peer);
            // a host that panics is lost, so nobody sees it half changed
            match catch_unwind(AssertUnwindSafe(|| guest.host.answer_at_once(question))) {
                Ok(Ok(answer)) => {
                    answer.give(&mut self.driver, self.clock.now());
                    return true;
                }
                Ok(Err(question)) => self.job = self.host.take().map(|guest| ask(guest, question)),
                Err(_) => {
                    self.host = None;
                    self.driver.connection_failed();
                    return true;
                }
            }
        }
        self.poll_job(cx)
    }

    fn poll_job(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(job) = &mut self.job else { return false };
        let Poll::Ready(result) = Pin::new(job).poll(cx) else { return false };
        self.job = None;
        match result {
            Ok((host, answer)) => {
                self.host = Some(host);
                // one that was withdrawn meanwhile does nothing
                answer.give(&mut self.driver, self.clock.now());
            }
            // the host panicked; its connection ends
            Err(_) => self.driver.connection_failed(),
        }
        true
    }

    fn transfer(&mut self, cx: &mut Context<'_>, stream: &mut impl Stream, read: bool, write: bool) -> bool {
        let Self { driver, limits, clock, .. } = self;
        let mut moved = false;
        if read {
            let space = driver.space();
            let len = space.len().min(limits.read);
            let result = stream::read(stream, cx, space, *limits);
            moved |= result.is_some();
            match result {
                Some(Ok(0)) => driver.end_of_stream(),
                Some(Ok(count)) => {
                    driver.filled(count);
                    if let Some(storage) = self.room.read(clock.now(), count, len) {
                        driver.replace_storage(storage);
                    }
                }
                Some(Err(_)) => driver.connection_failed(),
                None => {}
            }
        }
        if write {
            let mut slices = [&[][..]; SLICES];
            let used = driver.pending(&mut slices);
            let result = stream::write(stream, cx, slices, used, *limits);
            moved |= result.is_some();
            match result {
                Some(Ok(count)) => driver.written(clock.now(), count),
                Some(Err(_)) => driver.connection_failed(),
                None => {}
            }
        }
        moved
    }

    /// Moves datagrams; whether there were any.
    fn datagrams(&mut self, cx: &mut Context<'_>) -> bool {
        let Self { driver, udp: Some(udp), clock, peer, .. } = self else { return false };
        let now = clock.now();
        if driver.wants_udp() {
            let identities = udp.remembered.saturating_mul(Connection::<Vec<u8>, H::Packets>::IDENTITY_BYTES);
            let packet_pair = vec![0; Connection::<Vec<u8>, H::Packets>::PACKET_PAIR_BYTES];
            let storage = UdpStorage { identities: vec![0; identities], packet_pair };
            // it is wanted, and large enough
            let _ = driver.start_udp(now, storage);
        }
        let client_id = driver.client_id();
        if udp.client_id != client_id {
            udp.leave(peer.ip());
            udp.client_id = client_id;
            client_id.iter().for_each(|id| udp.port.register(*id, peer.ip(), &udp.mailbox));
        }
        if client_id.is_none() {
            return false;
        }
        let mut moved = false;
        while let Some(request) = udp.mailbox.take(cx) {
            driver.datagram_received(now, &request);
            moved = true;
        }
        udp.is_full = false;
        let mut whole = [0; MTU];
        for _ in 0..DATAGRAMS {
            let Some(datagram) = driver.datagram(now) else { break };
            match udp.port.send(datagram.parts, datagram.to, &mut whole) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    udp.is_full = true;
                    break;
                }
                // one that the system refuses is lost
                _ => driver.datagram_sent(now),
            }
            moved = true;
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
        let full = self.udp.as_ref().is_some_and(|udp| udp.is_full);
        let until = if full { until.min(now + UDP_PAUSE) } else { until };
        (until > now).then(|| until.min(self.room.drained_at()))
    }
}

impl Udp {
    fn leave(&self, client: IpAddr) {
        self.client_id.iter().for_each(|id| self.port.unregister(*id, client, &self.mailbox));
    }
}

impl<H: Host, J> Drop for Session<H, J> {
    fn drop(&mut self) {
        let now = self.clock.now();
        let duration = now.since(self.since);
        self.seat.release(now);
        self.udp.iter().for_each(|udp| udp.leave(self.peer.ip()));
        if let Some(resends) = self.driver.resends() {
            tracing::debug!(target: "mms::session", peer = %self.peer, ?resends, "media over UDP");
        }
        // it is set here only
        let _ = self.ended.set(Ended { peer: self.peer, duration, report: self.driver.report() });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use core::future::{Ready, pending, ready};
    use core::task::Waker;
    use std::io::{self, IoSlice};
    use std::net::UdpSocket;
    use std::sync::Mutex;

    use super::super::datagrams::Datagrams;
    use super::super::doors::Doors;
    use super::*;

    /// What happened, in order.
    #[derive(Clone, Default)]
    struct Story(Arc<Mutex<Vec<&'static str>>>);

    impl Host for Story {
        type Packets = Vec<u8>;

        fn answer(&mut self, _: Question) -> Answer<Vec<u8>> {
            unreachable!("nothing is asked")
        }

        fn ended(&mut self, _: &Ended) {
            self.0.lock().unwrap().push("the host is told");
        }
    }

    /// A socket whose client has closed, or says nothing.
    struct Socket {
        closed: bool,
        story: Story,
    }

    impl Drop for Socket {
        fn drop(&mut self) {
            self.story.0.lock().unwrap().push("the socket closes");
        }
    }

    impl Stream for Socket {
        type Datagrams = NoDatagrams;

        fn datagrams(&self, _: UdpSocket) -> io::Result<NoDatagrams> {
            Err(ErrorKind::Unsupported.into())
        }
        fn peer_addr(&self) -> io::Result<SocketAddr> {
            Err(ErrorKind::Unsupported.into())
        }
        fn local_addr(&self) -> io::Result<SocketAddr> {
            Err(ErrorKind::Unsupported.into())
        }
        fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            if self.closed { Poll::Ready(Ok(0)) } else { Poll::Pending }
        }
        fn poll_write(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    enum NoDatagrams {}

    impl Datagrams for NoDatagrams {
        fn try_recv_from(&mut self, _: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
            match *self {}
        }
        fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            match *self {}
        }
        fn try_send_to(&mut self, _: &[u8], _: SocketAddr) -> io::Result<usize> {
            match *self {}
        }
    }

    #[test]
    fn the_host_is_told_before_the_client_sees_the_end() {
        for closed in [true, false] {
            let story = Story::default();
            let doors = Doors::new(ServerOptions::default(), story.clone());
            let session: Box<Session<Story, Ready<Answered<Story>>>> =
                doors.admit("192.0.2.1:1".parse().unwrap(), None).unwrap();
            let socket = Socket { closed, story: story.clone() };
            let run = session.run(
                socket,
                pending(),
                |_, _| Poll::Pending,
                |guest, question| ready(answer(guest, question)),
            );
            let mut run = Box::pin(run);
            let mut cx = Context::from_waker(Waker::noop());
            let is_over = (0..10).any(|_| run.as_mut().poll(&mut cx).is_ready());
            assert_eq!(is_over, closed);
            // one that is not over yet is dropped in the middle
            drop(run);
            assert_eq!(*story.0.lock().unwrap(), ["the host is told", "the socket closes"]);
        }
    }
}
