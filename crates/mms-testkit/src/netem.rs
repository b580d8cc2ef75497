//! A network that loses, delays, doubles and reorders datagrams, in virtual time and from a seed.

use core::time::Duration;
use std::collections::BTreeMap;

use mms_core::time::Instant;

/// The environment variable that repeats a run with the seed that it printed.
pub const SEED_VARIABLE: &str = "MMS_NETEM_SEED";

/// The seeds to run with: those given, or the one in the environment.
///
/// # Panics
/// If the environment holds no number.
#[must_use]
pub fn seeds(given: impl IntoIterator<Item = u64>) -> Vec<u64> {
    match std::env::var(SEED_VARIABLE) {
        Ok(seed) => vec![seed.parse().expect("a seed is a decimal number")],
        Err(_) => given.into_iter().collect(),
    }
}

/// A small generator of random numbers that is the same everywhere (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    /// True so many times of 1000.
    pub fn per_mille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }
}

/// Losses that come together: a chain of a good and a bad state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// Chance, per mille and datagram, that the network turns bad.
    pub begin: u64,
    /// Chance, per mille and datagram, that it turns good again.
    pub end: u64,
    /// Loss per mille while it is bad.
    pub loss: u64,
}

/// What one direction does to datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Independent loss per mille.
    pub loss: u64,
    /// Losses that come together.
    pub bursts: Option<Bursts>,
    /// Datagrams per mille that are held back by [`Self::reorder_by`].
    pub reorder: u64,
    /// How long those are held back.
    pub reorder_by: Duration,
    /// Datagrams per mille that arrive twice.
    pub duplicate: u64,
    /// Delay of every datagram.
    pub delay: Duration,
    /// Most delay beyond that, evenly spread.
    pub jitter: Duration,
    /// Bytes per second, with a queue in front.
    pub rate: Option<u64>,
    /// Bytes that the queue holds before it drops.
    pub queue: u64,
}

/// One direction of a path.
#[derive(Clone, Debug)]
pub struct Link {
    rules: Rules,
    random: Random,
    bad: bool,
    busy_until: Instant,
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    arriving: u64,
    sent: u64,
    lost: u64,
}

impl Link {
    /// A path with these rules.
    #[must_use]
    pub fn new(seed: u64, rules: Rules) -> Self {
        let random = Random::new(seed);
        Self {
            rules,
            random,
            bad: false,
            busy_until: Instant::ZERO,
            under_way: BTreeMap::new(),
            arriving: 0,
            sent: 0,
            lost: 0,
        }
    }

    /// Sends a datagram; false if the network loses it.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) -> bool {
        self.sent += 1;
        let Some(leaves) = self.transmit(now, datagram.len()).filter(|_| !self.is_lost()) else {
            self.lost += 1;
            return false;
        };
        self.arrive(leaves, datagram);
        if self.random.per_mille(self.rules.duplicate) {
            self.arrive(leaves, datagram);
        }
        true
    }

    /// When the datagram has passed the bottleneck; `None` if its queue is full.
    fn transmit(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate) = self.rules.rate else { return Some(now) };
        let waiting = self.busy_until.since(now).as_micros() as u64 * rate / 1_000_000;
        if waiting + len as u64 > self.rules.queue {
            return None;
        }
        let takes = Duration::from_micros(len as u64 * 1_000_000 / rate);
        self.busy_until = self.busy_until.max(now) + takes;
        Some(self.busy_until)
    }

    fn is_lost(&mut self) -> bool {
        let mut lost = self.random.per_mille(self.rules.loss);
        if let Some(bursts) = self.rules.bursts {
            let turns = self.random.per_mille(if self.bad { bursts.end } else { bursts.begin });
            self.bad ^= turns;
            lost |= self.bad && self.random.per_mille(bursts.loss);
        }
        lost
    }

    fn arrive(&mut self, leaves: Instant, datagram: &[u8]) {
        let mut at = leaves + self.rules.delay;
        if !self.rules.jitter.is_zero() {
            at = at + Duration::from_micros(self.random.below(self.rules.jitter.as_micros() as u64));
        }
        if self.random.per_mille(self.rules.reorder) {
            at = at + self.rules.reorder_by;
        }
        // what arrives at one moment arrives in the order in which it was sent
        self.arriving += 1;
        self.under_way.insert((at, self.arriving), datagram.to_vec());
    }

    /// When the next datagram arrives; `Instant::MAX` if none is under way.
    #[must_use]
    pub fn next_arrival(&self) -> Instant {
        self.under_way.keys().next().map_or(Instant::MAX, |(at, _)| *at)
    }

    /// The next datagram that has arrived.
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_arrival() > now {
            return None;
        }
        self.under_way.pop_first().map(|(_, datagram)| datagram)
    }

    /// Datagrams sent, and how many of them were lost.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(rules: Rules, count: u64) -> Vec<(u64, u8)> {
        let mut link = Link::new(7, rules);
        for number in 0..count {
            link.send(Instant::from_millis(number), &[number as u8; 100]);
        }
        let mut seen = Vec::new();
        while let Some(datagram) = link.receive(Instant::MAX) {
            seen.push((0, datagram[0]));
        }
        seen
    }

    #[test]
    fn a_seed_gives_the_same_run_again() {
        let rules = Rules {
            loss: 200,
            duplicate: 100,
            reorder: 100,
            reorder_by: Duration::from_millis(5),
            ..Rules::default()
        };
        assert_eq!(arrivals(rules, 200), arrivals(rules, 200));
        assert!(arrivals(rules, 200).windows(2).any(|two| two[0].1 > two[1].1), "some came late");
    }

    #[test]
    fn loss_and_duplication_have_their_rates() {
        let lost = 10_000 - arrivals(Rules { loss: 300, ..Rules::default() }, 10_000).len();
        assert!((2_800..3_200).contains(&lost), "{lost}");
        let doubled = arrivals(Rules { duplicate: 100, ..Rules::default() }, 10_000).len() - 10_000;
        assert!((900..1_100).contains(&doubled), "{doubled}");
    }

    #[test]
    fn bursts_lose_neighbours() {
        let bursts = Some(Bursts { begin: 10, end: 200, loss: 1000 });
        let mut link = Link::new(3, Rules { bursts, ..Rules::default() });
        let fate: Vec<bool> = (0..10_000).map(|at| link.send(Instant::from_millis(at), b"x")).collect();
        let lost = fate.iter().filter(|came| !**came).count();
        let pairs = fate.windows(2).filter(|two| !two[0] && !two[1]).count();
        assert!((300..700).contains(&lost), "{lost}");
        assert!(pairs * 10 > lost * 7, "{pairs} of {lost} in a row");
    }

    #[test]
    fn a_bottleneck_delays_and_then_drops() {
        let rules = Rules { rate: Some(10_000), queue: 1_000, ..Rules::default() };
        let mut link = Link::new(1, rules);
        let sent = (0..20).filter(|_| link.send(Instant::ZERO, &[0; 100])).count();
        assert_eq!(sent, 10);
        assert_eq!(link.next_arrival(), Instant::from_millis(10));
        assert_eq!(link.counts(), (20, 10));
    }
}
