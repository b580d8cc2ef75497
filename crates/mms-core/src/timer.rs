//! A few named timers in an array.

use core::time::Duration;

use crate::error::TimerName;
use crate::time::Instant;

/// Up to `N` timers, each with a name and a deadline.
#[derive(Clone, Debug)]
pub(crate) struct Timers<const N: usize> {
    entries: [(TimerName, Instant); N],
}

impl<const N: usize> Timers<N> {
    pub(crate) fn new(names: [TimerName; N]) -> Self {
        Self { entries: names.map(|name| (name, Instant::MAX)) }
    }

    /// Starts or restarts; a duration of `Duration::MAX` never fires.
    #[inline]
    pub(crate) fn start(&mut self, name: TimerName, now: Instant, duration: Duration) {
        self.set(name, now.after(duration));
    }

    #[inline]
    pub(crate) fn stop(&mut self, name: TimerName) {
        self.set(name, Instant::MAX);
    }

    #[inline]
    pub(crate) fn is_running(&self, name: TimerName) -> bool {
        self.entries.iter().any(|entry| entry.0 == name && entry.1 != Instant::MAX)
    }

    pub(crate) fn stop_all(&mut self) {
        for entry in &mut self.entries {
            entry.1 = Instant::MAX;
        }
    }

    /// The earliest deadline, `Instant::MAX` if none runs.
    #[inline]
    pub(crate) fn next(&self) -> Instant {
        self.entries.iter().map(|entry| entry.1).min().unwrap_or(Instant::MAX)
    }

    /// Stops and names one timer whose deadline has passed.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<TimerName> {
        let entry = self.entries.iter_mut().find(|entry| entry.1 <= now && entry.1 != Instant::MAX)?;
        entry.1 = Instant::MAX;
        Some(entry.0)
    }

    #[inline]
    fn set(&mut self, name: TimerName, deadline: Instant) {
        for entry in &mut self.entries {
            if entry.0 == name {
                entry.1 = deadline;
            }
        }
    }
}
