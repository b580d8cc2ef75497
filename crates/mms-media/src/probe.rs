//! What a file holds, and whether it can be served.

use core::time::Duration;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use mms_core::asf::{
    Guid, HeaderError, HeaderLimits, HeaderPatch, HeaderSummary, HeaderWalker, LeaveOut, Packet,
    PacketFilter, PacketHead, Seek, SeekStreams, StreamTable, StreamingHeader, packet_count,
};
use mms_core::error::Reason;
use mms_core::server::Opened;

use crate::disk::{Identity, read_at, read_at_once};
use crate::key_frames::{self, KeyFrames};
use crate::repair::Source;

/// Bytes of a header that are read at a time.
const HEADER_PART: usize = 16384;
/// Packets that are tried if one cannot be decoded.
const TRIES: u32 = 8;
/// Packets that are looked at before an index is believed: it may pass over a key frame, or be wrong.
const PROOF_PACKETS: u64 = 16_384;
/// Bytes that are read at a time on the way backward.
const BACKWARD_BYTES: u32 = 1 << 16;
/// A Play Duration beyond so many times that of the packets is absurd.
const ABSURD: u32 = 10;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaInfo {
    /// Bytes of the ASF header: Header Object and 50 bytes of the Data Object.
    pub header_len: u32,
    /// Size of each packet in bytes.
    pub packet_size: u32,
    /// Whole packets.
    pub packet_count: u32,
    /// Duration, if the header or the packets tell it.
    pub duration: Option<Duration>,
    /// Bits per second.
    pub bit_rate: u32,
    /// Whether packets can be found by time.
    pub seekable: bool,
    /// Whether the header contradicts the file, so that it is served with other counts than it has.
    pub header_is_patched: bool,
    /// Whether key frames can be found forward and backward: there is video with a simple index.
    pub stridable: bool,
    /// Bytes of the whole file.
    pub file_len: u64,
    /// Bit n for each stream n of the header.
    pub streams: u128,
}

impl MediaInfo {
    /// What a connection is told.
    #[must_use]
    pub fn content(&self) -> Opened {
        Opened {
            header_len: self.header_len,
            packet_size: self.packet_size,
            packet_count: Some(self.packet_count),
            duration: self.duration,
            bit_rate: self.bit_rate,
            seekable: self.seekable,
            stridable: self.stridable,
            file_len: Some(self.file_len),
            streams: self.streams,
        }
    }
}

/// Why a file cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unservable {
    /// It does not begin as ASF files do.
    #[error("it is not an ASF file (.wmv, .wma, .asf)")]
    NotAsf,
    /// It is no regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// It lies outside of its folder.
    #[error("it leads out of the folder that is served")]
    Outside,
    /// The file ends inside its header.
    #[error("the file ends inside its header")]
    HeaderCut,
    /// The header is too large.
    #[error("its header is too large: {found} {limit}, {allowed} allowed", limit = .limit)]
    HeaderTooLarge {
        /// Which limit.
        limit: mms_core::error::LimitName,
        /// What the header has.
        found: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// The packets have no common size.
    #[error("its packets are not all of one size between 1 and 65527 bytes")]
    PacketSizes,
    /// The header is damaged.
    #[error("its header is damaged: {0}")]
    Header(HeaderError),
    /// There is no whole packet.
    #[error("it holds no whole packet")]
    NoPackets,
    /// There are more packets than the protocol can count.
    #[error("it holds {found} packets, more than the protocol can count")]
    TooManyPackets {
        /// How many.
        found: u64,
    },
    /// It changed while it was read.
    #[error("it changes while it is read")]
    Changing,
    /// Reading failed.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

impl From<HeaderError> for Unservable {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Limit { limit, found, allowed } => Self::HeaderTooLarge { limit, found, allowed },
            HeaderError::Invalid(decode) if decode.reason == Reason::HeaderGuid => Self::NotAsf,
            HeaderError::Invalid(decode) if decode.reason == Reason::PacketSizes => Self::PacketSizes,
            other => Self::Header(other),
        }
    }
}

/// An open file that can be served.
#[derive(Debug)]
pub(crate) struct Media {
    file: File,
    identity: Identity,
    info: MediaInfo,
    patch: Option<HeaderPatch>,
    /// The header that is announced, if it is shorter than that of the file.
    slim: Option<Vec<u8>>,
    /// Where the packets begin.
    media_start: u64,
    streams: StreamTable,
    preroll: Duration,
}

