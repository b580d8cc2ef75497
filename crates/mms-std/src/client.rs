//! A client that blocks its thread.

use core::task::Context;
use core::time::Duration;
use std::io;

use mio::{Events, Poll, Token};
use mms_core::client::{self, Event, Options, SocketId};
use mms_core::error::Error;
use mms_core::time::Instant;
use mms_media::adapter::{Fetch, Link, Next};
use mms_media::{Clock, IoLimits};

use crate::Reader;
use crate::bell::Bell;
use crate::socket::{Connecting, Socket};

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
    fetch: Fetch<Socket, Connecting>,
    poll: Poll,
    events: Events,
    bell: Bell,
    is_closing: bool,
    /// what the next call finds out, where that is known already
    ahead: Option<bool>,
    /// the last turn was to wait, and the system was not asked
    unasked: bool,
}

/// Ends a client's session in order, from any thread.
#[derive(Clone, Debug)]
pub struct Closer(Bell);

impl Closer {
    /// Asks the client to close; its `next` returns `None` when that is done.
    pub fn close(&self) {
        self.0.ring();
    }
}

impl Client {
    /// A client for a URL. It connects at the first call of [`next`](Self::next).
    ///
    /// # Errors
    /// A URL that this client does not speak; `ConnectionFailed` if the system gives no means to wait.
    pub fn new(url: &str, options: Options) -> Result<Self, Error> {
        let fetch = Fetch::new(url, options)?;
        let poll = Poll::new().map_err(|_| Error::ConnectionFailed)?;
        let bell = Bell::new(poll.registry(), WAKER).map_err(|_| Error::ConnectionFailed)?;
        Ok(Self {
            fetch,
            poll,
            events: Events::with_capacity(8),
            bell,
            is_closing: false,
            ahead: None,
            unasked: false,
        })
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

    /// Waits for the next event; `None` when all is over.
    ///
    /// # Errors
    /// Why the session failed.
    #[allow(clippy::should_implement_trait, reason = "the event borrows the client")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        let has_event = self.drive();
        self.fetch.event(has_event)
    }

    /// Whether [`next`](Self::next) would wait for the network: the moment to hand on what was held back for fewer and
    /// larger writes.
    pub fn would_wait(&mut self) -> bool {
        if self.ahead.is_none() {
            self.ahead = loop {
                match self.turn() {
                    Next::Event => break Some(true),
                    Next::Over => break Some(false),
                    Next::Yield => {}
                    Next::Sleep(_) => {
                        self.unasked = true;
                        break None;
                    }
                }
            };
        }
        self.ahead.is_none()
    }

    /// Ends the session from another thread.
    #[must_use]
    pub fn closer(&self) -> Closer {
        Closer(self.bell.clone())
    }

    /// The driver: commands such as seek and stop, and what is known of the content.
    pub fn driver(&mut self) -> &mut client::Client<Vec<u8>> {
        self.fetch.driver()
    }

    /// What the system said, where the error is `ConnectionFailed`, or an attempt before met it.
    #[must_use]
    pub fn system_error(&self) -> Option<&io::Error> {
        self.fetch.system_error()
    }

    /// The bytes of the ASF file instead of events.
    #[must_use]
    pub fn into_reader(self) -> Reader {
        Reader::new(self)
    }

    /// True when the driver has an event, false when all is over.
    pub(crate) fn drive(&mut self) -> bool {
        if let Some(has_event) = self.ahead.take() {
            return has_event;
        }
        loop {
            match self.turn() {
                Next::Event => return true,
                Next::Over => return false,
                Next::Yield => {}
                Next::Sleep(until) => self.wait(until),
            }
        }
    }

    fn turn(&mut self) -> Next {
        if !self.is_closing && self.bell.has_rung() {
            self.is_closing = true;
            self.fetch.driver().close();
        }
        // readiness is noted by `wait`
        if core::mem::take(&mut self.unasked) {
            self.wait(Instant::ZERO);
        }
        let mut cx = Context::from_waker(core::task::Waker::noop());
        let Self { fetch, poll, bell, .. } = self;
        fetch.turn(&mut cx, |id, wanted| {
            Connecting::new(wanted, poll.registry().try_clone(), Token(id.index()), bell.clone())
        })
    }

    fn wait(&mut self, until: Instant) {
        // the system waits in milliseconds: round up
        let timeout = self.fetch.clock().wait(until) + Duration::from_millis(1);
        if self.poll.poll(&mut self.events, Some(timeout)).is_err() {
            return;
        }
        for event in &self.events {
            let id = SocketId::all().find(|id| Token(id.index()) == event.token());
            if id == Some(SocketId::MEDIA) {
                self.fetch.media().into_iter().for_each(|socket| socket.note(event));
            } else if let Some(id) = id {
                match self.fetch.link(id) {
                    Link::Open(socket) => socket.note(event),
                    Link::Connecting(connecting) => connecting.note(event),
                    _ => {}
                }
            }
        }
    }
}
