//! A client that blocks its thread.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Poll, Token, Waker};
use mms_core::client::{self, Event, Options, SocketId, Sockets, Step, Storage};
use mms_core::error::Error;
use mms_core::time::Instant;
use mms_media::{Clock, IoLimits};

use crate::Reader;
use crate::socket::Socket;

/// Turns without progress after which the driver is taken for broken.
const IDLE_TURNS: u32 = 1000;
const WAKER: Token = Token(SocketId::COUNT);

/// Fetches a stream.
///
/// ```no_run
/// let mut client = mms_std::Client::new("mms://127.0.0.1/sample.wmv", Default::default())?;
/// while let Some(event) = client.next()? {
///     println!("{event:?}");
/// }
/// # Ok::<(), mms_core::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Client {
    driver: client::Client<Vec<u8>>,
    links: [Link; SocketId::COUNT],
    poll: Poll,
    events: Events,
    closer: Closer,
    clock: Clock,
    limits: IoLimits,
    idle_turns: u32,
}

/// What became of the wish to connect.
#[derive(Debug, Default)]
enum Link {
    #[default]
    Closed,
    Resolving(Receiver<io::Result<Vec<SocketAddr>>>),
    Connecting {
        socket: Socket,
        next: VecDeque<SocketAddr>,
    },
    Open(Socket),
}

