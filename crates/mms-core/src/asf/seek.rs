//! From time to packet and back (sections 6.1 and 8.2).
//!
//! The searches read nothing: they wish for a packet by its number, and whoever has the file answers.
//!
//! ```text
//! packet that an index names: kept if it proves itself                                   -+ where the way is
//! last packet sent at or before the time (halving) -> backward to where a picture begins -+ too long -> found
//! ```
//!
//! What an index names is the last key frame before a time only if none lies between, and an index cannot prove
//! that: it has one entry for an interval, and may be wrong. So the packets between are looked at, as many as
//! are allowed, and only behind that number the index is believed.

use super::filter::{Keep, PacketFilter};
use super::payload::Packet;
use super::stream::StreamKind;
use super::stream_table::StreamTable;

/// Packets that are tried in a row if one cannot be read.
const TRIES: u8 = 8;

/// Finds the last packet that is sent at or before a time; send times never decrease in good files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendTimeSearch {
    time_ms: u64,
    /// Sent at or before the time, or packet 0.
    low: u64,
    /// Sent after the time, or the end.
    high: u64,
    middle: u64,
    /// How many packets from `middle` on could not be read.
    failed: u8,
}

impl SendTimeSearch {
    /// A search among so many packets.
    #[must_use]
    pub fn new(packet_count: u64, send_time_ms: u64) -> Self {
        let mut search = Self { time_ms: send_time_ms, low: 0, high: packet_count, middle: 0, failed: 0 };
        search.halve();
        search
    }

    /// The packet whose send time is wanted, nothing if the search is over.
    #[must_use]
    pub fn wish(&self) -> Option<u64> {
        let is_open = self.high.saturating_sub(self.low) > 1;
        is_open.then(|| self.middle.saturating_add(u64::from(self.failed)))
    }

    /// The send time of the packet that was wished for, nothing if it cannot be read.
    pub fn answer(&mut self, send_time_ms: Option<u32>) {
        let Some(packet) = self.wish() else { return };
        match send_time_ms {
            Some(sent) if u64::from(sent) <= self.time_ms => self.low = packet,
            Some(_) => self.high = self.middle,
            None => {
                self.failed = self.failed.saturating_add(1);
                let next = self.middle.saturating_add(u64::from(self.failed));
                if self.failed < TRIES && next < self.high {
                    return;
                }
                self.high = self.middle;
            }
        }
        self.halve();
    }

    /// The packet, once the search is over; nothing if there are no packets.
    #[must_use]
    pub fn found(&self) -> Option<u64> {
        (self.wish().is_none() && self.high > 0).then_some(self.low)
    }

    fn halve(&mut self) {
        self.failed = 0;
        self.middle = self.low.saturating_add(self.high.saturating_sub(self.low) / 2);
    }
}

/// Which streams must begin in the packet that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeekStreams {
    /// Streams that begin with a key frame.
    key: u128,
    /// Streams that begin with any media object.
    any: u128,
}

impl SeekStreams {
    /// The video streams that the filter keeps; if there is none, the audio streams; or else the others.
    ///
    /// Sound before the picture that is found is early, which does no harm.
    #[must_use]
    pub fn of(streams: &StreamTable, filter: &PacketFilter) -> Self {
        let kept = streams.iter().filter(|stream| filter.level(stream.number) != Keep::Nothing);
        let (mut video, mut audio, mut others) = (0, 0, 0);
        for stream in kept {
            let bit = bit(stream.number);
            match stream.kind {
                StreamKind::Video => video |= bit,
                StreamKind::Audio => audio |= bit,
                _ => others |= bit,
            }
        }
        let any = if audio == 0 { others } else { audio };
        if video == 0 { Self { key: 0, any } } else { Self { key: video, any: 0 } }
    }

    /// Lets a video stream begin with any picture, because it has no key frames (section 4.1).
    pub fn ignore_key_frames(&mut self, stream: u8) {
        let bit = bit(stream) & self.key;
        self.key &= !bit;
        self.any |= bit;
    }

