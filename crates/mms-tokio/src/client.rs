//! A client on tokio's sockets.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use mms_core::client::{self, Event, Options, SocketId, Sockets, Step, Storage};
use mms_core::error::Error;
use mms_media::{Clock, IoLimits};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::Reader;

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;
/// Turns without progress after which the driver is taken for broken.
const IDLE_TURNS: u32 = 1000;

/// Fetches a stream.
///
/// ```no_run
/// # async fn example() -> Result<(), mms_core::error::Error> {
/// let mut client = mms_tokio::Client::new("mms://127.0.0.1/sample.wmv", Default::default())?;
/// while let Some(event) = client.next().await? {
///     println!("{event:?}");
/// }
/// # Ok(()) }
/// ```
pub struct Client {
    driver: client::Client<Vec<u8>>,
    sockets: [Option<TcpStream>; SocketId::COUNT],
    connecting: [Option<Connecting>; SocketId::COUNT],
    clock: Clock,
    sleep: Pin<Box<Sleep>>,
    limits: IoLimits,
    idle_turns: u32,
}

impl Client {
    /// A client for a URL. It connects when it is first polled.
    ///
    /// # Errors
    /// A URL that this client does not speak.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let storage = Storage {
            receive: vec![0; client::Client::<Vec<u8>>::RECEIVE_BYTES],
            send: vec![0; client::Client::<Vec<u8>>::SEND_BYTES],
        };
        Ok(Self {
            driver: client::Client::new(url, options, storage)?,
            sockets: [const { None }; SocketId::COUNT],
            connecting: [const { None }; SocketId::COUNT],
            clock: Clock::start(),
            sleep: Box::pin(tokio::time::sleep(std::time::Duration::ZERO)),
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

    /// The next event; `None` when all is over. Cancel-safe.
    ///
    /// # Errors
    /// Why the session failed.
    pub async fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        let more = poll_fn(|cx| self.poll_ready(cx)).await;
        match (more, self.driver.error()) {
            (false, Some(error)) => Err(error),
            _ => Ok(self.driver.event()),
        }
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

    /// Ready with true when the driver has an event, with false when all is over.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            match self.driver.step(self.clock.now()) {
                Step::Connect(socket) => {
                    let wanted = self.driver.wanted(socket);
                    let (host, port) = (wanted.host.to_owned(), wanted.port);
                    let connecting = async move { TcpStream::connect((host, port)).await };
                    self.sockets[socket.index()] = None;
                    self.connecting[socket.index()] = Some(Box::pin(connecting));
                }
                Step::Close(socket) => {
                    self.sockets[socket.index()] = None;
                    self.connecting[socket.index()] = None;
                }
                Step::Event => return Poll::Ready(true),
                Step::Storage { needed } => {
                    self.driver.replace_storage(vec![0; needed.next_power_of_two()]);
                }
                Step::Wait { read, write, until } => {
                    if self.poll_sockets(cx, read, write) {
                        self.idle_turns = 0;
                        continue;
                    }
                    self.sleep.as_mut().reset(self.clock.at(until).into());
                    if self.sleep.as_mut().poll(cx).is_pending() {
                        self.idle_turns = 0;
                        return Poll::Pending;
                    }
                    self.idle_turns += 1;
                    if self.idle_turns > IDLE_TURNS {
                        self.driver.no_progress();
                    }
                }
                Step::Done => return Poll::Ready(false),
                _ => self.driver.no_progress(),
            }
        }
    }

    /// Moves bytes where sockets are ready; whether anything happened.
    fn poll_sockets(&mut self, cx: &mut Context<'_>, read: Sockets, write: Sockets) -> bool {
        let mut moved = false;
        for socket in SocketId::all() {
            if let Some(connecting) = &mut self.connecting[socket.index()] {
                if let Poll::Ready(result) = connecting.as_mut().poll(cx) {
                    self.connecting[socket.index()] = None;
                    self.connected(socket, result);
                    moved = true;
                }
            }
            let Some(stream) = &self.sockets[socket.index()] else { continue };
            if read.contains(socket) {
                let space = self.driver.space(socket);
                let most = space.len().min(self.limits.read);
                let result = poll_io(|| stream.poll_read_ready(cx), || stream.try_read(&mut space[..most]));
                moved |= result.is_ready();
                match result {
                    Poll::Ready(Ok(0)) => self.driver.end_of_stream(socket),
                    Poll::Ready(Ok(count)) => self.driver.filled(socket, count),
                    Poll::Ready(Err(_)) => self.driver.connection_failed(socket),
                    Poll::Pending => {}
                }
            }
            if write.contains(socket) {
                let pending = self.driver.pending(socket);
                let most = pending.len().min(self.limits.write);
                let result = poll_io(|| stream.poll_write_ready(cx), || stream.try_write(&pending[..most]));
                moved |= result.is_ready();
                match result {
                    Poll::Ready(Ok(count)) => self.driver.written(socket, count),
                    Poll::Ready(Err(_)) => self.driver.connection_failed(socket),
                    Poll::Pending => {}
                }
            }
        }
        moved
    }

    fn connected(&mut self, socket: SocketId, result: io::Result<TcpStream>) {
        let stream = result.and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok((stream.local_addr()?, stream))
        });
        match stream {
            Ok((local, stream)) => {
                self.sockets[socket.index()] = Some(stream);
                self.driver.connected(socket, local);
            }
            Err(error) => {
                tracing::debug!(%error, "connect");
                self.driver.connection_failed(socket);
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("driver", &self.driver).finish_non_exhaustive()
    }
}

/// Tries until it works, fails, or the socket is not ready and the task is registered.
pub(crate) fn poll_io<T>(
    mut ready: impl FnMut() -> Poll<io::Result<()>>,
    mut io: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match ready() {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => match io() {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                result => return Poll::Ready(result),
            },
        }
    }
}
