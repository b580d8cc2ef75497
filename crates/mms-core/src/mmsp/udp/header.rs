//! The ASF header over UDP: fragments in any order, asked for again until all are there (sections 3.1.2, 3.1.5.9,
//! 3.1.5.12 and 3.1.6.1).

use core::ops::Range;
use core::time::Duration;

use super::rows::{self, Fields, Put};
use crate::error::{Error, LimitName};
use crate::mmsp::wire::Data;
use crate::time::Instant;

/// Retries in a row that bring no new fragment before the header is given up: the document's limit, which counts all
/// retries, since by its text nothing is kept between them.
pub const HEADER_RETRIES: u32 = 4;
/// Retries in all.
const MOST_RETRIES: u32 = 20;
/// Taken for the rate of the header where the server names none.
const DEFAULT_BIT_RATE: u32 = 64_000;

/// The Header timer: 1 s and the time that the header takes at the rate of the file, 1 s to 30 s (section 3.1.5.9.1,
/// with bytes taken for 8 bits each, OPEN-16).
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
    /// A collector that waits for nothing. `any_incarnation` takes fragments of other incarnations too, as some servers
    /// stamp them.
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

    /// A Data packet came that may be a header fragment.
    ///
    /// # Errors
    /// `Limit` if the storage is full.
    pub fn fragment(&mut self, data: &Data<'_>) -> Result<Fragment, Error> {
        // 0x00 and 0x04 mean more follows, 0x08 and 0x0C last (OPEN-7)
        let last = match data.af_flags {
            0x00 | 0x04 => false,
            0x08 | 0x0C => true,
            _ => return Ok(Fragment::Foreign),
        };
        let asked = 1_u32.checked_shl(u32::from(data.play_incarnation)).unwrap_or(0) & self.incarnations;
        // each fragment has at least one byte
        if (asked == 0 && !self.any_incarnation)
            || self.incarnations == 0
            || data.payload.is_empty()
            || data.location_id >= self.expected_len.max(1)
        {
            return Ok(Fragment::Foreign);
        }
        if self.is_complete() {
            return Ok(Fragment::Duplicate);
        }
        let entry = self.entry(data.location_id);
        let len_and_one = u32::try_from(data.payload.len()).unwrap_or(u32::MAX).saturating_add(1);
        if entry.len_and_one != 0 {
            self.conflict |= entry.len_and_one != len_and_one;
            return Ok(Fragment::Duplicate);
        }
        let beyond = self.last.is_some_and(|known| last || data.location_id > known);
        let early = last && usize::try_from(data.location_id).is_ok_and(|index| index < self.entries);
        let used = self.used.saturating_add(data.payload.len());
        if beyond || early || used > usize::try_from(self.expected_len).unwrap_or(usize::MAX) {
            self.conflict = true;
            return Ok(Fragment::Foreign);
        }
        self.keep(data, len_and_one)?;
        if last {
            self.last = Some(data.location_id);
        }
        self.progress = true;
        if !self.is_complete() {
            return Ok(Fragment::New);
        }
        self.stop();
        Ok(Fragment::Complete)
    }

    fn keep(&mut self, data: &Data<'_>, len_and_one: u32) -> Result<(), Error> {
        let index = usize::try_from(data.location_id).unwrap_or(usize::MAX);
        let entries = self.entries.max(index.saturating_add(1));
        let used = self.used.saturating_add(data.payload.len());
        let needed = used.saturating_add(entries.saturating_mul(ENTRY_LEN));
        if needed > self.storage.as_ref().len() {
            return Err(self.too_small(needed));
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
        Ok(())
    }

    fn too_small(&self, found: usize) -> Error {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Error::limit(LimitName::StorageBytes, number(found), number(self.storage.as_ref().len()))
    }

    /// Takes the next piece of a complete header, in order; [`part`](Self::part) lends its bytes until the next call.
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
