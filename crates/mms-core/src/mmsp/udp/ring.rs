//! What a server remembers of the packets that it sent, to send them again (sections 2.2.5 and 3.2.5.13).

use core::time::Duration;

use super::bucket::TokenBucket;
use super::rows::{self, Fields, Put};
use crate::mmsp::wire::{DataHeader, RequestPacketListResend};
use crate::selection::Selection;
use crate::time::Instant;

/// Settings of a [`ResendRing`]. The document names none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResendConfig {
    /// How long a packet can be asked for.
    pub max_age: Duration,
    /// Bytes of resends per second, in the long run.
    pub bytes_per_second: u64,
    /// Bytes of resends at once.
    pub burst_bytes: u64,
    /// Least time between two copies of one packet.
    pub repeat: Duration,
    /// Most copies of one packet.
    pub copies: u16,
    /// Quirk: a number that was never given is matched by its low 8 bits, for clients that do not keep the
    /// upper ones (WebTV servers did so).
    pub low_byte_fallback: bool,
}

impl Default for ResendConfig {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(10),
            bytes_per_second: 1_000_000,
            burst_bytes: 256 * 1024,
            repeat: Duration::from_millis(10),
            copies: 24,
            low_byte_fallback: false,
        }
    }
}

/// All that is needed to send a packet again, byte for byte: the media itself is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The number that the client asks for.
    pub sequence: u32,
    /// The head; its LocationId is the number of the packet to read.
    pub header: DataHeader,
    /// The streams that the packet was cut to.
    pub selection: Selection,
}

/// Why a request was dropped as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejected {
    /// It is no RequestPacketListResend.
    Malformed,
    /// It names another client or another file.
    WrongIdentifiers,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResendStatistics {
    /// Requests with the right identifiers.
    pub requests: u64,
    /// Requests that were dropped as a whole.
    pub rejected: u64,
    /// Numbers in good requests.
    pub numbers: u64,
    /// Packets handed out to be sent again.
    pub resent: u64,
    /// Numbers that were never given, or are too old.
    pub unknown: u64,
    /// Numbers above the ceiling, asked for too often or too soon, or without room in the queue.
    pub refused: u64,
}

/// Different selections that the ring remembers.
const SELECTIONS: usize = 4;
/// Numbers that wait to be sent again: two full requests.
const QUEUE: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    valid: bool,
    selection: u8,
    copies: u16,
    sequence: u32,
    header: [u8; DataHeader::LEN],
    sent_at: Instant,
    resent_at: Instant,
}

impl Record {
    const LEN: usize = 32;

    fn encode(&self) -> [u8; Self::LEN] {
        Put::<{ Self::LEN }>::new()
            .field([u8::from(self.valid), self.selection])
            .field(self.copies.to_le_bytes())
            .field(self.sequence.to_le_bytes())
            .field(self.header)
            .field(self.sent_at.as_micros().to_le_bytes())
            .field(self.resent_at.as_micros().to_le_bytes())
            .done()
    }

    fn decode(bytes: [u8; Self::LEN]) -> Self {
        let mut fields = Fields(&bytes);
        let [valid, selection] = fields.take();
        Self {
            valid: valid == 1,
            selection,
            copies: u16::from_le_bytes(fields.take()),
            sequence: u32::from_le_bytes(fields.take()),
            header: fields.take(),
            sent_at: Instant::from_micros(u64::from_le_bytes(fields.take())),
            resent_at: Instant::from_micros(u64::from_le_bytes(fields.take())),
        }
    }
}

