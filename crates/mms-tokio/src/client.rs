//! A client on tokio's sockets.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::time::Instant;

use mms_core::client::{self, Event, Options};
use mms_core::error::Error;
use mms_media::adapter::Fetch;
use mms_media::{Clock, IoLimits};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::Reader;
use crate::socket::Socket;

type Connecting = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

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
    fetch: Fetch<Socket, Connecting>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Client {
    /// A client for a URL. It connects when it is first polled.
    ///
    /// # Errors
    /// A URL that this client does not speak.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        Ok(Self { fetch: Fetch::new(url, options)?, sleep: None })
    }

    /// Bounds the bytes of one read and one write.
    #[must_use]
    pub fn with_io_limits(mut self, limits: IoLimits) -> Self {
        self.fetch.set_limits(limits);
        self
    }

    /// Takes another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.fetch.set_clock(clock);
        self
    }

    /// The next event; `None` when all is over. Cancel-safe.
    ///
    /// # Errors
    /// Why the session failed.
    pub async fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        let has_event = poll_fn(|cx| self.poll_ready(cx)).await;
        self.fetch.event(has_event)
    }

    /// The driver: commands such as seek and stop, and what is known of the content.
    pub fn driver(&mut self) -> &mut client::Client<Vec<u8>> {
        self.fetch.driver()
    }

    /// The bytes of the ASF file instead of events.
    #[must_use]
    pub fn into_reader(self) -> Reader {
        Reader::new(self)
    }

    /// Ready with true when the driver has an event, with false when all is over.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        // made here, because a client may be made outside of the runtime
        let timer = self.sleep.get_or_insert_with(|| Box::pin(sleep(Duration::ZERO)));
        let sleep = |cx: &mut Context<'_>, until: Instant| {
            timer.as_mut().reset(until.into());
            timer.as_mut().poll(cx)
        };
        self.fetch.poll_next(cx, sleep, |_, wanted| {
            let (host, port) = (wanted.host.to_owned(), wanted.port);
            Box::pin(async move { Socket::new(TcpStream::connect((host, port)).await?) })
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
