//! What adapters take from the system besides sockets of their runtime.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use mms_core::time::Instant;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// Longest wait by a clock that is set by hand, so that a change is soon seen.
const MANUAL_WAIT: Duration = Duration::from_millis(4);
/// Longest wait by the system's clock.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// The clock of an adapter: the core's moments over the system's monotonic clock, or set by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(std::time::Instant),
    Manual(ManualClock),
}

impl Clock {
    /// The moment at which the clock was started.
    pub const ORIGIN: Instant = Instant::ZERO;

    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Source::System(std::time::Instant::now()))
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System(origin) => Instant::ZERO + origin.elapsed(),
            Source::Manual(clock) => clock.now(),
        }
    }

    /// How long to wait for a moment, at most a day. By a clock that is set by hand this is short.
    #[must_use]
    pub fn wait(&self, until: Instant) -> Duration {
        let longest = match &self.0 {
            Source::System(_) => LONGEST_WAIT,
            Source::Manual(_) => MANUAL_WAIT,
        };
        until.since(self.now()).min(longest)
    }

    /// The system's time until which to wait for a moment.
    #[must_use]
    pub fn at(&self, until: Instant) -> std::time::Instant {
        std::time::Instant::now() + self.wait(until)
    }
}

/// A clock that stands still until it is set, for tests: whoever waits by it looks again every few milliseconds.
/// Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// The moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::Acquire))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Instant) {
        self.0.store(now.as_micros(), Ordering::Release);
    }

    /// Sets the clock forward.
    pub fn advance(&self, duration: Duration) {
        let forward = |micros| Some((Instant::from_micros(micros) + duration).as_micros());
        // the closure always gives a value
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, forward);
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self(Source::Manual(clock))
    }
}

/// Most bytes of one read and one write. Small limits give other connections their turn sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoLimits {
    /// Of one read.
    pub read: usize,
    /// Of one write.
    pub write: usize,
}

impl Default for IoLimits {
    fn default() -> Self {
        Self { read: 1 << 18, write: 1 << 18 }
    }
}

impl IoLimits {
    /// Shortens the slices of a write to the limit and returns how many are left.
    pub fn cut(&self, slices: &mut [&[u8]]) -> usize {
        let mut left = self.write;
        for (index, slice) in slices.iter_mut().enumerate() {
            if left == 0 {
                return index;
            }
            *slice = &slice[..slice.len().min(left)];
            left -= slice.len();
        }
        slices.len()
    }
}

/// Listens without blocking. An IPv6 address takes IPv6 only, so that the same port can be listened on for
/// IPv4 beside it.
///
/// # Errors
/// If the system refuses.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // a server that is started again need not wait for connections of its predecessor
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Unpredictable bytes.
///
/// # Errors
/// If the system has none.
pub fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_cut_at_the_limit() {
        let limits = IoLimits { read: 0, write: 5 };
        let mut slices = [&b"abc"[..], b"defg", b"h"];
        assert_eq!(limits.cut(&mut slices), 2);
        assert_eq!(slices[..2], [&b"abc"[..], b"de"]);
        assert_eq!(IoLimits { read: 0, write: 3 }.cut(&mut [&b"abc"[..], b"d"]), 1);
        assert_eq!(IoLimits::default().cut(&mut [&b"abc"[..], b"d"]), 2);
    }

    #[test]
    fn a_moment_far_away_is_a_time_that_the_system_has() {
        let clock = Clock::start();
        assert!(clock.at(Instant::MAX) > std::time::Instant::now());
        assert!(clock.at(Instant::ZERO) <= std::time::Instant::now());
        assert!(random().unwrap() != random().unwrap());
    }

    #[test]
    fn a_clock_set_by_hand_stands_still_and_jumps() {
        let hand = ManualClock::default();
        let clock = Clock::from(hand.clone());
        assert_eq!(clock.now(), Instant::ZERO);
        hand.advance(Duration::from_secs(3600));
        assert_eq!(clock.now(), Instant::ZERO + Duration::from_secs(3600));
        hand.set(Instant::from_millis(5));
        assert_eq!(clock.now(), Instant::from_millis(5));
        hand.advance(Duration::MAX);
        assert_eq!(clock.now(), Instant::MAX);
        assert_eq!(clock.wait(Instant::MAX), Duration::ZERO);
    }
}
