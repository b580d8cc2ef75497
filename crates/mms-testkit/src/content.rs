//! ASF content in memory.

use core::ops::Range;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mms_core::asf::{HeaderLimits, HeaderSummary, HeaderWalker, PacketHead, packet_count};
use mms_core::hresult::Hresult;
use mms_core::server::{Ask, Connection, Opened, Refusal, Wish};
use mms_core::time::Instant;

/// A range of shared bytes: the host's handle of packets.
#[derive(Clone, Debug)]
pub struct Slice {
    bytes: Arc<[u8]>,
    range: Range<usize>,
}

impl Slice {
    /// A copy of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), range: 0..bytes.len() }
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }
}

/// An ASF file in memory.
#[derive(Clone, Debug)]
pub struct Content {
    bytes: Arc<[u8]>,
    summary: HeaderSummary,
    packets: u32,
}

impl Content {
    /// Takes an ASF file apart.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let mut walker = HeaderWalker::new(HeaderLimits { bytes: 1 << 22, ..HeaderLimits::default() });
        walker.feed(&bytes).expect("content has a good header");
        let summary = walker.summary().expect("content has a whole header").clone();
        let packets = u32::try_from(packet_count(bytes.len() as u64, &summary)).unwrap();
        Self { bytes, summary, packets }
    }

    /// A file of the repository's test data.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn testdata(name: &str) -> Self {
        Self::new(std::fs::read(testdata().join(name)).expect(name))
    }

    /// Content made up.
    #[must_use]
    pub fn made_up(recipe: &crate::asf::Recipe) -> Self {
        Self::new(recipe.bake())
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The header with the 50 bytes of the Data Object.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.bytes[..self.header_len()]
    }

    /// What the header says.
    #[must_use]
    pub fn summary(&self) -> &HeaderSummary {
        &self.summary
    }

    fn header_len(&self) -> usize {
        usize::try_from(self.summary.header_len).unwrap()
    }

    fn packet_size(&self) -> usize {
        self.summary.packet_size() as usize
    }

    /// Number of whole packets.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.packets
    }

    /// Whether there is no packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets == 0
    }

    fn range(&self, packets: Range<u32>) -> Range<usize> {
        let at = |packet: u32| self.header_len() + packet as usize * self.packet_size();
        at(packets.start)..at(packets.end)
    }

    /// Packets as a host hands them out.
    #[must_use]
    pub fn slice(&self, packets: Range<u32>) -> Slice {
        Slice { bytes: Arc::clone(&self.bytes), range: self.range(packets) }
    }

    /// One packet.
    #[must_use]
    pub fn packet(&self, number: u32) -> &[u8] {
        &self.bytes[self.range(number..number + 1)]
    }

    /// All packets, one after the other.
    #[must_use]
    pub fn media(&self) -> &[u8] {
        &self.bytes[self.range(0..self.packets)]
    }

    /// Send time of a packet.
    #[must_use]
    pub fn send_time(&self, number: u32) -> Duration {
        let head = PacketHead::decode(self.packet(number)).expect("packet has a good head");
        Duration::from_millis(u64::from(head.send_time_ms))
    }

    /// What a host says of it.
    #[must_use]
    pub fn opened(&self) -> Opened {
        Opened {
            header_len: u32::try_from(self.header_len()).unwrap(),
            packet_size: self.summary.packet_size(),
            packet_count: Some(self.packets),
            duration: Some(self.summary.file_properties.content_duration()),
            bit_rate: self.summary.bit_rate,
            seekable: true,
            stridable: false,
            file_len: Some(self.bytes.len() as u64),
            streams: self.summary.streams.bits(),
        }
    }

    /// A range of the header.
    pub(crate) fn header_slice(&self, offset: u32, max_bytes: u32) -> Slice {
        let start = offset as usize;
        let end = self.header_len().min(start + max_bytes as usize);
        Slice { bytes: Arc::clone(&self.bytes), range: start..end }
    }

    /// A range of the file.
    pub(crate) fn file_slice(&self, offset: u64, max_bytes: u32) -> Slice {
        let start = usize::try_from(offset).unwrap();
        let end = self.bytes.len().min(start + max_bytes as usize);
        Slice { bytes: Arc::clone(&self.bytes), range: start..end }
    }

    /// Whole packets, at least one.
    pub(crate) fn packet_slice(&self, from: u32, max_bytes: u32) -> Slice {
        let count = (max_bytes / self.summary.packet_size()).max(1);
        Slice { bytes: Arc::clone(&self.bytes), range: self.range(from..self.packets.min(from + count)) }
    }

    /// The last packet that is sent at or before a time.
    #[must_use]
    pub fn packet_at(&self, time: Duration) -> u32 {
        (0..self.packets).take_while(|packet| self.send_time(*packet) <= time).last().unwrap_or(0)
    }

    /// The answer to a wish, given at once. Every name opens this content but those with "missing" in them.
    pub fn answer<B, const N: usize>(
        &self,
        wish: Wish<'_>,
    ) -> impl FnOnce(&mut Connection<B, Slice, N>, Instant) -> bool + 'static
    where
        B: AsRef<[u8]> + AsMut<[u8]>,
    {
        enum Reply {
            Opened(Opened),
            Refused,
            Header(Slice),
            Packets(u32, Slice),
            Located(u32),
            Bytes(Slice),
        }
        let ticket = wish.ticket;
        let reply = match wish.ask {
            Ask::Open { name, .. } if name.chars().collect::<String>().contains("missing") => Reply::Refused,
            Ask::Open { .. } => Reply::Opened(self.opened()),
            Ask::Header { offset, max_bytes } => Reply::Header(self.header_slice(offset, max_bytes)),
            Ask::Locate { time, .. } => Reply::Located(self.packet_at(time)),
            Ask::Packets { from, max_bytes, .. } => Reply::Packets(from, self.packet_slice(from, max_bytes)),
            Ask::Again { packet, .. } => Reply::Packets(packet, self.packet_slice(packet, 1)),
            Ask::Bytes { offset, max_bytes } => Reply::Bytes(self.file_slice(offset, max_bytes)),
            other => panic!("unknown wish {other:?}"),
        };
        move |connection, _now| match reply {
            Reply::Opened(opened) => connection.opened(ticket, opened),
            Reply::Refused => connection.refused(ticket, Refusal(Hresult::NS_E_FILE_NOT_FOUND)),
            Reply::Header(bytes) => connection.header(ticket, bytes),
            Reply::Packets(first, packets) => connection.packets(ticket, first, packets),
            Reply::Bytes(bytes) => connection.bytes(ticket, bytes),
            Reply::Located(packet) => connection.located(ticket, packet),
        }
    }
}

/// The folder of the repository's test data.
#[must_use]
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The folder of shared data that is not in the repository, from the variable `MMS_SHARED`. Without it the
/// caller's test skips with a visible line; in CI it fails.
///
/// # Panics
/// In CI, if the variable is not set.
#[must_use]
pub fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("MMS_SHARED").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var_os("CI").is_none(), "MMS_SHARED is not set");
        println!("SKIPPED: MMS_SHARED is not set");
    }
    folder
}
