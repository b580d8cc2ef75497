//! The five questions of a connection, owned, and their answers.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use mms_core::hresult::Hresult;
use mms_core::mmsp::wire::ClientLog;
use mms_core::selection::Selection;
use mms_core::server::{Ask, Connection, Location, Opened, Order, Refusal, Report, Ticket, Wish};
use mms_core::time::Instant;
use mms_core::wmsp::server::RequestKind;

/// Answers the wishes of one connection; may block on files, never on the network.
///
/// Each connection has its own clone.
pub trait Host: Clone + Send + 'static {
    /// The handle of bytes in memory.
    type Packets: AsRef<[u8]> + Clone + Send + Sync + 'static;

    /// Answers one question.
    fn answer(&mut self, question: Question) -> Answer<Self::Packets>;

    /// Answers without waiting for anything, or gives the question back; [`answer`](Self::answer) gets it then, on
    /// a thread that may block. Worth its while for packets that are in memory: a change of threads costs as much
    /// as sending them.
    ///
    /// # Errors
    /// The question.
    fn answer_at_once(&mut self, question: Question) -> Result<Answer<Self::Packets>, Question> {
        Err(question)
    }

    /// The connection is over; called once.
    fn ended(&mut self, ended: &Ended) {
        let _ = ended;
    }

    /// The client says what it received.
    fn client_log(&mut self, log: &ClientLog<'_>) {
        let _ = log;
    }

    /// The same over HTTP, in parts as they come: a W3C line, XML, or an event.
    fn log_part(&mut self, kind: RequestKind, bytes: &[u8], last: bool) {
        let _ = (kind, bytes, last);
    }
}

/// A connection that is over.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The client's address.
    pub peer: SocketAddr,
    /// From accepting to closing.
    pub duration: Duration,
    /// What the connection did.
    pub report: Report,
}

/// An owned wish, so that it can be answered on another thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    ticket: Ticket,
    peer: SocketAddr,
    query: Query,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Query {
    /// May this client open this name?
    Open {
        /// The name as the client wrote it; an unpaired surrogate became U+FFFD.
        name: String,
        /// What else the client said, if it speaks HTTP.
        http: Option<Box<HttpQuery>>,
    },
    /// Bytes of the header.
    Header {
        /// Offset of the first byte.
        offset: u32,
        /// Most bytes.
        max_bytes: u32,
    },
    /// Which packet belongs to a time?
    Locate {
        /// Time of the content.
        time: Duration,
        /// The streams that the client wants.
        selection: Selection,
    },
    /// Whole packets.
    Packets {
        /// Number of the first packet.
        from: u32,
        /// Most bytes, at least one packet.
        max_bytes: u32,
        /// The streams that the client wants.
        selection: Selection,
        /// Which packets follow one another.
        order: Order,
    },
    /// A packet that was sent is to be sent again, byte for byte as it was given out.
    Again {
        /// Its number.
        packet: u32,
        /// The streams that the client wanted when it was sent.
        selection: Selection,
    },
    /// Bytes of the file or text as it is.
    Bytes {
        /// Offset of the first byte.
        offset: u64,
        /// Most bytes.
        max_bytes: u32,
    },
    /// Something that only a later version can answer.
    Unknown,
}

/// What a client of HTTP said beside the name.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpQuery {
    /// The address that it used, as it wrote it.
    pub host: Option<String>,
    /// The value of Authorization.
    pub authorization: Option<String>,
}

