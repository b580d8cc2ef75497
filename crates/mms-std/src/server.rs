//! A server on one thread: readiness of all connections by one poll.

use core::future::{Ready, ready};
use core::net::SocketAddr;
use core::task::Context;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use mms_core::time::Instant;
use mms_media::adapter::{
    ACCEPT_PAUSE, ACCEPTS, Answered, Doors, ServerOptions, Session, Table, Turn, UdpPort, answer,
};
use mms_media::{Clock, Host};

use crate::bell::Bell;
use crate::socket::{Datagrams, Socket};

type Job<H> = Ready<Answered<H>>;
/// A session, its socket, and what queues its token when requests come.
type Link<H> = (Box<Session<H, Job<H>>>, Socket, core::task::Waker);

const WAKER: Token = Token(usize::MAX - 1);

/// Listens, and serves what a host publishes.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    poll: Poll,
    bell: Bell,
    options: ServerOptions,
}

/// A listener, and the UDP socket with its number; it lies at the token behind that of the listener.
#[derive(Debug)]
struct Listener {
    tcp: TcpListener,
    udp: Option<(Arc<UdpPort>, Datagrams)>,
}

/// Stops a server, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(Bell);

impl Stopper {
    /// Connections end in order, then [`Server::serve`] returns.
    pub fn stop(&self) {
        self.0.ring();
    }
}

impl Server {
    /// Listens on these addresses; port 0 takes a free one.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], options: ServerOptions) -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = Bell::new(poll.registry(), WAKER)?;
        let mut listeners = Vec::with_capacity(addresses.len());
        for (index, address) in addresses.iter().enumerate() {
            let (tcp, udp) = UdpPort::listen(*address, options.udp)?;
            let mut tcp = TcpListener::from_std(tcp);
            poll.registry().register(&mut tcp, Token(2 * index), Interest::READABLE)?;
            let udp = udp.map(|port| {
                let socket = port.try_clone()?;
                io::Result::Ok((port, Datagrams::new(socket, poll.registry(), Token(2 * index + 1))?))
            });
            listeners.push(Listener { tcp, udp: udp.transpose()? });
        }
        Ok(Self { listeners, poll, bell, options })
    }

    /// The addresses that are listened on.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(|listener| listener.tcp.local_addr()).collect()
    }

    /// Stops the server from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.bell.clone())
    }

    /// Serves until it is stopped; then connections end in order, within the time set for it. The host
    /// answers on this thread.
    ///
    /// # Errors
    /// If the system cannot wait any more.
    pub fn serve<H: Host>(self, host: H) -> io::Result<()> {
        self.into_loop(host).run()
    }

    fn into_loop<H: Host>(self, host: H) -> Loop<H> {
        let Self { listeners, poll, bell, options } = self;
        Loop {
            table: Table::new(2 * listeners.len()),
            clock: options.clock.clone(),
            shut_down: options.shut_down,
            system: Clock::start(),
            doors: Doors::new(options, host),
            listeners,
            poll,
            bell,
            woken: Arc::default(),
            until: None,
            accept_again: None,
        }
    }
}

/// The tokens for which requests came.
type Woken = Arc<Mutex<Vec<usize>>>;

/// Wakes a connection; only this thread does so.
struct Wake(usize, Woken);

impl std::task::Wake for Wake {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

struct Loop<H: Host> {
    listeners: Vec<Listener>,
    poll: Poll,
    bell: Bell,
    woken: Woken,
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
    /// when to accept again: after the system had no descriptor left, or others had their turn
    accept_again: Option<Instant>,
}

impl<H: Host> Loop<H> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut more = false;
        loop {
            if self.bell.has_rung() && self.until.is_none() {
                self.begin_shut_down();
            }
            let now = self.system.now();
            if self.until.is_some_and(|until| now >= until || self.table.is_empty()) {
                return Ok(());
            }
            self.wake();
            let mut timeout = self.clock.wait(self.table.wake_at());
            for moment in [self.until, self.accept_again].into_iter().flatten() {
                timeout = timeout.min(moment.since(now));
            }
            if more {
                timeout = Duration::ZERO;
            } else if !timeout.is_zero() {
                // the system waits in milliseconds: round up
                timeout += Duration::from_millis(1);
            }
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                let token = event.token().0;
                if token < 2 * self.listeners.len() && token.is_multiple_of(2) {
                    self.accept(token / 2);
                } else if token < 2 * self.listeners.len() {
                    self.listeners[token / 2].udp.iter_mut().for_each(|(_, socket)| socket.note(event));
                } else if let Some((_, socket, _)) = self.table.get(token) {
                    socket.note(event);
                    self.table.queue(token);
                }
            }
            more = self.route();
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

