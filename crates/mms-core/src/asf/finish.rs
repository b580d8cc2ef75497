//! What a recording needs to become a proper file (rules of sections 3.2, 5.1, 6.1 and 8.2).
//!
//! ```text
//! every whole packet, in order -> FileScan     -> count, durations, flags -> FileProperties
//!                              -> IndexBuilder -> entries of one Simple Index, one for each video stream
//! ```

use super::guid::Guid;
use super::header::{FileFlags, FileProperties, Header};
use super::index::SimpleIndexEntry;
use super::payload::{Fragment, Packet, PacketFragments};
use super::stream::StreamKind;
use super::walker::HeaderSummary;
use crate::error::{DecodeError, Reason};

const STREAMS: usize = 128;
/// Units of 100 ns in a millisecond.
const PER_MS: u64 = 10_000;

/// What is known of the times of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct StreamTimes {
    /// Latest presentation time, and the shortest step from one to the next, in milliseconds; 0 before there
    /// is one.
    last: Option<u32>,
    step: u32,
    /// Length of the latest media object, if it tells it.
    told: Option<u16>,
    /// Average Time Per Frame in units of 100 ns, 0 unknown.
    average: u32,
    /// Where the sample duration stands in the extension data, plus 1.
    duration_at: u8,
}

/// Counts and durations of a file, from its packets.
#[derive(Clone, Debug)]
pub struct FileScan {
    packets: u64,
    unreadable: u64,
    first_send_ms: Option<u32>,
    send_end_ms: u64,
    first_time_ms: Option<u32>,
    streams: [StreamTimes; STREAMS],
}

impl FileScan {
    /// Before the first packet of the file with this header.
    #[must_use]
    pub fn new(header: &Header<'_>) -> Self {
        let mut streams = [StreamTimes::default(); STREAMS];
        for extended in header.extended_streams() {
            let number = usize::from(extended.stream.stream_number);
            let Some(times) = streams.get_mut(number) else { continue };
            times.average = u32::try_from(extended.stream.average_time_per_frame).unwrap_or(0);
            let mut at = 0u16;
            for system in extended.extension_systems() {
                let Some(size) = system.data_size else { break };
                if system.id == Guid::EXTENSION_SAMPLE_DURATION && size == 2 {
                    times.duration_at = u8::try_from(at.saturating_add(1)).unwrap_or(0);
                }
                at = at.saturating_add(size);
            }
        }
        Self { packets: 0, unreadable: 0, first_send_ms: None, send_end_ms: 0, first_time_ms: None, streams }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.packets = self.packets.saturating_add(1);
        let head = packet.head();
        self.first_send_ms = self.first_send_ms.or(Some(head.send_time_ms));
        let end = u64::from(head.send_time_ms).saturating_add(u64::from(head.duration_ms));
        self.send_end_ms = self.send_end_ms.max(end);
        for fragment in packet.fragments() {
            self.fragment(&fragment);
        }
    }

    /// The next packet cannot be read; it counts nevertheless.
    pub fn unreadable_packet(&mut self) {
        self.packets = self.packets.saturating_add(1);
        self.unreadable = self.unreadable.saturating_add(1);
    }

    fn fragment(&mut self, fragment: &Fragment<'_>) {
        let Some(time) = fragment.presentation_time_ms else { return };
        self.first_time_ms = Some(self.first_time_ms.map_or(time, |first| first.min(time)));
        let Some(times) = self.streams.get_mut(usize::from(fragment.stream_number)) else { return };
        let told = usize::from(times.duration_at).checked_sub(1).and_then(|at| {
            let bytes = fragment.extensions.get(at..)?.first_chunk()?;
            // 1 stands in the first fragments of encoders that do not know yet.
            Some(u16::from_le_bytes(*bytes)).filter(|duration| *duration > 1)
        });
        match times.last {
            Some(last) if time < last => {}
            Some(last) if time == last => times.told = told.or(times.told),
            _ => {
                // The last picture of a slide show is not known to last as long as the one before.
                let step = times.last.map_or(0, |last| time.saturating_sub(last));
                times.step = if times.step == 0 { step } else { times.step.min(step) };
                times.last = Some(time);
                times.told = told;
            }
        }
    }

    /// Packets taken.
    #[must_use]
    pub fn packet_count(&self) -> u64 {
        self.packets
    }

    /// Packets of them that cannot be read.
    #[must_use]
    pub fn unreadable_count(&self) -> u64 {
        self.unreadable
    }

    /// Send time of the first packet, in milliseconds; not 0 in a recording that joined late.
    #[must_use]
    pub fn first_send_time_ms(&self) -> Option<u32> {
        self.first_send_ms
    }

