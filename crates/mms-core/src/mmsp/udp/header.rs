//! The ASF header over UDP: fragments in any order, asked for again until all are there (sections 3.1.2,
//! 3.1.5.9, 3.1.5.12 and 3.1.6.1).

use core::ops::Range;
use core::time::Duration;

use super::rows::{self, Fields, Put};
use crate::error::{Error, LimitName};
use crate::mmsp::wire::Data;
use crate::time::Instant;

/// Retries in a row that bring no new fragment before the header is given up: the document's limit, which
/// counts all retries, since by its text nothing is kept between them.
pub const HEADER_RETRIES: u32 = 4;
/// Retries in all.
const MOST_RETRIES: u32 = 20;
/// Taken for the rate of the header where the server names none.
const DEFAULT_BIT_RATE: u32 = 64_000;

/// The Header timer: 1 s and the time that the header takes at the rate of the file, 1 s to 30 s (section
/// 3.1.5.9.1, with bytes taken for 8 bits each, OPEN-16).
#[must_use]
pub fn header_timeout(header_len: u32, bit_rate: u32) -> Duration {
    let rate = if bit_rate == 0 { DEFAULT_BIT_RATE } else { bit_rate };
    let micros = u64::from(header_len).saturating_mul(8_000_000).checked_div(u64::from(rate)).unwrap_or(0);
    Duration::from_secs(1).saturating_add(Duration::from_micros(micros)).min(Duration::from_secs(30))
}

/// What to do when the Header timer has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderTimeout {
    /// Send CancelReadBlock with this incarnation, then ReadBlock with the next one, and call
    /// [`HeaderCollector::retry`]. Packet pairs are expected anew.
    Retry {
        /// The incarnation of the ReadBlock to be cancelled.
        cancel: u8,
    },
    /// Give up.
    GiveUp,
}

/// What a fragment was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fragment {
    /// A new one, and more are missing.
    New,
    /// The last one that was missing: [`HeaderCollector::poll_part`] hands the header out.
    Complete,
    /// One that was there, or came after the header was complete.
    Duplicate,
    /// No fragment of this header.
    Foreign,
}

/// A piece of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderPart {
    /// Where it belongs.
    pub offset: u64,
    /// Whether it is the last one.
    pub last: bool,
}

/// Where a fragment lies: its first byte and, so that zeros mean none, its length and one.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    start: u32,
    len_and_one: u32,
}

const ENTRY_LEN: usize = 8;

/// Collects header fragments in the caller's storage: bytes grow from its front, an index from its end.
#[derive(Clone, Debug)]
pub struct HeaderCollector<B> {
    storage: B,
    /// Bytes of fragments.
    used: usize,
    /// Entries of the index, with gaps.
    entries: usize,
    present: usize,
    last: Option<u32>,
    /// Fragments that contradict those collected came: the header was cut differently.
    conflict: bool,
    expected_len: u32,
    bit_rate: u32,
    incarnation: u8,
    /// Bit n: a ReadBlock for this header had incarnation n.
    incarnations: u32,
    any_incarnation: bool,
    deadline: Instant,
    retries: u32,
    in_vain: u32,
    progress: bool,
    next_part: u32,
    next_offset: u64,
    lent: Option<(u32, u32)>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> HeaderCollector<B> {
    /// A collector that waits for nothing. `any_incarnation` takes fragments of other incarnations too, as
    /// some servers stamp them.
    #[must_use]
    pub fn new(storage: B, any_incarnation: bool) -> Self {
        Self {
            storage,
            used: 0,
            entries: 0,
            present: 0,
            last: None,
            conflict: false,
            expected_len: 0,
            bit_rate: 0,
            incarnation: 0,
            incarnations: 0,
            any_incarnation,
            deadline: Instant::MAX,
            retries: 0,
            in_vain: 0,
            progress: false,
            next_part: 0,
            next_offset: 0,
            lent: None,
        }
    }

    /// Bytes of storage for a header of this length in fragments of at least 64 bytes.
    #[must_use]
    pub const fn storage_for(header_len: usize) -> usize {
        header_len.saturating_add((header_len >> 6).saturating_add(16).saturating_mul(ENTRY_LEN))
    }

    /// Gives the storage back.
    #[must_use]
    pub fn into_storage(self) -> B {
        self.storage
    }

    /// ReadBlock leaves for the header of a new entry, which has `expected_len` bytes (`file_header_size`).
    ///
    /// # Errors
    /// `Limit` if the storage is smaller than the header.
    pub fn start(
        &mut self,
        now: Instant,
        incarnation: u8,
        expected_len: u32,
        bit_rate: u32,
    ) -> Result<(), Error> {
        self.drop_fragments();
        self.expected_len = expected_len;
        self.bit_rate = bit_rate;
        self.incarnations = 0;
        self.retries = 0;
        self.in_vain = 0;
        let found = usize::try_from(expected_len).unwrap_or(usize::MAX);
        if found > self.storage.as_ref().len() {
            return Err(self.too_small(found));
        }
        self.wait(now, incarnation);
        Ok(())
    }

    /// ReadBlock leaves again, with the next incarnation. The fragments that came are kept.
    pub fn retry(&mut self, now: Instant, incarnation: u8) {
        if self.conflict {
            self.drop_fragments();
        }
        self.wait(now, incarnation);
    }

    fn wait(&mut self, now: Instant, incarnation: u8) {
        self.incarnation = incarnation;
        self.incarnations |= 1_u32.checked_shl(u32::from(incarnation)).unwrap_or(0);
        self.progress = false;
        self.deadline = now.after(header_timeout(self.expected_len, self.bit_rate));
    }

    fn drop_fragments(&mut self) {
        self.used = 0;
        self.entries = 0;
        self.present = 0;
        self.last = None;
        self.conflict = false;
        self.next_part = 0;
        self.next_offset = 0;
        self.lent = None;
    }

    /// When the Header timer runs out; `Instant::MAX` if it does not run.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.deadline
    }