/// The identities of the packets that were sent last, in the caller's storage, and the queue of those to send
/// again.
///
/// The caller compares the source address of a request; client and file identifier are checked here.
#[derive(Clone, Debug)]
pub struct ResendRing<B> {
    storage: B,
    config: ResendConfig,
    newest: Option<u32>,
    selections: [(u8, Selection); SELECTIONS],
    generation: u8,
    bucket: TokenBucket,
    queue: [u32; QUEUE],
    queued: usize,
    statistics: ResendStatistics,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> ResendRing<B> {
    /// Bytes of storage for each packet that is remembered.
    pub const IDENTITY_LEN: usize = Record::LEN;

    /// A ring that remembers as many packets as the storage has room for; with empty storage, none.
    #[must_use]
    pub fn new(now: Instant, storage: B, config: ResendConfig) -> Self {
        let bucket = TokenBucket::new(now, config.bytes_per_second, config.burst_bytes);
        let mut ring = Self {
            storage,
            config,
            newest: None,
            selections: [(0, Selection::ALL); SELECTIONS],
            generation: 0,
            bucket,
            queue: [0; QUEUE],
            queued: 0,
            statistics: ResendStatistics::default(),
        };
        ring.clear();
        ring
    }

    /// What became of requests.
    #[must_use]
    pub fn statistics(&self) -> ResendStatistics {
        self.statistics
    }

    /// Forgets all packets, since nobody may ask for them any more.
    pub fn clear(&mut self) {
        self.storage.as_mut().fill(0);
        self.newest = None;
        self.queued = 0;
    }

    /// A packet left with this head and number. Numbers grow by one, or by two at a Start.
    pub fn sent(&mut self, now: Instant, sequence: u32, header: &DataHeader, selection: &Selection) {
        if self.current() != *selection {
            self.generation = self.generation.wrapping_add(1);
            self.selections.rotate_right(1);
            if let Some(first) = self.selections.first_mut() {
                *first = (self.generation, *selection);
            }
        }
        let selection = self.generation;
        let header = header.encode();
        let record = Record { valid: true, selection, sequence, header, sent_at: now, ..Record::default() };
        self.put(&record);
        self.newest = Some(sequence);
    }

    fn current(&self) -> Selection {
        self.selections.first().map_or(Selection::ALL, |(_, selection)| *selection)
    }

    /// The last packets, from this number on, were taken from the queue again before they left.
    pub fn take_back(&mut self, sequence: u32) {
        let Some(newest) = self.newest else { return };
        let count = newest.wrapping_sub(sequence).wrapping_add(1).min(self.rows());
        for back in 0..count {
            let sequence = newest.wrapping_sub(back);
            if self.record(sequence).sequence == sequence {
                self.put(&Record { sequence, ..Record::default() });
            }
        }
        self.newest = Some(sequence.wrapping_sub(1));
    }

    /// A datagram came to the server's UDP port from the client's address. Returns how many packets are to be
    /// sent again because of it.
    ///
    /// # Errors
    /// It is no request, or its identifiers are not those of this session; nothing is sent then.
    pub fn request(
        &mut self,
        now: Instant,
        datagram: &[u8],
        client_id: u32,
        source_id: u16,
    ) -> Result<usize, Rejected> {
        let request = RequestPacketListResend::decode(datagram).map_err(|_| Rejected::Malformed);
        let checked = request.and_then(|request| {
            let ours = (request.client_id, request.source_id) == (client_id, source_id);
            ours.then_some(request).ok_or(Rejected::WrongIdentifiers)
        });
        let bump = |counter: &mut u64| *counter = counter.saturating_add(1);
        let request = checked.inspect_err(|_| bump(&mut self.statistics.rejected))?;
        bump(&mut self.statistics.requests);
        let before = self.queued;
        for wanted in request.sequences {
            bump(&mut self.statistics.numbers);
            let Some(record) = self.find(now, wanted) else {
                bump(&mut self.statistics.unknown);
                continue;
            };
            if !self.enqueue(now, &record) {
                bump(&mut self.statistics.refused);
            }
        }
        Ok(self.queued.saturating_sub(before))
    }

    /// The next packet to send again.
    pub fn next_wanted(&mut self, now: Instant) -> Option<Identity> {
        while let Some(last) = self.queued.checked_sub(1) {
            let sequence = self.queue.first().copied().unwrap_or_default();
            self.queue.rotate_left(1);
            self.queued = last;
            if let Some(identity) = self.identity(now, sequence) {
                self.statistics.resent = self.statistics.resent.saturating_add(1);
                return Some(identity);
            }
        }
        None
    }

    /// How many packets wait to be sent again.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.queued
    }

    /// What is known of a packet that can still be asked for.
    #[must_use]
    pub fn identity(&self, now: Instant, sequence: u32) -> Option<Identity> {
        let record = self.exact(now, sequence)?;
        let known = self.selections.iter().find(|(generation, _)| *generation == record.selection);
        let selection = known.map(|(_, selection)| *selection)?;
        let header = DataHeader::decode(&record.header).ok()?;
        Some(Identity { sequence: record.sequence, header, selection })
    }

    fn find(&self, now: Instant, wanted: u32) -> Option<Record> {
        let exact = self.exact(now, wanted);
        if exact.is_some() || !self.config.low_byte_fallback {
            return exact;
        }
        let newest = self.newest?;
        let back = newest.wrapping_sub(wanted) & 0xFF;
        self.exact(now, newest.wrapping_sub(back))
    }

    fn exact(&self, now: Instant, sequence: u32) -> Option<Record> {
        let newest = self.newest?;
        let record = self.record(sequence);
        let known = record.valid
            && record.sequence == sequence
            && newest.wrapping_sub(sequence) < self.rows()
            && now.since(record.sent_at) <= self.config.max_age;
        known.then_some(record)
    }