/// Ends a client's session in order, from any thread.
#[derive(Clone, Debug)]
pub struct Closer {
    wanted: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Closer {
    /// Asks the client to close; its `next` returns `None` when that is done.
    pub fn close(&self) {
        self.wanted.store(true, Ordering::Release);
        // if it cannot be woken, it sees the flag at its next turn
        let _ = self.waker.wake();
    }
}

impl Client {
    /// A client for a URL. It connects at the first call of [`next`](Self::next).
    ///
    /// # Errors
    /// A URL that this client does not speak; `ConnectionFailed` if the system gives no means to wait.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let storage = Storage {
            receive: vec![0; client::Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; client::Client::<Vec<u8>>::SEND_BYTES],
        };
        let driver = client::Client::new(url, options, storage)?;
        let poll = Poll::new().map_err(|_| Error::ConnectionFailed)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(|_| Error::ConnectionFailed)?;
        Ok(Self {
            driver,
            links: [const { Link::Closed }; SocketId::COUNT],
            poll,
            events: Events::with_capacity(8),
            closer: Closer { wanted: Arc::default(), waker: Arc::new(waker) },
            clock: Clock::start(),
            limits: IoLimits::default(),
            idle_turns: 0,
        })
    }

    /// Bounds the bytes of one read and one write.
    #[must_use]
    pub fn with_io_limits(mut self, limits: IoLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Waits for the next event; `None` when all is over.
    ///
    /// # Errors
    /// Why the session failed.
    #[allow(clippy::should_implement_trait, reason = "the event borrows the client")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        match (self.drive(), self.driver.error()) {
            (false, Some(error)) => Err(error),
            _ => Ok(self.driver.event()),
        }
    }

    /// Ends the session from another thread.
    #[must_use]
    pub fn closer(&self) -> Closer {
        self.closer.clone()
    }

    /// The driver: commands such as seek and stop, and what is known of the content.
    pub fn driver(&mut self) -> &mut client::Client<Vec<u8>> {
        &mut self.driver
    }

    /// The bytes of the ASF file instead of events.
    #[must_use]
    pub fn into_reader(self) -> Reader {
        Reader::new(self)
    }

    /// True when the driver has an event, false when all is over.
    pub(crate) fn drive(&mut self) -> bool {
        loop {
            if self.closer.wanted.swap(false, Ordering::AcqRel) {
                self.driver.close();
            }
            match self.driver.step(self.clock.now()) {
                Step::Connect(socket) => self.resolve(socket),
                Step::Close(socket) => self.links[socket.index()] = Link::Closed,
                Step::Event => return true,
                Step::Storage { needed } => {
                    self.driver.replace_storage(vec![0; needed.next_power_of_two()]);
                }
                Step::Wait { read, write, until } => {
                    if self.transfer(read, write) {
                        self.idle_turns = 0;
                    } else {
                        self.wait(until);
                    }
                }
                Step::Done => return false,
                _ => self.driver.no_progress(),
            }
        }
    }

    /// Moves bytes where sockets are ready; whether anything happened.
    fn transfer(&mut self, read: Sockets, write: Sockets) -> bool {
        let mut moved = false;
        for id in SocketId::all() {
            moved |= self.connect(id);
            let Link::Open(socket) = &mut self.links[id.index()] else { continue };
            let driver = &mut self.driver;
            if read.contains(id) {
                let result = socket.read(driver.space(id));
                moved |= result.is_some();
                match result {
                    Some(Ok(0)) => driver.end_of_stream(id),
                    Some(Ok(count)) => driver.filled(id, count),
                    Some(Err(_)) => driver.connection_failed(id),
                    None => {}
                }
            }
            if write.contains(id) {
                let result = socket.write([driver.pending(id)], 1);
                moved |= result.is_some();
                match result {
                    Some(Ok(count)) => driver.written(id, count),
                    Some(Err(_)) => driver.connection_failed(id),
                    None => {}
                }
            }
        }
        moved
    }

    fn wait(&mut self, until: Instant) {
        let now = self.clock.now();
        if until <= now {
            self.idle_turns += 1;
            if self.idle_turns > IDLE_TURNS {
                self.driver.no_progress();
            }
            return;
        }
        self.idle_turns = 0;
        // the system waits in milliseconds: round up
        let timeout = until.since(now).min(Duration::from_secs(3600)) + Duration::from_millis(1);
        if self.poll.poll(&mut self.events, Some(timeout)).is_err() {
            return;
        }
        for event in &self.events {
            match self.links.get_mut(event.token().0) {
                Some(Link::Open(socket) | Link::Connecting { socket, .. }) => socket.note(event),
                _ => {}
            }
        }
    }

    /// Resolves the name on a thread of its own, which may outlive its use.
    fn resolve(&mut self, id: SocketId) {
        let wanted = self.driver.wanted(id);
        let (host, port) = (wanted.host.to_owned(), wanted.port);
        let (sender, receiver) = channel();
        let waker = Arc::clone(&self.closer.waker);
        std::thread::spawn(move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            let _ = sender.send(addresses.map(Iterator::collect));
            let _ = waker.wake();
        });
        self.links[id.index()] = Link::Resolving(receiver);
    }

    /// Brings a wish to connect forward; whether anything happened.
    fn connect(&mut self, id: SocketId) -> bool {
        let (result, next) = match &mut self.links[id.index()] {
            Link::Resolving(receiver) => match receiver.try_recv() {
                Ok(Ok(addresses)) => (Err(io::ErrorKind::NotFound.into()), addresses.into()),
                Ok(Err(error)) => (Err(error), VecDeque::new()),
                Err(_) => return false,
            },
            Link::Connecting { socket, next } => match socket.connected() {
                Some(result) => (result, std::mem::take(next)),
                None => return false,
            },
            Link::Closed | Link::Open(_) => return false,
        };
        match (result, std::mem::take(&mut self.links[id.index()])) {
            (Ok(local), Link::Connecting { socket, .. }) => {
                self.links[id.index()] = Link::Open(socket);
                self.driver.connected(id, local);
            }
            (Ok(_), _) => {}
            (Err(error), _) => self.connect_to(id, next, error),
        }
        true
    }

    /// Tries the addresses in their order.
    fn connect_to(&mut self, id: SocketId, mut next: VecDeque<SocketAddr>, mut error: io::Error) {
        while let Some(address) = next.pop_front() {
            let socket = TcpStream::connect(address)
                .and_then(|stream| Socket::new(stream, self.poll.registry(), Token(id.index()), self.limits));
            match socket {
                Ok(socket) => {
                    self.links[id.index()] = Link::Connecting { socket, next };
                    return;
                }
                Err(failed) => error = failed,
            }
        }
        tracing::debug!(%error, "connect");
        self.driver.connection_failed(id);
    }
}