    /// The lowest presentation time, in milliseconds with the preroll.
    #[must_use]
    pub fn first_presentation_time_ms(&self) -> Option<u32> {
        self.first_time_ms
    }

    /// Send Duration in units of 100 ns: the end of the last packet.
    #[must_use]
    pub fn send_duration(&self) -> u64 {
        self.send_end_ms.saturating_mul(PER_MS)
    }

    /// Play Duration in units of 100 ns: the end of the last media object, preroll included.
    #[must_use]
    pub fn play_duration(&self) -> u64 {
        let ends = self.streams.iter().filter_map(|times| {
            let last = u64::from(times.last?).saturating_mul(PER_MS);
            let told = times.told.map(|ms| u64::from(ms).saturating_mul(PER_MS));
            let average = Some(u64::from(times.average)).filter(|average| *average > 0);
            let step = u64::from(times.step).saturating_mul(PER_MS);
            Some(last.saturating_add(told.or(average).unwrap_or(step)))
        });
        ends.max().unwrap_or(0)
    }

    /// File Properties of the finished file.
    ///
    /// `file_size` is that of the whole file with its indexes. A file with video can be sought only if
    /// each visible video stream has an index.
    #[must_use]
    pub fn finished(
        &self,
        summary: &HeaderSummary,
        file_id: Guid,
        file_size: u64,
        video_is_indexed: bool,
    ) -> FileProperties {
        let mut flags = summary.file_properties.flags;
        flags.remove(FileFlags::BROADCAST | FileFlags::LIVE);
        flags.set(FileFlags::SEEKABLE, summary.streams.is_seekable(video_is_indexed) && self.packets > 0);
        FileProperties {
            file_id,
            file_size,
            data_packets_count: self.packets,
            play_duration: self.play_duration(),
            send_duration: self.send_duration(),
            flags,
            ..summary.file_properties
        }
    }

    /// Size of the Data Object with its packets.
    #[must_use]
    pub fn data_size(&self, summary: &HeaderSummary) -> u64 {
        self.packets.saturating_mul(u64::from(summary.packet_size())).saturating_add(50)
    }
}

/// The visible video streams of a header in the order of their Simple Index Objects.
#[must_use]
pub fn indexed_streams<'s>(header: &'s Header<'_>) -> IndexedStreams<'s> {
    let hidden = header.streams().filter(|stream| stream.hidden);
    let hidden = hidden.fold(0u128, |bits, stream| bits | bit(stream.number));
    IndexedStreams { summary: header.summary(), hidden, next: 1 }
}

/// What [`indexed_streams`] gives.
#[derive(Clone, Debug)]
pub struct IndexedStreams<'s> {
    summary: &'s HeaderSummary,
    hidden: u128,
    next: u8,
}

impl Iterator for IndexedStreams<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        while self.next <= 127 {
            let number = self.next;
            self.next = number.saturating_add(1);
            let is_video =
                self.summary.streams.get(number).is_some_and(|stream| stream.kind == StreamKind::Video);
            if is_video && self.hidden & bit(number) == 0 {
                return Some(number);
            }
        }
        None
    }
}

fn bit(stream: u8) -> u128 {
    1u128.checked_shl(u32::from(stream)).unwrap_or(0)
}

/// Entries of a Simple Index Object that are all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexRun {
    /// The entry.
    pub entry: SimpleIndexEntry,
    /// How many times it follows.
    pub count: u32,
}

/// A key frame and the packets that it spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeyFrame {
    number: u32,
    time_ms: u32,
    first: u64,
    last: u64,
}

impl KeyFrame {
    fn entry(&self) -> SimpleIndexEntry {
        let count = self.last.saturating_sub(self.first).saturating_add(1);
        SimpleIndexEntry {
            packet_number: u32::try_from(self.first).unwrap_or(u32::MAX),
            packet_count: u16::try_from(count).unwrap_or(u16::MAX),
        }
    }
}

/// Makes the Simple Index of one stream while its packets pass by (section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexBuilder {
    stream: u8,
    interval_ms: u32,
    entries: u32,
    largest_span: u16,
    /// The last key frame that began; fragments of it may follow.
    open: Option<KeyFrame>,
    /// The key frame before.
    before: Option<KeyFrame>,
    last_time_ms: u32,
}

impl IndexBuilder {
    /// Interval of entries that players expect, in milliseconds.
    pub const INTERVAL_MS: u32 = 1000;

    /// An index without entries; an interval of 0 is taken for 1.
    #[must_use]
    pub fn new(stream: u8, interval_ms: u32) -> Self {
        Self {
            stream,
            interval_ms: interval_ms.max(1),
            entries: 0,
            largest_span: 0,
            open: None,
            before: None,
            last_time_ms: 0,
        }
    }

