//! Who may come in, and what a connection gets.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use mms_core::server::{Accepted, Config};
use mms_core::time::Instant;

use super::datagrams::UdpPort;
use super::session::Session;
use super::sessions::Sessions;
use crate::{Clock, Gate, GateLimits, Host, IoLimits};

/// Settings of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Settings of each connection.
    pub connection: Config,
    /// Connections in all and of one address.
    pub gate: GateLimits,
    /// How long connections may take to end in order when the server goes down.
    pub shut_down: Duration,
    /// Most bytes of one read and one write.
    pub io: IoLimits,
    /// The clock of all connections.
    pub clock: Clock,
    /// Whether media may travel over UDP, through a socket with the number of each listener's port.
    pub udp: bool,
    /// Packets that a connection with media over UDP remembers, to send them again.
    pub remembered: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connection: Config::default(),
            gate: GateLimits::default(),
            shut_down: Duration::from_secs(5),
            io: IoLimits::default(),
            clock: Clock::start(),
            udp: true,
            remembered: 4096,
        }
    }
}

/// Time between two warnings that connections were refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// Lets clients in, as many as the gate allows, and gives each a clone of the host.
#[derive(Clone, Debug)]
pub struct Doors<H> {
    options: ServerOptions,
    gate: Gate,
    host: H,
    sessions: Arc<Sessions>,
    refused: Arc<Mutex<Refused>>,
}

/// Connections that were refused, so that a flood of them does not fill the log.
#[derive(Debug, Default)]
struct Refused {
    /// since the last warning
    count: u64,
    warned: Option<Instant>,
}

impl Refused {
    /// Counts one; how many to warn of, if it is time.
    fn count(&mut self, now: Instant) -> Option<u64> {
        self.count = self.count.saturating_add(1);
        if self.warned.is_some_and(|warned| now.since(warned) < REFUSED_PAUSE) {
            return None;
        }
        self.warned = Some(now);
        Some(core::mem::take(&mut self.count))
    }
}

impl<H: Host> Doors<H> {
    /// Doors to what a host publishes.
    #[must_use]
    pub fn new(options: ServerOptions, host: H) -> Self {
        let sessions = Sessions::new(&options.connection.http, options.gate.total);
        Self { gate: Gate::new(options.gate), options, host, sessions, refused: Arc::default() }
    }

    /// How many connections are open, those included that are only told that the server is full.
    #[must_use]
    pub fn open(&self) -> usize {
        self.gate.open() + self.gate.turned_away()
    }

    /// The session of a socket that was accepted, and the UDP socket of its listener. If there are too many, it is one that only tells
    /// the client so, and `None` if there are too many of those as well; at most one warning a second says how many were refused since
    /// the last one. It is boxed, because futures that pass it on would keep room for it more than once.
    #[must_use]
    pub fn admit<J>(&self, peer: SocketAddr, udp: Option<&Arc<UdpPort>>) -> Option<Box<Session<H, J>>> {
        let (permit, host) = match self.gate.admit(peer.ip()) {
            Ok(permit) => (permit, Some(self.host.clone())),
            Err(full) => {
                let now = self.options.clock.now();
                let due = self.refused.lock().unwrap_or_else(PoisonError::into_inner).count(now);
                match due {
                    Some(count) => tracing::warn!(%peer, count, "refused: {full}"),
                    None => tracing::debug!(%peer, "refused: {full}"),
                }
                (self.gate.turn_away(peer.ip())?, None)
            }
        };
        let random = crate::random().inspect_err(|error| tracing::warn!(%peer, %error, "connection")).ok()?;
        let shared = (self.sessions.seat(), udp.map(Arc::clone));
        let accepted = Accepted { peer, random };
        Session::new(&self.options, host, accepted, permit, shared)
            .inspect_err(|error| tracing::warn!(%peer, %error, "connection"))
            .map(Box::new)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_that_is_refused_makes_a_warning_a_second() {
        let mut refused = Refused::default();
        let warned: Vec<_> = (0..2500).filter_map(|ms| refused.count(Instant::from_millis(ms))).collect();
        assert_eq!(warned, [1, 1000, 1000]);
        // those of the flood that were not told yet, and this one
        assert_eq!(refused.count(Instant::from_millis(9000)), Some(500));
    }
}
