//! What a client session reports.

use core::ops::Range;

use crate::hresult::Hresult;
use crate::mmsp::client::{AuthenticationScheme, Content, RedirectKind};
use crate::wmsp::wire::{Product, utf8_prefix};

/// Something the application wants to know. Names and meaning are those of
/// [`mmsp::client::Event`](crate::mmsp::client::Event) where the thing is the same.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The server answered for the first time.
    Connected {
        /// What it calls itself.
        server: Product,
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
        /// URL, which may be relative, or proxy.
        location: &'a str,
    },
    /// The content is open. Its sizes and its duration are known when the header is complete.
    Opened(Content),
    /// A part of the ASF header (Header Object and the fixed part of the Data Object).
    HeaderPart {
        /// Where the part belongs.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether the header is complete with it.
        last: bool,
    },
    /// The stream switch was answered.
    StreamsSwitched {
        /// The server's result.
        hr: Hresult,
    },
    /// Playing begins.
    Started,
    /// An ASF data packet, as received: it may be shorter than the packet size (stripped padding).
    Packet {
        /// Number of the packet in the file, or in the virtual file of a live stream.
        location_id: u32,
        /// Sequence number; many servers leave it 0.
        af_flags: u8,
        /// The packet.
        bytes: &'a [u8],
    },
    /// The streaming connection was given up as the session was told; it is ready.
    Stopped,
    /// The stream ended.
    EndOfStream {
        /// 0, 1 if another entry follows, or an error.
        hr: Hresult,
        /// Whether another entry follows.
        more: bool,
    },
    /// Another entry begins; its header follows, then its packets. Sizes are 0 if the header comes in
    /// several fragments.
    StreamChange {
        /// Largest ASF packet of the new entry.
        packet_size: u32,
        /// Bytes of the new header.
        header_len: u32,
        /// Bit/s of the new entry.
        bit_rate: u32,
    },
    /// The answer is a plain ASF file: its header and packets follow as those of a stream, then what is behind them in
    /// parts, then [`Event::EndOfStream`].
    File {
        /// Bytes of the file, if the server says so.
        len: Option<u64>,
    },
    /// A part of a plain file that is neither header nor packet, such as an index.
    FilePart {
        /// Where the part belongs in the file.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A part of a text that came instead of media: a metafile, or a page. The session is over after the last.
    TextPart {
        /// Where the part belongs.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether the text is complete with it.
        last: bool,
    },
}

/// An event whose bytes are ranges of the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Located {
    Plain(Event<'static>),
    HeaderPart { offset: u64, bytes: Range<usize>, last: bool },
    Packet { location_id: u32, af_flags: u8, bytes: Range<usize> },
    Redirected { kind: RedirectKind, location: Range<usize> },
    FilePart { offset: u64, bytes: Range<usize> },
    TextPart { offset: u64, bytes: Range<usize>, last: bool },
}

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
                Event::Redirected { kind: *kind, location: utf8_prefix(cut(location)) }
            }
            Self::FilePart { offset, bytes } => Event::FilePart { offset: *offset, bytes: cut(bytes) },
            Self::TextPart { offset, bytes, last } => {
                Event::TextPart { offset: *offset, bytes: cut(bytes), last: *last }
            }
        }
    }
}
