//! A server on one thread: readiness of all connections by one poll.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use mms_core::server::{Accepted, Config, Connection, Event, Step, Storage};
use mms_core::time::Instant;
use mms_media::{Clock, Ended, Gate, GateLimits, Host, IoLimits, Permit, Question};

use crate::socket::Socket;
use crate::table::Table;

/// Slices of one vectored write.
const SLICES: usize = 64;
/// Turns of one connection before others get their turn.
const BUDGET: u32 = 32;
/// Turns without progress after which a connection is taken for broken.
const IDLE_TURNS: u32 = 1000;
/// Wait after the system had no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const WAKER: Token = Token(usize::MAX - 1);

/// Settings of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Settings of each connection.
    pub connection: Config,
    /// Connections in all and of one address.
    pub gate: GateLimits,
    /// How long connections may take to end in order when the server goes down.
    pub shut_down: Duration,
    /// Most bytes of one read and one write.
    pub io: IoLimits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connection: Config::default(),
            gate: GateLimits::default(),
            shut_down: Duration::from_secs(5),
            io: IoLimits::default(),
        }
    }
}

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    poll: Poll,
    stopper: Stopper,
    options: ServerOptions,
}

/// Stops a server, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    wanted: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stopper {
    /// Connections end in order, then [`Server::serve`] returns.
    pub fn stop(&self) {
        self.wanted.store(true, Ordering::Release);
        // if it cannot be woken, it sees the flag at its next turn
        let _ = self.waker.wake();
    }
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut listeners = Vec::with_capacity(addresses.len());
        for (index, address) in addresses.iter().enumerate() {
            let mut listener = TcpListener::from_std(mms_media::listen(*address)?);
            poll.registry().register(&mut listener, Token(index), Interest::READABLE)?;
            listeners.push(listener);
        }
        let stopper = Stopper { wanted: Arc::default(), waker: Arc::new(waker) };
        Ok(Self { listeners, poll, stopper, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Stops the server from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until it is stopped; then connections end in order, within the time set for it. The host
    /// answers on this thread.
    ///
    /// # Errors
    /// If the system cannot wait any more.
    pub fn serve<H: Host>(self, host: H) -> io::Result<()> {
        let table = Table::new(self.listeners.len());
        let gate = Gate::new(self.options.gate);
        Loop { server: self, gate, host, table, clock: Clock::start(), until: None, accept_again: None }.run()
    }
}

struct Loop<H: Host> {
    server: Server,
    gate: Gate,
    host: H,
    /// connections by token; the first tokens belong to the listeners
    table: Table<Link<H>>,
    clock: Clock,
    /// when to give up waiting for the last connections
    until: Option<Instant>,
    /// when to accept again after the system had no descriptor left
    accept_again: Option<Instant>,
}

struct Link<H: Host> {
    driver: Connection<Vec<u8>, H::Packets>,
    socket: Socket,
    host: H,
    peer: SocketAddr,
    since: Instant,
    idle_turns: u32,
    _permit: Permit,
}

/// What a connection wants after its turn.
enum Turn {
    Again,
    Sleep(Instant),
    Over,
}

impl<H: Host> Loop<H> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let now = self.clock.now();
            if self.server.stopper.wanted.load(Ordering::Acquire) && self.until.is_none() {
                self.shut_down(now);
            }
            if self.until.is_some_and(|until| now >= until || self.table.is_empty()) {
                return Ok(());
            }
            let mut wake = self.table.wake_at(now);
            for moment in [self.until, self.accept_again].into_iter().flatten() {
                wake = wake.min(moment);
            }
            match self.server.poll.poll(&mut events, Some(timeout(now, wake))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                let token = event.token().0;
                if token < self.server.listeners.len() {
                    self.accept(token);
                } else if let Some(link) = self.table.get(token) {
                    link.socket.note(event);
                    self.table.queue(token);
                }
            }
            let now = self.clock.now();
            self.table.expire(now);
            if self.accept_again.take_if(|moment| *moment <= now).is_some() {
                (0..self.server.listeners.len()).for_each(|listener| self.accept(listener));
            }
            // those that become ready meanwhile wait for the next round
            for _ in 0..self.table.ready() {
                if let Some(token) = self.table.pop_ready() {
                    self.turn(token);
                }
            }
        }
    }

    fn accept(&mut self, listener: usize) {
        loop {
            match self.server.listeners[listener].accept() {
                Ok(_) if self.until.is_some() => {}
                Ok((stream, peer)) => match self.gate.admit(peer.ip()) {
                    Ok(permit) => {
                        if let Err(error) = self.add(stream, peer, permit) {
                            tracing::warn!(%peer, %error, "connection");
                        }
                    }
                    Err(full) => tracing::warn!(%peer, "refused: {full}"),
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // out of descriptors, most likely: others have to end first
                    tracing::warn!(%error, "accept");
                    self.accept_again = Some(self.clock.now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr, permit: Permit) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let since = self.clock.now();
        let storage = Storage {
            receive: vec![0; Connection::<Vec<u8>, H::Packets>::RECEIVE_BYTES],
            send: vec![0; Connection::<Vec<u8>, H::Packets>::SEND_BYTES],
        };
        let accepted = Accepted { peer, random: mms_media::random()? };
        let driver = Connection::new(self.server.options.connection.clone(), storage, accepted, since)
            .map_err(io::Error::other)?;
        let token = self.table.vacant();
        let registry = self.server.poll.registry();
        let socket = Socket::new(stream, registry, Token(token), self.server.options.io)?;
        let host = self.host.clone();
        self.table.insert(token, Link { driver, socket, host, peer, since, idle_turns: 0, _permit: permit });
        self.table.queue(token);
        Ok(())
    }

    fn turn(&mut self, token: usize) {
        let Some(link) = self.table.get(token) else { return };
        match link.turn(&self.clock) {
            Turn::Again => self.table.queue(token),
            Turn::Sleep(until) => self.table.sleep(token, until),
            Turn::Over => {
                if let Some(mut link) = self.table.remove(token) {
                    let duration = self.clock.now().since(link.since);
                    link.host.ended(&Ended { peer: link.peer, duration, report: link.driver.report() });
                }
            }
        }
    }

    fn shut_down(&mut self, now: Instant) {
        self.until = Some(now + self.server.options.shut_down);
        for token in self.table.tokens() {
            if let Some(link) = self.table.get(token) {
                link.driver.shut_down(now);
                self.table.queue(token);
            }
        }
    }
}

/// The system waits in milliseconds: round up, but do not wait at all for what is due.
fn timeout(now: Instant, wake: Instant) -> Duration {
    let duration = wake.since(now).min(Duration::from_secs(3600));
    if duration.is_zero() { duration } else { duration + Duration::from_millis(1) }
}

impl<H: Host> Link<H> {
    fn turn(&mut self, clock: &Clock) -> Turn {
        for _ in 0..BUDGET {
            match self.driver.step(clock.now()) {
                Step::Event => {
                    if let Some(Event::ClientLog(log)) = self.driver.event() {
                        self.host.client_log(&log);
                    }
                }
                Step::Storage { needed } => {
                    self.driver.replace_storage(vec![0; needed.next_power_of_two()]);
                }
                Step::Wait { read, write, until } => {
                    let answered = self.answer(clock);
                    if self.transfer(clock, read, write) || answered {
                        self.idle_turns = 0;
                    } else if until > clock.now() {
                        self.idle_turns = 0;
                        return Turn::Sleep(until);
                    } else {
                        self.idle_turns += 1;
                        if self.idle_turns > IDLE_TURNS {
                            self.driver.no_progress();
                        }
                    }
                }
                Step::Done => return Turn::Over,
            }
        }
        Turn::Again
    }

    fn answer(&mut self, clock: &Clock) -> bool {
        let Some(wish) = self.driver.next_wish() else { return false };
        let answer = self.host.answer(Question::new(&wish, self.peer));
        answer.give(&mut self.driver, clock.now())
    }

    fn transfer(&mut self, clock: &Clock, read: bool, write: bool) -> bool {
        let Self { driver, socket, .. } = self;
        let mut moved = false;
        if read {
            let result = socket.read(driver.space());
            moved |= result.is_some();
            match result {
                Some(Ok(0)) => driver.end_of_stream(),
                Some(Ok(count)) => driver.filled(count),
                Some(Err(_)) => driver.connection_failed(),
                None => {}
            }
        }
        if write {
            let mut slices = [&[][..]; SLICES];
            let used = driver.pending(&mut slices);
            let result = socket.write(slices, used);
            moved |= result.is_some();
            match result {
                Some(Ok(count)) => driver.written(clock.now(), count),
                Some(Err(_)) => driver.connection_failed(),
                None => {}
            }
        }
        moved
    }
}