    /// Takes the next packet and gives the entries that are certain by then.
    #[must_use]
    pub fn packet<'b, 'a>(&'b mut self, number: u64, packet: &Packet<'a>) -> IndexRuns<'b, 'a> {
        IndexRuns { builder: self, number, fragments: packet.fragments() }
    }

    /// The last entries, once all packets were taken: two runs at most, the second after the first.
    pub fn finish(&mut self) -> [Option<IndexRun>; 2] {
        let first = self.close();
        let last = self.last_time_ms.checked_div(self.interval_ms).unwrap_or(0);
        let end = last.saturating_add(1);
        let key = self.before;
        [first, key.and_then(|key| self.run_to(end, key))]
    }

    /// The interval in units of 100 ns, as it is stored.
    #[must_use]
    pub fn interval(&self) -> u64 {
        u64::from(self.interval_ms).saturating_mul(PER_MS)
    }

    /// How many entries were given.
    #[must_use]
    pub fn entry_count(&self) -> u32 {
        self.entries
    }

    /// The largest number of packets that a key frame spans.
    #[must_use]
    pub fn maximum_packet_count(&self) -> u32 {
        u32::from(self.largest_span)
    }

    fn fragment(&mut self, packet: u64, fragment: &Fragment<'_>) -> Option<IndexRun> {
        if fragment.stream_number != self.stream {
            return None;
        }
        let time = fragment.presentation_time_ms?;
        self.last_time_ms = self.last_time_ms.max(time);
        if fragment.offset > 0 {
            if let Some(open) = self.open.as_mut().filter(|open| open.number == fragment.object_number) {
                open.last = packet;
            }
            return None;
        }
        let run = self.close();
        let is_later = self.before.is_none_or(|before| before.time_ms <= time);
        if fragment.is_key_frame && is_later {
            let number = fragment.object_number;
            self.open = Some(KeyFrame { number, time_ms: time, first: packet, last: packet });
        }
        run
    }

    /// The open key frame spans no more packets: gives the entries before it.
    fn close(&mut self) -> Option<IndexRun> {
        let open = self.open.take()?;
        self.largest_span = self.largest_span.max(open.entry().packet_count);
        let before = self.before.replace(open).unwrap_or(open);
        // Entries whose time is before this key frame.
        let end = open.time_ms.div_ceil(self.interval_ms.max(1));
        self.run_to(end, before)
    }

    fn run_to(&mut self, end: u32, key: KeyFrame) -> Option<IndexRun> {
        let count = end.checked_sub(self.entries).filter(|count| *count > 0)?;
        self.entries = end;
        Some(IndexRun { entry: key.entry(), count })
    }
}

/// The entries that a packet makes certain. They must be taken to the end, or fragments are missed.
#[derive(Debug)]
pub struct IndexRuns<'b, 'a> {
    builder: &'b mut IndexBuilder,
    number: u64,
    fragments: PacketFragments<'a>,
}

impl Iterator for IndexRuns<'_, '_> {
    type Item = IndexRun;

    fn next(&mut self) -> Option<IndexRun> {
        let (builder, number) = (&mut *self.builder, self.number);
        self.fragments.find_map(|fragment| builder.fragment(number, &fragment))
    }
}

/// Moves the times of a packet back, so that a recording that joined late begins at 0 (section 8.2).
///
/// `send_back_ms` is taken from the send time, which does not fall below 0; `presentation_back_ms` from
/// each presentation time, which stays at least at the new send time.
///
/// # Errors
/// If the packet is malformed; nothing changed then.
pub fn shift_times(
    bytes: &mut [u8],
    send_back_ms: u32,
    presentation_back_ms: i64,
) -> Result<(), DecodeError> {
    let packet = Packet::decode(bytes)?;
    let send_at = packet.head().head_len.saturating_sub(6);
    let send = packet.head().send_time_ms.saturating_sub(send_back_ms);
    let mut times = [(0usize, 0u32); 63];
    for (payload, slot) in packet.payloads().zip(&mut times) {
        let payload = payload?;
        let Some((at, time)) = payload.time_field() else { continue };
        let shifted = i64::from(time).saturating_sub(presentation_back_ms).max(i64::from(send));
        *slot = (at, u32::try_from(shifted).unwrap_or(u32::MAX));
    }
    let outside = DecodeError::new(Reason::Truncated, send_at);
    let place = bytes.get_mut(send_at..send_at.saturating_add(4)).ok_or(outside)?;
    place.copy_from_slice(&send.to_le_bytes());
    for (at, time) in times.into_iter().filter(|(at, _)| *at > 0) {
        let place = bytes.get_mut(at..at.saturating_add(4)).ok_or(outside)?;
        place.copy_from_slice(&time.to_le_bytes());
    }
    Ok(())
}