impl Media {
    /// Opens a file and looks at its header and its last packets.
    pub(crate) fn open(path: &Path) -> Result<Self, Unservable> {
        // before opening, because opening a pipe waits for its other end
        if !fs::metadata(path)?.is_file() {
            return Err(Unservable::NotAFile);
        }
        let file = File::open(path)?;
        let identity = Identity::of(&file.metadata()?);
        let summary = walk_source(&file, identity.len())?;
        let count = packet_count(identity.len(), &summary);
        if count == 0 {
            return Err(Unservable::NoPackets);
        }
        // 0xFFFFFFFF means "unknown" in headers
        let packet_count = u32::try_from(count)
            .ok()
            .filter(|count| *count < u32::MAX)
            .ok_or(Unservable::TooManyPackets { found: count })?;
        let header_len = u32::try_from(summary.header_len).map_err(|_| Unservable::HeaderCut)?;
        let mut media = Self {
            file,
            identity,
            info: MediaInfo {
                header_len,
                packet_size: summary.packet_size(),
                packet_count,
                duration: None,
                bit_rate: summary.bit_rate,
                seekable: true,
                header_is_patched: !counts_are_true(&summary, count),
                stridable: false,
                file_len: identity.len(),
                streams: summary.streams.bits(),
            },
            patch: None,
            slim: None,
            media_start: summary.header_len,
            preroll: summary.file_properties.preroll(),
            streams: summary.streams,
        };
        let (end, len) = (media.media_end(), media.identity.len());
        media.info.stridable = key_frames::has_index(&media.file, end, len, &media.streams)?;
        media.settle(&summary)?;
        if media.is_untouched(path) { Ok(media) } else { Err(Unservable::Changing) }
    }

    /// Finds duration and bit rate, and the header to announce.
    fn settle(&mut self, summary: &HeaderSummary) -> Result<(), Unservable> {
        let sent = self.sent_duration()?;
        let declared = summary.file_properties.content_duration();
        let is_absurd = declared.is_zero() || sent.is_some_and(|sent| declared > sent.saturating_mul(ABSURD));
        let info = &mut self.info;
        info.duration = if is_absurd || info.header_is_patched {
            sent.filter(|sent| !sent.is_zero())
        } else {
            Some(declared)
        };
        if info.bit_rate == 0 {
            let media_bits = u128::from(info.packet_size) * u128::from(info.packet_count) * 8;
            let ms = info.duration.map_or(0, |duration| duration.as_millis());
            let rate = (media_bits * 1000).checked_div(ms).unwrap_or(0);
            info.bit_rate = u32::try_from(rate).unwrap_or(u32::MAX);
        }
        if info.header_is_patched {
            let play = sent.map(|sent| sent.saturating_add(summary.file_properties.preroll()));
            let media_len = u64::from(info.packet_size) * u64::from(info.packet_count);
            let len = media_len + self.media_start;
            self.patch = Some(HeaderPatch::finished(
                summary,
                u64::from(info.packet_count),
                sent,
                play,
                len,
                info.seekable,
            ));
        }
        Ok(())
    }

    /// How long sending takes, by the last packet that can be decoded.
    fn sent_duration(&self) -> io::Result<Option<Duration>> {
        let mut packet = self.packet_buffer();
        for back in 1..=TRIES.min(self.info.packet_count) {
            if let Some(head) = self.packet_head(self.info.packet_count - back, &mut packet)? {
                let duration = Duration::from_millis(u64::from(head.duration_ms));
                return Ok(Some(Duration::from_millis(u64::from(head.send_time_ms)) + duration));
            }
        }
        Ok(None)
    }

    pub(crate) fn info(&self) -> &MediaInfo {
        &self.info
    }

    /// Leaves out of a header that is larger than so many bytes what no player needs.
    pub(crate) fn slim_header(&mut self, limit: u32) -> Result<(), Unservable> {
        if self.info.header_len <= limit {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(self.info.header_len).map_err(|_| Unservable::HeaderCut)?];
        self.read_header(0, &mut bytes)?;
        let plan = StreamingHeader::new(&bytes, LeaveOut::all()).map_err(HeaderError::from)?;
        let mut slim = vec![0; plan.total_len()];
        if plan.is_changed() && plan.copy_to(&mut slim).is_ok() {
            self.info.header_len = u32::try_from(slim.len()).map_err(|_| Unservable::HeaderCut)?;
            self.slim = Some(slim);
        }
        Ok(())
    }

    /// Whether the open file is as it was, and `path` still leads to it.
    pub(crate) fn is_untouched(&self, path: &Path) -> bool {
        let is_same = |metadata: io::Result<fs::Metadata>| {
            metadata.is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
        };
        is_same(self.file.metadata()) && is_same(fs::metadata(path))
    }

    /// Bytes of the header, announced with true counts.
    pub(crate) fn read_header(&self, offset: u32, part: &mut [u8]) -> io::Result<()> {
        if let Some(slim) = &self.slim {
            return slim.as_slice().read_exact_at(u64::from(offset), part);
        }
        let offset = u64::from(offset);
        read_at(&self.file, offset, part)?;
        if let Some(patch) = &self.patch {
            patch.apply(offset, part);
        }
        Ok(())
    }

