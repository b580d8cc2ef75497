//! What a server session is told.

use core::fmt;
use core::time::Duration;

use crate::error::{Error, LimitName};
use crate::mmsp::server::Pace;
use crate::wmsp::wire::{HeadLimits, Product, ProductName};

/// Settings of a server session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the server calls itself. As `Cougar/4.1` it sends nothing that is newer than version 4 to anybody:
    /// no `$M`, no Supported, no acceleration (digest 17, server rule 2).
    pub product: Product,
    /// How fast content is sent.
    pub pace: Pace,
    /// Content that is sent at once when playing starts, before pacing begins.
    pub burst: Duration,
    /// Most bit/s of media for one connection.
    pub max_bit_rate: Option<u64>,
    /// Largest Speed that is granted, in thousandths; only a server of version 9 grants any.
    pub max_speed: u32,
    /// The `timeout` token: how often a client shall show that it lives.
    pub session_timeout: Duration,
    /// Ours: how long a head or a body may take.
    pub head_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// Ours: how long a client whose request was refused may go on sending.
    pub linger: Duration,
    /// Limits of a request head.
    pub head: HeadLimits,
    /// Most bytes of a request body.
    pub body_bytes: u32,
    /// Most requests on one connection.
    pub requests: u32,
    /// What a 401 names as its realm.
    pub realm: &'static str,
    /// Behaviour for clients that differ from the document.
    pub quirks: Quirks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            product: Product::new(ProductName::Cougar, [4, 1, 0, 3930]),
            pace: Pace::REALTIME,
            burst: Duration::from_secs(5),
            max_bit_rate: None,
            max_speed: 5000,
            session_timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            linger: Duration::from_secs(1),
            head: HeadLimits::default(),
            body_bytes: 65_536,
            requests: 1000,
            realm: "Windows Media",
            quirks: Quirks::default(),
        }
    }
}

/// Deviations of real clients (digest chapters 16.1 and 17), each can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// PeerCastStation and simple clients play without a selection: they get every stream.
    pub all_streams_without_entries: bool,
    /// libmms asks for packet n by `stream-offset` (n + 1) * size, VLC by n * size; others count the header.
    pub offsets_by_agent: bool,
    /// libmms-like clients log without a client-id, or with one that is gone: they are answered.
    pub unknown_sessions_may_log: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { all_streams_without_entries: true, offsets_by_agent: true, unknown_sessions_may_log: true }
    }
}

/// Media that the host opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Media {
    /// Bytes of the ASF header: Header Object and 50 bytes of the Data Object.
    pub header_len: u32,
    /// Size of each ASF packet in bytes.
    pub packet_size: u32,
    /// Number of packets; `None` for live content.
    pub packet_count: Option<u32>,
    /// Bytes of the file as a plain download gives them; `None` if it has no end.
    pub file_len: Option<u64>,
    /// Whether the host can say which packet belongs to a time.
    pub seekable: bool,
    /// Bit n for each stream n of the header.
    pub streams: u128,
}

/// What the host has under a name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content {
    /// Media: framed for clients of the protocol, plain for others.
    Media(Media),
    /// A text of the host's, such as a page or an ASX, for every client.
    Text {
        /// Its length.
        len: u64,
        /// Its type with the charset.
        content_type: &'static str,
    },
    /// It is elsewhere.
    Moved(Location),
}

/// Longest location (section 3.2.5.4).
const LOCATION_BYTES: usize = 256;

/// Where moved content is.
#[derive(Clone, Copy)]
pub struct Location {
    bytes: [u8; LOCATION_BYTES],
    len: usize,
}

impl Location {
    /// An absolute URL.
    ///
    /// # Errors
    /// `Limit` above 256 bytes.
    pub fn new(url: &str) -> Result<Self, Error> {
        let mut bytes = [0; LOCATION_BYTES];
        let Some(target) = bytes.get_mut(..url.len()) else {
            let (found, allowed) = (u64::try_from(url.len()), u64::try_from(LOCATION_BYTES));
            let limit = LimitName::NameChars;
            return Err(Error::limit(limit, found.unwrap_or(u64::MAX), allowed.unwrap_or(u64::MAX)));
        };
        target.copy_from_slice(url.as_bytes());
        Ok(Self { bytes, len: url.len() })
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
