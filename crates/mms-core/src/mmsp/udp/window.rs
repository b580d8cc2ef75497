//! The reorder window: one row for each number in it, and the slots that datagrams land in.

use crate::error::{Error, LimitName};
use crate::time::Instant;

use super::rows::{self, Fields, Put};

/// What is known of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    #[default]
    Empty,
    /// A later packet came, or the end of the stream.
    Missing,
    /// The packet lies in a slot.
    Held,
}

/// One number of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) state: State,
    /// Waited for long enough: its first copy is lost.
    pub(super) declared: bool,
    /// Perhaps there is no such packet: before the first or behind the last one that came.
    pub(super) suspected: bool,
    /// How often it was asked for.
    pub(super) requests: u8,
    pub(super) slot: u16,
    /// Bytes of the datagram in the slot.
    pub(super) len: u16,
    /// How often the window had advanced when it was noticed.
    pub(super) advance: u32,
    pub(super) location_id: u32,
    pub(super) since: Instant,
    pub(super) asked: Instant,
}

const DECLARED: u8 = 1;
const SUSPECTED: u8 = 2;

impl Row {
    const LEN: usize = 32;

    fn encode(&self) -> [u8; Self::LEN] {
        let state = match self.state {
            State::Empty => 0,
            State::Missing => 1,
            State::Held => 2,
        };
        let declared = if self.declared { DECLARED } else { 0 };
        let suspected = if self.suspected { SUSPECTED } else { 0 };
        Put::<{ Self::LEN }>::new()
            .field([state, declared | suspected, self.requests, 0])
            .field(self.slot.to_le_bytes())
            .field(self.len.to_le_bytes())
            .field(self.advance.to_le_bytes())
            .field(self.location_id.to_le_bytes())
            .field(self.since.as_micros().to_le_bytes())
            .field(self.asked.as_micros().to_le_bytes())
            .done()
    }

    fn decode(bytes: [u8; Self::LEN]) -> Self {
        let mut fields = Fields(&bytes);
        let [state, flags, requests, _] = fields.take();
        Self {
            state: match state {
                1 => State::Missing,
                2 => State::Held,
                _ => State::Empty,
            },
            declared: flags & DECLARED != 0,
            suspected: flags & SUSPECTED != 0,
            requests,
            slot: u16::from_le_bytes(fields.take()),
            len: u16::from_le_bytes(fields.take()),
            advance: u32::from_le_bytes(fields.take()),
            location_id: u32::from_le_bytes(fields.take()),
            since: Instant::from_micros(u64::from_le_bytes(fields.take())),
            asked: Instant::from_micros(u64::from_le_bytes(fields.take())),
        }
    }
}

/// Rows for each slot: numbers that are missing need a row and no slot.
const ROWS_PER_SLOT: usize = 2;
/// Fewer slots than this are of no use.
pub(super) const MIN_SLOTS: usize = 8;
const MAX_SLOTS: usize = 16_384;
/// Bytes that one slot takes besides its datagram.
const OVERHEAD: usize = 2 + ROWS_PER_SLOT * Row::LEN;

