//! Settings of a receiver, and the purse that its requests are paid from.

use core::time::Duration;

/// Settings of a [`Receiver`](super::Receiver). The document names none of them (section 2.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// A packet is lost when so many later ones came ...
    pub reorder_packets: u32,
    /// ... or when it is missed for so long.
    pub reorder_time: Duration,
    /// How long a missing packet is asked for before it is given up: the time until it must be played.
    pub patience: Duration,
    /// Time between two requests for a packet until a round trip was measured.
    pub round_trip: Duration,
    /// Least and most time between two requests for a packet.
    pub spacing: (Duration, Duration),
    /// Tenths of a request number that each lost packet pays into the pool; a number costs ten.
    pub tenths_per_loss: u32,
    /// Numbers that the pool holds at the start.
    pub first_numbers: u32,
    /// Most numbers that the pool holds.
    pub most_numbers: u32,
    /// Most numbers that wait for an answer at a time.
    pub outstanding: usize,
    /// Silence behind ReportEndOfStream that ends a stream of unknown length.
    pub silence: Duration,
    /// Datagrams with repeated requests after which a server that never answered is taken for one without
    /// resends.
    pub unanswered: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            reorder_packets: 3,
            reorder_time: Duration::from_millis(80),
            patience: Duration::from_secs(4),
            round_trip: Duration::from_millis(200),
            spacing: (Duration::from_millis(20), Duration::from_secs(1)),
            tenths_per_loss: 25,
            first_numbers: 16,
            most_numbers: 512,
            outstanding: 256,
            silence: Duration::from_millis(500),
            unanswered: 24,
        }
    }
}

/// What one number of a request costs.
const COST: u32 = 10;

/// Numbers that may still be asked for, in tenths. Each loss pays in, so requests stay in proportion to
/// losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    tenths: u32,
    most: u32,
}

impl Pool {
    pub(super) fn new(config: &Config) -> Self {
        let tenths = |numbers: u32| numbers.saturating_mul(COST);
        Self { tenths: tenths(config.first_numbers), most: tenths(config.most_numbers) }
    }

    pub(super) fn pay_in(&mut self, tenths: u32) {
        self.tenths = self.tenths.saturating_add(tenths).min(self.most);
    }

    pub(super) fn take_back(&mut self, tenths: u32) {
        self.tenths = self.tenths.saturating_sub(tenths);
    }

    /// Pays for one number.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.tenths.checked_sub(COST);
        self.tenths = left.unwrap_or(self.tenths);
        left.is_some()
    }
}

/// The measured round trip of requests, smoothed as a transport protocol does it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    smoothed: Option<u64>,
    variation: u64,
    spacing: u64,
    least: u64,
    most: u64,
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl RoundTrip {
    pub(super) fn new(config: &Config) -> Self {
        let (least, most) = (micros(config.spacing.0), micros(config.spacing.1));
        let spacing = micros(config.round_trip).min(most).max(least);
        Self { smoothed: None, variation: 0, spacing, least, most }
    }

    /// How long to wait before a packet is asked for again.
    pub(super) fn spacing(&self) -> Duration {
        Duration::from_micros(self.spacing)
    }

    pub(super) fn smoothed(&self) -> Option<Duration> {
        self.smoothed.map(Duration::from_micros)
    }

    /// A packet that was asked for once came.
    pub(super) fn sample(&mut self, sample: Duration) {
        let sample = micros(sample);
        let smoothed = match self.smoothed {
            None => {
                self.variation = sample >> 1;
                sample
            }
            Some(smoothed) => {
                let difference = smoothed.abs_diff(sample) >> 2;
                self.variation = (self.variation.saturating_mul(3) >> 2).saturating_add(difference);
                (smoothed.saturating_mul(7) >> 3).saturating_add(sample >> 3)
            }
        };
        self.smoothed = Some(smoothed);
        let spacing = smoothed.saturating_add(self.variation.saturating_mul(4));
        self.spacing = spacing.min(self.most).max(self.least);
    }

    /// A packet that was asked for more than once came: nobody knows which request it answers. As long as
    /// nothing was measured, wait longer, so that the next answer can be told.
    pub(super) fn ambiguous(&mut self) {
        if self.smoothed.is_none() {
            self.spacing = self.spacing.saturating_mul(2).min(self.most).max(self.least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_pays_for_two_numbers_and_a_half() {
        let config = Config { first_numbers: 0, ..Config::default() };
        let mut pool = Pool::new(&config);
        assert!(!pool.spend());
        pool.pay_in(config.tenths_per_loss);
        pool.pay_in(config.tenths_per_loss);
        assert_eq!((0..9).filter(|_| pool.spend()).count(), 5);
        (0..1000).for_each(|_| pool.pay_in(config.tenths_per_loss));
        assert_eq!((0..1000).filter(|_| pool.spend()).count(), 512, "the pool is bounded");
    }

    #[test]
    fn requests_are_spaced_by_more_than_the_measured_round_trip() {
        let mut trip = RoundTrip::new(&Config::default());
        assert_eq!(trip.spacing(), Duration::from_millis(200));
        trip.ambiguous();
        assert_eq!(trip.spacing(), Duration::from_millis(400));
        for _ in 0..20 {
            trip.sample(Duration::from_millis(60));
        }
        trip.ambiguous();
        let spacing = trip.spacing();
        assert!(spacing >= Duration::from_millis(60) && spacing < Duration::from_millis(70), "{spacing:?}");
        trip.sample(Duration::MAX);
        assert_eq!(trip.spacing(), Duration::from_secs(1));
    }
}
