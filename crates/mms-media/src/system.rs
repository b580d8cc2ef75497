//! What adapters take from the system besides sockets of their runtime.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::TcpListener;

use mms_core::time::Instant;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// The clock of an adapter: the core's moments over the system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Clock {
    /// The moment at which the clock was started.
    pub const ORIGIN: Instant = Instant::ZERO;

    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    /// The system's time of a moment; moments beyond a day from now are brought nearer.
    #[must_use]
    pub fn at(&self, moment: Instant) -> std::time::Instant {
        let now = self.now();
        let wait = moment.since(now).min(Duration::from_secs(86_400));
        self.0 + now.since(Self::ORIGIN) + wait
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
}
