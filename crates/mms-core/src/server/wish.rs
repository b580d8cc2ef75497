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
    /// May this client open this name? Answer: `opened` or `refused`.
    Open {
        /// The name as the client wrote it, percent-encoded or not, with its query.
        name: Text<'a>,
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
}

/// The host's description of content that it opened.
pub type Opened = mmsp::server::Content;

/// Why the host refuses a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub Hresult);
