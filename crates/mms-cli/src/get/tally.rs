//! What is counted while packets pass.

use core::time::Duration;

use mms_core::asf::PacketHead;

/// Packets, gaps between them, and the times that they cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) packets: u64,
    pub(crate) missing: u64,
    /// The number that the next packet should have, if that is known.
    next: Option<u64>,
    /// Send time of the first packet and end of the last one, in milliseconds.
    times: Option<(u64, u64)>,
}

impl Tally {
    /// Starts to count; `first` is the number of the first packet, if it is known.
    pub(crate) fn starting_at(first: Option<u64>) -> Self {
        Self { next: first, ..Self::default() }
    }

    /// Counts a packet.
    pub(crate) fn add(&mut self, number: u64, packet: &[u8]) {
        if let Some(next) = self.next {
            self.missing += number.saturating_sub(next);
        }
        self.next = Some(number + 1);
        self.add_unnumbered(packet);
    }

    /// Counts a packet where gaps mean nothing.
    pub(crate) fn add_unnumbered(&mut self, packet: &[u8]) {
        self.packets += 1;
        if let Ok(head) = PacketHead::decode(packet) {
            let start = u64::from(head.send_time_ms);
            let end = start + u64::from(head.duration_ms);
            let (first, last) = self.times.unwrap_or((start, end));
            self.times = Some((first, last.max(end)));
        }
    }

    /// The stream ended in order; it should have had so many packets.
    pub(crate) fn end(&mut self, expected: u64) {
        self.missing += expected.saturating_sub(self.next.unwrap_or(0));
    }

    /// The time that the packets cover.
    pub(crate) fn media(&self) -> Duration {
        let (first, last) = self.times.unwrap_or_default();
        Duration::from_millis(last.saturating_sub(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_before_between_and_behind_packets_count_as_missing() {
        let mut tally = Tally::starting_at(Some(0));
        for number in [1, 2, 5] {
            tally.add(number, &[]);
        }
        assert_eq!((tally.packets, tally.missing), (3, 3));
        tally.end(8);
        assert_eq!(tally.missing, 5);
    }

    #[test]
    fn a_start_in_the_middle_misses_nothing() {
        let mut tally = Tally::starting_at(None);
        tally.add(70, &[]);
        tally.add(71, &[]);
        assert_eq!(tally.missing, 0);
    }
}
