//! Who may come in, and what a connection gets.

use core::net::SocketAddr;
use core::time::Duration;

use mms_core::server::{Accepted, Config};

use super::session::Session;
use crate::{Clock, Gate, GateLimits, Host, IoLimits};

/// Wait after the system had no descriptor left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

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
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            connection: Config::default(),
            gate: GateLimits::default(),
            shut_down: Duration::from_secs(5),
            io: IoLimits::default(),
            clock: Clock::start(),
        }
    }
}

/// Lets clients in, as many as the gate allows, and gives each a clone of the host.
#[derive(Clone, Debug)]
pub struct Doors<H> {
    options: ServerOptions,
    gate: Gate,
    host: H,
}

impl<H: Host> Doors<H> {
    /// Doors to what a host publishes.
    #[must_use]
    pub fn new(options: ServerOptions, host: H) -> Self {
        Self { gate: Gate::new(options.gate), options, host }
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.gate.open()
    }

    /// The session of a socket that was accepted; `None` if there are too many, which is logged. It is boxed,
    /// because futures that pass it on would keep room for it more than once.
    #[must_use]
    pub fn admit<J>(&self, peer: SocketAddr) -> Option<Box<Session<H, J>>> {
        let permit = match self.gate.admit(peer.ip()) {
            Ok(permit) => permit,
            Err(full) => {
                tracing::warn!(%peer, "refused: {full}");
                return None;
            }
        };
        let random = crate::random().inspect_err(|error| tracing::warn!(%peer, %error, "connection")).ok()?;
        Session::new(&self.options, self.host.clone(), Accepted { peer, random }, permit)
            .inspect_err(|error| tracing::warn!(%peer, %error, "connection"))
            .map(Box::new)
            .ok()
    }
}
