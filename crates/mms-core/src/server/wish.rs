//! What a connection asks of its host.

use core::time::Duration;

use crate::hresult::Hresult;
use crate::mmsp;
use crate::mmsp::server::Order;
use crate::selection::Selection;
use crate::text::Text;

/// Names one wish. An answer to a wish that was withdrawn meanwhile does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(super) u32);

/// A wish, handed out once. It stays raised until it is answered or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish<'a> {
    /// What the answer must carry.
    pub ticket: Ticket,
    /// What is wished for.
    pub ask: Ask<'a>,
}

/// What is wished for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ask<'a> {
    /// May this client open this name? Answer: `opened` or `refused`; over HTTP also `opened_text` or `moved`.
    #[non_exhaustive]
    Open {
        /// The name as the client wrote it, percent-encoded or not, with its query.
        name: Text<'a>,
        /// What else the client said, if it speaks HTTP.
        http: Option<HttpRequest<'a>>,
    },
    /// Bytes of the content's ASF header. Answer: `header` or `failed`.
    Header {
        /// Offset of the first byte.
        offset: u32,
        /// Most bytes.
        max_bytes: u32,
    },
    /// Which packet belongs to a time? Answer: `located` or `failed`.
    Locate {
        /// Time of the content.
        time: Duration,
        /// The streams that the client wants: video starts with a key frame.
        selection: Selection,
    },
    /// Whole packets. Answer: `packets`, `ended` or `failed`.
    Packets {
        /// Number of the first packet; when rewinding, of the packet before which the key frame begins.
        from: u32,
        /// Most bytes, at least one packet.
        max_bytes: u32,
        /// The streams that the client wants.
        selection: Selection,
        /// Every packet, or those of the next key frame: an answer then holds one key frame.
        order: Order,
    },
    /// A packet that was sent is to be sent again, byte for byte as it was delivered. Answer: `packets` with this packet,
    /// or `ended` if it is gone.
    Again {
        /// Its number.
        packet: u32,
        /// The streams that the client wanted when it was sent.
        selection: Selection,
    },
    /// Bytes of the file or text as it is. Answer: `bytes` or `failed`.
    Bytes {
        /// Offset of the first byte.
        offset: u64,
        /// Most bytes.
        max_bytes: u32,
    },
}

/// What a client of HTTP said beside the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRequest<'a> {
    /// The address that it used: host, and port if it is not 80. As the client wrote it, so to be checked before it
    /// goes into anything.
    pub host: Option<&'a str>,
    /// The value of Authorization, for [`Credentials::decode`](crate::wmsp::wire::Credentials::decode).
    pub authorization: Option<&'a str>,
}

/// The host's description of content that it opened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "a host must say all of it")]
pub struct Opened {
    /// Bytes of the ASF header: Header Object and 50 bytes of the Data Object.
    pub header_len: u32,
    /// Size of each ASF packet in bytes.
    pub packet_size: u32,
    /// Number of packets; `None` for live content.
    pub packet_count: Option<u32>,
    /// Duration; `None` if unknown or live.
    pub duration: Option<Duration>,
    /// Sum of the streams' bit rates in bit/s.
    pub bit_rate: u32,
    /// Whether the host can say which packet belongs to a time.
    pub seekable: bool,
    /// Whether the host can deliver key frames only, forward and backward.
    pub stridable: bool,
    /// Bytes of the file as a plain download gives them; `None` if there are no downloads.
    pub file_len: Option<u64>,
    /// Bit n for each stream n of the header.
    pub streams: u128,
}

impl Opened {
    pub(super) fn for_mms(&self) -> mmsp::server::Content {
        mmsp::server::Content {
            header_len: self.header_len,
            packet_size: self.packet_size,
            packet_count: self.packet_count,
            duration: self.duration,
            bit_rate: self.bit_rate,
            seekable: self.seekable,
            stridable: self.stridable,
        }
    }
}

/// Why the host refuses a name. A client of HTTP gets the status that belongs to it: 404 for a name that is not there, 401
/// with a challenge for `E_ACCESSDENIED`, 503 for a limit, that of [`Hresult::from_http`], and 500 otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub Hresult);
