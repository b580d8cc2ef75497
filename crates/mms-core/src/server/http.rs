//! The session of HTTP behind a connection, in the words of the driver. Without the feature `http`, `no_http.rs` stands here.

use super::connection::{Connection, Event};
use super::protocol::{Head, Protocol, Want};
use super::queue::HEAD_BYTES;
use super::report::Transport;
use super::wish::{HttpRequest, Opened, Refusal, Ticket};
use crate::error::Error;
use crate::hresult::Hresult;
use crate::mmsp::server::Order;
use crate::text::Text;
use crate::time::Instant;
use crate::wmsp::server as wmsp;
use crate::wmsp::server::{Content, Key, Location, Media, MediaWish, Record, Session, Table, Wakes};
pub(super) use crate::wmsp::server::{FrameBytes, Located};
use crate::wmsp::wire::{FrameHead, Status};

/// Room that the largest head of a response needs in the send storage, with a `$M` behind it.
pub(super) const LARGEST_REPLY: usize = 2048;

const _: () = assert!(FrameHead::MAX_LEN <= HEAD_BYTES);

/// A session of HTTP.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) session: Session,
}

impl Http {
    /// What the host's content is wanted for; `None` also for a wish that goes to the table.
    #[inline]
    pub(super) fn wish(&self) -> Option<Want> {
        Some(match self.session.wish()? {
            MediaWish::Open => Want::Open,
            MediaWish::Session => return None,
            MediaWish::Header { offset, len } => Want::Header { offset, len },
            MediaWish::Locate { time } => Want::Locate { time },
            MediaWish::Packets { from } => Want::Packets { from, order: Order::All },
            MediaWish::Bytes { from, to } => Want::Bytes { from, to },
        })
    }

    pub(super) fn wants(&self, want: Want) -> bool {
        self.session.wants(match want {
            Want::Open => MediaWish::Open,
            Want::Header { offset, len } => MediaWish::Header { offset, len },
            Want::Locate { time } => MediaWish::Locate { time },
            Want::Packets { from, .. } => MediaWish::Packets { from },
            Want::Bytes { from, to } => MediaWish::Bytes { from, to },
        })
    }

    pub(super) fn name<'a>(&self, input: &'a [u8]) -> Option<Text<'a>> {
        self.session.name(input).map(Text::Str)
    }

    pub(super) fn request<'a>(&self, input: &'a [u8]) -> HttpRequest<'a> {
        HttpRequest { host: self.session.host(input), authorization: self.session.authorization(input) }
    }

    pub(super) fn opened(&mut self, content: Opened) -> Result<(), Error> {
        self.session.opened(Content::Media(Media {
            header_len: content.header_len,
            packet_size: content.packet_size,
            packet_count: content.packet_count,
            file_len: content.file_len,
            seekable: content.seekable,
            streams: content.streams,
        }))
    }

    pub(super) fn refused(&mut self, refusal: Refusal) -> Result<(), Error> {
        self.session.refused(status_of(refusal.0))
    }

    /// When the session or its wish for the table has something to do.
    #[inline]
    pub(super) fn wake_at(&self) -> Instant {
        self.session.poll_timeout().min(self.session.poll_table().unwrap_or(Instant::MAX))
    }

    pub(super) fn frame_header(&mut self, available: usize) -> Option<(Head, usize)> {
        let (head, len) = self.session.frame_header(u32::try_from(available).unwrap_or(u32::MAX))?;
        Some((Head::Http(head), usize::try_from(len).ok()?))
    }

    pub(super) fn send_bytes(&mut self, available: usize) -> usize {
        let len = self.session.send_bytes(u64::try_from(available).unwrap_or(u64::MAX));
        usize::try_from(len).unwrap_or(available)
    }
}

/// The event, with its bytes cut out of the same input.
pub(super) fn event<'a>(event: &Located, input: &'a [u8]) -> Event<'a> {
    match event.lend(input) {
        wmsp::Event::Connected { agent } => Event::Agent { product: agent },
        wmsp::Event::LogPart { kind, bytes, last } => Event::LogPart { kind, bytes, last },
    }
}

