//! From the 8 bits on the wire to the number of a packet (section 2.2.5, digest 3.5 and OPEN-9).

/// Packets in a row whose numbers grew with LocationId, before a jump of LocationId alone is believed.
const TRUSTED: u32 = 8;
/// Most packets before the first one that came that are asked for without proof that they exist.
const MAX_LEAD: u64 = 32;
/// A first packet that is further behind the one asked for says that the server started elsewhere.
const MAX_KNOWN_LEAD: u32 = 4096;
/// A server that restarts is recognised without LocationId if at most so many packets were lost.
const RESTART_LEAD: u64 = 3;

/// Where a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// This number.
    At(u64),
    /// This number or one that is smaller by a multiple of 256.
    UpTo(u64),
}

/// The first packet of a Start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) sequence: u64,
    /// Packets before it that did not come.
    pub(super) missing: u64,
    /// Whether these are known to exist.
    pub(super) certain: bool,
}

/// Counts the packets of a session, over all its Starts. Our numbers only grow; those on the wire may
/// restart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    /// One past the highest number that came.
    pub(super) next: u64,
    /// LocationId behind that of this packet.
    pub(super) next_location: u32,
    /// Whether a packet of this Start came.
    pub(super) anchored: bool,
    /// No packet came yet, and the first number is only what it must be if the server goes on counting.
    assumed: bool,
    /// The first one that came, or must have come.
    pub(super) first: u64,
    /// Whether LocationId grows with the number.
    ordered: bool,
    agreed: u32,
    /// Filtered packets left gaps in LocationId.
    broken: bool,
    /// Whether the server may have given numbers before those of this Start.
    running: bool,
    started: bool,
    /// Number on the wire = number here minus this.
    offset: u64,
    /// The same, if the server does with its counter what the other reading of the document says.
    other_offset: Option<u64>,
}

impl Counter {
    pub(super) fn start(&mut self, ordered: bool) {
        let running = self.started;
        *self = Self { next: self.next, running, started: true, ordered, ..Self::default() };
    }

    /// From now on packets only move the counter.
    pub(super) fn stop(&mut self) {
        self.anchored = false;
    }

    /// Whether numbers and LocationId grow together, so that LocationId tells how many packets are missing.
    pub(super) fn is_lockstep(&self) -> bool {
        self.ordered && !self.broken
    }

