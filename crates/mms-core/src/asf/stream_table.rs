//! Which streams a header has, in fixed state.

use super::stream::StreamKind;

const STREAMS: usize = 127;

/// The streams of a header: numbers 1 to 127, with kind and bit rate of each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StreamTable {
    /// One nibble per stream: 0 absent, else the kind's code.
    kinds: [u8; 64],
    /// Bits per second, 0 unknown.
    bit_rates: [u32; STREAMS],
}

const _: () = assert!(size_of::<StreamTable>() <= 600);

impl StreamTable {
    /// A table without streams.
    #[must_use]
    pub const fn new() -> Self {
        Self { kinds: [0; 64], bit_rates: [0; STREAMS] }
    }

    /// The stream of a number, if the header names it.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<StreamInfo> {
        let kind = StreamKind::from_code(self.code(number))?;
        let bit_rate = self.bit_rates.get(index(number)?).copied().filter(|&rate| rate != 0);
        Some(StreamInfo { number, kind, bit_rate })
    }

    /// True if the header names the stream.
    #[must_use]
    pub fn contains(&self, number: u8) -> bool {
        self.code(number) != 0
    }

    /// The streams in the order of their numbers.
    #[must_use]
    pub fn iter(&self) -> StreamIter<'_> {
        StreamIter { table: self, next: 1 }
    }

    /// How many streams there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// True if a stream is audio.
    #[must_use]
    pub fn has_audio(&self) -> bool {
        self.has(StreamKind::Audio)
    }

    /// True if a stream is video.
    #[must_use]
    pub fn has_video(&self) -> bool {
        self.has(StreamKind::Video)
    }

    /// True if a file of these streams can be sought by time (section 3.2, Seekable Flag): one with video needs an
    /// index of it.
    #[must_use]
    pub fn is_seekable(&self, video_is_indexed: bool) -> bool {
        if self.has_video() { video_is_indexed } else { self.has_audio() }
    }

    /// True if a stream is of this kind.
    #[must_use]
    pub fn has(&self, kind: StreamKind) -> bool {
        self.iter().any(|stream| stream.kind == kind)
    }

    /// Bit n for each stream n.
    #[must_use]
    pub fn bits(&self) -> u128 {
        self.iter().fold(0, |bits, stream| bits | 1_u128.checked_shl(stream.number.into()).unwrap_or(0))
    }

    /// The sum of the known bit rates.
    #[must_use]
    pub fn bit_rate(&self) -> u32 {
        self.iter().filter_map(|stream| stream.bit_rate).fold(0, u32::saturating_add)
    }

    /// Adds a stream; of two with one number the first stays. Numbers outside 1 to 127 are ignored.
    pub(super) fn insert(&mut self, number: u8, kind: StreamKind) {
        if index(number).is_none() || self.contains(number) {
            return;
        }
        if let Some(pair) = self.kinds.get_mut(usize::from(number >> 1)) {
            let shift = (number & 1).wrapping_mul(4);
            *pair |= kind.code() << shift;
        }
    }

    /// The rate with packet overhead, which wins (section 3.12).
    pub(super) fn set_bit_rate(&mut self, number: u8, rate: u32) {
        if let Some(slot) = index(number).and_then(|at| self.bit_rates.get_mut(at)) {
            *slot = rate;
        }
    }

    /// The rate without packet overhead, if no other is known (section 4.1).
    pub(super) fn default_bit_rate(&mut self, number: u8, rate: u32) {
        let slot = index(number).and_then(|at| self.bit_rates.get_mut(at));
        if let Some(slot) = slot.filter(|slot| **slot == 0) {
            *slot = rate;
        }
    }

    fn code(&self, number: u8) -> u8 {
        let shift = (number & 1).wrapping_mul(4);
        self.kinds.get(usize::from(number >> 1)).map_or(0, |pair| (pair >> shift) & 0x0f)
    }
}

fn index(number: u8) -> Option<usize> {
    usize::from(number).checked_sub(1).filter(|&at| at < STREAMS)
}

impl Default for StreamTable {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for StreamTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a StreamTable {
    type Item = StreamInfo;
    type IntoIter = StreamIter<'a>;

    fn into_iter(self) -> StreamIter<'a> {
        self.iter()
    }
}

/// One stream of a [`StreamTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamInfo {
    /// Stream number, 1 to 127.
    pub number: u8,
    /// What the stream carries.
    pub kind: StreamKind,
    /// Bits per second, of Stream Bitrate Properties or else of Extended Stream Properties.
    pub bit_rate: Option<u32>,
}

/// The streams of a [`StreamTable`] in the order of their numbers.
#[derive(Clone, Debug)]
pub struct StreamIter<'a> {
    table: &'a StreamTable,
    next: u8,
}

impl Iterator for StreamIter<'_> {
    type Item = StreamInfo;

    fn next(&mut self) -> Option<StreamInfo> {
        while self.next <= 127 {
            let number = self.next;
            self.next = number.saturating_add(1);
            if let Some(stream) = self.table.get(number) {
                return Some(stream);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn every_number_from_1_to_127_keeps_its_kind() {
        let kinds = [StreamKind::Audio, StreamKind::Video, StreamKind::Unknown, StreamKind::Binary];
        let mut table = StreamTable::new();
        for number in 0..=255 {
            table.insert(number, kinds[usize::from(number) % 4]);
        }
        let found: Vec<_> = table.iter().map(|s| (s.number, s.kind)).collect();
        let wanted: Vec<_> = (1..=127).map(|n: u8| (n, kinds[usize::from(n) % 4])).collect();
        assert_eq!(found, wanted);
        assert!(!table.contains(0) && !table.contains(128) && !table.contains(255));
    }

    #[test]
    fn of_two_streams_with_one_number_the_first_stays() {
        let mut table = StreamTable::new();
        table.insert(7, StreamKind::Audio);
        table.insert(7, StreamKind::Video);
        assert!(table.has_audio() && !table.has_video() && table.len() == 1);
    }

    #[test]
    fn the_rate_with_overhead_wins_in_either_order() {
        let mut table = StreamTable::new();
        for number in [1, 2] {
            table.insert(number, StreamKind::Audio);
        }
        table.set_bit_rate(1, 100);
        table.default_bit_rate(1, 90);
        table.default_bit_rate(2, 90);
        table.set_bit_rate(2, 100);
        assert_eq!(table.bit_rate(), 200);
    }
}
