//! What a client reports, whatever the transport is.

use core::ops::Range;

use crate::error::Error;
use crate::hresult::Hresult;
use crate::mmsp::client::{self as mmsp, AuthenticationScheme, Content, RedirectKind};
use crate::mmsp::wire::ServerVersion;
use crate::rollover::Transport;
use crate::text::{Text, utf8_prefix};

/// Something the application wants to know.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A transport does not work, and the next one is tried; all begins anew.
    RolledOver {
        /// What was tried.
        from: Transport,
        /// What it met.
        error: Error,
        /// What is tried now.
        to: Transport,
    },
    /// Nothing of the media came over a transport, and the client asks for it over another. What was told stays valid: header
    /// and wish are the same, the header is not told again, and [`Started`](Self::Started) follows anew.
    FellBack {
        /// What did not bring it.
        from: Transport,
        /// What was waited for.
        error: Error,
        /// What shall bring it.
        to: Transport,
    },
    /// The server answered.
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
    /// The content is elsewhere; the client goes there.
    Redirected {
        /// What the location is.
        kind: RedirectKind,
        /// URL, which may be relative over HTTP, or proxy.
        location: Text<'a>,
    },
    /// HTTP: the answer is a plain ASF file. Its header and packets follow as those of a stream, then what is behind
    /// them in parts.
    File {
        /// Bytes of the file, if the server says so.
        len: Option<u64>,
    },
    /// The content is open. Over HTTP sizes and duration are known with the header only, see
    /// [`Client::content`](super::Client::content).
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
        /// Low byte of the sequence number; 0 where there is none.
        af_flags: u8,
        /// The packet.
        bytes: &'a [u8],
    },
    /// A part of a plain file that is neither header nor packet, such as an index.
    FilePart {
        /// Where the part belongs in the file.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// HTTP: a part of a text that came instead of media: a metafile, or a page. See
    /// [`metafile::sniff`](crate::metafile::sniff). The session is over after the last.
    TextPart {
        /// Where the part belongs.
        offset: u64,
        /// Its bytes.
        bytes: &'a [u8],
        /// Whether the text is complete with it.
        last: bool,
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
    /// Another entry begins; its header follows. Over HTTP sizes are 0 if the header comes in several fragments.
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

const _: () = assert!(size_of::<Event<'_>>() <= 64 && size_of::<Located>() <= 80);

impl<'a> From<mmsp::Event<'a>> for Event<'a> {
    fn from(event: mmsp::Event<'a>) -> Self {
        match event {
            mmsp::Event::Connected { version } => Self::Connected { version },
            mmsp::Event::Bandwidth { bits_per_second } => Self::Bandwidth { bits_per_second },
            mmsp::Event::AuthenticationRequired { scheme } => Self::AuthenticationRequired { scheme },
            mmsp::Event::Redirected { kind, location } => Self::Redirected { kind, location },
            mmsp::Event::Opened(content) => Self::Opened(content),
            mmsp::Event::HeaderPart { offset, bytes, last } => Self::HeaderPart { offset, bytes, last },
            mmsp::Event::StreamsSwitched { hr } => Self::StreamsSwitched { hr },
            mmsp::Event::Started => Self::Started,
            mmsp::Event::PlayRefused { error } => Self::PlayRefused { error },
            mmsp::Event::Packet { location_id, af_flags, bytes } => {
                Self::Packet { location_id, af_flags, bytes }
            }
            mmsp::Event::PacketsLost { count } => Self::PacketsLost { count },
            mmsp::Event::Stopped => Self::Stopped,
            mmsp::Event::EndOfStream { hr, more } => Self::EndOfStream { hr, more },
            mmsp::Event::StreamChange { packet_size, header_len, bit_rate } => {
                Self::StreamChange { packet_size, header_len, bit_rate }
            }
            mmsp::Event::Closed => Self::Closed,
        }
    }
}

/// An event whose bytes are ranges of the input.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Located {
    Plain(Event<'static>),
    HeaderPart { offset: u64, bytes: Range<usize>, last: bool },
    Packet { location_id: u32, af_flags: u8, bytes: Range<usize> },
    FilePart { offset: u64, bytes: Range<usize> },
    TextPart { offset: u64, bytes: Range<usize>, last: bool },
    Redirected { kind: RedirectKind, location: Range<usize>, wide: bool },
}

impl Located {
    /// The event with its bytes cut out of the same input.
    pub(super) fn lend<'a>(&self, input: &'a [u8]) -> Event<'a> {
        let cut = |range: &Range<usize>| input.get(range.clone()).unwrap_or_default();
        match self {
            Self::Plain(event) => *event,
            Self::HeaderPart { offset, bytes, last } => {
                Event::HeaderPart { offset: *offset, bytes: cut(bytes), last: *last }
            }
            Self::Packet { location_id, af_flags, bytes } => {
                Event::Packet { location_id: *location_id, af_flags: *af_flags, bytes: cut(bytes) }
            }
            Self::FilePart { offset, bytes } => Event::FilePart { offset: *offset, bytes: cut(bytes) },
            Self::TextPart { offset, bytes, last } => {
                Event::TextPart { offset: *offset, bytes: cut(bytes), last: *last }
            }
            Self::Redirected { kind, location, wide: true } => {
                Event::Redirected { kind: *kind, location: Text::from_wire(cut(location)) }
            }
            Self::Redirected { kind, location, .. } => {
                Event::Redirected { kind: *kind, location: Text::Str(utf8_prefix(cut(location))) }
            }
        }
    }
}

impl From<mmsp::Located> for Located {
    fn from(event: mmsp::Located) -> Self {
        match event {
            mmsp::Located::Plain(event) => Self::Plain(event.into()),
            mmsp::Located::HeaderPart { offset, bytes, last } => Self::HeaderPart { offset, bytes, last },
            mmsp::Located::Packet { location_id, af_flags, bytes } => {
                Self::Packet { location_id, af_flags, bytes }
            }
            mmsp::Located::Redirected { kind, location } => Self::Redirected { kind, location, wide: true },
        }
    }
}
