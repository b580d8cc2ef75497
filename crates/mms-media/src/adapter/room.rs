//! What a turn remembers: the size of the receive storage, and whether anything moved.

use core::time::Duration;

use mms_core::time::Instant;

/// Turns without progress after which a driver is taken for broken.
const IDLE_TURNS: u32 = 1000;
/// How long nothing must come before storage shrinks.
const DRAINED: Duration = Duration::from_secs(2);

/// The size of receive storage: grows while reads fill it, shrinks when it is drained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    least: usize,
    most: usize,
    size: usize,
    last_read: Instant,
}

impl Room {
    pub(super) fn new(least: usize, most: usize) -> Self {
        Self { least, most, size: least, last_read: Instant::ZERO }
    }

    /// Storage that the driver asks for.
    pub(super) fn needed(&mut self, needed: usize) -> Vec<u8> {
        self.size = needed.next_power_of_two();
        vec![0; self.size]
    }

    /// A read filled `count` of `space` bytes; perhaps larger storage is better.
    pub(super) fn read(&mut self, now: Instant, count: usize, space: usize) -> Option<Vec<u8>> {
        self.last_read = now;
        let larger = self.size.saturating_mul(2);
        (count == space && larger <= self.most).then(|| self.needed(larger))
    }

    /// When to look again whether storage is drained.
    pub(super) fn drained_at(&self) -> Instant {
        if self.size > self.least { self.last_read + DRAINED } else { Instant::MAX }
    }

    /// Smaller storage, if it is time for it; [`came_back`](Self::came_back) says what was not taken.
    pub(super) fn shrink(&mut self, now: Instant) -> Option<Vec<u8>> {
        if now < self.drained_at() {
            return None;
        }
        // a frame that is half there keeps its storage
        self.last_read = now;
        Some(vec![0; self.least])
    }

    /// The driver gave back storage after [`shrink`](Self::shrink).
    pub(super) fn came_back(&mut self, storage: &[u8]) {
        if storage.len() > self.least {
            self.size = self.least;
        }
    }
}

/// Turns an endless loop, which would be a bug of a driver, into an error.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guard(u32);

impl Guard {
    pub(super) fn moved(&mut self) {
        self.0 = 0;
    }

    /// Counts a turn in which nothing moved and no time is to be waited for.
    pub(super) fn is_stuck(&mut self) -> bool {
        self.0 = self.0.saturating_add(1);
        self.0 > IDLE_TURNS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_grows_while_reads_fill_it_and_shrinks_when_nothing_comes() {
        let mut room = Room::new(4, 16);
        let second = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        assert_eq!(room.read(second(1), 3, 4), None);
        assert_eq!(room.read(second(1), 4, 4).map(|storage| storage.len()), Some(8));
        assert_eq!(room.read(second(1), 8, 8).map(|storage| storage.len()), Some(16));
        assert_eq!(room.read(second(1), 16, 16), None);
        assert_eq!(room.drained_at(), second(3));
        assert_eq!(room.shrink(second(2)), None);
        assert_eq!(room.shrink(second(3)).map(|storage| storage.len()), Some(4));
        room.came_back(&[0; 4]);
        assert_eq!(room.drained_at(), second(5));
        room.came_back(&[0; 16]);
        assert_eq!(room.drained_at(), Instant::MAX);
    }

    #[test]
    fn a_driver_that_never_moves_is_stuck() {
        let mut guard = Guard::default();
        assert!((0..IDLE_TURNS).all(|_| !guard.is_stuck()));
        assert!(guard.is_stuck());
        guard.moved();
        assert!(!guard.is_stuck());
    }
}
