//! How fast a server may send: a ceiling for resends, and small bursts for clients that cannot ask for them.

use core::time::Duration;

use crate::time::Instant;

/// Bytes that may be sent in the long run and at once.
///
/// Whoever knows the Client-ID can ask a server to send datagrams to the client (section 5.1): no more than
/// this.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    per_second: u64,
    most: u64,
    tokens: u64,
    /// Part of a token, in millionths.
    rest: u64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(now: Instant, bytes_per_second: u64, burst_bytes: u64) -> Self {
        Self { per_second: bytes_per_second, most: burst_bytes, tokens: burst_bytes, rest: 0, filled_at: now }
    }

    /// Takes so many bytes, if they are there.
    pub fn take(&mut self, now: Instant, bytes: usize) -> bool {
        self.fill(now);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let left = self.tokens.checked_sub(bytes);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    fn fill(&mut self, now: Instant) {
        let micros = u64::try_from(now.since(self.filled_at).as_micros()).unwrap_or(u64::MAX);
        self.filled_at = self.filled_at.max(now);
        let millionths = self.per_second.saturating_mul(micros).saturating_add(self.rest);
        self.rest = millionths % 1_000_000;
        self.tokens = self.tokens.saturating_add(millionths / 1_000_000).min(self.most);
    }
}

/// Bursts of datagrams with pauses between them, for clients that send no resend requests: VLC loses
/// datagrams from bursts of 32 KB even on loopback.
#[derive(Clone, Copy, Debug)]
pub struct BurstPacer {
    burst_bytes: usize,
    pause: Duration,
    left: usize,
    last: Option<Instant>,
}

impl BurstPacer {
    /// Half of what VLC was seen to lose from.
    pub const BURST_BYTES: usize = 16 * 1024;
    /// Time for the client to take a burst from its socket.
    pub const PAUSE: Duration = Duration::from_millis(5);

    /// Bursts of at most so many bytes, or of one datagram; a pause ends a burst.
    #[must_use]
    pub fn new(burst_bytes: usize, pause: Duration) -> Self {
        Self { burst_bytes, pause, left: burst_bytes, last: None }
    }

    /// When a datagram of `len` bytes may leave; `now` if at once.
    #[must_use]
    pub fn free_at(&self, now: Instant, len: usize) -> Instant {
        match self.last {
            Some(last) if len > self.left => last.after(self.pause).max(now),
            _ => now,
        }
    }

    /// A datagram of `len` bytes left.
    pub fn sent(&mut self, now: Instant, len: usize) {
        if self.last.is_none_or(|last| now >= last.after(self.pause)) {
            self.left = self.burst_bytes;
        }
        self.left = self.left.saturating_sub(len);
        self.last = Some(now);
    }
}

impl Default for BurstPacer {
    fn default() -> Self {
        Self::new(Self::BURST_BYTES, Self::PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_leaves_the_bucket_than_burst_and_rate_allow() {
        let mut bucket = TokenBucket::new(Instant::ZERO, 10_000, 3_000);
        let mut taken = 0;
        for millis in 0..10_000 {
            while bucket.take(Instant::from_millis(millis), 1_000) {
                taken += 1_000;
            }
        }
        assert_eq!(taken, 3_000 + 99_000, "a second has 10,000 bytes, the last millisecond not yet");
        assert!(!bucket.take(Instant::MAX, 3_001));
        assert!(bucket.take(Instant::ZERO, 3_000), "time that jumps back takes nothing away");
    }

    #[test]
    fn bursts_of_at_most_16_kib_are_5_ms_apart() {
        let mut pacer = BurstPacer::default();
        let mut now = Instant::from_millis(100);
        let mut sent = std::vec::Vec::new();
        for _ in 0..100 {
            now = pacer.free_at(now, 1_408);
            pacer.sent(now, 1_408);
            sent.push(now);
        }
        let bursts: std::vec::Vec<_> = sent.chunk_by(|a, b| a == b).collect();
        assert!(bursts.iter().all(|burst| burst.len() * 1_408 <= BurstPacer::BURST_BYTES));
        assert_eq!(bursts.len(), 100_usize.div_ceil(11));
        assert!(bursts.windows(2).all(|two| two[1][0].since(two[0][0]) == BurstPacer::PAUSE));
    }

    #[test]
    fn a_datagram_larger_than_a_burst_leaves_alone() {
        let mut pacer = BurstPacer::new(100, Duration::from_millis(5));
        let now = Instant::from_millis(1);
        assert_eq!(pacer.free_at(now, 1_000), now);
        pacer.sent(now, 1_000);
        assert_eq!(pacer.free_at(now, 1_000), Instant::from_millis(6));
        let later = Instant::from_millis(6);
        assert_eq!(pacer.free_at(later, 1_000), later);
    }
}
