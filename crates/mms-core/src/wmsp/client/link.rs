//! One connection as the session sees it: whether it is there, and how far its response is read.

use crate::error::{DecodeError, Error};
use crate::wmsp::wire::{BodyLen, Chunked, HeadLimits, HeadScanner, HeadStep};

/// A connection of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionId {
    /// Describe and Play; media comes here, and closing it is the only stop.
    Streaming,
    /// Log, KeepAlive and SelectStream, one request each.
    Short,
}

/// What the session wants of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionWish {
    /// Connect to the server; received bytes of an earlier connection of this name are dropped.
    Open(ConnectionId),
    /// Close, connected or not; unread and unsent bytes are dropped.
    Close(ConnectionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    Closed,
    Opening,
    Open,
}

/// The response under way.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// The head is not complete.
    Head,
    /// So many bytes are left.
    Exact(u64),
    /// As the chunks say.
    Chunked(Chunked),
    /// Until the connection is closed.
    ToEnd,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    limits: HeadLimits,
    pub(super) socket: Socket,
    /// to be opened when it is closed
    pub(super) wanted: bool,
    /// to be closed
    leave: bool,
    pub(super) sent: bool,
    scanner: HeadScanner,
    pub(super) body: Body,
    /// bytes at the front of the input that are content, if the body is chunked
    content: usize,
    /// what is wrong behind that content
    pub(super) broken: Option<DecodeError>,
    /// bytes of the peer's stream that are done with, without the framing of chunks
    pub(super) position: u64,
    /// the last look at the input saw the start of something incomplete
    pub(super) partial: bool,
}

impl Link {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            socket: Socket::Closed,
            wanted: false,
            leave: false,
            sent: false,
            scanner: HeadScanner::new(limits),
            body: Body::Head,
            content: 0,
            broken: None,
            position: 0,
            partial: false,
        }
    }

    pub(super) fn open(&mut self) {
        self.close();
        self.wanted = true;
    }

    pub(super) fn close(&mut self) {
        self.leave = self.socket != Socket::Closed;
        self.wanted = false;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.socket == Socket::Closed && !self.wanted
    }

    /// Whether a failure of the connection matters: it was not given up already.
    pub(super) fn is_needed(&self) -> bool {
        self.socket != Socket::Closed && !self.leave
    }

    pub(super) fn poll(&mut self, id: ConnectionId) -> Option<ConnectionWish> {
        if core::mem::take(&mut self.leave) {
            self.socket = Socket::Closed;
            return Some(ConnectionWish::Close(id));
        }
        if !core::mem::take(&mut self.wanted) {
            return None;
        }
        *self = Self { socket: Socket::Opening, ..Self::new(self.limits) };
        Some(ConnectionWish::Open(id))
    }

    /// Whether input counts.
    pub(super) fn is_live(&self) -> bool {
        self.socket == Socket::Open && !self.leave
    }

    pub(super) fn wants_transmit(&self) -> bool {
        self.is_live() && !self.sent
    }

    pub(super) fn head(&mut self, input: &[u8]) -> Result<HeadStep, Error> {
        let position = self.position;
        self.scanner.next(input).map_err(|error| error.at(position))
    }

    /// The head is read; what follows is its body. The head itself is consumed after this.
    pub(super) fn begin_body(&mut self, len: BodyLen, head_len: usize) {
        self.content = 0;
        let head_len = u64::try_from(head_len).unwrap_or(u64::MAX);
        self.body = match len {
            BodyLen::Exact(len) => Body::Exact(len.saturating_add(head_len)),
            BodyLen::Chunked => Body::Chunked(Chunked::new()),
            BodyLen::Unstated | BodyLen::UnknownCoding => Body::ToEnd,
        };
    }

    /// Takes the framing of chunks out of the input and returns how many bytes are left.
    pub(super) fn arrange(&mut self, input: &mut [u8]) -> usize {
        let len = input.len();
        let Body::Chunked(chunked) = &mut self.body else { return len };
        if self.broken.is_none() {
            let raw = input.get_mut(self.content..).unwrap_or_default();
            let (kept, broken) = chunked.compact_as_far(raw);
            self.content = self.content.saturating_add(kept);
            self.broken = broken;
        }
        self.content.min(len)
    }

    /// The part of the input that belongs to the body.
    pub(super) fn content<'b>(&self, input: &'b [u8]) -> &'b [u8] {
        let len = match &self.body {
            Body::Head => 0,
            Body::Exact(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Body::Chunked(_) => self.content,
            Body::ToEnd => usize::MAX,
        };
        input.get(..len).unwrap_or(input)
    }

    /// Whether the body is over behind the next `len` bytes of content.
    pub(super) fn ends_behind(&self, len: usize) -> bool {
        match &self.body {
            Body::Head | Body::ToEnd => false,
            Body::Exact(left) => usize::try_from(*left).is_ok_and(|left| left <= len),
            Body::Chunked(chunked) => chunked.is_over() && self.content <= len,
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        let wide = u64::try_from(count).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(wide);
        self.content = self.content.saturating_sub(count);
        if let Body::Exact(left) = &mut self.body {
            *left = left.saturating_sub(wide);
        }
    }
}