/// Rows, a stack of free slots, and the slots, in this order in the caller's storage.
#[derive(Clone, Debug)]
pub(super) struct Window<B> {
    storage: B,
    slots: usize,
    slot_len: usize,
    free: usize,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Window<B> {
    pub(super) const fn bytes_for(slots: usize, slot_len: usize) -> usize {
        slots.saturating_mul(slot_len.saturating_add(OVERHEAD))
    }

    pub(super) fn new(storage: B) -> Self {
        Self { storage, slots: 0, slot_len: 0, free: 0 }
    }

    /// Divides the storage into slots of this size, all of them free.
    pub(super) fn lay_out(&mut self, slot_len: usize) -> Result<(), Error> {
        let found = self.storage.as_ref().len();
        let slots = found.checked_div(slot_len.saturating_add(OVERHEAD)).unwrap_or(0).min(MAX_SLOTS);
        if slots < MIN_SLOTS {
            let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
            let needed = Self::bytes_for(MIN_SLOTS, slot_len);
            return Err(Error::limit(LimitName::StorageBytes, number(needed), number(found)));
        }
        self.slots = slots;
        self.slot_len = slot_len;
        self.clear();
        Ok(())
    }

    /// Empties all rows and frees all slots.
    pub(super) fn clear(&mut self) {
        let end = self.rows().saturating_mul(Row::LEN);
        if let Some(rows) = self.storage.as_mut().get_mut(..end) {
            rows.fill(0);
        }
        self.free = 0;
        for slot in 0..self.slots {
            self.give(u16::try_from(slot).unwrap_or(u16::MAX));
        }
    }

    /// Numbers that the window spans.
    pub(super) fn span(&self) -> u64 {
        u64::try_from(self.rows()).unwrap_or(u64::MAX)
    }

    fn rows(&self) -> usize {
        self.slots.saturating_mul(ROWS_PER_SLOT)
    }

    fn index(&self, sequence: u64) -> usize {
        usize::try_from(sequence.checked_rem(self.span()).unwrap_or(0)).unwrap_or(0)
    }

    pub(super) fn row(&self, sequence: u64) -> Row {
        Row::decode(rows::get(self.storage.as_ref(), self.index(sequence)))
    }

    pub(super) fn set(&mut self, sequence: u64, row: &Row) {
        let index = self.index(sequence);
        rows::set(self.storage.as_mut(), index, row.encode());
    }

    fn stack(&self) -> usize {
        self.rows().saturating_mul(Row::LEN)
    }

    /// How many slots are free.
    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// Takes a free slot.
    pub(super) fn take(&mut self) -> Option<u16> {
        let free = self.free.checked_sub(1)?;
        let stack = self.stack();
        let bytes = self.storage.as_ref().get(stack..)?;
        self.free = free;
        Some(u16::from_le_bytes(rows::get(bytes, free)))
    }

    /// Frees a slot.
    pub(super) fn give(&mut self, slot: u16) {
        let stack = self.stack();
        if self.free < self.slots
            && let Some(bytes) = self.storage.as_mut().get_mut(stack..)
        {
            rows::set(bytes, self.free, slot.to_le_bytes());
            self.free = self.free.saturating_add(1);
        }
    }

    fn range(&self, slot: u16) -> core::ops::Range<usize> {
        let first = self.stack().saturating_add(self.slots.saturating_mul(2));
        let start = first.saturating_add(usize::from(slot).saturating_mul(self.slot_len));
        start..start.saturating_add(self.slot_len)
    }

    pub(super) fn slot(&self, slot: u16) -> &[u8] {
        self.storage.as_ref().get(self.range(slot)).unwrap_or_default()
    }

    pub(super) fn slot_mut(&mut self, slot: u16) -> &mut [u8] {
        let range = self.range(slot);
        self.storage.as_mut().get_mut(range).unwrap_or_default()
    }

    pub(super) fn into_storage(self) -> B {
        self.storage
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::vec;

    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        let mut window = Window::new(vec![0; 10_000]);
        window.lay_out(100).unwrap();
        let row = Row {
            state: State::Held,
            declared: true,
            suspected: true,
            requests: 7,
            slot: 0x1234,
            len: 0x5678,
            advance: 0x9ABC_DEF0,
            location_id: 0xFEDC_BA98,
            since: Instant::from_micros(u64::MAX - 1),
            asked: Instant::from_micros(0x0123_4567_89AB_CDEF),
        };
        window.set(1_000_003, &row);
        assert_eq!(window.row(1_000_003), row);
        assert_eq!(window.row(1_000_002), Row::default());
    }

    #[test]
    fn every_slot_is_its_own_and_none_covers_a_row() {
        let mut window = Window::new(vec![0; Window::<vec::Vec<u8>>::bytes_for(20, 64)]);
        window.lay_out(64).unwrap();
        let taken: BTreeSet<u16> = core::iter::from_fn(|| window.take()).collect();
        assert_eq!(taken.len(), 20);
        for slot in &taken {
            window.slot_mut(*slot).fill(0xEE);
        }
        assert!((0..window.span()).all(|sequence| window.row(sequence) == Row::default()));
        for slot in taken {
            window.give(slot);
        }
        assert_eq!(window.free(), 20);
        window.give(0);
        assert_eq!(window.free(), 20, "a slot too many is not kept");
    }

    #[test]
    fn storage_for_fewer_than_eight_slots_is_refused() {
        let mut window = Window::new(vec![0; Window::<vec::Vec<u8>>::bytes_for(8, 64) - 1]);
        assert!(matches!(window.lay_out(64), Err(Error::Limit { limit: LimitName::StorageBytes, .. })));
    }
}
