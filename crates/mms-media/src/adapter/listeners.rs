//! The sockets that a server listens on, in any runtime.

use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use super::datagrams::UdpPort;

/// Wait after the system had no descriptor left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most connections to accept before others get their turn.
pub const ACCEPTS: usize = 64;

/// Listeners `L` of a runtime, each with the UDP port of its number.
#[derive(Debug)]
pub struct Listeners<L> {
    all: Vec<(L, Option<Arc<UdpPort>>)>,
    addresses: Vec<SocketAddr>,
}

impl<L> Listeners<L> {
    /// Listens on these addresses, port 0 being a free one, with UDP beside TCP where `udp` wants it. `watch` makes the
    /// runtime's listener of one that does not block.
    ///
    /// # Errors
    /// If an address cannot be listened on.
    pub fn bind(
        addresses: &[SocketAddr],
        udp: bool,
        mut watch: impl FnMut(TcpListener) -> io::Result<L>,
    ) -> io::Result<Self> {
        let mut bound = Self { all: Vec::new(), addresses: Vec::new() };
        for address in addresses {
            let (listener, port) = UdpPort::listen(*address, udp)?;
            bound.addresses.push(listener.local_addr()?);
            bound.all.push((watch(listener)?, port));
        }
        Ok(bound)
    }

    /// The addresses that are listened on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The listeners and their UDP ports.
    #[must_use]
    pub fn all(&self) -> &[(L, Option<Arc<UdpPort>>)] {
        &self.all
    }

    /// The UDP ports.
    pub fn udp(&self) -> impl Iterator<Item = &Arc<UdpPort>> {
        self.all.iter().filter_map(|(_, port)| port.as_ref())
    }

    /// The next connection, the address of its client and the UDP port beside its listener. `accept` accepts one of a
    /// listener, `pause` waits after the system had no descriptor left. Cancel-safe.
    pub async fn next<S, P: Future>(
        &self,
        mut accept: impl FnMut(&L, &mut Context<'_>) -> Poll<io::Result<(S, SocketAddr)>>,
        pause: impl Fn(Duration) -> P,
    ) -> (S, SocketAddr, Option<&Arc<UdpPort>>) {
        loop {
            let accepted = poll_fn(|cx| {
                for (listener, port) in &self.all {
                    if let Poll::Ready(accepted) = accept(listener, cx) {
                        return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, port.as_ref())));
                    }
                }
                Poll::Pending
            });
            match accepted.await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    // out of descriptors, most likely: others have to end first
                    tracing::warn!(%error, "accept");
                    pause(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