impl fmt::Debug for HttpQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // no password in a log
        f.debug_struct("HttpQuery").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Question {
    /// Copies what the wish borrows.
    #[must_use]
    pub fn new(wish: &Wish<'_>, peer: SocketAddr) -> Self {
        let query = match wish.ask {
            Ask::Open { name, http, .. } => Query::Open {
                name: name.chars().collect(),
                http: http.map(|http| {
                    Box::new(HttpQuery {
                        host: http.host.map(str::to_owned),
                        authorization: http.authorization.map(str::to_owned),
                    })
                }),
            },
            Ask::Bytes { offset, max_bytes } => Query::Bytes { offset, max_bytes },
            Ask::Header { offset, max_bytes } => Query::Header { offset, max_bytes },
            Ask::Locate { time, selection } => Query::Locate { time, selection },
            Ask::Packets { from, max_bytes, selection, order } => {
                Query::Packets { from, max_bytes, selection, order }
            }
            Ask::Again { packet, selection } => Query::Again { packet, selection },
            _ => Query::Unknown,
        };
        Self { ticket: wish.ticket, peer, query }
    }

    /// What is asked.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The client's address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Answers [`Query::Open`]: the name is allowed.
    pub fn opened<P>(self, content: Opened) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Opened(content) }
    }

    /// Answers [`Query::Open`] of a client of HTTP: there is a text under the name; others are refused.
    pub fn opened_text<P>(self, len: u64, content_type: &'static str) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Text { len, content_type } }
    }

    /// Answers [`Query::Open`] of a client of HTTP: it is elsewhere; others are refused.
    pub fn moved<P>(self, location: Location) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Moved(location) }
    }

    /// Answers [`Query::Open`]: the name is refused.
    pub fn refused<P>(self, hr: Hresult) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Refused(hr) }
    }

    /// Answers [`Query::Header`] with at least one byte.
    pub fn header<P>(self, bytes: P) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Header(bytes) }
    }

    /// Answers [`Query::Bytes`] with at least one byte.
    pub fn bytes<P>(self, bytes: P) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Bytes(bytes) }
    }

    /// Answers [`Query::Locate`].
    pub fn located<P>(self, packet: u32) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Located(packet) }
    }

    /// Answers [`Query::Packets`] with whole packets, the first of which has the number `first`: the one asked
    /// for, or a later one if those between hold nothing for the client; then there may be none.
    pub fn packets<P>(self, first: u32, packets: P) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Packets { first, packets } }
    }

    /// Answers [`Query::Packets`]: nothing follows; or [`Query::Again`]: it is gone.
    pub fn ended<P>(self) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Ended }
    }

    /// Answers any question: what is asked for cannot be given.
    pub fn failed<P>(self, hr: Hresult) -> Answer<P> {
        Answer { ticket: self.ticket, reply: Reply::Failed(hr) }
    }
}

/// The answer to a [`Question`].
#[derive(Clone, Debug)]
#[must_use = "a wish stays raised until its answer is given"]
pub struct Answer<P> {
    ticket: Ticket,
    reply: Reply<P>,
}

#[derive(Clone, Debug)]
enum Reply<P> {
    Opened(Opened),
    Text { len: u64, content_type: &'static str },
    Moved(Location),
    Refused(Hresult),
    Bytes(P),
    Header(P),
    Located(u32),
    Packets { first: u32, packets: P },
    Ended,
    Failed(Hresult),
}

impl<P> Answer<P> {
    /// Hands the answer to the connection that asked. `false`: the wish was withdrawn meanwhile.
    pub fn give<B, const N: usize>(self, connection: &mut Connection<B, P, N>, now: Instant) -> bool
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
        P: AsRef<[u8]> + Clone,
    {
        let ticket = self.ticket;
        match self.reply {
            Reply::Opened(content) => connection.opened(ticket, content),
            Reply::Text { len, content_type } => connection.opened_text(ticket, len, content_type),
            Reply::Moved(location) => connection.moved(ticket, location),
            Reply::Bytes(bytes) => connection.bytes(ticket, bytes),
            Reply::Refused(hr) => connection.refused(ticket, Refusal(hr)),
            Reply::Header(bytes) => connection.header(ticket, bytes),
            Reply::Located(packet) => connection.located(ticket, packet),
            Reply::Packets { first, packets } => connection.packets(ticket, first, packets),
            Reply::Ended => connection.ended(ticket),
            Reply::Failed(hr) => connection.failed(now, ticket, hr),
        }
    }
}
