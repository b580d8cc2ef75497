//! Connections by token, with a queue of those that are ready and a heap of timers: for adapters that have neither tasks
//! nor timers of a runtime.

use core::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use mms_core::time::Instant;

/// Connections by token, those that are ready in their order, and the moments at which others become ready.
#[derive(Debug)]
pub struct Table<T> {
    /// the first places belong to the listeners and stay empty
    places: Vec<Place<T>>,
    reserved: usize,
    free: Vec<usize>,
    timers: BinaryHeap<Reverse<(Instant, usize, u64)>>,
    ready: VecDeque<usize>,
}

#[derive(Debug)]
struct Place<T> {
    value: Option<T>,
    timer: Instant,
    queued: bool,
    /// counts the values that had this place, so that a timer of an earlier one means nothing
    generation: u64,
}

impl<T> Place<T> {
    fn empty() -> Self {
        Self { value: None, timer: Instant::MAX, queued: false, generation: 0 }
    }
}

impl<T> Table<T> {
    /// A table whose first `reserved` tokens are used otherwise.
    #[must_use]
    pub fn new(reserved: usize) -> Self {
        let places = (0..reserved).map(|_| Place::empty()).collect();
        Self { places, reserved, free: Vec::new(), timers: BinaryHeap::new(), ready: VecDeque::new() }
    }

    /// Whether no connection is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.free.len() + self.reserved == self.places.len()
    }

    /// The tokens that connections may have.
    #[must_use]
    pub fn tokens(&self) -> core::ops::Range<usize> {
        self.reserved..self.places.len()
    }

    /// A token for [`insert`](Self::insert).
    pub fn vacant(&mut self) -> usize {
        if self.free.is_empty() {
            self.free.push(self.places.len());
            self.places.push(Place::empty());
        }
        self.free[self.free.len() - 1]
    }

    /// Gives a connection its token.
    pub fn insert(&mut self, token: usize, value: T) {
        if self.free.last() == Some(&token) {
            self.free.pop();
        }
        let Some(place) = self.places.get_mut(token) else { return };
        *place = Place { value: Some(value), generation: place.generation + 1, ..Place::empty() };
    }

    /// The connection of a token.
    pub fn get(&mut self, token: usize) -> Option<&mut T> {
        self.places.get_mut(token)?.value.as_mut()
    }

    /// Takes a connection out; its token becomes free.
    pub fn remove(&mut self, token: usize) -> Option<T> {
        let value = self.places.get_mut(token)?.value.take()?;
        self.free.push(token);
        Some(value)
    }

    /// Puts a token at the end of the ready ones, once.
    pub fn queue(&mut self, token: usize) {
        if let Some(place) = self.places.get_mut(token)
            && !core::mem::replace(&mut place.queued, true)
        {
            self.ready.push_back(token);
        }
    }

    /// How many are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The one that has been ready longest; it is not any more.
    pub fn pop_ready(&mut self) -> Option<usize> {
        let token = self.ready.pop_front()?;
        self.places[token].queued = false;
        Some(token)
    }

    /// Makes a token ready at a moment. A timer that is earlier stays: a turn too early does no harm.
    pub fn sleep(&mut self, token: usize, until: Instant) {
        let Some(place) = self.places.get_mut(token) else { return };
        if until < place.timer {
            place.timer = until;
            self.timers.push(Reverse((until, token, place.generation)));
        }
    }

    /// When the next token becomes ready; a moment long past if one is.
    #[must_use]
    pub fn wake_at(&self) -> Instant {
        if !self.ready.is_empty() {
            return Instant::ZERO;
        }
        self.timers.peek().map_or(Instant::MAX, |Reverse((at, ..))| *at)
    }

    /// Makes the tokens ready whose moment has come.
    pub fn expire(&mut self, now: Instant) {
        while let Some(Reverse((at, token, generation))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            if self.places[token].generation == generation {
                self.places[token].timer = Instant::MAX;
                self.queue(token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_used_again_and_old_timers_mean_nothing() {
        let mut table = Table::new(2);
        let token = table.vacant();
        assert_eq!(token, 2);
        table.insert(token, 'a');
        table.sleep(token, Instant::from_millis(5));
        assert_eq!(table.remove(token), Some('a'));
        assert!(table.is_empty());
        assert_eq!(table.vacant(), 2);
        table.insert(2, 'b');
        table.expire(Instant::from_millis(9));
        assert_eq!(table.ready(), 0);
        table.queue(2);
        table.queue(2);
        assert_eq!((table.pop_ready(), table.pop_ready()), (Some(2), None));
        assert_eq!(table.tokens(), 2..3);
    }

    #[test]
    fn the_earliest_timer_wakes() {
        let mut table = Table::new(0);
        for moment in [7, 3, 5] {
            let token = table.vacant();
            table.insert(token, moment);
            table.sleep(token, Instant::from_millis(moment));
        }
        assert_eq!(table.wake_at(), Instant::from_millis(3));
        table.expire(Instant::from_millis(5));
        assert_eq!((table.pop_ready(), table.pop_ready(), table.pop_ready()), (Some(1), Some(2), None));
        assert_eq!(table.wake_at(), Instant::from_millis(7));
    }
}