    fn contains(self, stream: u8) -> bool {
        (self.key | self.any) & bit(stream) != 0
    }

    fn remove(&mut self, stream: u8) {
        self.key &= !bit(stream);
        self.any &= !bit(stream);
    }

    fn is_empty(self) -> bool {
        self.key | self.any == 0
    }
}

/// Where to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Found {
    /// The packet to start with.
    pub packet: u64,
    /// Presentation time of what begins there, the earliest if several streams do; nothing if nothing
    /// that was wanted begins at or before the time.
    pub presentation_time_ms: Option<u32>,
    /// True if an index named the packet, and no packet that was looked at is a better one.
    pub by_index: bool,
}

/// Finds the packet to start with for a presentation time: for each stream the last one at or before it
/// that begins there, then the first of these packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seek {
    time_ms: u64,
    needed: SeekStreams,
    hint: Option<Hint>,
    /// The hint, once its packet proved it.
    proved: Option<(u8, Found)>,
    search: SendTimeSearch,
    /// The packet to look at while going backward.
    at: Option<u64>,
    steps_left: u64,
    best: Option<Found>,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hint {
    packet: u64,
    stream: u8,
}

impl Seek {
    /// Packets that are looked at backward unless told otherwise.
    pub const DEFAULT_STEPS: u64 = 1 << 16;

    /// A search among so many packets; the time is one with preroll.
    #[must_use]
    pub fn new(packet_count: u64, presentation_time_ms: u64, streams: SeekStreams) -> Self {
        Self {
            time_ms: presentation_time_ms,
            needed: streams,
            hint: None,
            proved: None,
            // Whatever is presented by then was sent by then.
            search: SendTimeSearch::new(packet_count, presentation_time_ms),
            at: None,
            steps_left: Self::DEFAULT_STEPS,
            best: None,
            is_over: false,
        }
        .settled()
    }

    /// Looks first at a packet that an index names for a stream. It is where the search ends if the stream
    /// begins there at or before the time, and nothing later is found among the packets that may be looked at.
    #[must_use]
    pub fn with_hint(mut self, stream: u8, packet: u64) -> Self {
        if packet < self.search.high && self.needed.contains(stream) && !self.is_over {
            self.hint = Some(Hint { packet, stream });
        }
        self
    }

    /// Looks at no more than so many packets backward.
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        self.steps_left = steps;
        self
    }

    /// The packet that is to be looked at, nothing if the search is over.
    #[must_use]
    pub fn wish(&self) -> Option<u64> {
        if self.is_over {
            return None;
        }
        let hint = self.hint.map(|hint| hint.packet);
        hint.or(self.search.wish()).or(self.at)
    }

    /// The packet that was wished for, nothing if it cannot be read.
    pub fn answer(&mut self, packet: Option<&Packet<'_>>) {
        let Some(number) = self.wish() else { return };
        if let Some(hint) = self.hint.take() {
            self.prove(hint, packet);
        } else if self.search.wish().is_some() {
            self.search.answer(packet.map(|packet| packet.head().send_time_ms));
        } else {
            self.step_back(number, packet);
        }
        *self = self.settled();
    }

    /// Where to start, once the search is over; nothing if there are no packets.
    #[must_use]
    pub fn found(&self) -> Option<Found> {
        if self.is_over { self.best } else { None }
    }

    /// Goes over to the next part of the search where one is finished.
    fn settled(mut self) -> Self {
        if self.needed.is_empty() && self.best.is_some() {
            self.is_over = true;
        }
        if self.is_over || self.hint.is_some() || self.at.is_some() || self.search.wish().is_some() {
            return self;
        }
        self.at = self.search.found();
        if self.at.is_none() || self.needed.is_empty() {
            let nothing = |packet| Found { packet, presentation_time_ms: None, by_index: false };
            self.best = self.best.or(self.at.map(nothing));
            self.is_over = true;
        }
        self
    }

    fn prove(&mut self, hint: Hint, packet: Option<&Packet<'_>>) {
        let bit = bit(hint.stream);
        let mut wanted = SeekStreams { key: self.needed.key & bit, any: self.needed.any & bit };
        let start = packet.and_then(|packet| last_starts(packet, &mut wanted, self.time_ms));
        if let Some(time) = start {
            let found = Found { packet: hint.packet, presentation_time_ms: Some(time), by_index: true };
            self.proved = Some((hint.stream, found));
        }
    }

    fn step_back(&mut self, number: u64, packet: Option<&Packet<'_>>) {
        if let Some(time) = packet.and_then(|packet| last_starts(packet, &mut self.needed, self.time_ms)) {
            let before = self.best.map_or(number, |best| best.packet.min(number));
            let earliest = self.best.and_then(|best| best.presentation_time_ms).map_or(time, |t| t.min(time));
            self.best = Some(Found { packet: before, presentation_time_ms: Some(earliest), by_index: false });
        }
        self.steps_left = self.steps_left.saturating_sub(1);
        self.at = number.checked_sub(1).filter(|_| self.steps_left > 0);
        if self.at.is_none() {
            let nothing = Found { packet: number, presentation_time_ms: None, by_index: false };
            let by_index = self.proved.filter(|(stream, _)| self.needed.contains(*stream));
            let best = match (self.best, by_index) {
                (Some(best), Some((_, named))) if named.packet < best.packet => Some(named),
                (best, named) => best.or(named.map(|(_, named)| named)),
            };
            self.best = Some(best.unwrap_or(nothing));
            self.is_over = true;
        }
    }
}