impl<B, H, const N: usize> Connection<B, H, N>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    H: AsRef<[u8]> + Clone,
{
    /// Lets clients of HTTP in: the host keeps a table of their sessions, shared by all connections of the server, and
    /// calls [`attend`](Self::attend). To be called before the first step.
    pub fn allow_http(&mut self) {
        self.http_allowed = true;
    }

    /// The host has a text of its own under the name, such as a page. Its bytes are asked for as those of a file are.
    /// Only clients of HTTP can read one: others are refused. `false`: the wish was withdrawn.
    pub fn opened_text(&mut self, ticket: Ticket, len: u64, content_type: &'static str) -> bool {
        self.opened_elsewhere(ticket, Content::Text { len, content_type })
    }

    /// What is under the name is elsewhere. Only clients of HTTP are sent there: others are refused. `false`: the wish
    /// was withdrawn.
    pub fn moved(&mut self, ticket: Ticket, location: Location) -> bool {
        self.opened_elsewhere(ticket, Content::Moved(location))
    }

    fn opened_elsewhere(&mut self, ticket: Ticket, content: Content) -> bool {
        if !matches!(self.protocol, Protocol::Http(_)) {
            return self.refused(ticket, Refusal(Hresult::NS_E_FILE_NOT_FOUND));
        }
        if !self.answered(ticket, |what| *what == Want::Open) {
            return false;
        }
        if let Protocol::Http(http) = &mut self.protocol {
            let result = http.session.opened(content).map(|()| 0);
            self.answer_read(result);
        }
        true
    }

    /// Whether a request waits for [`attend`](Self::attend).
    #[must_use]
    pub fn wants_session(&self) -> bool {
        matches!(&self.protocol, Protocol::Http(http) if http.session.poll_table().is_some())
    }

    /// Answers the request that waits, and brings a stream what its client ordered on other connections. To be called
    /// whenever [`wants_session`](Self::wants_session) says so after a step, and when the connection was woken; then step
    /// again. `key` is the host's name for this connection; [`Table::released`] is due when it is gone.
    ///
    /// Returns the connections that are woken.
    pub fn attend<S>(&mut self, now: Instant, key: Key, table: &mut Table<S>) -> Wakes
    where
        S: AsRef<[Record]> + AsMut<[Record]>,
    {
        match &mut self.protocol {
            Protocol::Http(http) => table.attend(now, key, &mut http.session),
            _ => Wakes::default(),
        }
    }

    pub(super) fn begin_http(&mut self, now: Instant) -> &mut Protocol {
        self.recognised();
        self.report.transport = Transport::Http;
        let mut session = Session::new(self.config.http.clone(), self.random, now);
        if self.turned_away {
            session.turn_away();
        }
        self.protocol = Protocol::Http(Http { session });
        &mut self.protocol
    }

    /// Most bytes of a head.
    pub(super) fn head_limit(&self) -> u32 {
        self.config.http.head.head_bytes
    }
}

/// What a client of HTTP is told about a refusal (digest 6.2).
fn status_of(hr: Hresult) -> Status {
    if let Some(status) = hr.http().and_then(|status| u16::try_from(status).ok()).filter(is_refusal) {
        return Status(status);
    }
    match hr {
        Hresult::NS_E_FILE_NOT_FOUND
        | Hresult::NS_E_INVALID_NAME
        | Hresult::ERROR_FILE_NOT_FOUND
        | Hresult::ERROR_PATH_NOT_FOUND => Status::NOT_FOUND,
        // asks for credentials
        Hresult::E_ACCESSDENIED => Status::UNAUTHORIZED,
        Hresult::NS_E_NETWORK_BUSY
        | Hresult::NS_E_TOO_MANY_SESS
        | Hresult::NS_E_MAX_CLIENTS
        | Hresult::NS_E_INSUFFICIENT_BANDWIDTH
        | Hresult::NS_E_OPEN_FILE_LIMIT
        | Hresult::NS_E_SHUTDOWN
        | Hresult::NS_E_NO_STREAM
        | Hresult::NS_E_MAX_BITRATE => Status::SERVICE_UNAVAILABLE,
        _ => Status::INTERNAL_SERVER_ERROR,
    }
}

fn is_refusal(status: &u16) -> bool {
    (400..=599).contains(status)
}