    /// Bytes of the packets from number `first` on.
    pub(crate) fn read_packets(&self, first: u32, bytes: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, self.packet_offset(first), bytes)
    }

    /// The same, if nothing must be waited for; an error otherwise.
    pub(crate) fn read_packets_at_once(&self, first: u32, bytes: &mut [u8]) -> io::Result<()> {
        read_at_once(&self.file, self.packet_offset(first), bytes)
    }

    fn packet_offset(&self, number: u32) -> u64 {
        self.media_start + u64::from(number) * u64::from(self.info.packet_size)
    }

    /// Bytes of the file as they are stored.
    pub(crate) fn read_file(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_at(&self.file, offset, bytes)
    }

    /// The same, if nothing must be waited for; an error otherwise.
    pub(crate) fn read_file_at_once(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        read_at_once(&self.file, offset, bytes)
    }

    /// The packet to start with for a time: the last one at or before it in which a key frame of the wanted
    /// video begins, or a media object where there is no video.
    pub(crate) fn locate(&self, time: Duration, filter: &PacketFilter, key: &[KeyFrames]) -> io::Result<u32> {
        let raw = time.saturating_add(self.preroll).as_millis();
        let raw = u64::try_from(raw).unwrap_or(u64::MAX);
        let count = u64::from(self.info.packet_count);
        let mut seek = Seek::new(count, raw, SeekStreams::of(&self.streams, filter));
        for key in key {
            if let Some(packet) = key.hint(raw) {
                seek = seek.with_hint(key.stream, packet).with_steps(PROOF_PACKETS);
            }
        }
        let size = usize::try_from(self.info.packet_size).unwrap_or(usize::MAX);
        // Packets up to the one that is wished for, since most wishes go backward one by one.
        let (mut first, mut read) = (0u32, Vec::new());
        while let Some(number) = seek.wish() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let place =
                |first: u32| Some(usize::try_from(number.checked_sub(first)?).ok()?.saturating_mul(size));
            let is_read = place(first).is_some_and(|at| at < read.len());
            if !is_read {
                let was_behind = place(first).is_none() && first - number == 1;
                let batch = if was_behind { BACKWARD_BYTES / self.info.packet_size } else { 1 };
                first = (number + 1).saturating_sub(batch.max(1));
                read.resize(size.saturating_mul(usize::try_from(number + 1 - first).unwrap_or(1)), 0);
                self.read_packets(first, &mut read)?;
            }
            let packet = place(first).and_then(|at| read.get(at..at + size)).unwrap_or(&[]);
            seek.answer(Packet::decode_of(packet, self.info.packet_size).ok().as_ref());
        }
        let found = seek.found().map_or(0, |found| found.packet);
        Ok(u32::try_from(found).unwrap_or(0))
    }

    /// The simple indexes of the file.
    pub(crate) fn key_frames(&self) -> io::Result<Vec<KeyFrames>> {
        let (end, len) = (self.media_end(), self.identity.len());
        key_frames::read(&self.file, end, len, &self.streams, self.info.packet_count)
    }

    pub(crate) fn streams(&self) -> &StreamTable {
        &self.streams
    }

    /// Where the packets end.
    fn media_end(&self) -> u64 {
        let media_len = u64::from(self.info.packet_size) * u64::from(self.info.packet_count);
        self.media_start + media_len
    }

    fn packet_head(&self, number: u32, packet: &mut [u8]) -> io::Result<Option<PacketHead>> {
        self.read_packets(number, packet)?;
        Ok(PacketHead::decode(packet).ok())
    }

    fn packet_buffer(&self) -> Vec<u8> {
        vec![0; usize::try_from(self.info.packet_size).unwrap_or(usize::MAX)]
    }
}

/// Reads a header of `file_len` bytes at most, part by part.
pub(crate) fn walk_source<S>(source: &S, file_len: u64) -> Result<HeaderSummary, Unservable>
where
    S: Source + ?Sized,
{
    let mut walker = HeaderWalker::new(HeaderLimits::default());
    let mut part = [0; HEADER_PART];
    let mut offset = 0_u64;
    loop {
        let left = usize::try_from(file_len - offset).unwrap_or(usize::MAX);
        let room = part.len().min(left);
        let Some(bytes) = part.get_mut(..room).filter(|bytes| !bytes.is_empty()) else {
            return Err(if offset < 16 { Unservable::NotAsf } else { Unservable::HeaderCut });
        };
        source.read_exact_at(offset, bytes)?;
        if offset == 0 && !bytes.starts_with(&Guid::HEADER.0) {
            return Err(Unservable::NotAsf);
        }
        walker.feed(bytes)?;
        if let Some(summary) = walker.summary() {
            return Ok(summary.clone());
        }
        offset += u64::try_from(room).unwrap_or(u64::MAX);
    }
}

fn counts_are_true(summary: &HeaderSummary, count: u64) -> bool {
    let properties = &summary.file_properties;
    let data_size = count.saturating_mul(u64::from(summary.packet_size())).saturating_add(50);
    !properties.is_broadcast()
        && properties.data_packets_count == count
        && summary.data_packets == count
        && summary.data_size == data_size
}