    pub(super) fn on_wire(&self, sequence: u64) -> u32 {
        let [a, b, c, d, ..] = sequence.wrapping_sub(self.offset).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// None of the numbers asked for was answered: perhaps the server counts the other way.
    pub(super) fn try_other_offset(&mut self) {
        if let Some(other) = self.other_offset.as_mut() {
            core::mem::swap(other, &mut self.offset);
        }
    }

    /// An answer came: the numbers are right.
    pub(super) fn keep_offset(&mut self) {
        self.other_offset = None;
    }

    /// A packet of the Start before, which nobody wants any more: it moves the counter.
    pub(super) fn follow(&mut self, af_flags: u8) {
        if !self.anchored && self.started {
            let near = self.near(af_flags);
            if near >= self.next {
                self.next = near.saturating_add(1);
            }
        }
    }

    /// Before any packet of this Start: the number that its first one must have.
    pub(super) fn assume(&mut self, location: u32) {
        self.first = self.expected();
        self.next = self.first;
        self.next_location = location;
        self.anchored = true;
        self.assumed = true;
    }

    /// Whether a packet shows that the first number is another one than was assumed.
    pub(super) fn is_wrong(&self, af_flags: u8, location: u32) -> bool {
        let delta = u64::from(location.wrapping_sub(self.next_location));
        self.assumed && low(self.next.saturating_add(delta)) != af_flags
    }

    /// The number that the server gives next, if nothing is under way: AFFlags 0xFF never comes first.
    fn expected(&self) -> u64 {
        if self.running && low(self.next) == 0xFF { self.next.saturating_add(1) } else { self.next }
    }

    /// The first packet of a Start, of which the caller may know what LocationId it begins with. The packet
    /// is the next to be [accepted](Self::accept).
    pub(super) fn anchor(&mut self, af_flags: u8, location: u32, first_location: Option<u32>) -> Lead {
        let known = first_location.filter(|_| self.ordered).and_then(|first| location.checked_sub(first));
        let known = known.filter(|known| *known <= MAX_KNOWN_LEAD);
        let lead = if self.running {
            self.anchor_again(af_flags, known.map(u64::from))
        } else {
            Self::anchor_fresh(af_flags, known.map(u64::from))
        };
        self.first = lead.sequence;
        self.next = lead.sequence;
        self.next_location = location;
        self.anchored = true;
        self.assumed = false;
        self.running = true;
        lead
    }

    /// The counter of a session begins with 0.
    fn anchor_fresh(af_flags: u8, known: Option<u64>) -> Lead {
        let wire = u64::from(af_flags);
        match known {
            Some(known) if low(known) == af_flags => Lead { sequence: known, missing: known, certain: true },
            Some(known) if known < wire => {
                // it did not begin with 0
                Lead { sequence: wire, missing: known.min(MAX_LEAD), certain: false }
            }
            _ if wire <= 0x7F => Lead { sequence: wire, missing: wire, certain: true },
            _ => Lead { sequence: wire, missing: 0, certain: false },
        }
    }

    /// OPEN-9: the counter goes on, or restarts at 0.
    fn anchor_again(&mut self, af_flags: u8, known: Option<u64>) -> Lead {
        let expected = self.expected();
        let going_on = at_or_after(expected, af_flags);
        let gap = going_on.saturating_sub(expected);
        let origin = at_or_after(expected, 0);
        let restarted = origin.saturating_add(u64::from(af_flags));
        self.offset = 0;
        self.other_offset = Some(going_on.saturating_sub(u64::from(af_flags)));
        let suspects = |missing: u64| Lead { sequence: going_on, missing, certain: false };
        match known {
            Some(known) if low(expected.saturating_add(known)) == af_flags => {
                let sequence = expected.saturating_add(known);
                self.other_offset = Some(sequence.saturating_sub(known));
                Lead { sequence, missing: known, certain: true }
            }
            Some(known) if low(known) == af_flags => {
                let sequence = origin.saturating_add(known);
                self.offset = origin;
                self.other_offset = Some(sequence.saturating_sub(going_on));
                Lead { sequence, missing: known, certain: true }
            }
            // the gap is the tail of the Start before, and what is missing of this one
            Some(known) if known <= gap => Lead { sequence: going_on, missing: known, certain: true },
            Some(known) => {
                // more than 8 bits show: LocationId tells, if the tail of the Start before is short; otherwise
                // packets were left out rather
                let first = expected.saturating_add(known);
                let sequence = at_or_after(first, af_flags);
                if sequence.saturating_sub(first) > MAX_LEAD {
                    return suspects(known.min(gap));
                }
                self.other_offset = Some(sequence.saturating_sub(u64::from(af_flags)));
                Lead { sequence, missing: known, certain: true }
            }
            None if u64::from(af_flags) <= RESTART_LEAD && gap > RESTART_LEAD => {
                self.offset = origin;
                self.other_offset = Some(restarted.saturating_sub(going_on));
                Lead { sequence: restarted, missing: u64::from(af_flags), certain: false }
            }
            None => suspects(if gap <= MAX_LEAD { gap } else { 0 }),
        }
    }

    /// Where a packet belongs that is not the first of its Start.
    pub(super) fn spot(&self, af_flags: u8, location: u32) -> Spot {
        let near = self.near(af_flags);
        if !self.ordered {
            return Spot::At(near);
        }
        let delta = i64::from(location).saturating_sub(i64::from(self.next_location));
        if !self.broken
            && let Some(sequence) = self.next.checked_add_signed(delta)
            && low(sequence) == af_flags
            && (self.agreed >= TRUSTED || sequence == near)
        {
            return Spot::At(sequence);
        }
        match delta {
            0.. => Spot::At(at_or_after(self.next, af_flags)),
            -1 => Spot::At(near),
            _ => Spot::UpTo(before(self.next, af_flags)),
        }
    }

    /// A packet has this number.
    pub(super) fn accept(&mut self, sequence: u64, location: u32) {
        self.assumed = false;
        self.running = true;
        let steps = i128::from(sequence).wrapping_sub(i128::from(self.next));
        let moved = i128::from(location).wrapping_sub(i128::from(self.next_location));
        if steps == moved {
            self.agreed = self.agreed.saturating_add(1);
        } else {
            self.broken = true;
        }
        if sequence >= self.next {
            self.next = sequence.saturating_add(1);
            self.next_location = location.saturating_add(1);
        }
    }

    /// The number with these low bits that is nearest to the next one.
    fn near(&self, af_flags: u8) -> u64 {
        let ahead = at_or_after(self.next, af_flags);
        let behind = ahead.saturating_sub(0x100);
        if ahead.saturating_sub(self.next) >= 0x80 && ahead >= 0x100 { behind } else { ahead }
    }
}

fn low(sequence: u64) -> u8 {
    let [low, ..] = sequence.to_le_bytes();
    low
}

/// The smallest number from `from` on with these low bits.
fn at_or_after(from: u64, af_flags: u8) -> u64 {
    from.saturating_add(u64::from(af_flags.wrapping_sub(low(from))))
}

/// The largest number below `from` with these low bits; 0 if there is none, which no packet is.
fn before(from: u64, af_flags: u8) -> u64 {
    at_or_after(from, af_flags).saturating_sub(0x100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter that received packets with these numbers, LocationId the same.
    fn counted(numbers: core::ops::Range<u32>) -> Counter {
        let mut counter = Counter::default();
        counter.start(true);
        for number in numbers {
            if !counter.anchored {
                counter.anchor(low(u64::from(number)), number, Some(0));
            }
            counter.accept(u64::from(number), number);
        }
        counter
    }

    #[test]
    fn the_low_byte_is_unwrapped_over_many_rounds() {
        let mut counter = counted(0..1);
        for number in 1..2000_u32 {
            assert_eq!(counter.spot(low(u64::from(number)), number), Spot::At(u64::from(number)));
            counter.accept(u64::from(number), number);
        }
    }

    #[test]
    fn location_id_shows_gaps_that_the_low_byte_hides() {
        let counter = counted(0..20);
        assert_eq!(counter.spot(low(20 + 600), 620), Spot::At(620));
        let young = counted(0..2);
        assert_eq!(young.spot(low(2 + 600), 602), Spot::At(2 + 600 - 512), "not trusted yet");
    }

    #[test]
    fn a_packet_from_far_behind_keeps_its_number() {
        let counter = counted(0..1000);
        assert_eq!(counter.spot(low(300), 300), Spot::At(300));
    }

    #[test]
    fn filtered_streams_are_ordered_by_location_id() {
        let mut counter = counted(0..10);
        // packets 10 to 19 of the file were empty after filtering
        assert_eq!(counter.spot(10, 20), Spot::At(10));
        counter.accept(10, 20);
        assert!(!counter.is_lockstep());
        assert_eq!(counter.spot(9, 9), Spot::UpTo(9));
        assert_eq!(counter.spot(200, 400), Spot::At(200), "ahead, although 8 bits say behind");
    }

    #[test]
    fn without_order_eight_bits_decide() {
        let mut counter = Counter::default();
        counter.start(false);
        counter.anchor(0, 500, None);
        counter.accept(0, 500);
        assert_eq!(counter.spot(1, 480), Spot::At(1));
        counter.accept(1, 480);
        assert_eq!(counter.spot(0, 500), Spot::At(0));
        assert_eq!(counter.spot(0x80, 7), Spot::At(0x80));
    }

    #[test]
    fn the_first_packet_of_a_session_shows_what_was_lost_before_it() {
        let mut counter = Counter::default();
        counter.start(true);
        let lead = counter.anchor(3, 3, Some(0));
        assert_eq!(lead, Lead { sequence: 3, missing: 3, certain: true });
        let mut late = Counter::default();
        late.start(true);
        let lead = late.anchor(44, 300, Some(0));
        assert_eq!(lead, Lead { sequence: 300, missing: 300, certain: true });
    }

    #[test]
    fn a_server_that_goes_on_counting_is_followed_over_a_start() {
        let mut counter = counted(0..700);
        counter.start(true);
        let lead = counter.anchor(low(702), 52, Some(50));
        assert_eq!(lead, Lead { sequence: 702, missing: 2, certain: true });
        assert_eq!(counter.on_wire(700), 700);
    }

    #[test]
    fn an_outage_over_a_start_is_longer_than_8_bits_show() {
        let mut counter = counted(0..700);
        counter.start(true);
        // two packets of the end and 255 of the beginning were lost
        let lead = counter.anchor(low(700 + 2 + 255), 255, Some(0));
        assert_eq!(lead, Lead { sequence: 957, missing: 255, certain: true });
        assert_eq!(counter.on_wire(702), 702);
        let mut filtered = counted(0..700);
        filtered.start(true);
        let lead = filtered.anchor(low(700), 3, Some(0));
        assert_eq!(lead, Lead { sequence: 700, missing: 0, certain: false }, "three were left out");
    }

    #[test]
    fn a_server_that_restarts_is_asked_for_its_own_numbers() {
        let mut counter = counted(0..700);
        counter.start(true);
        let lead = counter.anchor(2, 52, Some(50));
        assert_eq!((lead.missing, lead.certain), (2, true));
        assert_eq!(counter.on_wire(lead.sequence - 2), 0);
        assert!(lead.sequence >= 700);
        let mut blind = counted(0..700);
        blind.start(true);
        let lead = blind.anchor(1, 52, None);
        assert_eq!((lead.missing, lead.certain), (1, false));
        assert_eq!(blind.on_wire(lead.sequence), 1);
        blind.try_other_offset();
        assert_eq!(blind.on_wire(lead.sequence), 769, "the other reading: it goes on");
    }

    #[test]
    fn the_number_0xff_that_is_skipped_at_a_start_is_not_missed() {
        let mut counter = counted(0..0xFF);
        counter.start(true);
        let lead = counter.anchor(0, 10, Some(10));
        assert_eq!(lead, Lead { sequence: 0x100, missing: 0, certain: true });
        let mut blind = counted(0..0xFF);
        blind.start(true);
        assert_eq!(blind.anchor(0, 10, None).missing, 0);
    }

    #[test]
    fn packets_of_the_start_before_move_the_counter() {
        let mut counter = counted(0..10);
        counter.start(true);
        counter.follow(14);
        counter.follow(12);
        assert_eq!(counter.anchor(15, 90, None).missing, 0);
    }
}
