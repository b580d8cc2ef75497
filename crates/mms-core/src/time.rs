//! Time as an argument: the core never reads a clock.

use core::ops::Add;
use core::time::Duration;

/// A moment in microseconds since an origin that the host chooses once.
///
/// All arithmetic saturates, so a jump of the host's clock cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin of the host's clock.
    pub const ZERO: Self = Self(0);
    /// The end of time; a timer set to it never fires.
    pub const MAX: Self = Self(u64::MAX);

    /// A moment so many microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A moment so many milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment, zero if `earlier` is later.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This moment, later by `duration`, not after the end of time.
    #[must_use]
    #[inline]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This moment, earlier by `duration`, not before the origin.
    #[must_use]
    #[inline]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.after(duration)
    }
}

#[inline]
fn micros(duration: Duration) -> u64 {
    // 64 bits are enough until they saturate, and cheaper than the 128 of `as_micros`
    duration.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(duration.subsec_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Instant::MAX + Duration::from_secs(1), Instant::MAX);
        assert_eq!(Instant::ZERO.before(Duration::MAX), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(Instant::MAX), Duration::ZERO);
        assert_eq!(Instant::from_millis(2).since(Instant::from_micros(500)), Duration::from_micros(1500));
    }
}
