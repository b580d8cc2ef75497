//! What a client session reports.

use core::ops::Range;
use core::time::Duration;

use crate::error::Error;
use crate::hresult::Hresult;
use crate::mmsp::wire::{FileAttributes, ServerVersion};
use crate::text::Text;

/// The result of handling input: how much was used, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Handled<E> {
    /// Bytes at the front of the input that are done with.
    pub consumed: usize,
    /// Bytes from the front of the remaining input that are needed before anything more can happen.
    pub needed: usize,
    /// What happened. It borrows the input, never the session.
    pub event: Option<E>,
}

/// What the server reports of the content (ReportOpenFile, section 2.2.4.7).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Content {
    /// Flags such as seekable and broadcast.
    pub attributes: FileAttributes,
    /// Duration as the server states it; `None` for live content. A hint, not a promise.
    pub duration: Option<Duration>,
    /// Largest ASF packet in bytes.
    pub packet_size: u32,
    /// Number of ASF packets, if known.
    pub packet_count: Option<u64>,
    /// Sum of the streams' bit rates in bit/s.
    pub bit_rate: u32,
    /// Bytes of the ASF header.
    pub header_len: u32,
}

/// How a server wants the client to identify itself (section 2.2.4.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthenticationScheme {
    /// User name and password, in the clear.
    Basic,
    /// Challenge and response.
    Ntlm,
    /// A scheme that the server named and nobody knows.
    Unknown,
}

/// What a redirect names (section 2.2.4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectKind {
    /// A new URL.
    Url,
    /// A proxy; an empty location means none.
    Proxy,
    /// A value that the document does not know.
    Other(u16),
}

/// Something the application wants to know.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// ReportConnectedEX: the server answered.
    Connected {
        /// Its version.
        version: ServerVersion,
    },
    /// The packet pair was measured.
    Bandwidth {
        /// Bit/s.
        bits_per_second: u64,
    },
    /// The server wants credentials, or refused those that it got.
    AuthenticationRequired {
        /// How.
        scheme: AuthenticationScheme,
    },
    /// The content is elsewhere; the session is over.
    Redirected {
        /// What the location is.
        kind: RedirectKind,
        /// URL or proxy.
        location: Text<'a>,
    },
    /// The content is open.
    Opened(Content),
    /// A part of the ASF header (Header Object and the fixed part of the Data Object).
    HeaderPart {
        /// Where the part belongs.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether the header is complete with it; the session is ready then.
        last: bool,
    },
    /// The stream switch was answered.
    StreamsSwitched {
        /// The server's result.
        hr: Hresult,
    },
    /// Playing or striding begins.
    Started,
    /// The server refused to play or stride; the session is ready for another wish.
    PlayRefused {
        /// `PeerIncompatible` if the server has no fast forward or rewind, else `Refused`.
        error: Error,
    },
    /// An ASF data packet, as received: it may be shorter than the packet size (stripped padding).
    Packet {
        /// Number of the packet in the file, or in the virtual file of a live stream.
        location_id: u32,
        /// Low byte of the sequence number.
        af_flags: u8,
        /// The packet.
        bytes: &'a [u8],
    },
    /// Packets of the stream were lost in the network for good (media over UDP).
    PacketsLost {
        /// How many.
        count: u64,
    },
    /// The server stopped as it was told to; the session is ready.
    Stopped,
    /// The stream ended.
    EndOfStream {
        /// 0, 1 if another entry follows, or an error.
        hr: Hresult,
        /// Whether another entry follows.
        more: bool,
    },
    /// Another entry begins; its header follows (section 2.2.4.12).
    StreamChange {
        /// Largest ASF packet of the new entry.
        packet_size: u32,
        /// Bytes of the new header.
        header_len: u32,
        /// Bit/s of the new entry.
        bit_rate: u32,
    },
    /// The server closed the connection after all was said.
    Closed,
}

/// An event whose bytes are ranges of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Located {
    Plain(Event<'static>),
    HeaderPart { offset: u64, bytes: Range<usize>, last: bool },
    Packet { location_id: u32, af_flags: u8, bytes: Range<usize> },
    Redirected { kind: RedirectKind, location: Range<usize> },
}

const _: () = assert!(size_of::<Event<'_>>() <= 64 && size_of::<Located>() <= 80);
const _: () = assert!(size_of::<Handled<Located>>() <= 96);

impl Located {
    /// The event with its bytes cut out of the same input.
    pub(crate) fn lend<'a>(&self, input: &'a [u8]) -> Event<'a> {
        let cut = |range: &Range<usize>| input.get(range.clone()).unwrap_or_default();
        match self {
            Self::Plain(event) => *event,
            Self::HeaderPart { offset, bytes, last } => {
                Event::HeaderPart { offset: *offset, bytes: cut(bytes), last: *last }
            }
            Self::Packet { location_id, af_flags, bytes } => {
                Event::Packet { location_id: *location_id, af_flags: *af_flags, bytes: cut(bytes) }
            }
            Self::Redirected { kind, location } => {
                Event::Redirected { kind: *kind, location: Text::from_wire(cut(location)) }
            }
        }
    }
}
