//! UDP: the socket of a client, and the one that all connections of a listener share.

use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll, Waker};
use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSlice};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mms_core::mmsp::wire::RequestPacketListResend;
use socket2::SockRef;

use super::stream::poll_io;

/// Datagrams that are routed before others get their turn.
const BUDGET: usize = 64;
/// Requests that wait for one connection; more are lost, as in the network.
const MAILBOX: usize = 16;

/// Datagrams that Ethernet carries in one piece.
pub(super) const MTU: usize = 1500;

/// A UDP socket of a runtime, tried without blocking.
pub trait Datagrams {
    /// Receives once.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there.
    fn try_recv_from(&mut self, space: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Ready when receiving is worth trying again; else the context's task is woken then, or the next turn made.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends once.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room.
    fn try_send_to(&mut self, datagram: &[u8], to: SocketAddr) -> io::Result<usize>;
}

/// One datagram; `None` if there is none.
pub(super) fn receive(
    socket: &mut impl Datagrams,
    cx: &mut Context<'_>,
    space: &mut [u8],
) -> Option<io::Result<(usize, SocketAddr)>> {
    let cell = core::cell::RefCell::new(socket);
    let polled = poll_io(|| cell.borrow_mut().try_recv_from(space), || cell.borrow_mut().poll_readable(cx));
    match polled {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// The UDP socket of a listener: media of all its connections goes out through it, and requests for lost packets come in.
#[derive(Debug)]
pub struct UdpPort {
    socket: UdpSocket,
    routes: Mutex<HashMap<(u32, IpAddr), Arc<Mailbox>>>,
}

/// Requests for one connection.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    requests: Mutex<VecDeque<Vec<u8>>>,
    waker: Mutex<Option<Waker>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UdpPort {
    /// Shares a socket that does not block.
    #[must_use]
    pub fn new(socket: UdpSocket) -> Self {
        Self { socket, routes: Mutex::default() }
    }

    /// Listens, with a UDP socket of the same number where `udp` wants one; see
    /// [`listen_with_udp`](crate::listen_with_udp).
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn listen(address: SocketAddr, udp: bool) -> io::Result<(TcpListener, Option<Arc<Self>>)> {
        let (listener, socket) = crate::listen_with_udp(address, udp)?;
        Ok((listener, socket.map(|socket| Arc::new(Self::new(socket)))))
    }

    /// Another handle of the socket, for the runtime to watch.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        self.socket.try_clone()
    }

    /// Hands out requests for lost packets, until it is dropped. `watch` makes the runtime's socket of a handle.
    pub async fn run<D: Datagrams>(self: Arc<Self>, watch: impl FnOnce(UdpSocket) -> io::Result<D>) {
        let mut socket = match self.try_clone().and_then(watch) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "requests for lost packets are not heard");
                return;
            }
        };
        poll_fn(|cx| {
            if self.poll_route(cx, &mut socket).is_ready() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }

    /// Hands datagrams that came in to the connections that own the client's identifier and its address. Ready when others
    /// should have their turn.
    pub fn poll_route(&self, cx: &mut Context<'_>, socket: &mut impl Datagrams) -> Poll<()> {
        // no request is longer
        let mut space = [0; RequestPacketListResend::MAX_LEN];
        for _ in 0..BUDGET {
            match receive(socket, cx, &mut space) {
                Some(Ok((count, from))) => self.route(space.get(..count).unwrap_or_default(), from),
                // what an earlier datagram met with says nothing
                Some(Err(_)) => {}
                None => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn route(&self, datagram: &[u8], from: SocketAddr) {
        let Ok(request) = RequestPacketListResend::decode(datagram) else { return };
        let key = (request.client_id, from.ip().to_canonical());
        let Some(mailbox) = lock(&self.routes).get(&key).cloned() else { return };
        mailbox.put(datagram);
    }

    /// Sends a head and what is behind it with one call; `whole` is room to put them together.
    pub(super) fn send(&self, parts: [&[u8]; 2], to: SocketAddr, whole: &mut [u8; MTU]) -> io::Result<usize> {
        let [head, body] = parts;
        let len = head.len().saturating_add(body.len());
        match whole.get_mut(..len) {
            // one small copy is cheaper than what the system does for two slices
            Some(whole) => {
                let (first, second) = whole.split_at_mut(head.len());
                first.copy_from_slice(head);
                second.copy_from_slice(body);
                self.socket.send_to(whole, to)
            }
            None => SockRef::from(&self.socket).send_to_vectored(&parts.map(IoSlice::new), &to.into()),
        }
    }

    pub(super) fn register(&self, client_id: u32, client: IpAddr, mailbox: &Arc<Mailbox>) {
        lock(&self.routes).insert((client_id, client.to_canonical()), Arc::clone(mailbox));
    }

    pub(super) fn unregister(&self, client_id: u32, client: IpAddr, mailbox: &Arc<Mailbox>) {
        let mut routes = lock(&self.routes);
        let key = (client_id, client.to_canonical());
        if routes.get(&key).is_some_and(|other| Arc::ptr_eq(other, mailbox)) {
            routes.remove(&key);
        }
    }
}

impl Mailbox {
    fn put(&self, request: &[u8]) {
        let mut requests = lock(&self.requests);
        if requests.len() < MAILBOX {
            requests.push_back(request.to_vec());
        }
        drop(requests);
        if let Some(waker) = lock(&self.waker).take() {
            waker.wake();
        }
    }

    /// The next request; if there is none, the task is woken when one comes.
    pub(super) fn take(&self, cx: &mut Context<'_>) -> Option<Vec<u8>> {
        let mut requests = lock(&self.requests);
        let request = requests.pop_front();
        if request.is_none() {
            let mut waker = lock(&self.waker);
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        request
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use mms_core::mmsp::wire::Sequences;

    use super::*;

    fn request(client_id: u32) -> Vec<u8> {
        let sequences = Sequences::new(&[1, 2]).unwrap();
        let mut out = vec![0; 20];
        RequestPacketListResend { client_id, source_id: 1, sequences }.encode(&mut out).unwrap();
        out
    }

    #[test]
    fn requests_reach_only_the_connection_that_owns_identifier_and_address() {
        let port = UdpPort::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let mailbox = Arc::default();
        let client: IpAddr = [192, 0, 2, 1].into();
        port.register(7, client, &mailbox);
        let mut cx = Context::from_waker(Waker::noop());
        port.route(&request(8), SocketAddr::new(client, 9));
        port.route(&request(7), SocketAddr::from(([192, 0, 2, 2], 9)));
        port.route(b"nonsense", SocketAddr::new(client, 9));
        assert_eq!(mailbox.take(&mut cx), None);
        port.route(&request(7), SocketAddr::new(client, 9));
        assert_eq!(mailbox.take(&mut cx), Some(request(7)));
        (0..100).for_each(|_| port.route(&request(7), SocketAddr::new(client, 9)));
        assert_eq!(core::iter::from_fn(|| mailbox.take(&mut cx)).count(), MAILBOX, "bounded");
        port.unregister(7, client, &Arc::default());
        port.route(&request(7), SocketAddr::new(client, 9));
        assert!(mailbox.take(&mut cx).is_some(), "somebody else's place stays");
        port.unregister(7, client, &mailbox);
        port.route(&request(7), SocketAddr::new(client, 9));
        assert_eq!(mailbox.take(&mut cx), None);
    }
}
