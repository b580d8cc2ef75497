//! A server on one thread: readiness of all connections by one poll.

use core::future::{Ready, ready};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Context;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use mms_core::time::Instant;
use mms_media::adapter::{ACCEPT_PAUSE, Answered, Doors, ServerOptions, Session, Turn, answer};
use mms_media::{Clock, Host};

use crate::socket::Socket;
use crate::table::Table;

type Job<H> = Ready<Answered<H>>;
type Link<H> = (Box<Session<H, Job<H>>>, Socket);

const WAKER: Token = Token(usize::MAX - 1);

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
        let Self { listeners, poll, stopper, options } = self;
        Loop {
            table: Table::new(listeners.len()),
            clock: options.clock.clone(),
            shut_down: options.shut_down,
            system: Clock::start(),
            doors: Doors::new(options, host),
            listeners,
            poll,
            stopper,
            until: None,
            accept_again: None,
        }
        .run()
    }
}

struct Loop<H: Host> {
    listeners: Vec<TcpListener>,
    poll: Poll,
    stopper: Stopper,
    doors: Doors<H>,
    /// connections by token; the first tokens belong to the listeners
    table: Table<Link<H>>,
    /// of the connections
    clock: Clock,
    shut_down: Duration,
    /// of the two moments below
    system: Clock,
    /// when to give up waiting for the last connections
    until: Option<Instant>,
    /// when to accept again after the system had no descriptor left
    accept_again: Option<Instant>,
}

impl<H: Host> Loop<H> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            if self.stopper.wanted.load(Ordering::Acquire) && self.until.is_none() {
                self.begin_shut_down();
            }
            let now = self.system.now();
            if self.until.is_some_and(|until| now >= until || self.table.is_empty()) {
                return Ok(());
            }
            let mut timeout = self.clock.wait(self.table.wake_at());
            for moment in [self.until, self.accept_again].into_iter().flatten() {
                timeout = timeout.min(moment.since(now));
            }
            if !timeout.is_zero() {
                // the system waits in milliseconds: round up
                timeout += Duration::from_millis(1);
            }
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                let token = event.token().0;
                if token < self.listeners.len() {
                    self.accept(token);
                } else if let Some((_, socket)) = self.table.get(token) {
                    socket.note(event);
                    self.table.queue(token);
                }
            }
            self.table.expire(self.clock.now());
            let now = self.system.now();
            if self.accept_again.take_if(|moment| *moment <= now).is_some() {
                (0..self.listeners.len()).for_each(|listener| self.accept(listener));
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
            match self.listeners[listener].accept() {
                Ok(_) if self.until.is_some() => {}
                Ok((stream, peer)) => {
                    if let Err(error) = self.add(stream, peer) {
                        tracing::warn!(%peer, %error, "connection");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // out of descriptors, most likely: others have to end first
                    tracing::warn!(%error, "accept");
                    self.accept_again = Some(self.system.now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let Some(session) = self.doors.admit(peer) else { return Ok(()) };
        stream.set_nodelay(true)?;
        let token = self.table.vacant();
        let socket = Socket::new(stream, self.poll.registry(), Token(token))?;
        self.table.insert(token, (session, socket));
        self.table.queue(token);
        Ok(())
    }

    fn turn(&mut self, token: usize) {
        let Some((session, socket)) = self.table.get(token) else { return };
        // readiness was noted before
        let mut cx = Context::from_waker(core::task::Waker::noop());
        let turn = session.turn(&mut cx, socket, |host, question| ready(answer(host, question)));
        match turn {
            Turn::Yield => self.table.queue(token),
            Turn::Sleep(until) => self.table.sleep(token, until),
            Turn::Over => drop(self.table.remove(token)),
        }
    }

    fn begin_shut_down(&mut self) {
        self.until = Some(self.system.now() + self.shut_down);
        for token in self.table.tokens() {
            if let Some((session, _)) = self.table.get(token) {
                session.shut_down();
                self.table.queue(token);
            }
        }
    }
}
