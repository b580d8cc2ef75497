//! What a client is told before it starts, and what it tells its host.

use core::time::Duration;

use super::socket::{SocketId, Sockets};
use crate::mmsp::client::{Config, Play};
use crate::mmsp::udp;
use crate::rollover::Transports;
use crate::time::Instant;

/// Settings of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Settings of a session of MMS.
    pub mms: Config,
    /// Settings of a session over HTTP.
    #[cfg(feature = "http")]
    pub http: super::HttpConfig,
    /// What to play when the header is there; `None` waits for [`Client::play`](super::Client::play). By default
    /// everything from the beginning, at the server's pace; see [`Play::acceleration`].
    pub play: Option<Play>,
    /// Whether to close when the stream has ended: at an [`EndOfStream`](super::Event::EndOfStream) without `more`, not
    /// between the entries of a playlist; and when the server refuses to play. By default `true`.
    pub close_at_end: bool,
    /// Ours: how long connecting may take. By default 15 s.
    pub connect_timeout: Duration,
    /// Ours: how long connecting, and then the server's first answer, may take as long as another kind of
    /// connection is left to try; so long media in datagrams may stay away before the client takes TCP; and twice as long
    /// opening the content may take as long as HTTP comes next. By default 5 s.
    pub rollover_timeout: Duration,
    /// Ours: how long opening the content may take behind the first answer, when nothing else is left to try. By default 30 s.
    pub open_timeout: Duration,
    /// Ours: how long a header, or a text that comes instead, may take from its beginning to its end, beyond a second for
    /// each 512 bytes of it. In datagrams the document's own timer holds instead. By default 60 s.
    pub header_timeout: Duration,
    /// Ours: how long the first packet may take behind the server's word that it plays, where all streams are wanted at
    /// normal speed; of a choice the first packet may be far away. By default 15 s.
    pub media_timeout: Duration,
    /// Ours: how long the last requests may take to go out, when all is said. By default 5 s.
    pub close_timeout: Duration,
    /// Redirects that are followed in a session. By default 5; one more is an error.
    pub redirects: u32,
    /// Most bytes of receive storage to ask for. By default 131,072.
    pub storage_bytes: u32,
    /// What an `mms` URL tries, in this order; other schemes say it themselves. With a port of HTTP in the URL the default order
    /// begins with HTTP: see [`Transports::for_url`].
    pub transports: Transports,
    /// Settings of media over UDP.
    pub udp: udp::Config,
    /// The proxy for HTTP.
    #[cfg(feature = "http")]
    pub proxy: Option<super::Proxy>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mms: Config::default(),
            #[cfg(feature = "http")]
            http: super::HttpConfig::default(),
            play: Some(Play::default()),
            close_at_end: true,
            connect_timeout: Duration::from_secs(15),
            rollover_timeout: Duration::from_secs(5),
            open_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(60),
            media_timeout: Duration::from_secs(15),
            close_timeout: Duration::from_secs(5),
            redirects: 5,
            storage_bytes: 1 << 17,
            transports: Transports::DEFAULT,
            udp: udp::Config::default(),
            #[cfg(feature = "http")]
            proxy: None,
        }
    }
}

/// Storage of a client, from the host.
#[derive(Clone, Debug)]
pub struct Storage<B> {
    /// For received bytes, at least [`Client::RECEIVE_BYTES`](super::Client::RECEIVE_BYTES); it can be replaced when a
    /// larger frame comes.
    pub receive: B,
    /// For requests, at least [`Client::SEND_BYTES`](super::Client::SEND_BYTES); over HTTP the longest request needs
    /// [`Client::HTTP_SEND_BYTES`](super::Client::HTTP_SEND_BYTES).
    pub send: B,
}

/// What the host does next. A plain value that borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Begin to connect this socket to what [`Client::wanted`](super::Client::wanted) names; then
    /// [`Client::connected`](super::Client::connected) or
    /// [`Client::connection_failed`](super::Client::connection_failed). A socket of the same name that is still open is
    /// closed first.
    Connect(SocketId),
    /// Bind this UDP socket to any port of the address family of the control connection; then
    /// [`Client::bound`](super::Client::bound) or [`Client::bind_failed`](super::Client::bind_failed).
    Bind(SocketId),
    /// Close this socket, connected or not.
    Close(SocketId),
    /// [`Client::event`](super::Client::event) lends something to look at, until the next step.
    Event,
    /// The receive storage is too small for the frame under way:
    /// [`Client::replace_storage`](super::Client::replace_storage) with at least so many bytes.
    Storage {
        /// Bytes needed.
        needed: usize,
    },
    /// Wait until one of these sockets is ready or the moment has come.
    Wait {
        /// Sockets from which received bytes are wanted.
        read: Sockets,
        /// Sockets for which bytes wait to be written.
        write: Sockets,
        /// When to step again at the latest; a moment in the past means at once.
        until: Instant,
    },
    /// All is over; [`Client::error`](super::Client::error) says whether it failed.
    Done,
}

/// Where a socket wants to be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Name or address; an IPv6 address comes without brackets, as resolvers take it.
    pub host: &'a str,
    /// Port.
    pub port: u16,
}
