//! The sessions of all protocols behind one face, so that framing and wishes are written once.

use core::time::Duration;

use super::http::{self, FrameBytes, Http};
use super::queue::HEAD_BYTES;
use super::wish::{Opened, Refusal};
use crate::error::{BufferTooSmall, Error};
use crate::hresult::Hresult;
use crate::mmsp;
use crate::mmsp::server::Order;
use crate::mmsp::wire::DataHeader;
use crate::selection::Selection;
use crate::text::Text;
use crate::time::Instant;

/// Room that the largest reply of MMS needs in the send storage.
const LARGEST_MMS_REPLY: usize = 1056;

/// The session of a connection, once its first bytes told the protocol.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each connection, and without alloc there is no box"
)]
pub(super) enum Protocol {
    Unknown,
    Mms(mmsp::server::Session),
    Http(Http),
}

/// What a session wants of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Open,
    Header { offset: u32, len: u32 },
    Locate { time: Duration },
    Packets { from: u32, order: Order },
    Bytes { from: u64, to: u64 },
}

impl Want {
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            // the length is only a hint
            (Self::Header { offset: a, .. }, Self::Header { offset: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}

impl From<mmsp::server::MediaWish> for Want {
    #[inline]
    fn from(wish: mmsp::server::MediaWish) -> Self {
        use mmsp::server::MediaWish;
        match wish {
            MediaWish::Open => Self::Open,
            MediaWish::Header { offset, len } => Self::Header { offset, len },
            MediaWish::Locate { time } => Self::Locate { time },
            MediaWish::Packets { from, order } => Self::Packets { from, order },
        }
    }
}

impl Want {
    fn to_mms(self) -> Option<mmsp::server::MediaWish> {
        use mmsp::server::MediaWish;
        Some(match self {
            Self::Open => MediaWish::Open,
            Self::Header { offset, len } => MediaWish::Header { offset, len },
            Self::Locate { time } => MediaWish::Locate { time },
            Self::Packets { from, order } => MediaWish::Packets { from, order },
            Self::Bytes { .. } => return None,
        })
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Mms(DataHeader),
    Http(FrameBytes),
}

const _: () = assert!(DataHeader::LEN <= HEAD_BYTES);

impl Head {
    /// The bytes, and how many they are.
    #[inline]
    pub(super) fn encode(&self) -> ([u8; HEAD_BYTES], usize) {
        let mut bytes = [0; HEAD_BYTES];
        // copies of a length that is known cost next to nothing, and each head is shorter than the room
        let len = match self {
            Self::Mms(head) => {
                bytes.first_chunk_mut().into_iter().for_each(|place| *place = head.encode());
                DataHeader::LEN
            }
            Self::Http(head) => {
                let (head, len) = head.array();
                bytes.first_chunk_mut().into_iter().for_each(|place| *place = head);
                len
            }
        };
        (bytes, len)
    }
}

impl Protocol {
    /// What the host's content is wanted for; `input` is what lies unread.
    #[inline]
    pub(super) fn wish(&self, input: &[u8]) -> Option<Want> {
        match self {
            Self::Unknown => None,
            Self::Mms(session) if session.name(input).is_some() => Some(Want::Open),
            Self::Mms(session) => session.wish().map(Want::from),
            Self::Http(http) => http.wish(),
        }
    }

    pub(super) fn wants(&self, want: Want) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => want.to_mms().is_some_and(|wish| session.wants(wish)),
            Self::Http(http) => http.wants(want),
        }
    }

    pub(super) fn name<'a>(&self, input: &'a [u8]) -> Option<Text<'a>> {
        match self {
            Self::Unknown => None,
            Self::Mms(session) => session.name(input),
            Self::Http(http) => http.name(input),
        }
    }

    pub(super) fn selection(&self) -> Option<Selection> {
        match self {
            Self::Unknown => None,
            Self::Mms(session) => Some(session.selection()),
            Self::Http(Http { session }) => Some(session.selection()),
        }
    }

    #[inline]
    pub(super) fn has_packet(&self, number: u32) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.has_packet(number),
            Self::Http(Http { session }) => session.has_packet(number),
        }
    }

    // ---- answers

    /// Returns bytes of the input that are done with.
    pub(super) fn opened(&mut self, content: Opened) -> Result<usize, Error> {
        match self {
            Self::Unknown => Ok(0),
            Self::Mms(session) => session.opened(content.for_mms()),
            Self::Http(http) => http.opened(content).map(|()| 0),
        }
    }

    pub(super) fn refused(&mut self, refusal: Refusal) -> Result<usize, Error> {
        match self {
            Self::Unknown => Ok(0),
            Self::Mms(session) => session.refused(refusal.0),
            Self::Http(http) => http.refused(refusal).map(|()| 0),
        }
    }

    pub(super) fn located(&mut self, packet: u32) -> Result<(), Error> {
        match self {
            Self::Unknown => Ok(()),
            Self::Mms(session) => session.located(packet),
            Self::Http(Http { session }) => session.located(packet),
        }
    }

    pub(super) fn content_failed(&mut self, now: Instant, hr: Hresult) {
        match self {
            Self::Unknown => {}
            Self::Mms(session) => session.content_failed(now, hr),
            Self::Http(Http { session }) => session.content_failed(hr),
        }
    }

    pub(super) fn shut_down(&mut self) {
        match self {
            Self::Unknown => {}
            Self::Mms(session) => session.shut_down(),
            Self::Http(Http { session }) => session.shut_down(),
        }
    }

    // ---- replies

    pub(super) fn largest_reply(&self) -> usize {
        match self {
            Self::Unknown => 0,
            Self::Mms(_) => LARGEST_MMS_REPLY,
            Self::Http(_) => http::LARGEST_REPLY,
        }
    }

    /// Whether a reply waits; media must not overtake it.
    #[inline]
    pub(super) fn wants_transmit(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.wants_transmit(),
            Self::Http(Http { session }) => session.wants_transmit(),
        }
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8],
    ) -> Result<Option<usize>, BufferTooSmall> {
        match self {
            Self::Unknown => Ok(None),
            Self::Mms(session) => session.poll_transmit(now, out),
            Self::Http(Http { session }) => session.poll_transmit(now, out),
        }
    }

    /// Whether the next reply may share a write with what follows it.
    pub(super) fn one_reply_per_write(&self) -> bool {
        matches!(self, Self::Mms(session) if session.one_reply_per_write())
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.is_closed(),
            Self::Http(Http { session }) => session.is_closed(),
        }
    }

    #[inline]
    pub(super) fn poll_timeout(&self) -> Instant {
        match self {
            Self::Unknown => Instant::MAX,
            Self::Mms(session) => session.poll_timeout(),
            Self::Http(http) => http.wake_at(),
        }
    }

    /// The request line did not come in time.
    pub(super) fn time_out(&mut self) {
        if let Self::Http(Http { session }) = self {
            session.refuse_late();
        }
    }

    // ---- media

    pub(super) fn take_discard(&mut self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.take_discard(),
            Self::Http(Http { session }) => session.take_discard(),
        }
    }

    pub(super) fn give_back(&mut self, packets: u32) {
        match self {
            Self::Unknown => {}
            Self::Mms(session) => session.give_back(packets),
            Self::Http(Http { session }) => session.give_back(packets),
        }
    }

    /// The head before the next of `available` bytes of the header, and how many of them belong to it.
    pub(super) fn frame_header(&mut self, now: Instant, available: usize) -> Option<(Head, usize)> {
        match self {
            Self::Unknown => None,
            Self::Mms(session) => {
                let len = u16::try_from(available).ok().filter(|len| *len > 0)?;
                session.frame_header(now, len).map(|head| (Head::Mms(head), available))
            }
            Self::Http(http) => http.frame_header(available),
        }
    }

    #[inline]
    pub(super) fn frame(&mut self, now: Instant, send_time_ms: u32, len: u16) -> Option<Head> {
        match self {
            Self::Unknown => None,
            Self::Mms(session) => session.frame(now, send_time_ms, len).map(Head::Mms),
            Self::Http(Http { session }) => session.frame(now, send_time_ms, len).map(Head::Http),
        }
    }

    /// How many of `available` bytes of a file go out now.
    pub(super) fn send_bytes(&mut self, available: usize) -> usize {
        if let Self::Http(http) = self { http.send_bytes(available) } else { 0 }
    }

    /// Whether the send times of packets matter.
    #[inline]
    pub(super) fn heeds_send_times(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.heeds_send_times(),
            Self::Http(Http { session }) => session.heeds_send_times(),
        }
    }

    #[inline]
    pub(super) fn due(&self, send_time_ms: u32) -> Instant {
        match self {
            Self::Unknown => Instant::MAX,
            Self::Mms(session) => session.due(send_time_ms),
            Self::Http(Http { session }) => session.due(send_time_ms),
        }
    }

    #[inline]
    pub(super) fn is_behind_stop(&self, send_time_ms: u32) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.is_behind_stop(send_time_ms),
            Self::Http(Http { session }) => session.is_behind_stop(send_time_ms),
        }
    }

    #[inline]
    pub(super) fn skip_to(&mut self, packet: u32) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.skip_to(packet),
            Self::Http(Http { session }) => session.skip_to(packet),
        }
    }

    pub(super) fn go_back_to(&mut self, packet: u32) {
        if let Self::Mms(session) = self {
            session.go_back_to(packet);
        }
    }

    /// Whether the packet just framed is the first since playing started.
    #[inline]
    pub(super) fn is_first(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.is_first(),
            Self::Http(Http { session }) => session.is_first(),
        }
    }

    #[inline]
    pub(super) fn is_streaming(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.is_streaming(),
            Self::Http(Http { session }) => session.is_streaming(),
        }
    }

    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Mms(session) => session.is_at_end(),
            Self::Http(Http { session }) => session.is_at_end(),
        }
    }

    pub(super) fn end_of_media(&mut self, now: Instant) {
        match self {
            Self::Unknown => {}
            Self::Mms(session) => session.end_of_media(now),
            Self::Http(Http { session }) => session.end_of_media(),
        }
    }

    /// The session of MMS, if its media goes into datagrams.
    #[inline]
    pub(super) fn datagrams(&self) -> Option<&mmsp::server::Session> {
        match self {
            Self::Mms(session) if session.client_port().is_some() => Some(session),
            _ => None,
        }
    }

    /// The same, to change.
    #[inline]
    pub(super) fn datagrams_mut(&mut self) -> Option<&mut mmsp::server::Session> {
        match self {
            Self::Mms(session) if session.client_port().is_some() => Some(session),
            _ => None,
        }
    }
}
