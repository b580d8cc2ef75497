//! Who may come in, and what a connection gets.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use mms_core::server::{Accepted, Config};

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

/// Lets clients in, as many as the gate allows, and gives each a clone of the host.
#[derive(Clone, Debug)]
pub struct Doors<H> {
    options: ServerOptions,
    gate: Gate,
    host: H,
    sessions: Arc<Sessions>,
}

impl<H: Host> Doors<H> {
    /// Doors to what a host publishes.
    #[must_use]
    pub fn new(options: ServerOptions, host: H) -> Self {
        let sessions = Sessions::new(&options.connection.http, options.gate.total);
        Self { gate: Gate::new(options.gate), options, host, sessions }
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.gate.open()
    }

    /// The session of a socket that was accepted, and the UDP socket of its listener. If there are too many, which is logged, it is one
    /// that only tells the client so, and `None` if there are too many of those as well. It is boxed, because futures that pass it on
    /// would keep room for it more than once.
    #[must_use]
    pub fn admit<J>(&self, peer: SocketAddr, udp: Option<&Arc<UdpPort>>) -> Option<Box<Session<H, J>>> {
        let (permit, host) = match self.gate.admit(peer.ip()) {
            Ok(permit) => (permit, Some(self.host.clone())),
            Err(full) => {
                tracing::warn!(%peer, "refused: {full}");
                (self.gate.turn_away()?, None)
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