    /// Hands out requests for lost packets; whether more may be there.
    fn route(&mut self) -> bool {
        let mut more = false;
        let mut cx = Context::from_waker(core::task::Waker::noop());
        for (port, socket) in self.listeners.iter_mut().filter_map(|listener| listener.udp.as_mut()) {
            more |= port.poll_route(&mut cx, socket).is_ready();
        }
        more
    }

    /// Queues the connections that another one or a request woke.
    fn wake(&mut self) {
        let woken = core::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner));
        woken.into_iter().for_each(|token| self.table.queue(token));
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPTS {
            match self.listeners[listener].tcp.accept() {
                Ok(_) if self.until.is_some() => {}
                Ok((stream, peer)) => {
                    if let Err(error) = self.add(stream, peer, listener) {
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
        // the system does not tell again of those that wait
        self.accept_again = Some(self.system.now());
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr, listener: usize) -> io::Result<()> {
        let udp = self.listeners[listener].udp.as_ref().map(|(port, _)| port);
        let Some(session) = self.doors.admit(peer, udp) else { return Ok(()) };
        stream.set_nodelay(true)?;
        let token = self.table.vacant();
        let socket = Socket::new(stream, self.poll.registry(), Token(token))?;
        let waker = Arc::new(Wake(token, Arc::clone(&self.woken))).into();
        self.table.insert(token, (session, socket, waker));
        self.table.queue(token);
        Ok(())
    }

    fn turn(&mut self, token: usize) {
        let Some((session, socket, waker)) = self.table.get(token) else { return };
        // readiness was noted before; requests for lost packets wake
        let mut cx = Context::from_waker(waker);
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
            if let Some((session, ..)) = self.table.get(token) {
                session.shut_down();
                self.table.queue(token);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    /// More than a turn routes; they fit the least buffer of a socket.
    const FLOOD: usize = 200;

    #[test]
    fn a_flood_of_datagrams_leaves_turns_to_others() {
        let mut options = ServerOptions::default();
        options.udp = true;
        let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], options).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let mut server = server.into_loop(mms_media::Feed::new(Arc::default()));
        let flood = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..FLOOD {
            flood.send_to(b"x", address).unwrap();
        }
        let turns = (0..=FLOOD).take_while(|_| server.route()).count();
        assert!((3..FLOOD).contains(&turns), "{turns} turns for {FLOOD} datagrams");
        assert!(!server.route(), "and then there is no more");
    }

    #[test]
    fn a_flood_of_connections_leaves_turns_to_others() {
        let server = Server::bind(&["127.0.0.1:0".parse().unwrap()], ServerOptions::default()).unwrap();
        let address = server.local_addrs().unwrap()[0];
        let mut server = server.into_loop(mms_media::Feed::new(Arc::default()));
        let connect = |_| std::net::TcpStream::connect(address).unwrap();
        // fewer than the system lets wait, and than one address may have
        let (_first, _second): (Vec<_>, Vec<_>) =
            ((0..ACCEPTS).map(connect).collect(), (0..9).map(connect).collect());
        server.accept(0);
        assert_eq!((server.table.tokens().len(), server.accept_again.take().is_some()), (ACCEPTS, true));
        server.accept(0);
        assert!(server.accept_again.is_none(), "and then there is no more");
    }
}