    /// Whether the Header timer has run out, and what is to be done then.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<HeaderTimeout> {
        if self.deadline == Instant::MAX || now < self.deadline {
            return None;
        }
        self.deadline = Instant::MAX;
        self.retries = self.retries.saturating_add(1);
        self.in_vain = if self.progress { 0 } else { self.in_vain.saturating_add(1) };
        if self.in_vain > HEADER_RETRIES || self.retries > MOST_RETRIES {
            return Some(HeaderTimeout::GiveUp);
        }
        Some(HeaderTimeout::Retry { cancel: self.incarnation })
    }

    /// Stops the Header timer; what was collected stays.
    pub fn stop(&mut self) {
        self.deadline = Instant::MAX;
    }

    /// Whether all fragments are there: no gap, and the one marked as last.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let all = self.last.and_then(|last| usize::try_from(last).ok()?.checked_add(1));
        all.is_some_and(|all| all == self.present && all == self.entries)
    }

    /// How many fragments are there.
    #[must_use]
    pub fn fragments(&self) -> usize {
        self.present
    }

    /// A Data packet came that may be a header fragment. What does not fit is foreign: whoever sends such
    /// fragments can cost a retry, which begins anew then, and not the session.
    pub fn fragment(&mut self, data: &Data<'_>) -> Fragment {
        // 0x00 and 0x04 mean more follows, 0x08 and 0x0C last (OPEN-7)
        let last = match data.af_flags {
            0x00 | 0x04 => false,
            0x08 | 0x0C => true,
            _ => return Fragment::Foreign,
        };
        let asked = 1_u32.checked_shl(u32::from(data.play_incarnation)).unwrap_or(0) & self.incarnations;
        // each fragment has at least one byte
        if (asked == 0 && !self.any_incarnation)
            || self.incarnations == 0
            || data.payload.is_empty()
            || data.location_id >= self.expected_len.max(1)
        {
            return Fragment::Foreign;
        }
        if self.is_complete() {
            return Fragment::Duplicate;
        }
        let entry = self.entry(data.location_id);
        let len_and_one = u32::try_from(data.payload.len()).unwrap_or(u32::MAX).saturating_add(1);
        if entry.len_and_one != 0 {
            self.conflict |= entry.len_and_one != len_and_one;
            return Fragment::Duplicate;
        }
        let beyond = self.last.is_some_and(|known| last || data.location_id > known);
        let early = last && usize::try_from(data.location_id).is_ok_and(|index| index < self.entries);
        if beyond || early || !self.keep(data, len_and_one) {
            self.conflict = true;
            return Fragment::Foreign;
        }
        if last {
            self.last = Some(data.location_id);
        }
        self.progress = true;
        if !self.is_complete() {
            return Fragment::New;
        }
        self.stop();
        Fragment::Complete
    }

    /// Keeps a fragment, if the header may be so long and the storage has room.
    fn keep(&mut self, data: &Data<'_>, len_and_one: u32) -> bool {
        let index = usize::try_from(data.location_id).unwrap_or(usize::MAX);
        let entries = self.entries.max(index.saturating_add(1));
        let used = self.used.saturating_add(data.payload.len());
        let needed = used.saturating_add(entries.saturating_mul(ENTRY_LEN));
        let most = usize::try_from(self.expected_len).unwrap_or(usize::MAX);
        if used > most || needed > self.storage.as_ref().len() {
            return false;
        }
        for new in self.entries..entries {
            self.set_entry(new, Entry::default());
        }
        self.entries = entries;
        let start = u32::try_from(self.used).unwrap_or(u32::MAX);
        self.set_entry(index, Entry { start, len_and_one });
        if let Some(place) = self.storage.as_mut().get_mut(self.used..used) {
            place.copy_from_slice(data.payload);
        }
        self.used = used;
        self.present = self.present.saturating_add(1);
        true
    }

    fn too_small(&self, found: usize) -> Error {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Error::limit(LimitName::StorageBytes, number(found), number(self.storage.as_ref().len()))
    }

    /// Takes the next piece of a complete header, in order; [`part`](Self::part) lends its bytes until the
    /// next call.
    pub fn poll_part(&mut self) -> Option<HeaderPart> {
        self.lent = None;
        let last = self.last.filter(|last| self.is_complete() && self.next_part <= *last)?;
        let Entry { start, len_and_one } = self.entry(self.next_part);
        let len = len_and_one.saturating_sub(1);
        let part = HeaderPart { offset: self.next_offset, last: self.next_part == last };
        self.lent = Some((start, len));
        self.next_part = self.next_part.saturating_add(1);
        self.next_offset = self.next_offset.saturating_add(u64::from(len));
        Some(part)
    }

    /// The bytes of the piece that [`poll_part`](Self::poll_part) announced.
    #[must_use]
    pub fn part(&self) -> Option<&[u8]> {
        let (start, len) = self.lent?;
        self.storage.as_ref().get(range(start, len)?)
    }

    /// Where the entry of an index lies: counted from the end of the storage.
    fn place(&self, index: usize) -> Option<Range<usize>> {
        let back = index.checked_add(1)?.checked_mul(ENTRY_LEN)?;
        let start = self.storage.as_ref().len().checked_sub(back)?;
        Some(start..start.checked_add(ENTRY_LEN)?)
    }

    fn entry(&self, location_id: u32) -> Entry {
        let index = usize::try_from(location_id).unwrap_or(usize::MAX);
        if index >= self.entries {
            return Entry::default();
        }
        let bytes = self.place(index).and_then(|place| self.storage.as_ref().get(place));
        let bytes: [u8; ENTRY_LEN] = rows::get(bytes.unwrap_or_default(), 0);
        let mut fields = Fields(&bytes);
        Entry { start: u32::from_le_bytes(fields.take()), len_and_one: u32::from_le_bytes(fields.take()) }
    }

    fn set_entry(&mut self, index: usize, entry: Entry) {
        let record = Put::<ENTRY_LEN>::new()
            .field(entry.start.to_le_bytes())
            .field(entry.len_and_one.to_le_bytes())
            .done();
        if let Some(place) = self.place(index)
            && let Some(bytes) = self.storage.as_mut().get_mut(place)
        {
            rows::set(bytes, 0, record);
        }
    }
}