    /// Takes a packet into the queue, if it may be sent again now.
    fn enqueue(&mut self, now: Instant, record: &Record) -> bool {
        let waiting = self.queue.get(..self.queued).unwrap_or_default();
        if waiting.contains(&record.sequence)
            || record.copies >= self.config.copies
            || (record.copies > 0 && now.since(record.resent_at) < self.config.repeat)
        {
            return false;
        }
        let [.., low, high] = record.header;
        let len = usize::from(u16::from_le_bytes([low, high]));
        let Some(place) = self.queue.get_mut(self.queued) else { return false };
        if !self.bucket.take(now, len) {
            return false;
        }
        *place = record.sequence;
        self.queued = self.queued.saturating_add(1);
        let copies = record.copies.saturating_add(1);
        self.put(&Record { copies, resent_at: now, ..*record });
        true
    }

    fn rows(&self) -> u32 {
        let rows = self.storage.as_ref().as_chunks::<{ Record::LEN }>().0.len();
        u32::try_from(rows).unwrap_or(u32::MAX)
    }

    fn index(&self, sequence: u32) -> usize {
        usize::try_from(sequence.checked_rem(self.rows()).unwrap_or(0)).unwrap_or(0)
    }

    fn record(&self, sequence: u32) -> Record {
        Record::decode(rows::get(self.storage.as_ref(), self.index(sequence)))
    }

