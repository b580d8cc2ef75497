//! Bandwidth by two datagrams (sections 3.1.5.11 and 3.2.5.8).

use crate::mmsp::wire::{self, DataHeader};
use crate::time::Instant;

/// Measures the time between the two packets that a server sends ahead of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketPair {
    expected: u8,
    first_at: Option<Instant>,
}

impl PacketPair {
    /// ReadBlock leaves, and its answer begins with a packet pair; also after a retry, when one of the first
    /// pair may have been lost.
    pub fn expect(&mut self) {
        *self = Self { expected: 2, first_at: None };
    }

    /// Whether packets are still expected (`Packet-Pair-Packets-Expected`).
    #[must_use]
    pub fn is_expected(&self) -> bool {
        self.expected > 0
    }

    /// Whether a Data packet belongs to a packet pair.
    #[must_use]
    pub fn is_packet_pair(header: &DataHeader) -> bool {
        header.play_incarnation == wire::STREAM_CHANGE_INCARNATION
            && (header.af_flags == wire::AF_PACKET_PAIR
                || wire::PACKET_PAIR_LOCATION_IDS.contains(&header.location_id))
    }

    /// A packet of a pair came. The second one in its place gives the bandwidth in bit/s: its bits over the
    /// time between the two. Packets that were lost, doubled or turned round measure nothing.
    pub fn arrived(&mut self, now: Instant, header: &DataHeader) -> Option<u64> {
        let [first, second] = wire::PACKET_PAIR_LOCATION_IDS;
        self.expected = self.expected.checked_sub(1)?;
        if header.location_id == first && self.first_at.is_none() {
            self.first_at = Some(now);
            return None;
        }
        self.expected = 0;
        let first_at = self.first_at.take().filter(|_| header.location_id == second)?;
        let micros = u64::try_from(now.since(first_at).as_micros()).unwrap_or(u64::MAX);
        u64::from(header.packet_size).saturating_mul(8_000_000).checked_div(micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(location_id: u32) -> DataHeader {
        DataHeader { location_id, play_incarnation: 0xFF, af_flags: 0x10, packet_size: 1472 }
    }

    #[test]
    fn bandwidth_is_the_second_packet_over_the_time_between() {
        let mut pair = PacketPair::default();
        assert_eq!(pair.arrived(Instant::ZERO, &packet(0xF0F0_F000)), None, "not asked for");
        pair.expect();
        assert!(PacketPair::is_packet_pair(&packet(0xF0F0_F000)));
        assert_eq!(pair.arrived(Instant::from_micros(5_000), &packet(0xF0F0_F000)), None);
        assert_eq!(pair.arrived(Instant::from_micros(16_776), &packet(0xF0F0_F001)), Some(1_000_000));
        assert!(!pair.is_expected());
    }

    #[test]
    fn a_pair_that_came_in_another_order_or_at_once_measures_nothing() {
        for (locations, micros) in [
            ([0xF0F0_F001, 0xF0F0_F000], 10),
            ([0xF0F0_F000, 0xF0F0_F000], 10),
            ([0xF0F0_F000, 0xF0F0_F001], 0),
        ] {
            let mut pair = PacketPair::default();
            pair.expect();
            assert_eq!(pair.arrived(Instant::ZERO, &packet(locations[0])), None);
            assert_eq!(pair.arrived(Instant::from_micros(micros), &packet(locations[1])), None);
        }
    }

    #[test]
    fn a_retry_measures_anew() {
        let mut pair = PacketPair::default();
        pair.expect();
        pair.arrived(Instant::ZERO, &packet(0xF0F0_F000));
        pair.expect();
        assert_eq!(pair.arrived(Instant::from_micros(1), &packet(0xF0F0_F001)), None);
        assert_eq!(pair.arrived(Instant::from_micros(2), &packet(0xF0F0_F000)), None, "too late");
    }
}