/// Removes the streams that begin in the packet at or before the time, and gives the earliest of the
/// times at which they do, of each stream the last.
fn last_starts(packet: &Packet<'_>, streams: &mut SeekStreams, time_ms: u64) -> Option<u32> {
    let mut earliest: Option<u32> = None;
    let mut present = packet.payloads().flatten().fold(0, |bits, payload| bits | bit(payload.stream_number));
    present &= streams.any | streams.key;
    while present != 0 {
        let stream = u8::try_from(present.trailing_zeros()).unwrap_or(0);
        present &= !bit(stream);
        if let Some(time) = last_start(packet, stream, streams.key & bit(stream) != 0, time_ms) {
            streams.remove(stream);
            earliest = Some(earliest.map_or(time, |earliest| earliest.min(time)));
        }
    }
    earliest
}

fn last_start(packet: &Packet<'_>, stream: u8, needs_key: bool, time_ms: u64) -> Option<u32> {
    let payloads = packet.payloads().flatten().filter(|payload| payload.stream_number == stream);
    let starts = payloads.filter(|payload| payload.starts_object() && (payload.is_key_frame || !needs_key));
    let times = starts.flat_map(|payload| payload.fragments()).filter_map(|piece| piece.presentation_time_ms);
    times.filter(|time| u64::from(*time) <= time_ms).last()
}

/// The first presentation time of a media object that begins in the packet.
#[must_use]
pub fn first_presentation_time(packet: &Packet<'_>) -> Option<u32> {
    let starts = packet.payloads().flatten().filter(|payload| payload.starts_object());
    starts.filter_map(|payload| payload.presentation_time_ms()).min()
}

/// Where a packet stands in its file; nothing beyond 64 bits.
#[must_use]
pub fn packet_offset(header_len: u64, packet_size: u32, packet: u64) -> Option<u64> {
    packet.checked_mul(u64::from(packet_size))?.checked_add(header_len)
}

/// The packet that begins at this place of its file; nothing if none does.
#[must_use]
pub fn packet_at(header_len: u64, packet_size: u32, offset: u64) -> Option<u64> {
    let (behind, size) = (offset.checked_sub(header_len)?, u64::from(packet_size));
    let packet = behind.checked_div(size)?;
    (behind.checked_rem(size)? == 0).then_some(packet)
}

fn bit(stream: u8) -> u128 {
    if stream > 127 { 0 } else { 1u128.checked_shl(u32::from(stream)).unwrap_or(0) }
}