    fn put(&mut self, record: &Record) {
        let index = self.index(record.sequence);
        rows::set(self.storage.as_mut(), index, record.encode());
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::mmsp::wire::Sequences;
    use crate::selection::Thinning;

    const CLIENT: u32 = 0x5EED_1234;

    fn ring(packets: usize, config: ResendConfig) -> ResendRing<Vec<u8>> {
        let storage = vec![0; packets * ResendRing::<Vec<u8>>::IDENTITY_LEN];
        ResendRing::new(Instant::ZERO, storage, config)
    }

    fn head(sequence: u32) -> DataHeader {
        let [low, ..] = sequence.to_le_bytes();
        DataHeader::for_payload(sequence + 1000, 9, low, 1400).unwrap()
    }

    fn send(ring: &mut ResendRing<Vec<u8>>, now: Instant, numbers: core::ops::Range<u32>) {
        for sequence in numbers {
            ring.sent(now, sequence, &head(sequence), &Selection::ALL);
        }
    }

    fn ask(
        ring: &mut ResendRing<Vec<u8>>,
        now: Instant,
        client_id: u32,
        numbers: &[u32],
    ) -> Result<usize, Rejected> {
        let sequences = Sequences::new(numbers).unwrap();
        let mut out = [0; 140];
        let request = RequestPacketListResend { client_id, source_id: 1, sequences };
        let len = request.encode(&mut out).unwrap();
        ring.request(now, &out[..len], CLIENT, 1)
    }

    #[test]
    fn a_request_gives_the_same_heads_again() {
        let mut ring = ring(8, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..6);
        assert_eq!(ask(&mut ring, Instant::ZERO, CLIENT, &[4, 2, 77]), Ok(2));
        let again: Vec<Identity> = core::iter::from_fn(|| ring.next_wanted(Instant::ZERO)).collect();
        assert_eq!(again.iter().map(|identity| identity.sequence).collect::<Vec<_>>(), [4, 2]);
        assert_eq!(again[0].header, head(4));
        assert_eq!((ring.statistics().resent, ring.statistics().unknown), (2, 1));
    }

    #[test]
    fn wrong_identifiers_and_other_datagrams_cost_nothing() {
        let mut ring = ring(8, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..6);
        assert_eq!(ask(&mut ring, Instant::ZERO, CLIENT + 1, &[1]), Err(Rejected::WrongIdentifiers));
        assert_eq!(ring.request(Instant::ZERO, b"hello", CLIENT, 1), Err(Rejected::Malformed));
        assert_eq!((ring.wanted(), ring.statistics().rejected), (0, 2));
    }

    #[test]
    fn count_and_time_bound_what_is_remembered() {
        let mut ring = ring(8, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..20);
        let known = |ring: &ResendRing<Vec<u8>>, at| -> Vec<u32> {
            (0..25).filter(|number| ring.identity(at, *number).is_some()).collect()
        };
        assert_eq!(known(&ring, Instant::ZERO), (12..20).collect::<Vec<_>>());
        assert!(known(&ring, Instant::from_millis(10_001)).is_empty());
        ring.clear();
        assert!(known(&ring, Instant::ZERO).is_empty());
    }

    #[test]
    fn numbers_that_were_taken_back_are_given_again() {
        let mut ring = ring(8, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..10);
        ring.take_back(7);
        assert_eq!(ring.identity(Instant::ZERO, 7), None);
        assert!(ring.identity(Instant::ZERO, 6).is_some());
        let other = DataHeader::for_payload(5, 10, 7, 3).unwrap();
        ring.sent(Instant::ZERO, 7, &other, &Selection::ALL);
        assert_eq!(ring.identity(Instant::ZERO, 7).unwrap().header, other);
    }

    #[test]
    fn each_packet_is_read_with_the_selection_that_it_was_sent_with() {
        let mut ring = ring(64, ResendConfig::default());
        let selections: Vec<Selection> =
            (1..=6).map(|stream| Selection::NONE.with(stream, Thinning::Full)).collect();
        for (sequence, selection) in (0..).zip(&selections) {
            ring.sent(Instant::ZERO, sequence, &head(sequence), selection);
        }
        let known: Vec<_> = (0..6).map(|number| ring.identity(Instant::ZERO, number)).collect();
        assert_eq!(known[0], None, "too many changes ago");
        assert_eq!(known[5].unwrap().selection, selections[5]);
        assert_eq!(known[2].unwrap().selection, selections[2]);
    }

    #[test]
    fn replayed_requests_are_bounded_by_spacing_copies_and_ceiling() {
        let config = ResendConfig { copies: 3, ..ResendConfig::default() };
        let mut one = ring(8, config);
        send(&mut one, Instant::ZERO, 0..1);
        let mut copies = 0;
        for millis in 0..1000 {
            let _ = ask(&mut one, Instant::from_millis(millis), CLIENT, &[0, 0, 0]);
            copies += core::iter::from_fn(|| one.next_wanted(Instant::from_millis(millis))).count();
        }
        assert_eq!(copies, 3);
        let config =
            ResendConfig { bytes_per_second: 14_080, burst_bytes: 28_160, ..ResendConfig::default() };
        let mut many = ring(4096, config);
        send(&mut many, Instant::ZERO, 0..4096);
        let mut bytes = 0;
        for millis in 0..1000_u32 {
            let now = Instant::from_millis(u64::from(millis));
            let numbers: Vec<u32> = (0..32).map(|n| (n + millis * 32) % 4096).collect();
            let _ = ask(&mut many, now, CLIENT, &numbers);
            while let Some(identity) = many.next_wanted(now) {
                bytes += u64::from(identity.header.packet_size);
            }
        }
        assert!(bytes <= 28_160 + 14_080, "{bytes}");
        assert!(bytes >= 28_160 + 12_000, "{bytes}");
    }

    #[test]
    fn the_queue_holds_two_full_requests() {
        let mut ring = ring(128, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..128);
        for first in [0, 32, 64, 96] {
            let numbers: Vec<u32> = (first..first + 32).collect();
            let _ = ask(&mut ring, Instant::ZERO, CLIENT, &numbers);
        }
        assert_eq!(ring.wanted(), QUEUE);
        assert_eq!(ring.statistics().refused, 64);
    }

    #[test]
    fn numbers_without_their_upper_bits_are_matched_only_by_the_quirk() {
        for (quirk, found) in [(false, None), (true, Some(0x205))] {
            let mut ring = ring(512, ResendConfig { low_byte_fallback: quirk, ..ResendConfig::default() });
            send(&mut ring, Instant::ZERO, 0x1E0..0x210);
            let _ = ask(&mut ring, Instant::ZERO, CLIENT, &[0x05]);
            assert_eq!(ring.next_wanted(Instant::ZERO).map(|identity| identity.sequence), found);
        }
    }

    #[test]
    fn numbers_wrap_after_32_bits() {
        let mut ring = ring(16, ResendConfig::default());
        for sequence in [u32::MAX - 1, u32::MAX, 0, 1] {
            ring.sent(
                Instant::ZERO,
                sequence,
                &DataHeader::for_payload(sequence, 9, 0, 5).unwrap(),
                &Selection::ALL,
            );
        }
        assert!([u32::MAX - 1, u32::MAX, 0, 1].iter().all(|n| ring.identity(Instant::ZERO, *n).is_some()));
    }

    #[test]
    fn without_storage_nothing_is_remembered() {
        let mut ring = ring(0, ResendConfig::default());
        send(&mut ring, Instant::ZERO, 0..3);
        assert_eq!(ask(&mut ring, Instant::ZERO, CLIENT, &[0, 1, 2]), Ok(0));
    }
}