fn range(start: u32, len: u32) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(len).ok()?)?)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    fn fragment(location_id: u32, play_incarnation: u8, af_flags: u8, payload: &[u8]) -> Data<'_> {
        Data { location_id, play_incarnation, af_flags, payload }
    }

    fn collector() -> HeaderCollector<Vec<u8>> {
        let mut collector = HeaderCollector::new(vec![0; 200], false);
        collector.start(Instant::ZERO, 1, 9, 1000).unwrap();
        collector
    }

    fn whole(collector: &mut HeaderCollector<Vec<u8>>) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(part) = collector.poll_part() {
            assert_eq!(part.offset, bytes.len() as u64);
            bytes.extend_from_slice(collector.part().unwrap());
            assert_eq!(part.last, bytes.len() == 9);
        }
        bytes
    }

    #[test]
    fn fragments_in_any_order_come_out_in_order() {
        let mut collector = collector();
        assert_eq!(collector.fragment(&fragment(2, 1, 0x0C, b"c")), Fragment::New);
        assert_eq!(collector.fragment(&fragment(1, 1, 0x00, b"bbbb")), Fragment::New);
        assert_eq!(collector.poll_part(), None);
        assert_eq!(collector.fragment(&fragment(1, 1, 0x04, b"bbbb")), Fragment::Duplicate);
        assert_eq!(collector.fragment(&fragment(0, 1, 0x04, b"aaaa")), Fragment::Complete);
        assert_eq!(whole(&mut collector), b"aaaabbbbc");
        assert_eq!(collector.poll_timeout(), Instant::MAX);
        assert_eq!(collector.fragment(&fragment(3, 1, 0x0C, b"d")), Fragment::Duplicate);
    }

    #[test]
    fn fragments_are_kept_over_a_retry() {
        let mut collector = collector();
        collector.fragment(&fragment(0, 1, 0x04, b"aaaa"));
        let at = collector.poll_timeout();
        assert_eq!(at, Instant::from_millis(1072), "1 s and 72 bits at 1000 bit/s");
        assert_eq!(collector.handle_timeout(Instant::from_millis(1071)), None);
        assert_eq!(collector.handle_timeout(at), Some(HeaderTimeout::Retry { cancel: 1 }));
        collector.retry(at, 2);
        assert_eq!(collector.fragment(&fragment(1, 1, 0x0C, b"late!")), Fragment::Complete);
        assert_eq!(whole(&mut collector), b"aaaalate!");
    }

    #[test]
    fn five_reads_in_vain_give_up_and_one_fragment_begins_the_count_anew() {
        for progress in [false, true] {
            let mut collector = collector();
            let mut reads = 1;
            while let Some(HeaderTimeout::Retry { .. }) =
                collector.handle_timeout(Instant::MAX.before(Duration::from_secs(1)))
            {
                reads += 1;
                collector.retry(Instant::ZERO, reads);
                if progress && reads == 5 {
                    collector.fragment(&fragment(0, 5, 0x04, b"aaaa"));
                }
            }
            assert_eq!(
                reads,
                if progress { 10 } else { 5 },
                "the fifth brought something, five more did not"
            );
        }
    }

    #[test]
    fn a_header_that_was_cut_otherwise_begins_anew_at_the_retry() {
        let mut collector = collector();
        collector.fragment(&fragment(0, 1, 0x04, b"aaaa"));
        assert_eq!(collector.fragment(&fragment(0, 1, 0x04, b"AAA")), Fragment::Duplicate);
        let at = collector.poll_timeout();
        collector.handle_timeout(at).unwrap();
        collector.retry(at, 2);
        assert_eq!(collector.fragments(), 0);
        collector.fragment(&fragment(1, 2, 0x0C, b"BBBBBB"));
        assert_eq!(collector.fragment(&fragment(0, 2, 0x04, b"AAA")), Fragment::Complete);
        assert_eq!(whole(&mut collector), b"AAABBBBBB");
    }

    #[test]
    fn what_no_fragment_of_this_header_can_be_is_dropped() {
        let mut collector = collector();
        for (location, incarnation, flags, payload) in [
            (0, 2, 0x04, b"aaaa".as_slice()),
            (0, 0xFF, 0x10, b"aaaa"),
            (0, 1, 0x05, b"aaaa"),
            (0, 1, 0x04, b""),
            (9, 1, 0x04, b"a"),
            (u32::MAX, 1, 0x04, b"a"),
            (0, 1, 0x04, b"aaaaaaaaaa"),
        ] {
            let dropped = collector.fragment(&fragment(location, incarnation, flags, payload));
            assert_eq!(dropped, Fragment::Foreign, "{location} {incarnation} {flags}");
        }
        assert_eq!(collector.fragments(), 0);
        collector.fragment(&fragment(1, 1, 0x08, b"b"));
        assert_eq!(collector.fragment(&fragment(2, 1, 0x04, b"c")), Fragment::Foreign, "behind the last");
    }

    #[test]
    fn storage_that_is_too_small_is_a_limit() {
        let mut collector = HeaderCollector::new([0; 64], true);
        let limit = |result: Result<(), Error>| {
            matches!(result, Err(Error::Limit { limit: LimitName::StorageBytes, .. }))
        };
        assert!(limit(collector.start(Instant::ZERO, 1, 65, 0)));
        collector.start(Instant::ZERO, 1, 64, 0).unwrap();
        assert_eq!(collector.fragment(&fragment(0, 1, 0x0C, &[7; 60])), Fragment::Foreign);
        let len = HeaderCollector::<Vec<u8>>::storage_for(100_000);
        let mut large = HeaderCollector::new(vec![0; len], true);
        large.start(Instant::ZERO, 1, 100_000, 0).unwrap();
        for location in (0..1563).rev() {
            let last = location == 1562;
            let payload = [7; 64];
            let payload = if last { &payload[..32] } else { &payload[..] };
            let flags = if last { 0x0C } else { 4 };
            large.fragment(&fragment(location, 1, flags, payload));
        }
        assert!(large.is_complete());
    }

    #[test]
    fn the_timer_is_one_second_and_the_time_of_the_header_at_most_30_s() {
        assert_eq!(header_timeout(0, 0), Duration::from_secs(1));
        assert_eq!(header_timeout(8_000, 64_000), Duration::from_secs(2));
        assert_eq!(header_timeout(8_000, 0), Duration::from_secs(2), "a rate that is not known");
        assert_eq!(header_timeout(u32::MAX, 1), Duration::from_secs(30));
    }
}
